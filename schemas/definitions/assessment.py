"""Every reading of every tumour assessment, with the response that follows from lesions or from sums of diameters.

The rules are those of `schemas/definitions/recist.py`; this module brings lesions and readings into their shape. A
reading is one patient, visit, reader and set of criteria. Lesions are read by RECIST 1.1, and by mRECIST as well where the
reader measured the viable part of one: liver lesions then by their viable diameter, all others as before.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import LesionRole, LesionStatus, Organ, Response, ResponseCriteria
from schemas.definitions import recist

SITE_READER = "site"
SERIES = ["patient_id", "reader", "criteria"]
READING = [*SERIES, "visit_number"]
ASSESSMENT_SCHEMA = pl.Schema({
    "hospital": pl.String,
    "patient_id": pl.String,
    "visit_number": pl.Int64,
    "reader": pl.String,
    "criteria": pl.String,
    "imaging_date": pl.Date,
    "imaging_days": pl.Float64,
    "target_sum_from_lesions_or_record_mm": pl.Float64,
    "nadir_sum_mm": pl.Float64,
    "baseline_sum_mm": pl.Float64,
    "target_response": pl.String,
    "non_target_response": pl.String,
    "has_new_lesion_listed_or_recorded": pl.Boolean,
    "derived_response": pl.String,
    "recorded_response": pl.String,
    "has_lesions": pl.Boolean,
    "unlisted_target_number": pl.Int64,
    "assessment_gap_days": pl.Float64,
    "has_partial_response_before": pl.Boolean,
    "has_progressed_before": pl.Boolean,
    "response": pl.String,
    "is_counted": pl.Boolean,
})  # fmt: skip


def derive_assessment(lesion: pl.DataFrame, response: pl.DataFrame, therapy_start: pl.DataFrame) -> pl.DataFrame:
    """Return one row per patient, visit, reader and criteria (`ASSESSMENT_SCHEMA`), sorted by these.

    `therapy_start` has patient_id and first_line_start_date. Responses are null at the baseline (visit 0), and where a
    reading has neither lesions nor a sum. `nadir_sum_mm` is the smallest complete sum before the visit, the baseline included.
    `unlisted_target_number` counts the targets of the baseline that have no record at the visit, null without lesions.
    `is_counted` marks the readings that the patient's responses follow: RECIST 1.1, reader `site`, else the first reader
    by name; `response` is the derived response, else the recorded one.
    """
    readings = (
        _summarise_lesions(lesion)
        .join(_prepare_readings(response), on=READING, how="full", coalesce=True, suffix="_reading")
        .join(therapy_start.select("patient_id", "first_line_start_date"), on="patient_id", how="left")
        .sort(READING)
        .with_columns(
            hospital=pl.coalesce("hospital", "hospital_reading"),
            imaging_date=pl.coalesce("assessment_date", "assessment_date_reading"),
            has_lesions=pl.col("target_number").is_not_null(),
        )
    )
    read = _derive_course(_derive_responses(_derive_sums(readings)))
    return read.select(ASSESSMENT_SCHEMA.names()).cast(ASSESSMENT_SCHEMA)


def _summarise_lesions(lesion: pl.DataFrame) -> pl.DataFrame:
    """One row per reading: every lesion of the baseline is looked up at every visit, found or not."""
    lesion = _read_by_criteria(lesion)
    is_seen = pl.col("status").is_null() | ~pl.col("status").is_in(
        [LesionStatus.ABSENT.value, LesionStatus.NOT_ASSESSED.value]
    )
    visits = lesion.group_by(READING, maintain_order=True).agg(
        pl.col("hospital").first(),
        pl.col("assessment_date").min(),
        has_new_lesion_listed=((pl.col("role") == LesionRole.NEW.value) & (pl.col("visit_number") > 0) & is_seen).any(),
    )
    at_baseline = lesion.filter(pl.col("visit_number") == 0).select(
        *SERIES,
        "lesion_id",
        baseline_role="role",
        is_node=recist.compute_is_node(pl.col("organ")).fill_null(value=False),
    )
    followed = (
        visits.select(READING)
        .join(at_baseline, on=SERIES, how="inner")
        .join(
            lesion.select(*READING, "lesion_id", "status", "diameter_mm", is_listed=pl.lit(value=True)),
            on=[*READING, "lesion_id"],
            how="left",
        )
        .with_columns(size_mm=recist.compute_lesion_size_mm(pl.col("status"), pl.col("diameter_mm")))
        .with_columns(is_gone=recist.compute_is_gone(pl.col("is_node"), pl.col("size_mm")))
        .group_by(READING)
        .agg(_aggregate_targets() + _aggregate_non_targets())
    )
    return visits.join(followed, on=READING, how="left").with_columns(
        pl.col("target_number", "non_target_number", "unlisted_target_number").fill_null(0)
    )


def _read_by_criteria(lesion: pl.DataFrame) -> pl.DataFrame:
    """Add `criteria`: every lesion by RECIST 1.1, and again by mRECIST in a reader's series with viable diameters."""
    has_viable = pl.col("viable_diameter_mm").is_not_null().any().over("patient_id", "reader")
    is_liver = pl.col("organ") == Organ.LIVER.value
    viable = lesion.filter(has_viable).with_columns(
        criteria=pl.lit(ResponseCriteria.MRECIST.value),
        diameter_mm=pl.when(is_liver).then("viable_diameter_mm").otherwise("diameter_mm"),
    )
    return pl.concat([lesion.with_columns(criteria=pl.lit(ResponseCriteria.RECIST_1_1.value)), viable])


