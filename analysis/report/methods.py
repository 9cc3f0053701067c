"""The statistical methods, written from what was run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.report.citing import cite
from analysis.report.design import join_words
from analysis.steps.match import describe_caliper
from analysis.study.cohort_names import ALL, MATCHED, WEIGHTED, name_cohort
from analysis.study.keys import NAIVE
from analysis.study.published import read_published
from analysis.study.results import Key, Results, make_slug
from analysis.study.spec import StudySpec
from analysis.study.study_time import UNIT_LENGTHS
from analysis.tables.model import CallOut, Cell, Open, Part, look_up, text

PUBLISHED_MODELS = "published_cox_"
"""How the tables begin in which published hazard ratios stand beside the registry's."""
ORDERS = {
    "largest": "in descending order of the score",
    "smallest": "in ascending order of the score",
    "data": "in the order of the data",
    "closest": "the closest possible pair first",
}


def write_methods(results: Results, spec: StudySpec, manifest: Mapping[str, Any]) -> list[Cell]:
    """Return the paragraphs on the statistics; a paragraph on what the study does not do is left out."""
    paragraphs: list[Cell] = []
    if spec.matching:
        paragraphs += _describe_matching(results, spec)
    if spec.weighting:
        paragraphs.append(_describe_weighting(results, spec))
    paragraphs += _describe_covariates(spec)
    if spec.arms and spec.characteristics:
        paragraphs.append(_describe_tests(spec))
    paragraphs.append(_describe_survival(spec))
    if spec.has_contrast:
        paragraphs.append(_describe_alternatives(results, spec))
    if spec.has_pairs:
        paragraphs.append(_describe_pairs())
    if spec.regression:
        paragraphs.append(_describe_regression(spec))
    paragraphs += _describe_responses(spec)
    if spec.sensitivity:
        paragraphs.append(_describe_sensitivity(spec))
    return [*paragraphs, *_describe_published(spec), _describe_software(spec, manifest)]


def _describe_tests(spec: StudySpec) -> Cell:
    compared = [
        "Characteristics",
        *(["responses"] if spec.evaluations else []),
        *(["adverse events"] if spec.grade_bands else []),
    ]
    return text(
        f"{join_words(compared)} were compared by Pearson's chi-square test without continuity correction, by Fisher's "
        f"exact test where an expected count was below 5{_describe_ranks(spec)}. Patients are ordered by start date, baseline values, "
        "hospital and row of the source, so that ties do not depend on the order of the files."
    )


def _describe_published(spec: StudySpec) -> list[Cell]:
    """Whose figures the supplement prints beside the registry's."""
    if not read_published(spec):
        return []
    source = spec.publication.published_in or Open("reference of the publication")
    tables = CallOut(tuple(f"{PUBLISHED_MODELS}{kind}" for kind in ("treatment", "alternative", "multivariable_naive")))
    return [
        text("Hazard ratios that were published before (", source, ") stand beside those of this study", tables, ".")
    ]


def _describe_pairs() -> Cell:
    return text(
        "Every two arms were compared by a Cox model, in the whole cohort and with a propensity score of the pair where one was asked for; p-values of "
        "the pairs were corrected by Holm's method",
        cite("holm_1979"),
        CallOut(("pairwise",)),
        ".",
    )


def _describe_responses(spec: StudySpec) -> list[Cell]:
    """Response rates, best responses, and adverse events."""
    paragraphs = []
    if spec.evaluations:
        paragraphs.append(
            text(
                "Objective response is CR + PR, disease control CR + PR + SD (RECIST 1.1), over all patients of the arm; "
                "those without an evaluable assessment count as not evaluable. Limits are Clopper-Pearson's",
                cite("clopper_1934"),
                ", of a difference Newcombe's",
                cite("newcombe_1998"),
                ".",
            )
        )
    if spec.courses:
        paragraphs.append(
            text(
                "Best response is the best one of all assessments up to and including the first progression, without "
                "confirmation; best change is the smallest sum of target diameters of the same assessments against the "
                "baseline's. Quartiles are interpolated linearly."
            )
        )
    return [*paragraphs, *([_describe_events(spec)] if spec.grade_bands else [])]


