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

MONTH_CELLS = {**MONTH_DATES, RECORD: pl.Int64, "record_key": pl.String, "day": pl.Date}
_START, _LAST = "_start", "_last"


def settle_months(settled: Mapping[str, SettledRecords]) -> tuple[dict[str, SettledRecords], pl.DataFrame]:
    """Return the records with their months bounded, and which accepted dates are of months, with the day that stands in (`MONTH_CELLS`).

    In the month of the start of therapy none lies before it, but for birth and diagnosis, which do not lie after it; in the
    month of the last contact none lies after it.
    """
    listed = [_list_cells(table) for table in settled.values() if table.months.height]
    if not listed:
        return dict(settled), pl.DataFrame(schema=MONTH_CELLS)
    cells = pl.concat(listed)
    bounded = _bound(cells, _find_bounds(settled, cells))
    return put_days(settled, bounded), bounded


def put_days(settled: Mapping[str, SettledRecords], cells: pl.DataFrame) -> dict[str, SettledRecords]:
    """Return the records with the days of `cells` (table_name, field, _record, day) in their places."""
    tables = dict(settled)
    for (name, field), own in cells.group_by("table_name", "field", maintain_order=True):
        table = tables[str(name)]
        days = own.select(RECORD, _day="day")
        joined = table.accepted.join(days, on=RECORD, how="left", maintain_order="left")
        put = joined.with_columns(pl.coalesce("_day", str(field)).alias(str(field))).drop("_day")
        tables[str(name)] = replace(table, accepted=put)
    return tables


def _list_cells(table: SettledRecords) -> pl.DataFrame:
    parts = [pl.DataFrame(schema=MONTH_CELLS)]
    for (name,), own in table.months.group_by("field", maintain_order=True):
        accepted = table.accepted.select(RECORD, "patient_id", "record_key", day=pl.col(str(name)))
        cells = own.join(accepted, on=RECORD, how="inner", maintain_order="left")
        parts.append(cells.with_columns(table_name=pl.lit(table.table)).select(*MONTH_CELLS))
    return pl.concat(parts)


def _find_bounds(settled: Mapping[str, SettledRecords], cells: pl.DataFrame) -> pl.DataFrame:
    """Return each patient's start of the first line and last contact, as far as they are known to the day."""

    def known(table: str, field: str) -> pl.DataFrame:
        of_months = cells.filter((pl.col("table_name") == table) & (pl.col("field") == field))[RECORD]
        return settled[table].accepted.filter(~pl.col(RECORD).is_in(of_months.implode())).drop_nulls(field)

    starts = known("treatment", "start_date").filter(pl.col("line_number") == 1)
    start = starts.group_by("patient_id").agg(pl.col("start_date").min().alias(_START))
    last = (
        known("outcome", "last_contact_date").group_by("patient_id").agg(pl.col("last_contact_date").max().alias(_LAST))
    )
    return start.join(last, on="patient_id", how="full", coalesce=True)


def _bound(cells: pl.DataFrame, bounds: pl.DataFrame) -> pl.DataFrame:
    day = pl.col("day")
    start, last = (
        pl.when(pl.col(name).dt.truncate("1mo") == day.dt.truncate("1mo")).then(name) for name in (_START, _LAST)
    )
    is_before_therapy = (pl.col("table_name") == "patient") & pl.col("field").is_in(["birth_date", "diagnosis_date"])
    bounded = (
        pl.when(is_before_therapy)
        .then(pl.min_horizontal(day, start))
        .otherwise(pl.max_horizontal(pl.min_horizontal(day, last), start))
    )
    joined = cells.join(bounds, on="patient_id", how="left", maintain_order="left")
    return joined.with_columns(day=bounded).drop(_START, _LAST)
