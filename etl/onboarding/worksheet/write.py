"""The worksheet of a new hospital: what a person must decide about its mapping, in Excel, the weightiest first.

Everything from the delivery is written as text. Values are shown only as `profile.show_values` allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from etl.mapping.parse import MISSING
from etl.mapping.site import EVERY_FIELD, EVERY_TABLE, normalise_text
from etl.onboarding.kept import replace_filled
from etl.onboarding.proposing.draft import ALL_ROWS, ColumnDraft, Draft
from etl.onboarding.proposing.layout import FoundSource
from etl.onboarding.proposing.no_value import is_value
from etl.onboarding.proposing.proposal import SURE
from etl.onboarding.proposing.words import (
    ASK,
    IDENTIFIER,
    NATIONAL_ID,
    NOT_NEEDED,
    NOT_SENT,
    PATIENT_NUMBER,
    UNIT_COLUMN,
    VALUE,
    VISIT_OF_ROW,
    list_meanings,
    read_fields,
)  # fmt: skip
from etl.onboarding.worksheet.entries import Written
from etl.onboarding.worksheet.form import (
    ACCEPT,
    ASKED_ONCE,
    AUTHOR_ROWS,
    CODE_COLUMNS,
    CODES,
    COLUMN_COLUMNS,
    COLUMNS,
    DECISION,
    EXPLANATION,
    FIELDS,
    HEADER_ROW,
    LEFT_OUT,
    NO_RECORDS,
    NOTE,
    ONLY_ROWS,
    README,
    RECORD,
    SHEET_CHOICES,
    SHEET_COLUMNS,
    SHEETS,
    UNIT,
    WORKSHEET,
)  # fmt: skip
from etl.onboarding.worksheet.permission_rows import write_permission
from etl.pages.disclosure import SMALL_CELL_THRESHOLD
from etl.pages.labels import label_field, label_test
from etl.pages.spreadsheet import CELL_LIMIT, fit_height, open_workbook
from etl.pages.synthetic_marks import IN_WORKBOOKS
from etl.pages.text import Text
from schemas.codes import LabTest, Organ
from schemas.field_effects import list_field_effects

_NUMBERS_LISTED = 10
_ROLE_NAMES = {
    PATIENT_NUMBER: Text("the hospital's patient number", "医院患者编号"),
    NATIONAL_ID: Text("national identity number", "身份证号"),
    IDENTIFIER: Text("another identifier: never stored", "其他身份信息：不存储"),
    NOT_NEEDED: Text("not needed", "不需要"),
    NOT_SENT: Text("not sent any more", "不再提供"),
    VISIT_OF_ROW: Text("the visit of this row, for all its records", "本行的访视号（适用于本行全部记录）"),
    UNIT_COLUMN: Text("unit of the laboratory value in this row", "本行检验结果的单位"),
}


def write_worksheet(draft: Draft, path: Path, written: Written | None = None) -> Path:
    """Write the worksheet of a draft, with what a person wrote into an earlier one; the same draft gives the same file. Returns the path."""
    written = written or Written()
    with open_workbook(path, "Mapping worksheet", replace_filled) as book:
        formats = _make_formats(book)
        _write_readme(book, formats, draft, written, asks_once=path.name == WORKSHEET)
        if path.name == WORKSHEET:
            write_permission(partial(_start_sheet, book, formats), formats, draft, written)
        _write_columns(book, formats, draft, written)
        _write_codes(book, formats, draft, written)
        _write_sheets(book, formats, draft, written)
        _write_fields(book, formats)
    return path


def name_meaning(meaning: str) -> str:
    """Return a meaning as the worksheet's list shows it: its id, then its name in both languages."""
    label = describe_meaning(meaning)
    return f"{meaning} | {label.zh} {label.en}"


def _name_proposal(column: ColumnDraft) -> str:
    if not column.meaning:
        return "–"
    unit = f" [{column.unit}]" if column.unit else ""
    return name_meaning(column.meaning) + unit


