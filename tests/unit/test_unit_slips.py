"""Values that look like another unit than the one they were sent in: what is set aside, what is kept, what is said.

Each case is decided by hand from the quantity's plausible limits and its known units.
"""

import datetime as dt

import polars as pl
import pytest
from clinical_tables import read_rows
from hypothesis import given
from hypothesis import strategies as st

from etl.judging.findings import contract_message, state_limits_in
from etl.mapping.identity import PseudonymKey
from etl.mapping.masking import OwnTexts
from etl.mapping.records import type_records
from etl.mapping.site import Site
from etl.mapping.verbs import GROUP, PATIENT_TEXT, PERSON_TEXT, UNIT_SUFFIX
from schemas.codes import LabTest
from schemas.contract import read_contract
from schemas.quantity import describe_test
from schemas.tables import TABLES

SITE = Site("clinic", "Clinic", "医院", (), (), ())
LAST_DAY = dt.date(2022, 11, 20)
KEY = PseudonymKey(b"k" * 64)


def read_cells(table, rows):
    """Type records of one table from texts as the mapping hands them over; columns that are not given are empty.

    An empty cell of a column of units is "", null is a record without such a column.
    """
    names = [*read_contract(TABLES[table]), *sorted({n for row in rows for n in row if n.endswith(UNIT_SUFFIX)})]
    fixed = {"source_file": "f", "source_sheet": None, "source_column": None, PERSON_TEXT: None}
    schema = dict.fromkeys([*fixed, PATIENT_TEXT, *names], pl.String) | {"source_row": pl.Int64, GROUP: pl.Int64}
    records = [
        {**fixed, PATIENT_TEXT: f"p{n}", "source_row": n, GROUP: 1, **row} for n, row in enumerate(rows, start=1)
    ]
    texts = pl.DataFrame(records, schema=schema)
    return type_records(
        table, TABLES[table], texts, site=SITE, delivery="d", last_day=LAST_DAY, key=KEY, own=OwnTexts()
    )


def read_lab(test, text, unit):
    """(test, value, comparator, fault, unit it looks like) of one laboratory cell."""
    other = {"visit_number": "1", "test": "alt_u_l", "value": "30", "value__unit": "U/L"}
    row = {"visit_number": "0", "test": test, "value": text, "value__unit": unit or ""}
    typed = read_cells("laboratory", [row, other])
    fault = typed.faults.select("kind", "likely_unit").rows()
    kept = typed.frame.select("test", "value", "value_comparator").row(0)
    return (*kept, *(fault[0] if fault else (None, None)))


