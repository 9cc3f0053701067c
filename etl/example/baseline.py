"""Plausible values behind the categories of Table 1, agreeing with each other."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np

from etl.example.margins import Levels
from etl.example.model import Record
from schemas.codes import Drug

_ALBI_MARGIN = 0.01
_LIVER_DRAWS = {  # grade: mean and SD of albumin g/L, median and log-SD of bilirubin umol/L
    "Grade 1": (44.0, 2.5, 11.0, 0.35),
    "Grade 2": (36.5, 3.0, 17.0, 0.40),
    "Grade 3": (26.0, 2.0, 30.0, 0.35),
}
_ALBI_LIMITS = {"Grade 1": (-9.0, -2.60), "Grade 2": (-2.60, -1.39), "Grade 3": (-1.39, 9.0)}
_OTHER_ORGANS = ("bone", "lymph_node", "adrenal", "peritoneum", "brain")
_OTHER_ORGAN_SHARES = (0.30, 0.35, 0.20, 0.10, 0.05)
PD1_DOSES_MG = {
    Drug.PEMBROLIZUMAB: 200,
    Drug.NIVOLUMAB: 240,
    Drug.SINTILIMAB: 200,
    Drug.TORIPALIMAB: 240,
    Drug.CAMRELIZUMAB: 200,
}


def draw_facts(rng: np.random.Generator, levels: Levels, hospital: str, start: date) -> Record:
    """Draw a patient's values at the start inside the given levels, as the hospital would print them."""
    is_male = levels["Sex"] == "Male"
    is_positive = levels["HBsAg"] == "Positive"
    age_years = (
        int(np.clip(rng.normal(49, 8), 27, 60)) if levels["Age (years)"] == "<=60" else int(rng.integers(61, 76))
    )
    has_hypertension = levels["Portal hypertension"] == "Yes"
    facts: Record = {
        "sex": "male" if is_male else "female",
        "birth_date": born(rng, start, age_years),
        "diagnosis_date": start - timedelta(days=int(rng.integers(10, 90))),
        "tumour_type": "hcc",
        "diagnosis_basis": "histology" if rng.random() < 0.45 else "clinical_aasld",
        "is_unresectable": True,
        "is_recurrent": False,
        "has_other_malignancy": False,
        "bclc_stage": "C",
        "ecog_status": 0,
        "has_extrahepatic_metastasis": True,
        "has_vena_cava_or_atrium_tumour": False,
        "pvtt_type": _draw_pvtt(rng, levels["PVTT type"]),
        "tumour_size_cm": _draw_size(rng, levels["Tumor size (cm)"]),
        "tumour_number": int(rng.integers(1, 4)) if levels["Tumor number"] == "<=3" else int(rng.integers(4, 13)),
        "hbsag": "positive" if is_positive else "negative",
        "has_antiviral_therapy": levels["Antiviral therapy"] == "Yes",
        "has_cirrhosis": levels["Cirrhosis"] == "Yes",
        "hvpg_mmhg": _draw_hvpg(rng, has_hypertension) if hospital == "sysu" and rng.random() < 0.4 else None,
        "has_portal_hypertension": has_hypertension,
        "has_tace": levels["TACE"] == "Yes",
        "body_weight_kg": _draw_weight(rng, is_male),
        "organs": _draw_organs(rng, levels),
        "pd1_drug": str(rng.choice(list(PD1_DOSES_MG), p=[0.14, 0.06, 0.34, 0.16, 0.30])),
    }
    facts |= _draw_liver(rng, levels["ALBI grade"], hospital)
    facts |= _draw_enzymes_and_markers(rng, levels, hospital)
    facts["metastasis_site_number"] = sum(facts["organs"].values())
    return facts


def born(rng: np.random.Generator, day: date, age_years: int) -> date:
    """Draw a birth date that makes the completed age on `day` exactly `age_years`."""
    return day - timedelta(days=int(age_years * 365.25) + 1 + int(rng.integers(2, 360)))


def _draw_size(rng: np.random.Generator, level: str) -> float:
    if level == "<=10":
        return round(float(np.clip(rng.normal(7.2, 2.0), 2.0, 10.0)), 1)
    return round(float(np.clip(rng.normal(12.6, 1.6), 10.1, 16.0)), 1)


def _draw_pvtt(rng: np.random.Generator, level: str) -> str:
    if level == "No":
        return "0"
    if level == "I-II":
        return "I" if rng.random() < 0.4 else "II"
    return "III" if rng.random() < 0.8 else "IV"


def _draw_hvpg(rng: np.random.Generator, has_hypertension: bool) -> float:
    return float(rng.integers(11, 22)) if has_hypertension else float(rng.integers(3, 11))


def _draw_weight(rng: np.random.Generator, is_male: bool) -> float:
    mean, sd = (65.0, 8.5) if is_male else (55.5, 7.0)
    return round(float(np.clip(rng.normal(mean, sd), 42, 95)), 1)


def _draw_organs(rng: np.random.Generator, levels: Levels) -> dict[str, int]:
    """Share the metastatic lesions among the organs; each organ holds at least one."""
    organs = [] if levels["Metastasis organs"] == "Other organs" else ["lung"]
    if levels["Metastasis organs"] != "Lung":
        number = 1 if rng.random() < 0.7 else 2
        organs += sorted(
            str(name) for name in rng.choice(_OTHER_ORGANS, size=number, replace=False, p=_OTHER_ORGAN_SHARES)
        )
    is_few = levels["Metastasis sites"] == "<=5"
    sites = int(rng.integers(len(organs), 6)) if is_few else int(rng.integers(6, 17))
    extra = rng.multinomial(sites - len(organs), [1 / len(organs)] * len(organs))
    return {organ: 1 + int(more) for organ, more in zip(organs, extra, strict=True)}


