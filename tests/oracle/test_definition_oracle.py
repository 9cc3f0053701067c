"""Every column of every derived frame against an independent walk over the plain records of generated hospitals."""

from datetime import date
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.definition_oracle_subject import derive_by_oracle
from oracle.hospitals import find_sent, hospitals, make_hospital, tables_without_records, to_frames
from polars.testing import assert_frame_equal

from schemas.derive import derive
from schemas.tables import TABLES

KEYS = {
    "subject": ("patient_id",),
    "assessment": ("patient_id", "visit_number", "reader", "criteria"),
    "eligibility": ("patient_id", "criterion_id"),
    "adverse_event_facts": ("patient_id", "event_number"),
    "laboratory_facts": ("patient_id", "test"),
    "response_facts": ("patient_id", "visit_number", "reader"),
    "patient_facts": ("patient_id",),
    "treatment_facts": ("patient_id", "line_number", "drug"),
    "procedure_facts": ("patient_id", "procedure_number"),
    "metastasis_facts": ("patient_id", "organ"),
    "lesion_facts": ("patient_id", "visit_number", "reader", "lesion_id"),
}


def _key(name, row):
    return row["patient_id"] if name == "subject" else tuple(row[part] for part in KEYS[name])


def _is_same(got, expected):
    if isinstance(expected, (int, float)) and not isinstance(expected, bool) and not isinstance(got, bool):
        return got is not None and abs(got - expected) <= 1e-9
    return type(got) is type(expected) and got == expected


def find_differences(name, got, expected):
    """Lines that say where a frame differs from the oracle's rows; a column or row of only one side is a difference."""
    rows = {_key(name, row): row for row in got.to_dicts()}
    if len(rows) != got.height or set(rows) != set(expected):
        return [f"{name}: rows {sorted(rows)}, oracle {sorted(expected)}"]
    return [
        f"{name}{key}.{column}: {row.get(column, 'no column')!r}, oracle {expected[key].get(column, 'no column')!r}"
        for key, row in rows.items()
        for column in sorted({*row, *expected[key]})
        if column not in row or column not in expected[key] or not _is_same(row[column], expected[key][column])
    ]


@given(hospital=hospitals(), others=tables_without_records, lists_all=st.booleans())
def test_every_derived_column_is_the_oracles(hospital, others, lists_all):
    sent = find_sent(hospital) | others
    derived = derive(to_frames(hospital), sent=sent, lists_every_new_lesion=lists_all)
    expected = derive_by_oracle(hospital, sent, lists_every_new_lesion=lists_all)
    differences = [line for name in KEYS for line in find_differences(name, derived[name], expected[name])]
    assert not differences, "\n".join([*differences, repr(hospital)])


def test_a_large_hospital_mixes_nobody_up():
    """Enough rows for polars to share the work among threads."""
    hospital = make_hospital(seed=20261123, patients=600)
    sent = find_sent(hospital)
    derived = derive(to_frames(hospital), sent=sent, lists_every_new_lesion=True)
    expected = derive_by_oracle(hospital, sent, lists_every_new_lesion=True)
    assert [line for name in KEYS for line in find_differences(name, derived[name], expected[name])] == []


