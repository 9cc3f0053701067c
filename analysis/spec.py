"""A study as data: `analysis/studies/<study>/spec.toml`, read into frozen dataclasses and checked."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from analysis.spec_toml import change_keys, convert, make_fault
from etl.errors import UsageError
from etl.suggestions import did_you_mean
from schemas.definitions.study_period import DAYS_PER_MONTH
from schemas.rules import CRITERIA
from schemas.rules.eligibility import e4_complete_data

STUDIES = Path(__file__).parent / "studies"
HOSPITAL = "hospital"
DAYS_PER_UNIT = {"month": DAYS_PER_MONTH, "week": 7.0}


@dataclass(frozen=True)
class Population:
    """Who is analysed: the hospitals (empty: all), and whether every eligibility criterion must be met.

    `without_criteria` are criteria that are not asked for. Complete data (E4) always is.
    """

    hospitals: tuple[str, ...] = ()
    eligible_only: bool = True
    without_criteria: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arm:
    """One of the two groups compared: `id` names it in results, `code` is its value in the study's `arm_column`."""

    id: str
    code: str
    label: str
    role: Literal["treated", "control"]


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Endpoint:
    """A time to event in days, and the landmarks (in the study's time unit) at which its rate is reported."""

    id: str
    label: str
    time_column: str
    event_column: str
    landmarks: tuple[float, ...]


@dataclass(frozen=True)
class Regression:
    """Cox models of the characteristics: below `p_enter` a characteristic enters the multivariable model."""

    reference_arm: str
    p_enter: float = 0.05


@dataclass(frozen=True)
class Evaluation:
    """A tumour evaluation: the month it is named after and the column with the response."""

    month: int
    column: str


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Subgroup:
    """Characteristic and endpoint of the subgroup analysis."""

    characteristic: str
    endpoint: str


@dataclass(frozen=True)
class GradeBand:
    """A range of CTCAE grades counted together."""

    id: str
    label: str
    grades: tuple[int, ...]


@dataclass(frozen=True)
class FollowUp:
    """The endpoint whose reverse Kaplan-Meier gives the follow-up, and the months on treatment, if described."""

    endpoint: str
    duration_column: str = ""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class StudySpec:
    """All that distinguishes one study from another. An absent part is an analysis that is not made.

    `arm_column` of the subject table says who is in which arm: the treatment, or a yes/no (codes `true` and `false`).
    `published_contrasts` maps a printed contrast of a regression table to `variable.level` of the model it is read as;
    `published_claims` maps a printed statement to the results its numbers belong to, in the order they are printed;
    `published_without_result` maps the other statements to the reason why they have none.
    """

    study: str
    folder: Path
    title: str
    alpha: float
    endpoints: tuple[Endpoint, ...]
    time_unit: Literal["month", "week"] = "month"
    time_origin: str = "start of systemic therapy"
    disclosure: Literal["none"] = "none"
    population: Population = field(default_factory=Population)
    arms: tuple[Arm, ...] = ()
    arm_column: str = "arm"
    characteristics: tuple[Characteristic, ...] = ()
    matching: Matching | None = None
    regression: Regression | None = None
    evaluations: tuple[Evaluation, ...] = ()
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
        """The study of one sensitivity analysis: the same but for what that changes.

        Raises `UsageError`, naming the key, where a change is not as it should be.
        """
        where = f"{self.study}.sensitivity.{item.id}"
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
            matching=change_keys(self.matching, item.matching, f"{where}.matching"),
            population=change_keys(self.population, item.population, f"{where}.population"),
            endpoints=tuple(endpoints) or self.endpoints,
            sensitivity=(),
        )

    def list_columns(self) -> tuple[str, ...]:
        """Every column of the subject table that the study reads."""
        columns = [item.column for item in (*self.characteristics, *self.evaluations)]
        columns += [name for item in self.endpoints for name in (item.time_column, item.event_column)]
        columns += [self.arm_column] if self.arms else []
        columns += self.courses.list_columns() if self.courses else []
        columns += [self.follow_up.duration_column] if self.follow_up and self.follow_up.duration_column else []
        columns += [name for item in self.sensitivity for name in (item.time_column, item.event_column) if name]
        return tuple(dict.fromkeys(columns))


def list_studies() -> tuple[str, ...]:
    """Names of the studies that have a specification."""
    return tuple(sorted(path.parent.name for path in STUDIES.glob("*/spec.toml")))


def read_study(study: str) -> StudySpec:
    """Read the specification of a study.

    Raises `UsageError`, naming the key, where there is no such study or its specification is not as it should be.
    """
    if study not in list_studies():
        known, near = ", ".join(list_studies()), did_you_mean(study, list_studies())
        raise UsageError(
            f"There is no study called '{study}'.{near.en} Studies: {known}.",
            f"没有名为“{study}”的研究。{near.zh}现有研究：{known}。",
        )
    return read_spec(STUDIES / study / "spec.toml")


