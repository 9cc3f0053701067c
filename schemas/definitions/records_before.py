"""What the records before and after a record say, of the same test or lesion.

It tells a value that cannot be from one that changes, and a visit that was copied from one that was measured: values of two days
differ by the measurement alone. One sample, or one image, that is filed under two visits is of one day and says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from schemas.codes import Comparator, LesionStatus
from schemas.definitions.visits import is_given_by_date

Columns = Sequence[pl.Expr]

SAMPLES = (pl.col("patient_id"), pl.col("test"))
LESION = (pl.col("patient_id"), pl.col("reader"), pl.col("lesion_id"))
_PLACE = "_place"


def add_sample_neighbours(samples: pl.LazyFrame) -> pl.LazyFrame:
    """Return laboratory records, in their order, with what the samples of the same patient and test before and after them say.

    `value_before`, `value_after` and `is_as_before`: by day where every sample of the test has one, else by visit. `is_as_before` says whether an exact
    value is that of the sample before, of another day; a bound is never the same. It is null for a bound, for what was not detected, without a result before,
    and without two days that differ. `sample_date_of_visit_before` is by the visits, those with the hospital's numbers and those numbered by their days
    apart. `value_before_by_day`, its `_comparator` and `sample_date_before_by_day` are by day alone; what has none comes before all others.
    """
    sample_date, visit, repeat = pl.col("sample_date"), pl.col("visit_number"), pl.col("repeat_number")
    day = pl.when(sample_date.is_not_null().all().over(SAMPLES)).then(sample_date)
    by_day = _look_around(
        samples, SAMPLES, (day, visit, repeat),
        value_before=_take("value", 1, SAMPLES), value_after=_take("value", -1, SAMPLES), is_as_before=_is_as_before(),
    )  # fmt: skip
    numbered = (*SAMPLES, is_given_by_date(visit))
    by_visit = _look_around(
        by_day, numbered, (visit, sample_date), sample_date_of_visit_before=_take("sample_date", 1, numbered)
    )
    return _look_around(
        by_visit,
        SAMPLES,
        (sample_date, visit, repeat),
        value_before_by_day=_take("value", 1, SAMPLES),
        value_before_by_day_comparator=_take("value_comparator", 1, SAMPLES),
        sample_date_before_by_day=_take("sample_date", 1, SAMPLES),
    )


def _look_around(records: pl.LazyFrame, series: Columns, order: Columns, **told: pl.Expr) -> pl.LazyFrame:
    """Return records, in their order, with columns that are `told` of them sorted by series (what they share) and, within each, by `order`.

    One sort of the table finds all neighbours: of many small groups a window per column costs ten times as much.
    """
    placed = records.with_row_index(_PLACE).sort(*series, *order, maintain_order=True)
    return placed.with_columns(**told).sort(_PLACE).drop(_PLACE)


def _take(name: str, by: int, series: Columns) -> pl.Expr:
    """Return what the record before (1) or after (-1) says, of sorted records; null at the end of a series."""
    is_same = pl.all_horizontal(part.eq_missing(part.shift(by)) for part in series)
    return pl.when(is_same).then(pl.col(name).shift(by))


def _is_as_before() -> pl.Expr:
    value, sign, date = (pl.col(name) for name in ("value", "value_comparator", "sample_date"))
    value_before, sign_before, date_before = (
        _take(name, 1, SAMPLES) for name in ("value", "value_comparator", "sample_date")
    )
    exact = Comparator.EQUAL.value
    has_before = value_before.is_not_null() | (sign_before == Comparator.NOT_DETECTED.value)
    is_compared = (sign == exact) & value.is_not_null() & has_before & (date != date_before)
    return pl.when(is_compared).then(value.eq_missing(value_before) & sign_before.eq_missing(exact))


def add_image_before(lesions: pl.LazyFrame) -> pl.LazyFrame:
    """Return lesion records, in their order, with what the reader's visit before that lists the lesion says, and `is_as_before`.

    That visit's are `modality_before`, `diameter_before_mm` and `assessment_date_before`; `measured_before_mm` is the last diameter measured at any
    before. Measured is a diameter above 0 of a lesion that is not too small (5 mm stand for every such one). `is_as_before` says whether a lesion
    measures what it did at the visit before, on another day; null unless it was measured at both.
    """
    size, status = pl.col("diameter_mm"), pl.col("status")
    is_measured = (size > 0) & status.ne_missing(LesionStatus.TOO_SMALL.value)
    return _look_around(
        lesions.with_columns(_measured=pl.when(is_measured).then(size)), LESION, (pl.col("visit_position"),),
        modality_before=_take("modality", 1, LESION),
        diameter_before_mm=_take("diameter_mm", 1, LESION),
        assessment_date_before=_take("assessment_date", 1, LESION),
        measured_before_mm=_take_last_before("_measured", LESION),
        is_as_before=_is_measured_as_before(),
    ).drop("_measured")  # fmt: skip


def _is_measured_as_before() -> pl.Expr:
    is_of_another_day = pl.col("assessment_date") != _take("assessment_date", 1, LESION)
    return pl.when(is_of_another_day).then(pl.col("_measured") == _take("_measured", 1, LESION))


def _take_last_before(name: str, series: Columns) -> pl.Expr:
    """Return the last value before, of sorted records; null where the series has none before."""
    place = pl.int_range(pl.len())
    is_same = pl.all_horizontal(part.eq_missing(part.shift(1)) for part in series)
    first_place = pl.when(~is_same | (place == 0)).then(place).forward_fill()
    last_place = pl.when(pl.col(name).is_not_null()).then(place).forward_fill().shift(1)
    return pl.when(last_place >= first_place).then(pl.col(name).forward_fill().shift(1))
