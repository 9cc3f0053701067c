"""How much room a text takes, measured by the renderer that draws it, and where a long one is broken into lines.

All sizes are inches of the finished page. DejaVu Sans comes with matplotlib and is wider than the Arial that an SVG asks for, so that what
fits here fits there.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

LATIN = "DejaVu Sans"
CHINESE_FILES = re.compile(
    r"(NotoSansCJK|NotoSansSC|SourceHanSans|msyh|simhei|PingFang|wqy)[^/\\]*\.(ttc|ttf|otf)", re.IGNORECASE
)
CHINESE = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "Microsoft YaHei", "SimHei",
           "PingFang SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei")  # fmt: skip
DPI = 300
HINTING = "none"
"""Letters are not moved to whole pixels, so that a text is as wide at any resolution as it was measured."""
LINE_SPACING = 1.3
"""Height of a line of text in its own size."""
_CHINESE_LETTER = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_PIECES = re.compile(rf"[{_CHINESE_LETTER}][，。；：、）」》]*|[^ {_CHINESE_LETTER}]+ *| +")


@cache
def list_fonts() -> tuple[str, ...]:
    """The fonts of every figure: the Latin one, and behind it a Chinese one where this machine has any."""
    for path in font_manager.findSystemFonts():  # matplotlib's own list is from the day on which it was first used
        if CHINESE_FILES.fullmatch(Path(path).name):
            font_manager.fontManager.addfont(path)
    known = set(font_manager.get_font_names())
    return LATIN, *[name for name in CHINESE if name in known][:1]


@cache
def _get_renderer() -> RendererAgg:
    return RendererAgg(1, 1, DPI)


@lru_cache(maxsize=50_000)
def _measure_line(line: str, size: float, weight: str) -> float:
    font = FontProperties(family=list(list_fonts()), size=size, weight=weight)
    with mpl.rc_context({"text.hinting": HINTING}):
        return _get_renderer().get_text_width_height_descent(line, font, ismath=False)[0] / DPI


def measure_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of the widest line of a text, in inches; `size` in points."""
    return max((_measure_line(line, size, weight) for line in text.split("\n")), default=0.0)


def measure_widest(texts: list[str], size: float, weight: str = "normal") -> float:
    """Width of the widest of some texts, in inches; 0 of none."""
    return max((measure_width(text, size, weight) for text in texts), default=0.0)


def measure_height(text: str, size: float) -> float:
    """Height that the lines of a text are given, in inches; 0 of an empty text."""
    return (text.count("\n") + 1) * size * LINE_SPACING / 72 if text else 0.0


def wrap(text: str, width: float, size: float, weight: str = "normal") -> str:
    """Break a text into lines of at most `width` inches: at spaces and between Chinese letters, only where these do not suffice inside a word."""
    lines: list[str] = []
    for part in text.split("\n"):
        line = ""
        for piece in _PIECES.findall(part):
            if measure_width((line + piece).rstrip(), size, weight) <= width:
                line += piece
                continue
            if line.strip():
                lines.append(line.rstrip())
            *full, line = _break_word(piece.lstrip(), width, size, weight)
            lines += full
        lines.append(line.rstrip())
    return "\n".join(lines)


def _break_word(word: str, width: float, size: float, weight: str) -> list[str]:
    """A word in parts that fit: behind a hyphen, stroke or plus where there is one, else behind any letter."""
    parts = []
    while measure_width(word.rstrip(), size, weight) > width and len(word) > 1:
        fitting = 1
        while measure_width(word[: fitting + 1], size, weight) <= width:
            fitting += 1
        at_sign = max(word.rfind(sign, 0, fitting) for sign in "-/+_")
        end = at_sign + 1 if at_sign > 0 else fitting
        parts.append(word[:end])
        word = word[end:]
    return [*parts, word]
