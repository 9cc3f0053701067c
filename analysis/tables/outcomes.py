"""Tumour response and adverse events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.estimators.response import RESPONSES
from analysis.steps.courses import BEST_CHANGE, BEST_RESPONSE
from analysis.steps.outcomes import ANY_TERM, EXPOSURE, NO_TERM
from analysis.study.cohort_names import ALL, COHORT_NAMES, name_cohort
from analysis.study.results import Key, Results
from analysis.study.spec import Evaluation, StudySpec
from analysis.tables.model import (
    Cell,
    ReportTable,
    count_cell,
    heading,
    interval_cell,
    join_rows,
    look_up,
    number_cell,
    text,
)

ORDER = 40
RATE_LABELS = {"orr": "ORR: CR + PR", "dcr": "DCR: CR + PR + SD"}


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the response table of every cohort, and the adverse events."""
    if spec.evaluations:
        for cohort in reversed(COHORT_NAMES):
            if results.select(analysis="response", cohort=cohort).height:
                yield _build_response(results, spec, cohort)
    if spec.grade_bands:
        yield _build_adverse_events(results, spec)
        if results.select(analysis="adverse_event_rate").height:
            yield _build_rates(results, spec)


def _build_response(results: Results, spec: StudySpec, cohort: str) -> ReportTable:
    rows: list[Sequence[Cell]] = []
    for evaluation in spec.evaluations:
        rows.append(heading(f"At {evaluation.month} months"))
        rows += _describe_evaluation(results, spec, cohort, evaluation)
    if spec.courses:
        rows += _describe_best(results, spec, cohort)
    header = ("", *(f"{arm.label}, n (%)" for arm in spec.arms), "p")
    notes = (
        "Responses: p over all responses that occur, NE included. ORR and DCR: per cent of all patients of the arm "
        f"({spec.limits} by Clopper-Pearson); difference in percentage points (Newcombe).",
        "NE: no assessment in the window of the evaluation, or one that could not be judged.",
    )
    title, zh = f"Tumour response, {name_cohort(cohort)}", f"肿瘤疗效（{COHORT_NAMES[cohort].zh}）"
    return ReportTable(f"response_{cohort}", "response", title, zh, header, join_rows(rows), notes, cohort == ALL)


def _describe_evaluation(results: Results, spec: StudySpec, cohort: str, evaluation: Evaluation) -> list[list[Cell]]:
    at = Key(analysis="response", cohort=cohort, time=spec.at_month(evaluation.month))
    rows = _count_responses(results, spec, at.of(variable="response"))
    for name, label in RATE_LABELS.items():
        rate = at.of(variable=name)
        cells = [interval_cell(results, rate.of(arm=arm.id), "percent", "pct") for arm in spec.arms]
        rows.append([text(f"{label}, % ({spec.limits})"), *cells, number_cell(results, rate, "p", "p")])
        difference = interval_cell(results, rate, "percent", "difference")
        rows.append([text("\u2003difference, percentage points"), text(""), difference, text("")])
    return rows


def _count_responses(results: Results, spec: StudySpec, key: Key) -> list[list[Cell]]:
    """Patients with each response, by arm; the test between the arms in the first row."""
    rows = []
    for response in RESPONSES:
        cells = [count_cell(results, key.of(arm=arm.id, level=response)) for arm in spec.arms]
        is_first = response == RESPONSES[0]
        rows.append([text(response), *cells, number_cell(results, key, "p", "p") if is_first else text("")])
    return rows


def _describe_best(results: Results, spec: StudySpec, cohort: str) -> list[Sequence[Cell]]:
    """Best overall response, and median and quartiles of the best change."""
    of_cohort = Key(analysis="response", cohort=cohort)
    rows: list[Sequence[Cell]] = [heading("Best response up to the first progression")]
    rows += _count_responses(results, spec, of_cohort.of(variable=BEST_RESPONSE))
    quartiles = []
    for arm in spec.arms:
        change = of_cohort.of(arm=arm.id, variable=BEST_CHANGE)
        median, q1, q3 = (look_up(results, change, name, "percent") for name in ("median", "q1", "q3"))
        quartiles.append(text(median, " (", q1, " to ", q3, ")"))
    rows.append([text("Best change of the targets, %: median (quartiles)"), *quartiles, text("")])
    return rows


def _build_adverse_events(results: Results, spec: StudySpec) -> ReportTable:
    none = Key(analysis="adverse_events", cohort=ALL, variable=NO_TERM)
    others = spec.grade_bands[1:]
    blank = [text("") for _ in others for _ in range(len(spec.arms) + 1)]
    counts = [count_cell(results, none.of(arm=arm.id)) for arm in spec.arms]
    rows = [[text("None recorded"), *counts, text(""), *blank]]
    for name in _list_terms(results):
        row = [text(_label_term(name))]
        for band in spec.grade_bands:
            key = Key(analysis="adverse_events", cohort=ALL, variable=name, level=band.id)
            row += [count_cell(results, key.of(arm=arm.id)) for arm in spec.arms]
            row.append(number_cell(results, key, "p", "p"))
        rows.append(row)
    header = ["", *[*(f"{arm.label}, n (%)" for arm in spec.arms), "p"] * len(spec.grade_bands)]
    spans = (("", 1), *((band.label, len(spec.arms) + 1) for band in spec.grade_bands))
    notes = (
        f"{COHORT_NAMES[ALL].en}. CTCAE; every patient counts once per term, with the worst grade. p: Pearson or Fisher, unadjusted. Who is in no "
        "row of an event has none on record.",
    )
    return ReportTable(
        "adverse_events", "safety", "Adverse events", "不良反应", tuple(header), join_rows(rows), notes, spans=spans
    )


def _list_terms(results: Results) -> list[str]:
    """Any event, then every term, the commonest first."""
    counted = results.select(analysis="adverse_events").drop_nulls("level")
    return counted["variable"].unique(maintain_order=True).to_list()


def _build_rates(results: Results, spec: StudySpec) -> ReportTable:
    key = Key(analysis="adverse_event_rate", cohort=ALL)
    months = [number_cell(results, key.of(arm=arm.id, variable=EXPOSURE), "estimate", "time") for arm in spec.arms]
    rows = [
        [text("Patient-months of treatment"), *months, *[text("") for _ in spec.grade_bands[1:] for _ in spec.arms]]
    ]
    for name in _list_terms(results):
        rates = [
            interval_cell(results, key.of(arm=arm.id, variable=name, level=band.id), "time", "rate")
            for band in spec.grade_bands
            for arm in spec.arms
        ]
        rows.append([text(_label_term(name)), *rates])
    header = ("", *[arm.label for arm in spec.arms] * len(spec.grade_bands))
    spans = (("", 1), *((band.label, len(spec.arms)) for band in spec.grade_bands))
    notes = (
        f"{COHORT_NAMES[ALL].en}. Patients with the event over all months on treatment of the arm, with exact {spec.limits}; months behind an event "
        "are counted, too. Patients without a known length of treatment are left out.",
    )
    title, zh = "Adverse events per 100 patient-months of treatment", "每100人月治疗的不良反应"
    return ReportTable(
        "adverse_event_rates", "safety", title, zh, header, join_rows(rows), notes, is_folded=True, spans=spans
    )


def _label_term(name: str) -> str:
    if name == ANY_TERM:
        return "Any adverse event"
    words = name.replace("_", " ")
    for acronym in ("alt", "ast"):
        words = words.replace(f"{acronym} ", f"{acronym.upper()} ")
    return words[0].upper() + words[1:]
