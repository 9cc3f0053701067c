"""The worksheet of a new hospital: what a person must decide about its mapping, in Excel, the weightiest first.

Everything from the delivery is written as text. Values are shown only as `profile.show_values` allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from etl.onboarding import site_files
from etl.onboarding.draft import ColumnDraft, Draft
from etl.onboarding.propose import LOWEST, SURE
from etl.onboarding.words import (
    ASK,
    IDENTIFIER,
    NATIONAL_ID,
    NOT_NEEDED,
    NOT_SENT,
    PATIENT_NUMBER,
    UNIT_COLUMN,
    list_meanings,
    read_fields,
)
from etl.pages.spreadsheet import CELL_LIMIT, SYNTHETIC, fit_height, open_workbook
from etl.pages.text import Text
from etl.parse import MISSING
from etl.quality.texts import label_field, label_test
from schemas.codes import LabTest, Organ
from schemas.field_effects import list_field_effects

WORKSHEET = "worksheet.xlsx"
CHANGES = "changes.xlsx"
ACCEPT = Text("as proposed", "同意建议")
NO_RECORDS = Text(site_files.NO_RECORDS, "无记录")
ROW_NUMBER = Text(site_files.ROW_NUMBER, "行号即患者编号")
SHEET_CHOICES = (ACCEPT, NO_RECORDS, ROW_NUMBER)
README, SHEETS, COLUMNS, CODES, FIELDS = "说明 Read me", "表 Sheets", "列 Columns", "编码 Codes", "字段 Fields"
DECISION = Text("Decision", "决定")
SOURCE = Text("Source", "数据源")
COLUMN = Text("Column", "列名")
RECORD = Text("Record", "记录")
UNIT = Text("Unit", "单位")
NOTE = Text("Note", "备注")
FIELD = Text("Field", "字段")
CODE = Text("Code in your data", "贵院编码")
PLACE = Text("File and sheet", "文件和工作表")
PROPOSED = Text("Proposed", "建议")
CONFIDENCE = Text("Confidence", "把握")
REASON = Text("Why", "理由")
DECIDED_BY, NAME_EN, NAME_ZH = (
    Text("Decided by", "决定人"),
    Text("Hospital's name, English", "医院英文名"),
    Text("Hospital's name, Chinese", "医院中文名"),
)
HEADER_ROW = 3
AUTHOR_ROWS = {DECIDED_BY: 3, NAME_ZH: 4, NAME_EN: 5}
_ROLE_NAMES = {
    PATIENT_NUMBER: Text("the hospital's patient number", "医院患者编号"),
    NATIONAL_ID: Text("national identity number", "身份证号"),
    IDENTIFIER: Text("another identifier: never stored", "其他身份信息：不存储"),
    NOT_NEEDED: Text("not needed", "不需要"),
    NOT_SENT: Text("not sent any more", "不再提供"),
    UNIT_COLUMN: Text("unit of the laboratory value in this row", "本行检验结果的单位"),
}
_SHEET_COLUMNS = (
    (SOURCE, 16), (PLACE, 34), (Text("Header row", "表头行"), 10), (Text("Rows", "行数"), 9), (Text("What was found", "识别情况"), 60),
    (PROPOSED, 16), (DECISION, 18), (NOTE, 26),
)  # fmt: skip
_COLUMN_COLUMNS = (
    (Text("No.", "序号"), 6), (SOURCE, 14), (COLUMN, 22), (Text("Filled", "已填"), 12), (Text("What was seen", "内容"), 36),
    (PROPOSED, 34), (CONFIDENCE, 9), (REASON, 38), (DECISION, 38), (RECORD, 22), (UNIT, 14), (NOTE, 24),
)  # fmt: skip
_CODE_COLUMNS = (
    (Text("No.", "序号"), 6), (FIELD, 34), (CODE, 22), (Text("Rows", "行数"), 8), (PROPOSED, 20), (CONFIDENCE, 9), (REASON, 34),
    (DECISION, 22), (Text("Choices", "可选"), 50),
)  # fmt: skip
_EXPLANATION = (
    Text(
        "This worksheet says how your data will be read. Yellow cells in the column “Decision” are for you; the weightiest come first.",
        "本表说明将如何读取贵院数据。“决定”列的黄色单元格需要您填写，影响最大的排在最前。",
    ),
    Text(
        "White cells hold what the registry is sure of. Please read through them, and change what is wrong.",
        "白色单元格为系统已有把握的内容，请过目；有误请直接修改。",
    ),
    Text(
        f"A confidence from {SURE:.0%} on counts as sure; below {LOWEST:.0%} nothing is proposed. It grades the evidence and is no probability.",
        f"把握达到 {SURE:.0%} 视为确定；低于 {LOWEST:.0%} 不作建议。把握为证据等级，并非概率。",
    ),
    Text(
        "Decision: choose from the list (sheet “字段 Fields” explains each entry), or “as proposed”. For a column nobody needs: “not needed”.",
        "“决定”：从下拉列表选择（“字段 Fields”表有说明），或选“同意建议”；不需要的列选“不需要”。",
    ),
    Text(
        "Sheets: every sheet needs a column with the patient's number; where none has it and the file will never change, choose “row number”.",
        "“表”：每个工作表都需有患者编号列；若没有且文件不再变动，可选“行号即患者编号”。",
    ),
    Text(
        "A column that gives several fields: copy its row, one decision each. The same value for all rows: add a row with the column "
        "“all rows: patient” and the record “tumour_type=hcc”, for example.",
        "一列对应多个字段时，复制该行并分别填写。全部行取同一值时，新增一行：列名写“all rows: patient”，记录写“tumour_type=hcc”（示例）。",
    ),
    Text(
        "Unit: as written in your data, such as g/L, mg/dL, mm; or column:<name> where another column holds it.",
        "“单位”：按贵院数据填写，如 g/L、mg/dL、mm；单位另有一列时写 column:列名。",
    ),
    Text(
        "Codes: choose what each of your codes means; “missing” where it means that nothing is known, “ask” where the hospital shall be "
        "asked about each such cell. Counts below 5 are not told.",
        "“编码”：选择每个编码的含义；表示缺失或未知的选 missing；需逐格询问医院的选 ask。小于5的计数不显示。",
    ),
    Text(
        "Write below who decided, save the file, and run: make ingest HOSPITAL=… It says which cells are still open or wrong.",
        "请在下方填写决定人，保存文件，然后运行 make ingest HOSPITAL=…；仍未填或有误的单元格会逐一指出。",
    ),
)


def write_worksheet(draft: Draft, path: Path) -> Path:
    """Write the worksheet of a draft; the same draft gives the same file. Returns the path."""
    with open_workbook(path, "Mapping worksheet") as book:
        formats = _make_formats(book)
        _write_readme(book, formats, draft)
        _write_columns(book, formats, draft)
        _write_codes(book, formats, draft)
        _write_sheets(book, formats, draft)
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
        sheet.write_string(1, 0, SYNTHETIC, formats["banner"])
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


def _write_readme(book: xlsxwriter.Workbook, formats: dict[str, Any], draft: Draft) -> None:
    sheet = book.add_worksheet(README)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 1, 62)
    sheet.write_string(0, 0, f"Mapping of {draft.hospital}", formats["title"])
    sheet.write_string(0, 1, f"{draft.hospital} 的数据对应表", formats["title"])
    if draft.is_synthetic:
        sheet.merge_range(1, 0, 1, 1, SYNTHETIC, formats["banner"])
    for label, row in AUTHOR_ROWS.items():
        sheet.write_string(row, 0, f"{label.zh} {label.en}", formats["head"])
        sheet.write_blank(row, 1, None, formats["open"])
    n_open = sum(c.is_open for c in draft.columns) + sum(c.is_open for c in draft.codes) + len(draft.moved)
    told = [
        Text(f"Delivery: {draft.delivery}", f"数据批次：{draft.delivery}"),
        Text(f"Open decisions: {n_open}", f"待决定：{n_open} 项"),
    ]
    for row, line in enumerate([*told, *_EXPLANATION], start=8):
        sheet.write_string(row, 0, line.en, formats["plain"])
        sheet.write_string(row, 1, line.zh, formats["plain"])
        sheet.set_row(row, fit_height((line.en, 62), (line.zh, 62)))


def _write_sheets(book: xlsxwriter.Workbook, formats: dict[str, Any], draft: Draft) -> None:
    sheet = _start_sheet(book, formats, SHEETS, _SHEET_COLUMNS, draft)
    for row, source in enumerate(draft.sources, start=HEADER_ROW + 1):
        seen = [
            source.reason or "",
            f"encoding / 编码 {source.encoding}" if source.encoding else "",
            *draft.facts.get(source.name, ()),
            "merged patient numbers are filled down / 合并单元格的患者编号向下填充" if source.merged_ids else "",
            "rows of totals are left out / 忽略合计行" if source.totals_column else "",
            ""
            if source.header_row is not None
            else "no header row: the columns are called by their place / 无表头，按位置命名",
        ]
        proposed = NO_RECORDS if source.reason else Text("records", "有记录")
        is_moved = source.name in draft.moved
        if is_moved:
            seen.append(
                f"the header moved from row {draft.moved[source.name]} / 表头原在第 {draft.moved[source.name]} 行"
            )
        texts = [
            source.name,
            source.place,
            "–" if source.header_row is None else str(source.header_row),
            str(source.rows.height),
            "; ".join(filter(None, seen)),
            f"{proposed.zh} {proposed.en}",
        ]
        _write_texts(sheet, row, texts, _SHEET_COLUMNS, formats["text"])
        decision = "" if is_moved else f"{ACCEPT.zh} {ACCEPT.en}"
        _write_decision(sheet, row, len(texts), decision, formats["open" if is_moved else "text"])
        sheet.write_blank(row, len(texts) + 1, None, formats["text"])
    choices = [f"{label.zh} {label.en}" for label in SHEET_CHOICES]
    sheet.data_validation(
        HEADER_ROW + 1, 6, HEADER_ROW + len(draft.sources), 6, {"validate": "list", "source": choices}
    )


def _write_columns(book: xlsxwriter.Workbook, formats: dict[str, Any], draft: Draft) -> None:
    sheet = _start_sheet(book, formats, COLUMNS, _COLUMN_COLUMNS, draft)
    order = sorted((c for c in draft.columns if c.is_open), key=rank_open) + [c for c in draft.columns if not c.is_open]
    for number, column in enumerate(order, start=1):
        row = HEADER_ROW + number
        filled = f"{column.n_filled / column.n_rows:.0%}" if column.n_rows else "–"
        reason = "\n".join(f"{r.zh} {r.en}" for r in (column.reason, column.unit_reason) if r.en)
        proposed = _name_proposal(column)
        confidence = f"{min(column.confidence, column.unit_confidence):.0%}" if column.meaning else "–"
        texts = [
            str(number),
            column.source,
            column.item,
            filled,
            "; ".join(filter(None, (column.kind, *column.date_styles, column.seen))),
            proposed,
            confidence,
            reason,
        ]
        _write_texts(sheet, row, texts, _COLUMN_COLUMNS, formats["text"])
        is_unsure = column.confidence < SURE
        _write_decision(
            sheet, row, 8, "" if is_unsure else name_meaning(column.meaning), formats["open" if is_unsure else "text"]
        )
        _write_decision(sheet, row, 9, column.record, formats["text"])
        is_unit_open = column.unit_confidence < SURE
        _write_decision(
            sheet, row, 10, "" if is_unit_open else column.unit, formats["open" if is_unit_open else "text"]
        )
        sheet.write_blank(row, 11, None, formats["text"])
    n = len(list_meanings()) + 1
    choices = {"validate": "list", "source": f"='{FIELDS}'!$A$2:$A${n + 2}", "error_type": "warning"}
    sheet.data_validation(HEADER_ROW + 1, 8, HEADER_ROW + max(len(order), 1), 8, choices)
    sheet.autofilter(HEADER_ROW, 0, HEADER_ROW + max(len(order), 1), len(_COLUMN_COLUMNS) - 1)


def _write_codes(book: xlsxwriter.Workbook, formats: dict[str, Any], draft: Draft) -> None:
    sheet = _start_sheet(book, formats, CODES, _CODE_COLUMNS, draft)
    order = [c for c in draft.codes if c.is_open] + [c for c in draft.codes if not c.is_open]
    for number, code in enumerate(order, start=1):
        row = HEADER_ROW + number
        choices = list_choices(code.table, code.field)
        label = label_field(code.table, code.field)
        texts = [
            str(number),
            f"{code.table}.{code.field} | {label.zh} {label.en}",
            code.code,
            code.told,
            code.value or "–",
            f"{code.confidence:.0%}" if code.value else "–",
            f"{code.reason.zh} {code.reason.en}",
        ]
        _write_texts(sheet, row, texts, _CODE_COLUMNS, formats["text"])
        _write_decision(sheet, row, 7, "" if code.is_open else code.value, formats["open" if code.is_open else "text"])
        sheet.write_string(row, 8, ", ".join(choices), formats["text"])
        sheet.data_validation(row, 7, row, 7, {"validate": "list", "source": choices[:12], "error_type": "warning"})
    sheet.autofilter(HEADER_ROW, 0, HEADER_ROW + max(len(order), 1), len(_CODE_COLUMNS) - 1)


def list_choices(table: str, field: str) -> list[str]:
    """Return what a hospital's code may mean in one field; `missing` says that nothing is known."""
    spec = read_fields(table)[field]
    return [*([code.value for code in spec.codes] if spec.codes else ["true", "false"]), MISSING, ASK]


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
