"""Tests of independence in a table of counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from analysis.estimators.design import read_array
from analysis.estimators.fisher import compute_fisher_p
from etl.errors import AnalysisError

SMALLEST_EXPECTED_COUNT = 5


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

    Raises `AnalysisError` for a missing count, and where fewer than two levels or two arms have patients.
    """
    given = read_array(counts).astype(float)
    if np.isnan(given).any():
        raise AnalysisError("contingency test: a count is missing", "列联表检验：有计数缺失")
    table = given.astype(np.int64)
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
        return ContingencyTest("fisher_exact", None, None, compute_fisher_p(kept), n_dropped)
    statistic = float(((kept - expected) ** 2 / expected).sum())
    df = (kept.shape[0] - 1) * (kept.shape[1] - 1)
    return ContingencyTest("pearson_chi_square", statistic, df, float(chdtrc(df, statistic)), n_dropped)