def _describe_matching(results: Results, spec: StudySpec) -> list[Cell]:
    matching = spec.matching
    assert matching is not None
    names = ", ".join(spec.get_characteristic(name).label for name in matching.covariates)
    score = text(
        "The propensity score",
        cite("rosenbaum_1983"),
        f" is the probability of {spec.treated.label} from a logistic regression, without penalty, "
        f"on {len(matching.covariates)} characteristics{_describe_categories(spec)}: {names}",
        CallOut(("propensity", "propensity_overlap")),
        ".",
    )
    caliper: tuple[Any, ...] = ("without a caliper",)
    key = Key(analysis="matching", cohort=ALL, variable="caliper")
    if results.has(key, "width"):
        width = look_up(results, key, "width", "coefficient")
        caliper = (f"within {describe_caliper(matching)} over all patients (", width, ")", cite("austin_2011"))
    known = {item.id: item.label for item in spec.characteristics}
    same = " and ".join(known.get(name, name) for name in matching.exact)
    within = f"within the same {same}, " if same else ""
    unmatched = Key(analysis="matching", cohort=ALL, arm=spec.treated.id, variable="unmatched")
    everybody = results.value(unmatched, "n") == 0
    estimand = (
        f"Every {spec.treated.label} patient was matched, so that the estimand is the effect in the treated."
        if everybody
        else "With a caliper the estimand is the effect in the matched patients."
    )
    pairs = look_up(results, Key(analysis="matching", cohort=MATCHED, variable="pairs"), "n", "count")
    balance = Key(analysis="balance", cohort=MATCHED, variable="largest covariate")
    largest = look_up(results, balance, "abs_smd", "difference")
    matched = text(
        f"Each {spec.treated.label} patient, {ORDERS[matching.order]}, was {_name_ratio(matching.ratio)} nearest unpaired "
        f"{spec.control.label} {'patient' if matching.ratio == 1 else 'patients'} on the {matching.scale} of the score, without replacement, {within}",
        *caliper,
        ". This gave ",
        pairs,
        f" {'pairs' if matching.ratio == 1 else 'sets'}; the largest absolute standardised mean difference of a covariate after matching was ",
        largest,
        CallOut(("love_plot",)),
        f". {estimand}",
    )
    return [score, matched]


def _describe_survival(spec: StudySpec) -> Cell:
    names = " and ".join(f"{item.label.lower()} ({item.id})" for item in spec.endpoints)
    unit = UNIT_LENGTHS[spec.time_unit]
    parts: list[Part] = [
        f"Curves of {names} are Kaplan-Meier's",
        cite("kaplan_1958"),
        f", in {spec.time_unit}s{unit} from the {spec.origin}. Medians have Brookmeyer-Crowley limits on the log scale",
        cite("brookmeyer_1982"),
        ", as in R; beside them stand median and standard error as SPSS prints them. A rate beyond the last follow-up of a curve that ends above 0 is "
        "not estimable.",
    ]
    if spec.arms:
        parts += [
            " Arms were compared by the log-rank test and by Cox models",
            cite("cox_1972"),
            " with Efron's handling of ties",
            cite("efron_1977"),
            " and Wald limits; whether one hazard ratio describes the whole course was tested by the scaled residuals",
            cite("grambsch_1994"),
            ".",
        ]
    if spec.matching:
        parts += [
            " After matching, errors of hazard ratios are robust by matched set",
            cite("lin_1989"),
            "; the log-rank test, curves, restricted means and tests of interaction take patients for independent.",
        ]
    if spec.subgroups:
        parts.append(" Subgroups were compared by the likelihood-ratio test of the product of treatment and level.")
    if spec.population.landmark_day or any("landmark_day" in item.population for item in spec.sensitivity):
        parts += [
            " A landmark analysis includes patients in follow-up without the event on its day",
            cite("anderson_1983"),
            ".",
        ]
    if spec.time_varying:
        parts += [
            " What is given during follow-up counts from the day it was given, since it can be given only to patients still alive",
            cite("suissa_2008"),
            ".",
        ]
    if spec.follow_up:
        parts += [" Follow-up is the median of the reverse Kaplan-Meier curve", cite("schemper_1996"), "."]
    return text(*parts)


def _describe_alternatives(results: Results, spec: StudySpec) -> Cell:
    made = results.select(analysis="cox_alternative")["variable"].unique().to_list()
    words = {
        NAIVE: "with pairs ignored",
        "stratified by pair": "stratified by pair",
        "stratified by hospital": "stratified by hospital",
        "Breslow ties": "with Breslow's handling of ties",
    }
    models = ", ".join(text for name, text in words.items() if name in made)
    tests = [name for name in ("pair", "hospital") if f"stratified by {name}" in made]
    logrank = f"; the log-rank test was also stratified by {' and by '.join(tests)}" if tests else ""
    return text(
        f"The hazard ratio was also estimated {models}{logrank}. Restricted means",
        cite("royston_2013"),
        f" run to the last time at which a rate is given, or as far as both arms are followed, with {_name_error(spec)}",
        CallOut(("alternatives",)),
        ".",
    )


def _describe_events(spec: StudySpec) -> Cell:
    """Adverse events are counted by arm as recorded, which is unadjusted; rates stand beside where time on treatment is known."""
    words = "Adverse events were compared between the arms as recorded, unadjusted, over everybody analysed"
    if not (spec.follow_up and spec.follow_up.duration_column):
        return text(f"{words}.")
    return text(
        f"{words}; rates per 100 patient-months of treatment have exact Poisson limits",
        cite("garwood_1936"),
        CallOut(("adverse_event_rates",)),
        ".",
    )


