"""Finds the row, or the rows one above the other, in which a sheet names its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from etl.delivery.read import ROW, Grid
from etl.delivery.stat_files import NAME_ROW
from etl.errors import DeliveryError
from etl.mapping.header_levels import name_header
from etl.mapping.parse import MISSING_TEXTS
from etl.mapping.site import normalise_text
from etl.onboarding.proposing.words import read_column_words, squeeze

SEARCHED_ROWS = 25
_DATA_CELL = re.compile(r"^[<>≤≥]?[+-]?\d[\d\s./:,年月日eE%×*+-]*$")
_COMMENT = "#"
Header = tuple[int | None, int | None]
"""First and last row of a header, None for none."""


def find_header(grid: Grid) -> Header:
    """Return the first and the last row that name the columns, the same where one row does, None where none does."""
    row = find_header_row(grid)
    for upper in (row - 1, row) if row and grid.cells[ROW][0] != NAME_ROW else ():
        if _is_pair(grid, upper, upper + 1):
            return upper, upper + 1
    return row, row


def find_header_row(grid: Grid) -> int | None:
    """Return the row that names the columns, None where none does.

    It is the one among the first rows with the most cells that are words, known ones above all; a row of which more than a
    third are numbers or dates names nothing, nor does one without a known word where no numbers follow: it may be a patient. Lines that begin with `#` explain and are passed over.
    """
    if grid.cells[ROW][0] == NAME_ROW:
        return NAME_ROW
    head = grid.cells.head(SEARCHED_ROWS)
    rows = [(number, [normalise_text(cell) for cell in cells if cell]) for number, *cells in head.iter_rows()]
    width = max((len(cells) for _, cells in rows), default=0)
    best, best_score = None, 0.0
    for number, cells in rows:
        words = [cell for cell in cells if not _is_data(cell)]
        if not words or cells[0].startswith(_COMMENT) or len(words) < 2 * len(cells) / 3 or 2 * len(cells) < width:
            continue
        known = sum(squeeze(cell) in read_column_words() for cell in words)
        if known == 0 and not _has_data_below(rows, number):
            continue  # nothing tells it from a row of somebody's texts
        score = (len(set(words)) + 2 * known) / width
        if score > best_score:
            best, best_score = number, score
    return best


def check_named_header(grid: Grid, first: int, last: int) -> Header:
    """Return the header that a person named, None for a sheet without.

    Raises:
        DeliveryError: the last of its rows is empty, or they are not in order.
    """
    if grid.cells[ROW][0] == NAME_ROW:
        return NAME_ROW, NAME_ROW  # the variables' names of a statistical program
    if last == 0:
        return None, None
    row = grid.cells.filter(pl.col(ROW) == last).drop(ROW)
    if not 1 <= first <= last or row.is_empty() or all(cell is None for cell in row.row(0)):
        named = name_header(first, last)
        raise DeliveryError(
            f"{grid.label}: the worksheet names row {named} as the header (sheet 表 Sheets), and that row is empty. Correct the number there.",
            f"{grid.label}：对应表（“表 Sheets”）指定第 {named} 行为表头，但该行为空。请更正行号。",
        )
    return first, last


def _is_pair(grid: Grid, upper: int, lower: int) -> bool:
    """Whether two rows name the columns together: groups above, and below what only the upper row does not tell apart.

    A title above a header is none, for the header is complete without it; nor is a header above somebody's texts, for it needs
    groups: merged cells, or in a text file cells left empty.
    """
    rows = {number: list(cells) for number, *cells in grid.cells.head(SEARCHED_ROWS + 1).iter_rows()}
    if upper not in rows or lower not in rows:
        return False
    above, below = rows[upper], rows[lower]
    words = [cell for cell in [*above, *below] if cell]
    if sum(map(_is_data, words)) * 3 > len(words) or any(cell.startswith(_COMMENT) for cell in words):
        return False
    named = [normalise_text(cell) for cell in below if cell]
    is_filled = [grid.cells.filter(pl.col(ROW) > lower)[p].is_not_null().any() for p in grid.cells.columns if p != ROW]
    is_needed = len(set(named)) < len(named) or any(
        filled and top and not bottom for filled, top, bottom in zip(is_filled, above, below, strict=True)
    )
    return is_needed and len(named) > 1 and _has_groups(grid, upper, above, below)


def _has_groups(grid: Grid, upper: int, above: Sequence[str | None], below: Sequence[str | None]) -> bool:
    """Whether a text of the upper row stands for several columns."""
    if grid.sheet is not None:
        across = [m for m in grid.merged if m[0] == m[2] == upper and m[1] < m[3]]
        down = [m for m in grid.merged if m[0] == upper and m[2] == upper + 1]
        return len(across) > 1 or bool(across and down)
    beside = [top is None and bottom is not None for top, bottom in zip(above, below, strict=True)]
    return sum(beside) > 1 and any(top is not None for top in above)


def _has_data_below(rows: Sequence[tuple[int, list[str]]], number: int) -> bool:
    """Whether half of the cells below a row are numbers or dates."""
    below = [cell for row, cells in rows for cell in cells if row > number]
    return 2 * sum(map(_is_data, below)) > len(below)


def _is_data(cell: str) -> bool:
    return bool(_DATA_CELL.match(cell)) or cell.casefold() in MISSING_TEXTS
