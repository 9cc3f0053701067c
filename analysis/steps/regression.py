"""Cox models of the characteristics, one at a time and together, and the subgroup analyses, in the cohort in which the arms are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from analysis.estimators.cox import CoxFit, compute_likelihood_ratio_p, compute_wald, fit_cox
from analysis.estimators.design import Design, encode_design
from analysis.steps.covariates import Term, make_model
from analysis.steps.study import Study
from analysis.steps.survival import (
    HAZARD_STATISTICS,
    INFINITE,
    add_coefficients,
    add_curves,
    add_hazard_ratio,
    add_logrank,
    add_proportional,
    describe_model,
    list_options,
    list_ticks,
)
from analysis.study.characteristic import Characteristic
from analysis.study.keys import make_interaction_key
from analysis.study.population import Arm
from analysis.study.results import Key
from analysis.study.spec import Endpoint, Regression, StudySpec, Subgroup
from etl.errors import AnalysisError

TREATMENT, GLOBAL = "arm", "GLOBAL"
FULL, SELECTED = "cox_full", "cox_multivariable"
"""The model of treatment and every characteristic, whatever its p-value, and that of those which a p-value has let in."""
TESTS = ("likelihood-ratio", "Wald", "score")
"""The tests of a whole model, in the order in which they are listed."""


def add_regression(study: Study, regression: Regression) -> None:
    """Add the univariable models of treatment and every characteristic, the model of all of them, and that of those that entered, per endpoint.

    They are fitted in the cohort in which the arms are compared. A characteristic with a p below `p_enter` enters the selected model:
    of the likelihood-ratio test or, where patients have weights and there is no likelihood, of Wald's joint test. Treatment always enters.
    Limits of a model whose terms were chosen by their p-values are too narrow (Harrell 2015, doi:10.1007/978-3-319-19425-7, section 4.3), so
    that the full model stands first.
    """
    cohort = study.spec.main_cohort
    names = [TREATMENT, *(item.id for item in study.spec.characteristics)]
    for endpoint in study.spec.endpoints:
        frame = study.keep_timed(study.cohorts[cohort], endpoint)
        p_values = {name: _fit_one(study, frame, endpoint, name) for name in names}
        chosen = [
            name for name, p in p_values.items() if name == TREATMENT or (p is not None and p < regression.p_enter)
        ]
        _fit_together(study, frame, endpoint, FULL, names)
        _fit_together(study, frame, endpoint, SELECTED, chosen)


def find_reference_arm(spec: StudySpec, analysis: str) -> Arm:
    """The arm that the other is compared with: the control in the full model, the one that the specification names in the others."""
    return spec.control if analysis == FULL or spec.regression is None else spec.get_arm(spec.regression.reference_arm)


def _keep_known(study: Study, frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The patients of whom all these characteristics are known."""
    items = [study.spec.get_characteristic(name) for name in names if name != TREATMENT]
    return frame.drop_nulls([item.values for item in items])


def _make_design(study: Study, frame: pl.DataFrame, names: Sequence[str], analysis: str) -> tuple[Design, list[Term]]:
    """The design of a model of treatment and characteristics, and what its columns stand for."""
    first = {}
    if TREATMENT in names:
        reference = find_reference_arm(study.spec, analysis)
        arms = pl.Enum([reference.id, study.spec.get_other_arm(reference.id).id])
        first = {TREATMENT: frame["arm"].cast(arms)}
    others = [name for name in names if name != TREATMENT]
    return make_model(study.spec, frame, others, study.knots, first)


def _fit_one(study: Study, everybody: pl.DataFrame, endpoint: Endpoint, name: str) -> float | None:
    """Add the model of one covariate and return the p by which it is screened; none where it cannot be fitted."""
    cohort = study.spec.main_cohort
    key = Key(analysis="cox_univariable", cohort=cohort, endpoint=endpoint.id, variable=name)
    frame = _keep_known(study, everybody, [name])
    times, options = study.compute_times(frame, endpoint), list_options(study, cohort, frame)
    _add_levels(study, key, frame, times[1])
    try:
        design, found = _make_design(study, frame, [name], key.analysis)
        fit = fit_cox(*times, design, alpha=study.spec.alpha, **options)
        p, method = _screen(fit, times, design, options)
    except AnalysisError as error:
        study.results.add(key, "p", None, n=frame.height, method=f"not estimable: {error.en}")
        return None
    _add_terms(study, key, fit, found, describe_model(options))
    study.results.add(key, "p", p, n=fit.n, n_event=fit.n_event, method=method)
    add_proportional(study, key, fit, GLOBAL)
    return p


