"""The flow chart as a table: what each step removed in every hospital."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.steps.evidence import TIME_UNKNOWN
from analysis.study.cohort_names import ALL
from analysis.study.numbers import prettify
from analysis.study.results import Key, Results
from analysis.study.spec import Endpoint, StudySpec
from analysis.tables.model import Cell, ReportTable, join_rows, number_cell, text

ORDER = 5


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the steps by hospital."""
    flow = results.select(analysis="flow")
    hospitals = flow["hospital"].drop_nulls().unique(maintain_order=True).sort().to_list()
    steps = results.select(analysis="flow", hospital=None, statistic="n_removed")

    def count(label: str, variable: str, statistic: str) -> list[Cell]:
        keys = [Key(analysis="flow", hospital=hospital, variable=variable) for hospital in (*hospitals, None)]
        return [text(label), *(number_cell(results, key, statistic, "count") for key in keys)]

    rows = [count("Patients", steps["variable"][0], "n_before")]
    for name, label in steps.select("variable", "method").iter_rows():
        rows.append(count(f"\u2003removed: {prettify(label)}", name, "n_removed"))
    rows.append(count("Analysed", "analysed", "n"))
    rows += [_describe_unknown(results, endpoint, len(hospitals)) for endpoint in spec.endpoints]
    notes = (
        "A label says what is asked for. Patients for whom a criterion cannot be judged count as incomplete data.",
    )
    header = ("", *hospitals, "All")
    yield ReportTable(
        "flow", "patients", "Flow chart by hospital", "各医院入组流程", header, join_rows(rows), notes, is_folded=True
    )


def _describe_unknown(results: Results, endpoint: Endpoint, n_hospitals: int) -> list[Cell]:
    """Patients analysed of whom the time is not known, such as a progression without a day: they are in no result of it."""
    key = Key(analysis="evidence", cohort=ALL, variable=TIME_UNKNOWN, endpoint=endpoint.id)
    blank = [text("") for _ in range(n_hospitals)]
    return [text(f"\u2003of these without a known {endpoint.id}"), *blank, number_cell(results, key, "n", "count")]
