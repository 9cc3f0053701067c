"""Log-rank and Peto-Peto tests between survival curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from analysis.estimators.design import encode_labels
from analysis.estimators.times import check_times
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
    stratum = None if strata is None else encode_labels(strata, "log-rank test: stratum", "对数秩检验：分层变量")[1]
    observed, expected, variance = _sum_over_events(times, events, codes, stratum, rho)
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
        float(chdtrc(len(compared), chi_square)),
        dict(zip(labels, observed.tolist(), strict=True)),
        dict(zip(labels, expected.tolist(), strict=True)),
    )


def _sum_over_events(
    times: NDArray[np.float64],
    events: NDArray[np.bool_],
    codes: NDArray[np.intp],
    stratum: NDArray[np.intp] | None,
    rho: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Weighted observed and expected events per group and their hypergeometric covariance, over the strata's event times."""
    at_risk, deaths, is_first = _count_at_events(times, events, codes, stratum)
    n, d = at_risk.sum(axis=0), deaths.sum(axis=0)
    weight = _compute_weights(1 - d / n, is_first, rho)
    share = at_risk / n
    spread = share * (weight**2 * d * (n - d) / np.maximum(n - 1, 1))
    covariance = np.diag(spread.sum(axis=1)) - np.einsum("it,jt->ij", spread, share)
    return (weight * deaths).sum(axis=1), (weight * d * share).sum(axis=1), covariance


def _count_at_events(
    times: NDArray[np.float64],
    events: NDArray[np.bool_],
    codes: NDArray[np.intp],
    stratum: NDArray[np.intp] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return each group's patients at risk and deaths at the strata's event times, and which of these open a stratum.

    The first two have the shape (groups, event times). Patients are sorted once, by stratum and time; at risk are those who
    come later in the stratum, or at that time.
    """
    order = np.argsort(times) if stratum is None else np.lexsort((times, stratum))
    times, events, codes = times[order], events[order], codes[order]
    is_new = np.concatenate([[True], times[1:] != times[:-1]])
    opens = np.zeros(1, dtype=np.intp)
    if stratum is not None:
        opens = np.flatnonzero(np.concatenate([[True], np.diff(stratum[order]) != 0]))
        is_new[opens] = True
    starts = np.flatnonzero(is_new)
    starts = starts[np.logical_or.reduceat(events, starts)]
    of_stratum = np.searchsorted(opens, starts, side="right")
    ends = np.append(opens, len(times))[of_stratum]
    shape = (int(codes.max()) + 1, len(starts))
    at_risk, deaths = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.int64)
    for group in range(len(at_risk)):
        is_member = codes == group
        before = np.concatenate([[0], is_member.cumsum()])
        at_risk[group] = before[ends] - before[starts]
        # Up to the next time with an event; nobody dies in between.
        deaths[group] = np.add.reduceat(is_member & events, starts, dtype=np.int64)
    return at_risk, deaths, np.concatenate([[True], np.diff(of_stratum) != 0])


def _compute_weights(shares: NDArray[np.float64], is_first: NDArray[np.bool_], rho: float) -> NDArray[np.float64]:
    """S(t-)^rho at every event time, S the curve of all groups together within the stratum, of which `shares` survive."""
    if rho == 0:
        return np.ones(len(shares))
    curves = [np.cumprod(part) for part in np.split(shares, np.flatnonzero(is_first)[1:])]
    return np.concatenate([np.append(1.0, curve[:-1]) for curve in curves]) ** rho