def describe_meaning(meaning: str) -> Text:
    """Return a meaning in words."""
    found = list_meanings().get(meaning)
    if meaning in _ROLE_NAMES or found is None:
        return _ROLE_NAMES.get(meaning, Text("the same for all rows", "各行相同"))
    constants = dict(item.split("=") for item in found.record.strip("?").split(";") if item)
    if "test" in constants:
        return label_test(LabTest(constants["test"]))
    label = label_field(found.table, found.field)
    if "organ" not in constants:
        return label
    organ = Organ(constants["organ"])
    form = Text(" (check box)", "（勾选）") if found.record.startswith("?") else Text("", "")
    return Text(f"{label.en}: {organ.value.replace('_', ' ')}{form.en}", f"{label.zh}：{organ.zh}{form.zh}")


def rank_open(column: ColumnDraft) -> tuple[int, int, int]:
    """Rank an open decision: who the patient is, then what most results hang on, then what most rows fill."""
    found = list_meanings().get(column.meaning)
    n_results = len(list_field_effects(found.table, found.field)) if found and found.field else 0
    return (0 if column.meaning in (PATIENT_NUMBER, NATIONAL_ID, IDENTIFIER) else 1, -n_results, -column.n_filled)


def _make_formats(book: xlsxwriter.Workbook) -> dict[str, Any]:
    base = {"valign": "top", "font_size": 11, "text_wrap": True}
    cell = {**base, "border": 1, "border_color": "#D8DEE4", "num_format": "@"}
    return {
        "title": book.add_format({"bold": True, "font_size": 15}),
        "banner": book.add_format({"bold": True, "bg_color": "#FFF6DD", "font_color": "#4D3300"}),
        "head": book.add_format({**cell, "bold": True, "bg_color": "#E6EEF4"}),
        "text": book.add_format(cell),
        "open": book.add_format({**cell, "bg_color": "#FFF2B3"}),
        "plain": book.add_format(base),
    }  # fmt: skip


def _start_sheet(
    book: xlsxwriter.Workbook,
    formats: dict[str, Any],
    name: str,
    columns: Sequence[tuple[Text, int]],
    draft: Draft,
) -> Any:
    sheet = book.add_worksheet(name)
    sheet.write_string(0, 0, name, formats["title"])
    if draft.is_synthetic:
        sheet.write_string(1, 0, IN_WORKBOOKS, formats["banner"])
    for place, (label, width) in enumerate(columns):
        sheet.set_column(place, place, width)
        sheet.write_string(HEADER_ROW, place, f"{label.zh}\n{label.en}", formats["head"])
    sheet.set_row(HEADER_ROW, 34)
    sheet.freeze_panes(HEADER_ROW + 1, 3)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEADER_ROW)
    return sheet


def _write_readme(
    book: xlsxwriter.Workbook, formats: dict[str, Any], draft: Draft, written: Written, *, asks_once: bool
) -> None:
    sheet = book.add_worksheet(README)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 1, 62)
    sheet.write_string(0, 0, f"Mapping of {draft.hospital}", formats["title"])
    sheet.write_string(0, 1, f"{draft.hospital} 的数据对应表", formats["title"])
    if draft.is_synthetic:
        sheet.merge_range(1, 0, 1, 1, IN_WORKBOOKS, formats["banner"])
    for label, row in AUTHOR_ROWS.items():
        choices = [f"{choice.zh} {choice.en}" for choice in ASKED_ONCE.get(label, {}).values()]
        if choices and not asks_once:
            continue
        sheet.write_string(row, 0, f"{label.zh} {label.en}", formats["head"])
        told = written.names.get(label.en, "") or (choices[0] if choices else "")
        _write_decision(sheet, row, 1, told, formats["open"])
        if choices:
            sheet.data_validation(row, 1, row, 1, {"validate": "list", "source": choices})
    n_open = sum(c.is_open for c in draft.columns) + sum(c.is_open for c in draft.codes)
    n_open += len(draft.moved) + len(draft.contradicting)
    told = [
        Text(f"Delivery: {draft.delivery}", f"数据批次：{draft.delivery}"),
        Text(f"Open decisions: {n_open}", f"待决定：{n_open} 项"),
    ]
    for row, line in enumerate([*told, *EXPLANATION], start=9):
        sheet.write_string(row, 0, line.en, formats["plain"])
        sheet.write_string(row, 1, line.zh, formats["plain"])
        sheet.set_row(row, fit_height((line.en, 62), (line.zh, 62)))


