"""A record against the one before it of the same test or lesion: what tells a visit that was copied from one that was measured.

Values of two days differ by the measurement alone. One sample, or one image, that is filed under two visits is of one day and says nothing.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Comparator, LesionStatus

LESION = ("patient_id", "reader", "lesion_id")


def list_sample_order() -> list[pl.Expr]:
    """Return by what the samples of a test follow each other: by day where every one has a day, else by visit."""
    has_days = pl.col("sample_date").is_not_null().all().over("patient_id", "test")
    return [pl.when(has_days).then("sample_date"), pl.col("visit_number"), pl.col("repeat_number")]


def compute_is_value_as_before() -> pl.Expr:
    """Return whether an exact laboratory value is that of the sample before, of another day; a bound is never the same.

    Null for a bound, for what was not detected, without a result before, and without two days that differ.
    """
    value, sign, date = (pl.col(name) for name in ("value", "value_comparator", "sample_date"))
    value_before, sign_before, date_before = (
        column.shift(1).over("patient_id", "test", order_by=list_sample_order()) for column in (value, sign, date)
    )
    exact = Comparator.EQUAL.value
    has_before = value_before.is_not_null() | (sign_before == Comparator.NOT_DETECTED.value)
    is_compared = (sign == exact) & value.is_not_null() & has_before & (date != date_before)
    return pl.when(is_compared).then(value.eq_missing(value_before) & sign_before.eq_missing(exact))


def compute_is_diameter_as_before() -> pl.Expr:
    """Return whether a lesion measures what it did at the reader's visit before that lists it, on another day.

    Null unless it was measured at both: a diameter above 0 of a lesion that is not too small (5 mm stand for every such one).
    """
    size, status, date = (pl.col(name) for name in ("diameter_mm", "status", "assessment_date"))
    measured = pl.when((size > 0) & status.ne_missing(LesionStatus.TOO_SMALL.value)).then(size)
    before, date_before = (column.shift(1).over(LESION, order_by="visit_position") for column in (measured, date))
    return pl.when(date != date_before).then(measured == before)
