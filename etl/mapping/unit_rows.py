"""A row of units below a header that the mapping does not read: it may be left out only where it says what the mapping says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from etl.delivery.read import ROW, Grid
from etl.mapping.row_kinds import looks_like_unit
from etl.mapping.site import ColumnMap, Site, Source, normalise_text
from etl.mapping.units import is_own_units, is_unit
from schemas.contract import read_contract
from schemas.tables import TABLES
from schemas.units import find_canonical_unit, normalise_unit


def find_other_units(
    grid: Grid, row: int, named: Mapping[str, str], site: Site, sources: Sequence[Source]
) -> list[tuple[str, str]]:
    """Report the columns whose unit in a row of units is not the one in which the mapping reads them."""
    cells = grid.cells.filter(pl.col(ROW) == row).row(0, named=True)
    lines = {c.column: c for s in sources for c in site.columns_of(s) if c.role == "field" and c.column}
    faults: list[tuple[str, str]] = []
    for position, name in named.items():
        stated, line = normalise_text(cells.get(position) or "").strip("()（）[]【】 "), lines.get(name)
        if line is None or not is_unit(stated) or not looks_like_unit(stated):
            continue
        expected = _read_unit(line)
        if expected is not None and normalise_unit(stated) != expected:
            faults.append(
                (
                    f"{grid.label}: row {row} states the unit {stated} for column '{name}', the mapping reads {expected}; correct the unit in columns.csv, "
                    "or let the mapping read the row as part of the header (header_from)",
                    f"{grid.label}：第 {row} 行中列“{name}”的单位为 {stated}，而映射按 {expected} 读取；请更正 columns.csv 中的单位，或将该行作为表头的一部分（header_from）",
                )
            )
    return faults


def _read_unit(line: ColumnMap) -> str | None:
    """Return the unit in which a line of columns.csv reads its column, None where another column says it or nothing has one."""
    if line.unit:
        return None if line.unit.startswith("column:") or is_own_units(line.unit) else normalise_unit(line.unit)
    spec = read_contract(TABLES[line.table]).get(line.field)
    unit = find_canonical_unit(line.constants.get("test", line.field), spec.unit if spec else None)
    return None if unit is None else normalise_unit(unit)
