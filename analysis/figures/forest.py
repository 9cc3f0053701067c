"""Forest plots of the Cox models: every characteristic alone, and all of them in one model, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from analysis.figures.ratio_plot import (
    NOT_MADE,
    REFERENCE,
    Estimate,
    Forest,
    Row,
    count_patients,
    describe_forest,
    plot_forest,
    read_estimate,
)
from analysis.figures.sheet import name_page
from analysis.figures.style import TREATED, Drawing
from analysis.steps.regression import FULL
from analysis.study.cohort_names import name_cohort
from analysis.study.keys import make_hazard_ratio_key
from analysis.study.numbers import format_number, prettify
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key, Results, make_slug
from analysis.study.spec import Endpoint, StudySpec
from etl.pages.text import Text

ALONE = "cox_univariable"


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `forest_<endpoint>` for every endpoint that has regression models."""
    if spec.regression is None:
        return
    for endpoint in spec.endpoints:
        caption = Text(
            f"Hazard ratios of {endpoint.label.lower()}; blue: the interval excludes 1. The p-values are those of the table: of several levels, "
            "the test of all of them stands in the row of reference. Events and patients: those of a level or, of a quantity, of its model alone.",
            f"{endpoint.id}的风险比；蓝色：区间不含1；p值与表中相同，多水平特征的联合检验列于参照行；事件数/患者数：各水平，连续变量为其单独的模型。",
        )
        forest = Forest(
            title=f"{endpoint.label}, {name_cohort(spec.main_cohort)}",
            rows=list(_list_rows(outcome.results, spec, endpoint)),
            counted=("Events / patients",),
            models=("Alone", "Every characteristic in one model"),
            limits=spec.limits,
            sides=("lower hazard", "higher hazard"),
            color=TREATED,
        )
        alt = describe_forest(forest)
        for number, figure in enumerate(plot_forest(forest), start=1):
            name = name_page(f"forest_{make_slug(endpoint.id)}", number)
            yield Drawing(name, "regression", caption, alt, figure)


def _list_rows(results: Results, spec: StudySpec, endpoint: Endpoint) -> Iterator[Row]:
    """Yield treatment and every characteristic, level by level with that of reference first."""
    alone = Key(analysis=ALONE, cohort=spec.main_cohort, endpoint=endpoint.id)
    arms = {arm.id: arm.label for arm in (spec.control, spec.treated)}
    treatment = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
    yield from _list_levels(results, treatment, "Treatment", arms)
    for item in (item for item in spec.characteristics if not item.knots):
        key = alone.of(variable=item.id)
        if item.is_number:
            yield _make_row(results, key.of(level=item.unit_step), f"{item.label}, {item.unit_step}", "hr")
        else:
            levels = {level: prettify(level) for level in item.order_levels()}
            yield from _list_levels(results, key, prettify(item.label), levels)


def _list_levels(results: Results, key: Key, name: str, levels: dict[str, str]) -> Iterator[Row]:
    """The level of reference behind the name of the characteristic, then the others; a model without any of them has no reference either."""
    first, *others = levels
    rows = [
        _make_row(results, key.of(level=level), levels[level], "n", is_inner=True, is_several=len(others) > 1)
        for level in others
    ]
    estimates = (
        Estimate(REFERENCE, joint) if any(row.estimates[model].text != NOT_MADE for row in rows) else Estimate(NOT_MADE)
        for model, joint in enumerate(_print_joint(results, key) if len(others) > 1 else ("", ""))
    )
    yield Row(
        f"{name}: {levels[first]}",
        (count_patients(results, key.of(analysis=ALONE, level=first), "n"),),
        tuple(estimates),
    )
    yield from rows


def _print_joint(results: Results, key: Key) -> tuple[str, str]:
    """The p of all levels of a characteristic, alone and in the model of all; nothing where it was not computed."""
    alone, together = (key.of(analysis=analysis) for analysis in (ALONE, FULL))
    return _print_p(results, alone), _print_p(results, together)


def _print_p(results: Results, key: Key) -> str:
    return format_number(results.value(key, "p"), "p") if results.has(key, "p") else ""


def _make_row(
    results: Results, key: Key, label: str, counted: str, *, is_inner: bool = False, is_several: bool = False
) -> Row:
    """A level in every model, marked where its interval excludes 1; the p of a model alone is that of the whole characteristic (`is_several`: elsewhere)."""
    alone, together = (read_estimate(results, one) for one in (key, key.of(analysis=FULL)))
    if key.analysis == ALONE and alone.p:
        alone = replace(alone, p="" if is_several else _print_p(results, key.of(level=None)))
    estimates = tuple(replace(one, is_marked=_excludes_1(one)) for one in (alone, together))
    return Row(label, (count_patients(results, key.of(analysis=ALONE), counted),), estimates, is_inner=is_inner)


def _excludes_1(estimate: Estimate) -> bool:
    return estimate.low is not None and estimate.high is not None and not estimate.low <= 1 <= estimate.high
