"""Two responses of one reader and criteria in one assessment: progression counts, otherwise the later.

Source: the study's protocol, "Visits". Of several progressions the first counts. Where nothing tells them apart none does, as
with any records that contradict each other.
"""

from __future__ import annotations

import polars as pl

from etl.mapping.records import RECORD, TypedRecords
from schemas.codes import Response

TABLE, KIND = "response", "superseded"


def find_superseded(records: TypedRecords, copies: pl.DataFrame) -> pl.DataFrame:
    """Return the `_record` of the responses that stand back behind another one of their assessment.

    `copies` has _record, patient_id, record_key and is_first_copy of the records that share a key with another one: of identical
    ones only the first is looked at.
    """
    of_visit = ["patient_id", "record_key"]
    told = records.frame.select(RECORD, "recorded_response", "assessment_date", "assessment_days")
    own = copies.filter("is_first_copy").join(told, on=RECORD, how="left")
    ranked = own.filter(_rank() == _rank().max().over(of_visit)).with_columns(
        _compute_day().over(of_visit).alias("day")
    )
    day, is_pd = pl.col("day"), (pl.col("recorded_response") == Response.PD.value).fill_null(value=False)
    wanted = pl.when(is_pd).then(day.min().over(of_visit)).otherwise(day.max().over(of_visit))
    best = ranked.filter((pl.len().over(of_visit) == 1) | (day == wanted))
    kept = best.filter(pl.len().over(of_visit) == 1).select(*of_visit, kept=RECORD)
    return own.join(kept, on=of_visit, how="inner").filter(pl.col(RECORD) != pl.col("kept")).select(RECORD).sort(RECORD)


def _rank() -> pl.Expr:
    """Progression before any other response, and a response before none."""
    response = pl.col("recorded_response")
    return pl.when(response == Response.PD.value).then(2).when(response.is_not_null()).then(1).otherwise(0)


def _compute_day() -> pl.Expr:
    """A day by which the responses of an assessment can be put in order: all have a date, or all have days; else null."""
    date, days = pl.col("assessment_date"), pl.col("assessment_days")
    by_date = date.to_physical().cast(pl.Float64)
    return pl.when(date.is_not_null().all()).then(by_date).when(days.is_not_null().all()).then(days)
