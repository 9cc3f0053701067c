"""Writes the rule catalogue from the code and from the rules' test cases, for a clinician to read and agree."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from schemas.codes import Severity
from schemas.contract import read_contract, read_grain
from schemas.contract_checks import CONTRACT_CHECKS
from schemas.example_patient import read_correct_patient, read_introduction, read_rows
from schemas.markdown import render_table
from schemas.rule_examples import describe_example, spell_words
from schemas.rules import CRITERIA, RULES
from schemas.rules.rule import SUBJECT, Rule, Scope
from schemas.tables import TABLES

SECTIONS = {
    "completeness": "完整性",
    "identity": "身份",
    "chronology": "时间顺序",
    "liver_and_stage": "肝功能与分期",
    "tumour_burden": "肿瘤负荷",
    "course": "治疗经过",
    "adverse_events": "不良反应",
    "tumour_assessment": "肿瘤评估",
    "response_evidence": "疗效依据",
    "recorded_progression": "记录的进展",
    "plausibility": "合理性",
    "arm": "治疗组",
    "bounds": "界限值",
    "default_dates": "默认日期",
    "disease_burden": "病灶与转移",
    "imaging": "影像",
    "laboratory": "检验",
    "liver_disease": "肝病",
    "local_treatment": "局部治疗",
    "therapy_lines": "治疗线数",
    "veins": "静脉癌栓",
}
"""The modules of `schemas/rules` with their Chinese titles, in the order of a patient's record; one that is not named comes last."""


@dataclass(frozen=True)
class Section:
    """One module of `schemas/rules`: its name, its title in English and Chinese, and its rules in the order of the module."""

    name: str
    en: str
    zh: str
    rules: tuple[Rule, ...]


def list_sections() -> list[Section]:
    """Return the sections of the catalogue in its order."""
    place = {name: number for number, name in enumerate(SECTIONS)}
    ordered = sorted(RULES.values(), key=lambda rule: (place.get(_module_of(rule), len(place)), _module_of(rule)))
    return [
        Section(name, name.replace("_", " ").capitalize(), SECTIONS.get(name, ""), tuple(rules))
        for name, rules in groupby(ordered, key=_module_of)
    ]


def write_rule_catalogue(path: Path) -> None:
    """Write the rule catalogue as Markdown: eligibility, clinical rules by module, rules made from the contract."""
    path.write_text(render_rule_catalogue(), encoding="utf-8")


def render_rule_catalogue() -> str:
    """Return the rule catalogue's text."""
    sections = {title: list(rules) for title, rules in groupby(_sort_rules(), key=_title_of)}
    parts = [
        "# Rule catalogue",
        "This page is generated from the code (`schemas/rule_catalogue.py`) and from the rules' test cases; do not edit it.",
        _render_summary(),
        _render_contents(sections),
        _render_how_to_read(),
        _render_criteria(),
        *(_render_section(title, rules) for title, rules in sections.items()),
        _render_contract_checks(),
        _render_example_patient(),
    ]
    return "\n\n".join(parts) + "\n"


def _count_severities(severities: Iterable[Severity]) -> str:
    counts = Counter(severities)
    return ", ".join(f"{counts[severity]} × {severity.value}" for severity in Severity if counts[severity])


def _render_summary() -> str:
    made = sum(check.count() for check in CONTRACT_CHECKS)
    return (
        f"**{len(RULES)} clinical rules** ({_count_severities(rule.severity for rule in RULES.values())}), "
        f"**{len(CRITERIA)} steps of eligibility**, and **{made} rules made from the contract** of {len(TABLES)} "
        f"tables, in {len(CONTRACT_CHECKS)} kinds."
    )


def _render_contents(sections: dict[str, list[Rule]]) -> str:
    def link(title: str) -> str:
        return f"[{title}](#{title.lower().replace(' ', '-')})"

    rows = [(link("Eligibility"), "Who may enter the study, step by step", str(len(CRITERIA)), "")]
    for title, rules in sections.items():
        summary = _describe_module(rules[0]).split("\n", 1)[0].rstrip(".")
        rows.append((link(title), summary, str(len(rules)), _count_severities(rule.severity for rule in rules)))
    made = [check.severity for check in CONTRACT_CHECKS for _ in range(check.count())]
    about = "Keys, dates, codes, units, limits, empty cells"
    rows += [
        (link("Rules made from the contract"), about, str(len(made)), _count_severities(made)),
        (link("The example patient"), "Whom the examples change", "", ""),
    ]
    return f"## Contents\n\n{render_table(('section', 'about', 'rules', 'severity'), rows)}"


