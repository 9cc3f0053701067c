"""Flow chart: who was removed at which step, who was analysed, who was matched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from analysis.figures.sheet import EDGE, SMALL, TEXT, Sheet, make_sheet
from analysis.figures.style import INK, MUTED, WIDTH, Drawing, get_arm_style, hide_frame
from analysis.figures.text_size import measure_height, wrap
from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.flow_steps import NOT_COMPARED
from analysis.study.numbers import prettify
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key, Results
from analysis.study.spec import StudySpec
from etl.pages.text import Text

SPINE, LIST_LEFT = 1.1, 2.4  # inches: the middle of the boxes, the left of the list
WIDEST_BOX, BETWEEN = 1.9, 0.45  # inches: of a box, and of the way from one to the next
INSIDE, ROW = 0.09, 0.06  # inches: from the edge of a box to its text, and between two rows of the list
COLUMN = 0.62  # inches of a column of numbers


@dataclass(frozen=True)
class Step:
    """A row of the list of criteria: its label in lines, and its numbers as printed."""

    label: str
    removed: str
    left: str

    @property
    def height(self) -> float:
        """Inches of its row."""
        return measure_height(self.label, SMALL) + ROW


@dataclass(frozen=True)
class Box:
    """A box, its text in lines, and its colour."""

    text: str
    color: str = INK

    @property
    def height(self) -> float:
        """Inches that it needs."""
        return measure_height(self.text, TEXT) * BOX_SPACING + 2 * INSIDE


BOX_SPACING = 1.06


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `flow_chart` where the study removes anybody by a criterion."""
    results = outcome.results
    if not spec.population.eligible_only:
        return
    steps = _list_steps(results)
    rows = _list_boxes(results, spec)
    start = Box(f"Patients in the registry\nn = {_count_start(results)}")
    end = Box(f"Analysed\nn = {_count(results, Key(analysis='flow', variable='analysed'))}")
    list_height = sum(step.height for step in steps) + measure_height("x", SMALL) + 2 * ROW
    heights = [max(box.height for box in row) for row in rows]
    height = start.height + end.height + list_height + 0.24 + sum(heights) + BETWEEN * len(rows) + EDGE
    sheet, top = make_sheet(height)
    axes = sheet.figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(sheet.height, 0))
    hide_frame(axes)
    list_top = top + start.height + 0.12
    analysed = list_top + list_height + 0.12
    _draw_arrow(axes, (SPINE, top + start.height), (SPINE, analysed))
    _draw_box(axes, SPINE, top, start, WIDEST_BOX, start.height)
    _draw_arrow(axes, (SPINE, list_top + list_height / 2), (LIST_LEFT, list_top + list_height / 2))
    _draw_list(sheet, axes, steps, list_top, list_height)
    _draw_box(axes, SPINE, analysed, end, WIDEST_BOX, end.height)
    if rows:
        _draw_arms(axes, results, spec, rows, heights, analysed + end.height)
    alt = _describe(steps, [start, end, *(box for row in rows for box in row)])
    yield Drawing("flow_chart", "patients", _write_caption(results), alt, sheet.figure)


def _write_caption(results: Results) -> Text:
    """Return what the chart shows, with those who may be in it twice."""
    uncompared = Key(analysis="flow", variable=NOT_COMPARED)
    if not results.find(uncompared, "n"):
        return Text("Flow chart of the study.", "研究流程图。")
    n = _count(results, uncompared)
    return Text(
        f"Flow chart of the study. Of those analysed {n} were not compared between hospitals.",
        f"研究流程图。纳入分析者中有 {n} 名未在医院之间比对。",
    )


def _describe(steps: list[Step], boxes: list[Box]) -> Text:
    """Every number of the chart, for who cannot see it."""
    said = "; ".join(" ".join(box.text.split("\n")) for box in boxes)
    removed = "; ".join(f"{' '.join(step.label.split(chr(10)))}: {step.removed}" for step in steps)
    return Text(f"Flow chart. {said}. Removed: {removed}.", f"流程图。{said}。排除：{removed}。")


def _list_steps(results: Results) -> list[Step]:
    """Every criterion in order: how many it removed, how many were left."""
    rows = results.select(analysis="flow", hospital=None, statistic="n_removed")
    width = WIDTH - 0.15 - LIST_LEFT - 2 * COLUMN - 0.3
    return [
        Step(
            wrap(prettify(label), width, SMALL),
            *(
                _count(results, Key(analysis="flow", variable=name), statistic)
                for statistic in ("n_removed", "n_after")
            ),
        )
        for name, label in rows.select("variable", "method").iter_rows()
    ]


