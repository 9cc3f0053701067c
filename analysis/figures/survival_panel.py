"""One Kaplan-Meier panel: what its curves are above the axes, curves with bands and censoring marks, and who is at risk below.

Names stand on lines of their own, never beside numbers or over curves, so that their length costs height alone; every margin is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.axes import Axes

from analysis.figures.sheet import PANEL_TITLE, SMALL, TEXT, Sheet
from analysis.figures.style import INK, MUTED, RULE
from analysis.figures.text_size import measure_height, measure_widest, measure_width, wrap
from analysis.steps.survival import COUNTED, CURVE_COLUMNS
from analysis.study.numbers import NOT_ESTIMABLE, NOT_SHOWN_SIGN
from analysis.study.results import Key, Results, print_result
from analysis.study.spec import StudySpec

SAMPLE, GAP = 0.3, 0.06  # inches: the sample of a line in front of its name, and what is between two things
TICK = 0.07  # inches: the mark of a tick and the space to its number
MOST_MARKS = 150
"""More marks of censored patients on one curve would hide it, and are left out."""
LINE_NAMES = {"at risk": "At risk", "events": "Events", "censored": "Censored"}


@dataclass(frozen=True)
class Curve:
    """One curve of a panel: the key of its results, whose it is in words, and how it is drawn."""

    key: Key
    label: str
    style: dict[str, Any]

    def find_points(self, curves: pl.DataFrame) -> pl.DataFrame:
        """The curve's own points."""
        return curves.filter(*(pl.col(name).eq_missing(pl.lit(self.key.columns[name])) for name in CURVE_COLUMNS))


@dataclass(frozen=True)
class Panel:
    """What one panel shows; `ticks` and `end` are times in the study's unit, `counts` numbers by curve, line and tick."""

    title: str
    endpoint: str
    note: str
    curves: tuple[Curve, ...]
    legend: tuple[str, ...]
    points: tuple[pl.DataFrame, ...]
    ticks: tuple[float, ...]
    end: float
    counts: tuple[tuple[tuple[str, ...], ...], ...]
    time: str


@dataclass(frozen=True)
class Measures:
    """Inches of a panel of one width: margins left and right of the axes, and heights above, of and below them."""

    left: float
    right: float
    head: float
    axes: float
    foot: float


def make_panel(
    drawn: Sequence[Curve],
    results: Results,
    curves: pl.DataFrame,
    spec: StudySpec,
    *,
    title: str,
    endpoint: str,
    note: str,
) -> Panel:
    """Gather what a panel of some curves shows, as far as there were patients for them."""
    shown = tuple(curve for curve in drawn if results.has(curve.key.of(variable="patients"), "n"))
    of_endpoint = curves.filter(endpoint=shown[0].key.endpoint) if shown else curves
    end = float(of_endpoint["time"].max() or 1)  # type: ignore[arg-type]
    read = [_read_counts(results, curve, spec, end) for curve in shown]
    return Panel(
        title=title,
        endpoint=endpoint,
        note=note,
        curves=shown,
        legend=tuple(_name_with_median(results, curve, spec) for curve in shown),
        points=tuple(curve.find_points(curves) for curve in shown),
        ticks=read[0][0] if read else (0.0,),
        end=end,
        counts=tuple(counts for _, counts in read),
        time=f"{spec.time_unit.capitalize()}s since {spec.origin}",
    )


def _name_with_median(results: Results, curve: Curve, spec: StudySpec) -> str:
    median = results.print(curve.key.of(variable="median"), "estimate", "time")
    return f"{curve.label}, median {median}{'' if median in (NOT_ESTIMABLE, NOT_SHOWN_SIGN) else f' {spec.time_unit}s'}"


