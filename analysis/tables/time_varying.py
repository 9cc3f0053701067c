"""What changes, or begins, during follow-up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.study.keys import make_time_varying_key
from analysis.study.results import Results
from analysis.study.spec import StudySpec
from analysis.tables.model import Cell, ReportTable, heading, interval_cell, join_rows, number_cell, text

ORDER = 27


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the models with what changes, and how many patients it happened to."""
    if not spec.time_varying:
        return
    rows: list[Sequence[Cell]] = []
    for item in spec.time_varying:
        key = make_time_varying_key(spec, item)
        adjusted = [spec.get_characteristic(name).label for name in item.covariates]
        by = f", adjusted for {', '.join(adjusted)}" if adjusted else ""
        rows.append(heading(f"{spec.get_endpoint(item.endpoint).label}: {item.label}{by}"))
        terms = [
            (f"{spec.treated.label} vs {spec.control.label}", spec.treated.id),
            ("After it happened vs before", "changed"),
        ]
        for label, level in terms[: 2 if item.day_column else 1]:
            ratio = interval_cell(results, key.of(level=level), "ratio", "hr")
            rows.append([text(label), ratio, number_cell(results, key.of(level=level), "p", "p")])
        rows.append(
            [
                text("\u2003patients in the model"),
                number_cell(results, key.of(variable=f"{item.id} patients"), "n", "count"),
                text(""),
            ]
        )
        for level in ("from the start", "during follow-up") if item.day_column else ():
            n = number_cell(results, key.of(variable=f"{item.id} changed", level=level), "n", "count")
            rows.append([text(f"\u2003patients with it {level}"), n, text("")])
    header = ("", f"HR ({spec.limits})", "p (Wald)")
    notes = (
        "Of those analysed, the patients whose time, entry and covariates are known. Before the day on which it happens a patient counts as without, from it on as with; an event on that day belongs to the time before.",
    )
    title, zh = "What changes during follow-up", "随访期间的变化"
    yield ReportTable("time_varying", "survival", title, zh, header, join_rows(rows), notes)
