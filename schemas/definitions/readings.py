"""The visits of every reader: when they were, which follow the baseline, and what was read at each of them.

Source: the study's protocol, "Visits" and "Baseline images". A *reading* is one visit of a series (patient, reader, criteria); its
facts come from the lesions that were listed, from the response that the hospital recorded, or from both.
"""

from __future__ import annotations

import polars as pl

from schemas.definitions.imaging import compute_is_baseline, compute_is_before_start, compute_visit_position
from schemas.definitions.lesion_course import READING, SERIES
from schemas.definitions.recist import NODE_NORMAL_BELOW_MM


def place_responses(response: pl.DataFrame, therapy_start: pl.DataFrame) -> pl.DataFrame:
    """Return the recorded responses with their day from the start and whether they may be a baseline."""
    days = (pl.col("assessment_date") - pl.col("first_line_start_date")).dt.total_days().cast(pl.Float64)
    return (
        response.join(therapy_start, on="patient_id", how="left", maintain_order="left")
        .select(
            *READING,
            "hospital",
            "recorded_response",
            "first_line_start_date",
            reading_date="assessment_date",
            reading_days=pl.coalesce(days, "assessment_days"),
            reading_sum_mm="target_sum_mm",
            has_new_lesion_recorded="has_new_lesion",
            counted_record="recorded_response",
        )
        .with_columns(
            is_before_start=compute_is_before_start(pl.col("reading_days"), pl.col("visit_number")),
            is_baseline=compute_is_baseline(pl.col("reading_days"), pl.col("visit_number")),
        )
    )


