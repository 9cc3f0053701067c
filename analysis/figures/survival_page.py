"""Survival panels, row by row, on as many pages as they need; axes of a row stand at one height."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from string import ascii_uppercase

from matplotlib.figure import Figure

from analysis.figures.sheet import EDGE, make_sheet, measure_room, name_page
from analysis.figures.style import WIDTH
from analysis.figures.survival_panel import Measures, Panel, describe_panel, measure_panel, plot_panel
from etl.pages.text import Text

BETWEEN_COLUMNS, BETWEEN_ROWS = 0.25, 0.16

Row = Sequence[Panel]


def plot_pages(rows: Sequence[Row], n_columns: int, title: str = "") -> Iterator[tuple[Figure, list[Panel]]]:
    """Yield each page with the panels on it, lettered where there are several."""
    lettered = _letter(rows) if sum(map(len, rows)) > 1 else rows
    width = (WIDTH - 2 * EDGE - BETWEEN_COLUMNS * (n_columns - 1)) / n_columns
    measured = [(row, _agree([measure_panel(panel, width) for panel in row])) for row in lettered]
    for page in _break_pages(measured, measure_room(title)):
        height = sum(_add_up(measures) for _, measures in page)
        sheet, top = make_sheet(height, title)
        for row, measures in page:
            for column, panel in enumerate(row):
                plot_panel(sheet, panel, EDGE + column * (width + BETWEEN_COLUMNS), top, width, measures)
            top += _add_up(measures)
        yield sheet.figure, [panel for row, _ in page for panel in row]


def name_pages(name: str, pages: Sequence[tuple[Figure, list[Panel]]]) -> Iterator[tuple[str, Figure, Text]]:
    """Yield name, figure and description of each page: `name`, then `name_2`."""
    for number, (figure, panels) in enumerate(pages, start=1):
        yield name_page(name, number), figure, _describe(panels)


def _describe(panels: Sequence[Panel]) -> Text:
    shown = " ".join(describe_panel(panel) for panel in panels)
    time, end = panels[0].time, f"{max(panel.end for panel in panels):.3g}"
    return Text(
        f"Kaplan-Meier curves. {shown} Horizontal: {time[0].lower()}{time[1:]}, 0 to {end}. Vertical: per cent, 0 to 100.",
        f"Kaplan-Meier曲线。{shown} 横轴：{time}，0 至 {end}。纵轴：百分比，0 至 100。",
    )


def _letter(rows: Sequence[Row]) -> list[Row]:
    """The panels with A, B and so on in front of their titles, after Z with AA, AB."""
    names = (f"{first}{second}" for first in ("", *ascii_uppercase) for second in ascii_uppercase)
    return [[replace(panel, title=f"{next(names)}  {panel.title}") for panel in row] for row in rows]


def _agree(found: Sequence[Measures]) -> Measures:
    """The largest of each measure of the panels of a row."""
    return Measures(
        *(max(getattr(measures, name) for measures in found) for name in ("left", "right", "head", "axes", "foot"))
    )


def _add_up(measures: Measures) -> float:
    return measures.head + measures.axes + measures.foot + BETWEEN_ROWS


def _break_pages(measured: Sequence[tuple[Row, Measures]], room: float) -> Iterator[list[tuple[Row, Measures]]]:
    """As many rows on a page as it has room for, at least one."""
    page: list[tuple[Row, Measures]] = []
    for row in measured:
        if page and sum(_add_up(measures) for _, measures in [*page, row]) > room:
            yield page
            page = []
        page.append(row)
    yield page