def _aggregate_targets() -> list[pl.Expr]:
    is_target = pl.col("baseline_role") == LesionRole.TARGET.value
    size = pl.col("size_mm").filter(is_target)
    return [
        is_target.sum().alias("target_number"),
        size.is_null().sum().alias("target_unassessed_number"),
        (is_target & pl.col("is_listed").is_null()).sum().cast(pl.Int64).alias("unlisted_target_number"),
        pl.when(size.count() > 0).then(size.sum()).alias("lesion_sum_mm"),
        pl.col("is_gone").filter(is_target).all().alias("is_target_gone"),
        ((size > 0) & ~pl.col("is_node").filter(is_target)).any().alias("has_target_left"),
    ]


def _aggregate_non_targets() -> list[pl.Expr]:
    is_non_target = pl.col("baseline_role") == LesionRole.NON_TARGET.value
    status = pl.col("status").filter(is_non_target)
    is_assessed = status.is_not_null() & (status != LesionStatus.NOT_ASSESSED.value)
    is_left = is_assessed & ~pl.col("is_gone").filter(is_non_target).fill_null(value=False)
    return [
        is_non_target.sum().alias("non_target_number"),
        is_assessed.all().alias("is_non_target_complete"),
        (status == LesionStatus.PROGRESSION.value).any().alias("has_non_target_progression"),
        pl.col("is_gone").filter(is_non_target).fill_null(value=False).all().alias("is_non_target_gone"),
        (is_left & ~pl.col("is_node").filter(is_non_target)).any().alias("has_non_target_left"),
    ]


def _prepare_readings(response: pl.DataFrame) -> pl.DataFrame:
    return response.select(
        *READING,
        "hospital",
        "assessment_date",
        "recorded_response",
        reading_days="assessment_days",
        reading_sum_mm="target_sum_mm",
        has_new_lesion_recorded="has_new_lesion",
    )


