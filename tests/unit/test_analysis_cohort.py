from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analysis.study.cohort import PATIENT_ORDER, select_cohort
from analysis.study.flow_steps import list_steps
from analysis.study.read_spec import read_study
from analysis.study.spec import Population
from etl.errors import AnalysisError
from schemas.rules.rule import CRITERIA

SPEC = read_study("len_vs_sora")


def test_every_step_counts_whom_it_removes(subjects):
    cohort = select_cohort(subjects, SPEC)
    totals = cohort.attrition.group_by("step", "criterion_id").agg(
        pl.col("n_before", "n_removed", "n_unknown", "n_after").sum()
    )
    counted = {
        name: (before, removed, unknown, after) for _, name, before, removed, unknown, after in totals.iter_rows()
    }
    # each of the 12 criteria fails for one patient, is unknown for one in every fourth (3), and 3 were seen elsewhere first
    assert counted["i1_primary_unresectable_hcc"] == (260, 1, 0, 259)
    assert counted["e4_complete_data"] == (253, 4, 3, 249)
    assert counted["start_in_enrolment_window"] == (246, 1, 0, 245)
    assert counted["analysed_elsewhere"] == (245, 3, 0, 242)
    assert cohort.frame.height == 242


def test_steps_are_in_order_and_hand_over_their_patients(subjects):
    attrition = select_cohort(subjects, SPEC).attrition
    for hospital in attrition["hospital"].unique():
        here = attrition.filter(pl.col("hospital") == hospital).sort("step")
        assert here["criterion_id"].to_list() == [name for name, _ in list_steps()]
        assert here["n_before"].to_list()[1:] == here["n_after"].to_list()[:-1]
        assert (here["n_before"] - here["n_removed"] == here["n_after"]).all()


def test_order_depends_on_neither_rows_nor_pseudonyms(subjects):
    other = subjects.sample(fraction=1, shuffle=True, seed=3).with_columns(
        patient_id=pl.Series([f"x{i}" for i in reversed(range(subjects.height))])
    )
    first, second = (select_cohort(frame, SPEC).frame.drop("patient_id") for frame in (subjects, other))
    assert_frame_equal(first, second)


def test_nobody_eligible_tells_who_went_where(subjects):
    subjects = subjects.with_columns(pl.lit(value=False).alias("e2_age_18_to_75"))
    with pytest.raises(AnalysisError, match=r"e2_age_18_to_75: 255"):
        select_cohort(subjects, SPEC)


def test_unknown_everywhere_counts_as_incomplete(subjects):
    subjects = subjects.with_columns(pl.lit(None, dtype=pl.Boolean).alias(name) for name in CRITERIA)
    with pytest.raises(AnalysisError, match=r"e4_complete_data: 260 \(260 unknown\)"):
        select_cohort(subjects, SPEC)


def test_without_criteria_everybody_with_an_outcome_stays(subjects):
    spec = replace(SPEC, population=Population(eligible_only=False))
    first = pl.int_range(pl.len()) == 0
    unknown = subjects.with_columns(
        pl.when(~first).then("os_days").alias("os_days"), pl.when(~first.reverse()).then("pfs_event").alias("pfs_event")
    )
    cohort = select_cohort(unknown, spec)
    assert cohort.frame.height == subjects.height - 2
    assert cohort.attrition["n_removed"].sum() == 2


@pytest.mark.parametrize("name", ["albi_level", *PATIENT_ORDER])
def test_a_missing_column_is_named(subjects, name):
    """Also one that only orders the patients: without it, the matching would quietly be another."""
    with pytest.raises(AnalysisError, match=name):
        select_cohort(subjects.drop(name), SPEC)


def test_a_level_the_study_does_not_know_is_refused(subjects):
    subjects = subjects.with_columns(pl.lit("Grade 4").alias("albi_level"))
    with pytest.raises(
        AnalysisError, match=r"characteristics\.albi: 242 patients have a value .*: Grade 4\. Did you mean Grade 3"
    ):
        select_cohort(subjects, SPEC)


def put_into_groups(subjects, seed):
    """The subjects with an arm column of five values, drawn at random, one of them rare, and some without a value."""
    rng = np.random.default_rng(seed)
    drugs = rng.choice(["cam", "sin", "nivo", "pembro", None], size=subjects.height, p=[0.4, 0.3, 0.18, 0.1, 0.02])
    return subjects.with_columns(pl.Series("pd1_drug", drugs.tolist(), dtype=pl.String))


def take_two_groups(column, *codes):
    arms = tuple(replace(arm, code=code) for arm, code in zip(SPEC.arms, codes, strict=True))
    return replace(SPEC, arms=arms, arm_column=column)


@pytest.mark.parametrize("seed", range(5))
def test_patients_of_no_arm_are_refused_with_their_counts(subjects, seed):
    grouped = put_into_groups(subjects, seed)
    analysed = select_cohort(grouped, SPEC).frame
    with pytest.raises(AnalysisError) as raised:
        select_cohort(grouped, take_two_groups("pd1_drug", "cam", "sin"))
    others = Counter(analysed["pd1_drug"].to_list())
    n = sum(count for name, count in others.items() if name not in ("cam", "sin"))
    assert f"{n} of 242 patients" in raised.value.en
    for name, count in others.items():
        shown = f"{name or 'no value'} {count}"
        assert (shown in raised.value.en) == (name not in ("cam", "sin")), shown
        assert (f"{name or '无取值'} {count}" in raised.value.zh) == (name not in ("cam", "sin")), shown


def test_arms_that_hold_everybody_are_taken(subjects):
    two = put_into_groups(subjects, 0).with_columns(
        pl.when(pl.col("pd1_drug") == "cam").then(pl.lit("cam")).otherwise(pl.lit("rest")).alias("pd1_drug")
    )
    frame = select_cohort(two, take_two_groups("pd1_drug", "cam", "rest")).frame
    assert set(frame["arm"]) == {arm.id for arm in SPEC.arms}


def test_a_criterion_left_out_does_not_let_others_into_the_control_arm(subjects):
    other = subjects.with_columns(
        pl.when(pl.col("source_row") < 30).then(pl.lit("other")).otherwise("arm").alias("arm"),
        pl.col("source_row").ge(30).alias("arm_is_compared"),
    )
    assert "other" not in select_cohort(other, SPEC).frame["arm"]
    with pytest.raises(AnalysisError, match=r"none of the arms: other 17\b"):
        select_cohort(other, replace(SPEC, population=Population(without_criteria=("arm_is_compared",))))
