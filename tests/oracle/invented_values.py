"""Values of one record, drawn around the definitions' cut-points. SYNTHETIC EXAMPLE DATA."""

from datetime import date, timedelta

from oracle.invented_texts import draw_pvtt_text, draw_size_text

from schemas.contract import read_contract
from schemas.tables import TABLES

CONTRACTS = {name: list(read_contract(table).values()) for name, table in TABLES.items()}
CLOSE = date(2022, 10, 31)
STARTS = (
    date(2018, 12, 31), date(2019, 1, 1), date(2020, 2, 29), date(2020, 6, 15), date(2021, 3, 1), date(2021, 12, 31),
    date(2022, 1, 1), date(2022, 7, 31), date(2022, 8, 1), date(2022, 11, 2), date(2017, 12, 31),
)  # fmt: skip
ANTIBODIES = ("pembrolizumab", "nivolumab", "sintilimab", "toripalimab", "camrelizumab")
LAB_VALUES = {
    "alt_u_l": (39.9, 40, 40.1, 41, 80, 120, 121, 199, 200, 201, 800, 801, 12),
    "ast_u_l": (39.9, 40, 40.1, 41, 80, 120, 121, 200, 201, 800, 801, 12),
    "bilirubin_umol_l": (33.9, 34, 34.1, 51, 51.1, 17.1, 17.2, 25.65, 51.3, 171, 10, 10, 10, 10, 1, 120),
    "albumin_g_l": (35, 35.1, 28, 27.9, 40, 44.7, 44.8, 32, 38.3, 38.4, 24.1, 24.2),
    "afp_ng_ml": (0, 399, 400, 401, 1210, 60000, 20),
    "hbv_dna_iu_ml": (0, 20, 1999, 2000, 2001, 1e6),
    "hbv_dna_copies_ml": (500, 9999, 10000, 10001, 11999, 12000, 12001, 1e6),
    "inr": (1.0, 1.69, 1.7, 2.3, 2.31, 3),
    "pt_prolongation_s": (0, 3.9, 4, 6, 6.1, 12),
    "platelets_10e9_l": (24, 25, 49, 50, 74, 75, 149, 150, 300),
    "creatinine_umol_l": (45, 70, 110),
}
VALUES = {
    "sex": ("male", "female"),
    "person_id": ("x1", "x2", "x3", "x4"),
    "age_years": (17, 17.9, 18, 57, 59, 60, 60.5, 61, 75, 75.5, 76),
    "tumour_type": ("hcc",) * 6 + ("mixed", "other"),
    "diagnosis_basis": ("histology", "clinical_aasld", "histology", "other"),
    "is_unresectable": (True,) * 6 + (False,),
    "is_recurrent": (False,) * 6 + (True,),
    "has_other_malignancy": (False,) * 6 + (True,),
    "bclc_stage": ("C",) * 6 + ("A", "B", "D"),
    "ecog_status": (0,) * 6 + (1, 2, 3, 4, 5),
    "child_pugh_class": ("A", "A", "B", "C"),
    "encephalopathy_grade": (0, 0, 0, 1, 2, 3, 4),
    "pvtt_type": ("0", "0", "I", "II", "III", "IV"),
    "hbsag": ("positive", "positive", "negative"),
    "ascites": ("none", "none", "none", "mild", "moderate_or_more"),
    "has_extrahepatic_metastasis": (True,) * 6 + (False,),
    "has_vena_cava_or_atrium_tumour": (False,) * 6 + (True,),
    "tumour_size_cm": (9.9, 10, 10.1, 3, 7.95, 8, 8.05, 8.15),
    "tumour_number": (0, 1, 1, 2, 3, 4, 12),
    "metastasis_site_number": (0, 0, 1, 4, 5, 6, 20),
    "lesion_id": (None, None, None, "L0", "L1", "L9"),
    "hvpg_mmhg": (4.9, 5, 9.9, 10, 10.1, 18),
    "body_weight_kg": (59.9, 60, 60.1, 45, 82),
    "lesion_number": (1, 2, 3, 5),
    "reader": ("site", "A", "B"),
    "vital_status": ("alive", "dead"),
    "has_progressed": (True, True, True, False),
    "progression_basis": (None, "imaging", "clinical"),
    "procedure": ("tace", "tace", "resection", "ablation", "radiotherapy", "haic", "other"),
    "initial_dose_mg": (8, 12, 200, 240, 400, 800, 3),
    "grade": (1, 2, 3, 4, 5),
    "value_comparator": ("=",) * 8 + ("<", ">", "<=", ">=", "not_detected"),
    "overall_survival_days": (0, 60, 91, 91.25, 91.5, 400, 800.5),
    "progression_days": (0, 30, 91, 200, 400, 800.5),
}
DAYS_FROM_START = {
    "diagnosis_date": (-400, -30, -1, 0, 1),
    "sample_date": (-29, -28, -7, 0, 1, 28, 41, 42),
    "procedure_date": (-400, -91, -90, -40, -1, 0, 10, 14, 45, 63, 65, 90, 91, 160, 212),
    "onset_date": (-1, 0, 1, 28, 31, 32, 40),
    "resolved_date": (0, 1, 40, 60),
    "last_contact_date": (-1, 0, 60, 91, 92, 183, 400, 900),
    "death_date": (-1, 0, 60, 91, 92, 119, 120, 183, 400, 900),
    "progression_date": (-1, 0, 1, 42, 91, 119, 120, 211, 400),
}
TERMS = ("alt_increased", "ast_increased", "bilirubin_increased", "platelets_decreased", "hypertension", "fatigue")