LABORATORY = """
| test              | text    | unit          | value | fault     | looks like  | why                                             |
| albumin_g_l       | 39      | g/L           | 39    |           |             |                                                 |
| albumin_g_l       | 3.9     | g/L           |       | unit_slip | g/dL        | 39 g/L                                          |
| albumin_g_l       | 39      | g/dL          |       | unit_slip | g/L         | 390 g/L else                                    |
| albumin_g_l       | 3.9     | g/dL          | 39    |           |             |                                                 |
| albumin_g_l       | 15      | g/L           | 15    |           |             | unlikely, but 150 g/L in g/dL                   |
| albumin_g_l       | 0.39    | g/L           |       | range     |             | 3.9 g/L in g/dL: no known unit explains it      |
| albumin_g_l       | <3.9    | g/L           |       | range     |             | a bound is no slip                              |
| albumin_g_l       | 0       | g/L           |       | range     |             | 0 is no slip                                    |
| albumin_g_l       | 39      |               |       | unit      | g/L         |                                                 |
| albumin_g_l       | 3.9     |               |       | unit      | g/dL        |                                                 |
| albumin_g_l       | 3.9     | g%            |       | unit      | g/dL        |                                                 |
| albumin_g_l       | 100     |               |       | unit      |             | in no known unit                                |
| albumin_g_l       | <3.9    |               |       | unit      |             |                                                 |
| bilirubin_umol_l  | 0.8     | umol/L        |       | unit_slip | mg/dL       | 13.7 umol/L                                     |
| bilirubin_umol_l  | 4       | umol/L        | 4     |           |             | inside the limits: a slip is not seen           |
| bilirubin_umol_l  | 800     | umol/L        | 800   |           |             | unlikely, but 13680 umol/L in mg/dL             |
| bilirubin_umol_l  | 68      | mg/dL         |       | unit_slip | umol/L      | 1163 umol/L else                                |
| bilirubin_umol_l  | 20      |               |       | unit      |             | 20 umol/L or 342 umol/L                         |
| bilirubin_umol_l  | 800     |               |       | unit      |             |                                                 |
| bilirubin_umol_l  | 60      |               |       | unit      | umol/L      | 1026 umol/L in mg/dL                            |
| platelets_10e9_l  | 187000  | 10^9/L        |       | unit_slip | /uL         |                                                 |
| platelets_10e9_l  | 187     | /uL           |       | unit_slip | 10^9/L      |                                                 |
| platelets_10e9_l  | 187000  | 个/μL         | 187   |           |             |                                                 |
| platelets_10e9_l  | 187     | ×10⁹/L        | 187   |           |             | NFKC makes it ×109/L                            |
| platelets_10e9_l  | 5       | 10^9/L        | 5     |           |             | a severe thrombopenia                           |
| platelets_10e9_l  | 1200    | 10^9/L        | 1200  |           |             | a thrombocytosis                                |
| platelets_10e9_l  | 187     |               |       | unit      | 10^9/L      | 10^3/uL is the same                             |
| alt_u_l           | 0.6     | U/L           |       | unit_slip | ukat/L      | 36 U/L                                          |
| alt_u_l           | 0.6     | μkat/L        | 36    |           |             |                                                 |
| alt_u_l           | 40      | ukat/L        |       | unit_slip | U/L         | 2400 U/L else                                   |
| alt_u_l           | 2500    | U/L           | 2500  |           |             |                                                 |
| alt_u_l           | 99999   | U/L           |       | range     |             |                                                 |
| creatinine_umol_l | 0.9     | umol/L        |       | unit_slip | mg/dL       | 79.6 umol/L                                     |
| creatinine_umol_l | 80      | mg/dL         |       | unit_slip | umol/L      |                                                 |
| afp_ng_ml         | 2000000 | ng/mL         | 2e6   |           |             |                                                 |
| afp_ng_ml         | 900000  | IU/mL         | 1.089e6 |         |             | ng/mL is too near: less than twofold            |
| afp_ng_ml         | 400     |               |       | unit      |             | ng/mL or IU/mL                                  |
| inr               | 1.1     | 1             | 1.1   |           |             |                                                 |
| inr               | 11      | 1             | 11    |           |             |                                                 |
| pt_prolongation_s | 3       | 秒            | 3     |           |             |                                                 |
| pt_prolongation_s | 40      | s             | 40    |           |             |                                                 |
| hbv_dna_iu_ml     | 5.3     | IU/mL         |       | unit_slip | log10 IU/mL |                                                 |
| hbv_dna_iu_ml     | <5.3    | IU/mL         | 5.3   |           |             | a bound is no slip                              |
| hbv_dna_iu_ml     | <20     | IU/mL         | 20    |           |             | a limit of detection                            |
| hbv_dna_iu_ml     | 10      | IU/mL         | 10    |           |             |                                                 |
| hbv_dna_iu_ml     | 1       | IU/mL         | 1     |           |             |                                                 |
| hbv_dna_iu_ml     | 0       | IU/mL         | 0     |           |             |                                                 |
| hbv_dna_iu_ml     | 5.3     | lg IU/mL      | 199526.2 |        |             | 10 to the 5.3                                   |
| hbv_dna_iu_ml     | 0.5     | log10 IU/mL   | 3.162278 |        |             | 10 to the 0.5                                   |
| hbv_dna_iu_ml     | 53000   | log10 IU/mL   |       | unit_slip | IU/mL       |                                                 |
| hbv_dna_iu_ml     | 5.3     |               |       | unit      |             | IU or copies                                    |
| hbv_dna_iu_ml     | 2e10    | IU/mL         | 2e10  |           |             | unlikely, and no known unit explains it         |
"""


