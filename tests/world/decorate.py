"""Puts headers above the rows of a sheet, and between and below them the rows that are no records."""

import unicodedata

from world.cell import EMPTY, Cell
from world.sheets import RECORD, Row
from world.write_text import find_long_row

FULL_WIDTH = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_()",
    "ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ０１２３４５６７８９＿（）",
)
GROUPS = {
    "patient": "基本信息",
    "baseline": "基线",
    "metastasis": "转移",
    "outcome": "随访",
    "treatment": "治疗",
    "laboratory": "检验",
    "": "编号",
}
FOOTERS = {
    "notes": ("注：HBsAg 1=阳性 2=阴性", "说明：空白表示未查，日期为住院日期"),
    "signature": ("制表人：王老师    审核：李老师",),
    "print time": ("打印时间：2022-11-20 10:20",),
    "legend below": ("性别编码：1=男，2=女", "ECOG：0-5"),
}


def decorate(sheet, dialect, pen):
    """Give a sheet its header and the rows that are none of its records."""
    _add_header(sheet, dialect)
    for form in dialect.row_forms:
        if form in FOOTERS:
            sheet.rows += [_fill(form, sheet, [(sheet.id_column, text)]) for text in FOOTERS[form]]
        elif form in _ADD:
            _ADD[form](sheet, form, pen)


def name_column(line, dialect, place):
    """A column's name as the dialect writes it; what the mapping must say."""
    name = line.name
    if line.shown_unit and dialect.header in ("unit in brackets", "unit behind /"):
        name += f"({line.shown_unit})" if dialect.header == "unit in brackets" else f"/{line.shown_unit}"
    if dialect.header == "line feed" and len(name) > 3:
        name = f"{name[:2]}\n{name[2:]}"
    if dialect.header == "full-width":
        name = name.translate(FULL_WIDTH)
    return f"{place + 1}.{name}" if dialect.header == "numbered" else name


def say_column(name, group, dialect):
    """The name by which a mapping calls a column: as the registry compares names."""
    plain = " ".join(unicodedata.normalize("NFKC", name).split())
    return f"{group} {plain}" if dialect.header in ("two rows merged", "group headings") and group else plain


def group_of(line):
    return GROUPS[line.table]


def _add_header(sheet, dialect):
    columns = sheet.columns
    names = [name_column(line, dialect, place) for place, line in enumerate(columns)]
    if dialect.header == "title rows":
        sheet.top = [["肝癌患者登记表"], [], ["科室：肝胆外科", "", "日期：2022-11-20"]]
    if dialect.header in ("two rows merged", "group headings"):
        groups = [group_of(line) for line in columns]
        starts = [i for i, group in enumerate(groups) if i == 0 or groups[i - 1] != group]
        sheet.header = [[group if i in starts else None for i, group in enumerate(groups)], names]
        ends = [*(start - 1 for start in starts[1:]), len(groups) - 1]
        sheet.merges += [(0, start, 0, end) for start, end in zip(starts, ends, strict=True) if end > start]
        return
    sheet.header = [names]
    if dialect.header == "unit row":
        units = [(place, line.shown_unit) for place, line in enumerate(columns) if line.shown_unit]
        if units:
            sheet.rows.insert(0, _fill("unit row", sheet, units))


def _fill(kind, sheet, texts):
    cells = [EMPTY] * len(sheet.columns)
    for place, text in texts:
        cells[place] = Cell(text)
    return Row(kind, cells)


def _add_totals(sheet, form, _pen):
    word = {"totals": "合计", "subtotals": "小计", "averages": "平均"}[form]
    numbers = [
        place for place, line in enumerate(sheet.columns) if line.field in ("tumour_number", "ecog_status", "value")
    ][:2]
    row = _fill(form, sheet, [(sheet.id_column, word), *((place, str(len(sheet.rows))) for place in numbers)])
    sheet.rows.insert(len(sheet.rows) if form != "subtotals" else max(1, len(sheet.rows) // 2), row)


def _add_blank_rows(sheet, form, _pen):
    sheet.rows.insert(max(1, len(sheet.rows) // 2), _fill(form, sheet, []))
    sheet.rows.append(_fill(form, sheet, []))


def _repeat_header(sheet, form, _pen):
    middle = max(1, len(sheet.rows) // 2)
    sheet.rows[middle:middle] = [Row(form, [Cell(text) if text else EMPTY for text in names]) for names in sheet.header]


def _hide_rows(sheet, form, pen):
    draw = pen.stream(form, sheet.name)
    sheet.hidden |= {i for i, row in enumerate(sheet.rows) if row.kind == RECORD and draw.random() < 0.3}


def _merge_down(sheet, form, _pen):
    """Merge the cells of one patient's rows: his number, or with it the first column behind it that is the same in all."""
    places = [sheet.id_column] if form == "merged ids" else [sheet.id_column, sheet.id_column + 1]
    first = 0
    for i in range(1, len(sheet.rows) + 1):
        if i < len(sheet.rows) and _is_same(sheet.rows[first], sheet.rows[i], sheet.id_column):
            continue
        for place in places if i - first > 1 else ():
            span = (first, place, i - 1, place)
            if span not in sheet.merges and all(_is_same(sheet.rows[first], row, place) for row in sheet.rows[first:i]):
                sheet.merges.append(span)
        first = i


def _is_same(one, other, place):
    return one.kind == other.kind == RECORD and one.cells[place].text == other.cells[place].text is not None


def _lengthen_row(sheet, form, _pen):
    """One row has a cell too many; what stands behind it may be in any column."""
    number, place = find_long_row(sheet)
    row = sheet.rows[number]
    row.cells[place:] = [cell.of(form, None) for cell in row.cells[place:]]


_ADD = {
    "long row": _lengthen_row,
    "totals": _add_totals, "subtotals": _add_totals, "averages": _add_totals, "blank rows": _add_blank_rows, "header repeated": _repeat_header,
    "hidden rows": _hide_rows, "merged ids": _merge_down, "merged cells": _merge_down,
}  # fmt: skip
