"""Medians, rates and the comparison of the arms, per endpoint and cohort; follow-up and time on treatment."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.study.cohort_names import COHORT_NAMES, MATCHED, name_cohort
from analysis.study.keys import make_hazard_ratio_key, make_interaction_key
from analysis.study.results import Key, Results
from analysis.study.spec import Endpoint, StudySpec
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

ORDER = 20


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the survival table, that of the subgroup, and that of follow-up."""
    unit = f"{spec.time_unit}s"
    rows = []
    cohorts = [name for name in COHORT_NAMES if results.select(analysis="kaplan_meier", cohort=name).height]
    for endpoint in spec.endpoints:
        for cohort in cohorts:
            where = f", {name_cohort(cohort)}" if len(cohorts) > 1 else ""
            rows.append(heading(f"{endpoint.label}{where}"))
            rows += _describe_curves(results, spec, endpoint, cohort)
            rows += _compare(results, spec, endpoint, cohort)
    notes = (
        "Median (95 % CI): Brookmeyer-Crowley on the log scale, as R's survfit. Median ± SE (95 % CI): as SPSS prints it.",
        "Rates: Kaplan-Meier with limits on the log scale. NE: not estimable.",
        "Proportional hazards: score test as R's cox.zph; a small p says that one hazard ratio does not describe the whole course.",
    )
    header = ("", *(label for _, label in spec.groups))
    yield ReportTable("survival", "survival", "Survival", "生存结果", header, join_rows(rows), notes)
    yield from _build_subgroup(results, spec)
    yield from _build_follow_up(results, spec, unit)


def _describe_curves(
    results: Results, spec: StudySpec, endpoint: Endpoint, cohort: str, subgroup: str | None = None
) -> list[list[Cell]]:
    """Events, medians and rates of every arm, one quantity a row."""
    unit = f"{spec.time_unit}s"
    both = Key(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint.id, subgroup=subgroup)
    curves = [both.of(arm=arm) for arm, _ in spec.groups]
    medians = [interval_cell(results, curve.of(variable="median"), "time") for curve in curves]
    rows = [
        [text("Events / patients"), *(_events_cell(results, curve) for curve in curves)],
        [text(f"Median, {unit} (95 % CI)"), *medians],
        [text(f"Median ± SE, {unit} (95 % CI), SPSS"), *(_spss_cell(results, curve) for curve in curves)],
    ]
    for landmark in endpoint.landmarks:
        rates = [curve.of(variable="survival", time=spec.at(landmark)) for curve in curves]
        cells = [interval_cell(results, rate, "percent") for rate in rates]
        rows.append([text(f"At {landmark:g} {unit}, % (95 % CI)"), *cells])
    return rows


def _events_cell(results: Results, curve: Key) -> Cell:
    if not results.has(curve.of(variable="events"), "n"):
        return text("–")
    events, patients = (look_up(results, curve.of(variable=name), "n", "count") for name in ("events", "patients"))
    return text(events, " / ", patients)


def _spss_cell(results: Results, curve: Key) -> Cell:
    key = curve.of(variable="median_spss")
    if not results.has(key, "estimate"):
        return text("–")
    median, se, low, high = (look_up(results, key, name, "time") for name in ("estimate", "se", "ci_low", "ci_high"))
    if results.value(key, "estimate") is None:
        return text(median)
    return text(median, " ± ", se, " (", low, "–", high, ")")


def _compare(
    results: Results, spec: StudySpec, endpoint: Endpoint, cohort: str, subgroup: str | None = None
) -> list[list[Cell]]:
    """Hazard ratio and tests, in the column of the treated arm."""
    if not spec.arms:
        return []
    model = make_hazard_ratio_key(spec, cohort, endpoint.id, subgroup)
    logrank = Key(analysis="logrank", cohort=cohort, endpoint=endpoint.id, subgroup=subgroup)
    cells = [
        (f"HR, {spec.treated.label} vs {spec.control.label} (95 % CI)", interval_cell(results, model, "ratio", "hr")),
        ("p (Wald)", number_cell(results, model, "p", "p")),
        ("p (log-rank)", number_cell(results, logrank, "p", "p")),
        ("p (proportional hazards)", number_cell(results, model.of(analysis="proportional_hazards"), "p", "p")),
    ]
    place = [arm.id for arm in spec.arms].index(spec.treated.id)
    return [[text(label), *(cell if i == place else text("") for i in range(2))] for label, cell in cells]


def _build_subgroup(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    if spec.subgroup is None:
        return
    item, endpoint = spec.get_characteristic(spec.subgroup.characteristic), spec.get_endpoint(spec.subgroup.endpoint)
    rows = []
    for level in reversed(item.levels):
        rows.append(heading(f"{item.label}: {level.lower()}"))
        rows += _describe_curves(results, spec, endpoint, MATCHED, item.name_group(level))
        rows += _compare(results, spec, endpoint, MATCHED, item.name_group(level))
    rows.append(heading(item.contrast))
    logrank = Key(analysis="logrank", cohort=MATCHED, endpoint=endpoint.id, subgroup=item.contrast)
    within = [number_cell(results, logrank.of(arm=arm.id), "p", "p") for arm in spec.arms]
    rows.append([text("p (log-rank) within the arm"), *within])
    interaction = number_cell(results, make_interaction_key(item, endpoint), "p", "p")
    rows.append([text(f"p of the interaction arm × {item.label}"), text(""), interaction])
    title = f"{endpoint.label} by {item.label}, {name_cohort(MATCHED)}"
    zh = f"按{item.label}分层的{endpoint.id}（{COHORT_NAMES[MATCHED].zh}）"
    header = ("", *(arm.label for arm in spec.arms))
    notes = ("Interaction: likelihood-ratio test between the Cox models with and without the product.",)
    yield ReportTable("subgroup", "subgroup", title, zh, header, join_rows(rows), notes)


def _build_follow_up(results: Results, spec: StudySpec, unit: str) -> Iterator[ReportTable]:
    if spec.follow_up is None:
        return
    endpoint = spec.follow_up.endpoint
    arms = [("All patients", None), *((arm.label, arm.id) for arm in spec.arms)]
    rows = []
    for cohort in COHORT_NAMES:
        median = Key(analysis="follow_up", cohort=cohort, endpoint=endpoint, variable="median")
        if results.has(median, "estimate"):
            cells = [interval_cell(results, median.of(arm=arm), "time") for _, arm in arms]
            rows.append([text(f"Median follow-up, {unit} (95 % CI), {name_cohort(cohort)}"), *cells])
    for cohort in COHORT_NAMES if spec.follow_up.duration_column else ():
        keys = [Key(analysis="treatment", cohort=cohort, arm=arm, variable="duration") for _, arm in arms]
        if results.has(keys[-1], "mean"):
            label = f"Mean months on treatment (range), {name_cohort(cohort)}"
            rows.append([text(label), *(_range_cell(results, key) for key in keys)])
    header = ("", *(label for label, _ in arms))
    notes = ("Follow-up: reverse Kaplan-Meier, in which the end of follow-up is the event.",)
    yield ReportTable(
        "follow_up", "safety", "Follow-up and time on treatment", "随访与治疗时间", header, join_rows(rows), notes
    )


def _range_cell(results: Results, key: Key) -> Cell:
    if not results.has(key, "mean"):
        return text("–")
    mean, low, high = (look_up(results, key, name, "time") for name in ("mean", "min", "max"))
    return text(mean, " (", low, "–", high, ")")
