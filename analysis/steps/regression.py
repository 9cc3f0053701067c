"""Cox models of the characteristics in the matched cohort, one at a time and together, and the subgroup analysis."""

from __future__ import annotations

from typing import Any

import polars as pl

from analysis.estimators.cox import compute_likelihood_ratio_p, fit_cox
from analysis.estimators.design import encode_design
from analysis.steps.study import Study
from analysis.steps.survival import (
    COX_METHOD,
    HAZARD_STATISTICS,
    INFINITE,
    add_coefficients,
    add_curves,
    add_hazard_ratio,
    add_logrank,
    list_ticks,
)
from analysis.study.cohort_names import MATCHED
from analysis.study.keys import make_interaction_key
from analysis.study.results import Key
from analysis.study.spec import Characteristic, Endpoint, Regression, Subgroup
from etl.errors import AnalysisError

TESTS = ("likelihood-ratio", "Wald", "score")
"""The tests of a whole model, in the order in which they are listed."""


def add_regression(study: Study, regression: Regression) -> None:
    """Add the univariable models of treatment and every characteristic, then the multivariable one, per endpoint.

    A characteristic with a likelihood-ratio p below `p_enter` enters the multivariable model; treatment always does.
    """
    typed = _type_covariates(study, regression)
    names = ["arm", *(item.id for item in study.spec.characteristics)]
    for endpoint in study.spec.endpoints:
        frame = study.keep_timed(typed, endpoint)
        p_values = {name: _fit_one(study, frame, endpoint, name) for name in names}
        chosen = [name for name, p in p_values.items() if name == "arm" or (p is not None and p < regression.p_enter)]
        _fit_together(study, frame, endpoint, chosen)


def _type_covariates(study: Study, regression: Regression) -> pl.DataFrame:
    """The matched patients with one Enum per covariate, named by its id, the reference level first."""
    frame = study.cohorts[MATCHED]
    arms = sorted(study.spec.arms, key=lambda arm: arm.id != regression.reference_arm)
    codes = {arm.code: arm.id for arm in arms}
    return frame.with_columns(
        pl.col("arm").replace_strict(codes, return_dtype=pl.Enum(list(codes.values()))).alias("arm"),
        *(
            pl.col(item.column).cast(pl.String).cast(pl.Enum(item.order_levels())).alias(item.id)
            for item in study.spec.characteristics
        ),
    )


def _fit_one(study: Study, frame: pl.DataFrame, endpoint: Endpoint, name: str) -> float | None:
    """Add the model of one covariate and return its likelihood-ratio p; none where it cannot be fitted."""
    times, events = study.compute_times(frame, endpoint)
    key = Key(analysis="cox_univariable", cohort=MATCHED, endpoint=endpoint.id, variable=name)
    try:
        fit = fit_cox(times, events, encode_design(frame, [name]))
        p = compute_likelihood_ratio_p(fit)
    except AnalysisError as error:
        study.results.add(key, "p", None, n=frame.height, method=f"not estimable: {error.en}")
        return None
    for position, level in enumerate(fit.coefficients["level"]):
        add_coefficients(study, key.of(level=level), fit, position)
    study.results.add(key, "p", p, n=fit.n, n_event=fit.n_event, method="likelihood-ratio test")
    return p


