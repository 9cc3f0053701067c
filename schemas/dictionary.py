"""Writes the data dictionary from the code, so that it cannot say anything else than the code does."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from schemas import codes, definitions
from schemas.codes import Code, LabTest
from schemas.contract import FieldContract, Number, Table, read_contract, read_grain, read_key
from schemas.derived_columns import DERIVED_COLUMNS
from schemas.markdown import render_table
from schemas.tables import TABLES
from schemas.units import CONVERSIONS, LAB_RANGES

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
        "A hospital sends ten tables. Only key fields must be filled; *expected* ones are asked for where they are empty. "
        "A value outside *possible* is quarantined, one outside *plausible* is kept and asked about.",
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
    header = ("field", "中文", "meaning", "type", "unit", "codes", "possible", "plausible", "filled")
    rows = [_describe_field(spec) for spec in read_contract(table).values()]
    summary = f"## {name}\n\n{zh}. {inspect.getdoc(table)} One record: {grain}."
    return f"{summary}\n\n{render_table(header, rows)}"


def _describe_field(spec: FieldContract) -> tuple[str, ...]:
    filled = "key" if spec.is_key else "expected" if spec.is_expected else ""
    caveat = f" ({spec.caveat})" if spec.caveat else ""
    kind = TYPE_NAMES[str(spec.dtype)] + (", may be a bound such as `<0.6`" if spec.is_censored else "")
    linked = f"[{spec.codes.__name__}](#{spec.codes.__name__.lower()})" if spec.codes else ""
    unit = "" if spec.unit in (None, "1") else str(spec.unit)
    limits = (_format_limits(spec.possible), _format_limits(spec.plausible))
    return (f"`{spec.name}`", spec.zh, spec.meaning + caveat, kind, unit, linked, *limits, filled)


def _render_laboratory() -> str:
    header = ("test", "中文", "unit", "possible", "plausible", "reason")
    rows = [
        (f"`{test.value}`", test.zh, limits.unit, _format_limits(limits.possible), _format_limits(limits.plausible), limits.source)
        for test, limits in LAB_RANGES.items()
    ]  # fmt: skip
    return f"## Laboratory limits\n\n{render_table(header, rows)}"


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


def _render_derived(name: str, columns: Mapping[str, str]) -> str:
    table = render_table(("column", "meaning"), [(f"`{column}`", meaning) for column, meaning in columns.items()])
    return f"## Derived: {name}\n\n{table}"


def _render_codes() -> str:
    sections = ["## Codes"]
    for _, enumeration in inspect.getmembers(codes, inspect.isclass):
        if issubclass(enumeration, Code) and enumeration is not Code:
            rows = [(f"`{code.value}`", code.zh) for code in enumeration]
            sections.append(f"### {enumeration.__name__}\n\n{inspect.getdoc(enumeration)}")
            sections.append(render_table(("code", "中文"), rows))
    return "\n\n".join(sections)
