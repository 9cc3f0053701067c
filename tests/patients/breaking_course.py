"""Wrong: images, responses, procedures, adverse events, outcome. One function breaks one constraint. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

from patients.breaking import breaks
from patients.course import EVENTS
from patients.invented_patient import days
from patients.kinds import ALIVE, DEAD, PROGRESSED, RESPONDING

ON_THERAPY = ("responding", "stable")


@breaks("I01")
def staging_months_before(made, draw):
    older = made.start - days(draw.randint(29, 41))
    for table in ("lesion", "response"):
        for row in made.tables[table]:
            if row["visit_number"] == 0:
                row["assessment_date"] = older
    made.patient["diagnosis_date"] = min(made.patient["diagnosis_date"], older)


@breaks("I02")
def lesion_that_moves(made, draw):
    rows = made.lesions(visit_number=2)
    row = draw.choice(rows)
    row["organ"] = "adrenal" if row["organ"] != "adrenal" else "lung"


@breaks("I03")
def lesion_that_changes_its_role(made, draw):
    row = made.lesions(visit_number=draw.choice((1, 2)), lesion_id="T2")[0]
    row["role"] = "non_target"


@breaks("I04")
def another_modality(made, draw):
    for row in made.tables["lesion"]:
        if row["visit_number"] > 0:
            row["modality"] = "other"


@breaks("I05")
def response_far_from_its_lesions(made, draw):
    made.responses(visit_number=1)[0]["assessment_date"] += days(draw.randint(24, 38))


@breaks("I06")
def target_not_listed(made, draw):
    row = made.lesions(visit_number=1, lesion_id=draw.choice(("T1", "T2")))[0]
    made.tables["lesion"].remove(row)


@breaks("I07")
def measured_without_a_diameter(made, draw):
    made.lesions(visit_number=draw.choice((0, 1, 2)), lesion_id="T1")[0]["diameter_mm"] = None


@breaks("I08", PROGRESSED)
def progression_without_a_diameter(made, draw):
    last = made.responses()[-1]["visit_number"]
    made.lesions(visit_number=last, lesion_id="T1")[0].update({"status": "progression", "diameter_mm": None})


@breaks("I09")
def absent_with_a_diameter(made, draw):
    made.lesions(visit_number=1, lesion_id="T2")[0]["status"] = "absent"


@breaks("I10")
def new_lesion_that_is_absent(made, draw):
    row = dict(made.lesions(visit_number=1, lesion_id="T1")[0])
    row |= {"lesion_id": "X1", "role": "new", "organ": "brain", "status": "absent", "diameter_mm": None}
    made.tables["lesion"].append(row)


@breaks("I11")
def new_lesion_at_the_baseline(made, draw):
    row = dict(made.lesions(visit_number=0, lesion_id="T1")[0])
    row |= {"lesion_id": "X1", "role": "new", "organ": "liver", "status": "present", "diameter_mm": None}
    made.tables["lesion"].append(row)


@breaks("I12")
def three_targets_of_one_organ(made, draw):
    made.baseline["tumour_number"] = 9
    for response in made.responses():
        for number in (3, 4, 5):
            row = dict(made.lesions(lesion_id="T1", visit_number=response["visit_number"])[0])
            made.tables["lesion"].append(row | {"lesion_id": f"T{number}"})


@breaks("I13")
def target_below_ten(made, draw):
    listed = [row["organ"] for row in made.tables["metastasis"]]
    if "lung" not in listed:
        made.tables["metastasis"].append({"organ": "lung", "lesion_number": 1})
        made.baseline["metastasis_site_number"] += 1
    for row in made.lesions(lesion_id="T2"):
        row.update({"organ": "lung", "diameter_mm": 7.0})


@breaks("I14", ("stable",))
def target_a_tenth_and_back(made, draw):
    row = made.lesions(lesion_id="T1", visit_number=2)[0]
    row["diameter_mm"] = round(row["diameter_mm"] / 10, 1)


@breaks("I15", ("progressed_alive",))
def target_that_explodes(made, draw):
    made.lesions(lesion_id="T2", visit_number=3)[0]["diameter_mm"] = float(draw.randint(170, 240))


@breaks("I16", RESPONDING)
def complete_response_with_targets(made, draw):
    made.responses()[-1]["recorded_response"] = "CR"


@breaks("I17", ("stable",))
def partial_response_of_a_stable_sum(made, draw):
    made.responses()[-1]["recorded_response"] = "PR"


@breaks("I18", ON_THERAPY)
def new_lesion_without_progression(made, draw):
    made.responses()[-1]["has_new_lesion"] = True


@breaks("I19")
def response_at_the_baseline(made, draw):
    made.responses(visit_number=0)[0]["recorded_response"] = draw.choice(("SD", "PR"))


@breaks("I20")
def sum_of_other_targets(made, draw):
    for row in made.responses():
        row["target_sum_mm"] = 400.0


@breaks("I21")
def more_alive_than_there_is(made, draw):
    row = made.lesions(lesion_id="T1", visit_number=1)[0]
    row["viable_diameter_mm"] = row["diameter_mm"] + draw.randint(3, 20)


@breaks("I22")
def treated_by_no_tace(made, draw):
    made.drop_procedures()
    for row in made.lesions(organ="liver"):
        row["is_tace_treated"] = row["visit_number"] > 0


@breaks("I23")
def tace_outside_the_liver(made, draw):
    outside = [row for row in made.tables["lesion"] if row["organ"] != "liver" and row["visit_number"] == 1]
    if not made.tables["procedure"] or not outside:
        return False
    outside[0]["is_tace_treated"] = True
    return None


@breaks("I24")
def lesions_copied(made, draw):
    """A visit's diameters are carried forward, those of the non-targets, which somebody measured at both, among them."""
    visit = draw.choice((1, 2))
    for row in made.lesions(role="non_target"):
        row["diameter_mm"] = float(draw.randint(11, 30))
    copied = made.lesions(visit_number=visit)
    for row in copied:
        row["diameter_mm"] = made.lesions(lesion_id=row["lesion_id"], visit_number=visit - 1)[0]["diameter_mm"]
    return len(copied) > 2


