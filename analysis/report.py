"""The report of a study: one HTML file with inline figures, every number of which is a lookup in the results."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from analysis.methods import write_methods
from analysis.results import Results, make_slug
from analysis.spec import StudySpec
from analysis.tables.model import Cell, build_tables, interval_cell, look_up, text
from etl.pages.page import render_page, write_page
from etl.pages.text import Text

TEMPLATE = Path(__file__).parent / "templates" / "report.html"
SECTIONS = {
    "patients": Text("Patients", "患者"),
    "matching": Text("Matching", "倾向评分匹配"),
    "survival": Text("Survival", "生存"),
    "regression": Text("Regression", "回归分析"),
    "response": Text("Tumour response", "肿瘤疗效"),
    "subgroup": Text("Subgroup", "亚组"),
    "safety": Text("Safety and follow-up", "安全性与随访"),
    "methods": Text("Methods", "方法"),
    "published": Text("Registry and published figures", "本登记库结果与已发表结果对照"),
}


@dataclass(frozen=True)
class ReportFigure:
    """A figure in the page: its file name, section, caption, and the SVG to put inline."""

    name: str
    section: str
    caption: Text
    svg: Markup


@dataclass(frozen=True)
class Card:
    """A key number at the top of the report."""

    cell: Cell
    what: Text


def write_report(folder: Path, results: Results, spec: StudySpec, manifest: Mapping[str, Any]) -> Path:
    """Write `index.html` into the folder that holds the study's `figures/`; returns its path."""
    tables = build_tables(results, spec)
    figures = _read_figures(folder / "figures", spec)
    filled = {table.section for table in tables} | {figure.section for figure in figures} | {"methods"}
    sections = [(name, title) for name, title in SECTIONS.items() if name in filled]
    html = render_page(
        TEMPLATE,
        {
            "title": Text(spec.title, spec.title),
            "subtitle": Text(f"Study {spec.study}: analysis report", f"研究 {spec.study}：分析报告"),
            "is_synthetic": manifest["is_synthetic"],
            "toc": sections,
            "sections": sections,
            "tables": tables,
            "figures": figures,
            "cards": _choose_cards(results, spec),
            "methods": write_methods(results, spec, manifest),
        },
    )
    return write_page(folder / "index.html", html)


def _choose_cards(results: Results, spec: StudySpec) -> list[Card]:
    """Patients, pairs, and per endpoint the hazard ratio in the matched cohort, or the median without arms."""
    cards = [Card(text(look_up(results, "flow.analysed.n", "count")), Text("patients analysed", "分析患者"))]
    if spec.matching:
        pairs = look_up(results, "matching.matched.pairs.n", "count")
        cards.append(Card(text(pairs), Text("matched pairs", "匹配对")))
    for endpoint in spec.endpoints:
        if spec.arms:
            cohort, zh = ("matched", "匹配队列") if spec.matching else ("all", "全队列")
            model = f"cox_treatment.{cohort}.{make_slug(endpoint.id)}.arm.{make_slug(spec.treated.id)}"
            what = Text(
                f"{endpoint.id}: HR of {spec.treated.label} (95 % CI), {cohort} cohort",
                f"{endpoint.id}：{spec.treated.label} 的风险比（95 % CI），{zh}",
            )
            cards.append(Card(interval_cell(results, model, "ratio", "hr"), what))
        else:
            median = interval_cell(results, f"kaplan_meier.all.{make_slug(endpoint.id)}.median", "time")
            what = Text(f"{endpoint.id}: median in {spec.time_unit}s (95 % CI)", f"{endpoint.id}：中位数（95 % CI）")
            cards.append(Card(median, what))
    return cards


def _read_figures(folder: Path, spec: StudySpec) -> list[ReportFigure]:
    """The figures that were drawn, in the order of the captions."""
    return [
        ReportFigure(
            name, section, caption, _inline_svg((folder / f"{name}.svg").read_text(encoding="utf-8"), name, caption)
        )
        for name, (section, caption) in _list_captions(spec).items()
        if (folder / f"{name}.svg").exists()
    ]


def _list_captions(spec: StudySpec) -> dict[str, tuple[str, Text]]:
    captions = {
        "flow_chart": ("patients", Text("Flow chart of the study.", "研究流程图。")),
        "love_plot": (
            "matching",
            Text("Standardised mean differences before and after matching.", "匹配前后的标准化均数差。"),
        ),
        "propensity_overlap": (
            "matching",
            Text("Distribution of the propensity score by arm.", "两组倾向评分的分布。"),
        ),
        "kaplan_meier": (
            "survival",
            Text(
                "Kaplan-Meier curves with 95 % bands; marks are censored patients.",
                "Kaplan-Meier曲线及95 %置信带；竖线为删失。",
            ),
        ),
    }
    for endpoint in spec.endpoints:
        text_ = Text(f"Hazard ratios of {endpoint.label.lower()}.", f"{endpoint.id}的风险比。")
        captions[f"forest_{make_slug(endpoint.id)}"] = ("regression", text_)
    if spec.subgroup:
        item = spec.get_characteristic(spec.subgroup.characteristic)
        text_ = Text(
            f"{spec.subgroup.endpoint} by {item.label} and arm.", f"按{item.label}与治疗组的{spec.subgroup.endpoint}。"
        )
        captions[f"subgroup_{item.id}"] = ("subgroup", text_)
    return captions


def _inline_svg(source: str, name: str, caption: Text) -> Markup:
    """The drawing without its file head; ids carry the figure's name, so that two figures on a page do not clash."""
    drawing = source[source.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", drawing)
    label = Markup(' role="img" aria-label="{}" class="chart"').format(str(caption))
    return Markup(drawing.replace("<svg", f"<svg{label}", 1))  # noqa: S704 (our own drawing)
