"""The text of a record by which it is told apart where a part of its key is missing.

Findings of such a record carry a hash of this text in their id, and hospitals answer findings by their id. So the text
of a record that says the same must stay the same whatever becomes of the contract: the fields that the tables began with
stand here in the order of then, for good, also one that is dropped; a field that came later counts only where it is
filled, under its name.
"""

from __future__ import annotations

import polars as pl

FIRST_FIELDS: dict[str, tuple[str, ...]] = {
    "adverse_event": (
        "event_number", "term", "grade", "onset_date", "resolved_date", "ctcae_version",
    ),
    "baseline": (
        "bclc_stage", "ecog_status", "child_pugh_class", "ascites", "encephalopathy_grade",
        "has_extrahepatic_metastasis", "has_vena_cava_or_atrium_tumour", "pvtt_type", "has_portal_vein_thrombosis",
        "pvtt_text", "tumour_size_cm", "tumour_size_text", "tumour_number", "metastasis_site_number", "hbsag",
        "has_antiviral_therapy", "has_cirrhosis", "hvpg_mmhg", "has_portal_hypertension", "has_tace",
        "body_weight_kg",
    ),
    "laboratory": (
        "visit_number", "test", "sample_date", "value", "value_comparator",
    ),
    "lesion": (
        "visit_number", "reader", "lesion_id", "assessment_date", "modality", "role", "organ", "status",
        "diameter_mm", "viable_diameter_mm", "is_tace_treated", "has_grown_since_tace",
    ),
    "metastasis": (
        "organ", "lesion_number",
    ),
    "outcome": (
        "vital_status", "last_contact_date", "death_date", "has_progressed", "progression_date",
        "overall_survival_days", "progression_days",
    ),
    "patient": (
        "person_id", "birth_date_is_of_national_id", "sex_is_of_national_id", "sex", "birth_date", "age_years",
        "diagnosis_date", "tumour_type", "diagnosis_basis", "is_unresectable", "is_recurrent",
        "has_other_malignancy",
    ),
    "procedure": (
        "procedure_number", "procedure", "procedure_date",
    ),
    "response": (
        "visit_number", "reader", "criteria", "assessment_date", "assessment_days", "target_sum_mm",
        "has_new_lesion", "recorded_response",
    ),
    "treatment": (
        "line_number", "drug", "start_date", "end_date", "initial_dose_mg", "stop_reason",
    ),
}  # fmt: skip
"""Not to be extended: a table that is not here has only fields that came later."""

_BETWEEN = "\x1f"


def compute_row_text(table: str, columns: list[str]) -> pl.Expr:
    """Return the text of each record (String), from the texts of the contract's fields among `columns`, in any order."""
    first = FIRST_FIELDS.get(table, ())
    texts = [pl.col(name).fill_null("") if name in columns else pl.lit("") for name in first]
    later = [
        pl.when(pl.col(name) != "").then(pl.format(f"{_BETWEEN}{name}={{}}", pl.col(name))).otherwise(pl.lit(""))
        for name in sorted(set(columns) - set(first))
    ]
    return pl.concat_str([pl.concat_str(texts, separator=_BETWEEN) if texts else pl.lit(""), *later])


def normalise_cell(text: pl.Expr) -> pl.Expr:
    """Return a cell as it is compared with what was written of it before: spreadsheet programs change blanks and line ends."""
    return text.fill_null("").str.replace_all(r"\s+", " ").str.strip_chars()
