"""A study as data: a `spec.toml`, read into frozen dataclasses; every fault is told at once, with its place."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic.dataclasses import dataclass

from analysis.study.characteristic import Characteristic
from analysis.study.cohort_names import ALL, MATCHED, WEIGHTED
from analysis.study.population import Arm, Population
from analysis.study.publication import Publication
from analysis.study.score import Matching, Weighting, change_weighting
from analysis.study.study_time import DAYS_PER_UNIT, Time, TimeUnit
from etl.configuration import CONFIG, GIVEN, change
from schemas.definitions.study_period import DAYS_PER_MONTH

HOSPITAL = "hospital"
CENSORED_AT, UNKNOWN = "censored at ", "unknown"
"""What an endpoint's `not_happened` can begin with, or be."""


@dataclass(frozen=True, config=CONFIG)
class Endpoint:
    """A time to event."""

    id: Annotated[str, "name in results: `OS`"]
    label: Annotated[str, "name in print: `Overall survival`"]
    time_column: Annotated[str, "column of days from the start to the event or the end of follow-up"]
    event_column: Annotated[
        str,
        "column that says whether it happened; may be left out with `not_happened`, where whoever has a day in `time_column` had it",
    ] = ""
    rate_times: Annotated[
        tuple[float, ...],
        "ascending times, in the study's unit, at which rates are given; restricted means run to the last",
    ] = ()
    not_happened: Annotated[
        str,
        "what an empty column stands for: `censored at <column of days>` (nothing happened until then) or `unknown` (left out of this endpoint). A "
        "study is refused where columns are empty and nobody is on record without the event",
    ] = ""

    @property
    def censoring_column(self) -> str:
        """The column of days at which those are censored to whom nothing happened; empty where times are complete."""
        return self.not_happened.removeprefix(CENSORED_AT) if self.not_happened.startswith(CENSORED_AT) else ""

    def list_columns(self) -> list[str]:
        """The columns of the subject table that it is made of."""
        return [name for name in (self.time_column, self.event_column, self.censoring_column) if name]


@dataclass(frozen=True, config=CONFIG)
class Regression:
    """Cox models of treatment and every characteristic: one at a time, then together. In the cohort in which arms are compared."""

    reference_arm: Annotated[str, "arm that the other is compared with, by id"]
    p_enter: Annotated[
        float, "a characteristic with a smaller p enters the multivariable model; treatment always does"
    ] = 0.05


@dataclass(frozen=True, config=CONFIG)
class Evaluation:
    """A tumour evaluation: responses, ORR and DCR by arm."""

    month: Annotated[int, "month it is named after"]
    column: Annotated[str, "column with the response (CR, PR, SD, PD, NE)"]


@dataclass(frozen=True, config=CONFIG)
class ResponseAlternative:
    """ORR and DCR of an evaluation under another reading."""

    id: Annotated[str, "name in results"]
    label: Annotated[str, "name in print"]
    month: Annotated[int, "month of the evaluation"]
    column: Annotated[str, "column in the place of the evaluation's own"]


@dataclass(frozen=True, config=CONFIG)
class EvidenceItem:
    """What a response or a progression rests on, by arm and hospital."""

    id: Annotated[str, "name in results"]
    label: Annotated[str, "name in print"]
    column: Annotated[str, "column that says it (`schemas.codes.Evidence`)"]


@dataclass(frozen=True, config=CONFIG)
class Courses:
    """Swimmer and waterfall plot, patient by patient, and best responses. Columns of days count from the start."""

    endpoint: Annotated[str, "endpoint that ends a course, by id"]
    treatment_column: Annotated[str, "days to the end of treatment"] = "treatment_days"
    response_column: Annotated[str, "days to the first response"] = "first_response_days"
    progression_column: Annotated[str, "days to the first progression"] = "first_progression_days"
    best_response_column: Annotated[str, "best response"] = "best_response"
    best_change_column: Annotated[str, "best change of the targets, per cent"] = "best_change_percent"

    def list_columns(self) -> list[str]:
        """Every column of the subject table that the courses need."""
        return [getattr(self, item.name) for item in dataclasses.fields(self) if item.name.endswith("_column")]


@dataclass(frozen=True, config=CONFIG)
class TimeVarying:
    """A Cox model of treatment, over everybody analysed, in which something changes or patients come under observation during follow-up."""

    id: Annotated[str, "name in results"]
    label: Annotated[str, "name in print"]
    endpoint: Annotated[str, "endpoint, by id"]
    day_column: Annotated[
        str,
        "date, or day since the start, of what happens to a patient (a later TACE): before it without, from it on with",
    ] = ""
    entry_column: Annotated[
        str, "date, or day since the start, from which a patient is under observation (delayed entry)"
    ] = ""
    covariates: Annotated[tuple[str, ...], "characteristics that are adjusted for, by id"] = ()


