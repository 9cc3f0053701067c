"""Survival curves: every endpoint (rows) in every cohort (columns)."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.figures.style import Drawing, get_arm_style
from analysis.figures.survival_page import name_pages, plot_pages
from analysis.figures.survival_panel import MOST_MARKS, Curve, Panel, make_panel
from analysis.study.cohort_names import ALL, name_cohort
from analysis.study.keys import make_hazard_ratio_key
from analysis.study.numbers import NOT_ESTIMABLE, format_number, format_p
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key, Results
from analysis.study.spec import Endpoint, StudySpec
from etl.pages.text import Text


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `kaplan_meier`, and `kaplan_meier_2` and so on where the endpoints need further pages."""
    cohorts = outcome.curves["cohort"].unique(maintain_order=True).to_list()
    rows = [[_make_panel(outcome, spec, endpoint, cohort) for cohort in cohorts] for endpoint in spec.endpoints]
    caption = Text(
        f"Kaplan-Meier curves with {spec.confidence} bands; marks are censored patients (none on a curve with more than {MOST_MARKS}). Below: patients at risk just before a time, and "
        "events and censored patients before it.",
        f"Kaplan-Meier曲线及{spec.confidence} 置信带；竖线为删失（超过 {MOST_MARKS} 处时不标）。下方：各时点前的在险人数，以及此前的事件数与删失数。",
    )
    for name, figure, alt in name_pages("kaplan_meier", list(plot_pages(rows, len(cohorts)))):
        yield Drawing(name, "survival", caption, alt, figure)


def _make_panel(outcome: StudyOutcome, spec: StudySpec, endpoint: Endpoint, cohort: str) -> Panel:
    both = Key(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint.id)
    drawn = [Curve(both.of(arm=arm), label, get_arm_style(spec, arm)) for arm, label in spec.groups]
    title = f"{endpoint.label}, {name_cohort(cohort)}" if spec.main_cohort != ALL else endpoint.label
    note = describe_comparison(outcome.results, spec, endpoint, cohort)
    return make_panel(drawn, outcome.results, outcome.curves, spec, title=title, endpoint=endpoint.label, note=note)


def describe_comparison(
    results: Results, spec: StudySpec, endpoint: Endpoint, cohort: str, subgroup: str | None = None
) -> str:
    """Hazard ratio with its limits and log-rank p of a cohort or its subgroup; nothing in a study without arms."""
    logrank = Key(analysis="logrank", cohort=cohort, endpoint=endpoint.id, subgroup=subgroup)
    if not spec.has_contrast:
        return f"Log-rank {format_p(results.value(logrank, 'p'))}" if spec.arms else ""
    model = make_hazard_ratio_key(spec, cohort, endpoint.id, subgroup)
    lines = []
    if results.has(model, "ci_low"):
        hr, low, high = (format_number(results.value(model, name), "ratio") for name in ("hr", "ci_low", "ci_high"))
        is_estimated = results.value(model, "hr") is not None
        lines.append(f"HR {hr} ({spec.limits} {low}–{high})" if is_estimated else f"HR {NOT_ESTIMABLE}")
    if results.has(logrank, "p"):
        lines.append(f"Log-rank {format_p(results.value(logrank, 'p'))}")
    elif results.has(model, "p_score"):
        lines.append(f"Robust score test {format_p(results.value(model, 'p_score'))}")
    return "; ".join(lines)
