"""Right but rare: drugs, doses, lines, local treatment, adverse events. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

from patients.course import draw_day
from patients.invented_patient import PD1_DOSES_MG, days
from patients.kinds import DEAD, PROGRESSED, RESPONDING, kind


@kind("local")
def two_nodules_in_one_session(made, draw):
    day = made.start + days(draw.randint(2, 75))
    for _ in range(2):
        made.add_procedure("ablation", day)


@kind("local")
def two_fields_in_one_course(made, draw):
    day = made.start + days(draw.randint(5, 75))
    for _ in range(2):
        made.add_procedure("radiotherapy", day)


@kind("local diagnosed")
def palliative_ablation(made, draw):
    start = made.start
    made.patient["diagnosis_date"] = draw_day(draw, start - days(200), start - days(150))
    made.add_procedure("ablation", draw_day(draw, start - days(140), start - days(70)))


@kind("local diagnosed")
def tace_before_the_start(made, draw):
    made.drop_procedures()
    made.baseline["has_tace"] = True
    made.patient["diagnosis_date"] = draw_day(draw, made.start - days(80), made.start - days(60))
    made.add_procedure("tace", draw_day(draw, made.start - days(50), made.start - days(35)))
    for row in made.lesions(organ="liver"):
        row |= {"is_tace_treated": True, "has_grown_since_tace": True}


def _treat_liver(made, procedure: str, dates) -> None:
    made.drop_procedures()
    for date in dates:
        made.add_procedure(procedure, date)
    made.baseline["has_tace"] = procedure == "tace"
    for row in made.lesions(organ="liver"):
        row["is_tace_treated"] = procedure == "tace" and row["assessment_date"] > dates[0]


@kind("local")
def tace_every_four_weeks(made, draw):
    last = made.outcome["last_contact_date"]
    dates = [made.start + days(5 + 28 * number) for number in range(4)]
    _treat_liver(made, "tace", [date for date in dates if date <= min(last, made.last_image())])


@kind("local")
def haic_every_three_weeks(made, draw):
    _treat_liver(made, "haic", [made.start + days(5 + 21 * number) for number in range(4)])


@kind("local")
def no_local_treatment(made, draw):
    made.drop_procedures()


@kind("local")
def tace_on_the_day_of_the_start(made, draw):
    _treat_liver(made, "tace", [made.start])


@kind("local treatment images outcome", RESPONDING)
def conversion_resection(made, draw):
    made.add_procedure("resection", made.last_image() + days(draw.randint(10, 40)), "T1")


@kind("local")
def seeds_in_a_metastasis(made, draw):
    bones = made.lesions(organ="bone", visit_number=0)
    day = draw_day(draw, made.start + days(10), made.start + days(40))
    made.add_procedure("radiotherapy", day, bones[0]["lesion_id"] if bones else None)


@kind("treatment", PROGRESSED)
def treated_beyond_progression(made, draw):
    made.tables["treatment"] = made.line(1)
    for row in made.line(1):
        row |= {"end_date": made.last_image() + days(draw.randint(40, 58)), "stop_reason": "progression"}


@kind("dose")
def sorafenib_half_dose(made, draw):
    made.kinase_inhibitor.update({"drug": "sorafenib", "initial_dose_mg": 400})


@kind("dose liver")
def lenvatinib_reduced_for_liver(made, draw):
    made.kinase_inhibitor.update({"drug": "lenvatinib", "initial_dose_mg": 8})
    made.baseline.update({"body_weight_kg": draw.randint(60, 85), "child_pugh_class": "B"})
    made.set_sample("bilirubin_umol_l", draw.randint(36, 48))
    made.set_sample("albumin_g_l", draw.randint(30, 34))


@kind("dose")
def lenvatinib_four(made, draw):
    made.kinase_inhibitor.update({"drug": "lenvatinib", "initial_dose_mg": 4})


@kind("antibody weight")
def dose_by_weight(made, draw):
    drug, per_kg = draw.choice((("camrelizumab", 3), ("toripalimab", 3), ("nivolumab", 3), ("pembrolizumab", 2)))
    weight = made.baseline["body_weight_kg"]
    made.antibody.update({"drug": drug, "initial_dose_mg": float(max(per_kg * weight, 100))})


@kind("antibody")
def long_interval_dose(made, draw):
    drug, dose = draw.choice((("pembrolizumab", 400), ("nivolumab", 480), ("nivolumab", 360)))
    made.antibody.update({"drug": drug, "initial_dose_mg": dose})


@kind("started diagnosed sampled images local")
def antibody_first(made, draw):
    kinase, antibody = made.kinase_inhibitor, made.antibody
    antibody["start_date"] = made.start
    kinase["start_date"] = made.start + days(draw.randint(12, 20))


@kind("started diagnosed sampled images local")
def antibody_later(made, draw):
    kinase, antibody = made.kinase_inhibitor, made.antibody
    kinase["start_date"] = made.start
    antibody["start_date"] = made.start + days(draw.randint(15, 25))


@kind("antibody treatment started")
def changed_antibody(made, draw):
    old = made.antibody
    change = draw_day(draw, made.start + days(40), made.start + days(80))
    other = draw.choice([drug for drug in PD1_DOSES_MG if drug != old["drug"]])
    made.add_drug(1, other, change + days(21), old["end_date"], PD1_DOSES_MG[other], old["stop_reason"])
    old |= {"end_date": change, "stop_reason": "other"}


@kind("treatment events")
def one_drug_stopped_for_toxicity(made, draw):
    onset = draw_day(draw, made.start + days(15), made.start + days(50))
    made.add_event(draw.choice(("pneumonitis", "other")), 3, onset, onset + days(25))
    made.antibody.update({"end_date": onset + days(draw.randint(0, 6)), "stop_reason": "toxicity"})
    if made.antibody["start_date"] > onset:
        made.antibody["start_date"] = made.start


@kind("treatment", RESPONDING)
def stopped_by_choice(made, draw):
    for row in made.line(1):
        row |= {"end_date": made.last_image() + days(draw.randint(0, 20)), "stop_reason": "patient_choice"}


@kind("treatment contact", PROGRESSED)
def antibody_kept_in_line_two(made, draw):
    made.tables["treatment"] = made.line(1)
    end = made.kinase_inhibitor["end_date"]
    made.antibody.update({"end_date": end, "stop_reason": "other"})
    again = end + days(draw.randint(3, 10))
    stop = again + days(draw.randint(15, 28))
    made.add_drug(2, "other", again, stop, None, "other")
    made.add_drug(2, made.antibody["drug"], again, stop, made.antibody["initial_dose_mg"], "other")


@kind("treatment events", ("stable",))
def second_line_for_toxicity(made, draw):
    onset = draw_day(draw, made.start + days(60), made.start + days(80))
    made.add_event("hand_foot_skin_reaction", 3, onset, onset + days(20))
    for row in made.line(1):
        row |= {"end_date": onset + days(4), "stop_reason": "toxicity"}
    made.add_drug(2, "other", onset + days(18), None, None, None)


@kind("treatment contact death", DEAD)
def three_lines(made, draw):
    _add_lines(made, draw, "other", "other", 40)


def _add_lines(made, draw, second: str, third: str, length: int) -> None:
    made.tables["treatment"] = made.line(1)
    day = made.line(1)[0]["end_date"] + days(10)
    made.add_drug(2, second, day, day + days(length), None, "progression")
    again = day + days(length + 14)
    made.add_drug(3, third, again, again + days(length), None, "other")
    end = max(made.outcome["death_date"], again + days(length + 10))
    made.outcome.update({"death_date": end, "last_contact_date": end})


@kind("treatment contact death", DEAD)
def combination_rechallenge(made, draw):
    other = {"lenvatinib": "sorafenib", "sorafenib": "lenvatinib"}[made.kinase_inhibitor["drug"]]
    _add_lines(made, draw, other, made.kinase_inhibitor["drug"], 90)


@kind("events treatment death contact outcome", ("responding", "stable"))
def fatal_pneumonitis(made, draw):
    onset = made.last_image() + days(draw.randint(3, 15))
    died = onset + days(draw.randint(3, 20))
    made.die(died)
    made.add_event("pneumonitis", 5, onset)
    for row in made.line(1):
        row |= {"end_date": onset, "stop_reason": draw.choice(("toxicity", "toxicity"))}
    for row in made.line(1)[:1]:
        row |= {"end_date": died, "stop_reason": "death"}


@kind("events", PROGRESSED)
def late_immune_event(made, draw):
    day = made.line(1)[0]["end_date"] + days(draw.randint(25, 55))
    if day <= made.outcome["last_contact_date"]:
        made.add_event("hypothyroidism", 2, day)


@kind("events")
def recurring_event(made, draw):
    first = made.start + days(draw.randint(5, 20))
    made.add_event("nausea", 2, first, first + days(6))
    made.add_event("nausea", 1, first + days(35), first + days(40))


@kind("events", DEAD)
def event_open_at_death(made, draw):
    made.add_event("nausea", 1, draw_day(draw, made.start + days(10), made.start + days(60)))


@kind("events")
def event_same_day(made, draw):
    day = draw_day(draw, made.start + days(10), made.start + days(60))
    made.add_event("nausea", 1, day, day + days(9))
    made.add_event("pneumonitis", 2, day, day + days(30))


@kind("events treatment", ("stable", "responding"))
def stopped_for_open_event(made, draw):
    made.add_event("hand_foot_skin_reaction", 2, made.start + days(draw.randint(10, 20)))
    made.kinase_inhibitor.update({"end_date": made.start + days(draw.randint(100, 115)), "stop_reason": "toxicity"})
