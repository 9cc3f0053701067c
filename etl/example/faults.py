"""How a fault to plant is declared: a cell that is changed, a row that is copied, rows that are left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from etl.example.model import Record, SyntheticPatient

Wanted = Callable[[SyntheticPatient, Record], bool]
CellChange = Callable[[SyntheticPatient, Record], object]
ANY_PATIENT = "any"
IMPOSSIBLE_DAY = "day after the delivery"


def accept_any(_patient: SyntheticPatient, _record: Record) -> bool:
    """Accept every record."""
    return True


@dataclass(frozen=True)
class Place:
    """Where a rule points: at `field` (none: the row) of the patient's first row in `table` that `wanted` accepts."""

    table: str
    field: str = ""
    wanted: Wanted = accept_any


@dataclass(frozen=True)
class Fault:
    """A fault to plant in one cell of the first record that `wanted` accepts.

    `field` is the field of the table, or the laboratory test. `text` is what the cell then reads (or a function of
    patient and record); `also` changes further fields of the row, so that nothing but the one thing is wrong, and `every`
    plants the same in all rows of the patient that it accepts. With `reason` the patient must be excluded for that
    reason; `eligible` takes an analysed one. `column` is the header to write into, where the rule points at the field
    and the fault is elsewhere in the row; `point_at` is where the rule points, if not there. With `shares` the patient
    may have such faults in other tables too. One that `is_late` came with a later version of the example: it is planted after
    all others, so that these stay where they were.
    """

    kind: str
    table: str
    field: str
    text: object | CellChange
    rule: str
    consequences: tuple[str, ...] = ()
    wanted: Wanted = accept_any
    reason: str = ANY_PATIENT
    point_at: Place | None = None
    column: str = ""
    also: Mapping[str, object | CellChange] = dataclasses.field(default_factory=dict)
    every: Wanted | None = None
    shares: bool = False
    is_late: bool = False

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that must find the fault."""
        return (self.rule,)


@dataclass(frozen=True)
class CopiedRow:
    """A row to add at the end of its sheet: a copy of the first row that `wanted` accepts, with some cells changed.

    `changes` are by field; `local_id` replaces the patient's number (empty: missing). Further rules of `also_rules` must
    fire at the copy. With `rejects_patient` the copy takes the patient's records of all other tables with it.
    """

    kind: str
    table: str
    rule: str
    changes: Mapping[str, object | CellChange] = dataclasses.field(default_factory=dict)
    local_id: str | None = None
    consequences: tuple[str, ...] = ()
    wanted: Wanted = accept_any
    reason: str = ANY_PATIENT
    points_at_both: bool = False
    column: str = ""
    test: str = ""
    point_at: Place | None = None
    also_rules: tuple[str, ...] = ()
    rejects_patient: bool = False
    shares: bool = False
    is_late: bool = False

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that must find the fault."""
        return (self.rule, *self.also_rules)


@dataclass(frozen=True)
class RemovedRows:
    """Rows that a hospital forgot to send: those of `rows` (table and condition); the rule points at `point_at`.

    `wanted` judges the record at `point_at`, of which `changes` are made by field.
    """

    kind: str
    rule: str
    rows: tuple[tuple[str, Wanted], ...]
    point_at: Place
    consequences: tuple[str, ...] = ()
    wanted: Wanted = accept_any
    reason: str = ANY_PATIENT
    changes: Mapping[str, object | CellChange] = dataclasses.field(default_factory=dict)
    shares: bool = False
    is_late: bool = False

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that must find the fault."""
        return (self.rule,)


AnyFault = Fault | CopiedRow | RemovedRows
