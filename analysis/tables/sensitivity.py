"""The comparison of the arms by other models, and with one thing of the study changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.study.cohort_names import ALL, COHORT_NAMES, MATCHED, name_cohort
from analysis.study.keys import PROPORTIONAL, make_hazard_ratio_key
from analysis.study.results import Key, Results
from analysis.study.spec import Endpoint, Sensitivity, StudySpec
from analysis.study.variants import MODELS
from analysis.tables.model import Cell, ReportTable, heading, interval_cell, join_rows, look_up, number_cell, text

ORDER = 60
BY_PAIR = (
    "Stratified by pair, a patient is compared with the partner alone, and a pair counts only where the one fails while "
    "the other is at risk; this hazard ratio is that within pairs, the others are those of the matched patients as a whole."
)


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the other models, the other ways to match or choose patients, and the other endpoints."""
    if not spec.has_contrast:
        return
    yield _build_models(results, spec)
    if others := [item for item in spec.sensitivity if not item.endpoint]:
        yield _build_patients(results, spec, others)
    if endpoints := [item for item in spec.sensitivity if item.endpoint]:
        yield _build_endpoints(results, spec, endpoints)


def _list_cohorts(results: Results) -> list[str]:
    return [name for name in COHORT_NAMES if results.select(analysis="cox_treatment", cohort=name).height]


def _build_models(results: Results, spec: StudySpec) -> ReportTable:
    rows: list[Sequence[Cell]] = []
    for endpoint in spec.endpoints:
        for cohort in _list_cohorts(results):
            rows.append(heading(f"{endpoint.label}, {name_cohort(cohort)}"))
            model = make_hazard_ratio_key(spec, cohort, endpoint.id)
            logrank = Key(analysis="logrank", cohort=cohort, endpoint=endpoint.id)
            rows.append(_describe_model(results, "Main analysis", model, logrank))
            for name, label in MODELS.items():
                other = model.of(analysis="cox_alternative", variable=name)
                if results.has(other, "hr"):
                    test = logrank.of(analysis="logrank_alternative", variable=name)
                    rows.append(_describe_model(results, label.en, other, test))
            rows += _describe_restricted_mean(results, spec, cohort, endpoint)
    contrast = f"{spec.treated.label} vs {spec.control.label}"
    is_weighted = any(spec.is_weighted(cohort) for cohort in _list_cohorts(results))
    curves = "p (log-rank; weighted: robust score)" if is_weighted else "p (log-rank)"
    header = ("", f"HR, {contrast} ({spec.limits})", "p (Wald)", curves, "p (proportional hazards)")
    by_pair = [] if results.select(analysis="cox_alternative", variable="stratified by pair").is_empty() else [BY_PAIR]
    notes = (
        *by_pair,
        f"Restricted mean: mean time up to the time named, which is the last at which a rate is given or as far as both arms are followed; {spec.treated.label} minus "
        f"{spec.control.label}; Wald.",
    )
    title = "Comparison of the arms by other models"
    return ReportTable("alternatives", "sensitivity", title, "其他模型下的组间比较", header, join_rows(rows), notes)


def _describe_model(results: Results, label: str, model: Key, test: Key) -> list[Cell]:
    return [
        text(label),
        interval_cell(results, model, "ratio", "hr"),
        number_cell(results, model, "p", "p"),
        number_cell(results, test, "p", "p") if results.has(test, "p") else number_cell(results, model, "p_score", "p"),
        number_cell(results, model, PROPORTIONAL, "p"),
    ]


def _describe_restricted_mean(results: Results, spec: StudySpec, cohort: str, endpoint: Endpoint) -> list[list[Cell]]:
    if not endpoint.rate_times:
        return []
    last = endpoint.rate_times[-1]
    key = Key(analysis="restricted_mean", cohort=cohort, endpoint=endpoint.id, time=spec.at(last))
    start, end = "Restricted mean to ", f" {spec.time_unit}s, difference in {spec.time_unit}s ({spec.limits})"
    label = text(start, look_up(results, key.of(variable="horizon"), "estimate", "time"), end)
    difference = interval_cell(results, key, "time", "difference")
    return [[label, difference, number_cell(results, key, "p", "p"), text("–"), text("–")]]