@breaks("P01")
def yes_without_a_tace(made, draw):
    made.drop_procedures()
    made.add_procedure("radiotherapy", made.start + days(30))
    made.baseline["has_tace"] = True


@breaks("P02")
def tace_and_no(made, draw):
    if not made.tables["procedure"]:
        return False
    made.baseline["has_tace"] = False
    return None


@breaks("P03", ALIVE)
def tace_outside_the_window(made, draw):
    made.drop_procedures()
    made.baseline["has_tace"] = True
    made.add_procedure("tace", made.start + days(draw.randint(100, 150)))


@breaks("P04")
def tace_twice_within_a_week(made, draw):
    made.drop_procedures()
    made.baseline["has_tace"] = True
    day = made.start + days(draw.randint(5, 40))
    made.add_procedure("tace", day)
    made.add_procedure("tace", day + days(draw.randint(0, 4)))
    for row in made.lesions(organ="liver"):
        row["is_tace_treated"] = row["assessment_date"] > day


@breaks("P05")
def lesion_that_is_not_there(made, draw):
    made.add_procedure("radiotherapy", made.start + days(30), "T9")


@breaks("P06")
def tace_of_a_metastasis(made, draw):
    outside = [row for row in made.tables["lesion"] if row["organ"] != "liver"]
    made.baseline["has_tace"] = True
    made.add_procedure(draw.choice(("tace", "haic")), made.start + days(80), outside[0]["lesion_id"])


@breaks("P07")
def resected_and_as_large_as_before(made, draw):
    before = made.lesions(lesion_id="T1", visit_number=1)[0]["assessment_date"]
    made.add_procedure("resection", before + days(draw.randint(3, 20)), "T1")


@breaks("A01", ALIVE)
def fatal_and_alive(made, draw):
    made.add_event("pneumonitis", 5, made.start + days(60))


@breaks("A02", DEAD)
def fatal_long_before_the_death(made, draw):
    made.outcome["death_date"] = made.outcome["last_contact_date"] = made.last_image() + days(240)
    made.add_event("pneumonitis", 5, made.start + days(draw.randint(10, 60)))


@breaks("A03", DEAD)
def fatal_and_recovered(made, draw):
    onset = made.outcome["death_date"] - days(20)
    made.add_event("pneumonitis", 5, onset, onset + days(draw.randint(3, 10)))


@breaks("A04")
def grade_that_does_not_exist(made, draw):
    term = draw.choice(("hand_foot_skin_reaction", "nausea", "fatigue", "proteinuria"))
    onset = made.start + days(30)
    made.add_event(term, 4, onset, onset + days(10))


@breaks("A05", DEAD)
def fatal_laboratory_value(made, draw):
    made.add_event(draw.choice(("alt_increased", "platelets_decreased")), 5, made.outcome["death_date"] - days(5))


@breaks("A06")
def event_listed_twice(made, draw):
    day = made.start + days(draw.randint(10, 60))
    for _ in range(2):
        made.add_event("nausea", 2, day, day + days(9))


@breaks("A07")
def low_platelets_that_are_normal(made, draw):
    day = made.sample("platelets_10e9_l", 1)["sample_date"]
    made.sample("platelets_10e9_l", 1)["value"] = draw.randint(150, 260)
    made.add_event("platelets_decreased", draw.choice((3, 4)), day, day + days(14))


@breaks("A08")
def raised_alt_that_is_normal(made, draw):
    day = made.sample("alt_u_l", 1)["sample_date"]
    made.sample("alt_u_l", 1)["value"] = draw.randint(15, 35)
    made.add_event("alt_increased", draw.choice((3, 4)), day, day + days(14))


@breaks("O01", ALIVE)
def alive_with_a_death(made, draw):
    made.outcome["death_date"] = made.outcome["last_contact_date"]


@breaks("O02", DEAD)
def dead_without_a_date(made, draw):
    made.outcome["death_date"] = None


@breaks("O03", DEAD)
def contact_before_the_death(made, draw):
    made.tables["treatment"] = made.line(1)
    made.tables["adverse_event"] = [row for row in made.tables["adverse_event"] if row["term"] in EVENTS[:0]]
    made.outcome["last_contact_date"] = made.outcome["death_date"] - days(draw.randint(5, 40))


@breaks("O04", PROGRESSED)
def progressed_without_a_date(made, draw):
    made.outcome["progression_date"] = None


@breaks("O04", PROGRESSED)
def not_progressed_with_a_date(made, draw):
    made.outcome["has_progressed"] = False


@breaks("O05", PROGRESSED)
def recorded_progression_denied(made, draw):
    made.outcome.update({"has_progressed": False, "progression_date": None})
    for row in made.line(1):
        row["stop_reason"] = "other"


@breaks("O06", PROGRESSED)
def progressed_before_the_start(made, draw):
    made.outcome["progression_date"] = made.start - days(draw.randint(0, 30))


@breaks("O07", PROGRESSED)
def progressed_after_the_end(made, draw):
    made.outcome["progression_date"] = made.outcome["last_contact_date"] + days(draw.randint(3, 30))


@breaks("O08", ("progressed_alive",))
def progression_of_no_image(made, draw):
    made.outcome.update(
        {"progression_date": made.last_image() - days(draw.randint(30, 40)), "progression_basis": "imaging"}
    )
