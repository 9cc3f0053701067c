"""When images were taken, seen from the start of therapy: which are the baseline, which follow, and in what order.

Source: the study's protocol, "Visits" and "Baseline images". Dates decide, whatever the visit numbers say: an image on or
before day 0 is never a follow-up, one after day 0 never the baseline. Only where a date, or the start of therapy, is not
known does the visit number decide, and visit 0 is the baseline.
"""

from __future__ import annotations

import polars as pl

BASELINE_FROM_DAY = -42
"""The first day of the images that may be the baseline; day 0 is the last."""


def compute_is_before_start(days: pl.Expr, visit_number: pl.Expr) -> pl.Expr:
    """Return True for an image on or before day 0; `days` from the start, null where not known."""
    return pl.when(days.is_not_null()).then(days <= 0).otherwise(visit_number == 0)


def compute_is_baseline(days: pl.Expr, visit_number: pl.Expr) -> pl.Expr:
    """Return True for an image of which a baseline can be made: day -42 to day 0."""
    is_in_time = days.is_between(BASELINE_FROM_DAY, 0)
    return pl.when(days.is_not_null()).then(is_in_time).otherwise(visit_number == 0)


def compute_visit_position(series: list[str]) -> pl.Expr:
    """Return the place of each visit in its series (Int64, from 0): the baseline first, then by day.

    A visit without a day keeps its place by number.
    Where the start of therapy is not known, dates order the visits as well. `imaging_days`, `imaging_date`, `is_follow_up` and
    `visit_number` must be there; one row per visit of a series.
    """
    is_dated = pl.col("first_line_start_date").is_null() & pl.col("imaging_date").is_not_null().any().over(series)
    day = pl.when(is_dated).then(pl.col("imaging_date").to_physical().cast(pl.Float64)).otherwise("imaging_days")
    reached = day.forward_fill().over([*series, "is_follow_up"], order_by="visit_number")
    place = pl.struct(
        "is_follow_up",
        day.fill_null(reached).fill_null(-float("inf")).alias("day"),
        day.is_null().alias("is_undated"),
        "visit_number",
    )
    return place.rank("ordinal").over(series).cast(pl.Int64) - 1
