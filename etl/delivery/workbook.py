"""Reads one workbook; called in a process of its own by `etl/delivery/apart.py` alone, since a workbook can claim terabytes."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from etl.delivery.number_formats import (
    CHINESE_FORMATS,
    ROUNDED_TEXT,
    Shown,
    find_unknown,
    is_rounded,
    looks_like_number,
    print_number,
)
from etl.delivery.passwords import refuse_locked

_LONG_NUMBER = re.compile(rb"<(?:\w+:)?v>(?:\d{16,}|\d(?:\.\d+)?[eE]\+?(?:1[5-9]|[2-9]\d))")
_RICH = re.compile(rb"<(?:\w+:)?(?:vertAlign|strike)\b")
_NUMBER_TEXT = re.compile(r">\s*-?[1-9１-９][0-9０-９]{0,2}[.．][0-9０-９]{3}\s*<")
_OWN_TEXTS = ("inlineStr", "str")
_STYLES, _TEXTS = "xl/styles.xml", "xl/sharedStrings.xml"
_CELL = re.compile(r"^([A-Z]+)(\d+)$")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]*?\bref\s{0,9}=\s{0,9}[\"']([A-Z]+\d+):([A-Z]+\d+)[\"']")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_HIDDEN_ROW = re.compile(rb"<(?:\w+:)?row\s[^<>]*?\bhidden\s{0,9}=\s{0,9}[\"'](?:1|true)[\"'][^<>]*>")
_ROW_NUMBER = re.compile(rb"\sr\s*=\s*[\"'](\d+)[\"']")
Place = tuple[int, int]


def read_workbook(path: str) -> list[dict[str, Any]]:
    """Return every sheet as text with coordinates.

    Each sheet is a dict: `name`; `columns` (0-based positions in the workbook), `grid` (Arrow IPC bytes, row 0 is the
    workbook's row 1), `errors` (0-based row and column of cells such as #DIV/0!, and of formulas that were saved without
    their value, which the reader would take for 0), `shown` (what cells show that the reader knows only as numbers, or
    more precisely than they show it), `merged` (first row, first column, last row, last column, 0-based), `hidden` (0-based rows), `texts` (texts that look like a number of
    three decimals, 0-based row and column), `struck` (0-based rows with a cell that is struck through as a whole).

    Raises:
        NotReadError: `locked` where the workbook has a password.
    """
    import fastexcel
    import pyarrow as pa

    if not zipfile.is_zipfile(path):
        refuse_locked(path)
    reader = fastexcel.read_excel(path)
    marks = find_marks(path) if zipfile.is_zipfile(path) else find_marks_in_biff(path)
    sheets: list[dict[str, Any]] = []
    for name in reader.sheet_names:
        sheet = reader.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        batch, faults = sheet.to_arrow_with_errors()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        sheets.append(
            {
                "name": name,
                "columns": [column.absolute_index for column in sheet.available_columns()],
                "grid": sink.getvalue().to_pybytes(),
                "errors": [*_place_errors(sheet, faults), *(marks[name].uncalculated if name in marks else ())],
                "shown": marks[name].shown if name in marks else [],
                "merged": [(*first, *last) for first, last in marks[name].merged] if name in marks else [],
                "hidden": marks[name].hidden if name in marks else [],
                "texts": marks[name].texts if name in marks else [],
                "struck": sorted(marks[name].struck) if name in marks else [],
            }
        )
    return sheets


def _place_errors(sheet: Any, faults: Any) -> list[tuple[int, int]]:
    columns = [column.absolute_index for column in sheet.available_columns()]
    return [(fault.position[0], columns[fault.position[1]]) for fault in faults.errors] if faults else []


@dataclass(frozen=True)
class Marks:
    """What a sheet's XML says of its cells and the reader does not: 0-based row and column.

    `uncalculated` are formulas that were saved without a value, `shown` numbers that are shown as a month, a time, a share,
    or as a day by a format that stands in no file; `merged` the first and the last corner of merged ranges.;
    `hidden` rows that are not shown, by a filter or by hand. `texts` look like a number of three decimals: `1.210` is a thousand where
    commas are decimal signs, while a number of a workbook has a point whatever its texts have. `struck` are rows in which a whole cell is
    struck through.
    """

    uncalculated: list[Place]
    merged: list[tuple[Place, Place]]
    shown: list[tuple[Place, str]]
    hidden: list[int] = field(default_factory=list)
    texts: list[Place] = field(default_factory=list)
    struck: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Formats:
    """What is shown by those of a workbook's cell styles that the reader does not know, by their number; how it counts days.

    `rich` are the shared texts with raised, lowered or struck parts, as `_print_rich` writes them, `numbers` those that look like a
    number of three decimals. `struck` are the cell styles that strike through what stands in a cell.
    """

    styles: Mapping[int, Shown]
    is_1904: bool = False
    rich: Mapping[int, str] = field(default_factory=dict)
    numbers: frozenset[int] = frozenset()
    struck: frozenset[int] = frozenset()


def find_marks(path: str) -> dict[str, Marks]:
    """Return the marks of every sheet, each read once."""
    with zipfile.ZipFile(path) as container:
        parts = set(container.namelist())
        formats = _read_formats(container, parts)
        listed = [(name, part) for name, part in _list_parts(container) if part in parts]
        return {name: _scan_sheet(container.read(part), formats) for name, part in listed}


def find_marks_in_biff(path: str) -> dict[str, Marks]:
    """Return the marks of a workbook of Excel 97-2003, which keeps a result with each formula."""
    import xlrd

    with xlrd.open_workbook(path, formatting_info=True, on_demand=True, logfile=io.StringIO()) as book:
        codes = {key: entry.format_str for key, entry in book.format_map.items() if key not in CHINESE_FORMATS}
        styles = {i: find_unknown(style.format_key, codes) for i, style in enumerate(book.xf_list)}
        struck = frozenset(i for i, style in enumerate(book.xf_list) if book.font_list[style.font_index].struck_out)
        formats = Formats({i: shown for i, shown in styles.items() if shown}, bool(book.datemode), struck=struck)
        return {name: _scan_biff(book.sheet_by_name(name), formats) for name in book.sheet_names()}


def _scan_biff(sheet: Any, formats: Formats) -> Marks:
    merged = [((top, left), (below - 1, right - 1)) for top, below, left, right in sheet.merged_cells]
    shown: list[tuple[Place, str]] = []
    texts: list[Place] = []
    struck: set[int] = set()
    for row in range(sheet.nrows):
        for column, style in enumerate(sheet.row(row)):
            struck |= {row} if style.value != "" and style.xf_index in formats.struck else set()
            texts += [(row, column)] if isinstance(style.value, str) and looks_like_number(style.value) else []
            number = style.value if isinstance(style.value, float) else 0.0
            kind = formats.styles.get(style.xf_index) if isinstance(style.value, float) else None
            text = print_number(number, kind, is_1904=formats.is_1904) if kind else None
            text = ROUNDED_TEXT if kind is None and is_rounded(number) else text
            if text is not None:
                shown.append(((row, column), text))
    hidden = sorted(row for row, info in sheet.rowinfo_map.items() if info.hidden)
    return Marks([], merged, shown, hidden, texts, struck)


def _list_parts(container: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return each sheet's name and the part of the container that holds its cells."""
    relations = ElementTree.fromstring(container.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 (limited process)
    targets = {relation.attrib["Id"]: relation.attrib["Target"] for relation in relations}
    book = ElementTree.fromstring(container.read("xl/workbook.xml"))  # noqa: S314
    return [
        (sheet.attrib["name"], posixpath.normpath(posixpath.join("xl", targets[relation])).lstrip("/"))
        for sheet in book.iter()
        if _local(sheet) == "sheet" and (relation := _find_relation(sheet)) in targets
    ]


def _find_relation(sheet: ElementTree.Element) -> str | None:
    return next((value for name, value in sheet.attrib.items() if name.endswith("/relationships}id")), None)


def _read_formats(container: zipfile.ZipFile, parts: Set[str]) -> Formats:
    """Return which cell styles show what the reader does not know (18.8 of ECMA-376: cellXfs)."""
    book = ElementTree.fromstring(container.read("xl/workbook.xml"))  # noqa: S314
    properties = next((item for item in book.iter() if _local(item) == "workbookPr"), None)
    is_1904 = properties is not None and properties.get("date1904", "0") in ("1", "true")
    if _STYLES not in parts:
        return Formats({}, is_1904)
    styles = ElementTree.fromstring(container.read(_STYLES))  # noqa: S314
    codes = {int(i.attrib["numFmtId"]): i.get("formatCode", "") for i in styles.iter() if _local(i) == "numFmt"}
    cell_styles = next((list(item) for item in styles.iter() if _local(item) == "cellXfs"), [])
    fonts = next((list(item) for item in styles.iter() if _local(item) == "fonts"), [])
    struck_fonts = {str(i) for i, font in enumerate(fonts) if any(_is_struck(mark) for mark in font)}
    struck = frozenset(i for i, style in enumerate(cell_styles) if style.get("fontId") in struck_fonts)
    found = {i: find_unknown(int(style.get("numFmtId", "0")), codes) for i, style in enumerate(cell_styles)}
    rich, numbers = _read_texts(container.read(_TEXTS)) if _TEXTS in parts else ({}, frozenset())
    return Formats({i: shown for i, shown in found.items() if shown}, is_1904, rich, numbers, struck)


def _is_struck(mark: ElementTree.Element) -> bool:
    return _local(mark) == "strike" and mark.get("val", "1") not in ("0", "false")


def _read_texts(xml: bytes) -> tuple[dict[int, str], frozenset[int]]:
    """Return the shared texts with marked parts, as `_print_rich` writes them, and which look like a number of three decimals."""
    if not _RICH.search(xml) and not _NUMBER_TEXT.search(xml.decode(errors="replace")):
        return {}, frozenset()
    items = [item for item in ElementTree.fromstring(xml) if _local(item) == "si"]  # noqa: S314
    rich = {i: text for i, item in enumerate(items) if (text := _print_rich(item)) is not None}
    return rich, frozenset(i for i, item in enumerate(items) if looks_like_number("".join(item.itertext())))


def _print_rich(item: ElementTree.Element) -> str | None:
    """Return a text with its raised, lowered and struck parts marked (`10^5`, `~~12~~35`), None where it has none.

    Readers join the parts, so that ten to the fifth would be 105, and a number beside a struck one both.
    """
    told: list[str] = []
    is_marked = False
    for run in (part for part in item if _local(part) == "r"):
        text = "".join(part.text or "" for part in run if _local(part) == "t")
        style = {_local(mark): mark.get("val", "1") for part in run if _local(part) == "rPr" for mark in part}
        marks = {"superscript": f"^{text}", "subscript": f"_{text}"}
        shown = marks.get(style.get("vertAlign", ""), text)
        told.append(f"~~{text}~~" if style.get("strike", "0") not in ("0", "false") else shown)
        is_marked = is_marked or told[-1] != text
    return "".join(told) if is_marked else None


def _scan_sheet(xml: bytes, formats: Formats) -> Marks:
    if xml.startswith((b"\xff\xfe", b"\xfe\xff")):
        xml = xml.decode("utf-16").encode()
    # Where neither word stands no expression looks at every tag of a large sheet.
    place = xml.find(b"mergeCell")
    found = _MERGED.findall(xml, xml.rfind(b"<", 0, place)) if place >= 0 else []
    merged = [(_read_place(first.decode()), _read_place(last.decode())) for first, last in found]
    rows = _HIDDEN_ROW.findall(xml) if b"hidden" in xml else []
    marks = Marks([], merged, [], [int(number) - 1 for row in rows for number in _ROW_NUMBER.findall(row)])
    return _scan_cells(xml, marks, formats) if _is_worth_a_scan(xml, formats) else marks


def _is_worth_a_scan(xml: bytes, formats: Formats) -> bool:
    """Whether a sheet may have formulas, or cells that show something else than readers take them for."""
    has_formula = (b"<f" in xml or b":f" in xml) and _FORMULA.search(xml)
    if has_formula or formats.rich or formats.numbers or _LONG_NUMBER.search(xml) or _RICH.search(xml):
        return True
    if b"inlineStr" in xml and _NUMBER_TEXT.search(xml.decode(errors="replace")):
        return True
    used = "|".join(map(str, sorted({*formats.styles, *formats.struck}))).encode()
    return bool(used and re.search(rb"\ss\s*=\s*[\"'](?:%s)[\"']" % used, xml))


def _scan_cells(xml: bytes, marks: Marks, formats: Formats) -> Marks:
    for _, cell in ElementTree.iterparse(io.BytesIO(xml)):  # noqa: S314
        if _local(cell) != "c":
            continue
        parts = {_local(part): part.text for part in cell}
        kind, value = cell.get("t", "n"), parts.get("v")
        # Excel says t="str" where a formula came to an empty text: that cell is empty, not uncalculated.
        if "f" in parts and not value and kind != "str":
            marks.uncalculated.append(_read_place(cell.attrib["r"]))
        text = _find_shown(cell, kind, value, formats)
        marks.shown.extend([(_read_place(cell.attrib["r"]), text)] if text is not None else [])
        if int(cell.get("s", "0")) in formats.struck and (value or kind == "inlineStr"):
            marks.struck.add(_read_place(cell.attrib["r"])[0])
        is_number_text = (
            int(value or 0) in formats.numbers
            if kind == "s"
            else kind in _OWN_TEXTS and looks_like_number("".join(cell.itertext()))
        )
        marks.texts.extend([_read_place(cell.attrib["r"])] if is_number_text else [])
        cell.clear()
    return marks


def _find_shown(cell: ElementTree.Element, kind: str, value: str | None, formats: Formats) -> str | None:
    """Return what a cell shows where readers would take it for something else."""
    if kind == "inlineStr":
        return next((_print_rich(part) for part in cell if _local(part) == "is"), None)
    if not value:
        return None
    if kind == "s":
        return formats.rich.get(int(value))
    shown = formats.styles.get(int(cell.get("s", "0"))) if kind == "n" else None
    if shown:
        return print_number(float(value), shown, is_1904=formats.is_1904)
    return ROUNDED_TEXT if kind == "n" and is_rounded(float(value)) else None


def _local(element: ElementTree.Element) -> str:
    """Return an element's name without its namespace, which transitional and strict files write differently."""
    return element.tag.rpartition("}")[2]


def _read_place(reference: str) -> tuple[int, int]:
    """Return the 0-based row and column of a reference such as `B7`."""
    match = _CELL.match(reference)
    if match is None:
        raise ValueError(f"not a cell reference: {reference}")
    column = 0
    for letter in match[1]:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(match[2]) - 1, column - 1
