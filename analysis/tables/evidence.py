"""What responses and progressions rest on, by arm and by hospital, and the response rates under other readings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.steps.evidence import OLD_BASELINE, OLD_BASELINE_LEVEL
from analysis.study.cohort_names import ALL, COHORT_NAMES, name_cohort
from analysis.study.results import Key, Results
from analysis.study.spec import StudySpec
from analysis.tables.model import Cell, ReportTable, count_cell, heading, interval_cell, join_rows, number_cell, text
from etl.pages.labels import EVIDENCE

ORDER = 45
RATES = {"orr": "ORR", "dcr": "DCR"}


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the evidence of everybody analysed, and the other readings of the response."""
    if results.select(analysis="evidence", cohort=ALL, statistic="pct").height:
        yield _build_evidence(results, spec)
    if results.select(analysis="response_alternative").height:
        yield _build_alternatives(results, spec)


def _build_evidence(results: Results, spec: StudySpec) -> ReportTable:
    found = results.select(analysis="evidence", cohort=ALL)
    hospitals = found["hospital"].drop_nulls().unique().sort().to_list()
    rows: list[Sequence[Cell]] = []
    for item in spec.evidence:
        if not results.select(analysis="evidence", variable=item.id).height:
            continue
        whose = Key(analysis="evidence", cohort=ALL, variable=item.id)
        rows += [heading(item.label), *_describe_levels(results, spec, whose, hospitals)]
    old = Key(analysis="evidence", cohort=ALL, variable=OLD_BASELINE, level=OLD_BASELINE_LEVEL)
    arms = [count_cell(results, old.of(arm=arm.id)) for arm in spec.arms]
    rows += [heading("Baseline images"), [text("Older than 28 days"), *arms, text(""), *(text("") for _ in hospitals)]]
    notes = (
        f"{COHORT_NAMES[ALL].en}. Per cent of the patients with such a response or progression. p: Pearson or Fisher, between the arms; "
        "evidence that differs between them is a source of bias.",
        "Complete list: targets, non-targets and new lesions of the visit are known. Of a list that is not complete only a "
        "progression is derived; otherwise the recorded response counts, and where none is recorded that of the targets.",
    )
    header = ("", *(f"{arm.label}, n (%)" for arm in spec.arms), "p", *(f"{name}, n (%)" for name in hospitals))
    title, zh = "Source of responses and progressions", "疗效与进展的判定依据"
    columns = range(len(header) - len(hospitals), len(header))
    return ReportTable("evidence", "response", title, zh, header, join_rows(rows), notes, hospital_columns=columns)


def _describe_levels(results: Results, spec: StudySpec, whose: Key, hospitals: list[str]) -> Iterator[list[Cell]]:
    """A row for each kind of evidence that occurs; the test between the arms in the first."""
    test = number_cell(results, whose, "p", "p")
    for code, label in EVIDENCE.items():
        of_level = whose.of(level=code.value)
        arms = [of_level.of(arm=arm.id) for arm in spec.arms]
        if not any(results.value(key, "n") or results.is_hidden(key, "n") for key in arms):
            continue
        cells = [count_cell(results, key) for key in arms]
        yield [text(label.en), *cells, test, *(count_cell(results, of_level.of(hospital=name)) for name in hospitals)]
        test = text("")


def _build_alternatives(results: Results, spec: StudySpec) -> ReportTable:
    rows: list[Sequence[Cell]] = []
    for cohort in COHORT_NAMES:
        if not results.select(analysis="response", cohort=cohort).height:
            continue
        rows.append(heading(f"{name_cohort(cohort)[0].upper()}{name_cohort(cohort)[1:]}"))
        for evaluation in spec.evaluations:
            time = spec.at_month(evaluation.month)
            study = Key(analysis="response", cohort=cohort, time=time)
            rows.append(_describe_rates(results, spec, f"Month {evaluation.month}, the study", study))
            for item in (item for item in spec.response_alternatives if item.month == evaluation.month):
                other = Key(analysis="response_alternative", cohort=cohort, time=time, subgroup=item.id)
                rows.append(_describe_rates(results, spec, f"\u2003{item.label}", other))
    header = ("", *(f"{label}, {arm.label}, % ({spec.limits})" for label in RATES.values() for arm in spec.arms))
    title, zh = "Sensitivity to the reading of the response", "对疗效判定方法的敏感性分析"
    return ReportTable("sensitivity_response", "sensitivity", title, zh, header, join_rows(rows))


def _describe_rates(results: Results, spec: StudySpec, label: str, key: Key) -> list[Cell]:
    rates = [key.of(variable=name, arm=arm.id) for name in RATES for arm in spec.arms]
    return [text(label), *(interval_cell(results, rate, "percent", "pct") for rate in rates)]