def _render_how_to_read() -> str:
    return """## How to read a rule

- **Severity**: `reject` sets the record aside, `query` asks the hospital to check or complete something, `note` only tells.
- A rule ends in **pass**, **fail** or **not evaluable** (a value that it needs is empty, or it asks nothing of such a
  record). Only a fail asks a question, and no rule changes a value.
- **The examples** are the first cases of the rule's own tests: what is changed in [the example patient](#the-example-patient)
  and the values that the rule then sees. All patients are invented.
- **Source**: a publication, a section of the study's protocol, or "the registry's limit" where neither gives a number.
  "Order of events" and "two statements about one fact" need no other source: both cannot be right."""


def _render_criteria() -> str:
    rows = [
        (
            str(c.order),
            f"{c.label_en} / {c.label_zh}<br>`{c.criterion_id}`",
            " ".join((inspect.getdoc(c.expression) or "").split()),
            c.source,
        )
        for c in sorted(CRITERIA.values(), key=lambda c: c.order)
    ]
    intro = (
        "Each step keeps a patient, removes them, or is unknown; unknown leads to E4. Not being eligible is no error, and "
        "nobody is asked about it. The order is that of the flow chart."
    )
    table = render_table(("step", "criterion", "how it is read", "source"), rows)
    return f"## Eligibility\n\n{intro}\n\n{table}"


def _module_of(rule: Rule) -> str:
    return rule.expression.__module__.rsplit(".", 1)[-1]


def _title_of(rule: Rule) -> str:
    return _module_of(rule).replace("_", " ").capitalize()


def _describe_module(rule: Rule) -> str:
    return inspect.getdoc(inspect.getmodule(rule.expression)) or ""


def _sort_rules() -> list[Rule]:
    """By section; within one in the order of its module, which puts rules about one thing together."""
    place = {name: number for number, name in enumerate(SECTIONS)}
    return sorted(RULES.values(), key=lambda rule: (place.get(_module_of(rule), len(place)), _module_of(rule)))


def _render_section(title: str, rules: list[Rule]) -> str:
    return "\n\n".join([f"## {title}", _describe_module(rules[0]), *(_render_rule(rule) for rule in rules)])


def _render_rule(rule: Rule) -> str:
    meaning = " ".join((inspect.getdoc(rule.expression) or "").split())
    title = spell_words(rule.rule_id)
    lines = [
        f"### {title[0].upper()}{title[1:]}",
        "",
        f"`{rule.rule_id}` · **{rule.severity.value}** · {_describe_place(rule)}",
        "",
        f"- **Passes where:** {meaning}",
        f"- **Why it is asked:** {rule.why}",
        f"- **The hospital reads:** {rule.en}<br>{rule.zh}",
        f"- **Passes, for example:** {describe_example(rule, 'pass')}",
        f"- **Fails, for example:** {describe_example(rule, 'fail')}",
        f"- **Missing values:** {rule.on_missing}.",
        *([] if rule.scope is Scope.PATIENT else [f"- **Looks at:** {rule.scope.value}."]),
        f"- **Source:** {rule.source}",
    ]
    return "\n".join(lines)


def _describe_place(rule: Rule) -> str:
    """The cell that a finding points at, in both languages."""
    home = next((t for t in TABLES if rule.table in (t, SUBJECT) and rule.field in read_contract(TABLES[t])), None)
    if rule.table == SUBJECT:
        return f"one question per patient, about `{rule.field}`"
    if home is None:
        return f"`{rule.table}`"
    field = read_contract(TABLES[home])[rule.field]
    return f"points at `{home}.{rule.field}` ({read_grain(TABLES[home])[1]}：{field.zh})"


def _render_contract_checks() -> str:
    intro = (
        "These are made for every table and field that the data dictionary describes. For laboratory values the field is "
        "`value`; the test stands in the record's key and decides the limits. A rule counts at a hospital only where the "
        "hospital sends the column."
    )
    rows = [
        (f"`{check.rule_id}`", check.severity.value, check.fails_where, check.example, str(check.count()))
        for check in CONTRACT_CHECKS
    ]
    table = render_table(("rule", "severity", "fails where", "for example", "rules"), rows)
    return f"## Rules made from the contract\n\n{intro}\n\n{table}"


def _render_example_patient() -> str:
    """The correct patient's tables; one that has a single record is told field by field."""
    parts = [f"## The example patient\n\n{read_introduction()}"]
    for name, text in read_correct_patient().items():
        rows = [{field: value or "" for field, value in row.items()} for row in read_rows(text)]
        if len(rows) == 1:
            table = render_table(("field", "value"), [(f"`{field}`", value) for field, value in rows[0].items()])
        else:
            table = render_table(tuple(rows[0]), [tuple(row.values()) for row in rows])
        parts.append(f"### Table: {name}\n\n{table}")
    return "\n\n".join(parts)
