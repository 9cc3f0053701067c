"""Plants faults in the sheets of a delivery and keeps the ledger of them.

A fault sits in a patient who is not analysed anyway, or in a repeated record on which no result rests, so that the
analysed patients and their results stay what they are.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import ModuleType

from etl.example.faults import (
    ANY_PATIENT,
    IMPOSSIBLE_DAY,
    AnyFault,
    CellChange,
    CopiedRow,
    Fault,
    Place,
    RemovedRows,
    Wanted,
    accept_any,
)
from etl.example.model import ELIGIBLE, MARKER, Record, SyntheticPatient
from etl.example.screening import SEEN_ELSEWHERE
from etl.example.sheets import Sheet, SheetRow
from schemas.codes import LabTest

_ALL_TABLES = "*"
_SPARED = (ELIGIBLE, SEEN_ELSEWHERE, "incomplete", "treated_briefly", "lost_early")
_CAME_LATER = (IMPOSSIBLE_DAY, "two values of one day", "second response of an assessment")
"""Kinds of faults that the example did not have at first, in the order in which they came."""
_TESTS = frozenset(test.value for test in LabTest)
_Spot = tuple[Sheet, SheetRow, str]


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


class Planter:
    """Plants faults in one hospital's sheets; only those that share a patient lie in one, each in its own table.

    `site` is the hospital's module: its `ID` and `ROW_TABLES`, `find_header` and `holds`.
    """

    def __init__(self, site: ModuleType, sheets: Sequence[Sheet], patients: Sequence[SyntheticPatient]) -> None:
        self.site = site
        self.sheets = sheets
        self.patients = {patient.local_id: patient for patient in patients}
        self.taken: dict[str, set[str]] = {p.local_id: {_ALL_TABLES} for p in patients if p.situation}
        self.notes: list[tuple[AnyFault, str, Sheet, SheetRow, str]] = []

    def plant_all(self, faults: Sequence[AnyFault]) -> None:
        """Plant every fault; those that any patient can take come late, so that they leave the others their patients.

        Those of `_CAME_LATER` come last, and after them what is late: earlier versions of the example had none, and their
        faults stay where they were.
        """

        def rank(fault: AnyFault) -> tuple[bool, int, int]:
            later = _CAME_LATER.index(fault.kind) + 1 if fault.kind in _CAME_LATER else 0
            return fault.is_late, later, (fault.reason == ANY_PATIENT) + (fault.wanted is accept_any)

        for fault in sorted(faults, key=rank):
            self.plant(fault)

    def plant(self, fault: AnyFault) -> None:
        """Plant one fault and note where its rules must find it."""
        patient, sheet, row = self._find(fault)
        table = fault.point_at.table if isinstance(fault, RemovedRows) else fault.table
        self.taken.setdefault(patient.local_id, set()).add(table if fault.shares else _ALL_TABLES)
        if isinstance(fault, Fault):
            places = self._write(fault, patient, sheet, row)
        elif isinstance(fault, CopiedRow):
            places = self._copy(fault, patient, sheet, row)
        else:
            places = self._remove(fault, patient, sheet, row)
        self.notes += [(fault, fault.rule, *place) for place in places]

    def list_lines(self) -> list[LedgerLine]:
        """Return the ledger: the rows are counted when all faults are planted."""
        return [
            LedgerLine(
                hospital=self._hospital,
                file=sheet.file,
                sheet=sheet.name or "",
                row=sheet.row_number(row),
                column=column,
                kind=fault.kind,
                expected_rule=rule,
                consequence_rules=";".join(fault.consequences),
            )
            for fault, rule, sheet, row, column in self.notes
        ]

    def note(self, kind: str, rule: str, patient: SyntheticPatient) -> None:
        """Note a rule at a patient's own row, where nothing needs to be changed."""
        sheet, row = self._find_place(Place("patient"), patient)
        self.notes.append((Fault(kind, "patient", "", "", rule), rule, sheet, row, ""))

    @property
    def _hospital(self) -> str:
        return next(iter(self.patients.values())).hospital

    def _write(self, fault: Fault, patient: SyntheticPatient, sheet: Sheet, row: SheetRow) -> list[_Spot]:
        rows = [(sheet, row)]
        if fault.every is not None:
            own = [(s, r) for s, r in self._rows(fault.table, "") if r.local_id == patient.local_id]
            rows = [(s, r) for s, r in own if fault.every(patient, r.record)]
        column = self.site.find_header(fault.table, fault.field)
        for _, each in rows:
            each.cells[fault.column or column] = _say(fault.text, patient, each.record)
            self._change(fault.table, fault.also, patient, each)
        if fault.point_at is None:
            return [(s, r, column) for s, r in rows]
        return [self._point(fault.point_at, patient, row if fault.point_at.table == fault.table else None, sheet)]

    def _copy(self, fault: CopiedRow, patient: SyntheticPatient, sheet: Sheet, row: SheetRow) -> list[_Spot]:
        local_id = row.local_id if fault.local_id is None else fault.local_id
        copy = SheetRow(local_id, row.table, row.record, row.cells | {self.site.ID: local_id})
        self._change(fault.table, fault.changes, patient, copy)
        sheet.rows.append(copy)
        self.notes += [(fault, rule, sheet, copy, "") for rule in fault.also_rules]
        if fault.rejects_patient:
            self._note_parents(fault, patient)
        if fault.point_at is not None:
            return [self._point(fault.point_at, patient, None, sheet)]
        column = self.site.find_header(fault.table, fault.column) if fault.column else ""
        return [(sheet, place, column) for place in ((row, copy) if fault.points_at_both else (copy,))]

    def _note_parents(self, fault: CopiedRow, patient: SyntheticPatient) -> None:
        """Note that the patient's records of the other tables go with the patient's own."""
        for table in sorted(patient.records.keys() - {fault.table}):
            spots = [(s, r) for s, r in self._rows(table, "") if r.local_id == patient.local_id]
            self.notes += [(fault, f"{table}.parent", sheet, row, "") for sheet, row in spots[:1]]

    def _remove(self, fault: RemovedRows, patient: SyntheticPatient, sheet: Sheet, row: SheetRow) -> list[_Spot]:
        for table, is_gone in fault.rows:
            gone = {
                id(r) for _, r in self._rows(table, "") if r.local_id == patient.local_id and is_gone(patient, r.record)
            }
            for other in self.sheets:
                other.rows = [r for r in other.rows if id(r) not in gone]
        self._change(fault.point_at.table, fault.changes, patient, row)
        return [self._point(fault.point_at, patient, row, sheet)]

    def _change(
        self, table: str, changes: Mapping[str, object | CellChange], patient: SyntheticPatient, row: SheetRow
    ) -> None:
        for name, text in changes.items():
            row.cells[self.site.find_header(table, name)] = _say(text, patient, row.record)

    def _point(self, place: Place, patient: SyntheticPatient, row: SheetRow | None, sheet: Sheet) -> _Spot:
        if row is None:
            sheet, row = self._find_place(place, patient)
        return sheet, row, self.site.find_header(place.table, place.field) if place.field else ""

    def _find_place(self, place: Place, patient: SyntheticPatient) -> tuple[Sheet, SheetRow]:
        rows = [(s, r) for s, r in self._rows(place.table, "") if r.local_id == patient.local_id]
        return next((s, r) for s, r in rows if place.wanted(patient, r.record))

    def _find(self, fault: AnyFault) -> tuple[SyntheticPatient, Sheet, SheetRow]:
        table, test, wanted = _describe_target(fault)
        for sheet, row in self._rows(table, test):
            patient = self.patients.get(row.local_id)
            if patient is not None and self._may_take(patient, fault, table) and wanted(patient, row.record):
                return patient, sheet, row
        raise LookupError(f"no patient is left for the fault '{fault.kind}' ({fault.rule}) in {table}")

    def _may_take(self, patient: SyntheticPatient, fault: AnyFault, table: str) -> bool:
        taken = self.taken.get(patient.local_id, set())
        if taken and (not fault.shares or taken & {_ALL_TABLES, table}):
            return False
        return patient.reason not in _SPARED if fault.reason == ANY_PATIENT else patient.reason == fault.reason

    def _rows(self, table: str, test: str) -> Iterator[tuple[Sheet, SheetRow]]:
        """Yield the rows that hold records of a table; of the laboratory only those that have the test."""
        row_table = self.site.ROW_TABLES.get(table, table)
        for sheet in self.sheets:
            for row in sheet.rows:
                if row.table == row_table and self.site.holds(row, test):
                    yield sheet, row


def _say(text: object | CellChange, patient: SyntheticPatient, record: Record) -> object:
    return text(patient, record) if callable(text) else text


def _describe_target(fault: AnyFault) -> tuple[str, str, Wanted]:
    """Return table, laboratory test and condition of the row in which a fault is planted."""
    if isinstance(fault, RemovedRows):
        at = fault.point_at
        return at.table, "", lambda patient, record: at.wanted(patient, record) and fault.wanted(patient, record)
    if isinstance(fault, CopiedRow):
        return fault.table, fault.test, fault.wanted
    return fault.table, fault.field if fault.field in _TESTS else "", fault.wanted


def write_ledger(path: Path, lines: Sequence[LedgerLine]) -> None:
    """Write the ledger of planted faults."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f.name for f in fields(LedgerLine)])
        writer.writerows(astuple(line) for line in lines)
