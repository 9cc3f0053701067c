"""Writes the data dictionary from the code, so that it cannot say anything else than the code does."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from schemas import codes, definitions
from schemas.codes import Code, LabTest
from schemas.column import Column
from schemas.contract import FieldContract, Number, Table, read_contract, read_grain, read_key
from schemas.derived_columns import DERIVED_COLUMNS
from schemas.example_patient import Row, read_correct_patient, read_rows
from schemas.field_effects import list_field_effects
from schemas.markdown import render_table
from schemas.tables import TABLES
from schemas.units import CONVERSIONS, LAB_RANGES, NO_UNIT

GENERATED = "This page is generated from the code (`schemas/dictionary.py`); do not edit it."
TYPE_NAMES = {"String": "text", "Int64": "whole number", "Float64": "number", "Date": "date", "Boolean": "yes / no"}
ACRONYMS = ("albi", "bclc", "pvtt", "recist")


def write_dictionary(path: Path) -> None:
    """Write the data dictionary as Markdown: every table and field, laboratory limits, conversions, codes."""
    path.write_text(render_dictionary(), encoding="utf-8")


def render_dictionary() -> str:
    """Return the data dictionary's text."""
    parts = [
        "# Data dictionary",
        GENERATED,
        f"A hospital sends {len(TABLES)} tables. Only key fields must be filled; *expected* ones are asked for where they are empty. "
        "A value outside *possible* is quarantined, one outside *plausible* is kept and asked about. The examples are those "
        "of an invented patient, who stands in full in the [rule catalogue](rule-catalogue.md#the-example-patient-示例患者); what is "
        "asked about a value together with others stands there too. The results that hang on a field are those that change "
        "when the field of that patient does.",
        _render_contents(),
        *(_render_table_section(name, table) for name, table in TABLES.items()),
        _render_laboratory(),
        _render_conversions(),
        _render_definitions(),
        *(_render_derived(name, columns) for name, columns in DERIVED_COLUMNS.items()),
        _render_codes(),
    ]
    return "\n\n".join(parts) + "\n"


def _format_limits(limits: tuple[Number | None, Number | None]) -> str:
    low, high = limits
    if low is None and high is None:
        return ""
    if high is None:
        return f"≥ {low:g}"
    return f"≤ {high:g}" if low is None else f"{low:g} – {high:g}"


def _render_contents() -> str:
    rows = [
        (f"[{name}](#{name})", read_grain(table)[1], read_grain(table)[0], ", ".join(f"`{k}`" for k in read_key(table)))
        for name, table in TABLES.items()
    ]
    return render_table(("table", "中文", "one record is", "key"), rows)


def _render_table_section(name: str, table: type[Table]) -> str:
    grain, zh = read_grain(table)
    header = (
        "field",
        "meaning",
        "what is sent",
        "example",
        "limits, and why they lie there",
        "results that hang on it",
    )
    examples = read_rows(read_correct_patient()[name])
    rows = [_describe_field(name, spec, _find_example(spec, examples)) for spec in read_contract(table).values()]
    summary = f"## {name}\n\n{zh}. {inspect.getdoc(table)} One record: {grain}."
    return f"{summary}\n\n{render_table(header, rows)}"


def _find_example(spec: FieldContract, rows: list[Row]) -> str:
    """The example patient's first value, else a code; what is made while reading has none."""
    values = (value for row in rows if (value := row.get(spec.name)))
    first_code = next(iter(spec.codes)).value if spec.codes else ""
    example = "" if spec.is_made else next(values, first_code)
    return {"true": "yes", "false": "no"}.get(example, example)


def _describe_field(table: str, spec: FieldContract, example: str) -> tuple[str, ...]:
    """A row of the table: field, meaning, what is sent and whether it must be, example, limits with their reason, results."""
    caveat = f" ({spec.caveat})" if spec.caveat else ""
    sent = TYPE_NAMES[str(spec.dtype)] + (", may be a bound such as `<0.6`" if spec.is_censored else "")
    if spec.codes:
        sent = f"code: [{spec.codes.__name__}](#{spec.codes.__name__.lower()})"
    elif spec.unit not in (None, NO_UNIT):
        sent += f", {spec.unit}"
    filled = "key" if spec.is_key else "expected" if spec.is_expected else "made while reading" if spec.is_made else ""
    sent += f"<br>*{filled}*" if filled else ""
    effects = () if spec.is_key else list_field_effects(table, spec.name)
    results = ", ".join(result.en for result in effects)
    return (f"`{spec.name}`<br>{spec.zh}", spec.meaning + caveat, sent, example, _describe_limits(spec), results)


def _describe_limits(spec: FieldContract) -> str:
    limits = [("possible", spec.possible), ("plausible", spec.plausible)]
    if spec.physical != spec.possible:
        limits.insert(0, ("physical", spec.physical))
    told = "<br>".join(f"{name} {text}" for name, pair in limits if (text := _format_limits(pair)))
    return f"{told}<br>{spec.reason}" if spec.reason else told


_LIMITS = (
    "Outside *plausible* a value is kept and asked about. Outside *possible* it is set aside and asked about; confirmed by the hospital it "
    "counts, but never outside *physical*. A field's own limits, in the tables above, are meant in the same way; where none is called "
    "physical, the possible ones are."
)


def _render_laboratory() -> str:
    header = ("test", "中文", "unit", "physical", "possible", "plausible", "reason")
    rows = [
        (
            f"`{test.value}`", test.zh, limits.unit,
            *(_format_limits(pair) for pair in (limits.physical or limits.possible, limits.possible, limits.plausible)),
            limits.source,
        )
        for test, limits in LAB_RANGES.items()
    ]  # fmt: skip
    return f"## Laboratory limits\n\n{_LIMITS}\n\n{render_table(header, rows)}"


def _render_conversions() -> str:
    tests = {test.value for test in LabTest}
    rows = [
        (
            f"`{c.quantity}`",
            c.source_unit,
            f"{c.factor:.6g}",
            c.source,
            "laboratory" if c.quantity in tests else "field",
        )
        for c in CONVERSIONS
    ]
    intro = "The canonical value is the factor times the sent value. A unit that is not listed is never converted."
    table = render_table(("quantity", "sent unit", "factor", "source", "kind"), rows)
    return f"## Unit conversions\n\n{intro}\n\n{table}"


def _render_definitions() -> str:
    """The definitions' own words: each module of `schemas/definitions` says what it takes for true, and from where."""
    sections = ["## Definitions"]
    for module in sorted(pkgutil.iter_modules(definitions.__path__), key=lambda m: m.name):
        loaded = importlib.import_module(f"{definitions.__name__}.{module.name}")
        title = module.name.upper() if module.name in ACRONYMS else module.name.replace("_", " ").capitalize()
        sections.append(f"### {title}\n\n{inspect.getdoc(loaded)}")
    return "\n\n".join(sections)


def _render_derived(name: str, columns: Mapping[str, Column]) -> str:
    rows = [(f"`{column}`", TYPE_NAMES[str(spec.dtype)], spec.meaning) for column, spec in columns.items()]
    table = render_table(("column", "type", "meaning"), rows)
    return f"## Derived: {name}\n\n{table}"


def _render_codes() -> str:
    sections = ["## Codes"]
    for _, enumeration in inspect.getmembers(codes, inspect.isclass):
        if issubclass(enumeration, Code) and enumeration is not Code:
            rows = [(f"`{code.value}`", code.zh) for code in enumeration]
            sections.append(f"### {enumeration.__name__}\n\n{inspect.getdoc(enumeration)}")
            sections.append(render_table(("code", "中文"), rows))
    return "\n\n".join(sections)
