"""From the accepted tables of one hospital to one row per patient, one per assessment, one per criterion.

Every definition is computed here, once, before the load; SQL only joins, filters and counts. Frames are eager, keyed by
`patient_id` and sorted, because polars' lazy engine promises no row order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import polars as pl

from schemas.codes import Comparator, Response, ResponseCriteria, VitalStatus
from schemas.definitions import baseline, child_pugh, course_facts, endpoints
from schemas.definitions.albi import compute_albi_score, compute_bounded_albi_grade
from schemas.definitions.assessment import derive_assessment
from schemas.definitions.laboratory_baseline import derive_baseline_samples, derive_laboratory
from schemas.definitions.procedures import compute_has_tace_with_therapy, derive_procedures
from schemas.definitions.progression import derive_first_progression
from schemas.definitions.progression_free_survival import derive_pfs_censoring
from schemas.definitions.record_facts import (
    derive_event_facts,
    derive_lesion_facts,
    derive_record_facts,
    derive_response_facts,
    fill_count,
    list_lesions_at_baseline,
    place_by_recist,
)
from schemas.definitions.records_before import add_image_before, add_sample_neighbours
from schemas.definitions.response_alternatives import WINDOWS, derive_alternatives
from schemas.definitions.study_period import DAYS_PER_MONTH, FOLLOW_UP_CLOSE
from schemas.definitions.treatment import derive_first_line, derive_next_line
from schemas.definitions.tumour_size import compute_text_lesion_number, compute_text_size_cm
from schemas.definitions.veins import VEIN_FACTS, compute_vein_reading
from schemas.derived_columns import MONTH_DATES, SUBJECT_COLUMNS
from schemas.rules import CRITERIA
from schemas.rules.rule import SUBJECT

Tables = Mapping[str, pl.DataFrame]

PATIENT_COLUMNS = (
    "hospital", "patient_id", "person_id", "source_row", "sex", "birth_date", "diagnosis_date", "tumour_type",
    "diagnosis_basis", "is_unresectable", "is_recurrent", "has_other_malignancy",
)  # fmt: skip
BASELINE_COLUMNS = (
    "bclc_stage", "ecog_status", "has_extrahepatic_metastasis", "has_vena_cava_or_atrium_tumour", "tumour_number",
    "metastasis_site_number", "hbsag", "has_antiviral_therapy", "has_cirrhosis", "has_portal_vein_thrombosis", "has_tace",
    "body_weight_kg", "ascites", "encephalopathy_grade",
)  # fmt: skip
READING_KEY = ["patient_id", "visit_number", "reader", "criteria"]
FACT_KEYS = {
    "adverse_event": ["patient_id", "event_number"],
    "laboratory": ["patient_id", "test"],
    "response": READING_KEY[:3],
    "lesion": [*READING_KEY[:3], "lesion_id"],
    "treatment": course_facts.TREATMENT_KEY,
    "procedure": ["patient_id", "procedure_number"],
    "metastasis": ["patient_id", "organ"],
}
NEIGHBOURS = {"laboratory": add_sample_neighbours, "lesion": add_image_before}
"""Of these tables a rule sees what the records before and after say, and in `is_as_before` whether a record says what the one before it said."""

_FEW_RECORDS = 500


def derive(
    tables: Tables,
    *,
    sent: Collection[str],
    months: pl.DataFrame | None = None,
    lists_every_new_lesion: bool = False,
) -> dict[str, pl.DataFrame]:
    """Return `subject`, `assessment` and `eligibility` of one hospital, and the facts that only rules need.

    `tables` holds all ten source tables in contract types, any of them empty. `sent` are the tables that the hospital
    sends, also where no patient here has a record: only of these is a missing record known to be missing. `months` are the dates
    of which only the month is known (`MONTH_DATES`), None where all are known to the day. `lists_every_new_lesion` is the hospital's word that
    a lesion it does not list is not there. Each patient's
    rows are those of the whole hospital whichever other patients are here. `subject` has one row per patient record,
    `assessment` one per patient, visit, reader and criteria, `eligibility` one per patient and criterion (is_met null:
    unknown). `<table>_facts` hold, under a key of that table's records, what other tables say about them. All are sorted
    by patient_id.
    """
    first_line = derive_first_line(tables["treatment"])
    samples = derive_baseline_samples(tables["laboratory"], tables["baseline"], first_line)
    subject = _derive_disease(tables, first_line, samples, sent)
    assessment = derive_assessment(
        tables["lesion"],
        tables["response"],
        tables["procedure"],
        subject.select("patient_id", "first_line_start_date", baseline_lesion_number=_count_baseline_lesions()),
        lists_every_new_lesion=lists_every_new_lesion,
    )
    subject = _derive_outcome(subject, tables["outcome"], assessment.filter("is_counted"))
    subject = derive_alternatives(subject, assessment)
    subject = _count_months(subject, pl.DataFrame(schema=MONTH_DATES) if months is None else months)
    images = place_by_recist(
        tables["lesion"], tables["response"], subject.select("patient_id", "first_line_start_date")
    )
    at_baseline = list_lesions_at_baseline(images)
    subject = derive_record_facts(subject, tables, at_baseline, sent).select(*SUBJECT_COLUMNS).sort("patient_id")
    return {
        "subject": subject,
        "assessment": assessment,
        "eligibility": derive_eligibility(subject),
        "adverse_event_facts": derive_event_facts(tables["adverse_event"], tables["laboratory"], samples),
        "laboratory_facts": samples,
        "response_facts": derive_response_facts(tables["lesion"]),
        "lesion_facts": derive_lesion_facts(images, tables["lesion"]),
        "patient_facts": course_facts.derive_patient_facts(tables, at_baseline),
        "treatment_facts": course_facts.derive_treatment_facts(tables["treatment"]),
        "procedure_facts": course_facts.derive_procedure_facts(tables["procedure"], tables["lesion"]),
        "metastasis_facts": course_facts.derive_metastasis_facts(at_baseline),
    }


def _count_months(subject: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    counted = months.group_by("patient_id").agg(pl.len().cast(pl.Int64).alias("month_date_number"))
    joined = subject.join(counted, on="patient_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("month_date_number").fill_null(0))


def derive_eligibility(subject: pl.DataFrame) -> pl.DataFrame:
    """Return hospital, patient_id, criterion_id, criterion_order, is_met: one row per patient and criterion."""
    steps = sorted(CRITERIA.values(), key=lambda c: c.order)
    verdicts = [
        subject.select(
            "hospital",
            "patient_id",
            criterion_id=pl.lit(step.criterion_id, dtype=pl.String),
            criterion_order=pl.lit(step.order, dtype=pl.Int64),
            is_met=step.expression().cast(pl.Boolean),
        )
        for step in steps
    ]
    return pl.concat(verdicts).sort("patient_id", "criterion_order")


def join_subject(table_name: str, records: pl.DataFrame, derived: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the records of one table, in order, with the facts that a rule may need beside them: see `join_lazily`."""
    return join_lazily(table_name, records.lazy(), {name: frame.lazy() for name, frame in derived.items()}).collect()


