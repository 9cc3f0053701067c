"""Reads one workbook in a child process with a memory limit: `python -m etl.delivery.workbook FILE` writes its sheets to stdout.

A workbook is a zip of XML that can claim terabytes; a fault in it ends this process and not the registry. The output is
a pickle of plain types and Arrow buffers, read by `etl/delivery/read.py` alone.
"""

from __future__ import annotations

import io
import pickle
import posixpath
import re
import resource
import sys
import zipfile
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

MEMORY_LIMIT_BYTES = 6 * 1024**3
ERROR_TEXT = "#ERROR"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(r"^([A-Z]+)(\d+)$")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?\bref\s*=\s*[\"']([A-Z]+\d+):([A-Z]+\d+)[\"']")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
Place = tuple[int, int]


def read_workbook(path: str) -> list[dict[str, Any]]:
    """Return every sheet as text with coordinates.

    Each sheet is a dict: `name`; `columns` (0-based positions in the workbook), `grid` (Arrow IPC bytes, row 0 is the
    workbook's row 1), `errors` (0-based row and column of cells such as #DIV/0!, and of formulas that were saved without
    their value, which the reader would take for 0), `merged` (first and last corner, 0-based).
    """
    import fastexcel
    import pyarrow as pa

    reader = fastexcel.read_excel(path)
    marks = find_marks(path) if zipfile.is_zipfile(path) else _find_marks_in_biff(path)
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
                "merged": marks[name].merged if name in marks else [],
            }
        )
    return sheets


def _place_errors(sheet: Any, faults: Any) -> list[tuple[int, int]]:
    columns = [column.absolute_index for column in sheet.available_columns()]
    return [(fault.position[0], columns[fault.position[1]]) for fault in faults.errors] if faults else []


@dataclass(frozen=True)
class Marks:
    """What a sheet's XML says of its cells and the reader does not: 0-based row and column.

    `uncalculated` are formulas that were saved without a value, `merged` the first and the last corner of merged ranges.
    """

    uncalculated: list[Place]
    merged: list[tuple[Place, Place]]


def find_marks(path: str) -> dict[str, Marks]:
    """Return the marks of every sheet, each read once."""
    with zipfile.ZipFile(path) as container:
        parts = set(container.namelist())
        return {name: _scan_sheet(container.read(part)) for name, part in _list_parts(container) if part in parts}


def _find_marks_in_biff(path: str) -> dict[str, Marks]:
    """BIFF keeps a result with each formula."""
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(path)
    return {name: Marks([], book.get_sheet_by_name(name).merged_cell_ranges or []) for name in book.sheet_names}


def _list_parts(container: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return each sheet's name and the part of the container that holds its cells."""
    relations = ElementTree.fromstring(container.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 (limited process)
    targets = {relation.attrib["Id"]: relation.attrib["Target"] for relation in relations}
    book = ElementTree.fromstring(container.read("xl/workbook.xml"))  # noqa: S314
    return [
        (sheet.attrib["name"], posixpath.normpath(posixpath.join("xl", targets[sheet.attrib[_RELATION]])).lstrip("/"))
        for sheet in book.iter(f"{_MAIN}sheet")
        if sheet.attrib.get(_RELATION) in targets
    ]


def _scan_sheet(xml: bytes) -> Marks:
    if xml.startswith((b"\xff\xfe", b"\xfe\xff")):
        xml = xml.decode("utf-16").encode()
    # Where neither word stands no expression looks at every tag of a large sheet.
    place = xml.find(b"mergeCell")
    found = _MERGED.findall(xml, xml.rfind(b"<", 0, place)) if place >= 0 else []
    merged = [(_read_place(first.decode()), _read_place(last.decode())) for first, last in found]
    has_formula = (b"<f" in xml or b":f" in xml) and _FORMULA.search(xml)
    return Marks(_find_uncalculated(xml) if has_formula else [], merged)


def _find_uncalculated(xml: bytes) -> list[Place]:
    found: list[Place] = []
    for _, cell in ElementTree.iterparse(io.BytesIO(xml)):  # noqa: S314
        if cell.tag == f"{_MAIN}c":
            # Excel says t="str" where a formula came to an empty text: that cell is empty, not uncalculated.
            has_value = cell.findtext(f"{_MAIN}v") or cell.get("t") == "str"
            if cell.find(f"{_MAIN}f") is not None and not has_value:
                found.append(_read_place(cell.attrib["r"]))
            cell.clear()
    return found


def _read_place(reference: str) -> tuple[int, int]:
    """Return the 0-based row and column of a reference such as `B7`."""
    match = _CELL.match(reference)
    if match is None:
        raise ValueError(f"not a cell reference: {reference}")
    column = 0
    for letter in match[1]:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(match[2]) - 1, column - 1


def main() -> None:
    """Read the workbook named on the command line and write it to stdout."""
    sys.modules["numpy"] = None  # type: ignore[assignment] (pyarrow does without; its import costs twice pyarrow's own)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    sys.stdout.buffer.write(pickle.dumps(read_workbook(sys.argv[1])))


if __name__ == "__main__":
    main()
