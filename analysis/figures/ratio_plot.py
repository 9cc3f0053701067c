"""A forest plot of hazard ratios: rows with counts, one or more models side by side, an axis that fits them, and why a ratio is missing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.figures.sheet import EDGE, SMALL, TEXT, Sheet, make_sheet, measure_room
from analysis.figures.style import INK, MUTED, RULE, WIDTH
from analysis.figures.text_size import measure_height, measure_widest, measure_width, wrap
from analysis.study.numbers import NOT_ESTIMABLE, NOT_SHOWN_SIGN, format_number
from analysis.study.results import Key, Results
from etl.pages.text import Text

GAP, INDENT = 0.12, 0.12  # inches between columns, and of a row below a heading
WIDEST_LABEL, WIDEST_COUNT, NARROWEST_AXIS = 2.3, 0.95, 0.8  # inches
BEFORE_AXIS = 0.7  # inches: what an axis may use of the columns in front of it for the words below
TICKS = (
    (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 2.5),
    (0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10),
    (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100),
    (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
    (0.001, 0.01, 0.1, 1, 10, 100, 1000),
)
"""Numbers at an axis, from close to wide."""
WIDEST_RANGE = (2.6, 20.0, math.inf, math.inf, math.inf)
"""The largest ratio of an axis' ends for which each of them is used."""
BEYOND = 4.0
"""A limit further than so many times from every estimate is cut, with an arrow."""
NOT_MADE, REFERENCE = "–", "1 (reference)"


@dataclass(frozen=True)
class Estimate:
    """A hazard ratio as drawn and as printed; without one, `reason` says why where it was looked for."""

    text: str
    p: str = ""
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    is_marked: bool = False
    is_main: bool = False


