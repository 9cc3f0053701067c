"""House style of every figure, and how figures are found, drawn and saved.

A figure is a module of this package with `plot(outcome, spec) -> Iterator[Drawing]`: it yields what it can draw
from this outcome, with its caption and its section of the report, and draws nothing that is not in them. Colours are those of Okabe and Ito
(safe for colour-blind readers); line style or marker say the same again for print in black and white.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

import analysis.figures
from analysis.figures.text_size import HINTING, LATIN, list_fonts, measure_width
from analysis.study.numbers import NOT_SHOWN_SIGN, describe_hidden
from analysis.study.outcome import StudyOutcome
from analysis.study.spec import StudySpec
from etl.pages.synthetic_marks import ON_FIGURES
from etl.pages.text import Text

INK, MUTED, RULE = "#1c2731", "#55626e", "#c9d1d8"
CONTROL, TREATED = "#c04d00", "#0067a5"
SINGLE = "#0067a5"
SOLID, DASHED = "-", (0, (5, 1.6))
SEVERAL = (CONTROL, TREATED, "#3d7a2a", "#7a3d8f", "#55626e")
LINES = (DASHED, SOLID, (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (8, 2)))
"""Of three and more arms."""
STYLE: dict[str, Any] = {
    "font.size": 7,
    "text.color": INK,
    "text.hinting": HINTING,
    "text.parse_math": False,  # a label with two dollars is no formula
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.titlesize": 7.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.direction": "out",
    "legend.frameon": False,
    "legend.fontsize": 6.5,
    "lines.linewidth": 1.2,
    "savefig.facecolor": "white",
    "svg.hashsalt": "hcc-registry",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "timezone": "UTC",
}
PRINT_DPI, JOURNAL_DPI = 300, 600
"""Of the PNG of the manuscript, and of the TIFF that a journal asks for: line art."""
SVG_FONTS = "Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', 'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', sans-serif"
"""What the live text of an SVG asks for, the same whatever fonts this machine has: none of them is wider than the one that was measured."""
WIDTH, HIGHEST = 7.2, 9.6  # inches: two columns (183 mm) and the page of most journals, at which nothing is scaled
SMALLEST_TEXT = 6.0  # points, at that size
MARK_HEIGHT, MARK_WIDTH = (
    0.3,
    1.75,
)  # inches at the upper right corner of every figure: room for the mark of synthetic data
MARK_SIZE = 7.5
SVG_OPTIONS: dict[str, Any] = {"metadata": {"Date": None, "Creator": None}}
PNG_OPTIONS: dict[str, Any] = {"metadata": {"Software": None}, "dpi": PRINT_DPI}
PDF_OPTIONS: dict[str, Any] = {"metadata": {"CreationDate": None, "Producer": None, "Creator": None}}
ALL_FORMATS = ("pdf", "png", "tiff", "svg")


NO_LETTERS = Text(
    "Letters that no font of this machine has are drawn as boxes in PNG, TIFF and PDF; the SVG has them.",
    "本机字体缺少的字符在 PNG、TIFF 和 PDF 中显示为方框；SVG 中正常。",
)


@dataclass(frozen=True)
class Drawing:
    """A drawn figure: its file name, the section of the report it belongs to, its caption, and what is seen for who cannot see it (`alt`)."""

    name: str
    section: str
    caption: Text
    alt: Text
    figure: Figure


def save_figures(
    outcome: StudyOutcome, spec: StudySpec, folder: Path, *, is_synthetic: bool, for_journal: bool = False
) -> list[Drawing]:
    """Draw every figure of the package into `folder` as SVG and PNG (300 dpi), for a journal as PDF and TIFF (600 dpi) too; returns them.

    The bytes of an SVG depend on nothing but the results: no clock, no locale, no settings of the user. Where a label has letters that no
    font of the machine has, the caption says so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawings = []
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE | {"font.family": list(list_fonts())})  # pyright: ignore[reportCallIssue, reportArgumentType]
        for drawing in _draw_figures(outcome, spec):
            if is_synthetic:
                _mark_synthetic(drawing.figure)
            with warnings.catch_warnings(record=True) as found:
                warnings.filterwarnings("always", "Glyph")
                _save(drawing, folder, for_journal=for_journal)
            FigureCanvasAgg(drawing.figure)  # lets go of the pixels, a hundred megabytes of a page at 600 dpi
            caption = join_texts(drawing.caption, NO_LETTERS) if found else drawing.caption
            if spec.fewest_patients is not None:
                caption = join_texts(caption, _explain_hidden(spec.fewest_patients))
            drawings.append(replace(drawing, caption=caption))
    return drawings


