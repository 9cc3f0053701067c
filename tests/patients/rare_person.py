"""Right but rare: who the patient is, the diagnosis, the end. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

import datetime as dt
from random import Random

from patients.course import draw_day, draw_patient
from patients.invented_patient import LAST_DAY, InventedPatient, days
from patients.kinds import ALIVE, DEAD, PROGRESSED, RESPONDING, kind
from patients.months import forget_days, list_date_fields


def _set_age(made: InventedPatient, age: int, draw: Random) -> None:
    """So many completed years at the start."""
    start = made.start
    birth = start - days(round(age * 365.25) + draw.randint(10, 350))
    had_birthday = (start.month, start.day) >= (birth.month, birth.day)
    made.patient.update({"birth_date": birth, "age_years": start.year - birth.year - (not had_birthday)})


@kind("contact", DEAD)
def death_told_by_telephone(made, draw):
    later = made.outcome["death_date"] + days(draw.randint(1, 60))
    made.outcome["last_contact_date"] = min(later, LAST_DAY)


@kind("contact", ALIVE)
def followed_past_the_close(made, draw):
    made.outcome["last_contact_date"] = dt.date(2022, 11, draw.randint(1, 18))


@kind("contact death treatment images local events liver", DEAD)
def death_on_the_first_day(made, draw):
    start = made.start
    for row in made.line(1):
        row["start_date"] = start
    made.die(start)
    made.baseline["has_tace"] = False
    for row in made.tables["treatment"]:
        row |= {"end_date": made.start, "stop_reason": "death"}


@kind("contact death treatment images local events liver", DEAD)
def early_death(made, draw):
    made.die(made.start + days(draw.randint(12, 20)))
    made.baseline["has_tace"] = bool(made.tables["procedure"])


@kind("contact death treatment events", DEAD)
def death_on_new_year(made, draw):
    made.tables["treatment"] = made.line(1)
    date = dt.date(made.outcome["progression_date"].year + 1, 1, 1)
    if (date - made.line(1)[0]["end_date"]).days < 0:
        date = date.replace(year=date.year + 1)
    made.outcome.update({"death_date": date, "last_contact_date": date})


@kind("age")
def born_on_new_year(made, draw):
    birth = made.patient["birth_date"].replace(month=1, day=1)
    made.patient.update({"birth_date": birth, "age_years": made.start.year - birth.year})


@kind("age")
def nominal_age(made, draw):
    birth = made.patient["birth_date"]
    made.patient["age_years"] = made.start.year - birth.year + 1


@kind("age")
def eldest_in(made, draw):
    _set_age(made, 75, draw)


@kind("age")
def youngest_in(made, draw):
    _set_age(made, draw.randint(18, 25), draw)


@kind("dose")
def heavy(made, draw):
    made.baseline["body_weight_kg"] = draw.randint(95, 125)
    if made.kinase_inhibitor["drug"] == "lenvatinib":
        made.kinase_inhibitor["initial_dose_mg"] = 12


@kind("dose")
def light(made, draw):
    made.baseline["body_weight_kg"] = draw.randint(38, 45)
    if made.kinase_inhibitor["drug"] == "lenvatinib":
        made.kinase_inhibitor["initial_dose_mg"] = 8


@kind("identity age")
def no_readable_identity(made, draw):
    number = draw.randint(1000000, 9999999)
    sex = 1 if made.patient["sex"] == "male" else 2
    old_id = f"999999{made.patient['birth_date']:%y%m%d}{draw.randint(0, 99):02}{sex}"
    documents = [None, f"H0{number}", f"E1{number}", f"A{number % 10**6:06}(3)"]
    is_old_enough = made.patient["birth_date"].year < 1999
    made.national_id = draw.choice([*documents, old_id] if is_old_enough else documents)


@kind("identity twin age")
def same_birthday(made, draw):
    made.twin = draw_patient(draw, draw.choice(("stable", "progressed_dead")))
    made.twin.patient.update({"sex": made.patient["sex"], "birth_date": made.patient["birth_date"]})
    start, birth = made.twin.start, made.patient["birth_date"]
    had_birthday = (start.month, start.day) >= (birth.month, birth.day)
    made.twin.patient["age_years"] = start.year - birth.year - (not had_birthday)


@kind("diagnosis")
def noncirrhotic_histology(made, draw):
    made.patient["diagnosis_basis"] = "histology"
    made.baseline.update({"has_cirrhosis": False, "hbsag": "negative", "has_antiviral_therapy": False})
    made.baseline.update({"has_portal_hypertension": False, "hvpg_mmhg": None})
    made.drop_sample("hbv_dna_iu_ml")


@kind("diagnosis")
def imaging_with_hepatitis_b(made, draw):
    made.patient["diagnosis_basis"] = "clinical_aasld"
    made.baseline.update({"has_cirrhosis": False, "has_portal_hypertension": False, "hvpg_mmhg": None})


@kind("diagnosis")
def imaging_with_cirrhosis(made, draw):
    made.patient["diagnosis_basis"] = "clinical_aasld"
    made.baseline.update({"has_cirrhosis": True, "hbsag": "negative", "has_antiviral_therapy": False})
    made.drop_sample("hbv_dna_iu_ml")


@kind("diagnosis")
def hepatitis_c(made, draw):
    made.baseline.update({"hbsag": "negative", "has_antiviral_therapy": True})
    made.set_sample("hbv_dna_iu_ml", None, sign="not_detected")


@kind("diagnosis")
def occult_hepatitis_b(made, draw):
    made.baseline.update({"hbsag": "negative", "has_antiviral_therapy": True})
    made.set_sample("hbv_dna_iu_ml", draw.randint(21, 150))


@kind("diagnosis")
def suppressed(made, draw):
    made.baseline.update({"hbsag": "positive", "has_antiviral_therapy": True})
    made.set_sample("hbv_dna_iu_ml", *draw.choice(((None, 0, "not_detected"), (20, 0, "<"))))


@kind("diagnosis")
def high_viraemia_untreated(made, draw):
    made.baseline.update({"hbsag": "positive", "has_antiviral_therapy": draw.choice((True, False))})
    made.set_sample("hbv_dna_iu_ml", float(draw.randint(10**7, 10**8)))


@kind("diagnosed")
def diagnosed_and_treated_at_once(made, draw):
    made.patient["diagnosis_date"] = made.start - days(draw.choice((1, 2, 3)))
    if made.patient["diagnosis_date"].strftime("%m-%d") == "01-01":
        made.patient["diagnosis_date"] = made.start


@kind("diagnosed local")
def diagnosed_a_year_before(made, draw):
    start = made.start
    made.patient["diagnosis_date"] = draw_day(draw, start - days(540), start - days(320))
    for offset in (draw.randint(260, 300), draw.randint(200, 240), draw.randint(120, 160)):
        made.add_procedure("tace", draw_day(draw, start - days(offset), start - days(offset - 4)))
    _treat_before(made)


@kind("diagnosed local")
def tace_for_a_year_before(made, draw):
    start = made.start
    made.patient["diagnosis_date"] = draw_day(draw, start - days(420), start - days(390))
    for number in range(5):
        made.add_procedure("tace", draw_day(draw, start - days(372 - 60 * number), start - days(366 - 60 * number)))
    _treat_before(made)


def _treat_before(made: InventedPatient) -> None:
    """The liver lesions were treated before the baseline and have grown since."""
    for row in made.lesions(organ="liver"):
        row |= {"is_tace_treated": True, "has_grown_since_tace": True}


@kind("outcome treatment images events", ("progressed_dead",))
def clinical_progression(made, draw):
    for response in made.responses(visit_number=2):
        response["recorded_response"] = None
    made.cut_visits(1)
    date = draw_day(draw, made.last_image() + days(25), made.last_image() + days(50))
    made.outcome.update({"progression_date": date, "progression_basis": "clinical"})
    made.tables["treatment"] = made.line(1)
    for row in made.line(1):
        row |= {"end_date": date + days(draw.randint(0, 8)), "stop_reason": "progression"}
    made.tables["adverse_event"] = []


@kind("outcome treatment", ("responding", "stable"))
def death_without_progression(made, draw):
    died = draw_day(draw, made.last_image() + days(20), made.last_image() + days(45))
    made.die(died)


@kind("outcome contact", RESPONDING)
def long_responder(made, draw):
    made.outcome["last_contact_date"] = dt.date(2022, 10, draw.randint(1, 28))


@kind("contact", PROGRESSED)
def no_second_look(made, draw):
    if made.outcome["vital_status"] == "alive":
        made.outcome["last_contact_date"] = max(dt.date(2022, 9, 1), *made.list_dates()) + days(draw.randint(0, 50))


@kind("age diagnosed death contact outcome local events treatment")
def only_months_known(made, draw):
    others = ("laboratory", "lesion", "response")
    fields = [(table, name) for table, name in list_date_fields(made) if table not in others and name != "start_date"]
    forget_days(made, draw, draw.sample(fields, draw.randint(1, len(fields))))
