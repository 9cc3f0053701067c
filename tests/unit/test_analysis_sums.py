"""Sums between a study's numbers: a number that is changed is found, and random studies over random cohorts add up or are refused."""

import random
from dataclasses import replace

import polars as pl
import pytest

from analysis.run import compute_study
from analysis.steps.sums import check_sums, list_sums
from analysis.study.read_spec import read_study
from analysis.study.results import Results
from etl.errors import AnalysisError, InternalError

SPEC = read_study("len_vs_sora")
SMALL = replace(SPEC, regression=None, subgroups=(), courses=None, grade_bands=(), sensitivity=())
CHANGED = [
    "flow.e1_not_recurrent.n_removed",
    "flow.hunan.e1_not_recurrent.n_after",
    "flow.analysed.n",
    "flow.len.analysed.n",
    "table1.all.patients.n",
    "table1.matched.sora.patients.n",
    "table1.all.len.age.le60.n",
    "response.all.sora.response.pd.3m.n",
    "kaplan_meier.all.pfs.len.patients.n",
    "kaplan_meier.matched.os.sora.events.n",
    "evidence.all.pfs.len.time_unknown.n",
    "matching.matched.pairs.n",
    "matching.all.len.unmatched.n",
    "kaplan_meier.all.os.sora.at_risk.0m.n",
    "kaplan_meier.all.os.sora.at_risk.12m.n",
]
WORLDS = 12


@pytest.fixture(scope="module")
def results(frames):
    return compute_study(frames, SMALL).results


def test_sums_of_every_kind_are_made_and_hold(results):
    sums = list(list_sums(results, SMALL))
    assert len(sums) > 200
    assert [found for found in sums if found.parts != found.whole] == []


@pytest.mark.parametrize("result_id", CHANGED)
def test_a_changed_number_is_found(results, result_id):
    """Each count that a reader adds up in the report, wrong by a hundred."""
    results.named(result_id)  # it is there
    wrong = pl.when(pl.col("result_id") == result_id).then(pl.col("value") + 100).otherwise("value")
    with pytest.raises(InternalError, match="do not add up"):
        check_sums(Results(results.frame.with_columns(wrong.alias("value"))), SMALL)


@pytest.mark.parametrize(
    "change", [{"n_event": 10**6}, {"value": 1.5, "statistic": "p"}, {"value": 120.0, "statistic": "pct"}]
)
def test_more_than_there_can_be_is_found(results, change):
    row = results.frame.filter(statistic=change.get("statistic", "hr")).row(0, named=True)["result_id"]
    columns = [
        pl.when(pl.col("result_id") == row).then(pl.lit(value)).otherwise(name).alias(name)
        for name, value in change.items()
    ]
    with pytest.raises(InternalError, match="do not add up"):
        check_sums(Results(results.frame.with_columns(columns)), SMALL)


def draw_subjects(subjects, draw):
    """Some of the patients, some of them without a time, an event, an arm or a level, and some on day 0."""
    chosen = subjects.sample(draw.randrange(40, subjects.height), seed=draw.randrange(10**6))
    share = draw.choice([0.0, 0.05, 0.3])
    for name in draw.sample(["os_days", "pfs_days", "pfs_event", "age_level", "arm", "seen_elsewhere_first"], k=2):
        is_lost = pl.Series([draw.random() < share for _ in range(chosen.height)])
        chosen = chosen.with_columns(pl.when(~is_lost).then(name).alias(name))
    is_first_day = pl.Series([draw.random() < 0.05 for _ in range(chosen.height)])
    return chosen.with_columns(pl.when(is_first_day).then(0).otherwise("os_days").alias("os_days"))


def draw_spec(draw):
    """The study with other matching, other hospitals, with or without criteria."""
    matching = replace(
        SPEC.matching,
        covariates=tuple(draw.sample(SPEC.matching.covariates, k=draw.randrange(2, 5))),
        exact=draw.choice([(), ("hospital",), ("tace", "hospital")]),
        ratio=draw.choice([1, 1, 2, 3]),
        caliper_sd=draw.choice([0.05, 0.2, None]),
    )
    hospitals = tuple(draw.sample(["hunan", "nanfang", "sysu"], k=draw.randrange(1, 4)))
    population = replace(SPEC.population, hospitals=hospitals, eligible_only=draw.random() < 0.7)
    return replace(SMALL, matching=draw.choice([matching, matching, None]), population=population)


@pytest.mark.parametrize("seed", range(WORLDS))
def test_a_random_study_adds_up_or_is_refused(frames, seed):
    draw = random.Random(seed)
    subjects, spec = draw_subjects(frames["analysis_subject"], draw), draw_spec(draw)
    try:
        outcome = compute_study(frames | {"analysis_subject": subjects}, spec)
    except AnalysisError:
        return
    analysed = outcome.results.named("flow.analysed.n")["value"]
    in_arms = sum(outcome.results.named(f"flow.{arm.id}.analysed.n")["value"] for arm in spec.arms)
    assert 0 < analysed == in_arms <= subjects.height
