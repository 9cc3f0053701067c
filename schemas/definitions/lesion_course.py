"""What became of every lesion of the baseline at every visit, and which lesions are new.

Source: Eisenhauer 2009 (doi:10.1016/j.ejca.2008.10.026) and the study's protocol, "Baseline images", "Response and evidence",
"Local treatment". The baseline of a lesion is its last image from day -42 to day 0, lesion by lesion. Its role is the one of
that image: at most five targets, two per organ, in the order in which they are listed; a target that was treated by TACE
before and has not grown since is a non-target, and so is a surplus one.

A record says what one image shows. `place_images` gives every record its day; the frames below hold a *series* (patient, reader,
criteria) or a *reading* (a visit of a series).
"""

from __future__ import annotations

import polars as pl

from schemas.codes import LesionRole, LesionStatus, Organ, ResponseCriteria
from schemas.definitions import recist
from schemas.definitions.imaging import compute_is_baseline, compute_is_before_start

SERIES = ["patient_id", "reader", "criteria"]
READING = [*SERIES, "visit_number"]
UNSEEN = [LesionStatus.ABSENT.value, LesionStatus.NOT_ASSESSED.value]


def place_images(lesion: pl.DataFrame, responses: pl.DataFrame, therapy_start: pl.DataFrame) -> pl.DataFrame:
    """Return the lesion records by criteria, with day, size and what was seen.

    A record without a date has the day of its visit's other images, else of the visit's response (`place_responses`).

    Every lesion is read by RECIST 1.1, and again by mRECIST in a reader's series with viable diameters: liver lesions then by
    their viable diameter. Added are `criteria`, `image_days`, `is_before_start`, `is_baseline`, `size_mm` (what the lesion adds to a
    sum, null where not assessed), `is_assessed`, `is_called_progression`.
    """
    has_viable = pl.col("viable_diameter_mm").is_not_null().any().over("patient_id", "reader")
    is_liver = pl.col("organ") == Organ.LIVER.value
    viable = lesion.filter(has_viable).with_columns(
        criteria=pl.lit(ResponseCriteria.MRECIST.value),
        diameter_mm=pl.when(is_liver).then("viable_diameter_mm").otherwise("diameter_mm"),
    )
    status = pl.col("status")
    image_days = (pl.col("assessment_date") - pl.col("first_line_start_date")).dt.total_days().cast(pl.Float64)
    placed = (
        pl.concat([lesion.with_columns(criteria=pl.lit(ResponseCriteria.RECIST_1_1.value)), viable])
        .join(therapy_start, on="patient_id", how="left", maintain_order="left")
        .with_columns(
            image_days=image_days,
            size_mm=recist.compute_lesion_size_mm(status, pl.col("diameter_mm")),
            is_assessed=status.is_not_null() & (status != LesionStatus.NOT_ASSESSED.value),
            is_called_progression=(status == LesionStatus.PROGRESSION.value).fill_null(value=False),
        )
    )
    return _place_undated(placed, responses).with_columns(
        is_before_start=compute_is_before_start(pl.col("image_days"), pl.col("visit_number")),
        is_baseline=compute_is_baseline(pl.col("image_days"), pl.col("visit_number")),
    )


