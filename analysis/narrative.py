"""The results in sentences, for the manuscript: every number is a lookup, and no sentence says what a number means."""

from __future__ import annotations

from analysis.numbers import prettify
from analysis.results import Results, make_slug
from analysis.spec import Arm, Endpoint, StudySpec
from analysis.steps.outcomes import ANY_TERM, get_evaluation_time
from analysis.tables.model import Cell, Number, look_up, text
from analysis.tables.table1 import COHORT_NAMES

Parts = list[str | Number]


def write_narrative(results: Results, spec: StudySpec) -> list[tuple[str, list[Cell]]]:
    """Return the results section as headings with their paragraphs; what the study did not do is left out."""
    sections = [("Patients", [_describe_patients(results, spec)])]
    if spec.matching:
        sections.append(("Matching", [_describe_matching(results, spec)]))
    for endpoint in spec.endpoints:
        cohorts = [_describe_endpoint(results, spec, endpoint, cohort) for cohort in COHORT_NAMES]
        models = [_describe_model(results, spec, endpoint)] if spec.regression else []
        sections.append((endpoint.label, [*filter(None, cohorts), *models]))
    if spec.subgroup:
        label = spec.get_characteristic(spec.subgroup.characteristic).label
        sections.append((f"Survival by {label}", [_describe_subgroup(results, spec)]))
    if spec.evaluations:
        sections.append(("Tumour response", [_describe_response(results, spec)]))
    if spec.grade_bands:
        sections.append(("Adverse events", [_describe_events(results, spec)]))
    if spec.follow_up:
        sections.append(("Follow-up", [_describe_follow_up(results, spec)]))
    if spec.sensitivity:
        sections.append(("Sensitivity analyses", [_describe_sensitivity(results, spec)]))
    return sections


def _describe_patients(results: Results, spec: StudySpec) -> Cell:
    # Per criterion, over the hospitals: who came to the first step, and who is analysed.
    flow = results.select(analysis="flow", statistic="n_before")
    first = flow.filter(flow["hospital"].is_null())["result_id"]
    parts: Parts = []
    if len(first):
        parts += ["Of ", look_up(results, first[0], "count"), " registered patients, "]
    parts += [look_up(results, "flow.analysed.n", "count"), " were analysed"]
    for i, arm in enumerate(spec.arms):
        parts += [": " if i == 0 else " and ", look_up(results, f"table1.all.{arm.id}.patients.n", "count")]
        parts.append(f" treated with {arm.label}")
    return text(*parts, ".")


def _describe_matching(results: Results, spec: StudySpec) -> Cell:
    parts: Parts = ["Matching gave ", look_up(results, "matching.matched.pairs.n", "count"), " pairs; "]
    for i, arm in enumerate(spec.arms):
        unmatched = look_up(results, f"matching.all.{arm.id}.unmatched.n", "count")
        parts += [" and " if i else "", unmatched, f" {arm.label} patients"]
    largest = look_up(results, "balance.matched.largest_covariate.abs_smd", "difference")
    closing = " had no partner. The largest absolute standardised mean difference of a covariate after matching was "
    return text(*parts, closing, largest, ".")


def _describe_endpoint(results: Results, spec: StudySpec, endpoint: Endpoint, cohort: str) -> Cell | None:
    """Medians, rates and the comparison of the arms in one cohort, one sentence each; none where it was not computed."""
    if not results.select(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint.id).height:
        return None
    where = f"{cohort}.{make_slug(endpoint.id)}"
    arms: list[Arm | None] = [*spec.arms] or [None]
    sentences: list[Parts] = [
        [
            f"In the {COHORT_NAMES[cohort].lower()}, median {endpoint.label.lower()} was ",
            *_join([_median(results, spec, where, arm) for arm in arms]),
        ]
    ]
    for landmark in endpoint.landmarks:
        start = f"{'Rates' if len(arms) > 1 else 'The rate'} at {landmark:g} {spec.time_unit}s: "
        sentences.append([start, *_join([_rate(results, spec, where, arm, landmark) for arm in arms])])
    if spec.arms:
        sentences.append(_compare(results, spec, where))
    return _close(sentences)


