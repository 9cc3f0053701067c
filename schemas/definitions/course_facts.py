"""Facts about a patient's treatments, procedures and lesions that one record alone cannot tell, for rules that compare records with each other.

A fact is null where what it rests on is missing; where a patient has no record of the kind there is no row. As in `record_facts`, only rules need them.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from schemas.codes import INTRAHEPATIC_ORGANS, Drug, Organ, ProcedureType
from schemas.definitions.record_facts import compute_is_at_baseline
from schemas.definitions.treatment import KINASE_INHIBITORS, PD1_INHIBITORS

INFUSION_DAYS = 21
"""Days that an infusion of a PD-1 inhibitor covers (protocol, Arm)."""

TREATMENT_KEY = ["patient_id", "line_number", "drug"]


def derive_patient_facts(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return one row per patient: first procedures, first adverse event, lesions at the baseline outside the liver and in the portal vein.

    The lesions are those of the reader who lists the fewest; null where none is listed at the baseline.
    """
    parts = (
        _summarise_procedures(tables["procedure"]),
        tables["adverse_event"].group_by("patient_id").agg(first_event_onset_date=pl.col("onset_date").min()),
        _count_baseline_lesions(tables["lesion"]),
        tables["metastasis"]
        .group_by("patient_id")
        .agg(has_peritoneal_metastasis=(pl.col("organ") == Organ.PERITONEUM.value).any()),
    )
    facts = tables["patient"].select("patient_id").sort("patient_id")
    for part in parts:
        facts = facts.join(part, on="patient_id", how="left", maintain_order="left")
    return facts


def _summarise_procedures(procedure: pl.DataFrame) -> pl.DataFrame:
    kind, date = pl.col("procedure"), pl.col("procedure_date")
    return procedure.group_by("patient_id").agg(
        first_procedure_date=date.min(),
        first_resection_date=date.filter(kind == ProcedureType.RESECTION.value).min(),
        first_ablation_date=date.filter(kind == ProcedureType.ABLATION.value).min(),
    )


def _count_baseline_lesions(lesion: pl.DataFrame) -> pl.DataFrame:
    """Per patient, by the reader with fewest; none outside the liver is known only where every lesion's organ is."""
    organ = pl.col("organ")
    n_outside = (~organ.is_in(INTRAHEPATIC_ORGANS)).sum().cast(pl.Int64)
    is_known = (n_outside > 0) | organ.is_not_null().all()
    readings = (
        lesion.filter(compute_is_at_baseline())
        .group_by("patient_id", "reader")
        .agg(
            baseline_outside_lesion_number=pl.when(is_known).then(n_outside),
            baseline_portal_vein_lesion_number=(organ == Organ.PORTAL_VEIN.value).sum().cast(pl.Int64),
        )
    )
    return readings.group_by("patient_id").agg(pl.all().exclude("reader").min())


def derive_treatment_facts(treatment: pl.DataFrame) -> pl.DataFrame:
    """Return, per drug of a line, what the patient's other drugs say about it.

    `earlier_line_start_date` is the latest start of the lines before (a line starts with its first drug), `earlier_line_end_date` the latest last
    dose among them, `later_line_start_date` the first dose of any later line. `is_in_earlier_line_too`: the same drug stands in an earlier
    line with days in common. `repeats_line_before`: the line has the very drugs of the one before. `meets_partner`: a drug of line 1's other
    class is given over common days; an infusion covers 21. The drug `other` stands for several and equals none.
    """
    pairs = _pair_drugs(treatment)
    is_earlier, is_later = (
        pl.col("line_number_other") < pl.col("line_number"),
        pl.col("line_number_other") > pl.col("line_number"),
    )
    has_common_days = (pl.col("start_date") < pl.col("end_date_other")) & (
        (pl.col("start_date_other") < pl.col("end_date")) | pl.col("end_date").is_null()
    )
    is_same_drug = (pl.col("drug") == pl.col("drug_other")) & (pl.col("drug") != Drug.OTHER.value)
    before = (
        pl.col("line_drugs_other").filter(is_earlier).sort_by(pl.col("line_number_other").filter(is_earlier)).last()
    )
    return (
        pairs.group_by(TREATMENT_KEY)
        .agg(
            earlier_line_start_date=pl.col("line_start_other").filter(is_earlier).max(),
            earlier_line_end_date=pl.col("end_date_other").filter(is_earlier).max(),
            later_line_start_date=pl.col("start_date_other").filter(is_later).min(),
            is_in_earlier_line_too=(is_earlier & is_same_drug & has_common_days).fill_null(value=False).any(),
            repeats_line_before=(pl.col("line_drugs").first() == before)
            & ~pl.col("line_drugs").first().str.contains(Drug.OTHER.value),
            meets_partner=_compute_meets_partner(),
        )
        .sort(TREATMENT_KEY)
    )


