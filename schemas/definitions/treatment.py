"""First-line systemic therapy: the study's arms, start, end and duration.

Source: the study's protocol: the first systemic therapy is exactly one of the two combinations; any further class of
drug in line 1 makes it another regimen.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Arm, Drug

KINASE_INHIBITORS = (Drug.SORAFENIB.value, Drug.LENVATINIB.value)
PD1_INHIBITORS = (
    Drug.PEMBROLIZUMAB.value,
    Drug.NIVOLUMAB.value,
    Drug.SINTILIMAB.value,
    Drug.TORIPALIMAB.value,
    Drug.CAMRELIZUMAB.value,
)

TACE_LEAD_DAYS = 90
"""TACE up to so many days before the start goes with the therapy: the registry's limit, since the protocol gives none."""


def derive_first_line(treatment: pl.DataFrame) -> pl.DataFrame:
    """Return one row per patient with a line 1: arm, drugs, start, end, whether it goes on.

    `first_line_start_date` is the earlier first dose of the combination, null where a drug's first dose has no date,
    since that drug may have been the first; `treatment_end_date` the last dose of its last drug, null while a drug goes
    on or where a stopped drug has no end date. Of several drugs of a class the first started is named.
    """
    first_line = treatment.filter(pl.col("line_number") == 1).sort("patient_id", "start_date", "drug", nulls_last=True)
    return first_line.group_by("patient_id", maintain_order=True).agg(
        arm=_compute_arm(),
        targeted_drug=_first_of(KINASE_INHIBITORS),
        pd1_drug=_first_of(PD1_INHIBITORS),
        first_line_start_date=pl.when(pl.col("start_date").is_not_null().all()).then(pl.col("start_date").min()),
        treatment_end_date=pl.when(pl.col("end_date").is_not_null().all()).then(pl.col("end_date").max()),
        is_treatment_ongoing=(pl.col("end_date").is_null() & pl.col("stop_reason").is_null()).any(),
        kinase_inhibitor_number=pl.col("drug").is_in(KINASE_INHIBITORS).sum().cast(pl.Int64),
        pd1_drug_number=pl.col("drug").is_in(PD1_INHIBITORS).sum().cast(pl.Int64),
    )


def derive_next_line(treatment: pl.DataFrame) -> pl.DataFrame:
    """Return patient_id and next_line_start_date: the first dose of the earliest later line."""
    later = treatment.filter(pl.col("line_number") > 1)
    return later.group_by("patient_id", maintain_order=True).agg(next_line_start_date=pl.col("start_date").min())


def _first_of(drugs: tuple[str, ...]) -> pl.Expr:
    return pl.col("drug").filter(pl.col("drug").is_in(drugs)).first()


def _compute_arm() -> pl.Expr:
    drug = pl.col("drug")
    has_sorafenib, has_lenvatinib = ((drug == name).any() for name in KINASE_INHIBITORS)
    is_pair = drug.is_in(PD1_INHIBITORS).any() & drug.is_in([*KINASE_INHIBITORS, *PD1_INHIBITORS]).all()
    return (
        pl.when(is_pair & has_sorafenib & ~has_lenvatinib)
        .then(pl.lit(Arm.SORA_PD1.value))
        .when(is_pair & has_lenvatinib & ~has_sorafenib)
        .then(pl.lit(Arm.LEN_PD1.value))
        .otherwise(pl.lit(Arm.OTHER.value))
    )