@dataclass(frozen=True)
class Row:
    """One row: a heading where it has no estimates; `is_inner` where it belongs to what stands above it."""

    label: str
    counts: tuple[str, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    is_inner: bool = False


@dataclass(frozen=True)
class Forest:
    """All of one figure. `models` are the titles of the models side by side, `sides` what a ratio below and above 1 speaks for."""

    title: str
    rows: Sequence[Row]
    counted: tuple[str, ...]
    models: tuple[str, ...]
    limits: str
    sides: tuple[str, str]
    color: str
    legend: tuple[tuple[str, Estimate], ...] = ()
    band: tuple[float, float] | None = None


@dataclass(frozen=True)
class Columns:
    """Inches from the left: where counts end, and of each model its axis from and to, where its ratio begins and its p ends; and the axis' range."""

    label: float
    counts: tuple[float, ...]
    axes: tuple[tuple[float, float], ...]
    texts: tuple[float, ...]
    ps: tuple[float, ...]
    limits: tuple[float, float]


def read_estimate(results: Results, key: Key) -> Estimate:
    """The hazard ratio of a key; a dash where it was not looked for, NE with the reason where it could not be estimated."""
    if not results.has(key, "hr"):
        whole = key.of(level=None)
        if results.has(whole, "p") and results.value(whole, "p") is None:
            return Estimate(NOT_ESTIMABLE, reason=_read_reason(results, whole, "p"))
        return Estimate(NOT_MADE)
    ratio, low, high, p = (results.value(key, name) for name in ("hr", "ci_low", "ci_high", "p"))
    if ratio is None:
        return Estimate(NOT_ESTIMABLE, reason=_read_reason(results, key, "hr"))
    printed, *limits = (format_number(value, "ratio") for value in (ratio, low, high))
    text = f"{printed} ({limits[0]}–{limits[1]})"
    return Estimate(text, format_number(p, "p"), ratio, low, high)


def _read_reason(results: Results, key: Key, statistic: str) -> str:
    return (results.row(key, statistic)["method"] or "").removeprefix("not estimable: ").split("; ")[0]


def count_patients(results: Results, key: Key, statistic: str = "hr") -> str:
    """Events and patients that a result rests on: `98/127`."""
    if not results.has(key, statistic):
        return NOT_MADE
    row = results.row(key, statistic)
    missing = NOT_SHOWN_SIGN if results.is_protected else NOT_MADE
    return missing if row["n"] is None else f"{missing if row['n_event'] is None else row['n_event']}/{row['n']}"


def plot_forest(forest: Forest) -> Iterator[Figure]:
    """Yield the figure, in as many pages as its rows need."""
    columns = _choose_columns(forest)
    reasons = _number_reasons(forest)
    notes = [wrap(text, WIDTH - 2 * EDGE, SMALL) for text in reasons.values()]
    head = 0.07 + max(measure_height(text, SMALL) for text in ("x\nx", *_wrap_counted(forest)))
    sides = [_wrap_side(forest, columns, model, side) for model in range(len(forest.models)) for side in (0, 1)]
    below = 0.46 + max(measure_height(text, SMALL) for text in sides)
    legend = [wrap(text, WIDTH - 2 * EDGE - 0.14, SMALL) for text, _ in forest.legend]
    below += sum(measure_height(text, SMALL) + 0.02 for text in (*notes, *legend))
    for rows in _break_pages(forest.rows, columns, measure_room(forest.title) - head - below):
        height = sum(_measure_row(row, columns) for row in rows)
        sheet, top = make_sheet(head + height + below, forest.title)
        _write_header(sheet, forest, columns, top)
        _draw_rows(sheet, forest, columns, rows, top + head, reasons)
        _write_foot(sheet, forest, columns, top + head + height, notes)
        yield sheet.figure


def _choose_columns(forest: Forest) -> Columns:
    """Texts get the width that they need, and the axes share what is left; a label that leaves too little is broken into lines."""
    rows = [row for row in forest.rows if row.estimates]
    counted = [
        max(measure_widest([row.counts[i] for row in rows], SMALL), measure_width(title, SMALL, "bold"))
        for i, title in enumerate(_wrap_counted(forest))
    ]
    printed = [
        max(
            measure_widest([f"{row.estimates[i].text} [9]" for row in rows], SMALL),
            measure_width(f"HR ({forest.limits})", SMALL, "bold"),
        )
        for i in range(len(forest.models))
    ]
    p = max(measure_width("<0.001", SMALL), measure_widest([e.p for row in rows for e in row.estimates], SMALL))
    labels = max(measure_width(row.label, TEXT) + (INDENT if row.is_inner else 0) for row in rows)
    fixed = sum(counted) + sum(printed) + len(forest.models) * (p + 3 * GAP) + GAP * len(counted) + 2 * EDGE
    label = min(labels, WIDEST_LABEL, WIDTH - fixed - NARROWEST_AXIS * len(forest.models))
    axis = min((WIDTH - fixed - label) / len(forest.models), 3.0)
    x = EDGE + label
    counts, axes, texts, ps = [], [], [], []
    for width in counted:
        x += GAP + width
        counts.append(x)
    for width in printed:
        x += GAP
        axes.append((x + GAP / 2, x + axis - GAP / 2))
        x += axis + GAP
        texts.append(x)
        x += width + GAP + p
        ps.append(x)
    return Columns(label, tuple(counts), tuple(axes), tuple(texts), tuple(ps), _choose_range(forest))


def _wrap_counted(forest: Forest) -> list[str]:
    return [wrap(title, WIDEST_COUNT, SMALL, "bold") for title in forest.counted]


def _choose_range(forest: Forest) -> tuple[float, float]:
    """The axis of every model: all limits, as far as they are not beyond every estimate, and 1 with some room on either side."""
    estimates = [e for row in forest.rows for e in row.estimates if e.ratio]
    ratios = [1.0, *(e.ratio for e in estimates if e.ratio)]
    lowest, highest = min(ratios) / BEYOND, max(ratios) * BEYOND
    lows = [max(e.low, lowest) for e in estimates if e.low is not None]
    highs = [min(e.high, highest) for e in estimates if e.high is not None]
    return min([*lows, *ratios, 0.8]) / 1.06, max([*highs, *ratios, 1.25]) * 1.06


def _number_reasons(forest: Forest) -> dict[str, str]:
    """Every reason once, in order, as the note that is written below: `[1] NE: no events`."""
    found = dict.fromkeys(e.reason for row in forest.rows for e in row.estimates if e.reason)
    return {reason: f"[{i}] {NOT_ESTIMABLE}: {reason}" for i, reason in enumerate(found, start=1)}


def _wrap_label(row: Row, columns: Columns) -> str:
    if not row.estimates:
        return wrap(row.label, columns.axes[0][0] - EDGE - GAP, TEXT, "bold")
    return wrap(row.label, columns.label - (INDENT if row.is_inner else 0), TEXT)


def _measure_row(row: Row, columns: Columns) -> float:
    return measure_height(_wrap_label(row, columns), TEXT) + 0.03


def _break_pages(rows: Sequence[Row], columns: Columns, room: float) -> Iterator[list[Row]]:
    page: list[Row] = []
    for row in rows:
        if page and sum(_measure_row(other, columns) for other in [*page, row]) > room:
            yield page
            page = []
        page.append(row)
    yield page


def _write_header(sheet: Sheet, forest: Forest, columns: Columns, top: float) -> None:
    line = measure_height("x", SMALL)
    titles = _wrap_counted(forest)
    last = top + max(measure_height(text, SMALL) for text in ("x\nx", *titles))
    for x, title in zip(columns.counts, titles, strict=True):
        sheet.write(x, last - measure_height(title, SMALL), title, SMALL, align="right", weight="bold")
    for (start, _), text, p, model in zip(columns.axes, columns.texts, columns.ps, forest.models, strict=True):
        sheet.write(start, last - 2 * line, model, SMALL, weight="bold")
        sheet.write(text, last - line, f"HR ({forest.limits})", SMALL, weight="bold")
        sheet.write(p, last - line, "p", SMALL, align="right", weight="bold")


def _draw_rows(
    sheet: Sheet, forest: Forest, columns: Columns, rows: Sequence[Row], top: float, reasons: dict[str, str]
) -> None:
    height = sum(_measure_row(row, columns) for row in rows)
    panels = [_make_axes(sheet, forest, columns, top, height, model) for model in range(len(forest.models))]
    y = top
    for row in rows:
        label = _wrap_label(row, columns)
        is_heading = not row.estimates
        sheet.write(EDGE + (INDENT if row.is_inner else 0), y, label, weight="bold" if is_heading else "normal")
        for x, count in zip(columns.counts, row.counts, strict=False):
            sheet.write(x, y, count, SMALL, align="right")
        middle = y - top + 0.42 * measure_height("x", TEXT)
        for axes, text, p, estimate in zip(panels, columns.texts, columns.ps, row.estimates, strict=False):
            number = reasons[estimate.reason].split("]")[0] + "]" if estimate.reason else ""
            color = MUTED if estimate.text in (NOT_MADE, REFERENCE) else INK
            sheet.write(text, y, f"{estimate.text} {number}".rstrip(), SMALL, color=color)
            sheet.write(p, y, estimate.p, SMALL, align="right")
            _draw_estimate(axes, estimate, height - middle, forest, columns.limits)
        y += _measure_row(row, columns)


def _make_axes(sheet: Sheet, forest: Forest, columns: Columns, top: float, height: float, model: int) -> Axes:
    start, end = columns.axes[model]
    axes = sheet.add_axes(start, top, end - start, height)
    axes.set_xscale("log")
    axes.set(xlim=columns.limits, ylim=(0, height), yticks=[])
    axes.xaxis.set_major_locator(FixedLocator(choose_ticks(columns.limits, end - start)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(labelsize=SMALL)
    axes.spines["left"].set_visible(False)
    axes.axvline(1, color=MUTED, linewidth=0.8, zorder=0)
    if forest.band:
        axes.axvspan(*forest.band, color=RULE, alpha=0.45, linewidth=0, zorder=-1)
    return axes


def choose_ticks(limits: tuple[float, float], width: float) -> list[float]:
    """The closest of `TICKS` whose numbers inside the limits do not touch; 1 is always among them."""

    def fit(ticks: list[float]) -> bool:
        scale = width / math.log(limits[1] / limits[0])
        half = [measure_width(f"{tick:g}", SMALL) / 2 for tick in ticks]
        gaps = [math.log(b / a) * scale for a, b in itertools.pairwise(ticks)]
        return all(gap > a + b + 0.04 for gap, a, b in zip(gaps, half, half[1:], strict=False))

    for widest, candidates in zip(WIDEST_RANGE, TICKS, strict=True):
        inside = [tick for tick in candidates if limits[0] <= tick <= limits[1]]
        if limits[1] / limits[0] <= widest and fit(inside):
            return inside
    return [1.0]


def _draw_estimate(axes: Axes, estimate: Estimate, y: float, forest: Forest, limits: tuple[float, float]) -> None:
    """The interval and its estimate; an arrow where the axis ends before a limit."""
    ratio, (lowest, highest) = estimate.ratio, limits
    if ratio is None:
        if estimate.text == REFERENCE:
            axes.plot([1], [y], marker="s", markersize=3, markerfacecolor="white", markeredgecolor=MUTED)
        return
    style = _choose_marker(forest, estimate)
    color = style["markeredgecolor"]
    low, high = (value if value is not None else ratio for value in (estimate.low, estimate.high))
    axes.plot([max(low, lowest), min(high, highest)], [y, y], color=color, linewidth=1.1, solid_capstyle="butt")
    axes.plot([ratio], [y], **style)
    for is_cut, end, marker in ((low < lowest, lowest, "<"), (high > highest, highest, ">")):
        if is_cut:
            axes.plot([end], [y], marker=marker, markersize=3.5, color=color, clip_on=False)


def _choose_marker(forest: Forest, estimate: Estimate) -> dict[str, Any]:
    """A diamond for the main estimate, a filled square in colour for a marked one, else a square: empty where others are filled."""
    color = forest.color if estimate.is_marked else INK
    is_empty = forest.legend and not (estimate.is_marked or estimate.is_main)
    return {
        "marker": "D" if estimate.is_main else "s",
        "markersize": 4.3,
        "markerfacecolor": "white" if is_empty else color,
        "markeredgecolor": color,
        "markeredgewidth": 0.9,
    }


def _write_foot(sheet: Sheet, forest: Forest, columns: Columns, top: float, notes: Sequence[str]) -> None:
    """Below the axes: what they are, what either side of 1 speaks for, the legend and the notes."""
    y = bottom = top + 0.07 + measure_height("0", SMALL) + 0.02
    for model, (start, end) in enumerate(columns.axes):
        after = sheet.write((start + end) / 2, y, "Hazard ratio", SMALL, align="center") + 0.01
        at_1 = _find_1(columns, model)
        for side, x, align in ((0, at_1 - 0.05, "right"), (1, at_1 + 0.05, "left")):
            text = _wrap_side(forest, columns, model, side)
            bottom = max(bottom, sheet.write(x, after, text, SMALL, align=align, color=MUTED))
    y = bottom + 0.06
    for text, example in forest.legend:
        sheet.draw_sample(EDGE + 0.04, y, 0.0, SMALL, linestyle="none", **_choose_marker(forest, example))
        y = sheet.write(EDGE + 0.14, y, wrap(text, WIDTH - 2 * EDGE - 0.14, SMALL), SMALL) + 0.02
    for note in notes:
        y = sheet.write(EDGE, y, note, SMALL) + 0.02


def _find_1(columns: Columns, model: int) -> float:
    """Where 1 stands, in inches from the left."""
    (start, end), (low, high) = columns.axes[model], columns.limits
    return start + (end - start) * math.log(1 / low) / math.log(high / low)


def _wrap_side(forest: Forest, columns: Columns, model: int, side: int) -> str:
    """What a side of 1 speaks for, as wide as there is room between the page's edge, or the next model, and 1."""
    at_1, is_last = _find_1(columns, model), model == len(columns.axes) - 1
    start = EDGE if model == 0 else columns.axes[model][0] - BEFORE_AXIS
    end = WIDTH - EDGE if is_last else columns.axes[model + 1][0] - BEFORE_AXIS - GAP
    room = (at_1 - start if side == 0 else end - at_1) - 0.05
    text = f"←\u00a0{forest.sides[0]}" if side == 0 else f"{forest.sides[1]}\u00a0→"
    return wrap(text, room, SMALL)


def describe_forest(forest: Forest) -> Text:
    """What the rows say, for who cannot see them."""
    rows = "; ".join(
        f"{row.label}, {', '.join((*row.counts, *(e.text for e in row.estimates)))}"
        for row in forest.rows
        if row.estimates
    )
    low, high = (f"{end:.2g}" for end in _choose_range(forest))
    counted = ", ".join(forest.counted)
    return Text(
        f"Forest plot. {forest.title}. Of each row {counted} and the hazard ratio ({forest.limits}): {rows}. Horizontal: hazard ratio on "
        f"a logarithmic scale, {low} to {high}.",
        f"森林图。{forest.title}。各行为 {counted} 及风险比（{forest.limits}）：{rows}。横轴：风险比（对数刻度），{low} 至 {high}。",
    )
