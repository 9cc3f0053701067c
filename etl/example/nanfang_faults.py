"""The faults planted in Nanfang Hospital's workbook."""

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
    thrombus_words,
)
from etl.example.faults import CopiedRow, Fault

_COMPLETE = ("baseline_laboratory_is_complete",)

_NEW_LESION = (
    "recorded_response_agrees_with_lesions",
    "progression_agrees_with_lesions",
    "progression_flag_agrees_with_lesions",
)

FAULTS: tuple[Fault | CopiedRow, ...] = (
    Fault("missing field", "baseline", "tumour_number", "", "baseline.tumour_number.missing", reason="incomplete"),
    Fault("unknown code", "baseline", "has_cirrhosis", "可疑", "baseline.has_cirrhosis.code", reason="incomplete"),
    Fault(
        "unreadable value", "laboratory", "afp_ng_ml", "见附件", "laboratory.value.unreadable", _COMPLETE,
        has(visit_number=0), "incomplete",
    ),
    Fault(
        "missing laboratory value", "laboratory", "albumin_g_l", "", "baseline_laboratory_is_complete", (),
        has(visit_number=0), "incomplete", ("patient", ""),
    ),
    Fault("unreadable date", "adverse_event", "onset_date", "2020年13月45日", "adverse_event.onset_date.unreadable"),
    Fault(
        "impossible value", "laboratory", "alt_u_l", 99999, "laboratory.value.range", (), is_later_visit, "eligible"
    ),
    Fault(
        "unit slip", "laboratory", "albumin_g_l", 3.9, "laboratory.value.range", (), is_later_visit, "eligible"
    ),
    Fault(
        "unknown unit", "laboratory", "hbv_dna_iu_ml", "copies/mL", "laboratory.value.unit", _COMPLETE,
        both(facts(lambda f: f["hbsag"] == "positive" and isinstance(f["hbv_dna_iu_ml"], float))), column="单位",
    ),
    Fault("unknown code", "treatment", "stop_reason", "经济原因", "treatment.stop_reason.code", (), filled("stop_reason")),
    CopiedRow("identical duplicate", "treatment", "treatment.key.duplicate", reason="eligible"),
    CopiedRow(
        "conflicting duplicate", "procedure", "procedure.key.duplicate", {"procedure_date": moved("procedure_date", 3)},
        consequences=("tace_yes_has_procedure",), points_at_both=True,
    ),
    CopiedRow("missing patient number", "adverse_event", "adverse_event.key.missing", local_id=""),
    CopiedRow("record of an unknown patient", "procedure", "procedure.patient.unknown", local_id="00999901"),
    Fault(
        "death before start", "outcome", "death_date", from_start(-40), "death_not_before_start",
        ("death_is_last_contact",), is_dead,
    ),
    Fault("response against lesions", "response", "recorded_response", "PR", "recorded_response_agrees_with_lesions", (), is_stable),
    Fault(
        "thrombus code against text", "baseline", "pvtt_type", "Ⅳ型", "pvtt_code_agrees_with_text", (), has(pvtt_type="II")
    ),
    Fault(
        "dose against weight", "treatment", "initial_dose_mg", 12, "lenvatinib_dose_agrees_with_weight", (),
        has(drug="lenvatinib", initial_dose_mg=8.0),
    ),
    Fault("grade 5 while alive", "adverse_event", "grade", 5, "event_grade_5_is_dead", (), both(is_alive, has(term="hypertension"))),
    Fault(
        "procedure after death", "procedure", "procedure_date", from_last_contact(12), "procedure_not_after_last_contact",
        ("procedure_dates_follow_numbers",), is_dead,
    ),
    Fault("implausible value", "baseline", "body_weight_kg", 172.0, "baseline.body_weight_kg.implausible"),
    Fault("telephone number in free text", "baseline", "pvtt_text", thrombus_words("（家属电话13800138000）"), "text.personal_data"),
    Fault(
        "TACE flag without procedure", "baseline", "has_tace", "是", "tace_yes_has_procedure", (), has(has_tace=False)
    ),
    Fault("new lesion without progression", "response", "recorded_response", "是", "new_lesion_is_progression", _NEW_LESION, is_stable, column="新病灶"),
    Fault("not detected where impossible", "laboratory", "alt_u_l", "未检出", "not_detected_is_possible", (), is_later_visit, "eligible"),
    Fault("diagnosis after start", "patient", "diagnosis_date", from_start(20), "diagnosis_not_after_start"),
    Fault("stated age against birth date", "patient", "age_years", 33, "age_agrees_with_birth_date"),
    Fault("resolved before onset", "adverse_event", "resolved_date", moved("onset_date", -9), "event_resolved_after_onset", (), filled("resolved_date")),
    Fault("lesion changes organ", "lesion", "organ", "肺", "lesion_organ_is_constant", (), has(visit_number=2, organ="lymph_node")),
)  # fmt: skip
