"""The truth of an invented hospital: patients and the values of their records, before anybody writes them down. SYNTHETIC EXAMPLE DATA.

Each patient is drawn from a stream of his own, so that a hospital of fewer patients has the same ones.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

EXTRACT_DAY = date(2022, 11, 20)
"""The day on which every invented delivery was taken out of its hospital's system."""
TESTS = {
    "alt_u_l": (12, 180, 0), "ast_u_l": (14, 190, 0), "bilirubin_umol_l": (6, 60, 1), "albumin_g_l": (28, 46, 1),
    "afp_ng_ml": (2, 60000, 1), "hbv_dna_iu_ml": (30, 900000, 0), "inr": (0.81, 1.6, 2), "platelets_10e9_l": (45, 290, 0),
}  # fmt: skip
"""Laboratory tests: lowest, highest, decimals; all plausible, and not to be mistaken for another unit."""
ORGANS = ("lung", "bone", "lymph_node", "adrenal", "peritoneum", "brain")
ANTIBODIES = ("pembrolizumab", "nivolumab", "sintilimab", "toripalimab", "camrelizumab")
VEINS = (
    "门静脉主干癌栓",
    "门静脉左支癌栓，右支通畅",
    "未见门静脉癌栓",
    "门静脉右前支癌栓；下腔静脉通畅",
    'MRI "门静脉主干" 癌栓',
)


@dataclass
class Record:
    """One record of one table: the number of its patient, its key and its values by field."""

    table: str
    number: str
    values: dict
    key: tuple = ()


@dataclass
class Patient:
    """A patient as the hospital knows him, and all that is true of him."""

    number: str
    name: str
    national_id: str
    records: list = field(default_factory=list)

    def one(self, table):
        return next(record for record in self.records if record.table == table)

    def all(self, table):
        return [record for record in self.records if record.table == table]


def draw_patients(seed, places):
    """The patients at the given places of the hospital with this seed."""
    return [_draw_patient(Random(f"{seed} patient {place}"), place) for place in places]


def _draw_patient(draw, place):
    number = f"00{310469 + 37 * place}"
    birth = date(1930, 1, 1) + timedelta(days=draw.randrange(23000))
    sex = draw.choice(("male", "male", "female"))
    patient = Patient(
        number, draw.choice("赵钱孙李周吴郑") + draw.choice("伟芳娜敏静丽强磊") + draw.choice("一二三军"), ""
    )
    patient.national_id = _draw_national_id(draw, birth, sex)
    start = date(2018, 6, 1) + timedelta(days=draw.randrange(1100))
    for table, make in (("patient", _draw_identity), ("baseline", _draw_baseline), ("outcome", _draw_outcome)):
        patient.records.append(Record(table, number, make(draw, start)))
    patient.one("patient").values |= {"sex": sex, "birth_date": birth, "person_id": patient.national_id}
    for organ in draw.sample(ORGANS, draw.choice((1, 1, 2, 3))):
        patient.records.append(Record("metastasis", number, {"organ": organ}, (organ,)))
    stop = _maybe(
        draw, min(start + timedelta(days=draw.randrange(20, 500)), patient.one("outcome").values["last_contact_date"])
    )
    for drug in (draw.choice(("lenvatinib", "sorafenib")), draw.choice(ANTIBODIES)):
        values = {"line_number": 1, "drug": drug, "start_date": start, "end_date": stop}
        patient.records.append(Record("treatment", number, values, (1, drug)))
    sample = start - timedelta(days=draw.randrange(7))
    patient.records += [_draw_test(draw, number, test, sample) for test in TESTS]
    return patient


def _draw_national_id(draw, birth, sex):
    """The region 999999 does not exist; the check digit is that of GB 11643-1999."""
    body = f"999999{birth:%Y%m%d}{draw.randrange(100):02}{draw.choice('13579' if sex == 'male' else '02468')}"
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def _maybe(draw, value):
    return None if draw.random() < 0.12 else value


def _draw_identity(draw, start):
    return {
        "diagnosis_date": start - timedelta(days=draw.randrange(3, 400)),
        "tumour_type": draw.choice(("hcc", "hcc", "mixed")),
        "is_recurrent": draw.random() < 0.2,
    }


def _draw_baseline(draw, _start):
    return {
        "ecog_status": draw.choice((0, 1, 1, 2)),
        "child_pugh_class": draw.choice("AAB"),
        "ascites": draw.choice(("none", "none", "mild", "moderate_or_more")),
        "hbsag": draw.choice(("positive", "positive", "negative")),
        "has_cirrhosis": draw.random() < 0.7,
        "tumour_size_cm": _maybe(draw, draw.randrange(26, 160) / 10),
        "tumour_number": _maybe(draw, draw.randrange(1, 9)),
        "body_weight_kg": _maybe(draw, draw.randrange(420, 980) / 10),
        "pvtt_text": _maybe(draw, draw.choice(VEINS)),
    }


def _draw_outcome(draw, start):
    contact = min(start + timedelta(days=draw.randrange(30, 1200)), EXTRACT_DAY - timedelta(days=draw.randrange(1, 60)))
    is_dead = draw.random() < 0.5
    progression = start + (contact - start) * draw.random()
    return {
        "vital_status": "dead" if is_dead else "alive",
        "last_contact_date": contact,
        "death_date": contact if is_dead else None,
        "progression_date": _maybe(draw, progression),
    }


def _draw_test(draw, number, test, sample):
    low, high, decimals = TESTS[test]
    value = round(low * (high / low) ** draw.random(), decimals)
    values = {"visit_number": 0, "test": test, "sample_date": sample, "value": value, "value_comparator": "="}
    if test == "afp_ng_ml" and draw.random() < 0.3:
        values |= draw.choice(({"value": 1210.0, "value_comparator": ">"}, {"value": 60500.0, "value_comparator": ">"}))
        values |= draw.choice(({}, {"value_comparator": ">="}))
    if test == "hbv_dna_iu_ml" and draw.random() < 0.4:
        below = {"value": float(draw.choice((20, 100, 500))), "value_comparator": "<"}
        values |= draw.choice((below, {"value": None, "value_comparator": "not_detected"}, {"value": 17800000000.0}))
        if values["value"] == 17800000000.0:
            values["value_comparator"] = "="
    if draw.random() < 0.05:
        values |= {"value": None, "value_comparator": None}
    return Record("laboratory", number, values, (0, test))
