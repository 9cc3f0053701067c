"""The faults planted in Hunan Provincial People's Hospital's text files."""

from __future__ import annotations

from datetime import date

from etl.example.chinese import PVTT_WORDS
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
from etl.example.people import make_national_id

_WHOLE_PATIENT = (
    "baseline.key.duplicate", "metastasis.key.duplicate",
    *(f"{table}.parent" for table in (
        "baseline", "metastasis", "laboratory", "lesion", "response", "treatment", "procedure", "adverse_event", "outcome",
    )),
)  # fmt: skip

FAULTS: tuple[Fault | CopiedRow, ...] = (
    Fault("dose against weight", "treatment", "initial_dose_mg", "12", "lenvatinib_dose_agrees_with_weight", (), has(drug="lenvatinib", initial_dose_mg=8.0)),
    Fault("too small a target", "lesion", "diameter_mm", "7", "target_is_measurable", ("diameter_change_is_plausible",), lambda _p, r: r["visit_number"] == 0 and r["role"] == "target" and r["organ"] == "lung" and r["diameter_mm"] < 16),
    Fault("stopped by death while alive", "treatment", "stop_reason", "死亡", "stopped_for_death_is_dead", (), both(is_alive, filled("stop_reason"))),
    Fault("unreadable value", "baseline", "tumour_size_cm", "约8×7", "baseline.tumour_size_cm.unreadable", reason="incomplete"),
    Fault("thrombus not readable", "baseline", "pvtt_text", "详见影像报告", "pvtt_text_is_readable", reason="incomplete"),
    Fault("missing field", "baseline", "hbsag", "", "baseline.hbsag.missing", reason="incomplete"),
    Fault("missing date", "outcome", "last_contact_date", "", "outcome.last_contact_date.missing", ("death_is_last_contact",), is_alive, "incomplete"),
    Fault("unreadable date", "laboratory", "sample_date", "二月底", "laboratory.sample_date.unreadable", (), is_later_visit, "eligible"),
    Fault("unit slip", "laboratory", "albumin_g_l", "38.5", "laboratory.value.range", (), is_later_visit, "eligible"),
    Fault("unknown code", "patient", "diagnosis_basis", "院外诊断", "patient.diagnosis_basis.code"),
    CopiedRow(
        "conflicting duplicate patient", "patient", "patient.key.duplicate", {"diagnosis_date": moved("diagnosis_date", -30)}, consequences=_WHOLE_PATIENT,
        points_at_both=True, wanted=is_dead,
    ),
    CopiedRow("repeated event", "adverse_event", "event_is_not_repeated", {"event_number": "90"}),
    CopiedRow("repeated procedure", "procedure", "procedure_is_not_repeated", {"procedure_number": "90"}, consequences=("procedure_dates_follow_numbers",)),
    CopiedRow("record of an unknown patient", "response", "response.patient.unknown", local_id="HN-99999"),
    CopiedRow("missing patient number", "treatment", "treatment.key.missing", local_id=""),
    Fault(
        "name in free text", "baseline", "pvtt_text",
        lambda patient, _record: f"{patient.known_identity.name}：{PVTT_WORDS[patient.facts['pvtt_type']][0]}", "text.personal_data",
    ),
    Fault(
        "id-card number in free text", "baseline", "pvtt_text", thrombus_words(f"（配偶证件{make_national_id(date(1965, 4, 9), 777)}）"),
        "text.personal_data",
    ),
    Fault("Child-Pugh class against its parts", "baseline", "child_pugh_class", "A级", "child_pugh_agrees_with_components", ("albi_3_is_not_child_pugh_a",), facts(lambda f: f["child_pugh_class"] == "B")),
    Fault("stage against spread", "baseline", "bclc_stage", "A期", "bclc_c_with_spread", (), both(facts(lambda f: f["bclc_stage"] == "C" and f["has_extrahepatic_metastasis"]))),
    Fault("TACE without flag", "baseline", "has_tace", "无", "tace_no_has_no_procedure", (), facts(lambda f: f["has_tace"])),
    Fault("death without date", "outcome", "death_date", "", "death_has_date", ("outcome.death_date.missing",), is_dead),
    Fault("dead and alive", "outcome", "vital_status", "存活", "death_date_means_dead", (), is_dead),
    Fault("end before start", "treatment", "end_date", from_start(-6), "treatment_end_not_before_start", (), both(filled("end_date"), has(line_number=1))),
    Fault("impossible dose", "treatment", "initial_dose_mg", "1600", "sorafenib_dose_is_plausible", (), has(drug="sorafenib")),
    Fault("grade that does not exist", "adverse_event", "grade", "4", "grade_exists_for_term", (), has(term="hand_foot_skin_reaction")),
    Fault("sample after last contact", "laboratory", "sample_date", from_last_contact(30), "sample_not_after_last_contact", (), is_later_visit),
    Fault("event after last contact", "adverse_event", "onset_date", from_last_contact(5), "event_not_after_last_contact", ("event_resolved_after_onset",), is_dead),
    Fault("response against lesions", "response", "recorded_response", "PD", "recorded_response_agrees_with_lesions", (), is_stable),
    Fault("number against organs", "baseline", "metastasis_site_number", "40", "metastasis_number_agrees_with_organs", (), facts(lambda f: f["has_extrahepatic_metastasis"])),
    Fault("unreadable value", "baseline", "tumour_number", "多发", "baseline.tumour_number.unreadable"),
    Fault("imaging before diagnosis", "response", "assessment_date", moved("assessment_date", 700), "response_not_after_last_contact", ("response_dates_follow_visits",), is_stable),
)  # fmt: skip
