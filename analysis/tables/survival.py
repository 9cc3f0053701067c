"""Medians, rates and the comparison of the arms, per endpoint and cohort; follow-up and time on treatment."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.study.cohort_names import COHORT_NAMES, name_cohort
from analysis.study.keys import PROPORTIONAL, make_hazard_ratio_key, make_interaction_key
from analysis.study.results import Key, Results, make_slug
from analysis.study.spec import Endpoint, StudySpec, Subgroup
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
        f"Median ({spec.limits}): Brookmeyer-Crowley on the log scale, as R's survfit. Median ± SE ({spec.limits}): as SPSS prints it.",
        "Rates: Kaplan-Meier with limits on the log scale. NE: not estimable.",
        "Proportional hazards: score test as R's cox.zph; a small p says that one hazard ratio does not describe the whole course.",
    )
    header = ("", *(label for _, label in spec.groups))
    yield ReportTable("survival", "survival", "Survival", "生存结果", header, join_rows(rows), notes)
    for subgroup in spec.subgroups:
        yield _build_subgroup(results, spec, subgroup)
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
        [text(f"Median, {unit} ({spec.limits})"), *medians],
    ]
    if not spec.is_weighted(cohort):
        spss = [_spss_cell(results, curve) for curve in curves]
        rows.append([text(f"Median ± SE, {unit} ({spec.limits}), SPSS"), *spss])
    for time in endpoint.rate_times:
        rates = [curve.of(variable="survival", time=spec.at(time)) for curve in curves]
        cells = [interval_cell(results, rate, "percent") for rate in rates]
        rows.append([text(f"At {time:g} {unit}, % ({spec.limits})"), *cells])
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
    curves = ("p (log-rank)", number_cell(results, logrank, "p", "p"))
    if spec.is_weighted(cohort):
        curves = ("p (robust score test)", number_cell(results, model, "p_score", "p"))
    cells = [
        (
            f"HR, {spec.treated.label} vs {spec.control.label} ({spec.limits})",
            interval_cell(results, model, "ratio", "hr"),
        ),
        ("p (Wald)", number_cell(results, model, "p", "p")),
        curves,
        ("p (proportional hazards)", number_cell(results, model, PROPORTIONAL, "p")),
    ]
    place = [arm.id for arm in spec.arms].index(spec.treated.id)
    return [[text(label), *(cell if i == place else text("") for i in range(2))] for label, cell in cells]


def _build_subgroup(results: Results, spec: StudySpec, subgroup: Subgroup) -> ReportTable:
    item, endpoint = spec.get_characteristic(subgroup.characteristic), spec.get_endpoint(subgroup.endpoint)
    cohort = spec.main_cohort
    rows = []
    for level in reversed(item.list_levels()):
        rows.append(heading(f"{item.label}: {item.name_level(level)}"))
        rows += _describe_curves(results, spec, endpoint, cohort, item.name_group(level))
        rows += _compare(results, spec, endpoint, cohort, item.name_group(level))
    rows.append(heading(item.contrast))
    if not spec.is_weighted(cohort):
        logrank = Key(analysis="logrank", cohort=cohort, endpoint=endpoint.id, subgroup=item.contrast)
        within = [number_cell(results, logrank.of(arm=arm.id), "p", "p") for arm in spec.arms]
        rows.append([text("p (log-rank) within the arm"), *within])
    interaction = number_cell(results, make_interaction_key(spec, item, endpoint.id), "p", "p")
    rows.append([text(f"p of the interaction arm × {item.label}"), text(""), interaction])
    title = f"{endpoint.label} by {item.label}, {name_cohort(cohort)}"
    zh = f"按{item.label}分层的{endpoint.id}（{COHORT_NAMES[cohort].zh}）"
    header = ("", *(arm.label for arm in spec.arms))
    test = (
        "Wald test of the products"
        if spec.is_weighted(cohort)
        else "likelihood-ratio test between the Cox models with and without the product"
    )
    notes = (f"Interaction: {test}.",)
    name = f"subgroup_{make_slug(item.id)}_{make_slug(endpoint.id)}"
    return ReportTable(name, "subgroup", title, zh, header, join_rows(rows), notes)


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
            rows.append([text(f"Median follow-up, {unit} ({spec.limits}), {name_cohort(cohort)}"), *cells])
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
