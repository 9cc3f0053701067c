"""Laboratory samples are of the days that they are said to be of, and values of one day agree."""

from __future__ import annotations

import polars as pl

from schemas.codes import Comparator, LabTest, Severity
from schemas.definitions.endpoints import compute_days_between
from schemas.definitions.laboratory_baseline import compute_is_baseline_day, compute_is_baseline_sample
from schemas.rules.rule import compute_differs_from_before, is_implied, rule

AFP_HALF_LIFE_DAYS = 2
AFP_FALL_FACTOR = 100
MIN_COPIED_TESTS = 4
SAMPLE = ("patient_id", "visit_number", "repeat_number")
NO_LESS = (Comparator.EQUAL.value, Comparator.ABOVE.value, Comparator.AT_LEAST.value)
NO_MORE = (Comparator.EQUAL.value, Comparator.BELOW.value, Comparator.AT_MOST.value)
"""Signs of a value that is at least, or at most, the number beside it."""


@rule(
    table="laboratory",
    field="value",
    severity=Severity.QUERY,
    source="protocol, baseline laboratory: two values of one day",
    why="Which of two values is taken would decide on a level of Table 1, the ALBI grade or the Child-Pugh class. Neither is taken, and the patient is excluded (E4).",
    why_zh="取哪一个数值，决定其在表1中的分组、ALBI分级或Child-Pugh分级；两者均不采用，患者因此被排除（E4）。",
    en="Two values of this test from the day of the baseline sample lead to different levels, ALBI grades or Child-Pugh classes, and none of them counts. "
    "Which one is right?",
    zh="基线采样日该项有多个结果，所得分组、ALBI分级或Child-Pugh分级不一致，均未采用。请核对以哪一个为准。",
    passes_where_zh="基线采样日同一检验的多个结果归于同一水平、同一ALBI分级及Child-Pugh分级。",
    on_missing="not asked",
    on_missing_zh="不询问",
)
def baseline_values_agree() -> pl.Expr:
    """Values of one test from the baseline day lead to one level, ALBI grade and Child-Pugh class."""
    return is_implied(compute_is_baseline_sample(), ~pl.col("has_baseline_conflict"))


@rule(
    table="laboratory",
    field="sample_date",
    severity=Severity.QUERY,
    source="protocol, baseline laboratory: days -28 to 0, AFP and HBV DNA days -90 to 0",
    why="ALBI, Child-Pugh, AFP and HBV DNA must describe the patient before therapy; an older sample, or one taken under therapy, puts the patient into a wrong level or class.",
    why_zh="ALBI、Child-Pugh、AFP及HBV DNA应反映治疗前的状况；样本过早或在治疗中采集，会使患者被归入错误的分组或分级。",
    en="The sample of the baseline visit was not taken within the 28 days before the start of therapy (AFP, HBV DNA: 90) and does not count as "
    "baseline. Is it the right sample and date?",
    zh="基线访视的样本不在治疗开始前28天内采集（AFP、HBV DNA为90天），不作为基线值。请核对样本及日期。",
    passes_where_zh="评估序号0的样本在治疗开始前28天内（AFP、HBV DNA为90天）或开始当日采集。",
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
    why_zh="两次访视颠倒时，治疗中的数值会被当作基线值。",
    en="The sample is dated before that of the visit before. Please check the visits and dates.",
    zh="采样日期早于前一次访视的采样日期，请核对访视及日期。",
    passes_where_zh="同一检验的采样日期顺序与医院的访视序号一致。",
)
def sample_dates_follow_visits() -> pl.Expr:
    """Samples of one test are dated in the order of the visits that the hospital numbers."""
    return pl.col("sample_date") >= pl.col("sample_date_of_visit_before")


@rule(
    table="laboratory",
    field="value",
    severity=Severity.QUERY,
    source="half-life of AFP 4 to 5 days: StatPearls, Alpha-Fetoprotein Analysis, NBK430750; two days and a hundredfold are the registry's limits, wide enough for other assays and for a month whose 15th stands in",
    why="AFP is a characteristic of Table 1 with its cut at 400 ng/mL; of two values that no one patient can have, one is of somebody else or lost its point.",
    why_zh="甲胎蛋白是表1中的基线特征，以400 ng/mL为界；同一患者不可能有这样两个数值，其中一个属于他人或漏了小数点。",
    en="AFP has fallen more than a hundredfold since the sample before, faster than it can leave the blood (at most half of it in two days). "
    "Please check value, unit and date of both samples.",
    zh="甲胎蛋白较前一次采样下降100倍以上，且快于其从血液中清除的速度（最快每2天减半），请核对两次的数值、单位及采样日期。",
    passes_where_zh="按采样日期计算，AFP未下降100倍以上且快于2天的半衰期。",
    on_missing="not evaluable without the value and date of both samples, or within one day; a bound counts only where every value that it allows fails",
    on_missing_zh="缺两次的数值及采样日期，或相隔不足1天时无法判定；界限值仅在其允许的数值全部不通过时不通过",
)
def afp_fall_is_plausible() -> pl.Expr:
    """AFP does not fall more than a hundredfold and faster than with a half-life of two days, by the dates of the samples."""
    date, value, sign = (pl.col(name) for name in ("sample_date", "value", "value_comparator"))
    before, sign_before, date_before = (
        pl.col(name) for name in ("value_before_by_day", "value_before_by_day_comparator", "sample_date_before_by_day")
    )
    days = compute_days_between(date_before, date)
    lowest = pl.min_horizontal(before / AFP_FALL_FACTOR, before * pl.lit(0.5).pow(days / AFP_HALF_LIFE_DAYS))
    is_known = (days > 0) & sign.is_in(NO_MORE) & sign_before.is_in(NO_LESS) & before.is_not_null()
    return pl.when((pl.col("test") == LabTest.AFP.value) & is_known).then(value >= lowest)


@rule(
    table="laboratory",
    field="value",
    severity=Severity.QUERY,
    source="a person's values vary from day to day: EFLM Biological Variation Database, biologicalvariation.eu; four tests are the registry's limit",
    why="Values that were copied hide what the therapy does to the liver, and at the baseline they decide on ALBI grade and Child-Pugh class.",
    why_zh="复制的数值会掩盖治疗对肝功能的影响；若在基线，还决定ALBI分级及Child-Pugh分级。",
    en="Every exact value of this visit, of four tests or more, is the same as in the sample before, which is of another day. "
    "Was the visit copied? Please check values and dates of both visits.",
    zh="本次访视4项及以上检验的确切数值与前一次采样全部相同，而采样日期不同。是否为复制数据？请核对两次访视的数值及采样日期。",
    passes_where_zh="一次访视的4项及以上确切数值，不会全部与各自前一次（不同日期）的结果相同。",
    on_missing="not evaluable with fewer than four tests that have an exact value here and a result before, of two days that differ: one sample filed under two visits "
    "is right; a visit is asked about once, at the first such test by name",
    on_missing_zh="本次有确切数值且此前有不同日期结果的检验不足4项时无法判定：同一样本归入两次访视属正常；每次访视只询问一次，位于按名称排序的首个此类检验",
)
def samples_are_not_copied() -> pl.Expr:
    """The exact values of a visit, four or more, are not all those of the sample before each, of another day."""
    return compute_differs_from_before(SAMPLE, "test", least=MIN_COPIED_TESTS)
