"""Propensity score and the matched pairs."""

from __future__ import annotations

import numpy as np
import polars as pl

from analysis.matching import match_nearest
from analysis.propensity import Propensity, fit_propensity
from analysis.spec import Matching
from analysis.steps.study import ALL, MATCHED, Study
from etl.errors import AnalysisError

N_BINS = 20


def add_matching(study: Study, matching: Matching) -> None:
    """Fit the propensity score, pair the patients, and add the matched cohort to the study's cohorts."""
    frame = study.cohorts[ALL]
    columns = [study.spec.get_characteristic(name).column for name in matching.covariates]
    treated = study.is_treated(frame)
    propensity = fit_propensity(frame, treated.to_numpy(), columns)
    distance = propensity.logit if matching.scale == "logit" else propensity.probability
    pairs = match_nearest(distance, treated.to_numpy(), caliper_sd=matching.caliper_sd, order=matching.order)
    if pairs.is_empty():
        raise AnalysisError("matching: no two patients are within the caliper", "匹配：没有任何两名患者在卡钳值以内")
    pair = np.zeros(frame.height, dtype=np.int64)
    for row in ("treated_row", "control_row"):
        pair[pairs[row].to_numpy()] = pairs["pair"].to_numpy()
    frame = frame.with_columns(
        pl.Series("propensity_score", propensity.probability),
        pl.Series("pair", pair),
        pl.Series("is_matched", pair > 0),
    )
    study.cohorts[ALL], study.cohorts[MATCHED] = frame, frame.filter("is_matched")
    _add_coefficients(study, propensity, columns)
    _add_pairs(study, matching, distance, pairs)
    for cohort in (ALL, MATCHED):
        _add_scores(study, cohort)


def _add_coefficients(study: Study, propensity: Propensity, columns: list[str]) -> None:
    ids = {item.column: item.id for item in study.spec.characteristics if item.column in columns}
    terms = [
        ("intercept", None),
        *((ids[t], lv) for t, lv in zip(propensity.design.terms, propensity.design.levels, strict=True)),
    ]
    for (term, level), value in zip(terms, propensity.coefficients.values(), strict=True):
        study.results.add(
            "propensity",
            "coefficient",
            value,
            cohort=ALL,
            variable=term,
            level=level,
            unit="log odds",
            n=len(propensity.logit),
            method=f"logistic regression of {study.spec.treated.label}, unpenalised",
        )


def _add_pairs(study: Study, matching: Matching, distance: np.ndarray, pairs: pl.DataFrame) -> None:
    method = f"1:1 nearest neighbour without replacement on the {matching.scale} of the propensity score"
    add = study.results.add
    add("matching", "n", pairs.height, cohort=MATCHED, variable="pairs", unit="pairs", method=method)
    sd = float(np.std(distance, ddof=1))
    add("matching", "sd", sd, cohort=ALL, variable=matching.scale, n=len(distance), method="over both arms, n - 1")
    if matching.caliper_sd is not None:
        width = matching.caliper_sd * sd
        add("matching", "width", width, cohort=ALL, variable="caliper", method=f"{matching.caliper_sd:g} SD, inclusive")
    largest = pairs["difference"].abs().max()
    add("matching", "max", largest, cohort=MATCHED, variable="distance", n=pairs.height)  # type: ignore[arg-type]
    for arm, patients in study.list_groups(study.cohorts[ALL]):
        n = int((~patients["is_matched"]).sum())
        arm_id = arm.id if arm else None
        add("matching", "n", n, cohort=ALL, arm=arm_id, variable="unmatched", unit="patients", n=patients.height)


def _add_scores(study: Study, cohort: str) -> None:
    """Distribution of the score by arm, as counts in bins of equal width."""
    edges = np.linspace(0, 1, N_BINS + 1)
    for arm, patients in study.list_groups(study.cohorts[cohort]):
        counts, _ = np.histogram(patients["propensity_score"].to_numpy(), bins=edges)
        for low, count in zip(edges[:-1], counts, strict=True):
            study.results.add(
                "propensity",
                "n",
                int(count),
                cohort=cohort,
                arm=arm.id if arm else None,
                variable="score",
                level=f"{low:.2f}",
                unit="patients",
                n=patients.height,
                method=f"patients with a score from the level to {1 / N_BINS:g} above it",
            )
