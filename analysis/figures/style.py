"""House style of every figure, and how figures are found, drawn and saved.

A figure is a module of this package with `plot(outcome, spec) -> Iterator[Drawing]`: it yields what it can draw
from this outcome, with its caption and its section of the report, and draws nothing that is not in them. Colours are those of Okabe and Ito
(safe for colour-blind readers); line style or marker say the same again for print in black and white.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

import analysis.figures
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
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "text.color": INK,
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
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "timezone": "UTC",
}
PRINT_DPI = 300
WIDTH, HIGHEST = 7.2, 9.6  # inches: two columns (183 mm) and the page of most journals, at which nothing is scaled
SMALLEST_TEXT = 6.0  # points, at that size
FORMATS: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "png": {"metadata": {"Software": None}, "dpi": PRINT_DPI},
}
"""Of every figure: the report shows the one, the manuscript the other."""
PDF_OPTIONS: dict[str, Any] = {"metadata": {"CreationDate": None, "Producer": None, "Creator": None}}
ALL_FORMATS = ("pdf", "png", "tiff", "svg")


@dataclass(frozen=True)
class Drawing:
    """A drawn figure: its file name, the section of the report it belongs to, its caption."""

    name: str
    section: str
    caption: Text
    figure: Figure


def save_figures(
    outcome: StudyOutcome, spec: StudySpec, folder: Path, *, is_synthetic: bool, for_journal: bool = False
) -> list[Drawing]:
    """Draw every figure of the package into `folder` as SVG and PNG (300 dpi), for a journal as TIFF and PDF too; returns them.

    The bytes depend on nothing but the results: no clock, no locale, no settings of the user.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawings = []
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)  # pyright: ignore[reportCallIssue, reportArgumentType]
        for drawing in _draw_figures(outcome, spec):
            if is_synthetic:
                _mark_synthetic(drawing.figure)
            for suffix, options in FORMATS.items():
                drawing.figure.savefig(folder / f"{drawing.name}.{suffix}", **options)
            if for_journal:
                _save_tiff(drawing.figure, folder / f"{drawing.name}.tiff")
                drawing.figure.savefig(folder / f"{drawing.name}.pdf", **PDF_OPTIONS)
            drawings.append(drawing)
    return drawings


def _save_tiff(figure: Figure, path: Path) -> None:
    """Save what was drawn for the PNG, the last of `FORMATS`, as journals take it: RGB without transparency, compressed without loss."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    drawn.convert("RGB").save(path, compression="tiff_lzw", dpi=(PRINT_DPI, PRINT_DPI))


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
    figure.text(
        1 - 0.08 / figure.get_figwidth(), 1 - 0.09 / figure.get_figheight(), ON_FIGURES, ha="right", va="top", fontsize=7.5, color="#7a4a00", weight="bold",
        bbox={"boxstyle": "round,pad=0.35", "facecolor": "#fff6dd", "edgecolor": "#8a5a00", "linewidth": 0.8},
    )  # fmt: skip


def get_arm_style(spec: StudySpec, arm_id: str | None) -> dict[str, Any]:
    """Colour and line style of an arm."""
    if arm_id is None:
        return {"color": SINGLE, "linestyle": SOLID}
    if spec.has_pairs:
        place = [arm.id for arm in spec.arms].index(arm_id) % len(SEVERAL)
        return {"color": SEVERAL[place], "linestyle": LINES[place]}
    is_treated = spec.get_arm(arm_id).role == "treated"
    return {"color": TREATED, "linestyle": SOLID} if is_treated else {"color": CONTROL, "linestyle": DASHED}


def hide_frame(axes: Axes) -> None:
    """Leave an empty area: no ticks, no spines."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
