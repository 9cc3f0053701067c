"""A forest of the hazard ratio of treatment in every subgroup, below that in everybody."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.figures.ratio_plot import (
    Forest,
    Row,
    describe_forest,
    plot_forest,
    read_estimate,
)
from analysis.figures.sheet import name_page
from analysis.figures.style import TREATED, Drawing
from analysis.study.cohort_names import name_cohort
from analysis.study.keys import make_hazard_ratio_key, make_interaction_key
from analysis.study.numbers import format_p, prettify
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key, Results, make_slug
from analysis.study.spec import Endpoint, StudySpec, Subgroup
from etl.pages.text import Text


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `forest_subgroups_<endpoint>` for every endpoint of a study of two arms that has subgroups."""
    if not spec.has_contrast:
        return
    for endpoint in spec.endpoints:
        subgroups = [subgroup for subgroup in spec.subgroups if subgroup.endpoint == endpoint.id]
        if not subgroups:
            continue
        forest = Forest(
            title=f"{endpoint.label} by subgroup, {name_cohort(spec.main_cohort)}",
            rows=list(_list_rows(outcome.results, spec, endpoint, subgroups)),
            counted=tuple(f"{arm.label}: events / patients" for arm in spec.arms),
            models=("",),
            limits=spec.limits,
            sides=(f"favours {spec.treated.label}", f"favours {spec.control.label}"),
            color=TREATED,
        )
        caption = Text(
            f"{endpoint.label}: hazard ratio of {spec.treated.label} against {spec.control.label} by subgroup. Favours: lower hazard.",
            f"{endpoint.id}：各亚组中 {spec.treated.label} 相对 {spec.control.label} 的风险比。Favours：风险较低。",
        )
        alt = describe_forest(forest)
        for number, figure in enumerate(plot_forest(forest), start=1):
            name = name_page(f"forest_subgroups_{make_slug(endpoint.id)}", number)
            yield Drawing(name, "subgroup", caption, alt, figure)


def _list_rows(results: Results, spec: StudySpec, endpoint: Endpoint, subgroups: list[Subgroup]) -> Iterator[Row]:
    """Yield everybody, then every characteristic with its interaction, and below it the levels."""
    cohort = spec.main_cohort
    everybody = Key(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint.id)
    estimate = read_estimate(results, make_hazard_ratio_key(spec, cohort, endpoint.id))
    yield Row("All patients", _count_arms(results, spec, everybody), (estimate,))
    for subgroup in subgroups:
        item = spec.get_characteristic(subgroup.characteristic)
        interaction = format_p(results.value(make_interaction_key(spec, item, endpoint.id), "p"))
        yield Row(f"{item.label} (interaction {interaction})")
        for level in item.list_levels():
            group = item.name_group(level)
            estimate = read_estimate(results, make_hazard_ratio_key(spec, cohort, endpoint.id, group))
            counts = _count_arms(results, spec, everybody.of(subgroup=group))
            yield Row(prettify(level), counts, (estimate,), is_inner=True)


def _count_arms(results: Results, spec: StudySpec, curves: Key) -> tuple[str, ...]:
    """Events and patients of each arm; 0/0 of one that has nobody at a level."""
    keys = [curves.of(arm=arm.id, variable="patients") for arm in spec.arms]
    return tuple(_count_arm(results, key) if results.has(key, "n") else "0/0" for key in keys)


def _count_arm(results: Results, patients: Key) -> str:
    events = patients.of(variable="events")
    return "/".join(results.print(key, "n", "count") for key in (events, patients))
