"""Propensity score and the matched pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.estimators.matching import Matches, match_nearest
from analysis.estimators.propensity import Propensity, fit_propensity
from analysis.steps.study import Study
from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.results import Key
from analysis.study.spec import HOSPITAL, Matching, StudySpec

N_BINS = 20


@dataclass(frozen=True)
class MatchedCohort:
    """How the patients of a cohort were matched as `spec` says.

    `frame` is the cohort, one row per patient in its order, with `propensity_score`, `pair` (number of the matched set,
    0: in none), `weight` (0: in none; else see `Matches.compute_weights`) and `is_matched`.
    """

    spec: StudySpec
    frame: pl.DataFrame
    propensity: Propensity
    distance: NDArray[np.float64]
    matches: Matches

    @property
    def method(self) -> str:
        """How the patients were matched and whose effect that estimates, in words."""
        assert self.spec.matching is not None
        whose = "all treated" if self.matches.estimand == "treated" else "the matched"
        return f"{describe_matching(self.spec.matching)}; effect in {whose} patients"


def match_cohort(spec: StudySpec, frame: pl.DataFrame, propensity: Propensity | None = None) -> MatchedCohort:
    """Fit the propensity score, unless it is given, and match the patients as the specification says."""
    matching = spec.matching
    assert matching is not None
    columns = [spec.get_characteristic(name).column for name in matching.covariates]
    treated = (frame["arm"] == spec.treated.code).to_numpy()
    propensity = propensity or fit_propensity(frame, treated, columns)
    distance = propensity.logit if matching.scale == "logit" else propensity.probability
    matches = match_nearest(
        distance,
        treated,
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
        pl.Series("propensity_score", propensity.probability),
        pl.Series("pair", pair),
        pl.Series("weight", matches.compute_weights()),
        pl.Series("is_matched", pair > 0),
    )
    return MatchedCohort(spec, scored, propensity, distance, matches)


def add_matching(study: Study, matching: Matching) -> None:
    """Fit the propensity score, match the patients, and add the matched cohort to the study's cohorts."""
    matched = match_cohort(study.spec, study.cohorts[ALL])
    frame, study.propensity = matched.frame, matched.propensity
    study.cohorts[ALL], study.cohorts[MATCHED] = frame, frame.filter("is_matched")
    _add_coefficients(study, matched.propensity)
    _add_pairs(study, matching, matched)
    for cohort in (ALL, MATCHED):
        _add_scores(study, cohort)


def describe_matching(matching: Matching) -> str:
    """How patients are matched, in words."""
    within = f", within the same {matching.exact}" if matching.exact else ""
    return f"1:{matching.ratio} nearest neighbour without replacement on the {matching.scale} of the propensity score{within}"


def describe_caliper(matching: Matching) -> str:
    """How the caliper is measured, in words."""
    if matching.caliper_width is not None:
        return f"{matching.caliper_width:g} on the {matching.scale}"
    return "none" if matching.caliper_sd is None else f"{matching.caliper_sd:g} SD of the {matching.scale}"


def _label_strata(spec: StudySpec, matching: Matching, frame: pl.DataFrame) -> pl.Series | None:
    """The hospital or level within which pairs are made; none where the study sets no such limit."""
    if not matching.exact:
        return None
    is_hospital = matching.exact == HOSPITAL
    return frame[HOSPITAL if is_hospital else spec.get_characteristic(matching.exact).column]


def _add_coefficients(study: Study, propensity: Propensity) -> None:
    ids = {item.column: item.id for item in study.spec.characteristics}
    terms = [
        ("intercept", None),
        *((ids[t], lv) for t, lv in zip(propensity.design.terms, propensity.design.levels, strict=True)),
    ]
    for (term, level), value in zip(terms, propensity.coefficients.values(), strict=True):
        study.results.add(
            Key(analysis="propensity", cohort=ALL, variable=term, level=level),
            "coefficient",
            value,
            unit="log odds",
            n=len(propensity.logit),
            method=f"logistic regression of {study.spec.treated.label}, unpenalised",
        )


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
        size = matched.frame.filter(pl.col("arm") == arm.code).height
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
