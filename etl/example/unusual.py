"""Patients about whom something is unusual and right: nobody may be asked about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from etl.example.model import Record, SyntheticPatient

Condition = Callable[[SyntheticPatient], bool]
Change = Callable[[SyntheticPatient], None]
_NODE_MM, _SECOND_LESION_MM = 18.0, 20.0
_ORGANS = {"L1": "liver", "L2": "liver", "N1": "lymph_node"}


@dataclass(frozen=True)
class Situation:
    """A situation to make in the first patient of a hospital who meets the condition."""

    name: str
    hospital: str
    condition: Condition
    change: Change


def _baseline_value(patient: SyntheticPatient, test: str) -> Record:
    return next(r for r in patient.records["laboratory"] if (r["visit_number"], r["test"]) == (0, test))


def _set_baseline_value(test: str, **values: object) -> Change:
    return lambda patient: _baseline_value(patient, test).update(values)


def _give_prothrombin_time(patient: SyntheticPatient) -> None:
    """The prothrombin time's prolongation stands where others give the INR."""
    _baseline_value(patient, "inr").update(test="pt_prolongation_s", value=2.5)


def _treat_before_therapy(patient: SyntheticPatient) -> None:
    """The first target had TACE before the baseline and has grown since, which makes it measurable again."""
    earlier = {"procedure": "tace", "procedure_date": patient.day(-45)}
    procedures = [earlier, *patient.records["procedure"]]
    patient.records["procedure"] = [record | {"procedure_number": i} for i, record in enumerate(procedures, 1)]
    for record in patient.records["lesion"]:
        if record["lesion_id"] == "L1":
            record.update(is_tace_treated=True, has_grown_since_tace=True)


def _treat_on_study(patient: SyntheticPatient) -> None:
    """The first target had its TACE with the therapy, as most patients did: it was measurable at the baseline."""
    for record in patient.records["lesion"]:
        record["is_tace_treated"] = record["lesion_id"] == "L1" and record["visit_number"] > 0


def _reduce_dose(patient: SyntheticPatient) -> None:
    for record in patient.records["treatment"]:
        if record["drug"] == "lenvatinib":
            record["initial_dose_mg"] = 8.0


def _set_pressure(patient: SyntheticPatient) -> None:
    """Between 5 and 10 mmHg clinicians may call it portal hypertension or not."""
    patient.records["baseline"][0].update(hvpg_mmhg=8.0, has_portal_hypertension=True)


def _follow(responses: Sequence[str], **shares: Sequence[float]) -> Change:
    """Replace the assessments: per lesion its diameter at visit 0, 1, ... as a share of that at the baseline (0: gone)."""

    def change(patient: SyntheticPatient) -> None:
        size_mm = patient.facts["tumour_size_cm"] * 10
        first_mm = {"L1": size_mm, "L2": _SECOND_LESION_MM, "N1": _NODE_MM}
        lesions, readings = patient.records["lesion"], patient.records["response"][: len(responses)]
        days = [lesions[0]["assessment_date"], *(reading["assessment_date"] for reading in readings)]
        template = lesions[0] | {"role": "target", "viable_diameter_mm": None}
        patient.records["lesion"] = [
            template
            | {"visit_number": visit, "assessment_date": day, "lesion_id": name, "organ": _ORGANS[name]}
            | _describe(first_mm[name] * own[visit])
            for visit, day in enumerate(days)
            for name, own in shares.items()
        ]
        for visit, (reading, response) in enumerate(zip(readings, responses, strict=True), 1):
            sum_mm = round(sum(round(first_mm[name] * own[visit], 1) for name, own in shares.items()), 1)
            reading.update(recorded_response=response, has_new_lesion=False, target_sum_mm=sum_mm)
        _keep_metastases_in_sight(patient, lesions, set(shares))
        patient.records["response"] = readings
        _progress(patient, [reading for reading in readings if reading["recorded_response"] == "PD"])

    return change


def _keep_metastases_in_sight(patient: SyntheticPatient, before: Sequence[Record], measured: set[str]) -> None:
    """Where only liver lesions are followed, one metastasis stays listed as a non-target, gone with a complete response."""
    if {_ORGANS[name] for name in measured} != {"liver"}:
        return
    first = next(record for record in before if record["organ"] != "liver")
    readings = {reading["visit_number"]: reading for reading in patient.records["response"]}
    for visit, day in {(r["visit_number"], r["assessment_date"]) for r in patient.records["lesion"]}:
        is_gone = visit > 0 and readings[visit]["recorded_response"] in ("CR", "PD") and visit > 1
        place = {"visit_number": visit, "assessment_date": day, "role": "non_target", "diameter_mm": None}
        status = "absent" if is_gone else "present"
        patient.records["lesion"].append(first | place | {"viable_diameter_mm": None, "status": status})
    patient.records["lesion"].sort(key=lambda record: record["visit_number"])


