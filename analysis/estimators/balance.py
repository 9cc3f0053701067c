"""Covariate balance between two arms, before and after matching."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from analysis.estimators.design import check_complete, encode_treatment, is_categorical, sorted_levels
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
    frame: pl.DataFrame,
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
    check_complete(frame, covariates)
    is_treated = encode_treatment(frame, treated)
    everyone = np.ones(frame.height)
    samples = {"all": everyone}
    if matched is not None:
        samples["matched"] = _read_weights(matched, is_treated)
    rows = []
    for covariate, level, values, is_level in _expand_levels(frame, covariates):
        for sample, weights in samples.items():
            reference = weights if denominator == "pooled_matched" else everyone
            scale = _compute_scale(values, is_treated, reference, is_level, denominator)
            row = _compare_arms(values, is_treated, weights, is_level, scale)
            rows.append((covariate, level, sample, *row, describe_rule(denominator, is_level)))
    return pl.DataFrame(rows, schema=BALANCE_SCHEMA, orient="row")


def _read_weights(matched: ArrayLike, is_treated: NDArray[np.bool_]) -> NDArray[np.float64]:
    weights = np.asarray(matched, dtype=float)
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


def _expand_levels(
    frame: pl.DataFrame, covariates: Sequence[str]
) -> Iterator[tuple[str, str | None, NDArray[np.float64], bool]]:
    """Covariate, level, values and whether the values are the 0/1 of a level."""
    for name in covariates:
        column = frame[name]
        if is_categorical(column):
            for level in sorted_levels(column):
                yield name, level, (column == level).cast(pl.Float64).to_numpy(), True
        else:
            values = column.cast(pl.Float64).to_numpy()
            yield name, None, values, bool(np.isin(values, (0, 1)).all())


def _compute_variance(values: NDArray[np.float64], weights: NDArray[np.float64], is_level: bool) -> float:
    """Variance of a sample; with weights the unbiased one for weights that say how reliable a value is."""
    mean = _compute_mean(values, weights)
    if is_level:
        return mean * (1 - mean)
    total = weights.sum()
    spare = total - (weights**2).sum() / total  # n - 1 where all weights are 1
    return float((weights * (values - mean) ** 2).sum() / spare) if spare > 0 else float("nan")


def _compute_mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    return float((weights * values).sum() / weights.sum())


def _compute_scale(
    values: NDArray[np.float64],
    is_treated: NDArray[np.bool_],
    weights: NDArray[np.float64],
    is_level: bool,
    denominator: Denominator,
) -> float:
    of_treated = _compute_variance(values[is_treated], weights[is_treated], is_level)
    if denominator == "treated":
        return float(np.sqrt(of_treated))
    of_control = _compute_variance(values[~is_treated], weights[~is_treated], is_level)
    return float(np.sqrt((of_treated + of_control) / 2))


def _compare_arms(
    values: NDArray[np.float64],
    is_treated: NDArray[np.bool_],
    weights: NDArray[np.float64],
    is_level: bool,
    scale: float,
) -> tuple[int, int, float, float, float | None, float | None, float]:
    """The columns of `BALANCE_SCHEMA` from `n_treated` to `ks_statistic`."""
    treated, control = (values[arm & (weights > 0)] for arm in (is_treated, ~is_treated))
    of_treated, of_control = (weights[arm & (weights > 0)] for arm in (is_treated, ~is_treated))
    means = _compute_mean(treated, of_treated), _compute_mean(control, of_control)
    difference = means[0] - means[1]
    standardised = difference / scale if scale > 0 else (0.0 if difference == 0 else None)
    if is_level:
        return len(treated), len(control), *means, standardised, None, abs(difference)
    spread = _compute_variance(control, of_control, is_level)
    ratio = _compute_variance(treated, of_treated, is_level) / spread if spread > 0 else None
    distance = _compute_largest_distance(treated, of_treated, control, of_control)
    return len(treated), len(control), *means, standardised, ratio, distance


def _compute_largest_distance(
    treated: NDArray[np.float64],
    of_treated: NDArray[np.float64],
    control: NDArray[np.float64],
    of_control: NDArray[np.float64],
) -> float:
    """Kolmogorov-Smirnov statistic: the largest distance between two (weighted) distribution functions."""
    _, places = np.unique(np.concatenate([treated, control]), return_inverse=True)
    shares = np.concatenate([of_treated / of_treated.sum(), -of_control / of_control.sum()])
    return float(np.abs(np.bincount(places, weights=shares).cumsum()).max())
