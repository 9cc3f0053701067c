"""Small hospitals of invented patients: correct records, then edits that a failing example shrinks to the fewest.

SYNTHETIC EXAMPLE DATA. A hospital is a dict from table to plain records. An edit sets one cell, removes or copies a
record, moves a patient's dates, or takes a table away from everybody. Values stand on both sides of every cut-point.
"""

from datetime import date, timedelta
from functools import cache

import polars as pl
from clinical_tables import CORRECT_PATIENT, PARSERS, read_rows
from hypothesis import strategies as st

from schemas.contract import read_contract, read_key
from schemas.tables import TABLES

PATIENTS = ("p1", "p2", "p3")
CONTRACTS = {name: read_contract(model) for name, model in TABLES.items()}
KEYS = {name: read_key(model) for name, model in TABLES.items()}

ANCHORS = (
    date(1962, 6, 15), date(1999, 3, 1), date(2000, 3, 1), date(2018, 1, 1), date(2020, 2, 1), date(2020, 2, 20), date(2020, 3, 1), date(2020, 4, 15),
    date(2020, 6, 10), date(2020, 7, 1), date(2020, 12, 1), date(2022, 10, 31),
)  # fmt: skip
OFFSETS = (0, 1, -1, 3, 4, -3, 14, 15, -14, -15, 28, 29, -28, -29, 90, 91, -90, -91, 112, 113, 365, -365, 3650, -3652)

LAB_VALUES = {
    "alt_u_l": (1, 20, 39, 40, 41, 50, 80, 120, 121, 200, 201, 300, 600, 800, 801, 1000),
    "ast_u_l": (2, 20, 39, 40, 41, 50, 60, 120, 121, 150, 151, 201, 600, 801, 1001),
    "bilirubin_umol_l": (5, 15, 17.1, 17.2, 25, 30, 33.9, 34, 51, 51.1, 52, 102.6, 171, 172, 300, 400),
    "albumin_g_l": (20, 27.9, 28, 30, 34.9, 35, 35.1, 40, 45),
    "afp_ng_ml": (0, 20, 399, 400, 401, 60500),
    "hbv_dna_iu_ml": (0, 20, 1999, 2000, 2001, 50000),
    "hbv_dna_copies_ml": (0, 500, 9999, 10000, 10001, 11000, 12000, 12001, 1e6),
    "inr": (0.9, 1.1, 1.69, 1.7, 2.0, 2.3, 2.31, 3),
    "pt_prolongation_s": (0, 1, 3.9, 4, 5, 6, 6.1, 9),
    "platelets_10e9_l": (10, 24, 25, 30, 49, 50, 74, 75, 100, 149, 150, 200),
    "creatinine_umol_l": (60, 90),
}
LESIONS = ("T1", "T2", "N1", "T3", "T4", "T5", "T6", "X1")
VALUES = {
    "pvtt_text": ("门静脉右支癌栓", "门静脉主干癌栓", "无", "肠系膜上静脉癌栓", "门静脉分支", "见报告", "癌栓", "下腔静脉癌栓", "右心房未见癌栓", "肝静脉可疑癌栓", "肝静脉癌栓"),
    "tumour_size_text": ("8.0*6.2", "7.9*6/4*3/3*2/2*1", "8.2", "7.4*6.2/8*4.5/3.2*3", "82mm", "dmax=1.2_4", "dmax=3/dmax=2.5", "弥漫", "8.05"),
    "person_id": ("s1", "s2"),
    "reader": ("site", "b"),
    "lesion_id": LESIONS,
    "split_from_lesion_id": LESIONS,
    "merged_into_lesion_id": LESIONS,
    "age_years": (17.0, 55.0, 56.0, 57.0, 58.0, 59.0, 60.0, 75.0, 76.0),
    "ecog_status": tuple(range(6)),
    "encephalopathy_grade": tuple(range(5)),
    "tumour_size_cm": (2.6, 2.7, 4.0, 6.6, 6.7, 7.0, 7.9, 8.0, 8.1, 8.2, 10.0, 24.0, 24.1),
    "tumour_number": (0, 1, 2, 3, 4),
    "metastasis_site_number": (0, 1, 2, 5, 6, 7),
    "lesion_number": (1, 2, 4),
    "hvpg_mmhg": (4.0, 5.0, 5.1, 6.0, 10.0, 10.1, 12.0),
    "body_weight_kg": (45.0, 59.9, 60.0, 66.0),
    "diameter_mm": (0.0, 5.0, 6.0, 9.0, 9.9, 10.0, 11.0, 14.0, 15.0, 20.0, 21.0, 27.0, 30.0, 36.0, 50.0, 70.0, 80.0, 96.0, 97.0, 210.0, 400.0),
    "viable_diameter_mm": (0.0, 9.0, 11.0, 30.0, 31.0, 31.1, 51.0, 80.0, 81.0, 82.0),
    "target_sum_mm": (0.0, 70.0, 71.0, 72.0, 77.0, 100.0, 109.0, 110.0, 111.0, 112.0, 132.0),
    "assessment_days": (-10.0, 45.0, 91.0, 100.0, 183.0),
    "overall_survival_days": (0.0, 100.0, 271.0, 272.0, 275.0, 278.0, 279.0, 400.0),
    "progression_days": (50.0, 100.0, 101.0, 275.0, 276.0, 400.0),
    "initial_dose_mg": (4.0, 6.0, 8.0, 12.0, 16.0, 79.0, 80.0, 200.0, 300.0, 400.0, 480.0, 481.0, 600.0, 800.0, 1000.0),
    "line_number": (1, 2, 3),
    "procedure_number": (1, 2, 3),
    "event_number": (1, 2, 3),
    "grade": (1, 2, 3, 4, 5),
    "visit_number": (0, 1, 2, 3),
    "repeat_number": (1, 2),
}  # fmt: skip

