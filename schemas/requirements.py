"""What the study must know of a patient, and in which fields it stands: nobody may leave for want of it unasked.

Source: the study's protocol, "Bounds": whoever is unknown at a criterion is asked about something; E4 for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import polars as pl

from schemas.codes import LabTest
from schemas.rules import CRITERIA, eligibility

Place = tuple[str, str]
"""A table and one of its fields; of the laboratory a test."""


@dataclass(frozen=True)
class Requirement:
    """One thing to know. `is_unknown` is an expression over the subject table; it stands in any of `places`, the first before all."""

    name: str
    is_unknown: pl.Expr
    places: tuple[Place, ...]


_LABORATORY = "laboratory"
_CONTACT: tuple[Place, ...] = tuple(
    ("outcome", name) for name in ("last_contact_date", "death_date", "overall_survival_days")
)  # fmt: skip
_START: tuple[Place, ...] = (("treatment", "start_date"),)
_END: tuple[Place, ...] = (("treatment", "end_date"), ("treatment", "stop_reason"))
RECORD_RULES = {
    "baseline": ("baseline_is_recorded",),
    "outcome": ("outcome_is_recorded",),
    "treatment": ("first_line_is_recorded",),
    "laboratory": ("baseline_laboratory_is_complete",),
    "metastasis": ("metastasis_flag_agrees_with_organs",),
    "lesion": ("baseline_imaging_is_recorded",),
    "response": ("baseline_imaging_is_recorded",),
}
"""Rules that ask for records of a table as a whole, and so for each of its fields."""
_LIVER: tuple[Place, ...] = (
    ("baseline", "child_pugh_class"),
    ("baseline", "ascites"),
    ("baseline", "encephalopathy_grade"),
    *((_LABORATORY, test.value) for test in (LabTest.BILIRUBIN, LabTest.ALBUMIN, LabTest.INR, LabTest.PT_PROLONGATION)),
)
_STAYS_UNJUDGED = {
    "is_unresectable": ("i1_primary_unresectable_hcc", "patient"),
    "tumour_type": ("i1_primary_unresectable_hcc", "patient"),
    "diagnosis_basis": ("i1_primary_unresectable_hcc", "patient"),
    "bclc_stage": ("i2_bclc_c_with_metastasis", "baseline"),
    "has_extrahepatic_metastasis": ("i2_bclc_c_with_metastasis", "baseline"),
    "ecog_status": ("i3_liver_function_and_ecog", "baseline"),
    "has_other_malignancy": ("i4_no_other_malignancy", "patient"),
    "is_recurrent": ("e1_not_recurrent", "patient"),
}
"""Fields that a criterion asks for as they are."""
_LEVELS: dict[str, tuple[Place, ...]] = {
    "sex_level": (("patient", "sex"),),
    "alt_level": ((_LABORATORY, LabTest.ALT.value),),
    "ast_level": ((_LABORATORY, LabTest.AST.value),),
    "tace_level": (("baseline", "has_tace"),),
    "tumour_size_level": (("baseline", "tumour_size_cm"), ("baseline", "tumour_size_text")),
    "tumour_number_level": (("baseline", "tumour_number"),),
    "afp_level": ((_LABORATORY, LabTest.AFP.value),),
    "pvtt_level": (("baseline", "pvtt_type"), ("baseline", "pvtt_text")),
    "albi_level": ((_LABORATORY, LabTest.ALBUMIN.value), (_LABORATORY, LabTest.BILIRUBIN.value)),
    "metastasis_organs_level": (("metastasis", "organ"), ("baseline", "has_extrahepatic_metastasis")),
    "metastasis_sites_level": (("baseline", "metastasis_site_number"), ("metastasis", "lesion_number")),
    "hbsag_level": (("baseline", "hbsag"),),
    "hbv_dna_level": (
        (_LABORATORY, LabTest.HBV_DNA.value), (_LABORATORY, LabTest.HBV_DNA_COPIES.value), ("baseline", "hbsag"),
    ),
    "antiviral_level": (("baseline", "has_antiviral_therapy"),),
    "cirrhosis_level": (("baseline", "has_cirrhosis"),),
    "portal_hypertension_level": (("baseline", "has_portal_hypertension"), ("baseline", "hvpg_mmhg")),
}  # fmt: skip
"""The characteristics of Table 1 and where they stand; the age is a criterion of its own."""


@cache
def list_requirements() -> tuple[Requirement, ...]:
    """Return all that is needed: what the criteria ask, of everybody; what complete data need besides, of whoever comes so far (E4)."""
    c = pl.col
    is_needed_at_end = _is_open("e5_followed_3_months") | _comes_to_e4()
    is_needed_for_therapy = _is_open("x1_treated_3_months") & c("is_treatment_ongoing")
    # Where the start is unknown it is asked for by itself: what is counted from it is not asked for again.
    has_start, has_contact = c("first_line_start_date").is_not_null(), c("last_contact_or_death_date").is_not_null()
    child_pugh = c("child_pugh_class_from_points_or_record").is_null()
    return (
        *(
            Requirement(name, _is_open(criterion) & c(name).is_null(), ((table, name),))
            for name, (criterion, table) in _STAYS_UNJUDGED.items()
        ),
        Requirement("child_pugh_class", _is_open("i3_liver_function_and_ecog") & child_pugh, _LIVER),
        Requirement(
            "age",
            _is_open("e2_age_18_to_75") & c("birth_date").is_null(),
            (("patient", "birth_date"), ("patient", "age_years")),
        ),
        Requirement(
            "has_vena_cava_or_atrium_tumour",
            _is_open("e3_no_vena_cava_or_atrium_tumour"),
            (("baseline", "has_vena_cava_or_atrium_tumour"), ("baseline", "pvtt_text")),
        ),
        Requirement("vital_status", is_needed_at_end & c("is_dead").is_null(), (("outcome", "vital_status"),)),
        Requirement(
            "last_contact",
            (is_needed_at_end | is_needed_for_therapy) & c("last_contact_days").is_null() & ~has_contact,
            _CONTACT,
        ),
        Requirement(
            "treatment_end", _is_open("x1_treated_3_months") & has_start & ~c("is_treatment_ongoing"), _END
        ),
        Requirement("arm", c("arm").is_null(), (("treatment", "line_number"), ("treatment", "drug"))),
        Requirement("treatment_start", _is_open("start_in_enrolment_window"), _START),
        *(Requirement(name, _comes_to_e4() & c(name).is_null(), places) for name, places in _LEVELS.items()),
        Requirement(
            "baseline_imaging",
            _comes_to_e4() & ~c("has_baseline_imaging").fill_null(value=False),
            (("lesion", "assessment_date"), ("response", "assessment_date")),
        ),
    )  # fmt: skip


def _is_open(criterion_id: str) -> pl.Expr:
    return CRITERIA[criterion_id].expression().is_null()


def _comes_to_e4() -> pl.Expr:
    """Nobody who is known to be removed by an earlier step leaves for incomplete data."""
    e4 = CRITERIA[eligibility.e4_complete_data.__name__].order
    earlier = (step.expression() for step in CRITERIA.values() if step.order < e4)
    return pl.all_horizontal(~(~verdict).fill_null(value=False) for verdict in earlier)
