"""Recorded progression: its date and its flag in the outcome against what the tumour assessments show."""

from __future__ import annotations

import polars as pl

from schemas.codes import ProgressionBasis, Severity
from schemas.definitions.endpoints import compute_days_between
from schemas.rules.rule import rule

RECIST = "RECIST 1.1: Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026"
PROGRESSION_TOLERANCE_DAYS = 14


@rule(
    table="outcome",
    field="progression_date",
    severity=Severity.QUERY,
    source="protocol, PFS; 14 days is the registry's limit",
    why="The date of progression ends progression-free survival; two dates weeks apart cannot both be right.",
    why_zh="进展日期是无进展生存期的终点；相差数周的两个日期不可能都对。",
    en="The recorded date of progression is more than 14 days from the first images that show it. Which date is right?",
    zh="所记进展日期与首次显示进展的影像日期相差超过14天，请核对哪个日期正确。",
    passes_where_zh="所记进展日期与评估中首个PD（推算或阅片所记）相差不超过14天。",
)
def progression_agrees_with_lesions() -> pl.Expr:
    """The recorded date lies within 14 days of the first PD of the assessments, derived from them or as read."""
    seen_date = pl.min_horizontal("derived_progression_date", "read_progression_date")
    days = compute_days_between(seen_date, pl.col("progression_date"))
    return pl.when(~_is_clinical()).then(days.abs() <= PROGRESSION_TOLERANCE_DAYS)


@rule(
    table="outcome",
    field="has_progressed",
    severity=Severity.QUERY,
    source=RECIST,
    why="The images show a progression that the outcome denies; one of them is wrong, and with it progression-free survival.",
    why_zh="影像已显示进展，结局却填为未进展；其中一项有误，无进展生存期也随之有误。",
    en="No progression is recorded, although the assessments show it. Please check the assessments and the outcome.",
    zh="记录为未进展，但影像评估已显示进展，请核对评估及结局。",
    passes_where_zh="评估中出现PD（推算或阅片所记）者记录为已进展。",
)
def progression_flag_agrees_with_lesions() -> pl.Expr:
    """Who shows PD in the assessments, derived from them or as read, is recorded as progressed."""
    return pl.when(_is_progression_seen()).then("has_progressed")


@rule(
    table="outcome",
    field="progression_date",
    severity=Severity.QUERY,
    source=RECIST,
    why="The date ends progression-free survival; images of that time show response or stable disease, so that it may end too early.",
    why_zh="该日期是无进展生存期的终点，而当时的影像显示为缓解或疾病稳定，终点可能因此过早。",
    en="A progression is recorded, but assessments at that time or later show none (CR, PR or SD). Please check date and assessments, "
    "or confirm a progression that the images do not show.",
    zh="所记进展日期当时或之后的影像评估未显示进展（CR/PR/SD），请核对进展日期或疗效评估，或确认为影像以外的进展。",
    passes_where_zh="各次评估均无PD时，末次CR、PR或SD早于所记进展日期14天以上。",
    on_missing="passes where an assessment shows PD; not evaluable without date, start of therapy or assessments, for a clinical progression, or where the diameter of a target is missing, which is asked at the lesion",
    on_missing_zh="评估显示PD者通过；无进展日期、治疗开始日期或评估，为临床进展，或有靶病灶缺径线（在该病灶处询问）时无法判定",
)
def progression_is_not_contradicted() -> pl.Expr:
    """Without PD in any assessment, the last CR, PR or SD lies more than 14 days before the recorded progression."""
    days = compute_days_between(pl.col("first_line_start_date"), pl.col("progression_date"))
    is_later = pl.col("last_adequate_assessment_days") < days - PROGRESSION_TOLERANCE_DAYS
    is_unmeasured = (pl.col("first_missing_diameter_date") <= pl.col("progression_date")).fill_null(value=False)
    return pl.when(_is_progression_seen()).then(statement=True).when(~_is_clinical() & ~is_unmeasured).then(is_later)


def _is_clinical() -> pl.Expr:
    return pl.col("progression_basis").eq_missing(ProgressionBasis.CLINICAL.value)


def _is_progression_seen() -> pl.Expr:
    is_read = pl.any_horizontal(pl.col("read_progression_date", "read_progression_days").is_not_null())
    return pl.col("is_progression_derived") | is_read
