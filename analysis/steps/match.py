"""Propensity score and the matched sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.estimators.matching import Matches, match_nearest
from analysis.estimators.propensity import fit_propensity
from analysis.steps.covariates import Knots, fill_missing, find_knots, make_score_covariates
from analysis.steps.study import Score, Study
from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.results import Key
from analysis.study.spec import HOSPITAL, Matching, StudySpec

N_BINS = 20
KISH = "square of the sum of the weights by the sum of their squares (Kish)"


@dataclass(frozen=True)
class MatchedCohort:
    """How the patients of a cohort were matched as `spec` says.

    `frame` is the cohort, one row per patient in its order, with `propensity_score`, `pair` (number of the matched set,
    0: in none), `weight` (0: in none; else see `Matches.compute_weights`) and `is_matched`.
    """

    spec: StudySpec
    frame: pl.DataFrame
    score: Score
    distance: NDArray[np.float64]
    matches: Matches

    @property
    def method(self) -> str:
        """How the patients were matched and whose effect that estimates, in words."""
        assert self.spec.matching is not None
        whose = "all treated" if self.matches.estimand == "treated" else "the matched"
        return f"{describe_matching(self.spec.matching)}; effect in {whose} patients"


def fit_score(spec: StudySpec, frame: pl.DataFrame, names: Sequence[str], knots: Knots) -> Score:
    """Fit the propensity score on these characteristics."""
    covariates = make_score_covariates(spec, frame, names, knots)
    treated = (frame["arm"] == spec.treated.id).to_numpy()
    return Score(covariates, fit_propensity(covariates.frame, treated, covariates.frame.columns))


def match_cohort(spec: StudySpec, frame: pl.DataFrame, score: Score | None = None) -> MatchedCohort:
    """Match the patients by their score, which is fitted unless it is given, as the specification says."""
    matching = spec.matching
    assert matching is not None
    score = score or fit_score(spec, frame, matching.covariates, find_knots(spec, frame))
    distance = score.propensity.logit if matching.scale == "logit" else score.propensity.probability
    matches = match_nearest(
        distance,
        (frame["arm"] == spec.treated.id).to_numpy(),
        caliper_sd=matching.caliper_sd,
        caliper_width=matching.caliper_width,
        order=matching.order,
        exact=_label_strata(spec, matching, frame),
        ratio=matching.ratio,
    )
    pair = np.zeros(frame.height, dtype=np.int64)
    for row in ("treated_row", "control_row"):
        pair[matches.pairs[row].to_numpy()] = matches.pairs["pair"].to_numpy()
    scored = frame.with_columns(
        pl.Series("propensity_score", score.propensity.probability),
        pl.Series("pair", pair),
        pl.Series("weight", matches.compute_weights()),
        pl.Series("is_matched", pair > 0),
    )
    return MatchedCohort(spec, scored, score, distance, matches)


def add_matching(study: Study, matching: Matching) -> None:
    """Fit the propensity score, match the patients, and add the matched cohort to the study's cohorts."""
    frame = study.cohorts[ALL]
    study.score = fit_score(study.spec, frame, matching.covariates, study.knots)
    matched = match_cohort(study.spec, frame, study.score)
    study.cohorts[ALL], study.cohorts[MATCHED] = matched.frame, matched.frame.filter("is_matched")
    add_coefficients(study, study.score, ALL)
    _add_pairs(study, matching, matched)
    if study.spec.matching and study.spec.matching.ratio > 1:
        add_effective_sizes(study, MATCHED)
    for cohort in (ALL, MATCHED):
        _add_scores(study, cohort)


def describe_matching(matching: Matching) -> str:
    """How patients are matched, in words."""
    within = f", within the same {' and '.join(matching.exact)}" if matching.exact else ""
    return f"1:{matching.ratio} nearest neighbour without replacement on the {matching.scale} of the propensity score{within}"


def describe_caliper(matching: Matching) -> str:
    """How the caliper is measured, in words."""
    if matching.caliper_width is not None:
        return f"{matching.caliper_width:g} on the {matching.scale}"
    return "none" if matching.caliper_sd is None else f"{matching.caliper_sd:g} SD of the {matching.scale}"


