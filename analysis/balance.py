"""Covariate balance between two arms, before and after matching."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from analysis.design import encode_treatment, is_categorical, sorted_levels

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
}


def compute_balance(
    frame: pl.DataFrame,
    treated: str | ArrayLike,
    covariates: Sequence[str],
    *,
    matched: ArrayLike | None = None,
    denominator: Denominator = "pooled",
) -> pl.DataFrame:
    """Standardised mean differences and variance ratios of covariates, whole sample and matched sample.

    Every level of a categorical covariate is one row (all of them, the reference too), as is every number. A number
    that is only ever 0 or 1, or a Boolean, is a level: its variance is p (1 - p) and it has no variance ratio.

    - `frame`: one row per patient.
    - `treated`: name of the arm column (0/1 or Boolean), or its values.
    - `covariates`: columns to compare.
    - `matched`: Boolean per row, who is in the matched sample; `None` gives the whole sample only.
    - `denominator`: the standard deviation that the difference of means is divided by.
      `treated`: the treated arm of the whole sample (MatchIt and cobalt for the effect in the treated).
      `pooled`: root of the mean of both arms' variances in the whole sample (cobalt otherwise).
      `pooled_matched`: the same, but in the sample under study, so that the matched sample is divided by its
      own (Austin 2009, doi:10.1002/sim.3697; tableone).

    Returns a long frame: `covariate`, `level` (null for a number), `sample` (`all`, `matched`), `n_treated`,
    `n_control`, `mean_treated`, `mean_control`, `standardised_mean_difference` (treated minus control; null where
    the denominator is 0 and the means differ), `variance_ratio` (treated to control; null for a level).
    """
    is_treated = encode_treatment(frame, treated)
    everyone = np.ones(frame.height, dtype=bool)
    samples = {"all": everyone}
    if matched is not None:
        samples["matched"] = np.asarray(matched, dtype=bool)
    rows = []
    for covariate, level, values, is_level in _expand_levels(frame, covariates):
        for sample, members in samples.items():
            reference = members if denominator == "pooled_matched" else everyone
            scale = _compute_scale(values, is_treated, reference, is_level, denominator)
            rows.append((covariate, level, sample, *_compare_arms(values, is_treated, members, is_level, scale)))
    return pl.DataFrame(rows, schema=BALANCE_SCHEMA, orient="row")


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


def _compute_variance(values: NDArray[np.float64], is_level: bool) -> float:
    if is_level:
        share = float(values.mean())
        return share * (1 - share)
    return float(values.var(ddof=1)) if len(values) > 1 else float("nan")


def _compute_scale(
    values: NDArray[np.float64],
    is_treated: NDArray[np.bool_],
    members: NDArray[np.bool_],
    is_level: bool,
    denominator: Denominator,
) -> float:
    of_treated = _compute_variance(values[members & is_treated], is_level)
    if denominator == "treated":
        return float(np.sqrt(of_treated))
    return float(np.sqrt((of_treated + _compute_variance(values[members & ~is_treated], is_level)) / 2))


def _compare_arms(
    values: NDArray[np.float64],
    is_treated: NDArray[np.bool_],
    members: NDArray[np.bool_],
    is_level: bool,
    scale: float,
) -> tuple[int, int, float, float, float | None, float | None]:
    treated, control = values[members & is_treated], values[members & ~is_treated]
    difference = float(treated.mean() - control.mean())
    standardised = difference / scale if scale > 0 else (0.0 if difference == 0 else None)
    ratio = None
    if not is_level:
        of_control = _compute_variance(control, is_level)
        ratio = _compute_variance(treated, is_level) / of_control if of_control > 0 else None
    return len(treated), len(control), float(treated.mean()), float(control.mean()), standardised, ratio
