"""Dates of which only month and year are known: the middle of the month stands in, and what is known to the day bounds it.

Source: the study protocol, "Months": the 15th, never after the last contact known to the day, never before the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from etl.judging.settled import SettledRecords
from etl.mapping.records import RECORD
from schemas.derived_columns import MONTH_DATES

_BEFORE_THERAPY = (("patient", "birth_date"), ("patient", "diagnosis_date"))
_START, _LAST = "_start", "_last"


def settle_months(settled: Mapping[str, SettledRecords]) -> tuple[dict[str, SettledRecords], pl.DataFrame]:
    """Return the records with their months bounded, and which accepted dates are of months (patient_id, table_name, field).

    In the month of the start of therapy none lies before it, but for birth and diagnosis, which do not lie after it; in the
    month of the last contact none lies after it.
    """
    listed = [_list_months(table) for table in settled.values() if table.months.height]
    if not listed:
        return dict(settled), pl.DataFrame(schema=MONTH_DATES)
    months = pl.concat(listed)
    bounds = _find_bounds(settled, months)
    bounded = dict(settled)
    for (name, field), own in months.group_by("table_name", "field", maintain_order=True):
        table = bounded[str(name)]
        bounded[str(name)] = replace(
            table, accepted=_bound(table.accepted, table.table, str(field), own[RECORD], bounds)
        )
    return bounded, months.select(*MONTH_DATES)


def _list_months(table: SettledRecords) -> pl.DataFrame:
    accepted = table.accepted.select(RECORD, "patient_id")
    own = table.months.join(accepted, on=RECORD, how="inner", maintain_order="left")
    return own.select("patient_id", pl.lit(table.table).alias("table_name"), "field", RECORD)


def _find_bounds(settled: Mapping[str, SettledRecords], months: pl.DataFrame) -> pl.DataFrame:
    """Return each patient's start of the first line and last contact, as far as they are known to the day."""

    def known(table: str, field: str) -> pl.DataFrame:
        of_months = months.filter((pl.col("table_name") == table) & (pl.col("field") == field))[RECORD]
        return settled[table].accepted.filter(~pl.col(RECORD).is_in(of_months.implode())).drop_nulls(field)

    starts = known("treatment", "start_date").filter(pl.col("line_number") == 1)
    start = starts.group_by("patient_id").agg(pl.col("start_date").min().alias(_START))
    last = (
        known("outcome", "last_contact_date").group_by("patient_id").agg(pl.col("last_contact_date").max().alias(_LAST))
    )
    return start.join(last, on="patient_id", how="full", coalesce=True)


def _bound(frame: pl.DataFrame, table: str, field: str, rows: pl.Series, bounds: pl.DataFrame) -> pl.DataFrame:
    date = pl.col(field)
    start, last = (
        pl.when(pl.col(name).dt.truncate("1mo") == date.dt.truncate("1mo")).then(name) for name in (_START, _LAST)
    )
    if (table, field) in _BEFORE_THERAPY:
        bounded = pl.min_horizontal(date, start)
    else:
        bounded = pl.max_horizontal(pl.min_horizontal(date, last), start)
    is_month = pl.col(RECORD).is_in(rows.implode()) & date.is_not_null()
    joined = frame.join(bounds, on="patient_id", how="left", maintain_order="left")
    return joined.with_columns(pl.when(is_month).then(bounded).otherwise(date).alias(field)).drop(_START, _LAST)
