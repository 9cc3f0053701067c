"""Nobody who is right is accused, and whoever is wrong is asked: drawn patients against the lists in docs/. SYNTHETIC EXAMPLE DATA."""

import pytest

from patients.breaking import BREAKINGS
from patients.measure import compute_interval, measure_right, measure_wrong
from patients.rare import KINDS, read_kinds
from patients.wrong import read_constraints

NOTES_ARE_ENOUGH = {"D22", "G05", "I04", "I24", "B02"}
"""What is only unusual, or what a note has always told (docs/constraints.md)."""
NOT_ASKED = {"S23": "a metastasised tumour judged resectable is removed by I1, and oligometastases are resected"}
N_WRONG, N_RIGHT = 3, 4


@pytest.fixture(scope="module")
def wrong():
    return measure_wrong(N_WRONG)


def test_every_constraint_of_the_list_can_be_broken():
    listed = set(read_constraints())
    assert listed - set(BREAKINGS) == set(), "write a way to break it in tests/patients/breaking_*.py"
    assert set(BREAKINGS) - listed == set(), "write the constraint into docs/constraints.md"


def test_every_kind_of_rare_patient_can_be_drawn():
    listed = set(read_kinds())
    assert listed - set(KINDS) == set(), "write a drawing of it in tests/patients/rare_*.py"
    assert set(KINDS) - listed == set(), "write the kind and its reason into docs/rare-patients.md"
    assert len(KINDS) >= 40


@pytest.mark.parametrize("constraint", sorted(read_constraints()))
def test_whoever_breaks_a_constraint_is_asked(wrong, constraint, request):
    if reason := NOT_ASKED.get(constraint):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=False))
    share = wrong[0][constraint]
    assert (share.n_noted if constraint in NOTES_ARE_ENOUGH else share.n_asked) == share.n


def test_right_patients_of_the_usual_kind_are_not_asked(wrong):
    asked = [{question.rule_id for question in questions} for questions in wrong[1] if questions]
    assert asked == []


@pytest.fixture(scope="module")
def right():
    return measure_right(N_RIGHT)


def test_right_but_rare_patients_are_asked_nothing_but_what_their_kind_allows(right):
    asked = {name: dict(share.rules) for name, share in right[0].items() if share.rules}
    assert asked == {}


def test_at_most_two_in_a_hundred_right_but_rare_patients_are_asked(right):
    assert right[1].n_asked <= 0.02 * right[1].n


def test_the_interval_is_wilsons():
    """Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I: 15 of 148."""
    low, high = compute_interval(15, 148)
    assert (round(low, 4), round(high, 4)) == (0.0624, 0.1605)