def _pair_drugs(treatment: pl.DataFrame) -> pl.DataFrame:
    """Every drug beside every drug of the patient, the own included."""
    line = ["patient_id", "line_number"]
    own = treatment.select(
        *TREATMENT_KEY,
        "start_date",
        "end_date",
        line_start=pl.col("start_date").min().over(line),
        line_drugs=pl.col("drug").sort().str.join("+").over(line),
    )
    return own.join(own, on="patient_id", how="inner", suffix="_other", maintain_order="left_right")


def _compute_meets_partner() -> pl.Expr:
    """Whether any partner in the line has common days; null without a partner, or where dates leave it open."""
    is_kinase, is_antibody = pl.col("drug").is_in(KINASE_INHIBITORS), pl.col("drug").is_in(PD1_INHIBITORS)
    other = pl.col("drug_other")
    is_partner = (pl.col("line_number_other") == pl.col("line_number")) & (
        (is_kinase & other.is_in(PD1_INHIBITORS)) | (is_antibody & other.is_in(KINASE_INHIBITORS))
    )
    cover = pl.duration(days=pl.when(is_antibody).then(INFUSION_DAYS).otherwise(0))
    cover_other = pl.duration(days=pl.when(is_antibody).then(0).otherwise(INFUSION_DAYS))
    begins_in_time = _is_by(pl.col("start_date"), pl.col("end_date_other"), cover_other)
    ends_in_time = _is_by(pl.col("start_date_other"), pl.col("end_date"), cover)
    meets = (begins_in_time & ends_in_time).filter(is_partner)
    return pl.when(is_partner.any()).then(
        pl.when(meets.any(ignore_nulls=True))
        .then(statement=True)
        .when(meets.is_null().any())
        .then(None)
        .otherwise(statement=False)
    )


def _is_by(start: pl.Expr, end: pl.Expr, cover: pl.Expr) -> pl.Expr:
    """Whether a drug began by the last day of another; one without an end goes on."""
    return (
        pl.when(end.is_null()).then(pl.when(start.is_not_null()).then(statement=True)).otherwise(start <= end + cover)
    )


def derive_procedure_facts(procedure: pl.DataFrame, lesion: pl.DataFrame) -> pl.DataFrame:
    """Return, per procedure that names a lesion of a patient whose lesions are sent, whether it is listed and its organ."""
    named = procedure.filter(pl.col("lesion_id").is_not_null()).select("patient_id", "procedure_number", "lesion_id")
    listed = (
        lesion.sort("patient_id", "lesion_id", "visit_number", "reader")
        .group_by("patient_id", "lesion_id", maintain_order=True)
        .agg(named_lesion_organ=pl.col("organ").first(), is_named_lesion_listed=pl.lit(value=True))
    )
    return (
        named.join(lesion.select("patient_id").unique(), on="patient_id", how="semi")
        .join(listed, on=["patient_id", "lesion_id"], how="left")
        .select(
            "patient_id",
            "procedure_number",
            "named_lesion_organ",
            pl.col("is_named_lesion_listed").fill_null(value=False),
        )
        .sort("patient_id", "procedure_number")
    )


def derive_metastasis_facts(lesion: pl.DataFrame) -> pl.DataFrame:
    """Return, per organ outside the liver, the lesions listed there at the baseline by the reader who lists the fewest."""
    outside = lesion.filter(compute_is_at_baseline() & ~pl.col("organ").is_in(INTRAHEPATIC_ORGANS))
    readings = outside.group_by("patient_id", "organ", "reader").agg(listed_lesion_number=pl.len().cast(pl.Int64))
    return (
        readings.group_by("patient_id", "organ").agg(pl.col("listed_lesion_number").min()).sort("patient_id", "organ")
    )


def derive_lesion_facts(response: pl.DataFrame) -> pl.DataFrame:
    """Return patient_id, visit_number, reader, has_response_record: the visits of a reader that have a dated response."""
    return (
        response.filter(pl.col("assessment_date").is_not_null())
        .select("patient_id", "visit_number", "reader", has_response_record=pl.lit(value=True))
        .unique()
        .sort("patient_id", "visit_number", "reader")
    )
