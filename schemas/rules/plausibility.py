"""Values that are possible but unlikely: the hospital is asked whether they are meant."""

from __future__ import annotations

from datetime import date

import polars as pl

from schemas.codes import Comparator, Drug, LabTest, LesionStatus, ProcedureType, Severity
from schemas.definitions.baseline import compute_completed_years
from schemas.definitions.combination import PD1_INHIBITORS
from schemas.definitions.endpoints import compute_days_between
from schemas.definitions.procedures import TACE_FIRST_DAY
from schemas.definitions.study_period import FOLLOW_UP_CLOSE
from schemas.rules.rule import is_implied, rule

PROTOCOL = "protocol, treatment"
FIRST_APPROVAL = date(2018, 1, 1)
LENVATINIB_WEIGHT_KG = 60
LENVATINIB_FULL_MG = 12
LENVATINIB_LIGHT_MG = 8
LENVATINIB_CAPSULE_MG = 4
SORAFENIB_DOSES_MG = (200.0, 400.0, 600.0, 800.0)
ANTIBODY_DOSE_MG = (80, 480)
MAX_ASSESSMENT_GAP_DAYS = 112
MAX_DIAGNOSIS_LEAD_DAYS = 20 * 365.25
AGE_LIMITS_YEARS = (10, 100)
MAX_TRANSAMINASE_RATIO = 20
DIAMETER_SLIP_FACTOR = 7
DIAMETER_SLIP_MIN_MM = 30
DIAMETER_SHRINK_MIN_MM = 50


@rule(
    table="patient",
    field="birth_date",
    severity=Severity.QUERY,
    source="the registry's limits, 10 to 100 years",
    why="A wrong century of birth makes a patient ineligible by age (18 to 75 years).",
    why_zh="出生年份的世纪填错，会使患者不符合年龄标准（18–75岁）。",
    en="The date of birth gives an age below 10 or above 100 years. Is the century right?",
    zh="出生日期推算年龄小于10岁或大于100岁，请核对年份。",
    passes_where_zh="由出生日期推算的治疗开始时年龄在10–100岁之间。",
)
def age_is_plausible() -> pl.Expr:
    """The age at the start from the date of birth lies between 10 and 100 years."""
    return compute_completed_years(pl.col("birth_date"), pl.col("first_line_start_date")).is_between(*AGE_LIMITS_YEARS)


@rule(
    table="patient",
    field="diagnosis_date",
    severity=Severity.QUERY,
    source="the registry's limit, 20 years",
    why="A wrong year of diagnosis is the usual slip; an early diagnosis may also mean a recurrent tumour, which is excluded (E1).",
    why_zh="多为诊断年份填错；诊断过早也可能提示为复发性肝癌，应排除（E1）。",
    en="The diagnosis is dated more than 20 years before the start of therapy. Is the year right?",
    zh="诊断日期早于治疗开始20年以上，请核对年份。",
    passes_where_zh="诊断早于治疗不超过20年。",
)
def diagnosis_date_is_plausible() -> pl.Expr:
    """The tumour was diagnosed at most 20 years before therapy."""
    return compute_days_between(pl.col("diagnosis_date"), pl.col("first_line_start_date")) <= MAX_DIAGNOSIS_LEAD_DAYS


@rule(
    table="treatment",
    field="start_date",
    severity=Severity.QUERY,
    source="approvals in China in 2018 (nivolumab in June, lenvatinib in September); protocol: follow-up closed 2022-10-31",
    why="Every time of the study counts from the start; a wrong year shifts survival by years.",
    why_zh="研究中的所有时间均自治疗开始日起算；年份填错会使生存时间相差数年。",
    en="The first dose is dated before the drug was approved in China (2018), or a first line after follow-up closed (2022-10-31). Is the year right?",
    zh="首次用药日期早于该药在中国获批（2018年），或一线治疗晚于随访截止日期（2022-10-31），请核对年份。",
    passes_where_zh="PD-1抑制剂或仑伐替尼最早于2018年开始使用，一线治疗不晚于随访截止日期开始。医院可能在截止之后导出数据，故后线治疗可晚于截止日期。",
)
def start_date_is_plausible() -> pl.Expr:
    """A PD-1 inhibitor or lenvatinib starts in 2018 at the earliest, the first line by the close of follow-up.

    A later line may start after the close: hospitals export afterwards.
    """
    is_approved_in_2018 = pl.col("drug").is_in([Drug.LENVATINIB.value, *PD1_INHIBITORS])
    is_approved = is_implied(is_approved_in_2018, pl.col("start_date") >= FIRST_APPROVAL)
    is_in_time = is_implied(pl.col("line_number") == 1, pl.col("start_date") <= FOLLOW_UP_CLOSE)
    return pl.when(pl.col("start_date").is_not_null()).then(is_in_time & is_approved)