def _add_levels(study: Study, key: Key, frame: pl.DataFrame, events: pl.Series) -> None:
    """Add the patients at every level of a covariate, that of reference among them, with their events; of a quantity nothing."""
    if key.variable == TREATMENT:
        column, levels = "arm", tuple(arm.id for arm in study.spec.arms)
    else:
        item = study.spec.get_characteristic(key.variable or "")
        column, levels = item.values, item.list_levels()
    counted = frame.select(level=pl.col(column).cast(pl.String), event=events)
    for level in levels:
        at_level = counted.filter(level=level)
        basis: dict[str, Any] = {"n": at_level.height, "n_event": int(at_level["event"].sum())}
        study.results.add(key.of(level=level), "n", at_level.height, unit="patients", **basis)


def _screen(
    fit: CoxFit, times: tuple[pl.Series, pl.Series], design: Design, options: Mapping[str, Any]
) -> tuple[float, str]:
    """The p by which a characteristic is screened: all its columns together."""
    if options["weights"] is not None:
        return fit.wald.p, "Wald test of all columns, robust errors"
    plain = fit_cox(*times, design) if options["cluster"] is not None else fit
    return compute_likelihood_ratio_p(plain), "likelihood-ratio test"


def _add_terms(study: Study, key: Key, fit: CoxFit, found: Sequence[Term], method: str) -> None:
    """Add every coefficient of a model but those of a spline, of which no single one is a hazard ratio of anything."""
    for position, (variable, level) in enumerate(found):
        if variable == TREATMENT or not study.spec.get_characteristic(variable).knots:
            add_coefficients(study, key.of(variable=variable, level=level), fit, position, method=method)


def _fit_together(
    study: Study, everybody: pl.DataFrame, endpoint: Endpoint, analysis: str, names: Sequence[str]
) -> None:
    """Add a model of several characteristics; of the selected one in matched patients also with pairs ignored, as it is often printed."""
    cohort = study.spec.main_cohort
    model = Key(analysis=analysis, cohort=cohort, endpoint=endpoint.id)
    frame = _keep_known(study, everybody, names)
    times, options = study.compute_times(frame, endpoint), list_options(study, cohort, frame)
    try:
        design, found = _make_design(study, frame, names, analysis)
        fit = fit_cox(*times, design, alpha=study.spec.alpha, **options)
        plain = fit if options["cluster"] is None else fit_cox(*times, design, alpha=study.spec.alpha)
    except AnalysisError as error:
        _say_why_none(study, model, frame, names, f"not estimable: {error.en}")
        return
    _add_terms(study, model, fit, found, describe_model(options))
    if plain is not fit and options["weights"] is None and analysis == SELECTED:
        naive = model.of(analysis="cox_multivariable_naive")
        _add_terms(study, naive, plain, found, describe_model({}))
    for name in names:
        _add_joint(
            study, model.of(variable=name), fit, [i for i, (owner, _) in enumerate(found) if owner == name], design
        )
    _add_whole(study, model, fit, plain, names, is_weighted=options["weights"] is not None)


def _add_joint(study: Study, key: Key, fit: CoxFit, places: list[int], design: Design) -> None:
    """Add, of one covariate of a model, the joint test of its columns and that of proportional hazards."""
    terms = list(dict.fromkeys(design.terms[place] for place in places))
    basis: dict[str, Any] = {"n": fit.n, "n_event": fit.n_event}
    if len(places) > 1 and len(terms) == 1 and fit.is_finite:
        test = compute_wald(fit, terms[0])
        study.results.add(key, "p", test.p, method=f"Wald test of {test.df} columns", **basis)
    if len(terms) == 1:
        add_proportional(study, key, fit, terms[0])