def _describe(diameter_mm: float) -> Record:
    if diameter_mm == 0:
        return {"status": "absent", "diameter_mm": None}
    return {"status": "measured", "diameter_mm": round(diameter_mm, 1)}


def _progress(patient: SyntheticPatient, shown: Sequence[Record]) -> None:
    """Let outcome and treatment say what the new assessments show."""
    outcome = patient.records["outcome"][0]
    outcome.update(has_progressed=bool(shown), progression_date=None)
    outcome["progression_days"] = outcome["overall_survival_days"]
    if shown:
        day = shown[0]["assessment_date"]
        outcome.update(progression_date=day, progression_days=float((day - patient.start).days))
        return
    patient.records["treatment"] = [r for r in patient.records["treatment"] if r["line_number"] == 1]
    for record in patient.records["treatment"]:
        if record["stop_reason"] == "progression":
            record["stop_reason"] = "patient_choice"


def _has_visits(number: int, *organs: str) -> Condition:
    return lambda p: len(p.records["response"]) >= number and set(organs) <= set(p.facts["organs"])


def _is_viral_load(low: float, high: float) -> Condition:
    def check(patient: SyntheticPatient) -> bool:
        value = patient.facts["hbv_dna_iu_ml"]
        return isinstance(value, float) and low <= value <= high

    return check


SITUATIONS = (
    Situation("prothrombin time instead of INR", "nanfang", lambda p: p.facts["inr"] < 1.6, _give_prothrombin_time),
    Situation(
        "viral load in copies, above 2000 IU/mL either way",
        "nanfang",
        _is_viral_load(2500, 1e9),
        _set_baseline_value("hbv_dna_iu_ml", value=4.7e5, unit="copies/mL"),
    ),
    Situation(
        "viral load in copies, at most 2000 IU/mL either way",
        "nanfang",
        _is_viral_load(1, 2000),
        _set_baseline_value("hbv_dna_iu_ml", value=3200.0, unit="copies/mL"),
    ),
    Situation(
        "bilirubin below the assay's limit, ALBI grade 1 whatever it is",
        "nanfang",
        lambda p: p.levels["ALBI grade"] == "Grade 1" and p.facts["albumin_g_l"] > 37,
        _set_baseline_value("bilirubin_umol_l", value="<5.1"),
    ),
    Situation(
        "TACE-treated target that has grown since",
        "nanfang",
        lambda p: p.facts["has_tace"],
        _treat_before_therapy,
    ),
    Situation("target treated by TACE on study", "nanfang", lambda p: p.facts["has_tace"], _treat_on_study),
    Situation(
        "reduced first dose",
        "nanfang",
        lambda p: p.arm == "len_pd1" and p.facts["body_weight_kg"] >= 60,
        _reduce_dose,
    ),
    Situation(
        "lesion that is back after a complete response",
        "hunan",
        _has_visits(3),
        _follow(("PR", "CR", "PD"), L1=(1, 0.5, 0, 0.2)),
    ),
    Situation(
        "lesion that is back without a complete response before",
        "hunan",
        lambda p: _has_visits(2)(p) and p.facts["tumour_number"] > 1 and p.facts["tumour_size_cm"] > 6,
        _follow(("PR", "PR"), L1=(1, 0.6, 0.55), L2=(1, 0, 0.3)),
    ),
    Situation(
        "complete response with a node below 10 mm",
        "sysu",
        _has_visits(3, "lymph_node"),
        _follow(("PR", "CR", "CR"), L1=(1, 0.3, 0, 0), N1=(1, 0.8, 0.45, 0.45)),
    ),
    Situation(
        "partial response that holds while the sum drifts back",
        "sysu",
        _has_visits(2),
        _follow(("PR", "PR"), L1=(1, 0.65, 0.74)),
    ),
    Situation(
        "portal hypertension at a pressure between the limits",
        "sysu",
        lambda p: p.facts["hvpg_mmhg"] is None,
        _set_pressure,
    ),
)


def make_unusual_patients(patients: Sequence[SyntheticPatient]) -> None:
    """Make every situation in a patient of its own; none of them is analysed, so that no result rests on them."""
    for situation in SITUATIONS:
        candidates = [p for p in patients if p.hospital == situation.hospital and not p.situation]
        chosen = next(p for p in candidates if situation.condition(p))
        chosen.situation = situation.name
        situation.change(chosen)
