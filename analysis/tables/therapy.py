"""The years in which therapy began and the drugs it began with, by arm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.steps.therapy import DRUGS, START_YEAR
from analysis.study.cohort_names import COHORT_NAMES
from analysis.study.results import Key, Results
from analysis.study.spec import StudySpec
from analysis.tables.model import Cell, ReportTable, count_cell, join_rows, number_cell, text

ORDER = 22
LABELS = {
    START_YEAR: "Year of the start",
    **dict(zip(DRUGS, ("Kinase inhibitor, the first started", "PD-1 inhibitor, the first started"), strict=True)),
}


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the table of a study of arms, the cohorts in which patients count once side by side."""
    found = results.select(analysis="therapy", statistic="n").drop_nulls("level")
    cohorts = [name for name in COHORT_NAMES if name in found["cohort"].to_list()]
    if not (spec.arms and cohorts):
        return
    rows: list[Sequence[Cell]] = []
    for variable, label in LABELS.items():
        keys = [Key(analysis="therapy", cohort=cohort, variable=variable) for cohort in cohorts]
        for place, level in enumerate(found.filter(variable=variable)["level"].unique(maintain_order=True)):
            if place == 0:
                blanks = [text("") for _ in spec.arms]
                rows.append(
                    [text(label), *(cell for key in keys for cell in (*blanks, number_cell(results, key, "p", "p")))]
                )
            rows.append([text(f"\u2003{level[0].upper()}{level[1:]}"), *_count(results, spec, keys, level)])
    header = ("", *[*(f"{arm.label}, n (%)" for arm in spec.arms), "p"] * len(cohorts))
    spans = (("", 1), *((COHORT_NAMES[cohort].en, len(spec.arms) + 1) for cohort in cohorts))
    notes = ("Drugs of the first line of therapy. p: Pearson or Fisher. Doses are not compared.",)
    title, zh = "Start of therapy and its drugs", "治疗开始时间与所用药物"
    yield ReportTable("therapy", "patients", title, zh, header, join_rows(rows), notes, spans=spans)


def _count(results: Results, spec: StudySpec, keys: Sequence[Key], level: str) -> Iterator[Cell]:
    """The patients with a year or a drug: of every cohort each arm, and below the test a blank."""
    for key in keys:
        yield from (count_cell(results, key.of(arm=arm.id, level=level)) for arm in spec.arms)
        yield text("")
