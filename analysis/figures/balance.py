"""Balance of the arms: standardised mean differences (love plot) and the overlap of the propensity score."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import (
    HIGHEST,
    INK,
    MUTED,
    RULE,
    TREATED,
    Drawing,
    get_arm_style,
    make_figure,
)
from analysis.study.characteristic import Characteristic
from analysis.study.cohort_names import ALL, COHORT_NAMES, MATCHED
from analysis.study.numbers import prettify
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key, Results
from analysis.study.spec import StudySpec
from etl.pages.text import Text

BALANCED = 0.1


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `love_plot` where the study matches or weights, and `propensity_overlap` where it matches."""
    results = outcome.results
    if spec.main_cohort != ALL:
        made = COHORT_NAMES[spec.main_cohort]
        caption = Text(
            f"Standardised mean differences in the whole and in the {made.en.lower()}.",
            f"全队列与{made.zh}的标准化均数差。",
        )
        yield Drawing("love_plot", "matching", caption, _plot_love(results, spec))
    if spec.matching:
        caption = Text("Distribution of the propensity score by arm.", "两组倾向评分的分布。")
        yield Drawing("propensity_overlap", "matching", caption, _plot_overlap(results, spec))


def _plot_love(results: Results, spec: StudySpec) -> Figure:
    """Absolute differences of every level (of two, the second says it all), in the whole cohort and the one made of it."""
    rows: list[tuple[Characteristic, str | None]] = []
    for item in spec.characteristics:
        levels: tuple[str | None, ...] = (None,) if item.is_number else item.list_levels()
        shown = levels[1:] if len(levels) == 2 else levels
        rows += [(item, level) for level in shown if _find_smd(results, ALL, item.id, level) is not None]
    figure = make_figure(min(1.0 + 0.2 * len(rows), HIGHEST))
    axes = figure.add_axes((0.36, 0.60 / figure.get_figheight(), 0.61, 1 - 1.0 / figure.get_figheight()))
    places = np.arange(len(rows))[::-1]
    found = {
        cohort: np.array([_find_smd(results, cohort, item.id, level) for item, level in rows], dtype=float)
        for cohort in (ALL, spec.main_cohort)
    }
    axes.hlines(places, found[ALL], found[spec.main_cohort], color=RULE, linewidth=1.2, zorder=1)
    style = {"linestyle": "none", "markersize": 5.5, "zorder": 3}
    whole, made = COHORT_NAMES[ALL].en, COHORT_NAMES[spec.main_cohort].en
    axes.plot(found[ALL], places, marker="o", markerfacecolor="white", markeredgecolor=INK, label=whole, **style)
    axes.plot(found[spec.main_cohort], places, marker="D", color=TREATED, label=made, **style)
    axes.axvline(BALANCED, color=MUTED, linestyle=(0, (4, 2)), linewidth=0.9, zorder=0)
    covariates = spec.get_score_covariates(spec.main_cohort)
    labels = [
        f"{prettify(f'{item.label}: {level}' if level else item.label)}{'' if item.id in covariates else ' †'}"
        for item, level in rows
    ]
    axes.set_yticks(places, labels)
    axes.set(
        ylim=(-0.7, len(rows) - 0.3), xlabel="Absolute standardised mean difference    († not in the propensity score)"
    )
    axes.set_xlim(left=-0.008)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=RULE, linewidth=0.4, alpha=0.6)
    figure.legend(loc="upper left", bbox_to_anchor=(0.35, 1.0), ncols=2)
    return figure


def _find_smd(results: Results, cohort: str, name: str, level: str | None) -> float | None:
    key = Key(analysis="balance", cohort=cohort, variable=name, level=level)
    smd = results.value(key, "smd") if results.has(key, "smd") else None
    return None if smd is None else abs(smd)


def _plot_overlap(results: Results, spec: StudySpec) -> Figure:
    figure = make_figure(2.9)
    panels = figure.subplots(1, 2, sharey=True, sharex=True)
    for letter, cohort, axes in zip("AB", (ALL, MATCHED), panels, strict=True):
        _plot_scores(axes, results, spec, cohort)
        axes.set_title(f"{letter}  {COHORT_NAMES[cohort].en}")
    panels[0].set_ylabel("Patients")
    limit = max(abs(value) for value in panels[0].get_ylim())
    panels[0].set_ylim(-limit * 1.08, limit * 1.08)
    panels[0].yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    figure.subplots_adjust(left=0.07, right=0.985, top=0.85, bottom=0.14, wspace=0.08)
    return figure


def _plot_scores(axes: Axes, results: Results, spec: StudySpec, cohort: str) -> None:
    """Histogram of the treated above the line, of the controls below it."""
    for arm in (spec.treated, spec.control):
        rows = results.select(analysis="propensity", cohort=cohort, arm=arm.id, variable="score")
        lows = rows["level"].cast(pl.Float64).to_numpy()
        width = lows[1] - lows[0]
        sign = 1 if arm.role == "treated" else -1
        color = get_arm_style(spec, arm.id)["color"]
        axes.bar(lows, sign * rows["value"].to_numpy(), width=width, align="edge", color=color, alpha=0.8,
                 hatch=None if sign > 0 else "////", edgecolor="white", linewidth=0.5)  # fmt: skip
        axes.text(0.985, 0.97 if sign > 0 else 0.03, arm.label, transform=axes.transAxes, color=color, weight="bold",
                  ha="right", va="top" if sign > 0 else "bottom")  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"Propensity score (probability of {spec.treated.label})")
