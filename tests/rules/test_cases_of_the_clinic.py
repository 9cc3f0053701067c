"""Right and wrong patients from outside the example, each judged as the only patient of a delivery (../shared/cases/clinical.csv).

Of a wrong one somebody must be asked (a note is enough where the case says so), of a right one nobody may be.
"""

import csv
from pathlib import Path

import pytest
from patients.delivery import ask
from patients.invented_patient import InventedPatient

from schemas.example_patient import edit_patient

CASES = Path(__file__).parents[3] / "shared" / "cases" / "clinical.csv"
PARTS = {
    "W04": "vena cava and atrium read from the texts of the portal vein",
    "W05": "vena cava and atrium read from the texts of the portal vein",
    "W21": "the window in which TACE goes with the therapy",
    "W66": "bounds that leave a level open",
    "W67": "bounds that leave a level open",
    "A11": "two PD-1 inhibitors one after the other in line 1",
    "A27": "signs that belong to the vessel before them",
    "A41": "visits with a decimal number",
    "A63": "two samples of one visit",
}
"""Cases that other definitions decide; each turns red here once it is decided, and is then taken off."""


def read_kind(kind):
    if not CASES.exists():
        reason = "there is no ../shared/cases beside the checkout"
        return [pytest.param(None, id=kind, marks=pytest.mark.skip(reason=reason))]
    with CASES.open(encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["kind"] == kind]
    return [pytest.param(line, id=line["case"], marks=_mark(line["case"])) for line in lines]


def _mark(case):
    return [pytest.mark.xfail(reason=PARTS[case], strict=True)] if case in PARTS else []


def ask_about(edits):
    """The questions about the example patient changed as told; an identity document is written as the hospital would."""
    tables = edit_patient(edits)
    document = tables["patient"][0].pop("national_id", None)
    rows = {table: [{k: v for k, v in row.items() if k != "source_row"} for row in own] for table, own in tables.items()}
    return ask([InventedPatient(tables=rows, national_id=document)])[0]


@pytest.mark.parametrize("case", read_kind("wrong"))
def test_somebody_is_asked_about_what_is_wrong(case):
    asked = ask_about(case["edits"])
    if "a note is enough" not in case["right"]:
        asked = {question for question in asked if question.severity != "note"}
    assert asked, case["given"]


@pytest.mark.parametrize("case", read_kind("right"))
def test_nobody_is_asked_about_what_is_right(case):
    asked = {question.rule_id for question in ask_about(case["edits"]) if question.severity != "note"}
    assert asked == set(), case["right"]


def test_nobody_is_asked_about_the_example_patient():
    assert ask_about("") == set()


EMPTIED = [
    f"{table}.{name}="
    for table in ("patient", "baseline", "outcome")
    for name in edit_patient("")[table][0]
    if name != "source_row" and edit_patient("")[table][0][name] is not None
]


@pytest.mark.parametrize("edit", EMPTIED)
def test_one_empty_cell_is_one_question(edit):
    """Whatever else cannot be judged without it, the cell that is empty is asked about once."""
    asked = {question.rule_id for question in ask_about(edit) if question.severity != "note"}
    assert len(asked) <= 1