@rule(
    table="treatment",
    field="initial_dose_mg",
    severity=Severity.QUERY,
    source="protocol, arms: 12 mg/day from 60 kg, 8 mg/day below; reductions allowed",
    why="A wrong dose or weight misstates the treatment intensity of one arm.",
    why_zh="剂量或体重有误，会使该组的治疗强度失实。",
    en="The first dose of lenvatinib exceeds 12 mg/day (8 mg/day below 60 kg) or is no multiple of 4 mg. Please check dose and weight.",
    zh="仑伐替尼起始剂量超过12 mg/日（体重<60 kg者8 mg/日）或非4 mg的倍数，请核对剂量及体重。",
    passes_where_zh="一线仑伐替尼起始剂量不超过按体重的推荐剂量；允许减量起始。",
    on_missing="without a weight a dose above 12 mg, or no multiple of 4 mg, fails; any other is not evaluable",
    on_missing_zh="无体重时，大于12 mg或非4 mg倍数的剂量不通过，其余无法判定",
)
def lenvatinib_dose_agrees_with_weight() -> pl.Expr:
    """First-line lenvatinib starts at most at the dose for the weight; a reduced start is allowed."""
    limit = (
        pl.when(pl.col("body_weight_kg") >= LENVATINIB_WEIGHT_KG)
        .then(LENVATINIB_FULL_MG)
        .when(pl.col("body_weight_kg") < LENVATINIB_WEIGHT_KG)
        .then(LENVATINIB_LIGHT_MG)
    )
    dose = pl.col("initial_dose_mg")
    is_lenvatinib = (pl.col("drug") == Drug.LENVATINIB.value) & (pl.col("line_number") == 1)
    is_dose = (dose <= LENVATINIB_FULL_MG) & (dose % LENVATINIB_CAPSULE_MG == 0)
    return pl.when(is_lenvatinib).then(is_dose & (dose <= limit))


@rule(
    table="treatment",
    field="initial_dose_mg",
    severity=Severity.QUERY,
    source="protocol, arms: 400 mg twice daily; reductions allowed",
    why="A dose that no number of 200 mg tablets gives is a slip of the digits or the unit.",
    why_zh="剂量不是200 mg片剂的整数片，说明数字或单位填错。",
    en="The first dose of sorafenib is not 800, 600, 400 or 200 mg/day. Please check the daily dose.",
    zh="索拉非尼起始剂量不是每日800、600、400或200 mg，请核对日剂量。",
    passes_where_zh="索拉非尼剂量为800 mg/日，或以200 mg片剂为单位递减。",
)
def sorafenib_dose_is_plausible() -> pl.Expr:
    """Sorafenib is given as 800 mg/day, or reduced in steps of a 200 mg tablet."""
    is_sorafenib = pl.col("drug") == Drug.SORAFENIB.value
    return pl.when(is_sorafenib).then(pl.col("initial_dose_mg").is_in(SORAFENIB_DOSES_MG))


@rule(
    table="treatment",
    field="initial_dose_mg",
    severity=Severity.QUERY,
    source="prescribing information: flat doses 200-480 mg or 2-3 mg/kg",
    why="A dose per kg, or a sum over cycles, entered as the dose per infusion misstates the treatment.",
    why_zh="将每公斤体重剂量或多周期累计剂量填为单次剂量，会使治疗情况失实。",
    en="The dose of the PD-1 inhibitor lies outside 80-480 mg per infusion. Please check dose and unit.",
    zh="PD-1抑制剂单次剂量不在80–480 mg之间，请核对剂量及单位。",
    passes_where_zh="PD-1抗体单次剂量为80–480 mg。",
)
def antibody_dose_is_plausible() -> pl.Expr:
    """A PD-1 antibody is given at 80 to 480 mg per infusion."""
    is_antibody = pl.col("drug").is_in(PD1_INHIBITORS)
    return pl.when(is_antibody).then(pl.col("initial_dose_mg").is_between(*ANTIBODY_DOSE_MG))


@rule(
    table="procedure",
    field="procedure_date",
    severity=Severity.NOTE,
    source="protocol, TACE with this therapy: from day -90 on",
    why="TACE of an earlier time is no part of the combination; if its date is a slip, a matching variable is wrong.",
    why_zh="较早的TACE不属于本次联合治疗；若为日期填错，则匹配变量有误。",
    en="TACE was done more than 90 days before systemic therapy. Does it belong to it?",
    zh="TACE早于系统治疗开始90天以上，请确认是否与本次治疗相关。",
    passes_where_zh="TACE在治疗开始前90天内或开始之后进行。",
)
def tace_near_therapy() -> pl.Expr:
    """TACE is done at most 90 days before the start, or after it."""
    days = compute_days_between(pl.col("first_line_start_date"), pl.col("procedure_date"))
    return pl.when(pl.col("procedure") == ProcedureType.TACE.value).then(days >= TACE_FIRST_DAY)


