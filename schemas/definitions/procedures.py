"""Locoregional procedures of a patient: TACE with the therapy, TACE of other times, earlier curative treatment.

Source: the study's protocol, "TACE with this therapy": from day -90 to day 91 and before a later line; a stated yes whose
dated TACE all lie elsewhere is no. Day 0 is the start of therapy; both days are included, the first day of a later line is not.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import ProcedureType
from schemas.definitions.endpoints import compute_days_between

TACE_FIRST_DAY = -90
TACE_LAST_DAY = 91
CURATIVE = (ProcedureType.RESECTION.value, ProcedureType.ABLATION.value)


def derive_procedures(procedure: pl.DataFrame, first_line: pl.DataFrame, next_line: pl.DataFrame) -> pl.DataFrame:
    """Return per patient with a procedure: TACE listed, those with the therapy, the first of either and of a curative treatment.

    A TACE counts to the therapy where a day is missing that would decide: its own, or the start.
    """
    is_tace = pl.col("procedure") == ProcedureType.TACE.value
    is_curative = pl.col("procedure").is_in(CURATIVE)
    days = compute_days_between(pl.col("first_line_start_date"), pl.col("procedure_date"))
    is_in_window = days.is_between(TACE_FIRST_DAY, TACE_LAST_DAY).fill_null(value=True)
    is_before_next_line = (pl.col("procedure_date") < pl.col("next_line_start_date")).fill_null(value=True)
    dated = procedure.join(first_line.select("patient_id", "first_line_start_date"), on="patient_id", how="left").join(
        next_line, on="patient_id", how="left"
    )
    return dated.group_by("patient_id", maintain_order=True).agg(
        first_tace_date=pl.col("procedure_date").filter(is_tace).min(),
        tace_number=is_tace.sum().cast(pl.Int64),
        combined_tace_number=(is_tace & is_in_window & is_before_next_line).sum().cast(pl.Int64),
        first_curative_date=pl.col("procedure_date").filter(is_curative).min(),
    )


def compute_has_tace_with_therapy() -> pl.Expr:
    """Return, over the subject table's columns, TACE with the therapy as recorded, but false where every TACE listed is of another time.

    Where nothing is recorded, a TACE with the therapy that is listed is enough; without one it is unknown.
    """
    is_elsewhere = (pl.col("tace_number") > 0) & (pl.col("combined_tace_number") == 0)
    has_listed = pl.when(pl.col("combined_tace_number") > 0).then(statement=True)
    return (
        pl.when(pl.col("has_tace") & is_elsewhere).then(statement=False).otherwise(pl.coalesce("has_tace", has_listed))
    )
