"""Answers of a hospital to its queries: read from the query workbooks it sends back, kept with who, when and where.

A workbook lies in `extracts/<hospital>/answers/`, or is the one under `reports/` that somebody filled in where it lay; that
one is copied to the others before it is written anew. Answers are only added, never changed: the last one of a query counts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from etl.delivery.read import ROW, Grid, is_desktop_file, read_delivery
from etl.errors import AnswerError, DeliveryError, RegistryError
from etl.kept_files import keep_file, replace_keeping
from etl.mapping.identity import mask_personal_data
from etl.pages.text import Text
from etl.settings import Settings
from etl.store.database import Warehouse
from etl.store.warehouse import open_for_reading
from schemas.bookkeeping import ANSWERS as ANSWER_COLUMNS
from schemas.column import read_dtypes

ANSWERS_FOLDER = "answers"
WORKBOOK = "queries.xlsx"
CORRECTED, CONFIRMED, NOT_AVAILABLE, COMMENT = "corrected", "confirmed", "not_available", "comment"
ANSWERS: Mapping[str, Text] = {
    CORRECTED: Text("corrected in source", "已在源数据中更正"),
    CONFIRMED: Text("confirmed correct", "核实无误"),
    NOT_AVAILABLE: Text("not available", "无法获得"),
    COMMENT: Text("comment", "见备注"),
}
QUERY_ID = Text("Query id", "质疑编号")
DELIVERY = Text("Delivery", "数据批次")
VALUE = Text("Value", "原值")
QUESTION = Text("What is asked", "质疑内容（英文）")
ANSWER = Text("Answer", "答复")
REMARK = Text("Comment", "备注")
ANSWERED_BY = Text("Answered by", "答复人")
_NOT_STATED = "not stated"
_INGEST_OF_DELIVERY = re.compile(r"#(\d+)$")
_SHOWN_FAULTS = 20
_COLUMNS = (QUERY_ID, VALUE, QUESTION, ANSWER, REMARK)
# Workbooks of the first versions name no delivery: which ingest their answers are about is not known.
_LATER_COLUMNS = (DELIVERY,)


@dataclass(frozen=True)
class _Workbook:
    path: Path
    file_hash: str


def name_delivery(delivery: str, ingest_id: int) -> str:
    """Return a delivery as the workbook names it: two deliveries may bear one name, so the ingest's number follows."""
    return f"{delivery} #{ingest_id}"


def normalise_cell(text: pl.Expr) -> pl.Expr:
    """Return a cell as it is compared with what was written into it: spreadsheet programs change blanks and line ends."""
    return text.fill_null("").str.replace_all(r"\s+", " ").str.strip_chars()


def read_new_answers(settings: Settings, hospital: str) -> pl.DataFrame:
    """Return the answers of a hospital's workbooks that are not in the warehouse yet.

    Columns: those of `schemas.bookkeeping.ANSWERS` but answer_id, hospital and taken_at.

    Raises:
        AnswerError: a workbook that cannot be read, an unknown query or answer; lists every fault with its cell.
    """
    waiting = settings.reports_dir / "quality" / hospital / WORKBOOK
    may_be_answered = waiting.exists() and not is_as_written(waiting)
    paths = [*_list_workbooks(settings, hospital), *([waiting] if may_be_answered else [])]
    known, findings = _read_known(settings, hospital)
    seen = set(known["file_hash"])
    workbooks = [_Workbook(path, _hash_file(path)) for path in paths]
    new = {book.file_hash: book for book in workbooks if book.file_hash not in seen}
    return _drop_repeated(_read_workbooks(list(new.values()), findings), known)


def store_answers(warehouse: Warehouse, hospital: str, answers: pl.DataFrame) -> None:
    """Add answers to those of the warehouse, inside the caller's transaction."""
    last = int(warehouse.query("select coalesce(max(answer_id), 0) as n from answers")["n"][0])
    rows = answers.with_row_index("answer_id", offset=last + 1).with_columns(
        pl.col("answer_id").cast(pl.Int64),
        hospital=pl.lit(hospital),
        taken_at=pl.lit(datetime.now(UTC).isoformat(timespec="seconds")),
    )
    warehouse.append("main.answers", rows)


def keep_workbook(settings: Settings, hospital: str) -> Path | None:
    """Copy the hospital's query workbook to its answers where somebody has answered in it, before anything is written anew.

    Returns the copy, or None where there is nothing to keep. A workbook that cannot be read is kept as well.

    Raises:
        NotKeptError: the copy cannot be made.
    """
    path = settings.reports_dir / "quality" / hospital / WORKBOOK
    folder = settings.extracts_dir / hospital / ANSWERS_FOLDER
    return keep_file(path, folder) if path.exists() and _has_answers(path) else None


