"""A sheet of a workbook in which signs that a reader's program would obey are written out. Imported only where a workbook is written."""

from __future__ import annotations

from typing import Literal

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from etl.pages.cells import escape_hidden


class PlainSheet(Worksheet):
    """A sheet whose texts hold no hidden sign but line breaks and tabs."""

    def _write_string(self, row: int, col: int, string: str, cell_format: Format | None = None) -> Literal[0, -1, -2]:
        return super()._write_string(row, col, escape_hidden(string, keep="\n\t"), cell_format)
