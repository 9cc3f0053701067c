"""What does not fit together in a specification: each function looks at one part, and at what it names of the parts above it."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationInfo

from analysis.study.characteristic import MISSING, Characteristic
from analysis.study.population import Arm, Condition, Population
from analysis.study.results import make_slug
from analysis.study.score import Matching, Weighting, change_weighting
from analysis.study.spec import (
    CENSORED_AT,
    HOSPITAL,
    UNKNOWN,
    Endpoint,
    Sensitivity,
)
from etl.configuration import Fault, FaultsError, change, suggest
from etl.pages.cells import is_visible
from etl.pages.text import Text
from schemas.rules import CRITERIA
from schemas.rules.eligibility import e4_complete_data

MOST_ARMS_WITH_ROLES = 2


def need(info: ValidationInfo, part: str) -> list[Fault]:
    """A fault where a part that this one needs is not given; nothing where that part is wrong in itself."""
    if part not in info.data or info.data[part]:
        return []
    return [Fault("", Text(f"needs {part}", f"需要 {part}"))]


def need_two(info: ValidationInfo) -> list[Fault]:
    """A fault where there are no arms, or more than two, of which the study compares pairs and makes nothing else."""
    if len(info.data.get("arms", ())) > MOST_ARMS_WITH_ROLES:
        return [Fault("", Text("needs two arms; of more, every pair is compared", "仅适用于两组；多于两组时两两比较"))]
    return need(info, "arms")


def list_ids(data: Mapping[str, Any], part: str) -> list[str] | None:
    """Ids that a part declares; None where it could not be read."""
    return [item.id for item in data[part]] if part in data else None


def find_hidden(value: Any, place: str = "") -> Iterator[Fault]:
    """Yield the texts that hold a sign nobody sees, such as a control character: no document can print it, and two labels look alike.

    `value` is a specification as parsed, with the place of the part that it is.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from find_hidden(inner, f"{place}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from find_hidden(inner, f"{place}[{number}]")
    elif isinstance(value, str) and (hidden := [sign for sign in value if not is_visible(sign) and sign not in "\n\t"]):
        code = f"U+{ord(hidden[0]):04X}"
        yield Fault(
            place, Text(f"holds a sign that cannot be seen ({code}); delete it", f"含不可见字符（{code}），请删除")
        )


def find_repeated(items: Sequence[Any]) -> Iterator[Fault]:
    """An id that two items of one part share, or that results spell alike: `OS` and `os`."""
    slugs = Counter(make_slug(item.id) for item in items)
    for name in dict.fromkeys(item.id for item in items if slugs[make_slug(item.id)] > 1):
        if sum(item.id == name for item in items) > 1:
            yield Fault("", Text(f"the id {name} occurs twice", f"id {name} 重复"))
        else:
            words = f"the id {name} is spelled as another one in the names of results; choose another"
            yield Fault("", Text(words, f"id {name} 在结果名称中与另一 id 写法相同，请更换"))


def find_unknown(place: str, names: Iterable[str], known: Sequence[str] | None) -> Iterator[Fault]:
    """A name that nothing of that kind has; nothing where those could not be read (`known` is none)."""
    for name in (name for name in names if known is not None and name not in known):
        hint = suggest(name, known or ())
        yield Fault(place, Text(f"{name} is not declared.{hint.en}", f"{name} 未声明。{hint.zh}"))


def find_unlevelled(place: str, names: Iterable[str], data: Mapping[str, Any]) -> Iterator[Fault]:
    """A characteristic that is not declared, or has no levels where levels are needed."""
    yield from find_unknown(place, names, list_ids(data, "characteristics"))
    numbers = {item.id for item in data.get("characteristics", ()) if item.is_number}
    for name in (name for name in names if name in numbers):
        yield Fault(place, Text(f"{name} is a quantity; give it cuts", f"{name} 为数值，请给出 cuts"))


def find_endpoint_faults(endpoints: Sequence[Endpoint]) -> Iterator[Fault]:
    """What is wrong with an endpoint in itself."""
    for item in endpoints:
        if not item.event_column and not item.censoring_column:
            words = Text(
                f'is needed, unless not_happened = "{CENSORED_AT}<column of days>"',
                f'不可省略，除非 not_happened = "{CENSORED_AT}<天数列>"',
            )
            yield Fault(f"{item.id}.event_column", words)
        if any(a >= b for a, b in itertools.pairwise(item.rate_times)):
            yield Fault(f"{item.id}.rate_times", Text("must ascend", "须递增"))
        if item.not_happened not in ("", UNKNOWN) and not item.censoring_column:
            words = Text(
                f'"{CENSORED_AT}<column of days>" or "{UNKNOWN}" is needed',
                f'应为 "{CENSORED_AT}<天数列>" 或 "{UNKNOWN}"',
            )
            yield Fault(f"{item.id}.not_happened", words)


def find_population_faults(population: Population, data: Mapping[str, Any]) -> Iterator[Fault]:
    """Criteria that there are not, filters that ask for nothing, a landmark at which there would be more than one cohort."""
    removable = [name for name in CRITERIA if name != e4_complete_data.__name__]
    yield from find_unknown("without_criteria", population.without_criteria, removable)
    yield from find_repeated(population.filters)
    for item in population.filters:
        if item.id in CRITERIA:
            yield Fault(f"filters.{item.id}", Text("the protocol's criterion has this id", "该 id 已用于方案标准"))
        yield from _find_condition_faults(f"filters.{item.id}", item.where)
    if population.landmark_day < 0:
        yield Fault("landmark_day", Text("a day after the start is needed", "须为起点之后的某一天"))
    if population.landmark_day and len(data.get("endpoints", ())) > 1:
        several = "who is at risk on that day differs between endpoints; declare one endpoint, or ask for the landmark in a sensitivity analysis"
        several_zh = "该日仍处于风险中的患者因终点而异；请只声明一个终点，或将界标分析写入敏感性分析"
        yield Fault("landmark_day", Text(several, several_zh))


def _find_condition_faults(place: str, conditions: Sequence[Condition]) -> Iterator[Fault]:
    if not conditions:
        yield Fault(f"{place}.where", Text("at least one condition is needed", "至少需要一个条件"))
    for item in conditions:
        if not (item.any_of or item.none_of or item.limits):
            words = Text(
                "asks for nothing: any_of, none_of, at_least, above, at_most, below",
                "没有任何要求：any_of、none_of、at_least、above、at_most、below",
            )
            yield Fault(f"{place}.where.{item.column}", words)


def find_arm_faults(arms: Sequence[Arm]) -> Iterator[Fault]:
    """Arms that are not one treated and one control, or do not say who is in them."""
    yield from find_repeated(arms)
    if len(arms) > MOST_ARMS_WITH_ROLES:
        for arm in (arm for arm in arms if arm.role):
            yield Fault(
                f"{arm.id}.role",
                Text("more than two arms are compared in pairs, without roles", "多于两组时两两比较，不设 role"),
            )
    elif arms and sorted(str(arm.role) for arm in arms) != ["control", "treated"]:
        yield Fault(
            "", Text("one treated and one control are needed", "需要一个试验组（treated）和一个对照组（control）")
        )
    for arm in arms:
        if bool(arm.code) == bool(arm.where):
            yield Fault(
                arm.id, Text("either a code or conditions (where) are needed", "需要 code 或 where（二者之一）")
            )
        if arm.where:
            yield from _find_condition_faults(arm.id, arm.where)
    codes = [arm.code for arm in arms if arm.code]
    if len(set(codes)) < len(codes):
        words = Text("two have the same code, so that nobody could be told apart", "有两组编码相同，无法区分患者")
        yield Fault("", words)


def find_characteristic_faults(characteristics: Sequence[Characteristic]) -> Iterator[Fault]:
    """What does not fit together in a characteristic."""
    for item in characteristics:
        yield from (dataclasses.replace(fault, place=f"{item.id}.{fault.place}") for fault in _find_kind_faults(item))


def _find_kind_faults(item: Characteristic) -> Iterator[Fault]:
    """What does not fit together in one characteristic."""
    if sum(map(bool, (item.levels, item.cuts, item.is_by_day))) > 1:
        yield Fault("levels", Text("only one of levels, cuts and is_by_day", "levels、cuts、is_by_day 只能有一个"))
    elif item.reference:
        yield from find_unknown("reference", [item.reference], item.list_levels())
    if len(set(item.levels)) < len(item.levels):
        yield Fault("levels", Text("a level occurs twice", "有重复的分类"))
    if any(low >= high for low, high in zip(item.cuts, item.cuts[1:], strict=False)):
        yield Fault("cuts", Text("must ascend", "须递增"))
    if item.knots and not (item.is_number and 3 <= item.knots <= 7):
        yield Fault("knots", Text("3 to 7, of a quantity without cuts", "3 至 7，且仅用于未分段的数值"))
    if item.per <= 0:
        yield Fault("per", Text("must be above 0", "须大于 0"))
    if item.missing == "level" and (item.is_number or item.is_by_day):
        yield Fault(
            "missing", Text("only levels can have one more; give cuts", "仅分类变量可增设缺失类别，请给出 cuts")
        )
    if item.missing == "level" and MISSING in item.levels:
        yield Fault("missing", Text(f"'{MISSING}' is a level already", f"“{MISSING}”已是一个类别"))


def find_matching_faults(matching: Matching, data: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with a matching."""
    yield from _find_score_faults(matching.covariates, data)
    others = [name for name in matching.exact if name != HOSPITAL]
    yield from find_unlevelled("exact", others, data)
    if matching.ratio < 1:
        yield Fault("ratio", Text("at least 1 is needed", "至少为 1"))
    if min(matching.caliper_sd or 0, matching.caliper_width or 0) < 0:
        yield Fault("", Text("a caliper cannot be negative", "卡钳值不能为负"))


def find_weighting_faults(weighting: Weighting, data: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with weights."""
    yield from _find_score_faults(weighting.covariates, data)
    cut = weighting.cut_percentiles
    if cut is None:
        return
    if cut[1] <= 1:
        yield Fault(
            "cut_percentiles",
            Text(
                "percentiles are from 0 to 100: 1 and 99, not 0.01 and 0.99",
                "百分位数为 0 至 100：应为 1 与 99，而非 0.01 与 0.99",
            ),
        )
    elif not 0 <= cut[0] < cut[1] <= 100:
        yield Fault("cut_percentiles", Text("two ascending percentiles from 0 to 100", "0 至 100 之间递增的两个百分位"))
    if weighting.method == "overlap":
        yield Fault("cut_percentiles", Text("overlap weights need no cutting", "重叠权重无需截断"))


def _find_score_faults(covariates: Sequence[str], data: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with the covariates of a score: not declared, twice, or the arm itself."""
    if not covariates:
        yield Fault("covariates", Text("at least one is needed", "至少需要一个"))
    for name in (name for name, n in Counter(covariates).items() if n > 1):
        yield Fault("covariates", Text(f"{name} occurs twice", f"{name} 重复"))
    yield from find_unknown("covariates", covariates, list_ids(data, "characteristics"))
    of_arms = {condition.column for arm in data.get("arms", ()) for condition in arm.where}
    of_arms |= {data.get("arm_column", "")} if any(arm.code for arm in data.get("arms", ())) else set()
    for item in data.get("characteristics", ()):
        if item.id in covariates and item.column in of_arms:
            yield Fault(
                "covariates", Text(f"{item.id} is the column that makes the arms", f"{item.id} 正是划分组别的列")
            )


def find_variation_faults(item: Sensitivity, data: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with one sensitivity analysis: every change must give a study that holds by itself."""
    if bool(item.endpoint) != bool(item.time_column or item.event_column):
        words = Text(
            "endpoint goes with a time_column or an event_column", "endpoint 须与 time_column 或 event_column 同时给出"
        )
        yield Fault("", words)
    if item.endpoint:
        yield from find_unknown("endpoint", [item.endpoint], list_ids(data, "endpoints"))
    if not (item.endpoint or item.matching or item.weighting or item.population):
        yield Fault("", Text("nothing is changed", "没有任何改动"))
    for part, changes in (("matching", item.matching), ("weighting", item.weighting), ("population", item.population)):
        if changes and part in data:
            found = _find_change_faults(part, changes, data)
            yield from (dataclasses.replace(fault, place=f"{part}.{fault.place}".strip(".")) for fault in found)


def _find_change_faults(part: str, changes: Mapping[str, Any], data: Mapping[str, Any]) -> Sequence[Fault]:
    if data[part] is None and part != "weighting":
        return [Fault("", Text("the study has no such part to change", "研究没有可改动的该部分"))]
    try:
        changed = change_weighting(data[part], changes) if part == "weighting" else change(data[part], changes)
    except FaultsError as error:
        return error.faults
    if isinstance(changed, Population):
        return list(find_population_faults(changed, {}))
    if isinstance(changed, Weighting):
        return list(find_weighting_faults(changed, data))
    assert isinstance(changed, Matching)
    return list(find_matching_faults(changed, data))