def replace_workbook(settings: Settings, new: Path, path: Path) -> None:
    """Put a new query workbook in place of `path` in its hospital's folder; answers written into that are kept as answers.

    Raises:
        NotKeptError: they cannot be kept; the workbook is as it was.
    """
    written = _hash_file(new)
    replace_keeping(new, path, settings.extracts_dir / path.parent.name / ANSWERS_FOLDER, _has_answers)
    mark_as_written(path, written)


def _list_workbooks(settings: Settings, hospital: str) -> list[Path]:
    folder = settings.extracts_dir / hospital / ANSWERS_FOLDER
    return sorted(p for p in folder.glob("*") if p.is_file() and not is_desktop_file(p))


def _hash_file(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise AnswerError(
            f"{path.name}: the file cannot be opened ({error.strerror}). Close it in other programs.",
            f"{path.name}：无法打开文件（{error.strerror}）。请关闭占用该文件的程序。",
        ) from None


def _locate_mark(path: Path) -> Path:
    """Where the hash of a workbook is kept as it was written: one that still has it need not be opened to see that nobody answered."""
    return path.with_name(f".{path.name}.sha256")


def mark_as_written(path: Path, file_hash: str) -> None:
    """Note what a file holds as it was written, so that it can be seen whether a person changed it since."""
    _locate_mark(path).write_text(file_hash, encoding="ascii")


def is_as_written(path: Path) -> bool:
    """Return whether nobody changed a file since it was written; False where that was not noted."""
    mark = _locate_mark(path)
    return mark.is_file() and mark.read_bytes() == _hash_file(path).encode()


def _has_answers(path: Path) -> bool:
    try:
        if is_as_written(path):
            return False
        grid, columns = _find_queries(path)
    except RegistryError:
        return True
    return any(row[columns[ANSWER.en]] or row[columns[REMARK.en]] for row in _list_rows(grid, columns[QUERY_ID.en]))


def _read_known(settings: Settings, hospital: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the answers of a hospital and the ids of its findings, of all ingests."""
    empty = {"finding_id": pl.String, "file_hash": pl.String}
    if not settings.warehouse_path.exists():
        return pl.DataFrame(schema=empty), pl.DataFrame(schema=empty)
    with open_for_reading(settings.warehouse_path) as warehouse:
        answers = warehouse.query("select * from answers where hospital = ? order by answer_id", [hospital])
        findings = warehouse.query("select distinct finding_id from marts.finding where hospital = ?", [hospital])
    return answers, findings


def _read_workbooks(workbooks: list[_Workbook], findings: pl.DataFrame) -> pl.DataFrame:
    """Return the answers of workbooks, or raise all their faults at once."""
    ids = set(findings["finding_id"])
    answers: list[dict[str, Any]] = []
    faults: list[Text] = []
    for book in workbooks:
        try:
            _read_workbook(book, ids, answers, faults)
        except DeliveryError as error:
            faults.append(Text(error.en, error.zh))
    if faults:
        more = len(faults) - _SHOWN_FAULTS
        rest = Text(f"\n  ... and {more} more", f"\n  …… 另有 {more} 处") if more > 0 else Text("", "")
        shown = faults[:_SHOWN_FAULTS]
        raise AnswerError(
            "The answers cannot be taken, and nothing was loaded:\n  " + "\n  ".join(f.en for f in shown) + rest.en,
            "答复无法读取，未载入任何数据：\n  " + "\n  ".join(f.zh for f in shown) + rest.zh,
        )
    schema = {
        name: dtype
        for name, dtype in read_dtypes(ANSWER_COLUMNS).items()
        if name not in ("answer_id", "hospital", "taken_at")
    }
    return pl.DataFrame(answers, schema=schema)


def _read_workbook(book: _Workbook, ids: set[str], answers: list[dict[str, Any]], faults: list[Text]) -> None:
    grid, columns = _find_queries(book.path)
    author = _find_author(grid, columns)
    asked: dict[str, int] = {}
    for row in _list_rows(grid, columns[QUERY_ID.en]):
        text = {name: (row[column] or "").strip() for name, column in columns.items()}
        if not (text[ANSWER.en] or text[REMARK.en]):
            continue
        fault = _find_fault(text, ids, asked)
        if fault:
            column, words = fault
            place = f"{grid.label}, row {row[ROW]}, column '{column.en}'"
            place_zh = f"{grid.label}，第 {row[ROW]} 行，“{column.zh}”列"
            faults.append(Text(f"{place}: {words.en}", f"{place_zh}：{words.zh}"))
            continue
        asked[text[QUERY_ID.en]] = row[ROW]
        ingest = _INGEST_OF_DELIVERY.search(text.get(DELIVERY.en, ""))
        answers.append({
            "finding_id": text[QUERY_ID.en], "answer": _read_answer(text[ANSWER.en]) if text[ANSWER.en] else COMMENT,
            "comment": mask_personal_data(text[REMARK.en]) or None, "value": text[VALUE.en], "message_en": text[QUESTION.en],
            "answered_by": author, "ingest_id": int(ingest[1]) if ingest else None, "source_file": book.path.name,
            "source_row": row[ROW], "file_hash": book.file_hash,
        })  # fmt: skip


def _find_fault(text: Mapping[str, str], ids: set[str], asked: Mapping[str, int]) -> tuple[Text, Text] | None:
    """Return the column at fault and what is wrong there. What was typed is not repeated: it may be a patient's value."""
    query, answer = text[QUERY_ID.en], text[ANSWER.en]
    if query not in ids:
        return QUERY_ID, Text("no query of this hospital has this id.", "本院没有此编号的质疑。")
    if query in asked:
        return QUERY_ID, Text(
            f"this query is answered in row {asked[query]} too.", f"该质疑在第 {asked[query]} 行已答复。"
        )
    if answer and _read_answer(answer) is None:
        choices = Text(*("; ".join(getattr(label, lang) for label in ANSWERS.values()) for lang in ("en", "zh")))
        return ANSWER, Text(f"choose one of the list: {choices.en}.", f"请从列表中选择：{choices.zh}。")
    if _read_answer(answer) == COMMENT and not text[REMARK.en]:
        return REMARK, Text("the comment is empty.", "备注为空。")
    return None


def _read_answer(text: str) -> str | None:
    written = " ".join(text.split()).casefold()
    for code, label in ANSWERS.items():
        if written in (label.en, label.zh, f"{label.zh} {label.en}"):
            return code
    return None


def _find_queries(path: Path) -> tuple[Grid, dict[str, str]]:
    """Return the sheet of a workbook that holds the queries, below its header, and the position of each column.

    Raises:
        DeliveryError: the file cannot be read, or no sheet has the columns of a query workbook.
    """
    for grid in read_delivery(path).grids:
        for row in grid.cells.iter_rows(named=True):
            position = {_read_label(text): name for name, text in row.items() if name != ROW and text}
            if {label.en for label in _COLUMNS} <= set(position):
                known = (label.en for label in (*_COLUMNS, *_LATER_COLUMNS))
                return grid, {name: position[name] for name in known if name in position}
    raise DeliveryError(
        f"{path.name}: this is no query workbook: no sheet has the columns {', '.join(c.en for c in _COLUMNS)}. Take it out of "
        f"the folder '{ANSWERS_FOLDER}', or put back the columns.",
        f"{path.name}：不是质疑表：没有工作表含有{'、'.join(c.zh for c in _COLUMNS)}列。请将其移出“{ANSWERS_FOLDER}”文件夹，或恢复这些列。",
    )


def _read_label(text: str) -> str:
    """Return the English half of a heading, whose second line it is."""
    return text.strip().splitlines()[-1].strip()


def _list_rows(grid: Grid, query_column: str) -> Iterator[dict[str, Any]]:
    """Yield the rows below the header."""
    is_below = False
    for row in grid.cells.iter_rows(named=True):
        if is_below:
            yield row
        is_below = is_below or _read_label(str(row[query_column] or "-")) == QUERY_ID.en


def _find_author(grid: Grid, columns: Mapping[str, str]) -> str:
    """Return what stands beside `Answered by`: a name of the staff, so it is kept as written."""
    for row in grid.cells.iter_rows(named=True):
        cells = [text for name, text in row.items() if name != ROW]
        labels = [i for i, text in enumerate(cells) if text and _read_label(text) == ANSWERED_BY.en]
        if labels:
            return next((text.strip() for text in cells[labels[0] + 1 :] if text and text.strip()), _NOT_STATED)
        if _read_label(str(row[columns[QUERY_ID.en]] or "-")) == QUERY_ID.en:
            break
    return _NOT_STATED


def _drop_repeated(answers: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Leave out what is kept already: the same answer to the same question about the same ingest."""
    if known.is_empty() or answers.is_empty():
        return answers
    said = ["finding_id", "answer", "comment", "value", "message_en", "ingest_id"]
    return answers.join(known.select(said), on=said, how="anti", nulls_equal=True, maintain_order="left")
