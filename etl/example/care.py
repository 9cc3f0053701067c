"""Systemic therapy, procedures, adverse events, laboratory values and outcome of an invented patient."""

from __future__ import annotations

import numpy as np

from etl.example.baseline import PD1_DOSES_MG
from etl.example.grading import find_graded_value, find_lowest_grade
from etl.example.model import Record, SyntheticPatient
from schemas.codes import Drug, LabTest

_KINASE_INHIBITOR = {"sora_pd1": Drug.SORAFENIB, "len_pd1": Drug.LENVATINIB}
LATER_TESTS = ("alt_u_l", "ast_u_l", "bilirubin_umol_l", "albumin_g_l", "afp_ng_ml", "platelets_10e9_l")
"""What is measured at the visits after the baseline."""
_EVENTS = {  # term: chance with sorafenib, chance with lenvatinib, highest grade CTCAE defines (at most 4 drawn)
    "hand_foot_skin_reaction": (0.47, 0.25, 3),
    "hypertension": (0.20, 0.38, 4),
    "diarrhoea": (0.36, 0.31, 4),
    "fatigue": (0.31, 0.33, 3),
    "decreased_appetite": (0.25, 0.33, 4),
    "rash": (0.22, 0.15, 4),
    "proteinuria": (0.06, 0.21, 3),
    "hypothyroidism": (0.09, 0.16, 4),
    "alt_increased": (0.22, 0.20, 4),
    "ast_increased": (0.25, 0.23, 4),
    "bilirubin_increased": (0.17, 0.14, 4),
    "platelets_decreased": (0.12, 0.17, 4),
    "pneumonitis": (0.02, 0.03, 4),
    "nausea": (0.14, 0.16, 3),
}
_GRADES = (0.48, 0.32, 0.17, 0.03)


def add_care_records(rng: np.random.Generator, patient: SyntheticPatient) -> None:
    """Add the records of the tables treatment, procedure, adverse_event, laboratory and outcome."""
    patient.records["treatment"] = _draw_treatment(rng, patient)
    patient.records["procedure"] = _draw_procedures(rng, patient)
    patient.records["adverse_event"] = _draw_events(rng, patient)
    patient.records["laboratory"] = _draw_laboratory(rng, patient)
    patient.records["outcome"] = [_make_outcome(patient)]


def first_line_drugs(patient: SyntheticPatient) -> list[str]:
    """Return the drugs of the first line: the combination of the arm unless the facts name others."""
    combination = [_KINASE_INHIBITOR.get(patient.arm), patient.facts["pd1_drug"]]
    return patient.facts.get("first_line", [str(drug) for drug in combination if drug])


def _draw_treatment(rng: np.random.Generator, patient: SyntheticPatient) -> list[Record]:
    course = patient.course
    has_progressed = 0 < course.progression_visit * course.visit_gap_days <= course.treatment_days + 3
    reason = "progression" if has_progressed else "patient_choice"
    if course.is_dead and course.treatment_days == course.last_contact_days:
        reason = "death"
    end = None if course.is_ongoing else patient.day(course.treatment_days)
    records: list[Record] = [
        {
            "line_number": 1,
            "drug": drug,
            "start_date": patient.start,
            "end_date": end,
            "initial_dose_mg": _first_dose(drug, patient.facts["body_weight_kg"]),
            "stop_reason": None if course.is_ongoing else reason,
        }
        for drug in first_line_drugs(patient)
    ]
    room = course.last_contact_days - course.treatment_days
    if reason == "progression" and not course.is_ongoing and room > 40 and rng.random() < 0.3:
        begin = course.treatment_days + int(rng.integers(5, 30))
        second = {"line_number": 2, "drug": "other", "start_date": patient.day(begin), "initial_dose_mg": None}
        until_death = {"end_date": patient.day(course.last_contact_days), "stop_reason": "death"}
        records.append(second | (until_death if course.is_dead else {"end_date": None, "stop_reason": None}))
    return records


