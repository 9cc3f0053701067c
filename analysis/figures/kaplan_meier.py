"""Survival curves: every endpoint (rows) in every cohort (columns)."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.figures.style import Drawing, get_arm_style, make_figure
from analysis.figures.survival_panel import Curve, choose_margins, plot_panel
from analysis.study.cohort_names import name_cohort
from analysis.study.keys import make_hazard_ratio_key
from analysis.study.numbers import NOT_ESTIMABLE, format_number, format_p
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key, Results
from analysis.study.spec import Endpoint, StudySpec
from etl.pages.text import Text


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `kaplan_meier`."""
    results, curves = outcome.results, outcome.curves
    cohorts = curves["cohort"].unique(maintain_order=True).to_list()
    n_rows, n_columns = len(spec.endpoints), len(cohorts)
    figure = make_figure(3.2 * n_rows)
    grid = figure.add_gridspec(
        n_rows,
        n_columns,
        right=0.985,
        top=1 - 0.17 / n_rows,
        bottom=0.03 / n_rows,
        hspace=0.22,
        **choose_margins([label for _, label in spec.groups]),
    )
    for row, endpoint in enumerate(spec.endpoints):
        for column, cohort in enumerate(cohorts):
            both = Key(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint.id)
            drawn = [
                Curve(both.of(arm=arm), endpoint.label, label, get_arm_style(spec, arm)) for arm, label in spec.groups
            ]
            title = endpoint.label
            if n_columns > 1:
                title = f"{chr(ord('A') + row * n_columns + column)}  {title}, {name_cohort(cohort)}"
            note = describe_comparison(results, spec, endpoint, cohort)
            plot_panel(figure, grid[row, column], drawn, results, curves, spec, title=title, note=note)
    caption = Text(
        f"Kaplan-Meier curves with {spec.confidence} bands; marks are censored patients.",
        f"Kaplan-Meier曲线及{spec.confidence} 置信带；竖线为删失。",
    )
    yield Drawing("kaplan_meier", "survival", caption, figure)


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
    return "\n".join(lines)
