"""Right but rare: the liver, its function, the portal vein, the size of the disease, markers. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

from patients.course import THROMBI
from patients.kinds import RESPONDING, kind


def _scale_liver(made, size_cm: float) -> None:
    """The largest liver lesion has this size at the baseline, and follows its course in proportion."""
    old = made.baseline["tumour_size_cm"]
    made.baseline["tumour_size_cm"] = size_cm
    for row in made.lesions(lesion_id="T1"):
        row["diameter_mm"] = float(round(row["diameter_mm"] * size_cm / old))


@kind("size images")
def largest_in_liver(made, draw):
    _scale_liver(made, draw.randint(170, 190) / 10)


@kind("size images local number")
def smallest_in_liver(made, draw):
    made.drop_procedures()
    size = draw.randint(12, 20)
    made.baseline["tumour_size_cm"] = size / 10
    kept = "liver" if made.lesions(lesion_id="T2", organ="liver") else None
    if kept:
        made.tables["lesion"] = [row for row in made.tables["lesion"] if row["lesion_id"] != "T2"]
    path = {row["visit_number"]: row["recorded_response"] for row in made.responses()}
    small = {None: 1.0, "SD": 0.9, "PR": 0.5, "PD": 1.5}
    for row in made.lesions(role="target"):
        base = size if row["lesion_id"] == "T1" else 30
        row["diameter_mm"] = float(round(base * small[path[row["visit_number"]]]))


@kind("number")
def many_nodules(made, draw):
    made.baseline["tumour_number"] = draw.randint(25, 45)


@kind("metastasis images")
def single_metastasis(made, draw):
    organ = made.tables["metastasis"][0]["organ"]
    made.tables["metastasis"] = [{"organ": organ, "lesion_number": 1}]
    made.baseline["metastasis_site_number"] = 1
    made.tables["lesion"] = [row for row in made.tables["lesion"] if row["organ"] in ("liver", organ)]


@kind("metastasis")
def many_metastases(made, draw):
    first = made.tables["metastasis"][0]
    made.baseline["metastasis_site_number"] += 40 - first["lesion_number"]
    first["lesion_number"] = 40


@kind("liver thrombus metastasis images diagnosis")
def peritoneal_ascites(made, draw):
    made.tables["metastasis"].append({"organ": "peritoneum", "lesion_number": 2})
    made.baseline["metastasis_site_number"] += 2
    for row in made.responses():
        made.tables["lesion"].append(
            {
                "visit_number": row["visit_number"],
                "reader": row["reader"],
                "lesion_id": "N9",
                "assessment_date": row["assessment_date"],
                "modality": "ct",
                "role": "non_target",
                "organ": "peritoneum",
                "status": "present",
                "is_tace_treated": False,
            }
        )
    made.patient["diagnosis_basis"] = "histology"
    made.baseline.update({"ascites": "mild", "has_cirrhosis": False, "child_pugh_class": "A"})
    made.baseline.update(
        {"pvtt_type": "0", "pvtt_text": THROMBI["0"], "has_portal_hypertension": False, "hvpg_mmhg": None}
    )


@kind("liver stage diagnosis")
def hepatorenal(made, draw):
    made.baseline.update({"bclc_stage": "D", "child_pugh_class": "B", "ascites": "moderate_or_more", "ecog_status": 2})
    made.baseline.update({"has_portal_hypertension": True, "hvpg_mmhg": None})
    made.set_sample("albumin_g_l", 30)
    made.set_sample("creatinine_umol_l", draw.randint(180, 260))


@kind("stage")
def ecog_three(made, draw):
    made.baseline.update({"bclc_stage": "D", "ecog_status": 3})


@kind("liver")
def gilbert(made, draw):
    made.set_sample("bilirubin_umol_l", draw.randint(36, 48))


@kind("liver")
def obstructed(made, draw):
    made.set_sample("bilirubin_umol_l", draw.randint(60, 120))
    made.set_sample("albumin_g_l", draw.randint(30, 34))
    made.baseline["child_pugh_class"] = "B"


@kind("liver")
def albi_three_class_b(made, draw):
    made.set_sample("bilirubin_umol_l", draw.randint(40, 50))
    made.set_sample("albumin_g_l", draw.randint(23, 25))
    made.baseline["child_pugh_class"] = "B"


@kind("liver clotting")
def seconds_for_inr(made, draw):
    made.drop_sample("inr")
    made.set_sample("pt_prolongation_s", draw.randint(0, 30) / 10)


@kind("liver clotting")
def inr_not_done(made, draw):
    made.drop_sample("inr")


@kind("afp")
def afp_normal(made, draw):
    made.set_sample("afp_ng_ml", draw.randint(20, 60) / 10)


@kind("afp")
def afp_huge(made, draw):
    made.set_sample("afp_ng_ml", float(draw.randint(100_000, 600_000)))


@kind("afp images sampled started contact death", RESPONDING)
def afp_gone_after_response(made, draw):
    made.set_sample("afp_ng_ml", float(draw.randint(3_000, 60_000)))
    made.set_sample("afp_ng_ml", draw.randint(20, 60) / 10, visit=1)


@kind("afp sampled images imaged", ("stable", "responding"))
def one_sample_for_two_visits(made, draw):
    for row in made.tables["laboratory"]:
        if row["visit_number"] == 2:
            row |= {name: made.sample(row["test"], 1)[name] for name in ("value", "sample_date")}


@kind("afp")
def afp_bound_above_cut(made, draw):
    made.set_sample("afp_ng_ml", 1210, sign=">")


@kind("liver thrombus diagnosis")
def hypertension_of_thrombus(made, draw):
    made.patient["diagnosis_basis"] = "histology"
    made.baseline.update({"has_cirrhosis": False, "pvtt_type": "III", "pvtt_text": THROMBI["III"]})
    made.baseline.update({"has_portal_hypertension": True, "hvpg_mmhg": None})


@kind("liver diagnosis")
def hypertension_by_pressure(made, draw):
    made.baseline.update({"hvpg_mmhg": draw.randint(11, 18), "has_portal_hypertension": True})


@kind("liver diagnosis")
def low_platelets_alone(made, draw):
    made.patient["diagnosis_basis"] = "histology"
    made.baseline.update({"has_cirrhosis": False, "has_portal_hypertension": False, "hvpg_mmhg": None})
    for row in made.samples("platelets_10e9_l"):
        row["value"] = draw.randint(60, 95)


@kind("liver diagnosis")
def pressure_without_flag(made, draw):
    made.baseline.update({"hvpg_mmhg": None, "has_portal_hypertension": True})
    for row in made.samples("platelets_10e9_l"):
        row["value"] = draw.randint(60, 100)


@kind("liver diagnosis")
def ascites_without_hypertension(made, draw):
    made.baseline.update({"ascites": "mild", "has_portal_hypertension": False, "hvpg_mmhg": None})
    made.set_sample("albumin_g_l", 36)


@kind("thrombus")
def thrombus_of_every_type(made, draw):
    kind_of, text = draw.choice(
        (
            ("I", "门静脉右后支癌栓形成"),
            ("II", "门静脉左支及右支癌栓"),
            ("III", "门静脉主干及左右支癌栓"),
            ("IV", "门静脉主干癌栓，累及肠系膜上静脉"),
        )
    )
    made.baseline.update(
        {"pvtt_type": kind_of, "pvtt_text": text, "has_portal_vein_thrombosis": draw.choice((True, None))}
    )


@kind("thrombus")
def no_thrombus_in_words(made, draw):
    text = draw.choice(("门静脉未见癌栓", "门静脉主干及分支未见癌栓", "无癌栓"))
    made.baseline.update(
        {"pvtt_type": "0", "pvtt_text": text, "has_portal_vein_thrombosis": draw.choice((False, None))}
    )


@kind("liver")
def repeated_values(made, draw):
    first = made.sample("albumin_g_l")["value"]
    for row in made.samples("albumin_g_l"):
        row["value"] = first


@kind("sampled")
def sample_on_the_day(made, draw):
    for row in made.tables["laboratory"]:
        if row["visit_number"] == 0:
            row["sample_date"] = made.start
