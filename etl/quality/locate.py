"""The hospital's own patient number beside each question, written at home: it needs the mapping and the deliveries, no database and no key.

A number is found by its place alone, and only where the question's check code says that the row is of these very bytes. So a wrong
delivery, or a row in which something was changed, gets no number and not another's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.delivery.files import hash_file, hash_places, name_files
from etl.delivery.read import read_delivery
from etl.errors import AnswerError, ChangedWhileReadError, DeliveryError, UsageError
from etl.mapping.numbers_by_place import NUMBER, list_patient_numbers
from etl.mapping.read_site import load_site
from etl.pages.text import Text
from etl.quality.answer_rows import ASKED, Row, Sheet, read_sheet
from etl.quality.answer_words import CHECK, FILE, ROW_NUMBER, SHEET
from etl.quality.located_copy import Located, write_located_copy
from etl.quality.row_checks import compute_check, fold_cell
from etl.settings import Settings, find_site, list_hospitals

COPY_SUFFIX = "_with_patient_numbers.xlsx"
_Place = tuple[str, str, str]
_UNKNOWN = Text(
    "not of the deliveries named, or a cell of this row was changed; compare it with the workbook as it came",
    "不属于所指明的提交，或本行单元格已被改动；请与收到的原工作簿核对",
)
_NO_CODE = Text(
    "this row has no check code: it is not known for sure which delivery brought it, or the workbook is of an earlier version; ask for a new one",
    "本行没有核对码：无法确定来自哪次提交，或工作簿由旧版本生成；请索取新的工作簿",
)
_NO_ROW = Text("this question is about no single row", "该质疑不针对某一行")
_NO_NUMBER = Text(
    "the row of the delivery names no patient, or is none of a patient", "提交数据的该行没有患者编号，或并非患者数据行"
)
_SEVERAL = Text("the row of the delivery has more than one patient number", "提交数据的该行有多个患者编号")


@dataclass(frozen=True)
class Summary:
    """What was written: the copy, how many questions have a number, and which rows of the workbook have none, with the reason."""

    path: Path
    n_found: int
    without: Sequence[tuple[int, Text]]


@dataclass(frozen=True)
class _Numbers:
    """The patient numbers of one delivery by their places; where it is a single file its name does not count."""

    by_place: Mapping[_Place, frozenset[str]]
    is_single: bool
    is_synthetic: bool

    def find(self, row: Row) -> frozenset[str]:
        """Return the numbers in the row that a question is about."""
        file = "" if self.is_single else _fold_name(row.read(FILE))
        return self.by_place.get((file, _fold_name(row.read(SHEET)), fold_cell(row.read(ROW_NUMBER))), frozenset())


def locate(settings: Settings, workbook: Path, deliveries: Sequence[Path]) -> Summary:
    """Write beside a query workbook a copy with the hospital's own patient number in each row; it is read by the account alone.

    Raises:
        UsageError: the workbook lies in a workspace, whose files name no patient, or there is such a copy already.
        AnswerError: it is no query workbook.
        DeliveryError: a delivery is none that the workbook asks about, or cannot be read.
    """
    target = _name_copy(settings, workbook)
    sheet = _read_workbook(workbook)
    hashes = {path: _hash(path) for path in deliveries}
    origins = {(h, digest) for h in list_hospitals(settings) for digest in hashes.values()}
    matched = {row.number: found for row in sheet.rows if (found := _find_origin(row, origins))}
    _check_deliveries(settings, workbook, hashes, matched)
    numbers = {origin: _read_numbers(settings, origin, hashes) for origin in sorted(set(matched.values()))}
    located = [_locate_row(row, matched.get(row.number), numbers) for row in sheet.rows]
    write_located_copy(target, located, is_synthetic=any(found.is_synthetic for found in numbers.values()))
    without = [(one.row.number, one.reason) for one in located if one.reason]
    return Summary(target, len(located) - len(without), without)


def _name_copy(settings: Settings, workbook: Path) -> Path:
    target = workbook.with_name(workbook.stem + COPY_SUFFIX)
    if target.resolve().is_relative_to(settings.workspace.resolve()):
        raise UsageError(
            f"'{workbook}' lies in the workspace '{settings.workspace}', whose reports and backups name no patient. Copy the workbook to a folder of the "
            "hospital's own, and give that copy.",
            f"“{workbook}”位于工作区“{settings.workspace}”内，其报告和备份不得含患者身份信息。请将工作簿复制到本院自己的文件夹，再指明该文件。",
        )
    if target.exists():
        raise UsageError(
            f"'{target}' is there already, and is not written over. Delete it, or move it away.",
            f"“{target}”已存在，不会被覆盖。请删除或移走。",
        )
    return target


def _read_workbook(path: Path) -> Sheet:
    try:
        return read_sheet(path, ASKED)
    except DeliveryError as error:
        raise AnswerError(error.en, error.zh) from None


def _hash(path: Path) -> str:
    if not path.exists():
        raise DeliveryError(f"There is no file or folder '{path}'.", f"找不到文件或文件夹“{path}”。")
    return hash_places({name: hash_file(file) for file, name in name_files(path).items()})


def _find_origin(row: Row, origins: set[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the hospital and the delivery's hash by which a row's check code was made; None where it is of none of them."""
    code = row.read(CHECK)
    return next((origin for origin in sorted(origins) if code and compute_check(*origin, row.read) == code), None)


