"""Liver function, tumour burden and the 17 baseline characteristics of one patient, from the study's protocol.

A laboratory value is a number with a sign: what it says is the open interval of numbers it allows.
"""

import math
from datetime import date

LAB_TESTS = {
    "alt": "alt_u_l", "ast": "ast_u_l", "bilirubin": "bilirubin_umol_l", "albumin": "albumin_g_l", "afp": "afp_ng_ml",
    "hbv_dna": "hbv_dna_iu_ml", "hbv_dna_copies": "hbv_dna_copies_ml", "inr": "inr",
    "pt_prolongation": "pt_prolongation_s", "platelets": "platelets_10e9_l", "creatinine": "creatinine_umol_l",
}  # fmt: skip


def _judge(value, sign, judge, lowest=0.0, highest=math.inf):
    """The verdict that every number allowed by value and sign gets; None where they differ or nothing is known.

    `judge(number)` must change at most monotonically, so that both ends of the interval decide. An end that the sign
    leaves out is approached to one part in 10^12; so is one that it does not, since a bound that is open at a limit alone is read as
    beyond it.
    """
    if value is None or sign == "not_detected":
        return None
    if sign in (None, "="):
        return judge(value)
    nearly = 1e-12 * max(abs(value), 1.0)
    ends = {
        "<": (lowest, value - nearly), "<=": (lowest, value - nearly), ">": (value + nearly, highest), ">=": (value + nearly, highest),
    }[sign]  # fmt: skip
    verdicts = {judge(end) for end in ends}
    return verdicts.pop() if len(verdicts) == 1 else None


def cut(value, cut, sign="="):
    if value is None:
        return None
    if sign == "not_detected":
        return f"<={cut}"
    return _judge(value, sign, lambda number: f"<={cut}" if number <= cut else f">{cut}")


def compute_albi(bilirubin, albumin):
    """Johnson 2015."""
    if bilirubin <= 0:
        return -math.inf
    return 0.66 * math.log10(bilirubin) - 0.085 * albumin


def _grade(score):
    return 1 if score <= -2.6 else 2 if score <= -1.39 else 3


def make_albi(lab):
    """Score of two plain values, and the grade wherever the bounds leave only one."""
    bilirubin, albumin = lab["bilirubin_umol_l"], lab["albumin_g_l"]
    signs = lab["bilirubin_comparator"], lab["albumin_comparator"]
    facts = {"albi_score": None, "albi_grade": None}
    if bilirubin is None or albumin is None or "not_detected" in signs:
        return facts
    if all(sign in (None, "=") for sign in signs):
        score = compute_albi(bilirubin, albumin)
        return {"albi_score": score, "albi_grade": _grade(score)}
    (least_b, most_b), (least_a, most_a) = _allow(bilirubin, signs[0]), _allow(albumin, signs[1])
    lowest, highest = compute_albi(least_b, most_a), compute_albi(most_b, least_a)
    lowest += 1e-12 if {signs[0], signs[1]} & {">", ">=", "<", "<="} else 0
    return facts | {"albi_grade": _grade(lowest) if _grade(lowest) == _grade(highest) else None}


def _allow(value, sign):
    """The ends of what a value and its sign allow; `<` and `>` leave the bound's own value out."""
    below, above = (0.0, value), (value, math.inf)
    return {"<": below, "<=": below, ">": above, ">=": above}.get(sign, (value, value))


def make_child_pugh(lab, baseline):
    """Points of five components (Pugh 1973), and the class; the hospital's class where a component is not known."""
    points = count_child_pugh_points(lab, baseline)
    recorded = baseline.get("child_pugh_class")
    possible = list_possible_classes(points)
    grade = possible[0] if len(possible) == 1 else recorded if recorded in possible else None
    return {
        "child_pugh_points": None if None in points else sum(points),
        "child_pugh_class_from_points_or_record": grade,
        "child_pugh_class_source": "derived" if len(possible) == 1 else "recorded" if grade else None,
    }


def list_possible_classes(points):
    """Every class that some points of the missing components would give."""
    known, missing = sum(p for p in points if p is not None), points.count(None)
    totals = range(known + missing, known + 3 * missing + 1)
    return sorted({"A" if total <= 6 else "B" if total <= 9 else "C" for total in totals})


