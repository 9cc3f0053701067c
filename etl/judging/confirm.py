"""Values that were set aside and count all the same, since the hospital has confirmed them.

A confirmation holds for one cell: the same patient, table, record key and field, with the same text and the same value in
the registry's unit. It never reaches beyond what is physically possible: what lies there has no reading to confirm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from etl.judging.book import FindingsBook
from etl.judging.settled import SettledRecords
from etl.mapping.records import COMPARATOR_SUFFIX, CONFIRMED, RECORD, TypedRecords
from schemas.bookkeeping import CONFIRMED as CONFIRMED_COLUMNS
from schemas.column import read_dtypes
from schemas.row_text import normalise_cell

CONFIRMATIONS = {
    "finding_id": pl.String, "patient_id": pl.String, "table_name": pl.String, "record_key": pl.String, "field": pl.String,
    "value": pl.String, "reading": pl.Float64,
}  # fmt: skip
"""What a hospital has confirmed: the cell, its text with blanks folded, and the value it stood for (null: not known)."""
STORED = {
    name: dtype
    for name, dtype in (read_dtypes(CONFIRMED_COLUMNS) | {"delivery": pl.String}).items()
    if name not in ("answer_id", "answered_by", "taken_at")
}
_CELL = ["patient_id", "record_key", "field"]
_SAME = 1e-9
"""Two readings of one text may differ in the last bit where another column of units is converted beside it."""


def confirm_values(records: Mapping[str, TypedRecords], confirmations: pl.DataFrame) -> dict[str, TypedRecords]:
    """Return the records with the values in place that the hospital has confirmed; these are no faults any more.

    `confirmations` has the columns of `CONFIRMATIONS`.
    """
    return {name: _confirm_table(table, confirmations.filter(table_name=name)) for name, table in records.items()}


def _confirm_table(records: TypedRecords, confirmations: pl.DataFrame) -> TypedRecords:
    faults = records.faults.filter(pl.col("reading").is_not_null())
    if confirmations.is_empty() or faults.is_empty():
        return records
    confirmed = pl.concat([
        _find_confirmed(records, cells, confirmations) for cells in faults.partition_by("field", maintain_order=True)
    ])  # fmt: skip
    frame = records.frame
    for (name,), cells in confirmed.group_by("field", maintain_order=True):
        frame = put_in_place(frame, str(name), cells)
    left = records.faults.join(confirmed, on=[RECORD, "field"], how="anti", maintain_order="left")
    return replace(records, frame=frame, faults=left, confirmed=confirmed.select(*CONFIRMED))


def _find_confirmed(records: TypedRecords, cells: pl.DataFrame, confirmations: pl.DataFrame) -> pl.DataFrame:
    """Return of the cells of one field that were set aside those that are confirmed, with `finding_id`."""
    places = cells[RECORD]
    told = cells.with_columns(
        records.frame["patient_id"][places],
        records.frame["record_key"][places],
        text=records.raw.pick(places, [cells["field"][0]]).to_series(),
    )
    joined = told.join(confirmations.rename({"reading": "confirmed"}), on=_CELL, how="inner", maintain_order="left")
    is_same_text = normalise_cell(pl.col("text")) == normalise_cell(pl.col("value"))
    is_same_value = (pl.col("reading") - pl.col("confirmed")).abs() <= _SAME * pl.col("confirmed").abs()
    return joined.filter(is_same_text, is_same_value.fill_null(value=True)).unique(RECORD, maintain_order=True)


def put_in_place(frame: pl.DataFrame, name: str, cells: pl.DataFrame) -> pl.DataFrame:
    """Return the records with the readings of cells that were set aside (_record, reading, sign) as values of the field."""
    places = cells[RECORD]
    changed = [frame[name].scatter(places, cells["reading"].cast(frame[name].dtype))]
    sign = name + COMPARATOR_SUFFIX
    if sign in frame.columns:
        changed.append(frame[sign].scatter(places, cells["sign"]))
    return frame.with_columns(changed)


def list_confirmed(records: Mapping[str, SettledRecords], book: FindingsBook) -> pl.DataFrame:
    """Return the confirmed values of accepted records with their places, as they are stored (`STORED`)."""
    found = [pl.DataFrame(schema=STORED)]
    for table in (table for table in records.values() if table.confirmed.height):
        kept = table.confirmed.join(table.accepted.select(RECORD), on=RECORD, how="semi")
        for (name,), cells in kept.sort("field", RECORD).group_by("field", maintain_order=True):
            reading = table.pick(cells[RECORD], [str(name)]).to_series().cast(pl.Float64)
            told = book.locate(table, cells).with_columns(
                pl.lit(table.table).alias("table_name"), reading.alias("reading")
            )
            found.append(told.select(pl.col(column).cast(dtype) for column, dtype in STORED.items()))
    return pl.concat(found)
