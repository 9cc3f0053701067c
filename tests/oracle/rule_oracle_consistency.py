"""Plain-Python verdicts of the rules on disease and baseline, written from the rule catalogue's sentences and the protocol."""

from oracle.course_fact_oracle import list_at_baseline
from oracle.definition_oracle_subject import goes_with_therapy
from oracle.logic import any_of, at_most, compare, equal, is_known, negate, one_of, where

HBV_DNA_CUT_IU_ML = 2000
COPIES_PER_IU = (5, 6)


def antiviral_has_hepatitis_b(record, case):
    return where(
        record["has_antiviral_therapy"], any_of(equal(record["hbsag"], "positive"), _has_detectable_virus(case))
    )


def _has_detectable_virus(case):
    """HBV DNA measured in either unit; below a limit is not detected, and nobody looks for it without HBsAg."""
    samples = [case.sample(test) for test in ("hbv_dna_iu_ml", "hbv_dna_copies_ml")]
    return any(
        (row["value"] or 0) > 0 and row["value_comparator"] not in ("<", "<=", "not_detected") for row in samples
    )


def bclc_c_with_spread(record, case):
    return where(_has_spread(record, case), one_of(record["bclc_stage"], "CD"))


def bclc_c_has_a_reason(record, case):
    told = [_is_told(case.facts[name]) for name in ("hepatic_vein_text", "vena_cava_or_atrium_text")]
    return where(equal(record["bclc_stage"], "C"), any_of(_has_spread(record, case), *told))


def _is_told(said):
    """Whether a text affirms a thrombus; a doubt leaves it open, and what is not named is not there."""
    return {"affirmed": True, "uncertain": None}.get(said, False)


def _has_spread(record, case):
    """BCLC C: extrahepatic metastasis, macrovascular invasion, or ECOG 1-2."""
    pvtt_type = case.facts["pvtt_type_from_text_or_code"]
    return any_of(
        record["has_extrahepatic_metastasis"],
        record["has_vena_cava_or_atrium_tumour"],
        None if pvtt_type is None else pvtt_type != "0",
        one_of(record["ecog_status"], (1, 2)),
    )


def bclc_d_with_end_stage(record, case):
    liver = record["child_pugh_class"] or case.facts["child_pugh_class_from_points_or_record"]
    is_end_stage = any_of(one_of(record["ecog_status"], (3, 4)), equal(liver, "C"))
    return where(is_end_stage, equal(record["bclc_stage"], "D"))


def bclc_d_has_a_reason(record, case):
    return where(
        equal(record["bclc_stage"], "D"),
        any_of(
            _is_end_stage(record, case),
            equal(case.facts["child_pugh_class_from_points_or_record"], "C"),
            equal(record["ascites"], "moderate_or_more"),
            (case.facts["creatinine_umol_l"] or 0) > 133,
        ),
    )


def _is_end_stage(record, case):
    """BCLC D: ECOG 3-4 or Child-Pugh class C, both as recorded."""
    return any_of(one_of(record["ecog_status"], (3, 4)), equal(record["child_pugh_class"], "C"))


def child_pugh_agrees_with_components(record, case):
    points = case.facts["child_pugh_points"]
    derived = None if points is None else "A" if points <= 6 else "B" if points <= 9 else "C"
    return equal(record["child_pugh_class"], derived)


def hbsag_agrees_with_hbv_dna(record, case):
    """IU/mL decide; else copies/mL, where the most and the fewest IU they may be lie on one side of the cut."""
    own, copies = case.sample("hbv_dna_iu_ml"), case.sample("hbv_dna_copies_ml")
    if "hbv_dna_iu_ml" in case.disagreeing_tests and _is_measured(copies):
        exceeds = None  # IU/mL decide, and which of their values is right is asked
    elif _is_measured(own):
        exceeds = _exceeds_cut(own, 1)
    elif _is_measured(copies):
        sides = {_exceeds_cut(copies, per_iu) for per_iu in COPIES_PER_IU}
        exceeds = sides.pop() if len(sides) == 1 else None
    else:
        return None
    return where(equal(record["hbsag"], "negative"), negate(exceeds))


def _is_measured(sample):
    return sample["value"] is not None or sample["value_comparator"] == "not_detected"