@dataclass(frozen=True, config=CONFIG)
class Subgroup:
    """Curves by arm and level, comparisons within each, and the interaction. In the cohort in which arms are compared."""

    characteristic: Annotated[str, "characteristic with levels, by id"]
    endpoint: Annotated[str, "endpoint, by id"]


@dataclass(frozen=True, config=CONFIG)
class GradeBand:
    """CTCAE grades of adverse events that are counted together; a patient counts once per term, with the worst grade."""

    id: Annotated[str, "name in results"]
    label: Annotated[str, "name in print"]
    grades: Annotated[tuple[int, ...], "grades"]


@dataclass(frozen=True, config=CONFIG)
class FollowUp:
    """Median follow-up by the reverse Kaplan-Meier method, and time on treatment."""

    endpoint: Annotated[str, "endpoint whose censoring ends follow-up, by id"]
    duration_column: Annotated[str, "months on treatment"] = ""


@dataclass(frozen=True, config=CONFIG)
class Sensitivity:
    """The comparison of the arms again with one thing changed."""

    id: Annotated[str, "name in results"]
    label: Annotated[str, "name in print"]
    label_zh: Annotated[
        str, "its name in Chinese, for the Chinese abstract; without it the label stands there in quotation marks"
    ] = ""
    matching: Annotated[Mapping[str, Any], "keys of `[matching]` with other values"] = field(default_factory=dict)
    weighting: Annotated[
        Mapping[str, Any],
        "keys of `[weighting]` with other values; or a whole part, where the study itself does not weight",
    ] = field(default_factory=dict)
    population: Annotated[
        Mapping[str, Any],
        "keys of `[population]` with other values; with a `landmark_day`, each endpoint has patients of its own",
    ] = field(default_factory=dict)
    endpoint: Annotated[
        str, "the endpoint that is changed, by id; it alone is computed, in the study's own cohorts"
    ] = ""
    time_column: Annotated[str, "its other column of days"] = ""
    event_column: Annotated[str, "its other event column"] = ""


