"""Right and wrong patients from outside the example, each judged as the only patient of a delivery (../shared/cases/clinical.csv).

Of a wrong one somebody must be asked (a note is enough where the case says so), of a right one nobody may be.
"""

import csv
import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from patients.delivery import ask
from patients.invented_patient import InventedPatient

from schemas.contract import read_key
from schemas.example_patient import derive_case, edit_patient
from schemas.tables import TABLES

CASES = Path(__file__).parents[3] / "shared" / "cases" / "clinical.csv"


def read_kind(kind):
    if not CASES.exists():
        reason = "there is no ../shared/cases beside the checkout"
        return [pytest.param(None, id=kind, marks=pytest.mark.skip(reason=reason))]
    with CASES.open(encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["kind"] == kind]
    return [pytest.param(line, id=line["case"]) for line in lines]


def make_patient(edits):
    """The example patient changed as told; an identity document is written as the hospital would."""
    tables = edit_patient(edits)
    document = tables["patient"][0].pop("national_id", None)
    rows = {
        table: [{k: v for k, v in row.items() if k != "source_row"} for row in own] for table, own in tables.items()
    }
    return InventedPatient(tables=rows, national_id=document)


def ask_about(edits):
    """The questions about the example patient changed as told, the only one of a delivery."""
    return ask([make_patient(edits)])[0]


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


SLIPS = {
    "lesion of 250 mm": ("baseline.tumour_size_cm=26;lesion[1].diameter_mm=250", "baseline.tumour_size_cm.implausible"),
    "lesion of 26 mm": ("baseline.tumour_size_cm=26;lesion[1].diameter_mm=26", "baseline.tumour_size_cm.unit_slip"),
    "albumin and INR normal": ("laboratory[3].value=2.6", "laboratory.value.implausible"),
    "albumin low": ("laboratory[3].value=2.6;laboratory[4].value=33", "laboratory.value.unit_slip"),
    "INR not known": ("laboratory[3].value=2.6;-laboratory[7]", "laboratory.value.unit_slip"),
}


@pytest.mark.parametrize(("edits", "rule"), SLIPS.values(), ids=SLIPS)
def test_a_possible_value_with_a_witness_is_asked_about_and_kept(edits, rule):
    """A slip of the unit sets a value aside; where a second measurement agrees with it, it is only asked about."""
    asked = {question.rule_id for question in ask_about(edits)}
    assert rule in asked
    assert len({"implausible", "unit_slip"} & {name.rsplit(".", 1)[-1] for name in asked}) == 1


def list_cells():
    """Every filled cell of the example patient that is no part of a key, as an edit that empties it."""
    return [
        f"{table}[{number}].{name}="
        for table, rows in edit_patient("").items()
        for number, row in enumerate(rows, start=1)
        for name in row
        if name != "source_row" and row[name] is not None and name not in read_key(TABLES[table])
    ]


def ask_about_each(edits):
    """The rules that ask about each edit, the patients judged together; a day of diagnosis of their own keeps them apart."""
    patients = [make_patient(edit) for edit in edits]
    for number, made in enumerate(patients):
        if made.patient["diagnosis_date"] is not None:
            made.patient["diagnosis_date"] = (dt.date(2019, 12, 30) - dt.timedelta(days=number)).isoformat()
    return [{q.rule_id for q in questions if q.severity != "note"} for questions in ask(patients)]


def test_one_empty_cell_is_one_question():
    """Whatever else cannot be judged without it, the cell that is empty is asked about once."""
    edits = list_cells()
    asked = dict(zip(edits, ask_about_each(edits), strict=True))
    assert {edit: rules for edit, rules in asked.items() if len(rules) > 1} == {}


def test_a_class_that_its_parts_exclude_leaves_eligibility_unknown():
    """Moderate ascites, encephalopathy 2 and no INR are 8 to 10 points: B or C, never A, so that I3 is open."""
    _, derived = derive_case("baseline.ascites=moderate_or_more;baseline.encephalopathy_grade=2;-laboratory[7]")
    steps = derived["eligibility"].filter(
        pl.col("patient_id") == "p1", pl.col("criterion_id") == "i3_liver_function_and_ecog"
    )
    assert steps["is_met"].to_list() == [None]
