"""Wrong: dates, lines of therapy, doses. One function breaks one constraint. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

import datetime as dt

from patients.breaking import breaks
from patients.course import draw_day
from patients.invented_patient import LAST_DAY, PD1_DOSES_MG, days
from patients.kinds import ALIVE, DEAD, PROGRESSED

ON_THERAPY = ("responding", "stable")


@breaks("D01")
def born_after_diagnosis(made, draw):
    made.patient["birth_date"] = made.patient["diagnosis_date"] + days(draw.randint(1, 400))


@breaks("D02")
def later_than_the_delivery(made, draw):
    rows = [
        (made.outcome, "last_contact_date"),
        (made.tables["laboratory"][-1], "sample_date"),
        (made.tables["response"][-1], "assessment_date"),
        (made.tables["lesion"][-1], "assessment_date"),
        (made.patient, "diagnosis_date"),
    ]
    row, name = draw.choice(rows)
    row[name] = LAST_DAY + days(draw.randint(1, 3600))


def _after_death(made, draw) -> dt.date:
    return min(made.outcome["death_date"] + days(draw.randint(4, 90)), LAST_DAY)


def _told_later(made):
    """The last contact is a later call, so that only the death stands against the date."""
    made.outcome["last_contact_date"] = LAST_DAY


@breaks("D03", DEAD)
def sample_after_death(made, draw):
    _told_later(made)
    row = dict(made.tables["laboratory"][-1])
    made.tables["laboratory"].append(row | {"visit_number": 9, "sample_date": _after_death(made, draw)})


@breaks("D04", DEAD)
def image_after_death(made, draw):
    _told_later(made)
    row = dict(made.responses()[-1])
    date = _after_death(made, draw)
    made.tables["response"].append(row | {"visit_number": 9, "assessment_date": date, "recorded_response": "PD"})
    for lesion in made.lesions(visit_number=2):
        made.tables["lesion"].append(lesion | {"visit_number": 9, "assessment_date": date})


@breaks("D05", DEAD)
def drug_after_death(made, draw):
    _told_later(made)
    made.line(1)[draw.choice((0, 1))]["end_date"] = _after_death(made, draw)


@breaks("D05", DEAD)
def line_after_death(made, draw):
    _told_later(made)
    made.tables["treatment"] = made.line(1)
    made.add_drug(2, "other", _after_death(made, draw), None, None, None)


@breaks("D06", DEAD)
def procedure_after_death(made, draw):
    _told_later(made)
    made.add_procedure("radiotherapy", _after_death(made, draw))


@breaks("D07", DEAD)
def event_after_death(made, draw):
    _told_later(made)
    made.add_event("nausea", 2, _after_death(made, draw))


@breaks("D07", DEAD)
def recovery_after_death(made, draw):
    _told_later(made)
    made.add_event("nausea", 2, made.start + days(30), _after_death(made, draw))


@breaks("D08", ALIVE)
def contact_before_the_last_image(made, draw):
    made.outcome["last_contact_date"] = made.last_image() - days(draw.randint(8, 60))


@breaks("D08", ALIVE)
def contact_before_a_procedure(made, draw):
    made.add_procedure("radiotherapy", made.outcome["last_contact_date"] + days(draw.randint(10, 60)))


@breaks("D09")
def diagnosed_after_the_start(made, draw):
    made.patient["diagnosis_date"] = made.start + days(draw.randint(8, 200))


@breaks("D10")
def diagnosed_years_before(made, draw):
    made.patient["diagnosis_date"] = draw_day(draw, made.start - days(3000), made.start - days(1000))


@breaks("D11")
def treated_before_the_diagnosis(made, draw):
    made.add_procedure(draw.choice(("tace", "ablation")), made.patient["diagnosis_date"] - days(draw.randint(40, 80)))
    made.baseline["has_tace"] = made.baseline["has_tace"] or made.tables["procedure"][0]["procedure"] == "tace"


@breaks("D12")
def event_before_the_start(made, draw):
    made.add_event("nausea", 2, made.start - days(draw.randint(20, 200)))


@breaks("D13")
def event_ends_before_it_begins(made, draw):
    onset = made.start + days(40)
    made.add_event("nausea", 2, onset, onset - days(draw.randint(1, 30)))


@breaks("D14", PROGRESSED)
def drug_ends_before_it_begins(made, draw):
    row = made.line(1)[1]
    row["end_date"] = row["start_date"] - days(draw.randint(1, 30))


@breaks("D15")
def diagnosed_on_new_year(made, draw):
    made.patient["diagnosis_date"] = made.start.replace(month=1, day=1)


@breaks("D15")
def begun_on_new_year(made, draw):
    first = made.start.replace(month=1, day=1)
    for row in made.line(1):
        row["start_date"] = first


def _shift(made, by):
    """Every date but the birth so many days later."""
    for row in [row for rows in made.tables.values() for row in rows]:
        for name in [name for name in row if name.endswith("_date") and row[name] and name != "birth_date"]:
            row[name] += by


@breaks("D16")
def age_of_another(made, draw):
    made.patient["age_years"] += draw.choice((-1, 1)) * draw.randint(4, 20)


@breaks("D17")
def antibody_of_2009(made, draw):
    _shift(made, -days(365 * 10 + 3))
    made.patient["birth_date"] -= days(365 * 10 + 3)


@breaks("D18")
def survival_that_is_not_its_dates(made, draw):
    made.outcome["overall_survival_days"] = float(
        (made.outcome["last_contact_date"] - made.start).days + draw.randint(40, 400)
    )


@breaks("D19")
def progression_days_beyond_survival(made, draw):
    survival = (made.outcome["last_contact_date"] - made.start).days
    made.outcome.update({"overall_survival_days": float(survival), "progression_days": float(survival + 60)})


@breaks("D23")
def progression_days_that_are_not_its_date(made, draw):
    day = made.responses(visit_number=1)[0]["assessment_date"]
    made.outcome.update({"has_progressed": True, "progression_date": day, "overall_survival_days": None})
    made.outcome["progression_days"] = float((day - made.start).days + draw.choice((-30, 40, 300)))


@breaks("D24")
def assessment_days_that_are_not_its_date(made, draw):
    reading = made.responses(visit_number=1)[0]
    reading["assessment_days"] = float((reading["assessment_date"] - made.start).days + draw.choice((-20, 30, 365)))


@breaks("D20")
def images_of_two_visits_exchanged(made, draw):
    dates = {v: made.responses(visit_number=v)[0]["assessment_date"] for v in (1, 2)}
    for table in ("lesion", "response"):
        for row in made.tables[table]:
            if row["visit_number"] in dates:
                row["assessment_date"] = dates[3 - row["visit_number"]]


@breaks("D21")
def samples_of_two_visits_exchanged(made, draw):
    dates = {v: made.sample("alt_u_l", v)["sample_date"] for v in (1, 2)}
    for row in made.tables["laboratory"]:
        if row["visit_number"] in dates:
            row["sample_date"] = dates[3 - row["visit_number"]]


@breaks("D22")
def procedures_exchanged(made, draw):
    rows = made.tables["procedure"]
    if len(rows) < 2:
        return False
    rows[0]["procedure_number"], rows[1]["procedure_number"] = 2, 1
    return None


@breaks("L01", PROGRESSED)
def second_line_left_out(made, draw):
    made.tables["treatment"] = made.line(1)
    made.add_drug(3, "other", made.line(1)[0]["end_date"] + days(12), None, None, None)
    _end_all(made)


def _end_all(made):
    for row in made.tables["treatment"]:
        if row["end_date"] is None:
            row.update({"end_date": row["start_date"] + days(15), "stop_reason": "other"})


@breaks("L02", PROGRESSED)
def lines_exchanged(made, draw):
    made.tables["treatment"] = made.line(1)
    end = made.line(1)[0]["end_date"]
    made.add_drug(3, "other", end + days(5), end + days(12), None, "other")
    made.add_drug(2, draw.choice(("other", "nivolumab")), end + days(20), end + days(35), None, "other")


@breaks("L02", PROGRESSED)
def second_line_before_the_first(made, draw):
    made.tables["treatment"] = made.line(1)
    begun = made.start - days(draw.randint(15, 60))
    made.add_drug(2, "other", begun, begun + days(10), None, "other")


@breaks("L03", PROGRESSED)
def lines_overlap(made, draw):
    made.tables["treatment"] = made.line(1)
    begun = made.line(1)[0]["end_date"] - days(draw.randint(35, 60))
    made.add_drug(2, "other", begun, begun + days(80), None, "other")


@breaks("L04", PROGRESSED)
def drug_in_two_lines_at_once(made, draw):
    made.tables["treatment"] = made.line(1)
    drug = draw.choice(made.line(1))
    begun = drug["end_date"] - days(draw.randint(25, 50))
    made.add_drug(2, drug["drug"], begun, drug["end_date"], drug["initial_dose_mg"], "other")


@breaks("L05", PROGRESSED)
def line_repeated(made, draw):
    made.tables["treatment"] = made.line(1)
    for row in made.line(1):
        begun = row["end_date"] + days(draw.randint(2, 20))
        made.add_drug(2, row["drug"], begun, begun + days(30), row["initial_dose_mg"], "other")


@breaks("L06", ON_THERAPY)
def first_line_goes_on_in_the_second(made, draw):
    made.add_drug(2, "other", made.last_image() + days(10), None, None, None)


@breaks("L07", ("progressed_alive",))
def stopped_for_progression_long_before(made, draw):
    made.tables["treatment"] = made.line(1)
    for row in made.line(1):
        row["end_date"] = made.outcome["progression_date"] - days(draw.randint(64, 84))
    return all(row["end_date"] > row["start_date"] for row in made.line(1))


@breaks("L08", ON_THERAPY)
def stopped_for_progression_without_one(made, draw):
    for row in made.line(1):
        row.update({"end_date": made.last_image() + days(10), "stop_reason": "progression"})


@breaks("L09", ALIVE)
def stopped_by_death_alive(made, draw):
    for row in made.line(1):
        row.update({"end_date": made.last_image() + days(10), "stop_reason": "death"})


@breaks("L10", DEAD)
def stopped_by_death_long_before(made, draw):
    made.tables["treatment"] = made.line(1)
    for row in made.line(1):
        row["stop_reason"] = "death"
    made.outcome.update({"death_date": made.line(1)[0]["end_date"] + days(draw.randint(130, 200))})
    made.outcome["last_contact_date"] = made.outcome["death_date"]


@breaks("L11", ON_THERAPY)
def stopped_for_toxicity_without_an_event(made, draw):
    made.tables["adverse_event"] = []
    made.line(1)[1].update({"end_date": made.start + days(60), "stop_reason": "toxicity"})


@breaks("L11", ON_THERAPY)
def stopped_for_toxicity_before_the_event(made, draw):
    made.tables["adverse_event"] = []
    made.add_event("rash", 3, made.start + days(80), made.start + days(88))
    made.line(1)[1].update({"end_date": made.start + days(45), "stop_reason": "toxicity"})


@breaks("L12", ON_THERAPY)
def reason_without_an_end(made, draw):
    made.line(1)[0]["stop_reason"] = draw.choice(("toxicity", "patient_choice", "other"))
    if made.line(1)[0]["stop_reason"] == "toxicity":
        made.add_event("pneumonitis", 2, made.start + days(20), made.start + days(30))


@breaks("L13", DEAD)
def dead_and_under_therapy(made, draw):
    made.tables["treatment"] = made.line(1)
    for row in made.line(1):
        row.update({"end_date": None, "stop_reason": None})


@breaks("L14", PROGRESSED)
def antibody_after_the_kinase_inhibitor(made, draw):
    kinase, antibody = made.kinase_inhibitor, made.antibody
    begun = made.start
    kinase.update({"start_date": begun, "end_date": begun + days(draw.randint(3, 12)), "stop_reason": "other"})
    antibody["start_date"] = begun + days(draw.randint(16, 27))


@breaks("L14", PROGRESSED)
def one_infusion_and_then_the_kinase_inhibitor(made, draw):
    kinase, antibody = made.kinase_inhibitor, made.antibody
    begun = made.start
    antibody.update({"start_date": begun, "end_date": begun, "stop_reason": "other"})
    kinase["start_date"] = begun + days(draw.randint(24, 27))


@breaks("L15")
def two_kinase_inhibitors(made, draw):
    row = made.kinase_inhibitor
    other, dose = ("sorafenib", 800) if row["drug"] == "lenvatinib" else ("lenvatinib", 8)
    made.add_drug(1, other, row["start_date"], row["end_date"], dose, row["stop_reason"])


@breaks("L16")
def two_antibodies_at_once(made, draw):
    row = made.antibody
    other = draw.choice([drug for drug in PD1_DOSES_MG if drug != row["drug"]])
    made.add_drug(1, other, row["start_date"], row["end_date"], PD1_DOSES_MG[other], row["stop_reason"])


@breaks("M01")
def dose_of_another_tumour(made, draw):
    made.kinase_inhibitor.update({"drug": "lenvatinib", "initial_dose_mg": draw.choice((18, 24, 10, 20))})
    made.baseline["body_weight_kg"] = 66


@breaks("M02")
def twelve_below_sixty(made, draw):
    made.kinase_inhibitor.update({"drug": "lenvatinib", "initial_dose_mg": 12})
    made.baseline["body_weight_kg"] = draw.randint(40, 58)


@breaks("M03")
def no_tablets_of_that(made, draw):
    made.kinase_inhibitor.update({"drug": "sorafenib", "initial_dose_mg": draw.choice((12, 8, 100, 1200, 250))})


@breaks("M04")
def no_infusion_of_that(made, draw):
    made.antibody["initial_dose_mg"] = draw.choice((3, 2, 12, 8, 800, 1200, 20))
