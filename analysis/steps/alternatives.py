"""The comparison of the arms by other models than the study's: strata, clusters, other ties, restricted means."""

from __future__ import annotations

from typing import Any

import polars as pl

from analysis.estimators.cox import fit_cox
from analysis.estimators.kaplan_meier import (
    compute_restricted_mean,
    compute_restricted_mean_difference,
    fit_kaplan_meier,
)
from analysis.estimators.logrank import compute_logrank
from analysis.steps.study import Study
from analysis.steps.survival import add_coefficients
from analysis.study.cohort_names import MATCHED
from analysis.study.results import Key
from analysis.study.spec import HOSPITAL, Endpoint
from etl.errors import AnalysisError

PAIR = "pair"
RESTRICTED_METHOD = "area under the Kaplan-Meier curve up to the horizon; Greenwood's plug-in error, Wald limits"
HORIZON_METHOD = "the last landmark or, where that is earlier, the longest follow-up of the arm whose is shortest"


def add_alternatives(study: Study) -> None:
    """Add the other models of every endpoint in every cohort; one that cannot be fitted says why."""
    for cohort, frame in study.cohorts.items():
        for endpoint in study.spec.endpoints:
            timed = study.keep_timed(frame, endpoint)
            _add_cox_models(study, cohort, timed, endpoint)
            _add_stratified_tests(study, cohort, timed, endpoint)
            _add_restricted_means(study, cohort, timed, endpoint)


def _list_strata(cohort: str, timed: pl.DataFrame) -> list[str]:
    """What the comparison can be stratified by: pairs where there are any, hospitals where there are several."""
    pairs = [PAIR] if cohort == MATCHED else []
    return [*pairs, *([HOSPITAL] if timed[HOSPITAL].n_unique() > 1 else [])]


def _add_cox_models(study: Study, cohort: str, timed: pl.DataFrame, endpoint: Endpoint) -> None:
    models: dict[str, tuple[dict[str, Any], str]] = {
        f"stratified by {name}": ({"strata": timed[name]}, f"Cox model stratified by {name}, Efron ties, Wald limits")
        for name in _list_strata(cohort, timed)
    }
    if cohort == MATCHED:
        robust = "Cox model, Efron ties, errors robust by pair (Lin and Wei), Wald limits"
        models["clustered by pair"] = ({"cluster": timed[PAIR]}, robust)
    models["Breslow ties"] = ({"ties": "breslow"}, "Cox model, Breslow ties, Wald limits")
    times, events = study.compute_times(timed, endpoint)
    design = pl.DataFrame({"arm": study.is_treated(timed)})
    for name, (options, method) in models.items():
        key = Key(
            analysis="cox_alternative",
            cohort=cohort,
            endpoint=endpoint.id,
            variable=name,
            level=study.spec.treated.id,
        )
        try:
            fit = fit_cox(times, events, design, **options)
        except AnalysisError as error:
            study.results.add(key, "hr", None, method=f"not estimable: {error}", n=timed.height)
            continue
        add_coefficients(study, key, fit, 0, method=method)


def _add_stratified_tests(study: Study, cohort: str, timed: pl.DataFrame, endpoint: Endpoint) -> None:
    times, events = study.compute_times(timed, endpoint)
    for name in _list_strata(cohort, timed):
        variable, n, n_event = f"stratified by {name}", timed.height, int(events.sum())
        key = Key(analysis="logrank_alternative", cohort=cohort, endpoint=endpoint.id, variable=variable)
        try:
            test = compute_logrank(times, events, timed["arm"], strata=timed[name])
        except AnalysisError as error:
            study.results.add(key, "p", None, method=f"not estimable: {error}", n=n, n_event=n_event)
            continue
        method = f"log-rank stratified by {name}, {test.df} df"
        values = {"chi_square": test.chi_square, "p": test.p}
        study.results.add_all(key, values, method=method, n=n, n_event=n_event)


def _add_restricted_means(study: Study, cohort: str, timed: pl.DataFrame, endpoint: Endpoint) -> None:
    """Mean times up to the last landmark or as far as both arms are followed, and the treated arm's minus the control's."""
    if not endpoint.landmarks:
        return
    asked, unit = endpoint.landmarks[-1], f"{study.spec.time_unit}s"
    key = Key(analysis="restricted_mean", cohort=cohort, endpoint=endpoint.id, time=study.spec.at(asked))
    groups = {arm: study.compute_times(patients, endpoint) for arm, patients in study.list_groups(timed) if arm}
    tau = min([asked, *(float(times.max() or 0) for times, _ in groups.values())])  # type: ignore[arg-type]
    study.results.add(key.of(variable="horizon"), "estimate", tau, unit=unit, method=HORIZON_METHOD)
    if tau <= 0:
        why = "not estimable: nobody of an arm is followed beyond day 0"
        nothing: dict[str, float | None] = dict.fromkeys(("difference", "se", "ci_low", "ci_high", "p"))
        study.results.add_all(key, nothing, unit=unit, n=timed.height, method=why)
        return
    fits = {arm.role: fit_kaplan_meier(*times) for arm, times in groups.items()}
    for arm in groups:
        fit = fits[arm.role]
        mean, se = compute_restricted_mean(fit, tau)
        values: dict[str, float | None] = {"estimate": mean, "se": se}
        basis: dict[str, Any] = {"n": fit.n, "n_event": fit.n_event, "method": RESTRICTED_METHOD}
        study.results.add_all(key.of(arm=arm.id), values, unit=unit, **basis)
    found = compute_restricted_mean_difference(fits["treated"], fits["control"], tau)
    values = {"difference": found.difference, "se": found.std_err, "ci_low": found.ci_low, "ci_high": found.ci_high}
    study.results.add_all(key, values | {"p": found.p}, unit=unit, n=timed.height, method=RESTRICTED_METHOD)