# Laboratory events of the second and third patient, beside everything else of the correct one.
LABORATORY_EVENTS = (
    ("alt_increased", "alt_u_l", 44.0),
    ("ast_increased", "ast_u_l", 80.0),
    ("bilirubin_increased", "bilirubin_umol_l", 30.0),
    ("platelets_decreased", "platelets_10e9_l", 70.0),
)


def _values_of(table, name):
    """The values a field may take in an edit; missing is always one."""
    spec = CONTRACTS[table][name]
    if spec.codes is not None:
        return (None, *(code.value for code in spec.codes))
    if name in VALUES:
        return (None, *VALUES[name])
    kind = str(spec.dtype)
    if "Boolean" in kind:
        return (None, True, False)
    if "Date" in kind:
        return (None, *sorted({anchor + timedelta(days=days) for anchor in ANCHORS for days in OFFSETS}))
    assert name == "value", (
        f"write in VALUES of tests/oracle/edited_hospital.py the values that {table}.{name} takes, on both sides of each cut-point"
    )
    return (None, *sorted({float(value) for values in LAB_VALUES.values() for value in values}))


@cache
def _choices():
    return {(table, name): _values_of(table, name) for table, contract in CONTRACTS.items() for name in contract}


@cache
def _correct_records():
    """The records of one correct patient by table, typed, with every field of the contract."""
    records = {}
    for table, contract in CONTRACTS.items():
        rows = read_rows(CORRECT_PATIENT[table])
        parsers = {name: PARSERS[_kind(spec)] for name, spec in contract.items()}
        records[table] = [
            {name: None if row.get(name) is None else parsers[name](row[name]) for name in contract} for row in rows
        ]
    return records


def _kind(spec):
    return next(kind for kind in PARSERS if kind in str(spec.dtype))


def _make_variant(number):
    """One patient's records: as they are; with sums and durations instead of lesions and dates; with laboratory events and an ablation; with contradictions."""
    records = {table: [dict(row) for row in rows] for table, rows in _correct_records().items()}
    if number == 1:
        records["lesion"] = []
        sums = {0: 110.0, 1: 70.0, 2: 100.0}
        for row in records["response"]:
            row["target_sum_mm"] = sums[row["visit_number"]]
        records["outcome"][0] |= {"overall_survival_days": 275.0, "progression_days": 101.0}
        records["baseline"][0]["tumour_size_text"] = "8.0*6.2/3*3/2*2"
        for row in records["laboratory"]:
            row["test"] = "hbv_dna_copies_ml" if row["test"] == "hbv_dna_iu_ml" else row["test"]
        records["laboratory"] = [row for row in records["laboratory"] if row["test"] in CONTRACTS_LAB_TESTS]
    if number == 2:
        onset = date(2020, 4, 5)
        records["adverse_event"] = [
            {"event_number": n, "term": term, "grade": 1, "onset_date": onset, "resolved_date": None, "ctcae_version": ("4.03", "5.0")[n % 2]}
            for n, (term, _, _) in enumerate(LABORATORY_EVENTS, start=1)
        ]  # fmt: skip
        records["laboratory"] += [
            {"visit_number": visit, "test": test, "sample_date": onset + timedelta(days=days), "value": value * factor, "value_comparator": "="}
            for visit, days, factor in ((2, -2, 1.0), (3, 2, 1.5))
            for _, test, value in LABORATORY_EVENTS
        ]  # fmt: skip
        records["laboratory"].append(
            {"visit_number": 0, "test": "pt_prolongation_s", "sample_date": date(2020, 2, 25), "value": 3.0, "value_comparator": "="}
        )  # fmt: skip
        ablation = {
            "procedure_number": 3,
            "procedure": "ablation",
            "procedure_date": date(2020, 4, 1),
            "lesion_id": "T2",
        }
        records["procedure"].append(ablation)
        for row in records["response"]:
            row["target_sum_mm"] = {0: 110.0, 1: 70.0, 2: 100.0}[row["visit_number"]]
    if number == CONTRADICTING:
        _contradict(records)
    return records