def _describe_sensitivity(spec: StudySpec) -> Cell:
    anew = [item.label for item in spec.sensitivity if not item.endpoint]
    others = [item.label for item in spec.sensitivity if item.endpoint]
    sentences = []
    if anew:
        sentences.append(
            "One thing was changed at a time, or those that are named together, and the score fitted anew where patients, covariates or weights change: "
            f"{'; '.join(anew)}"
        )
    if any(item.matching.get("ratio", 1) > 1 for item in spec.sensitivity):
        sentences.append("After matching 1:k sets count with their weights")
    if others:
        sentences.append(f"In the study's own cohorts other endpoints were taken: {'; '.join(others)}")
    return (
        text(
            "Sensitivity analyses. " + ". ".join(sentences),
            CallOut(("sensitivity", "sensitivity_endpoints")),
            ". An analysis is said to change a result where its estimate lies on the other side of 1 or outside the main interval, or where its "
            "interval includes 1 and the main one does not, or the reverse.",
        )
        if sentences
        else text()
    )


def _describe_regression(spec: StudySpec) -> Cell:
    regression = spec.regression
    assert regression is not None
    cohort = spec.main_cohort
    test = "Wald test" if spec.is_weighted(cohort) else "likelihood-ratio test"
    known = (
        " Of a model those are left out of whom one of its characteristics is not known." if _list_missing(spec) else ""
    )
    return text(
        f"In the {name_cohort(cohort)} one Cox model held treatment and every characteristic. Beside it stands a model as it is often printed: every "
        f"characteristic was tested alone by one {test}, and those with p < {regression.p_enter:g} entered, treatment always; limits after such a "
        "choice are too narrow",
        cite("harrell_2015"),
        CallOut(tuple(f"regression_selected_{make_slug(endpoint.id)}" for endpoint in spec.endpoints)),
        f".{known} Tests are two-sided, alpha {spec.alpha:g}, without correction for their number.",
    )


def _name_ratio(ratio: int) -> str:
    return "paired 1:1 with the" if ratio == 1 else f"matched 1:{ratio} with the"


def _describe_categories(spec: StudySpec) -> str:
    assert spec.matching is not None
    items = [spec.get_characteristic(name) for name in spec.matching.covariates]
    return "" if any(item.is_number for item in items) else " as categories"


def _list_missing(spec: StudySpec) -> list[str]:
    return [item.label for item in spec.characteristics if item.missing == "level"]


def _describe_covariates(spec: StudySpec) -> list[Cell]:
    """Splines and unknown values, where a study has them."""
    sentences = []
    if splines := [item for item in spec.characteristics if item.knots]:
        named = "; ".join(f"{item.label} ({item.knots} knots)" for item in splines)
        sentences.append(f"Restricted cubic splines, with knots at Harrell's quantiles of everybody analysed: {named}.")
    if missing := _list_missing(spec):
        sentences.append(
            "Patients of whom these are not known have a level of their own in the score, which balances that they are not known and not what is "
            f"not known: {', '.join(missing)}."
        )
    return [text(" ".join(sentences))] if sentences else []


def _describe_weighting(results: Results, spec: StudySpec) -> Cell:
    weighting = spec.weighting
    assert weighting is not None
    names = ", ".join(spec.get_characteristic(name).label for name in weighting.covariates)
    method = results.row(Key(analysis="weighting", cohort=WEIGHTED, variable="patients"), "n")["method"]
    return text(
        f"Everybody analysed was weighted by the propensity score of {spec.treated.label} from a logistic regression on {names}: {method}. Curves and "
        "hazard ratios are weighted, with robust errors",
        *([cite("li_2018")] if weighting.method == "overlap" else []),
        "; arms are compared by the robust score test, since there is no weighted log-rank test. The error of "
        "restricted means is that of bootstrap samples, in each of which the score is fitted anew.",
    )


def _name_error(spec: StudySpec) -> str:
    """The error of restricted means: that of the bootstrap where patients have weights."""
    is_weighted = spec.weighting or (spec.matching and spec.matching.ratio > 1)
    return (
        "Greenwood's plug-in error; of weighted patients, that of the bootstrap"
        if is_weighted
        else "Greenwood's plug-in error"
    )


def _describe_ranks(spec: StudySpec) -> str:
    return ", quantities by the Kruskal-Wallis test" if any(item.is_number for item in spec.characteristics) else ""


def _describe_chance(spec: StudySpec) -> str:
    is_weighted = spec.weighting or (spec.matching and spec.matching.ratio > 1)
    return "Bootstrap samples are drawn from a fixed seed." if is_weighted else "Nothing is drawn at random."


def _describe_software(spec: StudySpec, manifest: Mapping[str, Any]) -> Cell:
    packages = ", ".join(f"{name} {version}" for name, version in manifest["packages"].items())
    tests = ", and the log-rank tests between them," if spec.arms else ""
    score = ", the propensity score by scikit-learn" if spec.matching else ""
    return text(
        f"Software: Python {manifest['python']}, {packages}. The curves of every endpoint and cohort{tests} were computed a second time by lifelines{score}, "
        f"with the same result. {_describe_chance(spec)} "
        "Counts are shown as they are."
    )