@pytest.mark.parametrize("case", read_rows(LABORATORY), ids=lambda c: f"{c['test']} {c['text']} {c['unit']}")
def test_a_laboratory_value_and_its_unit(case):
    test, value, _, fault, looks_like = read_lab(case["test"], case["text"], case["unit"])
    assert (test, fault, looks_like) == (case["test"], case["fault"], case["looks like"])
    assert value == (case["value"] and pytest.approx(float(case["value"])))


# The unit selects the quantity: copies have no fixed factor to IU.
@pytest.mark.parametrize(
    ("sent_as", "text", "unit", "expected"),
    [
        ("hbv_dna_iu_ml", "53000", "copies/mL", ("hbv_dna_copies_ml", 53000, "=", None, None)),
        ("hbv_dna_iu_ml", "<500", "拷贝/ml", ("hbv_dna_copies_ml", 500, "<", None, None)),
        ("hbv_dna_iu_ml", "5", "lg copies/mL", ("hbv_dna_copies_ml", 1e5, "=", None, None)),
        ("hbv_dna_iu_ml", "未检出", "copies/mL", ("hbv_dna_copies_ml", None, "not_detected", None, None)),
        ("hbv_dna_copies_ml", "53000", "IU/mL", ("hbv_dna_iu_ml", 53000, "=", None, None)),
        ("hbv_dna_copies_ml", "5.3", "copies/mL", ("hbv_dna_copies_ml", None, None, "unit_slip", "log10 copies/mL")),
        ("afp_ng_ml", "400", "copies/mL", ("afp_ng_ml", None, None, "unit", None)),
    ],
)
def test_the_unit_selects_the_quantity(sent_as, text, unit, expected):
    assert read_lab(sent_as, text, unit) == expected


FIELDS = """
| table    | field          | text | unit | value | fault     | looks like | why                           |
| baseline | tumour_size_cm | 8.5  | cm   | 8.5   |           |            |                               |
| baseline | tumour_size_cm | 85   | cm   |       | unit_slip | mm         |                               |
| baseline | tumour_size_cm | 85   | mm   | 8.5   |           |            |                               |
| baseline | tumour_size_cm | 4    | mm   |       | unit_slip | cm         | 0.4 cm else                   |
| baseline | tumour_size_cm | 0.3  | cm   | 0.3   |           |            | unlikely; 0.03 cm in mm       |
| baseline | tumour_size_cm | 860  | cm   |       | range     |            | 86 cm in mm                   |
| baseline | body_weight_kg | 70   | kg   | 70    |           |            |                               |
| baseline | body_weight_kg | 140  | kg   |       | unit_slip | jin        | 70 kg                         |
| baseline | body_weight_kg | 140  | 斤   | 70    |           |            |                               |
| baseline | body_weight_kg | 60   | jin  |       | unit_slip | kg         | 30 kg else                    |
| baseline | body_weight_kg | 33   | kg   | 33    |           |            | unlikely; 16.5 kg in jin      |
| baseline | body_weight_kg | 140  |      |       | unit      | jin        |                               |
| baseline | body_weight_kg | 100  |      |       | unit      |            | 100 kg or 50 kg               |
| lesion   | diameter_mm    | 3    | mm   | 3     |           |            | a small lesion is no slip     |
| lesion   | diameter_mm    | 30   | cm   |       | unit_slip | mm         | 300 mm else                   |
| baseline | hvpg_mmhg      | 50   | mmHg | 50    |           |            | no other unit is known        |
"""


