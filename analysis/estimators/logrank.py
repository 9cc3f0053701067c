"""Log-rank and Peto-Peto tests between survival curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from analysis.estimators.design import encode_labels
from analysis.estimators.kaplan_meier import check_times
from etl.errors import AnalysisError


@dataclass(frozen=True)
class LogRank:
    """Result of a test; `observed` and `expected` map each group to its (weighted) number of events."""

    chi_square: float
    df: int
    p: float
    observed: dict[str, float]
    expected: dict[str, float]


def compute_logrank(
    time: ArrayLike, event: ArrayLike, group: ArrayLike, strata: ArrayLike | None = None, rho: float = 0.0
) -> LogRank:
    """Compare survival between groups, as R's `survdiff`.

    The G-rho family weighs an event at t by S(t-)^rho, S the curve of all groups together within the stratum
    (Harrington and Fleming 1982, doi:10.1093/biomet/69.3.553): `rho=0` is the log-rank test, `rho=1` the Peto-Peto
    modification of Gehan and Wilcoxon's. SPSS's "Breslow" (weights = numbers at risk) is neither.

    - `time`, `event`: as for `fit_kaplan_meier`.
    - `group`: label of each patient's group.
    - `strata`: label of each patient's stratum; observed and expected are added over strata.
    - `rho`: the weight's exponent.

    Raises `AnalysisError` for unusable times, a missing label, fewer than two groups, no event, or groups that are never
    at risk of the same event.
    """
    times, events = check_times(time, event)
    labels, codes = encode_labels(group, "log-rank test: group", "对数秩检验：分组")
    if len(labels) < 2:
        raise AnalysisError("log-rank test: fewer than two groups", "对数秩检验：不足两组")
    if not events.any():
        raise AnalysisError("log-rank test: no events", "对数秩检验：没有结局事件")
    stratum = np.zeros(len(times), dtype=int)
    if strata is not None:
        _, stratum = encode_labels(strata, "log-rank test: stratum", "对数秩检验：分层变量")
    observed, expected = np.zeros(len(labels)), np.zeros(len(labels))
    variance = np.zeros((len(labels), len(labels)))
    for value in np.unique(stratum):
        members = stratum == value
        parts = _sum_stratum(times[members], events[members], codes[members], len(labels), rho)
        observed, expected, variance = observed + parts[0], expected + parts[1], variance + parts[2]
    compared = np.flatnonzero(expected > 0)[1:]  # as in R, a group never at risk of an event is not compared
    difference, covariance = (observed - expected)[compared], variance[np.ix_(compared, compared)]
    if not len(compared) or np.linalg.matrix_rank(covariance) < len(compared):
        raise AnalysisError(
            "log-rank test: the groups are never at risk of the same event",
            "对数秩检验：各组从未同时处于同一结局事件的风险中",
        )
    chi_square = float(difference @ np.linalg.solve(covariance, difference))
    return LogRank(
        chi_square,
        len(compared),
        float(chi2.sf(chi_square, len(compared))),
        dict(zip(labels, observed.tolist(), strict=True)),
        dict(zip(labels, expected.tolist(), strict=True)),
    )


def _sum_stratum(
    times: NDArray[np.float64], events: NDArray[np.bool_], codes: NDArray[np.intp], n_groups: int, rho: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Weighted observed and expected events per group and their hypergeometric covariance, over event times."""
    distinct, place = np.unique(times, return_inverse=True)
    shape = (len(distinct), n_groups)
    here, deaths = np.zeros(shape), np.zeros(shape)
    np.add.at(here, (place, codes), 1)
    np.add.at(deaths, (place, codes), events)
    at_risk = here[::-1].cumsum(axis=0)[::-1]
    n, d = at_risk.sum(axis=1), deaths.sum(axis=1)
    survival_before = np.concatenate([[1.0], np.cumprod(1 - d / n)[:-1]])
    weight = survival_before**rho
    share = at_risk / n[:, None]
    spread = weight**2 * d * (n - d) / np.maximum(n - 1, 1)
    covariance = np.diag((spread[:, None] * share).sum(axis=0)) - (spread[:, None] * share).T @ share
    return (weight[:, None] * deaths).sum(axis=0), ((weight * d)[:, None] * share).sum(axis=0), covariance
