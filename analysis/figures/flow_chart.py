"""Flow chart: who was removed at which step, who was analysed, who was matched."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from analysis.figures.style import INK, MUTED, WIDTH, Drawing, get_arm_style, hide_frame, make_figure
from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.numbers import format_number, prettify
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key, Results
from analysis.study.spec import StudySpec
from etl.pages.text import Text

LINE = 0.185  # inches per line of the list of exclusions
SPINE, LIST_LEFT = 1.1, 2.4  # inches: the middle of the boxes, the left of the list
BOX_WIDTH, BOX_HEIGHT = 1.9, 0.5
STEP = 0.95  # inches from the middle of one box to the next


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `flow_chart` where the study removes anybody by a criterion."""
    results = outcome.results
    if not spec.population.eligible_only:
        return
    steps = _list_steps(results)
    list_height = (len(steps) + 1.6) * LINE
    below = STEP * ((1 if spec.arms else 0) + (1 if spec.matching else 0))
    height = 0.8 + BOX_HEIGHT + list_height + 0.5 + BOX_HEIGHT / 2 + below - 0.2
    figure = make_figure(height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    hide_frame(axes)
    top = height - 0.5 - BOX_HEIGHT / 2
    list_top = top - BOX_HEIGHT / 2 - 0.12
    analysed = list_top - list_height - 0.12 - BOX_HEIGHT / 2
    start = _count(results, Key(analysis="flow", variable=steps[0][0]), "n_before")
    end = _count(results, Key(analysis="flow", variable="analysed"))
    _draw_arrow(axes, (SPINE, top - BOX_HEIGHT / 2), (SPINE, analysed + BOX_HEIGHT / 2))
    _draw_box(axes, SPINE, top, f"Patients in the registry\nn = {start}")
    _draw_arrow(axes, (SPINE, list_top - list_height / 2), (LIST_LEFT, list_top - list_height / 2))
    _draw_list(axes, results, steps, list_top, list_height)
    if spec.arms:
        _draw_arms(axes, results, spec, analysed)
    _draw_box(axes, SPINE, analysed, f"Analysed\nn = {end}")
    yield Drawing("flow_chart", "patients", Text("Flow chart of the study.", "研究流程图。"), figure)


def _list_steps(results: Results) -> list[tuple[str, str]]:
    """Id and label of every step, in order."""
    rows = results.select(analysis="flow", hospital=None, statistic="n_removed")
    return list(rows.select("variable", "method").iter_rows())


def _count(results: Results, key: Key, statistic: str = "n") -> str:
    """Patients, as printed."""
    return format_number(results.value(key, statistic), "count")


def _draw_list(axes: Axes, results: Results, steps: list[tuple[str, str]], top: float, height: float) -> None:
    """The steps in order: what was asked for, how many it removed, how many were left."""
    right = WIDTH - 0.15
    axes.add_patch(Rectangle((LIST_LEFT, top - height), right - LIST_LEFT, height, facecolor="white", edgecolor=INK))
    columns = (right - 0.6, right - 0.12)
    y = top - 0.75 * LINE
    axes.text(LIST_LEFT + 0.12, y, "Criterion, in this order", va="center", weight="bold", fontsize=6.5)
    for x, title in zip(columns, ("Removed", "Left"), strict=True):
        axes.text(x, y, title, va="center", ha="right", weight="bold", fontsize=6.5)
    for position, (name, label) in enumerate(steps):
        y = top - (position + 1.8) * LINE
        step = Key(analysis="flow", variable=name)
        color = INK if results.value(step, "n_removed") else MUTED
        axes.text(LIST_LEFT + 0.12, y, prettify(label), va="center", fontsize=6.5, color=color)
        for x, statistic in zip(columns, ("n_removed", "n_after"), strict=True):
            axes.text(x, y, _count(results, step, statistic), va="center", ha="right", fontsize=6.5, color=color)


def _draw_arms(axes: Axes, results: Results, spec: StudySpec, analysed: float) -> None:
    """One column of boxes per arm, below the analysed: all of them, then the matched."""
    middles = (SPINE, SPINE + BOX_WIDTH + 0.5)
    y = analysed - STEP
    fork = analysed - STEP / 2
    axes.plot([SPINE, SPINE], [analysed - BOX_HEIGHT / 2, fork], color=INK, linewidth=0.9)
    axes.plot(middles, [fork, fork], color=INK, linewidth=0.9)
    for x, arm in zip(middles, spec.arms, strict=True):
        color = get_arm_style(spec, arm.id)["color"]
        n = _count(results, Key(analysis="flow", arm=arm.id, variable="analysed"))
        _draw_arrow(axes, (x, fork), (x, y + BOX_HEIGHT / 2))
        if spec.matching:
            _draw_matched(axes, results, arm.id, x, y)
        _draw_box(axes, x, y, f"{arm.label}\nn = {n}", color)
    if spec.matching:
        matched = Key(analysis="table1", cohort=MATCHED, variable="patients")
        for x, arm in zip(middles, spec.arms, strict=True):
            color = get_arm_style(spec, arm.id)["color"]
            _draw_box(
                axes,
                x,
                y - STEP,
                f"{arm.label}, matched 1:{spec.matching.ratio}\nn = {_count(results, matched.of(arm=arm.id))}",
                color,
            )


def _draw_matched(axes: Axes, results: Results, arm: str, x: float, y: float) -> None:
    """From an arm to its matched patients, with those who found no partner beside the way."""
    unmatched = _count(results, Key(analysis="matching", cohort=ALL, arm=arm, variable="unmatched"))
    _draw_arrow(axes, (x, y - BOX_HEIGHT / 2), (x, y - STEP + BOX_HEIGHT / 2))
    axes.text(x + 0.1, y - STEP / 2, f"no partner: {unmatched}", va="center", fontsize=6.5)


def _draw_box(axes: Axes, x: float, y: float, text: str, color: str = INK) -> None:
    corner = (x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2)
    axes.add_patch(
        Rectangle(corner, BOX_WIDTH, BOX_HEIGHT, facecolor="white", edgecolor=color, linewidth=1.2, zorder=2)
    )
    axes.text(x, y, text, ha="center", va="center", linespacing=1.45, zorder=3)


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.9,
                                                        "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9})  # fmt: skip
