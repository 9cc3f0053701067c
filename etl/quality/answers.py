"""Answers of a hospital to its queries: read from the query workbooks it sends back, kept with who, when and where.

A workbook lies in `extracts/<hospital>/answers/`, in the folder `answers` beside a delivery that is named, or is one under
`reports/` that somebody filled in where it lay; that one is copied to the others before it is written anew. Answers are
only added, never changed: the last one of a query counts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from etl.delivery.files import TEXT_FILES, WORKBOOKS, is_desktop_file
from etl.errors import AnswerError, ChangedWhileReadError, DeliveryError, PasswordError
from etl.kept_files import keep_file, replace_keeping
from etl.mapping.personal_forms import mask_personal_data
from etl.pages.text import Text
from etl.quality.answer_rows import LocatedCopyError, Row, Sheet, find_faults, read_sheet
from etl.quality.answer_words import (
    ANSWER,
    ANSWERS_FOLDER,
    COMMENT,
    DELIVERY,
    QUERY_ID,
    REMARK,
    can_be_confirmed,
    read_answer,
)
from etl.quality.former_ids import find_present_ids
from etl.settings import Settings
from etl.store.database import Warehouse
from etl.store.erase import hash_query
from etl.store.shape import SCHEMA_COLUMN
from etl.store.warehouse import open_for_reading
from etl.whole_files import write_whole
from schemas.bookkeeping import ANSWERS as ANSWER_COLUMNS
from schemas.column import read_dtypes

WORKBOOK = "queries.xlsx"
REST = "queries_more.csv"
_INGEST_OF_DELIVERY = re.compile(r"#(\d+)$")
_SHOWN_FAULTS = 20
_SCHEMA = {
    name: dtype
    for name, dtype in read_dtypes(ANSWER_COLUMNS).items()
    if name not in ("answer_id", "hospital", "taken_at")
}


@dataclass(frozen=True)
class _Workbook:
    """A file that may hold answers: `is_put_there` among answers, so that it must be read; `is_of_hospital` where no other's can lie."""

    path: Path
    file_hash: str
    is_put_there: bool
    is_of_hospital: bool


@dataclass(frozen=True)
class _Taken:
    """A workbook as it was read."""

    book: _Workbook
    sheet: Sheet


def name_delivery(delivery: str, ingest_id: int) -> str:
    """Return a delivery as the workbook names it: two deliveries may bear one name, so the ingest's number follows."""
    return f"{delivery} #{ingest_id}"


def read_new_answers(settings: Settings, hospital: str, extract: Path | None = None) -> pl.DataFrame:
    """Return the answers of a hospital's workbooks that are not in the warehouse yet; `extract` is the delivery that is named.

    Columns: those of `schemas.bookkeeping.ANSWERS` but answer_id, hospital and taken_at.

    Raises:
        AnswerError: a workbook that cannot be read, an unknown query or answer, a row that is not as it was asked; lists every
            fault with its cell.
        ChangedWhileReadError: somebody saved or copied a workbook meanwhile.
    """
    while True:
        with suppress(_WrittenMeanwhileError):
            return _read_new_answers(settings, hospital, extract)


class _WrittenMeanwhileError(Exception):
    """Another command wrote the workbook anew while it was read, and has kept among the answers what somebody wrote into it."""


def _read_new_answers(settings: Settings, hospital: str, extract: Path | None) -> pl.DataFrame:
    known = _read_known(settings, hospital)
    seen = set(known["file_hash"])
    books = {book.file_hash: book for book in _list_workbooks(settings, hospital, extract)}
    faults: list[Text] = []
    taken = list(_read_workbooks([book for key, book in books.items() if key not in seen], faults))
    taken = _leave_out_erased(settings, hospital, taken)
    renamed = find_present_ids(settings, {row.read(QUERY_ID) for one in taken for row in one.sheet.rows})
    if renamed:  # who was erased may have been so under either id
        taken = _leave_out_erased(settings, hospital, [replace(one, sheet=one.sheet.rename(renamed)) for one in taken])
    asked = _read_asked(settings, hospital, {row.read(QUERY_ID) for one in taken for row in one.sheet.rows})
    ours = [
        one for one in taken if one.book.is_of_hospital or any(row.read(QUERY_ID) in asked for row in one.sheet.rows)
    ]
    answers = _take_answers(ours, asked, faults)
    if faults:
        raise _refuse(faults)
    return _drop_repeated(pl.DataFrame(answers, schema=_SCHEMA), known)


