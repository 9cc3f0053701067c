"""Screened patients who are not analysed: every reason for exclusion several times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from etl.example.baseline import born, draw_facts
from etl.example.margins import ARM_SIZES, Levels, read_margins
from etl.example.model import ELIGIBLE, HOSPITALS, Course, SyntheticPatient
from etl.example.survival import to_start_date
from schemas.definitions.study_period import FOLLOW_UP_CLOSE

SEEN_ELSEWHERE = "seen_elsewhere"
OTHER_REGIMEN = "other_regimen"
_TRANSFER_DAYS = 18
_TRANSFERS = (("nanfang", "hunan"), ("hunan", "sysu"))

Change = Callable[[np.random.Generator, SyntheticPatient], None]


def _set(**facts: object) -> Change:
    def change(_: np.random.Generator, patient: SyntheticPatient) -> None:
        patient.facts |= facts

    return change


def _without_metastasis(_: np.random.Generator, patient: SyntheticPatient) -> None:
    has_invasion = patient.facts["pvtt_type"] != "0"
    patient.facts |= {"organs": {}, "metastasis_site_number": 0, "has_extrahepatic_metastasis": False}
    patient.facts["bclc_stage"] = "C" if has_invasion else "B"


def _end_stage_liver(_: np.random.Generator, patient: SyntheticPatient) -> None:
    """Child-Pugh class C, which is BCLC stage D."""
    patient.facts |= {
        "albumin_g_l": 24.5, "bilirubin_umol_l": 61.6, "inr": 1.9, "ascites": "moderate_or_more",
        "encephalopathy_grade": 1, "child_pugh_class": "C", "bclc_stage": "D",
    }  # fmt: skip


def _reduced_status(rng: np.random.Generator, patient: SyntheticPatient) -> None:
    patient.facts["ecog_status"] = int(rng.integers(1, 3))


def _too_young(rng: np.random.Generator, patient: SyntheticPatient) -> None:
    patient.facts["birth_date"] = born(rng, patient.start, int(rng.integers(15, 18)))


def _too_old(rng: np.random.Generator, patient: SyntheticPatient) -> None:
    patient.facts["birth_date"] = born(rng, patient.start, int(rng.integers(76, 84)))


def _lost_early(rng: np.random.Generator, patient: SyntheticPatient) -> None:
    days = int(rng.integers(35, 88))
    patient.course = Course(days, False, patient.course.visit_gap_days, 0, days - int(rng.integers(0, 15)), False)


def _treated_briefly(rng: np.random.Generator, patient: SyntheticPatient) -> None:
    """Treated less than three months: about half of them die early, the others are followed on."""
    gap = patient.course.visit_gap_days
    days = int(rng.integers(25, 86))
    if rng.random() < 0.5:
        death = days + int(rng.integers(0, 120))
        visit = 1 if gap + 3 < death else 0
        patient.course = Course(death, True, gap, visit, days, False)
        return
    last = min(int(rng.integers(150, 500)), (FOLLOW_UP_CLOSE - patient.start).days)
    patient.course = Course(last, rng.random() < 0.3, gap, int(rng.integers(1, 3)), days, False)


def _other_regimen(*drugs: str) -> Change:
    def change(_: np.random.Generator, patient: SyntheticPatient) -> None:
        patient.arm = "other"
        patient.facts["first_line"] = list(drugs)

    return change


def _start_between(first: date, last: date) -> Change:
    def change(rng: np.random.Generator, patient: SyntheticPatient) -> None:
        shift = first + timedelta(days=int(rng.integers(0, (last - first).days))) - patient.start
        patient.start += shift
        for name in ("birth_date", "diagnosis_date"):
            patient.facts[name] += shift
        longest = (FOLLOW_UP_CLOSE - patient.start).days
        if patient.course.last_contact_days > longest:
            gap = patient.course.visit_gap_days
            patient.course = Course(longest, False, gap, min(patient.course.progression_visit, 3), 140, False)

    return change


_REASONS: tuple[tuple[str, int, Change], ...] = (
    ("not_hcc", 5, _set(tumour_type="cholangiocarcinoma")),
    ("not_hcc", 2, _set(tumour_type="mixed", diagnosis_basis="histology")),
    ("resectable", 4, _set(is_unresectable=False)),
    ("diagnosis_not_accepted", 3, _set(diagnosis_basis="other")),
    ("no_metastasis", 9, _without_metastasis),
    ("child_pugh_c", 4, _end_stage_liver),
    ("ecog_above_0", 8, _reduced_status),
    ("other_malignancy", 5, _set(has_other_malignancy=True)),
    ("recurrent", 9, _set(is_recurrent=True)),
    ("under_18", 3, _too_young),
    ("over_75", 6, _too_old),
    ("vena_cava_or_atrium", 7, _set(has_vena_cava_or_atrium_tumour=True)),
    ("incomplete", 12, _set()),
    ("lost_early", 7, _lost_early),
    ("treated_briefly", 26, _treated_briefly),
    (OTHER_REGIMEN, 3, _other_regimen("lenvatinib")),
    (OTHER_REGIMEN, 3, _other_regimen("sorafenib")),
    (OTHER_REGIMEN, 3, _other_regimen("sintilimab")),
    (OTHER_REGIMEN, 2, _other_regimen("other", "camrelizumab")),
    ("before_window", 4, _start_between(date(2018, 8, 1), date(2018, 12, 28))),
    ("after_window", 4, _start_between(date(2022, 1, 3), date(2022, 4, 20))),
)


_FURTHER_REASONS: tuple[tuple[str, int, Change], ...] = (
    ("not_hcc", 21, _set(tumour_type="cholangiocarcinoma")),
    ("resectable", 12, _set(is_unresectable=False)),
    ("no_metastasis", 21, _without_metastasis),
    ("child_pugh_c", 6, _end_stage_liver),
    ("ecog_above_0", 18, _reduced_status),
    ("other_malignancy", 15, _set(has_other_malignancy=True)),
    ("recurrent", 84, _set(is_recurrent=True)),
    ("over_75", 12, _too_old),
    ("vena_cava_or_atrium", 15, _set(has_vena_cava_or_atrium_tumour=True)),
)


def draw_screened_out(rng: np.random.Generator) -> list[SyntheticPatient]:
    """Draw the patients who are screened and not analysed; each fails for one reason, unless one implies another."""
    return _draw_by_reason(rng, _REASONS)


def draw_further_screened_out(rng: np.random.Generator) -> list[SyntheticPatient]:
    """Draw more of them: those at the start of the flow chart, in whom most faults of the deliveries are planted."""
    return _draw_by_reason(rng, _FURTHER_REASONS)


def _draw_by_reason(rng: np.random.Generator, reasons: tuple[tuple[str, int, Change], ...]) -> list[SyntheticPatient]:
    patients = []
    for offset, (reason, number, change) in enumerate(reasons):
        for i in range(number):
            hospital = HOSPITALS[(i + offset) % len(HOSPITALS)]
            patient = _draw_ordinary_patient(rng, reason, hospital, tuple(ARM_SIZES)[i % 2])
            change(rng, patient)
            patients.append(patient)
    return patients


def _draw_ordinary_patient(rng: np.random.Generator, reason: str, hospital: str, arm: str) -> SyntheticPatient:
    levels = _draw_levels(rng, arm)
    start = to_start_date(1090 * float(np.sqrt(rng.random())))
    facts = draw_facts(rng, levels, hospital, start)
    return SyntheticPatient(hospital, arm, reason, start, levels, facts, _draw_ordinary_course(rng, start))


def _draw_levels(rng: np.random.Generator, arm: str) -> Levels:
    levels = {}
    for characteristic, counts in read_margins()[arm].items():
        shares = np.array(list(counts.values()), dtype=float)
        levels[characteristic] = str(rng.choice(list(counts), p=shares / shares.sum()))
    if levels["HBsAg"] == "Negative":
        levels |= {"HBV DNA (IU/mL)": "<=2000", "Antiviral therapy": "No"}
    return levels


def _draw_ordinary_course(rng: np.random.Generator, start: date) -> Course:
    gap = int(rng.integers(42, 57))
    until_closing = (FOLLOW_UP_CLOSE - start).days - int(rng.integers(0, 25))
    death = 150 + int(rng.exponential(260))
    last = min(death, until_closing)
    visit = int(rng.integers(1, 6))
    visit = visit if visit * gap + 3 < last else 0
    treated = min(max(visit * gap + int(rng.integers(0, 30)), 125), 360, last)
    return Course(last, death <= until_closing, gap, visit, treated, death > until_closing and treated == last)


def draw_transfers(
    rng: np.random.Generator, eligible: list[SyntheticPatient]
) -> list[tuple[SyntheticPatient, SyntheticPatient]]:
    """Choose analysed patients whom a second hospital also treated, its first dose a little later; return both.

    The second record would be analysable by itself; only the person's number shows that it must not be.
    """
    pairs = []
    for first_hospital, second_hospital in _TRANSFERS:
        candidates = [p for p in eligible if p.hospital == first_hospital and _may_transfer(p)]
        first = candidates[int(rng.integers(0, len(candidates)))]
        start = first.start + timedelta(days=_TRANSFER_DAYS)
        later = replace(first, hospital=second_hospital, reason=SEEN_ELSEWHERE, start=start, facts=dict(first.facts))
        later.records = {}
        pairs.append((first, later))
    return pairs


def _may_transfer(patient: SyntheticPatient) -> bool:
    """Whether the second record alone meets every criterion and its values read the same in either hospital."""
    return (
        patient.reason == ELIGIBLE
        and patient.start.year < 2021
        and patient.course.treatment_days > 170
        and isinstance(patient.facts["afp_ng_ml"], float)
    )
