"""Canonical units, sourced conversion factors and the ranges of laboratory quantities.

A conversion is `canonical = factor x source`; `log10` units are raised to the power first. What is not listed here is
not converted: the cell is quarantined and the hospital asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.codes import LabTest

NO_UNIT = "1"
LOG10_PREFIX = "log10 "
LOG10_TESTS = (LabTest.HBV_DNA, LabTest.HBV_DNA_COPIES)
"""Quantities that laboratories also report as logarithms."""

TEST_OF_UNIT: dict[tuple[str, str], LabTest] = {
    (LabTest.HBV_DNA, "copies/mL"): LabTest.HBV_DNA_COPIES,
    (LabTest.HBV_DNA_COPIES, "IU/mL"): LabTest.HBV_DNA,
}
"""Where the unit selects the quantity: a copy and an international unit have no fixed factor between them."""


@dataclass(frozen=True)
class LabRange:
    """Limits of one laboratory quantity in `unit`.

    Outside `plausible` (inclusive) the hospital is asked about a value, outside `possible` it is set aside as well. Beyond
    `physical` (where None: beyond `possible`) it cannot be a patient's and does not count though a hospital confirms it.
    """

    unit: str
    possible: tuple[float, float]
    plausible: tuple[float, float]
    source: str
    physical: tuple[float, float] | None = None


LAB_RANGES: dict[LabTest, LabRange] = {
    LabTest.ALT: LabRange(
        "U/L",
        (1, 20000),
        (3, 2000),
        "CTCAE 5.0 grade 4 starts at 20 x the upper limit (about 800); dying livers have been measured above 20000",
        physical=(1, 100000),
    ),
    LabTest.AST: LabRange(
        "U/L",
        (1, 20000),
        (3, 2000),
        "CTCAE 5.0 grade 4 starts at 20 x the upper limit (about 800); dying livers have been measured above 20000",
        physical=(1, 100000),
    ),
    LabTest.BILIRUBIN: LabRange(
        "umol/L",
        (1, 1500),
        (3, 513),
        "30 mg/dL = 513 umol/L; 1500 exceeds reported survivors",
        physical=(1, 2500),
    ),
    LabTest.ALBUMIN: LabRange(
        "g/L", (10, 70), (18, 55), "adult reference interval 35-52 g/L; below 18 is rare in outpatients"
    ),
    LabTest.AFP: LabRange("ng/mL", (0, 1e8), (0, 1e6), "assays with dilution report up to about 10^6 ng/mL"),
    LabTest.HBV_DNA: LabRange("IU/mL", (0, 1e11), (0, 1e10), "viraemia above 10^10 IU/mL is not reported"),
    LabTest.HBV_DNA_COPIES: LabRange(
        "copies/mL", (0, 1e12), (0, 1e11), "5 to 6 copies are one IU; limits ten times those in IU/mL"
    ),
    LabTest.INR: LabRange(
        NO_UNIT,
        (0.5, 20),
        (0.7, 5),
        "Child-Pugh gives 3 points above 2.3; blood that does not clot has been reported above 20",
        physical=(0.5, 50),
    ),
    LabTest.PT_PROLONGATION: LabRange(
        "s",
        (-10, 100),
        (-3, 30),
        "seconds above the control, below 0 in a quick sample; Child-Pugh gives 3 points above 6 s; analysers stop at 300 s",
        physical=(-10, 300),
    ),
    LabTest.PLATELETS: LabRange(
        "10^9/L",
        (1, 2000),
        (10, 1000),
        "CTCAE 5.0: grade 4 below 25; marrow disease has been reported with more than 2000",
        physical=(0, 6000),
    ),
    LabTest.CREATININE: LabRange(
        "umol/L",
        (10, 3000),
        (20, 1000),
        "adult reference interval 45-110 umol/L; uraemia has been reported above 3000",
        physical=(5, 8000),
    ),
}


def name_test(test: LabTest) -> str:
    """Return a laboratory quantity's English name: words of up to three letters are abbreviations and stay capitals."""
    return " ".join(word if len(word) <= len("ALT") else word.lower() for word in test.name.split("_"))


@dataclass(frozen=True)
class Conversion:
    """`factor` turns a value of `quantity` in `source_unit` into its canonical unit."""

    quantity: str
    source_unit: str
    factor: float
    source: str


