"""Reads a query workbook and fills it in as a person in a spreadsheet program would, for the tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xlsxwriter
from python_calamine import CalamineWorkbook

CONFIRMED, CORRECTED, NOT_AVAILABLE = (
    "核实无误 confirmed correct",
    "已在源数据中更正 corrected in source",
    "无法获得 not available",
)
Answers = Mapping[str, tuple[str, str]]


def read_heads(row: list[Any]) -> list[str]:
    """The English half of every heading of a row, which is its last line."""
    return [str(cell).strip().splitlines()[-1] if cell else "" for cell in row]


def list_queries(path: Path) -> list[dict[str, Any]]:
    """The questions of a workbook, one dictionary of heading and cell each."""
    book = CalamineWorkbook.from_path(str(path))
    for name in book.sheet_names:
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for number, row in enumerate(rows):
            heads = read_heads(row)
            if "Query id" in heads:
                return [dict(zip(heads, cells, strict=True)) for cells in rows[number + 1 :] if any(cells)]
    raise AssertionError(f"{path} has no questions")


def answer(source: Path, target: Path, answers: Answers, by: str = "Data manager 3") -> Path:
    """Read all cells of a workbook, change some, write all anew.

    `answers` holds (answer, comment) by any cell of the question's row: its query id, or the hospital's column.
    """
    book = CalamineWorkbook.from_path(str(source))
    target.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(target)) as out:
        for name in book.sheet_names:
            page = out.add_worksheet(name)
            heads: list[str] = []
            for r, row in enumerate(book.get_sheet_by_name(name).to_python(skip_empty_area=False)):
                for c, cell in enumerate(row):
                    if cell != "":
                        page.write(r, c, cell)
                    if cell == "答复人\nAnswered by":
                        page.write(r, c + 1, by)
                asked = next((answers[cell] for cell in row if isinstance(cell, str) and cell in answers), None)
                if heads and asked:
                    page.write(r, heads.index("Answer"), asked[0])
                    page.write(r, heads.index("Comment"), asked[1])
                heads = heads or (read_heads(row) if "Query id" in read_heads(row) else [])
    return target
