"""Draws a right patient of the usual kind: one course of disease from diagnosis to the last contact. SYNTHETIC EXAMPLE DATA.

Four courses: `progressed_dead`, `progressed_alive`, `responding` and `stable`, the last two alive and under therapy. Sizes follow a path whose responses are known
without computing them: far from the limits of RECIST, so that rounding to a millimetre cannot change one.
"""

from __future__ import annotations

import datetime as dt
from random import Random

from patients.invented_patient import PD1_DOSES_MG, InventedPatient, days

COURSES = {
    "progressed_dead": (("PR", 0.6), ("PD", 1.0)),
    "progressed_alive": (("SD", 0.9), ("SD", 0.88), ("PD", 1.3)),
    "responding": (("SD", 0.85), ("PR", 0.6), ("PR", 0.55)),
    "stable": (("SD", 0.92), ("SD", 0.9), ("SD", 0.94)),
}
"""Course -> response and size relative to the baseline, visit by visit."""
THROMBI = {"0": "门静脉未见癌栓", "I": "门静脉右前支癌栓", "II": "门静脉右支癌栓", "III": "门静脉主干癌栓"}
ORGANS = ("lung", "bone", "lymph_node", "adrenal")
EVENTS = ("hypertension", "diarrhoea", "fatigue", "rash", "hypothyroidism", "decreased_appetite", "proteinuria")


def draw_day(draw: Random, first: dt.date, last: dt.date) -> dt.date:
    """A day between two, both included; never a 1 January, on which nobody has an appointment."""
    while True:
        day = first + days(draw.randint(0, (last - first).days))
        if (day.month, day.day) != (1, 1):
            return day


def draw_patient(draw: Random, course: str) -> InventedPatient:
    """A right patient with a course of `COURSES`."""
    made = InventedPatient()
    start = draw_day(draw, dt.date(2019, 1, 10), dt.date(2021, 6, 30))
    _draw_person(draw, made, start)
    _draw_disease(draw, made)
    _draw_images(draw, made, start, COURSES[course])
    _draw_outcome(draw, made, start, course)
    _draw_therapy(draw, made, start, course)
    _draw_local_treatment(draw, made, start)
    _draw_samples(draw, made, start)
    _draw_events(draw, made, start)
    return made


def _draw_person(draw, made, start):
    birth = draw_day(draw, start - days(74 * 365), start - days(26 * 365))
    had_birthday = (start.month, start.day) >= (birth.month, birth.day)
    made.tables["patient"] = [
        {
            "sex": draw.choice(("male", "male", "male", "male", "female")),
            "birth_date": birth,
            "age_years": start.year - birth.year - (not had_birthday),
            "diagnosis_date": draw_day(draw, start - days(60), start - days(12)),
            "tumour_type": "hcc",
            "diagnosis_basis": draw.choice(("histology", "clinical_aasld")),
            "is_unresectable": True,
            "is_recurrent": False,
            "has_other_malignancy": False,
        }
    ]


def _draw_disease(draw, made):
    kind = draw.choice(list(THROMBI))
    organs = draw.sample(ORGANS, draw.choice((1, 2, 2)))
    numbers = [draw.randint(2, 6) for _ in organs]
    made.tables["metastasis"] = [
        {"organ": organ, "lesion_number": number} for organ, number in zip(organs, numbers, strict=True)
    ]
    hypertension = draw.random() < 0.3
    made.tables["baseline"] = [
        {
            "bclc_stage": "C",
            "ecog_status": 0,
            "child_pugh_class": "A",
            "ascites": "none",
            "encephalopathy_grade": 0,
            "has_extrahepatic_metastasis": True,
            "has_vena_cava_or_atrium_tumour": False,
            "pvtt_type": kind,
            "has_portal_vein_thrombosis": None,
            "pvtt_text": THROMBI[kind],
            "tumour_size_cm": draw.randint(40, 140) / 10,
            "tumour_size_text": None,
            "tumour_number": draw.randint(2, 9),
            "metastasis_site_number": sum(numbers),
            "hbsag": "positive",
            "has_antiviral_therapy": True,
            "has_cirrhosis": True,
            "hvpg_mmhg": draw.choice((None, draw.randint(11, 17) if hypertension else draw.randint(4, 9))),
            "has_portal_hypertension": hypertension,
            "has_tace": False,
            "body_weight_kg": draw.choice((draw.randint(46, 59), draw.randint(60, 90))),
        }
    ]


