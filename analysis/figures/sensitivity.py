"""A forest of every analysis of the same comparison: the main one, the other cohorts, the other models, the sensitivity analyses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from analysis.figures.ratio_plot import (
    NOT_MADE,
    Estimate,
    Forest,
    Row,
    count_patients,
    describe_forest,
    plot_forest,
    read_estimate,
)
from analysis.figures.sheet import name_page
from analysis.figures.style import CONTROL, Drawing
from analysis.study.cohort_names import COHORT_NAMES, name_cohort
from analysis.study.keys import make_hazard_ratio_key
from analysis.study.numbers import NOT_ESTIMABLE, prettify
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key, Results, make_slug
from analysis.study.spec import Endpoint, StudySpec
from analysis.study.variants import is_changed, is_same, join_labels, list_failed, list_variants
from etl.pages.text import Text

SECTION = "cautions"
"""Beside the words about them, on the first screen of the report."""
KINDS = {
    "cox_treatment": "Other cohorts",
    "cox_alternative": "Other models",
    "cox_full": "Other models",
    "sensitivity": "Sensitivity analyses",
}
CHANGES = (
    "changes the result: the estimate lies on the other side of 1 or outside the interval of the main analysis (grey), or its own "
    "interval includes 1 where the main one does not, or the reverse"
)


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `sensitivity_<endpoint>` for every endpoint of a study that compares two arms, where there is another analysis."""
    results = outcome.results
    if not spec.has_contrast:
        return
    for endpoint in spec.endpoints:
        rows = list(list_rows(results, spec, endpoint))
        if not rows:
            continue
        main = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
        forest = _make_forest(results, spec, endpoint, [Row("Main analysis"), _make_main(results, spec, main), *rows])
        caption = Text(
            f"{endpoint.label}: hazard ratio of {spec.treated.label} against {spec.control.label} in every analysis made. "
            f"Favours: lower hazard. Filled: changes the result.{_name_same(results, spec, endpoint).en}",
            f"{endpoint.id}：各项分析中 {spec.treated.label} 相对 {spec.control.label} 的风险比。Favours：风险较低。实心：改变结论。"
            f"{_name_same(results, spec, endpoint).zh}",
        )
        alt = describe_forest(forest)
        for number, figure in enumerate(plot_forest(forest), start=1):
            name = name_page(f"sensitivity_{make_slug(endpoint.id)}", number)
            yield Drawing(name, SECTION, caption, alt, figure)


def _make_forest(results: Results, spec: StudySpec, endpoint: Endpoint, rows: list[Row]) -> Forest:
    main = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
    low, high = (results.value(main, name) for name in ("ci_low", "ci_high"))
    return Forest(
        title=f"{endpoint.label}: every analysis of {spec.treated.label} vs {spec.control.label}",
        rows=rows,
        counted=("Events / patients",),
        models=("",),
        limits=spec.limits,
        sides=(f"favours {spec.treated.label}", f"favours {spec.control.label}"),
        color=CONTROL,
        legend=(
            ("main analysis", Estimate("", is_main=True)),
            (CHANGES, Estimate("", is_marked=True)),
            ("does not change it", Estimate("")),
        ),
        band=(low, high) if low is not None and high is not None else None,
    )


def _make_main(results: Results, spec: StudySpec, main: Key) -> Row:
    estimate = replace(read_estimate(results, main), is_main=True)
    return Row(COHORT_NAMES[spec.main_cohort].en, (count_patients(results, main),), (estimate,), is_inner=True)


def list_rows(results: Results, spec: StudySpec, endpoint: Endpoint) -> Iterator[Row]:
    """Yield every other analysis under the heading of its kind; last those that ended before there was anything to estimate."""
    main = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
    for kind, variants in itertools.groupby(
        _list_other(results, spec, endpoint), key=lambda found: KINDS[found[1].analysis]
    ):
        yield Row(kind)
        for label, key in variants:
            where = f" ({name_cohort(key.cohort)})" if _needs_cohort(spec, key) and key.cohort else ""
            estimate = replace(read_estimate(results, key), is_marked=is_changed(results, main, key))
            yield Row(
                f"{prettify(label.en)}{where}",
                (count_patients(results, key),),
                (estimate,),
                is_inner=True,
            )
    failed = list(list_failed(results, spec, endpoint))
    if failed:
        yield Row("Could not be made")
    for label, reason in failed:
        yield Row(prettify(label.en), (NOT_MADE,), (Estimate(NOT_ESTIMABLE, reason=reason),), is_inner=True)


def _list_other(results: Results, spec: StudySpec, endpoint: Endpoint) -> list[tuple[Text, Key]]:
    """The analyses that are others than the main one: those that change nobody say nothing, and are named below the figure."""
    main = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
    return [(label, key) for label, key in list_variants(results, spec, endpoint) if not is_same(results, main, key)]


def _name_same(results: Results, spec: StudySpec, endpoint: Endpoint) -> Text:
    """The analyses that change nobody, and are not drawn."""
    main = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
    same = [label for label, key in list_variants(results, spec, endpoint) if is_same(results, main, key)]
    named = join_labels(same)
    return (
        Text(f" Not drawn, the same in all digits: {named.en}.", f"未绘出（结果完全相同）：{named.zh}。")
        if same
        else Text("", "")
    )


def _needs_cohort(spec: StudySpec, key: Key) -> bool:
    """Whether a sensitivity analysis is in another cohort than the main one."""
    return key.analysis == "sensitivity" and key.cohort != spec.main_cohort and key.cohort in COHORT_NAMES
