"""Estimators against their definitions in exact fractions, and against themselves on the same patients said otherwise."""

import itertools
from fractions import Fraction
from math import exp, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.estimators.cox import fit_cox
from analysis.estimators.kaplan_meier import compute_z, fit_kaplan_meier, fit_reverse_kaplan_meier
from analysis.estimators.logrank import compute_logrank
from analysis.estimators.propensity import find_separation
from etl.errors import AnalysisError

PATIENTS = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=40)
GROUPED = st.lists(
    st.tuples(st.integers(1, 7), st.booleans(), st.sampled_from("abc"), st.sampled_from("xyz")), min_size=4, max_size=40
)


def list_steps(patients):
    """Time, patients at risk just before, events and censored then; one of each for every distinct time."""
    for time in sorted({time for time, _ in patients}):
        here = [is_event for when, is_event in patients if when == time]
        yield time, sum(when >= time for when, _ in patients), sum(here), len(here) - sum(here)


@pytest.mark.parametrize("is_reverse", [False, True])
@settings(deadline=None)
@given(PATIENTS)
def test_a_curve_is_the_product_of_its_steps(is_reverse, patients):
    fit = (fit_reverse_kaplan_meier if is_reverse else fit_kaplan_meier)(*map(list, zip(*patients, strict=True)))
    survival, hazard_variance = Fraction(1), Fraction(0)
    counted = [(time, event != is_reverse) for time, event in patients]
    for row, step in zip(fit.curve.iter_rows(named=True), list_steps(counted), strict=True):
        _, n_risk, n_event, _ = step
        assert (row["time"], row["n_risk"], row["n_event"], row["n_censor"]) == step
        survival *= 1 - Fraction(n_event, n_risk)
        assert row["survival"] == pytest.approx(float(survival), rel=1e-12)
        if survival == 0:  # come down to nothing: R gives no error there
            assert (row["survival"], row["std_err"], row["ci_low"], row["ci_high"]) == (0, None, None, None)
            continue
        hazard_variance += Fraction(n_event, n_risk * (n_risk - n_event))
        spread = sqrt(hazard_variance)
        assert row["std_err"] == pytest.approx(float(survival) * spread, rel=1e-12)
        assert row["ci_low"] == pytest.approx(float(survival) * exp(-compute_z(0.05) * spread), rel=1e-12)
        assert row["ci_high"] == pytest.approx(min(1, float(survival) * exp(compute_z(0.05) * spread)), rel=1e-12)


@settings(deadline=None)
@given(PATIENTS, st.randoms())
def test_times_that_differ_by_rounding_are_one(patients, random):
    times, events = map(list, zip(*patients, strict=True))
    shaken = [time + random.uniform(0, 1e-9) for time in times]
    exact, fit = fit_kaplan_meier(times, events), fit_kaplan_meier(shaken, events)
    assert fit.curve.drop("time").equals(exact.curve.drop("time"))


def expect_events(patients):
    """Observed and expected events by group: at every event time of a stratum, each group's share of those at risk."""
    observed, expected = dict.fromkeys("abc", 0), dict.fromkeys("abc", Fraction(0))
    for stratum in {stratum for *_, stratum in patients}:
        members = [patient for patient in patients if patient[3] == stratum]
        for time, is_event, group, _ in members:
            if not is_event:
                continue
            observed[group] += 1
            at_risk = [other for when, _, other, _ in members if when >= time]
            for other in at_risk:
                expected[other] += Fraction(1, len(at_risk))
    return observed, expected


@settings(deadline=None)
@given(GROUPED)
def test_the_log_rank_test_expects_each_groups_share_of_those_at_risk(patients):
    times, events, groups, strata = map(list, zip(*patients, strict=True))
    try:
        test = compute_logrank(times, events, groups, strata=strata)
    except AnalysisError:
        assume(False)
    observed, expected = expect_events(patients)
    for group, n in test.observed.items():
        assert n == observed[group]
        assert test.expected[group] == pytest.approx(float(expected[group]), rel=1e-12)


@settings(deadline=None, max_examples=50)
@given(GROUPED, st.randoms())
def test_the_order_of_the_patients_changes_no_test(patients, random):
    shuffled = random.sample(patients, len(patients))
    found = []
    for rows in (patients, shuffled):
        times, events, groups, strata = map(list, zip(*rows, strict=True))
        try:
            found.append(compute_logrank(times, events, groups, strata=strata).chi_square)
        except AnalysisError:
            assume(False)
    assert found[0] == pytest.approx(found[1], rel=1e-9, abs=1e-12)