def _close(sentences: list[Parts]) -> Cell:
    """One paragraph of these sentences, each with its full stop."""
    return text(*(part for i, sentence in enumerate(sentences) for part in (" " if i else "", *sentence, ".")))


def _name(arm: Arm | None) -> str:
    return f" with {arm.label}" if arm else ""


def _suffix(arm: Arm | None) -> str:
    return f".{arm.id}" if arm else ""


def _median(results: Results, spec: StudySpec, where: str, arm: Arm | None) -> Parts:
    place = f"kaplan_meier.{where}{_suffix(arm)}.median"
    return [*_estimate(results, place, "estimate", "time", f" {spec.time_unit}s"), _name(arm)]


def _rate(results: Results, spec: StudySpec, where: str, arm: Arm | None, landmark: float) -> Parts:
    place = f"kaplan_meier.{where}{_suffix(arm)}.survival.{landmark:g}{spec.time_unit[0]}"
    return [*_estimate(results, place, "estimate", "percent", " %"), _name(arm)]


def _compare(results: Results, spec: StudySpec, where: str) -> Parts:
    model = f"cox_treatment.{where}.arm.{make_slug(spec.treated.id)}"
    return [
        f"The hazard ratio of {spec.treated.label} against {spec.control.label} was ",
        *_estimate(results, model, "hr", "ratio", ""),
        "; log-rank ",
        *_p(results, f"logrank.{where}.p"),
        "; proportional hazards ",
        *_p(results, f"{model.replace('cox_treatment', 'proportional_hazards')}.p"),
    ]


def _estimate(results: Results, where: str, statistic: str, kind: str, unit: str) -> Parts:
    """Estimate with unit and 95 % limits; without limits where none could be estimated."""
    estimate = look_up(results, f"{where}.{statistic}", kind)
    ids = [f"{where}.{name}" for name in ("ci_low", "ci_high")]
    if any(name not in results for name in ids) or all(results.value(name) is None for name in ids):
        return [estimate, unit]
    low, high = (look_up(results, name, kind) for name in ids)
    return [estimate, f"{unit} (95 % CI ", low, "–", high, ")"]


def _p(results: Results, result_id: str) -> Parts:
    number = look_up(results, result_id, "p")
    return ["p " if number.text.startswith("<") else "p = ", number]


def _join(items: list[Parts]) -> Parts:
    joined: Parts = []
    for i, item in enumerate(items):
        joined += [" and " if i == len(items) - 1 and i else ", " if i else "", *item]
    return joined


def _describe_model(results: Results, spec: StudySpec, endpoint: Endpoint) -> Cell:
    """The terms of the multivariable model."""
    where = f"cox_multivariable.matched.{make_slug(endpoint.id)}"
    rows = results.select(analysis="cox_multivariable", endpoint=endpoint.id, statistic="hr")
    terms = [
        [f"{_name_term(spec, row['variable'], row['level'])}: ", *_term(results, row["result_id"].removesuffix(".hr"))]
        for row in rows.iter_rows(named=True)
    ]
    number = look_up(results, f"{where}.covariates.n", "count")
    start = f"The multivariable model of {endpoint.label.lower()} in the matched cohort held "
    return text(start, number, " covariates, with hazard ratios: ", *_separate(terms), ".")


def _term(results: Results, where: str) -> Parts:
    return [*_estimate(results, where, "hr", "ratio", ""), ", ", *_p(results, f"{where}.p")]


def _separate(items: list[Parts]) -> Parts:
    return [part for i, item in enumerate(items) for part in (("; ", *item) if i else item)]


def _name_term(spec: StudySpec, variable: str, level: str) -> str:
    if variable == "arm":
        assert spec.regression is not None
        return f"{spec.get_arm(level).label} against {spec.get_arm(spec.regression.reference_arm).label}"
    item = spec.get_characteristic(variable)
    return prettify(f"{item.label}, {level} against {item.order_levels()[0]}")


