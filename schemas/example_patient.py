"""The cases of the rules: one correct, invented patient, of whom each case changes single cells. SYNTHETIC EXAMPLE DATA.

The tests and the rule catalogue read the same cases (`schemas/rules/cases/<rule>.csv`) and the same patient
(`schemas/rules/cases/correct_patient.md`), so that they cannot differ.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from functools import cache

import polars as pl

from schemas.contract import list_made_key
from schemas.derive import derive
from schemas.package_data import MissingDataError, find_data
from schemas.tables import TABLES

CASES_PACKAGE = "schemas.rules.cases"
PARSERS = {
    "String": str,
    "Int64": int,
    "Float64": float,
    "Date": date.fromisoformat,
    "Boolean": {"true": True, "false": False}.__getitem__,
}
EDIT = re.compile(r"^(?P<table>\w+)(?:\[(?P<row>\d+)\])?\.(?P<field>\w+)=(?P<value>.*)$")
REMOVAL = re.compile(r"^-(?P<table>\w+)(?:\[(?P<row>\d+)\])?(?P<everyone>!)?$")

ADDED_FROM = 100
"""`source_row` of the first record that a case adds."""

OF_THE_OTHER = "patient.diagnosis_date=2020-02-02"
"""What the second correct patient of a case has otherwise: two who share birth, diagnosis and start would be one."""

Row = dict[str, str | None]


@dataclass(frozen=True)
class Case:
    """One line of a rule's cases: how the correct patient is changed, and the verdict (`pass`, `fail`, `unknown`)."""

    expected: str
    edits: str


class MissingCaseError(LookupError):
    """A rule of which no case passes, or none fails, or a table of which the correct patient has nothing to change.

    `str()` is the message in English, `zh` in Chinese.
    """

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.zh = zh


def read_cases(rule_id: str) -> list[Case]:
    """Return the rule's cases in the order of the file; none where there is no file yet."""
    try:
        path = find_data(CASES_PACKAGE, f"{rule_id}.csv")
    except MissingDataError:
        return []
    lines = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    if lines.fieldnames != ["expected", "edits"]:
        raise ValueError(f"schemas/rules/cases/{path.name}: line 1 must read expected,edits")
    return [Case(line["expected"], line["edits"]) for line in lines]


def find_case(rule_id: str, verdict: str) -> Case:
    """Return the rule's first case with this verdict.

    Raises:
        MissingCaseError: there is none; says what to write.
    """
    for case in read_cases(rule_id):
        if case.expected == verdict:
            return case
    raise MissingCaseError(
        f"no case of {rule_id} is expected to {verdict}: write schemas/rules/cases/{rule_id}.csv with a pass and a fail line "
        "(line 1: expected,edits; an edit changes one cell of schemas/rules/cases/correct_patient.md)",
        f"请在 schemas/rules/cases/{rule_id}.csv 中写入通过（pass）与不通过（fail）各一行。",
    )


def read_rows(text: str) -> list[Row]:
    """Return the rows of an ASCII table whose columns are parted by `|`; a blank cell is None, a line of dashes a rule."""
    lines = [line.strip().strip("|") for line in text.strip().splitlines() if not set(line.strip()) <= set("|-+ ")]
    cells = [[cell.strip() or None for cell in line.split("|")] for line in lines]
    header = [name or "" for name in cells[0]]
    if any(len(row) != len(header) for row in cells):
        raise ValueError(f"rows of different lengths: {text}")
    return [dict(zip(header, row, strict=True)) for row in cells[1:]]


def read_introduction() -> str:
    """Return what is said of the correct patient before his tables."""
    return _read_patient_page().split("\n## ", 1)[0].split("\n", 1)[1].strip()


def read_correct_patient() -> dict[str, str]:
    """Return the correct patient's tables as texts, by name.

    Raises:
        MissingCaseError: a table of the contracts is not among them; says what to write.
    """
    sections = _read_patient_page().split("\n## ")[1:]
    tables = {name.strip(): text for name, text in (section.split("\n", 1) for section in sections)}
    if absent := sorted(TABLES.keys() - tables.keys()):
        raise MissingCaseError(
            f"the correct patient has no {', '.join(absent)}: write a section `## <table>` with a header of its fields and a "
            "record of his into schemas/rules/cases/correct_patient.md",
            "请在 schemas/rules/cases/correct_patient.md 中为下列表写入一节（`## 表名`）、字段表头及一条记录："
            f"{'、'.join(absent)}。",
        )
    return tables


def _read_patient_page() -> str:
    return find_data(CASES_PACKAGE, "correct_patient.md").read_text(encoding="utf-8")


def make_frame(name: str, rows: list[Row]) -> pl.DataFrame:
    """Return contract-typed records of one table, from texts; provenance and columns that are not given are filled in."""
    schema = {column: spec.dtype.type for column, spec in TABLES[name].to_schema().columns.items()}
    if unknown := {field for row in rows for field in row} - set(schema):
        raise ValueError(f"{name} has no {sorted(unknown)}")
    records = []
    for number, row in enumerate(rows, start=1):
        provenance = {"hospital": "h1", "patient_id": "p1", "delivery": "d", "source_file": "f", "source_row": number}
        provenance |= dict.fromkeys(list_made_key(TABLES[name]), 1)
        parsed = {field: None if text is None else PARSERS[str(schema[field])](text) for field, text in row.items()}
        records.append({**provenance, **parsed})
    return pl.DataFrame(records, schema=schema)


def make_case(edits: str) -> dict[str, pl.DataFrame]:
    """Return the tables of two correct patients, p1 changed as told; edits are parted by `;`.

    `table[2].field=value` sets a cell of p1's second record ([1] if left out; one past the last adds a record),
    `-table[2]` removes it, `-table` removes p1's records, `-table!` everybody's.
    """
    own = edit_patient(edits)
    other = {name: [{**row, "patient_id": "p2"} for row in rows] for name, rows in edit_patient(OF_THE_OTHER).items()}
    for table in find_tables_of_nobody(edits):
        other[table] = []
    return {name: make_frame(name, own[name] + other[name]) for name in TABLES}


@cache
def derive_case(edits: str) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """Return the tables of a case and what is derived of them; the hospital sends every table that somebody has."""
    tables = make_case(edits)
    return tables, derive(tables, sent=set(TABLES) - set(find_tables_of_nobody(edits)))


def find_tables_of_nobody(edits: str) -> list[str]:
    """Return the tables that no patient of a case's hospital has."""
    removals = [REMOVAL.match(edit) for edit in _split_edits(edits)]
    return [removal["table"] for removal in removals if removal and removal["everyone"]]


def edit_patient(edits: str) -> dict[str, list[Row]]:
    """Return the correct patient's rows as texts, changed as told; each with its `source_row`, from 100 on where it is added."""
    own = {
        name: [{**row, "source_row": str(number)} for number, row in enumerate(read_rows(text), start=1)]
        for name, text in read_correct_patient().items()
    }
    for edit in _split_edits(edits):
        if removal := REMOVAL.match(edit):
            rows = own[removal["table"]]
            rows[:] = rows[: int(removal["row"]) - 1] + rows[int(removal["row"]) :] if removal["row"] else []
        elif change := EDIT.match(edit):
            rows, position = own[change["table"]], int(change["row"] or 1) - 1
            if position == len(rows):
                rows.append({"source_row": str(ADDED_FROM + position)})
            rows[position][change["field"]] = change["value"] or None
        else:
            raise ValueError(f"not an edit: {edit}")
    return own


def _split_edits(edits: str) -> list[str]:
    return [edit for edit in (part.strip() for part in edits.split(";")) if edit]
