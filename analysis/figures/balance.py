"""Balance of the arms: standardised mean differences (love plot) and the overlap of the propensity score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.figures.sheet import (
    EDGE,
    PANEL_TITLE,
    SMALL,
    TEXT,
    Entry,
    make_patch_style,
    make_sheet,
    measure_legend,
    measure_room,
    name_page,
    write_legend,
)
from analysis.figures.style import INK, MUTED, RULE, TREATED, WIDTH, Drawing, get_arm_style
from analysis.figures.text_size import measure_height, measure_widest, wrap
from analysis.study.cohort_names import ALL, COHORT_NAMES, MATCHED
from analysis.study.numbers import NOT_ESTIMABLE, prettify
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key, Results
from analysis.study.spec import StudySpec
from etl.pages.text import Text

WIDEST_LABEL = 2.6  # inches
BALANCED = 0.1


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `love_plot` where the study matches or weights, and `propensity_overlap` where it matches."""
    results = outcome.results
    if spec.main_cohort != ALL:
        yield from _plot_love(results, spec)
    if spec.matching and not _is_overlap_hidden(results):
        caption = Text("Distribution of the propensity score by arm.", "两组倾向评分的分布。")
        alt = Text(
            f"Histograms of the propensity score in the whole and in the matched cohort: {spec.treated.label} above the line, "
            f"{spec.control.label} below it. Horizontal: score, 0 to 1. Vertical: patients.",
            f"全队列与匹配队列倾向评分直方图：线上为 {spec.treated.label}，线下为 {spec.control.label}。横轴：评分 0–1；纵轴：患者数。",
        )
        yield Drawing("propensity_overlap", "matching", caption, alt, _plot_overlap(results, spec))


def _is_overlap_hidden(results: Results) -> bool:
    """Whether some bin may not be shown: then none is, and there is no figure."""
    scores = results.select(analysis="propensity", variable="score")
    return results.is_protected and bool(scores["value"].is_null().any())


@dataclass(frozen=True)
class Difference:
    """A row of the love plot: absolute standardised differences of a level in the whole cohort and in the one made of it."""

    label: str
    whole: float
    made: float | None


