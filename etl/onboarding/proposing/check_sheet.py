"""Sheets that no mapping can read: several tables on one, forms, sheets named after people. Refused before anybody fills in a worksheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from etl.delivery.read import ROW, Grid
from etl.errors import DeliveryError
from etl.mapping.identifying_columns import look_like_names
from etl.onboarding.proposing.words import PATIENT_NUMBER, read_column_words, squeeze

_FEWEST_LABELS = 4
_FEWEST_SHEETS = 3


def check_one_table(grid: Grid, names: Mapping[str, str], second_headers: Sequence[int]) -> None:
    """Refuse a sheet that holds a second table below the first or beside it.

    Raises:
        DeliveryError: says where.
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
    """Return the column, counted from 1, in which patients are numbered a second time: by the same name, or behind an empty column."""
    positions = sorted(int(p) for p in names)
    present = {int(p) for p in grid.cells.columns if p != ROW and grid.cells[p].is_not_null().any()}
    for place in [p for p in positions if _is_patient(names[str(p)])][1:]:
        is_same_name = names[str(place)].endswith(" (2)")
        if is_same_name or (place - 1 not in present and place - 1 not in positions):
            return place + 1
    return None


def _is_patient(name: str) -> bool:
    return PATIENT_NUMBER in read_column_words().get(squeeze(name.split(" (", maxsplit=1)[0]), ())


def check_no_form(grid: Grid) -> None:
    """Refuse a sheet that is a form, labels to the left of one patient's values: its values would become names of columns.

    Raises:
        DeliveryError: names the sheet.
    """
    for position in grid.cells.columns[1:4]:
        labels = [squeeze(text) for text in grid.cells[position].drop_nulls()]
        known = [label for label in labels if label.rstrip(":：") in read_column_words()]
        if len(set(known)) >= _FEWEST_LABELS and len(set(known)) == len(known) and 2 * len(known) >= len(labels):
            raise DeliveryError(
                f"{grid.label}: this is a form, with the labels to the left of one patient's values. Send a table with a row for each patient and the "
                "labels as its header; ask who keeps the forms, or IT, for an export.",
                f"{grid.label}：这是一张表单（标签在左、某一患者的值在右）。请提交每位患者一行、以标签为表头的表格；可请表单管理者或信息科导出。",
            )


def check_sheet_names(grids: Sequence[Grid]) -> None:
    """Refuse a workbook whose sheets are named after people, patients or staff: the reports name sheets.

    Raises:
        DeliveryError: names the file.
    """
    sheets: dict[str, list[str]] = {}
    for grid in grids:
        if grid.sheet is not None:
            sheets.setdefault(grid.file, []).append(grid.sheet)
    for file, names in sheets.items():
        if len(names) >= _FEWEST_SHEETS and look_like_names(names):
            raise DeliveryError(
                f"{file}: its sheets seem to be named after people. Send one sheet with the rows of all of them; names do not belong into a delivery.",
                f"{file}：工作表似以人名命名。请将所有行合并为一张工作表；提交内容中不应出现姓名。",
            )
