"""The whole cohort, weighted by a propensity score."""

from __future__ import annotations

import polars as pl

from analysis.estimators.weighting import compute_balancing_weights
from analysis.steps.covariates import Knots
from analysis.steps.match import add_coefficients, add_effective_sizes, fit_score
from analysis.steps.study import Score, Study
from analysis.study.cohort_names import ALL, WEIGHTED
from analysis.study.results import Key
from analysis.study.spec import StudySpec, Weighting

WHOSE = {"ATE": "everybody", "ATO": "the patients who could have been in either arm"}
METHODS = {"iptw": "stabilised inverse probability weights", "overlap": "overlap weights"}


def weight_cohort(spec: StudySpec, frame: pl.DataFrame, knots: Knots) -> tuple[pl.DataFrame, Score, str]:
    """Return the patients with their `propensity_score` and `weight`, the score, and in words whose effect that estimates."""
    weighting = spec.weighting
    assert weighting is not None
    score = fit_score(spec, frame, weighting.covariates, knots)
    probability, is_treated = score.propensity.probability, frame["arm"] == spec.treated.id
    found = compute_balancing_weights(
        probability, is_treated, weighting.method, cut_percentiles=weighting.cut_percentiles
    )
    weighted = frame.with_columns(pl.Series("propensity_score", probability), pl.Series("weight", found.weights))
    return weighted, score, f"{describe_weighting(weighting)}; effect in {WHOSE[found.estimand]} ({found.estimand})"


def add_weighting(study: Study) -> None:
    """Fit the score, weight the patients, and add the weighted cohort to the study's cohorts."""
    frame, score, method = weight_cohort(study.spec, study.cohorts[ALL], study.knots)
    study.cohorts[WEIGHTED] = frame
    add_coefficients(study, score, WEIGHTED)
    study.results.add(Key(analysis="weighting", cohort=WEIGHTED, variable="patients"), "n", frame.height, method=method)
    add_effective_sizes(study, WEIGHTED)


def describe_weighting(weighting: Weighting) -> str:
    """How patients are weighted, in words."""
    cut = weighting.cut_percentiles
    return METHODS[weighting.method] + (f", cut at their percentiles {cut[0]:g} and {cut[1]:g}" if cut else "")