def _label_strata(spec: StudySpec, matching: Matching, frame: pl.DataFrame) -> pl.Series | None:
    """A number for the hospital and levels within which pairs are made; none where the study sets no such limit."""
    if not matching.exact:
        return None
    items = [name if name == HOSPITAL else spec.get_characteristic(name) for name in matching.exact]
    columns = [frame[HOSPITAL] if isinstance(item, str) else fill_missing(frame, item).alias(item.id) for item in items]
    return pl.DataFrame(columns).select(pl.struct(pl.all().cast(pl.String)).rank("dense")).to_series()


def add_coefficients(study: Study, score: Score, cohort: str) -> None:
    """Add the coefficients of a propensity score, by the cohort that it makes."""
    terms = [("intercept", None), *score.covariates.list_terms(score.propensity.design)]
    for (term, level), value in zip(terms, score.propensity.coefficients.values(), strict=True):
        study.results.add(
            Key(analysis="propensity", cohort=cohort, variable=term, level=level),
            "coefficient",
            value,
            unit="log odds",
            n=len(score.propensity.logit),
            method=f"logistic regression of {study.spec.treated.label}, unpenalised",
        )


def add_effective_sizes(study: Study, cohort: str) -> None:
    """Add, of a weighted cohort, the largest weight and to how many unweighted patients each arm amounts."""
    frame = study.cohorts[cohort]
    key = Key(analysis="weighting", cohort=cohort)
    largest: Any = frame["weight"].max()
    study.results.add(key.of(variable="weight"), "max", largest, n=frame.height)
    for arm, patients in study.list_groups(frame):
        weights = patients["weight"].to_numpy()
        size = float(weights.sum() ** 2 / (weights**2).sum())
        whose = key.of(arm=arm.id if arm else None, variable="effective sample size")
        study.results.add(whose, "estimate", size, unit="patients", n=patients.height, method=KISH)


def _add_pairs(study: Study, matching: Matching, matched: MatchedCohort) -> None:
    matches, distance = matched.matches, matched.distance
    add, pairs = study.results.add, matches.pairs
    whole, paired = Key(analysis="matching", cohort=ALL), Key(analysis="matching", cohort=MATCHED)
    add(paired.of(variable="pairs"), "n", pairs["pair"].n_unique(), unit="pairs", method=matched.method)
    sd = float(np.std(distance, ddof=1))
    add(whole.of(variable=matching.scale), "sd", sd, n=len(distance), method="over both arms, n - 1")
    if matches.caliper is not None:
        method = f"{describe_caliper(matching)}, inclusive"
        add(whole.of(variable="caliper"), "width", matches.caliper, method=method)
    largest = pairs["difference"].abs().max()
    add(paired.of(variable="distance"), "max", largest, n=pairs.height)  # type: ignore[arg-type]
    for arm in study.spec.arms:
        left_out = matches.unmatched.filter(pl.col("is_treated") == (arm.role == "treated"))
        size = matched.frame.filter(pl.col("arm") == arm.id).height
        unmatched = whole.of(arm=arm.id, variable="unmatched")
        add(unmatched, "n", left_out.height, unit="patients", n=size)
        for reason, part in left_out.group_by("reason", maintain_order=True):
            add(unmatched.of(level=reason[0]), "n", part.height, unit="patients", n=size)


def _add_scores(study: Study, cohort: str) -> None:
    """Distribution of the score by arm, as counts in bins of equal width."""
    edges = np.linspace(0, 1, N_BINS + 1)
    for arm, patients in study.list_groups(study.cohorts[cohort]):
        scores = Key(analysis="propensity", cohort=cohort, arm=arm.id if arm else None, variable="score")
        counts, _ = np.histogram(patients["propensity_score"].to_numpy(), bins=edges)
        for low, count in zip(edges[:-1], counts, strict=True):
            study.results.add(
                scores.of(level=f"{low:.2f}"),
                "n",
                int(count),
                unit="patients",
                n=patients.height,
                method=f"patients with a score from the level to {1 / N_BINS:g} above it",
            )
