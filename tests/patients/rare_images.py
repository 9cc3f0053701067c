"""Right but rare: images, lesions, responses. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

from copy import deepcopy

from patients.invented_patient import days
from patients.kinds import RESPONDING, kind

TARGETS = "images metastasis"


def _set_sizes(made, lesion_id: str, organ: str, sizes: list[float]) -> None:
    """The second target becomes a lesion of an organ with these sizes, visit by visit."""
    for row in made.lesions(lesion_id=lesion_id):
        row |= {"organ": organ, "status": "measured", "diameter_mm": float(sizes[row["visit_number"]])}
        row |= {"is_tace_treated": False}


def _list_organ(made, organ: str) -> None:
    """An organ is among those with metastases."""
    if organ not in [row["organ"] for row in made.tables["metastasis"]]:
        made.tables["metastasis"].append({"organ": organ, "lesion_number": 2})
        made.baseline["metastasis_site_number"] += 2


@kind(TARGETS, ("progressed_dead",))
def deep_response(made, draw):
    _list_organ(made, "lung")
    _set_sizes(made, "T2", "lung", [30, 4, 6])
    base = made.lesions(lesion_id="T1")[0]["diameter_mm"]
    made.lesions(lesion_id="T1", visit_number=2)[0]["diameter_mm"] = round(base * 0.95)


@kind(TARGETS, RESPONDING)
def node_complete_response(made, draw):
    _list_organ(made, "lymph_node")
    _set_sizes(made, "T2", "lymph_node", [20, 16, 8, 8])
    made.tables["lesion"] = [row for row in made.tables["lesion"] if row["role"] == "target"]
    made.tables["metastasis"] = [row for row in made.tables["metastasis"] if row["organ"] == "lymph_node"]
    made.tables["metastasis"][0]["lesion_number"] = 1
    made.baseline.update({"metastasis_site_number": 1, "tumour_number": 1})
    for row in made.lesions(lesion_id="T1"):
        if row["visit_number"] >= 2:
            row |= {"status": "absent", "diameter_mm": None}
    for row in made.responses():
        if row["visit_number"] >= 2:
            row["recorded_response"] = "CR"


@kind("images", ("stable", "responding"))
def mixed_response(made, draw):
    last = made.responses()[-1]
    new = deepcopy(made.lesions(lesion_id="T1", visit_number=last["visit_number"])[0])
    new |= {"lesion_id": "X1", "role": "new", "organ": "bone", "status": "present", "diameter_mm": None}
    made.tables["lesion"].append(new | {"is_tace_treated": False})
    last |= {"has_new_lesion": True, "recorded_response": "PD"}
    made.outcome.update({"has_progressed": True, "progression_date": last["assessment_date"]})


@kind("images", ("responding",))
def unconfirmed_response(made, draw):
    last = made.responses()[-1]["visit_number"]
    for row in made.lesions(role="target", visit_number=last):
        base = made.lesions(lesion_id=row["lesion_id"], visit_number=0)[0]["diameter_mm"]
        row["diameter_mm"] = float(round(base * 0.68))
    for row in made.lesions(role="target", visit_number=last - 1):
        base = made.lesions(lesion_id=row["lesion_id"], visit_number=0)[0]["diameter_mm"]
        row["diameter_mm"] = float(round(base * 0.6))
    made.responses()[-1]["recorded_response"] = "PR"


@kind(TARGETS, RESPONDING)
def lesion_gone_and_back(made, draw):
    _list_organ(made, "lung")
    _set_sizes(made, "T2", "lung", [30, 24, 0, 4])
    for row in made.lesions(lesion_id="T2", visit_number=2):
        row |= {"status": "absent", "diameter_mm": None}


@kind(TARGETS, RESPONDING)
def too_small_to_measure(made, draw):
    _list_organ(made, "lung")
    _set_sizes(made, "T2", "lung", [24, 20, 5, 5])
    for row in made.lesions(lesion_id="T2"):
        if row["visit_number"] >= 2:
            row |= {"status": "too_small", "diameter_mm": draw.choice((None, 5.0))}


@kind("modality")
def liver_mri_and_chest_ct(made, draw):
    later = draw.randint(0, 2)
    for row in made.tables["lesion"]:
        if row["organ"] == "liver":
            row |= {"modality": "mri", "assessment_date": row["assessment_date"] - days(later)}


@kind("images metastasis local number", ("stable", "progressed_dead"))
def no_target(made, draw):
    made.drop_procedures()
    _list_organ(made, "bone")
    rows = []
    for response in made.responses():
        is_worse = response["recorded_response"] == "PD"
        for name, organ in (("N1", "liver"), ("N2", "bone")):
            row = deepcopy(made.lesions(lesion_id="T1", visit_number=response["visit_number"])[0])
            row |= {"lesion_id": name, "organ": organ, "role": "non_target", "diameter_mm": None}
            rows.append(row | {"status": "progression" if is_worse else "present"})
        if response["recorded_response"] == "PR":
            response["recorded_response"] = "SD"
    made.tables["lesion"] = rows
    made.baseline["tumour_number"] = 30


@kind("readers images")
def two_readers(made, draw):
    for table in ("lesion", "response"):
        second = deepcopy(made.tables[table])
        for row in second:
            row["reader"] = "central"
            if row.get("diameter_mm"):
                row["diameter_mm"] = float(round(row["diameter_mm"] * 1.02))
        made.tables[table] += second


@kind(TARGETS)
def adrenal_bulk(made, draw):
    _bulk(made, draw.randint(90, 140), "adrenal")


@kind(TARGETS)
def node_bulk(made, draw):
    _bulk(made, draw.randint(45, 70), "lymph_node")


def _bulk(made, size: int, organ: str) -> None:
    """The second target lies in an organ and is large, and follows the first in proportion."""
    _list_organ(made, organ)
    for row in made.lesions(lesion_id="T2"):
        first, base = (made.lesions(lesion_id="T1", visit_number=v)[0] for v in (row["visit_number"], 0))
        share = first["diameter_mm"] / base["diameter_mm"]
        row |= {"organ": organ, "diameter_mm": float(round(size * share)), "is_tace_treated": False}


@kind("images imaged diagnosed")
def image_three_weeks_old(made, draw):
    older = made.start - days(draw.randint(15, 27))
    for table in ("lesion", "response"):
        for row in made.tables[table]:
            if row["visit_number"] == 0:
                row["assessment_date"] = older
    made.patient["diagnosis_date"] = min(made.patient["diagnosis_date"], older)


@kind(TARGETS, ("stable",))
def stable_to_the_millimetre(made, draw):
    for row in made.lesions(visit_number=2, role="target"):
        row["diameter_mm"] = made.lesions(lesion_id=row["lesion_id"], visit_number=1)[0]["diameter_mm"]


@kind("images imaged metastasis", ("stable",))
def one_ct_for_two_visits(made, draw):
    """Its three lesions are measured, and are the same at both visits, as they must be."""
    for row in made.lesions(role="non_target"):
        row["diameter_mm"] = float(20 + row["visit_number"])
    for row in made.lesions(visit_number=3):
        before = made.lesions(lesion_id=row["lesion_id"], visit_number=2)[0]
        row |= {name: before[name] for name in ("diameter_mm", "assessment_date")}
    made.responses(visit_number=3)[0]["assessment_date"] = made.responses(visit_number=2)[0]["assessment_date"]