CONVERSIONS: tuple[Conversion, ...] = (
    Conversion(LabTest.BILIRUBIN, "mg/dL", 17.1, "molar mass 584.66 g/mol; convention 17.1"),
    Conversion(LabTest.ALBUMIN, "g/dL", 10, "definition"),
    Conversion(LabTest.ALT, "ukat/L", 60, "definition: 1 kat is 1 mol/s, 1 U is 1 umol/min"),
    Conversion(LabTest.AST, "ukat/L", 60, "definition: 1 kat is 1 mol/s, 1 U is 1 umol/min"),
    Conversion(LabTest.AFP, "ug/L", 1, "definition"),
    Conversion(LabTest.AFP, "IU/mL", 1.21, "WHO standard 72/225: 1 IU = 1.21 ng"),
    Conversion(LabTest.CREATININE, "mg/dL", 88.4, "molar mass 113.12 g/mol; convention 88.4"),
    Conversion(LabTest.PLATELETS, "10^3/uL", 1, "definition"),
    Conversion(LabTest.PLATELETS, "/uL", 0.001, "definition"),
    Conversion("body_weight_kg", "jin", 0.5, "the Chinese jin (斤) is 500 g"),
    Conversion("diameter_mm", "cm", 10, "definition"),
    Conversion("viable_diameter_mm", "cm", 10, "definition"),
    Conversion("target_sum_mm", "cm", 10, "definition"),
    Conversion("tumour_size_cm", "mm", 0.1, "definition"),
    Conversion("assessment_days", "week", 7, "definition"),
    Conversion("overall_survival_days", "week", 7, "definition"),
    Conversion("overall_survival_days", "month", 365.25 / 12, "the protocol's month"),
    Conversion("progression_days", "week", 7, "definition"),
    Conversion("progression_days", "month", 365.25 / 12, "the protocol's month"),
)

_SPELLINGS = {
    "umol/l": "umol/L", "ug/l": "ug/L", "g/l": "g/L", "g/dl": "g/dL", "mg/dl": "mg/dL", "u/l": "U/L", "iu/l": "U/L",
    "ukat/l": "ukat/L", "ng/ml": "ng/mL", "iu/ml": "IU/mL", "copies/ml": "copies/mL", "copy/ml": "copies/mL",
    "10^9/l": "10^9/L", "109/l": "10^9/L", "10*9/l": "10^9/L", "10e9/l": "10^9/L",
    "10^3/ul": "10^3/uL", "103/ul": "10^3/uL", "10*3/ul": "10^3/uL", "10e3/ul": "10^3/uL", "/ul": "/uL",
    "kg": "kg", "公斤": "kg", "千克": "kg", "jin": "jin", "斤": "jin", "市斤": "jin",
    "mm": "mm", "毫米": "mm", "cm": "cm", "厘米": "cm", "公分": "cm", "mmhg": "mmHg",
    "s": "s", "sec": "s", "秒": "s", "day": "day", "days": "day", "天": "day", "日": "day",
    "week": "week", "weeks": "week", "周": "week", "month": "month", "months": "month", "月": "month",
}  # fmt: skip
_LOGARITHM = re.compile(r"(?:log10|log|lg)\s{0,9}\(?\s{0,9}(.+?)\)?")


def normalise_unit(text: str) -> str:
    """Return the registry's spelling of a unit (`μmol/l` -> `umol/L`); an unknown spelling comes back stripped."""
    stripped = text.strip()
    # The two signs for micro are the Greek letter and the sign of its own; a superscript 9 is 9 after NFKC.
    folded = stripped.lower().replace("\N{GREEK SMALL LETTER MU}", "u").replace("\N{MICRO SIGN}", "u")
    folded = folded.lstrip("x×").replace("拷贝", "copies").replace("个/", "/")
    logarithm = _LOGARITHM.fullmatch(folded)
    if logarithm:
        inner = _SPELLINGS.get(logarithm[1])
        return LOG10_PREFIX + inner if inner else stripped
    return _SPELLINGS.get(folded, stripped)


def find_factor(quantity: str, source_unit: str, canonical_unit: str) -> float | None:
    """Return the factor from `source_unit` to `canonical_unit` for a quantity, or None where no conversion is known.

    `quantity` is a field name (`diameter_mm`) or a laboratory test (`albumin_g_l`).
    """
    unit = normalise_unit(source_unit).removeprefix(LOG10_PREFIX)
    if unit == canonical_unit:
        return 1.0
    return next((c.factor for c in CONVERSIONS if c.quantity == quantity and c.source_unit == unit), None)


def find_canonical_unit(quantity: str | None, field_unit: str | None) -> str | None:
    """Return the unit of a laboratory test, else the field's own."""
    return next((limits.unit for test, limits in LAB_RANGES.items() if test.value == quantity), field_unit)


def list_units(quantity: str, canonical_unit: str) -> list[tuple[str, float]]:
    """Return the linear units in which a quantity may be sent, with their factors; of equal factors the first named."""
    known = [(canonical_unit, 1.0), *((c.source_unit, c.factor) for c in CONVERSIONS if c.quantity == quantity)]
    first_of = {factor: unit for unit, factor in reversed(known)}
    return [(unit, factor) for unit, factor in known if first_of[factor] == unit]
