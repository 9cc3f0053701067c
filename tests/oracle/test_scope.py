"""A part of a hospital's patients, derived and judged alone, comes out as in the whole: a rule looks at what its scope says.

Patients are dealt into buckets. What looks at one patient comes out the same however they are dealt; what looks at a person
comes out the same where a person's patient numbers stay together, and only there.
"""

from dataclasses import replace
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.edited_hospital import edited_hospitals, make_frames
from oracle.hospitals import find_sent, hospitals, make_hospital
from oracle.verdicts import evaluate_rules
from polars.testing import assert_frame_equal

from schemas.derive import derive
from schemas.rules import CRITERIA, RULES
from schemas.rules.rule import Scope

KEYS = {
    "subject": ["patient_id"],
    "assessment": ["patient_id", "reader", "criteria", "visit_number"],
    "eligibility": ["patient_id", "criterion_order"],
    "adverse_event_facts": ["patient_id", "event_number"],
    "laboratory_facts": ["patient_id", "test"],
    "response_facts": ["patient_id", "visit_number", "reader"],
    "patient_facts": ["patient_id"],
    "treatment_facts": ["patient_id", "line_number", "drug"],
    "procedure_facts": ["patient_id", "procedure_number"],
    "metastasis_facts": ["patient_id", "organ"],
}
OF_PATIENTS = [rule for rule in RULES.values() if rule.scope is Scope.PATIENT]


def deal(names, seed, parts):
    """The names in so many buckets, some of them perhaps empty."""
    random = Random(seed)
    dealt = [[] for _ in range(parts)]
    for name in sorted(names):
        random.choice(dealt).append(name)
    return dealt


def derive_parts(hospital, dealt):
    """Per bucket of patients, their records and what is derived of them, as of one hospital."""
    frames, sent = make_frames(hospital), find_sent(hospital)
    own = [
        {name: frame.filter(pl.col("patient_id").is_in(bucket)) for name, frame in frames.items()} for bucket in dealt
    ]
    return [(part, derive(part, sent=sent)) for part in own]


def judge(rules, parts):
    """Rule id -> record key -> verdict, over all the parts."""
    verdicts = {rule.rule_id: {} for rule in rules}
    for frames, derived in parts:
        for rule_id, found in evaluate_rules(rules, frames, derived).items():
            verdicts[rule_id] |= found
    return verdicts


def find_differences(rules, hospital, dealt):
    """The derived frames and the rules that come out otherwise in buckets than in the whole."""
    whole = derive_parts(hospital, [[row["patient_id"] for row in hospital["patient"]]])
    parts = derive_parts(hospital, dealt)
    differing = set()
    for name, key in KEYS.items():
        try:
            assert_frame_equal(pl.concat(derived[name] for _, derived in parts).sort(key), whole[0][1][name].sort(key))
        except AssertionError:
            differing.add(name)
    expected, found = judge(rules, whole), judge(rules, parts)
    return differing | {rule.rule_id for rule in rules if expected[rule.rule_id] != found[rule.rule_id]}


def patients_of(hospital):
    return [row["patient_id"] for row in hospital["patient"]]


@settings(max_examples=settings().max_examples // 4)
@given(st.one_of(hospitals(), edited_hospitals), st.integers(0, 2**30), st.integers(1, 3))
def test_buckets_of_patients_come_out_as_the_whole(hospital, seed, parts):
    assert find_differences(OF_PATIENTS, hospital, deal(patients_of(hospital), seed, parts)) == set()


def make_repeated(patients=45):
    """A hospital in which every third person stands under two numbers."""
    hospital = make_hospital(seed=20261129, patients=patients)
    for number, row in enumerate(hospital["patient"]):
        row["person_id"] = f"person {number // 2 if number % 3 == 0 else number}"
    return hospital


def test_a_large_hospital_in_buckets():
    hospital = make_repeated(patients=150)
    for seed, parts in enumerate((2, 5, 15)):
        assert find_differences(OF_PATIENTS, hospital, deal(patients_of(hospital), seed, parts)) == set()


def test_a_rule_on_persons_needs_a_persons_patient_numbers_together():
    """It says so for a reason: it is the only one that patients dealt one by one change."""
    hospital = make_repeated()
    of_persons = {rule.rule_id for rule in RULES.values() if rule.scope is Scope.PERSON}
    dealt = deal(patients_of(hospital), 1, 20)
    assert find_differences(RULES.values(), hospital, dealt) == of_persons
    together = {}
    for row in hospital["patient"]:
        together.setdefault(row["person_id"], []).append(row["patient_id"])
    by_person = [[name for person in bucket for name in together[person]] for bucket in deal(together, 1, 20)]
    assert find_differences(RULES.values(), hospital, by_person) == set()


WRONG = {
    "looks_at_the_youngest": ("patient", lambda: pl.col("age_years") > pl.col("age_years").min()),
    "counts_the_patients": ("subject", lambda: pl.len() > 10),
    "looks_at_the_row_before": ("treatment", lambda: pl.col("start_date") >= pl.col("start_date").shift(1)),
    "numbers_by_the_drug": ("treatment", lambda: pl.col("drug").rank("dense") <= pl.lit(2)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_rule_that_looks_beyond_its_scope_is_found(name):
    table, expression = WRONG[name]
    wrong = replace(next(iter(RULES.values())), rule_id=name, table=table, expression=expression)
    hospital = make_repeated()
    assert find_differences([*OF_PATIENTS, wrong], hospital, deal(patients_of(hospital), 1, 20)) == {name}


def test_a_criterion_that_looks_beyond_the_patient_is_found(monkeypatch):
    first = next(iter(CRITERIA.values()))
    monkeypatch.setitem(
        CRITERIA, first.criterion_id, replace(first, expression=lambda: pl.col("os_days") > pl.col("os_days").median())
    )
    hospital = make_repeated()
    assert find_differences([], hospital, deal(patients_of(hospital), 1, 20)) == {"eligibility"}
