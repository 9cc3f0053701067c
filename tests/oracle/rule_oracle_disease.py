"""Plain-Python verdicts of the rules on disease burden and liver disease, from the catalogue's sentences and the literature."""

from oracle.course_fact_oracle import count_listed, describe_patient
from oracle.definition_oracle_baseline import count_child_pugh_points, list_possible_classes
from oracle.logic import all_of, any_of, at_most, below, equal, negate, one_of, where

HELD_BY_ORGAN_MM = {"lymph_node": 100, "brain": 80, "lung": 150, "bone": 150, "adrenal": 200}


def _has_thrombus(case):
    return negate(equal(case.facts["pvtt_type_from_text_or_code"], "0"))


def thrombosis_flag_agrees_with_pvtt(record, case):
    return where(_has_thrombus(case), record["has_portal_vein_thrombosis"])


def _about(case):
    return describe_patient(case.own)


def portal_vein_lesion_is_thrombus(record, case):
    listed = _about(case)["baseline_portal_vein_lesion_number"]
    return where(None if listed is None else listed > 0, _has_thrombus(case))


def metastasis_is_among_lesions(record, case):
    about = _about(case)
    if not about["baseline_non_target_number"]:
        return None
    return where(record["has_extrahepatic_metastasis"], below(0, about["baseline_outside_lesion_number"]))


def lesion_outside_liver_is_metastasis(record, case):
    is_denied = all_of(negate(record["has_extrahepatic_metastasis"]), not case.facts["metastasis_organ_number"])
    return where(is_denied, equal(_about(case)["baseline_outside_lesion_number"], 0))


def metastasis_number_covers_lesions(record, case):
    return at_most(count_listed(case.own).get(record["organ"]), record["lesion_number"])


def lesion_fits_its_organ(record, case):
    return at_most(record["diameter_mm"], HELD_BY_ORGAN_MM.get(record["organ"]))


def child_pugh_class_is_possible(record, case):
    points = count_child_pugh_points(case.facts, record)
    if None not in points:
        return None
    return one_of(record["child_pugh_class"], list_possible_classes(points))


def portal_hypertension_agrees_with_signs(record, case):
    if record["hvpg_mmhg"] is not None:
        return None
    signs = (
        record["has_cirrhosis"],
        equal(record["ascites"], "moderate_or_more"),
        below(case.facts["platelets_10e9_l"], 100),
    )
    return where(all_of(*signs), record["has_portal_hypertension"])


def _has_cause(record, case):
    return any_of(record["has_cirrhosis"], _has_thrombus(case))


def portal_hypertension_has_a_cause(record, case):
    if record["hvpg_mmhg"] is not None:
        return None
    has_cause = any_of(_has_cause(record, case), record["has_portal_vein_thrombosis"] is True)
    return where(record["has_portal_hypertension"], has_cause)


def encephalopathy_has_a_cause(record, case):
    return where(below(0, record["encephalopathy_grade"]), _has_cause(record, case))


def ascites_has_a_cause(record, case):
    has_cause = any_of(
        _has_cause(record, case),
        record["has_portal_hypertension"],
        below(case.facts["albumin_g_l"], 35),
        _about(case)["has_peritoneal_metastasis"],
    )
    return where(negate(equal(record["ascites"], "none")), has_cause)


def imaging_diagnosis_has_a_risk(record, case):
    samples = [case.sample(test) for test in ("hbv_dna_iu_ml", "hbv_dna_copies_ml")]
    has_virus = any((s["value"] or 0) > 0 and s["value_comparator"] not in ("<", "<=", "not_detected") for s in samples)
    has_risk = any_of(case.baseline["has_cirrhosis"], equal(case.baseline["hbsag"], "positive"), has_virus)
    return where(equal(record["diagnosis_basis"], "clinical_aasld"), has_risk)


def other_tumour_has_histology(record, case):
    is_other = one_of(record["tumour_type"], ("cholangiocarcinoma", "mixed"))
    return where(is_other, negate(equal(record["diagnosis_basis"], "clinical_aasld")))