def _write_sheets(book: xlsxwriter.Workbook, formats: dict[str, Any], draft: Draft, written: Written) -> None:
    sheet = _start_sheet(book, formats, SHEETS, SHEET_COLUMNS, draft)
    for row, source in enumerate(draft.sources, start=HEADER_ROW + 1):
        proposed = NO_RECORDS if source.reason else Text("records", "有记录")
        is_open = source.name in draft.moved or source.name in draft.contradicting
        texts = [
            source.name,
            source.place,
            "–" if source.header_row is None else source.header_place,
            str(source.rows.height),
            "; ".join(filter(None, _describe_source(source, draft))),
            f"{proposed.zh} {proposed.en}",
        ]
        _write_texts(sheet, row, texts, SHEET_COLUMNS, formats["text"])
        own = written.sheets.get(source.place, {})
        decision = own.get(DECISION.en) or ("" if is_open else f"{ACCEPT.zh} {ACCEPT.en}")
        _write_decision(sheet, row, len(texts), decision, formats["open" if is_open else "text"])
        for place, label in enumerate((NOTE, ONLY_ROWS, LEFT_OUT), start=len(texts) + 1):
            _write_decision(sheet, row, place, own.get(label.en, ""), formats["text"])
    choices = {"validate": "list", "source": [f"{c.zh} {c.en}" for c in SHEET_CHOICES], "error_type": "information"}
    sheet.data_validation(HEADER_ROW + 1, 6, HEADER_ROW + len(draft.sources), 6, choices)


def _describe_source(source: FoundSource, draft: Draft) -> Iterator[str]:
    yield source.reason or ""
    yield f"encoding / 编码 {source.encoding}" if source.encoding else ""
    yield from draft.facts.get(source.name, ())
    yield from (f"{told.en} / {told.zh}" for told in source.writing.told)
    yield "merged cells hold for all their rows / 合并单元格的内容适用于其所有行" if source.has_merged else ""
    for place in source.nameless:
        yield (
            f"column {place} has values but no name: a delivery is refused until it has one or is empty / 第 {place} 列有内容但没有表头：补上表头或清空后方可入库"
        )
    for rule, n in source.left_out.items():
        en, _, zh = rule.partition(" / ")
        yield f"left out / 不读取: {en} {zh} ({n})"
    if source.header_row is None:
        yield "no header row: the columns are called by their place / 无表头，按位置命名"
    if source.patient_rows:
        yield "a patient's rows make one record / 同一患者各行合为一条记录"
    if n := draft.contradicting.get(source.name):
        told = str(n) if n >= SMALL_CELL_THRESHOLD else f"<{SMALL_CELL_THRESHOLD}"
        yield (
            f"the rows of {told} patients contradict each other: “as proposed” asks about each, “last row counts” takes the last one / "
            f"{told} 名患者的各行相互矛盾：“同意建议”将逐一询问，“以最后一行为准”取最后一行"
        )
    if source.name in draft.moved:
        yield f"the header moved from row {draft.moved[source.name]} / 表头原在第 {draft.moved[source.name]} 行"


