"""The report of a study: one HTML file with inline figures, every number of which is a lookup in the results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from analysis.figures.style import ALL_FORMATS, Drawing
from analysis.report.cautions import write_cautions
from analysis.report.citing import number_references, read_references, show_on_page
from analysis.report.design import write_design
from analysis.report.methods import write_methods
from analysis.study.cohort_names import ALL, COHORT_NAMES, MATCHED, name_cohort
from analysis.study.keys import make_hazard_ratio_key
from analysis.study.results import Key, Results
from analysis.study.spec import StudySpec
from analysis.tables.model import LIMITS, Cell, build_tables, has_limits, look_up, name_hospitals, text
from etl.errors import InternalError
from etl.pages.page import render_page, write_page
from etl.pages.text import Text
from schemas.package_data import find_data

SECTIONS = {
    "patients": Text("Patients", "患者"),
    "matching": Text("Propensity score", "倾向评分"),
    "survival": Text("Survival", "生存"),
    "regression": Text("Regression", "回归分析"),
    "response": Text("Tumour response", "肿瘤疗效"),
    "subgroup": Text("Subgroup", "亚组"),
    "safety": Text("Safety and follow-up", "安全性与随访"),
    "sensitivity": Text("Other models and sensitivity analyses", "其他模型与敏感性分析"),
    "methods": Text("Methods", "方法"),
    "published": Text("Registry and published figures", "本登记库结果与已发表结果对照"),
}

UNITS_ZH = {"week": "周", "month": "月", "year": "年"}
FIRST_SCREEN = "cautions"
"""The section of figures that stand beside the words of `cautions`, above all others."""
_NOT_DRAWN = re.compile(
    r"<metadata>[^<]*(?:<(?!/?metadata)[^<]*)*</metadata>|<style[^<]*(?:<(?!/?style)[^<]*)*</style>"
)


@dataclass(frozen=True)
class ReportFigure:
    """A figure in the page: its file name, section, caption, the SVG to put inline, and the formats that there are."""

    name: str
    section: str
    caption: Text
    svg: Markup
    formats: list[str]


@dataclass(frozen=True)
class Card:
    """A key number at the top of the report."""

    cell: Cell
    what: Text
    limits: Cell | None = None


def write_report(
    folder: Path, results: Results, drawings: Sequence[Drawing], spec: StudySpec, manifest: Mapping[str, Any]
) -> Path:
    """Write `index.html` into the folder that holds the study's `figures/`; returns its path."""
    tables = name_hospitals(build_tables(results, spec), manifest["hospitals"])
    figures = [_read_figure(folder / "figures", drawing) for drawing in drawings]
    filled = {table.section for table in tables} | {figure.section for figure in figures} | {"methods"}
    if unknown := sorted(filled - SECTIONS.keys() - {FIRST_SCREEN}):
        raise InternalError(
            f"the report has no section {', '.join(unknown)}, so that its tables and figures would not be shown; "
            f"sections: {', '.join(SECTIONS)} (analysis/report/page.py)",
            f"报告中没有章节 {'、'.join(unknown)}，其表格与图将不会显示；现有章节：{'、'.join(SECTIONS)}（analysis/report/page.py）",
        )
    methods = [*write_design(results, spec, manifest), ("Statistical analysis", write_methods(results, spec, manifest))]
    numbers = number_references(cell for _, cells in methods for cell in cells)
    sections = [(name, title) for name, title in SECTIONS.items() if name in filled]
    html = render_page(
        find_data("analysis.report.templates", "report.html"),
        {
            "title": Text(spec.title, spec.title),
            "subtitle": Text(f"Study {spec.study}: analysis report", f"研究 {spec.study}：分析报告"),
            "is_synthetic": manifest["is_synthetic"],
            "toc": sections,
            "sections": sections,
            "tables": tables,
            "figures": figures,
            "cards": _choose_cards(results, spec),
            "cautions": write_cautions(results, spec),
            "methods": [(title, [show_on_page(cell, numbers) for cell in cells]) for title, cells in methods],
            "references": [read_references()[name] for name in numbers],
        },
    )
    return write_page(folder / "index.html", html)


def _choose_cards(results: Results, spec: StudySpec) -> list[Card]:
    """Patients, pairs, and per endpoint the hazard ratio in the matched cohort, or the median without arms."""
    analysed = look_up(results, Key(analysis="flow", variable="analysed"), "n", "count")
    cards = [Card(text(analysed), Text("patients analysed", "分析患者"))]
    if spec.matching:
        pairs = look_up(results, Key(analysis="matching", cohort=MATCHED, variable="pairs"), "n", "count")
        cards.append(
            Card(
                text(pairs),
                Text("matched pairs", "匹配对") if spec.matching.ratio == 1 else Text("matched sets", "匹配组"),
            )
        )
    for endpoint in spec.endpoints:
        if spec.has_pairs:
            key, statistic, kind = Key(analysis="logrank", cohort=ALL, endpoint=endpoint.id), "p", "p"
            what = Text(f"{endpoint.id}: log-rank p of all arms", f"{endpoint.id}：各组整体的对数秩检验 p 值")
        elif spec.has_contrast:
            cohort = spec.main_cohort
            key, statistic, kind = make_hazard_ratio_key(spec, cohort, endpoint.id), "hr", "ratio"
            what = Text(
                f"{endpoint.id}: hazard ratio of {spec.treated.label} ({spec.limits}), {name_cohort(cohort)}",
                f"{endpoint.id}：{spec.treated.label} 的风险比（{spec.limits}），{COHORT_NAMES[cohort].zh}",
            )
        else:
            key = Key(analysis="kaplan_meier", cohort=ALL, endpoint=endpoint.id, variable="median")
            statistic, kind = "estimate", "time"
            what = Text(
                f"{endpoint.id}: median in {spec.time_unit}s ({spec.limits})",
                f"{endpoint.id}：中位数（{UNITS_ZH[spec.time_unit]}，{spec.limits}）",
            )
        limits = None
        if has_limits(results, key):
            low, high = (look_up(results, key, name, kind) for name in LIMITS)
            limits = text("(", low, "–", high, ")")
        cards.append(Card(text(look_up(results, key, statistic, kind)), what, limits))
    return cards


def _read_figure(folder: Path, drawing: Drawing) -> ReportFigure:
    source = (folder / f"{drawing.name}.svg").read_text(encoding="utf-8")
    svg = _inline_svg(source, drawing.name, drawing.alt)
    formats = [suffix for suffix in ALL_FORMATS if (folder / f"{drawing.name}.{suffix}").exists()]
    return ReportFigure(drawing.name, drawing.section, drawing.caption, svg, formats)


def _inline_svg(source: str, name: str, alt: Text) -> Markup:
    """The drawing without its file head; ids carry the figure's name, so that two figures on a page do not clash."""
    drawing = source[source.index("<svg") :]
    drawing = _NOT_DRAWN.sub("", drawing)
    drawing = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", drawing)
    label = Markup(' role="img" aria-label="{}" class="chart"').format(str(alt))
    return Markup(drawing.replace("<svg", f"<svg{label}", 1))  # noqa: S704 (our own drawing)