def _plot_love(results: Results, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `love_plot`, and `love_plot_2` and so on where the page is full: the largest difference before at the top."""
    made = COHORT_NAMES[spec.main_cohort]
    caption = Text(
        f"Standardised mean differences in the whole and in the {made.en.lower()}, ordered by the whole cohort. Dashed: {BALANCED}.",
        f"全队列与{made.zh}的标准化均数差，按全队列排序。虚线：{BALANCED}。",
    )
    rows = sorted(_list_differences(results, spec), key=lambda row: -row.whole)
    if not rows:
        return
    said = "; ".join(f"{row.label} {row.whole:.2f}, {_print(row.made)}" for row in rows)
    axis = f"Horizontal: absolute standardised mean difference, 0 to {_find_end(rows):.2g}."
    alt = Text(
        f"Love plot: absolute standardised mean differences before and after, {said}. {axis}",
        f"Love图：匹配或加权前后的绝对标准化均数差，{said}。{axis}",
    )
    widths = [measure_widest([row.label for row in rows], TEXT), WIDEST_LABEL]
    labels = {row.label: wrap(row.label, min(widths), TEXT) for row in rows}
    for number, page in enumerate(_break_pages(rows, labels), start=1):
        yield Drawing(
            name_page("love_plot", number), "matching", caption, alt, _plot_page(page, labels, spec, _find_end(rows))
        )


def _list_differences(results: Results, spec: StudySpec) -> Iterator[Difference]:
    """Yield every level of every characteristic: of two, the second says it all."""
    covariates = spec.get_score_covariates(spec.main_cohort)
    for item in spec.characteristics:
        levels: tuple[str | None, ...] = (None,) if item.is_number else item.list_levels()
        for level in levels[1:] if len(levels) == 2 else levels:
            whole = _find_smd(results, ALL, item.id, level)
            if whole is None:
                continue
            label = prettify(f"{item.label}: {level}" if level else item.label)
            mark = "" if item.id in covariates else " †"
            yield Difference(label + mark, whole, _find_smd(results, spec.main_cohort, item.id, level))


def _print(value: float | None) -> str:
    return NOT_ESTIMABLE if value is None else f"{value:.2f}"


def _find_end(rows: Sequence[Difference]) -> float:
    """Where the axis ends: behind the largest difference, and behind the line of balance."""
    return 1.04 * max([BALANCED * 1.2, *(max(row.whole, row.made or 0) for row in rows)])


def _break_pages(rows: Sequence[Difference], labels: dict[str, str]) -> Iterator[list[Difference]]:
    page: list[Difference] = []
    for row in rows:
        if page and sum(_measure_row(labels[other.label]) for other in [*page, row]) > measure_room() - 1.2:
            yield page
            page = []
        page.append(row)
    yield page


def _measure_row(label: str) -> float:
    return measure_height(label, TEXT) + 0.055


def _plot_page(rows: Sequence[Difference], labels: dict[str, str], spec: StudySpec, end: float) -> Figure:
    """The rows of a page; a line joins what a characteristic was before with what it is after."""
    height = sum(_measure_row(labels[row.label]) for row in rows)
    left = EDGE + measure_widest(list(labels.values()), TEXT) + 0.1
    width = WIDTH - EDGE - 0.1 - left
    whole, made = COHORT_NAMES[ALL].en, COHORT_NAMES[spec.main_cohort].en
    style: dict[str, Any] = {"linestyle": "none", "markersize": 5.5, "zorder": 3}
    before: dict[str, Any] = style | {"marker": "o", "markerfacecolor": "white", "markeredgecolor": INK}
    after: dict[str, Any] = style | {"marker": "D", "markerfacecolor": TREATED, "markeredgecolor": TREATED}
    xlabel = wrap("Absolute standardised mean difference († not in the propensity score)", width, TEXT)
    sheet, top = make_sheet(height + 0.62 + measure_height(xlabel, TEXT))
    top = write_legend(sheet, left, top, width, [(whole, before), (made, after)]) + 0.08
    axes = sheet.add_axes(left, top, width, height)
    y = height
    for row in rows:
        place = y - measure_height("x", TEXT) * 0.42 - 0.02
        sheet.write(left - 0.1, top + height - y + 0.02, labels[row.label], align="right")
        axes.axhline(place, color=RULE, linewidth=0.4, alpha=0.6, zorder=0)
        if row.made is not None:
            axes.plot([row.whole, row.made], [place, place], color=RULE, linewidth=1.4, zorder=1)
            axes.plot([row.made], [place], clip_on=False, **after)
        axes.plot([row.whole], [place], clip_on=False, **before)
        y -= _measure_row(labels[row.label])
    axes.axvline(BALANCED, color=MUTED, linestyle=(0, (4, 2)), linewidth=0.9, zorder=0)
    axes.set(xlim=(0, end), ylim=(0, height), yticks=[])
    axes.spines["left"].set_position(("outward", 5))
    axes.tick_params(labelsize=SMALL)
    sheet.write(left + width / 2, top + height + 0.26, xlabel, align="center")
    return sheet.figure


def _find_smd(results: Results, cohort: str, name: str, level: str | None) -> float | None:
    key = Key(analysis="balance", cohort=cohort, variable=name, level=level)
    smd = results.value(key, "smd") if results.has(key, "smd") else None
    return None if smd is None else abs(smd)


def _plot_overlap(results: Results, spec: StudySpec) -> Figure:
    """Two histograms beside each other, at one scale."""
    left, between = EDGE + 0.55, 0.2
    width = (WIDTH - left - EDGE - 0.1 - between) / 2
    entries: list[Entry] = [
        (f"{arm.label} ({side})", make_patch_style(get_arm_style(spec, arm.id)["color"]))
        for arm, side in ((spec.treated, "above"), (spec.control, "below"))
    ]
    labels = [label for label, _ in entries]
    xlabel = wrap(f"Propensity score (probability of {spec.treated.label})", width, TEXT)
    legend = measure_legend(labels, WIDTH - 2 * EDGE)
    sheet, top = make_sheet(legend + 0.3 + 1.9 + 0.5 + measure_height(xlabel, TEXT))
    top = write_legend(sheet, EDGE, top, WIDTH - 2 * EDGE, entries) + 0.08
    panels = []
    for column, (letter, cohort) in enumerate(zip("AB", (ALL, MATCHED), strict=True)):
        x = left + column * (width + between)
        sheet.write(x, top, f"{letter}  {COHORT_NAMES[cohort].en}", PANEL_TITLE, weight="bold")
        axes = sheet.add_axes(x, top + 0.22, width, 1.9)
        _plot_scores(axes, results, spec, cohort)
        sheet.write(x + width / 2, top + 0.22 + 1.9 + 0.25, xlabel, align="center")
        panels.append(axes)
    limit = 1.08 * max(abs(value) for axes in panels for value in axes.get_ylim())
    for axes in panels:
        axes.set_ylim(-limit, limit)
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        axes.tick_params(labelsize=SMALL, labelleft=axes is panels[0])
    panels[0].set_ylabel("Patients", fontsize=TEXT)
    return sheet.figure


def _plot_scores(axes: Axes, results: Results, spec: StudySpec, cohort: str) -> None:
    """Histogram of the treated above the line, of the controls below it."""
    for arm in (spec.treated, spec.control):
        rows = results.select(analysis="propensity", cohort=cohort, arm=arm.id, variable="score")
        lows = rows["level"].cast(pl.Float64).to_numpy()
        sign = 1 if arm.role == "treated" else -1
        color = get_arm_style(spec, arm.id)["color"]
        axes.bar(lows, sign * rows["value"].to_numpy(), width=lows[1] - lows[0], align="edge", color=color, alpha=0.8,
                 hatch=None if sign > 0 else "////", edgecolor="white", linewidth=0.5)  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlim(0, 1)
