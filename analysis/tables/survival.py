"""Medians, rates and the comparison of the arms, per endpoint and cohort; follow-up and time on treatment."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.results import Results, make_slug
from analysis.spec import Endpoint, StudySpec
from analysis.tables.model import (
    Cell,
    ReportTable,
    heading,
    interval_cell,
    join_rows,
    look_up,
    number_cell,
    text,
)
from analysis.tables.table1 import COHORT_NAMES

ORDER = 20


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the survival table, that of the subgroup, and that of follow-up."""
    arms = [arm.label for arm in spec.arms] or ["All patients"]
    unit = f"{spec.time_unit}s"
    rows = []
    cohorts = [name for name in COHORT_NAMES if results.select(analysis="kaplan_meier", cohort=name).height]
    for endpoint in spec.endpoints:
        for cohort in cohorts:
            where = f", {COHORT_NAMES[cohort].lower()}" if len(cohorts) > 1 else ""
            rows.append(heading(f"{endpoint.label}{where}"))
            rows += describe_curves(results, spec, endpoint, f"{cohort}.{make_slug(endpoint.id)}", unit)
            rows += _compare(results, spec, f"{cohort}.{make_slug(endpoint.id)}")
    notes = (
        "Median (95 % CI): Brookmeyer-Crowley on the log scale, as R's survfit. Median ± SE (95 % CI): as SPSS prints it.",
        "Rates: Kaplan-Meier with limits on the log scale. NE: not estimable.",
        "Proportional hazards: score test as R's cox.zph; a small p says that one hazard ratio does not describe the whole course.",
    )
    yield ReportTable("survival", "survival", "Survival", "生存结果", ("", *arms), join_rows(rows), notes)
    yield from _build_subgroup(results, spec, unit)
    yield from _build_follow_up(results, spec, unit)


def describe_curves(results: Results, spec: StudySpec, endpoint: Endpoint, where: str, unit: str) -> list[list[Cell]]:
    """Events, medians and rates of every arm, one quantity a row."""
    arms = [f".{arm.id}" for arm in spec.arms] or [""]
    prefixes = [f"kaplan_meier.{where}{arm}" for arm in arms]
    rows = [
        [text("Events / patients"), *(_events_cell(results, prefix) for prefix in prefixes)],
        [text(f"Median, {unit} (95 % CI)"), *(interval_cell(results, f"{p}.median", "time") for p in prefixes)],
        [text(f"Median ± SE, {unit} (95 % CI), SPSS"), *(_spss_cell(results, f"{p}.median_spss") for p in prefixes)],
    ]
    for landmark in endpoint.landmarks:
        at = f"survival.{landmark:g}{spec.time_unit[0]}"
        cells = [interval_cell(results, f"{prefix}.{at}", "percent") for prefix in prefixes]
        rows.append([text(f"At {landmark:g} {unit}, % (95 % CI)"), *cells])
    return rows


def _events_cell(results: Results, prefix: str) -> Cell:
    if f"{prefix}.events.n" not in results:
        return text("–")
    events, patients = (look_up(results, f"{prefix}.{name}.n", "count") for name in ("events", "patients"))
    return text(events, " / ", patients)


def _spss_cell(results: Results, where: str) -> Cell:
    if f"{where}.estimate" not in results:
        return text("–")
    names = ("estimate", "se", "ci_low", "ci_high")
    median, se, low, high = (look_up(results, f"{where}.{name}", "time") for name in names)
    return text(median, " ± ", se, " (", low, "–", high, ")")


def _compare(results: Results, spec: StudySpec, where: str) -> list[list[Cell]]:
    """Hazard ratio and tests, in the column of the treated arm."""
    if not spec.arms:
        return []
    model = f"cox_treatment.{where}.arm.{make_slug(spec.treated.id)}"
    cells = [
        (f"HR, {spec.treated.label} vs {spec.control.label} (95 % CI)", interval_cell(results, model, "ratio", "hr")),
        ("p (Wald)", number_cell(results, f"{model}.p", "p")),
        ("p (log-rank)", number_cell(results, f"logrank.{where}.p", "p")),
        (
            "p (proportional hazards)",
            number_cell(results, model.replace("cox_treatment", "proportional_hazards") + ".p", "p"),
        ),
    ]
    place = [arm.id for arm in spec.arms].index(spec.treated.id)
    return [[text(label), *(cell if i == place else text("") for i in range(2))] for label, cell in cells]


def _build_subgroup(results: Results, spec: StudySpec, unit: str) -> Iterator[ReportTable]:
    if spec.subgroup is None:
        return
    item, endpoint = spec.get_characteristic(spec.subgroup.characteristic), spec.get_endpoint(spec.subgroup.endpoint)
    where = f"matched.{make_slug(endpoint.id)}"
    rows = []
    for level in reversed(item.levels):
        rows.append(heading(f"{item.label}: {level.lower()}"))
        place = f"{where}.{make_slug(f'{item.label} {level}')}"
        rows += describe_curves(results, spec, endpoint, place, unit)
        rows += _compare(results, spec, place)
    versus = f"{item.label} {' vs '.join(reversed(item.levels))}"
    rows.append(heading(versus))
    within = [number_cell(results, f"logrank.{where}.{make_slug(versus)}.{arm.id}.p", "p") for arm in spec.arms]
    rows.append([text("p (log-rank) within the arm"), *within])
    interaction = number_cell(results, f"interaction.{where}.arm_x_{item.id}.p", "p")
    rows.append([text(f"p of the interaction arm × {item.label}"), text(""), interaction])
    title = f"{endpoint.label} by {item.label}, matched cohort"
    header = ("", *(arm.label for arm in spec.arms))
    notes = ("Interaction: likelihood-ratio test between the Cox models with and without the product.",)
    yield ReportTable(
        "subgroup", "subgroup", title, f"按{item.label}分层的{endpoint.id}（匹配队列）", header, join_rows(rows), notes
    )


def _build_follow_up(results: Results, spec: StudySpec, unit: str) -> Iterator[ReportTable]:
    if spec.follow_up is None:
        return
    endpoint = make_slug(spec.follow_up.endpoint)
    arms = [("All patients", ""), *((arm.label, f".{arm.id}") for arm in spec.arms)]
    rows = []
    for cohort in COHORT_NAMES:
        places = [f"follow_up.{cohort}.{endpoint}{arm}.median" for _, arm in arms]
        if f"{places[0]}.estimate" in results:
            cells = [interval_cell(results, place, "time") for place in places]
            rows.append([text(f"Median follow-up, {unit} (95 % CI), {COHORT_NAMES[cohort].lower()}"), *cells])
    for cohort in COHORT_NAMES if spec.follow_up.duration_column else ():
        places = [f"treatment.{cohort}{arm}.duration" for _, arm in arms]
        if f"{places[-1]}.mean" in results:
            label = f"Mean months on treatment (range), {COHORT_NAMES[cohort].lower()}"
            rows.append([text(label), *(_range_cell(results, place) for place in places)])
    header = ("", *(label for label, _ in arms))
    notes = ("Follow-up: reverse Kaplan-Meier, in which the end of follow-up is the event.",)
    yield ReportTable(
        "follow_up", "safety", "Follow-up and time on treatment", "随访与治疗时间", header, join_rows(rows), notes
    )


def _range_cell(results: Results, where: str) -> Cell:
    if f"{where}.mean" not in results:
        return text("–")
    mean, low, high = (look_up(results, f"{where}.{name}", "time") for name in ("mean", "min", "max"))
    return text(mean, " (", low, "–", high, ")")
