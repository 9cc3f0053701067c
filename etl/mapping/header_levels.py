"""Names of columns that stand in several rows: `治疗前` above `ALT` and `AST` names `治疗前 ALT` and `治疗前 AST`."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from etl.delivery.read import ROW, Grid


def read_levels(grid: Grid, first: int, last: int) -> list[tuple[str, ...]]:
    """Return, for each position of a grid, the texts that name it in the rows `first` to `last`, from above down.

    In a workbook a text stands for all columns that its cell is merged over; in a text file for the columns to its right that have
    none of their own and are named below.
    """
    positions = [int(name) for name in grid.cells.columns if name != ROW]
    rows = {number: _read_row(grid, number, positions) for number in range(first, last + 1)}
    for number in range(first, last):
        if grid.sheet is None:
            _fill_right(rows[number], rows[number + 1])
        else:
            _fill_merged(grid, number, rows[number], positions)
    return [tuple(filter(None, (rows[n][place] for n in rows))) for place in range(len(positions))]


def join_levels(levels: Sequence[str]) -> str:
    """Return the name that a column has by its texts in several rows."""
    return " ".join(dict.fromkeys(levels))


def _read_row(grid: Grid, number: int, positions: Sequence[int]) -> list[str]:
    row = grid.cells.filter(pl.col(ROW) == number)
    return [(row[str(p)][0] or "").strip() if row.height else "" for p in positions]


def _fill_right(upper: list[str], lower: Sequence[str]) -> None:
    for place in range(1, len(upper)):
        if not upper[place] and lower[place] and lower[place - 1]:
            upper[place] = upper[place - 1]


def _fill_merged(grid: Grid, number: int, texts: list[str], positions: Sequence[int]) -> None:
    for top, left, bottom, right in grid.merged:
        if top <= number <= bottom and left < right and left in positions:
            text = texts[positions.index(left)] if top == number else ""
            for position in range(left, right + 1):
                if text and position in positions:
                    texts[positions.index(position)] = text


def name_header(first: int, last: int) -> str:
    """Return the rows of a header as a person writes them: `2`, `1-2`, `0` for none."""
    return str(last) if first == last else f"{first}-{last}"