CONTRADICTING = 3


def _contradict(records):
    """What single edits of a correct patient hardly ever bring about: several statements that only together cannot be."""
    records["patient"][0]["diagnosis_basis"] = "clinical_aasld"
    records["baseline"][0] |= {
        "hbsag": "negative",
        "has_cirrhosis": False,
        "hvpg_mmhg": None,
        "ascites": "moderate_or_more",
        "pvtt_type": "0",
        "pvtt_text": None,
    }
    records["laboratory"] = [row for row in records["laboratory"] if row["test"] != "hbv_dna_iu_ml"]
    platelets = {"visit_number": 0, "test": "platelets_10e9_l", "sample_date": date(2020, 2, 25), "value": 50.0}
    for visit, value in ((0, 50.0), (1, 400.0), (2, 45.0)):
        records["laboratory"].append(platelets | {"visit_number": visit, "value": value, "value_comparator": "="})
    for test, value in (("alt_u_l", 44.0), ("ast_u_l", 50.0), ("bilirubin_umol_l", 15.0), ("albumin_g_l", 40.0)):
        copied = {"visit_number": 2, "test": test, "sample_date": date(2020, 6, 8), "value": value}
        records["laboratory"].append(platelets | copied | {"value_comparator": "="})
    records["procedure"][0]["lesion_id"], records["procedure"][1]["lesion_id"] = "T9", "T2"
    records["procedure"][1]["procedure_date"] = records["procedure"][0]["procedure_date"] + timedelta(days=3)
    new_year = {"procedure_number": 4, "procedure": "radiotherapy", "procedure_date": date(2020, 1, 1)}
    records["procedure"].append(dict.fromkeys(records["procedure"][0]) | new_year)
    for row in records["lesion"]:
        if (row["visit_number"], row["lesion_id"]) == (2, "T1"):
            row["diameter_mm"] = 160.0


CONTRACTS_LAB_TESTS = tuple(code.value for code in CONTRACTS["laboratory"]["test"].codes)
# Cells whose rules fail only at a few values are edited more often.
OFTEN = (
    *[("lesion", "diameter_mm")] * 12,
    *[("patient", "diagnosis_date")] * 3,
    *[("baseline", "bclc_stage")] * 3,
    *[("lesion", "status"), ("lesion", "role"), ("lesion", "assessment_date"), ("response", "assessment_date")] * 3,
    *[("response", "has_new_lesion"), ("response", "recorded_response"), ("outcome", "progression_date")] * 3,
    *[("baseline", "ascites"), ("baseline", "has_cirrhosis")] * 6,
    *[("procedure", "procedure")] * 4,
    *[("procedure", "lesion_id")] * 12,
    *[("baseline", "hbsag"), ("procedure", "procedure_date"), ("outcome", "death_date")] * 2,
)
CELLS = (*((table, name) for table, contract in CONTRACTS.items() for name in contract), *OFTEN)
TABLE_NAMES = tuple(CONTRACTS)

KINDS = ("set", "set", "set", "set", "copy", "copy", "remove", "move", "remove_all", "drop_table")
MOST_EDITS, ROWS, CHOICES, ORDERS = 30, 15, 400, 10_000


