"""Best response and change of the tumours, and every patient's course for the swimmer and the waterfall plot."""

from __future__ import annotations

import polars as pl

from analysis.steps.outcomes import add_responses
from analysis.steps.study import Study
from analysis.study.endpoint_times import compute_event, compute_time_days
from analysis.study.results import Key
from analysis.study.spec import Courses

COURSE_SCHEMA = pl.Schema({
    "arm": pl.String,
    "time": pl.Float64,
    "event": pl.Boolean,
    "treatment_time": pl.Float64,
    "response_time": pl.Float64,
    "progression_time": pl.Float64,
    "best_response": pl.String,
    "best_change_percent": pl.Float64,
})  # fmt: skip
BEST_RESPONSE, BEST_CHANGE = "best_response", "best_change"


def add_courses(study: Study, courses: Courses) -> None:
    """Add the best responses and changes in every cohort, and the courses in the matched one, else in the whole."""
    for cohort, frame in study.list_counted():
        judged = frame.with_columns(pl.col(courses.best_response_column).fill_null("NE"))
        best = Key(analysis="response", cohort=cohort, variable=BEST_RESPONSE)
        add_responses(study, best, judged, courses.best_response_column)
        _add_changes(study, cohort, judged, courses.best_change_column)
        study.courses = tabulate_courses(study, judged, courses)


def tabulate_courses(study: Study, frame: pl.DataFrame, courses: Courses) -> pl.DataFrame:
    """Return one row per patient (`COURSE_SCHEMA`), times in the study's unit, the longest first within each arm.

    `time` ends the course; `event` says whether by the endpoint's event. A time of something else that did not happen, or not
    before the end, is null; of the treatment what lies before the end is kept. Nothing tells who a patient is.
    """
    endpoint = study.spec.get_endpoint(courses.endpoint)
    days = compute_time_days(endpoint, study.spec.population.landmark_day)
    timed = study.keep_timed(frame, endpoint)

    def convert(column: str) -> pl.Expr:
        return pl.when(pl.col(column) <= days).then(pl.col(column)) / study.spec.days_per_unit

    rows = timed.select(
        arm="arm",
        time=days / study.spec.days_per_unit,
        event=compute_event(endpoint),
        treatment_time=pl.min_horizontal(days, courses.treatment_column) / study.spec.days_per_unit,
        response_time=convert(courses.response_column),
        progression_time=convert(courses.progression_column),
        best_response=courses.best_response_column,
        best_change_percent=courses.best_change_column,
    ).cast(COURSE_SCHEMA)
    return rows.sort("arm", "time", *rows.columns[2:], descending=[False, True, *[False] * 6], nulls_last=True)


def _add_changes(study: Study, cohort: str, frame: pl.DataFrame, column: str) -> None:
    for arm, patients in study.list_groups(frame):
        changes = patients[column].drop_nulls()
        key = Key(analysis="response", cohort=cohort, arm=arm.id if arm else None, variable=BEST_CHANGE)
        study.results.add(key, "n", len(changes), unit="patients", n=patients.height)
        quartiles = {
            name: changes.quantile(share, "linear") for name, share in (("q1", 0.25), ("median", 0.5), ("q3", 0.75))
        }
        study.results.add_all(key, quartiles, unit="%", n=len(changes))
