"""Reads a study's `spec.toml` and checks that its parts fit together."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator
from pydantic.dataclasses import dataclass

from analysis.study.characteristic import Characteristic
from analysis.study.population import Arm, Population
from analysis.study.score import Matching, Weighting
from analysis.study.spec import (
    Courses,
    Endpoint,
    FollowUp,
    Regression,
    ResponseAlternative,
    Sensitivity,
    StudySpec,
    Subgroup,
    TimeVarying,
)
from analysis.study.spec_faults import (
    find_arm_faults,
    find_characteristic_faults,
    find_endpoint_faults,
    find_hidden,
    find_matching_faults,
    find_population_faults,
    find_repeated,
    find_unknown,
    find_unlevelled,
    find_variation_faults,
    find_weighting_faults,
    list_ids,
    need,
    need_two,
)
from etl.configuration import CONFIG, Fault, parse_toml, raise_faults, validate
from etl.errors import UsageError
from etl.pages.text import Text
from etl.suggestions import did_you_mean
from schemas.package_data import find_folder

MOST_ALPHA = 0.5
FEWEST_THRESHOLD = 2
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
    faults += find_hidden(content)
    if not faults:
        given_names = [item.name for item in dataclasses.fields(StudySpec) if item.metadata.get("is_given")]
        reserved = [name for name in given_names if name in content]
        faults += [Fault("", Text(f"unknown key {name}", f"未知的键 {name}")) for name in reserved]
        given = {name: value for name, value in take_short_forms(content).items() if name not in reserved}
        found, others = validate(_StudyFile, given | {"study": path.parent.name, "folder": str(path.parent)})
        faults += others
        if found is not None and not faults:
            return StudySpec(**{item.name: getattr(found, item.name) for item in dataclasses.fields(StudySpec)})
    listed = [fault.to_text() for fault in faults]
    raise UsageError(
        f"The specification '{path}' has {len(listed)} fault(s):\n  " + "\n  ".join(text.en for text in listed),
        f"研究方案“{path}”有 {len(listed)} 处错误：\n  " + "\n  ".join(text.zh for text in listed),
    )


def take_short_forms(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a specification with one item in the place of a list written as a list, and older names of keys as today's."""
    found = dict(content)
    if isinstance(found.get("subgroup"), dict):
        found["subgroups"] = [found.pop("subgroup")]
    if isinstance(endpoints := found.get("endpoints"), list):
        found["endpoints"] = [
            {("rate_times" if key == "landmarks" else key): value for key, value in item.items()}
            if isinstance(item, dict)
            else item
            for item in endpoints
        ]
    if isinstance(found.get("matching"), dict):
        found["matching"] = _list_exact(found["matching"])
    if isinstance(items := found.get("sensitivity"), list):
        found["sensitivity"] = [
            item | {"matching": _list_exact(item["matching"])}
            if isinstance(item, dict) and isinstance(item.get("matching"), dict)
            else item
            for item in items
        ]
    return found


def _list_exact(matching: Mapping[str, Any]) -> dict[str, Any]:
    exact, caliper = matching.get("exact"), matching.get("caliper_sd")
    changed = {**matching, "exact": [exact]} if isinstance(exact, str) else dict(matching)
    return {**changed, "caliper_sd": None} if caliper == "none" else changed


