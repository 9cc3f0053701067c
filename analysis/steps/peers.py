"""The check of a run by peers: what was computed here is computed again by other people's code before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from analysis.estimators.peers import TOLERANCE, measure_curve, measure_logrank, measure_score
from analysis.steps.study import Study
from analysis.study.cohort_names import ALL
from analysis.study.outcome import StudyOutcome
from analysis.study.results import Key
from analysis.study.spec import Endpoint
from etl.errors import InternalError


class Distance(NamedTuple):
    """How far a quantity of a cohort and endpoint (none: the score) is from the peer's."""

    quantity: str
    peer: str
    cohort: str
    endpoint: str | None
    value: float


def check_against_peers(study: Study, outcome: StudyOutcome) -> None:
    """Compare every cohort's curves and log-rank tests with lifelines, and the propensity score with scikit-learn.

    Raises `InternalError`, naming cohort, endpoint and quantity, where one differs by more than rounding.
    """
    wrong = [found for found in _measure(study, outcome) if not found.value <= TOLERANCE]
    if not wrong:
        return
    places = [
        (", ".join(filter(None, (f"cohort {found.cohort}", found.endpoint, found.quantity))), found) for found in wrong
    ]
    en = "; ".join(f"{place}: {found.value:.1e} from {found.peer}" for place, found in places)
    raise InternalError(
        f"the study's own numbers differ from those of an independent package by more than {TOLERANCE:g}: {en}. "
        "Nothing was written. Please report this line.",
        f"本系统的计算结果与独立软件包的差异超过 {TOLERANCE:g}：{en}。未写入任何内容。请报告此行。",
    )


def _measure(study: Study, outcome: StudyOutcome) -> Iterator[Distance]:
    for cohort, frame in study.list_counted():
        for endpoint in study.spec.endpoints:
            timed = study.keep_timed(frame, endpoint)
            yield from _measure_curves(study, outcome.curves, cohort, timed, endpoint)
            if study.spec.arms:
                test = Key(analysis="logrank", cohort=cohort, endpoint=endpoint.id)
                chi_square = outcome.results.value(test, "chi_square")
                value = measure_logrank(*study.compute_times(timed, endpoint), timed["arm"], chi_square)
                yield Distance("log-rank chi-square", "lifelines", cohort, endpoint.id, value)
    if study.score:
        columns, is_treated = study.score.covariates.frame, study.is_treated(study.cohorts[ALL])
        value = measure_score(columns, columns.columns, is_treated, study.score.propensity.logit)
        yield Distance("propensity score", "scikit-learn", ALL, None, value)


def _measure_curves(
    study: Study, curves: pl.DataFrame, cohort: str, timed: pl.DataFrame, endpoint: Endpoint
) -> Iterator[Distance]:
    drawn = curves.filter(pl.col("subgroup").is_null(), cohort=cohort, endpoint=endpoint.id)
    for arm, patients in study.list_groups(timed):
        if patients.is_empty():
            continue
        own = drawn.filter(pl.col("arm").eq_missing(pl.lit(arm.id if arm else None)))
        value = measure_curve(*study.compute_times(patients, endpoint), own["time"], own["survival"])
        quantity = f"Kaplan-Meier curve{f' of {arm.label}' if arm else ''}"
        yield Distance(quantity, "lifelines", cohort, endpoint.id, value)
