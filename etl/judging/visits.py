"""Numbers that tell records apart where a hospital sends none: of a visit by its day, of a repeated laboratory value by what it says.

A visit without a number, or with a word in its place (`1.5`, unscheduled, 计划外), gets one from the dates
(`schemas/definitions/visits.py`), before keys are checked. A record with neither number nor date stays without a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from etl.mapping.parse import UNREADABLE, UNSCHEDULED
from etl.mapping.records import RECORD, TypedRecords, add_record_key, join_contents
from schemas.codes import LesionRole
from schemas.definitions.treatment import derive_first_line
from schemas.definitions.visits import VISIT_DATES, number_day, number_visits
from schemas.tables import TABLES

VISIT, REPEAT = "visit_number", "repeat_number"
IMAGING = ("lesion", "response")
_NO_DAY = pl.lit(None, dtype=pl.Date)
_UNDATED = pl.date(1900, 1, 1)
"""Stands in for an unknown start, so that days from it still group among themselves; no date of a therapy is near it."""


def number_records(records: Mapping[str, TypedRecords]) -> dict[str, TypedRecords]:
    """Return the records of a version with a visit number wherever a date gives one, and repeated laboratory values told apart."""
    numbered = dict(records)
    lacking = {name: _find_lacking(records[name]) for name in VISIT_DATES if name in records}
    if any(lacking[name].height for name in IMAGING if name in lacking):
        given = _number_imaging(records, lacking)
        for name in IMAGING:
            numbered[name] = _give(records[name], given.filter(table_name=name).drop("table_name"))
    if "laboratory" in records:
        laboratory = records["laboratory"]
        if lacking["laboratory"].height:
            days = laboratory.frame.select(RECORD, number_day(pl.col("sample_date")).alias(VISIT))
            laboratory = _give(laboratory, days.join(lacking["laboratory"], on=RECORD, how="semi").drop_nulls())
        numbered["laboratory"] = _tell_repeats_apart(laboratory)
    return numbered


def _find_lacking(records: TypedRecords) -> pl.DataFrame:
    """Return _record and is_unscheduled of the records without a visit number; what is written there and is neither is left out."""
    lacking = records.frame.filter(pl.col(VISIT).is_null(), pl.col("patient_id").is_not_null()).select(RECORD)
    if lacking.is_empty():
        return lacking.with_columns(is_unscheduled=pl.lit(value=True))
    faults = records.faults.filter(field=VISIT)
    lacking = lacking.join(faults.select(RECORD, "kind"), on=RECORD, how="left", maintain_order="left")
    if VISIT in records.raw.columns:
        lacking = lacking.with_columns(records.raw.pick(lacking[RECORD], [VISIT]).to_series().alias("text"))
    else:
        lacking = lacking.with_columns(text=pl.lit(None, dtype=pl.String))
    is_word = (pl.col("kind") == UNREADABLE) & pl.col("text").str.contains(UNSCHEDULED)
    told = lacking.with_columns(is_unscheduled=is_word.fill_null(value=False))
    return told.filter(pl.col("kind").is_null() | pl.col("is_unscheduled")).select(RECORD, "is_unscheduled")


def _number_imaging(records: Mapping[str, TypedRecords], lacking: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return table_name, _record and the visit number of the lesions and responses that get one."""
    starts = derive_first_line(records["treatment"].frame.filter(pl.col("patient_id").is_not_null()))
    listed = []
    for name in IMAGING:
        frame, has_days = records[name].frame, name == "response"
        own = frame.join(lacking[name], on=RECORD, how="left", maintain_order="left").join(
            starts.select("patient_id", start="first_line_start_date"),
            on="patient_id",
            how="left",
            maintain_order="left",
        )
        counted = (
            pl.coalesce("start", _UNDATED) + pl.duration(days=pl.col("assessment_days").floor())
            if has_days
            else _NO_DAY
        )
        target = pl.col("target_sum_mm").is_not_null() if has_days else pl.col("role") == LesionRole.TARGET.value
        # Words in place of a number that could not be taken for one stay as they are: asked about, and set aside.
        is_told = pl.col(VISIT).is_not_null() | pl.col("is_unscheduled").is_not_null()
        listed.append(
            own.filter(is_told, pl.col("patient_id").is_not_null(), pl.col("reader").is_not_null()).select(
                pl.lit(name).alias("table_name"), RECORD, "patient_id", "reader", VISIT, "start",
                pl.col("is_unscheduled").fill_null(value=False),
                day=pl.coalesce("assessment_date", counted),
                lesion_id=pl.lit(None, dtype=pl.String) if has_days else pl.col("lesion_id"),
                is_target=target.fill_null(value=False),
            )
        )  # fmt: skip
    both = pl.concat(listed).with_row_index("row")
    is_any_target = pl.col("is_target").any().over("patient_id", "reader", "lesion_id")
    seen = both.with_columns(
        is_target=pl.when(pl.col("lesion_id").is_null()).then("is_target").otherwise(is_any_target)
    )
    given = number_visits(seen)
    return given.join(both.select("row", "table_name", RECORD), on="row").select("table_name", RECORD, VISIT)


def _give(records: TypedRecords, given: pl.DataFrame) -> TypedRecords:
    """Return the records with the given numbers (_record, visit_number) in place; a word that stood there is no fault then."""
    if given.is_empty():
        return records
    frame = records.frame.with_columns(records.frame[VISIT].scatter(given[RECORD], given[VISIT]))
    is_settled = (pl.col("field") == VISIT) & pl.col(RECORD).is_in(given[RECORD].implode())
    keyed = add_record_key(frame, records.raw, TABLES[records.table])
    return replace(records, frame=keyed, faults=records.faults.filter(~is_settled))


def _tell_repeats_apart(records: TypedRecords) -> TypedRecords:
    """Return laboratory records with a number of their own for each value of a test at a visit; copies share that of the first."""
    of_visit = ["patient_id", VISIT, "test"]
    keyed = records.frame.filter("_has_key").select(RECORD, *of_visit)
    likely = keyed.filter(pl.struct(of_visit).hash().is_duplicated())
    if likely.is_empty():
        return records
    told = likely.with_columns(join_contents(records, likely[RECORD]))
    # By what they say, so that the order of the rows changes nobody's key.
    numbers = told.with_columns(pl.col("_text").rank("dense").over(of_visit).cast(pl.Int64).alias(REPEAT))
    frame = records.frame.with_columns(records.frame[REPEAT].scatter(numbers[RECORD], numbers[REPEAT]))
    return replace(records, frame=add_record_key(frame, records.raw, TABLES[records.table]))
