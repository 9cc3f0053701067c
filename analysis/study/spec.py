"""A study as data: a `spec.toml`, read into frozen dataclasses; every fault is told at once, with its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.study_time import DAYS_PER_UNIT, Time, TimeUnit
from etl.configuration import CONFIG, GIVEN, change
from schemas.definitions.study_period import DAYS_PER_MONTH

HOSPITAL = "hospital"


@dataclass(frozen=True, config=CONFIG)
class Population:
    """Who is analysed: the hospitals (empty: all), and whether every eligibility criterion must be met.

    `without_criteria` are criteria that are not asked for. Complete data (E4) always is. `days_known_only` leaves out patients with
    a date of which only the month is known.
    """

    hospitals: tuple[str, ...] = ()
    eligible_only: bool = True
    without_criteria: tuple[str, ...] = ()
    days_known_only: bool = False


@dataclass(frozen=True, config=CONFIG)
class Arm:
    """One of the two groups compared: `id` names it in results, `code` is its value in the study's `arm_column`."""

    id: str
    code: str
    label: str
    role: Literal["treated", "control"]


@dataclass(frozen=True, config=CONFIG)
class Characteristic:
    """One baseline characteristic as levels of a subject column; `reference` is the level others are compared with."""

    id: str
    label: str
    column: str
    levels: tuple[str, ...]
    reference: str = ""

    def order_levels(self) -> tuple[str, ...]:
        """The levels with the reference first, as a regression model takes them."""
        first = self.reference or self.levels[0]
        return (first, *(level for level in self.levels if level != first))

    def name_group(self, level: str) -> str:
        """The patients at one level, as a subgroup of results: `TACE Yes`."""
        return f"{self.label} {level}"

    @property
    def contrast(self) -> str:
        """All levels against each other, as a subgroup of results: `TACE Yes vs No`."""
        return f"{self.label} {' vs '.join(reversed(self.levels))}"


@dataclass(frozen=True, config=CONFIG)
class Matching:
    """Propensity-score matching, nearest neighbour, without replacement; `covariates` are characteristics.

    The caliper is `caliper_sd` standard deviations of the score on its `scale`, or `caliper_width` where that is given,
    in units of the scale. `exact` is `hospital` or a characteristic within which pairs are made; empty:
    anywhere. `ratio` is the most controls a treated patient may have.
    """

    covariates: tuple[str, ...]
    scale: Literal["logit", "probability"] = "logit"
    caliper_sd: float | None = 0.2
    caliper_width: float | None = None
    order: Literal["largest", "smallest", "data", "closest"] = "largest"
    exact: str = ""
    ratio: int = 1


@dataclass(frozen=True, config=CONFIG)
class Endpoint:
    """A time to event in days, and the landmarks (in the study's time unit) at which its rate is reported."""

    id: str
    label: str
    time_column: str
    event_column: str
    landmarks: tuple[float, ...]


@dataclass(frozen=True, config=CONFIG)
class Regression:
    """Cox models of the characteristics: below `p_enter` a characteristic enters the multivariable model."""

    reference_arm: str
    p_enter: float = 0.05


@dataclass(frozen=True, config=CONFIG)
class Evaluation:
    """A tumour evaluation: the month it is named after and the column with the response."""

    month: int
    column: str


@dataclass(frozen=True, config=CONFIG)
class ResponseAlternative:
    """The response of an evaluation under another reading: `column` in the place of the evaluation's own."""

    id: str
    label: str
    month: int
    column: str


@dataclass(frozen=True, config=CONFIG)
class EvidenceItem:
    """A column that says what a response or a progression rests on (`schemas.codes.Evidence`)."""

    id: str
    label: str
    column: str


@dataclass(frozen=True, config=CONFIG)
class Courses:
    """Swimmer and waterfall plot, patient by patient: the endpoint that ends a course, and what is shown on the way.

    Columns of days from the start: end of treatment, first response, first progression; the best response, and the
    best change of the targets in per cent.
    """

    endpoint: str
    treatment_column: str = "treatment_days"
    response_column: str = "first_response_days"
    progression_column: str = "first_progression_days"
    best_response_column: str = "best_response"
    best_change_column: str = "best_change_percent"

    def list_columns(self) -> list[str]:
        """Every column of the subject table that the courses need."""
        return [getattr(self, item.name) for item in dataclasses.fields(self) if item.name.endswith("_column")]


@dataclass(frozen=True, config=CONFIG)
class Subgroup:
    """Characteristic and endpoint of the subgroup analysis."""

    characteristic: str
    endpoint: str


@dataclass(frozen=True, config=CONFIG)
class GradeBand:
    """A range of CTCAE grades counted together."""

    id: str
    label: str
    grades: tuple[int, ...]


@dataclass(frozen=True, config=CONFIG)
class FollowUp:
    """The endpoint whose reverse Kaplan-Meier gives the follow-up, and the months on treatment, if described."""

    endpoint: str
    duration_column: str = ""


