"""Converts values to canonical units and finds those that look like another unit than the one they were sent in.

A slip is a plain value that lies outside its plausible limits as sent and inside them in another known unit of the quantity.
It is set aside and the hospital is asked: neither reading may enter an analysis by itself. What this cannot do:

- Readings that differ less than twofold are not told apart (AFP in IU/mL and ng/mL).
- A slip that stays inside the limits is not seen (bilirubin of 4 mg/dL sent as umol/L); the hospital's median may show it.
- A true value outside the limits may be a plausible one in another unit (bilirubin 2.5 umol/L, were it mg/dL; 140 kg, were
  it jin). It is set aside as well: it would be asked about in any case, and it is far more often the slip.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from etl.mapping.parse import UNKNOWN_UNIT
from etl.mapping.written import TYPED
from schemas.codes import Comparator
from schemas.contract import FieldContract
from schemas.quantity import Limits
from schemas.units import (
    CONVERSIONS,
    LAB_RANGES,
    LOG10_PREFIX,
    LOG10_TESTS,
    TEST_OF_UNIT,
    find_canonical_unit,
    find_factor,
    list_units,
    normalise_unit,
)

UNIT_SLIP = "unit_slip"
OWN_UNITS = "registry units"
"""What a mapping says of a long laboratory without a column of units."""
SMALLEST_SLIP_FACTOR = 2
# Assays quantify viral load from about 10 IU/mL on: a plain value between these is a logarithm.
LOGARITHM_SENT_PLAIN = (1, 10)
_BEHIND = re.compile(
    r"^(\D{0,30}(?:\d{1,3}(?: \d{3}){1,9}(?:[.,]\d{0,30})?|[\d.,]{0,30}\d\.?(?:e[+-]?\d{1,9})?))\s{0,9}"
    r"([^\d\s.,].{0,60}?)(\s{0,9}[↑↓*]{1,9}|\s{1,9}[hl]|\s{0,9}\([hl↑↓]\))?$",
    re.IGNORECASE,
)
_LOG10_NAMES = [test.value for test in LOG10_TESTS]


def split_units(cells: pl.DataFrame, canonical: str | None) -> pl.DataFrame:
    """Return `cells` (text, quantity, sent_unit, written) with the unit that stands behind a number (`60kg`, `120斤`) taken from its text.

    It is taken where it is the unit in which the number would be read anyway; where none is stated, it is the unit. Any other
    unit contradicts the mapping: that text stays as it is, and is asked about. What had a unit behind it is a text, also in a workbook.
    """
    odd = (
        cells.filter(pl.col("text").str.contains(r"\d\.?\s*(?:[^\d\s.,;/~-]|/\pL)"))
        .select("text", "quantity", "sent_unit")
        .unique()
    )
    split = [
        (text, quantity, unit, *found)
        for text, quantity, unit in odd.iter_rows()
        if (found := _split_unit(text, quantity, unit, canonical))
    ]
    if not split:
        return cells
    schema = {"text": pl.String, "quantity": pl.String, "sent_unit": pl.String, "number": pl.String, "unit": pl.String}
    on = ["text", "quantity", "sent_unit"]
    told = cells.join(
        pl.DataFrame(split, schema=schema, orient="row"), on=on, how="left", nulls_equal=True, maintain_order="left"
    )
    return told.with_columns(
        text=pl.coalesce("number", "text"),
        sent_unit=pl.when(pl.col("number").is_null()).then("sent_unit").otherwise("unit"),
        written=pl.when(pl.col("number").is_null())
        .then("written")
        .otherwise(pl.col("written").str.replace(f"; {TYPED}", "", literal=True)),
    ).drop("number", "unit")


def _split_unit(
    text: str, quantity: str | None, sent_unit: str | None, canonical: str | None
) -> tuple[str, str] | None:
    match, target = _BEHIND.match(text), find_canonical_unit(quantity, canonical)
    if match is None or quantity is None or target is None:
        return None
    unit = normalise_unit(match[2])
    own = normalise_unit(sent_unit or target)
    is_known = unit == own or (not sent_unit and find_factor(quantity, unit, target) is not None)
    return (match[1], sent_unit or unit) if is_known else None


def is_own_units(unit: str) -> bool:
    """Whether a unit says that each laboratory value is in the registry's unit of its test, but for those that it names."""
    return unit.split(";", maxsplit=1)[0].strip().lower() == OWN_UNITS