def _check_deliveries(
    settings: Settings, workbook: Path, hashes: Mapping[Path, str], matched: Mapping[int, tuple[str, str]]
) -> None:
    """Refuse deliveries that brought no row of the workbook: nothing may be looked up in them."""
    used = {digest for _, digest in matched.values()}
    wrong = [path.name for path, digest in hashes.items() if digest not in used]
    if not wrong:
        return
    known = ", ".join(list_hospitals(settings))
    names, zh_names = ", ".join(wrong), "、".join(wrong)
    raise DeliveryError(
        f"{workbook.name} asks about no row of: {names}. Its bytes are not those that were sent, files of it are missing or have other names, or the "
        f"hospital's mapping is not here. Nothing was written. Give the very files that were sent, as they were. Hospitals with a mapping here: {known}.",
        f"{workbook.name} 的质疑均不涉及：{zh_names}。其内容与所交文件不同、缺少文件、文件已改名，或此处没有该医院的映射。未写入任何文件。请指明当时提交的原文件。此处有映射的医院：{known}。",
    )


def _read_numbers(settings: Settings, origin: tuple[str, str], hashes: Mapping[Path, str]) -> _Numbers:
    hospital, digest = origin
    path = next(path for path, own in hashes.items() if own == digest)
    delivery = read_delivery(path)
    if delivery.places_hash != digest:
        raise ChangedWhileReadError(
            f"The delivery '{path}' changed while it was read. Nothing was written. Run the command again.",
            f"提交内容“{path}”在读取期间发生变化。未写入任何文件。请重新运行。",
        )
    is_single = len(name_files(path)) == 1
    found: dict[_Place, set[str]] = {}
    site = load_site(find_site(settings, hospital))
    for file, sheet, row, number in list_patient_numbers(delivery, site).drop_nulls(NUMBER).iter_rows():
        found.setdefault(("" if is_single else _fold_name(file), _fold_name(sheet), str(row)), set()).add(number)
    return _Numbers({place: frozenset(own) for place, own in found.items()}, is_single, delivery.is_synthetic)


def _fold_name(text: str | None) -> str:
    return unicodedata.normalize("NFC", fold_cell(text))


def _locate_row(row: Row, origin: tuple[str, str] | None, numbers: Mapping[tuple[str, str], _Numbers]) -> Located:
    found = sorted(numbers[origin].find(row)) if origin else []
    return Located(row, found[0] if len(found) == 1 else None, next(_tell_reasons(row, origin, found), None))


def _tell_reasons(row: Row, origin: tuple[str, str] | None, found: Sequence[str]) -> Iterator[Text]:
    """Yield why a row has no number, the first that holds first."""
    if not row.read(CHECK):
        yield _NO_CODE
    if origin is None:
        yield _UNKNOWN
    if not row.read(ROW_NUMBER):
        yield _NO_ROW
    if not found:
        yield _NO_NUMBER
    if len(found) > 1:
        yield _SEVERAL
