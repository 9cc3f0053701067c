"""What quantity a recorded value is, and with it its name, unit and limits.

Mostly the field says it: `tumour_size_cm` is one quantity. In a table of long format another field of the record does
(`FieldContract.quantity_from`): a laboratory value is what its test says. Who needs a value's unit or limits asks here.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

from schemas.codes import LabTest
from schemas.contract import FieldContract, Table, read_contract
from schemas.units import LAB_RANGES, NO_UNIT, list_units, name_test

Limits = tuple[pl.Expr | None, pl.Expr | None]


def describe_test(test: LabTest) -> FieldContract:
    """Return a laboratory test as a field with its own name, unit and limits."""
    limits = LAB_RANGES[test]
    unit = None if limits.unit == NO_UNIT else limits.unit
    return FieldContract(
        test.value,
        pl.Float64(),
        name_test(test),
        test.zh,
        unit=unit,
        possible=limits.possible,
        plausible=limits.plausible,
        physical=limits.physical or limits.possible,
    )


def describe_quantity(spec: FieldContract, quantity: str | None) -> FieldContract:
    """Return the quantity of a record's value as a field; the field itself where the record names no known one."""
    is_named = spec.quantity_from is not None and quantity is not None
    return describe_test(LabTest(quantity)) if is_named else spec


def list_quantities(spec: FieldContract) -> list[FieldContract]:
    """Return every quantity that the values of a field may be, each as a field."""
    return [spec] if spec.quantity_from is None else [describe_test(test) for test in LabTest]


def find_quantity(table: type[Table], name: str) -> FieldContract | None:
    """Return the field of a table or, in one of long format, the quantity that has a name."""
    contract = read_contract(table)
    quantities = (quantity for spec in contract.values() for quantity in list_quantities(spec) if quantity.name == name)
    return contract.get(name) or next(quantities, None)


def find_long_field(table: type[Table]) -> FieldContract | None:
    """Return the field that makes a table one of long format: its values are of the quantity that another field names."""
    return next((spec for spec in read_contract(table).values() if spec.quantity_from), None)


def name_quantities(spec: FieldContract, records: pl.DataFrame) -> pl.Series:
    """Return the quantity of each record's value (String): the field's name, or what the record's own field names."""
    if spec.quantity_from is None:
        return pl.Series([spec.name] * records.height, dtype=pl.String)
    return records[spec.quantity_from]


def find_limits(
    spec: FieldContract, kind: Literal["physical", "possible", "plausible"], quantity: pl.Expr | None = None
) -> Limits:
    """Return the low and high limits of a field's values; in a table of long format those of each row's quantity.

    `quantity` is where the rows say it, if not in the field that the contract names.
    """
    if spec.quantity_from is None:
        low, high = getattr(spec, kind)
        return None if low is None else pl.lit(low), None if high is None else pl.lit(high)
    ranges = {item.name: getattr(item, kind) for item in list_quantities(spec)}
    named = pl.col(spec.quantity_from) if quantity is None else quantity
    low, high = (
        named.replace_strict(
            list(ranges), [float(limits[side]) for limits in ranges.values()], default=None, return_dtype=pl.Float64
        )
        for side in (0, 1)
    )
    return low, high


def has_limits(spec: FieldContract, kind: Literal["possible", "plausible"]) -> bool:
    """Return whether some value of the field can lie outside its limits."""
    return any(getattr(quantity, kind) != (None, None) for quantity in list_quantities(spec))


def has_other_units(spec: FieldContract) -> bool:
    """Return whether a slip of the unit can be seen at a field: plausible limits and more than one known unit."""
    return any(
        quantity.plausible != (None, None)
        and quantity.unit is not None
        and len(list_units(quantity.name, quantity.unit)) > 1
        for quantity in list_quantities(spec)
    )
