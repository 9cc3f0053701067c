"""Ways to break the constraints of blind_constraints.csv, which were written from the data dictionary alone. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from random import Random

from patients.course import COURSES, THROMBI, draw_patient
from patients.invented_patient import PD1_DOSES_MG, InventedPatient, days

LIST = Path(__file__).with_name("blind_constraints.csv")
DEAD, PROGRESSED_ALIVE = ("progressed_dead",), ("progressed_alive",)
THREE_VISITS = ("progressed_alive", "responding", "stable")

Change = Callable[[InventedPatient, Random], bool | None]
BLIND: dict[str, tuple[tuple[str, ...], Change]] = {}


def breaks_blind(constraint: str, courses: tuple[str, ...] = tuple(COURSES)):
    """Make a function the way to break a blind constraint; it returns False where a patient cannot break it."""

    def register(change: Change) -> Change:
        BLIND[constraint] = (courses, change)
        return change

    return register


def read_blind_constraints() -> list[str]:
    """The ids of blind_constraints.csv."""
    with LIST.open(encoding="utf-8", newline="") as lines:
        return [row["id"] for row in csv.DictReader(lines)]


def draw_blind_patient(constraint: str, number: int) -> tuple[InventedPatient, InventedPatient]:
    """The patient of this number, right, and with one blind constraint broken."""
    courses, change = BLIND[constraint]
    draw = Random(f"{constraint} {number}")
    for _ in range(200):
        right = draw_patient(draw, draw.choice(courses))
        wrong = right.copy()
        if change(wrong, draw) is not False:
            return right, wrong
    raise ValueError(f"{constraint}: no drawn patient can break it")


@breaks_blind("B01")
def comatose_and_fully_active(made, draw):
    made.baseline.update({"encephalopathy_grade": 3, "child_pugh_class": "B", "ecog_status": 0})


@breaks_blind("B02")
def virus_without_its_antigen(made, draw):
    made.baseline.update({"hbsag": "negative", "has_antiviral_therapy": False})
    made.set_sample("hbv_dna_iu_ml", 5_000_000)


@breaks_blind("B03")
def clotting_normal_and_slow(made, draw):
    made.set_sample("inr", 1.0)
    made.set_sample("pt_prolongation_s", 12)
    made.baseline["child_pugh_class"] = "A"


@breaks_blind("B04")
def imaging_diagnosis_without_liver_disease(made, draw):
    made.patient["diagnosis_basis"] = "clinical_aasld"
    made.baseline.update({"has_cirrhosis": False, "hbsag": "negative", "has_antiviral_therapy": False})
    made.baseline.update({"has_portal_hypertension": False, "hvpg_mmhg": None})
    made.drop_sample("hbv_dna_iu_ml")


@breaks_blind("B05")
def pressure_without_hypertension(made, draw):
    made.baseline.update({"hvpg_mmhg": 18, "has_portal_hypertension": False})


@breaks_blind("B06")
def platelets_low_and_normal(made, draw):
    made.set_sample("platelets_10e9_l", 180, visit=1)
    made.add_event("platelets_decreased", 4, made.sample("platelets_10e9_l", visit=1)["sample_date"])


@breaks_blind("B07", DEAD)
def fatal_event_resolved(made, draw):
    death = made.outcome["death_date"]
    made.add_event("pneumonitis", 5, death - days(60), death - days(30))


@breaks_blind("B08")
def age_of_somebody_else(made, draw):
    if made.patient["age_years"] < 45:
        return False
    made.patient["age_years"] -= 20
    return None


@breaks_blind("B09")
def dose_of_the_other_drug(made, draw):
    row = made.kinase_inhibitor
    row["initial_dose_mg"] = 400 if row["drug"] == "lenvatinib" else 12


@breaks_blind("B10")
def two_antibodies_side_by_side(made, draw):
    first = made.antibody
    second = draw.choice([drug for drug in PD1_DOSES_MG if drug != first["drug"]])
    made.add_drug(1, second, first["start_date"], first["end_date"], PD1_DOSES_MG[second], first["stop_reason"])


@breaks_blind("B11", PROGRESSED_ALIVE)
def stopped_by_death_and_alive(made, draw):
    for row in made.line(1):
        row["stop_reason"] = "death"


@breaks_blind("B12")
def metastasis_larger_than_the_brain(made, draw):
    organ = made.tables["metastasis"][0]["organ"]
    if organ == "bone":
        return False
    made.tables["metastasis"][0]["organ"] = "brain"
    first = made.lesions(lesion_id="T2", visit_number=0)[0]["diameter_mm"]
    for row in made.lesions(lesion_id="T2"):
        row.update({"organ": "brain", "diameter_mm": float(round(190 * row["diameter_mm"] / first))})
    return None


@breaks_blind("B13", THREE_VISITS)
def decimal_point_slipped(made, draw):
    row = made.lesions(lesion_id="T1", visit_number=2)[0]
    row["diameter_mm"] = round(row["diameter_mm"] / 10, 1)


@breaks_blind("B14", THREE_VISITS)
def resected_and_measured(made, draw):
    date = made.lesions(lesion_id="T1", visit_number=1)[0]["assessment_date"] + days(14)
    made.add_procedure("resection", date, "T1")


@breaks_blind("B15")
def treated_lesion_of_nobody_treated(made, draw):
    made.drop_procedures()
    for row in made.lesions(organ="liver"):
        row["is_tace_treated"] = row["visit_number"] > 0


@breaks_blind("B16")
def thrombus_listed_and_denied(made, draw):
    made.baseline.update({"pvtt_type": "0", "pvtt_text": THROMBI["0"]})
    for row in made.lesions(lesion_id="T1"):
        other = {"lesion_id": "V1", "role": "non_target", "organ": "portal_vein", "status": "present"}
        made.tables["lesion"].append(row | other | {"diameter_mm": None, "is_tace_treated": False})


@breaks_blind("B17")
def marker_gone_in_ten_days(made, draw):
    made.set_sample("afp_ng_ml", 20_000)
    made.sample("afp_ng_ml")["sample_date"] = made.start - days(5)
    row = {"visit_number": 1, "test": "afp_ng_ml", "sample_date": made.start + days(5)}
    made.tables["laboratory"].append(row | {"value": 2, "value_comparator": "="})


@breaks_blind("B18")
def end_stage_in_good_health(made, draw):
    made.baseline.update({"bclc_stage": "D", "ecog_status": 0, "child_pugh_class": "A"})


@breaks_blind("B19", ("progressed_dead", "responding"))
def progression_of_a_response(made, draw):
    date = made.responses(recorded_response="PR")[0]["assessment_date"]
    made.outcome.update({"has_progressed": True, "progression_date": date, "progression_basis": "imaging"})


@breaks_blind("B20")
def operated_years_before_the_diagnosis(made, draw):
    made.add_procedure("resection", made.patient["diagnosis_date"] - days(3 * 365))
