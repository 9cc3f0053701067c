"""Cox models in which something changes, or patients come under observation, during follow-up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from analysis.estimators.cox import CoxFit, fit_cox
from analysis.estimators.time_varying import split_at
from analysis.steps.covariates import make_model
from analysis.steps.study import Study
from analysis.steps.survival import HAZARD_STATISTICS, add_coefficients
from analysis.study.cohort_names import ALL
from analysis.study.endpoint_times import compute_days
from analysis.study.keys import make_time_varying_key
from analysis.study.results import Key
from analysis.study.spec import TimeVarying
from etl.errors import AnalysisError

BEFORE_START = -1.0
"""Where those enter who are under observation from the start: before it, so that an event on day 0 counts."""


def add_time_varying(study: Study, item: TimeVarying) -> None:
    """Add the model of those analysed whose time, entry and covariates are known: treatment, what changes, the covariates; where there is none, why."""
    endpoint = study.spec.get_endpoint(item.endpoint)
    everybody = study.cohorts[ALL]
    frame = study.keep_timed(everybody, endpoint)
    names = [study.spec.get_characteristic(name).values for name in item.covariates]
    frame = frame.drop_nulls([*names, *([item.entry_column] if item.entry_column else [])])
    key = make_time_varying_key(study.spec, item)
    patients = key.of(variable=f"{item.id} patients")
    study.results.add(patients, "n", frame.height, unit="patients", n=everybody.height)
    terms = [key.of(level=study.spec.treated.id), *([key.of(level=CHANGED)] if item.day_column else [])]
    try:
        rows = _split(study, frame, item)
        fit = _fit(study, frame, item, rows)
    except AnalysisError as error:
        basis: dict[str, Any] = {"n": frame.height, "method": f"not estimable: {error.en}"}
        for term in terms:
            study.results.add_all(term, dict.fromkeys(HAZARD_STATISTICS), **basis)
        return
    if item.day_column:
        _count_changes(study, key, rows, frame.height)
    for position, term in enumerate(terms):
        add_coefficients(study, term, replace(fit, n=frame.height), position, method=METHOD)


def _count_changes(study: Study, key: Key, rows: pl.DataFrame, n: int) -> None:
    """Add who had it from the start, and to whom it happened during follow-up."""
    states = rows.group_by("row").agg(first=pl.col("has_changed").min(), last=pl.col("has_changed").max())
    for level, counted in (
        ("from the start", pl.col("first") == 1),
        ("during follow-up", pl.col("first") < pl.col("last")),
    ):
        of_level = key.of(variable=f"{key.variable} changed", level=level)
        study.results.add(of_level, "n", states.filter(counted).height, unit="patients", n=n)


CHANGED = "changed"
METHOD = "Cox model of start-stop rows, Efron ties, Wald limits"


def _split(study: Study, frame: pl.DataFrame, item: TimeVarying) -> pl.DataFrame:
    """The start-stop rows of every patient, in days."""
    endpoint = study.spec.get_endpoint(item.endpoint)
    times, events = study.compute_times(frame, endpoint)
    landmark = study.spec.population.landmark_day
    nobody, at_start = pl.lit(None, dtype=pl.Float64), pl.lit(BEFORE_START)
    change = compute_days(frame, item.day_column) - landmark if item.day_column else nobody
    entry = compute_days(frame, item.entry_column) - landmark if item.entry_column else at_start
    columns = frame.select(
        change=change.cast(pl.Float64),
        entry=pl.when(entry <= 0).then(at_start).otherwise(entry.cast(pl.Float64)),
    )
    return split_at(columns["entry"], times * study.spec.days_per_unit, events, columns["change"])


def _fit(study: Study, frame: pl.DataFrame, item: TimeVarying, rows: pl.DataFrame) -> CoxFit:
    """The model of the rows: treatment, what changes, and the covariates as they were at the start."""
    patients = frame[rows["row"]]
    first = {"arm": study.is_treated(patients).cast(pl.Float64)}
    if item.day_column:
        first[CHANGED] = rows["has_changed"].cast(pl.Float64)
    design, _ = make_model(study.spec, patients, item.covariates, study.knots, first)
    return fit_cox(rows["time"], rows["event"], design, entry=rows["entry"], alpha=study.spec.alpha)