@pytest.mark.parametrize("case", read_rows(FIELDS), ids=lambda c: f"{c['field']} {c['text']} {c['unit']}")
def test_a_field_and_its_unit(case):
    name = case["field"]
    rows = [{name: case["text"], name + UNIT_SUFFIX: case["unit"] or ""}, {name + UNIT_SUFFIX: "?"}]
    typed = read_cells(case["table"], rows)
    assert typed.frame[name][0] == (case["value"] and float(case["value"]))
    faults = typed.faults.filter(pl.col("field") == name).select("kind", "likely_unit").rows()
    assert faults == ([(case["fault"], case["looks like"])] if case["fault"] else [])


def test_a_column_without_a_unit_is_read_in_the_fields_own():
    typed = read_cells("baseline", [{"tumour_size_cm": "85"}, {"tumour_size_cm": "8.5"}])
    assert typed.frame["tumour_size_cm"].to_list() == [None, 8.5]
    assert typed.faults.select("kind", "likely_unit").rows() == [("unit_slip", "mm")]


@given(st.permutations(range(8)))
def test_the_right_row_is_set_aside_whatever_the_order(order):
    values = ["39", "3.9", "<3.9", "40", "3.8", "41", None, "0"]
    expected = [39, None, None, 40, None, 41, None, None]
    rows = [{"visit_number": str(n), "test": "albumin_g_l", "value": values[n], "value__unit": "g/L"} for n in order]
    typed = read_cells("laboratory", rows)
    assert typed.frame["value"].to_list() == [expected[n] for n in order]
    slips = typed.faults.filter(pl.col("kind") == "unit_slip")["_record"].to_list()
    assert sorted(order[row] for row in slips) == [1, 4]


def test_the_sentence_says_limits_and_unit_in_both_languages():
    message = contract_message("unit_slip", describe_test(LabTest.ALBUMIN), "g/dL")
    assert (
        message.en
        == "albumin: as sent, the value lies outside 18 - 55 g/L; it looks like g/dL. It was set aside. Please check value and unit."
    )
    assert message.zh == "白蛋白：按所报单位超出18 - 55 g/L，疑为g/dL，数值已隔离，请核对数值和单位。"
    assert contract_message("unit_slip", describe_test(LabTest.HBV_DNA), "log10 IU/mL").en == (
        "HBV DNA: as sent, the value lies between 1 and 10, where assays do not quantify; it looks like log10 IU/mL. It was set aside. "
        "Please check value and unit."
    )
    assert contract_message("unit", describe_test(LabTest.ALBUMIN), "g/dL").en == (
        "albumin: the unit is missing or unknown; it looks like g/dL. Please state it."
    )
    assert contract_message("unit", describe_test(LabTest.ALBUMIN)).en == (
        "albumin: the unit is missing or unknown. Please state it."
    )


@pytest.mark.parametrize(
    ("test", "unit", "limits"),
    [
        # 20 to 1000 umol/L of creatinine, 88.4 umol/L a mg/dL
        (LabTest.CREATININE, "mg/dL", "0.226 - 11.3 mg/dL"),
        (LabTest.CREATININE, "μmol/L", "20 - 1000 umol/L"),
        (LabTest.CREATININE, "mmol/kg", "20 - 1000 umol/L"),
        (LabTest.AFP, "IU/ml", "0 - 826000 IU/ml"),
        (LabTest.HBV_DNA, "lg IU/mL", "≤ 10 lg IU/mL"),
    ],
)
def test_limits_are_said_in_the_unit_that_was_sent(test, unit, limits):
    message = contract_message("implausible", state_limits_in(describe_test(test), unit))
    assert message.en.endswith(f"the value is unusual (usual: {limits}). Please confirm or correct it.")
    assert message.zh.endswith(f"数值异常（常见范围：{limits}），请确认或更正。")
