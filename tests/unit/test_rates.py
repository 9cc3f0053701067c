"""Rates per time at risk against R's `poisson.test`, and the rates of a study counted by hand."""

import polars as pl
import pytest

from analysis.estimators.rates import compute_rate
from analysis.run import compute_study
from analysis.study.read_spec import read_study

# R 4.2.2: with(poisson.test(n, time, conf.level = 1 - alpha), c(estimate, conf.int))
BY_R = {
    (15, 8.4, 0.05): (1.78571428571, 0.999450730093, 2.94526415137),
    (0, 3, 0.05): (0, 0, 1.2296264847),
    (240, 11.25, 0.10): (21.3333333333, 19.1199186933, 23.7413996556),
}


@pytest.mark.parametrize(("given", "expected"), BY_R.items())
def test_rates_and_limits_are_those_of_r(given, expected):
    n_event, time_at_risk, alpha = given
    rate = compute_rate(n_event, time_at_risk, alpha=alpha)
    assert (rate.estimate, rate.ci_low, rate.ci_high) == pytest.approx(expected, rel=1e-10)


def test_where_nobody_is_at_risk_there_is_no_rate():
    assert compute_rate(0, 0.0).estimate is None


def test_rates_of_a_study_are_those_treated_for_a_known_time_and_nobody_is_lost(frames):
    """Of every tenth patient the length of treatment is not known: in neither numerator nor denominator."""
    subjects = frames["analysis_subject"].with_row_index("row")
    months = pl.when(pl.col("row") % 10 != 0).then("treatment_months")
    subjects = subjects.with_columns(treatment_months=months).drop("row")
    results = compute_study(frames | {"analysis_subject": subjects}, read_study("len_vs_sora")).results
    subgroup = {"analysis": "adverse_event_rate", "arm": "len"}
    exposure = results.select(**subgroup, variable="exposure").row(0, named=True)
    worst = frames["analysis_adverse_event"].filter(pl.col("grade").is_in([3, 4]))
    chosen = subjects.filter(
        pl.all_horizontal(pl.col("^[iex][0-9]_.*$").fill_null(value=False)),
        ~pl.col("seen_elsewhere_first"),
        pl.col("arm_is_compared") & pl.col("start_in_enrolment_window"),
        arm="len_pd1",
    )
    treated = chosen.drop_nulls("treatment_months")
    assert 0 < treated.height < chosen.height
    assert (exposure["value"], exposure["n"]) == (pytest.approx(treated["treatment_months"].sum()), treated.height)
    ill = treated.join(worst, on=["hospital", "patient_id"], how="semi").height
    found = results.select(**subgroup, variable="any event", level="g3_4", statistic="rate").row(0, named=True)
    assert found["value"] == pytest.approx(100 * ill / treated["treatment_months"].sum())
    assert (found["n"], found["n_event"]) == (treated.height, ill)
    seen = chosen.join(frames["analysis_adverse_event"].drop_nulls("grade"), on=["hospital", "patient_id"], how="semi")
    none = results.select(analysis="adverse_events", arm="len", variable="none recorded", statistic="n")
    assert none["value"].to_list() == [chosen.height - seen.height]
