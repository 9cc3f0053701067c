"""Records and dates that every patient should have, and that no single cell can show to be missing."""

from __future__ import annotations

import polars as pl

from schemas.codes import Serology, Severity
from schemas.definitions.endpoints import compute_days_between
from schemas.definitions.study_period import THREE_MONTHS_DAYS
from schemas.rules.rule import is_implied, rule

PROTOCOL_E4 = "protocol E4, complete clinical data"
IMAGING_WINDOW_DAYS = 14


@rule(
    table="subject",
    field="patient_id",
    severity=Severity.QUERY,
    source=PROTOCOL_E4,
    why="Without baseline characteristics the patient cannot be judged eligible or matched and is lost to the study.",
    why_zh="缺少基线特征则无法判断是否符合入组标准，也无法匹配，该患者将无法纳入研究。",
    en="The patient has no baseline record. Please add it.",
    zh="该患者无基线记录，请补充。",
    passes_where_zh="每例患者均有基线记录。",
    on_missing="a missing record fails; not evaluable where the hospital sends no baseline records at all",
    on_missing_zh="无记录即不通过；医院未提供任何基线记录时无法判定",
)
def baseline_is_recorded() -> pl.Expr:
    """Every patient has a baseline record."""
    return pl.col("has_baseline_record")


@rule(
    table="subject",
    field="patient_id",
    severity=Severity.QUERY,
    source=PROTOCOL_E4,
    why="Without an outcome the patient has no survival time and is lost to the study.",
    why_zh="缺少结局则无生存时间，该患者将无法纳入研究。",
    en="The patient has no outcome record. Please add it.",
    zh="该患者无结局记录，请补充。",
    passes_where_zh="每例患者均有结局记录。",
    on_missing="a missing record fails; not evaluable where the hospital sends no outcomes at all",
    on_missing_zh="无记录即不通过；医院未提供任何结局记录时无法判定",
)
def outcome_is_recorded() -> pl.Expr:
    """Every patient has an outcome record."""
    return pl.col("has_outcome_record")


@rule(
    table="subject",
    field="first_line_start_date",
    severity=Severity.QUERY,
    source=PROTOCOL_E4,
    why="Without a first line there is neither an arm nor a time zero.",
    why_zh="缺少一线治疗则既无治疗组，也无时间起点。",
    en="The patient has no first line of systemic therapy. Please add it, or check the line numbers.",
    zh="该患者无一线系统治疗记录，请补充或核对治疗线数。",
    passes_where_zh="每例患者均有一线治疗记录。",
    on_missing="a missing record fails; not evaluable where the hospital sends no treatments",
    on_missing_zh="无记录即不通过；医院未提供任何治疗记录时无法判定",
)
def first_line_is_recorded() -> pl.Expr:
    """Every patient has a line 1."""
    return pl.when(pl.col("treatment_number").is_not_null()).then(pl.col("arm").is_not_null())


@rule(
    table="subject",
    field="patient_id",
    severity=Severity.QUERY,
    source=PROTOCOL_E4,
    why="One missing value of the 17 characteristics removes the patient from the study (E4).",
    why_zh="17项基线特征中缺一项，该患者即被排除（E4）。",
    en="A baseline value is missing: ALT, AST, bilirubin, albumin, AFP, or HBV DNA while HBsAg is positive; of a sample in the 28 days before the start "
    "(AFP, HBV DNA: 90). Please add it.",
    zh="基线检验缺项：ALT、AST、胆红素、白蛋白、AFP，或HBsAg阳性者的HBV DNA（治疗开始前28天内的样本，AFP、HBV DNA为90天内），请补充。",
    passes_where_zh="17项基线特征中的检验值齐全。",
    on_missing="a missing value fails; not evaluable where the hospital sends no laboratory values",
    on_missing_zh="缺项即不通过；医院未提供任何检验值时无法判定",
)
def baseline_laboratory_is_complete() -> pl.Expr:
    """The laboratory values among the 17 characteristics are there."""
    tests = ("alt_u_l", "ast_u_l", "bilirubin_umol_l", "albumin_g_l", "afp_ng_ml")
    is_complete = pl.all_horizontal(pl.col(name).is_not_null() for name in tests)
    needs_hbv_dna = (pl.col("hbsag") == Serology.POSITIVE.value).fill_null(value=False)
    is_measured = pl.any_horizontal(pl.col("hbv_dna_iu_ml", "hbv_dna_copies_ml").is_not_null())
    has_hbv_dna = ~needs_hbv_dna | is_measured
    return pl.when(pl.col("laboratory_number").is_not_null()).then(is_complete & has_hbv_dna)


@rule(
    table="subject",
    field="baseline_imaging_date",
    severity=Severity.QUERY,
    source=PROTOCOL_E4,
    why="Without baseline imaging there is nothing to measure response against, and the patient is excluded (E4).",
    why_zh="缺少基线影像则疗效无从比较，该患者将被排除（E4）。",
    en="No tumour assessment is listed at the baseline (visit 0). Please add it, or check the visit numbers.",
    zh="无基线（评估序号0）影像评估，请补充或核对评估序号。",
    passes_where_zh="每例患者均有基线影像评估。",
    on_missing="a missing assessment fails; not evaluable where the hospital sends none at all",
    on_missing_zh="无评估即不通过；医院未提供任何评估时无法判定",
)
def baseline_imaging_is_recorded() -> pl.Expr:
    """Every patient has a baseline assessment."""
    return pl.col("has_baseline_imaging")


@rule(
    table="subject",
    field="baseline_imaging_date",
    severity=Severity.QUERY,
    source="protocol: staging imaging within 2 weeks before the start",
    why="A tumour grows between an early staging and the start; growth before therapy would count as failure of therapy.",
    why_zh="分期检查过早，至治疗开始时肿瘤可能已增大；治疗前的增大会被误计为治疗失败。",
    en="The baseline imaging was not done within the 14 days before the start of therapy. Please check both dates.",
    zh="基线影像检查不在治疗开始前14天内，请核对日期。",
    passes_where_zh="分期影像检查在治疗开始前14天内或开始当日完成。",
)
def baseline_imaging_near_start() -> pl.Expr:
    """Staging is done within 14 days before the start or on its day."""
    days = compute_days_between(pl.col("first_line_start_date"), pl.col("baseline_imaging_date"))
    return days.is_between(-IMAGING_WINDOW_DAYS, 0)


@rule(
    table="subject",
    field="response_3_months",
    severity=Severity.QUERY,
    source="protocol: assessment every 6-8 weeks",
    why="The response at 3 months would count as not evaluable and lower the response rate of the arm.",
    why_zh="3个月时的疗效将记为无法评估，拉低该组的缓解率。",
    en="The patient was treated for 3 months without a tumour assessment after the baseline. Please add it, or confirm that none was done.",
    zh="治疗已满3个月，但无基线后的疗效评估，请补充或确认未做。",
    passes_where_zh="治疗满3个月的患者，基线后至少有一次疗效评估。",
    on_missing="not evaluable; nor where the hospital sends no assessments",
    on_missing_zh="无法判定；医院未提供任何评估时亦然",
)
def response_is_followed() -> pl.Expr:
    """Who is treated for 3 months has at least one assessment after the baseline."""
    return is_implied(pl.col("treatment_days") >= THREE_MONTHS_DAYS, pl.col("follow_up_assessment_number") > 0)
