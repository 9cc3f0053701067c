"""Reads web pages and SpreadsheetML 2003 that are called .xls; called in a process of its own by `etl/delivery/apart.py` alone.

Every text of a file stands in a cell afterwards, as it is written there: nothing is taken for a number or a date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from etl.delivery.apart import NotReadError
from etl.delivery.html_tables import Cell, Table, find_tables
from etl.delivery.number_formats import (
    ROUNDED_TEXT,
    Shown,
    is_rounded,
    looks_like_number,
    print_number,
    read_format,
    show_day,
)
from etl.limits import COLUMNS, ONE_BY_ONE_CELLS

MAX_ROWS, MAX_COLUMNS = 1_048_576, COLUMNS.most
_SPANNED = 2_000_000
_ERROR = "#ERROR"
_CHARSET = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_-]{1,40})", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"<\?xml[^<>]{0,200}encoding\s{0,9}=\s{0,9}[\"']([A-Za-z0-9_-]{1,40})")
_SS = "{urn:schemas-microsoft-com:office:spreadsheet}"
# Names of formats that a file may use in place of a code.
_NAMED_FORMATS = {
    "General Date": "m/d/yyyy h:mm", "Short Date": "m/d/yyyy", "Medium Date": "dd-mmm-yy", "Long Date": "dddd, mmmm dd, yyyy",
    "Short Time": "h:mm", "Medium Time": "h:mm AM/PM", "Long Time": "h:mm:ss", "Percent": "0.00%", "Currency": "0.00", "Euro Currency": "0.00",
    "Fixed": "0.00", "Standard": "#,##0.00", "Scientific": "0.00E+00", "Yes/No": "0", "True/False": "0", "On/Off": "0",
}  # fmt: skip
_MIDNIGHT = re.compile(r"T00:00:00(?:\.0+)?$")
_GB = ("gb2312", "gbk", "gb_2312-80", "x-gbk", "hz-gb-2312")


@dataclass
class Sheet:
    """One sheet: its rows, ranges of merged cells (first row, first column, last row, last column) and hidden rows, all 0-based.

    `texts` are the places of texts that look like a number of three decimals.
    """

    name: str | None
    rows: list[list[str | None]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    texts: list[tuple[int, int]] = field(default_factory=list)


def decode_page(content: bytes) -> tuple[str, str]:
    """Return a page's text and its encoding: by its mark, else as it says itself where that holds, else UTF-8, else GB18030.

    Raises:
        NotReadError: none of them fits.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if content.startswith(mark):
            return content.decode(encoding), encoding
    said = _XML_ENCODING.search(content[:1024]) or _CHARSET.search(content[:8192])
    named = said[1].decode().lower() if said else ""
    for encoding in dict.fromkeys(("gb18030" if named in _GB else named, "utf-8", "gb18030")):
        try:
            return content.decode(encoding or "utf-8"), encoding or "utf-8"
        except (UnicodeDecodeError, LookupError):
            continue
    raise NotReadError("encoding")


def read_page(path: str) -> dict[str, Any]:
    """Return the `sheets` of a web page as plain types, and its `encoding`.

    There is one sheet, as Excel shows it, unless the page holds several tables of different width. Texts outside of tables are rows of one cell
    in their place.

    Raises:
        NotReadError: `encoding`, `no table`, `too large` or `damaged`.
    """
    text, encoding = decode_page(Path(path).read_bytes())
    tables = find_tables(text)
    large = [table for table in tables if table.is_data]
    if not any(len(row.cells) > 1 for table in tables for row in table.rows):
        raise NotReadError("no table")
    if len({table.width for table in large}) <= 1:
        return _make_plain([_mark_texts(_lay_out(None, tables), text)], encoding)
    groups: list[list[Table]] = [[]]
    for table in tables:
        if table.is_data and any(t.is_data for t in groups[-1]):
            groups.append([])
        groups[-1].append(table)
    return _make_plain(
        [_mark_texts(_lay_out(f"table {n}", group), text) for n, group in enumerate(groups, 1)], encoding
    )


def _make_plain(sheets: list[Sheet], encoding: str) -> dict[str, Any]:
    return {"encoding": encoding, "sheets": [vars(sheet) for sheet in sheets]}


def _mark_texts(sheet: Sheet, page: str) -> Sheet:
    """Mark the texts of a page that look like numbers; one whose cells state their numbers (`x:num`) writes those with a point."""
    if "x:num" not in page:
        places = ((r, c, text) for r, row in enumerate(sheet.rows) for c, text in enumerate(row) if text)
        sheet.texts = [(r, c) for r, c, text in places if looks_like_number(text)]
    return sheet


def _lay_out(name: str | None, tables: list[Table]) -> Sheet:
    """Lay tables below each other; a cell over several rows or columns has its text in the first, as in a workbook."""
    sheet, cells = Sheet(name), 0
    for table in tables:
        taken: dict[tuple[int, int], bool] = {}
        for row in table.rows:
            place = len(sheet.rows)
            sheet.rows.append([])
            sheet.hidden += [place] if row.is_hidden else []
            _lay_row(sheet, place, row.cells, taken)
            cells += len(sheet.rows[-1])
            if cells > ONE_BY_ONE_CELLS.most or len(sheet.rows) > MAX_ROWS:
                raise NotReadError("too large")
    return sheet


