"""Swimmer plot (every patient's course) and waterfall plot (best change of the targets), one panel per arm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.sheet import (
    EDGE,
    PANEL_TITLE,
    SMALL,
    TEXT,
    Entry,
    Sheet,
    make_patch_style,
    make_sheet,
    measure_legend,
    measure_room,
    write_legend,
)
from analysis.figures.style import INK, MUTED, RULE, TREATED, WIDTH, Drawing, get_arm_style, join_texts
from analysis.figures.text_size import measure_height, wrap
from analysis.study.cohort_names import COHORT_NAMES, name_cohort
from analysis.study.outcome import StudyOutcome
from analysis.study.spec import StudySpec
from etl.pages.text import Text

BAR, BETWEEN = 0.075, 0.2  # inches: the height of a patient's bar, and what is between two panels
RESPONSE_FILLS = {"CR": INK, "PR": TREATED, "SD": "#c3ced6", "PD": "#e8a33d", "NE": "white"}
PARTIAL_RESPONSE, PROGRESSION = -30.0, 20.0  # per cent: RECIST 1.1
LARGEST_CHANGE = 100.0
MOST_PATIENTS, MOST_BARS = 500, 200  # of both arms: beyond so many no bar of one patient could be seen
RESPONSE_MARK = {
    "marker": "^",
    "markersize": 3.2,
    "markerfacecolor": "white",
    "markeredgecolor": INK,
    "markeredgewidth": 0.7,
}
PROGRESSION_MARK = {
    "marker": "D",
    "markersize": 2.3,
    "markerfacecolor": INK,
    "markeredgecolor": INK,
    "markeredgewidth": 0.4,
}
DEATH_MARK = {"marker": "x", "markersize": 2.8, "markeredgecolor": INK, "markeredgewidth": 0.8}
ALIVE_MARK = {
    "marker": ">",
    "markersize": 2.8,
    "markerfacecolor": MUTED,
    "markeredgecolor": MUTED,
    "markeredgewidth": 0.4,
}


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `swimmer` and `waterfall` where the study describes courses."""
    if spec.courses is None or (spec.fewest_patients is not None and outcome.courses.is_empty()):
        return
    cohort, zh = name_cohort(spec.main_cohort), COHORT_NAMES[spec.main_cohort].zh
    size = choose_size(outcome.courses.height)
    caption = Text(
        f"Course of every patient, {cohort}: time on treatment, first response, first progression and end of follow-up.",
        f"每位患者的治疗与随访过程（{zh}）：治疗时间、首次缓解、首次进展及随访终点。",
    )
    summary = Text(
        f"A bar is {size} patients whose follow-up is about as long: medians; a response or a progression where at least half of them "
        "had one, and how most of them ended.",
        f"每条代表随访时间相近的 {size} 名患者：取中位数；至少半数出现缓解或进展时才标记；结局取多数。",
    )
    swimmer = _plot_swimmer(outcome.courses, spec, size)
    yield Drawing(
        "swimmer", "response", join_texts(caption, summary) if size > 1 else caption, _describe(outcome, spec), swimmer
    )
    caption = Text(
        f"Best change of the sum of target diameters from the baseline up to the first progression, {cohort}. "
        "Dashed: +20 % and -30 %. Bars beyond +100 % are cut.",
        f"至首次进展前靶病灶径线总和较基线的最佳变化（{zh}）。虚线：+20 %与-30 %；超过+100 %者截断。",
    )
    summary = Text(
        f"A bar is {size} patients whose change is about the same: its median, and the response that most of them had.",
        f"每条代表变化相近的 {size} 名患者：取变化的中位数和最多见的疗效。",
    )
    waterfall = _plot_waterfall(outcome.courses, spec, size)
    alt = _describe_changes(outcome, spec)
    yield Drawing("waterfall", "response", join_texts(caption, summary) if size > 1 else caption, alt, waterfall)


def _describe(outcome: StudyOutcome, spec: StudySpec) -> Text:
    """What the swimmer plot shows, for who cannot see it."""
    courses = outcome.courses
    counts = "; ".join(f"{arm.label}: {courses.filter(arm=arm.id).height}" for arm in spec.arms)
    end = float(courses["time"].max() or 0)  # type: ignore[arg-type]
    axis = f"{spec.time_unit}s since {spec.time_origin}, 0 to {end:.0f}"
    return Text(
        f"Swimmer plot, a bar for each course, the longest at the top. Patients: {counts}. Horizontal: {axis}.",
        f"泳道图，每条为一段病程，最长者在上。患者数：{counts}。横轴：{axis}。",
    )