def read_answers(settings: Settings, hospital: str, new: pl.DataFrame) -> pl.DataFrame:
    """Return all answers of a hospital, those in the warehouse and then `new` ones, in the order in which they count.

    Columns: those of `read_new_answers`.
    """
    return pl.concat([_read_known(settings, hospital).select(*_SCHEMA), new])


def store_answers(warehouse: Warehouse, hospital: str, answers: pl.DataFrame) -> pl.DataFrame:
    """Add answers to those of the warehouse, inside the caller's transaction; return those that no other command took meanwhile."""
    known = warehouse.query("select * from answers where hospital = ? order by answer_id", [hospital])
    answers = _drop_repeated(answers, known)
    last = int(warehouse.query("select coalesce(max(answer_id), 0) as n from answers")["n"][0])
    rows = answers.with_row_index("answer_id", offset=last + 1).with_columns(
        pl.col("answer_id").cast(pl.Int64),
        hospital=pl.lit(hospital),
        taken_at=pl.lit(datetime.now(UTC).isoformat(timespec="seconds")),
    )
    if rows.height:
        warehouse.look_at_answers(hospital)
        warehouse.append("main.answers", rows)
    return answers


def keep_workbook(settings: Settings, hospital: str) -> Path | None:
    """Copy the hospital's query workbook to its answers where somebody has changed it, before anything is written anew.

    Returns the copy, or None where there is nothing to keep. Whatever was changed is kept: a comment alone, an answer that cannot be
    taken, a workbook that cannot be read.

    Raises:
        NotKeptError: the copy cannot be made.
    """
    path = settings.reports_dir / "quality" / hospital / WORKBOOK
    folder = settings.extracts_dir / hospital / ANSWERS_FOLDER
    return keep_file(path, folder) if path.exists() and _is_changed(path) else None


def replace_workbook(settings: Settings, new: Path, path: Path) -> None:
    """Put a new query workbook in place of `path` in its hospital's folder; one that somebody changed is kept among the answers.

    Raises:
        NotKeptError: it cannot be kept; the workbook is as it was.
    """
    replace_written(new, path, settings.extracts_dir / path.parent.name / ANSWERS_FOLDER)


def replace_written(new: Path, path: Path, folder: Path) -> None:
    """Put a new file in place of one that a person may have changed since it was written; then a copy of that is kept in `folder`.

    Both hashes are noted meanwhile, so that neither file is taken for a changed one wherever the process ends.

    Raises:
        NotKeptError: it cannot be kept; the file is as it was.
    """
    written = _hash_file(new)
    before = _read_marks(path)
    _mark_as_written(path, [*before, written])
    replace_keeping(new, path, folder, _is_changed)
    _mark_as_written(path, [written])


def _list_workbooks(settings: Settings, hospital: str, extract: Path | None) -> Iterable[_Workbook]:
    """Yield the files that may hold answers: those put among the answers, those beside the delivery, and those under reports."""
    own = settings.extracts_dir / hospital / ANSWERS_FOLDER
    beside = (extract.parent / ANSWERS_FOLDER,) if extract else ()
    for folder in (own, *(other for other in beside if other.resolve() != own.resolve())):
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and not is_desktop_file(p)):
            yield _Workbook(path, _hash_file(path), is_put_there=True, is_of_hospital=folder == own)
    for path in sorted((settings.reports_dir / "quality" / hospital).glob("*")):
        may_be = path.suffix.lower() in (*WORKBOOKS, *TEXT_FILES) and not path.name.startswith(Path(REST).stem)
        if may_be and not is_desktop_file(path) and not is_as_written(path):
            is_the_one = path.name == WORKBOOK
            yield _Workbook(path, _hash_file(path), is_put_there=is_the_one, is_of_hospital=is_the_one)


def _hash_file(path: Path) -> str:
    try:
        with path.open("rb") as file:  # it may be larger than memory, and its reader says so
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AnswerError(
            f"{path.name}: the file cannot be opened ({error.strerror}). Close it in other programs.",
            f"{path.name}：无法打开文件（{error.strerror}）。请关闭占用该文件的程序。",
        ) from None


def _locate_mark(path: Path) -> Path:
    """Where the hash of a workbook is kept as it was written: one that still has it need not be opened to see that nobody answered."""
    return path.with_name(f".{path.name}.sha256")


