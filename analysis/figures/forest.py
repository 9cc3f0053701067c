"""Forest plots of the Cox models: every characteristic alone, and the model of those that entered, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.figures.style import HIGHEST, INK, MUTED, TREATED, Drawing, make_figure
from analysis.study.cohort_names import name_cohort
from analysis.study.numbers import format_number, prettify
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key, Results, make_slug
from analysis.study.spec import Endpoint, StudySpec
from etl.pages.text import Text

LINE = 0.2
RATIOS = (0.1, 0.3, 1, 3, 10)
LOWEST_RATIO, HIGHEST_RATIO = 0.1, 10.0


@dataclass(frozen=True)
class Term:
    """One row: a level of a covariate against its reference."""

    variable: str
    text: str
    level: str | None


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `forest_<endpoint>` for every endpoint that has regression models."""
    results = outcome.results
    if spec.regression is None:
        return
    for endpoint in spec.endpoints:
        caption = Text(
            f"Hazard ratios of {endpoint.label.lower()}; blue: p < {spec.alpha:g}. p: Wald. A dash: not in the model.",
            f"{endpoint.id}的风险比；蓝色：p < {spec.alpha:g}；p为Wald检验；短横：未进入模型。",
        )
        figure = _plot_endpoint(results, spec, endpoint)
        yield Drawing(f"forest_{make_slug(endpoint.id)}", "regression", caption, figure)


def list_terms(spec: StudySpec) -> list[Term]:
    """Treatment and every characteristic, level by level against the reference."""
    reference = spec.get_arm(spec.regression.reference_arm) if spec.regression else spec.control
    other = spec.get_other_arm(reference.id)
    terms = [Term("arm", f"{other.label} vs {reference.label}", other.id)]
    for item in (item for item in spec.characteristics if not item.knots):
        if item.is_number:
            terms.append(Term(item.id, f"{item.label}, {item.unit_step}", item.unit_step))
            continue
        first, *rest = item.order_levels()
        terms += [Term(item.id, prettify(f"{item.label}: {level} vs {first}"), level) for level in rest]
    return terms


def _plot_endpoint(results: Results, spec: StudySpec, endpoint: Endpoint) -> Figure:
    terms = list_terms(spec)
    height = min(1.35 + LINE * len(terms), HIGHEST)
    figure = make_figure(height)
    bottom, top = 0.55 / height, 1 - 0.8 / height
    places = [len(terms) - 1 - i for i in range(len(terms))]
    layout = (("cox_univariable", "Univariable", 0.345, 0.47), ("cox_multivariable", "Multivariable", 0.68, 0.805))
    for analysis, title, left, text_left in layout:
        axes = figure.add_axes((left, bottom, 0.115, top - bottom))
        model = Key(analysis=analysis, cohort=spec.main_cohort, endpoint=endpoint.id)
        _plot_ratios(axes, results, model, terms, places, spec)
        axes.set_title(title, pad=12)
        if left < 0.5:
            axes.set_yticks(places, [term.text for term in terms])
        texts = figure.add_axes((text_left, bottom, 0.19, top - bottom), sharey=axes)
        _write_ratios(texts, results, model, terms, places, spec)
    figure.text(
        0.012,
        1 - 0.14 / height,
        f"{endpoint.label}, {name_cohort(spec.main_cohort)}",
        va="top",
        weight="bold",
        fontsize=8,
    )
    return figure


def _plot_ratios(
    axes: Axes, results: Results, model: Key, terms: Sequence[Term], places: list[int], spec: StudySpec
) -> None:
    axes.axvline(1, color=MUTED, linewidth=0.8, zorder=0)
    for term, place in zip(terms, places, strict=True):
        found = _find(results, model, term)
        hr, low, high, p = found or (None, None, None, None)
        if hr is None or low is None or high is None:
            continue
        color = TREATED if p is not None and p < spec.alpha else INK
        inside = max(low, LOWEST_RATIO), min(high, HIGHEST_RATIO)
        axes.plot(inside, [place, place], color=color, linewidth=1.2, solid_capstyle="butt")
        if LOWEST_RATIO <= hr <= HIGHEST_RATIO:
            axes.plot([hr], [place], marker="s", markersize=4.5, color=color)
        if low < LOWEST_RATIO:
            axes.plot([LOWEST_RATIO], [place], marker="<", markersize=4, color=color, clip_on=False)
        if high > HIGHEST_RATIO:
            axes.plot([HIGHEST_RATIO], [place], marker=">", markersize=4, color=color, clip_on=False)
    axes.set_xscale("log")
    axes.set(
        xlim=(LOWEST_RATIO, HIGHEST_RATIO),
        ylim=(-0.7, len(terms) - 0.3),
        yticks=[],
        xlabel=f"Hazard ratio ({spec.limits})",
    )
    axes.xaxis.set_major_locator(FixedLocator(RATIOS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _find(results: Results, model: Key, term: Term) -> tuple[float | None, ...] | None:
    key = model.of(variable=term.variable, level=term.level)
    if not results.has(key, "hr"):
        return None
    return tuple(results.value(key, name) for name in ("hr", "ci_low", "ci_high", "p"))


def _write_ratios(
    axes: Axes, results: Results, model: Key, terms: Sequence[Term], places: list[int], spec: StudySpec
) -> None:
    axes.axis("off")
    header = len(terms) - 0.15
    for x, title, align in ((0.06, f"HR ({spec.limits})", "left"), (0.98, "p", "right")):
        axes.text(
            x, header, title, transform=axes.get_yaxis_transform(), ha=align, va="bottom", weight="bold", fontsize=6.5
        )
    for term, place in zip(terms, places, strict=True):
        found = _find(results, model, term)
        if found is None:
            axes.text(0.06, place, "–", transform=axes.get_yaxis_transform(), va="center", color=MUTED, fontsize=6.5)
            continue
        hr, low, high = (format_number(value, "ratio") for value in found[:3])
        text = {"va": "center", "fontsize": 6.5, "transform": axes.get_yaxis_transform()}
        axes.text(0.06, place, f"{hr} ({low}–{high})", **text)
        axes.text(0.98, place, format_number(found[3], "p"), ha="right", **text)