def _albi_score(bilirubin_umol_l: float, albumin_g_l: float) -> float:
    """Return the ALBI score (Johnson 2015); typed anew, so that the generator does not rest on what it tests."""
    return 0.66 * math.log10(bilirubin_umol_l) - 0.085 * albumin_g_l


def _draw_liver(rng: np.random.Generator, grade: str, hospital: str) -> Record:
    """Draw albumin, bilirubin, INR, ascites and encephalopathy of the grade with Child-Pugh class A or B.

    Bilirubin is drawn as whole hundredths of mg/dL and printed with enough digits, so that either unit keeps the grade.
    """
    low, high = _ALBI_LIMITS[grade]
    albumin_mean, albumin_sd, bilirubin_median, bilirubin_log_sd = _LIVER_DRAWS[grade]
    while True:
        albumin = round(float(rng.normal(albumin_mean, albumin_sd)), 1)
        bilirubin = round(round(bilirubin_median * math.exp(rng.normal(0, bilirubin_log_sd)) / 17.1, 2) * 17.1, 1)
        inr = round(float(np.clip(rng.normal(1.1, 0.1), 0.9, 1.6)), 2)
        score = _albi_score(bilirubin, albumin)
        is_near_limit = (
            min(abs(albumin - 28), abs(albumin - 35), abs(bilirubin - 34) / 3, abs(bilirubin - 51) / 3) < 0.15
        )
        if not (20 <= albumin <= 52 and 4 <= bilirubin <= 80) or is_near_limit:
            continue
        if not low + _ALBI_MARGIN < score < high - _ALBI_MARGIN:
            continue
        laboratory_points = 1 + _points(bilirubin, 34, 51) + (1 + (albumin < 35) + (albumin < 28))
        ascites, encephalopathy = _draw_signs(rng, grade, laboratory_points)
        points = laboratory_points + 1 + ("none", "mild", "moderate_or_more").index(ascites) + 1 + (encephalopathy > 0)
        if points > 9 or (grade == "Grade 3" and points < 7):
            continue
        return {
            "albumin_g_l": albumin,
            "bilirubin_umol_l": bilirubin,
            "inr": inr,
            "pt_prolongation_s": round(max(inr - 1, 0) * 8, 1) if hospital == "hunan" else None,
            "ascites": ascites,
            "encephalopathy_grade": encephalopathy,
            "child_pugh_class": "A" if points <= 6 else "B",
        }


def _points(value: float, second: float, third: float) -> int:
    return 1 + (value >= second) + (value > third)


def _draw_signs(rng: np.random.Generator, grade: str, laboratory_points: int) -> tuple[str, int]:
    if grade == "Grade 3":
        ascites = ("none", "mild", "moderate_or_more")[min(2, max(0, 5 - laboratory_points) + int(rng.random() < 0.4))]
        return ascites, int(rng.random() < 0.1)
    return ("mild" if rng.random() < (0.25 if grade == "Grade 2" else 0.05) else "none"), 0


def _draw_enzymes_and_markers(rng: np.random.Generator, levels: Levels, hospital: str) -> Record:
    return {
        "alt_u_l": _draw_enzyme(rng, levels["ALT (U/L)"]),
        "ast_u_l": _draw_enzyme(rng, levels["AST (U/L)"]),
        "afp_ng_ml": _draw_afp(rng, levels["AFP (ng/mL)"], hospital),
        "hbv_dna_iu_ml": _draw_hbv_dna(rng, levels, hospital),
        "platelets_10e9_l": float(
            int(np.clip(rng.normal(90 if levels["Portal hypertension"] == "Yes" else 175, 45), 45, 380))
        ),
        "creatinine_umol_l": float(int(np.clip(rng.normal(72, 13), 42, 118))),
    }


def _draw_enzyme(rng: np.random.Generator, level: str) -> float:
    if level == "<=40":
        return float(int(np.clip(rng.normal(29, 6), 10, 40)))
    return float(int(np.clip(58 * math.exp(abs(rng.normal(0, 0.45))) - 15, 41, 290)))


def _draw_afp(rng: np.random.Generator, level: str, hospital: str) -> float | str:
    """AFP in ng/mL; one hospital's assay ends at 1210, and beyond it only the bound is known."""
    if level == "<=400":
        return round(float(np.clip(10 ** rng.uniform(0.4, 2.59), 1.5, 390)), 1)
    value = round(float(10 ** rng.uniform(2.65, 4.75)), 1)
    return ">1210" if hospital == "nanfang" and value > 1210 else value


def _draw_hbv_dna(rng: np.random.Generator, levels: Levels, hospital: str) -> float | str | None:
    """HBV DNA in IU/mL as number, bound or `not_detected`; None: not measured, which only HBsAg-negative patients have."""
    if levels["HBsAg"] == "Negative" and rng.random() < 0.5:
        return None
    if levels["HBV DNA (IU/mL)"] == ">2000":
        return float(f"{10 ** rng.uniform(3.4, 7.8):.3g}")
    kind = rng.random()
    if levels["HBsAg"] == "Negative" or kind < 0.4:
        return "not_detected"
    if kind < 0.6:
        return "<20" if hospital == "sysu" else "<100"
    return float(f"{10 ** rng.uniform(2.1, 3.28):.3g}")