def _write_columns(book: xlsxwriter.Workbook, formats: dict[str, Any], draft: Draft, written: Written) -> None:
    sheet = _start_sheet(book, formats, COLUMNS, COLUMN_COLUMNS, draft)
    places = {source.name: source.place for source in draft.sources}
    order = sorted((c for c in draft.columns if c.is_open), key=rank_open) + [c for c in draft.columns if not c.is_open]
    for number, column in enumerate(order, start=1):
        filled = f"{column.n_filled / column.n_rows:.0%}" if column.n_rows else "–"
        texts = [
            str(number),
            column.source,
            column.item,
            filled,
            "; ".join(filter(None, (column.label, column.kind, *column.date_styles, column.told_read, column.seen))),
            _name_proposal(column),
            f"{min(column.confidence, column.unit_confidence):.0%}" if column.meaning else "–",
            "\n".join(f"{r.zh} {r.en}" for r in (column.reason, column.unit_reason) if r.en),
        ]
        _write_texts(sheet, HEADER_ROW + number, texts, COLUMN_COLUMNS, formats["text"])
        own = (written.columns.get((places.get(column.source, ""), column.item)) or [{}])[0]
        _write_column_decision(sheet, HEADER_ROW + number, _decide_column(column, own), column, formats)
    added = _list_added(draft, written)
    for number, (source, item, own) in enumerate(added, start=len(order) + 1):
        _write_texts(
            sheet, HEADER_ROW + number, [str(number), source, item, *[""] * 5], COLUMN_COLUMNS, formats["text"]
        )
        _write_column_decision(sheet, HEADER_ROW + number, own, None, formats)
    last = HEADER_ROW + max(len(order) + len(added), 1)
    choices = {"validate": "list", "source": f"='{FIELDS}'!$A$2:$A${len(list_meanings()) + 3}", "error_type": "warning"}
    sheet.data_validation(HEADER_ROW + 1, 8, last, 8, choices)
    sheet.autofilter(HEADER_ROW, 0, last, len(COLUMN_COLUMNS) - 1)


def _decide_column(column: ColumnDraft, own: Mapping[str, str]) -> Mapping[str, str]:
    """Return what stands in the cells of a person: what they wrote, else what the registry is sure of."""
    if any(own.values()):
        return own
    meaning = name_meaning(column.meaning) if column.confidence >= SURE else ""
    unit = column.unit if column.unit_confidence >= SURE else ""
    return {DECISION.en: meaning, RECORD.en: column.record, UNIT.en: unit}


def _write_column_decision(
    sheet: Any, row: int, cells: Mapping[str, str], column: ColumnDraft | None, formats: dict[str, Any]
) -> None:
    is_open = {
        DECISION.en: column is not None and column.confidence < SURE,
        UNIT.en: column is not None and column.unit_confidence < SURE,
    }
    for place, label in enumerate((DECISION, RECORD, UNIT, NOTE), start=8):
        style = formats["open" if is_open.get(label.en) else "text"]
        _write_decision(sheet, row, place, cells.get(label.en, ""), style)


def _list_added(draft: Draft, written: Written) -> list[tuple[str, str, Mapping[str, str]]]:
    """Return source, column and cells of the rows that a person added: further fields of a column, and constants."""
    known = {
        (source.name, column.item)
        for source in draft.sources
        for column in draft.columns
        if column.source == source.name
    }
    names = {source.place: source.name for source in draft.sources}
    return [
        (names[place], item, own)
        for (place, item), rows in written.columns.items()
        if place in names and ((names[place], item) in known or item.startswith(ALL_ROWS))
        for own in rows[(names[place], item) in known :]
    ]


