"""Survival by arm and level of the subgroup characteristic in the cohort in which arms are compared: within arms, and within levels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from analysis.figures.kaplan_meier import describe_comparison
from analysis.figures.style import DASHED, LINES, SOLID, Drawing, get_arm_style
from analysis.figures.survival_page import name_pages, plot_pages
from analysis.figures.survival_panel import Curve, Panel, make_panel
from analysis.study.characteristic import Characteristic
from analysis.study.cohort_names import name_cohort
from analysis.study.keys import make_interaction_key
from analysis.study.numbers import format_p
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key, make_slug
from analysis.study.spec import Endpoint, StudySpec
from etl.pages.text import Text

GREYS = ("#555555", "#8a6d3b", "#7a3d8f", "#3d7a2a")
"""How the levels but the first are drawn within an arm, in this order, each with a line of its own."""


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `subgroup_<characteristic>_<endpoint>` for every subgroup analysis: levels within each arm, then arms within each level."""
    for subgroup in spec.subgroups:
        item = spec.get_characteristic(subgroup.characteristic)
        endpoint = spec.get_endpoint(subgroup.endpoint)
        panels = [*_compare_levels(outcome, spec, item, endpoint), *_compare_arms(outcome, spec, item, endpoint)]
        n_arms = len(spec.arms)
        rows = [panels[i : i + n_arms] for i in range(0, len(panels), n_arms)]
        interaction = format_p(outcome.results.value(make_interaction_key(spec, item, endpoint.id), "p"))
        title = f"{endpoint.label}, {name_cohort(spec.main_cohort)}. Interaction of arm and {item.label}: {interaction}"
        caption = Text(f"{endpoint.label} by {item.label} and arm.", f"按{item.label}与治疗组的{endpoint.id}。")
        name = f"subgroup_{make_slug(item.id)}_{make_slug(endpoint.id)}"
        for page, figure, alt in name_pages(name, list(plot_pages(rows, n_arms, title))):
            yield Drawing(page, "subgroup", caption, alt, figure)


def _compare_levels(
    outcome: StudyOutcome, spec: StudySpec, item: Characteristic, endpoint: Endpoint
) -> Iterator[Panel]:
    """A panel for each arm, with a curve for each level."""
    results = outcome.results
    for arm in spec.arms:
        color = get_arm_style(spec, arm.id)["color"]
        styles = [{"color": color, "linestyle": SOLID}, *_list_greys()]
        everybody = Key(analysis="kaplan_meier", cohort=spec.main_cohort, endpoint=endpoint.id, arm=arm.id)
        drawn = [
            Curve(everybody.of(subgroup=item.name_group(level)), f"{item.label} {item.name_level(level)}", style)
            for level, style in zip(reversed(item.list_levels()), itertools.cycle(styles), strict=False)
        ]
        within = everybody.of(analysis="logrank", subgroup=item.contrast)
        note = f"Log-rank {format_p(results.value(within, 'p'))}" if results.has(within, "p") else ""
        title = f"{arm.label}: levels of {item.label}"
        yield make_panel(drawn, results, outcome.curves, spec, title=title, endpoint=endpoint.label, note=note)


def _list_greys() -> list[dict[str, Any]]:
    return [{"color": color, "linestyle": line} for color, line in zip(GREYS, (DASHED, *LINES[2:]), strict=True)]


def _compare_arms(outcome: StudyOutcome, spec: StudySpec, item: Characteristic, endpoint: Endpoint) -> Iterator[Panel]:
    """A panel for each level of which there are patients, with a curve for each arm."""
    drawn_groups = set(outcome.curves["subgroup"].drop_nulls())
    for level in reversed(item.list_levels()):
        group = item.name_group(level)
        if group not in drawn_groups:
            continue
        both = Key(analysis="kaplan_meier", cohort=spec.main_cohort, endpoint=endpoint.id, subgroup=group)
        drawn = [Curve(both.of(arm=arm.id), arm.label, get_arm_style(spec, arm.id)) for arm in spec.arms]
        note = describe_comparison(outcome.results, spec, endpoint, spec.main_cohort, group)
        title = f"{item.label} {item.name_level(level)}"
        yield make_panel(drawn, outcome.results, outcome.curves, spec, title=title, endpoint=endpoint.label, note=note)
