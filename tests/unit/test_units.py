"""Units and limits of laboratory values: factors against molar masses and decimal prefixes, every quantity complete."""

import pytest
from clinical_tables import read_rows

from schemas.codes import LabTest
from schemas.contract import read_contract
from schemas.tables import TABLES
from schemas.units import (
    CONVERSIONS,
    LAB_RANGES,
    LOG10_TESTS,
    TEST_OF_UNIT,
    find_canonical_unit,
    find_factor,
    list_units,
    name_test,
    normalise_unit,
)

FIELD_UNITS = {name: spec.unit for table in TABLES.values() for name, spec in read_contract(table).items()}


def canonical_unit(quantity: str) -> str:
    return LAB_RANGES[LabTest(quantity)].unit if quantity in list(LabTest) else FIELD_UNITS[quantity]


@pytest.mark.parametrize(
    ("quantity", "sent_unit", "sent", "canonical"),
    [
        ("bilirubin_umol_l", "mg/dL", 1, 1e4 / 584.66),  # PubChem: bilirubin 584.7 g/mol, 1 mg/dL = 10 mg/L
        ("creatinine_umol_l", "mg/dL", 1, 1e4 / 113.12),  # PubChem: creatinine 113.12 g/mol
        ("albumin_g_l", "g/dl", 3.5, 35),
        ("afp_ng_ml", "μg/L", 400, 400),
        ("afp_ng_ml", "IU/mL", 1000, 1210),  # WHO international standard 72/225
        ("platelets_10e9_l", "10^3/uL", 150, 150),
        ("platelets_10e9_l", "个/μL", 150_000, 150),
        ("alt_u_l", "μkat/L", 1, 60),  # BIPM: 1 kat = 1 mol/s; 1 U = 1 umol/min
        ("ast_u_l", "ukat/L", 0.5, 30),
        ("body_weight_kg", "斤", 120, 60),  # State Council of China, 1959: 1 jin = 500 g
        ("viable_diameter_mm", "厘米", 1.2, 12),
        ("hbv_dna_iu_ml", "lg IU/mL", 2000, 2000),  # the power is taken before
        ("diameter_mm", "cm", 1.2, 12),
        ("tumour_size_cm", "mm", 55, 5.5),
        ("overall_survival_days", "月", 12, 365.25),
        ("progression_days", "weeks", 2, 14),
    ],
)
def test_a_sent_value_in_the_canonical_unit(quantity, sent_unit, sent, canonical):
    factor = find_factor(quantity, sent_unit, canonical_unit(quantity))
    assert sent * factor == pytest.approx(canonical, rel=5e-4)


@pytest.mark.parametrize(("quantity", "unit"), [("hbv_dna_iu_ml", "拷贝/mL"), ("afp_ng_ml", "mg/dL"), ("inr", "%")])
def test_a_unit_that_is_not_listed_is_never_converted(quantity, unit):
    assert find_factor(quantity, unit, canonical_unit(quantity)) is None


def test_every_laboratory_test_has_limits_and_likely_values_are_possible():
    assert set(LAB_RANGES) == set(LabTest)
    for test, limits in LAB_RANGES.items():
        assert limits.possible[0] <= limits.plausible[0] < limits.plausible[1] <= limits.possible[1], test


def test_every_conversion_belongs_to_a_quantity_and_is_found_by_its_own_unit():
    for conversion in CONVERSIONS:
        assert normalise_unit(conversion.source_unit) == conversion.source_unit
        found = find_factor(conversion.quantity, conversion.source_unit, canonical_unit(conversion.quantity))
        assert found == conversion.factor


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("μmol/L", "umol/L"), ("µmol/l", "umol/L"), ("UMOL/L", "umol/L"), ("×10^9/L", "10^9/L"), ("x10*9/L", "10^9/L"),
        ("×109/L", "10^9/L"), ("10^3/μL", "10^3/uL"), ("拷贝/mL", "copies/mL"), ("lg IU/mL", "log10 IU/mL"),
        ("log10(copies/mL)", "log10 copies/mL"), ("Log IU/ml", "log10 IU/mL"), ("lg拷贝/ml", "log10 copies/mL"),
        ("公斤", "kg"), ("毫米", "mm"), ("天", "day"), ("秒", "s"), (" g/dl ", "g/dL"),
        ("log10 foo", "log10 foo"), ("g%", "g%"), ("lg", "lg"),
    ],
)  # fmt: skip
def test_units_as_hospitals_spell_them(text, unit):
    assert normalise_unit(text) == unit


def test_equal_factors_are_one_unit():
    assert list_units("platelets_10e9_l", "10^9/L") == [("10^9/L", 1.0), ("/uL", 0.001)]
    assert list_units("inr", "1") == [("1", 1.0)]


