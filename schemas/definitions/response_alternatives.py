"""Progression and response under other readings than the study's, each a column beside the study's own.

Source: the study's protocol, "First progression" and "A PR whose sum drifts back". Progression by images alone (FDA, Clinical Trial
Endpoints for the Approval of Cancer Drugs and Biologics, appendix on progression-free survival), by recorded responses alone, and by
mRECIST (Lencioni and Llovet 2010) of the patients who were read by it; the response of a PR that drifts back counted as an ongoing
PR (the RECIST group's clarifications).
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Response, ResponseCriteria
from schemas.definitions.endpoints import MONTH_3, MONTH_6, compute_pfs_days, compute_pfs_event, derive_response_at

WINDOWS = ((MONTH_3, "response_3_months"), (MONTH_6, "response_6_months"))


def derive_alternatives(subject: pl.DataFrame, assessment: pl.DataFrame) -> pl.DataFrame:
    """Add PFS by images only, by recorded responses only and by mRECIST, and the responses at 3 and 6 months by EORTC and mRECIST.

    `subject`: patient_id, os_days, os_event, pfs_days, first_progression_days, first_progression_source, derived_progression_days, death_days,
    last_contact_days; `assessment` as `derive_assessment` returns it. Null where the study's own is not known.
    """
    later = assessment.filter("is_follow_up")
    counted = later.filter("is_counted").sort("patient_id", "visit_position")
    by_mrecist = _choose_mrecist(later, counted)
    days = _find_first_days(counted, by_mrecist)
    timed = subject.join(days, on="patient_id", how="left", maintain_order="left").with_columns(
        mrecist_days=pl.when(pl.col("is_read_by_mrecist")).then("mrecist_days").otherwise("first_progression_days")
    )
    for name, day in (
        ("images_only", "derived_progression_days"),
        ("recorded_only", "recorded_pd_days"),
        ("mrecist", "mrecist_days"),
    ):
        is_known, progression = pl.col("pfs_days").is_not_null(), pl.col(day)
        timed = timed.with_columns(
            pl.when(is_known).then(compute_pfs_days(pl.col("os_days"), progression)).alias(f"pfs_{name}_days"),
            pl.when(is_known)
            .then(compute_pfs_event(pl.col("os_days"), pl.col("os_event"), progression))
            .alias(f"pfs_{name}_event"),
        )
    for readings, first, suffix in (
        (_hold_partial_responses(counted), "first_progression_days", "ongoing"),
        (by_mrecist, "mrecist_days", "mrecist"),
    ):
        clock = timed.select(
            "patient_id",
            "death_days",
            "first_progression_source",
            first_progression_days=first,
            is_timed=pl.col("last_contact_days").is_not_null(),
        )
        for window, name in WINDOWS:
            column = f"{name}_{suffix}"
            at_window = derive_response_at(readings, clock, window, column).select("patient_id", column)
            timed = timed.join(at_window, on="patient_id", how="left", maintain_order="left")
    return timed.drop("recorded_pd_days", "mrecist_days", "is_read_by_mrecist")


def _choose_mrecist(later: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """The counted reader's readings: by mRECIST where there are such, else the study's own."""
    reader = ["patient_id", "reader"]
    readers = counted.select(reader).unique()
    by_mrecist = later.filter(
        pl.col("criteria") == ResponseCriteria.MRECIST.value, pl.col("response").is_not_null()
    ).join(readers, on=reader, how="semi", maintain_order="left")
    others = counted.join(by_mrecist.select("patient_id").unique(), on="patient_id", how="anti", maintain_order="left")
    return pl.concat([by_mrecist, others]).sort("patient_id", "visit_position")


def _find_first_days(counted: pl.DataFrame, by_mrecist: pl.DataFrame) -> pl.DataFrame:
    """Per patient the day of the first recorded PD, and of the first PD by mRECIST."""
    is_recorded = pl.col("recorded_response") == Response.PD.value
    day = pl.coalesce("imaging_progression_days", "imaging_days")
    recorded = counted.group_by("patient_id", maintain_order=True).agg(recorded_pd_days=day.filter(is_recorded).min())
    is_pd = pl.col("response") == Response.PD.value
    is_mrecist = pl.col("criteria") == ResponseCriteria.MRECIST.value
    viable = by_mrecist.group_by("patient_id", maintain_order=True).agg(
        mrecist_days=pl.col("imaging_progression_days").filter(is_pd).min(), is_read_by_mrecist=is_mrecist.any()
    )
    return recorded.join(viable, on="patient_id", how="full", coalesce=True)


def _hold_partial_responses(counted: pl.DataFrame) -> pl.DataFrame:
    """Call PR what is SD after a PR: the sum has drifted back and is no progression."""
    was_partial = (
        (pl.col("response") == Response.PR.value)
        .fill_null(value=False)
        .cast(pl.Int8)
        .cum_max()
        .shift(1, fill_value=0)
        .over("patient_id", order_by="visit_position")
        .cast(pl.Boolean)
    )
    is_held = was_partial & (pl.col("response") == Response.SD.value)
    return counted.with_columns(
        response=pl.when(is_held).then(pl.lit(Response.PR.value)).otherwise("response"),
    )
