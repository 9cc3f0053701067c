"""Plants faults in the sheets of a delivery and keeps the ledger of them.

A fault sits in a patient who is not analysed anyway, or in a repeated record on which no result rests, so that the
analysed patients and their results stay what they are.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from types import ModuleType

from etl.example.model import ELIGIBLE, MARKER, Record, SyntheticPatient
from etl.example.screening import SEEN_ELSEWHERE
from etl.example.sheets import Cells, Sheet, SheetRow

Wanted = Callable[[SyntheticPatient, Record], bool]
CellChange = Callable[[SyntheticPatient, Record], object]
ANY_PATIENT = "any"
_SPARED = (ELIGIBLE, SEEN_ELSEWHERE, "incomplete", "treated_briefly", "lost_early")


def accept_any(_patient: SyntheticPatient, _record: Record) -> bool:
    """Accept every record."""
    return True


@dataclass(frozen=True)
class LedgerLine:
    """One planted fault: where it lies, as the data manager sees it, and which rules must and may find it.

    `consequence_rules` are the further rules, separated by `;`, that may fire at the same patient because of it.
    """

    hospital: str
    file: str
    sheet: str
    row: int
    column: str
    kind: str
    expected_rule: str
    consequence_rules: str
    data_origin: str = MARKER


@dataclass(frozen=True)
class Fault:
    """A fault to plant in one cell of the first record that `wanted` accepts.

    `field` is the field of the table, or the laboratory test. `text` is what the cell then reads (or a function of
    patient and record). With `reason` the patient must be excluded for that reason; `eligible` takes an analysed one.
    `column` is the header to write into, where the rule points at the field and the fault is elsewhere in the row.
    `point_at` names the table and field at which the rule points, where that is in another row.
    """

    kind: str
    table: str
    field: str
    text: object | CellChange
    rule: str
    consequences: tuple[str, ...] = ()
    wanted: Wanted = accept_any
    reason: str = ANY_PATIENT
    point_at: tuple[str, str] | None = None
    column: str = ""


@dataclass(frozen=True)
class CopiedRow:
    """A row to add at the end of its sheet: a copy of the first row that `wanted` accepts, with some cells changed.

    `changes` are by field; `local_id` replaces the patient's number (empty: missing).
    """

    kind: str
    table: str
    rule: str
    changes: Mapping[str, object | CellChange] = field(default_factory=dict)
    local_id: str | None = None
    consequences: tuple[str, ...] = ()
    wanted: Wanted = accept_any
    reason: str = ANY_PATIENT
    points_at_both: bool = False
    column: str = ""


class Planter:
    """Plants faults in one hospital's sheets; no patient gets a second one.

    `site` is the hospital's module: its `ID` and `ROW_TABLES`, `find_header` and `holds`.
    """

    def __init__(self, site: ModuleType, sheets: Sequence[Sheet], patients: Sequence[SyntheticPatient]) -> None:
        self.site = site
        self.sheets = sheets
        self.patients = patients
        self.taken: set[str] = set()
        self.lines: list[LedgerLine] = []

    def plant_all(self, faults: Sequence[Fault | CopiedRow]) -> None:
        """Plant every fault; those that any patient can take come last, so that they leave the others their patients."""
        for fault in sorted(faults, key=lambda fault: (fault.reason == ANY_PATIENT) + (fault.wanted is accept_any)):
            self.plant(fault)

    def plant(self, fault: Fault | CopiedRow) -> None:
        """Plant one fault and write its line of the ledger."""
        patient, sheet, row = self._find(fault)
        self.taken.add(patient.local_id)
        if isinstance(fault, CopiedRow):
            self._copy(fault, patient, sheet, row)
            return
        column = self.site.find_header(fault.table, fault.field)
        row.cells[fault.column or column] = fault.text(patient, row.record) if callable(fault.text) else fault.text
        if fault.point_at is not None:
            table, name = fault.point_at
            sheet, row = next((s, r) for s, r in self._rows(table, "") if r.local_id == patient.local_id)
            column = self.site.find_header(table, name) if name else ""
        self._note(fault, sheet, row, column)

    def _copy(self, fault: CopiedRow, patient: SyntheticPatient, sheet: Sheet, row: SheetRow) -> None:
        cells: Cells = dict(row.cells)
        for name, text in fault.changes.items():
            cells[self.site.find_header(fault.table, name)] = text(patient, row.record) if callable(text) else text
        local_id = row.local_id if fault.local_id is None else fault.local_id
        copy = SheetRow(local_id, row.table, row.record, cells | {self.site.ID: local_id})
        sheet.rows.append(copy)
        column = self.site.find_header(fault.table, fault.column) if fault.column else ""
        for place in (row, copy) if fault.points_at_both else (copy,):
            self._note(fault, sheet, place, column)

    def note(self, kind: str, rule: str, patient: SyntheticPatient) -> None:
        """Write a ledger line for a patient's own row, where nothing needs to be changed."""
        sheet, row = next((s, r) for s, r in self._rows("patient", "") if r.local_id == patient.local_id)
        self.lines.append(
            LedgerLine(patient.hospital, sheet.file, sheet.name or "", sheet.row_number(row), "", kind, rule, "")
        )

    def _note(self, fault: Fault | CopiedRow, sheet: Sheet, row: SheetRow, column: str) -> None:
        place = (self.patients[0].hospital, sheet.file, sheet.name or "", sheet.row_number(row), column)
        self.lines.append(LedgerLine(*place, fault.kind, fault.rule, ";".join(fault.consequences)))

    def _find(self, fault: Fault | CopiedRow) -> tuple[SyntheticPatient, Sheet, SheetRow]:
        test = fault.field if isinstance(fault, Fault) and fault.table == "laboratory" else ""
        by_id = {patient.local_id: patient for patient in self.patients}
        for sheet, row in self._rows(fault.table, test):
            patient = by_id.get(row.local_id)
            if patient is not None and self._may_take(patient, fault.reason) and fault.wanted(patient, row.record):
                return patient, sheet, row
        raise LookupError(f"no patient is left for the fault '{fault.kind}' in {fault.table}")

    def _may_take(self, patient: SyntheticPatient, reason: str) -> bool:
        if patient.local_id in self.taken:
            return False
        return patient.reason not in _SPARED if reason == ANY_PATIENT else patient.reason == reason

    def _rows(self, table: str, test: str) -> Iterator[tuple[Sheet, SheetRow]]:
        """Yield the rows that hold records of a table; of the laboratory only those that have the test."""
        row_table = self.site.ROW_TABLES.get(table, table)
        for sheet in self.sheets:
            for row in sheet.rows:
                if row.table == row_table and self.site.holds(row, test):
                    yield sheet, row


def write_ledger(path: Path, lines: Sequence[LedgerLine]) -> None:
    """Write the ledger of planted faults."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f.name for f in fields(LedgerLine)])
        writer.writerows(astuple(line) for line in lines)
