"""Dates of one patient follow each other.

A rule passes where the order is right and is not evaluable where a date is missing. Days count whole; the same day is in
order unless a rule says otherwise.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Severity
from schemas.definitions.baseline import compute_completed_years
from schemas.definitions.endpoints import compute_days_between
from schemas.definitions.visits import is_given_by_date
from schemas.rules.rule import compute_last_day, is_implied, rule

LOGIC = "order of events"
PROTOCOL = "protocol, definitions"
NOMINAL_YEARS = 2


def _not_after_last_contact(date: str) -> pl.Expr:
    return pl.col(date) <= compute_last_day()


def _follows_reading_before(when: pl.Expr) -> pl.Expr:
    # A number that the registry gave is a day, and stands in no order with those that were sent.
    own = ["patient_id", "reader", "criteria", is_given_by_date(pl.col("visit_number"))]
    return when > when.shift(1).over(own, order_by="visit_number")


@rule(
    table="patient",
    field="birth_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="A wrong year of birth or diagnosis gives a wrong age, by which patients are included (18 to 75 years) and matched.",
    why_zh="出生或诊断年份有误会使年龄有误，而年龄既是纳入标准（18–75岁），也用于匹配。",
    en="The date of birth is not before the date of diagnosis. Please check both dates.",
    zh="出生日期不早于诊断日期，请核对两个日期。",
    passes_where_zh="出生日期早于诊断日期。",
)
def birth_before_diagnosis() -> pl.Expr:
    """The patient is born before the diagnosis."""
    return pl.col("birth_date") < pl.col("diagnosis_date")


@rule(
    table="patient",
    field="diagnosis_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="Therapy before the diagnosis means that one of the dates is wrong; if it is the start, every survival time of the patient is wrong.",
    why_zh="治疗早于诊断说明其中一个日期有误；若为治疗开始日期有误，该患者的所有生存时间均有误。",
    en="The diagnosis is dated after the start of systemic therapy. Please check both dates.",
    zh="诊断日期晚于系统治疗开始日期，请核对两个日期。",
    passes_where_zh="诊断日期不晚于治疗开始日期。",
)
def diagnosis_not_after_start() -> pl.Expr:
    """The tumour is diagnosed by the day therapy starts."""
    return pl.col("diagnosis_date") <= pl.col("first_line_start_date")


@rule(
    table="patient",
    field="age_years",
    severity=Severity.QUERY,
    source=LOGIC,
    why="Age decides who may enter the study and is a matching variable; a slip in the year of birth moves the patient over a limit unnoticed.",
    why_zh="年龄决定能否入组，也是匹配变量；出生年份填错会使患者在不知不觉中越过年龄界限。",
    en="The stated age does not agree with the date of birth. Which of the two is right?",
    zh="所填年龄与出生日期不符，请核对哪一项正确。",
    passes_where_zh="所填年龄不小于诊断时周岁减1，不大于治疗开始时周岁加2（虚岁可大1至2岁）。",
    on_missing="not evaluable without both dates, unless the one that is there already contradicts",
    on_missing_zh="诊断与治疗开始两个日期不全时无法判定，但已知的一个日期已构成矛盾者除外",
)
def age_agrees_with_birth_date() -> pl.Expr:
    """The stated age lies between the age at diagnosis less 1 and the age at the start plus 2 years: by nominal count (虚岁) it is up to 2 higher."""
    first = compute_completed_years(pl.col("birth_date"), pl.col("diagnosis_date"))
    last = compute_completed_years(pl.col("birth_date"), pl.col("first_line_start_date"))
    return (pl.col("age_years") >= first - 1) & (pl.col("age_years") <= last + NOMINAL_YEARS)


@rule(
    table="outcome",
    field="last_contact_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="Overall survival would be negative and the patient would drop out of the survival analysis.",
    why_zh="总生存期将为负值，该患者会被剔除出生存分析。",
    en="The last contact is dated before the start of systemic therapy. Please check both dates.",
    zh="末次随访日期早于系统治疗开始日期，请核对两个日期。",
    passes_where_zh="末次随访不早于治疗开始日期。",
)
def last_contact_not_before_start() -> pl.Expr:
    """The last contact is the day of the start or later."""
    return pl.col("last_contact_date") >= pl.col("first_line_start_date")


@rule(
    table="outcome",
    field="death_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="Overall survival would be negative and the patient would drop out of the survival analysis.",
    why_zh="总生存期将为负值，该患者会被剔除出生存分析。",
    en="The death is dated before the start of systemic therapy. Please check both dates.",
    zh="死亡日期早于系统治疗开始日期，请核对两个日期。",
    passes_where_zh="死亡不早于治疗开始日期。",
)
def death_not_before_start() -> pl.Expr:
    """The death is the day of the start or later."""
    return pl.col("death_date") >= pl.col("first_line_start_date")


@rule(
    table="outcome",
    field="death_date",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="A death is known at a contact; if the last one came before it, one of the two days is wrong, and with it the survival time.",
    why_zh="死亡是在随访时获知的；若末次随访早于死亡，则其中一个日期有误，生存时间也随之有误。",
    en="The last contact is dated before the death. Which of the two is right? (After the death it may be the call in which the family told of it.)",
    zh="末次随访日期早于死亡日期，请核对哪一项正确（末次随访可晚于死亡，如家属电话告知）。",
    passes_where_zh="末次随访不早于死亡日期；家属可在其后告知。",
)
def death_is_last_contact() -> pl.Expr:
    """The last contact is not before the death; the family may tell of it later."""
    return pl.col("death_date") <= pl.col("last_contact_date")


@rule(
    table="outcome",
    field="progression_date",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="A progression at or before time zero gives no progression-free survival; it is usually a date of the staging.",
    why_zh="进展不晚于时间起点则无法计算无进展生存期；所填日期通常是治疗前分期检查的日期。",
    en="Progression is dated on or before the start of systemic therapy. Please check both dates.",
    zh="进展日期不晚于系统治疗开始日期，请核对两个日期。",
    passes_where_zh="进展日期晚于治疗开始日期。",
)
def progression_after_start() -> pl.Expr:
    """The progression is dated after the start."""
    return pl.col("progression_date") > pl.col("first_line_start_date")


@rule(
    table="outcome",
    field="progression_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="Progression-free survival would be longer than overall survival, or the follow-up is longer than recorded.",
    why_zh="无进展生存期将长于总生存期，或实际随访时间长于记录。",
    en="Progression is dated after the death or the last contact. Which of the two dates is right?",
    zh="进展日期晚于死亡或末次随访日期，请核对两个日期。",
    passes_where_zh="进展不晚于死亡日期；未死亡者不晚于末次随访。",
)
def progression_not_after_last_contact() -> pl.Expr:
    """The progression is dated by the day of the death, else of the last contact."""
    return _not_after_last_contact("progression_date")


@rule(
    table="laboratory",
    field="sample_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="A sample proves that the patient was seen; survival would be censored too early, or the sample is another patient's.",
    why_zh="有采样记录说明当时患者仍在随访：要么生存时间被过早删失，要么样本属于其他患者。",
    en="The sample is dated after the death or the last contact. Which of the two dates is right?",
    zh="采样日期晚于死亡或末次随访日期，请核对两个日期。",
    passes_where_zh="采样不晚于死亡日期；未死亡者不晚于末次随访。",
)
def sample_not_after_last_contact() -> pl.Expr:
    """The sample is taken by the day of the death, else of the last contact."""
    return _not_after_last_contact("sample_date")


@rule(
    table="lesion",
    field="assessment_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="Images prove that the patient was seen; survival would be censored too early, or the images are another patient's.",
    why_zh="有影像记录说明当时患者仍在随访：要么生存时间被过早删失，要么影像属于其他患者。",
    en="The imaging is dated after the death or the last contact. Which of the two dates is right?",
    zh="影像检查日期晚于死亡或末次随访日期，请核对两个日期。",
    passes_where_zh="影像检查不晚于死亡日期；未死亡者不晚于末次随访。",
)
def lesion_not_after_last_contact() -> pl.Expr:
    """The images are taken by the day of the death, else of the last contact."""
    return _not_after_last_contact("assessment_date")


@rule(
    table="response",
    field="assessment_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="An assessment proves that the patient was seen; survival would be censored too early, or the assessment is another patient's.",
    why_zh="有疗效评估说明当时患者仍在随访：要么生存时间被过早删失，要么评估属于其他患者。",
    en="The tumour assessment is dated after the death or the last contact. Which of the two dates is right?",
    zh="疗效评估日期晚于死亡或末次随访日期，请核对两个日期。",
    passes_where_zh="疗效评估的影像不晚于死亡日期；未死亡者不晚于末次随访。",
)
def response_not_after_last_contact() -> pl.Expr:
    """The images are taken by the day of the death, else of the last contact."""
    return _not_after_last_contact("assessment_date")


@rule(
    table="response",
    field="assessment_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="The smallest sum and the first progression depend on the order of the visits; a swapped date moves progression-free survival.",
    why_zh="最小径线和及首次进展取决于评估的先后顺序；日期颠倒会改变无进展生存期。",
    en="The assessment is not dated after that of the visit before. Please check the visits and dates.",
    zh="评估日期不晚于前一次评估，请核对评估序号及日期。",
    passes_where_zh="同一阅片者各次评估的日期顺序与评估序号一致。",
)
def response_dates_follow_visits() -> pl.Expr:
    """Assessments of one reader are dated in the order of the visits."""
    from_start = compute_days_between(pl.col("first_line_start_date"), pl.col("assessment_date"))
    days = pl.coalesce(from_start, "assessment_days")
    # Two dates are in order or not whether the start is known or not.
    return pl.coalesce(_follows_reading_before(pl.col("assessment_date")), _follows_reading_before(days))


@rule(
    table="response",
    field="assessment_date",
    severity=Severity.QUERY,
    source="protocol: response is assessed under therapy",
    why="An assessment from before the therapy would count as a response to it, or end progression-free survival before it began.",
    why_zh="治疗前的评估会被误计为疗效，或使无进展生存期在开始之前就已终止。",
    en="An assessment after the baseline is dated before the first line of therapy. Please check date, visit and start.",
    zh="基线以后的评估日期早于一线治疗开始日期，请核对日期、评估序号及治疗开始日期。",
    passes_where_zh="基线后的评估不早于治疗开始日期。",
)
def response_not_before_start() -> pl.Expr:
    """Assessments after the baseline are done on the day of the start or later."""
    return is_implied(pl.col("visit_number") > 0, pl.col("assessment_date") >= pl.col("first_line_start_date"))


@rule(
    table="lesion",
    field="assessment_date",
    severity=Severity.QUERY,
    source="protocol: response is assessed under therapy",
    why="An image from before the therapy would count as a response to it, or end progression-free survival before it began.",
    why_zh="治疗前的影像会被误计为疗效，或使无进展生存期在开始之前就已终止。",
    en="The images of a visit after the baseline are dated before the first line of therapy. Please check date, visit and start.",
    zh="基线以后的影像检查日期早于一线治疗开始日期，请核对日期、评估序号及治疗开始日期。",
    passes_where_zh="基线后的影像检查不早于治疗开始日期。",
    on_missing="not evaluable; a visit is asked about once, at its first lesion",
    on_missing_zh="无法判定；每次评估只在其首个病灶处询问一次",
)
def lesion_not_before_start() -> pl.Expr:
    """Images after the baseline are taken on the day of the start or later."""
    is_first = pl.col("lesion_id") == pl.col("lesion_id").min().over("patient_id", "reader", "visit_number")
    return is_implied(
        is_first & (pl.col("visit_number") > 0), pl.col("assessment_date") >= pl.col("first_line_start_date")
    )


@rule(
    table="treatment",
    field="end_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="The time on treatment would be negative, and whether the patient was treated for 3 months could not be told.",
    why_zh="治疗时间将为负值，也无法判断治疗是否满3个月。",
    en="The drug's last dose is dated before its first. Please check both dates.",
    zh="药物结束日期早于开始日期，请核对两个日期。",
    passes_where_zh="末次用药不早于首次用药。",
)
def treatment_end_not_before_start() -> pl.Expr:
    """The last dose does not come before the first."""
    return pl.col("end_date") >= pl.col("start_date")


@rule(
    table="treatment",
    field="start_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="A dose proves that the patient was alive; survival would be censored too early.",
    why_zh="有用药记录说明当时患者存活，生存时间会被过早删失。",
    en="A dose is dated after the death or the last contact. Which of the dates is right?",
    zh="用药日期晚于死亡或末次随访日期，请核对各日期。",
    passes_where_zh="死亡后不再用药；未死亡者，末次随访后无用药记录。",
    on_missing="one of first and last dose suffices; not evaluable without both or without the last contact",
    on_missing_zh="首末次用药日期有一个即可判定；两者均缺或无末次随访时无法判定",
)
def treatment_not_after_last_contact() -> pl.Expr:
    """No dose is given after the death, else after the last contact."""
    last_dose = pl.max_horizontal("start_date", "end_date")
    return last_dose <= compute_last_day()


@rule(
    table="treatment",
    field="start_date",
    severity=Severity.QUERY,
    source="protocol, treatment",
    why="Time zero is the start of line 1; with lines exchanged the patient may stand in the wrong arm with the wrong start.",
    why_zh="一线治疗开始日即为时间起点；治疗线数颠倒会使患者归入错误的治疗组，并采用错误的起点。",
    en="A later line of therapy starts before an earlier one. Please check the line numbers and dates.",
    zh="后线治疗的开始日期早于前线治疗，请核对治疗线数及日期。",
    passes_where_zh="后线治疗的开始不早于前线治疗的开始。",
)
def lines_in_order() -> pl.Expr:
    """No later line starts before an earlier one has begun."""
    return is_implied(pl.col("line_number") > 1, pl.col("start_date") >= pl.col("earlier_line_start_date"))


@rule(
    table="procedure",
    field="procedure_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="A procedure proves that the patient was alive; survival would be censored too early.",
    why_zh="有局部治疗记录说明当时患者存活，生存时间会被过早删失。",
    en="The procedure is dated after the death or the last contact. Which of the two dates is right?",
    zh="局部治疗日期晚于死亡或末次随访日期，请核对两个日期。",
    passes_where_zh="局部治疗不晚于死亡日期；未死亡者不晚于末次随访。",
)
def procedure_not_after_last_contact() -> pl.Expr:
    """The procedure is done by the day of the death, else of the last contact."""
    return _not_after_last_contact("procedure_date")


@rule(
    table="procedure",
    field="procedure_date",
    severity=Severity.NOTE,
    source=LOGIC,
    why="The first TACE dates the start of local therapy; a swapped date makes it too early or too late.",
    why_zh="首次TACE的日期即局部治疗的开始日期；日期颠倒会使其偏早或偏晚。",
    en="The procedure is dated before the one numbered before it. Please check the order.",
    zh="该次治疗日期早于前一序号的治疗，请核对顺序。",
    passes_where_zh="局部治疗的日期顺序与序号一致。",
)
def procedure_dates_follow_numbers() -> pl.Expr:
    """Procedures are dated in the order of their numbers."""
    before = pl.col("procedure_date").shift(1).over("patient_id", order_by="procedure_number")
    return pl.col("procedure_date") >= before
