"""One Kaplan-Meier panel: curves with bands and censoring marks, numbers at risk below, a note inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from analysis.figures.style import RULE, hide_frame
from analysis.steps.survival import CURVE_COLUMNS
from analysis.study.numbers import NOT_ESTIMABLE, format_number
from analysis.study.results import Key, Results
from analysis.study.spec import StudySpec

LETTERS_WITH_ROOM, LETTER = 10, 0.0085
"""Letters of a name that fit into the margin as it is, and the share of the page's width that a further one takes."""


@dataclass(frozen=True)
class Curve:
    """One curve of a panel: the key of its results, its endpoint and whose it is in words, and how it is drawn."""

    key: Key
    endpoint: str
    label: str
    style: dict[str, Any]

    def find_points(self, curves: pl.DataFrame) -> pl.DataFrame:
        """The curve's own points."""
        return curves.filter(*(pl.col(name).eq_missing(pl.lit(self.key.columns[name])) for name in CURVE_COLUMNS))


def choose_margins(labels: Sequence[str]) -> dict[str, float]:
    """Left margin and space between columns of panels, in the units of a grid, so that the names beside the numbers at risk are read whole."""
    further = LETTER * max(0, max(map(len, labels)) - LETTERS_WITH_ROOM)
    return {"left": 0.105 + further, "wspace": 0.33 + 2.6 * further}


def plot_panel(
    figure: Figure,
    place: SubplotSpec,
    drawn: Sequence[Curve],
    results: Results,
    curves: pl.DataFrame,
    spec: StudySpec,
    *,
    title: str,
    note: str,
) -> None:
    """Draw the curves of one panel, as far as there were patients for them, into a place of the figure's grid."""
    drawn = [curve for curve in drawn if results.has(curve.key.of(variable="patients"), "n")]
    grid = place.subgridspec(2, 1, height_ratios=[4.6, 0.42 + 0.36 * len(drawn)], hspace=0.30)
    axes, below = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    for curve in drawn:
        _plot_curve(axes, curve, results, curves, spec)
    ticks, counts = _read_at_risk(results, drawn, spec)
    axes.set(xlim=(0, ticks[-1]), ylim=(0, 101), xticks=ticks, yticks=range(0, 101, 20))
    axes.set_title(title, pad=8)
    axes.set_ylabel(f"{drawn[0].endpoint} (%)")
    axes.set_xlabel(f"{spec.time_unit.capitalize()}s since {spec.origin}", labelpad=2)
    axes.grid(axis="y", color=RULE, linewidth=0.5, alpha=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="upper right", handlelength=2.6, borderaxespad=0.1, labelspacing=0.35)
    axes.text(0.985, 0.885 - 0.055 * len(drawn), note, transform=axes.transAxes, ha="right", va="top", linespacing=1.5)
    _write_at_risk(below, drawn, ticks, counts)


def _plot_curve(axes: Any, curve: Curve, results: Results, curves: pl.DataFrame, spec: StudySpec) -> None:
    points = curve.find_points(curves)
    time, survival = points["time"].to_numpy(), 100 * points["survival"].to_numpy()
    median = format_number(results.value(curve.key.of(variable="median"), "estimate"), "time")
    unit = "" if median == NOT_ESTIMABLE else f" {spec.time_unit}s"
    label = f"{curve.label}, median {median}{unit}"
    axes.step(time, survival, where="post", label=label, **curve.style)
    band = points.drop_nulls(["ci_low", "ci_high"])
    axes.fill_between(
        band["time"].to_numpy(),
        100 * band["ci_low"].to_numpy(),
        100 * band["ci_high"].to_numpy(),
        step="post",
        color=curve.style["color"],
        alpha=0.11,
        linewidth=0,
    )
    censored = points.filter(pl.col("n_censor") > 0)
    axes.plot(
        censored["time"].to_numpy(),
        100 * censored["survival"].to_numpy(),
        linestyle="none",
        marker="|",
        markersize=5,
        markeredgewidth=0.9,
        color=curve.style["color"],
    )


def _read_at_risk(results: Results, drawn: Sequence[Curve], spec: StudySpec) -> tuple[list[float], list[list[int]]]:
    """Times of the axis, whole ones in the study's unit, and per curve the numbers at risk there."""
    counts, ticks = [], []
    for curve in drawn:
        rows = results.select(**curve.key.of(variable="at risk").columns, statistic="n")
        ticks = [float(round(spec.at_month(months).value)) for months in rows["time_months"]]
        counts.append([int(value) for value in rows["value"]])
    return ticks, counts


def _write_at_risk(axes: Any, drawn: Sequence[Curve], ticks: list[float], counts: list[list[int]]) -> None:
    hide_frame(axes)
    n_rows = len(drawn)
    axes.set(xlim=(0, ticks[-1]), ylim=(-0.4, n_rows + 0.6))
    axes.text(-0.02, n_rows + 0.15, "No. at risk", transform=axes.get_yaxis_transform(), ha="right", va="center",
              fontsize=7, weight="bold")  # fmt: skip
    for position, (curve, numbers) in enumerate(zip(drawn, counts, strict=True)):
        height = n_rows - 0.85 - position
        axes.text(-0.05, height, curve.label, transform=axes.get_yaxis_transform(), ha="right", va="center",
                  fontsize=7, color=curve.style["color"], weight="bold")  # fmt: skip
        for tick, number in zip(ticks, numbers, strict=True):
            axes.text(tick, height, str(number), ha="center", va="center", fontsize=7)
