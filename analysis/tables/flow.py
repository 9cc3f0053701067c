"""The flow chart as a table: what each step removed in every hospital."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from analysis.numbers import prettify
from analysis.results import Results, make_slug
from analysis.spec import StudySpec
from analysis.tables.model import ReportTable, join_rows, number_cell, text

ORDER = 5


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the steps by hospital."""
    del spec
    flow = results.select(analysis="flow")
    hospitals = flow["hospital"].drop_nulls().unique(maintain_order=True).sort().to_list()
    places = [f".{make_slug(hospital)}" for hospital in hospitals] + [""]
    steps = flow.filter(pl.col("hospital").is_null() & (pl.col("statistic") == "n_removed"))
    first = make_slug(steps["variable"][0])
    rows = [[text("Patients"), *(number_cell(results, f"flow{place}.{first}.n_before", "count") for place in places)]]
    for name, label in steps.select("variable", "method").iter_rows():
        cells = [number_cell(results, f"flow{place}.{make_slug(name)}.n_removed", "count") for place in places]
        rows.append([text(f"\u2003removed: {prettify(label)}"), *cells])
    rows.append([text("Analysed"), *(number_cell(results, f"flow{place}.analysed.n", "count") for place in places)])
    notes = (
        "A label says what is asked for. Patients for whom a criterion cannot be judged count as incomplete data.",
    )
    header = ("", *hospitals, "All")
    yield ReportTable(
        "flow", "patients", "Flow chart by hospital", "各医院入组流程", header, join_rows(rows), notes, is_folded=True
    )
