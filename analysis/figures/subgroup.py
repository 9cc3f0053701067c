"""Survival by arm and level of the subgroup characteristic in the cohort in which arms are compared: within arms, and within levels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from matplotlib.figure import Figure

from analysis.figures.kaplan_meier import describe_comparison
from analysis.figures.style import DASHED, SOLID, Drawing, get_arm_style, make_figure
from analysis.figures.survival_panel import Curve, plot_panel
from analysis.study.characteristic import Characteristic
from analysis.study.cohort_names import name_cohort
from analysis.study.keys import make_interaction_key
from analysis.study.numbers import format_p
from analysis.study.outcome import StudyOutcome
from analysis.study.population import Arm
from analysis.study.results import Key, make_slug
from analysis.study.spec import Endpoint, StudySpec
from etl.pages.text import Text


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `subgroup_<characteristic>_<endpoint>` for every subgroup analysis."""
    for subgroup in spec.subgroups:
        item = spec.get_characteristic(subgroup.characteristic)
        endpoint = spec.get_endpoint(subgroup.endpoint)
        caption = Text(f"{endpoint.label} by {item.label} and arm.", f"按{item.label}与治疗组的{endpoint.id}。")
        name = f"subgroup_{make_slug(item.id)}_{make_slug(endpoint.id)}"
        yield Drawing(name, "subgroup", caption, _plot_subgroup(outcome, spec, item, endpoint))


def _plot_subgroup(outcome: StudyOutcome, spec: StudySpec, item: Characteristic, endpoint: Endpoint) -> Figure:
    """Above: the levels within each arm; below: the arms within each of the first two levels."""
    results, curves, cohort = outcome.results, outcome.curves, spec.main_cohort
    drawn_groups = curves["subgroup"].drop_nulls().unique().to_list()
    levels = [level for level in reversed(item.list_levels()) if item.name_group(level) in drawn_groups]
    figure = make_figure(6.6)
    grid = figure.add_gridspec(2, 2, left=0.105, right=0.985, top=0.91, bottom=0.02, wspace=0.33, hspace=0.22)
    everybody = Key(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint.id)

    def make_curve(arm: Arm, level: str, label: str, style: dict[str, Any]) -> Curve:
        return Curve(everybody.of(arm=arm.id, subgroup=item.name_group(level)), endpoint.label, label, style)

    for column, arm in enumerate(spec.arms):
        color = get_arm_style(spec, arm.id)["color"]
        styles = [{"color": color, "linestyle": SOLID}, *[{"color": "#555555", "linestyle": DASHED}] * len(levels)]
        drawn = [
            make_curve(arm, level, f"{item.label} {item.name_level(level)}", style)
            for level, style in zip(levels, styles, strict=False)
        ]
        within = everybody.of(analysis="logrank", subgroup=item.contrast, arm=arm.id)
        note = f"Log-rank {format_p(results.value(within, 'p'))}" if results.has(within, "p") else ""
        title = f"{'AB'[column]}  {arm.label}: {item.label} {' and '.join(item.name_level(level) for level in levels)}"
        plot_panel(figure, grid[0, column], drawn, results, curves, spec, title=title, note=note)
    for column, level in enumerate(levels[:2]):
        drawn = [make_curve(arm, level, arm.label, get_arm_style(spec, arm.id)) for arm in spec.arms]
        note = describe_comparison(results, spec, endpoint, cohort, item.name_group(level))
        title = f"{'CD'[column]}  {item.label} {item.name_level(level)}: both arms"
        plot_panel(figure, grid[1, column], drawn, results, curves, spec, title=title, note=note)
    interaction = format_p(results.value(make_interaction_key(spec, item, endpoint.id), "p"))
    title = f"{endpoint.label}, {name_cohort(cohort)}. Interaction of arm and {item.label}: {interaction}"
    figure.text(0.012, 0.985, title, va="top")
    return figure
