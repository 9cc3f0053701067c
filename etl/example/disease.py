"""Lesions at every assessment, the response they mean by RECIST 1.1, and the organs with metastases."""

from __future__ import annotations

from datetime import date

import numpy as np

from etl.example.model import Record, SyntheticPatient

_MEASURABLE = ("lung", "lymph_node", "adrenal")
_TARGET_RANGES_MM = {"lung": (12, 38), "lymph_node": (17, 42), "adrenal": (16, 48)}
_PREFIX = {
    "liver": "L", "lung": "P", "lymph_node": "N", "adrenal": "A", "bone": "B", "peritoneum": "M", "brain": "C", "other": "O",
}  # fmt: skip
_MAX_VISITS = 14
_VIABLE_SHARE = 0.85


def add_disease_records(rng: np.random.Generator, patient: SyntheticPatient) -> None:
    """Add the records of the tables metastasis, lesion and response."""
    facts = patient.facts
    patient.records["metastasis"] = [{"organ": o, "lesion_number": n} for o, n in facts["organs"].items()]
    lesions = _draw_baseline_lesions(rng, patient)
    baseline_day = patient.day(-int(rng.integers(0, 14)))
    modality = "mri" if rng.random() < 0.35 else "ct"
    patient.records["lesion"] = [_lesion_record(0, baseline_day, modality, lesion) for lesion in lesions]
    patient.records["response"] = []
    state = {"ratio": 1.0, "nadir": 1.0}
    for number, day in _visit_days(rng, patient):
        seen, response = _draw_assessment(rng, patient, lesions, number, state)
        patient.records["lesion"] += [_lesion_record(number, day, modality, lesion) for lesion in seen]
        sum_mm = round(sum(lesion["diameter_mm"] for lesion in seen if lesion["role"] == "target"), 1)
        days = float((day - patient.start).days)
        reading = {"visit_number": number, "assessment_date": day, "assessment_days": days, "target_sum_mm": sum_mm}
        patient.records["response"].append(reading | response)


def _draw_baseline_lesions(rng: np.random.Generator, patient: SyntheticPatient) -> list[Record]:
    """Draw the recorded lesions: at most two targets per organ and five in all, further ones as non-targets."""
    facts = patient.facts
    size_mm = facts["tumour_size_cm"] * 10
    lesions = [_lesion("liver", 1, "target", size_mm)]
    if facts["tumour_number"] > 1:
        second = round(float(np.clip(size_mm * rng.uniform(0.2, 0.7), 12, size_mm)), 1)
        lesions.append(_lesion("liver", 2, "target", second))
    if facts["tumour_number"] > 3:
        lesions.append(_lesion("liver", 3, "non_target", None))
    for organ, number in facts["organs"].items():
        for i in range(1, min(number, 2) + 1):
            targets = sum(lesion["role"] == "target" for lesion in lesions)
            if organ in _MEASURABLE and targets < 5:
                lesions.append(_lesion(organ, i, "target", round(float(rng.uniform(*_TARGET_RANGES_MM[organ])), 1)))
            else:
                lesions.append(_lesion(organ, i, "non_target", None))
    return lesions


def _lesion(organ: str, number: int, role: str, diameter_mm: float | None) -> Record:
    status = "measured" if diameter_mm is not None else "present"
    name = f"{_PREFIX[organ]}{number}"
    return {"lesion_id": name, "role": role, "organ": organ, "status": status, "diameter_mm": diameter_mm}


def _lesion_record(visit: int, day: date, modality: str, lesion: Record) -> Record:
    diameter, is_liver = lesion["diameter_mm"], lesion["organ"] == "liver"
    return lesion | {
        "visit_number": visit,
        "assessment_date": day,
        "modality": modality,
        "diameter_mm": None if diameter is None else round(diameter, 1),
        "viable_diameter_mm": None if diameter is None or not is_liver else round(diameter * _VIABLE_SHARE, 1),
        "is_tace_treated": False,
    }


def _visit_days(rng: np.random.Generator, patient: SyntheticPatient) -> list[tuple[int, date]]:
    """Return the assessments: every 6-8 weeks until progression or the last contact."""
    course = patient.course
    last_visit = course.progression_visit or min(_MAX_VISITS, (course.last_contact_days - 3) // course.visit_gap_days)
    jitter = rng.integers(-2, 3, size=max(last_visit, 0))
    return [(k, patient.day(k * course.visit_gap_days + int(jitter[k - 1]))) for k in range(1, last_visit + 1)]


def _draw_assessment(
    rng: np.random.Generator, patient: SyntheticPatient, lesions: list[Record], number: int, state: dict[str, float]
) -> tuple[list[Record], Record]:
    """Draw one assessment: diameters follow the course, and the recorded response is what they mean.

    `state` holds the sum of the targets and its nadir, both relative to the baseline, and is carried on.
    """
    course = patient.course
    seen = [dict(lesion) for lesion in lesions]
    has_new_lesion = False
    if number == course.progression_visit:
        has_new_lesion = _progress(rng, state, seen)
        response = "PD"
    elif course.responds_from_visit and number >= course.responds_from_visit:
        wanted = state["ratio"] * rng.uniform(0.93, 1.02) if state["ratio"] < 0.7 else rng.uniform(0.5, 0.63)
        state["ratio"] = float(np.clip(wanted, 0.48, min(0.65, 1.12 * state["nadir"])))
        response = "PR"
    else:
        wanted = state["ratio"] * rng.uniform(0.94, 1.04)
        state["ratio"] = float(np.clip(wanted, 0.76, min(1.06, 1.1 * state["nadir"])))
        response = "SD"
    state["nadir"] = min(state["nadir"], state["ratio"])
    for lesion in seen:
        if lesion["role"] == "target":
            lesion["diameter_mm"] = round(lesion["diameter_mm"] * state["ratio"] * rng.uniform(0.99, 1.01), 1)
    return seen, {"has_new_lesion": has_new_lesion, "recorded_response": response}


def _progress(rng: np.random.Generator, state: dict[str, float], seen: list[Record]) -> bool:
    """Let the disease progress: targets grow, a new lesion appears, or a non-target clearly progresses."""
    way = rng.random()
    non_targets = [lesion for lesion in seen if lesion["role"] == "non_target"]
    if way < 0.55:
        state["ratio"] = state["nadir"] * rng.uniform(1.3, 1.5)
        return False
    if way < 0.85 or not non_targets:
        organ = "liver" if rng.random() < 0.6 else "lung"
        seen.append({"lesion_id": "NEW1", "role": "new", "organ": organ, "status": "present", "diameter_mm": None})
        return True
    non_targets[0]["status"] = "progression"
    return False
