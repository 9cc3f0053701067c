"""How far a result carries, on the first screen of the report and in the manuscript.

Which analyses change it, whether one hazard ratio describes the course, and what of the choice of patients looks past time zero. Worded by estimates
and limits; no sentence says what a number means for patients.
"""

from __future__ import annotations

from analysis.steps.post_baseline import CHANGED, POST_BASELINE
from analysis.study.at_start import list_items
from analysis.study.cohort_names import name_cohort
from analysis.study.keys import PROPORTIONAL, make_hazard_ratio_key
from analysis.study.numbers import prettify
from analysis.study.results import Key, Results
from analysis.study.spec import Endpoint, StudySpec
from analysis.study.variants import is_changed, list_variants
from analysis.tables.model import LIMITS, Cell, Number, has_limits, look_up, text

Parts = list[str | Number]


def write_cautions(results: Results, spec: StudySpec) -> list[Cell]:
    """Return the paragraphs, one for each endpoint and one for the choice of patients; none for a study without a contrast."""
    if not spec.has_contrast:
        return []
    paragraphs = [_describe_endpoint(results, spec, endpoint) for endpoint in spec.endpoints]
    return [*paragraphs, *_describe_future(results, spec)]


def _describe_endpoint(results: Results, spec: StudySpec, endpoint: Endpoint) -> Cell:
    main = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
    where = f" in the {name_cohort(spec.main_cohort)}"
    parts: Parts = [f"{endpoint.label}: hazard ratio ", *_print_ratio(results, main), where]
    if results.value(main, "hr") is None:
        return text(*parts, ", so that no other analysis can be held against it.")
    parts += [". ", *_name_changing(results, spec, endpoint, main)]
    if results.has(main, PROPORTIONAL):
        parts += ["Test of proportional hazards: p ", *_print_p(look_up(results, main, PROPORTIONAL, "p")), "."]
    return text(*parts)


def _name_changing(results: Results, spec: StudySpec, endpoint: Endpoint, main: Key) -> Parts:
    """The other analyses that change the result, with theirs, and those that could not be made."""
    variants = list(list_variants(results, spec, endpoint))
    changing = [(label, key) for label, key in variants if is_changed(results, main, key)]
    failed = [prettify(label) for label, key in variants if results.value(key, "hr") is None]
    if not variants:
        return ["No other analysis was made. "]
    parts: Parts = ["Other analyses that change it: " if changing else "None of the other analyses changes it"]
    for place, (label, key) in enumerate(changing):
        parts += ["; " if place else "", f"{prettify(label)} ", *_print_ratio(results, key)]
    return [*parts, ". ", *([f"Not estimable: {'; '.join(failed)}. "] if failed else [])]


def _print_ratio(results: Results, key: Key) -> Parts:
    ratio = look_up(results, key, "hr", "ratio")
    if not has_limits(results, key):
        return [ratio]
    low, high = (look_up(results, key, name, "ratio") for name in LIMITS)
    return [ratio, " (", low, "–", high, ")"]


def _print_p(number: Number) -> Parts:
    return [number] if number.text[0] in "<>" else ["= ", number]


def _describe_future(results: Results, spec: StudySpec) -> list[Cell]:
    """What of the choice and of the score uses the time after time zero, as far as that was examined."""
    named = []
    for item in list_items(spec):
        key = POST_BASELINE.of(variable=item.id, level=CHANGED)
        if results.has(key, "n") and results.value(key, "n"):
            named.append(prettify(item.label))
    if not named:
        return []
    return [
        text(
            f"These use what happened after {spec.time_zero}, so that the comparison is an association among who came so far: {'; '.join(named)}."
        )
    ]
