"""Facts about a patient's records, counted once, for rules that compare one table with another.

A count is null where the hospital sends no records of that kind at all (its mapping has none), and 0 where it does and the
patient has no record: only the latter is a contradiction. So is a `has_` column null or False.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from schemas.codes import INTRAHEPATIC_ORGANS, Comparator, LesionRole, LesionStatus, Organ, ResponseCriteria
from schemas.definitions.event_grade import PLATELETS, TEST_OF_TERM
from schemas.definitions.lesion_course import place_images
from schemas.definitions.readings import place_responses

FACT_TABLES = ("adverse_event", "laboratory", "treatment")
MAX_SAMPLE_DAYS = 3


def fill_count(name: str, *, is_sent: bool) -> pl.Expr:
    """Return the count with 0 for a patient without records, if the hospital sends such records at all."""
    return pl.col(name).fill_null(pl.lit(0 if is_sent else None, dtype=pl.Int64))


def derive_record_facts(
    subject: pl.DataFrame, tables: Mapping[str, pl.DataFrame], at_baseline: pl.DataFrame, sent: Collection[str]
) -> pl.DataFrame:
    """Return the subject frame with counts of records and the baseline lesions' number, size and organs.

    `at_baseline` are these lesions (`list_lesions_at_baseline`), `sent` the tables that the hospital sends; an assessment comes as lesions or as responses.
    """
    is_imaging_sent = not {"lesion", "response"}.isdisjoint(sent)
    for name in FACT_TABLES:
        counts = tables[name].group_by("patient_id", maintain_order=True).agg(pl.len().cast(pl.Int64).alias("n"))
        subject = subject.join(counts.rename({"n": f"{name}_number"}), on="patient_id", how="left").with_columns(
            fill_count(f"{name}_number", is_sent=name in sent)
        )
    return (
        subject.join(_summarise_liver_lesions(at_baseline), on="patient_id", how="left")
        .join(_count_unlisted_organs(at_baseline, tables["metastasis"]), on="patient_id", how="left")
        .with_columns(
            _fill_absent("has_baseline_record", is_sent="baseline" in sent),
            _fill_absent("has_outcome_record", is_sent="outcome" in sent),
            _fill_absent("has_baseline_imaging", is_sent=is_imaging_sent),
            fill_count("follow_up_assessment_number", is_sent=is_imaging_sent),
        )
    )


def _fill_absent(name: str, *, is_sent: bool) -> pl.Expr:
    return pl.col(name).fill_null(pl.lit(False if is_sent else None))


def place_by_recist(lesion: pl.DataFrame, response: pl.DataFrame, therapy_start: pl.DataFrame) -> pl.DataFrame:
    """Return the lesion records with the day of each one's image, and whether that is before therapy (`place_images`)."""
    placed = place_images(lesion, place_responses(response, therapy_start), therapy_start)
    return placed.filter(pl.col("criteria") == ResponseCriteria.RECIST_1_1.value)


def list_lesions_at_baseline(images: pl.DataFrame) -> pl.DataFrame:
    """Return one record per reader and lesion that is there before therapy: of its images up to day 0 the last that shows it.

    A lesion that is not assessed on an image is not judged by it; a new one before therapy is a contradiction of its own. `images` are those
    of `place_by_recist`.
    """
    is_open = (pl.col("status") == LesionStatus.NOT_ASSESSED.value) | (pl.col("role") == LesionRole.NEW.value)
    seen = images.filter(pl.col("is_before_start") & ~is_open.fill_null(value=False))
    return (
        seen.sort("patient_id", "reader", "lesion_id", "image_days", "visit_number", nulls_last=False)
        .unique(["patient_id", "reader", "lesion_id"], keep="last", maintain_order=True)
        .filter((pl.col("status") != LesionStatus.ABSENT.value).fill_null(value=True))
    )


def _summarise_liver_lesions(baseline_lesion: pl.DataFrame) -> pl.DataFrame:
    """Per patient: liver lesions by the reader who lists the fewest, the largest diameter (mm), those without a diameter.

    The most cautious reader is compared with the recorded baseline, so that readers who differ raise no finding.
    """
    is_liver = pl.col("organ") == Organ.LIVER.value
    readings = baseline_lesion.group_by("patient_id", "reader", maintain_order=True).agg(
        baseline_liver_lesion_number=is_liver.sum().cast(pl.Int64),
        baseline_liver_diameter_mm=pl.col("diameter_mm").filter(is_liver).max(),
        unmeasured_liver_lesion_number=(is_liver & pl.col("diameter_mm").is_null()).sum().cast(pl.Int64),
    )
    return readings.group_by("patient_id", maintain_order=True).agg(
        pl.col("baseline_liver_lesion_number", "baseline_liver_diameter_mm").min(),
        pl.col("unmeasured_liver_lesion_number").max(),
    )


def _count_unlisted_organs(baseline_lesion: pl.DataFrame, metastasis: pl.DataFrame) -> pl.DataFrame:
    """Per patient with metastasis records: extrahepatic organs that hold a lesion at the baseline and are not among them."""
    organs = baseline_lesion.filter(~pl.col("organ").is_in(INTRAHEPATIC_ORGANS)).select("patient_id", "organ").unique()
    listed = metastasis.select("patient_id", "organ", is_listed=pl.lit(value=True))
    return (
        organs.join(metastasis.select("patient_id").unique(), on="patient_id", how="semi")
        .join(listed, on=["patient_id", "organ"], how="left")
        .group_by("patient_id")
        .agg(unlisted_metastasis_organ_number=pl.col("is_listed").is_null().sum().cast(pl.Int64))
        .sort("patient_id")
    )