def _mark_as_written(path: Path, hashes: Iterable[str]) -> None:
    """Note what a file holds as it was written, so that it can be seen whether a person changed it since."""
    write_whole(_locate_mark(path), "\n".join(hashes).encode("ascii"))


def _read_marks(path: Path) -> list[str]:
    mark = _locate_mark(path)
    return mark.read_text(encoding="ascii", errors="replace").split() if mark.is_file() else []


def is_as_written(path: Path) -> bool:
    """Return whether nobody changed a file since it was written; False where that was not noted."""
    return _hash_file(path) in _read_marks(path)


def _is_changed(path: Path) -> bool:
    """Return whether a person may have changed a file; one that cannot be read is taken to be changed."""
    try:
        return not is_as_written(path)
    except AnswerError:
        return True


def _read_known(settings: Settings, hospital: str) -> pl.DataFrame:
    """Return the answers of a hospital that were taken, the last one last."""
    if not settings.warehouse_path.exists():
        return pl.DataFrame(schema=read_dtypes(ANSWER_COLUMNS))
    with open_for_reading(settings.warehouse_path) as warehouse:
        return warehouse.query("select * from answers where hospital = ? order by answer_id", [hospital])


def _leave_out_erased(settings: Settings, hospital: str, taken: Sequence[_Taken]) -> list[_Taken]:
    """Return workbooks without the rows about patients who withdrew and were erased: nothing of them is taken, and nothing is wrong with them."""
    if not taken or not settings.warehouse_path.exists():
        return [*taken]
    with open_for_reading(settings.warehouse_path) as warehouse:
        erased = set(
            warehouse.query("select query_hash from erased_query where hospital = ?", [hospital])["query_hash"]
        )
    if not erased:
        return [*taken]
    return [
        replace(
            one,
            sheet=replace(
                one.sheet, rows=[row for row in one.sheet.rows if hash_query(row.read(QUERY_ID)) not in erased]
            ),
        )
        for one in taken
    ]


