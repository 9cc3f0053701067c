"""Fills in a new hospital's worksheet as a person in Excel would, for the tests."""

from collections.abc import Callable, Mapping
from pathlib import Path

import xlsxwriter

from etl.delivery.read import ROW, read_delivery
from etl.mapping.permission import KEYS
from etl.mapping.read_site import load_site
from etl.mapping.site import ColumnMap, Site, normalise_code
from etl.onboarding.proposing.draft import ALL_ROWS
from etl.onboarding.proposing.no_value import is_value
from etl.onboarding.proposing.words import read_fields
from etl.onboarding.worksheet.form import AUTHOR_ROWS, CODES, COLUMNS, DECIDED_BY, HEADER_ROW, PERMISSION_SHEET, README
from etl.settings import PACKAGE_SITES

Cells = dict[tuple[str, str], str]
KIND = (PERMISSION_SHEET, f"C{HEADER_ROW + 2}")
"""The cell that says by what kind of permission a hospital's data may be used."""
PERMITTED = (
    "approval",
    "2025-031",
    "2025年1月15日",
    "all patients",
    "no end",
    "agreement of 2025-02-01",
    "research office",
    "no data leave",
)
PERMISSION: Cells = {
    (PERMISSION_SHEET, f"C{HEADER_ROW + 2 + n}"): text for n, (_, text) in enumerate(zip(KEYS, PERMITTED, strict=True))
}
"""The sheet of the permission as a hospital with real patients fills it in."""
COLUMN_DECISION, COLUMN_RECORD, COLUMN_UNIT, CODE_DECISION = "I", "J", "K", "H"


def read_cells(path: Path) -> Cells:
    """{(sheet, cell): text}."""
    cells: Cells = {}
    for grid in read_delivery(path).grids:
        for row in grid.cells.iter_rows(named=True):
            for place, text in row.items():
                if place != ROW and text is not None:
                    cells[str(grid.sheet), f"{chr(ord('A') + int(place))}{row[ROW]}"] = text
    return cells


def write_cells(path: Path, changes: Mapping[tuple[str, str], str]) -> None:
    """Write texts into cells of a workbook and save it."""
    there = read_cells(path)
    has_permission = any(
        sheet == PERMISSION_SHEET for sheet, _ in there
    )  # a worksheet of what changed has no such sheet
    cells = {
        **there,
        **{place: text for place, text in changes.items() if has_permission or place[0] != PERMISSION_SHEET},
    }
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_numbers": False}) as book:
        sheets = {name: book.add_worksheet(name) for name in dict.fromkeys(sheet for sheet, _ in cells)}
        for (sheet, cell), text in cells.items():
            sheets[sheet].write_string(cell, text)


def list_rows(cells: Cells, sheet: str) -> list[tuple[int, dict[str, str]]]:
    """Rows below the header of one sheet: number and {letter: text}."""
    rows: dict[int, dict[str, str]] = {}
    for (name, cell), text in cells.items():
        if name == sheet and int(cell[1:]) > HEADER_ROW + 1:
            rows.setdefault(int(cell[1:]), {})[cell[0]] = text
    return sorted(rows.items())


def find_row(cells: Cells, sheet: str, first: str, second: str) -> int:
    """Number of the row of one column (source, column) or code (table.field, code)."""
    return next(
        n for n, row in list_rows(cells, sheet) if row.get("B", "").split(" | ")[0] == first and row.get("C") == second
    )


def fill(
    path: Path, decide: Callable[[str, str], tuple[str, str, str]], decide_code: Callable[[str, str], str]
) -> None:
    """Fill every open cell: `decide(source, column)` gives decision, record, unit; `decide_code(table.field, code)` a code."""
    cells = read_cells(path)
    changes: Cells = {(README, f"B{AUTHOR_ROWS[DECIDED_BY] + 1}"): "QD"}
    if any(sheet == PERMISSION_SHEET for sheet, _ in cells) and KIND not in cells:
        changes |= PERMISSION
    for number, row in list_rows(cells, COLUMNS):
        decision, record, unit = decide(row["B"], row["C"])
        if COLUMN_DECISION not in row:
            changes[COLUMNS, f"{COLUMN_DECISION}{number}"] = decision
            changes[COLUMNS, f"{COLUMN_RECORD}{number}"] = record
        if COLUMN_DECISION not in row or COLUMN_UNIT not in row:
            changes[COLUMNS, f"{COLUMN_UNIT}{number}"] = unit
    for number, row in list_rows(cells, CODES):
        if CODE_DECISION not in row:
            changes[CODES, f"{CODE_DECISION}{number}"] = decide_code(row["B"].split(" | ")[0], row["C"])
    write_cells(path, changes)


def name_line(line: ColumnMap) -> str:
    """The meaning that a line of columns.csv has in the worksheet."""
    roles = {"patient": "patient_number", "person": "national_id", "drop": "identifier", "ignore": "not_needed"}
    return roles.get(line.role) or (f"{line.table}.{line.field}" if line.field else f"{line.table}.*")


def fill_like(path: Path, hospital: str) -> Site:
    """Fill the open cells as the project's own mapping of the hospital decides them; returns that mapping."""
    site = load_site(PACKAGE_SITES / hospital)

    def decide(_source: str, column: str) -> tuple[str, str, str]:
        if column.startswith(ALL_ROWS):
            table = column.removeprefix(ALL_ROWS)
            return (f"{table}.*", next(c.record for c in site.columns if c.table == table and not c.column), "")
        line = next((c for c in site.columns if c.column == column), None)
        return (name_line(line), line.record, line.unit) if line else ("not_needed", "", "")

    def decide_code(field: str, code: str) -> str:
        table, name = field.split(".")
        # Of what may say nothing the mapping names what does.
        as_it_stands = "value" if is_value(code, read_fields(table)[name]) else "missing"
        return site.codes.get((table, name), {}).get(normalise_code(code), as_it_stands)

    fill(path, decide, decide_code)
    return site
