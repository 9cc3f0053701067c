"""The rows below a header as records are read from them: merged cells filled, rows that are no records known, shifted rows told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from etl.delivery.read import ROW, Grid
from etl.mapping.row_kinds import RowKinds, find_row_kinds
from etl.mapping.shifts import find_shifts

Span = tuple[int, int, int, int]


@dataclass(frozen=True)
class Body:
    """`cells` of a whole grid with merged cells filled in the rows that are records; `filled` are the rows filled, by position.

    `shifts` tells from which position on the cells of a row may have slipped aside.
    """

    cells: pl.DataFrame
    kinds: RowKinds
    filled: Mapping[str, frozenset[int]]
    shifts: Mapping[int, int]


def read_body(grid: Grid, header_row: int, positions: Sequence[str], patient: str | None) -> Body:
    """Read the rows below the header of a grid.

    `positions` are the columns that have a name, `patient` that of the patient's number where it is known.
    """
    spans = [m for m in grid.merged if m[0] > header_row]
    down = [m for m in spans if m[1] == m[3]]
    across = [m for m in spans if m[1] != m[3]]
    filled: dict[str, set[int]] = {}
    cells = _fill(grid.cells, down, filled, frozenset())
    filled_down = replace(grid, cells=cells)
    kinds = find_row_kinds(filled_down, header_row, positions, patient)
    cells = _fill(cells, across, filled, frozenset(kinds.rules))
    width = max((int(p) + 1 for p in positions), default=0)
    shifts = find_shifts(filled_down, header_row, width, kinds)
    return Body(cells, kinds, {p: frozenset(rows) for p, rows in filled.items()}, shifts)


def _fill(
    cells: pl.DataFrame, spans: Sequence[Span], filled: dict[str, set[int]], left_out: frozenset[int]
) -> pl.DataFrame:
    """Write the text of a merged cell into all of its cells, rows that are blank or left out excepted."""
    if not spans:
        return cells
    offset = int(cells[ROW][0]) if cells.height else 1
    is_blank = cells.select(pl.all_horizontal(pl.exclude(ROW).is_null())).to_series().to_list()
    columns = {
        p: cells[p].to_list() for p in {str(c) for m in spans for c in range(m[1], m[3] + 1)} if p in cells.columns
    }
    for first, left, last, right in spans:
        place = first - offset
        source = columns.get(str(left))
        if source is None or place >= len(source) or source[place] is None or first in left_out:
            continue
        for position in (str(c) for c in range(left, right + 1) if str(c) in columns):
            for row in range(place, min(last - offset, len(source) - 1) + 1):
                if columns[position][row] is None and not is_blank[row] and row + offset not in left_out:
                    columns[position][row] = source[place]
                    filled.setdefault(position, set()).add(row + offset)
    return cells.with_columns([pl.Series(p, texts, dtype=pl.String) for p, texts in columns.items()])
