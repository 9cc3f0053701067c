"""Laboratory samples are of the days that they are said to be of, and values of one day agree."""

from __future__ import annotations

import polars as pl

from schemas.codes import Severity
from schemas.definitions.endpoints import compute_days_between
from schemas.definitions.laboratory_baseline import compute_is_baseline_day, compute_is_baseline_sample
from schemas.definitions.visits import is_given_by_date
from schemas.rules.rule import is_implied, rule


@rule(
    table="laboratory",
    field="value",
    severity=Severity.QUERY,
    source="protocol, baseline laboratory: two values of one day",
    why="Which of two values is taken would decide on a level of Table 1, the ALBI grade or the Child-Pugh class; a missing value excludes the patient (E4).",
    en="Two values of this test from the day of the baseline sample lead to different levels, ALBI grades or Child-Pugh classes, and none of them counts. "
    "Which one is right?",
    zh="基线采样日该项有多个结果，所得分组、ALBI分级或Child-Pugh分级不一致，均未采用。请核对以哪一个为准。",
    on_missing="not asked",
)
def baseline_values_agree() -> pl.Expr:
    """Values of one test from the baseline day lead to one level, ALBI grade and Child-Pugh class."""
    return is_implied(compute_is_baseline_sample(), ~pl.col("has_baseline_conflict"))


@rule(
    table="laboratory",
    field="sample_date",
    severity=Severity.QUERY,
    source="protocol, baseline laboratory: days -28 to 0, AFP and HBV DNA days -90 to 0",
    why="ALBI, Child-Pugh, AFP and HBV DNA must describe the patient before therapy; an older sample, or one taken under therapy, matches unlike patients.",
    en="The sample of the baseline visit was not taken within the 28 days before the start of therapy (AFP, HBV DNA: 90) and does not count as "
    "baseline. Is it the right sample and date?",
    zh="基线访视的样本不在治疗开始前28天内采集（AFP、HBV DNA为90天），不作为基线值。请核对样本及日期。",
)
def baseline_sample_near_start() -> pl.Expr:
    """A sample of visit 0 is taken within 28 days before the start (AFP, HBV DNA: 90) or on its day."""
    days = compute_days_between(pl.col("first_line_start_date"), pl.col("sample_date"))
    return is_implied(pl.col("visit_number") == 0, compute_is_baseline_day(days))


@rule(
    table="laboratory",
    field="sample_date",
    severity=Severity.QUERY,
    source="order of events",
    why="With two visits exchanged, a value under therapy is taken for the baseline.",
    en="The sample is dated before that of the visit before. Please check the visits and dates.",
    zh="采样日期早于前一次访视的采样日期，请核对访视及日期。",
)
def sample_dates_follow_visits() -> pl.Expr:
    """Samples of one test are dated in the order of the visits that the hospital numbers."""
    own = ["patient_id", "test", is_given_by_date(pl.col("visit_number"))]
    before = pl.col("sample_date").shift(1).over(own, order_by=["visit_number", "sample_date"])
    return pl.col("sample_date") >= before
