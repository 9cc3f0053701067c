"""Our curves, tests and scores beside those of lifelines and scikit-learn, on invented worlds; and what is wrong is seen."""

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.estimators.kaplan_meier import fit_kaplan_meier
from analysis.estimators.logrank import compute_logrank
from analysis.estimators.peers import TOLERANCE, measure_curve, measure_logrank, measure_score
from analysis.estimators.propensity import fit_propensity
from etl.errors import AnalysisError

WORLD = {
    "n": st.integers(4, 400),
    "n_times": st.sampled_from([3, 30, 1000]),  # from nearly all tied to nearly none
    "share": st.sampled_from([0.1, 0.6, 1.0]),
    "seed": st.integers(0, 10**6),
}


def draw_survival(n, n_times, share, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(1, n_times + 1, n) / 30.4375, rng.random(n) < share, rng.integers(0, 3, n), rng


def draw_curve(times, events):
    curve = fit_kaplan_meier(times, events).curve
    return np.append(0, curve["time"]), np.append(1, curve["survival"])


@settings(deadline=None, max_examples=60)
@given(**WORLD)
def test_curves_are_those_of_lifelines_and_a_changed_point_is_seen(n, n_times, share, seed):
    times, events, _, rng = draw_survival(n, n_times, share, seed)
    at, survival = draw_curve(times, events)
    assert measure_curve(times, events, at, survival) < 1e-12
    changed = survival.copy()
    changed[rng.integers(len(changed))] += 2 * TOLERANCE
    assert measure_curve(times, events, at, changed) > TOLERANCE
    # a time less, be it the last, and a value that is none
    kept = np.arange(len(at)) != rng.integers(len(at))
    assert measure_curve(times, events, at[kept], survival[kept]) > TOLERANCE
    changed[-1] = np.nan
    assert measure_curve(times, events, at, changed) > TOLERANCE


@settings(deadline=None, max_examples=60)
@given(**WORLD, n_groups=st.sampled_from([2, 3]))
def test_the_logrank_test_is_that_of_lifelines_and_a_changed_one_is_seen(n, n_times, share, seed, n_groups):
    times, events, groups, _ = draw_survival(n, n_times, share, seed)
    labels = pl.Series(groups % n_groups).replace_strict({0: "a", 1: "b", 2: "c"}, return_dtype=pl.String)
    try:
        test = compute_logrank(times, events, labels)
    except AnalysisError:
        assume(False)
    assume(test.df == n_groups - 1)  # a group that is never at risk is left out by us alone
    assert measure_logrank(times, events, labels, test.chi_square) < 1e-9
    beside = test.chi_square + 2 * TOLERANCE * max(1, test.chi_square)
    assert measure_logrank(times, events, labels, beside) > TOLERANCE
    assert measure_logrank(times, events, labels, float("nan")) > TOLERANCE


@settings(deadline=None, max_examples=60)
@given(st.integers(40, 400), st.sampled_from([0.0, 1.0, 4.0]), st.booleans(), st.integers(0, 10**6))
def test_scores_are_those_of_scikit_learn_and_a_changed_one_is_seen(n, strength, has_numbers, seed):
    """Up to arms that nearly separate: the stronger the effect, the flatter the likelihood at its peak."""
    rng = np.random.default_rng(seed)
    levels = {f"x{i}": pl.Series(rng.choice(["low", "mid", "high"][: 2 + i % 2], n)) for i in range(4)}
    numbers = (
        {"age": pl.Series(rng.integers(20, 80, n)), "is_male": pl.Series(rng.random(n) < 0.7)} if has_numbers else {}
    )
    frame = pl.DataFrame(levels | numbers)
    treated = rng.random(n) < 1 / (1 + np.exp(strength * ((frame["x0"] == "low").to_numpy() - 0.5)))
    try:
        logit = fit_propensity(frame, treated, frame.columns).logit
    except AnalysisError:
        assume(False)
    assert measure_score(frame, frame.columns, treated, logit) < 1e-8
    changed = logit.copy()
    changed[rng.integers(n)] += 2 * TOLERANCE * max(1, np.abs(logit).max())
    assert measure_score(frame, frame.columns, treated, changed) > TOLERANCE


def test_a_penalty_that_is_forgotten_would_be_seen():
    """scikit-learn's own default: the peer is not to be had without its `C`."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    frame = pl.DataFrame({"age": rng.normal(size=300), "afp": rng.normal(size=300)})
    treated = rng.random(300) < 1 / (1 + np.exp(-frame["age"].to_numpy()))
    penalised = LogisticRegression().fit(frame.to_numpy(), treated).decision_function(frame.to_numpy())
    assert measure_score(frame, frame.columns, treated, penalised) > TOLERANCE


@pytest.mark.parametrize("n_times", [3_000, 10**9])
def test_a_hundred_thousand_patients_are_compared_whole(n_times):
    times, events, groups, _ = draw_survival(100_000, n_times, 0.6, 5)
    assert measure_curve(times, events, *draw_curve(times, events)) < 1e-10
    assert measure_logrank(times, events, groups, compute_logrank(times, events, groups).chi_square) < 1e-8