def draw_patients(seed, n=60):
    rng = np.random.default_rng(seed)
    design = pl.DataFrame({"age": rng.normal(size=n), "ill": rng.random(n) < 0.5, "site": rng.choice(list("abc"), n)})
    times = np.ceil(rng.exponential(8, n))
    return times, rng.random(n) < 0.8, design, rng.choice(["x", "y"], n)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_the_order_of_the_patients_changes_no_cox_model(ties, seed):
    times, events, design, strata = draw_patients(seed)
    order = np.random.default_rng(seed + 1).permutation(len(times))
    options = {"weights": np.linspace(0.5, 2, len(times)), "cluster": np.arange(len(times)) // 2}
    fit = fit_cox(times, events, design, ties=ties, strata=strata, **options)
    moved = {name: values[order] for name, values in options.items()}
    again = fit_cox(times[order], events[order], design[order], ties=ties, strata=strata[order], **moved)
    for column in ("coef", "std_err"):
        assert again.coefficients[column].to_list() == pytest.approx(fit.coefficients[column].to_list(), rel=1e-7)
    assert again.loglik == pytest.approx(fit.loglik, rel=1e-10)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_a_weight_of_three_is_three_patients(seed):
    """With Breslow's ties, to which copies of a patient are ties like others."""
    times, events, design, strata = draw_patients(seed)
    weights = np.random.default_rng(seed + 1).integers(1, 4, len(times))
    rows = np.repeat(np.arange(len(times)), weights)
    weighted = fit_cox(times, events, design, ties="breslow", strata=strata, weights=weights)
    copied = fit_cox(times[rows], events[rows], design[rows], ties="breslow", strata=strata[rows])
    assert weighted.coefficients["coef"].to_list() == pytest.approx(copied.coefficients["coef"].to_list(), rel=1e-7)
    # a stratum's likelihood counts a weight's logarithm once per event more than that of the copies: not compared


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_strata_that_share_no_time_are_a_model_of_each_together(seed):
    times, events, design, strata = draw_patients(seed)
    fit = fit_cox(times, events, design[["age"]], strata=strata)
    apart = [fit_cox(times[strata == s], events[strata == s], design[["age"]].filter(strata == s)) for s in ("x", "y")]
    assert fit.loglik_null == pytest.approx(sum(part.loglik_null for part in apart), rel=1e-10)
    assert fit.loglik <= sum(part.loglik for part in apart) + 1e-9


def has_direction(rows):
    """Whether some b has row.b >= 0 for all rows and > 0 for one, by elimination in exact fractions (Fourier, Motzkin)."""
    total = [sum(column) for column in zip(*rows, strict=True)]
    system = [([Fraction(value) for value in row], Fraction(0)) for row in rows] + [(total, Fraction(1))]
    for place in range(len(total)):
        above = [(row, least) for row, least in system if row[place] > 0]
        below = [(row, least) for row, least in system if row[place] < 0]
        system = [(row, least) for row, least in system if row[place] == 0]
        for (up, least_up), (down, least_down) in itertools.product(above, below):
            a, b = up[place], -down[place]
            row = [b * x + a * y for x, y in zip(up, down, strict=True)]
            system.append((row, b * least_up + a * least_down))
        system = [(list(row), least) for row, least in {(tuple(row), least) for row, least in system}]
    return all(least <= 0 for _, least in system)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(-1, 1), st.booleans()), min_size=2, max_size=9),
    st.integers(1, 60),
)
def test_arms_are_separated_where_a_direction_does_it(rows, n_copies):
    """However often each patient occurs: what separates is a matter of the distinct ones."""
    arms = np.array([arm for *_, arm in rows])
    assume(arms.any() and not arms.all())
    columns = np.array([(1, first, second) for first, second, _ in rows], dtype=float)
    expected = has_direction(
        [row if arm else [-value for value in row] for row, arm in zip(columns.tolist(), arms, strict=True)]
    )
    found = find_separation(
        np.repeat(columns, n_copies, axis=0), np.repeat(arms, n_copies), ("(Intercept)", "first", "second")
    )
    assert bool(found) == expected


@pytest.mark.parametrize("is_separated", [False, True])
def test_the_rows_left_to_the_end_decide_too(is_separated):
    """A thousand distinct patients, of whom one alone contradicts the direction that separates all others."""
    values = np.linspace(-1, 1, 1001)
    arms = values > 0.25
    arms[0] = not is_separated
    columns = np.column_stack([np.ones(len(values)), values])
    assert find_separation(columns, arms, ("(Intercept)", "age")) == (("age",) if is_separated else ())
