"""Kaplan-Meier curves, their medians and rates, by the conventions of R and of SPSS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from analysis.estimators.design import encode_labels
from analysis.estimators.times import TOLERANCE, check_times, check_weights
from etl.errors import AnalysisError

ConfType = Literal["log", "log-log", "plain"]

SPSS_WINDOW = 0.05


@dataclass(frozen=True)
class KaplanMeier:
    """A fitted curve.

    `curve` has one row per distinct time (event or censoring), ascending: `time`, `n_risk` (just before), `n_event`,
    `n_censor`, `survival`, `std_err` (of the survival: Greenwood, robust if `is_robust`), `ci_low`, `ci_high`
    ((1 - `alpha`) limits). Standard error and limits are null where R gives none: survival 0, and for `log-log` also
    survival 1. (A robust error is 0 where the survival is 0, as R's, and so are its `plain` limits.) With weights
    `n_risk`, `n_event` and `n_censor` of the curve are sums of weights. `n` and `n_event` count patients, weighted or not.
    """

    curve: pl.DataFrame
    n: int
    n_event: int
    alpha: float = 0.05
    is_robust: bool = False


@dataclass(frozen=True)
class MedianSurvival:
    """Median time with its (1 - alpha) limits (and standard error, SPSS only); `None` = not reached or not estimable."""

    median: float | None
    ci_low: float | None
    ci_high: float | None
    std_err: float | None = None


def compute_z(alpha: float) -> float:
    """Standard normal deviate of two-sided (1 - alpha) limits: 1.96 for 0.05.

    Raises `AnalysisError` where `alpha` is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise AnalysisError(
            f"limits: alpha is {alpha}, not between 0 and 1", f"置信区间：alpha 为 {alpha}，不在 0 与 1 之间"
        )
    return float(ndtri(1 - alpha / 2))


def fit_kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    conf_type: ConfType = "log",
    *,
    alpha: float = 0.05,
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> KaplanMeier:
    """Estimate the survival curve (Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452).

    - `time`: follow-up in any one unit, 0 included: who dies on the day of the start has a time, as in R.
    - `event`: Boolean or 0/1, 0 = censored; a patient censored at an event time is at risk of that event.
    - `conf_type`: scale of the limits. R's default is `log`, SAS's `log-log`, SPSS's `plain`.
    - `alpha`: the limits are (1 - alpha) limits.
    - `weights`: a positive number per patient; the standard error is then robust (infinitesimal jackknife), as R's
      `survfit(weights=, robust=TRUE)`. Weights are taken as known, as everywhere in R's `survival`.
    - `cluster`: a label per patient (pair, hospital); the standard error is then robust and clustered.

    Raises `AnalysisError` as `check_times` does, for a missing cluster, unusable weights or an unusable `alpha`.
    """
    times, events = check_times(time, event)
    chosen = None if weights is None else check_weights(weights, len(times), "Kaplan-Meier", "Kaplan-Meier 曲线")
    groups = None
    if cluster is not None:
        groups = encode_labels(cluster, "Kaplan-Meier: cluster", "Kaplan-Meier 曲线：聚类变量")[1]
    return _fit_curve(times, events, conf_type, alpha, chosen, groups)


def fit_reverse_kaplan_meier(
    time: ArrayLike, event: ArrayLike, conf_type: ConfType = "log", *, alpha: float = 0.05
) -> KaplanMeier:
    """Curve of follow-up with its (1 - alpha) limits: censoring is the event, the event is censoring.

    Schemper and Smith 1996, doi:10.1016/0197-2456(96)00075-X; as `survfit(Surv(time, 1 - event) ~ 1)`, so that of a
    death and a censoring at the same time the death still counts as at risk of being censored.
    """
    times, events = check_times(time, event)
    return _fit_curve(times, ~events, conf_type, alpha)


def _fit_curve(
    times: NDArray[np.float64],
    events: NDArray[np.bool_],
    conf_type: ConfType,
    alpha: float,
    weights: NDArray[np.float64] | None = None,
    cluster: NDArray[np.intp] | None = None,
) -> KaplanMeier:
    distinct, place = np.unique(times, return_inverse=True)
    n_event, n_censor = (_add_up(place, is_counted, weights) for is_counted in (events, ~events))
    n_left = np.append((n_event + n_censor)[::-1].cumsum()[::-1][1:], 0) + n_censor  # at risk, without the event
    n_risk = n_left + n_event
    is_robust = weights is not None or cluster is not None
    with np.errstate(divide="ignore", invalid="ignore"):
        # a sum of logarithms: the product of the shares rounds otherwise, by which a curve meets 0.5 or does not
        survival = np.exp(np.cumsum(np.log(n_left) - np.log(n_risk)))
        variance = np.cumsum(n_event / (n_risk * n_left.astype(float)))  # Greenwood's, of the logarithm
        if is_robust:
            given = np.ones(len(times)) if weights is None else weights
            jumps = events / n_left[place] - variance[place]
            variance = _sum_squared_influences(place, given, jumps, variance, cluster)
            variance = np.where(n_left > 0, np.maximum(variance, 0), 0)
        log_std_err = np.sqrt(variance)
        ci_low, ci_high = _compute_limits(survival, log_std_err, conf_type, compute_z(alpha))
        std_err = survival * log_std_err
    curve = pl.DataFrame(
        {
            "time": distinct,
            "n_risk": n_risk,
            "n_event": n_event,
            "n_censor": n_censor,
            "survival": survival,
            "std_err": std_err,
            "ci_low": ci_low,
            "ci_high": ci_high,
        }
    ).with_columns(pl.col("std_err", "ci_low", "ci_high").fill_nan(None))
    return KaplanMeier(curve, len(times), int(events.sum()), alpha, is_robust)


def _add_up(
    place: NDArray[np.intp], is_counted: NDArray[np.bool_], weights: NDArray[np.float64] | None
) -> NDArray[Any]:
    """How many patients are counted at each distinct time, or the sum of their weights."""
    size = int(place.max()) + 1
    return np.bincount(place[is_counted], None if weights is None else weights[is_counted], size)


def _sum_squared_influences(
    place: NDArray[np.intp],
    weights: NDArray[np.float64],
    jumps: NDArray[np.float64],
    hazard: NDArray[np.float64],
    cluster: NDArray[np.intp] | None,
) -> NDArray[np.float64]:
    """Variance of the logarithm of the curve at every distinct time, by the infinitesimal jackknife, as R's `survfitKM`.

    A patient's influence at t is `jumps` once the patient has left, and `-hazard` at t before (sum of d / (n (n - d)) so far). Weighted and added up over a
    cluster it is A - hazard W: A of those who have left, W the weight of those who have not. Patients leave one after the other, and each
    changes the A and W of one cluster only, so that the sums over clusters of A^2, A W and W^2 follow without a table of patients by times.
    """
    groups = np.arange(len(place)) if cluster is None else cluster
    order = np.lexsort((place, groups))
    is_first = np.append(True, np.diff(groups[order]) != 0)
    starts = np.flatnonzero(is_first)
    weight, moved = weights[order], (weights * jumps)[order]
    totals = np.add.reduceat(weight, starts)
    left_before = _accumulate(moved, starts)
    rest_before = np.repeat(totals, np.diff(np.append(starts, len(order)))) - _accumulate(weight, starts)
    is_last = np.append(is_first[1:], True)
    left, rest = left_before + moved, np.where(is_last, 0.0, rest_before - weight)
    squares, products, rests = (
        np.bincount(place[order], change).cumsum()
        for change in (left**2 - left_before**2, left * rest - left_before * rest_before, rest**2 - rest_before**2)
    )
    return squares - 2 * hazard * products + hazard**2 * ((totals**2).sum() + rests)


def _accumulate(values: NDArray[np.float64], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Sum of the values before each, within the runs that begin at `starts`."""
    parts = np.split(values, starts[1:])
    return np.concatenate([np.append(0.0, part[:-1].cumsum()) for part in parts])


def _compute_limits(
    survival: NDArray[np.float64], log_std_err: NDArray[np.float64], conf_type: ConfType, z: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Limits `z` standard errors away on the chosen scale; NaN where the scale is infinite."""
    if conf_type == "plain":
        half = z * survival * log_std_err
        return np.maximum(survival - half, 0), np.minimum(survival + half, 1)
    if conf_type == "log":
        inside = np.where(survival == 0, np.nan, survival)
        return inside * np.exp(-z * log_std_err), np.minimum(inside * np.exp(z * log_std_err), 1)
    inside = np.where((survival == 0) | (survival == 1), np.nan, survival)
    shift = z * log_std_err / np.log(inside)
    return np.exp(np.log(inside) * np.exp(-shift)), np.exp(np.log(inside) * np.exp(shift))


def compute_median(fit: KaplanMeier) -> MedianSurvival:
    """Median by the rule of R's `print.survfit`.

    The first time at which the curve is below 0.5 (tolerance 1.5e-8); where it runs level at 0.5, the midpoint of
    that level piece. The same rule applied to the upper and lower limits gives the confidence interval
    (Brookmeyer and Crowley 1982, doi:10.2307/2530286), so it depends on the scale of the fit. R prints no standard
    error of a median.
    """
    times = fit.curve["time"].to_numpy()

    def cross(column: str) -> float | None:
        return _find_crossing(times, fit.curve[column].fill_null(float("nan")).to_numpy())

    return MedianSurvival(cross("survival"), cross("ci_low"), cross("ci_high"))


def _find_crossing(times: NDArray[np.float64], level: NDArray[np.float64]) -> float | None:
    below = level < 0.5 + TOLERANCE  # NaN compares as not below
    if not below.any():
        return None
    times, level = times[below], level[below]
    if abs(level[0] - 0.5) < TOLERANCE and (level < level[0]).any():
        return float((times[0] + times[np.argmax(level < level[0])]) / 2)
    return float(times[0])


def compute_spss_median(fit: KaplanMeier) -> MedianSurvival:
    """Median, standard error and (1 - alpha) interval as SPSS's KM prints them, alpha that of the curve.

    The median is the first time with S <= 0.5; its standard error is that of S there (Greenwood) over the density
    (S(u) - S(l)) / (l - u), u the last event time with S >= 0.55 and l the first with S <= 0.45; the interval is
    median +- z (1.96 for 0.05) standard errors (Collett, Modelling Survival Data in Medical Research, section 2.4). There is no
    standard error where the curve has no such u or l.
    """
    events = fit.curve.filter(pl.col("n_event") > 0)
    at_median = events.filter(pl.col("survival") <= 0.5 + TOLERANCE).head(1)
    if at_median.is_empty():
        return MedianSurvival(None, None, None, None)
    median = float(at_median["time"].item())
    upper = events.filter(pl.col("survival") >= 0.5 + SPSS_WINDOW - TOLERANCE).tail(1)
    lower = events.filter(pl.col("survival") <= 0.5 - SPSS_WINDOW + TOLERANCE).head(1)
    std_err_survival = at_median["std_err"].item()
    if upper.is_empty() or lower.is_empty() or std_err_survival is None:
        return MedianSurvival(median, None, None, None)
    density = (upper["survival"].item() - lower["survival"].item()) / (lower["time"].item() - upper["time"].item())
    std_err = float(std_err_survival / density)
    half = compute_z(fit.alpha) * std_err
    return MedianSurvival(median, median - half, median + half, std_err)


def compute_rates(fit: KaplanMeier, times: Sequence[float]) -> pl.DataFrame:
    """Survival at given times: `time`, `n_risk`, `estimate`, `std_err`, `ci_low`, `ci_high`.

    Past the last follow-up the estimate is null (not estimable) when the curve ends above 0, and 0 when it has come
    down to 0. Limits are those of the curve; there are none where the estimate is 0. `n_risk` is a sum of weights where
    the curve is weighted.
    """
    curve = fit.curve
    last_time, last_survival = curve["time"][-1], curve["survival"][-1]
    rows = []
    for time, n_risk in zip(times, count_at_risk(fit, times), strict=True):
        if time > last_time and last_survival > 0:
            rows.append((time, n_risk, None, None, None, None))
            continue
        reached = curve.filter(pl.col("time") <= time).tail(1)
        if reached.is_empty():
            rows.append((time, n_risk, 1.0, 0.0, 1.0, 1.0))
            continue
        rows.append((time, n_risk, *reached.select("survival", "std_err", "ci_low", "ci_high").row(0)))
    names = ("estimate", "std_err", "ci_low", "ci_high")
    schema = {"time": pl.Float64, "n_risk": fit.curve["n_risk"].dtype} | dict.fromkeys(names, pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def count_at_risk(fit: KaplanMeier, times: Sequence[float]) -> list[int] | list[float]:
    """Patients still followed just before each time (their weights, of a weighted curve): follow-up of at least that length, as R's `n.risk`."""
    n_risk = [*fit.curve["n_risk"].to_list(), 0]
    places = np.searchsorted(fit.curve["time"].to_numpy(), np.asarray(times, dtype=float), side="left")
    return [n_risk[place] for place in places]


def count_left(fit: KaplanMeier, times: Sequence[float]) -> tuple[list[int], list[int]]:
    """Events and censorings before each time: with those at risk just before it they are everybody. Of a curve without weights."""
    places = np.searchsorted(fit.curve["time"].to_numpy(), np.asarray(times, dtype=float), side="left")
    n_event, n_censor = (np.append(0, fit.curve[name].to_numpy().cumsum())[places] for name in ("n_event", "n_censor"))
    return n_event.tolist(), n_censor.tolist()


def compute_restricted_mean(fit: KaplanMeier, tau: float) -> tuple[float, float]:
    """Restricted mean survival time up to `tau` and its standard error, in the unit of the times.

    The area under the curve from 0 to `tau`, and Greenwood's plug-in variance: the sum over event times t of
    (area from t to `tau`)^2 d / (n (n - d)), as R's `print(survfit, rmean=tau)` and SAS's RMST. Past the last
    follow-up the curve is carried on level, as there.

    Raises `AnalysisError` where `tau` is not positive, and for a robust curve, whose error Greenwood's is not.
    """
    if fit.is_robust:
        raise AnalysisError(
            "restricted mean: not available for a weighted or clustered curve",
            "限制平均生存时间：不适用于加权或聚类稳健的曲线",
        )
    steps, areas = _cut_area(fit, tau)
    area_after = areas[::-1].cumsum()[::-1][1:]  # from each event time to tau
    n, d = steps["n_risk"].to_numpy().astype(float), steps["n_event"].to_numpy()
    hazard_variance = np.divide(d, n * (n - d), out=np.zeros_like(n), where=n > d)  # none where nobody is left
    return float(areas.sum()), float(np.sqrt((area_after**2 * hazard_variance).sum()))


def compute_restricted_area(fit: KaplanMeier, tau: float) -> float:
    """Restricted mean survival time up to `tau` without an error, of any curve; that of a weighted one comes from the bootstrap.

    Raises `AnalysisError` where `tau` is not positive.
    """
    return float(_cut_area(fit, tau)[1].sum())


def _cut_area(fit: KaplanMeier, tau: float) -> tuple[pl.DataFrame, NDArray[np.float64]]:
    """The events before `tau`, and the area under the curve from 0 to the first, between them, and from the last to `tau`."""
    if not tau > 0:
        raise AnalysisError("restricted mean: the horizon must be positive", "限制平均生存时间：时间上限须为正")
    steps = fit.curve.filter(pl.col("n_event") > 0, pl.col("time") < tau)
    times = np.concatenate([[0.0], steps["time"].to_numpy(), [tau]])
    survival = np.concatenate([[1.0], steps["survival"].to_numpy()])
    return steps, survival * np.diff(times)


@dataclass(frozen=True)
class Difference:
    """A difference of two estimates with its standard error, (1 - alpha) limits and two-sided p (`None` without an error)."""

    difference: float
    std_err: float
    ci_low: float
    ci_high: float
    p: float | None


def compute_restricted_mean_difference(fit: KaplanMeier, reference: KaplanMeier, tau: float) -> Difference:
    """Difference of the restricted means of two independent groups, the first minus the reference.

    Wald limits (alpha that of the two curves) and test on the root of the sum of both variances (Royston and Parmar
    2013, doi:10.1186/1471-2288-13-152).
    """
    if fit.alpha != reference.alpha:
        raise ValueError(f"the curves have limits of different alpha: {fit.alpha}, {reference.alpha}")
    mean, se = compute_restricted_mean(fit, tau)
    mean_reference, se_reference = compute_restricted_mean(reference, tau)
    difference, std_err = mean - mean_reference, float(np.hypot(se, se_reference))
    p = float(2 * ndtr(-abs(difference) / std_err)) if std_err > 0 else None
    half = compute_z(fit.alpha) * std_err
    return Difference(difference, std_err, difference - half, difference + half, p)
