"""Facts about a patient's treatments, procedures and lesions that one record alone cannot tell, for rules that compare records with each other.

A fact is null where what it rests on is missing; where a patient has no record of the kind there is no row. As in `record_facts`, only rules need them.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from schemas.codes import (
    INTRAHEPATIC_ORGANS,
    STATUS_WITH_DIAMETER,
    AdverseEventTerm,
    Drug,
    LesionRole,
    Organ,
    ProcedureType,
)
from schemas.definitions.endpoints import compute_days_between
from schemas.definitions.local_treatment import TOUCHING

MIN_DAYS_AFTER = 17
"""A month without its day is dated to its 15th, up to 16 days too early: only an image this long after a procedure is surely after it."""
TREATMENT_KEY = ["patient_id", "line_number", "drug"]


def derive_patient_facts(tables: Mapping[str, pl.DataFrame], at_baseline: pl.DataFrame) -> pl.DataFrame:
    """Return one row per patient: first procedures, first adverse event, lesions at the baseline outside the liver and in the portal vein.

    The lesions (`list_lesions_at_baseline`) are those of the reader who lists the fewest; null where none is listed at the baseline.
    """
    parts = (
        _summarise_procedures(tables["procedure"]),
        tables["adverse_event"]
        .group_by("patient_id")
        .agg(
            first_event_onset_date=pl.col("onset_date").min(),
            has_bilirubin_event=(pl.col("term") == AdverseEventTerm.BILIRUBIN_INCREASED.value).any(),
        ),
        _count_baseline_lesions(at_baseline),
        _find_missing_diameters(tables["lesion"]),
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
        first_unnamed_treatment_date=date.filter(kind.is_in(TOUCHING) & pl.col("lesion_id").is_null()).min(),
    )


def _count_baseline_lesions(at_baseline: pl.DataFrame) -> pl.DataFrame:
    """Per patient, by the reader with fewest; none outside the liver is known only where every lesion's organ is."""
    organ = pl.col("organ")
    n_outside = (~organ.is_in(INTRAHEPATIC_ORGANS)).sum().cast(pl.Int64)
    is_known = (n_outside > 0) | organ.is_not_null().all()
    readings = at_baseline.group_by("patient_id", "reader").agg(
        baseline_outside_lesion_number=pl.when(is_known).then(n_outside),
        baseline_portal_vein_lesion_number=(organ == Organ.PORTAL_VEIN.value).sum().cast(pl.Int64),
        baseline_non_target_number=(pl.col("role") == LesionRole.NON_TARGET.value).sum().cast(pl.Int64),
    )
    return readings.group_by("patient_id").agg(pl.all().exclude("reader").min())


def _find_missing_diameters(lesion: pl.DataFrame) -> pl.DataFrame:
    """Per patient the first image on which a target that is there has no diameter, whoever reads it: sums from then on are open."""
    is_there = pl.col("status").is_in([status.value for status in STATUS_WITH_DIAMETER])
    is_open = (pl.col("role") == LesionRole.TARGET.value) & is_there & pl.col("diameter_mm").is_null()
    gaps = lesion.filter(is_open).group_by("patient_id")
    return gaps.agg(first_missing_diameter_date=pl.col("assessment_date").min())


def derive_treatment_facts(treatment: pl.DataFrame) -> pl.DataFrame:
    """Return, per drug of a line, what the patient's other drugs say about it.

    `earlier_line_start_date` is the latest start of the lines before (a line starts with its first drug), `earlier_line_end_date` the latest last
    dose among them, `later_line_start_date` the first dose of any later line. `is_in_earlier_line_too`: the same drug stands in an earlier
    line with days in common. `repeats_line_before`: the line has the very drugs of the one before. The drug `other` stands for several and
    equals none, nor is anything known of common days where a first or last dose is missing that would decide.
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
            is_in_earlier_line_too=(is_earlier & is_same_drug & has_common_days).any(ignore_nulls=False),
            repeats_line_before=(pl.col("line_drugs").first() == before)
            & ~pl.col("line_drugs").first().str.contains(Drug.OTHER.value),
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


def derive_procedure_facts(procedure: pl.DataFrame, lesion: pl.DataFrame) -> pl.DataFrame:
    """Return, per procedure that names a lesion of a patient whose lesions are sent, whether it is listed, its organ, and the share of it left."""
    named = procedure.filter(pl.col("lesion_id").is_not_null()).select("patient_id", "procedure_number", "lesion_id")
    listed = (
        lesion.sort("patient_id", "lesion_id", "visit_number", "reader")
        .group_by("patient_id", "lesion_id", maintain_order=True)
        .agg(named_lesion_organ=pl.col("organ").first(), is_named_lesion_listed=pl.lit(value=True))
    )
    return (
        named.join(lesion.select("patient_id").unique(), on="patient_id", how="semi")
        .join(listed, on=["patient_id", "lesion_id"], how="left")
        .join(_measure_share_left(procedure, lesion), on=["patient_id", "procedure_number"], how="left")
        .select(
            "patient_id",
            "procedure_number",
            "named_lesion_organ",
            pl.col("is_named_lesion_listed").fill_null(value=False),
            "named_lesion_share_left",
        )
        .sort("patient_id", "procedure_number")
    )


def _measure_share_left(procedure: pl.DataFrame, lesion: pl.DataFrame) -> pl.DataFrame:
    """Per procedure the first diameter surely after it over the last one up to its day, by the reader with the most left."""
    images = lesion.filter(pl.col("assessment_date").is_not_null()).sort("assessment_date", "visit_number")
    acts = procedure.select("patient_id", "procedure_number", "procedure_date", "lesion_id")
    pairs = acts.join(images, on=["patient_id", "lesion_id"], how="inner", maintain_order="right")
    size, days = pl.col("diameter_mm"), compute_days_between(pl.col("procedure_date"), pl.col("assessment_date"))
    last_before = size.filter((days <= 0) & size.is_not_null()).last()
    # What the first image after it does not measure is not looked for at a later one: what is seen there may have come back.
    first_after = size.filter(days >= MIN_DAYS_AFTER).first()
    readings = pairs.group_by("patient_id", "procedure_number", "reader").agg(
        share=pl.when(last_before > 0).then(first_after / last_before)
    )
    return readings.group_by("patient_id", "procedure_number").agg(named_lesion_share_left=pl.col("share").max())


def derive_metastasis_facts(at_baseline: pl.DataFrame) -> pl.DataFrame:
    """Return, per organ outside the liver, the lesions listed there at the baseline by the reader who lists the fewest."""
    outside = at_baseline.filter(~pl.col("organ").is_in(INTRAHEPATIC_ORGANS))
    readings = outside.group_by("patient_id", "organ", "reader").agg(listed_lesion_number=pl.len().cast(pl.Int64))
    return (
        readings.group_by("patient_id", "organ").agg(pl.col("listed_lesion_number").min()).sort("patient_id", "organ")
    )
