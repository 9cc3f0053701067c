"""A figure laid out in inches from its upper left corner, as its measured texts ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.style import HIGHEST, MARK_HEIGHT, MARK_WIDTH, WIDTH, make_figure
from analysis.figures.text_size import LINE_SPACING, measure_height, measure_width, wrap

EDGE = 0.1
"""Left free at every edge of the page."""
TEXT, SMALL, TITLE, PANEL_TITLE = 7.0, 6.5, 8.0, 7.5
"""Points: of text, of numbers and lists, of the titles of a figure and of a panel."""


@dataclass(frozen=True)
class Sheet:
    """A figure as wide as the page; `left` and `top` are inches from its upper left corner."""

    figure: Figure
    height: float

    def write(
        self, left: float, top: float, text: str, size: float = TEXT, *, align: str = "left", **style: Any
    ) -> float:
        """Write the lines of a text below `top`, each in a line of its own height; returns where they end."""
        line_height = measure_height("x", size)
        for i, line in enumerate(text.split("\n") if text else []):
            self.figure.text(
                left / WIDTH, 1 - (top + i * line_height) / self.height, line, ha=align, va="top", fontsize=size, **style
            )  # fmt: skip
        return top + measure_height(text, size)

    def add_axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes in a box of these inches."""
        return self.figure.add_axes(
            (left / WIDTH, 1 - (top + height) / self.height, width / WIDTH, height / self.height)
        )

    def draw_sample(self, left: float, top: float, width: float, size: float, **style: Any) -> None:
        """A piece of a line or a marker in the middle of a line of text below `top`, for a legend."""
        y = 1 - (top + 0.44 * size * LINE_SPACING / 72) / self.height
        self.figure.add_artist(Line2D([left / WIDTH, (left + width) / WIDTH], [y, y], **style))


def make_sheet(height: float, title: str = "") -> tuple[Sheet, float]:
    """A figure of that height below its head; returns it with where its head ends: the title left of the mark of synthetic data."""
    lines, head = _wrap_title(title)
    sheet = Sheet(make_figure(head + height), head + height)
    sheet.write(EDGE, EDGE, lines, TITLE, weight="bold")
    return sheet, head


def measure_room(title: str = "") -> float:
    """Height of a page below a title and the mark beside it."""
    return HIGHEST - _wrap_title(title)[1] - EDGE


def _wrap_title(title: str) -> tuple[str, float]:
    """The title in lines left of the mark of synthetic data, and where it ends."""
    lines = wrap(title, WIDTH - 2 * EDGE - MARK_WIDTH, TITLE, "bold")
    return lines, max(MARK_HEIGHT, EDGE + measure_height(lines, TITLE) + 0.04)


def name_page(name: str, number: int) -> str:
    """The name of a page of a figure: `forest_os`, then `forest_os-2`; no name of an endpoint or characteristic has a dash in it."""
    return name if number == 1 else f"{name}-{number}"


Entry = tuple[str, dict[str, Any]]
"""A line of a legend: the words, and the marker or line in front of them."""
_SAMPLE, _BETWEEN = 0.22, 0.16


def _lay_out(labels: Sequence[str], width: float) -> list[tuple[float, int, str]]:
    """Of every entry of a legend its inches from the left, its line, and its text: side by side as long as there is room."""
    places, x, line = [], 0.0, 0
    for label in labels:
        text = wrap(label, width - _SAMPLE, SMALL)
        needed = _SAMPLE + measure_width(text, SMALL)
        if x and x + needed > width:
            line, x = max(line + 1, *(at + text.count("\n") + 1 for _, at, text in places)), 0.0
        places.append((x, line, text))
        x += needed + _BETWEEN
    return places


def measure_legend(labels: Sequence[str], width: float) -> float:
    """Height of a legend of that width."""
    last = max((line + text.count("\n") + 1 for _, line, text in _lay_out(labels, width)), default=0)
    return last * measure_height("x", SMALL)


def write_legend(sheet: Sheet, left: float, top: float, width: float, entries: Sequence[Entry]) -> float:
    """Write a legend in as many lines as it needs; returns where it ends."""
    labels = [label for label, _ in entries]
    for (x, line, text), (_, style) in zip(_lay_out(labels, width), entries, strict=True):
        y = top + line * measure_height("x", SMALL)
        is_marker = style.get("linestyle") == "none"
        start = left + x + (_SAMPLE / 2 - 0.02 if is_marker else 0)
        sheet.draw_sample(start, y, 0.0 if is_marker else _SAMPLE - 0.05, SMALL, **style)
        sheet.write(left + x + _SAMPLE, y, text, SMALL)
    return top + measure_legend(labels, width)


def make_patch_style(color: str, **style: Any) -> dict[str, Any]:
    """A filled square as the sample of an area."""
    return {"linestyle": "none", "marker": "s", "markersize": 5.5, "markerfacecolor": color, "markeredgewidth": 0.4,
            "markeredgecolor": color} | style  # fmt: skip
