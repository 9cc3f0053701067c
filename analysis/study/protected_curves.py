"""Survival curves of which nobody reads single patients: they end where few are at risk and fall by so many events at a time."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from analysis.study.spec import StudySpec

CURVE = ("cohort", "endpoint", "subgroup", "arm")
"""The columns that tell curves apart."""
AT_RISK, LEFT = "at risk", ("events", "censored")
_RATES = ("survival", "survival_spss")
_EVENTS = "_events"


def protect_curves(curves: pl.DataFrame, results: pl.DataFrame, spec: StudySpec, k: int) -> pl.DataFrame:
    """Return the points that may be drawn: the start, each that has k events more than the last, and the end.

    The end is the last time at which at least k patients are at risk. Patients, events and censorings at single times are left empty. A curve of
    fewer than k events falls nowhere and is left out.
    """
    kept = [
        _protect_curve(points, _find_end(points, results, spec, k), spec, k) for points in curves.partition_by(CURVE)
    ]
    return pl.concat([curves.clear(), *kept])


def _protect_curve(points: pl.DataFrame, end: float, spec: StudySpec, k: int) -> pl.DataFrame:
    until = _count_events(points, spec).filter(pl.col("time") <= end)
    if until.is_empty() or until[_EVENTS][-1] < k:
        return points.clear()
    kept = until[_choose_falls(until[_EVENTS].to_list(), k)].drop(_EVENTS)
    last = kept.tail(1).with_columns(pl.lit(end).cast(kept.schema["time"]).alias("time"))
    drawn = pl.concat([kept, last]) if kept["time"][-1] < end else kept
    counts = ("n_risk", "n_event", "n_censor")
    return drawn.with_columns(pl.lit(None, dtype=drawn.schema[name]).alias(name) for name in counts)


def _choose_falls(n_event: Sequence[int], k: int) -> list[int]:
    """Return the first place, and each at which there are k events more than at the last; `n_event` are those up to each place."""
    places = [0]
    for place, n in enumerate(n_event):
        if n - (n_event[places[-1]] if len(places) > 1 else 0) >= k:
            places.append(place)
    return list(dict.fromkeys(places))


def _count_events(points: pl.DataFrame, spec: StudySpec) -> pl.DataFrame:
    """Add the events up to each time; where patients have weights, the times with one, which are not more."""
    events = pl.col("n_event")
    counted = (events > 0).cast(pl.Int64) if spec.is_weighted(points["cohort"][0]) else events.round(0).cast(pl.Int64)
    return points.with_columns(counted.cum_sum().alias(_EVENTS))


def _find_end(points: pl.DataFrame, results: pl.DataFrame, spec: StudySpec, k: int) -> float:
    """Return the last time, in the study's unit, at which at least k patients are at risk; -1 where there never are.

    Where patients have weights only the numbers at ticks count patients.
    """
    if spec.is_weighted(points["cohort"][0]):
        at_risk = _of_curve(results, points).filter(pl.col("variable") == AT_RISK, pl.col("value") >= k)
        months = at_risk["time_months"].max()
        return -1.0 if months is None else spec.at_month(float(months)).value  # type: ignore[arg-type]
    last = points.filter(pl.col("n_risk") >= k)["time"].max()
    return -1.0 if last is None else float(last)  # type: ignore[arg-type]


def _of_curve(results: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    own = points.row(0, named=True)
    same = [pl.col(name).eq_missing(pl.lit(own[name], dtype=pl.String)) for name in CURVE]
    return results.filter(pl.col("analysis") == "kaplan_meier", *same)


def find_hidden_counts(results: pl.DataFrame, k: int) -> set[str]:
    """Return the numbers at ticks that are hidden: all three where few are at risk and from then on, events and censored where either is few.

    The three add up to the patients of the curve: of two that are hidden only the sum is known.
    """
    rows = results.filter(
        pl.col("analysis") == "kaplan_meier",
        pl.col("time_months").is_not_null(),
        pl.col("variable").is_in([AT_RISK, *LEFT]),
    )
    hidden: set[str] = set()
    for own in rows.partition_by(CURVE):
        risk = own.filter(pl.col("variable") == AT_RISK, pl.col("value") < k)["time_months"].min()
        if risk is not None:
            hidden |= set(own.filter(pl.col("time_months") >= risk)["result_id"])
        left = own.filter(pl.col("variable").is_in(LEFT))
        few = left.filter(pl.col("value").is_between(1, k - 1))["time_months"].unique()
        hidden |= set(left.filter(pl.col("time_months").is_in(few.implode()))["result_id"])
    return hidden


def find_hidden_rates(results: pl.DataFrame, curves: pl.DataFrame, spec: StudySpec, k: int) -> set[str]:
    """Return the rates at times before which few events were seen, or at which few are at risk: a rate of few events tells their number."""
    hidden: set[str] = set()
    for points in curves.partition_by(CURVE):
        end, counted = _find_end(points, results, spec, k), _count_events(points, spec)
        rates = _of_curve(results, points).filter(pl.col("variable").is_in(_RATES))
        for name, months in rates.select("result_id", "time_months").iter_rows():
            time = spec.at_month(months).value
            n_event = counted.filter(pl.col("time") <= time)[_EVENTS].max() or 0
            if time > end or 0 < n_event < k:  # type: ignore[operator]
                hidden.add(name)
    return hidden
