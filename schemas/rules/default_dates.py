"""Dates that stand for a year alone, and a therapy that comes long after the diagnosis."""

from __future__ import annotations

import polars as pl

from schemas.codes import Severity
from schemas.definitions.endpoints import compute_days_between
from schemas.rules.rule import is_implied, rule

HOLIDAY = "1 January is a public holiday in China (全国年节及纪念日放假办法); where only the year is known it often stands for the year"
EN = "1 January is a public holiday. Is the day right, or is only the year known?"
ZH = "1月1日为法定节假日，请核对该日期，或是否仅知年份。"
WHY = "A year without its day moves the date by up to twelve months, and with it every time that counts from it."
WHY_ZH = "仅知年份而不知具体日期，会使该日期相差最多12个月，由此起算的各段时间也随之有误。"
MAX_LEAD_DAYS = 2 * 365.25
STAGING_DAYS = 14
LINE_GAP_DAYS = 60
MAX_LEAD_YEARS_DAYS = 20 * 365.25


def _is_not_new_year(name: str) -> pl.Expr:
    date = pl.col(name)
    return ~((date.dt.month() == 1) & (date.dt.day() == 1))


@rule(
    table="patient",
    field="diagnosis_date",
    severity=Severity.QUERY,
    source=HOLIDAY,
    why=WHY,
    why_zh=WHY_ZH,
    en=EN,
    zh=ZH,
    passes_where_zh="诊断日期不是1月1日。",
)
def diagnosis_is_not_on_new_year() -> pl.Expr:
    """The diagnosis is not dated 1 January."""
    return _is_not_new_year("diagnosis_date")


@rule(
    table="treatment",
    field="start_date",
    severity=Severity.QUERY,
    source=HOLIDAY,
    why=WHY,
    why_zh=WHY_ZH,
    en=EN,
    zh=ZH,
    passes_where_zh="首次用药日期不是1月1日，此前记录表明日期确切者除外：一线治疗为开始前14天内有基线影像，后线治疗为开始前60天内有前线治疗结束。",
    on_missing="not evaluable without the date; where the images, or the end of the line before, are missing, that day is asked about",
    on_missing_zh="无日期时无法判定；缺基线影像或前线结束日期时，仍询问该日期",
)
def first_dose_is_not_on_new_year() -> pl.Expr:
    """No first dose is dated 1 January unless what comes before it says that the day is known.

    That is, of a first line, baseline images in the 14 days before; of a later one, the end of an earlier line in the 60 days before.
    """
    start, is_first = pl.col("start_date"), pl.col("line_number") == 1
    since_images = compute_days_between(pl.col("baseline_imaging_date"), start)
    since_line = compute_days_between(pl.col("earlier_line_end_date"), start)
    is_told = (is_first & since_images.is_between(0, STAGING_DAYS)) | (
        ~is_first & since_line.is_between(0, LINE_GAP_DAYS)
    )
    return _is_not_new_year("start_date") | is_told.fill_null(value=False)


@rule(
    table="procedure",
    field="procedure_date",
    severity=Severity.QUERY,
    source=HOLIDAY,
    why=WHY,
    why_zh=WHY_ZH,
    en=EN,
    zh=ZH,
    passes_where_zh="系统治疗前的局部治疗（常仅记得年份）日期不是1月1日。",
    on_missing="not evaluable without both dates; a procedure under therapy is documented by the day and passes",
    on_missing_zh="两个日期不全时无法判定；治疗期间的局部治疗有确切日期记录，予以通过",
)
def earlier_procedure_is_not_on_new_year() -> pl.Expr:
    """No procedure from before the start of therapy, of which often only the year is remembered, is dated 1 January."""
    is_history = pl.col("procedure_date") < pl.col("first_line_start_date")
    return is_implied(is_history, _is_not_new_year("procedure_date"))


@rule(
    table="patient",
    field="diagnosis_date",
    severity=Severity.QUERY,
    source="protocol E1; 2 years is the registry's limit",
    why="A tumour that is treated only years after its diagnosis is a recurrence (E1), or an earlier therapy is missing, or the year is wrong.",
    why_zh="诊断后数年才需治疗的肿瘤应为复发（E1），或漏填了此前的治疗，或年份有误。",
    en="The first therapy comes more than 2 years after the diagnosis, without recurrence and without an earlier procedure. Please check the date, or add what was done before.",
    zh="首次治疗晚于诊断2年以上，既未填复发也无此前的局部治疗，请核对诊断日期，或补充此前的治疗。",
    passes_where_zh="诊断2年后才开始的治疗，为复发后的治疗，或此前已行局部治疗。",
    on_missing="not evaluable without both dates or the answer on recurrence; above 20 years another rule asks",
    on_missing_zh="两个日期或是否复发缺失时无法判定；超过20年者由另一规则询问",
)
def late_therapy_has_a_reason() -> pl.Expr:
    """A therapy more than 2 years after the diagnosis follows a recurrence or an earlier procedure."""
    lead = compute_days_between(pl.col("diagnosis_date"), pl.col("first_line_start_date"))
    is_late = (lead > MAX_LEAD_DAYS) & (lead <= MAX_LEAD_YEARS_DAYS)
    was_treated = (pl.col("first_procedure_date") < pl.col("first_line_start_date")).fill_null(value=False)
    return is_implied(is_late, pl.col("is_recurrent") | was_treated)
