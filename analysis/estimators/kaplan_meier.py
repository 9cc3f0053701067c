"""Kaplan-Meier curves, their medians and rates, by the conventions of R and of SPSS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from etl.errors import AnalysisError

ConfType = Literal["log", "log-log", "plain"]

Z_95 = float(ndtri(0.975))
TOLERANCE = float(np.sqrt(np.finfo(float).eps))  # R: .Machine$double.eps^.5, 1.5e-8
SPSS_WINDOW = 0.05


@dataclass(frozen=True)
class KaplanMeier:
    """A fitted curve.

    `curve` has one row per distinct time (event or censoring), ascending: `time`, `n_risk` (just before), `n_event`,
    `n_censor`, `survival`, `std_err` (Greenwood, of the survival), `ci_low`, `ci_high`. Standard error and limits
    are null where R gives none: survival 0, and for `log-log` also survival 1.
    """

    curve: pl.DataFrame
    n: int
    n_event: int


@dataclass(frozen=True)
class MedianSurvival:
    """Median time with its 95 % limits (and standard error, SPSS only); `None` = not reached or not estimable."""

    median: float | None
    ci_low: float | None
    ci_high: float | None
    std_err: float | None = None


def check_times(time: ArrayLike, event: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Times and event indicators as arrays, nearly equal times made equal as R's `aeqSurv` does.

    Raises `AnalysisError` for no patient, a missing or negative time, or an event that is not 0/1.
    """
    times = np.asarray(time, dtype=float)
    events = np.asarray(event)
    if times.size == 0:
        raise AnalysisError("survival: there is no patient", "生存分析：没有患者")
    if times.shape != events.shape or times.ndim != 1:
        raise ValueError(f"times and events differ in shape: {times.shape}, {events.shape}")
    n_bad = int((~np.isfinite(times)).sum())
    if n_bad:
        raise AnalysisError(f"survival: {n_bad} times are missing", f"生存分析：{n_bad} 个时间缺失")
    n_bad = int((times < 0).sum())
    if n_bad:
        raise AnalysisError(f"survival: {n_bad} times are negative", f"生存分析：{n_bad} 个时间为负数")
    if events.dtype != np.bool_ and not np.isin(events, (0, 1)).all():
        raise AnalysisError("survival: event indicators other than 0 and 1, or missing", "生存分析：结局指示有缺失")
    return _merge_equal_times(times), events.astype(bool)


