"""Small charts as inline SVG with live text: they print, scale, and a screen reader reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from etl.pages.text import Text

ROW_HEIGHT = 38
LABEL_LETTERS = 58
"""Letters that fit above a bar; a Chinese one takes the place of two."""

BAR_WIDTH = 300
VALUE_WIDTH = 110


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its value, the value as printed, and a style class (`reject`, `query`, `note`, `good`)."""

    label: Text
    value: float
    printed: str
    style: str = ""


def draw_bars(bars: Sequence[Bar], title: Text, *, maximum: float | None = None) -> Markup:
    """Return horizontal bars from 0 to `maximum` (default: the largest value), each under its label.

    Narrow enough to stay readable on a telephone.
    """
    top = maximum or max((bar.value for bar in bars), default=0) or 1
    rows = Markup("").join(_draw_bar(index, bar, top) for index, bar in enumerate(bars))
    width = BAR_WIDTH + VALUE_WIDTH
    return Markup(
        '<svg class="chart" role="img" aria-label="{title}" viewBox="0 0 {width} {height}" width="{width}">{rows}</svg>'
    ).format(title=str(title), width=width, height=ROW_HEIGHT * len(bars), rows=rows)


def _draw_bar(index: int, bar: Bar, top: float) -> Markup:
    y = index * ROW_HEIGHT
    length = round(BAR_WIDTH * min(max(bar.value, 0) / top, 1), 1)
    return Markup(
        '<text x="0" y="{label_y}">{label}</text>'
        '<rect class="track" x="0" y="{y}" width="{full}" height="12" rx="2"/>'
        '<rect class="bar {style}" x="0" y="{y}" width="{length}" height="12" rx="2"/>'
        '<text class="value" x="{value_x}" y="{value_y}">{printed}</text>'
    ).format(
        label_y=y + 14, label=Text(_cut(bar.label.en), _cut(bar.label.zh)).to_svg(), y=y + 20, full=BAR_WIDTH, style=bar.style, length=length,
        value_x=BAR_WIDTH + 8, value_y=y + 31, printed=bar.printed,
    )  # fmt: skip


def _cut(label: str) -> str:
    """Cut a label that is too long for its bar, and say so with dots."""
    width = 0
    for place, letter in enumerate(label):
        width += 2 if ord(letter) > 0x2E7F else 1
        if width > LABEL_LETTERS:
            return f"{label[: place - 1]}…"
    return label


def draw_sparkline(values: Sequence[float], title: Text) -> Markup:
    """Return a small line through the values in order, from 0 up, with a dot on the last one."""
    width, height, margin = 120, 28, 4
    top = max(values, default=0) or 1
    step = (width - 2 * margin) / max(len(values) - 1, 1)
    points = [
        (round(margin + index * step, 1), round(height - margin - (height - 2 * margin) * value / top, 1))
        for index, value in enumerate(values)
    ]
    line = " ".join(f"{x},{y}" for x, y in points)
    dot = Markup('<circle cx="{}" cy="{}" r="3"/>').format(*points[-1]) if points else Markup("")
    return Markup(
        '<svg class="spark" role="img" aria-label="{title}" viewBox="0 0 {width} {height}" width="{width}" '
        'height="{height}"><polyline points="{line}"/>{dot}</svg>'
    ).format(title=str(title), width=width, height=height, line=line, dot=dot)
