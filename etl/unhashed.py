"""Hashes of persons that were made without the linkage key: they told the records of one delivery apart, and are not stored."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from etl.additions import Addition
from etl.judging.validate import Validated
from etl.mapping.records import PERSON_ID


def forget_persons(validated: Validated, addition: Addition) -> tuple[Validated, Addition]:
    """Return a version and what is kept of it without the hashes that were made for this delivery alone.

    Those of records that are carried over were made by the linkage key, and stay.
    """
    is_carried = pl.col("brought_by").is_not_null()
    carried = addition.kept.filter(is_carried)[PERSON_ID].drop_nulls().unique()
    person = pl.when(pl.col(PERSON_ID).is_in(carried.implode())).then(PERSON_ID).alias(PERSON_ID)
    tables, derived = (
        {name: frame.with_columns(person) if PERSON_ID in frame.columns else frame for name, frame in frames.items()}
        for frames in (validated.tables, validated.derived)
    )
    kept = addition.kept.with_columns(pl.when(is_carried).then(PERSON_ID).alias(PERSON_ID))
    return replace(validated, tables=tables, derived=derived), replace(addition, kept=kept)