def _describe_subgroup(results: Results, spec: StudySpec) -> Cell:
    assert spec.subgroup is not None
    item, endpoint = spec.get_characteristic(spec.subgroup.characteristic), spec.get_endpoint(spec.subgroup.endpoint)
    where = f"matched.{make_slug(endpoint.id)}"
    sentences: list[Parts] = []
    for level in reversed(item.levels):
        place = f"{where}.{make_slug(f'{item.label} {level}')}"
        medians = _join([_median(results, spec, place, arm) for arm in spec.arms])
        start = f"In matched patients with {item.label}: {level.lower()}, median {endpoint.label.lower()} was "
        sentences.append([start, *medians, "; log-rank ", *_p(results, f"logrank.{place}.p")])
    interaction = _p(results, f"interaction.{where}.arm_x_{item.id}.p")
    return _close([*sentences, [f"The interaction of treatment and {item.label} had ", *interaction]])


def _describe_response(results: Results, spec: StudySpec) -> Cell:
    cohort = "matched" if spec.matching else "all"
    sentences: list[Parts] = []
    for evaluation in spec.evaluations:
        at = f"{get_evaluation_time(spec, evaluation):g}{spec.time_unit[0]}"
        for rate, label in (("orr", "objective response"), ("dcr", "disease control")):
            start = f"At {evaluation.month} months, the rate of {label} in the {COHORT_NAMES[cohort].lower()} was "
            places = [(arm, f"response.{cohort}.{arm.id}.{rate}.{at}") for arm in spec.arms]
            shares = _join([[*_estimate(results, p, "pct", "percent", " %"), _name(arm)] for arm, p in places])
            sentences.append([start, *shares, "; ", *_p(results, f"response.{cohort}.{rate}.{at}.p")])
    return _close(sentences)


def _describe_events(results: Results, spec: StudySpec) -> Cell:
    sentences: list[Parts] = []
    for band in spec.grade_bands:
        where = f"{make_slug(ANY_TERM)}.{make_slug(band.id)}"
        counts = _join([_count(results, f"adverse_events.all.{arm.id}.{where}", arm) for arm in spec.arms])
        start = f"Adverse events of {band.label[0].lower()}{band.label[1:]} were seen in "
        sentences.append([start, *counts, "; ", *_p(results, f"adverse_events.all.{where}.p")])
    return _close(sentences)


def _count(results: Results, where: str, arm: Arm) -> Parts:
    number, share = look_up(results, f"{where}.n", "count"), look_up(results, f"{where}.pct", "percent")
    return [number, " patients (", share, f" %) with {arm.label}"]


def _describe_follow_up(results: Results, spec: StudySpec) -> Cell:
    assert spec.follow_up is not None
    sentences: list[Parts] = []
    for cohort, name in COHORT_NAMES.items():
        place = f"follow_up.{cohort}.{make_slug(spec.follow_up.endpoint)}.median"
        if f"{place}.estimate" in results:
            estimate = _estimate(results, place, "estimate", "time", f" {spec.time_unit}s")
            sentences.append([f"Median follow-up in the {name.lower()} was ", *estimate])
    return _close(sentences)


def _describe_sensitivity(results: Results, spec: StudySpec) -> Cell:
    """The smallest and the largest hazard ratio over the sensitivity analyses of each endpoint."""
    cohort = "matched" if spec.matching else "all"
    sentences: list[Parts] = []
    for endpoint in spec.endpoints:
        found = results.select(analysis="sensitivity", cohort=cohort, endpoint=endpoint.id, statistic="hr")
        ids = found.drop_nulls("value").sort("value", "result_id")["result_id"].to_list()
        if ids:
            low, high = (look_up(results, name, "ratio") for name in (ids[0], ids[-1]))
            start = f"Over the sensitivity analyses of {endpoint.label.lower()} in the {COHORT_NAMES[cohort].lower()}, "
            sentences.append([f"{start}the hazard ratio lay between ", low, " and ", high])
    return _close(sentences) if sentences else text("No sensitivity analysis could be computed.")
