"""Sheets that hold more than one table, or a form for each patient: refused before anybody fills in a worksheet for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from etl.delivery.read import ROW, Grid
from etl.errors import DeliveryError
from etl.onboarding.proposing.words import PATIENT_NUMBER, read_column_words, squeeze


def check_one_table(grid: Grid, names: Mapping[str, str], second_headers: Sequence[int]) -> None:
    """Refuse a sheet on which a second table begins, below the first or beside it.

    Raises:
        DeliveryError: says where the second one begins.
    """
    if second_headers:
        row = second_headers[0]
        raise DeliveryError(
            f"{grid.label}: row {row} names columns again, and others than the header: two tables stand on one sheet, or the columns changed. Put "
            "each table on a sheet or into a file of its own.",
            f"{grid.label}：第 {row} 行是另一组列名：同一工作表中有两张表，或列已改变。请将每张表放在单独的工作表或文件中。",
        )
    if place := _find_table_beside(grid, names):
        raise DeliveryError(
            f"{grid.label}: a second table with patient numbers of its own begins in column {place}, beside the first. Put each table on a sheet of its own.",
            f"{grid.label}：第 {place} 列开始有另一张含患者编号的表。请将每张表放在单独的工作表中。",
        )


def _find_table_beside(grid: Grid, names: Mapping[str, str]) -> int | None:
    """Return the column, counted from 1, behind an empty one in which patients are numbered a second time."""
    positions = sorted(int(p) for p in names)
    present = {int(p) for p in grid.cells.columns if p != ROW and grid.cells[p].is_not_null().any()}
    patients = [p for p in positions if _is_patient(names[str(p)])]
    for place in patients[1:]:
        if place - 1 not in present and place - 1 not in positions:
            return place + 1
    return None


def _is_patient(name: str) -> bool:
    return PATIENT_NUMBER in read_column_words().get(squeeze(name.split(" (")[0]), ())
