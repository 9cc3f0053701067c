"""Kaplan-Meier, medians, rates and log-rank tests against R's survfit and survdiff, Collett's book and by hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.estimators.cox import fit_cox
from analysis.estimators.kaplan_meier import (
    compute_median,
    compute_rates,
    compute_restricted_mean,
    compute_spss_median,
    count_at_risk,
    fit_kaplan_meier,
    fit_reverse_kaplan_meier,
)
from analysis.estimators.logrank import compute_logrank
from etl.errors import AnalysisError

TIMES = [1, 30, 90, 180, 365, 500]
CONF_TYPES = ["log", "log-log", "plain"]


def close(expected, rel=1e-10):
    return [None if value is None else pytest.approx(value, rel=rel, abs=1e-14) for value in expected]


@pytest.mark.parametrize("conf_type", CONF_TYPES)
@pytest.mark.parametrize("arm", [1, 2])
def test_curve_and_median_equal_r(r, veteran, conf_type, arm):
    patients = veteran.filter(pl.col("trt") == arm)
    fit = fit_kaplan_meier(patients["time"], patients["status"], conf_type)
    rates = compute_rates(fit, TIMES)
    name = f"km.{conf_type}.{arm}"
    assert rates["n_risk"].to_list() == r.all(f"{name}.n.risk")
    for ours, theirs in [("estimate", "surv"), ("std_err", "std.err"), ("ci_low", "lower"), ("ci_high", "upper")]:
        estimable = rates["estimate"].is_not_null()
        expected = [v for v, keep in zip(r.all(f"{name}.{theirs}"), estimable, strict=True) if keep]
        assert rates.filter(estimable)[ours].to_list() == close(expected)
    median = compute_median(fit)
    assert [median.median, median.ci_low, median.ci_high] == close(r.all(f"{name}.median"))


@pytest.mark.parametrize("arm", [1, 2])
def test_heavily_tied_times_equal_r(r, veteran, arm):
    patients = veteran.filter(pl.col("trt") == arm)
    fit = fit_kaplan_meier(patients["months"], patients["status"], "log-log")
    rates = compute_rates(fit, [1, 2, 6, 12])
    for ours, theirs in [("estimate", "surv"), ("std_err", "std.err"), ("ci_low", "lower"), ("ci_high", "upper")]:
        assert rates[ours].to_list() == close(r.all(f"km_tied.{arm}.{theirs}"))
    median = compute_median(fit)
    assert [median.median, median.ci_low, median.ci_high] == r.all("km_tied.median")[3 * arm - 3 : 3 * arm]


@pytest.mark.parametrize("tau", [90, 365])
def test_restricted_mean_equals_r(r, veteran, tau):
    ours = []
    for arm in (1, 2):
        patients = veteran.filter(pl.col("trt") == arm)
        ours += compute_restricted_mean(fit_kaplan_meier(patients["time"], patients["status"]), tau)
    assert ours == close(r.all(f"rmean.{tau}"))


def test_restricted_mean_by_hand():
    # deaths at 1 and 3 of 4, then level at 1/2: 1 + 2 x 3/4 + 1 x 1/2 up to 4. Areas after the deaths: 2 and 1/2;
    # variance 2^2 x 1/(4 x 3) + (1/2)^2 x 1/(3 x 2)
    fit = fit_kaplan_meier([1, 3, 5, 6], [1, 1, 0, 0])
    assert compute_restricted_mean(fit, 4) == (pytest.approx(3), pytest.approx(np.sqrt(1 / 3 + 1 / 24)))
    assert compute_restricted_mean(fit, 0.5) == (0.5, 0)
    with pytest.raises(AnalysisError, match="horizon must be positive"):
        compute_restricted_mean(fit, 0)


def test_median_is_the_midpoint_of_a_level_piece_in_spite_of_rounding(r):
    median = compute_median(fit_kaplan_meier(np.arange(1, 21), np.ones(20)))
    assert [median.median, median.ci_low, median.ci_high] == r.all("flat")


def test_follow_up_by_reverse_kaplan_meier(r, veteran):
    few_censored = compute_median(fit_reverse_kaplan_meier(veteran["time"], veteran["status"]))
    assert [few_censored.median, few_censored.ci_low, few_censored.ci_high] == r.all("follow_up")
    ties = compute_median(fit_reverse_kaplan_meier([2, 3, 3, 5, 8, 8, 9, 12], [0, 1, 0, 0, 1, 0, 0, 0]))
    assert [ties.median, ties.ci_low, ties.ci_high] == close(r.all("follow_up_ties"))


def test_spss_median_is_colletts():
    # Collett, Modelling Survival Data in Medical Research: time to discontinuation of an IUD (weeks). Printed there:
    # S(93) = 0.4662, its standard error 0.1452, S(75) = 0.5594, S(97) = 0.3729, density 0.0085,
    # median 93, standard error 17.13, 95 % interval 59 to 127.
    weeks = [10, 13, 18, 19, 23, 30, 36, 38, 54, 56, 59, 75, 93, 97, 104, 107, 107, 107]
    stopped = [1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 1, 0, 0]
    fit = fit_kaplan_meier(weeks, stopped)
    printed = fit.curve.filter(pl.col("time").is_in([75.0, 93.0, 97.0]))["survival"].to_list()
    assert printed == pytest.approx([0.5594, 0.4662, 0.3729], abs=5e-5)
    median = compute_spss_median(fit)
    assert median.median == 93
    assert median.std_err == pytest.approx(17.13, abs=0.02)
    assert (median.ci_low, median.ci_high) == (pytest.approx(59, abs=0.6), pytest.approx(127, abs=0.6))


def test_spss_median_without_enough_curve_has_no_standard_error():
    level_at_the_end = compute_spss_median(fit_kaplan_meier([1, 2, 3, 4], [1, 1, 0, 0]))  # never at or below .45
    assert (level_at_the_end.median, level_at_the_end.std_err) == (2, None)
    assert compute_spss_median(fit_kaplan_meier([1, 2, 3, 4], [1, 0, 0, 0])).median is None


def test_rates_past_the_last_follow_up():
    censored_last = compute_rates(fit_kaplan_meier([1, 2, 3], [1, 1, 0]), [0.5, 3, 4])
    assert censored_last["estimate"].to_list() == [1, pytest.approx(1 / 3), None]
    assert censored_last["n_risk"].to_list() == [3, 1, 0]
    reached_zero = compute_rates(fit_kaplan_meier([1, 2, 3], [1, 0, 1]), [3, 4])
    assert reached_zero["estimate"].to_list() == [0, 0]
    assert reached_zero["ci_high"].to_list() == [None, None]


def test_patients_at_risk_count_just_before():
    fit = fit_kaplan_meier([6, 6, 12, 18], [1, 0, 1, 0])
    assert count_at_risk(fit, [0, 6, 6.1, 12, 18, 24]) == [4, 4, 2, 2, 1, 0]


def test_a_follow_up_of_0_days_is_a_time_as_in_r():
    """R 4.3, survival:

    t <- c(0,0,2,3,3,5,0,1,4,6,6,7); e <- c(1,0,1,1,0,1,0,1,1,0,1,0); g <- rep(0:1,each=6)
    summary(survfit(Surv(t,e)~1)); survdiff(Surv(t,e)~g)$chisq; coef(coxph(Surv(t,e)~g))
    """
    time, event = [0, 0, 2, 3, 3, 5, 0, 1, 4, 6, 6, 7], [1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0]
    group = [0] * 6 + [1] * 6
    curve = fit_kaplan_meier(time, event).curve.filter(pl.col("n_event") > 0)
    assert curve.select("time", "n_risk").rows() == [(0, 12), (1, 9), (2, 8), (3, 7), (4, 5), (5, 4), (6, 3)]
    in_r = [0.9166667, 0.8148148, 0.7129630, 0.6111111, 0.4888889, 0.3666667, 0.2444444]
    assert curve["survival"].to_list() == pytest.approx(in_r, abs=1e-7)
    assert compute_logrank(time, event, group).chi_square == pytest.approx(2.09979207926, rel=1e-10)
    coefficients = fit_cox(time, event, pl.DataFrame({"g": group})).coefficients
    assert coefficients["coef"].to_list() == pytest.approx([-1.23529250147], rel=1e-8)


def test_times_equal_but_for_rounding_are_one_time():
    curve = fit_kaplan_meier([0.1 + 0.2, 0.3, 1.0], [1, 1, 0]).curve
    assert curve["n_event"].to_list() == [2, 0]


@pytest.mark.parametrize(
    ("time", "event", "said"),
    [
        ([], [], "no patient"),
        ([1.0, np.nan], [1, 0], "1 times are missing"),
        ([1.0, 0.0, -2.0], [1, 0, 1], "1 times are negative"),
        ([1.0, 2.0], [1, np.nan], "event indicators"),
        ([1.0, 2.0], [1, None], "event indicators"),
        ([1.0, 2.0], [1, 2], "event indicators"),
    ],
)
def test_unusable_times_are_refused_by_name(time, event, said):
    for fit in (fit_kaplan_meier, fit_reverse_kaplan_meier):
        with pytest.raises(AnalysisError, match=said):
            fit(time, event)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=40))
def test_without_censoring_the_curve_is_the_share_still_alive(rows):
    times = np.array([time for time, _ in rows])
    curve = fit_kaplan_meier(times, np.ones(len(rows))).curve
    assert curve["survival"].to_list() == pytest.approx([float((times > t).mean()) for t in curve["time"]], abs=1e-12)
    censored = fit_kaplan_meier(times, [event for _, event in rows]).curve
    assert (censored["survival"].to_numpy() >= curve["survival"].to_numpy() - 1e-12).all()


@pytest.mark.parametrize(("name", "rho"), [("logrank", 0.0), ("peto", 1.0)])
def test_logrank_equals_r(r, veteran, name, rho):
    test = compute_logrank(veteran["time"], veteran["status"], veteran["celltype"].to_physical(), rho=rho)
    assert test.df == 3
    assert test.chi_square == pytest.approx(r[f"{name}.chi_square"], rel=1e-10)
    assert test.p == pytest.approx(r[f"{name}.p"], rel=1e-9)
    assert list(test.observed.values()) == close(r.all(f"{name}.obs"))
    assert list(test.expected.values()) == close(r.all(f"{name}.exp"))


def test_stratified_logrank_equals_r(r, veteran):
    test = compute_logrank(veteran["time"], veteran["status"], veteran["trt"], strata=veteran["celltype"])
    assert (test.chi_square, test.p) == (pytest.approx(r["stratified.chi_square"]), pytest.approx(r["stratified.p"]))
    assert list(test.expected.values()) == close(r.all("stratified.exp"))


@pytest.mark.parametrize(("name", "rho"), [("logrank_tied", 0.0), ("peto_tied", 1.0)])
def test_tests_of_heavily_tied_times_equal_r(r, veteran, name, rho):
    test = compute_logrank(veteran["months"], veteran["status"], veteran["celltype"].to_physical(), rho=rho)
    assert test.chi_square == pytest.approx(r[f"{name}.chi_square"], rel=1e-10)
    assert list(test.expected.values()) == close(r.all(f"{name}.exp"))


def test_stratified_peto_test_equals_r(r, veteran):
    test = compute_logrank(veteran["months"], veteran["status"], veteran["trt"], strata=veteran["celltype"], rho=1)
    assert test.chi_square == pytest.approx(r["peto_stratified.chi_square"], rel=1e-10)
    assert list(test.observed.values()) == close(r.all("peto_stratified.obs"))


def test_logrank_stratified_by_pair_equals_r(r, matched_pairs):
    times, events, arms, pairs = (matched_pairs[name] for name in ("time", "status", "trt", "pair"))
    test = compute_logrank(times, events, arms, strata=pairs)
    assert (test.chi_square, test.p) == (pytest.approx(r["by_pair.chi_square"]), pytest.approx(r["by_pair.p"]))
    assert list(test.expected.values()) == close(r.all("by_pair.exp"))


def test_logrank_of_four_patients_by_hand():
    # t=1: one of 4 dies, 2 in each arm: expected 1/2, variance 1/4. t=2: one of 3, 1 in arm a: 1/3, 2/9. t=3 (arm b
    # alone): 0, 0. Observed in a: 2 (t=1 and 2). chi2 = (2 - 5/6)^2 / (17/36) = 49/17.
    test = compute_logrank([1, 2, 3, 4], [1, 1, 1, 0], ["a", "a", "b", "b"])
    assert test.expected["a"] == pytest.approx(5 / 6)
    assert test.chi_square == pytest.approx(49 / 17)


@pytest.mark.parametrize(
    ("event", "group", "strata", "said"),
    [
        ([1, 1, 1, 1], ["a", "a", "a", "a"], None, "fewer than two groups"),
        ([0, 0, 0, 0], ["a", "b", "a", "b"], None, "no events"),
        ([1, 1, 1, 1], ["a", None, "a", "b"], None, "group: missing for 1 patients"),
        ([1, 1, 1, 1], ["a", "b", "a", "b"], ["x", "x", None, "x"], "stratum: missing for 1 patients"),
        ([1, 1, 1, 1], ["a", "a", "b", "b"], ["x", "x", "y", "y"], "never at risk of the same event"),
        ([0, 0, 1, 1], ["a", "a", "b", "b"], None, "never at risk of the same event"),
    ],
)
def test_logrank_refuses(event, group, strata, said):
    with pytest.raises(AnalysisError, match=said):
        compute_logrank([1, 2, 3, 4], event, group, strata)
