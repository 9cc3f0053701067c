"""When therapy began and with which drugs, by arm: arms of other years or with other partners differ in more than their name."""

from __future__ import annotations

import polars as pl

from analysis.steps.baseline import add_share, add_test, count_levels
from analysis.steps.study import Study
from analysis.study.cohort_names import ALL
from analysis.study.endpoint_times import START_COLUMN
from analysis.study.results import Key

START_YEAR = "start year"
DRUGS = ("targeted_drug", "pd1_drug")
"""Columns of the subject table that name the drugs of line 1."""


def add_therapy(study: Study) -> None:
    """Add, in every cohort in which patients count once, the years of the start and the drugs of line 1, by arm, with the tests between the arms.

    Shares are of all patients of an arm. What no two arms share, as the drug that makes them, is not tested. A drug that nobody has on record, as where hospitals send no treatments, is left out.
    """
    for variable in (START_YEAR, *DRUGS):
        levels = _list_levels(study.cohorts[ALL], variable)
        for cohort, frame in study.list_counted() if levels else ():
            _add_variable(study, Key(analysis="therapy", cohort=cohort, variable=variable), frame, levels)


def _list_levels(everybody: pl.DataFrame, variable: str) -> tuple[str, ...]:
    if (START_COLUMN if variable == START_YEAR else variable) not in everybody.columns:
        return ()
    return tuple(_read_values(everybody, variable).drop_nulls().unique().sort())


def _read_values(frame: pl.DataFrame, variable: str) -> pl.Series:
    """The year of the start or the drug, as text."""
    found = frame[START_COLUMN].cast(pl.Date).dt.year() if variable == START_YEAR else frame[variable]
    return found.cast(pl.String)


def _add_variable(study: Study, key: Key, frame: pl.DataFrame, levels: tuple[str, ...]) -> None:
    named = frame.with_columns(_read_values(frame, str(key.variable)).alias("level"))
    for arm, patients in study.list_groups(named):
        for level in levels:
            n = int((patients["level"] == level).sum())
            add_share(study, key.of(arm=arm.id if arm else None, level=level), n, patients.height)
    counts = count_levels(study, named, "level", levels)
    is_by_arm = not any(sum(map(bool, of_level)) > 1 for of_level in counts)
    if study.spec.arms and not is_by_arm:
        add_test(study, counts, key)
