"""Covariate balance between two arms, before and after matching."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from analysis.estimators.design import (
    FrameLike,
    check_complete,
    encode_treatment,
    is_categorical,
    read_array,
    read_frame,
    sorted_levels,
)
from etl.errors import AnalysisError

Denominator = Literal["treated", "pooled", "pooled_matched"]

BALANCE_SCHEMA = {
    "covariate": pl.String,
    "level": pl.String,
    "sample": pl.String,
    "n_treated": pl.Int64,
    "n_control": pl.Int64,
    "mean_treated": pl.Float64,
    "mean_control": pl.Float64,
    "standardised_mean_difference": pl.Float64,
    "variance_ratio": pl.Float64,
    "ks_statistic": pl.Float64,
    "rule": pl.String,
}
RULES: dict[Denominator, str] = {
    "treated": "root of the treated arm's {variance} before matching",
    "pooled": "root of the mean of both arms' {variance} before matching",
    "pooled_matched": "root of the mean of both arms' {variance} in the same sample",
}


def compute_balance(
    frame: FrameLike,
    treated: str | ArrayLike,
    covariates: Sequence[str],
    *,
    matched: ArrayLike | None = None,
    denominator: Denominator = "pooled",
) -> pl.DataFrame:
    """Standardised mean differences, variance ratios and KS statistics, whole sample and matched sample.

    Every level of a categorical covariate is one row (all of them, the reference too), as is every number. A number
    that is only ever 0 or 1, or a Boolean, is a level: its variance is p (1 - p) and it has no variance ratio.

    - `frame`: one row per patient.
    - `treated`: name of the arm column (0/1 or Boolean), or its values.
    - `covariates`: columns to compare.
    - `matched`: Boolean per row, who is in the matched sample, or a weight per row (0: not in it), as matching 1:k
      gives them; `None` gives the whole sample only.
    - `denominator`: the standard deviation that the difference of means is divided by.
      `treated`: the treated arm of the whole sample (MatchIt and cobalt for the effect in the treated).
      `pooled`: root of the mean of both arms' variances in the whole sample (cobalt otherwise).
      `pooled_matched`: the same, but in the sample under study, so that the matched sample is divided by its
      own (Austin 2009, doi:10.1002/sim.3697; tableone).

    Returns a long frame: `covariate`, `level` (null for a number), `sample` (`all`, `matched`), `n_treated`,
    `n_control`, `mean_treated`, `mean_control`, `standardised_mean_difference` (treated minus control; null where
    the denominator is 0 and the means differ), `variance_ratio` (treated to control; null for a level),
    `ks_statistic` (largest distance between the arms' distribution functions; for a level the absolute difference in
    proportions; as MatchIt and cobalt), `rule` (the standardised difference and its denominator in words).

    Raises `AnalysisError` for a missing value, and where an arm has nobody in a sample.
    """
    frame = read_frame(frame)
    check_complete(frame, covariates)
    is_treated = encode_treatment(frame, treated)
    samples = {"all": _divide(np.ones(frame.height), is_treated)}
    if matched is not None:
        samples["matched"] = _divide(_read_weights(matched, is_treated), is_treated)
    rows = []
    for name in covariates:
        for item in _measure(frame[name], list(samples.values())):
            rule = describe_rule(denominator, item.is_level)
            for place, (sample, arms) in enumerate(samples.items()):
                scale = _compute_scale(*item.moments[place if denominator == "pooled_matched" else 0], denominator)
                row = _compare_arms(*item.moments[place], item.is_level, scale)
                rows.append((name, item.level, sample, *(arm.n for arm in arms), *row, item.distances[place], rule))
    return pl.DataFrame(rows, schema=BALANCE_SCHEMA, orient="row")


@dataclass(frozen=True)
class _Arm:
    """An arm of a sample: everybody's weight in it, 0 for who is not; how many are; the sum of the weights."""

    weights: NDArray[np.float64]
    n: int
    total: float


@dataclass(frozen=True)
class _Moments:
    """Mean and variance of a quantity in an arm."""

    mean: float
    variance: float


@dataclass(frozen=True)
class _Measured:
    """A quantity, or the 0/1 of a level: in every sample its moments in the treated and the control arm, and their distance."""

    level: str | None
    is_level: bool
    moments: list[tuple[_Moments, _Moments]]
    distances: list[float]


def _divide(weights: NDArray[np.float64], is_treated: NDArray[np.bool_]) -> tuple[_Arm, _Arm]:
    """The treated and the control arm of a sample."""
    parts = (np.where(is_arm, weights, 0.0) for is_arm in (is_treated, ~is_treated))
    treated, control = (_Arm(part, int(np.count_nonzero(part)), float(part.sum())) for part in parts)
    return treated, control


