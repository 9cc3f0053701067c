"""Every two of three and more arms, each pair as a study of its own: score, matching or weights, hazard ratio; p-values corrected together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from analysis.steps.covariates import find_knots
from analysis.steps.match import fit_score, match_cohort
from analysis.steps.study import Study
from analysis.steps.survival import HAZARD_STATISTICS, add_fitted, list_options
from analysis.steps.weight import weight_cohort
from analysis.study.cohort_names import ALL, MATCHED, WEIGHTED
from analysis.study.keys import make_pair_key
from analysis.study.spec import StudySpec
from etl.errors import AnalysisError

HOLM = "p_holm"


def add_pairs(study: Study, spec: StudySpec) -> None:
    """Add the hazard ratio of every pair in every cohort; those of one cohort and endpoint are corrected together (Holm 1979)."""
    pairs = spec.list_pairs()
    for pair in pairs:
        _add_pair(study, pair)
    made = [ALL, *([MATCHED] if spec.matching else []), *([WEIGHTED] if spec.weighting else [])]
    for cohort in made:
        for endpoint in spec.endpoints:
            keys = [make_pair_key(pair, cohort, endpoint.id) for pair in pairs]
            values = [study.results.get_value(key, "p") for key in keys]
            method = f"Holm's correction of the p of {sum(p is not None for p in values)} pairs"
            for key, p in zip(keys, correct_by_holm(values), strict=True):
                study.results.add(key, HOLM, p, method=method)


def _add_pair(study: Study, pair: StudySpec) -> None:
    is_in = pl.col("arm").is_in([arm.id for arm in pair.arms])
    frame = study.cohorts[ALL].filter(is_in)
    sub = replace(study, spec=pair, cohorts={ALL: frame}, knots=find_knots(pair, frame))
    makers = {MATCHED: _match} if pair.matching else {}
    if pair.weighting:
        makers[WEIGHTED] = _weight
    why = {}
    for cohort, make in makers.items():
        try:
            sub.cohorts[cohort] = make(sub, frame)
        except AnalysisError as error:
            why[cohort] = f"not estimable: {error.en}"
    for endpoint in pair.endpoints:
        for cohort, patients in sub.cohorts.items():
            key = make_pair_key(pair, cohort, endpoint.id)
            timed = sub.keep_timed(patients, endpoint)
            for arm, own in sub.list_groups(timed):
                sub.results.add(key.of(arm=arm.id if arm else None), "n", own.height, unit="patients", n=timed.height)
            design = pl.DataFrame({"arm": sub.is_treated(timed)})
            add_fitted(sub, key, sub.compute_times(timed, endpoint), design, list_options(sub, cohort, timed))
        for cohort, reason in why.items():
            key = make_pair_key(pair, cohort, endpoint.id)
            sub.results.add_all(key, dict.fromkeys(HAZARD_STATISTICS), n=frame.height, method=reason)


def _match(sub: Study, frame: pl.DataFrame) -> pl.DataFrame:
    assert sub.spec.matching is not None
    score = fit_score(sub.spec, frame, sub.spec.matching.covariates, sub.knots)
    return match_cohort(sub.spec, frame, score).frame.filter("is_matched")


def _weight(sub: Study, frame: pl.DataFrame) -> pl.DataFrame:
    return weight_cohort(sub.spec, frame, sub.knots)[0]


def correct_by_holm(values: Sequence[float | None]) -> list[float | None]:
    """Return p-values corrected for their number, as R's `p.adjust`: Holm 1979, Scandinavian Journal of Statistics 6:65; none stays none."""
    known = sorted((p, place) for place, p in enumerate(values) if p is not None)
    corrected: list[float | None] = [None] * len(values)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[place] = largest
    return corrected
