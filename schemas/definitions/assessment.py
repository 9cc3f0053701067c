"""Every reading of every tumour assessment, with the response that counts and the evidence on which it rests.

The rules are those of `schemas/definitions/recist.py`; this module brings lesions and readings into their shape. A reading is
one patient, visit, reader and set of criteria. Lesions are read by RECIST 1.1, and by mRECIST as well where the reader measured
the viable part of one. Source: the study's protocol, "Visits", "Baseline images", "Response and evidence", "After a CR".
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Evidence, Response, ResponseCriteria
from schemas.definitions import recist
from schemas.definitions.lesion_course import (
    READING,
    SERIES,
    find_new_lesions,
    follow_lesions,
    list_baseline,
    place_images,
)
from schemas.definitions.local_treatment import mark_treated
from schemas.definitions.readings import list_visits, place_responses, summarise_baseline, summarise_lesions

SITE_READER = "site"
ASSESSMENT_SCHEMA = pl.Schema({
    "hospital": pl.String,
    "patient_id": pl.String,
    "visit_number": pl.Int64,
    "reader": pl.String,
    "criteria": pl.String,
    "visit_position": pl.Int64,
    "is_follow_up": pl.Boolean,
    "imaging_date": pl.Date,
    "imaging_days": pl.Float64,
    "target_sum_from_lesions_or_record_mm": pl.Float64,
    "nadir_sum_mm": pl.Float64,
    "baseline_sum_mm": pl.Float64,
    "target_response": pl.String,
    "non_target_response": pl.String,
    "has_new_lesion_listed_or_recorded": pl.Boolean,
    "treated_target_number": pl.Int64,
    "is_complete_list": pl.Boolean,
    "is_refuting_list": pl.Boolean,
    "derived_response": pl.String,
    "recorded_response": pl.String,
    "recorded_response_before": pl.String,
    "is_recorded_set_aside": pl.Boolean,
    "has_lesions": pl.Boolean,
    "has_response_record": pl.Boolean,
    "unlisted_target_number": pl.Int64,
    "assessment_gap_days": pl.Float64,
    "has_partial_response_before": pl.Boolean,
    "has_progressed_before": pl.Boolean,
    "response": pl.String,
    "response_source": pl.String,
    "imaging_progression_date": pl.Date,
    "imaging_progression_days": pl.Float64,
    "reader_has_baseline_imaging": pl.Boolean,
    "reader_baseline_imaging_date": pl.Date,
    "is_counted": pl.Boolean,
})  # fmt: skip


def derive_assessment(
    lesion: pl.DataFrame,
    response: pl.DataFrame,
    procedure: pl.DataFrame,
    patients: pl.DataFrame,
    *,
    lists_every_new_lesion: bool = False,
) -> pl.DataFrame:
    """Return one row per patient, visit, reader and criteria (`ASSESSMENT_SCHEMA`), sorted by these.

    `patients`: patient_id, first_line_start_date and `baseline_lesion_number` (liver lesions and metastases that the patient has,
    null where not known), one row each. `lists_every_new_lesion`: the hospital's word that it lists every new lesion, so that none
    listed means none. Responses are null where a visit is no follow-up, where nothing can be derived, or nothing is recorded.
    `is_counted` marks the readings that the patient's responses follow: RECIST 1.1, reader `site`, else the first by name.
    """
    start = patients.select("patient_id", "first_line_start_date")
    responses = place_responses(response, start)
    images = place_images(lesion, responses, start)
    visits = list_visits(images, responses)
    kept = images.join(visits.select(*READING, "is_follow_up"), on=READING, how="left", maintain_order="left").filter(
        pl.col("is_before_start") != pl.col("is_follow_up")
    )
    baseline = list_baseline(images)
    places = visits.select(
        *READING,
        "imaging_date",
        "imaging_days",
        "visit_position",
        "is_follow_up",
        "first_line_start_date",
        "has_lesions",
    )
    followed = mark_treated(follow_lesions(places, baseline, kept), procedure)
    readings = (
        visits.join(summarise_lesions(followed), on=READING, how="left")
        .join(find_new_lesions(places, kept, images), on=READING, how="left")
        .join(summarise_baseline(baseline, images, responses), on=SERIES, how="left")
        .join(patients.select("patient_id", "baseline_lesion_number"), on="patient_id", how="left")
        .sort(*SERIES, "visit_position")
    )
    known = _derive_evidence(_derive_sums(readings), lists_every_new_lesion=lists_every_new_lesion)
    counted = _date_progression(_choose_in_turn(known))
    return _derive_course(counted).sort(READING).select(ASSESSMENT_SCHEMA.names()).cast(ASSESSMENT_SCHEMA)


def _derive_sums(readings: pl.DataFrame) -> pl.DataFrame:
    """Add the sum of what was assessed, the complete sum and the nadir, from lesions or as recorded."""
    has_listed_target = pl.col("target_number").fill_null(0) > pl.col("unlisted_target_number").fill_null(0)
    from_lesions = pl.col("is_from_lesions")
    # A recorded sum may hold the treated target too: that it has grown all the same is a progression, and all it can show.
    untouched_sum_mm = pl.when(from_lesions).then("untouched_sum_mm").otherwise("reading_sum_mm")
    is_untouched_progression = recist.compute_is_target_progression(
        untouched_sum_mm, pl.col("nadir_sum_mm"), pl.col("min_increase_mm")
    )
    smallest_mm = (
        pl.when("is_follow_up")
        .then("target_sum_from_lesions_or_record_mm")
        .cum_min()
        .forward_fill()
        .shift(1)
        .over(SERIES)
    )
    return (
        readings.with_columns(
            pl.col("target_number", "target_unassessed_number").fill_null(0),
            pl.when("has_lesions").then(pl.col("unlisted_target_number").fill_null(0)),
            pl.col("treated_target_number", "listed_non_target_number").fill_null(0),
            is_from_lesions=has_listed_target | (pl.col("has_lesions") & pl.col("reading_sum_mm").is_null()),
        )
        .with_columns(
            assessed_sum_mm=pl.when(from_lesions).then("lesion_sum_mm").otherwise("reading_sum_mm"),
            is_sum_complete=pl.when(from_lesions)
            .then(pl.col("target_unassessed_number") == 0)
            .otherwise(pl.col("reading_sum_mm").is_not_null()),
            is_target_gone=pl.when(from_lesions).then("is_target_gone").otherwise(pl.col("reading_sum_mm") == 0),
            has_target=pl.when(from_lesions)
            .then(pl.col("target_number") > 0)
            .otherwise(pl.col("reading_sum_mm").is_not_null()),
        )
        .with_columns(
            target_sum_from_lesions_or_record_mm=pl.when(
                pl.col("is_sum_complete") & (pl.col("treated_target_number") == 0)
            ).then("assessed_sum_mm")
        )
        .with_columns(
            nadir_sum_mm=pl.when("is_follow_up").then(pl.min_horizontal("baseline_sum_mm", smallest_mm)),
            min_increase_mm=recist.compute_min_increase_mm(),
        )
        .with_columns(is_untouched_progression=is_untouched_progression.fill_null(value=False))
    )


def _derive_evidence(readings: pl.DataFrame, *, lists_every_new_lesion: bool) -> pl.DataFrame:
    """Add what targets, non-targets and new lesions show, each null where it is not known, and what follows of them."""
    can_derive = pl.col("is_follow_up") & ~pl.col("is_only_older").fill_null(value=False)
    is_listed_new = pl.col("is_small_node_only").is_not_null()
    word = pl.when(pl.lit(lists_every_new_lesion) & pl.col("has_lesions")).then(pl.lit(value=False))
    said_new_lesion = pl.coalesce("has_new_lesion_recorded", word)
    new_lesion = pl.when(is_listed_new).then(statement=True).otherwise(said_new_lesion)
    non_target = recist.compute_non_target_response(
        pl.col("has_non_target_progression"), pl.col("is_non_target_complete"), pl.col("is_non_target_gone")
    )
    return _derive_overall(
        readings.with_columns(
            can_derive=can_derive,
            has_said_of_new_lesions=said_new_lesion.is_not_null(),
            has_new_lesion_listed_or_recorded=new_lesion,
            target_response=pl.when(can_derive & (pl.col("has_target") | (pl.col("treated_target_number") > 0))).then(
                _compute_target_response()
            ),
            non_target_response=pl.when(can_derive & (pl.col("listed_non_target_number") > 0)).then(non_target),
        ).with_columns(
            is_complete_list=_compute_is_complete(), is_back=pl.lit(value=False), is_equivocal=pl.lit(value=False)
        )
    )


def _compute_target_response() -> pl.Expr:
    """The response of the targets; of a visit with a locally treated one NE, unless the others or that one itself show PD."""
    untreated = recist.compute_target_response(
        pl.col("assessed_sum_mm"),
        pl.col("is_sum_complete"),
        pl.col("is_target_gone"),
        pl.col("baseline_sum_mm"),
        pl.col("nadir_sum_mm"),
        pl.col("min_increase_mm"),
    )
    is_progression = pl.col("has_touched_progression") | pl.col("is_untouched_progression")
    treated = pl.when(is_progression).then(pl.lit(Response.PD.value)).otherwise(pl.lit(Response.NE.value))
    return pl.when(pl.col("treated_target_number") > 0).then(treated).otherwise(untreated)


def _compute_is_complete() -> pl.Expr:
    """Whether targets, non-targets and new lesions are known (protocol, "Response and evidence")."""
    listed = pl.col("baseline_target_number") + pl.col("baseline_non_target_number") > 0
    has_none = (
        (pl.col("baseline_target_number") > 0)
        & (pl.col("baseline_lesion_number") <= pl.col("baseline_target_number"))
        & ~pl.col("has_unclear_lesion")
    )
    knows_non_targets = (
        pl.when(pl.col("baseline_non_target_number") > 0)
        .then(pl.col("non_target_response").is_not_null() & ~pl.col("has_unclear_lesion"))
        .otherwise(has_none)
    )
    return (
        pl.col("can_derive")
        & pl.col("has_lesions")
        & listed
        & knows_non_targets.fill_null(value=False)
        & pl.col("has_new_lesion_listed_or_recorded").is_not_null()
    )


def _derive_overall(readings: pl.DataFrame) -> pl.DataFrame:
    """Add `derived_response`: PD where anything shows it, NE beside a locally treated target, else of a complete list."""
    overall = recist.compute_overall_response(
        pl.col("target_response"), pl.col("non_target_response"), pl.col("has_new_lesion_listed_or_recorded")
    )
    shows_progression = ((overall == Response.PD.value) | pl.col("is_back")).fill_null(value=False)
    derived = (
        pl.when(shows_progression)
        .then(pl.lit(Response.PD.value))
        .when(pl.col("treated_target_number") > 0)
        .then(pl.lit(Response.NE.value))
        .when("is_complete_list")
        .then(overall)
    )
    return readings.with_columns(derived_response=pl.when("can_derive").then(derived))


def _choose_responses(readings: pl.DataFrame) -> pl.DataFrame:
    """Add the response that counts and its source: derived PD, recorded PD that stands, complete list, recorded, targets."""
    recorded, derived, target = pl.col("counted_record"), pl.col("derived_response"), pl.col("target_response")
    is_pd = (derived == Response.PD.value).fill_null(value=False)
    is_recorded_pd = (recorded == Response.PD.value).fill_null(value=False) & pl.col("is_follow_up")
    is_open = (pl.col("target_unassessed_number") > 0) | (pl.col("treated_target_number") > 0)
    is_refuting = (
        pl.col("is_complete_list")
        & ~derived.is_in([Response.PD.value, Response.NE.value])
        & ~is_open
        & ((pl.col("baseline_target_number") > 0) | pl.col("reading_sum_mm").is_null())
        & ~pl.col("has_new_lesion_listed_or_recorded").fill_null(value=True)
        & ~pl.col("is_equivocal")
        & ~pl.col("has_target_called_progression")
        & pl.col("is_non_target_complete")
    )
    stands = (is_recorded_pd & ~is_refuting) | ((recorded == Response.NE.value).fill_null(value=False) & is_open)
    substitute = target.replace(Response.CR.value, Response.PR.value)
    takes_record = ~is_pd & (stands | (derived.is_null() & recorded.is_not_null())) & pl.col("is_follow_up")
    response = pl.when(takes_record).then(recorded).otherwise(pl.coalesce(derived, substitute))
    return readings.with_columns(
        is_refuting_list=is_refuting.fill_null(value=False),
        is_recorded_set_aside=is_recorded_pd & is_refuting.fill_null(value=False),
        response=pl.when("is_follow_up").then(response),
        response_source=pl.when(pl.col("is_follow_up") & response.is_not_null()).then(
            pl.when(takes_record).then(pl.lit(Evidence.RECORDED_RESPONSE.value)).otherwise(_compute_shown_by())
        ),
    )


def _compute_shown_by() -> pl.Expr:
    is_new = pl.col("has_new_lesion_listed_or_recorded").fill_null(value=False)
    is_non_target = (pl.col("non_target_response") == Response.PD.value).fill_null(value=False)
    is_target = (pl.col("target_response") == Response.PD.value).fill_null(value=False)
    is_target_back = pl.col("is_back") & pl.col("has_target_left").fill_null(value=False)
    is_other_back = pl.col("is_back") & pl.col("has_non_target_left").fill_null(value=False)
    is_other_sign = is_non_target | is_other_back | is_new
    is_by_sum = ~pl.col("is_from_lesions") & pl.col("reading_sum_mm").is_not_null()
    return (
        pl.when("is_complete_list")
        .then(pl.lit(Evidence.COMPLETE_LIST.value))
        .when(is_target_back | ((is_target | ~is_other_sign) & ~is_by_sum))
        .then(pl.lit(Evidence.TARGETS.value))
        .when(is_non_target | is_other_back)
        .then(pl.lit(Evidence.NON_TARGETS.value))
        .when(is_new)
        .then(pl.lit(Evidence.NEW_LESION.value))
        .otherwise(pl.lit(Evidence.TARGET_SUM.value))
    )


def _choose_in_turn(known: pl.DataFrame) -> pl.DataFrame:
    """Choose the responses, of which each depends on whether the one before is a CR, until none changes any more."""
    chosen = _choose_responses(known)
    was_complete = _find_complete_before(chosen)
    while True:
        chosen = _choose_responses(_derive_after_complete_response(known.with_columns(was_complete)))
        if was_complete.equals(now := _find_complete_before(chosen)):
            return chosen
        was_complete = now


def _compute_is_left() -> pl.Expr:
    return (pl.col("has_target_left") | pl.col("has_non_target_left")).fill_null(value=False)


def _find_complete_before(readings: pl.DataFrame) -> pl.Series:
    """Whether the last evaluable response before each visit is a CR that no lesion contradicts, as `was_complete`."""
    is_evaluable = pl.col("response").is_not_null() & (pl.col("response") != Response.NE.value)
    is_complete = pl.when(is_evaluable).then((pl.col("response") == Response.CR.value) & ~_compute_is_left())
    before = is_complete.forward_fill().shift(1).over(SERIES).fill_null(value=False)
    return readings.select(was_complete=before)["was_complete"]


def _derive_after_complete_response(readings: pl.DataFrame) -> pl.DataFrame:
    """After a CR a lesion that is back is PD; a new small node as the only sign is equivocal until the next assessment."""
    is_back = pl.col("was_complete") & _compute_is_left() & pl.col("can_derive")
    has_other_sign = is_back | pl.any_horizontal(
        pl.col("target_response") == Response.PD.value, pl.col("non_target_response") == Response.PD.value
    ).fill_null(value=False)
    is_equivocal = (
        pl.col("was_complete")
        & ~has_other_sign
        & pl.col("is_small_node_only").fill_null(value=False)
        & ~pl.col("is_small_node_confirmed").fill_null(value=False)
    )
    marked = readings.with_columns(
        is_back=is_back,
        is_equivocal=is_equivocal,
        has_new_lesion_listed_or_recorded=pl.when(is_equivocal)
        .then(pl.when("has_said_of_new_lesions").then(statement=False))
        .otherwise("has_new_lesion_listed_or_recorded"),
    )
    return _derive_overall(marked.with_columns(is_complete_list=_compute_is_complete()))


def _date_progression(readings: pl.DataFrame) -> pl.DataFrame:
    """Add day and date of a PD that counts: of the earliest image that suffices alone, else of the recorded response."""
    is_derived = pl.col("derived_response") == Response.PD.value
    is_target = (pl.col("target_response") == Response.PD.value) & is_derived
    is_new = pl.col("has_new_lesion_listed_or_recorded") & is_derived
    is_by_sum = is_target & ((pl.col("treated_target_number") == 0) | pl.col("is_untouched_progression"))
    shown = pl.min_horizontal(
        pl.when(is_new).then(
            pl.coalesce("new_lesion_date", pl.when(pl.col("is_small_node_only").is_null()).then("reading_date"))
        ),
        pl.when(is_derived).then("non_target_progression_date"),
        pl.when(is_by_sum).then(pl.when("is_from_lesions").then("target_date").otherwise("reading_date")),
        pl.when(is_target).then("touched_progression_date"),
        pl.when("is_back").then(pl.min_horizontal("target_left_date", "non_target_left_date")),
    )
    date = pl.when(pl.col("response") == Response.PD.value).then(
        pl.when(is_derived)
        .then(pl.coalesce(shown, "imaging_date"))
        .otherwise(pl.coalesce("reading_date", "imaging_date"))
    )
    days = (date - pl.col("first_line_start_date")).dt.total_days().cast(pl.Float64)
    return readings.with_columns(
        imaging_progression_date=date,
        imaging_progression_days=pl.when(pl.col("response") == Response.PD.value).then(
            pl.coalesce(days, "reading_days", "imaging_days")
        ),
    )


def _derive_course(readings: pl.DataFrame) -> pl.DataFrame:
    """Add what the series' earlier visits hold, whether they were sent as lesions or as readings."""
    date, days = pl.col("imaging_date"), pl.col("imaging_days")
    gap_days = pl.coalesce(date.diff().dt.total_days().cast(pl.Float64), days.diff())
    return readings.with_columns(shown_response=pl.coalesce("derived_response", "target_response")).with_columns(
        assessment_gap_days=gap_days.over(SERIES),
        recorded_response_before=pl.col("recorded_response").forward_fill().shift(1).over(SERIES),
        has_partial_response_before=_compute_was_before("shown_response", Response.PR),
        has_progressed_before=_compute_was_before("derived_response", Response.PD)
        | _compute_was_before("recorded_response", Response.PD),
        is_counted=_compute_is_counted(),
    )


def _compute_is_counted() -> pl.Expr:
    by_recist = pl.col("criteria") == ResponseCriteria.RECIST_1_1.value
    reader = pl.col("reader").filter(by_recist)
    return by_recist & (pl.col("reader") == reader.sort_by(reader != SITE_READER, reader).first().over("patient_id"))


def _compute_was_before(name: str, response: Response) -> pl.Expr:
    """Whether an earlier visit of the series has this response; the visits are in the order of their days."""
    is_it = ((pl.col(name) == response.value) & pl.col("is_follow_up")).fill_null(value=False).cast(pl.Int8)
    return is_it.cum_max().shift(1, fill_value=0).over(SERIES).cast(pl.Boolean)
