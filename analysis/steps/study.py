"""What every step works on: the cohorts of a study, the results so far, and the points that figures draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from analysis.estimators.propensity import Propensity
from analysis.study.cohort import compute_is_timed
from analysis.study.results import ResultsBuilder
from analysis.study.spec import Arm, Endpoint, StudySpec


@dataclass
class Study:
    """One run: `cohorts` maps all and, once matching is done, matched to their patients, in the analysis' order.

    `propensity` is the score of everybody analysed, once matching is done.
    """

    spec: StudySpec
    cohorts: dict[str, pl.DataFrame]
    results: ResultsBuilder
    curves: list[pl.DataFrame] = field(default_factory=list)
    courses: pl.DataFrame = field(default_factory=pl.DataFrame)
    propensity: Propensity | None = None

    def list_groups(self, frame: pl.DataFrame) -> Iterator[tuple[Arm | None, pl.DataFrame]]:
        """Each arm with its patients; everybody at once where the study has no arms."""
        if not self.spec.arms:
            yield None, frame
        for arm in self.spec.arms:
            yield arm, frame.filter(pl.col("arm") == arm.code)

    def keep_timed(self, frame: pl.DataFrame, endpoint: Endpoint) -> pl.DataFrame:
        """The patients whose time to the endpoint is known.

        Eligibility asks for vital status and last contact, not for the day of a recorded progression: a patient without
        it is left out of that endpoint only, and the `n` of its results says so.
        """
        return frame.filter(compute_is_timed(endpoint))

    def compute_times(self, frame: pl.DataFrame, endpoint: Endpoint) -> tuple[pl.Series, pl.Series]:
        """Times in the study's unit, and events."""
        return frame[endpoint.time_column] / self.spec.days_per_unit, frame[endpoint.event_column]

    def is_treated(self, frame: pl.DataFrame) -> pl.Series:
        """Who is in the treated arm."""
        return frame["arm"] == self.spec.treated.code


def compute_percentage(part: int, whole: int) -> float | None:
    """Part of the whole in per cent; none of nothing."""
    return 100 * part / whole if whole else None
