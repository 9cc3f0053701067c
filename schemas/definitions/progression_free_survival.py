"""Progression-free survival under other rules of censoring than the study's.

The study counts the first progression or death, whatever happened before, and censors everybody else at the last
follow-up. Each variant changes one thing of that: death is no event (the study's own wording); who has no event is censored
at the last adequate assessment; an event after two or more missed assessments is censored at the last adequate assessment
before it; from the start of a new anticancer therapy on nothing counts, and the patient is censored at the last adequate
assessment up to that day.

Source: FDA, Clinical Trial Endpoints for the Approval of Cancer Drugs and Biologics (2018), appendix C. An assessment is
adequate where its response is known and not NE. Without one the patient is censored on day 1. The study assesses every 6 to
8 weeks; two are missed where 16 weeks pass without one (ours).
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Response
from schemas.definitions.endpoints import compute_days_between

TWO_MISSED_DAYS = 112
FIRST_DAY = 1.0


def derive_pfs_censoring(subject: pl.DataFrame, readings: pl.DataFrame) -> pl.DataFrame:
    """Add times and events of the variants, days from the start; null where the study's own time is not known.

    Without the first dose of a new therapy the variant that ends with it is null as well.
    `subject`: patient_id, first_line_start_date, next_line_start_date, is_next_line_undated (null without a later line), os_days, first_progression_days, pfs_days, pfs_event.
    `readings`: patient_id, imaging_days, response, one reader's visits after the baseline.
    """
    therapy_days = compute_days_between(pl.col("first_line_start_date"), pl.col("next_line_start_date"))
    timed = subject.with_columns(therapy_days=pl.when(therapy_days > 0).then(therapy_days))
    timed = timed.join(_find_last_adequate(timed, readings), on="patient_id", how="left", maintain_order="left")
    pfs_days, pfs_event = pl.col("pfs_days"), pl.col("pfs_event")
    adequate_before, adequate_upto, adequate_therapy = (
        pl.min_horizontal(pl.col(name).fill_null(FIRST_DAY), pfs_days) for name in ("before", "upto", "before_therapy")
    )
    has_missed = pfs_event & (pfs_days - pl.col("before").fill_null(0) > TWO_MISSED_DAYS)
    has_new_therapy = (pl.col("therapy_days") < pfs_days).fill_null(value=False)
    has_progressed = (pl.col("first_progression_days") <= pl.col("os_days")).fill_null(value=False)
    variants = {
        "pfs_progression_only_event": has_progressed,
        "pfs_last_assessment_days": pl.when(pfs_event).then(pfs_days).otherwise(adequate_upto),
        "pfs_two_missed_days": pl.when(has_missed).then(adequate_before).otherwise(pfs_days),
        "pfs_two_missed_event": pfs_event & ~has_missed,
        "pfs_new_therapy_days": pl.when(has_new_therapy).then(adequate_therapy).otherwise(pfs_days),
        "pfs_new_therapy_event": pfs_event & ~has_new_therapy,
    }
    is_known, is_undated = pfs_days.is_not_null(), pl.col("is_next_line_undated").fill_null(value=False)
    known = timed.with_columns(pl.when(is_known).then(value).alias(name) for name, value in variants.items())
    of_new_therapy = pl.col("pfs_new_therapy_days", "pfs_new_therapy_event")
    return known.with_columns(pl.when(~is_undated).then(of_new_therapy).name.keep()).drop(
        "therapy_days", "before", "upto", "before_therapy"
    )


def _find_last_adequate(timed: pl.DataFrame, readings: pl.DataFrame) -> pl.DataFrame:
    """Per patient the day of the last adequate assessment before the end of PFS, up to it, and up to a new therapy."""
    day, end = pl.col("imaging_days"), pl.col("pfs_days")
    adequate = readings.filter(day > 0, pl.col("response") != Response.NE.value)
    joined = adequate.select("patient_id", "imaging_days").join(
        timed.select("patient_id", "pfs_days", "therapy_days"), on="patient_id", how="inner"
    )
    return joined.group_by("patient_id", maintain_order=True).agg(
        before=day.filter(day < end).max(),
        upto=day.filter(day <= end).max(),
        before_therapy=day.filter(day <= pl.col("therapy_days")).max(),
    )
