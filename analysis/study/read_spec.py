"""Reads a study's `spec.toml` and checks that its parts fit together."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationInfo, field_validator
from pydantic.dataclasses import dataclass

from analysis.study.spec import (
    HOSPITAL,
    Arm,
    Characteristic,
    Courses,
    Endpoint,
    FollowUp,
    Matching,
    Population,
    Regression,
    ResponseAlternative,
    Sensitivity,
    StudySpec,
    Subgroup,
)
from etl.configuration import CONFIG, Fault, FaultsError, change, parse_toml, raise_faults, suggest, validate
from etl.errors import UsageError
from etl.pages.text import Text
from etl.suggestions import did_you_mean
from schemas.package_data import find_folder
from schemas.rules import CRITERIA
from schemas.rules.eligibility import e4_complete_data

STUDIES = find_folder("analysis") / "studies"
SPEC_FILE = "spec.toml"


def list_studies(folders: Sequence[Path] | None = None) -> tuple[str, ...]:
    """Names of the studies that have a specification in one of the folders; None: those that come with the registry."""
    return tuple(
        sorted({path.parent.name for folder in folders or (STUDIES,) for path in folder.glob(f"*/{SPEC_FILE}")})
    )


def read_study(study: str, folders: Sequence[Path] | None = None) -> StudySpec:
    """Read the specification of a study.

    Raises:
        UsageError: there is no such study, two folders define it, or its specification is not as it should be.
    """
    known = list_studies(folders)
    if study not in known:
        near, listed = did_you_mean(study, known), ", ".join(known)
        raise UsageError(
            f"There is no study called '{study}'.{near.en} Studies: {listed}.",
            f"没有名为“{study}”的研究。{near.zh}现有研究：{listed}。",
        )
    paths = [path for folder in folders or (STUDIES,) if (path := folder / study / SPEC_FILE).is_file()]
    if len(paths) > 1:
        listed = ", ".join(f"'{path}'" for path in paths)
        raise UsageError(
            f"The study '{study}' is defined {len(paths)} times: {listed}. Give one of them another folder name.",
            f"研究“{study}”有 {len(paths)} 处定义：{listed}。请将其中一个文件夹改名。",
        )
    return read_spec(paths[0])


def read_spec(path: Path) -> StudySpec:
    """Read one specification file; the study is named after its folder.

    Raises:
        UsageError: the file is not as it should be; names every fault with its place.
    """
    content, faults = parse_toml(path)
    if not faults:
        given_names = [item.name for item in dataclasses.fields(StudySpec) if item.metadata.get("is_given")]
        reserved = [name for name in given_names if name in content]
        faults += [Fault("", Text(f"unknown key {name}", f"未知的键 {name}")) for name in reserved]
        given = {name: value for name, value in content.items() if name not in reserved}
        found, others = validate(_StudyFile, given | {"study": path.parent.name, "folder": str(path.parent)})
        faults += others
        if found is not None and not faults:
            return StudySpec(**{item.name: getattr(found, item.name) for item in dataclasses.fields(StudySpec)})
    listed = [fault.to_text() for fault in faults]
    raise UsageError(
        f"The specification '{path}' has {len(listed)} fault(s):\n  " + "\n  ".join(text.en for text in listed),
        f"研究方案“{path}”有 {len(listed)} 处错误：\n  " + "\n  ".join(text.zh for text in listed),
    )


@dataclass(frozen=True, config=CONFIG)
class _StudyFile(StudySpec):
    """A specification as written: its parts are checked against those above them, in the order of the fields.

    A part that is wrong in itself is not there for the others (`info.data`), so that one fault is not told twice.
    """

    @field_validator("endpoints")
    @classmethod
    def _check_endpoints(cls, value: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        raise_faults(_find_repeated(value))
        return value

    @field_validator("population")
    @classmethod
    def _check_population(cls, value: Population) -> Population:
        raise_faults(_find_unknown_criteria(value))
        return value

    @field_validator("arms")
    @classmethod
    def _check_arms(cls, value: tuple[Arm, ...]) -> tuple[Arm, ...]:
        raise_faults(_find_arm_faults(value))
        return value

    @field_validator("characteristics")
    @classmethod
    def _check_characteristics(cls, value: tuple[Characteristic, ...]) -> tuple[Characteristic, ...]:
        raise_faults([*_find_repeated(value), *_find_unknown_references(value)])
        return value

    @field_validator("matching")
    @classmethod
    def _check_matching(cls, value: Matching, info: ValidationInfo) -> Matching:
        ratio = "tables and curves count every patient once, so that the study itself is matched 1:1; ask for 1:k in a sensitivity analysis"
        ratio_zh = "表格和曲线中每名患者只计一次，因此研究本身按1:1匹配；1:k 请写入敏感性分析"
        many = [Fault("ratio", Text(ratio, ratio_zh))] if value.ratio > 1 else []
        raise_faults([*_need(info, "arms"), *many, *_find_matching_faults(value, info.data)])
        return value

    @field_validator("regression")
    @classmethod
    def _check_regression(cls, value: Regression, info: ValidationInfo) -> Regression:
        known = _list_ids(info.data, "arms")
        raise_faults([*_need(info, "matching"), *_find_unknown("reference_arm", [value.reference_arm], known)])
        return value

    @field_validator("evaluations", "grade_bands")
    @classmethod
    def _check_comparison(cls, value: Any, info: ValidationInfo) -> Any:
        raise_faults(_need(info, "arms") if value else [])
        return value

    @field_validator("response_alternatives", "evidence")
    @classmethod
    def _check_responses(cls, value: Any, info: ValidationInfo) -> Any:
        months = [item.month for item in info.data.get("evaluations", ())]
        unknown = [item for item in value if isinstance(item, ResponseAlternative) and item.month not in months]
        no_evaluation = Text("no evaluation is of this month", "没有该月的疗效评价")
        faults = [*(_need(info, "arms") if value else []), *_find_repeated(value)]
        raise_faults([*faults, *(Fault(f"{item.id}.month", no_evaluation) for item in unknown)])
        return value

    @field_validator("courses", "follow_up", "subgroup")
    @classmethod
    def _check_endpoint(cls, value: Any, info: ValidationInfo) -> Courses | FollowUp | Subgroup:
        faults = [*_find_unknown("endpoint", [value.endpoint], _list_ids(info.data, "endpoints"))]
        if isinstance(value, Courses):
            faults += _need(info, "arms")
        if isinstance(value, Subgroup):
            known = _list_ids(info.data, "characteristics")
            faults += [*_need(info, "matching"), *_find_unknown("characteristic", [value.characteristic], known)]
        raise_faults(faults)
        return value

    @field_validator("sensitivity")
    @classmethod
    def _check_sensitivity(cls, value: tuple[Sensitivity, ...], info: ValidationInfo) -> tuple[Sensitivity, ...]:
        faults = [*_need(info, "arms")] if value else []
        faults += _find_repeated(value)
        for item in value:
            faults += (
                dataclasses.replace(fault, place=f"{item.id}.{fault.place}".strip("."))
                for fault in _find_variation_faults(item, info.data)
            )
        raise_faults(faults)
        return value


def _need(info: ValidationInfo, part: str) -> list[Fault]:
    """A fault where a part that this one needs is not given; nothing where that part is wrong in itself."""
    if part not in info.data or info.data[part]:
        return []
    return [Fault("", Text(f"needs {part}", f"需要 {part}"))]


def _list_ids(data: Mapping[str, Any], part: str) -> list[str] | None:
    """Ids that a part declares; None where it could not be read."""
    return [item.id for item in data[part]] if part in data else None


def _find_repeated(items: Sequence[Any]) -> Iterator[Fault]:
    for name in (name for name, n in Counter(item.id for item in items).items() if n > 1):
        yield Fault("", Text(f"the id {name} occurs twice", f"id {name} 重复"))


def _find_unknown(place: str, names: Iterable[str], known: Sequence[str] | None) -> Iterator[Fault]:
    for name in (name for name in names if known is not None and name not in known):
        hint = suggest(name, known or ())
        yield Fault(place, Text(f"{name} is not declared.{hint.en}", f"{name} 未声明。{hint.zh}"))


def _find_unknown_criteria(population: Population) -> Iterator[Fault]:
    removable = [name for name in CRITERIA if name != e4_complete_data.__name__]
    yield from _find_unknown("without_criteria", population.without_criteria, removable)


def _find_arm_faults(arms: Sequence[Arm]) -> Iterator[Fault]:
    yield from _find_repeated(arms)
    if arms and sorted(arm.role for arm in arms) != ["control", "treated"]:
        yield Fault(
            "", Text("one treated and one control are needed", "需要一个试验组（treated）和一个对照组（control）")
        )
    elif len({arm.code for arm in arms}) < len(arms):
        yield Fault(
            "", Text("the two have the same code, so that nobody could be told apart", "两组编码相同，无法区分患者")
        )


def _find_unknown_references(characteristics: Sequence[Characteristic]) -> Iterator[Fault]:
    for item in characteristics:
        yield from _find_unknown(f"{item.id}.reference", [item.reference] if item.reference else [], item.levels)


def _find_matching_faults(matching: Matching, data: Mapping[str, Any]) -> Iterator[Fault]:
    known = _list_ids(data, "characteristics")
    yield from _find_unknown("covariates", matching.covariates, known)
    if matching.exact:
        yield from _find_unknown("exact", [matching.exact], None if known is None else [HOSPITAL, *known])
    if matching.ratio < 1:
        yield Fault("ratio", Text("at least 1 is needed", "至少为 1"))
    if min(matching.caliper_sd or 0, matching.caliper_width or 0) < 0:
        yield Fault("", Text("a caliper cannot be negative", "卡钳值不能为负"))


def _find_variation_faults(item: Sensitivity, data: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with one sensitivity analysis: every change must give a study that holds by itself."""
    if bool(item.endpoint) != bool(item.time_column or item.event_column):
        words = Text(
            "endpoint goes with a time_column or an event_column", "endpoint 须与 time_column 或 event_column 同时给出"
        )
        yield Fault("", words)
    if item.endpoint:
        yield from _find_unknown("endpoint", [item.endpoint], _list_ids(data, "endpoints"))
    if not (item.endpoint or item.matching or item.population):
        yield Fault("", Text("nothing is changed", "没有任何改动"))
    for part, changes in (("matching", item.matching), ("population", item.population)):
        if not changes or part not in data:
            continue
        if data[part] is None:
            yield Fault(part, Text("the study has no such part to change", "研究没有可改动的该部分"))
            continue
        try:
            changed = change(data[part], changes)
        except FaultsError as error:
            found = error.faults
        else:
            is_matching = isinstance(changed, Matching)
            found = tuple(_find_matching_faults(changed, data) if is_matching else _find_unknown_criteria(changed))
        yield from (dataclasses.replace(fault, place=f"{part}.{fault.place}".strip(".")) for fault in found)
