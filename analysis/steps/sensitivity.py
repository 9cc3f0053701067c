"""Sensitivity analyses: the matching and the hazard ratio of treatment again, with one thing of the study changed."""

from __future__ import annotations

from typing import Any

import polars as pl

from analysis.estimators.balance import compute_balance
from analysis.estimators.cox import fit_cox
from analysis.estimators.propensity import Propensity
from analysis.steps.match import MatchedCohort, describe_caliper, match_cohort
from analysis.steps.study import Study
from analysis.steps.survival import COX_METHOD, add_coefficients
from analysis.study.cohort import select_cohort
from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.results import Key
from analysis.study.spec import Endpoint, Sensitivity, StudySpec
from etl.errors import AnalysisError

WEIGHTED_METHOD = "Cox model, Efron ties, weights of the matched sets, errors robust by set, Wald limits"


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
    """Only what differs from the study: the whole cohort does not where the matching alone is another one."""
    if item.endpoint:
        _check_made(study, item)
        _add_changed(study, item, varied.endpoints[0])
        cohorts = study.cohorts
    else:
        frame = select_cohort(subjects, varied).frame if item.population else study.cohorts[ALL]
        cohorts = {ALL: frame} if item.population else {}
        methods = {}
        if varied.matching:
            matched = match_cohort(varied, frame, None if item.population else _find_score(study, varied))
            cohorts[MATCHED], methods[MATCHED] = matched.frame.filter("is_matched"), matched.method
            _add_match(study, item, varied, matched)
        for cohort, patients in cohorts.items():
            _add_patients(study, item, cohort, patients, methods.get(cohort))
    for cohort, patients in cohorts.items():
        for endpoint in varied.endpoints:
            _add_hazard_ratio(study, item, varied, cohort, patients, endpoint)


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


def _find_score(study: Study, varied: StudySpec) -> Propensity | None:
    """The study's own score where the same patients have the same covariates: who is matched with whom does not change it."""
    own, other = study.spec.matching, varied.matching
    return study.propensity if own and other and own.covariates == other.covariates else None


def _add_changed(study: Study, item: Sensitivity, endpoint: Endpoint) -> None:
    """The patients whose time or event is another one."""
    own, frame = study.spec.get_endpoint(endpoint.id), study.cohorts[ALL]
    columns = ((own.time_column, endpoint.time_column), (own.event_column, endpoint.event_column))
    changed = frame.select(pl.any_horizontal(pl.col(a).ne_missing(pl.col(b)) for a, b in columns).sum()).item()
    key = Key(analysis="sensitivity", variable=item.id, cohort=ALL, endpoint=endpoint.id, level="changed")
    study.results.add(key, "n", changed, unit="patients", n=frame.height)


def _add_patients(study: Study, item: Sensitivity, cohort: str, frame: pl.DataFrame, method: str | None) -> None:
    for arm, patients in study.list_groups(frame):
        key = Key(
            analysis="sensitivity", variable=item.id, cohort=cohort, arm=arm.id if arm else None, level="patients"
        )
        study.results.add(key, "n", patients.height, unit="patients", method=method, n=frame.height)


def _add_hazard_ratio(
    study: Study, item: Sensitivity, varied: StudySpec, cohort: str, frame: pl.DataFrame, endpoint: Endpoint
) -> None:
    """Add the hazard ratio of the treated arm; after 1:k matching with the weights of the sets."""
    timed = study.keep_timed(frame, endpoint)
    key = Key(analysis="sensitivity", variable=item.id, cohort=cohort, endpoint=endpoint.id)
    is_weighted = cohort == MATCHED and varied.matching is not None and varied.matching.ratio > 1
    weights, cluster = (timed["weight"], timed["pair"]) if is_weighted else (None, None)
    try:
        design = pl.DataFrame({"arm": study.is_treated(timed)})
        fit = fit_cox(*study.compute_times(timed, endpoint), design, weights=weights, cluster=cluster)
    except AnalysisError as error:
        study.results.add(key, "hr", None, method=f"not estimable: {error}", n=timed.height)
        return
    method = WEIGHTED_METHOD if is_weighted else COX_METHOD
    if item.endpoint:
        method += f"; {endpoint.time_column}, {endpoint.event_column}"
    add_coefficients(study, key, fit, 0, method=method)


def _add_match(study: Study, item: Sensitivity, varied: StudySpec, matched: MatchedCohort) -> None:
    """Add the caliper, and the largest absolute standardised difference of a covariate of the score after matching."""
    assert varied.matching is not None
    frame = matched.frame
    key = Key(analysis="sensitivity", variable=item.id, cohort=MATCHED)
    method = f"{describe_caliper(varied.matching)}, inclusive"
    study.results.add(key.of(level="caliper"), "width", matched.matches.caliper, method=method)
    columns = [varied.get_characteristic(name).column for name in varied.matching.covariates]
    balance = compute_balance(frame, study.is_treated(frame), columns, matched=frame["weight"])
    of_matched = balance.filter(pl.col("sample") == MATCHED)
    largest: Any = of_matched["standardised_mean_difference"].abs().max()
    rule = of_matched["rule"][0]
    study.results.add(key.of(level="largest covariate"), "abs_smd", largest, method=rule)
