"""Every two of three and more arms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.study.cohort_names import COHORT_NAMES
from analysis.study.keys import PROPORTIONAL, make_pair_key
from analysis.study.results import Results
from analysis.study.spec import StudySpec
from analysis.tables.model import Cell, ReportTable, heading, interval_cell, join_rows, number_cell, text

ORDER = 25


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the hazard ratios of the pairs, by endpoint and cohort, where the study has more than two arms."""
    if not spec.has_pairs:
        return
    rows: list[Sequence[Cell]] = []
    for endpoint in spec.endpoints:
        for cohort, name in COHORT_NAMES.items():
            found = [row for pair in spec.list_pairs() for row in _describe_pair(results, pair, cohort, endpoint.id)]
            rows += [heading(f"{endpoint.label}, {name.en.lower()}"), *found] if found else []
    header = ("", "Patients", f"HR ({spec.limits})", "p (Wald)", "p (Holm)", "p (proportional hazards)")
    notes = (
        "Patients: of the first arm / of the second. Matched or weighted, a pair has a propensity score of its own, so that its patients are its own. "
        "Holm: corrected for the pairs of one endpoint and cohort.",
    )
    yield ReportTable(
        "pairwise", "survival", "Comparison of every two arms", "两两比较", header, join_rows(rows), notes
    )


def _describe_pair(results: Results, pair: StudySpec, cohort: str, endpoint: str) -> Iterator[list[Cell]]:
    key = make_pair_key(pair, cohort, endpoint)
    if not results.has(key, "hr"):
        return
    sizes = [number_cell(results, key.of(arm=arm.id), "n", "count") for arm in (pair.treated, pair.control)]
    yield [
        text(f"{pair.treated.label} vs {pair.control.label}"),
        text(*sizes[0].parts, " / ", *sizes[1].parts),
        interval_cell(results, key, "ratio", "hr"),
        *(number_cell(results, key, name, "p") for name in ("p", "p_holm", PROPORTIONAL)),
    ]
