"""Wrong: stage and its parts, liver function, diagnosis, laboratory, identity. One function breaks one constraint. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

from patients.breaking import breaks
from patients.course import THROMBI, draw_patient
from patients.invented_patient import days


@breaks("S01")
def stage_c_without_a_reason(made, draw):
    made.baseline.update({"has_extrahepatic_metastasis": False, "metastasis_site_number": 0, "ecog_status": 0})
    made.baseline.update({"pvtt_type": "0", "pvtt_text": THROMBI["0"]})
    made.tables["metastasis"] = []
    made.tables["lesion"] = made.lesions(organ="liver")


@breaks("S02")
def early_stage_with_metastases(made, draw):
    made.baseline["bclc_stage"] = draw.choice(("0", "A", "B"))


@breaks("S03")
def stage_d_without_a_reason(made, draw):
    made.baseline["bclc_stage"] = "D"


@breaks("S04")
def bedridden_in_stage_c(made, draw):
    made.baseline["ecog_status"] = draw.choice((3, 4))


@breaks("S05")
def dead_at_the_baseline(made, draw):
    made.baseline["ecog_status"] = 5


@breaks("S06")
def metastases_counted_none(made, draw):
    made.baseline["metastasis_site_number"] = 0


@breaks("S07")
def organs_do_not_add_up(made, draw):
    made.baseline["metastasis_site_number"] += draw.choice((-1, 1, 2, 5))


@breaks("S08")
def metastases_listed_and_denied(made, draw):
    made.baseline.update({"has_extrahepatic_metastasis": False})
    made.baseline.update({"pvtt_type": "II", "pvtt_text": THROMBI["II"]})


@breaks("S09")
def metastasis_in_the_liver(made, draw):
    made.tables["metastasis"].append({"organ": draw.choice(("liver", "portal_vein")), "lesion_number": 1})
    made.baseline["metastasis_site_number"] += 1


@breaks("S10")
def thrombus_of_another_type(made, draw):
    made.baseline["pvtt_type"] = draw.choice([kind for kind in THROMBI if kind != made.baseline["pvtt_type"]])


@breaks("S11")
def thrombus_but_no_thrombosis(made, draw):
    made.baseline.update({"pvtt_type": "II", "pvtt_text": THROMBI["II"], "has_portal_vein_thrombosis": False})


@breaks("S12")
def vena_cava_affirmed_and_denied(made, draw):
    text = draw.choice(("门静脉右支癌栓，下腔静脉癌栓", "门静脉右支癌栓，癌栓延伸至右心房"))
    made.baseline.update({"pvtt_type": "II", "pvtt_text": text})


@breaks("S13")
def size_without_a_tumour(made, draw):
    made.baseline["tumour_number"] = 0


@breaks("S14")
def metastases_without_a_lesion(made, draw):
    made.tables["lesion"] = made.lesions(organ="liver")
    _list_as_non_target(made)


@breaks("S14")
def every_lesion_in_the_liver(made, draw):
    for row in made.tables["lesion"]:
        row["organ"] = "liver"
    _list_as_non_target(made)


def _list_as_non_target(made):
    """A list of targets alone need not hold a metastasis: one that names a non-target is meant to be whole."""
    first = made.lesions(visit_number=0)[0]
    made.tables["lesion"].append(
        {**first, "lesion_id": "N9", "role": "non_target", "status": "present", "diameter_mm": None}
    )


@breaks("S15")
def lesion_outside_and_no_metastasis(made, draw):
    made.baseline.update({"has_extrahepatic_metastasis": False, "metastasis_site_number": 0, "bclc_stage": "C"})
    made.baseline.update({"pvtt_type": "II", "pvtt_text": THROMBI["II"]})
    made.tables["metastasis"] = []


@breaks("S16")
def lesion_in_an_organ_that_is_not_listed(made, draw):
    listed = [row["organ"] for row in made.tables["metastasis"]]
    other = draw.choice([organ for organ in ("adrenal", "peritoneum", "brain") if organ not in listed])
    outside = sorted({row["lesion_id"] for row in made.tables["lesion"] if row["organ"] in listed})
    for row in made.lesions(lesion_id=outside[0]):
        row["organ"] = other


@breaks("S17")
def more_lesions_than_metastases(made, draw):
    organ = made.tables["metastasis"][0]
    made.baseline["metastasis_site_number"] -= organ["lesion_number"] - 1
    organ["lesion_number"] = 1
    _add_lesions(made, organ["organ"])


@breaks("S18")
def more_lesions_than_tumours(made, draw):
    made.baseline["tumour_number"] = 1
    _add_lesions(made, "liver")


def _add_lesions(made, organ):
    """Two more non-targets in an organ, at every visit."""
    for response in made.responses():
        for name in ("N7", "N8"):
            row = {"visit_number": response["visit_number"], "reader": "site", "lesion_id": name, "modality": "ct"}
            row |= {"assessment_date": response["assessment_date"], "role": "non_target", "organ": organ}
            made.tables["lesion"].append(row | {"status": "present", "is_tace_treated": False})


@breaks("S19")
def size_in_another_unit(made, draw):
    if made.baseline["tumour_size_cm"] >= 14:
        return False
    if draw.random() < 0.5:
        made.baseline["tumour_size_cm"] = round(made.baseline["tumour_size_cm"] / 10, 2)
        return None
    size = draw.randint(25, 39)
    made.baseline["tumour_size_cm"] = float(size)
    share = size / made.lesions(lesion_id="T1")[0]["diameter_mm"]
    for row in made.lesions(lesion_id="T1"):
        row["diameter_mm"] = float(round(row["diameter_mm"] * share, 1))
    for row in made.lesions(lesion_id="T2", organ="liver"):
        row["diameter_mm"] = float(round(row["diameter_mm"] * 0.5))
    return None


@breaks("S20")
def size_of_another_tumour(made, draw):
    made.baseline["tumour_size_cm"] = round(made.baseline["tumour_size_cm"] * draw.choice((0.4, 0.5, 2.0)), 1)


@breaks("S21")
def lesion_larger_than_its_organ(made, draw):
    listed = [row["organ"] for row in made.tables["metastasis"]]
    organ, size = draw.choice((("lymph_node", 150), ("brain", 120), ("lung", 190), ("adrenal", 240)))
    if organ not in listed:
        made.tables["metastasis"].append({"organ": organ, "lesion_number": 1})
        made.baseline["metastasis_site_number"] += 1
    shares = {row["visit_number"]: row["diameter_mm"] for row in made.lesions(lesion_id="T1")}
    for row in made.lesions(lesion_id="T2"):
        row.update({"organ": organ, "diameter_mm": float(round(size * shares[row["visit_number"]] / shares[0]))})


@breaks("S22")
def thrombus_listed_and_denied(made, draw):
    made.baseline.update({"pvtt_type": "0", "pvtt_text": THROMBI["0"]})
    for response in made.responses():
        row = dict(made.lesions(lesion_id="T1", visit_number=response["visit_number"])[0])
        row |= {"lesion_id": "N6", "role": "non_target", "organ": "portal_vein", "status": "present"}
        made.tables["lesion"].append(row | {"diameter_mm": None})


@breaks("S23")
def metastasised_and_resectable(made, draw):
    made.patient["is_unresectable"] = False


@breaks("S24")
def text_says_another_size(made, draw):
    made.baseline["tumour_size_text"] = f"{made.baseline['tumour_size_cm'] + draw.randint(2, 5):.1f}cm"


@breaks("F01")
def class_a_with_poor_parts(made, draw):
    made.set_sample("bilirubin_umol_l", draw.randint(60, 90))
    made.set_sample("albumin_g_l", draw.randint(29, 33))


@breaks("F01")
def class_b_with_good_parts(made, draw):
    made.baseline["child_pugh_class"] = "B"


@breaks("F02")
def class_a_excluded_without_inr(made, draw):
    made.drop_sample("inr")
    made.baseline.update({"ascites": "moderate_or_more", "encephalopathy_grade": 2, "has_portal_hypertension": True})


@breaks("F02")
def class_c_out_of_reach_without_inr(made, draw):
    made.drop_sample("inr")
    made.baseline.update({"child_pugh_class": "C", "bclc_stage": "D"})


@breaks("F03")
def albi_three_in_class_a(made, draw):
    made.drop_sample("inr")
    made.set_sample("bilirubin_umol_l", draw.randint(33, 45))
    made.set_sample("albumin_g_l", draw.randint(24, 26))


@breaks("F04")
def pressure_and_no_hypertension(made, draw):
    made.baseline.update({"hvpg_mmhg": draw.randint(12, 20), "has_portal_hypertension": False})


@breaks("F05")
def hypertension_and_no_pressure(made, draw):
    made.baseline.update({"hvpg_mmhg": draw.randint(2, 5), "has_portal_hypertension": True})
    made.baseline.update({"pvtt_type": "0", "pvtt_text": THROMBI["0"]})


@breaks("F06")
def signs_and_no_hypertension(made, draw):
    made.baseline.update({"has_portal_hypertension": False, "hvpg_mmhg": None, "has_cirrhosis": True})
    made.baseline.update({"ascites": "moderate_or_more", "child_pugh_class": "B"})
    made.set_sample("albumin_g_l", 33)
    made.set_sample("platelets_10e9_l", draw.randint(35, 80))


@breaks("F07")
def hypertension_without_a_cause(made, draw):
    made.patient["diagnosis_basis"] = "histology"
    made.baseline.update({"has_portal_hypertension": True, "hvpg_mmhg": None, "has_cirrhosis": False})
    made.baseline.update({"pvtt_type": "0", "pvtt_text": THROMBI["0"], "ascites": "none"})


@breaks("F08")
def encephalopathy_without_a_cause(made, draw):
    made.patient["diagnosis_basis"] = "histology"
    made.baseline.update({"encephalopathy_grade": 1, "has_cirrhosis": False, "has_portal_hypertension": False})
    made.baseline.update({"pvtt_type": "0", "pvtt_text": THROMBI["0"], "hvpg_mmhg": None})


@breaks("F09")
def comatose_and_active(made, draw):
    made.drop_sample("inr")
    made.baseline.update({"encephalopathy_grade": draw.choice((3, 4)), "ecog_status": 0, "child_pugh_class": "B"})


@breaks("F10")
def class_c_of_a_healthy_liver(made, draw):
    made.baseline.update({"child_pugh_class": "C", "bclc_stage": "D"})


@breaks("F11")
def ascites_without_a_cause(made, draw):
    made.patient["diagnosis_basis"] = "histology"
    made.baseline.update({"ascites": "moderate_or_more", "has_cirrhosis": False, "has_portal_hypertension": False})
    made.baseline.update({"pvtt_type": "0", "pvtt_text": THROMBI["0"], "hvpg_mmhg": None, "child_pugh_class": "B"})
    made.set_sample("albumin_g_l", 44)


@breaks("F12")
def clotting_that_contradicts_itself(made, draw):
    made.set_sample("inr", 1.0)
    made.set_sample("pt_prolongation_s", draw.randint(9, 20))


@breaks("F13")
def bilirubin_in_another_unit(made, draw):
    made.set_sample("bilirubin_umol_l", draw.choice((0.8, 1.2, 1.9, 2.6)))


@breaks("F14")
def class_c_in_stage_c(made, draw):
    made.baseline.update({"child_pugh_class": "C", "ascites": "moderate_or_more", "has_portal_hypertension": True})
    made.baseline.update({"encephalopathy_grade": 2, "hvpg_mmhg": None, "has_cirrhosis": True})
    made.set_sample("bilirubin_umol_l", 60)
    made.set_sample("albumin_g_l", 26)


@breaks("G01")
def imaging_without_a_risk(made, draw):
    made.patient["diagnosis_basis"] = "clinical_aasld"
    made.baseline.update({"has_cirrhosis": False, "hbsag": "negative", "has_antiviral_therapy": False})
    made.baseline.update({"has_portal_hypertension": False, "hvpg_mmhg": None})
    made.drop_sample("hbv_dna_iu_ml")


@breaks("G02")
def another_tumour_by_imaging(made, draw):
    made.patient.update(
        {"tumour_type": draw.choice(("cholangiocarcinoma", "mixed")), "diagnosis_basis": "clinical_aasld"}
    )


@breaks("G03")
def resected_long_ago_and_not_recurrent(made, draw):
    made.patient["diagnosis_date"] = made.start - days(600)
    made.add_procedure("resection", made.start - days(draw.randint(400, 580)))


@breaks("G04")
def viraemia_without_the_antigen(made, draw):
    made.baseline["hbsag"] = "negative"
    made.set_sample("hbv_dna_iu_ml", float(draw.randint(20_000, 10**7)))


@breaks("G05")
def therapy_without_hepatitis(made, draw):
    made.baseline.update({"hbsag": "negative", "has_antiviral_therapy": True})
    made.set_sample("hbv_dna_iu_ml", None, sign="not_detected")


@breaks("N01")
def birth_of_another_id(made, draw):
    made.national_id = _write_id(made, made.patient["birth_date"] + days(draw.randint(40, 4000)), made.patient["sex"])


@breaks("N02")
def sex_of_another_id(made, draw):
    other = {"male": "female", "female": "male"}[made.patient["sex"]]
    made.national_id = _write_id(made, made.patient["birth_date"], other)


@breaks("N03")
def one_id_of_two_patients(made, draw):
    made.national_id = _write_id(made, made.patient["birth_date"], made.patient["sex"])
    made.twin = draw_patient(draw, "stable")
    made.twin.patient.update({"sex": made.patient["sex"], "birth_date": made.patient["birth_date"]})
    start, birth = made.twin.start, made.patient["birth_date"]
    had_birthday = (start.month, start.day) >= (birth.month, birth.day)
    made.twin.patient["age_years"] = start.year - birth.year - (not had_birthday)
    made.twin.national_id = made.national_id


@breaks("N04")
def one_patient_under_two_numbers(made, draw):
    made.twin = made.copy()
    for row in made.twin.tables["laboratory"]:
        row["value"] = None if row["value"] is None else round(row["value"] * 1.01, 2)


def _write_id(made, birth, sex):
    """An 18-digit id of the region 999999, which does not exist, with the right check digit (GB 11643-1999)."""
    body = f"999999{birth:%Y%m%d}00{1 if sex == 'male' else 2}"
    return body + "10X98765432"[sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body)) % 11]


@breaks("B01")
def sample_after_the_start(made, draw):
    test = draw.choice(("albumin_g_l", "afp_ng_ml", "bilirubin_umol_l"))
    made.sample(test)["sample_date"] = made.start + days(draw.randint(4, 30))


@breaks("B02")
def transaminases_that_do_not_go_together(made, draw):
    made.set_sample("alt_u_l", 8)
    made.set_sample("ast_u_l", draw.randint(600, 1500))


@breaks("B03")
def copies_that_do_not_fit(made, draw):
    made.set_sample("hbv_dna_iu_ml", 10_000.0)
    made.set_sample("hbv_dna_copies_ml", draw.choice((800.0, 3_000_000.0)))


@breaks("B04")
def tenfold_and_back(made, draw):
    test = draw.choice(("albumin_g_l", "platelets_10e9_l", "bilirubin_umol_l"))
    row = made.sample(test, 1)
    row["value"] = round(row["value"] * (10 if test != "albumin_g_l" else 0.5), 1)
    if test == "albumin_g_l":
        row["value"] = 12


@breaks("B05")
def samples_copied(made, draw):
    visit = draw.choice((1, 2))
    copied = [row for row in made.tables["laboratory"] if row["visit_number"] == visit]
    for row in copied:
        row["value"] = made.sample(row["test"], visit - 1)["value"]
    return len(copied) > 3


@breaks("B06")
def bound_that_leaves_the_level_open(made, draw):
    test, value, sign = draw.choice((("afp_ng_ml", 200, ">"), ("hbv_dna_iu_ml", 1000, ">"), ("afp_ng_ml", 1210, "<")))
    made.set_sample(test, value, sign=sign)


@breaks("B07")
def creatinine_in_another_unit(made, draw):
    made.set_sample("creatinine_umol_l", draw.choice((0.7, 0.9, 1.1, 1.4)))


@breaks("B08")
def marker_gone_within_days(made, draw):
    made.set_sample("afp_ng_ml", float(draw.randint(5_000, 50_000)))
    row = {"visit_number": 1, "test": "afp_ng_ml", "sample_date": made.start + days(draw.randint(1, 6))}
    made.tables["laboratory"].append(row | {"value": draw.randint(2, 9), "value_comparator": "="})