def _read_asked(settings: Settings, hospital: str, ids: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what was asked under each of the ids, as of every ingest, the last one last, with `can_be_confirmed`.

    Of ingests from before readings were kept, what can be confirmed is not known: there nothing is refused, and what cannot
    count is not counted.
    """
    if not ids or not settings.warehouse_path.exists():
        return {}
    with open_for_reading(settings.warehouse_path) as warehouse:
        found = warehouse.query(
            "select * from versions.findings where hospital = ? and list_contains(?, finding_id) order by ingest_id",
            [hospital, sorted(ids)],
        )
        since = warehouse.query(
            f"select since_ingest_id from {SCHEMA_COLUMN} where table_name = 'versions.findings' and column_name = 'reading'"  # noqa: S608
        )["since_ingest_id"][0]
    told = found.with_columns(can_be_confirmed=can_be_confirmed() | (pl.col("ingest_id") < since))
    asked: dict[str, list[dict[str, Any]]] = {}
    for row in told.iter_rows(named=True):
        asked.setdefault(row["finding_id"], []).append(row)
    return asked


def _read_workbooks(books: Sequence[_Workbook], faults: list[Text]) -> Iterable[_Taken]:
    for book in books:
        try:
            taken = _Taken(book, read_sheet(book.path))
        except PasswordError as error:
            raise PasswordError(
                f"{error.en} No answer was taken and nothing was loaded: what was answered waits where it lies.",
                f"{error.zh}未采用任何答复，也未载入数据：已填写的内容保留在原处。",
            ) from None
        except DeliveryError as error:
            _check_unchanged(book)
            if book.is_put_there or isinstance(error, LocatedCopyError):
                faults.append(Text(error.en, error.zh))
            continue
        _check_unchanged(book)
        yield taken


def _check_unchanged(book: _Workbook) -> None:
    """Refuse a workbook that is not what it was before it was read: what is taken is what is hashed."""
    if _hash_file(book.path) != book.file_hash:
        if is_as_written(book.path):
            raise _WrittenMeanwhileError
        raise ChangedWhileReadError(
            f"{book.path.name}: somebody saved or copied this workbook while it was read. Nothing of it was taken. Run the command again.",
            f"{book.path.name}：读取期间该文件被保存或复制。未采用其中任何内容。请重新运行。",
        )


def _take_answers(
    taken: Sequence[_Taken], asked: Mapping[str, Sequence[Mapping[str, Any]]], faults: list[Text]
) -> list[dict[str, Any]]:
    """Return the answers of workbooks; what cannot be taken is added to the faults, each with its cell."""
    answers: list[dict[str, Any]] = []
    given: dict[str, tuple[_Taken, Row]] = {}
    for one in taken:
        for row in one.sheet.rows:
            queries = _find_queries_of(row, asked)
            wrong = list(find_faults(row, queries))
            if not wrong and row.is_answered:
                wrong = list(_find_contradiction(one, row, given))
            faults += [_say_where(one.sheet.label, row, column, words) for column, words in wrong]
            if row.is_answered and not wrong:
                given.setdefault(row.read(QUERY_ID), (one, row))
                answers.append(_make_answer(one, row, queries[-1]))
    # The last one counts: somebody's choice before another's bare comment.
    return sorted(answers, key=lambda answer: answer["answer"] != COMMENT)


def _find_queries_of(row: Row, asked: Mapping[str, Sequence[Mapping[str, Any]]]) -> Sequence[Mapping[str, Any]]:
    """Return what was asked under a row's id in the ingest that it names; where there is no such one, in any."""
    queries = asked.get(row.read(QUERY_ID), ())
    named = _find_named_ingest(row)
    return [query for query in queries if query["ingest_id"] == named] or queries


def _find_named_ingest(row: Row) -> int | None:
    named = _INGEST_OF_DELIVERY.search(row.read(DELIVERY))
    return int(named[1]) if named else None


def _find_contradiction(one: _Taken, row: Row, given: Mapping[str, tuple[_Taken, Row]]) -> Iterable[tuple[Text, Text]]:
    """Yield that a query is answered twice: in one workbook, or otherwise in the copy of somebody else."""
    if row.read(QUERY_ID) not in given:
        return
    other, before = given[row.read(QUERY_ID)]
    said, said_before = (read_answer(each.read(ANSWER)) or COMMENT for each in (row, before))
    if other is one:
        words = Text(f"this query is answered in row {before.number} too.", f"该质疑在第 {before.number} 行已答复。")
        yield QUERY_ID, words
    elif said != said_before and COMMENT not in (said, said_before):
        place = f"{other.sheet.label}, row {before.number}", f"{other.sheet.label}，第 {before.number} 行"
        yield (
            ANSWER,
            Text(
                f"another copy answers this query otherwise ({place[0]}). Leave the answer that holds in one of them.",
                f"另一份质疑表对该质疑的答复不同（{place[1]}）。请只保留其中有效的答复。",
            ),
        )


def _say_where(label: str, row: Row, column: Text, words: Text) -> Text:
    return Text(
        f"{label}, row {row.number}, column '{column.en}': {words.en}",
        f"{label}，第 {row.number} 行，“{column.zh}”列：{words.zh}",
    )


def _make_answer(one: _Taken, row: Row, query: Mapping[str, Any]) -> dict[str, Any]:
    named = _find_named_ingest(row)
    return {
        "finding_id": row.read(QUERY_ID), "answer": read_answer(row.read(ANSWER)) or COMMENT,
        "comment": mask_personal_data(row.read(REMARK)) or None, "value": query["value"] or "", "message_en": query["message_en"],
        "answered_by": one.sheet.author, "ingest_id": named if named == query["ingest_id"] else None, "source_file": one.book.path.name,
        "source_row": row.number, "file_hash": one.book.file_hash,
    }  # fmt: skip


def _refuse(faults: Sequence[Text]) -> AnswerError:
    more = len(faults) - _SHOWN_FAULTS
    rest = Text(f"\n  ... and {more} more", f"\n  …… 另有 {more} 处") if more > 0 else Text("", "")
    shown = faults[:_SHOWN_FAULTS]
    return AnswerError(
        "The answers cannot be taken, and nothing was loaded:\n  " + "\n  ".join(f.en for f in shown) + rest.en,
        "答复无法读取，未载入任何数据：\n  " + "\n  ".join(f.zh for f in shown) + rest.zh,
    )


def _drop_repeated(answers: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Leave out what is kept already: the same answer to the same question about the same ingest."""
    if known.is_empty() or answers.is_empty():
        return answers
    said = ["finding_id", "answer", "comment", "value", "message_en", "ingest_id"]
    return answers.join(known.select(said), on=said, how="anti", nulls_equal=True, maintain_order="left")