@dataclass(frozen=True, config=CONFIG)
class StudySpec:
    """All that distinguishes one study from another. An absent part is an analysis that is not made."""

    study: str = field(metadata=GIVEN)
    folder: Path = field(metadata=GIVEN)
    title: Annotated[str, "title of report and manuscript"]
    alpha: Annotated[float, "two-sided error; confidence intervals are those of 1 - alpha"]
    endpoints: tuple[Endpoint, ...]
    time_unit: Annotated[TimeUnit, "unit in which times are reported; a month has 365.25 / 12 days, a year 365.25"] = (
        "month"
    )
    time_origin: Annotated[str, "what times run from, in words"] = "start of systemic therapy"
    disclosure: Annotated[
        int | Literal["none"],
        "`none`: small counts are shown; a number: none of fewer patients, nor what would tell one, and no file of single patients unless asked for",
    ] = "none"
    population: Population = field(default_factory=Population)
    arms: tuple[Arm, ...] = ()
    arm_column: Annotated[
        str, "column of the subject table whose values are the codes of the arms (a yes/no: `true`, `false`)"
    ] = "arm"
    characteristics: tuple[Characteristic, ...] = ()
    matching: Matching | None = None
    weighting: Weighting | None = None
    regression: Regression | None = None
    evaluations: tuple[Evaluation, ...] = ()
    response_alternatives: tuple[ResponseAlternative, ...] = ()
    evidence: tuple[EvidenceItem, ...] = ()
    courses: Courses | None = None
    subgroups: tuple[Subgroup, ...] = ()
    time_varying: tuple[TimeVarying, ...] = ()
    grade_bands: tuple[GradeBand, ...] = ()
    follow_up: FollowUp | None = None
    sensitivity: tuple[Sensitivity, ...] = ()
    publication: Publication = field(default_factory=Publication)
    published_contrasts: Annotated[
        Mapping[str, str], "a printed contrast of `published/table2.csv` = `variable.level` of the model it is read as"
    ] = field(default_factory=dict)
    published_claims: Annotated[
        Mapping[str, list[str]],
        "a statement of `published/claims.csv` = the results its numbers belong to, in printed order",
    ] = field(default_factory=dict)
    published_without_result: Annotated[Mapping[str, str], "a statement that no result stands beside = the reason"] = (
        field(default_factory=dict)
    )

    @property
    def fewest_patients(self) -> int | None:
        """The smallest count of patients that may be shown; none where all may."""
        return None if self.disclosure == "none" else self.disclosure

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
    def time_zero(self) -> str:
        """The day from which time runs, in a sentence: `the start of therapy`, or `day 91 after the start of therapy`."""
        day = self.population.landmark_day
        return f"day {day:g} after the start of therapy (the landmark)" if day else "the start of therapy"

    @property
    def origin(self) -> str:
        """What axes and methods say that times run from: `time_origin`, and at a landmark the day where that does not say so."""
        day = self.population.landmark_day
        return (
            f"day {day:g} after the {self.time_origin}"
            if day and f"{day:g}" not in self.time_origin
            else self.time_origin
        )

    @property
    def has_contrast(self) -> bool:
        """Whether one arm is compared with another; of more than two arms every pair is, each as a study of its own."""
        return len(self.arms) == 2

    @property
    def has_pairs(self) -> bool:
        """Whether there are more than two arms."""
        return len(self.arms) > 2

    def of_all_arms(self) -> StudySpec:
        """The study as far as it is about all arms together: matching and weighting are those of pairs where there are more than two."""
        return dataclasses.replace(self, matching=None, weighting=None) if self.has_pairs else self

    def list_pairs(self) -> list[StudySpec]:
        """The study of every two of its arms, the one that stands later as the treated."""
        return [
            dataclasses.replace(
                self, arms=(dataclasses.replace(a, role="control"), dataclasses.replace(b, role="treated"))
            )
            for a, b in itertools.combinations(self.arms, 2)
        ]

    @property
    def main_cohort(self) -> str:
        """The cohort in which the arms are compared first: the matched one where the study matches, else the weighted one where it weights."""
        if self.matching:
            return MATCHED
        return WEIGHTED if self.weighting else ALL

    def is_weighted(self, cohort: str) -> bool:
        """Whether patients of a cohort count with weights: by a score, or as sets of one treated patient and several controls."""
        return cohort == WEIGHTED or (cohort == MATCHED and self.matching is not None and self.matching.ratio > 1)

    def get_score_covariates(self, cohort: str) -> tuple[str, ...]:
        """The covariates of the score that makes a cohort; those of the matching stand beside the whole cohort, too."""
        part = self.weighting if cohort == WEIGHTED or not self.matching else self.matching
        return part.covariates if part else ()

    @property
    def limits(self) -> str:
        """What its confidence intervals are called: `95 % CI`."""
        return f"{self.confidence} CI"

    @property
    def confidence(self) -> str:
        """How often they hold: `95 %`."""
        return f"{100 * (1 - self.alpha):g} %"

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

    def get_other_arm(self, arm_id: str) -> Arm:
        """The arm that is compared with the one of that id."""
        return next(arm for arm in self.arms if arm.id != arm_id)

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
            weighting=change_weighting(self.weighting, item.weighting),
            population=change(self.population, item.population),
            endpoints=tuple(endpoints) or self.endpoints,
            time_varying=(),
            sensitivity=(),
        )

    def name_columns(self) -> dict[str, str]:
        """The place in the specification of the columns that a person names; of one that several name, the first."""
        named = [
            (getattr(item, key), f"endpoints.{item.id}.{key}")
            for item in self.endpoints
            for key in ("time_column", "event_column")
        ]
        named += [(item.censoring_column, f"endpoints.{item.id}.not_happened") for item in self.endpoints]
        named += [(item.column, f"characteristics.{item.id}.column") for item in self.characteristics]
        named += [
            (one.column, f"population.filters.{item.id}") for item in self.population.filters for one in item.where
        ]
        named += [(one.column, f"arms.{arm.id}.where") for arm in self.arms for one in arm.where]
        named += [
            (self.arm_column, "arm_column"),
            *((item.column, f"evaluations.{item.month}") for item in self.evaluations),
        ]
        named += [
            (getattr(item, key), f"time_varying.{item.id}.{key}")
            for item in self.time_varying
            for key in ("day_column", "entry_column")
        ]
        return {name: place for name, place in reversed(named) if name}

    def list_columns(self) -> tuple[str, ...]:
        """Every column of the subject table that the study reads."""
        columns = [item.column for item in (*self.characteristics, *self.evaluations)]
        columns += [name for item in self.endpoints for name in item.list_columns()]
        columns += [condition.column for item in (*self.population.filters, *self.arms) for condition in item.where]
        columns += [name for item in self.time_varying for name in (item.day_column, item.entry_column) if name]
        columns += ["baseline_imaging_date", "first_line_start_date"] if self.evidence else []
        columns += [self.arm_column] if any(arm.code for arm in self.arms) else []
        columns += self.courses.list_columns() if self.courses else []
        columns += [self.follow_up.duration_column] if self.follow_up and self.follow_up.duration_column else []
        return tuple(dict.fromkeys(columns))

    def list_further_columns(self) -> tuple[str, ...]:
        """Columns of what stands beside the results; where a hospital's version lacks one, that alone is left out, and said."""
        columns = [name for item in self.sensitivity for name in (item.time_column, item.event_column) if name]
        return (*columns, *(item.column for item in (*self.response_alternatives, *self.evidence)))
