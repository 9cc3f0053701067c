"""What responses and progressions rest on, by arm and by hospital, and the responses under other readings.

Evidence that differs between the arms is a source of bias: a reader should see it before the response rates.
"""

from __future__ import annotations

import polars as pl

from analysis.estimators.response import compute_response_rates
from analysis.steps.baseline import add_share, add_test, count_levels
from analysis.steps.study import Study
from analysis.study.cohort_names import ALL
from analysis.study.results import Key
from analysis.study.spec import ResponseAlternative
from schemas.codes import Evidence

LEVELS = tuple(code.value for code in Evidence)
OLD_BASELINE_DAYS = -28
"""Baseline images before this day are older than RECIST 1.1 allows (Eisenhauer 2009, 3.1.1); the study asks for 14 days."""
OLD_BASELINE, OLD_BASELINE_LEVEL = "baseline images", "older than 28 days"


TIME_UNKNOWN = "time unknown"


def add_evidence(study: Study) -> None:
    """Add, over everybody analysed, what each response rests on, how old the baseline is, and whose endpoint is unknown."""
    frame = study.cohorts[ALL]
    for item in study.spec.evidence:
        if not (_is_made(study, item.column) and frame[item.column].drop_nulls().is_in(LEVELS).all()):
            continue  # a hospital loaded before the codes were these: some of its patients would be in no level
        whose = Key(analysis="evidence", cohort=ALL, variable=item.id)
        for arm, patients in study.list_groups(frame):
            _add_levels(study, whose.of(arm=arm.id if arm else None), patients, item.column)
        for hospital in sorted(frame["hospital"].unique().to_list()):
            here = frame.filter(pl.col("hospital") == hospital)
            _add_levels(study, whose.of(hospital=hospital), here, item.column)
        add_test(study, count_levels(study, frame, item.column, LEVELS), whose)
    if study.spec.evidence:
        _add_old_baselines(study, frame)
    for cohort, everybody in study.cohorts.items():
        _add_unknown_times(study, cohort, everybody)


def _add_unknown_times(study: Study, cohort: str, everybody: pl.DataFrame) -> None:
    """Add, of every endpoint, who is left out of it because the time is unknown: in all and by arm."""
    groups = [(None, everybody), *((arm, part) for arm, part in study.list_groups(everybody) if arm)]
    for endpoint in study.spec.endpoints:
        key = Key(analysis="evidence", cohort=cohort, variable=TIME_UNKNOWN, endpoint=endpoint.id)
        for arm, patients in groups:
            unknown = patients.height - study.keep_timed(patients, endpoint).height
            whose = key.of(arm=arm.id if arm else None)
            study.results.add(whose, "n", unknown, unit="patients", n=patients.height)


def _is_made(study: Study, column: str) -> bool:
    """Whether the versions of every hospital hold the column: one that was loaded before it was made is empty, and says nothing."""
    frame = study.cohorts[ALL]
    filled = frame.group_by("hospital").agg(pl.col(column).is_not_null().any())
    return bool(filled[column].all())


def _add_levels(study: Study, whose: Key, patients: pl.DataFrame, column: str) -> None:
    known = patients.filter(pl.col(column).is_not_null())
    for level in LEVELS:
        add_share(study, whose.of(level=level), int((known[column] == level).sum()), known.height)


def _add_old_baselines(study: Study, frame: pl.DataFrame) -> None:
    days = (pl.col("baseline_imaging_date") - pl.col("first_line_start_date")).dt.total_days()
    whose = Key(analysis="evidence", cohort=ALL, variable=OLD_BASELINE, level=OLD_BASELINE_LEVEL)
    for arm, patients in study.list_groups(frame):
        dated = patients.filter(days.is_not_null())
        n = dated.filter(days < OLD_BASELINE_DAYS).height
        add_share(study, whose.of(arm=arm.id if arm else None), n, dated.height)


def add_response_alternatives(study: Study) -> None:
    """Add ORR and DCR of every evaluation under the other readings, by arm and in every cohort."""
    for cohort, frame in study.list_counted():
        for item in study.spec.response_alternatives:
            if not _is_made(study, item.column):
                continue
            key = Key(
                analysis="response_alternative", cohort=cohort, time=study.spec.at_month(item.month), subgroup=item.id
            )
            _add_rates(study, key, frame, item)


def _add_rates(study: Study, key: Key, frame: pl.DataFrame, item: ResponseAlternative) -> None:
    control, treated = study.spec.control.id, study.spec.treated.id
    responses, arms = frame[item.column].to_list(), frame["arm"].to_list()
    rates = compute_response_rates(responses, arms, arms=(control, treated), alpha=study.spec.alpha)
    for row in rates.filter(pl.col("arm") != "difference").iter_rows(named=True):
        rate = key.of(variable=row["rate"], arm=row["arm"])
        basis = {"unit": "%", "n": row["n"], "n_event": row["n_event"], "method": f"exact limits; {item.column}"}
        values = {"pct": 100 * row["estimate"], "ci_low": 100 * row["ci_low"], "ci_high": 100 * row["ci_high"]}
        study.results.add_all(rate, values, **basis)