def _read_weights(matched: ArrayLike, is_treated: NDArray[np.bool_]) -> NDArray[np.float64]:
    weights = read_array(matched).astype(float)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise AnalysisError("balance: a weight is missing or negative", "均衡性：有权重缺失或为负")
    if not (weights[is_treated].any() and weights[~is_treated].any()):
        raise AnalysisError(
            "balance: one of the two arms has no patient in the matched sample", "均衡性：匹配样本中有一组没有患者"
        )
    return weights


def describe_rule(denominator: Denominator, is_level: bool) -> str:
    """The standardised difference of a level, or of a number, and its denominator in words."""
    difference, variance = ("proportions", "p(1-p)") if is_level else ("means", "variances")
    return f"difference in {difference} (treated minus control) / {RULES[denominator].format(variance=variance)}"


def _measure(column: pl.Series, samples: list[tuple[_Arm, _Arm]]) -> Iterator[_Measured]:
    """The column as a quantity, or each of its levels, of which one pass counts all."""
    levels, codes = _encode_levels(column)
    if not levels:
        values = column.cast(pl.Float64).to_numpy()
        moments = [
            (_compute_moments(values, treated), _compute_moments(values, control)) for treated, control in samples
        ]
        yield _Measured(None, False, moments, _compute_largest_distances(values, samples))
        return
    size = int(codes.max()) + 1
    shares = [[np.bincount(codes, arm.weights, size) / arm.total for arm in arms] for arms in samples]
    for level, code in levels:
        pairs = [(float(treated[code]), float(control[code])) for treated, control in shares]
        moments = [(_Moments(p, p * (1 - p)), _Moments(q, q * (1 - q))) for p, q in pairs]
        yield _Measured(level, True, moments, [abs(p - q) for p, q in pairs])


def _encode_levels(column: pl.Series) -> tuple[list[tuple[str | None, int]], NDArray[np.intp]]:
    """Each level with its code, and everybody's code; no level for a quantity that is not only ever 0 or 1."""
    if not is_categorical(column):
        values = column.cast(pl.Float64).to_numpy()
        levels: list[tuple[str | None, int]] = [(None, 1)] if ((values == 0) | (values == 1)).all() else []
        return levels, values.astype(np.intp) if levels else np.empty(0, dtype=np.intp)
    names = sorted_levels(column)
    declared = column.dtype.categories.to_list() if isinstance(column.dtype, pl.Enum) else names
    codes = column.cast(pl.String).cast(pl.Enum(names)) if declared is names else column
    return [(name, declared.index(name)) for name in names], codes.to_physical().to_numpy().astype(np.intp)


def _compute_mean(values: NDArray[np.float64], arm: _Arm) -> float:
    return float((arm.weights * values).sum() / arm.total)


def _compute_moments(values: NDArray[np.float64], arm: _Arm) -> _Moments:
    """Mean and variance in an arm; with weights the unbiased one for weights that say how reliable a value is."""
    mean = _compute_mean(values, arm)
    spare = arm.total - float((arm.weights**2).sum()) / arm.total  # n - 1 where all weights are 1
    squares = float((arm.weights * (values - mean) ** 2).sum())
    return _Moments(mean, squares / spare if spare > 0 else float("nan"))


def _compute_scale(treated: _Moments, control: _Moments, denominator: Denominator) -> float:
    variance = treated.variance if denominator == "treated" else (treated.variance + control.variance) / 2
    return float(np.sqrt(variance))


def _compare_arms(
    treated: _Moments, control: _Moments, is_level: bool, scale: float
) -> tuple[float, float, float | None, float | None]:
    """The columns of `BALANCE_SCHEMA` from `mean_treated` to `variance_ratio`."""
    difference = treated.mean - control.mean
    standardised = difference / scale if scale > 0 else (0.0 if difference == 0 else None)
    ratio = treated.variance / control.variance if not is_level and control.variance > 0 else None
    return treated.mean, control.mean, standardised, ratio


def _compute_largest_distances(values: NDArray[np.float64], samples: list[tuple[_Arm, _Arm]]) -> list[float]:
    """Kolmogorov-Smirnov statistic: the largest distance between the arms' (weighted) distribution functions."""
    order = np.argsort(values)
    ascending = values[order]
    is_last = np.append(ascending[1:] != ascending[:-1], True)  # of those with one value
    distances = []
    for treated, control in samples:
        shares = treated.weights / treated.total - control.weights / control.total
        distances.append(float(np.abs(shares[order].cumsum()[is_last]).max()))
    return distances