def _build_patients(results: Results, spec: StudySpec, items: list[Sensitivity]) -> ReportTable:
    rows: list[Sequence[Cell]] = []
    for cohort in reversed(COHORT_NAMES):
        found = [row for item in items for row in _describe_variants(results, spec, item, cohort)]
        if found:
            own = [_describe_study(results, spec, cohort)] if cohort in _list_cohorts(results) else []
            rows += [heading(COHORT_NAMES[cohort].en), *own, *found]
    failed = [(item.label, Key(analysis="sensitivity", variable=item.id)) for item in items]
    notes = [
        "Where the matching or the patients change, patients are matched anew, by a score fitted anew where its patients are others; SMD: the largest absolute "
        "standardised mean difference of a covariate of the score after matching or weighting. Limits: errors robust by matched set, or robust where "
        "patients are weighted. The caliper is in units of the distance.",
        *(f"{label}: {results.row(key, 'n')['method']}." for label, key in failed if results.has(key, "n")),
    ]
    header = (
        "",
        "Caliper",
        *(arm.label for arm in spec.arms),
        "Largest SMD",
        *(f"{item.id}: HR ({spec.limits})" for item in spec.endpoints),
    )
    title = "Sensitivity to the matching, the weights and the patients chosen"
    zh = "对匹配方法、权重与入组标准的敏感性分析"
    return ReportTable("sensitivity", "sensitivity", title, zh, header, join_rows(rows), tuple(notes))


def _describe_study(results: Results, spec: StudySpec, cohort: str) -> list[Cell]:
    caliper = Key(analysis="matching", cohort=ALL, variable="caliper")
    patients = Key(analysis="table1", cohort=cohort, variable="patients")
    largest = Key(analysis="balance", cohort=cohort, variable="largest covariate")
    models = [make_hazard_ratio_key(spec, cohort, item.id) for item in spec.endpoints]
    return [
        text("The study"),
        number_cell(results, caliper, "width", "coefficient") if cohort == MATCHED else text("–"),
        *(text(look_up(results, patients.of(arm=arm.id), "n", "count")) for arm in spec.arms),
        number_cell(results, largest, "abs_smd", "difference"),
        *(interval_cell(results, model, "ratio", "hr") for model in models),
    ]


def _describe_variants(results: Results, spec: StudySpec, item: Sensitivity, cohort: str) -> list[list[Cell]]:
    """The rows of one analysis in a cohort: one or, at a landmark, where every endpoint has patients of its own, one for each."""
    key = Key(analysis="sensitivity", cohort=cohort, variable=item.id)
    variants = [
        ("", item.label, spec.endpoints),
        *((f" {e.id}", f"{item.label}: {e.id}", (e,)) for e in spec.endpoints),
    ]
    return [
        [
            text(label),
            number_cell(results, key.of(level=f"caliper{suffix}"), "width", "coefficient"),
            *(number_cell(results, key.of(arm=arm.id, level=f"patients{suffix}"), "n", "count") for arm in spec.arms),
            number_cell(results, key.of(level=f"largest covariate{suffix}"), "abs_smd", "difference"),
            *(
                interval_cell(results, key.of(endpoint=endpoint.id), "ratio", "hr") if endpoint in shown else text("–")
                for endpoint in spec.endpoints
            ),
        ]
        for suffix, label, shown in variants
        if results.has(key.of(arm=spec.treated.id, level=f"patients{suffix}"), "n")
    ]


def _build_endpoints(results: Results, spec: StudySpec, items: list[Sensitivity]) -> ReportTable:
    rows: list[Sequence[Cell]] = []
    cohorts = _list_cohorts(results)
    for name in dict.fromkeys(item.endpoint for item in items):
        models = [make_hazard_ratio_key(spec, cohort, name) for cohort in cohorts]
        rows.append(
            [text(f"{name} of the study"), text("–"), *(interval_cell(results, m, "ratio", "hr") for m in models)]
        )
        for item in (item for item in items if item.endpoint == name):
            key = Key(analysis="sensitivity", endpoint=name, variable=item.id)
            changed = number_cell(results, key.of(cohort=ALL, level="changed"), "n", "count")
            ratios = [interval_cell(results, key.of(cohort=cohort), "ratio", "hr") for cohort in cohorts]
            rows.append([text(item.label), changed, *ratios])
    header = ("", "Patients changed", *(f"{COHORT_NAMES[cohort].en}: HR ({spec.limits})" for cohort in cohorts))
    notes = (
        f"Patients changed: patients of the {name_cohort(ALL)} whose time or event is another one than in the study.",
    )
    title = "Sensitivity to the definition of the endpoint"
    zh = "对终点定义的敏感性分析"
    return ReportTable("sensitivity_endpoints", "sensitivity", title, zh, header, join_rows(rows), notes)