def _lay_row(sheet: Sheet, place: int, cells: list[Cell], taken: dict[tuple[int, int], bool]) -> None:
    texts = sheet.rows[place]
    column = 0
    for cell in cells:
        while taken.pop((place, column), False):
            column += 1
        if column + cell.n_columns > MAX_COLUMNS:
            raise NotReadError("too large")
        texts += [None] * (column + cell.n_columns - len(texts))
        texts[column] = cell.text or None
        if cell.n_rows > 1 or cell.n_columns > 1:
            sheet.merged.append((place, column, place + cell.n_rows - 1, column + cell.n_columns - 1))
        _check_spanned(len(taken) + (cell.n_rows - 1) * cell.n_columns)
        for row in range(place + 1, place + cell.n_rows):
            taken |= {(row, c): True for c in range(column, column + cell.n_columns)}
        column += cell.n_columns


def _check_spanned(n_cells: int) -> None:
    """Refuse cells that reach over more than a sheet that people merge by hand has."""
    if n_cells > _SPANNED:
        raise NotReadError("too large")


def read_spreadsheet_xml(path: str) -> dict[str, Any]:
    """Return the `sheets` of a SpreadsheetML 2003 file as plain types, and its `encoding`; cells and rows may name their place.

    Raises:
        NotReadError: it declares entities, claims an impossible size, or is no XML.
    """
    text, encoding = decode_page(Path(path).read_bytes())
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise NotReadError("damaged")
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    try:
        book = ElementTree.fromstring(text)  # noqa: S314 (no entities, limited process)
    except ElementTree.ParseError:
        raise NotReadError("damaged") from None
    styles = _read_styles(book)
    return _make_plain([_read_xml_sheet(sheet, styles) for sheet in book.iter(f"{_SS}Worksheet")], encoding)


def _read_styles(book: ElementTree.Element) -> dict[str, Shown]:
    """Return what the cells of each style show, where that is no plain number."""
    formats = {
        style.get(f"{_SS}ID", ""): code.get(f"{_SS}Format", "")
        for style in book.iter(f"{_SS}Style")
        for code in style.iter(f"{_SS}NumberFormat")
    }
    shown = {name: read_format(_NAMED_FORMATS.get(code, code)) for name, code in formats.items() if code}
    return {name: kind for name, kind in shown.items() if kind is not Shown.NUMBER}


def _read_xml_sheet(element: ElementTree.Element, styles: Mapping[str, Shown]) -> Sheet:
    sheet, place, cells = Sheet(element.get(f"{_SS}Name")), -1, 0
    taken: set[tuple[int, int]] = set()
    for row in element.iterfind(f"{_SS}Table/{_SS}Row"):
        place = int(row.get(f"{_SS}Index", place + 2)) - 1
        if place >= MAX_ROWS or place < len(sheet.rows):
            raise NotReadError("too large" if place >= MAX_ROWS else "damaged")
        sheet.rows += [[] for _ in range(place + 1 - len(sheet.rows))]
        sheet.hidden += [place] if row.get(f"{_SS}Hidden") == "1" else []
        _read_xml_row(sheet, place, row, taken, styles)
        cells += len(sheet.rows[place])
        if cells > ONE_BY_ONE_CELLS.most:
            raise NotReadError("too large")
    return sheet


def _read_xml_row(
    sheet: Sheet, place: int, row: ElementTree.Element, taken: set[tuple[int, int]], styles: Mapping[str, Shown]
) -> None:
    texts, column = sheet.rows[place], -1
    for cell in row.iterfind(f"{_SS}Cell"):
        column += 1
        while (place, column) in taken:
            column += 1
        column = int(cell.get(f"{_SS}Index", column + 1)) - 1
        across, down = int(cell.get(f"{_SS}MergeAcross", 0)), int(cell.get(f"{_SS}MergeDown", 0))
        if min(column, across, down) < 0:
            raise NotReadError("damaged")
        if column + across >= MAX_COLUMNS or place + down >= MAX_ROWS or column + across < len(texts) - 1:
            raise NotReadError("too large" if column + across >= MAX_COLUMNS or place + down >= MAX_ROWS else "damaged")
        texts += [None] * (column + across + 1 - len(texts))
        texts[column] = _read_xml_text(cell, styles.get(cell.get(f"{_SS}StyleID", "")))
        is_text = any(data.get(f"{_SS}Type") == "String" for data in cell)
        sheet.texts += [(place, column)] if is_text and looks_like_number(texts[column] or "") else []
        if across or down:
            sheet.merged.append((place, column, place + down, column + across))
        _check_spanned(len(taken) + down * (across + 1))
        taken |= {(r, c) for r in range(place + 1, place + down + 1) for c in range(column, column + across + 1)}
        column += across


def _read_xml_text(cell: ElementTree.Element, shown: Shown | None) -> str | None:
    data = next((child for child in cell if child.tag.rpartition("}")[2] == "Data"), None)
    if data is None:
        return _ERROR if cell.get(f"{_SS}Formula") else None
    text, kind = "".join(data.itertext()), data.get(f"{_SS}Type", "String")
    if kind == "Error" or (not text and cell.get(f"{_SS}Formula") and kind == "Number"):
        return _ERROR
    if kind == "DateTime":
        return _show_moment(text, shown)
    if kind == "Number" and text:
        number = float(text)
        return (print_number(number, shown, is_1904=False) if shown else None) or (
            ROUNDED_TEXT if is_rounded(number) else text
        )
    return ("TRUE" if text == "1" else "FALSE") if kind == "Boolean" else text or None


def _show_moment(text: str, shown: Shown | None) -> str:
    """Return a day as its format shows it: a month has no day, a time is none."""
    day, _, time = text.partition("T")
    if shown is Shown.TIME:
        return time.partition(".")[0] if day.startswith(("1899-12-3", "1900-01-00")) else f"{day} {time} as a time"
    return _MIDNIGHT.sub("", text) if shown in (None, Shown.DAY) else show_day(day, shown)