def _read_counts(
    results: Results, curve: Curve, spec: StudySpec, end: float
) -> tuple[tuple[float, ...], tuple[tuple[str, ...], ...]]:
    """Ticks up to the end of the axis, and the numbers there of each line of `COUNTED`."""
    lines = []
    ticks: list[float] = []
    for variable in COUNTED:
        rows = results.select(**curve.key.of(variable=variable).columns, statistic="n").drop_nulls("time_months")
        times = [round(spec.at_month(months).value, 6) for months in rows["time_months"]]
        ticks = [time for time in times if time <= end]
        lines.append(tuple(print_result(row, "count") for row in rows.head(len(ticks)).iter_rows(named=True)))
    return tuple(ticks), tuple(lines)


def measure_panel(panel: Panel, width: float) -> Measures:
    """How a panel of that width is divided."""
    numbers = [number for lines in panel.counts for line in lines for number in line]
    half = measure_widest(numbers, SMALL) / 2
    names = measure_widest(list(LINE_NAMES.values()), SMALL) + GAP + half
    height = min(max(0.62 * (width - 0.7), 1.5), 2.6)
    label = measure_height(_wrap_endpoint(panel, height), TEXT)
    left = max(names, label + GAP + measure_width("100", TEXT) + TICK) + 0.02
    right = max(half, 0.05)
    head = measure_height(wrap(panel.title, width, PANEL_TITLE, "bold"), PANEL_TITLE) + 0.03
    head += sum(measure_height(text, SMALL) for text in _wrap_legend(panel, width - left))
    head += measure_height(wrap(panel.note, width - left, TEXT), TEXT) + 0.09
    foot = TICK + measure_height("0", TEXT) + measure_height(_wrap_time(panel, width - left - right), TEXT) + 2 * GAP
    for curve in panel.curves:
        foot += measure_height(wrap(curve.label, width, TEXT, "bold"), TEXT)
        foot += len(COUNTED) * measure_height("0", SMALL) + 0.03
    return Measures(left, right, head, height, foot)


def _wrap_endpoint(panel: Panel, height: float) -> str:
    return wrap(f"{panel.endpoint} (%)", height, TEXT)


def _wrap_legend(panel: Panel, width: float) -> list[str]:
    return [wrap(text, width - SAMPLE - GAP, SMALL) for text in panel.legend]


def _wrap_time(panel: Panel, width: float) -> str:
    return wrap(panel.time, width, TEXT)


def plot_panel(sheet: Sheet, panel: Panel, left: float, top: float, width: float, measures: Measures) -> None:
    """Draw a panel with its upper left corner there; `measures` are its own or, where others stand beside it, larger."""
    inner = width - measures.left - measures.right
    _write_head(sheet, panel, left, top, width, measures)
    axes = sheet.add_axes(left + measures.left, top + measures.head, inner, measures.axes)
    for curve, points in zip(panel.curves, panel.points, strict=True):
        _plot_curve(axes, points, curve.style)
    numbers = [number for lines in panel.counts for line in lines for number in line]
    step = _thin(panel, inner, measure_widest(numbers, SMALL) + GAP)
    axes.set(xlim=(0, panel.end), ylim=(0, 101), xticks=panel.ticks[::step], yticks=range(0, 101, 20))
    axes.tick_params(labelsize=TEXT)
    axes.grid(axis="y", color=RULE, linewidth=0.5, alpha=0.6)
    axes.set_axisbelow(True)
    middle = top + measures.head + measures.axes / 2
    label = _wrap_endpoint(panel, measures.axes)
    beside = left + measures.left - TICK - measure_width("100", TEXT) - GAP - measure_height(label, TEXT)
    _write_upright(sheet, beside, middle, label)
    below = top + measures.head + measures.axes + TICK + measure_height("0", TEXT) + 0.03
    center = left + measures.left + inner / 2
    below = sheet.write(center, below, _wrap_time(panel, inner), align="center") + GAP
    _write_counts(sheet, panel, left, below, width, measures, step)


def _write_upright(sheet: Sheet, left: float, middle: float, text: str) -> None:
    """Write lines from below to above, beginning at the left."""
    width, height = sheet.figure.get_size_inches()
    line_height = measure_height("x", TEXT)
    for i, line in enumerate(text.split("\n")):
        x, y = (left + i * line_height) / width, 1 - middle / height
        sheet.figure.text(x, y, line, rotation=90, ha="left", va="center", fontsize=TEXT)


