"""Constraints that were written from the data dictionary alone, before any rule was read, are asked about. SYNTHETIC EXAMPLE DATA."""

import pytest

from patients.blind import BLIND, draw_blind_patient, read_blind_constraints
from patients.delivery import ask

N_PATIENTS = 5
ASKED_BY = {
    "B01": {"encephalopathy_agrees_with_ecog"},
    "B02": {"hbsag_agrees_with_hbv_dna"},
    "B03": {"pt_agrees_with_inr"},
    "B04": {"imaging_diagnosis_has_a_risk"},
    "B05": {"portal_hypertension_agrees_with_hvpg"},
    "B06": {"grade_agrees_with_value"},
    "B07": {"fatal_event_has_no_recovery"},
    "B08": {"age_agrees_with_birth_date"},
    "B09": {"lenvatinib_dose_agrees_with_weight", "sorafenib_dose_is_plausible"},
    "B10": {"first_line_has_one_of_each"},
    "B11": {"stopped_for_death_is_dead"},
    "B12": {"lesion_fits_its_organ"},
    "B13": {"diameter_change_is_plausible"},
    "B14": {"resected_lesion_is_gone"},
    "B15": {"tace_treated_lesion_has_tace"},
    "B16": {"portal_vein_lesion_is_thrombus"},
    "B17": {"afp_fall_is_plausible"},
    "B18": {"bclc_d_has_a_reason"},
    "B19": {"progression_agrees_with_lesions", "progression_is_not_contradicted"},
    "B20": {"procedure_not_before_diagnosis", "recurrence_agrees_with_procedures"},
}
"""Rules of which one must ask about it; another question of the same patient is not enough. The rules of B14 and B17 came after the list, all others were there before."""


@pytest.fixture(scope="module")
def asked():
    """Per constraint what is asked of each patient who breaks it and was not asked of the same one before."""
    drawn = [(name, *draw_blind_patient(name, i)) for name in BLIND for i in range(N_PATIENTS)]
    of_right, of_wrong = ask([right for _, right, _ in drawn]), ask([wrong for *_, wrong in drawn])
    questions = {name: [] for name in BLIND}
    for (name, *_), before, after in zip(drawn, of_right, of_wrong, strict=True):
        questions[name].append(after - before)
    return questions


def test_every_blind_constraint_can_be_broken():
    assert read_blind_constraints() == list(BLIND) == list(ASKED_BY)


@pytest.mark.parametrize("constraint", read_blind_constraints())
def test_whoever_breaks_a_blind_constraint_is_asked_about_it(asked, constraint):
    rules = [
        {question.rule_id for question in questions if question.severity != "note"} for questions in asked[constraint]
    ]
    assert len(rules) == N_PATIENTS
    assert all(ASKED_BY[constraint] & found for found in rules), rules
