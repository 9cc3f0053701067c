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

    `subject`: patient_id, os_days, os_event, pfs_days, first_progression_days, first_progression_source, derived_progression_days, is_progression_derived, death_days,
    last_contact_days; `assessment` as `derive_assessment` returns it. Null where the study's own is not known, or a progression
    of the kind has no day.
    """
    later = assessment.filter("is_follow_up")
    counted = later.filter("is_counted").sort("patient_id", "visit_position")
    by_mrecist = _choose_mrecist(later, counted)
    days = _find_first_days(counted, by_mrecist)
    timed = subject.join(days, on="patient_id", how="left", maintain_order="left").with_columns(
        mrecist_days=pl.when(pl.col("is_read_by_mrecist")).then("mrecist_days").otherwise("first_progression_days")
    )
    is_image_undated = pl.col("is_progression_derived") & pl.col("derived_progression_days").is_null()
    for name, day, is_undated in (
        ("images_only", "derived_progression_days", is_image_undated),
        ("recorded_only", "recorded_pd_days", pl.col("is_recorded_pd_undated")),
        ("mrecist", "mrecist_days", pl.col("is_mrecist_undated")),
    ):
        is_known = pl.col("pfs_days").is_not_null() & ~is_undated.fill_null(value=False)
        progression = pl.col(day)
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
    return timed.drop(*days.columns[1:])


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
    """Per patient the day of the first recorded PD, and of the first PD by mRECIST; undated where the first in order has no day."""
    day = pl.coalesce("imaging_progression_days", "imaging_days")
    recorded = (
        counted.filter(pl.col("recorded_response") == Response.PD.value)
        .group_by("patient_id", maintain_order=True)
        .agg(recorded_pd_days=day.min(), is_recorded_pd_undated=day.first().is_null())
    )
    is_mrecist = pl.col("criteria") == ResponseCriteria.MRECIST.value
    pd_day = pl.col("imaging_progression_days").filter(pl.col("response") == Response.PD.value)
    viable = by_mrecist.group_by("patient_id", maintain_order=True).agg(
        mrecist_days=pd_day.min(),
        is_mrecist_undated=is_mrecist.any() & (pd_day.len() > 0) & pd_day.first().is_null(),
        is_read_by_mrecist=is_mrecist.any(),
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
