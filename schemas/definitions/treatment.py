"""First-line systemic therapy: the study's arms, start, end and duration.

Source: the study's protocol: the first systemic therapy is exactly one of the two combinations; any further class of
drug in line 1 makes it another regimen. What a combination is: `schemas/definitions/combination.py`.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Arm, Drug
from schemas.definitions.combination import KINASE_INHIBITORS, PD1_INHIBITORS, derive_combination

_REGIMENS = {Drug.SORAFENIB.value: Arm.SORA_PD1.value, Drug.LENVATINIB.value: Arm.LEN_PD1.value}


def derive_first_line(treatment: pl.DataFrame) -> pl.DataFrame:
    """Return one row per patient with a line 1: arm, drugs, start, end, whether it goes on, how its drugs lie to each other.

    `first_line_start_date` is the earlier first dose of the combination, null where a drug's first dose has no date,
    since that drug may have been the first; `treatment_end_date` the last dose of its last drug, null while a drug goes
    on or where a stopped drug has no end date. Of several drugs of a class the first started is named.
    """
    first_line = treatment.filter(pl.col("line_number") == 1).sort("patient_id", "start_date", "drug", nulls_last=True)
    is_kinase, is_antibody = pl.col("drug").is_in(KINASE_INHIBITORS), pl.col("drug").is_in(PD1_INHIBITORS)
    lines = first_line.group_by("patient_id", maintain_order=True).agg(
        targeted_drug=_first_of(KINASE_INHIBITORS),
        pd1_drug=_first_of(PD1_INHIBITORS),
        first_line_start_date=pl.when(pl.col("start_date").is_not_null().all()).then(pl.col("start_date").min()),
        treatment_end_date=pl.when(pl.col("end_date").is_not_null().all()).then(pl.col("end_date").max()),
        is_treatment_ongoing=(pl.col("end_date").is_null() & pl.col("stop_reason").is_null()).any(),
        kinase_inhibitor_number=is_kinase.sum().cast(pl.Int64),
        pd1_drug_number=is_antibody.sum().cast(pl.Int64),
        further_drug_number=(~(is_kinase | is_antibody)).sum().cast(pl.Int64),
    )
    combination = derive_combination(first_line)
    return lines.join(combination, on="patient_id", how="left", maintain_order="left").with_columns(arm=_compute_arm())


def derive_next_line(treatment: pl.DataFrame) -> pl.DataFrame:
    """Return patient_id, `next_line_start_date` and `is_next_line_undated`.

    The first is the earliest first dose of any later line that has a date. The second is true where a drug of the line after line 1
    has none: the new therapy may have begun before that day, or on a day that nobody knows.
    """
    later = treatment.filter(pl.col("line_number") > 1)
    is_next = pl.col("line_number") == pl.col("line_number").min()
    return later.group_by("patient_id", maintain_order=True).agg(
        next_line_start_date=pl.col("start_date").min(),
        is_next_line_undated=pl.col("start_date").filter(is_next).is_null().any(),
    )


def _first_of(drugs: tuple[str, ...]) -> pl.Expr:
    return pl.col("drug").filter(pl.col("drug").is_in(drugs)).first()


def _compute_arm() -> pl.Expr:
    is_pair = (pl.col("kinase_inhibitor_number") == 1) & (pl.col("pd1_drug_number") > 0)
    is_together = (pl.col("is_begun_together") & pl.col("is_given_together")).fill_null(value=True)
    is_regimen = is_pair & is_together & (pl.col("further_drug_number") == 0)
    regimen = pl.col("targeted_drug").replace_strict(_REGIMENS, default=None, return_dtype=pl.String)
    return pl.when(is_regimen).then(regimen).otherwise(pl.lit(Arm.OTHER.value))