def _exceeds_cut(sample, per_iu):
    sign = sample["value_comparator"] or "="
    if sign == "not_detected":
        return False
    value = sample["value"] / per_iu
    if sign in ("<", "<="):
        return False if value <= HBV_DNA_CUT_IU_ML else None
    if sign in (">", ">="):  # open at the cut alone: read as beyond it
        return True if value >= HBV_DNA_CUT_IU_ML else None
    return value > HBV_DNA_CUT_IU_ML


def hbv_dna_copies_are_decisive(record, case):
    """Five to six copies are one IU; the value asks nothing where IU/mL are there."""
    if record["test"] != "hbv_dna_copies_ml" or not case.is_baseline_sample(record):
        return True
    if _is_measured(case.sample("hbv_dna_iu_ml")):
        return True
    sides = {_exceeds_cut(record, per_iu) for per_iu in COPIES_PER_IU}
    return len(sides) == 1 and None not in sides


INTRAHEPATIC = ("liver", "portal_vein")


def _listed_organs(case):
    return {row["organ"] for row in case.own["metastasis"] if row["organ"] not in INTRAHEPATIC}


def metastasis_flag_agrees_with_number(record, case):
    flag, number = record["has_extrahepatic_metastasis"], record["metastasis_site_number"]
    return flag == (number >= 1) if is_known(flag, number) else None


def metastasis_flag_agrees_with_organs(record, case):
    flag = record["has_extrahepatic_metastasis"]
    if flag is None or "metastasis" not in case.sent:
        return None
    return flag == bool(_listed_organs(case))


def metastasis_number_agrees_with_organs(record, case):
    number, organs = record["metastasis_site_number"], _listed_organs(case)
    counts = [row["lesion_number"] for row in case.own["metastasis"] if row["organ"] not in INTRAHEPATIC]
    if number is None or not counts:
        return None
    """Where a count is missing only the number of organs is compared."""
    is_the_sum = None in counts or number == sum(counts)
    return is_the_sum and number >= len(organs)


def metastasis_organs_agree_with_lesions(record, case):
    if not case.own["metastasis"]:
        return None
    held = {row["organ"] for row in list_at_baseline(case.own)} - {None, *INTRAHEPATIC}
    return held <= {row["organ"] for row in case.own["metastasis"]} if held else None


def portal_hypertension_agrees_with_hvpg(record, case):
    flag, hvpg = record["has_portal_hypertension"], record["hvpg_mmhg"]
    if not is_known(flag, hvpg):
        return None
    if not flag:
        return hvpg <= 10
    # With a thrombus in the portal vein the pressure before the sinusoids is not measured.
    pvtt_type = case.facts["pvtt_type_from_text_or_code"]
    return any_of(hvpg > 5, None if pvtt_type is None else pvtt_type != "0")


def pvtt_code_agrees_with_text(record, case):
    return equal(record["pvtt_type"], case.facts["pvtt_text_type"])


def pvtt_text_is_readable(record, case):
    return None if record["pvtt_text"] is None else case.facts["pvtt_text_type"] is not None


def vena_cava_flag_agrees_with_text(record, case):
    said = case.facts["vena_cava_or_atrium_text"]
    return (
        equal(record["has_vena_cava_or_atrium_tumour"], said == "affirmed") if said in ("affirmed", "denied") else None
    )


def tace_no_has_no_procedure(record, case):
    return where(negate(record["has_tace"]), negate(_has_combined_tace(case)))


def _has_combined_tace(case):
    if case.tace is None:
        return None
    return any(goes_with_therapy(row["procedure_date"], case.start_date, case.next_line_date) for row in case.tace)


def tace_yes_has_procedure(record, case):
    return where(record["has_tace"], _has_combined_tace(case))


def _liver_lesions_by_reader(case):
    """The liver lesions of the baseline of every reader who lists a lesion there."""
    lesions = list_at_baseline(case.own)
    return [
        [row for row in lesions if row["reader"] == reader and row["organ"] == "liver"]
        for reader in sorted({row["reader"] for row in lesions})
    ]


def tumour_number_agrees_with_lesions(record, case):
    listed = [len(rows) for rows in _liver_lesions_by_reader(case)]
    return at_most(min(listed, default=None), record["tumour_number"])