@dataclass(frozen=True, config=CONFIG)
class Sensitivity:
    """The comparison of the arms made again with one thing changed.

    `matching` and `population` hold the keys of those parts that are changed, with their other values. With an
    `endpoint`, that endpoint alone is computed, from the other `time_column` or `event_column` given.
    """

    id: str
    label: str
    matching: Mapping[str, Any] = field(default_factory=dict)
    population: Mapping[str, Any] = field(default_factory=dict)
    endpoint: str = ""
    time_column: str = ""
    event_column: str = ""


@dataclass(frozen=True, config=CONFIG)
class StudySpec:
    """All that distinguishes one study from another. An absent part is an analysis that is not made.

    `arm_column` of the subject table says who is in which arm: the treatment, or a yes/no (codes `true` and `false`).
    `published_contrasts` maps a printed contrast of a regression table to `variable.level` of the model it is read as;
    `published_claims` maps a printed statement to the results its numbers belong to, in the order they are printed;
    `published_without_result` maps the other statements to the reason why they have none.
    """

    study: str = field(metadata=GIVEN)
    folder: Path = field(metadata=GIVEN)
    title: str
    alpha: float
    endpoints: tuple[Endpoint, ...]
    time_unit: TimeUnit = "month"
    time_origin: str = "start of systemic therapy"
    disclosure: Literal["none"] = "none"
    population: Population = field(default_factory=Population)
    arms: tuple[Arm, ...] = ()
    arm_column: str = "arm"
    characteristics: tuple[Characteristic, ...] = ()
    matching: Matching | None = None
    regression: Regression | None = None
    evaluations: tuple[Evaluation, ...] = ()
    response_alternatives: tuple[ResponseAlternative, ...] = ()
    evidence: tuple[EvidenceItem, ...] = ()
    courses: Courses | None = None
    subgroup: Subgroup | None = None
    grade_bands: tuple[GradeBand, ...] = ()
    follow_up: FollowUp | None = None
    sensitivity: tuple[Sensitivity, ...] = ()
    published_contrasts: Mapping[str, str] = field(default_factory=dict)
    published_claims: Mapping[str, list[str]] = field(default_factory=dict)
    published_without_result: Mapping[str, str] = field(default_factory=dict)

    @property
    def days_per_unit(self) -> float:
        """Days in the unit in which times are reported."""
        return DAYS_PER_UNIT[self.time_unit]

    def at(self, value: float) -> Time:
        """A time after the start, given in the study's unit."""
        return Time(value, self.time_unit)

    def at_month(self, month: float) -> Time:
        """A time after the start, given in months, in the study's unit."""
        return self.at(month * DAYS_PER_MONTH / self.days_per_unit)

    @property
    def main_cohort(self) -> str:
        """The cohort in which the arms are compared first: the matched one where the study matches."""
        return MATCHED if self.matching else ALL

    @property
    def groups(self) -> tuple[tuple[str | None, str], ...]:
        """Id and label of each arm; none and `All patients` where the study has no arms."""
        return tuple((arm.id, arm.label) for arm in self.arms) or ((None, "All patients"),)

    @property
    def treated(self) -> Arm:
        """The arm whose hazard is compared with the control's; only for a study with arms."""
        return next(arm for arm in self.arms if arm.role == "treated")

    @property
    def control(self) -> Arm:
        """The arm compared with; only for a study with arms."""
        return next(arm for arm in self.arms if arm.role == "control")

    def get_arm(self, arm_id: str) -> Arm:
        """The arm of that id."""
        return next(arm for arm in self.arms if arm.id == arm_id)

    def get_characteristic(self, characteristic_id: str) -> Characteristic:
        """The characteristic of that id."""
        return next(item for item in self.characteristics if item.id == characteristic_id)

    def get_endpoint(self, endpoint_id: str) -> Endpoint:
        """The endpoint of that id."""
        return next(item for item in self.endpoints if item.id == endpoint_id)

    def vary(self, item: Sensitivity) -> StudySpec:
        """The study of one sensitivity analysis: the same but for what that changes."""
        endpoints = [
            dataclasses.replace(
                endpoint,
                time_column=item.time_column or endpoint.time_column,
                event_column=item.event_column or endpoint.event_column,
            )
            for endpoint in self.endpoints
            if endpoint.id == item.endpoint
        ]
        return dataclasses.replace(
            self,
            matching=change(self.matching, item.matching) if self.matching else None,
            population=change(self.population, item.population),
            endpoints=tuple(endpoints) or self.endpoints,
            sensitivity=(),
        )

    def list_columns(self) -> tuple[str, ...]:
        """Every column of the subject table that the study reads."""
        columns = [item.column for item in (*self.characteristics, *self.evaluations)]
        columns += [name for item in self.endpoints for name in (item.time_column, item.event_column)]
        columns += ["baseline_imaging_date", "first_line_start_date"] if self.evidence else []
        columns += [self.arm_column] if self.arms else []
        columns += self.courses.list_columns() if self.courses else []
        columns += [self.follow_up.duration_column] if self.follow_up and self.follow_up.duration_column else []
        return tuple(dict.fromkeys(columns))

    def list_further_columns(self) -> tuple[str, ...]:
        """Columns of what stands beside the results; where a hospital's version lacks one, that alone is left out, and said."""
        columns = [name for item in self.sensitivity for name in (item.time_column, item.event_column) if name]
        return (*columns, *(item.column for item in (*self.response_alternatives, *self.evidence)))