def _merge_equal_times(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace times that differ by rounding only with the smallest of them (tolerance 1.5e-8, absolute or relative)."""
    order = np.argsort(times)
    ascending = times[order]
    is_distinct = np.concatenate([[True], ascending[1:] != ascending[:-1]])
    distinct = ascending[is_distinct]
    gaps = np.diff(distinct)
    is_new = np.concatenate([[True], (gaps > TOLERANCE) & (gaps / np.abs(distinct).mean() > TOLERANCE)])
    if is_new.all():
        return times
    merged = np.empty_like(times)
    merged[order] = distinct[is_new][np.cumsum(is_new)[np.cumsum(is_distinct) - 1] - 1]
    return merged


def _count_over_time(
    times: NDArray[np.float64], events: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct times, ascending, with those who leave at each and those of them who have the event."""
    distinct, n_leaving = np.unique(times, return_counts=True)
    event_times, counts = np.unique(times[events], return_counts=True)
    n_event = np.zeros_like(n_leaving)
    n_event[np.searchsorted(distinct, event_times)] = counts
    return distinct, n_leaving, n_event


def fit_kaplan_meier(time: ArrayLike, event: ArrayLike, conf_type: ConfType = "log") -> KaplanMeier:
    """Estimate the survival curve (Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452).

    - `time`: follow-up in any one unit, 0 included: who dies on the day of the start has a time, as in R.
    - `event`: Boolean or 0/1, 0 = censored; a patient censored at an event time is at risk of that event.
    - `conf_type`: scale of the 95 % limits. R's default is `log`, SAS's `log-log`, SPSS's `plain`.

    Raises `AnalysisError` as `check_times` does.
    """
    return _fit_curve(*check_times(time, event), conf_type)


def fit_reverse_kaplan_meier(time: ArrayLike, event: ArrayLike, conf_type: ConfType = "log") -> KaplanMeier:
    """Curve of follow-up: censoring is the event, the event is censoring.

    Schemper and Smith 1996, doi:10.1016/0197-2456(96)00075-X; as `survfit(Surv(time, 1 - event) ~ 1)`, so that of a
    death and a censoring at the same time the death still counts as at risk of being censored.
    """
    times, events = check_times(time, event)
    return _fit_curve(times, ~events, conf_type)


def _fit_curve(times: NDArray[np.float64], events: NDArray[np.bool_], conf_type: ConfType) -> KaplanMeier:
    distinct, n_leaving, n_event = _count_over_time(times, events)
    n_risk = len(times) - np.concatenate([[0], n_leaving.cumsum()[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        # a sum of logarithms: the product of the shares rounds otherwise, by which a curve meets 0.5 or does not
        survival = np.exp(np.cumsum(np.log(n_risk - n_event) - np.log(n_risk)))
        log_std_err = np.sqrt(np.cumsum(n_event / (n_risk * (n_risk - n_event).astype(float))))
        ci_low, ci_high = _compute_limits(survival, log_std_err, conf_type)
        std_err = survival * log_std_err
    curve = pl.DataFrame(
        {
            "time": distinct,
            "n_risk": n_risk,
            "n_event": n_event,
            "n_censor": n_leaving - n_event,
            "survival": survival,
            "std_err": std_err,
            "ci_low": ci_low,
            "ci_high": ci_high,
        }
    )
    return KaplanMeier(
        curve.with_columns(pl.col("std_err", "ci_low", "ci_high").fill_nan(None)),
        len(times),
        int(events.sum()),
    )


def _compute_limits(
    survival: NDArray[np.float64], log_std_err: NDArray[np.float64], conf_type: ConfType
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % limits on the chosen scale; NaN where the scale is infinite."""
    if conf_type == "plain":
        half = Z_95 * survival * log_std_err
        return np.maximum(survival - half, 0), np.minimum(survival + half, 1)
    if conf_type == "log":
        inside = np.where(survival == 0, np.nan, survival)
        return inside * np.exp(-Z_95 * log_std_err), np.minimum(inside * np.exp(Z_95 * log_std_err), 1)
    inside = np.where((survival == 0) | (survival == 1), np.nan, survival)
    shift = Z_95 * log_std_err / np.log(inside)
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
    """Median, standard error and 95 % interval as SPSS's KM prints them.

    The median is the first time with S <= 0.5; its standard error is that of S there (Greenwood) over the density
    (S(u) - S(l)) / (l - u), u the last event time with S >= 0.55 and l the first with S <= 0.45; the interval is
    median +- 1.96 standard errors (Collett, Modelling Survival Data in Medical Research, section 2.4). There is no
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
    return MedianSurvival(median, median - Z_95 * std_err, median + Z_95 * std_err, std_err)


def compute_rates(fit: KaplanMeier, times: Sequence[float]) -> pl.DataFrame:
    """Survival at given times: `time`, `n_risk`, `estimate`, `std_err`, `ci_low`, `ci_high`.

    Past the last follow-up the estimate is null (not estimable) when the curve ends above 0, and 0 when it has come
    down to 0. Limits are those of the curve; there are none where the estimate is 0.
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
    schema = {"time": pl.Float64, "n_risk": pl.Int64} | dict.fromkeys(names, pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def count_at_risk(fit: KaplanMeier, times: Sequence[float]) -> list[int]:
    """Patients still followed just before each time: follow-up of at least that length, as R's `n.risk`."""
    n_risk = [*fit.curve["n_risk"].to_list(), 0]
    places = np.searchsorted(fit.curve["time"].to_numpy(), np.asarray(times, dtype=float), side="left")
    return [n_risk[place] for place in places]


def compute_restricted_mean(fit: KaplanMeier, tau: float) -> tuple[float, float]:
    """Restricted mean survival time up to `tau` and its standard error, in the unit of the times.

    The area under the curve from 0 to `tau`, and Greenwood's plug-in variance: the sum over event times t of
    (area from t to `tau`)^2 d / (n (n - d)), as R's `print(survfit, rmean=tau)` and SAS's RMST. Past the last
    follow-up the curve is carried on level, as there.

    Raises `AnalysisError` where `tau` is not positive.
    """
    if not tau > 0:
        raise AnalysisError("restricted mean: the horizon must be positive", "限制平均生存时间：时间上限须为正")
    steps = fit.curve.filter(pl.col("n_event") > 0, pl.col("time") < tau)
    times = np.concatenate([[0.0], steps["time"].to_numpy(), [tau]])
    survival = np.concatenate([[1.0], steps["survival"].to_numpy()])
    areas = survival * np.diff(times)
    area_after = areas[::-1].cumsum()[::-1][1:]  # from each event time to tau
    n, d = steps["n_risk"].to_numpy().astype(float), steps["n_event"].to_numpy()
    hazard_variance = np.divide(d, n * (n - d), out=np.zeros_like(n), where=n > d)  # none where nobody is left
    return float(areas.sum()), float(np.sqrt((area_after**2 * hazard_variance).sum()))


@dataclass(frozen=True)
class Difference:
    """A difference of two estimates with its standard error, 95 % limits and two-sided p (`None` without an error)."""

    difference: float
    std_err: float
    ci_low: float
    ci_high: float
    p: float | None


def compute_restricted_mean_difference(fit: KaplanMeier, reference: KaplanMeier, tau: float) -> Difference:
    """Difference of the restricted means of two independent groups, the first minus the reference.

    Wald limits and test on the root of the sum of both variances (Royston and Parmar 2013,
    doi:10.1186/1471-2288-13-152).
    """
    mean, se = compute_restricted_mean(fit, tau)
    mean_reference, se_reference = compute_restricted_mean(reference, tau)
    difference, std_err = mean - mean_reference, float(np.hypot(se, se_reference))
    p = float(2 * ndtr(-abs(difference) / std_err)) if std_err > 0 else None
    return Difference(difference, std_err, difference - Z_95 * std_err, difference + Z_95 * std_err, p)
