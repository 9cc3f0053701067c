"""Puts beside a delivery's records those of patients of whom no further data are taken: as they stood when they withdrew.

Their records and what was derived of them are copied, and judged no more: nobody may be asked about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from etl.judging.validate import Validated, count_filled
from schemas.derived_columns import STORED_FRAMES
from schemas.tables import TABLES

HELD_FRAMES = (*TABLES, *STORED_FRAMES, "confirmed")
"""What is copied of a patient."""


def add_held(validated: Validated, held: Mapping[str, pl.DataFrame]) -> Validated:
    """Return a version with the rows that are held of patients who withdrew, by the names of `HELD_FRAMES`."""
    if not held:
        return validated
    tables = {name: _add(frame, held[name]) for name, frame in validated.tables.items()}
    derived = {name: _add(frame, held[name]) if name in held else frame for name, frame in validated.derived.items()}
    return replace(
        validated,
        tables=tables,
        derived=derived,
        confirmed=_add(validated.confirmed, held["confirmed"]),
        completeness=count_filled(tables),
        records_made=validated.records_made + count_held(held),
    )


def count_held(held: Mapping[str, pl.DataFrame]) -> int:
    """Count the records that are held of patients who withdrew."""
    return sum(frame.height for name, frame in held.items() if name in TABLES)


def _add(frame: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame, held.select(pl.col(name).cast(dtype) for name, dtype in frame.schema.items())])