class Draw:
    """Random choices of one patient; how often something is missing, or unlike the study's patients, differs."""

    def __init__(self, random):
        self.random = random
        self.null_rate = random.choice((0, 0, 0, 0.02, 0.1, 0.3))
        self.is_typical = random.random() < 0.5

    def one(self, values):
        return self.random.choice(values)

    def chance(self, probability):
        return self.random.random() < probability

    def some(self, values, least, most, always=()):
        """Distinct values, so many of them, in the order of `values`; those of `always` nearly always."""
        chosen = set(self.random.sample(values, self.random.randint(least, min(most, len(values)))))
        chosen |= {value for value in always if self.chance(0.97)}
        return [value for value in dict.fromkeys(values) if value in chosen]

    def maybe(self, value):
        return None if self.chance(self.null_rate) else value

    def start_date(self):
        if self.chance(0.5):
            return self.one(STARTS)
        return date(2019, 1, 1) + timedelta(days=self.random.randint(0, 1000))

    def tests(self):
        return [test for test in LAB_VALUES if self.is_typical or self.chance(0.9)]

    def day(self, start, offsets):
        """A day counted from the start, or one about the close of follow-up."""
        if self.chance(0.1):
            return CLOSE + timedelta(days=self.one((-1, 0, 1)))
        return start + timedelta(days=self.one(offsets))


def draw_record(draw, table, *, start, **known):
    """One record of a table; `known` fields are given, any other may be missing."""
    record = {spec.name: None for spec in CONTRACTS[table]}
    record.update({spec.name: draw.maybe(_draw_value(draw, spec, start)) for spec in CONTRACTS[table]})
    record.update(known)
    if table in _FINISH:
        _FINISH[table](draw, record, start)
    return record


def _draw_value(draw, spec, start):
    if spec.name in VALUES:
        values = VALUES[spec.name]
        is_usual = draw.is_typical and values.count(values[0]) > 1 and draw.chance(0.9)
        return values[0] if is_usual else draw.one(values)
    if spec.name in DAYS_FROM_START:
        return draw.day(start, DAYS_FROM_START[spec.name])
    if spec.codes is not None:
        return draw.one([code.value for code in spec.codes])
    return draw.one((True, False)) if str(spec.dtype) == "Boolean" else None


def _finish_patient(draw, record, start):
    if draw.chance(0.4):
        record["person_id"] = None
    years = draw.one((17, 18, 45, 59, 60, 61, 75, 76))
    day = date(start.year - years, start.month, min(start.day, 28)) + timedelta(days=draw.one((-1, 0, 1, 200)))
    record["birth_date"] = draw.maybe(draw.one((day, day, day, date(1960, 2, 29), start + timedelta(days=3))))


def _finish_baseline(draw, record, start):
    for flag in ("hvpg_mmhg", "tumour_size_cm"):
        if draw.chance(0.3):
            record[flag] = None
    record["pvtt_text"] = draw_pvtt_text(draw) if draw.chance(0.5) else None
    record["tumour_size_text"] = draw_size_text(draw) if draw.chance(0.5) else None


def _finish_outcome(draw, record, start):
    if draw.chance(0.6):
        record["overall_survival_days"] = record["progression_days"] = None
    if record["vital_status"] == "alive" and draw.chance(0.9):
        record["death_date"] = None
    if record["death_date"] and draw.chance(0.7):
        record["last_contact_date"] = draw.maybe(record["death_date"])
    if draw.chance(0.7):
        record["progression_date"] = None


def _finish_laboratory(draw, record, start):
    record["value"] = draw.maybe(float(draw.one(LAB_VALUES[record["test"]])))
    if record["value_comparator"] == "not_detected":
        record["value"] = None
    elif record["value"] is None:
        record["value_comparator"] = None


def _finish_event(draw, record, start):
    record["term"] = draw.maybe(draw.one(TERMS))


_FINISH = {
    "patient": _finish_patient,
    "baseline": _finish_baseline,
    "outcome": _finish_outcome,
    "laboratory": _finish_laboratory,
    "adverse_event": _finish_event,
}