def read_own_units(unit: str) -> dict[str, str]:
    """Return the tests that are sent in another unit than the registry's: `registry units; albumin_g_l=g/dL`."""
    pairs = (part.partition("=") for part in unit.split(";")[1:])
    return {name.strip(): other.strip() for name, _, other in pairs if name.strip()}


def print_own_units(own: Mapping[str, str]) -> str:
    """Return what `read_own_units` reads."""
    return "; ".join([OWN_UNITS, *(f"{test}={unit}" for test, unit in own.items())])


def name_own_units(units: pl.Series, quantities: pl.Series) -> pl.Series:
    """Return the unit of each row: of one that says the registry's own units that of its test where it names one, else none to convert from."""
    named = {text: read_own_units(text) for text in units.drop_nulls().unique() if is_own_units(text)}
    if not named:
        return units
    told = pl.when(pl.col("u").is_in(list(named))).then(None).otherwise("u")
    for text, own in named.items():
        for test, unit in own.items():
            told = pl.when((pl.col("u") == text) & (pl.col("q") == test)).then(pl.lit(unit)).otherwise(told)
    return pl.DataFrame({"u": units, "q": quantities}).select(told.alias(units.name)).to_series()


def convert_units(cells: pl.DataFrame, canonical: str | None) -> pl.DataFrame:
    """Return `cells` (quantity, unit, sent, fault) with `converted`, the numbers in canonical units, and what is wrong by then.

    `quantity` is the field's name or, for laboratory values, the test of each row; its canonical unit then comes from
    `LAB_RANGES`. A missing or unknown unit gives null and the fault `unit`; of an unknown test no unit can be judged.
    `unread` is what was wrong before.
    """
    pairs = cells.select("quantity", "unit").unique()
    schema = {"quantity": pl.String, "unit": pl.String, "factor": pl.Float64, "is_log": pl.Boolean}
    factors = pl.DataFrame(
        [(q, u, *_factor_of(q, u, canonical)) for q, u in pairs.iter_rows()], schema=schema, orient="row"
    )
    plain = pl.when("is_log").then(pl.lit(10.0).pow(pl.col("sent"))).otherwise(pl.col("sent"))
    is_unknown = pl.col("sent").is_not_null() & pl.col("factor").is_null() & pl.col("quantity").is_not_null()
    return cells.join(
        factors, on=["quantity", "unit"], how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(
        converted=plain * pl.col("factor"),
        unread="fault",
        fault=pl.coalesce("fault", pl.when(is_unknown).then(pl.lit(UNKNOWN_UNIT))),
    )


def _factor_of(quantity: str | None, unit: str | None, canonical: str | None) -> tuple[float | None, bool]:
    target = find_canonical_unit(quantity, canonical)
    if quantity is None or unit is None or target is None:
        return None, False
    is_log = normalise_unit(unit).startswith(LOG10_PREFIX)
    return find_factor(quantity, unit, target), is_log


def select_tests(tests: pl.Series, units: pl.Series) -> pl.Series:
    """Return the laboratory test of each row where its unit selects it: HBV DNA in copies/mL is a quantity of its own."""
    distinct = units.drop_nulls().unique().to_list()
    plain = {text: normalise_unit(text).removeprefix(LOG10_PREFIX) for text in distinct}
    selected = pl.col("test")
    for (test, unit), other in TEST_OF_UNIT.items():
        is_other = (pl.col("test") == str(test)) & (pl.col("unit").replace(plain) == unit)
        selected = pl.when(is_other.fill_null(value=False)).then(pl.lit(other.value)).otherwise(selected)
    return pl.DataFrame({"test": tests, "unit": units}).select(selected.alias(tests.name)).to_series()


def is_outside(values: pl.Expr, limits: Limits) -> pl.Expr:
    """Return whether numbers lie outside limits; a missing number or limit is never outside."""
    low, high = limits
    outside = pl.lit(value=False)
    if low is not None:
        outside = outside | (values < low).fill_null(value=False)
    if high is not None:
        outside = outside | (values > high).fill_null(value=False)
    return outside


def can_slip(spec: FieldContract, units: Sequence[str]) -> bool:
    """Return whether a slip can be seen at a field that is sent in the given units.

    A diameter of at most 250 mm is plausible from 0 on: sent in mm nothing looks like cm, sent in cm it may look like mm.
    """
    low, high = spec.plausible
    if spec.unit is None:
        return False
    sent = [find_factor(spec.name, unit, spec.unit) for unit in units]
    ratios = [factor / own for _, factor in list_units(spec.name, spec.unit) for own in sent if own is not None]
    return any(
        (high is not None and ratio <= 1 / SMALLEST_SLIP_FACTOR) or (bool(low) and ratio >= SMALLEST_SLIP_FACTOR)
        for ratio in ratios
    )


def suspect_units(cells: pl.DataFrame, plausible: Limits, canonical: str | None) -> pl.DataFrame:
    """Return `cells` with `is_slip`, and `likely_unit`: the unit that a slip or a value without a known unit looks like.

    `cells` has quantity, comparator, `sent` (the number as it stands in the cell), `value` (the same in canonical units) and
    `fault`. Only a plain number is suspected, never a bound or 0. A missing unit is named where exactly one known unit makes
    the value plausible, for HBV DNA never: IU and copies cannot be told apart.
    """
    is_log_test = pl.col("quantity").is_in(_LOG10_NAMES)
    is_bound = (pl.col("comparator") != Comparator.EQUAL.value).fill_null(value=False)
    facts = cells.select(
        "quantity", "sent", "value",
        is_plain=(pl.col("sent") != 0) & ~is_bound,
        is_implausible=_is_implausible(is_log_test, plausible),
        is_unread=(pl.col("fault") == UNKNOWN_UNIT) & ~is_log_test,
        low=plausible[0] if plausible[0] is not None else pl.lit(None, dtype=pl.Float64),
        high=plausible[1] if plausible[1] is not None else pl.lit(None, dtype=pl.Float64),
    ).with_row_index("cell")  # fmt: skip
    suspect = facts.filter(pl.col("is_plain") & (pl.col("is_implausible") | pl.col("is_unread")))
    if suspect.is_empty():
        return cells.with_columns(is_slip=pl.lit(value=False), likely_unit=pl.lit(None, dtype=pl.String))
    number = pl.col("units").list.len()
    is_slip = pl.col("is_implausible") & (number > 0)
    is_named = is_slip | (pl.col("is_unread") & (number == 1))
    judged = suspect.with_columns(units=_name_likely_units(suspect["quantity"], canonical)).select(
        "cell",
        is_slip=is_slip.fill_null(value=False),
        likely_unit=pl.when(is_named).then(pl.col("units").list.first()),
    )
    told = facts.select("cell").join(judged, on="cell", how="left", maintain_order="left")
    return cells.with_columns(told["is_slip"].fill_null(value=False), told["likely_unit"])


def _is_implausible(is_log_test: pl.Expr, plausible: Limits) -> pl.Expr:
    low, high = LOGARITHM_SENT_PLAIN
    sent, value = pl.col("sent"), pl.col("value")
    is_logarithm = is_log_test & (sent == value) & (sent > low) & (sent < high)
    return is_outside(value, plausible) | is_logarithm.fill_null(value=False)


def _name_likely_units(quantities: pl.Series, canonical: str | None) -> pl.Expr:
    """Return, per value, the known units other than the one it was read in, in which it is plausible (List of String)."""
    candidates = [
        pl.when((pl.col("quantity") == quantity) & _is_likely(reading)).then(pl.lit(unit))
        for quantity in quantities.drop_nulls().unique(maintain_order=True)
        for unit, reading in _list_readings(quantity, canonical)
    ]
    return pl.concat_list(pl.lit(None, dtype=pl.String), *candidates).list.drop_nulls()


def _list_readings(quantity: str, canonical: str | None) -> list[tuple[str, pl.Expr]]:
    """The known units of a quantity, each with the canonical value of `sent` in it."""
    unit = find_canonical_unit(quantity, canonical)
    if unit is None:
        return []
    readings = [(name, pl.col("sent") * factor) for name, factor in list_units(quantity, unit)]
    if quantity in LOG10_TESTS:
        readings.append((LOG10_PREFIX + unit, pl.lit(10.0).pow(pl.col("sent"))))
    return readings


def _is_likely(reading: pl.Expr) -> pl.Expr:
    ratio = reading / pl.col("value")
    is_other = (ratio >= SMALLEST_SLIP_FACTOR) | (ratio <= 1 / SMALLEST_SLIP_FACTOR)
    # Where the unit was missing or unknown the value was not read at all.
    return reading.is_between(pl.col("low"), pl.col("high")) & is_other.fill_null(value=True)


def is_unit(text: str) -> bool:
    """Whether a text is the name of a unit that the registry knows."""
    known = {c.source_unit for c in CONVERSIONS} | {limits.unit for limits in LAB_RANGES.values()}
    return normalise_unit(text).removeprefix(LOG10_PREFIX) in known | {
        "mg",
        "kg",
        "mm",
        "cm",
        "mmHg",
        "day",
        "week",
        "month",
    }