def _fit_together(study: Study, frame: pl.DataFrame, endpoint: Endpoint, names: list[str]) -> None:
    model = Key(analysis="cox_multivariable", cohort=MATCHED, endpoint=endpoint.id)
    try:
        fit = fit_cox(*study.compute_times(frame, endpoint), encode_design(frame, names))
    except AnalysisError as error:
        _say_why_none(study, model, frame, names, f"not estimable: {error.en}")
        return
    for position, (term, level) in enumerate(fit.coefficients.select("term", "level").iter_rows()):
        add_coefficients(study, model.of(variable=term, level=level), fit, position)
    basis: dict[str, Any] = {"n": fit.n, "n_event": fit.n_event}
    study.results.add(model.of(variable="covariates"), "n", len(names), method=COX_METHOD, **basis)
    tests = (fit.likelihood_ratio, fit.wald, fit.score)
    for name, test in zip(TESTS, tests, strict=True):
        # Wald's test rests on the coefficients, the other two on the likelihood, which stays finite.
        is_finite = name != "Wald" or fit.is_finite
        values = {"chi_square": test.statistic, "p": test.p} if is_finite else {"chi_square": None, "p": None}
        method = f"{name} test of the whole model, {test.df} df" + ("" if is_finite else f"; not estimable: {INFINITE}")
        study.results.add_all(model.of(variable="model", level=name), values, method=method, **basis)
    values = {"estimate": fit.concordance, "se": fit.concordance_std_err}
    method = "Harrell's concordance, as R's coxph"
    study.results.add_all(model.of(variable="concordance"), values, method=method, **basis)


def _say_why_none(study: Study, model: Key, frame: pl.DataFrame, names: list[str], why: str) -> None:
    """Add the rows of a model that could not be fitted, each empty and with the reason."""
    basis: dict[str, Any] = {"n": frame.height, "method": why}
    regression = study.spec.regression
    treatment = next(arm.id for arm in study.spec.arms if regression and arm.id != regression.reference_arm)
    study.results.add_all(model.of(variable="arm", level=treatment), dict.fromkeys(HAZARD_STATISTICS), **basis)
    study.results.add(model.of(variable="covariates"), "n", len(names), **basis)
    for name in TESTS:
        study.results.add_all(model.of(variable="model", level=name), dict.fromkeys(("chi_square", "p")), **basis)
    study.results.add_all(model.of(variable="concordance"), dict.fromkeys(("estimate", "se")), **basis)


def add_subgroup(study: Study, subgroup: Subgroup) -> None:
    """Add the curves by arm and level, the log-rank tests within arms and within levels, and the interaction."""
    item = study.spec.get_characteristic(subgroup.characteristic)
    endpoint = study.spec.get_endpoint(subgroup.endpoint)
    frame = study.keep_timed(study.cohorts[MATCHED], endpoint)
    for level in item.levels:
        part = frame.filter(pl.col(item.column) == level)
        name = item.name_group(level)
        add_curves(study, MATCHED, part, endpoint, list_ticks(study, endpoint), subgroup=name)
        add_logrank(study, MATCHED, part, endpoint, part["arm"], subgroup=name)
        add_hazard_ratio(study, MATCHED, part, endpoint, subgroup=name)
    for arm, patients in study.list_groups(frame):
        groups = patients[item.column].cast(pl.String)
        whose = arm.id if arm else None
        add_logrank(study, MATCHED, patients, endpoint, groups, subgroup=item.contrast, arm=whose)
    _add_interaction(study, frame, item, endpoint)


def _add_interaction(study: Study, frame: pl.DataFrame, item: Characteristic, endpoint: Endpoint) -> None:
    """Likelihood-ratio test of arm x level against the two alone."""
    key = make_interaction_key(item, endpoint)
    treated = study.is_treated(frame).cast(pl.Float64).alias("arm")
    times, events = study.compute_times(frame, endpoint)
    try:
        levels = encode_design(frame, [item.column]).matrix
        alone = levels.with_columns(treated)
        products = [(levels[level] * treated).alias(f"arm x {level}") for level in levels.columns]
        reduced = fit_cox(times, events, alone)
        p = compute_likelihood_ratio_p(fit_cox(times, events, alone.with_columns(products)), reduced)
    except AnalysisError as error:
        study.results.add(key, "p", None, n=frame.height, method=f"not estimable: {error}")
        return
    method = "likelihood-ratio test between two Cox models"
    study.results.add(key, "p", p, n=reduced.n, n_event=reduced.n_event, method=method)
