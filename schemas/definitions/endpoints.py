"""Overall survival (OS), progression-free survival (PFS) and the 3- and 6-month evaluation.

Source: the study's protocol. Time runs from the start of systemic therapy, in days. What happened after the close of
follow-up (2022-10-31) is censored there. A month is 365.25 / 12 days.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from schemas.codes import Evidence, Response
from schemas.definitions.recist import BEST_TO_WORST


@dataclass(frozen=True)
class EvaluationWindow:
    """Days in which an assessment counts for a time point: half the longest visit interval to each side."""

    nominal_day: int
    first_day: int
    last_day: int


MONTH_3 = EvaluationWindow(nominal_day=91, first_day=63, last_day=119)
MONTH_6 = EvaluationWindow(nominal_day=183, first_day=155, last_day=211)
CONFIRMATION_DAYS = 28
SD_FROM_DAY = 42


def compute_days_between(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Return the days from one date to another as Float64, negative where the end comes first."""
    return (end - start).dt.total_days().cast(pl.Float64)


def _compute_os_end_days(is_dead: pl.Expr, death_days: pl.Expr, last_contact_days: pl.Expr) -> pl.Expr:
    """A death without a date is taken at the last contact, the last day the patient was known to be alive or dead."""
    return pl.when(is_dead).then(pl.coalesce(death_days, last_contact_days)).when(~is_dead).then(last_contact_days)


def compute_os_days(is_dead: pl.Expr, death_days: pl.Expr, last_contact_days: pl.Expr, close_days: pl.Expr) -> pl.Expr:
    """Return days to death, last contact or the close, whichever is first; null where unknown or before the start."""
    end = _compute_os_end_days(is_dead, death_days, last_contact_days)
    return pl.when((end >= 0) & (close_days.fill_null(0) >= 0)).then(pl.min_horizontal(end, close_days))


def compute_os_event(is_dead: pl.Expr, death_days: pl.Expr, last_contact_days: pl.Expr, close_days: pl.Expr) -> pl.Expr:
    """Return True for a death up to and including the day of the close; null where `compute_os_days` is null."""
    end = _compute_os_end_days(is_dead, death_days, last_contact_days)
    days = compute_os_days(is_dead, death_days, last_contact_days, close_days)
    return pl.when(days.is_not_null()).then(is_dead & (end <= days))


def compute_pfs_days(os_days: pl.Expr, progression_days: pl.Expr) -> pl.Expr:
    """Return days to the first progression, else the days of OS (death, last follow-up or the close).

    Null where a progression is dated at or before the start: its true time is unknown.
    """
    return (
        pl.when(progression_days.is_null())
        .then(os_days)
        .when(progression_days > 0)
        .then(pl.when(os_days.is_not_null()).then(pl.min_horizontal(os_days, progression_days)))
    )


def compute_pfs_event(os_days: pl.Expr, os_event: pl.Expr, progression_days: pl.Expr) -> pl.Expr:
    """Return True where progression or death ended the time; null where `compute_pfs_days` is null."""
    pfs_days = compute_pfs_days(os_days, progression_days)
    has_progressed = (progression_days <= os_days).fill_null(value=False)
    return pl.when(pfs_days.is_not_null()).then(os_event | has_progressed)


def derive_response_at(
    readings: pl.DataFrame, endpoints: pl.DataFrame, window: EvaluationWindow, name: str
) -> pl.DataFrame:
    """Return patient_id, the response at one time point in column `name`, and what it rests on in `<name>_source`.

    `readings`: patient_id, imaging_days, response, response_source, one reader's visits after the baseline in order (of two of one day the
    later counts). `endpoints`: one row per
    patient with first_progression_days, first_progression_source, death_days (null if alive) and is_timed (False: no time is
    known, response null). The source is that of the assessment or of the progression, or `death`; null for NE.
    The evaluable assessment (neither NE nor empty) nearest the nominal day within the window counts, of two equally near
    the later one. A progression or death by the nominal day is PD whatever was seen before it. Without an assessment a
    progression or death by the window's end is PD, anything else NE.
    """
    nearest = (
        readings.filter(
            pl.col("imaging_days").is_between(window.first_day, window.last_day),
            pl.col("response").is_not_null(),
            pl.col("response") != Response.NE.value,
        )
        .with_columns(distance=(pl.col("imaging_days") - window.nominal_day).abs())
        .reverse()
        .sort("patient_id", "distance", "imaging_days", descending=[False, False, True], maintain_order=True)
        .group_by("patient_id", maintain_order=True)
        .first()
        .select("patient_id", "imaging_days", "response", "response_source")
    )
    progression, death = pl.col("first_progression_days"), pl.col("death_days")
    is_assessed = pl.col("response").is_not_null()
    until = pl.when(is_assessed).then(pl.max_horizontal("imaging_days", pl.lit(window.nominal_day)))
    is_carried = progression <= until.fill_null(window.last_day)
    is_dead = death <= pl.when(is_assessed).then(window.nominal_day).otherwise(window.last_day)
    response = (
        pl.when(~pl.col("is_timed"))
        .then(None)
        .when(is_carried | is_dead)
        .then(pl.lit(Response.PD.value))
        .otherwise(pl.col("response").fill_null(Response.NE.value))
    )
    source = (
        pl.when(~pl.col("is_timed"))
        .then(None)
        .when(is_carried)
        .then("first_progression_source")
        .when(is_dead)
        .then(pl.lit(Evidence.DEATH.value))
        .otherwise("response_source")
    )
    joined = endpoints.join(nearest, on="patient_id", how="left")
    return joined.select("patient_id", response.alias(name), source.alias(f"{name}_source"))