def _count_start(results: Results) -> str:
    first = results.select(analysis="flow", hospital=None, statistic="n_before")["variable"][0]
    return _count(results, Key(analysis="flow", variable=first), "n_before")


def _list_boxes(results: Results, spec: StudySpec) -> list[list[Box]]:
    """The rows of boxes below those analysed, one box for each arm: all of them, then the matched."""
    width = _choose_places(spec)[1] - 2 * INSIDE if spec.arms else 0
    rows = []
    if spec.arms:
        rows.append([(arm, arm.label, Key(analysis="flow", arm=arm.id, variable="analysed")) for arm in spec.arms])
    if spec.matching:
        matched = Key(analysis="table1", cohort=MATCHED, variable="patients")
        ratio = spec.matching.ratio
        rows.append([(arm, f"{arm.label}, matched 1:{ratio}", matched.of(arm=arm.id)) for arm in spec.arms])
    return [
        [
            Box(f"{wrap(text, width, TEXT)}\nn = {_count(results, key)}", get_arm_style(spec, arm.id)["color"])
            for arm, text, key in row
        ]
        for row in rows
    ]


def _choose_places(spec: StudySpec) -> tuple[list[float], float]:
    """Middles of the boxes of the arms, the first below those analysed as far as there is room, and their width."""
    n = len(spec.arms)
    width = min(WIDEST_BOX, (WIDTH - 2 * EDGE - 0.15 * (n - 1)) / n)
    first = EDGE + width / 2
    spacing = min(WIDEST_BOX + 0.5, (WIDTH - 2 * EDGE - width) / max(1, n - 1))
    return [max(SPINE, first) if n < 4 else first, *(first + i * spacing for i in range(1, n))], width


def _count(results: Results, key: Key, statistic: str = "n") -> str:
    """Patients, as printed."""
    return results.print(key, statistic, "count")


def _draw_list(sheet: Sheet, axes: Axes, steps: list[Step], top: float, height: float) -> None:
    """The steps in order: what was asked for, how many it removed, how many were left."""
    right = WIDTH - 0.15
    axes.add_patch(Rectangle((LIST_LEFT, top), right - LIST_LEFT, height, facecolor="white", edgecolor=INK))
    columns = (right - 0.12 - COLUMN, right - 0.12)
    y = top + ROW
    sheet.write(LIST_LEFT + 0.12, y, "Criterion, in this order", SMALL, weight="bold")
    for x, title in zip(columns, ("Removed", "Left"), strict=True):
        sheet.write(x, y, title, SMALL, align="right", weight="bold")
    y += measure_height("x", SMALL) + ROW
    for step in steps:
        color = MUTED if step.removed == "0" else INK
        sheet.write(LIST_LEFT + 0.12, y, step.label, SMALL, color=color)
        for x, number in zip(columns, (step.removed, step.left), strict=True):
            sheet.write(x, y, number, SMALL, align="right", color=color)
        y += step.height


def _draw_arms(
    axes: Axes, results: Results, spec: StudySpec, rows: list[list[Box]], heights: list[float], top: float
) -> None:
    """The boxes of each arm below each other, with those who found no partner beside the way."""
    middles, width = _choose_places(spec)
    fork, y = top + BETWEEN / 2, top + BETWEEN
    axes.plot([SPINE, SPINE], [top, fork], color=INK, linewidth=0.9)
    axes.plot([min(SPINE, *middles), max(SPINE, *middles)], [fork, fork], color=INK, linewidth=0.9)
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        for x, arm, box in zip(middles, spec.arms, row, strict=True):
            _draw_arrow(axes, (x, fork if number == 0 else y - BETWEEN), (x, y))
            _draw_box(axes, x, y, box, width, height)
            if number:
                unmatched = Key(analysis="matching", cohort=ALL, arm=arm.id, variable="unmatched")
                text = f"no partner: {_count(results, unmatched)}"
                axes.text(x + 0.1, y - BETWEEN / 2, text, va="center", fontsize=SMALL)
        y += height + BETWEEN


def _draw_box(axes: Axes, x: float, top: float, box: Box, width: float, height: float) -> None:
    corner = (x - width / 2, top)
    axes.add_patch(Rectangle(corner, width, height, facecolor="white", edgecolor=box.color, linewidth=1.2, zorder=2))
    axes.text(x, top + height / 2, box.text, ha="center", va="center", linespacing=1.35, fontsize=TEXT, zorder=3)


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.9,
                                                        "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9})  # fmt: skip
