"""Targets that were resected, ablated or irradiated after the baseline: their change says nothing of the drugs.

Source: the study's protocol, "Local treatment"; EORTC's clarifications of RECIST 1.1. TACE and HAIC are part of the regimen and
touch nothing. A procedure that names its lesion touches that one; one that names none touches the targets that at the next
visit are gone, not assessed, or at least 30 % smaller than at the visit before.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import ProcedureType
from schemas.definitions.lesion_course import SERIES
from schemas.definitions.recist import compute_is_partial, compute_is_target_progression, compute_min_increase_mm

TOUCHING = (ProcedureType.RESECTION.value, ProcedureType.ABLATION.value, ProcedureType.RADIOTHERAPY.value)
LESION = [*SERIES, "lesion_id"]


def mark_treated(followed: pl.DataFrame, procedure: pl.DataFrame) -> pl.DataFrame:
    """Add `is_touched` (a target treated locally before this visit's image) and `is_touched_progression`.

    `followed`: one row per reading and lesion of the baseline, sorted by lesion and visit (`follow_lesions`). A touched lesion
    shows progression by itself where it is called so, or is at least 20 % and 5 mm above its own smallest size before.
    """
    acts = procedure.filter(pl.col("procedure").is_in(TOUCHING), pl.col("procedure_date").is_not_null())
    acts = acts.select("patient_id", "procedure_date", treated_lesion_id="lesion_id")
    targets = followed.filter("is_target", "is_follow_up").join(
        acts.select("patient_id").unique(), on="patient_id", how="semi", maintain_order="left"
    )
    if targets.is_empty():
        return followed.with_columns(is_touched=pl.lit(value=False), is_touched_progression=pl.lit(value=False))
    since = _find_touched_since(targets, acts)
    is_touched = (pl.col("image_date") >= pl.col("touched_since")).fill_null(value=False)
    follow_up_mm = pl.when("is_follow_up").then("size_mm")
    smallest_before = pl.min_horizontal("baseline_size_mm", follow_up_mm.cum_min().forward_fill().shift(1).over(LESION))
    has_grown = compute_is_target_progression(pl.col("size_mm"), smallest_before, compute_min_increase_mm())
    return (
        followed.join(since, on=LESION, how="left", maintain_order="left")
        .with_columns(
            is_touched=(is_touched & pl.col("is_follow_up")).cast(pl.Int8).cum_max().over(LESION).cast(pl.Boolean)
        )
        .with_columns(
            is_touched_progression=pl.col("is_touched")
            & (pl.col("is_called_progression") | has_grown.fill_null(value=False))
        )
        .drop("touched_since")
    )


def _find_touched_since(targets: pl.DataFrame, acts: pl.DataFrame) -> pl.DataFrame:
    """Return per touched lesion of a series the day of the first procedure that touches it."""
    size_before_mm = pl.coalesce(pl.col("size_mm").forward_fill().shift(1).over(LESION), "baseline_size_mm")
    is_after_baseline = pl.col("procedure_date") > pl.coalesce("baseline_date", "first_line_start_date")
    is_smaller = (pl.col("size_mm") == 0) | compute_is_partial(pl.col("size_mm"), pl.col("size_before_mm"))
    is_gone_or_smaller = pl.col("size_mm").is_null() | (is_smaller & ~pl.col("is_in_another"))
    pairs = (
        targets.with_columns(size_before_mm=size_before_mm)
        .join(acts, on="patient_id", how="inner")
        .filter(is_after_baseline)
    )
    named = pairs.filter(pl.col("treated_lesion_id") == pl.col("lesion_id"))
    # A visit without any lesion shows nothing of a treatment.
    next_images = pairs.filter(
        pl.col("treated_lesion_id").is_null(), "has_lesions", pl.col("image_date") >= pl.col("procedure_date")
    ).filter(pl.col("visit_position") == pl.col("visit_position").min().over(*LESION, "procedure_date"))
    unnamed = next_images.filter(is_gone_or_smaller)
    touched = pl.concat([named.select(*LESION, "procedure_date"), unnamed.select(*LESION, "procedure_date")])
    return touched.group_by(LESION, maintain_order=True).agg(touched_since=pl.col("procedure_date").min())
