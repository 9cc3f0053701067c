"""Rank test of a number between groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.estimators.chi_square import ChiSquareTest, compute_chi_square
from analysis.estimators.design import encode_labels, read_array
from etl.errors import AnalysisError


def compute_rank_test(values: ArrayLike, groups: ArrayLike) -> ChiSquareTest:
    """Compare a number between groups by ranks: Kruskal and Wallis 1952 (doi:10.1080/01621459.1952.10483441), corrected for ties.

    As R's `kruskal.test`. For two groups it is Wilcoxon's rank sum test (Mann and Whitney) in its large-sample form without
    continuity correction, `wilcox.test(exact = FALSE, correct = FALSE)`: the square of its normal deviate.

    - `values`: a finite number per patient.
    - `groups`: the label of each patient's group.

    Raises `AnalysisError` for a missing value or label, fewer than two groups, and where all values are equal.
    """
    numbers = read_array(values).astype(float)
    labels, codes = encode_labels(groups, "rank test: group", "秩和检验：分组")
    if numbers.shape != codes.shape:
        raise ValueError(f"values and groups differ in shape: {numbers.shape}, {codes.shape}")
    if n_missing := int((~np.isfinite(numbers)).sum()):
        raise AnalysisError(f"rank test: {n_missing} values are missing", f"秩和检验：{n_missing} 个值缺失")
    if len(labels) < 2:
        raise AnalysisError("rank test: fewer than two groups", "秩和检验：不足两组")
    _, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        raise AnalysisError("rank test: all values are equal", "秩和检验：所有取值相同")
    n, ties = float(len(numbers)), counts.astype(float)
    deviations = (ties.cumsum() - (ties - 1) / 2 - (n + 1) / 2)[
        place
    ]  # of the mean rank of equal values from that of all
    spread = (np.bincount(codes, deviations) ** 2 / np.bincount(codes)).sum()
    correction = 1 - (ties**3 - ties).sum() / (n**3 - n)
    return compute_chi_square(float(12 * spread / (n * (n + 1)) / correction), len(labels) - 1)
