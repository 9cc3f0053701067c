"""The steps of the flow chart: whom each asks for, and how many it removes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from analysis.study.conditions import meet_all
from analysis.study.endpoint_times import compute_is_at_risk, compute_is_timed
from analysis.study.spec import StudySpec
from schemas.rules import eligibility
from schemas.rules.rule import CRITERIA

ELSEWHERE = "analysed_elsewhere"
NOT_COMPARED = "not_compared"
"""Patients without a hash of their person: nobody can tell whether another hospital has them too, and they may be analysed twice."""
LANDMARK = "at_risk_at_landmark"
INCOMPLETE = eligibility.e4_complete_data.__name__


@dataclass(frozen=True)
class Step:
    """A step of the flow chart: whom it removes of those who came to it, and of whom it cannot be judged."""

    id: str
    label: str
    removes: pl.Expr
    is_unknown: pl.Expr


def list_steps(without: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Every step of the protocol in order, but for the criteria not asked for: its id and what it asks for."""
    asked = (criterion for criterion in CRITERIA.values() if criterion.criterion_id not in without)
    ordered = sorted(asked, key=lambda criterion: criterion.order)
    return [(item.criterion_id, item.label_en) for item in ordered] + [(ELSEWHERE, "Not analysed at another hospital")]


def make_steps(subjects: pl.DataFrame, spec: StudySpec) -> list[Step]:
    """Every step of the flow chart: the protocol's or, without criteria, that the outcome is known; the study's filters; the landmark."""
    population = spec.population
    steps = _ask_criteria(population.without_criteria) if population.eligible_only else [_ask_outcome(spec)]
    for item in population.filters:
        meets = meet_all(subjects, item.where, f"population.filters.{item.id}")
        steps.append(Step(item.id, item.label, ~meets.fill_null(value=False), meets.is_null()))
    if population.landmark_day:
        at_risk = compute_is_at_risk(spec)
        label = f"Followed without the event on day {population.landmark_day:g}"
        steps.append(Step(LANDMARK, label, ~at_risk, pl.lit(value=False)))
    return steps


def _ask_criteria(without: Sequence[str]) -> list[Step]:
    """A patient for whom one of the criteria is unknown leaves at the step of incomplete data, whichever it is."""
    named = list_steps(without)
    has_unknown = pl.any_horizontal(pl.col(name).is_null() for name, _ in named[:-1])
    removes = {name: ~pl.col(name).fill_null(value=True) for name, _ in named[:-1]}
    removes[INCOMPLETE] = removes[INCOMPLETE] | has_unknown
    removes[ELSEWHERE] = pl.col("seen_elsewhere_first").fill_null(value=False)
    nobody = pl.lit(value=False)
    return [Step(name, label, removes[name], has_unknown if name == INCOMPLETE else nobody) for name, label in named]


def _ask_outcome(spec: StudySpec) -> Step:
    """The first step of a study without criteria: who has no outcome, or nothing of what is compared, cannot be analysed."""
    known = [compute_is_timed(item) for item in spec.endpoints]
    if any(arm.code for arm in spec.arms):
        known.append(pl.col(spec.arm_column).is_not_null())
    label = "Outcome and what is compared recorded" if spec.arms else "Time and outcome of every endpoint recorded"
    is_unknown = ~pl.all_horizontal(known)
    return Step("outcome_recorded", label, is_unknown, is_unknown)


def find_removing(subjects: pl.DataFrame, steps: Sequence[Step]) -> pl.Series:
    """Of every patient the position of the step that removes them; null for who stays."""
    removing = (pl.when(step.removes).then(pl.lit(position)) for position, step in enumerate(steps))
    return subjects.select(pl.coalesce(removing).alias("removed_at"))["removed_at"]


def count_attrition(subjects: pl.DataFrame, steps: Sequence[Step], group: str) -> pl.DataFrame:
    """Count, in every group of patients (a column of `subjects`, null a group of its own), who came to each step and who was removed.

    One row per group and step: the group, `step`, `criterion_id`, `label`, `n_before`, `n_removed`, `n_unknown` (those of the removed for whom
    some criterion could not be judged), `n_after`. Groups stand in their order, those without one last.
    """
    removed_at = find_removing(subjects, steps)
    unknown = subjects.select(step.is_unknown.alias(step.id) for step in steps)
    rows = []
    for name in subjects[group].unique().sort(nulls_last=True):
        here = subjects[group].eq_missing(name)
        n_before = int(here.sum())
        for position, step in enumerate(steps):
            removed = here & (removed_at == position).fill_null(value=False)
            n_removed, n_unknown = int(removed.sum()), int((removed & unknown[step.id]).sum())
            rows.append((name, position + 1, step.id, step.label, n_before, n_removed, n_unknown, n_before - n_removed))
            n_before -= n_removed
    return pl.DataFrame(rows, schema={group: pl.String, **_ATTRITION_SCHEMA}, orient="row")


_ATTRITION_SCHEMA = {
    "step": pl.Int64,
    "criterion_id": pl.String,
    "label": pl.String,
    "n_before": pl.Int64,
    "n_removed": pl.Int64,
    "n_unknown": pl.Int64,
    "n_after": pl.Int64,
}
