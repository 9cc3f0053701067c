"""Sensitivity analyses: the matching and the hazard ratio of treatment again, with one thing of the study changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from analysis.estimators.balance import compute_balance
from analysis.steps.covariates import fill_missing, find_knots
from analysis.steps.match import MatchedCohort, describe_caliper, fit_score, match_cohort
from analysis.steps.study import Score, Study
from analysis.steps.survival import add_fitted, list_options
from analysis.steps.weight import weight_cohort
from analysis.study.cohort import select_cohort
from analysis.study.cohort_names import ALL, MATCHED, WEIGHTED
from analysis.study.results import Key
from analysis.study.spec import Endpoint, Sensitivity, StudySpec
from etl.errors import AnalysisError


def add_sensitivity(study: Study, subjects: pl.DataFrame) -> None:
    """Add every sensitivity analysis of the study, one after the other.

    Where the matching or the patients change, the patients are matched anew, by a score fitted anew unless patients and
    covariates are the study's own; where an endpoint changes, its cohorts are kept. What cannot be computed is said in the results and stops nothing.

    `subjects`: the mart `analysis_subject`, from which other patients are chosen.
    """
    for item in study.spec.sensitivity:
        varied = study.spec.vary(item)
        try:
            _add_one(study, item, varied, subjects)
        except AnalysisError as error:
            study.results.add(
                Key(analysis="sensitivity", variable=item.id), "n", None, method=f"not estimable: {error}"
            )


def _add_one(study: Study, item: Sensitivity, varied: StudySpec, subjects: pl.DataFrame) -> None:
    """Only what differs from the study: the whole cohort does not where the score alone is used otherwise."""
    if item.endpoint:
        _check_made(study, item)
        _add_changed(study, item, varied.endpoints[0])
        _add_cohorts(replace(study, spec=varied), item)
    elif varied.population.landmark_day != study.spec.population.landmark_day:
        for endpoint in varied.endpoints:  # who is at risk on that day differs between them
            of_endpoint = replace(varied, endpoints=(endpoint,))
            sub = _choose_anew(study, item, of_endpoint, subjects)
            _add_cohorts(sub, item)
    else:
        _add_cohorts(_choose_anew(study, item, varied, subjects), item)


def _choose_anew(study: Study, item: Sensitivity, varied: StudySpec, subjects: pl.DataFrame) -> Study:
    """The study of one analysis, with its own patients, score, sets and weights; without those that are the study's own."""
    frame = select_cohort(subjects, varied).frame if item.population else study.cohorts[ALL]
    knots = find_knots(varied, frame) if item.population else study.knots
    sub = replace(study, spec=varied, cohorts={ALL: frame} if item.population else {}, knots=knots)
    if item.population:
        _add_patients(sub, item, ALL, None)
    if varied.matching and (item.matching or item.population):
        score = _find_score(study, varied, item) or fit_score(varied, frame, varied.matching.covariates, knots)
        matched = match_cohort(varied, frame, score)
        sub.cohorts[MATCHED] = matched.frame.filter("is_matched")
        _add_patients(sub, item, MATCHED, matched.method)
        _add_match(sub, item, matched)
    if varied.weighting and (item.weighting or item.population):
        sub.cohorts[WEIGHTED], score, method = weight_cohort(varied, frame, knots)
        _add_patients(sub, item, WEIGHTED, method)
        _add_weights(sub, item, frame, score)
    return sub


def _find_score(study: Study, varied: StudySpec, item: Sensitivity) -> Score | None:
    """The study's own score where the same patients have the same covariates: who is matched with whom does not change it."""
    own, other = study.spec.matching, varied.matching
    is_same = own and other and own.covariates == other.covariates and not item.population
    return study.score if is_same else None


def _add_cohorts(sub: Study, item: Sensitivity) -> None:
    """Add the patients and the hazard ratio of every endpoint in every cohort of an analysis."""
    for cohort, patients in sub.cohorts.items():
        for endpoint in sub.spec.endpoints:
            timed = sub.keep_timed(patients, endpoint)
            key = Key(analysis="sensitivity", variable=item.id, cohort=cohort, endpoint=endpoint.id)
            design = pl.DataFrame({"arm": sub.is_treated(timed)})
            note = f"; {endpoint.time_column}, {endpoint.event_column}" if item.endpoint else ""
            add_fitted(sub, key, sub.compute_times(timed, endpoint), design, list_options(sub, cohort, timed), note)


