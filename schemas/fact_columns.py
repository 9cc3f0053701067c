"""Every column of the frames of facts: what other records say about a record, for rules that compare them with each other."""

from __future__ import annotations

import polars as pl

from schemas.column import Column

EVENT_FACTS: dict[str, Column] = {
    "patient_id": Column(pl.String, "pseudonym of the patient"),
    "event_number": Column(pl.Int64, "adverse event of ALT, AST, bilirubin or platelets"),
    "sample_value": Column(
        pl.Float64, "value nearest to the onset, at most 3 days away, of two equally near the worse; empty for a bound"
    ),
    "worst_value": Column(
        pl.Float64, "worst value from 3 days before the onset to the resolution; bounds are left out"
    ),
    "has_next_event_within": Column(
        pl.Boolean,
        "another event of the same term begins before this one resolves; empty where a day is missing that would decide",
    ),
    "baseline_value": Column(pl.Float64, "value of the baseline; empty for a bound"),
}

LABORATORY_FACTS: dict[str, Column] = {
    "patient_id": Column(pl.String, "pseudonym of the patient"),
    "test": Column(pl.String, "test with a baseline value"),
    "baseline_sample_date": Column(
        pl.Date,
        "date of the baseline sample: the last one in the 28 days before the start (AFP, HBV DNA: 90), or on its day",
    ),
    "baseline_sample_value": Column(pl.Float64, "its value, 0 where nothing was detected; empty where values disagree"),
    "baseline_sample_comparator": Column(pl.String, "its sign"),
    "has_baseline_conflict": Column(
        pl.Boolean, "values of that day lead to different levels, ALBI grades or Child-Pugh classes; none counts"
    ),
}

LESION_FACTS: dict[str, Column] = {
    "patient_id": Column(pl.String, "pseudonym of the patient"),
    "visit_number": Column(pl.Int64, "visit"),
    "reader": Column(pl.String, "reader"),
    "lesion_id": Column(pl.String, "the lesion"),
    "is_before_start": Column(pl.Boolean, "its image is from the day of the start or earlier"),
    "merged_into_role": Column(pl.String, "role, at this visit, of the lesion with which it has merged"),
    "has_whole_at_baseline": Column(pl.Boolean, "the lesion of which it is a fragment is listed before therapy"),
}

RESPONSE_FACTS: dict[str, Column] = {
    "patient_id": Column(pl.String, "pseudonym of the patient"),
    "visit_number": Column(pl.Int64, "visit; 0 is the baseline"),
    "reader": Column(pl.String, "reader"),
    "listed_new_lesion_number": Column(pl.Int64, "new lesions that the reader lists and sees at the visit"),
    "first_lesion_image_date": Column(pl.Date, "first day of the images of the reader's lesions at the visit"),
    "last_lesion_image_date": Column(pl.Date, "last day of them"),
}

PATIENT_FACTS: dict[str, Column] = {
    "patient_id": Column(pl.String, "pseudonym of the patient"),
    "first_procedure_date": Column(pl.Date, "first procedure listed, of any kind"),
    "first_resection_date": Column(pl.Date, "first resection listed"),
    "first_ablation_date": Column(pl.Date, "first ablation listed"),
    "first_unnamed_treatment_date": Column(pl.Date, "first resection, ablation or radiotherapy that names no lesion"),
    "first_event_onset_date": Column(pl.Date, "onset of the first adverse event listed"),
    "has_bilirubin_event": Column(pl.Boolean, "an adverse event of bilirubin is listed"),
    "baseline_outside_lesion_number": Column(
        pl.Int64,
        "lesions outside the liver listed at the baseline (the reader with fewest); empty without lesions there",
    ),
    "baseline_portal_vein_lesion_number": Column(
        pl.Int64, "lesions of the portal vein listed at the baseline, the same"
    ),
    "baseline_non_target_number": Column(pl.Int64, "non-targets listed at the baseline, the same"),
    "first_missing_diameter_date": Column(
        pl.Date, "first image on which a target that is there has no diameter; empty where every one has"
    ),
    "has_peritoneal_metastasis": Column(pl.Boolean, "the peritoneum is among the organs with metastases"),
}

TREATMENT_FACTS: dict[str, Column] = {
    "patient_id": Column(pl.String, "pseudonym of the patient"),
    "line_number": Column(pl.Int64, "line of therapy"),
    "drug": Column(pl.String, "drug"),
    "earlier_line_start_date": Column(pl.Date, "latest start among the lines before"),
    "earlier_line_end_date": Column(pl.Date, "latest last dose among the lines before"),
    "later_line_start_date": Column(pl.Date, "first dose of any later line"),
    "is_in_earlier_line_too": Column(
        pl.Boolean,
        "the drug stands in an earlier line with days in common; empty where a day is missing that would decide",
    ),
    "repeats_line_before": Column(pl.Boolean, "the line has the very drugs of the line before"),
}

PROCEDURE_FACTS: dict[str, Column] = {
    "patient_id": Column(pl.String, "pseudonym of the patient"),
    "procedure_number": Column(pl.Int64, "procedure that names a lesion"),
    "named_lesion_organ": Column(pl.String, "organ of that lesion"),
    "is_named_lesion_listed": Column(pl.Boolean, "the lesion is listed at some visit"),
    "named_lesion_share_left": Column(
        pl.Float64,
        "diameter at the lesion's first image 17 days or more after the procedure, over its last one up to its day; of several readers the largest",
    ),
}

METASTASIS_FACTS: dict[str, Column] = {
    "patient_id": Column(pl.String, "pseudonym of the patient"),
    "organ": Column(pl.String, "organ outside the liver"),
    "listed_lesion_number": Column(pl.Int64, "lesions listed there at the baseline (the reader with fewest)"),
}

FACT_COLUMNS: dict[str, dict[str, Column]] = {
    "adverse_event_facts": EVENT_FACTS,
    "laboratory_facts": LABORATORY_FACTS,
    "response_facts": RESPONSE_FACTS,
    "patient_facts": PATIENT_FACTS,
    "treatment_facts": TREATMENT_FACTS,
    "procedure_facts": PROCEDURE_FACTS,
    "metastasis_facts": METASTASIS_FACTS,
    "lesion_facts": LESION_FACTS,
}
