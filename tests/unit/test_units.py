"""Units and limits of laboratory values: factors against molar masses and decimal prefixes, every quantity complete."""

import pytest

from schemas.codes import LabTest
from schemas.contract import read_contract
from schemas.tables import TABLES
from schemas.units import CONVERSIONS, LAB_RANGES, find_factor, list_units, name_test, normalise_unit

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