def _check_made(study: Study, item: Sensitivity) -> None:
    """Raise `AnalysisError` where a hospital was loaded before the column was made: what is empty there says nothing."""
    frame = study.cohorts[ALL]
    for column in (name for name in (item.time_column, item.event_column) if name):
        filled = frame.group_by("hospital").agg(pl.col(column).is_not_null().any()).filter(~pl.col(column))
        if absent := sorted(filled["hospital"]):
            raise AnalysisError(
                f"{column} was not yet made when {', '.join(absent)} was loaded; read the delivery again",
                f"{'、'.join(absent)} 载入时尚无 {column}，请重新读取该数据",
            )


def _add_changed(study: Study, item: Sensitivity, endpoint: Endpoint) -> None:
    """The patients whose time or event is another one."""
    own, frame = study.spec.get_endpoint(endpoint.id), study.cohorts[ALL]
    columns = ((own.time_column, endpoint.time_column), (own.event_column, endpoint.event_column))
    changed = frame.select(pl.any_horizontal(pl.col(a).ne_missing(pl.col(b)) for a, b in columns).sum()).item()
    key = Key(analysis="sensitivity", variable=item.id, cohort=ALL, endpoint=endpoint.id, level="changed")
    study.results.add(key, "n", changed, unit="patients", n=frame.height)


def _add_patients(sub: Study, item: Sensitivity, cohort: str, method: str | None) -> None:
    frame, level = sub.cohorts[cohort], f"patients{_name_landmark(sub)}"
    for arm, patients in sub.list_groups(frame):
        key = Key(analysis="sensitivity", variable=item.id, cohort=cohort, arm=arm.id if arm else None, level=level)
        sub.results.add(key, "n", patients.height, unit="patients", method=method, n=frame.height)


def _add_match(sub: Study, item: Sensitivity, matched: MatchedCohort) -> None:
    """Add the caliper, and the largest absolute standardised difference of a covariate of the score after matching."""
    assert sub.spec.matching is not None
    key = Key(analysis="sensitivity", variable=item.id, cohort=MATCHED)
    method = f"{describe_caliper(sub.spec.matching)}, inclusive"
    sub.results.add(key.of(level=f"caliper{_name_landmark(sub)}"), "width", matched.matches.caliper, method=method)
    _add_largest(sub, key, matched.score, matched.frame["weight"], matched.frame)


def _add_weights(sub: Study, item: Sensitivity, frame: pl.DataFrame, score: Score) -> None:
    """Add the largest weight, and the largest absolute standardised difference of a covariate of the score after weighting."""
    key = Key(analysis="sensitivity", variable=item.id, cohort=WEIGHTED)
    weights = sub.cohorts[WEIGHTED]["weight"]
    largest: Any = weights.max()
    sub.results.add(key.of(level=f"weight{_name_landmark(sub)}"), "max", largest, n=frame.height)
    _add_largest(sub, key, score, weights, frame)


def _add_largest(sub: Study, key: Key, score: Score, weights: pl.Series, frame: pl.DataFrame) -> None:
    names = list(dict.fromkeys(name for name, _ in score.covariates.owners.values()))
    items = [sub.spec.get_characteristic(name) for name in names]
    values = frame.select(fill_missing(frame, item).alias(item.id) for item in items)
    varying = [name for name in names if values[name].n_unique() > 1]
    balance = compute_balance(values, sub.is_treated(frame), varying, matched=weights)
    of_sample = balance.filter(pl.col("sample") == "matched")
    largest: Any = of_sample["standardised_mean_difference"].abs().max()
    level = f"largest covariate{_name_landmark(sub)}"
    sub.results.add(key.of(level=level), "abs_smd", largest, method=next(iter(of_sample["rule"]), None))


def _name_landmark(sub: Study) -> str:
    """At a landmark every endpoint has patients of its own, and its name is part of what is counted in them."""
    return f" {sub.spec.endpoints[0].id}" if sub.spec.population.landmark_day else ""
