"""A record against the one before it of the same test or lesion: what tells a visit that was copied from one that was measured.

Values of two days differ by the measurement alone. One sample, or one image, that is filed under two visits is of one day and says nothing.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Comparator, LesionStatus

LESION = ("patient_id", "reader", "lesion_id")


SAMPLES = ("patient_id", "test")


def add_sample_neighbours(samples: pl.LazyFrame) -> pl.LazyFrame:
    """Return laboratory records, in their order, with `value_before`, `value_after` and `is_as_before`.

    Neighbours are of the same patient and test, by day where every sample of the test has one, else by visit. `is_as_before` says whether an exact
    value is that of the sample before, of another day; a bound is never the same. It is null for a bound, for what was not detected, without a result before,
    and without two days that differ. One sort of the table finds them all: of many small groups a window per column costs ten times as much.
    """
    has_days = pl.col("sample_date").is_not_null().all().over(SAMPLES)
    order = [pl.when(has_days).then("sample_date"), pl.col("visit_number"), pl.col("repeat_number")]
    placed = samples.with_row_index("_place").sort(*SAMPLES, *order, maintain_order=True)
    found = placed.with_columns(
        value_before=_take_neighbour("value", 1), value_after=_take_neighbour("value", -1), is_as_before=_is_as_before()
    )
    return found.sort("_place").drop("_place")


def _take_neighbour(name: str, by: int) -> pl.Expr:
    """Return what the record before (1) or after (-1) says, of records sorted by patient and test; null at the end of a test's."""
    is_same = pl.all_horizontal(pl.col(column) == pl.col(column).shift(by) for column in SAMPLES)
    return pl.when(is_same).then(pl.col(name).shift(by))


def _is_as_before() -> pl.Expr:
    value, sign, date = (pl.col(name) for name in ("value", "value_comparator", "sample_date"))
    value_before, sign_before, date_before = (
        _take_neighbour(name, 1) for name in ("value", "value_comparator", "sample_date")
    )
    exact = Comparator.EQUAL.value
    has_before = value_before.is_not_null() | (sign_before == Comparator.NOT_DETECTED.value)
    is_compared = (sign == exact) & value.is_not_null() & has_before & (date != date_before)
    return pl.when(is_compared).then(value.eq_missing(value_before) & sign_before.eq_missing(exact))


def add_image_before(lesions: pl.LazyFrame) -> pl.LazyFrame:
    """Return lesion records with `is_as_before`."""
    return lesions.with_columns(is_as_before=_is_diameter_as_before())


def _is_diameter_as_before() -> pl.Expr:
    """Return whether a lesion measures what it did at the reader's visit before that lists it, on another day.

    Null unless it was measured at both: a diameter above 0 of a lesion that is not too small (5 mm stand for every such one).
    """
    size, status, date = (pl.col(name) for name in ("diameter_mm", "status", "assessment_date"))
    measured = pl.when((size > 0) & status.ne_missing(LesionStatus.TOO_SMALL.value)).then(size)
    before, date_before = (column.shift(1).over(LESION, order_by="visit_position") for column in (measured, date))
    return pl.when(date != date_before).then(measured == before)