@rule(
    table="laboratory",
    field="value",
    severity=Severity.QUERY,
    source="assays: only a virus or a marker can be undetectable",
    why="Not detected is read as below every limit; for albumin or bilirubin that would be a wrong grade of liver function.",
    why_zh="“未检出”按低于任何界限处理；若为白蛋白或胆红素，会使肝功能分级有误。",
    en="Not detected is recorded for a quantity that everybody has. Please give the value.",
    zh="该检验项目不可能为“未检出”，请填写数值。",
    passes_where_zh="仅HBV DNA与AFP可为未检出。",
)
def not_detected_is_possible() -> pl.Expr:
    """Only HBV DNA and AFP can be undetectable."""
    is_not_detected = pl.col("value_comparator") == Comparator.NOT_DETECTED.value
    detectable = [LabTest.HBV_DNA.value, LabTest.HBV_DNA_COPIES.value, LabTest.AFP.value]
    return is_implied(is_not_detected, pl.col("test").is_in(detectable))


@rule(
    table="subject",
    field="ast_u_l",
    severity=Severity.NOTE,
    source="the registry's limit, factor 20",
    why="Both are matching variables with a cut at 40 U/L; such a ratio is usually a lost decimal point or a swapped column.",
    why_zh="两项均为匹配变量，以40 U/L为界；相差如此之大，多因漏填小数点或填错列。",
    en="AST and ALT at the baseline differ by more than a factor of 20. Please check both.",
    zh="基线AST与ALT相差超过20倍，请核对两项。",
    passes_where_zh="AST与ALT任何一项不超过另一项的20倍。",
)
def ast_alt_ratio_is_plausible() -> pl.Expr:
    """Neither of AST and ALT exceeds 20 times the other."""
    is_measured = (pl.col("alt_u_l") > 0) & (pl.col("ast_u_l") > 0)
    ratio = pl.when(is_measured).then(pl.col("ast_u_l") / pl.col("alt_u_l"))
    return ratio.is_between(1 / MAX_TRANSAMINASE_RATIO, MAX_TRANSAMINASE_RATIO)


@rule(
    table="lesion",
    field="diameter_mm",
    severity=Severity.QUERY,
    source="the registry's limit, factor 7: a slip between cm and mm",
    why="A diameter in cm among others in mm turns stable disease into a response or a progression.",
    why_zh="以mm填写的径线中混入cm，会使疾病稳定变成缓解或进展。",
    en="The lesion's diameter grew at least sevenfold since its last measurement, or shrank so from 50 mm or more. Is the unit right?",
    zh="该病灶径线达到上次测量值的7倍及以上，或由50 mm及以上缩小至1/7及以下，请核对单位。",
    passes_where_zh="径线未增大至7倍（且达30 mm），也未由50 mm及以上缩小至1/7：更小的残余为深度缓解。",
    on_missing="not evaluable; nor at the first measurement, nor of a lesion too small to measure",
    on_missing_zh="无法判定；首次测量或过小无法测量的病灶亦不判定",
)
def diameter_change_is_plausible() -> pl.Expr:
    """A diameter does not grow sevenfold (to 30 mm at least) or shrink so (from 50 mm): smaller remnants are deep responses."""
    is_measured = (pl.col("diameter_mm") > 0) & pl.col("status").ne_missing(LesionStatus.TOO_SMALL.value)
    diameter, last = pl.when(is_measured).then("diameter_mm"), pl.col("measured_before_mm")
    has_grown = (diameter >= DIAMETER_SLIP_MIN_MM) & (diameter >= DIAMETER_SLIP_FACTOR * last)
    has_shrunk = (last >= DIAMETER_SHRINK_MIN_MM) & (last >= DIAMETER_SLIP_FACTOR * diameter)
    return ~has_grown & ~has_shrunk


@rule(
    table="response",
    field="assessment_date",
    severity=Severity.NOTE,
    source="protocol: assessment every 6-8 weeks; two intervals is the registry's limit",
    why="A progression between two distant assessments is dated at the later one, which makes progression-free survival too long.",
    why_zh="两次评估相隔过久时，其间的进展按后一次评估的日期计，无进展生存期会偏长。",
    en="More than 16 weeks passed since the assessment before. Is one missing?",
    zh="距上次评估超过16周，请核对是否有缺失的评估。",
    passes_where_zh="相邻两次评估（后一次在治疗开始之后）相隔不超过16周。",
    on_missing="not evaluable; nor at a reader's first visit, or between images that are both from before therapy",
    on_missing_zh="无法判定；阅片者的首次评估，或两次影像均在治疗前时亦不判定",
)
def assessment_gap_is_plausible() -> pl.Expr:
    """Two assessments in a row, the later under therapy, are at most 16 weeks apart."""
    return pl.when("is_follow_up").then(pl.col("assessment_gap_days") <= MAX_ASSESSMENT_GAP_DAYS)
