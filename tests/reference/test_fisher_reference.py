"""Fisher's exact test of tables of any size: against R, against exact integers, and against itself in another order."""

import csv
from collections import Counter
from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.estimators.fisher import compute_fisher_p

with (Path(__file__).parent / "fisher.csv").open(encoding="utf-8") as file:
    FROM_R = [
        (np.array(row["counts"].split(), dtype=int).reshape(int(row["rows"]), int(row["columns"])), float(row["p"]))
        for row in csv.DictReader(file)
    ]


@pytest.mark.parametrize(("table", "p"), FROM_R)
def test_p_is_that_of_r(table, p):
    assert compute_fisher_p(table) == pytest.approx(p, rel=1e-9)
    assert compute_fisher_p(table.T) == pytest.approx(p, rel=1e-9)


def fill(total, left):
    """Every row of that total that takes no more than is left of each column."""
    if len(left) == 1:
        yield from [(total,)] if total <= left[0] else []
        return
    for cell in range(min(total, left[0]) + 1):
        yield from ((cell, *rest) for rest in fill(total - cell, left[1:]))


def count_ways(row):
    """In how many ways these patients can be told apart by column: a whole number."""
    ways, so_far = 1, 0
    for cell in row:
        so_far += cell
        ways *= comb(so_far, cell)
    return ways


def count_exactly(table):
    """The p as a fraction: whole numbers of arrangements, tables as likely as the observed one counted by R's tolerance."""
    tables = {tuple(table.sum(axis=0).tolist()): Counter({1: 1})}
    for total in table.sum(axis=1).tolist():
        onward = {}
        for left, weights in tables.items():
            for row in fill(total, left):
                rest = onward.setdefault(tuple(have - used for have, used in zip(left, row, strict=True)), Counter())
                for weight, n in weights.items():
                    rest[weight * count_ways(row)] += n
        tables = onward
    (weights,) = tables.values()
    observed = 1
    for row in table.tolist():
        observed *= count_ways(row)
    limit = observed * (1 + Fraction(1, 10**7))
    return Fraction(sum(w * n for w, n in weights.items() if w <= limit), sum(w * n for w, n in weights.items()))


SHAPES = st.sampled_from([(2, 2), (3, 2), (2, 4), (6, 2), (3, 3), (4, 3), (7, 2), (4, 4)])


@settings(deadline=None, max_examples=150)
@given(SHAPES, st.integers(0, 10**6), st.sampled_from([0.6, 1.2, 2.0]), st.booleans())
def test_p_is_that_of_exact_integers(shape, seed, mean, is_uneven):
    rng = np.random.default_rng(seed)
    table = rng.poisson(mean, shape)
    table[0] += 12 * is_uneven * (shape[1] == 2)
    assume(table.sum(axis=0).all() and table.sum(axis=1).all())
    assert compute_fisher_p(table) == pytest.approx(float(count_exactly(table)), rel=1e-11)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from([(5, 2), (9, 2), (4, 3)]), st.integers(0, 10**6), st.sampled_from([3, 10, 40]), st.randoms())
def test_the_order_of_rows_and_columns_says_nothing(shape, seed, mean, random):
    """In another order other rows meet in the halves, so that every sum is made another way."""
    table = np.random.default_rng(seed).poisson(mean, shape) + 1
    turned = table[random.sample(range(shape[0]), shape[0])][:, random.sample(range(shape[1]), shape[1])]
    assert compute_fisher_p(turned) == pytest.approx(compute_fisher_p(table), rel=1e-11)


def test_a_very_small_p_keeps_its_digits():
    # no row has patients of both arms: nothing is less likely
    table = np.array([[60, 0], [60, 0], [0, 60], [0, 60]])
    n_as_extreme = comb(4, 2)  # which two of the four rows go to the first arm
    assert compute_fisher_p(table) == pytest.approx(n_as_extreme / comb(240, 120), rel=1e-11, abs=0)


def test_a_thousand_patients_in_three_arms():
    # R 4.2.2 prints 0.181812311719 (see fisher.R why); dealt into other halves the sums agree to 13 digits
    table = np.array([[150, 140, 150], [120, 125, 110], [80, 90, 100], [3, 6, 12]])
    assert compute_fisher_p(table) == pytest.approx(0.1818122692037, rel=1e-12)
    assert compute_fisher_p(table) == pytest.approx(0.181812311719, rel=3.5e-7)
