"""A forest of every two of three and more arms, in every cohort in which they are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from analysis.figures.ratio_plot import Forest, Row, count_patients, describe_forest, plot_forest, read_estimate
from analysis.figures.sheet import name_page
from analysis.figures.style import TREATED, Drawing
from analysis.study.cohort_names import COHORT_NAMES
from analysis.study.keys import make_pair_key
from analysis.study.numbers import format_number
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Results, make_slug
from analysis.study.spec import Endpoint, StudySpec
from etl.pages.text import Text


def plot(outcome: StudyOutcome, spec: StudySpec) -> Iterator[Drawing]:
    """Yield `forest_pairs_<endpoint>` for every endpoint of a study of more than two arms."""
    if not spec.has_pairs:
        return
    for endpoint in spec.endpoints:
        forest = Forest(
            title=f"{endpoint.label}: every two arms",
            rows=list(_list_rows(outcome.results, spec, endpoint)),
            counted=("Events / patients",),
            models=("",),
            limits=spec.limits,
            sides=("favours the first", "favours the second"),
            color=TREATED,
        )
        caption = Text(
            f"{endpoint.label}: hazard ratio of the first arm of a pair against the second. p: corrected for the number of pairs (Holm). "
            "Favours: lower hazard.",
            f"{endpoint.id}：每两组中前者相对后者的风险比。p：按比较次数校正（Holm）。Favours：风险较低。",
        )
        alt = describe_forest(forest)
        for number, figure in enumerate(plot_forest(forest), start=1):
            name = name_page(f"forest_pairs_{make_slug(endpoint.id)}", number)
            yield Drawing(name, "survival", caption, alt, figure)


def _list_rows(results: Results, spec: StudySpec, endpoint: Endpoint) -> Iterator[Row]:
    """Yield the pairs below the name of each cohort."""
    for cohort, name in COHORT_NAMES.items():
        found = [(pair, make_pair_key(pair, cohort, endpoint.id)) for pair in spec.list_pairs()]
        made = [(pair, key) for pair, key in found if results.has(key, "hr")]
        if made:
            yield Row(name.en)
        for pair, key in made:
            estimate = read_estimate(results, key)
            if estimate.ratio is not None:
                estimate = replace(estimate, p=format_number(results.value(key, "p_holm"), "p"))
            label = f"{pair.treated.label} vs {pair.control.label}"
            yield Row(label, (count_patients(results, key),), (estimate,), is_inner=True)
