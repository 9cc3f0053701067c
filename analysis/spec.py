"""A study as data: `analysis/studies/<study>/spec.toml`, read into frozen dataclasses and checked."""

from __future__ import annotations

import dataclasses
import tomllib
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from etl.errors import UsageError
from schemas.definitions.study_period import DAYS_PER_MONTH

STUDIES = Path(__file__).parent / "studies"
HOSPITAL = "hospital"
DAYS_PER_UNIT = {"month": DAYS_PER_MONTH, "week": 7.0}


@dataclass(frozen=True)
class Population:
    """Who is analysed: the hospitals (empty: all), and whether every eligibility criterion must be met."""

    hospitals: tuple[str, ...] = ()
    eligible_only: bool = True


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
    """Propensity-score matching 1:1, nearest neighbour, without replacement; `covariates` are characteristics.

    `exact` is `hospital` or a characteristic within which pairs are made; empty: anywhere.
    """

    covariates: tuple[str, ...]
    scale: Literal["logit", "probability"] = "logit"
    caliper_sd: float | None = 0.2
    order: Literal["largest", "smallest", "data", "closest"] = "largest"
    exact: str = ""


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
class StudySpec:
    """All that distinguishes one study from another. An absent part is an analysis that is not made.

    `arm_column` of the subject table says who is in which arm: the treatment, or a yes/no (codes `true` and `false`).
    `published_contrasts` maps a printed contrast of a regression table to `variable.level` of the model it is read as;
    `published_claims` maps a printed statement to the results its numbers belong to, in the order they are printed.
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
    subgroup: Subgroup | None = None
    grade_bands: tuple[GradeBand, ...] = ()
    follow_up: FollowUp | None = None
    published_contrasts: Mapping[str, str] = field(default_factory=dict)
    published_claims: Mapping[str, list[str]] = field(default_factory=dict)

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

    def list_columns(self) -> tuple[str, ...]:
        """Every column of the subject table that the study reads."""
        columns = [item.column for item in (*self.characteristics, *self.evaluations)]
        columns += [name for item in self.endpoints for name in (item.time_column, item.event_column)]
        columns += [self.arm_column] if self.arms else []
        columns += [self.follow_up.duration_column] if self.follow_up and self.follow_up.duration_column else []
        return tuple(dict.fromkeys(columns))


def list_studies() -> tuple[str, ...]:
    """Names of the studies that have a specification."""
    return tuple(sorted(path.parent.name for path in STUDIES.glob("*/spec.toml")))


def read_study(study: str) -> StudySpec:
    """Read the specification of a study.

    Raises `UsageError`, naming the key, where there is no such study or its specification is not as it should be.
    """
    if study not in list_studies():
        known = ", ".join(list_studies())
        raise UsageError(f"there is no study {study}; there are: {known}", f"没有名为 {study} 的研究；现有：{known}")
    return read_spec(STUDIES / study / "spec.toml")


def read_spec(path: Path) -> StudySpec:
    """Read one specification file; the study is named after its folder. Errors as in `read_study`."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise _fault(path.parent.name, f"not TOML: {error}") from error
    given = content | {"study": path.parent.name, "folder": path.parent}
    if reserved := {"study", "folder"} & set(content):
        raise _fault(path.parent.name, f"unknown key {', '.join(sorted(reserved))}")
    spec = _convert(given, StudySpec, path.parent.name)
    _check_references(spec)
    return spec


def _fault(where: str, problem: str) -> UsageError:
    return UsageError(f"specification of {where}: {problem}", f"研究方案 {where}：{problem}")


def _convert(value: Any, kind: Any, where: str) -> Any:
    """Turn a TOML value into the type a field declares, or say which key is wrong."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is types.UnionType:  # an optional part, given
        return _convert(value, arguments[0], where)
    if origin is tuple:
        return tuple(
            _convert(item, arguments[0], f"{where}[{i}]") for i, item in enumerate(_expect(value, list, where), start=1)
        )
    if dataclasses.is_dataclass(kind):
        return _convert_table(value, kind, where)
    if origin is Literal:
        if value not in arguments:
            raise _fault(where, f"{value!r} is none of {', '.join(map(repr, arguments))}")
        return value
    if kind is float and type(value) is int:
        return float(value)
    return _expect(value, dict if origin is Mapping else kind, where)


def _expect(value: Any, kind: type, where: str) -> Any:
    if type(value) is kind or (kind is Path and isinstance(value, Path)):
        return value
    raise _fault(where, f"{kind.__name__} is needed, not {type(value).__name__}")


def _convert_table(value: Any, kind: Any, where: str) -> Any:
    _expect(value, dict, where)
    hints = get_type_hints(kind)
    fields = dataclasses.fields(kind)
    if unknown := [key for key in value if key not in hints]:
        raise _fault(where, f"unknown key {', '.join(unknown)}; known are {', '.join(hints)}")
    required = [f.name for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    if missing := [name for name in required if name not in value]:
        raise _fault(where, f"key missing: {', '.join(missing)}")
    return kind(**{key: _convert(item, hints[key], f"{where}.{key}") for key, item in value.items()})


def _check_references(spec: StudySpec) -> None:
    """Every id that one part of the specification uses must be declared, once, by another."""
    characteristics = [item.id for item in spec.characteristics]
    endpoints = [item.id for item in spec.endpoints]
    arms = [item.id for item in spec.arms]
    for kind, ids in (("characteristics", characteristics), ("endpoints", endpoints), ("arms", arms)):
        if len(set(ids)) < len(ids):
            raise _fault(spec.study, f"{kind}: an id occurs twice")
    _check_parts(spec)
    covariates = spec.matching.covariates if spec.matching else ()
    _check_known("matching.covariates", covariates, characteristics, spec)
    if spec.matching and spec.matching.exact:
        _check_known("matching.exact", [spec.matching.exact], [HOSPITAL, *characteristics], spec)
    for part in filter(None, (spec.subgroup, spec.follow_up)):
        _check_known("endpoint", [part.endpoint], endpoints, spec)
    if spec.regression:
        _check_known("regression.reference_arm", [spec.regression.reference_arm], arms, spec)
    if spec.subgroup:
        _check_known("subgroup.characteristic", [spec.subgroup.characteristic], characteristics, spec)
    for item in spec.characteristics:
        _check_known(f"{item.id}.reference", item.order_levels()[:1], item.levels, spec)


def _check_parts(spec: StudySpec) -> None:
    """Some parts need others: a comparison needs two arms, a model of the matched cohort needs the matching."""
    if spec.arms and sorted(arm.role for arm in spec.arms) != ["control", "treated"]:
        raise _fault(spec.study, "arms: one treated and one control are needed")
    comparisons = (spec.matching, spec.evaluations, spec.grade_bands)
    if not spec.arms and any(comparisons):
        raise _fault(spec.study, "matching, evaluations and grade_bands need arms")
    if (spec.regression or spec.subgroup) and not spec.matching:
        raise _fault(spec.study, "regression and subgroup need matching")


def _check_known(where: str, names: Iterable[str], known: Iterable[str], spec: StudySpec) -> None:
    if unknown := [name for name in names if name not in known]:
        raise _fault(spec.study, f"{where}: {', '.join(unknown)} is not declared; declared are {', '.join(known)}")
