"""Swimmer plot (every patient's course) and waterfall plot (best change of the targets), one panel per arm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.style import HIGHEST, INK, MUTED, RULE, TREATED, Drawing, get_arm_style, make_figure
from analysis.study.cohort_names import COHORT_NAMES, name_cohort
from analysis.study.outcome import StudyOutcome
from analysis.study.spec import StudySpec
from etl.pages.text import Text

BAR, MARGINS = 0.075, 1.05  # inches: the height of a patient's bar, and of what is above and below the bars
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
    if spec.courses is None:
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
    yield Drawing("swimmer", "response", _join(caption, summary) if size > 1 else caption, swimmer)
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
    yield Drawing("waterfall", "response", _join(caption, summary) if size > 1 else caption, waterfall)


def _join(first: Text, second: Text) -> Text:
    return Text(f"{first.en} {second.en}", f"{first.zh}{second.zh}")


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


def _plot_swimmer(courses: pl.DataFrame, spec: StudySpec, size: int) -> Figure:
    bars = {arm.id: summarise(courses.filter(arm=arm.id), size) for arm in spec.arms}
    largest = max(frame.height for frame in bars.values())
    height = min(MARGINS + BAR * largest, HIGHEST)
    figure = make_figure(height)
    panels = figure.subplots(1, len(spec.arms), sharex=True)
    for letter, arm, axes in zip("AB", spec.arms, panels, strict=True):
        _draw_bars(axes, bars[arm.id], largest, get_arm_style(spec, arm.id)["color"])
        axes.set_title(f"{letter}  {arm.label}, n = {courses.filter(arm=arm.id).height}{_tell_size(size)}")
        axes.set(ylim=(-1, largest), xlabel=f"{spec.time_unit.capitalize()}s since {spec.time_origin}", yticks=[])
        axes.spines["left"].set_visible(False)
    panels[0].set_xlim(0, float(courses["time"].max()) * 1.03)  # type: ignore[arg-type]
    _explain_marks(figure, spec)
    figure.subplots_adjust(left=0.02, right=0.985, top=1 - 0.62 / height, bottom=0.42 / height, wspace=0.05)
    return figure


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


def _explain_marks(figure: Figure, spec: StudySpec) -> None:
    colors = [get_arm_style(spec, arm.id)["color"] for arm in spec.arms]
    handles = [
        *(Patch(color=color, alpha=0.75, label=f"treated, {arm.label}") for color, arm in zip(colors, spec.arms, strict=True)),
        Patch(color=RULE, label="followed"),
        *(
            Line2D([], [], linestyle="none", label=label, **mark)
            for label, mark in (
                ("first response (CR, PR)", RESPONSE_MARK), ("first progression", PROGRESSION_MARK),
                ("death", DEATH_MARK), ("alive at last contact", ALIVE_MARK),
            )
        ),
    ]  # fmt: skip
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.01, 1.0), ncols=4, columnspacing=1.4, handlelength=1.4
    )


def _plot_waterfall(courses: pl.DataFrame, spec: StudySpec, size: int) -> Figure:
    figure = make_figure(3.3)
    panels = figure.subplots(1, len(spec.arms), sharey=True)
    for letter, arm, axes in zip("AB", spec.arms, panels, strict=True):
        everybody = courses.filter(arm=arm.id)
        measured = everybody.drop_nulls("best_change_percent").sort(
            "best_change_percent", "best_response", descending=[True, False], maintain_order=True
        )
        own = summarise(measured, size)
        height = own["best_change_percent"].clip(upper_bound=LARGEST_CHANGE).to_numpy()
        fills = [RESPONSE_FILLS[response] for response in own["best_response"]]
        axes.bar(np.arange(own.height), height, width=0.86, color=fills, edgecolor=INK, linewidth=0.25)
        axes.axhline(0, color=INK, linewidth=0.8)
        for limit in (PROGRESSION, PARTIAL_RESPONSE):
            axes.axhline(limit, color=MUTED, linestyle=(0, (4, 2)), linewidth=0.8)
        whom = "patients measured" if size == 1 else f"measured{_tell_size(size)}"
        axes.set_title(f"{letter}  {arm.label}: {measured.height} of {everybody.height} {whom}")
        axes.set(xticks=[], ylim=(-LARGEST_CHANGE, LARGEST_CHANGE), xlim=(-1, max(own.height, 1)))
        axes.spines["bottom"].set_visible(False)
    panels[0].set_ylabel("Best change of the target sum (%)")
    handles = [Patch(facecolor=fill, edgecolor=INK, linewidth=0.4, label=name) for name, fill in RESPONSE_FILLS.items()]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.1, 1.0), ncols=5, handlelength=1.2)
    figure.text(0.012, 0.962, "Best response", va="center", fontsize=6.5)
    figure.subplots_adjust(left=0.075, right=0.985, top=0.83, bottom=0.04, wspace=0.05)
    return figure
