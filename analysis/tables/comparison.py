"""Appendix: what the study printed beside what the registry computes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from analysis.study.cohort_names import name_cohort
from analysis.study.numbers import prettify
from analysis.study.published import list_without_result, read_published
from analysis.study.results import Results, read_analysis
from analysis.study.spec import StudySpec
from analysis.tables.model import Cell, ReportTable, join_rows, print_row, text

ORDER = 90
SECTIONS = {
    "flow": ("Patients", "患者"),
    "matching": ("Matching", "匹配"),
    "balance": ("Balance", "均衡性"),
    "table1": ("Baseline characteristics", "基线特征"),
    "kaplan_meier": ("Survival: medians and rates", "生存：中位数与生存率"),
    "logrank": ("Log-rank tests", "对数秩检验"),
    "cox_treatment": ("Hazard ratio of treatment", "治疗的风险比"),
    "cox_alternative": ("Hazard ratio of treatment with pairs ignored", "治疗的风险比（忽略配对）"),
    "cox_multivariable_naive": ("Multivariable Cox models with pairs ignored", "多因素Cox模型（忽略配对）"),
    "response": ("Tumour response", "肿瘤疗效"),
    "follow_up": ("Follow-up", "随访"),
    "treatment": ("Time on treatment", "治疗时间"),
}
STATISTICS = {
    "n": "n",
    "pct": "%",
    "p": "p",
    "hr": "hazard ratio",
    "abs_smd": "absolute standardised mean difference",
    "se": "standard error",
    "ci_low": "lower 95 % limit",
    "ci_high": "upper 95 % limit",
}
VARIABLES = {
    "median_spss": "median (SPSS)",
    "arm": "treatment",
    "orr": "ORR",
    "dcr": "DCR",
    "survival": "alive or event-free",
}
PRINTED = re.compile(r"<?-?\d+(?:\.\d+)?")
HALF = 0.5 + 1e-9
"""Half of the last printed digit is what rounding may take."""
WITHIN = "The largest differences first, relative to the printed number. Within rounding: the registry's value rounds to what was printed."
KINDS = {"n": "count", "pct": "percent", "p": "p", "hr": "ratio", "abs_smd": "difference"}


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield one table per analysis of which something was printed."""
    printed = read_published(spec)
    computed = results.frame.filter(pl.col("reference").is_not_null())
    absent = [name for name in printed if name not in results]
    for analysis, (title, zh) in SECTIONS.items():
        found = list(computed.filter(pl.col("analysis") == analysis).iter_rows(named=True))
        found.sort(key=lambda row: measure_distance(row["value"], row["reference"]), reverse=True)
        rows = [_compare(row, spec) for row in found]
        left_out = [name for name in absent if read_analysis(name) == analysis]
        rows += [[text(name), text("–"), text(printed[name]), text(""), text("")] for name in left_out]
        if rows:
            notes = (WITHIN, *(("–: not part of the registry's model.",) if left_out else ()))
            header = ("Result", "Registry", "Published, as printed", "Registry minus published", "Within rounding")
            yield ReportTable(f"published_{analysis}", "published", title, zh, header, join_rows(rows), notes, True)
    yield from _list_without_result(spec)


def _list_without_result(spec: StudySpec) -> Iterator[ReportTable]:
    rows = [[text(claim), text(printed or "–"), text(why)] for claim, printed, why in list_without_result(spec)]
    if rows:
        header = ("Statement", "Published, as printed", "Why no result stands beside it")
        title, zh = "Printed statements without a result", "无对应结果的已发表内容"
        yield ReportTable("published_without_result", "published", title, zh, header, join_rows(rows), (), True)


def _compare(row: Mapping[str, Any], spec: StudySpec) -> list[Cell]:
    number = print_row(row, get_kind(row["analysis"], row["statistic"]))
    printed = row["reference"]
    is_same = measure_distance(row["value"], printed) == 0
    difference = print_difference(row["value"], printed)
    cells = (describe_result(row, spec), number, printed, difference, "yes" if is_same else "no")
    return [text(cell) for cell in cells]


def count_decimals(printed: str) -> int:
    """The decimals of a printed number."""
    return len(printed.partition(".")[2])


def print_difference(value: float | None, printed: str) -> str:
    """The registry's value minus the printed one, to its decimals; a dash where either is no number, or a bound was printed."""
    if value is None or not PRINTED.fullmatch(printed) or printed.startswith("<"):
        return "–"
    return f"{value - float(printed):+.{count_decimals(printed)}f}".replace("-", "−")


def measure_distance(value: float | None, printed: str) -> float:
    """How far the registry is from the printed text: 0 where it rounds to it, else relative to it; infinite where they cannot be compared."""
    if value is None or not PRINTED.fullmatch(printed):
        return float("inf")
    number = float(printed.removeprefix("<"))
    if printed.startswith("<"):
        return 0.0 if value < number else (value - number) / number
    if abs(value - number) <= HALF * 10 ** -count_decimals(printed):
        return 0.0
    return abs(value - number) / max(abs(number), 10 ** -count_decimals(printed))


def describe_result(row: Mapping[str, Any], spec: StudySpec) -> str:
    """A result in words, from its keys: `OS, matched cohort, Sora+PD-1: alive or event-free at 12 months`."""
    labels = {arm.id: arm.label for arm in spec.arms} | {item.id: item.label for item in spec.characteristics}
    cohort = name_cohort(row["cohort"]) if row["cohort"] else None
    who = [row["endpoint"], cohort, row["subgroup"], labels.get(row["arm"], row["arm"])]
    name = row["variable"] or "log-rank test"
    level = row["level"] and labels.get(row["level"], row["level"])
    what = " ".join(filter(None, (VARIABLES.get(name, labels.get(name, name)), level)))
    if row["time_months"] is not None:
        what += f" at {row['time_months']:g} months"
    statistic = STATISTICS.get(row["statistic"], row["statistic"])
    ending = "" if statistic == "estimate" else f", {statistic}"
    return prettify(f"{', '.join(filter(None, who))}: {what}{ending}".removeprefix(": "))


def get_kind(analysis: str, statistic: str) -> str:
    """How a statistic of an analysis is printed."""
    if statistic in KINDS:
        return KINDS[statistic]
    if analysis.startswith("cox"):
        return "ratio"
    return "percent" if analysis == "response" else "time"
