"""Sheets of a delivery before they are written: rows of cells that faults can still be planted in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from etl.example.model import Record

Cells = dict[str, Any]


@dataclass
class SheetRow:
    """One row: the registry table and record it was made from (`patient` for a row of several tables), and its cells."""

    local_id: str
    table: str
    record: Record
    cells: Cells


@dataclass
class Sheet:
    """One sheet of a workbook or one text file (`name` None); `header_row` counts from 1 as the data manager sees it."""

    file: str
    name: str | None
    header_row: int
    columns: tuple[str, ...]
    rows: list[SheetRow] = field(default_factory=list)

    def row_number(self, row: SheetRow) -> int:
        """Return the number of a row as seen in Excel, or its line in the text file."""
        position = next(i for i, other in enumerate(self.rows) if other is row)
        return self.header_row + 1 + position


def number_text(value: float | str | None, decimals: int | None = None) -> str:
    """Print a number as a hospital's text export does: no trailing `.0`; a text and an empty value stay what they are."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    rounded = round(value, decimals) if decimals is not None else value
    return f"{rounded:.10g}"


def date_text(value: date | str | None, form: str) -> str:
    """Print a date: `form` is `iso` (2020-03-05), `slash` (2020/3/5) or `chinese` (2020年3月5日)."""
    if value is None or isinstance(value, str):
        return value or ""
    if form == "iso":
        return value.isoformat()
    if form == "slash":
        return f"{value.year}/{value.month}/{value.day}"
    return f"{value.year}年{value.month}月{value.day}日"


def write_csv(path: Path, comment: str | None, columns: Sequence[str], rows: Iterable[Cells], encoding: str) -> None:
    """Write a text file: an optional comment line, the header, then one line a row."""
    text = io.StringIO(newline="")
    if comment:
        text.write(comment + "\r\n")
    writer = csv.DictWriter(text, fieldnames=list(columns), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