def make_hospital(variants, changes, order):
    """Plain records by table: one patient a variant, edited, keys kept unique, rows in an order of their own."""
    hospital = {table: [] for table in CONTRACTS}
    for patient, variant in zip(PATIENTS, variants, strict=False):
        for table, rows in _make_variant(variant).items():
            hospital[table] += [{"patient_id": patient, **row} for row in rows]
    for change in changes:
        _apply(hospital, *change)
    for row in hospital["laboratory"]:
        # What was not detected has no value: parsing sees to that.
        row["value"] = None if row["value_comparator"] == "not_detected" else row["value"]
        row["repeat_number"] = row.get("repeat_number") or 1
    for table, rows in hospital.items():
        first = {tuple(row[name] for name in KEYS[table]): row for row in reversed(rows)}
        kept = [row for key, row in first.items() if None not in key]
        hospital[table] = _shuffle(kept, order)
    known = {row["patient_id"] for row in hospital["patient"]}
    return {table: [row for row in rows if row["patient_id"] in known] for table, rows in hospital.items()}


def _apply(hospital, kind, patient, cell, position, choice):
    table, name = CELLS[cell]
    if kind == "drop_table":
        hospital[table] = [] if table not in ("patient",) and choice % 4 == 0 else hospital[table]
        return
    own = [row for row in hospital[table] if row["patient_id"] == PATIENTS[patient]]
    if not own:
        return
    row = own[position % len(own)]
    if kind == "copy" and len(KEYS[table]) > 1:
        row = dict(row)
        hospital[table].append(row)
        name = KEYS[table][1 + choice % (len(KEYS[table]) - 1)]
    if kind in ("set", "copy"):
        row[name] = _choose(table, name, row, choice)
    elif kind == "move":
        for field_name, value in row.items():
            if isinstance(value, date):
                row[field_name] = value + timedelta(days=OFFSETS[choice % len(OFFSETS)])
    else:
        gone = own if kind == "remove_all" else [row]
        hospital[table] = [other for other in hospital[table] if not any(other is one for one in gone)]


def _choose(table, name, row, choice):
    if (table, name) == ("laboratory", "value"):
        values = (None, *map(float, LAB_VALUES[row["test"]])) if row["test"] else (None,)
    else:
        values = _choices()[table, name]
    return values[choice % len(values)]


def _shuffle(rows, order):
    """The rows in an order that depends on the number alone; 0 keeps them as they are."""
    return [row for _, row in sorted(enumerate(rows), key=lambda pair: ((pair[0] * 7919 + 13) * order) % 104729)]


def make_frames(hospital):
    """The records as the contract's frames, as validation accepts them."""
    frames = {}
    for table, rows in hospital.items():
        provenance = {
            "hospital": "h1",
            "delivery": "d",
            "source_file": "f",
            "source_sheet": None,
            "source_column": None,
        }
        schema = {name: column.dtype.type for name, column in TABLES[table].to_schema().columns.items()}
        records = [{**provenance, "source_row": number, **row} for number, row in enumerate(rows, start=1)]
        frames[table] = pl.DataFrame(records, schema=schema)
    return frames


VARIANTS = (0, 0, 1, 1, 2, 2, CONTRADICTING, CONTRADICTING)


def draw_hospital(random):
    """A hospital of random edits, without hypothesis."""
    variants = [random.choice(VARIANTS) for _ in range(random.randint(1, len(PATIENTS)))]
    changes = [
        (
            random.choice(KINDS),
            random.randrange(len(PATIENTS)),
            random.randrange(len(CELLS)),
            random.randrange(ROWS + 1),
            random.randrange(CHOICES + 1),
        )
        for _ in range(random.randint(0, MOST_EDITS))
    ]
    return make_hospital(variants, changes, random.randrange(ORDERS))


def join_hospitals(hospitals):
    """One hospital of all the patients, each with a number of its own; nobody of one is a patient of another."""
    joined = {table: [] for table in CONTRACTS}
    for number, hospital in enumerate(hospitals):
        for table, rows in hospital.items():
            for row in rows:
                person = row.get("person_id")
                own = {"person_id": person and f"{person} of {number}"} if table == "patient" else {}
                joined[table].append({**row, **own, "patient_id": f"{row['patient_id']} of {number}"})
    return joined


# (kind, patient, cell, row, choice): a cell is set, or its record copied, removed or moved in time.
edits = st.tuples(
    st.sampled_from(KINDS),
    st.integers(0, len(PATIENTS) - 1),
    st.integers(0, len(CELLS) - 1),
    st.integers(0, ROWS),
    st.integers(0, CHOICES),
)
edited_hospitals = st.builds(
    make_hospital,
    st.lists(st.integers(0, CONTRADICTING), min_size=1, max_size=len(PATIENTS)),
    st.lists(edits, max_size=MOST_EDITS),
    st.integers(0, ORDERS),
)
