"""The result of a chi-square test."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import chdtrc


@dataclass(frozen=True)
class ChiSquareTest:
    """A chi-square statistic with its degrees of freedom and upper-tail probability."""

    statistic: float
    df: int
    p: float


def compute_chi_square(statistic: float, df: int) -> ChiSquareTest:
    """The statistic with its probability under no effect."""
    return ChiSquareTest(statistic, df, float(chdtrc(df, statistic)))