def _derive_sums(readings: pl.DataFrame) -> pl.DataFrame:
    """Add the sum of what was assessed, the complete sum, the baseline and the nadir, from lesions or as recorded."""
    from_lesions = pl.col("has_lesions")
    is_complete = pl.col("target_unassessed_number") == 0
    sum_mm = pl.col("target_sum_from_lesions_or_record_mm")
    return (
        readings.with_columns(
            assessed_sum_mm=pl.when(from_lesions).then("lesion_sum_mm").otherwise("reading_sum_mm"),
            is_complete=pl.when(from_lesions).then(is_complete).otherwise(pl.col("reading_sum_mm").is_not_null()),
            is_target_gone=pl.when(from_lesions).then("is_target_gone").otherwise(pl.col("reading_sum_mm") == 0),
            has_target_left=pl.when(from_lesions).then("has_target_left").otherwise(pl.col("reading_sum_mm") > 0),
            has_target=pl.when(from_lesions)
            .then(pl.col("target_number") > 0)
            .otherwise(pl.col("reading_sum_mm").is_not_null()),
            has_new_lesion_listed_or_recorded=pl.col("has_new_lesion_listed").fill_null(value=False)
            | pl.col("has_new_lesion_recorded").fill_null(pl.when(from_lesions).then(statement=False)),
            imaging_days=pl.coalesce(
                (pl.col("imaging_date") - pl.col("first_line_start_date")).dt.total_days().cast(pl.Float64),
                "reading_days",
            ),
        )
        .with_columns(target_sum_from_lesions_or_record_mm=pl.when("is_complete").then("assessed_sum_mm"))
        .with_columns(
            baseline_sum_mm=sum_mm.filter(pl.col("visit_number") == 0).first().over(SERIES),
            nadir_sum_mm=sum_mm.cum_min().forward_fill().shift(1).over(SERIES, order_by="visit_number"),
        )
    )


def _derive_responses(readings: pl.DataFrame) -> pl.DataFrame:
    is_follow_up = pl.col("visit_number") > 0
    is_mrecist = pl.col("criteria") == ResponseCriteria.MRECIST.value
    target = recist.compute_target_response(
        pl.col("assessed_sum_mm"),
        pl.col("is_complete"),
        pl.col("is_target_gone"),
        pl.col("baseline_sum_mm"),
        pl.col("nadir_sum_mm"),
        pl.when(is_mrecist).then(0.0).otherwise(recist.PD_MIN_INCREASE_MM),
    )
    non_target = recist.compute_non_target_response(
        pl.col("has_non_target_progression"), pl.col("is_non_target_complete"), pl.col("is_non_target_gone")
    )
    overall = recist.compute_overall_response(
        pl.col("target_response"), pl.col("non_target_response"), pl.col("has_new_lesion_listed_or_recorded")
    )
    return (
        readings.with_columns(
            target_response=pl.when(is_follow_up & pl.col("has_target")).then(target),
            non_target_response=pl.when(is_follow_up & (pl.col("non_target_number") > 0)).then(non_target),
        )
        .with_columns(derived_response=pl.when(is_follow_up).then(overall))
        .with_columns(was_complete=_compute_was_before("derived_response", Response.CR))
        .with_columns(
            derived_response=pl.when(_compute_has_reappeared())
            .then(pl.lit(Response.PD.value))
            .otherwise("derived_response")
        )
    )


def _derive_course(readings: pl.DataFrame) -> pl.DataFrame:
    """Add what the series' earlier visits hold, whether they were sent as lesions or as readings."""
    date, days = pl.col("imaging_date"), pl.col("imaging_days")
    gap_days = pl.coalesce(date.diff().dt.total_days().cast(pl.Float64), days.diff())
    return readings.with_columns(
        assessment_gap_days=gap_days.over(SERIES, order_by="visit_number"),
        has_partial_response_before=_compute_was_before("derived_response", Response.PR),
        has_progressed_before=_compute_was_before("derived_response", Response.PD)
        | _compute_was_before("recorded_response", Response.PD),
        response=pl.coalesce("derived_response", "recorded_response"),
        is_counted=_compute_is_counted(),
    )


def _compute_is_counted() -> pl.Expr:
    by_recist = pl.col("criteria") == ResponseCriteria.RECIST_1_1.value
    reader = pl.col("reader").filter(by_recist)
    return by_recist & (pl.col("reader") == reader.sort_by(reader != SITE_READER, reader).first().over("patient_id"))


def _compute_was_before(name: str, response: Response) -> pl.Expr:
    """Whether an earlier visit of the series has this response."""
    is_it = (pl.col(name) == response.value).fill_null(value=False).cast(pl.Int8)
    return is_it.cum_max().shift(1, fill_value=0).over(SERIES, order_by="visit_number").cast(pl.Boolean)


def _compute_has_reappeared() -> pl.Expr:
    """True where a lesion is back after an overall CR; before a CR it only goes back into the sum."""
    return pl.col("was_complete") & (pl.col("has_target_left") | pl.col("has_non_target_left"))
