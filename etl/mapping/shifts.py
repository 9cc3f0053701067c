"""Rows whose cells may have slipped aside: longer than the header, or shifted against the columns' forms.

An unquoted comma in a number makes two cells of one, and every value behind it stands in its neighbour's column. Where the shift began is not always
to be told; the first place where it may have begun always is: from there on no value is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

import polars as pl

from etl.delivery.read import ROW, Grid
from etl.mapping.forms import Form, Kind, is_value
from etl.mapping.row_kinds import RowKinds

_EXCEL_BLOCK_ROWS = 16
"""Excel writes trailing delimiters by blocks of so many rows, as the block needs them."""
_FEWEST_COLUMNS = 4
_FREE = Form(Kind.FREE)
Cells = Sequence[str | None]
Fits = Callable[[str | None, Form], bool]


def find_shifts(grid: Grid, header_row: int, n_named: int, kinds: RowKinds) -> dict[int, int]:
    """Return, for each row whose cells may have slipped, the first position from which no value can be trusted.

    `n_named` is one more than the last position that has a name.
    """
    width = n_named
    long = {} if grid.encoding is None else _find_long_rows(grid, header_row, n_named, kinds)
    suspects = [*long, *(row for row in kinds.strange if row not in long and row not in kinds.rules)]
    if not suspects:
        return {}
    forms = [kinds.forms.get(str(position), _FREE) for position in range(width)]
    fits = cache(is_value)
    found: dict[int, int] = {}
    for number, *cells in grid.cells.filter(pl.col(ROW).is_in(suspects)).iter_rows():
        by_position = dict(zip(grid.cells.columns[1:], cells, strict=True))
        n_cells = long.get(number, width)
        texts = [by_position.get(str(position)) for position in range(n_cells)]
        place = _place_long(texts, forms, fits) if number in long else _place_strange(texts, forms, fits)
        if place is not None:
            found[number] = place
    return found


def _find_long_rows(grid: Grid, header_row: int, n_named: int, kinds: RowKinds) -> dict[int, int]:
    """Return the number of cells of each row that has more than the header and than most rows."""
    whole = max((int(p) + 1 for p in grid.cells.columns if p != ROW), default=0)
    numbers = grid.cells.filter(
        (pl.col(ROW) > header_row) & pl.any_horizontal(pl.exclude(ROW).is_not_null())
    )[ROW].to_list()  # fmt: skip
    n_cells = {row: grid.short_rows.get(row, whole) for row in numbers}
    if not n_cells:
        return {}
    usual, n_usual = Counter(n_cells.values()).most_common(1)[0]
    header = grid.short_rows.get(header_row, whole) if header_row else n_named
    width = max(n_named, header, usual if 2 * n_usual > len(n_cells) else 0)
    long = {row: n for row, n in n_cells.items() if n > width and row not in kinds.rules}
    if not long:
        return {}
    blocks: dict[int, set[int]] = {}
    for row, n in n_cells.items():
        blocks.setdefault((row - 1) // _EXCEL_BLOCK_ROWS, set()).add(n)
    beyond = [p for p in grid.cells.columns if p != ROW and int(p) >= n_named]
    filled = set(grid.cells.filter(pl.any_horizontal(pl.col(beyond).is_not_null()))[ROW]) if beyond else set()
    per_block = Counter((row - 1) // _EXCEL_BLOCK_ROWS for row in n_cells)

    def is_as_excel_writes(row: int) -> bool:
        block = (row - 1) // _EXCEL_BLOCK_ROWS
        return row not in filled and per_block[block] > 1 and len(blocks[block]) == 1

    return {row: n for row, n in long.items() if not is_as_excel_writes(row)}


def _place_long(cells: Cells, forms: Sequence[Form], fits: Fits) -> int | None:
    """Return the first place where a row with too many cells may have broken, None where it only has empty cells at its end."""
    extra = cells[len(forms) :]
    is_in_place = all(map(fits, cells[: len(forms)], forms))
    place = _find_first_break(cells, forms, fits)
    if is_in_place and not any(extra) and place is None:
        return None
    return 0 if place is None else place


def _place_strange(cells: Cells, forms: Sequence[Form], fits: Fits) -> int | None:
    """Return where a row as long as the header slipped: a cell too many or one too few explains all that is no value of its column."""
    if len(forms) < _FEWEST_COLUMNS:
        return None
    places = [_find_first_break([*cells, None], forms, fits), _find_first_gap(cells, forms, fits)]
    return min((place for place in places if place is not None), default=None)


def _find_first_break(cells: Cells, forms: Sequence[Form], fits: Fits) -> int | None:
    """Return the first column whose value may have become several cells so that all cells behind it fit the columns before theirs.

    None where no such column is; one behind which nothing stands moves no value and is none.
    """
    n_cells, n_columns = len(cells), len(forms)
    last_filled = max((i for i, cell in enumerate(cells) if cell), default=-1)

    @cache
    def is_explained(cell: int, column: int) -> bool:
        """Whether the cells from one on are the values of the columns from one on, some of them broken."""
        if column == n_columns:
            return cell == n_cells
        surplus = (n_cells - cell) - (n_columns - column)
        if surplus < 0:
            return False
        if fits(cells[cell], forms[column]) and is_explained(cell + 1, column + 1):
            return True
        return any(
            _may_break(cells[cell : cell + 1 + more], forms[column], fits) and is_explained(cell + 1 + more, column + 1)
            for more in range(1, surplus + 1)
        )

    for place, form in enumerate(forms):
        if place >= last_filled:
            return None
        surplus = n_cells - n_columns
        if any(
            _may_break(cells[place : place + 1 + more], form, fits) and is_explained(place + 1 + more, place + 1)
            for more in range(1, surplus + 1)
        ):
            return place
        if not fits(cells[place], form):
            return None
    return None


def _find_first_gap(cells: Cells, forms: Sequence[Form], fits: Fits) -> int | None:
    """Return the first column that may be absent from a row, so that all cells from there on fit the columns behind theirs."""
    if cells[-1] is not None:
        return None
    for place, form in enumerate(forms):
        if all(map(fits, cells[place:-1], forms[place + 1 :])):
            return place
        if not fits(cells[place], form):
            return None
    return None


def _may_break(parts: Cells, form: Form, fits: Fits) -> bool:
    """Whether some cells may be one value with delimiters in it; beside an empty one a delimiter was put in by mistake."""
    filled = [part for part in parts if part]
    if len(filled) < 2:
        return not filled or fits(filled[0], form)
    return form.kind != Kind.DATE and fits(",".join(filled), form)
