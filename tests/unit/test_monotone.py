"""Whether a Cox model's likelihood has a largest value: hand-worked cases, all directions tried one by one, and the fit itself."""

import itertools
import random

import numpy as np
import polars as pl
import pytest

from analysis.estimators.cox import fit_cox
from analysis.estimators.monotone import find_endless
from etl.errors import AnalysisError

CASES = {
    "no event in one group": ([3, 5, 8, 4, 6, 9], [1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0], True),
    "events in both, one group always first": ([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], True),
    "one exchange": ([1, 2, 4, 3, 5, 6], [1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], False),
    "one event": ([2, 3, 4, 5], [1, 0, 0, 0], [1, 0, 0, 1], True),
    "a tie across the groups": ([1, 2, 3, 3, 5, 6], [1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], False),
    "one group censored at once": ([1, 2, 3, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0], True),
    "a number that rises with time": ([1, 2, 3, 4, 5], [1, 1, 1, 1, 1], [5.0, 4.5, 4.0, 2.0, 1.0], True),
    "a number that nearly does": ([1, 2, 3, 4, 5], [1, 1, 1, 1, 1], [5.0, 4.5, 2.0, 4.0, 1.0], False),
}


@pytest.mark.parametrize(("times", "events", "values", "expected"), CASES.values(), ids=CASES)
def test_hand_worked_cases(times, events, values, expected):
    found = find_endless(np.array(times, float), np.array(events, bool), np.array(values, float)[:, None])
    assert found.tolist() == [expected]


def grows_along(direction, times, events, rows, strata, entries=None):
    """Whether nobody at risk at an event has more of a direction than the patient with the event, and somebody less; patient by patient."""
    is_strict = False
    entries = entries or [-1] * len(times)
    scores = [sum(b * x for b, x in zip(direction, row, strict=True)) for row in rows]
    for i, time in enumerate(times):
        at_risk = [scores[j] for j in range(len(times)) if entries[j] < time <= times[j] and strata[j] == strata[i]]
        if events[i] and max(at_risk) > scores[i]:
            return False
        is_strict = is_strict or (events[i] and min(at_risk) < scores[i])
    return is_strict


def draw_world(seed):
    draw = random.Random(seed)
    n, p = draw.randrange(4, 14), draw.choice([1, 2, 3])
    times = [draw.randrange(1, 9) for _ in range(n)]
    events = [draw.random() < draw.choice([0.3, 0.8]) for _ in range(n)]
    rows = [[draw.randrange(2) for _ in range(p)] for _ in range(n)]
    return times, events, rows, [draw.randrange(draw.choice([1, 2])) for _ in range(n)]


@pytest.mark.parametrize("seed", range(150))
def test_small_worlds_by_every_direction(seed):
    """With 0 and 1 as values the ends of what is sought are small whole numbers: each is tried."""
    times, events, rows, strata = draw_world(seed)
    p = len(rows[0])
    directions = [d for d in itertools.product(range(-3, 4), repeat=p) if any(d)]
    growing = [d for d in directions if grows_along(d, times, events, rows, strata)]
    flat = [
        d
        for d in directions
        if not grows_along(d, times, events, rows, strata) and is_flat(d, times, events, rows, strata)
    ]
    if flat:
        return  # a direction that changes nothing is collinearity, which the fitting refuses
    found = find_endless(np.array(times, float), np.array(events), np.array(rows, float), np.array(strata))
    assert found.tolist() == [any(d[place] for d in growing) for place in range(p)]
    assert tell_by_fitting(times, events, rows, strata) in (None, found.tolist())


def tell_by_fitting(times, events, rows, strata, entries=None):
    """Which coefficients the fit itself calls endless: it asks only where one is large. None where nothing can be fitted."""
    columns = {f"x{place}": list(values) for place, values in enumerate(zip(*rows, strict=True))}
    try:
        fit = fit_cox(times, events, pl.DataFrame(columns), strata=strata, entry=entries)
    except AnalysisError:
        return None
    return fit.coefficients["hazard_ratio"].is_null().to_list()


@pytest.mark.parametrize("seed", range(150))
def test_small_worlds_with_late_entry_by_every_direction(seed):
    times, events, rows, strata = draw_world(seed)
    draw = random.Random(seed)
    entries = [draw.choice([-1, draw.randrange(-1, time)]) for time in times]
    p = len(rows[0])
    directions = [d for d in itertools.product(range(-3, 4), repeat=p) if any(d)]
    growing = [d for d in directions if grows_along(d, times, events, rows, strata, entries)]
    if not any(events) or any(is_flat(d, times, events, rows, strata, entries) for d in directions):
        return
    arrays = (np.array(times, float), np.array(events), np.array(rows, float), np.array(strata))
    found = find_endless(*arrays, np.array(entries, float))
    assert found.tolist() == [any(d[place] for d in growing) for place in range(p)]
    assert tell_by_fitting(times, events, rows, strata, entries) in (None, found.tolist())


def test_all_at_risk_from_the_start_is_the_same_as_no_entry():
    for seed in range(30):
        times, events, rows, strata = (np.array(column) for column in draw_world(seed))
        if events.any():
            world = (times.astype(float), events, rows.astype(float), strata)
            assert find_endless(*world, np.full(len(times), -1.0)).tolist() == find_endless(*world).tolist()


def test_a_late_entry_makes_a_coefficient_endless():
    """The control with the event at 4 meets a treated patient at risk: finite. Who comes after that event does not count."""
    times, events, arm = (
        np.array([2.0, 4, 6, 7]),
        np.array([True, True, False, False]),
        np.array([[1.0], [0], [1], [0]]),
    )
    assert not find_endless(times, events, arm).any()
    assert find_endless(times, events, arm, entries=np.array([0.0, 0, 4, 0])).all()


def is_flat(direction, *world):
    """Whether the likelihood is the same all along a direction: it may be followed both ways."""
    times, events, rows, strata, *late = world
    entries = late[0] if late else [-1] * len(times)
    scores = [sum(b * x for b, x in zip(direction, row, strict=True)) for row in rows]
    return all(
        scores[i] == scores[j]
        for i, time in enumerate(times)
        for j in range(len(times))
        if events[i] and entries[j] < time <= times[j] and strata[j] == strata[i]
    )


def test_a_large_hazard_ratio_that_is_finite_is_kept():
    """One exchange among many keeps an estimate finite, however large it is."""
    n = 4000
    values = np.repeat([1.0, 0.0], n // 2)
    times = np.arange(1, n + 1, dtype=float)
    times[[n // 2 - 1, n // 2]] = times[[n // 2, n // 2 - 1]]
    fit = fit_cox(times, np.ones(n, bool), pl.DataFrame({"x": values}))
    assert fit.is_finite
    assert fit.coefficients["coef"][0] > 8


def test_an_endless_coefficient_is_told_beside_a_finite_one():
    draw = np.random.default_rng(3)
    x, noise = np.repeat([1.0, 0.0], 50), draw.normal(size=100)
    times = draw.exponential(size=100) + 0.01
    events = x == 1  # nobody of the other group has an event
    fit = fit_cox(times, events, pl.DataFrame({"x": x, "noise": noise}))
    ratios = dict(fit.coefficients.select("name", "hazard_ratio").iter_rows())
    assert ratios["x"] is None
    assert ratios["noise"] is not None
