"""What every step works on: the cohorts of a study, the results so far, and the points that figures draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from analysis.estimators.propensity import Propensity
from analysis.steps.covariates import Covariates, Knots
from analysis.study.cohort_names import MATCHED
from analysis.study.endpoint_times import compute_event, compute_is_timed, compute_time_days
from analysis.study.results import ResultsBuilder
from analysis.study.spec import Arm, Endpoint, StudySpec


@dataclass
class Study:
    """One run: `cohorts` maps all and, once they are made, matched and weighted to their patients, in the analysis' order.

    `score` is that by which patients were matched, once they are, and `knots` are those of the splines.
    """

    spec: StudySpec
    cohorts: dict[str, pl.DataFrame]
    results: ResultsBuilder
    curves: list[pl.DataFrame] = field(default_factory=list)
    courses: pl.DataFrame = field(default_factory=pl.DataFrame)
    score: Score | None = None
    knots: Knots = field(default_factory=dict)

    def list_groups(self, frame: pl.DataFrame) -> Iterator[tuple[Arm | None, pl.DataFrame]]:
        """Each arm with its patients; everybody at once where the study has no arms."""
        if not self.spec.arms:
            yield None, frame
        for arm in self.spec.arms:
            yield arm, frame.filter(pl.col("arm") == arm.id)

    def list_counted(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """The cohorts in which every patient counts once, so that counts and tests of counts can be given."""
        return ((name, frame) for name, frame in self.cohorts.items() if not self.spec.is_weighted(name))

    def get_weights(self, cohort: str, frame: pl.DataFrame) -> pl.Series | None:
        """The weights of some patients of a cohort; none where each counts once."""
        return frame["weight"] if self.spec.is_weighted(cohort) else None

    def get_clusters(self, cohort: str, frame: pl.DataFrame) -> pl.Series | None:
        """Who is not independent of whom: matched sets; none elsewhere."""
        return frame["pair"] if cohort == MATCHED else None

    def keep_timed(self, frame: pl.DataFrame, endpoint: Endpoint) -> pl.DataFrame:
        """The patients whose time to the endpoint is known.

        Eligibility asks for vital status and last contact, not for the day of a recorded progression: a patient without
        it is left out of that endpoint only, and the `n` of its results says so.
        """
        return frame.filter(compute_is_timed(endpoint, self.spec.population.landmark_day))

    def compute_times(self, frame: pl.DataFrame, endpoint: Endpoint) -> tuple[pl.Series, pl.Series]:
        """Times in the study's unit, and events."""
        days = compute_time_days(endpoint, self.spec.population.landmark_day)
        columns = frame.select(time=days / self.spec.days_per_unit, event=compute_event(endpoint))
        return columns["time"], columns["event"]

    def is_treated(self, frame: pl.DataFrame) -> pl.Series:
        """Who is in the treated arm."""
        return frame["arm"] == self.spec.treated.id


@dataclass(frozen=True)
class Score:
    """A propensity score, and the covariates it was fitted on."""

    covariates: Covariates
    propensity: Propensity


def compute_percentage(part: float, whole: float) -> float | None:
    """Part of the whole in per cent; none of nothing."""
    return 100 * part / whole if whole else None