@settings(max_examples=settings().max_examples // 8)
@given(seed=st.integers(0, 2**40), other=st.integers(0, 2**40))
def test_row_order_and_other_patients_change_nothing(seed, other):
    """Derived from its records in another order, or beside other patients, a patient is the same."""
    hospital, stranger = make_hospital(seed, patients=2), make_hospital(other, patients=1)
    frames = to_frames(hospital)
    rename = {"patient_id": pl.format("other-{}", "patient_id")}
    shuffled = {
        name: pl.concat([frame, to_frames(stranger)[name].with_columns(**rename)]).sample(
            fraction=1, shuffle=True, seed=Random(seed).randrange(2**32)
        )
        for name, frame in frames.items()
    }
    alone, beside = derive(frames, sent=TABLES), derive(shuffled, sent=TABLES)
    for name in KEYS:
        own = beside[name].filter(~pl.col("patient_id").str.starts_with("other-"))
        assert_frame_equal(own, alone[name])


def test_every_frame_is_covered_also_where_it_is_empty():
    hospital = make_hospital(0, patients=1)
    empty = {name: rows if name == "patient" else [] for name, rows in hospital.items()}
    derived, expected = derive(to_frames(empty), sent=()), derive_by_oracle(empty, frozenset())
    assert set(derived) == set(expected) == set(KEYS)
    assert find_differences("subject", derived["subject"], expected["subject"]) == []
    many = derive_by_oracle(make_hospital(0, patients=20), frozenset(TABLES))
    assert {name: set(frame.columns) for name, frame in derived.items()} == {
        name: set(next(iter(rows.values()))) for name, rows in many.items()
    }


RESPONSES = {"CR", "PR", "SD", "PD", "NE", None}
SOURCES = {"complete_list", "targets", "non_targets", "new_lesion", "target_sum", "recorded_response"}
REACHED = {
    "derived_response": RESPONSES,
    "target_response": RESPONSES,
    "non_target_response": {"CR", "non_cr_non_pd", "PD", "NE", None},
    "best_response": RESPONSES,
    "best_response_confirmed": RESPONSES,
    "response_3_months": RESPONSES,
    "response_6_months": RESPONSES,
    "response": RESPONSES,
    "response_source": {*SOURCES, None},
    "derived_progression_source": {*SOURCES, None} - {"recorded_response"},
    "first_progression_source": {*SOURCES, "outcome", "clinical", None},
    "treated_target_number": {0, 1, 2},
    "has_new_lesion_listed_or_recorded": {True, False, None},
    "time_source": {"dates", "durations", None},
    "arm": {"sora_pd1", "len_pd1", "other", None},
    "albi_grade": {1, 2, 3, None},
    "child_pugh_class_source": {"derived", "recorded", None},
    "child_pugh_points": {*range(5, 13), None},
    "pvtt_text_type": {"0", "I", "II", "III", "IV", None},
    "vena_cava_or_atrium_text": {"affirmed", "denied", "uncertain", None},
    "hepatic_vein_text": {"affirmed", "denied", "uncertain", None},
    "other_vein_text": {"affirmed", "denied", "uncertain", None},
    "hbv_dna_level": {"<=2000", ">2000", None},
    "has_baseline_conflict": {True, False},
    "is_met": {True, False, None},
}


def test_the_invented_hospitals_reach_every_answer():
    """An oracle proves nothing of an answer that no example has."""
    seen = {}
    for seed in range(1000):
        derived = derive_by_oracle(
            make_hospital(seed, patients=3), frozenset(TABLES), lists_every_new_lesion=seed % 3 == 0
        )
        for rows in derived.values():
            for row in rows.values():
                for column, value in row.items():
                    seen.setdefault(column, set()).add(value)
                if row.get("albi_grade") is not None and row["albi_score"] is None:
                    seen.setdefault("grade of a bound", set()).add(row["albi_grade"])
                if "criterion_id" in row:
                    seen.setdefault(row["criterion_id"], set()).add(row["is_met"])
    assert {column: answers - seen[column] for column, answers in REACHED.items() if answers - seen[column]} == {}
    assert seen["grade of a bound"] == {1, 3}
    criteria = seen["criterion_id"] - {"e4_complete_data"}
    assert all(seen[criterion] == {True, False, None} for criterion in criteria)
    assert seen["e4_complete_data"] == {True, False}


@pytest.mark.parametrize(
    ("birth", "day", "years"),
    [(date(1960, 2, 29), date(2020, 2, 29), 60), (date(1960, 2, 29), date(2021, 2, 28), 60)],
)
def test_the_oracle_counts_birthdays(birth, day, years):
    from oracle.definition_oracle_baseline import make_age

    assert make_age(birth, day, None) == years