def count_child_pugh_points(lab, baseline):
    """The five components' points, each None where it has none."""
    return [
        _points(lab, "bilirubin", lambda v: 1 if v < 34 else 2 if v <= 51 else 3),
        _points(lab, "albumin", lambda v: 1 if v > 35 else 2 if v >= 28 else 3),
        _count_coagulation(lab),
        {"none": 1, "mild": 2, "moderate_or_more": 3}.get(baseline.get("ascites")),
        {0: 1, 1: 2, 2: 2, 3: 3, 4: 3}.get(baseline.get("encephalopathy_grade")),
    ]


def _points(lab, name, judge):
    return _judge(lab[LAB_TESTS[name]], lab[f"{name}_comparator"], judge)


def _count_coagulation(lab):
    """INR where it gives points, else the prolongation of the prothrombin time."""
    by_inr = _points(lab, "inr", lambda v: 1 if v < 1.7 else 2 if v <= 2.3 else 3)
    if by_inr is not None:
        return by_inr
    return _points(lab, "pt_prolongation", lambda v: 1 if v < 4 else 2 if v <= 6 else 3)


def make_age(birth, start, stated):
    """Birthdays reached by the start, else the stated age in completed years; None where born after the start."""
    if birth is None or start is None:
        return None if stated is None else math.floor(stated)
    if birth > start:
        return None
    years = 0
    while _birthday(birth, birth.year + years + 1) <= start:
        years += 1
    return years


def _birthday(birth, year):
    try:
        return birth.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def make_metastasis(records):
    """Extrahepatic organs and lesions listed."""
    organs = {row["organ"] for row in records} - {"liver", "portal_vein"}
    numbers = [row["lesion_number"] for row in records if row["organ"] not in ("liver", "portal_vein")]
    kind = None
    if organs:
        kind = "lung" if organs == {"lung"} else "lung_other" if "lung" in organs else "other"
    return {
        "metastasis_organs": kind,
        "metastasis_organ_number": len(organs),
        "metastasis_lesion_number": sum(numbers) if numbers and None not in numbers else None,
    }


def _yes_no(flag):
    return None if flag is None else "Yes" if flag else "No"


def level_hbv(lab, hbsag):
    """IU/mL decides; else 5 to 6 copies are one IU; HBsAg-negative without any measurement is low.

    Values that disagree are a measurement and say nothing.
    """
    if lab["hbv_dna_iu_ml"] is None and lab["hbv_dna_comparator"] is not None:
        return None
    if lab["hbv_dna_iu_ml"] is not None:
        return cut(lab["hbv_dna_iu_ml"], 2000, lab["hbv_dna_comparator"])
    copies, sign = lab["hbv_dna_copies_ml"], lab["hbv_dna_copies_comparator"]
    if copies is None and sign is not None:
        return None
    if copies is None:
        return "<=2000" if hbsag == "negative" else None
    most = cut(copies, 10000, sign)
    least = cut(copies, 12000, sign)
    return "<=2000" if most == "<=10000" else ">2000" if least == ">12000" else None


def make_levels(facts):
    """Table 1's label of each characteristic."""
    types = {"0": "No", "I": "I-II", "II": "I-II", "III": "III-IV", "IV": "III-IV"}
    organs = {"lung": "Lung", "other": "Other organs", "lung_other": "Lung + other organs"}
    return {
        "age_level": cut(facts["age_at_start_years"], 60),
        "sex_level": {"male": "Male", "female": "Female"}.get(facts["sex"]),
        "alt_level": cut(facts["alt_u_l"], 40, facts["alt_comparator"]),
        "ast_level": cut(facts["ast_u_l"], 40, facts["ast_comparator"]),
        "tace_level": _yes_no(facts["has_tace_with_therapy"]),
        "tumour_size_level": cut(facts["tumour_size_from_number_or_text_cm"], 10),
        "tumour_number_level": cut(facts["tumour_number"], 3),
        "afp_level": cut(facts["afp_ng_ml"], 400, facts["afp_comparator"]),
        "pvtt_level": types.get(facts["pvtt_type_from_text_or_code"]),
        "albi_level": None if facts["albi_grade"] is None else f"Grade {facts['albi_grade']}",
        "metastasis_organs_level": organs.get(facts["metastasis_organs"]),
        "metastasis_sites_level": cut(facts["metastasis_site_number_from_total_or_organs"], 5),
        "hbsag_level": {"negative": "Negative", "positive": "Positive"}.get(facts["hbsag"]),
        "hbv_dna_level": level_hbv(facts, facts["hbsag"]),
        "antiviral_level": _yes_no(facts["has_antiviral_therapy"]),
        "cirrhosis_level": _yes_no(facts["has_cirrhosis"]),
        "portal_hypertension_level": _yes_no(facts["has_portal_hypertension_from_hvpg_or_flag"]),
    }