def derive_best_response(readings: pl.DataFrame) -> pl.DataFrame:
    """Return patient_id and best_response: the best of the visits up to and including the first PD.

    No confirmation and no shortest duration of SD are asked for, as the study asks for none (Eisenhauer 2009, 4.6, leaves
    both to the protocol). `readings`: patient_id, visit_position, response, one reader's visits after the baseline.
    """
    rank = pl.col("response").replace_strict({code.value: i for i, code in enumerate(BEST_TO_WORST)}, default=None)
    return (
        select_until_progression(readings)
        .with_columns(rank=rank)
        .sort("patient_id", "rank", "visit_position")
        .group_by("patient_id", maintain_order=True)
        .agg(best_response=pl.col("response").first())
    )


def derive_confirmed_best_response(readings: pl.DataFrame) -> pl.DataFrame:
    """Return patient_id and best_response_confirmed, of the visits up to and including the first PD.

    CR: two CR at least 28 days apart with nothing but CR or NE between. PR: two CR or PR so far apart with nothing but
    CR, PR or NE between. SD: a CR, PR or SD on day 42 or later. Then PD, else NE. An assessment without a day confirms
    nothing. `readings`: patient_id, visit_position, imaging_days, response, one reader's visits after the baseline.

    Source: Eisenhauer 2009, 4.6 and table 3: confirmation after at least 4 weeks; the shortest time of SD is left to the
    study, here 6 weeks, its shortest interval between two assessments.
    """
    response = pl.col("response")
    seen = select_until_progression(readings).sort("patient_id", "visit_position")
    assessed = seen.filter(response != Response.NE.value).with_columns(
        is_cr=response == Response.CR.value, is_objective=response.is_in([Response.CR.value, Response.PR.value])
    )
    stable = response.is_in([code.value for code in (Response.CR, Response.PR, Response.SD)])
    facts = seen.group_by("patient_id", maintain_order=True).agg(
        is_stable=(stable & (pl.col("imaging_days") >= SD_FROM_DAY)).any(),
        is_progressed=(response == Response.PD.value).any(),
    )
    for flag in ("is_cr", "is_objective"):
        facts = facts.join(_find_confirmed(assessed, flag), on="patient_id", how="left")
    best = (
        pl.when("is_cr")
        .then(pl.lit(Response.CR.value))
        .when("is_objective")
        .then(pl.lit(Response.PR.value))
        .when("is_stable")
        .then(pl.lit(Response.SD.value))
        .when("is_progressed")
        .then(pl.lit(Response.PD.value))
        .otherwise(pl.lit(Response.NE.value))
    )
    return facts.select("patient_id", best_response_confirmed=best)


def _find_confirmed(assessed: pl.DataFrame, flag: str) -> pl.DataFrame:
    """Return patient_id and whether some run of visits with the flag spans the time of confirmation."""
    run = (pl.col(flag) != pl.col(flag).shift(1)).fill_null(value=True).cum_sum().over("patient_id")
    spans = (
        assessed.with_columns(run=run)
        .filter(flag)
        .group_by("patient_id", "run", maintain_order=True)
        .agg(days=pl.col("imaging_days").max() - pl.col("imaging_days").min())
    )
    is_long = (pl.col("days") >= CONFIRMATION_DAYS).any()
    return spans.group_by("patient_id", maintain_order=True).agg(is_long.alias(flag))


def derive_tumour_course(readings: pl.DataFrame) -> pl.DataFrame:
    """Return patient_id, first_response_days and best_change_percent, of the visits up to and including the first PD.

    The first is the day of the first CR or PR. The second is the smallest target sum against that of the baseline, in per
    cent, negative where it shrank; null where no visit, or not the baseline, has a complete sum above 0. `readings`:
    patient_id, visit_position, imaging_days, response, target_sum_from_lesions_or_record_mm, baseline_sum_mm, one reader's visits after the
    baseline.
    """
    is_response = pl.col("response").is_in([Response.CR.value, Response.PR.value])
    baseline_sum_mm = pl.when(pl.col("baseline_sum_mm") > 0).then("baseline_sum_mm")
    return (
        select_until_progression(readings)
        .group_by("patient_id", maintain_order=True)
        .agg(
            first_response_days=pl.col("imaging_days").filter(is_response).min(),
            best_change_percent=(100 * (pl.col("target_sum_from_lesions_or_record_mm") / baseline_sum_mm - 1)).min(),
        )
    )


def select_until_progression(readings: pl.DataFrame) -> pl.DataFrame:
    """Keep the readings with a response, up to and including each patient's first PD."""
    is_pd = (pl.col("response") == Response.PD.value).cast(pl.Int64)
    earlier_pd = is_pd.cum_sum().over("patient_id", order_by="visit_position") - is_pd
    return readings.filter(pl.col("response").is_not_null(), earlier_pd == 0)