def _write_head(sheet: Sheet, panel: Panel, left: float, top: float, width: float, measures: Measures) -> None:
    """Title, the name of every curve behind a sample of its line, and the comparison."""
    y = sheet.write(left, top, wrap(panel.title, width, PANEL_TITLE, "bold"), PANEL_TITLE, weight="bold") + 0.03
    x = left + measures.left
    for curve, text in zip(panel.curves, _wrap_legend(panel, width - measures.left), strict=True):
        sheet.draw_sample(x, y, SAMPLE, SMALL, linewidth=1.2, **curve.style)
        y = sheet.write(x + SAMPLE + GAP, y, text, SMALL)
    sheet.write(x, y, wrap(panel.note, width - measures.left, TEXT), TEXT)


def _plot_curve(axes: Axes, points: pl.DataFrame, style: dict[str, Any]) -> None:
    """The curve, its band up to the next point wherever there are limits, and a mark where somebody is censored."""
    time, survival = points["time"].to_numpy(), 100 * points["survival"].to_numpy()
    axes.step(time, survival, where="post", **style)
    band = hold_limits(points)
    axes.fill_between(
        band["time"].to_numpy(),
        100 * band["ci_low"].to_numpy(),
        100 * band["ci_high"].to_numpy(),
        step="post",
        color=style["color"],
        alpha=0.11,
        linewidth=0,
    )
    censored = points.filter(pl.col("n_censor") > 0)
    if censored.height > MOST_MARKS:
        return
    axes.plot(
        censored["time"].to_numpy(),
        100 * censored["survival"].to_numpy(),
        linestyle="none",
        marker="|",
        markersize=5,
        markeredgewidth=0.9,
        color=style["color"],
        clip_on=False,
    )


def hold_limits(points: pl.DataFrame) -> pl.DataFrame:
    """The corners of a band: limits hold from their time to the next, so that those before the last fall reach it, though there, at 0, none are."""
    return points.select("time", pl.col("ci_low", "ci_high").fill_null(strategy="forward")).drop_nulls()


def _thin(panel: Panel, width: float, needed: float) -> int:
    """Every which tick is shown, so that the numbers below have `needed` inches each."""
    if len(panel.ticks) < 2:
        return 1
    spacing = width * (panel.ticks[1] - panel.ticks[0]) / panel.end
    return max(1, -int(-needed // spacing))


def _write_counts(
    sheet: Sheet, panel: Panel, left: float, top: float, width: float, measures: Measures, step: int
) -> None:
    """Of every curve its name, and below it at every tick who is at risk, and who had the event or was censored before."""
    start, inner = left + measures.left, width - measures.left - measures.right
    numbers = [number for lines in panel.counts for line in lines for number in line]
    names_end = start - measure_widest(numbers, SMALL) / 2 - GAP
    for curve, lines in zip(panel.curves, panel.counts, strict=True):
        name = wrap(curve.label, width, TEXT, "bold")
        top = sheet.write(left, top, name, color=curve.style["color"], weight="bold")
        for line_name, line in zip(LINE_NAMES.values(), lines, strict=True):
            color = INK if line_name == LINE_NAMES["at risk"] else MUTED
            sheet.write(names_end, top, line_name, SMALL, align="right", color=color)
            for tick, number in zip(panel.ticks[::step], line[::step], strict=True):
                sheet.write(start + inner * tick / panel.end, top, number, SMALL, align="center", color=color)
            top += measure_height("0", SMALL)
        top += 0.03


def describe_panel(panel: Panel) -> str:
    """What a panel shows, for who cannot see it."""
    patients = [f"{text}, {lines[0][0]} patients" for text, lines in zip(panel.legend, panel.counts, strict=True)]
    note = f" {panel.note}." if panel.note else ""
    return f"{panel.title}: {'; '.join(patients)}.{note}".replace("\n", "; ")