def join_lazily(table_name: str, records: pl.LazyFrame, derived: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return the records of one table, in order, with the facts that a rule may need beside them.

    Added are the columns of `subject` by patient_id, for `response` and `lesion` (read by RECIST 1.1) those of the
    assessment, the table's own facts where there are any (`FACT_KEYS`), those of the patient, and what neighbours say (`NEIGHBOURS`). A column
    that the table has itself is not added: it would say the same, since a derived column has the name of a field only where it is that field carried over.
    For `subject` it is the subject frame itself. Lazy, so that of a large hospital only what is read is joined.
    """
    if table_name == SUBJECT:
        return derived[SUBJECT]
    joined = records
    if table_name in ("response", "lesion"):
        joined = _join_assessment(joined, derived["assessment"])
    if table_name in FACT_KEYS:
        joined = _add_facts(joined, derived[f"{table_name}_facts"], FACT_KEYS[table_name])
    if table_name in NEIGHBOURS:
        joined = NEIGHBOURS[table_name](joined)
    joined = _add_facts(joined, derived["patient_facts"], ["patient_id"])
    return _add_facts(joined, derived[SUBJECT], ["patient_id"])


def _join_assessment(records: pl.LazyFrame, assessment: pl.LazyFrame) -> pl.LazyFrame:
    if "criteria" in records.collect_schema():
        return _add_facts(records, assessment, READING_KEY)
    by_recist = assessment.filter(pl.col("criteria") == ResponseCriteria.RECIST_1_1.value).drop("criteria")
    return _add_facts(records, by_recist, READING_KEY[:3])


def _add_facts(records: pl.LazyFrame, facts: pl.LazyFrame, key: list[str]) -> pl.LazyFrame:
    own = records.collect_schema()
    new = [name for name in facts.collect_schema() if name not in own]
    return records.join(facts.select(*key, *new), on=key, how="left", maintain_order="left")


def _derive_disease(
    tables: Tables, first_line: pl.DataFrame, samples: pl.DataFrame, sent: Collection[str]
) -> pl.DataFrame:
    """One row per patient: who, first line, baseline disease, laboratory and the 17 levels."""
    patient = tables["patient"].select(*PATIENT_COLUMNS, stated_age_years="age_years")
    next_line = derive_next_line(tables["treatment"])
    subject = (
        patient.join(first_line, on="patient_id", how="left")
        .join(next_line, on="patient_id", how="left")
        .join(_prepare_baseline(tables["baseline"]), on="patient_id", how="left")
        .join(derive_laboratory(samples), on="patient_id", how="left")
        .join(baseline.derive_metastasis(tables["metastasis"]), on="patient_id", how="left")
        .join(derive_procedures(tables["procedure"], first_line, next_line), on="patient_id", how="left")
    )
    return (
        subject.with_columns(
            age_at_start_years=baseline.compute_age_years(
                pl.col("birth_date"), pl.col("first_line_start_date"), pl.col("stated_age_years")
            ),
            metastasis_site_number_from_total_or_organs=pl.coalesce(
                "metastasis_site_number", "metastasis_lesion_number"
            ),
            tace_number=fill_count("tace_number", is_sent="procedure" in sent),
            combined_tace_number=fill_count("combined_tace_number", is_sent="procedure" in sent),
            metastasis_organ_number=fill_count("metastasis_organ_number", is_sent="metastasis" in sent),
        )
        .with_columns(
            has_tace_with_therapy=compute_has_tace_with_therapy(),
            **_compute_liver_function(),
            **child_pugh.compute_possible_classes(),
        )
        .with_columns(
            child_pugh_class_from_points_or_record=child_pugh.compute_class_from_points_or_record(
                pl.col("recorded_child_pugh_class")
            ),
            child_pugh_class_source=child_pugh.compute_class_source(pl.col("recorded_child_pugh_class")),
        )
        .with_columns(**baseline.compute_levels())
    )


def _prepare_baseline(records: pl.DataFrame) -> pl.DataFrame:
    read = records.with_columns(compute_vein_reading(pl.col("pvtt_text")).alias("vein_reading")).unnest("vein_reading")
    read = _read_distinct(
        read,
        "tumour_size_text",
        tumour_size_text_cm=compute_text_size_cm,
        tumour_size_text_number=compute_text_lesion_number,
    )
    return read.select(
        "patient_id",
        *BASELINE_COLUMNS,
        *VEIN_FACTS,
        recorded_child_pugh_class="child_pugh_class",
        tumour_size_from_number_or_text_cm=pl.coalesce("tumour_size_cm", "tumour_size_text_cm"),
        tumour_size_text_cm="tumour_size_text_cm",
        tumour_size_text_number="tumour_size_text_number",
        pvtt_text_type="pvtt_text_type",
        pvtt_type_from_text_or_code=pl.coalesce("pvtt_text_type", "pvtt_type"),
        has_portal_hypertension_from_hvpg_or_flag=baseline.compute_has_portal_hypertension(
            pl.col("hvpg_mmhg"), pl.col("has_portal_hypertension")
        ),
        has_baseline_record=pl.lit(value=True),
    )


def _read_distinct(records: pl.DataFrame, text: str, **definitions: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    """Add what the definitions make of a column of texts, each text read once."""
    said = {name: read(pl.col(text)) for name, read in definitions.items()}
    if records.height <= _FEW_RECORDS:  # finding the distinct texts would cost more than reading some twice
        return records.with_columns(**said)
    read = records.select(text).unique().with_columns(**said)
    return records.join(read, on=text, how="left", nulls_equal=True, maintain_order="left")


def _compute_liver_function() -> dict[str, pl.Expr]:
    """ALBI score, ALBI grade and Child-Pugh points; a bound such as `<3` has no score, but may have a grade and points."""
    bilirubin, albumin = pl.col("bilirubin_umol_l"), pl.col("albumin_g_l")
    signs = pl.col("bilirubin_comparator"), pl.col("albumin_comparator")
    is_exact = pl.all_horizontal(sign.fill_null(Comparator.EQUAL.value) == Comparator.EQUAL.value for sign in signs)
    return {
        "albi_score": pl.when(is_exact).then(compute_albi_score(bilirubin, albumin)),
        "albi_grade": compute_bounded_albi_grade(bilirubin, signs[0], albumin, signs[1]),
        "child_pugh_points": child_pugh.compute_child_pugh_points(),
    }


def _summarise_readings(readings: pl.DataFrame) -> pl.DataFrame:
    """Per patient: baseline imaging, the last recorded CR or PR and the last adequate assessment of the reader who counts."""
    is_later = pl.col("is_follow_up")
    is_objective = pl.col("recorded_response").is_in([Response.CR.value, Response.PR.value])
    is_adequate = is_later & (pl.col("response") != Response.NE.value)
    return readings.group_by("patient_id", maintain_order=True).agg(
        has_baseline_imaging=pl.col("reader_has_baseline_imaging").any(),
        baseline_imaging_date=pl.col("reader_baseline_imaging_date").min(),
        follow_up_assessment_number=is_later.sum().cast(pl.Int64),
        last_objective_response_date=pl.col("imaging_date").filter(is_later & is_objective).max(),
        last_adequate_assessment_days=pl.col("imaging_days").filter(is_adequate).max(),
    )


def _count_baseline_lesions() -> pl.Expr:
    """Liver lesions and metastases that the patient has, null where one of the two numbers is not known."""
    return pl.col("tumour_number") + pl.col("metastasis_site_number_from_total_or_organs")


def _derive_outcome(subject: pl.DataFrame, outcome: pl.DataFrame, readings: pl.DataFrame) -> pl.DataFrame:
    """Add vital status, first progression, treatment time, OS, PFS and the responses at 3 and 6 months."""
    later = readings.filter("is_follow_up").sort("patient_id", "visit_position")
    recorded = outcome.select(
        "patient_id",
        "last_contact_date",
        "death_date",
        "has_progressed",
        "progression_date",
        "progression_basis",
        "overall_survival_days",
        recorded_progression_days="progression_days",
        is_dead=pl.col("vital_status") == VitalStatus.DEAD.value,
        has_outcome_record=pl.lit(value=True),
    )
    timed = (
        subject.join(recorded, on="patient_id", how="left")
        .join(_summarise_readings(readings), on="patient_id", how="left")
        .pipe(_derive_times)
        .pipe(derive_first_progression, later)
        .pipe(_derive_endpoints)
    )
    timed = derive_pfs_censoring(timed, later)
    clock = timed.select(
        "patient_id",
        "first_progression_days",
        "first_progression_source",
        "death_days",
        is_timed=pl.col("last_contact_days").is_not_null(),
    )
    for window, name in WINDOWS:
        at_window = endpoints.derive_response_at(later, clock, window, name)
        timed = timed.join(at_window, on="patient_id", how="left")
    seen = endpoints.select_until_progression(later)
    until = seen.join(clock.select("patient_id", "first_progression_days"), on="patient_id", how="left").filter(
        (pl.col("imaging_days") <= pl.col("first_progression_days")).fill_null(value=True)
    )
    for derive_course in (
        endpoints.derive_best_response,
        endpoints.derive_confirmed_best_response,
        endpoints.derive_tumour_course,
    ):
        timed = timed.join(derive_course(until), on="patient_id", how="left")
    return timed


def _derive_times(subject: pl.DataFrame) -> pl.DataFrame:
    """Add days from the start, from dates where the hospital sends them, else from durations."""
    start = pl.col("first_line_start_date")
    contact = pl.coalesce("last_contact_date", pl.when("is_dead").then("death_date"))
    is_dated = start.is_not_null() & contact.is_not_null()
    treated_until = pl.when(pl.col("is_treatment_ongoing")).then(contact).otherwise(pl.col("treatment_end_date"))
    return (
        subject.with_columns(
            last_contact_or_death_date=contact,
            time_source=pl.when(is_dated)
            .then(pl.lit("dates"))
            .when(pl.col("overall_survival_days").is_not_null())
            .then(pl.lit("durations")),
        )
        .with_columns(
            last_contact_days=pl.when(pl.col("time_source") == "dates")
            .then(endpoints.compute_days_between(start, pl.col("last_contact_or_death_date")))
            .otherwise("overall_survival_days"),
            close_days=endpoints.compute_days_between(start, pl.lit(FOLLOW_UP_CLOSE)),
            treatment_days=endpoints.compute_days_between(
                start, pl.when(treated_until > FOLLOW_UP_CLOSE).then(pl.lit(FOLLOW_UP_CLOSE)).otherwise(treated_until)
            ),
        )
        .with_columns(
            death_days=pl.when("is_dead").then(
                pl.coalesce(endpoints.compute_days_between(start, pl.col("death_date")), "last_contact_days")
            ),
            treatment_months=pl.col("treatment_days") / DAYS_PER_MONTH,
        )
    )


def _derive_endpoints(subject: pl.DataFrame) -> pl.DataFrame:
    survival = (pl.col("is_dead"), pl.col("death_days"), pl.col("last_contact_days"), pl.col("close_days"))
    progression, is_undated = pl.col("first_progression_days"), pl.col("is_progression_undated")
    subject = subject.with_columns(
        os_days=endpoints.compute_os_days(*survival), os_event=endpoints.compute_os_event(*survival)
    )
    pfs_days = endpoints.compute_pfs_days(pl.col("os_days"), progression)
    pfs_event = endpoints.compute_pfs_event(pl.col("os_days"), pl.col("os_event"), progression)
    return subject.with_columns(
        pfs_days=pl.when(~is_undated).then(pfs_days), pfs_event=pl.when(~is_undated).then(pfs_event)
    )