def derive_event_facts(adverse_event: pl.DataFrame, laboratory: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """Return patient_id, event_number and the laboratory values that belong to an event that CTCAE grades by a value.

    `sample_value` is from the sample nearest to the onset, at most 3 days away, of two equally near the worse;
    `worst_value` the worst from 3 days before the onset to the resolution, or to the last sample of an event that goes on;
    `baseline_value` that of the baseline (`samples`, as of `derive_baseline_samples`); `has_next_event_within` whether another event of the term begins before it resolves, null where a day is missing that would decide.
    All in the test's canonical unit; null where the value is a bound, which is never worst.
    """
    test = pl.col("term").replace_strict(TEST_OF_TERM, default=None)
    event = adverse_event.select("patient_id", "event_number", "onset_date", "resolved_date", test=test).filter(
        pl.col("test").is_not_null()
    )
    is_exact = pl.col("value_comparator").fill_null(Comparator.EQUAL.value) == Comparator.EQUAL.value
    measured = laboratory.filter(pl.col("value").is_not_null()).select(
        "patient_id",
        "test",
        "visit_number",
        "repeat_number",
        "sample_date",
        "value",
        exact_value=pl.when(is_exact).then("value"),
    )
    days = (pl.col("sample_date") - pl.col("onset_date")).dt.total_days()
    badness = pl.when(pl.col("test") == PLATELETS).then(-pl.col("value")).otherwise("value")
    is_during = (pl.col("days") >= -MAX_SAMPLE_DAYS) & (pl.col("sample_date") <= pl.col("resolved_date")).fill_null(
        value=True
    )
    is_near = pl.col("days").abs() <= MAX_SAMPLE_DAYS
    by_event = ["patient_id", "event_number"]
    values = (
        event.join(measured, on=["patient_id", "test"], how="inner")
        .with_columns(days=days, badness=badness)
        .sort(*by_event, "badness", "visit_number", "repeat_number", descending=[False, False, True, False, False])
        .group_by(by_event, maintain_order=True)
        .agg(
            sample_value=pl.col("exact_value")
            .filter(is_near)
            .sort_by(pl.col("days").filter(is_near).abs(), maintain_order=True)
            .first(),
            worst_value=pl.col("exact_value").filter(is_during & pl.col("exact_value").is_not_null()).first(),
        )
    )
    is_exact_baseline = pl.col("baseline_sample_comparator").fill_null(Comparator.EQUAL.value) == Comparator.EQUAL.value
    at_baseline = samples.select(
        "patient_id", "test", baseline_value=pl.when(is_exact_baseline).then("baseline_sample_value")
    )
    return (
        event.join(values, on=by_event, how="left")
        .join(_find_next_events(event), on=by_event, how="left")
        .join(at_baseline, on=["patient_id", "test"], how="left")
        .select(*by_event, "sample_value", "worst_value", "baseline_value", "has_next_event_within")
        .sort(by_event)
    )


def _find_next_events(event: pl.DataFrame) -> pl.DataFrame:
    """Per event: whether another event of the same test begins after its onset and up to its resolution."""
    next_onset = event.select("patient_id", "test", next_number="event_number", next_onset="onset_date")
    is_another = pl.col("next_number") != pl.col("event_number")
    is_within = (pl.col("next_onset") > pl.col("onset_date")) & (pl.col("next_onset") <= pl.col("resolved_date"))
    pairs = event.join(next_onset, on=["patient_id", "test"], how="left")
    return pairs.group_by("patient_id", "event_number", maintain_order=True).agg(
        has_next_event_within=(is_another & is_within).any(ignore_nulls=False)
    )


def derive_response_facts(lesion: pl.DataFrame) -> pl.DataFrame:
    """Return, per visit and reader, the new lesions that are listed and seen, and the first and last day of the images of its lesions."""
    is_unseen = pl.col("status").is_in(
        [LesionStatus.ABSENT.value, LesionStatus.NOT_ASSESSED.value, LesionStatus.EQUIVOCAL.value]
    )
    is_new = (pl.col("role") == LesionRole.NEW.value) & ~is_unseen.fill_null(value=False)
    return (
        lesion.group_by("patient_id", "visit_number", "reader", maintain_order=True)
        .agg(
            listed_new_lesion_number=is_new.sum().cast(pl.Int64),
            first_lesion_image_date=pl.col("assessment_date").min(),
            last_lesion_image_date=pl.col("assessment_date").max(),
        )
        .sort("patient_id", "visit_number", "reader")
    )


def derive_lesion_facts(images: pl.DataFrame, lesion: pl.DataFrame) -> pl.DataFrame:
    """Return patient_id, visit_number, reader, lesion_id, `is_before_start` and, of merged lesions and fragments, their other half.

    `is_before_start` is said of the lesion's own image (`place_by_recist`), not of its visit. `merged_into_role` is the role, at the
    visit, of the lesion with which it has merged; `has_whole_at_baseline` whether the reader lists the lesion that it was split
    from before therapy.
    """
    visit = ["patient_id", "visit_number", "reader"]
    wholes = images.filter("is_before_start").select("patient_id", "reader", "lesion_id").unique()
    return (
        images.select(*visit, "lesion_id", "is_before_start", "merged_into_lesion_id", "split_from_lesion_id")
        .join(
            lesion.select(*visit, merged_into_lesion_id="lesion_id", merged_into_role="role"),
            on=[*visit, "merged_into_lesion_id"],
            how="left",
        )
        .join(
            wholes.select(
                "patient_id", "reader", split_from_lesion_id="lesion_id", has_whole_at_baseline=pl.lit(value=True)
            ),
            on=["patient_id", "reader", "split_from_lesion_id"],
            how="left",
        )
        .select(*visit, "lesion_id", "is_before_start", "merged_into_role", "has_whole_at_baseline")
        .sort(*visit, "lesion_id")
    )