def _place_undated(images: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    if images["image_days"].null_count() == 0:
        return images
    joined = images.join(responses.select(*READING, "reading_days"), on=READING, how="left", maintain_order="left")
    of_visit = pl.coalesce("image_days", pl.col("image_days").min().over(READING), "reading_days")
    return joined.with_columns(image_days=of_visit).drop("reading_days")


def list_baseline(images: pl.DataFrame) -> pl.DataFrame:
    """Return one row per series and lesion of the baseline: `is_target`, `is_non_target`, `is_node`, size and date of its image.

    A lesion that is called new there, or has no role, is neither. An image on which the lesion was not assessed is its
    baseline only where there is no other.
    """
    organ = pl.col("organ")
    is_limited = organ.is_not_null() & (organ != Organ.OTHER.value)
    baseline = (
        images.filter("is_baseline")
        .sort("is_assessed", "image_days", "visit_number", "source_row")
        .group_by(*SERIES, "lesion_id", maintain_order=True)
        .last()
        .sort(*SERIES, "source_row", "lesion_id")
    )
    is_treated = pl.col("is_tace_treated").fill_null(value=False) & ~pl.col("has_grown_since_tace").fill_null(
        value=False
    )
    is_proposed = (pl.col("role") == LesionRole.TARGET.value).fill_null(value=False) & ~is_treated
    in_organ = is_proposed.cast(pl.Int64).cum_sum().over(*SERIES, "organ")
    is_within_organ = is_proposed & (~is_limited | (in_organ <= recist.MAX_TARGETS_PER_ORGAN))
    within = is_within_organ.cast(pl.Int64).cum_sum().over(SERIES)
    is_target = is_within_organ & (within <= recist.MAX_TARGETS)
    is_listed = pl.col("role").is_in([LesionRole.TARGET.value, LesionRole.NON_TARGET.value]).fill_null(value=False)
    return baseline.select(
        *SERIES,
        "lesion_id",
        is_target=is_target,
        is_non_target=is_listed & ~is_target,
        is_node=recist.compute_is_node(organ).fill_null(value=False),
        baseline_size_mm="size_mm",
        baseline_date="assessment_date",
    )


def follow_lesions(visits: pl.DataFrame, baseline: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
    """Return one row per reading and lesion of the baseline, found at the visit or not (`is_listed`).

    `visits`: READING, first_line_start_date, imaging_date, imaging_days, visit_position, is_follow_up, has_lesions; `images`: the records of these visits. A fragment counts to the
    lesion that it was split from; a lesion that has merged into another adds nothing and is gone only if that one is.
    """
    days = pl.col("imaging_days").floor().cast(pl.Int64)
    day_of_visit = pl.col("first_line_start_date") + pl.duration(days=days)
    found = _gather_fragments(_follow_merged(images, baseline), baseline)
    return (
        visits.join(baseline, on=SERIES, how="inner")
        .join(
            found.select(
                *READING, "lesion_id", "size_mm", "is_in_another", "is_assessed", "is_called_progression",
                own_date="assessment_date", is_listed=pl.lit(value=True),
            ),
            on=[*READING, "lesion_id"],
            how="left",
        )
        .with_columns(
            pl.col("is_listed", "is_in_another", "is_assessed", "is_called_progression").fill_null(value=False),
            is_gone=recist.compute_is_gone(pl.col("is_node"), pl.col("size_mm"))
            & ~pl.col("is_in_another").fill_null(value=False),
            image_date=pl.coalesce("own_date", "imaging_date", day_of_visit),
        )
        .sort(*SERIES, "lesion_id", "visit_position")
    )  # fmt: skip


def _follow_merged(images: pl.DataFrame, baseline: pl.DataFrame) -> pl.DataFrame:
    """Add `is_in_another`: the lesion has merged with one that is still there; it adds 0 where that one was measured."""
    is_merged = (pl.col("status") == LesionStatus.MERGED.value).fill_null(value=False)
    if not images.select(is_merged.any()).item():
        return images.with_columns(is_in_another=pl.lit(value=False))
    is_node = pl.coalesce("is_node", recist.compute_is_node(pl.col("organ")))
    known = images.join(baseline.select(*SERIES, "lesion_id", "is_node"), on=[*SERIES, "lesion_id"], how="left")
    whole = known.select(
        *READING,
        merged_into_lesion_id="lesion_id",
        is_whole_gone=recist.compute_is_gone(is_node, pl.col("size_mm")),
    )
    return (
        images.join(whole, on=[*READING, "merged_into_lesion_id"], how="left", maintain_order="left")
        .with_columns(
            is_in_another=is_merged & ~pl.col("is_whole_gone").fill_null(value=False),
            size_mm=pl.when(is_merged & pl.col("is_whole_gone").is_not_null())
            .then(0.0)
            .when(~is_merged)
            .then("size_mm"),
        )
        .drop("is_whole_gone")
    )


def _gather_fragments(images: pl.DataFrame, baseline: pl.DataFrame) -> pl.DataFrame:
    """Add up the fragments of a lesion of the baseline (Eisenhauer 2009, 4.3.2)."""
    if images["split_from_lesion_id"].null_count() == images.height:
        return images
    wholes = baseline.select(*SERIES, split_from_lesion_id="lesion_id", whole_id="lesion_id")
    whole = pl.when("is_follow_up").then(pl.coalesce("whole_id", "lesion_id")).otherwise("lesion_id")
    size = pl.col("size_mm")
    joined = images.join(wholes, on=[*SERIES, "split_from_lesion_id"], how="left", maintain_order="left")
    return joined.group_by(*READING, whole.alias("lesion_id"), maintain_order=True).agg(
        size_mm=pl.when(size.is_not_null().all()).then(size.sum()),
        is_in_another=pl.col("is_in_another").any(),
        is_assessed=pl.col("is_assessed").all(),
        is_called_progression=pl.col("is_called_progression").any(),
        assessment_date=pl.col("assessment_date").max(),
    )


def find_new_lesions(visits: pl.DataFrame, images: pl.DataFrame, all_images: pl.DataFrame) -> pl.DataFrame:
    """Return per reading with a new lesion that counts: `new_lesion_date` and whether small nodes are the only ones.

    A lesion that was listed as target or non-target before the start is never new (`all_images`). An equivocal lesion counts from its first image on once a later visit calls it anything else, in whatever role (Eisenhauer
    2009, 4.3.5).
    A node below 10 mm is normal. `is_small_node_only`: every one is a node of 10 to below 15 mm; `is_small_node_confirmed`: one of these is still 10 mm at
    the next visit that looks at it, or called progression.
    """
    lesion, status = [*SERIES, "lesion_id"], pl.col("status")
    is_seen = ~status.is_in(UNSEEN).fill_null(value=False)
    is_node = recist.compute_is_node(pl.col("organ")).fill_null(value=False)
    is_enlarged = (pl.col("size_mm") >= recist.NODE_NORMAL_BELOW_MM).fill_null(value=False) & is_seen
    is_normal_node = is_node & (pl.col("size_mm") < recist.NODE_NORMAL_BELOW_MM).fill_null(value=False)
    is_small = is_node & is_enlarged & (pl.col("size_mm") < recist.TARGET_NODE_MIN_MM)
    known = all_images.filter(
        "is_before_start", pl.col("role").is_in([LesionRole.TARGET.value, LesionRole.NON_TARGET.value])
    )
    unknown_before = (
        images.with_columns(whole_id=pl.coalesce("split_from_lesion_id", "lesion_id"))
        .join(known.select(*SERIES, whole_id="lesion_id").unique(), on=[*SERIES, "whole_id"], how="anti")
        .join(known.select(lesion).unique(), on=lesion, how="anti")
        .join(visits.filter("is_follow_up").select(*READING, "visit_position", "imaging_date"), on=READING, how="inner")
        .sort(*lesion, "visit_position")
        .with_columns(
            is_seen=is_seen & ~is_normal_node,
            is_sure=is_seen & ~is_normal_node & status.ne_missing(LesionStatus.EQUIVOCAL.value),
        )
        .with_columns(
            counts=pl.col("is_seen") & pl.col("is_sure").reverse().cum_max().reverse().over(lesion),
            is_small_node=is_small & ~pl.col("is_called_progression"),
        )
    )
    is_looked_at = pl.col("is_assessed") | pl.col("size_mm").is_not_null()
    is_there = pl.when(is_looked_at).then(is_enlarged | pl.col("is_called_progression"))
    is_still_there = is_there.backward_fill().shift(-1).over(lesion).fill_null(value=False)
    return (
        unknown_before.with_columns(is_small_confirmed=pl.col("is_small_node") & is_still_there)
        .with_columns(is_small_confirmed=pl.col("is_small_confirmed").cum_max().over(lesion))
        .filter("counts", pl.col("role") == LesionRole.NEW.value)
        .group_by(READING, maintain_order=True)
        .agg(
            new_lesion_date=pl.col("assessment_date").min(),
            is_small_node_only=pl.col("is_small_node").all(),
            is_small_node_confirmed=pl.col("is_small_confirmed").any(),
        )
    )
