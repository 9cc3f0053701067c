"""Writes the data dictionary and the rule catalogue from the code, so that neither can say anything else than it does."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from schemas import codes, definitions
from schemas.codes import Code, LabTest
from schemas.contract import FieldContract, Number, Table, read_contract, read_grain, read_key
from schemas.derived_columns import DERIVED_COLUMNS
from schemas.rules import CRITERIA, RULES
from schemas.rules.rule import Rule
from schemas.tables import TABLES
from schemas.units import CONVERSIONS, LAB_RANGES

GENERATED = "This page is generated from the code (`schemas/dictionary.py`); do not edit it."
TYPE_NAMES = {"String": "text", "Int64": "whole number", "Float64": "number", "Date": "date", "Boolean": "yes / no"}
ACRONYMS = ("albi", "bclc", "pvtt", "recist")
CONTRACT_CHECKS = (
    ("<table>.key.missing", "a part of the record's key is empty", "reject"),
    ("<table>.key.duplicate", "two records have one key and differ; of identical ones the first is kept", "reject"),
    ("<table>.patient.unknown", "the record belongs to a patient who has no patient record", "reject"),
    ("<table>.parent", "the patient record of the record was rejected", "reject"),
    ("<table>.<field>.unreadable", "the cell is no date or number; it is quarantined alone", "query"),
    ("<table>.<field>.code", "the code is not known; the cell is quarantined alone", "query"),
    ("<table>.<field>.unit", "the unit is not known; the cell is quarantined alone", "query"),
    (
        "<table>.<field>.unit_slip",
        "the value is implausible as sent and plausible in another known unit; the cell is quarantined alone",
        "query",
    ),
    ("<table>.<field>.range", "the value is impossible; the cell is quarantined alone", "query"),
    ("<table>.<field>.implausible", "the value is possible but unlikely; it is kept and asked about", "query"),
    ("<table>.<field>.missing", "an expected value is empty", "query"),
    ("cell.stray", "a cell is filled in a column that does not belong to this kind of row; it is set aside", "query"),
    ("between_hospitals.same_patient", "the same person is a patient of another hospital", "note"),
    ("text.personal_data", "personal data was found in free text; it is masked", "query"),
)


def write_dictionary(path: Path) -> None:
    """Write the data dictionary as Markdown: every table and field, laboratory limits, conversions, codes."""
    path.write_text(render_dictionary(), encoding="utf-8")


def write_rule_catalogue(path: Path) -> None:
    """Write the rule catalogue as Markdown: eligibility, clinical rules by module, rules made from the contract."""
    path.write_text(render_rule_catalogue(), encoding="utf-8")


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


def render_rule_catalogue() -> str:
    """Return the rule catalogue's text."""
    parts = [
        "# Rule catalogue",
        GENERATED,
        "A rule ends in pass, fail, *not evaluable* (a value it needs is empty) or error. `reject` quarantines the record, "
        "`query` asks the hospital, `note` only tells.",
        _render_criteria(),
        *(_render_rules(module, list(rules)) for module, rules in groupby(_sort_rules(), key=_module_of)),
        _render_contract_checks(),
    ]
    return "\n\n".join(parts) + "\n"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_escape(cell) for cell in line) + " |" for line in lines)


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
    return _markdown_table(("table", "中文", "one record is", "key"), rows)


def _render_table_section(name: str, table: type[Table]) -> str:
    grain, zh = read_grain(table)
    header = ("field", "中文", "meaning", "type", "unit", "codes", "possible", "plausible", "filled")
    rows = [_describe_field(spec) for spec in read_contract(table).values()]
    summary = f"## {name}\n\n{zh}. {inspect.getdoc(table)} One record: {grain}."
    return f"{summary}\n\n{_markdown_table(header, rows)}"


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
    return f"## Laboratory limits\n\n{_markdown_table(header, rows)}"


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
    table = _markdown_table(("quantity", "sent unit", "factor", "source", "kind"), rows)
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
    table = _markdown_table(("column", "meaning"), [(f"`{column}`", meaning) for column, meaning in columns.items()])
    return f"## Derived: {name}\n\n{table}"


def _render_codes() -> str:
    sections = ["## Codes"]
    for _, enumeration in inspect.getmembers(codes, inspect.isclass):
        if issubclass(enumeration, Code) and enumeration is not Code:
            rows = [(f"`{code.value}`", code.zh) for code in enumeration]
            sections.append(f"### {enumeration.__name__}\n\n{inspect.getdoc(enumeration)}")
            sections.append(_markdown_table(("code", "中文"), rows))
    return "\n\n".join(sections)


def _render_criteria() -> str:
    rows = [
        (str(c.order), f"`{c.criterion_id}`", c.label_en, c.label_zh, inspect.getdoc(c.expression) or "", c.source)
        for c in sorted(CRITERIA.values(), key=lambda c: c.order)
    ]
    intro = "Each step keeps, removes, or is unknown; unknown leads to E4. Not being eligible is no error."
    table = _markdown_table(("step", "id", "criterion", "标准", "how it is read", "source"), rows)
    return f"## Eligibility\n\n{intro}\n\n{table}"


def _module_of(rule: Rule) -> str:
    return rule.expression.__module__


def _sort_rules() -> list[Rule]:
    return sorted(RULES.values(), key=lambda r: (_module_of(r), r.table, r.rule_id))


def _render_rules(module: str, rules: list[Rule]) -> str:
    doc = inspect.getdoc(inspect.getmodule(rules[0].expression)) or ""
    title = module.rsplit(".", 1)[-1].replace("_", " ").capitalize()
    rows = [
        (
            f"`{r.rule_id}`",
            f"{r.table}.{r.field}",
            r.severity.value,
            inspect.getdoc(r.expression) or "",
            f"{r.en} / {r.zh}",
            r.on_missing,
            r.source,
        )
        for r in rules
    ]
    header = ("rule", "points at", "severity", "passes where", "what the hospital reads", "missing values", "source")
    return f"## {title}\n\n{doc}\n\n{_markdown_table(header, rows)}"


def _render_contract_checks() -> str:
    intro = (
        "Made for every table and field from the data dictionary. For laboratory values the field is `value` and the "
        "test stands in the record's key."
    )
    rows = [(f"`{rule_id}`", meaning, severity) for rule_id, meaning, severity in CONTRACT_CHECKS]
    return f"## Rules made from the contract\n\n{intro}\n\n{_markdown_table(('rule', 'fails where', 'severity'), rows)}"
