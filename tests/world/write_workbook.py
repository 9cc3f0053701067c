"""Writes sheets as a workbook of Excel."""

import datetime as dt

import xlsxwriter

from world.cell import ERROR, UNCALCULATED

OFFSET = 2


def write_workbook(sheets, folder, dialect):
    """Write one workbook; return the place of each sheet: file name, sheet name, number of its first row."""
    path = folder / "登记.xlsx"
    book = xlsxwriter.Workbook(
        path, {"strings_to_formulas": False, "strings_to_urls": False, "date_1904": "1904 days" in dialect.file_forms}
    )
    # A template's day of making, as hospitals' workbooks have it; the day of the last saving is that of the extract.
    book.set_properties({"created": dt.datetime(2006, 9, 16)})
    formats = {}
    first = OFFSET if "offset" in dialect.row_forms else 0
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        _write_sheet(page, sheet, book, formats, first)
        if "formats far down" in dialect.row_forms:
            page.write_blank(2000, 0, None, _find_format(book, formats, "0.0"))
    _add_other_sheets(book, sheets, dialect, formats)
    book.close()
    return [(path.name, sheet.name, first + 1) for sheet in sheets]


def _write_sheet(page, sheet, book, formats, first):
    names = [*sheet.top, *sheet.header]
    for r, row in enumerate(names, first):
        for c, text in enumerate(row):
            if text:
                page.write_string(r, c, text)
    below = first + len(names)
    for r, row in enumerate(sheet.rows, below):
        for c, cell in enumerate(row.cells):
            if cell.text is not None:
                _write_cell(page, (r, c), cell, book, formats)
    for number in sheet.hidden:
        page.set_row(below + number, None, None, {"hidden": True})
    for r1, c1, r2, c2 in sheet.merges:
        _merge(page, sheet, below, (r1, c1, r2, c2), book, formats)


def _merge(page, sheet, below, corners, book, formats):
    r1, c1, r2, c2 = corners
    if r1 == r2:  # a group of the header
        page.merge_range(below - len(sheet.header), c1, below - len(sheet.header), c2, sheet.header[0][c1])
        return
    page.merge_range(below + r1, c1, below + r2, c2, "")
    cell = sheet.rows[r1].cells[c1]
    _write_cell(page, (below + r1, c1), cell, book, formats)


def _find_format(book, formats, style):
    if style == "":
        return None
    if style not in formats:
        formats[style] = book.add_format({"num_format": style})
    return formats[style]


def _write_cell(page, place, cell, book, formats):
    r, c = place
    style = _find_format(book, formats, cell.style)
    if cell.runs:
        parts = [part for text, mark in cell.runs for part in (_mark(book, mark), text) if part is not None]
        page.write_rich_string(r, c, *parts)
    elif cell.number is ERROR:
        page.write_formula(r, c, "=1/0", style, cell.text)
    elif cell.number is UNCALCULATED:
        page.write_formula(r, c, cell.text, style, "")
    elif cell.number is None:
        page.write_string(r, c, cell.text, style)
    elif isinstance(cell.number, bool):
        page.write_boolean(r, c, cell.number, style)
    elif isinstance(cell.number, dt.date):
        page.write_datetime(r, c, cell.number, style)
    else:
        page.write_number(r, c, cell.number, style)


def _mark(book, mark):
    if not mark:
        return None
    style = book.add_format()
    style.set_font_script(1) if mark == "superscript" else style.set_font_strikeout()
    return style


def _add_other_sheets(book, sheets, dialect, formats):
    if "hidden sheet" in dialect.file_forms:
        page = book.add_worksheet("隐藏")
        page.write_string(0, 0, "旧数据")
        page.hide()
    if "old copy" in dialect.file_forms:
        _write_sheet(book.add_worksheet("患者(旧)"), sheets[0], book, formats, 0)
    if "explanation sheet" in dialect.file_forms:
        book.add_worksheet("说明").write_string(0, 0, "性别：1=男，2=女")
    if "empty sheet" in dialect.file_forms:
        book.add_worksheet("Sheet3")


OTHER_SHEETS = {"hidden sheet": "隐藏", "old copy": "患者(旧)", "explanation sheet": "说明"}