def _describe_changes(outcome: StudyOutcome, spec: StudySpec) -> Text:
    """What the waterfall plot shows, for who cannot see it."""
    frames = {arm.label: outcome.courses.filter(arm=arm.id)["best_change_percent"].drop_nulls() for arm in spec.arms}
    counts = "; ".join(f"{label}: {len(changes)}" for label, changes in frames.items())
    axis = f"{-LARGEST_CHANGE:.0f} to {LARGEST_CHANGE:.0f} %"
    return Text(
        f"Waterfall plot, best change of the target sum, the largest growth at the left. Patients measured: {counts}. Vertical: {axis}.",
        f"瀑布图：靶病灶径线总和的最佳变化，增大最多者在左。测量患者数：{counts}。纵轴：{axis}。",
    )


def choose_size(n: int) -> int:
    """How many patients a bar stands for: each for one up to `MOST_PATIENTS`, beyond them as many as leave `MOST_BARS`."""
    return 1 if n <= MOST_PATIENTS else -(-n // MOST_BARS)


def summarise(courses: pl.DataFrame, size: int) -> pl.DataFrame:
    """One row for every `size` patients who follow each other, as the captions say: medians, and what most of them had."""
    if size == 1:
        return courses

    def take_median(column: str) -> pl.Expr:
        return pl.when(2 * pl.col(column).count() >= pl.len()).then(pl.col(column).median()).alias(column)

    in_order = pl.col("best_response").fill_null("NE").cast(pl.Enum(list(RESPONSE_FILLS)))
    return courses.group_by(pl.int_range(pl.len()) // size, maintain_order=True).agg(
        pl.col("time", "best_change_percent").median(),
        pl.col("treatment_time").fill_null(0).median(),
        pl.col("event").mean() >= 0.5,
        take_median("response_time"),
        take_median("progression_time"),
        in_order.mode().min(),
    )


def _tell_size(size: int) -> str:
    return f", {size} to a bar" if size > 1 else ""


@dataclass(frozen=True)
class Frame:
    """A sheet with two panels beside each other below their titles and a legend: axes, and what stands left of them."""

    sheet: Sheet
    panels: tuple[Axes, ...]


def _make_frame(
    spec: StudySpec, titles: Sequence[str], entries: Sequence[Entry], height: float, left: float, below: str
) -> Frame:
    """Lay out legend, titles and axes of that height; `below` is written below each of them."""
    width = (WIDTH - 2 * EDGE - left - BETWEEN * (len(titles) - 1) - 0.05) / len(titles)
    wrapped = [wrap(title, width, PANEL_TITLE, "bold") for title in titles]
    xlabel = wrap(below, width, TEXT)
    titled = max(measure_height(title, PANEL_TITLE) for title in wrapped) + 0.05
    legend = measure_legend([label for label, _ in entries], WIDTH - 2 * EDGE) + 0.08
    foot = (0.32 if below else 0.1) + measure_height(xlabel, TEXT)
    room = min(height, measure_room() - legend - titled - foot)
    sheet, top = make_sheet(legend + titled + room + foot)
    write_legend(sheet, EDGE, top, WIDTH - 2 * EDGE, entries)
    panels = []
    for column, title in enumerate(wrapped):
        x = EDGE + left + column * (width + BETWEEN)
        sheet.write(x, top + legend, title, PANEL_TITLE, weight="bold")
        panels.append(sheet.add_axes(x, top + legend + titled, width, room))
        sheet.write(x + width / 2, top + legend + titled + room + 0.25, xlabel, align="center")
        panels[-1].tick_params(labelsize=SMALL)
    return Frame(sheet, tuple(panels))


def _plot_swimmer(courses: pl.DataFrame, spec: StudySpec, size: int) -> Figure:
    bars = {arm.id: summarise(courses.filter(arm=arm.id), size) for arm in spec.arms}
    largest = max(1, *(frame.height for frame in bars.values()))
    titles = [
        f"{letter}  {arm.label}, n = {courses.filter(arm=arm.id).height}{_tell_size(size)}"
        for letter, arm in zip(ascii_uppercase, spec.arms, strict=False)
    ]
    below = f"{spec.time_unit.capitalize()}s since {spec.time_origin}"
    frame = _make_frame(spec, titles, _list_marks(spec), 0.1 + BAR * largest, 0.05, below)
    end = float(courses["time"].max() or 1)  # type: ignore[arg-type]
    for arm, axes in zip(spec.arms, frame.panels, strict=True):
        _draw_bars(axes, bars[arm.id], largest, get_arm_style(spec, arm.id)["color"])
        axes.set(xlim=(0, end), ylim=(-1, largest), yticks=[])
        axes.spines["left"].set_visible(False)
    return frame.sheet.figure


def _draw_bars(axes: Axes, own: pl.DataFrame, largest: int, color: str) -> None:
    """The longest course at the top, in both arms."""
    places = largest - 1 - np.arange(own.height)
    time = own["time"].to_numpy()
    axes.barh(places, time, height=0.72, color=RULE, linewidth=0)
    treated = own["treatment_time"].fill_null(0).to_numpy()
    axes.barh(places, treated, height=0.72, color=color, linewidth=0, alpha=0.75)
    event = own["event"].to_numpy()
    for times, mark in (
        (own["response_time"].to_numpy(), RESPONSE_MARK),
        (own["progression_time"].to_numpy(), PROGRESSION_MARK),
        (np.where(event, time, np.nan), DEATH_MARK),
        (np.where(event, np.nan, time), ALIVE_MARK),
    ):
        axes.plot(times, places, linestyle="none", clip_on=False, **mark)


def _list_marks(spec: StudySpec) -> list[Entry]:
    """The legend of the swimmer plot."""
    colors = [get_arm_style(spec, arm.id)["color"] for arm in spec.arms]
    return [
        *((f"treated, {arm.label}", make_patch_style(color, alpha=0.75)) for color, arm in zip(colors, spec.arms, strict=True)),
        ("followed", make_patch_style(RULE)),
        *(
            (label, {"linestyle": "none", **mark})
            for label, mark in (
                ("first response (CR, PR)", RESPONSE_MARK), ("first progression", PROGRESSION_MARK),
                ("death", DEATH_MARK), ("alive at last contact", ALIVE_MARK),
            )
        ),
    ]  # fmt: skip


def _plot_waterfall(courses: pl.DataFrame, spec: StudySpec, size: int) -> Figure:
    everybody = [courses.filter(arm=arm.id) for arm in spec.arms]
    measured = [
        frame.drop_nulls("best_change_percent").sort(
            "best_change_percent", "best_response", descending=[True, False], maintain_order=True
        )
        for frame in everybody
    ]
    whom = "patients measured" if size == 1 else f"measured{_tell_size(size)}"
    titles = [
        f"{letter}  {arm.label}: {own.height} of {frame.height} {whom}"
        for letter, arm, own, frame in zip(ascii_uppercase, spec.arms, measured, everybody, strict=False)
    ]
    entries = [
        (f"best response {name}", make_patch_style(fill, markeredgecolor=INK)) for name, fill in RESPONSE_FILLS.items()
    ]
    frame = _make_frame(spec, titles, entries, 2.5, 0.5, "")
    for column, (own, axes) in enumerate(zip(measured, frame.panels, strict=True)):
        _draw_changes(axes, summarise(own, size))
        axes.tick_params(labelleft=column == 0)
    frame.panels[0].set_ylabel("Best change of the target sum (%)", fontsize=TEXT)
    return frame.sheet.figure


def _draw_changes(axes: Axes, own: pl.DataFrame) -> None:
    """A bar for each change, in the fill of its response, with the limits of RECIST."""
    height = own["best_change_percent"].clip(upper_bound=LARGEST_CHANGE).to_numpy()
    fills = [RESPONSE_FILLS[response] for response in own["best_response"]]
    axes.bar(np.arange(own.height), height, width=0.86, color=fills, edgecolor=INK, linewidth=0.25)
    axes.axhline(0, color=INK, linewidth=0.8)
    for limit in (PROGRESSION, PARTIAL_RESPONSE):
        axes.axhline(limit, color=MUTED, linestyle=(0, (4, 2)), linewidth=0.8)
    axes.set(xticks=[], ylim=(-LARGEST_CHANGE, LARGEST_CHANGE), xlim=(-1, max(own.height, 1)))
    axes.spines["bottom"].set_visible(False)
