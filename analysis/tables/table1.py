"""Table 1: baseline characteristics by arm, whole and matched cohort."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.steps.baseline import SMD_METHOD
from analysis.study.cohort_names import COHORT_NAMES, name_cohort
from analysis.study.numbers import prettify
from analysis.study.results import Key, Results
from analysis.study.spec import Characteristic, StudySpec
from analysis.tables.model import Cell, ReportTable, count_cell, heading, join_rows, look_up, number_cell, text

ORDER = 10


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield Table 1 where the study describes characteristics."""
    if not spec.characteristics:
        return
    cohorts = [name for name in COHORT_NAMES if results.select(analysis="table1", cohort=name).height]
    header, spans = ["Characteristic"], [("", 1)]
    for cohort in cohorts:
        header += [f"{label}, n (%)" for _, label in spec.groups]
        header += ["p", "SMD"] if spec.arms else []
        spans.append((COHORT_NAMES[cohort].en, len(spec.groups) + (2 if spec.arms else 0)))
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


def _count_patients(results: Results, spec: StudySpec, cohorts: list[str]) -> list[Cell]:
    row = [text("Patients")]
    for cohort in cohorts:
        patients = Key(analysis="table1", cohort=cohort, variable="patients")
        row += [text(look_up(results, patients.of(arm=arm), "n", "count")) for arm, _ in spec.groups]
        row += [text(""), text("")] if spec.arms else []
    return row


def _describe_level(
    results: Results, spec: StudySpec, cohorts: list[str], item: Characteristic, level: str
) -> list[Cell]:
    row = [text(f"\u2003{prettify(level)}")]
    for cohort in cohorts:
        key = Key(analysis="table1", cohort=cohort, variable=item.id)
        row += [count_cell(results, key.of(arm=arm, level=level)) for arm, _ in spec.groups]
        if spec.arms:
            is_first = level == item.levels[0]
            row.append(number_cell(results, key, "p", "p") if is_first else text(""))
            row.append(number_cell(results, key.of(analysis="balance", level=level), "smd", "difference"))
    return row


def _name_tests(results: Results, spec: StudySpec, cohorts: list[str]) -> list[str]:
    """The tests that were made: which characteristics needed another one than the most."""
    if not spec.arms:
        return []
    methods: dict[str, list[str]] = {}
    for cohort in cohorts:
        for item in spec.characteristics:
            method = results.row(Key(analysis="table1", cohort=cohort, variable=item.id), "p")["method"]
            methods.setdefault(method, []).append(f"{item.label} ({name_cohort(cohort)})")
    common = max(methods, key=lambda method: len(methods[method]))
    others = [
        f"{method}: {', '.join(prettify(name) for name in names)}"
        for method, names in methods.items()
        if method != common
    ]
    return [f"p: {common}, two-sided." + (f" {'; '.join(others)}." if others else "")]