def _draw_images(draw, made, start, path):
    gap = draw.randint(42, 56)
    dates = [start - days(draw.randint(2, 12)), *(start + days(gap * visit) for visit in range(1, len(path) + 1))]
    organ = made.tables["metastasis"][0]["organ"]
    sizes = {"T1": made.baseline["tumour_size_cm"] * 10, "T2": draw.randint(24, 48)}
    places = {"T1": "liver", "T2": organ}
    others = [row["organ"] for row in made.tables["metastasis"][1:]]
    if organ == "bone":  # a bone without soft tissue is no target
        places["T2"], sizes["T2"] = "liver", draw.randint(20, 38)
        others = [organ, *others]
    factors = [1.0, *(factor for _, factor in path)]
    for visit, (date, factor) in enumerate(zip(dates, factors, strict=True)):
        for name, size in sizes.items():
            row = _write_lesion(visit, name, date, "target", places[name])
            made.tables["lesion"].append(row | {"status": "measured", "diameter_mm": float(round(size * factor))})
        for number, place in enumerate(others, start=1):
            row = _write_lesion(visit, f"N{number}", date, "non_target", place)
            made.tables["lesion"].append(row | {"status": "present", "diameter_mm": None})
        made.tables["response"].append(
            {
                "visit_number": visit,
                "reader": "site",
                "criteria": "recist_1_1",
                "assessment_date": date,
                "has_new_lesion": False,
                "recorded_response": path[visit - 1][0] if visit else None,
            }
        )


def _write_lesion(visit, name, date, role, organ):
    row = {"visit_number": visit, "reader": "site", "lesion_id": name, "assessment_date": date, "modality": "ct"}
    return row | {"role": role, "organ": organ, "is_tace_treated": False}


def _draw_outcome(draw, made, start, course):
    last = made.last_image()
    is_progressed = course.startswith("progressed")
    died = draw_day(draw, last + days(90), last + days(400)) if course == "progressed_dead" else None
    contact = died or draw_day(draw, last + days(90), last + days(250))
    made.tables["outcome"] = [
        {
            "vital_status": "dead" if died else "alive",
            "last_contact_date": contact,
            "death_date": died,
            "has_progressed": is_progressed,
            "progression_date": last if is_progressed else None,
        }
    ]


def _draw_therapy(draw, made, start, course):
    kinase = draw.choice(("lenvatinib", "sorafenib"))
    antibody = draw.choice(list(PD1_DOSES_MG))
    dose = 800 if kinase == "sorafenib" else 12 if made.baseline["body_weight_kg"] >= 60 else 8
    offset = draw.randint(0, 10)
    later = start + days(offset)
    begun = (start, later) if draw.random() < 0.7 else (later, start)
    goes_on = not course.startswith("progressed")
    end = None if goes_on else made.last_image() + days(draw.randint(3, 14))
    why = None if goes_on else "progression"
    made.add_drug(1, kinase, begun[0], end, dose, why)
    made.add_drug(1, antibody, begun[1], end, PD1_DOSES_MG[antibody], why)
    if end and draw.random() < 0.6:
        again = draw_day(draw, end + days(7), end + days(25))
        stop = draw_day(draw, again + days(20), again + days(40))
        made.add_drug(2, "other", again, stop, None, "other")


def _draw_local_treatment(draw, made, start):
    sessions = draw.choice((0, 1, 2, 3))
    made.baseline["has_tace"] = sessions > 0
    dates = [start + days(offset + 26 * number) for number, offset in enumerate([draw.randint(3, 12)] * sessions)]
    for date in dates:
        made.add_procedure("tace", date)
    for row in made.tables["lesion"]:
        row["is_tace_treated"] = row["organ"] == "liver" and any(date < row["assessment_date"] for date in dates)


def _draw_samples(draw, made, start):
    visits = [start - days(draw.randint(0, 6))]
    visits += [
        date - days(draw.randint(0, 3)) for date in sorted(row["assessment_date"] for row in made.responses())[1:]
    ]
    albumin, platelets, bilirubin = draw.randint(38, 46), draw.randint(110, 260), draw.randint(8, 26)
    for visit, date in enumerate(visits):
        values = {
            "alt_u_l": draw.randint(18, 90),
            "ast_u_l": draw.randint(20, 100),
            "bilirubin_umol_l": bilirubin + draw.randint(-2, 4),
            "albumin_g_l": albumin + draw.randint(-1, 3) / 2,
            "platelets_10e9_l": platelets + draw.randint(-12, 12),
        }
        if visit == 0:
            values |= {
                "afp_ng_ml": round(10 ** draw.uniform(0.6, 4.5), 1),
                "hbv_dna_iu_ml": round(10 ** draw.uniform(1.5, 5.5)),
                "inr": draw.randint(92, 125) / 100,
                "creatinine_umol_l": draw.randint(50, 100),
            }
        for test, value in values.items():
            row = {"visit_number": visit, "test": test, "sample_date": date, "value": value, "value_comparator": "="}
            made.tables["laboratory"].append(row)


def _draw_events(draw, made, start):
    last = made.last_image()
    for term in draw.sample(EVENTS, draw.randint(0, 3)):
        onset = draw_day(draw, start + days(3), last - days(5))
        resolved = draw.choice((None, onset + days(draw.randint(3, 40))))
        made.add_event(term, draw.choice((1, 1, 2, 2, 3)), onset, resolved)
