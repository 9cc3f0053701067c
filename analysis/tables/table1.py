"""Table 1: baseline characteristics by arm, whole and matched cohort."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.numbers import prettify
from analysis.results import Results, make_slug
from analysis.spec import Characteristic, StudySpec
from analysis.steps.baseline import SMD_METHOD
from analysis.tables.model import Cell, ReportTable, count_cell, heading, join_rows, look_up, number_cell, text

ORDER = 10
COHORT_NAMES = {"all": "Whole cohort", "matched": "Matched cohort"}


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield Table 1 where the study describes characteristics."""
    if not spec.characteristics:
        return
    cohorts = [name for name in COHORT_NAMES if results.select(analysis="table1", cohort=name).height]
    header, spans = ["Characteristic"], [("", 1)]
    for cohort in cohorts:
        arms = [arm.label for arm in spec.arms] or ["All patients"]
        header += [f"{label}, n (%)" for label in arms]
        header += ["p", "SMD"] if spec.arms else []
        spans.append((COHORT_NAMES[cohort], len(arms) + (2 if spec.arms else 0)))
    rows: list[Sequence[Cell]] = [_count_patients(results, spec, cohorts)]
    for item in spec.characteristics:
        rows.append(heading(prettify(item.label)))
        rows += [_describe_level(results, spec, cohorts, item, level) for level in item.levels]
    notes = ["SMD: " + SMD_METHOD + "."] if spec.arms else []
    notes += _name_tests(results, spec, cohorts)
    yield ReportTable(
        "table1",
        "patients",
        "Baseline characteristics",
        "基线特征",
        tuple(header),
        join_rows(rows),
        tuple(notes),
        spans=tuple(spans),
    )


def _list_arms(spec: StudySpec) -> list[str]:
    """Arm parts of result ids; one empty where the study has no arms."""
    return [f".{arm.id}" for arm in spec.arms] or [""]


def _count_patients(results: Results, spec: StudySpec, cohorts: list[str]) -> list[Cell]:
    row = [text("Patients")]
    for cohort in cohorts:
        row += [text(look_up(results, f"table1.{cohort}{arm}.patients.n", "count")) for arm in _list_arms(spec)]
        row += [text(""), text("")] if spec.arms else []
    return row


def _describe_level(
    results: Results, spec: StudySpec, cohorts: list[str], item: Characteristic, level: str
) -> list[Cell]:
    slug = make_slug(level)
    row = [text(f"\u2003{prettify(level)}")]
    for cohort in cohorts:
        row += [count_cell(results, f"table1.{cohort}{arm}.{item.id}.{slug}") for arm in _list_arms(spec)]
        if spec.arms:
            is_first = level == item.levels[0]
            row.append(number_cell(results, f"table1.{cohort}.{item.id}.p", "p") if is_first else text(""))
            row.append(number_cell(results, f"balance.{cohort}.{item.id}.{slug}.smd", "difference"))
    return row


def _name_tests(results: Results, spec: StudySpec, cohorts: list[str]) -> list[str]:
    """The tests that were made: which characteristics needed another one than the most."""
    if not spec.arms:
        return []
    methods: dict[str, list[str]] = {}
    for cohort in cohorts:
        for item in spec.characteristics:
            method = results.row(f"table1.{cohort}.{item.id}.p")["method"]
            methods.setdefault(method, []).append(f"{item.label} ({COHORT_NAMES[cohort].lower()})")
    common = max(methods, key=lambda method: len(methods[method]))
    others = [
        f"{method}: {', '.join(prettify(name) for name in names)}"
        for method, names in methods.items()
        if method != common
    ]
    return [f"p: {common}, two-sided." + (f" {'; '.join(others)}." if others else "")]