def test_the_words_for_a_quantity_keep_its_abbreviations():
    assert [name_test(test) for test in (LabTest.HBV_DNA_COPIES, LabTest.PT_PROLONGATION, LabTest.ALBUMIN, LabTest.AFP)] == [
        "HBV DNA copies", "PT prolongation", "albumin", "AFP",
    ]  # fmt: skip


# one of the sent unit in the canonical unit: decimal prefixes, the calendar, and the protocol's conventions
FACTORS = """
| quantity              | sent unit | factor  | why                                      |
| bilirubin_umol_l      | mg/dL     | 17.1    | protocol                                 |
| albumin_g_l           | g/dL      | 10      | protocol                                 |
| alt_u_l               | ukat/L    | 60      | a minute has 60 s                        |
| ast_u_l               | ukat/L    | 60      | a minute has 60 s                        |
| afp_ng_ml             | ug/L      | 1       | both prefixes are a thousand             |
| afp_ng_ml             | IU/mL     | 1.21    | protocol                                 |
| creatinine_umol_l     | mg/dL     | 88.4    | the convention of laboratories           |
| platelets_10e9_l      | 10^3/uL   | 1       | a litre has 10^6 uL                      |
| platelets_10e9_l      | /uL       | 0.001   | a litre has 10^6 uL                      |
| body_weight_kg        | jin       | 0.5     | 500 g                                    |
| diameter_mm           | cm        | 10      |                                          |
| viable_diameter_mm    | cm        | 10      |                                          |
| target_sum_mm         | cm        | 10      |                                          |
| tumour_size_cm        | mm        | 0.1     |                                          |
| assessment_days       | week      | 7       |                                          |
| overall_survival_days | week      | 7       |                                          |
| overall_survival_days | month     | 30.4375 | protocol: 365.25 / 12                    |
| progression_days      | week      | 7       |                                          |
| progression_days      | month     | 30.4375 | protocol: 365.25 / 12                    |
| albumin_g_l           | g/L       | 1       | the canonical unit itself                |
"""


@pytest.mark.parametrize("case", read_rows(FACTORS), ids=lambda case: f"{case['quantity']}-{case['sent unit']}")
def test_factors(case):
    factor = find_factor(case["quantity"], case["sent unit"], canonical_unit(case["quantity"]))
    assert factor == pytest.approx(float(case["factor"]), rel=1e-12)


def test_every_conversion_has_its_factor_by_hand():
    assert {(c.quantity, c.source_unit) for c in CONVERSIONS} < {
        (row["quantity"], row["sent unit"]) for row in read_rows(FACTORS)
    }, "write a line of FACTORS (above) for each, with its factor from outside and why"


@pytest.mark.parametrize(
    ("unit", "spellings"),
    [
        ("umol/L", "umol/l"), ("ug/L", "ug/l"), ("g/L", "g/l G/L"), ("g/dL", "g/dl"), ("mg/dL", "mg/dl"),
        ("U/L", "u/l iu/l IU/L"), ("ukat/L", "ukat/l"), ("ng/mL", "ng/ml"), ("IU/mL", "iu/ml"),
        ("copies/mL", "copies/ml copy/ml"), ("10^9/L", "10^9/l 109/l 10*9/l 10e9/l"),
        ("10^3/uL", "10^3/ul 103/ul 10*3/ul 10e3/ul"), ("/uL", "/ul"), ("kg", "KG 公斤 千克"), ("jin", "Jin 斤 市斤"),
        ("mm", "MM 毫米"), ("cm", "CM 厘米 公分"), ("mmHg", "mmhg MMHG"), ("s", "S sec 秒"), ("day", "Day days 天 日"),
        ("week", "Week weeks 周"), ("month", "Month months 月"),
    ],
)  # fmt: skip
def test_each_spelling_of_a_unit(unit, spellings):
    assert {normalise_unit(text) for text in spellings.split()} == {unit}


def test_only_the_virus_is_measured_in_logarithms_and_its_unit_names_the_quantity():
    assert set(LOG10_TESTS) == {LabTest.HBV_DNA, LabTest.HBV_DNA_COPIES}
    assert TEST_OF_UNIT == {
        (LabTest.HBV_DNA, "copies/mL"): LabTest.HBV_DNA_COPIES,
        (LabTest.HBV_DNA_COPIES, "IU/mL"): LabTest.HBV_DNA,
    }


def test_the_unit_of_a_laboratory_test_comes_before_that_of_the_field():
    assert find_canonical_unit("albumin_g_l", "1") == "g/L"
    assert find_canonical_unit("tumour_size_cm", "cm") == "cm"
    assert find_canonical_unit(None, "mm") == "mm"
