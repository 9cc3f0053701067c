"""Finds the row, or the rows one above the other, in which a sheet names its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from etl.delivery.read import NAME_ROW, ROW, Grid
from etl.errors import DeliveryError
from etl.mapping.forms import Form, Kind, is_name_above, learn_forms
from etl.mapping.header_levels import join_levels, name_header, read_levels
from etl.mapping.parse import MISSING_TEXTS
from etl.mapping.row_kinds import has_units_only
from etl.mapping.site import normalise_text
from etl.onboarding.proposing.words import read_column_words, squeeze

SEARCHED_ROWS = 25
SEARCHED_FULL_ROWS = 4
LEARNED_ROWS = 2000
_DATA_CELL = re.compile(r"^[<>≤≥]?[+-]?\d[\d\s./:,年月日eE%×*+-]*$")
_COMMENT = "#"
Row = Sequence[str | None]
Forms = Sequence[Form]
Header = tuple[int | None, int | None]
"""First and last row of a header, None for none."""


def find_header(grid: Grid) -> Header:
    """Return the first and the last row that name the columns, the same where one row does, None where none does."""
    row = find_header_row(grid)
    if not row or grid.cells[ROW][0] == NAME_ROW:
        return row, row
    first, last = next(((upper, upper + 1) for upper in (row - 1, row) if _is_pair(grid, upper, upper + 1)), (row, row))
    while first > 1 and first < last and _is_group_row(grid, first - 1, first, last):
        first -= 1
    return first, last + 1 if _is_unit_row(grid, last + 1) else last


def find_header_row(grid: Grid) -> int | None:
    """Return the row that names the columns, None where none does.

    A header is known by its form: its cells are no values of the columns below them, and no row above it is a record. Only where the columns have no
    form, or no more than half of the cells tell, known words decide. Of several such rows the one with the most words counts, known ones above all.
    More than a few full rows end the search; lines that begin with `#` explain and are passed over.
    """
    if grid.cells[ROW][0] == NAME_ROW:
        return NAME_ROW
    head = grid.cells.head(SEARCHED_ROWS)
    rows = [(int(number), list(cells)) for number, *cells in head.iter_rows()]
    width = max((_count_filled(cells) for _, cells in rows), default=0)
    full = [(n, cells) for n, cells in rows if 2 * _count_filled(cells) >= width and not _is_comment(cells)]
    best, best_score = None, 0.0
    above: list[Row] = []
    for number, cells in full[:SEARCHED_FULL_ROWS]:
        forms = _learn_forms_below(grid, number)
        if any(_is_record(row, forms) for row in above):
            break
        score = _rate_header(cells, forms, rows, number) / max(width, 1)
        if score > best_score:
            best, best_score = number, score
        above.append(cells)
    return best


def _rate_header(cells: Row, forms: Forms, rows: Sequence[tuple[int, Row]], number: int) -> float:
    """Return how many words a row has that may name columns, known ones thrice; 0 where it names none."""
    texts = [normalise_text(cell) for cell in cells if cell]
    words = [text for text in texts if not _is_data(text)]
    if not words or len(words) < 2 * len(texts) / 3:
        return 0.0
    known = sum(squeeze(word) in read_column_words() for word in words)
    unlike, judged = _count_unlike(cells, forms)
    if judged and 2 * unlike < judged and 2 * known < len(words):
        return 0.0  # its cells are values of the columns
    if not judged and known == 0 and not _has_data_below(rows, number):
        return 0.0  # nothing tells it from a row of somebody's texts
    return len(set(words)) + 2.0 * known


def _learn_forms_below(grid: Grid, number: int) -> Forms:
    """Return the forms of the columns in the rows below one that are filled like most."""
    below = grid.cells.filter(pl.col(ROW) > number).head(LEARNED_ROWS).drop(ROW)
    filled = pl.sum_horizontal(pl.all().is_not_null())
    counted = below.with_columns(filled.alias("filled")).filter(pl.col("filled") > 0) if below.width else below
    if counted.is_empty():
        return []
    most = float(counted["filled"].median() or 0)  # type: ignore[arg-type]
    full = counted.filter(3 * pl.col("filled") > most)
    return list(learn_forms(full.select(below.columns)).values())


def _count_unlike(cells: Row, forms: Forms) -> tuple[int, int]:
    """Return how many cells of a row are no values of their columns, and how many stand in columns that have a form."""
    judged = [(cell, form) for cell, form in zip(cells, forms, strict=False) if cell and form.kind != Kind.FREE]
    return sum(is_name_above(cell, form) for cell, form in judged), len(judged)


def _is_record(cells: Row, forms: Forms) -> bool:
    """Whether most cells of a row are values of the columns, as the rows below have them."""
    unlike, judged = _count_unlike(cells, forms)
    return judged > 1 and 3 * unlike < judged


def _count_filled(cells: Row) -> int:
    return sum(cell is not None for cell in cells)


def _is_comment(cells: Row) -> bool:
    first = next((cell for cell in cells if cell), "")
    return first.startswith(_COMMENT)


def _is_group_row(grid: Grid, upper: int, first: int, last: int) -> bool:
    """Whether a row above a header of several rows tells apart what that leaves alike."""
    rows = {number: list(cells) for number, *cells in grid.cells.head(SEARCHED_ROWS).iter_rows()}
    if upper not in rows:
        return False
    joined = [join_levels(texts) for texts in read_levels(grid, first, last)]
    named = [name for name in joined if name]
    below = grid.cells.filter(pl.col(ROW) > last).drop(ROW)
    is_nameless = any(
        top and not name and below[p].is_not_null().any()
        for top, name, p in zip(rows[upper], joined, below.columns, strict=True)
    )
    return (len(set(named)) < len(named) or is_nameless) and _has_groups(grid, upper, rows[upper], rows[first])


def _is_unit_row(grid: Grid, number: int) -> bool:
    """Whether the row below a header states units and nothing else but a word for them."""
    row = grid.cells.filter(pl.col(ROW) == number).drop(ROW)
    return row.height > 0 and has_units_only([cell for cell in row.row(0) if cell])


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
        down = [m for m in grid.merged if m[0] == upper and m[2] > upper]
        return len(across) > 1 or bool(across and down)
    beside = [top is None and bottom is not None for top, bottom in zip(above, below, strict=True)]
    return sum(beside) > 1 and any(top is not None for top in above)


def _has_data_below(rows: Sequence[tuple[int, Row]], number: int) -> bool:
    """Whether half of the cells below a row are numbers or dates."""
    below = [normalise_text(cell) for row, cells in rows for cell in cells if row > number and cell]
    return 2 * sum(map(_is_data, below)) > len(below)


def _is_data(cell: str) -> bool:
    return bool(_DATA_CELL.match(cell)) or cell.casefold() in MISSING_TEXTS
