"""The flow chart as a table: what each step removed in every hospital, and in every arm."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.steps.evidence import TIME_UNKNOWN
from analysis.steps.flow import IN_NO_ARM
from analysis.study.cohort_names import ALL
from analysis.study.flow_steps import NOT_COMPARED
from analysis.study.numbers import prettify
from analysis.study.results import Key, Results
from analysis.study.spec import Endpoint, StudySpec
from analysis.tables.model import Cell, ReportTable, join_rows, number_cell, text

ORDER = 5


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the steps by hospital and, where arms are compared, by arm."""
    flow = results.select(analysis="flow")
    hospitals = flow["hospital"].drop_nulls().unique(maintain_order=True).sort().to_list()
    steps = results.select(analysis="flow", hospital=None, statistic="n_removed")

    def count(label: str, variable: str, statistic: str) -> list[Cell]:
        keys = [Key(analysis="flow", hospital=hospital, variable=variable) for hospital in (*hospitals, None)]
        return [text(label), *(number_cell(results, key, statistic, "count") for key in keys)]

    rows = [count("Patients", steps["variable"][0], "n_before")]
    for name, label in steps.select("variable", "method").iter_rows():
        rows.append(count(f"\u2003not met: {prettify(label)}", name, "n_removed"))
    rows.append(count("Analysed", "analysed", "n"))
    if results.find(Key(analysis="flow", variable=NOT_COMPARED), "n") is not None:
        rows.append(count("\u2003of them not compared between hospitals", NOT_COMPARED, "n"))
    rows += [_describe_unknown(results, endpoint, len(hospitals)) for endpoint in spec.endpoints]
    notes = (
        "A label says what is asked for. Patients for whom a criterion cannot be judged count as incomplete data.",
        "Not compared between hospitals: without a hash of an identity document nobody can tell whether another hospital has the patient too.",
    )
    header = ("", *hospitals, "All")
    title, zh, columns = "Flow chart by hospital", "各医院入组流程", range(1, len(hospitals) + 1)
    yield ReportTable(
        "flow", "patients", title, zh, header, join_rows(rows), notes, is_folded=True, hospital_columns=columns
    )
    if spec.arms:
        yield _build_by_arm(results, spec)


def _build_by_arm(results: Results, spec: StudySpec) -> ReportTable:
    """Who was removed, by the arm they were in: a loss that differs between the arms is a bias that no matching takes away."""
    steps = results.select(analysis="flow", hospital=None, statistic="n_removed")
    flow = Key(analysis="flow_by_arm")
    whose: list[dict[str, str]] = [*({"arm": arm.id} for arm in spec.arms), {"level": IN_NO_ARM}]

    def count(label: str, variable: str, statistic: str) -> list[Cell]:
        keys = [flow.of(variable=variable, **group) for group in whose]
        return [text(label), *(number_cell(results, key, statistic, "count") for key in keys)]

    rows = [count("Patients", steps["variable"][0], "n_before")]
    for name, label in steps.select("variable", "method").iter_rows():
        rows.append(count(f"\u2003not met: {prettify(label)}", name, "n_removed"))
    rows.append(count("Analysed", steps["variable"][-1], "n_after"))
    header = ("", *(arm.label for arm in spec.arms), "In no arm")
    notes = ("A dash: there was nobody.",)
    title, zh = "Flow chart by arm: who was lost to which criterion", "各组入组流程：各标准剔除的患者"
    return ReportTable("flow_by_arm", "patients", title, zh, header, join_rows(rows), notes, is_folded=True)


def _describe_unknown(results: Results, endpoint: Endpoint, n_hospitals: int) -> list[Cell]:
    """Patients analysed of whom the time is not known, such as a progression without a day: they are in no result of it."""
    key = Key(analysis="evidence", cohort=ALL, variable=TIME_UNKNOWN, endpoint=endpoint.id)
    blank = [text("") for _ in range(n_hospitals)]
    return [text(f"\u2003of these without a known {endpoint.id}"), *blank, number_cell(results, key, "n", "count")]