def tumour_number_agrees_with_size(record, case):
    if record["tumour_size_cm"] is None:
        return None
    return None if record["tumour_number"] is None else record["tumour_number"] > 0


def tumour_size_agrees_with_lesions(record, case):
    """The most cautious reader is asked: the smallest of the readers' largest, the most unmeasured lesions."""
    readings = _liver_lesions_by_reader(case)
    largest = [
        max(measured)
        for rows in readings
        if (measured := [r["diameter_mm"] for r in rows if is_known(r["diameter_mm"])])
    ]
    if record["tumour_size_cm"] is None or not largest:
        return None
    size_mm, largest_mm = record["tumour_size_cm"] * 10, min(largest)
    if largest_mm == 0:
        return None
    is_not_exceeded = largest_mm <= size_mm * 1.2 + 10
    is_all_measured = all(row["diameter_mm"] is not None for rows in readings for row in rows)
    return is_not_exceeded and (not is_all_measured or size_mm <= 1.5 * largest_mm + 10)


def tumour_size_text_is_readable(record, case):
    return None if record["tumour_size_text"] is None else case.facts["tumour_size_text_cm"] is not None


def tumour_size_agrees_with_text(record, case):
    return compare(
        record["tumour_size_cm"], case.facts["tumour_size_text_cm"], lambda a, b: round(abs(a - b), 6) <= 0.1
    )


def tumour_number_agrees_with_text(record, case):
    return at_most(case.facts["tumour_size_text_number"], record["tumour_number"])


def metastasis_is_not_in_liver(record, case):
    return record["organ"] not in INTRAHEPATIC


def pt_agrees_with_inr(record, case):
    """Child-Pugh's points from INR (1.7, 2.3) and from the prolongation of PT (4, 6 s) are at most one apart."""
    inr, pt = _points(case.sample("inr"), 1.7, 2.3), _points(case.sample("pt_prolongation_s"), 4, 6)
    if not inr or not pt:
        return None
    if len(inr) > 1 or len(pt) > 1:
        return None
    return abs(inr.pop() - pt.pop()) < 2


def _points(sample, low, high):
    """The points that the values a sample allows may give."""
    value, sign = sample["value"], sample["value_comparator"] or "="
    if value is None or sign == "not_detected":
        return set()
    exact = 1 if value < low else 2 if value <= high else 3
    # `<=` and `>=` that are open at a limit alone are read as beyond it, like `<` and `>`.
    if sign in ("<", "<="):
        return {1} | ({2} if value > low else set()) | ({3} if value > high else set())
    if sign in (">", ">="):
        return {3} | ({2} if value < high else set()) | ({1} if value < low else set())
    return {exact}


def patient_is_not_repeated(record, case):
    person = record["person_id"]
    return None if person is None else len(case.patients_of_person[person]) == 1


def birth_date_agrees_with_national_id(record, case):
    return record["birth_date_is_of_national_id"]


def sex_agrees_with_national_id(record, case):
    return record["sex_is_of_national_id"]


def bound_settles_level(record, case):
    """Of a baseline value that is only a bound all that hangs on it is known; a value of its own, or none needed, asks nothing."""
    test, sign = record["test"], record["value_comparator"]
    if record["visit_number"] != 0 or test not in (*_CUTS, *_LIVER_TESTS):
        return True
    if sign not in ("<", "<=", ">", ">="):
        return None if sign is None else True
    if record["value"] is None:
        return None
    if test in _CUTS:
        return (record["value"] <= _CUTS[test]) if sign in ("<", "<=") else (record["value"] >= _CUTS[test])
    has_class = case.facts["child_pugh_class_from_points_or_record"] is not None
    has_points = len(_points(record, *_LIVER_TESTS[test])) == 1
    if test in ("bilirubin_umol_l", "albumin_g_l"):
        others = [case.sample(name) for name in ("bilirubin_umol_l", "albumin_g_l")]
        if all(_is_measured(sample) for sample in others) and case.facts["albi_grade"] is None:
            return False
    return has_class or has_points


_CUTS = {"alt_u_l": 40, "ast_u_l": 40, "afp_ng_ml": 400, "hbv_dna_iu_ml": 2000}
_LIVER_TESTS = {"bilirubin_umol_l": (34, 51), "albumin_g_l": (28, 35), "inr": (1.7, 2.3), "pt_prolongation_s": (4, 6)}
