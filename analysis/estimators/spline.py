"""Restricted cubic splines: smooth curves of a number, straight beyond the outer knots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.estimators.design import read_array
from etl.errors import AnalysisError

FEWEST_KNOTS, MOST_KNOTS = 3, 7
SMALL_SAMPLE = 100
"""Below so many values the outer knots are the fifth from either end."""
PILE = 0.05
"""So large a share of the values at one end is a pile (a detection limit), which has a knot of its own beside it."""


def place_knots(values: ArrayLike, n_knots: int) -> tuple[float, ...]:
    """Knots of a number's spline, ascending, where R's `Hmisc::rcspline.eval` places them (Harrell 2015, doi:10.1007/978-3-319-19425-7).

    They lie at quantiles (R's type 7) that divide evenly what is between the outer ones: .10 and .90 for 3 knots, .05 and
    .95 for 4 to 6, .025 and .975 for 7. Of fewer than 100 values, the outer knots are the fifth smallest and the fifth largest.
    Where 5 % or more of the values are the smallest one, or the largest, and no value between has as many, the value next to it is a knot and the
    others lie among the values beyond.

    - `values`: a finite number per patient.
    - `n_knots`: 3 to 7.

    Raises `AnalysisError` for a missing value, and where there are too few distinct values for so many knots.
    """
    if not FEWEST_KNOTS <= n_knots <= MOST_KNOTS:
        raise AnalysisError(f"spline: {n_knots} knots, not 3 to 7", f"样条：节点数为 {n_knots}，须为 3 至 7")
    ascending = np.sort(_read_numbers(values))
    n_distinct = len(np.unique(ascending))
    knots: list[float] = []
    if n_distinct > n_knots + 2:  # with fewer Hmisc takes other knots, or fewer
        first, inner, last = _set_piles_apart(ascending)
        between = _place_between(inner, n_knots, is_lowest=not first, is_highest=not last)
        knots = sorted({*first, *between, *last})
    if len(knots) < n_knots:
        raise AnalysisError(
            f"spline: {n_distinct} distinct values among {len(ascending)} are too few for {n_knots} knots; take fewer knots, a "
            "straight line or categories",
            f"样条：{len(ascending)} 个值中仅有 {n_distinct} 个不同取值，不足以放置 {n_knots} 个节点；请减少节点，或改用线性或分类变量",
        )
    return tuple(knots)


def _set_piles_apart(ascending: NDArray[np.float64]) -> tuple[list[float], NDArray[np.float64], list[float]]:
    """Return the knot beside a pile at the lower end, the values beyond it, and the knot beside a pile at the upper end."""
    distinct, counts = np.unique(ascending, return_counts=True)
    is_pile = counts / len(ascending) >= PILE
    first, last = ([float(distinct[place])] if is_pile[end] else [] for place, end in ((1, 0), (-2, -1)))
    if is_pile[1:-1].any():
        first, last = [], []
    is_inner = np.ones(len(ascending), dtype=bool)
    if first:
        is_inner &= ascending > first[0]
    if last:
        is_inner &= ascending < last[0]
    return first, ascending[is_inner], last


def _place_between(inner: NDArray[np.float64], n_knots: int, *, is_lowest: bool, is_highest: bool) -> list[float]:
    """Knots at quantiles of the values between the piles; `is_lowest`, `is_highest`: there is no pile at that end."""
    n_between = n_knots - (not is_lowest) - (not is_highest)
    outer = {3: 0.1, 7: 0.025}.get(n_knots, 0.05)
    if n_between == 1:
        return [float(np.median(inner))]
    shares = np.linspace(0.5 if n_between == 2 else outer, 1 - outer, n_between)
    knots = np.quantile(inner, shares).tolist()
    if len(inner) < SMALL_SAMPLE:
        if len(inner) < 5:
            return []
        knots[0] = float(inner[4]) if is_lowest else knots[0]
        knots[-1] = float(inner[-5]) if is_highest else knots[-1]
    return knots


def compute_spline(values: ArrayLike, knots: Sequence[float]) -> NDArray[np.float64]:
    """Columns of a restricted cubic spline, as `Hmisc::rcspline.eval(x, knots, inclx=TRUE, norm=2)`.

    Stone and Koo 1985; the cubic terms are divided by the square of the distance between the outer knots, so that all columns
    have the unit of the values. Returns an array of shape (patients, knots - 1): the value itself, then the cubic terms.

    Raises `AnalysisError` for a missing value.
    """
    x, places = _read_numbers(values), np.asarray(knots, dtype=float)
    if len(places) < FEWEST_KNOTS or not (np.diff(places) > 0).all():
        raise ValueError(f"knots must be at least 3 and ascend, not {tuple(knots)}")
    scale = (places[-1] - places[0]) ** (2 / 3)
    cubes = np.maximum((x[:, None] - places) / scale, 0) ** 3  # a column per knot
    *inner, second_last, last = places
    width = last - second_last
    terms = [
        cubes[:, place] + ((second_last - knot) * cubes[:, -1] - (last - knot) * cubes[:, -2]) / width
        for place, knot in enumerate(inner)
    ]
    return np.column_stack([x, *terms])


def _read_numbers(values: ArrayLike) -> NDArray[np.float64]:
    numbers = read_array(values).astype(float)
    if n_missing := int((~np.isfinite(numbers)).sum()):
        raise AnalysisError(
            f"spline: {n_missing} of {len(numbers)} values are missing",
            f"样条：{len(numbers)} 个值中缺失 {n_missing} 个",
        )
    return numbers
