"""The other estimates of a study's hazard ratio, and which of them change its result: one list for text and figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.study.cohort_names import ALL, COHORT_NAMES, MATCHED, WEIGHTED
from analysis.study.keys import NAIVE, make_hazard_ratio_key
from analysis.study.numbers import prettify
from analysis.study.results import Key, Results
from analysis.study.spec import Endpoint, Sensitivity, StudySpec
from etl.pages.text import Text

MODELS = {
    NAIVE: Text("Pairs ignored (naive errors)", "忽略配对（常规标准误）"),
    "stratified by pair": Text("Stratified by pair", "按匹配对分层"),
    "stratified by hospital": Text("Stratified by hospital", "按医院分层"),
    "Breslow ties": Text("Breslow's handling of ties", "Breslow法处理结点"),
}
"""The other models of the hazard ratio, as they are named in sentences and figures, by their name in results."""
EVERY_CHARACTERISTIC = Text("Every characteristic in the model", "模型纳入全部特征")


def list_variants(results: Results, spec: StudySpec, endpoint: Endpoint) -> Iterator[tuple[Text, Key]]:
    """Yield every other estimate of the same hazard ratio: the other cohorts, the other models of the main one, the sensitivity analyses."""
    main = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
    for cohort, name in COHORT_NAMES.items():
        key = make_hazard_ratio_key(spec, cohort, endpoint.id)
        if cohort != spec.main_cohort and results.has(key, "hr"):
            yield name, key
    models = results.select(
        analysis="cox_alternative", cohort=spec.main_cohort, endpoint=endpoint.id, subgroup=None, statistic="hr"
    )
    for name in models["variable"]:
        yield MODELS[name], main.of(analysis="cox_alternative", variable=name)
    if results.has(full := main.of(analysis="cox_full"), "hr"):
        yield EVERY_CHARACTERISTIC, full
    for item in spec.sensitivity:
        for cohort in COHORT_NAMES:
            key = Key(analysis="sensitivity", variable=item.id, cohort=cohort, endpoint=endpoint.id)
            is_shown = cohort == spec.main_cohort or cohort not in _list_own(spec)
            if is_shown and results.has(key, "hr"):
                yield name_sensitivity(item), key


def name_sensitivity(item: Sensitivity) -> Text:
    """A sensitivity analysis by its label; in Chinese by its own where the specification has one."""
    return Text(item.label, item.label_zh or f"“{item.label}”")


def join_labels(labels: Sequence[Text]) -> Text:
    """Several of them in a sentence."""
    return Text("; ".join(prettify(label.en) for label in labels), "；".join(prettify(label.zh) for label in labels))


def is_same(results: Results, main: Key, other: Key) -> bool:
    """Whether an estimate and its limits are the main ones to the last digit kept: the analysis changed nobody, and says nothing."""
    own, found = ([results.value(key, name) for name in ("hr", "ci_low", "ci_high")] for key in (main, other))
    return None not in own and own == found


def list_changing(results: Results, spec: StudySpec, endpoint: Endpoint) -> list[tuple[Text, Key]]:
    """The other estimates that change the result of an endpoint, each with its name."""
    main = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
    return [(name, key) for name, key in list_variants(results, spec, endpoint) if is_changed(results, main, key)]


def _list_own(spec: StudySpec) -> set[str]:
    """The cohorts that the study itself has."""
    return {ALL, *([MATCHED] if spec.matching else []), *([WEIGHTED] if spec.weighting else [])}


def is_changed(results: Results, main: Key, other: Key) -> bool:
    """Whether an estimate lies on the other side of 1 or outside the main interval, or its interval includes 1 where the main one does not, or the reverse.

    One that could not be estimated changes nothing that could be said; where the main one could not, nothing can be compared.
    """
    own, found = ([results.value(key, name) for name in ("hr", "ci_low", "ci_high")] for key in (main, other))
    if any(value is None for value in (*own, *found)):
        return False
    ratio, low, high = (float(value or 0) for value in own)
    other_ratio, other_low, other_high = (float(value or 0) for value in found)
    includes_1, other_includes_1 = low <= 1 <= high, other_low <= 1 <= other_high
    is_across = (ratio - 1) * (other_ratio - 1) < 0
    return is_across or not low <= other_ratio <= high or includes_1 != other_includes_1


def list_failed(results: Results, spec: StudySpec, endpoint: Endpoint) -> Iterator[tuple[Text, str]]:
    """Yield the sensitivity analyses of an endpoint that ended before there was anything to estimate, and why."""
    for item in spec.sensitivity:
        key = Key(analysis="sensitivity", variable=item.id)
        if results.has(key, "n") and item.endpoint in ("", endpoint.id):
            yield name_sensitivity(item), results.row(key, "n")["method"].removeprefix("not estimable: ")
