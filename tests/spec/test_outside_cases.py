"""Cases from outside the example (../shared/cases/clinical.csv) about the arm, TACE, bounds and identity documents."""

import csv
from pathlib import Path

import polars as pl
import pytest
from clinical_tables import derive_case

from etl.mapping.identity import compare_with_person, normalise_person
from schemas.derive import join_subject
from schemas.rules import RULES
from schemas.rules.rule import SUBJECT

CASES = Path(__file__).parents[3] / "shared" / "cases" / "clinical.csv"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the cases from outside are not here")


def read_case(number):
    with CASES.open(encoding="utf-8") as file:
        return next(row for row in csv.DictReader(file) if row["case"] == number)


def judge(number):
    """The patient's row of `subject`, and what rules ask about the patient."""
    tables, derived = derive_case(read_case(number)["edits"])
    asked = set()
    for rule in RULES.values():
        records = derived[SUBJECT] if rule.table == SUBJECT else tables[rule.table]
        judged = join_subject(rule.table, records, derived).with_columns(verdict=rule.expression())
        if (judged.filter(pl.col("patient_id") == "p1")["verdict"] == False).any():  # noqa: E712
            asked.add(rule.rule_id)
    verdicts = derived["eligibility"].filter(pl.col("patient_id") == "p1").select("criterion_id", "is_met")
    own = derived["subject"].filter(pl.col("patient_id") == "p1").row(0, named=True)
    return own | dict(verdicts.iter_rows()), asked


def test_tace_after_day_91_and_in_a_later_line_is_no_tace_with_the_therapy():
    subject, asked = judge("W21")
    assert (subject["has_tace_with_therapy"], subject["tace_level"]) == (False, "No")
    assert "tace_yes_has_procedure" in asked


@pytest.mark.parametrize(("number", "level"), [("W66", "afp_level"), ("W67", "hbv_dna_level")])
def test_nobody_leaves_unasked_for_a_bound(number, level):
    subject, asked = judge(number)
    assert (subject[level], subject["e4_complete_data"]) == (None, False)
    assert asked == {"bound_settles_level"}


def test_a_bound_at_the_cut_is_read_as_beyond_it():
    subject, asked = judge("A65")
    assert (subject["afp_level"], subject["e4_complete_data"], asked) == (">400", True, set())


def test_a_change_of_the_antibody_keeps_the_arm():
    subject, asked = judge("A11")
    assert (subject["arm"], asked) == ("len_pd1", set())


@pytest.mark.parametrize("number", ["A02", "A04"])
def test_permits_and_numbers_of_before_1999_are_identity_documents(number):
    written = read_case(number)["edits"].removeprefix("patient.national_id=")
    persons = normalise_person(pl.Series([written]))
    assert persons.null_count() == 0
    birth_date, sex = pl.Series(["1962-06-15"]).str.to_date(), pl.Series(["male"])
    agrees = compare_with_person(persons, birth_date, sex)["birth_date_is_of_national_id"].to_list()
    assert agrees == ([None] if number == "A02" else [True])
