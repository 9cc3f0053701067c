"""What a hospital's page shows of the other hospitals: whole per cents, fixed by the coordinating centre and kept until many patients are new.

Two states of a page that are one patient apart would tell that patient's facts. So nothing on a hospital's page is counted over other
hospitals when the page is written: it shows what was fixed, the same whoever delivers in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from etl.pages.disclosure import FEWEST_HOSPITALS, FEWEST_PATIENTS
from etl.quality import distributions
from etl.store.trail import record_event
from etl.store.warehouse import open_for_writing
from schemas.bookkeeping import OTHERS_SHARE
from schemas.column import read_dtypes

OTHERS_TABLE = "main.others_share"


def fix_others(subject: pl.DataFrame, fixed: pl.DataFrame, agreements: Mapping[str, str]) -> pl.DataFrame:
    """Return the figures that hold from now on, of every hospital that may see some (`OTHERS_SHARE`).

    `subject` are the subject-level facts of all hospitals, `fixed` the figures so far, `agreements` what each hospital has on record by which
    its figures may be shown although few take part. A hospital sees the others together where they are at least `FEWEST_HOSPITALS`, or all of
    them have agreed. Its figures stay as they are until the others have `FEWEST_PATIENTS` more patients than when they were fixed.
    """
    hospitals = subject["hospital"].unique().sort().to_list()
    found = [pl.DataFrame(schema=read_dtypes(OTHERS_SHARE))]
    for hospital in hospitals:
        others = [name for name in hospitals if name != hospital]
        if not (len(others) >= FEWEST_HOSPITALS or (others and all(agreements.get(name) for name in others))):
            continue
        own = fixed.filter(pl.col("hospital") == hospital)
        n_others = subject.filter(pl.col("hospital") != hospital).height
        is_kept = own.height > 0 and n_others - own["n_patients"][0] < FEWEST_PATIENTS
        found.append(own if is_kept else _count(subject, hospital, n_others))
    return pl.concat(found)


def _count(subject: pl.DataFrame, hospital: str, n_others: int) -> pl.DataFrame:
    shares = distributions.hide_small_counts(distributions.count_levels(subject, hospital)).drop_nulls("percent_others")
    return shares.select(
        pl.lit(hospital).alias("hospital"), "field", level=pl.col("label_en"), percent=pl.col("percent_others"),
        n_patients=pl.lit(n_others, pl.Int64),
    )  # fmt: skip


def save_others(path: Path, fixed: pl.DataFrame) -> None:
    """Keep the figures, in place of those so far."""
    with open_for_writing(path) as warehouse, warehouse.transaction():
        warehouse.execute(f"delete from {OTHERS_TABLE}")  # noqa: S608 (a name of ours)
        warehouse.append(OTHERS_TABLE, fixed)
        record_event(
            warehouse, "comparison", rows_out=fixed.height, hospitals=fixed["hospital"].unique().sort().to_list()
        )
