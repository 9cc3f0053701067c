"""What a person writes into a column's cell of units: one unit, the column that holds it, or for a long laboratory the registry's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from etl.mapping.site import Site, normalise_text, split_unit_cell
from etl.mapping.units import OWN_UNITS, is_own_units, print_own_units, read_own_units
from etl.mapping.verbs import UNIT_COLUMN
from etl.onboarding.decisions import COLUMN, Decision
from etl.onboarding.proposing.words import find_code, find_quantity, find_test, list_meanings, read_fields
from etl.onboarding.worksheet.form import UNIT
from etl.onboarding.worksheet.rows import Reading, Row
from schemas.units import NO_UNIT, find_canonical_unit, find_factor

_OWN_UNITS_ZH = "登记库单位"


def read_unit(decided: Decision, row: Row, reading: Reading) -> Decision:
    """Return a decision with its unit as columns.csv says it; blame a unit that cannot be, and wait for one that must be stated."""
    found = list_meanings().get(decided.decided)
    unit, written = split_unit_cell(decided.decided_unit)
    if found is None or not found.field or unit.startswith(UNIT_COLUMN):
        return decided
    named = replace(found, record=decided.decided_record)
    quantity, canonical = find_quantity(named)
    is_long_value = found.id == "laboratory.value" and find_test(named) is None
    if is_long_value and is_own_units(unit.replace(_OWN_UNITS_ZH, OWN_UNITS)):
        own = _read_own(unit.replace(_OWN_UNITS_ZH, OWN_UNITS), row, reading)
        return replace(decided, decided_unit="; ".join([print_own_units(own), *written]))
    if unit and is_long_value:
        return decided
    if unit and unit != NO_UNIT and (canonical is None or find_factor(quantity, unit, canonical) is None):
        told = f"no unit of this field; known: {canonical or '–'} and what docs/data-dictionary.md converts to it"
        reading.blame(
            row.place(UNIT),
            told,
            f"该字段没有此单位；登记库单位为 {canonical or '–'}，可换算单位见 docs/data-dictionary.md",
        )
    is_asked = decided.decided == decided.proposed and float(decided.unit_confidence) == 0.0
    if not unit and not written and (is_long_value or is_asked):
        reading.wait(row.place(UNIT), f"{decided.source} › {decided.item}: {UNIT.zh} {UNIT.en}")
    return decided


def find_unknown_unit_columns(
    pairs: Sequence[tuple[Decision, Row | None]], known: Site | None, reading: Reading
) -> None:
    """Blame a unit that is said to stand in a column which the sheet does not have."""
    columns: dict[str, list[str]] = {}
    for source in known.sources if known else ():
        columns[source.name] = [c.column for c in known.columns_of(source) if c.column] if known else []
    for d in (d for d, _ in pairs if d.kind == COLUMN and not d.is_constant):
        columns.setdefault(d.source, []).append(normalise_text(d.item))
    for d, row in pairs:
        unit = split_unit_cell(d.decided_unit)[0]
        name = normalise_text(unit.removeprefix(UNIT_COLUMN))
        if row is not None and unit.startswith(UNIT_COLUMN) and name not in columns.get(d.source, ()):
            reading.blame(
                row.place(UNIT),
                f"this sheet has no column '{name}' to hold the unit; write {UNIT_COLUMN} and its name as sheet 列 Columns has it",
                f"该表没有存放单位的列“{name}”；请写 {UNIT_COLUMN} 及“列 Columns”表中的列名",
            )


def _read_own(unit: str, row: Row, reading: Reading) -> dict[str, str]:
    """Return the units of the tests that are sent in another unit than the registry's; a test may be called by any name of it."""
    own: dict[str, str] = {}
    spec = read_fields("laboratory")["test"]
    for name, other in read_own_units(unit).items():
        test = find_code(spec, name)
        target = find_canonical_unit(test, None) if test else None
        if test is None:
            reading.blame(row.place(UNIT), f"no laboratory test is called '{name}'", f"没有名为“{name}”的检验项目")
        elif target is None or find_factor(test, other, target) is None:
            reading.blame(
                row.place(UNIT),
                f"'{other}' is no unit of {test}; the registry's is {target or '–'}",
                f"“{other}”不是 {test} 的单位；登记库单位为 {target or '–'}",
            )
        else:
            own[test] = other
    return own
