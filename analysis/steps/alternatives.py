"""The comparison of the arms by other models than the study's: strata, clusters, other ties, restricted means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtr

from analysis.estimators.kaplan_meier import (
    compute_restricted_area,
    compute_restricted_mean,
    compute_restricted_mean_difference,
    compute_z,
    fit_kaplan_meier,
)
from analysis.estimators.logrank import compute_logrank
from analysis.steps.study import Study
from analysis.steps.survival import add_fitted, list_options
from analysis.steps.weight import weight_cohort
from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.keys import make_hazard_ratio_key
from analysis.study.results import Key
from analysis.study.spec import HOSPITAL, Endpoint
from etl.errors import AnalysisError

PAIR = "pair"
SEED, SAMPLES = 20, 1000
"""Of the bootstrap."""
FEWEST_SAMPLES = 0.9
"""The share of the samples in which patients must have been weighted for their spread to be an error."""
RESTRICTED_METHOD = "area under the Kaplan-Meier curve up to the horizon; Greenwood's plug-in error, Wald limits"
HORIZON_METHOD = "the last time at which a rate is given or, where that is earlier, the longest follow-up of the arm whose is shortest"


def add_alternatives(study: Study) -> None:
    """Add the other models of every endpoint in every cohort; one that cannot be fitted says why."""
    for cohort, frame in study.cohorts.items():
        for endpoint in study.spec.endpoints:
            timed = study.keep_timed(frame, endpoint)
            _add_cox_models(study, cohort, timed, endpoint)
            if not study.spec.is_weighted(cohort):
                _add_stratified_tests(study, cohort, timed, endpoint)
            _add_restricted_means(study, cohort, timed, endpoint)


def _list_strata(study: Study, cohort: str, timed: pl.DataFrame) -> list[str]:
    """What the comparison can be stratified by: pairs where there are any, hospitals where there are several."""
    pairs = [PAIR] if cohort == MATCHED and not study.spec.is_weighted(cohort) else []
    return [*pairs, *([HOSPITAL] if timed[HOSPITAL].n_unique() > 1 else [])]


def _add_cox_models(study: Study, cohort: str, timed: pl.DataFrame, endpoint: Endpoint) -> None:
    """Within pairs partners are compared, whose errors need no clustering; the other models have the errors of the main one."""
    times, design = study.compute_times(timed, endpoint), pl.DataFrame({"arm": study.is_treated(timed)})
    options = list_options(study, cohort, timed)
    models = {
        f"stratified by {name}": (options if name != PAIR else {}) | {"strata": timed[name]}
        for name in _list_strata(study, cohort, timed)
    }
    models["Breslow ties"] = options | {"ties": "breslow"}
    for name, chosen in models.items():
        key = make_hazard_ratio_key(study.spec, cohort, endpoint.id).of(analysis="cox_alternative", variable=name)
        add_fitted(study, key, times, design, chosen)


def _add_stratified_tests(study: Study, cohort: str, timed: pl.DataFrame, endpoint: Endpoint) -> None:
    times, events = study.compute_times(timed, endpoint)
    for name in _list_strata(study, cohort, timed):
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
    """Mean times up to the last time at which a rate is given or as far as both arms are followed, and the treated arm's minus the control's."""
    if not endpoint.rate_times:
        return
    asked, unit = endpoint.rate_times[-1], f"{study.spec.time_unit}s"
    key = Key(analysis="restricted_mean", cohort=cohort, endpoint=endpoint.id, time=study.spec.at(asked))
    groups = {arm: study.compute_times(patients, endpoint) for arm, patients in study.list_groups(timed) if arm}
    tau = min([asked, *(float(times.max() or 0) for times, _ in groups.values())])  # type: ignore[arg-type]
    study.results.add(key.of(variable="horizon"), "estimate", tau, unit=unit, method=HORIZON_METHOD)
    if tau <= 0:
        why = "not estimable: nobody of an arm is followed beyond day 0"
        nothing: dict[str, float | None] = dict.fromkeys(("difference", "se", "ci_low", "ci_high", "p"))
        study.results.add_all(key, nothing, unit=unit, n=timed.height, method=why)
        return
    if study.spec.is_weighted(cohort):
        _add_weighted_means(study, key, timed, endpoint, tau)
        return
    fits = {arm.role: fit_kaplan_meier(*times, alpha=study.spec.alpha) for arm, times in groups.items()}
    for arm in groups:
        fit = fits[arm.role]
        mean, se = compute_restricted_mean(fit, tau)
        values: dict[str, float | None] = {"estimate": mean, "se": se}
        basis: dict[str, Any] = {"n": fit.n, "n_event": fit.n_event, "method": RESTRICTED_METHOD}
        study.results.add_all(key.of(arm=arm.id), values, unit=unit, **basis)
    found = compute_restricted_mean_difference(fits["treated"], fits["control"], tau)
    values = {"difference": found.difference, "se": found.std_err, "ci_low": found.ci_low, "ci_high": found.ci_high}
    study.results.add_all(key, values | {"p": found.p}, unit=unit, n=timed.height, method=RESTRICTED_METHOD)


def _add_weighted_means(study: Study, key: Key, timed: pl.DataFrame, endpoint: Endpoint, tau: float) -> None:
    """Weighted restricted means; their error by the bootstrap, which draws patients, or matched sets, and weights them anew."""
    unit, method = f"{study.spec.time_unit}s", "weighted area under the curve"
    means = _compute_weighted_means(study, timed, endpoint, tau)
    for arm in study.spec.arms:
        study.results.add(key.of(arm=arm.id), "estimate", means[arm.role], unit=unit, method=method)
    drawn = np.array(list(_draw_differences(study, key.cohort or ALL, timed, endpoint, tau)))
    difference = means["treated"] - means["control"]
    values: dict[str, float | None] = {"difference": difference} | dict.fromkeys(("se", "ci_low", "ci_high", "p"))
    if len(drawn) < SAMPLES * FEWEST_SAMPLES:
        method = f"no error: in {SAMPLES - len(drawn)} of {SAMPLES} bootstrap samples patients could not be weighted"
    else:
        method += f"; {len(drawn)} bootstrap samples (seed {SEED}), Wald limits"
        se = float(drawn.std(ddof=1))
        half = compute_z(study.spec.alpha) * se
        values |= {"se": se, "ci_low": difference - half, "ci_high": difference + half}
        values["p"] = float(2 * ndtr(-abs(difference) / se)) if se > 0 else None
    study.results.add_all(key, values, unit=unit, n=timed.height, method=method)


def _compute_weighted_means(study: Study, timed: pl.DataFrame, endpoint: Endpoint, tau: float) -> dict[str, float]:
    """The weighted restricted mean of each arm, by its role."""
    means = {}
    for arm, patients in study.list_groups(timed):
        if arm:
            fit = fit_kaplan_meier(*study.compute_times(patients, endpoint), weights=patients["weight"])
            means[arm.role] = compute_restricted_area(fit, tau)
    return means


def _draw_differences(
    study: Study, cohort: str, timed: pl.DataFrame, endpoint: Endpoint, tau: float
) -> Iterator[float]:
    """Differences of the restricted means of samples drawn with replacement: of matched sets, or of patients, whose score is fitted anew.

    A sample in which the score cannot be fitted, or an arm has nobody, is left out.
    """
    random = np.random.default_rng(SEED)
    sets = (
        timed.with_row_index("place").group_by("pair", maintain_order=True).agg("place")["place"]
        if cohort == MATCHED
        else None
    )
    for _ in range(SAMPLES):
        if sets is None:
            sample = timed[random.integers(0, timed.height, timed.height)]
        else:
            sample = timed[sets[random.integers(0, len(sets), len(sets))].explode()]
        try:
            drawn = sample if sets is not None else weight_cohort(study.spec, sample, study.knots)[0]
            means = _compute_weighted_means(study, drawn, endpoint, tau)
        except AnalysisError:
            continue
        yield means["treated"] - means["control"]