def _explain_hidden(k: int) -> Text:
    return Text(
        f"{describe_hidden(k)} Curves end where fewer are at risk, fall by {k} events at a time, and have no marks of censored patients.",
        f"{NOT_SHOWN_SIGN}：为避免透露少于 {k} 名患者的计数而不显示；在险人数少于 {k} 时曲线终止，每累计 {k} 个事件才下降一次，且不标记删失患者。",
    )


def _save(drawing: Drawing, folder: Path, *, for_journal: bool) -> None:
    figure = drawing.figure
    figure.savefig(folder / f"{drawing.name}.png", **PNG_OPTIONS)
    svg = io.StringIO()
    figure.savefig(svg, format="svg", **SVG_OPTIONS)
    text = re.sub(rf"'{LATIN}'(, '[^']*')*", SVG_FONTS, svg.getvalue())
    (folder / f"{drawing.name}.svg").write_text(text, encoding="utf-8", newline="\n")
    if for_journal:
        _save_tiff(figure, folder / f"{drawing.name}.tiff")
        figure.savefig(folder / f"{drawing.name}.pdf", **PDF_OPTIONS)


def _save_tiff(figure: Figure, path: Path) -> None:
    """Save a figure as journals take line art: 600 dpi, RGB without transparency, compressed without loss."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=JOURNAL_DPI)
    Image.open(buffer).convert("RGB").save(path, compression="tiff_lzw", dpi=(JOURNAL_DPI, JOURNAL_DPI))


def join_texts(first: Text, second: Text) -> Text:
    """Two captions as one."""
    return Text(f"{first.en} {second.en}", f"{first.zh}{second.zh}")


def _draw_figures(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    for module_info in sorted(pkgutil.iter_modules(analysis.figures.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"analysis.figures.{module_info.name}")
        if hasattr(module, "plot"):
            yield from module.plot(outcome, spec)


def make_figure(height: float) -> Figure:
    """Return an empty figure as wide as a journal's page and that many inches high, tied to no window system."""
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    return figure


def _mark_synthetic(figure: Figure) -> None:
    """Say in the upper right corner that patients are invented; from its middle, as an SVG's letters are narrower than those measured."""
    half = measure_width(ON_FIGURES, MARK_SIZE, "bold") / 2
    figure.text(
        1 - (0.09 + half) / figure.get_figwidth(), 1 - 0.09 / figure.get_figheight(), ON_FIGURES, ha="center", va="top",
        fontsize=MARK_SIZE, color="#7a4a00", weight="bold",
        bbox={"boxstyle": "round,pad=0.35", "facecolor": "#fff6dd", "edgecolor": "#8a5a00", "linewidth": 0.8},
    )  # fmt: skip


def get_arm_style(spec: StudySpec, arm_id: str | None) -> dict[str, Any]:
    """Colour and line style of an arm."""
    if arm_id is None:
        return {"color": SINGLE, "linestyle": SOLID}
    if spec.has_pairs:
        return get_style_of_several([arm.id for arm in spec.arms].index(arm_id))
    is_treated = spec.get_arm(arm_id).role == "treated"
    return {"color": TREATED, "linestyle": SOLID} if is_treated else {"color": CONTROL, "linestyle": DASHED}


def get_style_of_several(place: int) -> dict[str, Any]:
    """Colour and line style of one of several curves; from the sixth on the colours come again with other lines."""
    n = len(SEVERAL)
    return {"color": SEVERAL[place % n], "linestyle": LINES[(place + place // n) % n]}


def hide_frame(axes: Axes) -> None:
    """Leave an empty area: no ticks, no spines."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
