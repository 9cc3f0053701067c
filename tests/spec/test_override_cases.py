"""Which response counts where a hospital and its own lesions disagree: the cases of kind `override` in shared/cases/clinical.csv.

Each case changes the correct patient. What its column `right` says in words stands below as values: of `subject`, of the
assessment at a visit (`response 2` is the response of visit 2), and whether somebody is asked.

Asked means: a rule of the tables lesion, response, procedure, outcome or subject fails for p1. The rules that fail because a
case leaves out lesions of the correct patient say nothing of the disagreement; so a case is held against its agreeing twin,
the same patient with a recorded response that does not disagree: what fails in the case alone was asked about it.
"""

import csv
from pathlib import Path

import pytest
from asked_rules import find_asked
from clinical_tables import derive_case
from lesion_histories import describe_value, read_pairs

from schemas.tables import TABLES

CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "clinical.csv"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="shared/cases/clinical.csv is not here")

# 2020-04-15 is day 45, 2020-06-10 day 101, 2020-06-24 day 115, the last contact day 275.
RIGHT = {
    "P1": "pfs_days=101; pfs_event=true; response 2=PD; target_response 2=NE; first_progression_source=recorded_response",
    "P2": "pfs_days=45; pfs_event=true; response_3_months=PD; response 1=PD; target_response 1=SD; target_response 3=PD",
    "P3n": "pfs_days=45; pfs_event=true; response 1=PD; target_response 1=SD; derived_response 1=none",
    "P6": "pfs_days=101; pfs_event=true; response 2=PD; target_response 2=NE",
    "P8": "pfs_days=115; pfs_event=true; first_progression_date=day 115; imaging_progression_date 2=day 115",
    "A48": "pfs_days=275; pfs_event=false; response 2=NE; response_3_months=NE; best_response=PR; treated_target_number 2=1",
    "A48b": "pfs_days=275; pfs_event=false; response 2=NE; response_3_months=NE; best_response=PR; derived_response 2=NE",
}
AGREEING = {"P1": "response[3].recorded_response=NE", "A48b": "response[3].recorded_response=NE"}
"""Of the cases whose `right` says that somebody is asked: what takes the disagreement away."""


def read_edits():
    with CASES.open(encoding="utf-8", newline="") as lines:
        return {line["case"]: line["edits"] for line in csv.DictReader(lines) if line["kind"] == "override"}


def read_found(edits, names):
    derived = derive_case(edits)[1]
    subject = derived["subject"].filter(patient_id="p1").row(0, named=True)
    readings = derived["assessment"].filter(patient_id="p1", reader="site", criteria="recist_1_1")
    visits = {reading["visit_number"]: reading for reading in readings.iter_rows(named=True)}
    found = {}
    for name in names:
        column, _, visit = name.partition(" ")
        found[name] = describe_value((visits[int(visit)] if visit else subject).get(column, "no such column"))
    return found


def test_every_override_case_has_its_right_answer():
    assert set(read_edits()) == set(RIGHT)


@pytest.mark.parametrize("case", RIGHT)
def test_the_response_that_counts(case):
    expected = read_pairs(RIGHT[case])
    assert read_found(read_edits()[case], expected) == expected


@pytest.mark.parametrize("case", AGREEING)
def test_somebody_is_asked_about_the_disagreement(case):
    edits = read_edits()[case]
    agreeing = find_asked(*derive_case(f"{edits}; {AGREEING[case]}"))
    assert find_asked(*derive_case(edits)) - agreeing


def test_nobody_is_asked_about_a_resection_that_everybody_reads_alike():
    """A48: the target is gone because it was resected, the hospital says NE and so do the lesions."""
    assert find_asked(*derive_case(read_edits()["A48"]), judged=(*TABLES, "subject")) == set()
