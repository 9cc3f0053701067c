"""The faults planted in Sun Yat-sen University's REDCap export."""

from __future__ import annotations

from etl.example.fault_texts import (
    both,
    facts,
    filled,
    from_last_contact,
    from_start,
    has,
    is_alive,
    is_dead,
    is_later_visit,
    is_stable,
    moved,
)
from etl.example.faults import CopiedRow, Fault

_NEW_LESION = (
    "recorded_response_agrees_with_lesions",
    "progression_agrees_with_lesions",
    "progression_flag_agrees_with_lesions",
)

FAULTS: tuple[Fault | CopiedRow, ...] = (
    Fault("missing field", "baseline", "has_portal_hypertension", "", "baseline.has_portal_hypertension.missing", reason="incomplete"),
    Fault("missing field", "patient", "sex", "", "patient.sex.missing", reason="incomplete"),
    Fault("impossible value", "baseline", "tumour_size_cm", "860", "baseline.tumour_size_cm.range", reason="incomplete"),
    Fault("unknown code", "outcome", "vital_status", "7", "outcome.vital_status.code", reason="incomplete"),
    Fault("unreadable date", "lesion", "assessment_date", "2020-02-30", "lesion.assessment_date.unreadable", (), has(visit_number=1)),
    Fault("unknown code", "adverse_event", "term", "88", "adverse_event.term.code"),
    Fault("impossible value", "laboratory", "platelets_10e9_l", "21500", "laboratory.value.range", (), is_later_visit, "eligible"),
    Fault("implausible value", "laboratory", "ast_u_l", "2600", "laboratory.value.implausible", (), is_later_visit, "eligible"),
    CopiedRow("identical duplicate", "laboratory", "laboratory.key.duplicate", reason="eligible"),
    CopiedRow("conflicting duplicate", "response", "response.key.duplicate", {"recorded_response": "5"}, points_at_both=True),
    CopiedRow("record of an unknown patient", "lesion", "lesion.patient.unknown", local_id="9901"),
    Fault("value in a foreign column", "procedure", "les_mm", "12.5", "cell.stray"),
    Fault("portal hypertension against its pressure", "baseline", "has_portal_hypertension", "19", "portal_hypertension_agrees_with_hvpg", (), has(has_portal_hypertension=False), column="hvpg"),
    Fault("stage against liver function", "baseline", "bclc_stage", "3", "bclc_d_with_end_stage", (), reason="child_pugh_c"),
    Fault("performance status of the dead", "baseline", "ecog_status", "5", "ecog_is_not_death", (), reason="ecog_above_0"),
    Fault("virus without antigen", "baseline", "hbsag", "0", "hbsag_agrees_with_hbv_dna", (), facts(lambda f: isinstance(f["hbv_dna_iu_ml"], float) and f["hbv_dna_iu_ml"] > 2000)),
    Fault("birth in another century", "patient", "birth_date", lambda p, _r: p.facts["birth_date"].replace(year=p.facts["birth_date"].year - 100, day=1).isoformat(), "age_is_plausible"),
    Fault("target too small", "lesion", "diameter_mm", "6.5", "target_is_measurable", ("diameter_change_is_plausible",), lambda _p, r: r["visit_number"] == 0 and r["role"] == "target" and r["organ"] == "lung" and r["diameter_mm"] < 18),
    Fault("cm for mm", "lesion", "diameter_mm", lambda _p, r: f"{r['diameter_mm'] / 10:.2f}", "diameter_change_is_plausible", (), lambda _p, r: r["visit_number"] == 1 and r["organ"] == "lymph_node" and (r["diameter_mm"] or 0) > 32),
    Fault("measured without diameter", "lesion", "diameter_mm", "", "lesion_status_agrees_with_diameter", (), lambda _p, r: r["visit_number"] == 2 and r["organ"] == "adrenal" and r["role"] == "target"),
    Fault("death before start", "outcome", "death_date", from_start(-15), "death_not_before_start", ("death_is_last_contact",), is_dead),
    Fault("procedure after death", "procedure", "procedure_date", from_last_contact(8), "procedure_not_after_last_contact", ("procedure_dates_follow_numbers",), is_dead),
    Fault("grade 5 while alive", "adverse_event", "grade", "5", "event_grade_5_is_dead", (), both(is_alive, lambda _p, r: r["term"] in ("hypertension", "diarrhoea"))),
    Fault("event before start", "adverse_event", "onset_date", from_start(-12), "event_not_before_start"),
    Fault("antibody dose", "treatment", "initial_dose_mg", "20", "antibody_dose_is_plausible", (), has(initial_dose_mg=200.0)),
    Fault("combination not together", "treatment", "start_date", moved("start_date", 45), "combination_starts_together", (), has(initial_dose_mg=200.0)),
    Fault("late baseline sample", "laboratory", "sample_date", from_start(-70), "baseline_sample_near_start", (), has(visit_number=0)),
    Fault("progression unflagged", "outcome", "has_progressed", "0", "progression_date_means_progressed", ("progression_flag_agrees_with_lesions",), filled("progression_date")),
    Fault("new lesion without progression", "response", "recorded_response", "1", "new_lesion_is_progression", _NEW_LESION, is_stable, column="rs_new"),
    Fault("missing field", "patient", "diagnosis_date", "", "patient.diagnosis_date.missing"),
)  # fmt: skip
