"""When an endpoint was reached, or how long a patient was followed without it, from the columns that say so."""

from __future__ import annotations

import polars as pl

from analysis.study.spec import Endpoint, StudySpec

START_COLUMN = "first_line_start_date"


def compute_days(frame: pl.DataFrame, column: str) -> pl.Expr:
    """Return the days from the start of therapy to what a column holds, dates or such days."""
    if frame.schema[column] == pl.Date:
        return (pl.col(column) - pl.col(START_COLUMN)).dt.total_days()
    return pl.col(column)


def compute_event(endpoint: Endpoint) -> pl.Expr:
    """Return whether the endpoint was reached; where `not_happened` says so, an empty value is a no."""
    event = pl.col(endpoint.event_column)
    return event.fill_null(value=False) if endpoint.censoring_column else event


def compute_time_days(endpoint: Endpoint, landmark_day: float = 0.0) -> pl.Expr:
    """Return the days from the start, or from the landmark, to the endpoint or the end of follow-up; null where not known.

    A time without a word on whether anything happened is not known, whatever `not_happened` says.
    """
    days = pl.col(endpoint.time_column)
    if endpoint.censoring_column:
        is_open = pl.col(endpoint.event_column).is_null()
        filled = pl.coalesce(days, endpoint.censoring_column)
        days = pl.when(compute_event(endpoint)).then(days).when(~(is_open & days.is_not_null())).then(filled)
    return days - landmark_day if landmark_day else days


def compute_is_timed(endpoint: Endpoint, landmark_day: float = 0.0) -> pl.Expr:
    """Return True where the endpoint has a time and says whether it was reached; never null. A time of 0 days is one (protocol)."""
    is_known = (compute_time_days(endpoint, landmark_day) >= 0) & compute_event(endpoint).is_not_null()
    return is_known.fill_null(value=False)


def compute_is_at_risk(spec: StudySpec) -> pl.Expr:
    """Return who is followed on the landmark day without having reached any of the study's endpoints before it."""
    return pl.all_horizontal(compute_is_timed(item, spec.population.landmark_day) for item in spec.endpoints)
