"""The structured abstract, in English and Chinese: the same numbers, by the same look-ups, and what changes them.

Its conclusion says what is associated with what, by estimate and limits, and which analyses say otherwise; it claims no benefit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from analysis.report.design import join_words, list_hospitals
from analysis.study.cohort_names import ALL, COHORT_NAMES, MATCHED, name_cohort
from analysis.study.keys import make_hazard_ratio_key
from analysis.study.numbers import NOT_ESTIMABLE, prettify
from analysis.study.results import Key, Results
from analysis.study.spec import Endpoint, GradeBand, StudySpec
from analysis.study.variants import is_same, join_labels, list_changing, list_variants
from analysis.tables.model import LIMITS, Cell, Open, Part, has_limits, look_up, print_row, text
from analysis.tables.post_baseline import list_changed, list_labels, list_labels_zh, name_time_zero_zh
from etl.pages.text import Text

ENDPOINTS_ZH = {"Overall survival": "总生存期", "Progression-free survival": "无进展生存期"}
UNITS_ZH = {"month": "个月", "week": "周", "year": "年"}
NO_CHANGE = 1.0
DEFAULT_ORIGIN = next(item.default for item in fields(StudySpec) if item.name == "time_origin")


@dataclass(frozen=True)
class Language:
    """The words between the numbers of an abstract."""

    pick: Callable[[Text], str]
    stop: str
    comma: str
    opening: str
    closing: str


ENGLISH = Language(lambda words: words.en, ". ", ", ", " (", ")")
CHINESE = Language(lambda words: words.zh, "。", "，", "（", "）")


def write_abstract(results: Results, spec: StudySpec, manifest: Mapping[str, Any]) -> list[tuple[str, list[Cell]]]:
    """Return the English abstract as headings with a paragraph each."""
    background = spec.publication.background or Open("why the study was made")
    return [
        ("Background", [text(background)]),
        ("Methods", [_describe_methods(spec, manifest, ENGLISH)]),
        ("Results", [_describe_results(results, spec, ENGLISH)]),
        ("Conclusions", [conclude(results, spec, ENGLISH)]),
    ]


def write_abstract_zh(results: Results, spec: StudySpec, manifest: Mapping[str, Any]) -> list[tuple[str, list[Cell]]]:
    """Return the Chinese abstract as headings with a paragraph each."""
    return [
        ("目的", [text(Open("研究目的"))]),
        ("方法", [_describe_methods(spec, manifest, CHINESE)]),
        ("结果", [_describe_results(results, spec, CHINESE)]),
        ("结论", [conclude(results, spec, CHINESE)]),
    ]


def name_endpoint(endpoint: Endpoint) -> Text:
    """An endpoint inside a sentence."""
    return Text(endpoint.label.lower(), ENDPOINTS_ZH.get(endpoint.label, endpoint.label))


def _describe_methods(spec: StudySpec, manifest: Mapping[str, Any], language: Language) -> Cell:
    hospitals = list_hospitals(manifest)
    endpoints = [name_endpoint(endpoint) for endpoint in spec.endpoints]
    arms = [arm.label for arm in spec.arms]
    named = Text(join_words([item["name_en"] for item in hospitals]), "、".join(item["name_zh"] for item in hospitals))
    chosen = (
        Text("who met the criteria of the protocol", "符合研究方案标准的患者")
        if spec.population.eligible_only
        else Text("whose outcome was recorded", "结局有记录的患者")
    )
    words = Text(f"Cohort study of patients of {named.en} {chosen.en}. ", f"队列研究，纳入{named.zh}{chosen.zh}。")
    compared = (
        Text(f"{join_words(arms)} were compared{_adjust(spec).en}. ", f"比较{'与'.join(arms)}{_adjust(spec).zh}。")
        if arms
        else Text("", "")
    )
    plural = "s were" if len(endpoints) > 1 else " was"
    outcomes = Text(
        f"The outcome{plural} {join_words([item.en for item in endpoints])}, from the {spec.origin}.",
        f"结局为{'、'.join(item.zh for item in endpoints)}，自{_name_origin_zh(spec)}起计算。",
    )
    return text("".join(language.pick(part) for part in (words, compared, outcomes)))


def _name_origin_zh(spec: StudySpec) -> str:
    """What times run from: in Chinese, but for words that only the specification has."""
    return name_time_zero_zh(spec) if spec.time_origin == DEFAULT_ORIGIN else f"“{spec.origin}”"


def _adjust(spec: StudySpec) -> Text:
    if spec.has_pairs:
        return Text(" in pairs, with p-values corrected by Holm's method", "（两两比较，p值经Holm法校正）")
    if spec.matching:
        ratio = spec.matching.ratio
        return Text(
            f" after {'up to ' if ratio > 1 else ''}1:{ratio} matching on a propensity score, by Cox models with errors robust by matched set",
            f"（按倾向评分1:{ratio}匹配，Cox模型，标准误按匹配组聚类）",
        )
    if spec.weighting:
        return Text(
            " after weighting by a propensity score, by Cox models with robust errors",
            "（倾向评分加权，Cox模型，稳健标准误）",
        )
    return Text(" by Cox models, unadjusted", "（Cox模型，未校正）")


def _describe_results(results: Results, spec: StudySpec, language: Language) -> Cell:
    parts: list[Part] = [*_count_patients(results, spec, language)]
    for endpoint in spec.endpoints:
        parts += _describe_endpoint(results, spec, endpoint, language)
    for band in spec.grade_bands[-1:] if spec.arms else ():
        key = Key(analysis="adverse_events", cohort=ALL, variable="any event", level=band.id)
        label = f"{band.label[0].lower()}{band.label[1:]}"
        parts.append(
            language.pick(
                Text(
                    f"In the whole cohort, unadjusted, adverse events of {label} were recorded in ",
                    f"全队列未校正的{_name_grades_zh(band)}不良反应：",
                )
            )
        )
        shares = [(arm.label, [look_up(results, key.of(arm=arm.id), "pct", "percent"), "%"]) for arm in spec.arms]
        parts += [*_list_by_arm(shares, language), language.stop]
    return text(*_end(parts))


def _name_grades_zh(band: GradeBand) -> str:
    """Grades in Chinese, as `3–4级`."""
    first, last = min(band.grades), max(band.grades)
    return f"{first}级" if first == last else f"{first}–{last}级"


def _count_patients(results: Results, spec: StudySpec, language: Language) -> list[Part]:
    analysed = look_up(results, Key(analysis="flow", variable="analysed"), "n", "count")
    steps = results.select(analysis="flow", hospital=None, statistic="n_before")
    parts: list[Part] = []
    if steps.height:
        registered = print_row(steps.row(0, named=True), "count")
        parts += [
            language.pick(Text("Of ", "登记患者")),
            registered,
            language.pick(Text(" registered patients, ", "例，分析")),
        ]
    parts += [analysed, language.pick(Text(" were analysed", "例"))]
    if spec.matching:
        pairs = look_up(results, Key(analysis="matching", cohort=MATCHED, variable="pairs"), "n", "count")
        what = Text(" pairs", "对") if spec.matching.ratio == 1 else Text(" sets", "组")
        parts += [language.pick(Text("; matching gave ", "；匹配成功")), pairs, language.pick(what)]
    return [*parts, language.stop]


def _describe_endpoint(results: Results, spec: StudySpec, endpoint: Endpoint, language: Language) -> list[Part]:
    """Medians by arm, and the hazard ratio with what changes it."""
    cohort, label = spec.main_cohort, name_endpoint(endpoint)
    curve = Key(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint.id, variable="median")
    where = Text(
        f"In the {name_cohort(cohort)}, median {label.en} was ", f"{COHORT_NAMES[cohort].zh}中，中位{label.zh}："
    )
    unit = language.pick(Text(f" {spec.time_unit}s", UNITS_ZH[spec.time_unit]))
    medians = [
        (name, [*_estimate(results, spec, curve.of(arm=arm), "estimate", "time", unit, language)])
        for arm, name in spec.groups
    ]
    parts: list[Part] = [language.pick(where), *_list_by_arm(medians if spec.arms else [("", medians[0][1])], language)]
    if not spec.has_contrast:
        return [*parts, language.stop]
    main = make_hazard_ratio_key(spec, cohort, endpoint.id)
    against = Text(
        f"the hazard ratio of {spec.treated.label} against {spec.control.label} was ",
        f"{spec.treated.label}对{spec.control.label}的风险比为",
    )
    parts += [language.pick(Text("; ", "；")), language.pick(against)]
    parts += [*_estimate(results, spec, main, "hr", "ratio", "", language), language.stop]
    if changing := list_changing(results, spec, endpoint):
        parts.append(language.pick(Text("Analyses that change this result: ", "改变该结果的分析：")))
        for place, (name, key) in enumerate(changing):
            between = language.pick(Text("; ", "；")) if place else ""
            parts += [
                f"{between}{prettify(language.pick(name))} ",
                *_estimate(results, spec, key, "hr", "ratio", "", language),
            ]
        parts.append(language.stop)
    return parts


def _list_by_arm(items: Sequence[tuple[str, Sequence[Part]]], language: Language) -> list[Part]:
    parts: list[Part] = []
    for place, (name, found) in enumerate(items):
        last = place == len(items) - 1
        between = language.pick(Text(" and " if last else ", ", "，")) if place else ""
        behind = language.pick(Text(f" with {name}", "")) if name else ""
        before = language.pick(Text("", f"{name} ")) if name else ""
        parts += [f"{between}{before}", *found, behind]
    return [part for part in parts if part != ""]


def _estimate(
    results: Results, spec: StudySpec, key: Key, statistic: str, kind: str, unit: str, language: Language
) -> list[Part]:
    estimate = look_up(results, key, statistic, kind)
    unit = "" if estimate.text == NOT_ESTIMABLE else unit
    if not has_limits(results, key):
        return [estimate, *([unit] if unit else [])]
    low, high = (look_up(results, key, name, kind) for name in LIMITS)
    return [estimate, f"{unit}{language.opening}{spec.limits} ", low, "–", high, language.closing]


def conclude(results: Results, spec: StudySpec, language: Language = ENGLISH) -> Cell:
    """What is associated with what in the main analysis, whether other analyses agree, and why it may not be an effect."""
    parts: list[Part] = []
    for endpoint in spec.endpoints if spec.has_contrast else ():
        key = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
        if results.value(key, "hr") is not None and has_limits(results, key):
            parts.append(language.pick(_say_associated(results, spec, endpoint, key)))
    if changed := list_changed(results, spec):
        later, later_zh = list_labels(changed), list_labels_zh(changed)
        parts.append(
            language.pick(
                Text(
                    f"Patients were chosen or compared by what happened after {spec.time_zero} ({later}), so that this is an association "
                    "among patients who stayed alive, in follow-up or on treatment long enough to be selected. ",
                    f"患者的选择或比较使用了{name_time_zero_zh(spec)}之后的信息（{later_zh}），故所见关联仅限于满足上述随访与治疗时长条件的患者，不能解释为因果效应。",
                )
            )
        )
    if not parts:
        return text(Open(language.pick(Text("what follows from these results", "结论"))))
    return text(*_end(parts))


def _say_associated(results: Results, spec: StudySpec, endpoint: Endpoint, key: Key) -> Text:
    label, treated, control = name_endpoint(endpoint), spec.treated.label, spec.control.label
    low, high = (float(results.value(key, name) or 0) for name in LIMITS)
    cohort = spec.main_cohort
    agreement = _say_agreement(results, spec, endpoint)
    if low <= NO_CHANGE <= high:
        return Text(
            f"In the {name_cohort(cohort)}, {label.en} with {treated} and with {control} was compatible with no difference{agreement.en}. ",
            f"{COHORT_NAMES[cohort].zh}中，{treated}与{control}的{label.zh}与无差异相符{agreement.zh}。",
        )
    longer = high < NO_CHANGE
    return Text(
        f"In the {name_cohort(cohort)}, {treated} was associated with {'longer' if longer else 'shorter'} {label.en} than {control}{agreement.en}. ",
        f"{COHORT_NAMES[cohort].zh}中，与{control}相比，{treated}与较{'长' if longer else '短'}的{label.zh}相关{agreement.zh}。",
    )


def _say_agreement(results: Results, spec: StudySpec, endpoint: Endpoint) -> Text:
    """Which other analyses change the result; that none does is said only where there are others."""
    if changing := [name for name, _ in list_changing(results, spec, endpoint)]:
        listed = join_labels(changing)
        return Text(f"; other analyses change this result ({listed.en})", f"；但其他分析改变该结果（{listed.zh}）")
    main = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
    if any(not is_same(results, main, key) for _, key in list_variants(results, spec, endpoint)):
        return Text("; no other analysis changes this result", "；其他分析未改变该结果")
    return Text("; no other analysis was made", "；未做其他分析")


def _end(parts: list[Part]) -> list[Part]:
    """Without the blank behind the last sentence."""
    last = parts[-1]
    return [*parts[:-1], last.rstrip()] if isinstance(last, str) else parts