def hbv_dna_units_agree(record, case):
    units, copies = case.facts["hbv_dna_iu_ml"], case.facts["hbv_dna_copies_ml"]
    return 1 <= copies / units <= 10 if units and copies else None


def _place_of_sample(row, rows):
    """By the day where every sample of the test has one, else by the visit alone."""
    has_days = all(other["sample_date"] is not None for other in rows)
    return row["sample_date"] if has_days else 0, row["visit_number"], row["repeat_number"]


def value_does_not_jump_and_return(record, case):
    if record["test"] not in ("albumin_g_l", "bilirubin_umol_l", "creatinine_umol_l", "platelets_10e9_l"):
        return None
    of_test = [row for row in case.own["laboratory"] if row["test"] == record["test"]]
    rows = sorted(of_test, key=lambda row: _place_of_sample(row, of_test))
    place = [_place_of_sample(row, of_test) for row in rows].index(_place_of_sample(record, of_test))
    if not 0 < place < len(rows) - 1:
        return None
    before, value, after = (rows[place + step]["value"] for step in (-1, 0, 1))
    if None in (before, value, after) or not min(before, after) > 0:
        return None
    events = {row["term"] for row in case.own["adverse_event"]}
    is_explained = record["test"] == "bilirubin_umol_l" and "bilirubin_increased" in events
    is_above = value >= 7 * max(before, after) and not is_explained
    return not (is_above or 7 * value <= min(before, after))


def afp_fall_is_plausible(record, case):
    if record["test"] != "afp_ng_ml" or record["sample_date"] is None:
        return None
    dated = [r for r in case.own["laboratory"] if r["test"] == "afp_ng_ml" and r["sample_date"] is not None]
    dated.sort(key=lambda row: _place_of_sample(row, dated))
    place = [_place_of_sample(row, dated) for row in dated].index(_place_of_sample(record, dated))
    if place == 0:
        return None
    before, days = dated[place - 1], (record["sample_date"] - dated[place - 1]["sample_date"]).days
    if days == 0 or None in (before["value"], record["value"]):
        return None
    if record["value_comparator"] not in ("=", "<", "<=") or before["value_comparator"] not in ("=", ">", ">="):
        return None
    is_hundredth = record["value"] < before["value"] / 100
    return not (is_hundredth and record["value"] < before["value"] * 0.5 ** (days / 2))


def _sample_before(record, case):
    """The record of the test before this one; None at the first."""
    of_test = [row for row in case.own["laboratory"] if row["test"] == record["test"]]
    own = _place_of_sample(record, of_test)
    before = [row for row in of_test if _place_of_sample(row, of_test) < own]
    return max(before, key=lambda row: _place_of_sample(row, of_test), default=None)


def _find_pair(record, case):
    """An exact value and the result before it, where both have days and these differ; else None."""
    before = _sample_before(record, case)
    if before is None or record["value"] is None or record["value_comparator"] != "=":
        return None
    if before["value"] is None and before["value_comparator"] != "not_detected":
        return None
    if None in (record["sample_date"], before["sample_date"]) or record["sample_date"] == before["sample_date"]:
        return None
    return (record["value"], "="), (before["value"], before["value_comparator"])


def samples_are_not_copied(record, case):
    sample = (record["visit_number"], record["repeat_number"])
    rows = [row for row in case.own["laboratory"] if (row["visit_number"], row["repeat_number"]) == sample]
    pairs = {row["test"]: pair for row in rows if (pair := _find_pair(row, case)) is not None}
    if len(pairs) < 4 or record["test"] != sorted(pairs)[0]:
        return None
    return any(now != then for now, then in pairs.values())


def patient_is_not_repeated_without_id(record, case):
    """Who shares sex, birth and diagnosis, with no two different starts known; not asked where every one has an id."""
    if None in (record["sex"], record["birth_date"], record["diagnosis_date"]):
        return None
    alike = case.alike[record["sex"], record["birth_date"], record["diagnosis_date"]]
    if all(person is not None for person, _ in alike):
        return None
    return len(alike) == 1 or len({start for _, start in alike if start is not None}) > 1
