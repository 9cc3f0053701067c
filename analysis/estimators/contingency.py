"""Tests of independence in a table of counts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from etl.errors import AnalysisError

SMALLEST_EXPECTED_COUNT = 5
TIE_TOLERANCE = 1e-7  # two tables whose probabilities differ by less, relatively, are equally likely (R's value)
Node = tuple[tuple[int, ...], float]  # what is left of the column totals, and the log weight of the rows so far


@dataclass(frozen=True)
class ContingencyTest:
    """Result of a test of independence.

    `statistic` and `df` belong to Pearson's test and are `None` for Fisher's; `n_empty_dropped` counts the rows and
    columns without any patient that were left out.
    """

    method: Literal["pearson_chi_square", "fisher_exact"]
    statistic: float | None
    df: int | None
    p: float
    n_empty_dropped: int


def compute_contingency_test(counts: ArrayLike) -> ContingencyTest:
    """Two-sided test that levels (rows) and arms (columns) are independent.

    Pearson's chi-square without continuity correction; Fisher's exact test (Freeman and Halton beyond 2 x 2: the
    total probability of all tables with the same margins that are no likelier than the observed one, as R's
    `fisher.test`) where any expected count is below 5. Rows and columns without patients are dropped first.

    - `counts`: non-negative whole numbers, shape (levels, arms).

    Raises `AnalysisError` where fewer than two levels or two arms have patients.
    """
    table = np.asarray(counts, dtype=np.int64)
    if table.ndim != 2 or (table < 0).any():
        raise ValueError(f"counts must be a table of non-negative numbers, not of shape {table.shape}")
    kept = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n_dropped = sum(table.shape) - sum(kept.shape)
    if min(kept.shape) < 2:
        raise AnalysisError(
            "contingency test: fewer than two levels or two arms have patients", "列联表检验：不足两个水平或两组有患者"
        )
    expected = np.outer(kept.sum(axis=1), kept.sum(axis=0)) / kept.sum()
    if expected.min() < SMALLEST_EXPECTED_COUNT:
        return ContingencyTest("fisher_exact", None, None, _compute_fisher_p(kept), n_dropped)
    statistic = float(((kept - expected) ** 2 / expected).sum())
    df = (kept.shape[0] - 1) * (kept.shape[1] - 1)
    return ContingencyTest("pearson_chi_square", statistic, df, float(chi2.sf(statistic, df)), n_dropped)


def _compute_fisher_p(table: NDArray[np.int64]) -> float:
    """Exact p of an r x c table by the network algorithm (Mehta and Patel 1983, doi:10.1080/01621459.1983.10477989).

    Tables are built row by row; what the rows still to come have to fill is a node. The likeliest and unlikeliest
    way on from a node tell whether all tables through it count, none does, or the next row must be looked at.
    scipy's `fisher_exact` draws tables at random beyond 2 x 2. Meant for two arms (milliseconds); with three arms of
    fifty patients it takes seconds.
    """
    rows = table if table.shape[0] >= table.shape[1] else table.T
    row_totals, columns = tuple(rows.sum(axis=1).tolist()), tuple(rows.sum(axis=0).tolist())
    limit = -sum(_log_factorial(cell) for cell in rows.ravel().tolist()) + TIE_TOLERANCE
    every_table = _log_total(row_totals, columns)
    extremes: dict[tuple[int, tuple[int, ...]], tuple[float, float]] = {}
    counted = 0.0
    frontier: dict[Node, int] = {(columns, 0.0): 1}
    for index in range(len(row_totals) + 1):
        to_come, onward = row_totals[index:], defaultdict(int)
        for (left, past), n_paths in frontier.items():
            highest, lowest = _find_extremes(to_come, left, extremes)
            if past + highest <= limit:
                counted += n_paths * math.exp(past + _log_total(to_come, left) - every_table)
            elif past + lowest <= limit:
                for row in _fill(to_come[0], left):
                    onward[_subtract(left, row), round(past + _weigh(row), 11)] += n_paths
        frontier = onward
    return min(counted, 1.0)


def _find_extremes(
    to_come: tuple[int, ...], left: tuple[int, ...], known: dict[tuple[int, tuple[int, ...]], tuple[float, float]]
) -> tuple[float, float]:
    """Largest and smallest log weight of the rows to come that fill the column totals `left`; `known` remembers."""
    if not to_come:
        return 0.0, 0.0
    key = (len(to_come), left)
    if key not in known:
        rows = [(_weigh(row), _subtract(left, row)) for row in _fill(to_come[0], left)]
        ways = [(weight, _find_extremes(to_come[1:], rest, known)) for weight, rest in rows]
        known[key] = max(w + high for w, (high, _) in ways), min(w + low for w, (_, low) in ways)
    return known[key]


def _log_total(to_come: tuple[int, ...], left: tuple[int, ...]) -> float:
    """Log of the summed weights of all ways in which the rows to come fill the column totals `left`."""
    return _log_factorial(sum(left)) + _weigh(to_come) + _weigh(left)


@cache
def _log_factorial(count: int) -> float:
    return math.lgamma(count + 1)


def _weigh(row: tuple[int, ...]) -> float:
    return -sum(_log_factorial(cell) for cell in row)


def _subtract(left: tuple[int, ...], row: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(have - used for have, used in zip(left, row, strict=True))


def _fill(total: int, left: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All rows of the given total that take no more than `left` from each column."""
    if len(left) == 1:
        yield (total,)
        return
    for cell in range(max(0, total - sum(left[1:])), min(total, left[0]) + 1):
        for rest in _fill(total - cell, left[1:]):
            yield (cell, *rest)