def _write_codes(book: xlsxwriter.Workbook, formats: dict[str, Any], draft: Draft, written: Written) -> None:
    sheet = _start_sheet(book, formats, CODES, CODE_COLUMNS, draft)
    order = [c for c in draft.codes if c.is_open] + [c for c in draft.codes if not c.is_open]
    for number, code in enumerate(order, start=1):
        row = HEADER_ROW + number
        choices = list_choices(code.table, code.field, code.code)
        label = label_code_field(code.table, code.field)
        texts = [
            str(number),
            f"{code.table}.{code.field} | {label.zh} {label.en}",
            code.code,
            code.told,
            code.value or "–",
            f"{code.confidence:.0%}" if code.value else "–",
            f"{code.reason.zh} {code.reason.en}",
        ]
        _write_texts(sheet, row, texts, CODE_COLUMNS, formats["text"])
        own = written.codes.get((f"{code.table}.{code.field}", normalise_text(code.code)), "")
        decision = own or ("" if code.is_open else code.value)
        _write_decision(sheet, row, 7, decision, formats["open" if code.is_open else "text"])
        sheet.write_string(row, 8, ", ".join(choices), formats["text"])
        sheet.data_validation(row, 7, row, 7, {"validate": "list", "source": choices[:12], "error_type": "warning"})
    asked = {(f"{code.table}.{code.field}", normalise_text(code.code)) for code in order}
    added = [(*key, decision) for key, decision in written.added.items() if key not in asked]
    for number, (field, code, decision) in enumerate(added, start=len(order) + 1):
        texts = [str(number), field, code, *[""] * 4]
        _write_texts(sheet, HEADER_ROW + number, texts, CODE_COLUMNS, formats["text"])
        _write_decision(sheet, HEADER_ROW + number, 7, decision, formats["text"])
    sheet.autofilter(HEADER_ROW, 0, HEADER_ROW + max(len(order) + len(added), 1), len(CODE_COLUMNS) - 1)


def label_code_field(table: str, field: str) -> Text:
    """Return in words which field a code belongs to, or that it holds for the whole project."""
    if field == EVERY_FIELD:
        return Text("every field of the project", "本项目的所有字段")
    return _ROLE_NAMES[VISIT_OF_ROW] if table == EVERY_TABLE else label_field(table, field)


def list_choices(table: str, field: str, code: str = "") -> list[str]:
    """Return what a hospital's code may mean in one field; for whole numbers these are the first ones.

    `missing` says that nothing is known; `ask` that each such cell is to be asked about, or `value` where the text would be read as it stands.
    """
    if field == EVERY_FIELD:
        return [MISSING, ASK]
    spec = read_fields("laboratory" if table == EVERY_TABLE else table)[field]
    others = [MISSING, VALUE if is_value(code, spec) else ASK]
    if spec.dtype == pl.Int64:
        return [*map(str, range(_NUMBERS_LISTED)), *others]
    if not (spec.codes or spec.dtype == pl.Boolean):
        return others
    return [*([code.value for code in spec.codes] if spec.codes else ["true", "false"]), *others]


def _write_texts(sheet: Any, row: int, texts: Sequence[str], columns: Sequence[tuple[Text, int]], style: Any) -> None:
    """Write the first cells of a row, which is as high as they need."""
    for place, text in enumerate(texts):
        sheet.write_string(row, place, text[:CELL_LIMIT], style)
    sheet.set_row(row, fit_height(*((text, width) for text, (_, width) in zip(texts, columns, strict=False))))


def _write_decision(sheet: Any, row: int, column: int, text: str, style: Any) -> None:
    if text:
        sheet.write_string(row, column, text, style)
    else:
        sheet.write_blank(row, column, None, style)


def _write_fields(book: xlsxwriter.Workbook, formats: dict[str, Any]) -> None:
    sheet = book.add_worksheet(FIELDS)
    sheet.set_column(0, 0, 60)
    sheet.set_column(1, 2, 60)
    sheet.write_row(0, 0, ["决定 Decision", "含义", "Meaning"], formats["head"])
    sheet.write_string(1, 0, f"{ACCEPT.zh} {ACCEPT.en}", formats["text"])
    for row, meaning in enumerate([*list_meanings(), NOT_SENT], start=2):
        found = list_meanings().get(meaning)
        spec = found.contract if found else None
        label = describe_meaning(meaning)
        unit = f" [{spec.unit}]" if spec and spec.unit and spec.unit != "1" else ""
        sheet.write_string(row, 0, name_meaning(meaning), formats["text"])
        sheet.write_string(row, 1, label.zh + unit, formats["text"])
        sheet.write_string(row, 2, label.en + unit, formats["text"])
