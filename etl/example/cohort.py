"""All screened patients of the example: 229 who are analysed, and the others with the reason why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from etl.example.agreeing import let_facts_agree
from etl.example.baseline import draw_facts
from etl.example.calibration import Calibration, read_calibration
from etl.example.care import add_care_records
from etl.example.disease import add_disease_records
from etl.example.margins import ARM_SIZES, Levels, draw_arm_levels, read_margins
from etl.example.model import ELIGIBLE, HOSPITALS, SyntheticPatient
from etl.example.people import give_identities
from etl.example.screening import draw_further_screened_out, draw_screened_out, draw_transfers
from etl.example.survival import draw_courses, draw_start_days, to_start_date
from etl.example.unusual import make_unusual_patients

SEED = 93
_HOSPITAL_SHARES = (0.46, 0.27, 0.27)


def draw_patients(seed: int = SEED) -> list[SyntheticPatient]:
    """Draw every screened patient with all records, ordered by hospital and start of therapy."""
    eligible = draw_eligible(seed, read_calibration())
    for number, patient in enumerate(eligible):
        add_records(make_record_rng(seed, number), patient)
    rng = np.random.default_rng(seed)
    transfers = draw_transfers(rng, eligible)
    screened_out = sorted(draw_screened_out(rng), key=_order)
    for patient in screened_out:
        add_records(rng, patient)
    patients = eligible + screened_out + [later for _, later in transfers] + _draw_further_patients(seed)
    patients.sort(key=_order)
    for first, later in transfers:
        later.records = {table: [dict(r) for r in records] for table, records in first.records.items()}
        _restart_at_second_hospital(first, later)
    give_identities(rng, patients)
    for first, later in transfers:
        _share_person(first, later)
    return patients


def _order(patient: SyntheticPatient) -> tuple[int, date]:
    return HOSPITALS.index(patient.hospital), patient.start


def _draw_further_patients(seed: int) -> list[SyntheticPatient]:
    """Draw those who are screened besides, from chance of their own: however many, the analysed patients stay the same."""
    rng = np.random.default_rng([seed, 1])
    patients = draw_further_screened_out(rng)
    for patient in patients:
        add_records(rng, patient)
    make_unusual_patients(patients)
    return patients


def draw_eligible(seed: int, calibration: Calibration) -> list[SyntheticPatient]:
    """Draw the analysed patients, arm by arm, without records: the calibration settles all that results rest on."""
    patients = []
    for position, arm in enumerate(ARM_SIZES):
        levels, starts = draw_baseline(calibration.matching_seed, calibration.further_seed, arm)
        courses = draw_courses(calibration, arm, levels, starts)
        rng = np.random.default_rng([seed, 2, position])
        hospitals = [str(h) for h in rng.choice(HOSPITALS, size=len(levels), p=_HOSPITAL_SHARES)]
        patients += [
            SyntheticPatient(h, arm, ELIGIBLE, start, level, draw_facts(rng, level, h, start), course)
            for h, start, level, course in zip(hospitals, starts, levels, courses, strict=True)
        ]
    return patients


def draw_baseline(matching_seed: int, further_seed: int, arm: str) -> tuple[list[Levels], list[date]]:
    """Draw the characteristics and start dates of an arm's analysed patients, from which the matching follows."""
    position = tuple(ARM_SIZES).index(arm)
    rng, further_rng = (np.random.default_rng([seed, position]) for seed in (matching_seed, further_seed))
    starts = [to_start_date(days) for days in draw_start_days(rng, ARM_SIZES[arm])]
    return draw_arm_levels(rng, further_rng, read_margins()[arm]), starts


def make_record_rng(seed: int, number: int) -> np.random.Generator:
    """Return the chance that the records of an analysed patient are drawn with; nobody else's change them."""
    return np.random.default_rng([seed, 3, number])


def add_records(rng: np.random.Generator, patient: SyntheticPatient) -> None:
    """Make a patient's records of every table from the facts and the course."""
    let_facts_agree(patient)
    patient_fields = (
        "sex", "birth_date", "diagnosis_date", "tumour_type", "diagnosis_basis", "is_unresectable", "is_recurrent",
        "has_other_malignancy",
    )  # fmt: skip
    baseline_fields = (
        "bclc_stage", "ecog_status", "child_pugh_class", "ascites", "encephalopathy_grade",
        "has_extrahepatic_metastasis", "has_vena_cava_or_atrium_tumour", "pvtt_type", "has_portal_vein_thrombosis", "tumour_size_cm", "tumour_number",
        "metastasis_site_number", "hbsag", "has_antiviral_therapy", "has_cirrhosis", "hvpg_mmhg",
        "has_portal_hypertension", "has_tace", "body_weight_kg",
    )  # fmt: skip
    patient.records["patient"] = [{name: patient.facts[name] for name in patient_fields}]
    patient.records["baseline"] = [{name: patient.facts[name] for name in baseline_fields}]
    add_disease_records(rng, patient)
    add_care_records(rng, patient)


def _restart_at_second_hospital(first: SyntheticPatient, later: SyntheticPatient) -> None:
    """The second hospital knows the patient from its own first dose on, a few weeks after the first hospital's."""
    for record in later.records["treatment"]:
        if record["line_number"] == 1:
            record["start_date"] = later.start
    for name in ("overall_survival_days", "progression_days"):
        later.records["outcome"][0][name] -= (later.start - first.start).days
    events = [event for event in later.records["adverse_event"] if event["onset_date"] >= later.start]
    later.records["adverse_event"] = [event | {"event_number": i} for i, event in enumerate(events, 1)]
    for table, name in (("lesion", "assessment_date"), ("laboratory", "sample_date")):
        baseline = [r for r in later.records[table] if r["visit_number"] == 0]
        for record in baseline:
            record[name] = later.day(-3)


def _share_person(first: SyntheticPatient, later: SyntheticPatient) -> None:
    later.identity = replace(first.known_identity, local_id=later.local_id)