def read_spec(path: Path) -> StudySpec:
    """Read one specification file; the study is named after its folder. Errors as in `read_study`."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise make_fault(path.parent.name, f"not TOML: {error}") from error
    given = content | {"study": path.parent.name, "folder": path.parent}
    if reserved := {"study", "folder"} & set(content):
        raise make_fault(path.parent.name, f"unknown key {', '.join(sorted(reserved))}")
    spec = convert(given, StudySpec, path.parent.name)
    _check_references(spec)
    _check_sensitivity(spec)
    if spec.matching and spec.matching.ratio > 1:
        raise make_fault(
            spec.study,
            "matching.ratio: tables and curves count every patient once, so that the study itself is matched 1:1; "
            "ask for 1:k in a sensitivity analysis",
        )
    return spec


def _check_references(spec: StudySpec) -> None:
    """Every id that one part of the specification uses must be declared, once, by another."""
    characteristics = [item.id for item in spec.characteristics]
    endpoints = [item.id for item in spec.endpoints]
    arms = [item.id for item in spec.arms]
    variants = [item.id for item in spec.sensitivity]
    declared = {"characteristics": characteristics, "endpoints": endpoints, "arms": arms, "sensitivity": variants}
    for kind, ids in declared.items():
        if len(set(ids)) < len(ids):
            raise make_fault(spec.study, f"{kind}: an id occurs twice")
    _check_parts(spec)
    covariates = spec.matching.covariates if spec.matching else ()
    _check_known("matching.covariates", covariates, characteristics, spec)
    if spec.matching and spec.matching.exact:
        _check_known("matching.exact", [spec.matching.exact], [HOSPITAL, *characteristics], spec)
    for part in filter(None, (spec.courses, spec.subgroup, spec.follow_up)):
        _check_known("endpoint", [part.endpoint], endpoints, spec)
    if spec.regression:
        _check_known("regression.reference_arm", [spec.regression.reference_arm], arms, spec)
    if spec.subgroup:
        _check_known("subgroup.characteristic", [spec.subgroup.characteristic], characteristics, spec)
    for item in spec.characteristics:
        _check_known(f"{item.id}.reference", item.order_levels()[:1], item.levels, spec)
    removable = [name for name in CRITERIA if name != e4_complete_data.__name__]
    _check_known("population.without_criteria", spec.population.without_criteria, removable, spec)


def _check_sensitivity(spec: StudySpec) -> None:
    """Every change must give a specification that holds by itself."""
    for item in spec.sensitivity:
        where = f"sensitivity.{item.id}"
        if not spec.arms:
            raise make_fault(spec.study, "sensitivity needs arms")
        if bool(item.endpoint) != bool(item.time_column or item.event_column):
            raise make_fault(spec.study, f"{where}: endpoint goes with a time_column or an event_column")
        if item.endpoint:
            _check_known(f"{where}.endpoint", [item.endpoint], [endpoint.id for endpoint in spec.endpoints], spec)
        if not (item.endpoint or item.matching or item.population):
            raise make_fault(spec.study, f"{where}: nothing is changed")
        varied = spec.vary(item)
        _check_references(dataclasses.replace(varied, subgroup=None, follow_up=None, courses=None))


def _check_parts(spec: StudySpec) -> None:
    """Some parts need others: a comparison needs two arms, a model of the matched cohort needs the matching."""
    if spec.matching and spec.matching.ratio < 1:
        raise make_fault(spec.study, "matching.ratio: at least 1 is needed")
    if spec.matching and min(spec.matching.caliper_sd or 0, spec.matching.caliper_width or 0) < 0:
        raise make_fault(spec.study, "matching: a caliper cannot be negative")
    if spec.arms and sorted(arm.role for arm in spec.arms) != ["control", "treated"]:
        raise make_fault(spec.study, "arms: one treated and one control are needed")
    comparisons = (spec.matching, spec.evaluations, spec.courses, spec.grade_bands)
    if not spec.arms and any(comparisons):
        raise make_fault(spec.study, "matching, evaluations, courses and grade_bands need arms")
    if (spec.regression or spec.subgroup) and not spec.matching:
        raise make_fault(spec.study, "regression and subgroup need matching")


def _check_known(where: str, names: Iterable[str], known: Iterable[str], spec: StudySpec) -> None:
    if unknown := [name for name in names if name not in known]:
        raise make_fault(spec.study, f"{where}: {', '.join(unknown)} is not declared; declared are {', '.join(known)}")