def _first_dose(drug: str, body_weight_kg: float | None) -> float | None:
    if drug == Drug.LENVATINIB:
        return 12.0 if (body_weight_kg or 60) >= 60 else 8.0
    if drug == Drug.SORAFENIB:
        return 800.0
    return float(PD1_DOSES_MG[Drug(drug)]) if drug in PD1_DOSES_MG else None


def _draw_procedures(rng: np.random.Generator, patient: SyntheticPatient) -> list[Record]:
    """Draw one to four TACE sessions where the patient had TACE, 5-9 weeks apart."""
    if not patient.facts["has_tace"]:
        return []
    latest = patient.course.last_contact_days - 2
    day = int(rng.integers(3, min(35, max(latest, 4))))
    days = [day]
    for _ in range(int(rng.integers(0, 4))):
        day += int(rng.integers(35, 64))
        if day < latest:
            days.append(day)
    return [
        {"procedure_number": i, "procedure": "tace", "procedure_date": patient.day(d)} for i, d in enumerate(days, 1)
    ]


def _draw_events(rng: np.random.Generator, patient: SyntheticPatient) -> list[Record]:
    is_lenvatinib = Drug.LENVATINIB in first_line_drugs(patient)
    version = {"nanfang": "5.0", "hunan": "4.03", "sysu": "5.0"}[patient.hospital]
    events: list[Record] = []
    for term, (sorafenib, lenvatinib, highest) in _EVENTS.items():
        if rng.random() >= (lenvatinib if is_lenvatinib else sorafenib):
            continue
        onset = int(rng.integers(3, max(patient.course.treatment_days, 5)))
        resolved = onset + int(rng.integers(7, 45))
        is_open = resolved > patient.course.last_contact_days or rng.random() < 0.15
        events.append(
            {
                "term": term,
                "grade": max(
                    min(highest, 1 + int(rng.choice(4, p=_GRADES))), find_lowest_grade(patient, term, version)
                ),
                "onset_date": patient.day(onset),
                "resolved_date": None if is_open else patient.day(resolved),
                "ctcae_version": version,
            }
        )
    events.sort(key=lambda event: event["onset_date"])
    return [{"event_number": i} | event for i, event in enumerate(events, 1)]


def _draw_laboratory(rng: np.random.Generator, patient: SyntheticPatient) -> list[Record]:
    """Draw the baseline values within two weeks before the start, and two later visits of fewer tests."""
    sampled = patient.day(-int(rng.integers(1, 14)))
    records = [
        {"visit_number": 0, "test": str(test), "sample_date": sampled, "value": patient.facts[test]}
        for test in LabTest
        if patient.facts.get(test) is not None
    ]
    for response in patient.records["response"][:2]:
        for test in LATER_TESTS:
            value = _drift(rng, test, patient.facts.get(test))
            if value is not None:
                day = response["assessment_date"]
                visit = {"visit_number": response["visit_number"], "test": test, "sample_date": day}
                records.append(visit | {"value": find_graded_value(patient, test, day) or value})
    return records


def _drift(rng: np.random.Generator, test: str, value: float | str | None) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    spread = {"albumin_g_l": 0.04, "afp_ng_ml": 0.4}.get(test, 0.15)
    drifted = value * float(np.exp(np.clip(rng.normal(0, spread), -0.6, 0.6)))
    decimals = 0 if test in ("alt_u_l", "ast_u_l", "platelets_10e9_l") else 1
    low, high = {"albumin_g_l": (19, 52), "bilirubin_umol_l": (4, 200)}.get(test, (3, 900000))
    return round(float(np.clip(drifted, low, high)), decimals)


def _make_outcome(patient: SyntheticPatient) -> Record:
    course = patient.course
    last = patient.day(course.last_contact_days)
    shown = [r["assessment_date"] for r in patient.records["response"] if r["recorded_response"] == "PD"]
    return {
        "vital_status": "dead" if course.is_dead else "alive",
        "last_contact_date": last,
        "death_date": last if course.is_dead else None,
        "has_progressed": bool(shown),
        "progression_date": shown[0] if shown else None,
        "overall_survival_days": float(course.last_contact_days),
        "progression_days": float((shown[0] - patient.start).days if shown else course.last_contact_days),
    }
