"""The comparison of the arms by other models, and with one thing of the study changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.results import Results, make_slug
from analysis.spec import Sensitivity, StudySpec
from analysis.tables.model import Cell, ReportTable, heading, interval_cell, join_rows, look_up, number_cell, text
from analysis.tables.table1 import COHORT_NAMES

ORDER = 60
MODELS = {
    "stratified by pair": "Stratified by pair",
    "stratified by hospital": "Stratified by hospital",
    "clustered by pair": "Errors robust by pair",
    "Breslow ties": "Breslow's handling of ties",
}


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the other models, the other ways to match or choose patients, and the other endpoints."""
    if not spec.arms:
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
    treated = make_slug(spec.treated.id)
    for endpoint in spec.endpoints:
        for cohort in _list_cohorts(results):
            where = f"{cohort}.{make_slug(endpoint.id)}"
            rows.append(heading(f"{endpoint.label}, {COHORT_NAMES[cohort].lower()}"))
            rows.append(
                _describe_model(results, "As the study", f"cox_treatment.{where}.arm.{treated}", f"logrank.{where}")
            )
            for name, label in MODELS.items():
                model = f"cox_alternative.{where}.{make_slug(name)}.{treated}"
                if f"{model}.hr" in results:
                    test = f"logrank_alternative.{where}.{make_slug(name)}"
                    rows.append(_describe_model(results, label, model, test))
            rows += _describe_restricted_mean(results, spec, where, endpoint.landmarks)
    contrast = f"{spec.treated.label} vs {spec.control.label}"
    header = ("", f"HR, {contrast} (95 % CI)", "p (Wald)", "p (log-rank)")
    notes = (
        "Stratified by pair, a patient is compared with the partner alone, and a pair counts only where the one fails while "
        "the other is at risk; this hazard ratio is that within pairs, the others are those of the matched patients as a whole.",
        f"Restricted mean: mean time up to the {spec.time_unit} named, {spec.treated.label} minus {spec.control.label}; Wald.",
    )
    title = "Comparison of the arms by other models"
    return ReportTable("alternatives", "sensitivity", title, "其他模型下的组间比较", header, join_rows(rows), notes)


def _describe_model(results: Results, label: str, model: str, test: str) -> list[Cell]:
    return [
        text(label),
        interval_cell(results, model, "ratio", "hr"),
        number_cell(results, f"{model}.p", "p"),
        number_cell(results, f"{test}.p", "p"),
    ]


def _describe_restricted_mean(
    results: Results, spec: StudySpec, where: str, landmarks: tuple[float, ...]
) -> list[list[Cell]]:
    if not landmarks:
        return []
    place = f"restricted_mean.{where}.{landmarks[-1]:g}{spec.time_unit[0]}"
    label = f"Restricted mean to {landmarks[-1]:g} {spec.time_unit}s, difference in {spec.time_unit}s (95 % CI)"
    difference = interval_cell(results, place, "time", "difference")
    return [[text(label), difference, number_cell(results, f"{place}.p", "p"), text("–")]]


def _build_patients(results: Results, spec: StudySpec, items: list[Sensitivity]) -> ReportTable:
    rows: list[Sequence[Cell]] = []
    for cohort in reversed(_list_cohorts(results)):
        shown = [item for item in items if _is_computed(results, item, cohort)]
        if not shown:
            continue
        rows += [heading(COHORT_NAMES[cohort]), _describe_study(results, spec, cohort)]
        rows += [_describe_variant(results, spec, item, cohort) for item in shown]
    failed = [item.label for item in items if f"sensitivity.{make_slug(item.id)}.n" in results]
    notes = [
        "Every row matches anew, the score included; SMD: the largest absolute standardised mean difference of a covariate of "
        "the score after matching. After matching 1:k, sets are weighted and errors robust by set. The caliper is in units of the distance.",
        *(f"Not estimable: {label}." for label in failed),
    ]
    header = (
        "",
        "Caliper",
        *(arm.label for arm in spec.arms),
        "Largest SMD",
        *(f"{item.id}: HR (95 % CI)" for item in spec.endpoints),
    )
    title = "Sensitivity to the matching and to the patients chosen"
    zh = "对匹配方法与入组标准的敏感性分析"
    return ReportTable("sensitivity", "sensitivity", title, zh, header, join_rows(rows), tuple(notes))


def _is_computed(results: Results, item: Sensitivity, cohort: str) -> bool:
    return bool(results.select(analysis="sensitivity", cohort=cohort, variable=item.id, level="patients").height)


def _describe_study(results: Results, spec: StudySpec, cohort: str) -> list[Cell]:
    treated = make_slug(spec.treated.id)
    largest = number_cell(results, f"balance.{cohort}.largest_covariate.abs_smd", "difference")
    models = [f"cox_treatment.{cohort}.{make_slug(item.id)}.arm.{treated}" for item in spec.endpoints]
    return [
        text("The study"),
        number_cell(results, "matching.all.caliper.width", "coefficient") if cohort == "matched" else text("–"),
        *(text(look_up(results, f"table1.{cohort}.{arm.id}.patients.n", "count")) for arm in spec.arms),
        largest,
        *(interval_cell(results, model, "ratio", "hr") for model in models),
    ]


def _describe_variant(results: Results, spec: StudySpec, item: Sensitivity, cohort: str) -> list[Cell]:
    name = make_slug(item.id)
    places = [f"sensitivity.{cohort}.{make_slug(endpoint.id)}.{name}" for endpoint in spec.endpoints]
    return [
        text(item.label),
        number_cell(results, f"sensitivity.{cohort}.{name}.caliper.width", "coefficient"),
        *(number_cell(results, f"sensitivity.{cohort}.{arm.id}.{name}.patients.n", "count") for arm in spec.arms),
        number_cell(results, f"sensitivity.{cohort}.{name}.largest_covariate.abs_smd", "difference"),
        *(interval_cell(results, place, "ratio", "hr") for place in places),
    ]


def _build_endpoints(results: Results, spec: StudySpec, items: list[Sensitivity]) -> ReportTable:
    rows: list[Sequence[Cell]] = []
    cohorts, treated = _list_cohorts(results), make_slug(spec.treated.id)
    for name in dict.fromkeys(item.endpoint for item in items):
        endpoint = make_slug(name)
        models = [f"cox_treatment.{cohort}.{endpoint}.arm.{treated}" for cohort in cohorts]
        rows.append(
            [text(f"{name} of the study"), text("–"), *(interval_cell(results, m, "ratio", "hr") for m in models)]
        )
        for item in (item for item in items if item.endpoint == name):
            variant = make_slug(item.id)
            changed = number_cell(results, f"sensitivity.all.{endpoint}.{variant}.changed.n", "count")
            places = [f"sensitivity.{cohort}.{endpoint}.{variant}" for cohort in cohorts]
            rows.append([text(item.label), changed, *(interval_cell(results, p, "ratio", "hr") for p in places)])
    header = ("", "Patients changed", *(f"{COHORT_NAMES[cohort]}: HR (95 % CI)" for cohort in cohorts))
    notes = ("Patients changed: patients of the whole cohort whose time or event is another one than in the study.",)
    title = "Sensitivity to the definition of the endpoint"
    zh = "对终点定义的敏感性分析"
    return ReportTable("sensitivity_endpoints", "sensitivity", title, zh, header, join_rows(rows), notes)
