"""Table 1: baseline characteristics by arm, whole and matched cohort."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.steps.baseline import SMD_METHOD
from analysis.study.characteristic import Characteristic
from analysis.study.cohort_names import COHORT_NAMES, name_cohort
from analysis.study.numbers import prettify
from analysis.study.results import Key, Results
from analysis.study.spec import StudySpec
from analysis.tables.model import Cell, ReportTable, count_cell, heading, join_rows, look_up, number_cell, text

ORDER = 10


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield Table 1 where the study describes characteristics."""
    if not spec.characteristics:
        return
    cohorts = [name for name in COHORT_NAMES if results.select(analysis="table1", cohort=name).height]
    header, spans = ["Characteristic"], [("", 1)]
    for cohort in cohorts:
        shown = "%" if spec.is_weighted(cohort) else "n (%)"
        header += [f"{label}, {shown}" for _, label in spec.groups]
        tests = _list_tests(spec, cohort)
        header += tests
        spans.append((COHORT_NAMES[cohort].en, len(spec.groups) + len(tests)))
    rows: list[Sequence[Cell]] = [_count_patients(results, spec, cohorts)]
    for item in spec.characteristics:
        rows.append(heading(prettify(item.label)))
        if item.is_number:
            rows += _describe_quantity(results, spec, cohorts, item)
        rows += [_describe_level(results, spec, cohorts, item, level) for level in item.list_levels()]
        if item.missing == "level":
            rows.append(_count_missing(results, spec, cohorts, item))
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
        row += [text("") for _ in _list_tests(spec, cohort)]
    return row


def _list_tests(spec: StudySpec, cohort: str) -> list[str]:
    """The columns that compare the arms: there is no test where patients are weighted."""
    if not spec.arms:
        return []
    return ["SMD"] if spec.is_weighted(cohort) else ["p", "SMD"]


def _describe_level(
    results: Results, spec: StudySpec, cohorts: list[str], item: Characteristic, level: str
) -> list[Cell]:
    row = [text(f"\u2003{prettify(level)}")]
    for cohort in cohorts:
        key = Key(analysis="table1", cohort=cohort, variable=item.id)
        row += [_share_cell(results, key.of(arm=arm, level=level)) for arm, _ in spec.groups]
        if spec.arms:
            is_first = level == item.list_levels()[0]
            if not spec.is_weighted(cohort):
                row.append(number_cell(results, key, "p", "p") if is_first else text(""))
            row.append(number_cell(results, key.of(analysis="balance", level=level), "smd", "difference"))
    return row


def _share_cell(results: Results, key: Key) -> Cell:
    """Patients and per cent; per cent alone where patients are weighted."""
    return count_cell(results, key) if results.has(key, "n") else number_cell(results, key, "pct", "percent")


def _describe_quantity(
    results: Results, spec: StudySpec, cohorts: list[str], item: Characteristic
) -> Iterator[list[Cell]]:
    """Mean with standard deviation and, unweighted, median with quartiles."""
    for label, statistics in (("mean (SD)", ("mean", "sd")), ("median (quartiles)", ("median", "q1", "q3"))):
        row = [text(f"\u2003{label}")]
        for cohort in cohorts:
            key = Key(analysis="table1", cohort=cohort, variable=item.id)
            row += [_moments_cell(results, key.of(arm=arm), statistics) for arm, _ in spec.groups]
            if spec.arms:
                is_first = statistics[0] == "mean"
                if not spec.is_weighted(cohort):
                    row.append(number_cell(results, key, "p", "p") if is_first else text(""))
                smd = number_cell(results, key.of(analysis="balance"), "smd", "difference")
                row.append(smd if is_first else text(""))
        yield row


def _moments_cell(results: Results, key: Key, statistics: Sequence[str]) -> Cell:
    if not results.has(key, statistics[0]):
        return text("–")
    first, *others = (look_up(results, key, name, "time") for name in statistics)
    parts = [part for other in others for part in ("–", other)][1:]
    return text(first, " (", *parts, ")")


def _count_missing(results: Results, spec: StudySpec, cohorts: list[str], item: Characteristic) -> list[Cell]:
    """Patients of whom it is not known, over all of the arm; per cent of the levels are of the others."""
    row = [text("\u2003not known")]
    for cohort in cohorts:
        key = Key(analysis="table1", cohort=cohort, variable=f"{item.id} missing")
        row += [count_cell(results, key.of(arm=arm)) for arm, _ in spec.groups]
        row += [text("") for _ in _list_tests(spec, cohort)]
    return row


def _name_tests(results: Results, spec: StudySpec, cohorts: list[str]) -> list[str]:
    """The tests that were made: which characteristics needed another one than the most."""
    if not spec.arms:
        return []
    methods: dict[str, list[str]] = {}
    for cohort in (name for name in cohorts if not spec.is_weighted(name)):
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