@dataclass(frozen=True, config=CONFIG)
class _StudyFile(StudySpec):
    """A specification as written: its parts are checked against those above them, in the order of the fields.

    A part that is wrong in itself is not there for the others (`info.data`), so that one fault is not told twice.
    """

    @field_validator("endpoints")
    @classmethod
    def _check_endpoints(cls, value: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        raise_faults([*find_repeated(value), *find_endpoint_faults(value)])
        return value

    @field_validator("alpha")
    @classmethod
    def _check_alpha(cls, value: float) -> float:
        words = Text(
            f"{value:g} must lie between 0 and 0.5; 0.05 gives 95 % intervals",
            f"{value:g} 须在 0 与 0.5 之间；0.05 对应 95 % 区间",
        )
        raise_faults([] if 0 < value < MOST_ALPHA else [Fault("", words)])
        return value

    @field_validator("disclosure")
    @classmethod
    def _check_disclosure(cls, value: int | Literal["none"]) -> int | Literal["none"]:
        words = Text(
            f'{value} must be 2 or more, or "none": no count of fewer patients is shown',
            f'{value} 须为 2 或更大的整数，或 "none"：不显示少于该数的患者计数',
        )
        raise_faults([] if value == "none" or value >= FEWEST_THRESHOLD else [Fault("", words)])
        return value

    @field_validator("population")
    @classmethod
    def _check_population(cls, value: Population, info: ValidationInfo) -> Population:
        raise_faults(find_population_faults(value, info.data))
        return value

    @field_validator("arms")
    @classmethod
    def _check_arms(cls, value: tuple[Arm, ...]) -> tuple[Arm, ...]:
        raise_faults(find_arm_faults(value))
        return value

    @field_validator("characteristics")
    @classmethod
    def _check_characteristics(cls, value: tuple[Characteristic, ...]) -> tuple[Characteristic, ...]:
        raise_faults([*find_repeated(value), *find_characteristic_faults(value)])
        return value

    @field_validator("matching")
    @classmethod
    def _check_matching(cls, value: Matching, info: ValidationInfo) -> Matching:
        raise_faults([*need(info, "arms"), *find_matching_faults(value, info.data)])
        return value

    @field_validator("weighting")
    @classmethod
    def _check_weighting(cls, value: Weighting, info: ValidationInfo) -> Weighting:
        raise_faults([*need(info, "arms"), *find_weighting_faults(value, info.data)])
        return value

    @field_validator("regression")
    @classmethod
    def _check_regression(cls, value: Regression, info: ValidationInfo) -> Regression:
        known = list_ids(info.data, "arms")
        raise_faults([*need_two(info), *find_unknown("reference_arm", [value.reference_arm], known)])
        return value

    @field_validator("evaluations", "grade_bands")
    @classmethod
    def _check_comparison(cls, value: Any, info: ValidationInfo) -> Any:
        raise_faults(need_two(info) if value else [])
        return value

    @field_validator("response_alternatives", "evidence")
    @classmethod
    def _check_responses(cls, value: Any, info: ValidationInfo) -> Any:
        months = [item.month for item in info.data.get("evaluations", ())]
        unknown = [item for item in value if isinstance(item, ResponseAlternative) and item.month not in months]
        no_evaluation = Text("no evaluation is of this month", "没有该月的疗效评价")
        faults = [*(need_two(info) if value else []), *find_repeated(value)]
        raise_faults([*faults, *(Fault(f"{item.id}.month", no_evaluation) for item in unknown)])
        return value

    @field_validator("courses", "follow_up")
    @classmethod
    def _check_endpoint(cls, value: Any, info: ValidationInfo) -> Courses | FollowUp:
        needed = need_two(info) if isinstance(value, Courses) else []
        raise_faults([*find_unknown("endpoint", [value.endpoint], list_ids(info.data, "endpoints")), *needed])
        return value

    @field_validator("subgroups")
    @classmethod
    def _check_subgroups(cls, value: tuple[Subgroup, ...], info: ValidationInfo) -> tuple[Subgroup, ...]:
        faults = [*(need_two(info) if value else [])]
        for item in value:
            faults += find_unknown("endpoint", [item.endpoint], list_ids(info.data, "endpoints"))
            faults += find_unlevelled("characteristic", [item.characteristic], info.data)
        for pair in (
            pair for pair, n in Counter((item.characteristic, item.endpoint) for item in value).items() if n > 1
        ):
            faults.append(Fault("", Text(f"{' of '.join(pair)} occurs twice", f"{'、'.join(pair)} 重复")))
        raise_faults(faults)
        return value

    @field_validator("time_varying")
    @classmethod
    def _check_time_varying(cls, value: tuple[TimeVarying, ...], info: ValidationInfo) -> tuple[TimeVarying, ...]:
        faults = [*(need_two(info) if value else []), *find_repeated(value)]
        for item in value:
            if not (item.day_column or item.entry_column):
                faults.append(
                    Fault(item.id, Text("needs a day_column or an entry_column", "需要 day_column 或 entry_column"))
                )
            faults += find_unknown(f"{item.id}.endpoint", [item.endpoint], list_ids(info.data, "endpoints"))
            faults += find_unknown(f"{item.id}.covariates", item.covariates, list_ids(info.data, "characteristics"))
        raise_faults(faults)
        return value

    @field_validator("sensitivity")
    @classmethod
    def _check_sensitivity(cls, value: tuple[Sensitivity, ...], info: ValidationInfo) -> tuple[Sensitivity, ...]:
        faults = [*need_two(info)] if value else []
        faults += find_repeated(value)
        for item in value:
            faults += (
                dataclasses.replace(fault, place=f"{item.id}.{fault.place}".strip("."))
                for fault in find_variation_faults(item, info.data)
            )
        raise_faults(faults)
        return value