def _add_whole(
    study: Study, model: Key, fit: CoxFit, plain: CoxFit, names: Sequence[str], *, is_weighted: bool
) -> None:
    """Add what a model says as a whole: likelihood and score tests as if pairs were none, Wald's with the errors of its limits."""
    basis: dict[str, Any] = {"n": fit.n, "n_event": fit.n_event}
    study.results.add(model.of(variable="covariates"), "n", len(names), **basis)
    study.results.add(model.of(variable="coefficients"), "n", len(fit.coefficients), **basis)
    study.results.add(model.of(variable="events"), "n", fit.n_event, **basis)
    tests = (None if is_weighted else plain.likelihood_ratio, fit.wald, None if is_weighted else plain.score)
    for name, test in zip(TESTS, tests, strict=True):
        if test is None:
            continue
        # Wald's test rests on the coefficients, the other two on the likelihood, which stays finite.
        is_finite = name != "Wald" or fit.is_finite
        values = {"chi_square": test.statistic, "p": test.p} if is_finite else {"chi_square": None, "p": None}
        method = f"{name} test of the whole model, {test.df} df" + ("" if is_finite else f"; not estimable: {INFINITE}")
        study.results.add_all(model.of(variable="model", level=name), values, method=method, **basis)
    add_proportional(study, model.of(variable="model"), fit, GLOBAL)
    values = {"estimate": fit.concordance, "se": fit.concordance_std_err}
    method = "Harrell's concordance, as R's coxph"
    study.results.add_all(model.of(variable="concordance"), values, method=method, **basis)


def _say_why_none(study: Study, model: Key, frame: pl.DataFrame, names: Sequence[str], why: str) -> None:
    """Add the rows of a model that could not be fitted, each empty and with the reason."""
    basis: dict[str, Any] = {"n": frame.height, "method": why}
    treatment = study.spec.get_other_arm(find_reference_arm(study.spec, model.analysis).id).id
    study.results.add_all(model.of(variable=TREATMENT, level=treatment), dict.fromkeys(HAZARD_STATISTICS), **basis)
    study.results.add(model.of(variable="covariates"), "n", len(names), **basis)
    for name in TESTS:
        study.results.add_all(model.of(variable="model", level=name), dict.fromkeys(("chi_square", "p")), **basis)
    study.results.add_all(model.of(variable="concordance"), dict.fromkeys(("estimate", "se")), **basis)


def add_subgroup(study: Study, subgroup: Subgroup) -> None:
    """Add the curves by arm and level, the log-rank tests within arms and within levels, and the interaction."""
    item = study.spec.get_characteristic(subgroup.characteristic)
    endpoint, cohort = study.spec.get_endpoint(subgroup.endpoint), study.spec.main_cohort
    frame = study.keep_timed(study.cohorts[cohort], endpoint)
    for level in item.list_levels():
        part = frame.filter(pl.col(item.values) == level)
        name = item.name_group(level)
        add_curves(study, cohort, part, endpoint, list_ticks(study, endpoint), subgroup=name)
        if not study.spec.is_weighted(cohort):
            add_logrank(study, cohort, part, endpoint, part["arm"], subgroup=name)
        add_hazard_ratio(study, cohort, part, endpoint, subgroup=name)
    for arm, patients in study.list_groups(frame):
        known = patients.drop_nulls(item.values)
        if not study.spec.is_weighted(cohort):
            groups, whose = known[item.values].cast(pl.String), arm.id if arm else None
            add_logrank(study, cohort, known, endpoint, groups, subgroup=item.contrast, arm=whose)
    _add_interaction(study, frame.drop_nulls(item.values), item, endpoint)


def _add_interaction(study: Study, frame: pl.DataFrame, item: Characteristic, endpoint: Endpoint) -> None:
    """Test of arm x level against the two alone: by likelihood ratio or, with weights, by Wald's test of the products."""
    key = make_interaction_key(study.spec, item, endpoint.id)
    treated = study.is_treated(frame).cast(pl.Float64).alias("arm")
    times, options = study.compute_times(frame, endpoint), list_options(study, study.spec.main_cohort, frame)
    try:
        levels = encode_design(frame, [item.values]).matrix
        alone = levels.with_columns(treated)
        products = [(levels[level] * treated).alias(f"arm x {level}") for level in levels.columns]
        terms = (*["alone"] * alone.width, *["product"] * len(products))
        matrix = alone.with_columns(products)
        design = Design(matrix, terms, (None,) * matrix.width)
        if options["weights"] is not None:
            fit = fit_cox(*times, design, **options)
            p, method = compute_wald(fit, "product").p, "Wald test of the products, robust errors"
        else:
            fit = fit_cox(*times, design)
            p = compute_likelihood_ratio_p(fit, fit_cox(*times, alone))
            method = "likelihood-ratio test between two Cox models"
    except AnalysisError as error:
        study.results.add(key, "p", None, n=frame.height, method=f"not estimable: {error}")
        return
    study.results.add(key, "p", p, n=fit.n, n_event=fit.n_event, method=method)
