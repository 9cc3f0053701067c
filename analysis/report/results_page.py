"""Writes the page of the results table from its declaration, so that the two cannot differ."""

from __future__ import annotations

from pathlib import Path
from string import Template

from analysis.study.results import ANALYSES, COLUMNS, ID_COLUMNS, STATISTICS
from schemas.markdown import render_table
from schemas.package_data import find_data

TYPE_NAMES = {"String": "text", "Float64": "number", "Int64": "whole number"}
EXAMPLES = {
    "table1.all.sora.alt.le40.n": "Table 1, whole cohort, Sora+PD-1: patients with ALT <= 40 U/L",
    "kaplan_meier.matched.os.len.survival.12m.estimate": "overall survival at 12 months, matched cohort, Len+PD-1 (per cent)",
    "cox_treatment.matched.pfs.arm.len.ci_low": "lower 95 % limit of the hazard ratio of PFS, matched cohort, Len+PD-1 against Sora+PD-1",
    "logrank.matched.os.tace_no.p": "log-rank p of the arms in the matched patients without TACE",
    "sensitivity.matched.os.within_hospital.hr": "hazard ratio of OS where pairs are made within the same hospital",
}


def write_results_page(path: Path) -> None:
    """Write the page as Markdown: columns, names, analyses, statistics, and the way back to patients and cells."""
    path.write_text(render_results_page(), encoding="utf-8")


def render_results_page() -> str:
    """Return the page's text."""
    columns = [(f"`{column.name}`", TYPE_NAMES[str(column.dtype)], column.meaning) for column in COLUMNS]
    template = find_data("analysis.report.templates", "results.md").read_text(encoding="utf-8")
    return Template(template).substitute(
        columns=render_table(("column", "type", "meaning"), columns),
        id_columns=", ".join(f"`{name}`" for name in ID_COLUMNS),
        examples=_list_meanings("name", EXAMPLES),
        analyses=_list_meanings("analysis", ANALYSES),
        statistics=_list_meanings("statistic", STATISTICS),
    )


def _list_meanings(header: str, meanings: dict[str, str]) -> str:
    return render_table((header, "meaning"), [(f"`{name}`", meaning) for name, meaning in meanings.items()])
