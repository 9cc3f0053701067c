"""Durations that hospitals send beside dates: both say the same time.

A rule passes where they agree and is not evaluable where one of them is missing.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Severity
from schemas.definitions.endpoints import compute_days_between
from schemas.rules.rule import rule

LOGIC = "order of events"
PROTOCOL = "protocol, definitions"
TOLERANCE_DAYS = 3
"""Who sends months or weeks rounds them."""


@rule(
    table="outcome",
    field="progression_days",
    severity=Severity.QUERY,
    source=LOGIC,
    why="Progression-free survival would be longer than overall survival.",
    why_zh="无进展生存期将长于总生存期。",
    en="The days to progression exceed the days of survival. Please check both.",
    zh="至进展天数大于总生存天数，请核对两项。",
    passes_where_zh="至进展（或其删失）的天数不超过生存天数。",
)
def progression_days_not_after_survival() -> pl.Expr:
    """The days to progression, or to its censoring, are at most the days of survival."""
    return pl.col("progression_days") <= pl.col("overall_survival_days")


@rule(
    table="outcome",
    field="overall_survival_days",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="The same survival is stated twice; the study would take one of two that differ without knowing which is right.",
    why_zh="同一生存时间有两种记录；两者不一致时，研究只能采用其一，却不知哪一个正确。",
    en="The days of survival do not agree with the dates of start and last contact. Please check the days and both dates.",
    zh="总生存天数与开始日期、末次随访日期不符，请核对天数及两个日期。",
    passes_where_zh="所填天数与由日期计算的天数相差不超过3天（按月填写者有取整误差）。",
)
def durations_agree_with_dates() -> pl.Expr:
    """Days as sent and as counted from the dates differ by at most 3 (months are rounded)."""
    end = pl.coalesce(pl.when("is_dead").then("death_date"), "last_contact_or_death_date")
    counted = compute_days_between(pl.col("first_line_start_date"), end)
    return (pl.col("overall_survival_days") - counted).abs() <= TOLERANCE_DAYS


@rule(
    table="outcome",
    field="progression_days",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="The same progression is stated twice; the study would take one of two days that differ without knowing which is right.",
    why_zh="同一进展时间有两种记录；两者不一致时，研究只能采用其一，却不知哪一个正确。",
    en="The days to progression do not agree with the dates of start and progression. Please check the days and both dates.",
    zh="至进展天数与开始日期、进展日期不符，请核对天数及两个日期。",
    passes_where_zh="所填天数与由日期计算的天数相差不超过3天（按月填写者有取整误差）。",
)
def progression_days_agree_with_date() -> pl.Expr:
    """Days as sent and as counted from the start to a dated progression differ by at most 3 (months are rounded)."""
    counted = compute_days_between(pl.col("first_line_start_date"), pl.col("progression_date"))
    return (pl.col("progression_days") - counted).abs() <= TOLERANCE_DAYS


@rule(
    table="response",
    field="assessment_days",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="The same assessment is placed twice; the windows of the responses and progression-free survival hang on its day.",
    why_zh="同一次评估有两种时间记录；疗效评估窗口与无进展生存期均取决于该日期。",
    en="The days to the assessment do not agree with the dates of start and assessment. Please check the days and both dates.",
    zh="评估天数与开始日期、评估日期不符，请核对天数及两个日期。",
    passes_where_zh="所填天数与由日期计算的天数相差不超过3天（按周或月填写者有取整误差）。",
)
def assessment_days_agree_with_date() -> pl.Expr:
    """Days as sent and as counted from the start to a dated assessment differ by at most 3 (weeks and months are rounded)."""
    counted = compute_days_between(pl.col("first_line_start_date"), pl.col("assessment_date"))
    return (pl.col("assessment_days") - counted).abs() <= TOLERANCE_DAYS
