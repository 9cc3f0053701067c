"""How far a result carries, on the first screen of the report and in the manuscript.

Which analyses change it, whether one hazard ratio describes the course, and what of the choice of patients looks past time zero. Worded by estimates
and limits; no sentence says what a number means for patients.
"""

from __future__ import annotations

from analysis.study.cohort_names import ALL, name_cohort
from analysis.study.keys import PROPORTIONAL, make_hazard_ratio_key
from analysis.study.numbers import prettify
from analysis.study.results import Key, Results
from analysis.study.spec import Endpoint, StudySpec
from analysis.study.variants import is_same, list_changing, list_failed, list_variants
from analysis.tables.model import LIMITS, Cell, Number, Part, has_limits, look_up, print_row, text
from analysis.tables.post_baseline import leaves_out, list_changed, list_labels
from schemas.codes import Evidence

Parts = list[Part]


def write_cautions(results: Results, spec: StudySpec) -> list[Cell]:
    """Return the paragraphs: one for each endpoint, one for the choice of patients, one for the evidence; none for a study without a contrast."""
    if not spec.has_contrast:
        return []
    paragraphs = [_describe_endpoint(results, spec, endpoint) for endpoint in spec.endpoints]
    return [*paragraphs, *_describe_future(results, spec), *_describe_evidence(results, spec)]


def _describe_endpoint(results: Results, spec: StudySpec, endpoint: Endpoint) -> Cell:
    main = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
    where = f" in the {name_cohort(spec.main_cohort)}"
    parts: Parts = [f"{endpoint.label}: hazard ratio ", *_print_ratio(results, main), where]
    if results.value(main, "hr") is None:
        return text(*parts, ", so that no other analysis can be held against it.")
    parts += [". ", *_name_changing(results, spec, endpoint)]
    if results.has(main, PROPORTIONAL):
        parts += ["Test of proportional hazards: p ", *_print_p(look_up(results, main, PROPORTIONAL, "p"))]
        parts += [*describe_restricted_mean(results, spec, spec.main_cohort, endpoint), "."]
    return text(*parts)


def _name_changing(results: Results, spec: StudySpec, endpoint: Endpoint) -> Parts:
    """The other analyses that change the result, with theirs, and those that could not be made."""
    variants = list(list_variants(results, spec, endpoint))
    changing = list_changing(results, spec, endpoint)
    failed = [prettify(label.en) for label, key in variants if results.value(key, "hr") is None]
    failed += [prettify(label.en) for label, _ in list_failed(results, spec, endpoint)]
    same = [
        prettify(label.en)
        for label, key in variants
        if is_same(results, make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id), key)
    ]
    if len(variants) == len(same) and not failed:
        return (
            ["No other analysis was made. "]
            if not same
            else [f"The same in all digits, so that nobody was changed: {'; '.join(same)}. "]
        )
    parts: Parts = ["Analyses that change this result: " if changing else "No other analysis changes this result"]
    for place, (label, key) in enumerate(changing):
        parts += ["; " if place else "", f"{prettify(label.en)} ", *_print_ratio(results, key)]
    parts += [". ", *([f"Not estimable: {'; '.join(failed)}. "] if failed else [])]
    return [*parts, *([f"The same in all digits, so that nobody was changed: {'; '.join(same)}. "] if same else [])]


def _print_ratio(results: Results, key: Key) -> Parts:
    ratio = look_up(results, key, "hr", "ratio")
    if not has_limits(results, key):
        return [ratio]
    low, high = (look_up(results, key, name, "ratio") for name in LIMITS)
    return [ratio, " (", low, "–", high, ")"]


def _print_p(number: Number) -> Parts:
    return [number] if number.text[0] in "<>" else ["= ", number]


def describe_restricted_mean(results: Results, spec: StudySpec, cohort: str, endpoint: Endpoint) -> Parts:
    """The difference of the restricted means, which no assumption carries, and before it that the hazard ratio is an average where the test says so."""
    p = results.value(make_hazard_ratio_key(spec, cohort, endpoint.id), PROPORTIONAL)
    average = [", so that the hazard ratio is an average over the course"] if p is not None and p < spec.alpha else []
    at = {"analysis": "restricted_mean", "cohort": cohort, "endpoint": endpoint.id, "arm": None}
    means = results.select(**at, statistic="difference")
    horizon = results.select(**at, variable="horizon", statistic="estimate")
    if means.is_empty() or horizon.is_empty():
        return [*average]
    low, high = (print_row(results.select(**at, statistic=name).row(0, named=True), "time") for name in LIMITS)
    return [
        *average,
        "; restricted mean up to ",
        print_row(horizon.row(0, named=True), "time"),
        f" {spec.time_unit}s, {spec.treated.label} minus {spec.control.label}: ",
        print_row(means.row(0, named=True), "time"),
        f" {spec.time_unit}s ({spec.limits} ",
        low,
        " to ",
        high,
        ")",
    ]


def _describe_future(results: Results, spec: StudySpec) -> list[Cell]:
    """What of the choice and of the score uses the time after time zero, and the results without it."""
    named = list_changed(results, spec)
    if not named:
        return []
    parts: Parts = [
        f"These use what happened after {spec.time_zero}, so that the comparison is an association among patients who stayed alive, in follow-up or on treatment long enough to be selected: {list_labels(named)}. "
    ]
    without = [item for item in spec.sensitivity if any(leaves_out(spec, item, one) for one in named)]
    for place, item in enumerate(without):
        parts.append(f"{'; ' if place else 'Without some of them: '}{prettify(item.label)}")
        for endpoint in spec.endpoints:
            key = Key(analysis="sensitivity", variable=item.id, cohort=spec.main_cohort, endpoint=endpoint.id)
            if is_same(results, make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id), key):
                parts.append(f", {endpoint.id} of the same patients")
            elif results.has(key, "hr"):
                parts += [f", {endpoint.id} ", *_print_ratio(results, key)]
    parts += [". "] if without else []
    if kept := [item for item in named if not any(leaves_out(spec, other, item) for other in spec.sensitivity)]:
        parts.append(f"In every analysis: {list_labels(kept)}.")
    return [text(*parts)]


def _describe_evidence(results: Results, spec: StudySpec) -> list[Cell]:
    """How much of what is compared rests on complete lists of lesions, by arm: evidence that differs is a source of bias."""
    parts: Parts = []
    for item in spec.evidence:
        key = Key(analysis="evidence", cohort=ALL, variable=item.id)
        shares = [(arm, key.of(arm=arm.id, level=Evidence.COMPLETE_LIST.value)) for arm in spec.arms]
        if not all(results.has(share, "pct") for _, share in shares):
            continue
        parts.append(
            f"{'; ' if parts else 'From complete lists of lesions: '}{item.label[0].lower()}{item.label[1:]} of "
        )
        for place, (arm, share) in enumerate(shares):
            parts += [" and of " if place else "", look_up(results, share, "pct", "percent"), f" % with {arm.label}"]
        parts += (
            [" (all kinds of evidence: p ", *_print_p(look_up(results, key, "p", "p")), ")"]
            if results.has(key, "p")
            else []
        )
    return [text(*parts, ".")] if parts else []