def list_visits(images: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    """Return one row per reading, in the order of the days: `visit_position`, `is_follow_up`, `imaging_date`, `imaging_days`.

    A visit follows the baseline where any of its images, or its response, is after day 0; it is dated by the earliest image that
    is, else by the response. `counted_record` is the recorded response where it is one of such a visit.
    """
    is_after, date = ~pl.col("is_before_start"), pl.col("assessment_date")
    by_images = images.group_by(READING, maintain_order=True).agg(
        pl.col("hospital", "first_line_start_date").first(),
        has_follow_up=is_after.any(),
        later_date=date.filter(is_after).min(),
        earlier_date=date.min(),
        later_days=pl.col("image_days").filter(is_after).min(),
    )
    days = (pl.col("imaging_date") - pl.col("first_line_start_date")).dt.total_days().cast(pl.Float64)
    visits = (
        by_images.join(responses, on=READING, how="full", coalesce=True, suffix="_reading")
        .with_columns(
            pl.coalesce("hospital", "hospital_reading"),
            pl.coalesce("first_line_start_date", "first_line_start_date_reading"),
            has_lesions=pl.col("has_follow_up").is_not_null(),
            has_response_record=pl.col("is_before_start").is_not_null(),
            is_follow_up=pl.any_horizontal(pl.col("has_follow_up"), ~pl.col("is_before_start")).fill_null(value=False),
        )
        .with_columns(
            # What was read before the start says nothing of later images of the same visit.
            *(
                pl.when(pl.col("is_before_start") != pl.col("is_follow_up")).then(name).alias(name)
                for name in (
                    "reading_date",
                    "reading_days",
                    "reading_sum_mm",
                    "has_new_lesion_recorded",
                    "counted_record",
                )
            ),
            has_lesions=pl.col("has_lesions") & (pl.col("has_follow_up") == pl.col("is_follow_up")),
        )
        .with_columns(
            imaging_date=pl.coalesce(
                pl.when("is_follow_up").then("later_date").otherwise("earlier_date"), "reading_date"
            )
        )
        .with_columns(imaging_days=pl.coalesce(days, "later_days", "reading_days"))
    )
    return (
        visits.with_columns(visit_position=compute_visit_position(SERIES))
        .sort(*SERIES, "visit_position")
        .drop(
            "hospital_reading",
            "first_line_start_date_reading",
            "has_follow_up",
            "later_date",
            "earlier_date",
            "later_days",
        )
    )


def summarise_baseline(baseline: pl.DataFrame, images: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    """Return per series: lesions listed at the baseline, their sum, and whether there are only images older than it may be.

    `baseline_sum_mm` is that of the targets, null where one was not assessed, else the last that was recorded.
    `reader_baseline_imaging_date` is the earliest of the images that make the baseline, where there are none the last one before.
    """
    size = pl.col("baseline_size_mm").filter("is_target")
    listed = baseline.group_by(SERIES, maintain_order=True).agg(
        baseline_target_number=pl.col("is_target").sum().cast(pl.Int64),
        baseline_non_target_number=pl.col("is_non_target").sum().cast(pl.Int64),
        has_unclear_lesion=(~(pl.col("is_target") | pl.col("is_non_target"))).any(),
        listed_date=pl.col("baseline_date").min(),
        baseline_lesion_sum_mm=pl.when(size.is_not_null().all()).then(size.sum()),
    )
    is_only_older = pl.col("is_before_start").any() & ~pl.col("is_baseline").any()
    is_before, has_sum = pl.col("is_before_start"), pl.col("reading_sum_mm").is_not_null()
    by_images = images.group_by(SERIES, maintain_order=True).agg(
        has_only_older_images=pl.when(is_before.any()).then(is_only_older),
        has_image_before=is_before.any(),
        older_image_date=pl.col("assessment_date").filter(is_before).max(),
    )
    by_responses = (
        responses.sort(*SERIES, "reading_days", "visit_number")
        .group_by(SERIES, maintain_order=True)
        .agg(
            has_only_older_readings=pl.when((is_before & has_sum).any())
            .then(~(pl.col("is_baseline") & has_sum).any())
            .otherwise(is_only_older),
            has_reading_before=is_before.any(),
            reading_date=pl.coalesce(
                pl.col("reading_date").filter("is_baseline").max(), pl.col("reading_date").filter(is_before).max()
            ),
            baseline_reading_sum_mm=pl.col("reading_sum_mm")
            .filter(pl.col("is_baseline") & pl.col("reading_sum_mm").is_not_null())
            .last(),
        )
    )
    series = by_images.join(by_responses, on=SERIES, how="full", coalesce=True).join(listed, on=SERIES, how="left")
    return series.select(
        *SERIES,
        pl.col("baseline_target_number", "baseline_non_target_number").fill_null(0),
        pl.col("has_unclear_lesion").fill_null(value=False),
        baseline_sum_mm=pl.when(pl.col("baseline_target_number") > 0)
        .then("baseline_lesion_sum_mm")
        .otherwise("baseline_reading_sum_mm"),
        is_only_older=pl.coalesce("has_only_older_images", "has_only_older_readings"),
        reader_has_baseline_imaging=pl.any_horizontal(
            pl.col("has_image_before", "has_reading_before").fill_null(value=False)
        ),
        reader_baseline_imaging_date=pl.coalesce("listed_date", "reading_date", "older_image_date"),
    )


def summarise_lesions(followed: pl.DataFrame) -> pl.DataFrame:
    """Return per reading what the lesions of the baseline show there (see `follow_lesions` and `mark_treated`)."""
    return followed.group_by(READING, maintain_order=True).agg(_summarise_targets() + _summarise_non_targets())


def _summarise_targets() -> list[pl.Expr]:
    is_target = pl.col("is_target")
    size, date = pl.col("size_mm").filter(is_target), pl.col("own_date").filter(is_target)
    is_node, left = pl.col("is_node").filter(is_target), pl.col("size_mm").filter(is_target)
    is_touched = pl.col("is_touched").filter(is_target)
    is_left = pl.when(is_node).then(left >= NODE_NORMAL_BELOW_MM).otherwise(left > 0).fill_null(value=False)
    is_touched_progression = (pl.col("is_touched_progression")).filter(is_target)
    return [
        is_target.sum().cast(pl.Int64).alias("target_number"),
        (is_target & ~pl.col("is_listed")).sum().cast(pl.Int64).alias("unlisted_target_number"),
        pl.col("is_called_progression").filter(is_target).any().alias("has_target_called_progression"),
        size.is_null().sum().cast(pl.Int64).alias("target_unassessed_number"),
        is_touched.sum().cast(pl.Int64).alias("treated_target_number"),
        pl.when(size.count() > 0).then(size.sum()).alias("lesion_sum_mm"),
        pl.when(size.filter(~is_touched).count() > 0).then(size.filter(~is_touched).sum()).alias("untouched_sum_mm"),
        pl.col("is_gone").filter(is_target).all().alias("is_target_gone"),
        is_left.any().alias("has_target_left"),
        date.filter(is_left).min().alias("target_left_date"),
        date.filter(size.is_not_null() & ~is_touched).max().alias("target_date"),
        is_touched_progression.any().alias("has_touched_progression"),
        date.filter(is_touched_progression).min().alias("touched_progression_date"),
    ]


def _summarise_non_targets() -> list[pl.Expr]:
    is_non_target = pl.col("is_non_target")
    is_assessed, date = pl.col("is_assessed").filter(is_non_target), pl.col("own_date").filter(is_non_target)
    is_gone = pl.col("is_gone").filter(is_non_target).fill_null(value=False)
    is_progression = pl.col("is_called_progression").filter(is_non_target)
    is_left = is_assessed & ~is_gone & ~pl.col("is_node").filter(is_non_target)
    return [
        (is_non_target & pl.col("is_listed")).sum().cast(pl.Int64).alias("listed_non_target_number"),
        is_assessed.all().alias("is_non_target_complete"),
        is_gone.all().alias("is_non_target_gone"),
        is_progression.any().alias("has_non_target_progression"),
        date.filter(is_progression).min().alias("non_target_progression_date"),
        is_left.any().alias("has_non_target_left"),
        date.filter(is_left).min().alias("non_target_left_date"),
    ]
