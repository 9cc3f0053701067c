"""Sums between a study's numbers: a number that is changed is found, and random studies over random cohorts add up or are refused."""

import random
from dataclasses import replace

import polars as pl
import pytest

from analysis.run import compute_study
from analysis.steps import alternatives
from analysis.steps.sums import check_sums, list_sums
from analysis.study.population import Condition, Filter
from analysis.study.read_spec import read_study
from analysis.study.results import Results
from analysis.study.score import Weighting
from etl.errors import AnalysisError, InternalError

SPEC = read_study("len_vs_sora")
SMALL = replace(SPEC, regression=None, subgroups=(), courses=None, grade_bands=(), sensitivity=())
CHANGED = [
    "flow.e1_not_recurrent.n_removed",
    "flow.hunan.e1_not_recurrent.n_after",
    "flow_by_arm.len.e4_complete_data.n_removed",
    "flow_by_arm.sora.x1_treated_3_months.n_after",
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
WORLDS = 16


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
    weighting = Weighting(matching.covariates, draw.choice(["iptw", "overlap"]))
    parts = draw.choice(
        [
            {"matching": matching},
            {"matching": matching, "weighting": weighting},
            {"weighting": weighting, "matching": None},
            {"matching": None},
        ]
    )
    endpoints = draw.choice([SPEC.endpoints, SPEC.endpoints[:1]])
    return replace(
        SMALL,
        population=draw_population(draw, endpoints),
        endpoints=endpoints,
        **draw_arms(draw),
        **draw_levels(draw),
        **parts,
    )


def draw_population(draw, endpoints):
    """Other hospitals, with or without criteria, filters of the study's own, a landmark."""
    hospitals = tuple(draw.sample(["hunan", "nanfang", "sysu"], k=draw.randrange(1, 4)))
    by_age = Filter("older", "Older than some", (Condition("age_at_start_years", above=draw.randrange(25, 60)),))
    by_sex = Filter("men", "Men", (Condition("sex_level", any_of=("Male",)),))
    filters = draw.choice([(), (), (by_age,), (by_age, by_sex)])
    landmark = draw.choice([0.0, 91.0, 200.0]) if len(endpoints) == 1 else 0.0
    options = {"hospitals": hospitals, "filters": filters, "landmark_day": landmark}
    return replace(SPEC.population, eligible_only=draw.random() < 0.7, **options)


def draw_arms(draw):
    """The study's arms; or two groups that no column names, which may hold somebody twice or not at all."""
    conditions = draw.choice(
        [
            (Condition("age_at_start_years", at_most=50), Condition("age_at_start_years", above=50)),
            (Condition("age_at_start_years", at_most=50), Condition("age_at_start_years", above=45)),
            (Condition("tace_level", any_of=("No",)), Condition("tace_level", none_of=("No",))),
        ]
    )
    chosen = tuple(replace(arm, code="", where=(one,)) for arm, one in zip(SPEC.arms, conditions, strict=True))
    return draw.choice([{}, {"arms": chosen}])


def draw_levels(draw):
    """The study's characteristics, some as quantities, cut elsewhere, or with patients of whom they are not known."""
    age = draw.choice(
        [
            {},
            {"column": "age_at_start_years", "levels": (), "cuts": (40, 60), "at_cut": "above", "missing": "level"},
            {"column": "age_at_start_years", "levels": (), "per": 10.0},
            {"column": "age_at_start_years", "levels": (), "knots": 4},
            {"missing": "level"},
        ]
    )
    changed = tuple(replace(item, **age) if item.id == "age" else item for item in SPEC.characteristics)
    return {"characteristics": changed}


@pytest.mark.parametrize("seed", range(WORLDS))
def test_a_random_study_adds_up_or_is_refused(frames, seed, monkeypatch):
    draw = random.Random(seed)
    subjects, spec = draw_subjects(frames["analysis_subject"], draw), draw_spec(draw)
    monkeypatch.setattr(alternatives, "SAMPLES", 3)
    try:
        outcome = compute_study(frames | {"analysis_subject": subjects}, spec)
    except AnalysisError:
        return
    analysed = outcome.results.named("flow.analysed.n")["value"]
    in_arms = sum(outcome.results.named(f"flow.{arm.id}.analysed.n")["value"] for arm in spec.arms)
    assert 0 < analysed == in_arms <= subjects.height
