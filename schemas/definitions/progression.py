"""The first progression: the earliest that stands of what images show, what the hospital read, and what the outcome says.

Source: the study's protocol, "First progression". The outcome's date within 28 days of a progression that an assessment shows is that
progression, and the image's date counts. Elsewhere it is an event of its own, unless the next complete list of the counted reader
shows none; a clinical progression is not set aside by images.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Evidence, ProgressionBasis, Response
from schemas.definitions.endpoints import compute_days_between

SAME_PROGRESSION_DAYS = 28


def derive_first_progression(subject: pl.DataFrame, readings: pl.DataFrame) -> pl.DataFrame:
    """Return the subject frame with the progressions of assessments and outcome and the first that stands.

    `subject`: patient_id, first_line_start_date, has_progressed, progression_date, recorded_progression_days, progression_basis.
    `readings`: one reader's follow-up (`derive_assessment`). Added are `derived_progression_*` and `read_progression_*` (the first PD that is
    derived, the first that only is recorded), `is_outcome_progression_set_aside`, `first_progression_date`, `_days` (null where no day
    is known) and `_source`, and `is_progression_undated`: there is a progression and its day is not known.
    """
    is_said = pl.col("has_progressed").fill_null(value=True)
    outcome_date = pl.when(is_said).then("progression_date")
    outcome_days = pl.coalesce(
        compute_days_between(pl.col("first_line_start_date"), outcome_date),
        pl.when(pl.col("has_progressed")).then("recorded_progression_days"),
    )
    timed = subject.with_columns(outcome_date=outcome_date, outcome_days=outcome_days)
    joined = timed.join(_summarise_progressions(readings), on="patient_id", how="left", maintain_order="left")
    judged = joined.join(_judge_outcomes(timed, readings), on="patient_id", how="left", maintain_order="left")
    return _choose_first(judged).drop("outcome_date", "outcome_days", "outcome_is_seen", "is_first_seen_undated")


def _summarise_progressions(readings: pl.DataFrame) -> pl.DataFrame:
    """Per patient the first derived and the first recorded PD by day; where the first visit with one has no day, that visit's."""
    day = pl.col("imaging_progression_days")
    is_derived = pl.col("derived_response") == Response.PD.value
    return (
        readings.filter(pl.col("response") == Response.PD.value)
        .sort("patient_id", "visit_position")
        .with_columns(is_derived=is_derived.fill_null(value=False))
        .with_columns(
            is_first_undated=day.is_null().first().over("patient_id"),
            is_unknown_first=day.is_null() & (pl.int_range(pl.len()).over("patient_id", "is_derived") == 0),
        )
        .sort("patient_id", ~pl.col("is_unknown_first"), day, "visit_position", nulls_last=True)
        .group_by("patient_id", maintain_order=True)
        .agg(
            derived_progression_date=pl.col("imaging_progression_date").filter("is_derived").first(),
            derived_progression_days=day.filter("is_derived").first(),
            derived_progression_source=pl.col("response_source").filter("is_derived").first(),
            is_progression_derived=pl.col("is_derived").any(),
            read_progression_date=pl.col("imaging_progression_date").filter(~pl.col("is_derived")).first(),
            read_progression_days=day.filter(~pl.col("is_derived")).first(),
            is_first_seen_undated=pl.col("is_first_undated").first(),
        )
    )


def _judge_outcomes(timed: pl.DataFrame, readings: pl.DataFrame) -> pl.DataFrame:
    """Per patient with an outcome's day: whether an assessment shows it, and whether the next complete list shows none."""
    day, said = pl.col("imaging_progression_days"), pl.col("outcome_days")
    is_pd = (pl.col("response") == Response.PD.value).fill_null(value=False)
    is_near = is_pd & ((day - said).abs() <= SAME_PROGRESSION_DAYS).fill_null(value=False)
    is_list = pl.col("is_refuting_list") | (pl.col("is_complete_list") & is_pd)
    is_later_list = is_list & (pl.col("imaging_days") >= said).fill_null(value=False)
    is_clinical = pl.col("progression_basis").eq_missing(ProgressionBasis.CLINICAL.value)
    return (
        readings.join(
            timed.filter(said.is_not_null()).select("patient_id", "outcome_days", "progression_basis"),
            on="patient_id",
            how="inner",
        )
        .sort("patient_id", "imaging_days", "visit_position", nulls_last=True)
        .group_by("patient_id", maintain_order=True)
        .agg(
            outcome_is_seen=is_near.any(),
            is_outcome_progression_set_aside=~is_near.any()
            & ~is_clinical.first()
            & pl.col("is_refuting_list").filter(is_later_list).first().fill_null(value=False),
        )
    )


def _choose_first(subject: pl.DataFrame) -> pl.DataFrame:
    seen_days = pl.min_horizontal("derived_progression_days", "read_progression_days")
    is_derived_first = pl.col("derived_progression_days") <= seen_days
    is_set_aside = pl.col("is_outcome_progression_set_aside").fill_null(value=False)
    own_days = pl.when(~pl.col("outcome_is_seen").fill_null(value=False) & ~is_set_aside).then("outcome_days")
    first_seen_days = pl.when(~pl.col("is_first_seen_undated").fill_null(value=False)).then(seen_days)
    is_own = own_days.is_not_null() & (first_seen_days.is_null() | (own_days < first_seen_days))
    basis = pl.col("progression_basis").eq_missing(ProgressionBasis.CLINICAL.value)
    days = pl.when(is_own).then(own_days).otherwise(first_seen_days)
    has_any = (pl.col("has_progressed").fill_null(value=False) & ~is_set_aside) | pl.col(
        "is_first_seen_undated"
    ).is_not_null()
    return subject.with_columns(
        is_progression_derived=pl.col("is_progression_derived").fill_null(value=False),
        is_outcome_progression_set_aside=is_set_aside,
        first_progression_days=days,
        first_progression_date=pl.when(is_own)
        .then("outcome_date")
        .when(first_seen_days.is_not_null())
        .then(pl.when(is_derived_first).then("derived_progression_date").otherwise("read_progression_date")),
        first_progression_source=pl.when(is_own)
        .then(pl.when(basis).then(pl.lit(Evidence.CLINICAL.value)).otherwise(pl.lit(Evidence.OUTCOME.value)))
        .when(first_seen_days.is_not_null())
        .then(
            pl.when(is_derived_first)
            .then("derived_progression_source")
            .otherwise(pl.lit(Evidence.RECORDED_RESPONSE.value))
        ),
        is_progression_undated=has_any & days.is_null(),
    )
