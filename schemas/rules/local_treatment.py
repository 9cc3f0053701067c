"""Procedures and the lesions they treat: dates, repetition, organs."""

from __future__ import annotations

import polars as pl

from schemas.codes import INTRAHEPATIC_ORGANS, Organ, ProcedureType, Severity
from schemas.definitions.endpoints import compute_days_between
from schemas.rules.rule import is_implied, rule

GUIDELINE = "Chinese guideline for HCC 2019, doi:10.1159/000509424"
MAX_DIAGNOSIS_LAG_DAYS = 14
MIN_TACE_INTERVAL_DAYS = 7
MIN_SHARE_NOT_RESECTED = 0.5
OF_LIVER = (ProcedureType.TACE.value, ProcedureType.HAIC.value)


@rule(
    table="procedure",
    field="procedure_date",
    severity=Severity.QUERY,
    source="nobody is treated before the diagnosis; 14 days, since a procedure may bring it, is the registry's limit",
    why="The procedure belongs to an earlier tumour, which would be a recurrence (E1), or one of the dates is wrong.",
    why_zh="该局部治疗针对的是更早的肿瘤，则本次为复发（E1）；否则其中一个日期有误。",
    en="The procedure is dated more than 14 days before the diagnosis. Please check both dates.",
    zh="局部治疗日期早于诊断日期14天以上，请核对两个日期。",
    passes_where_zh="局部治疗早于诊断日期不超过14天。",
)
def procedure_not_before_diagnosis() -> pl.Expr:
    """A procedure is done at most 14 days before the diagnosis is dated."""
    return compute_days_between(pl.col("procedure_date"), pl.col("diagnosis_date")) <= MAX_DIAGNOSIS_LAG_DAYS


@rule(
    table="procedure",
    field="procedure_date",
    severity=Severity.QUERY,
    source=f"{GUIDELINE}; 7 days is the registry's limit",
    why="The liver does not bear a second TACE within days; one session entered under two dates overstates the local therapy.",
    why_zh="肝脏难以在数日内耐受第二次TACE；同一次治疗以两个日期填写，会高估局部治疗。",
    en="Two TACE are dated within one week. Is it one session, or is a date wrong?",
    zh="两次TACE日期相隔不足一周，请核对是否为同一次治疗，或日期有误。",
    passes_where_zh="TACE不在另一次TACE后1–6天内。",
    on_missing="not evaluable; two of one day are another rule's",
    on_missing_zh="无法判定；同日两次由另一规则询问",
)
def tace_is_not_within_a_week() -> pl.Expr:
    """A TACE is not dated 1 to 6 days after another."""
    is_tace = pl.col("procedure") == ProcedureType.TACE.value
    before = (
        pl.when(is_tace)
        .then("procedure_date")
        .shift(1)
        .over("patient_id", "procedure", order_by=["procedure_date", "procedure_number"])
    )
    days = compute_days_between(before, pl.col("procedure_date"))
    return pl.when(is_tace & before.is_not_null()).then(~days.is_between(1, MIN_TACE_INTERVAL_DAYS - 1))


@rule(
    table="procedure",
    field="lesion_id",
    severity=Severity.QUERY,
    source="two statements about one lesion",
    why="Which target was treated locally decides whether a response is the drugs'; a name that no lesion has says nothing.",
    why_zh="哪一靶病灶接受过局部治疗，决定缓解能否归于药物；病灶编号不存在则无从判断。",
    en="The procedure names a lesion that is not listed at any visit. Please check the lesion's name.",
    zh="该局部治疗所填病灶编号在任何一次评估中均未列出，请核对病灶编号。",
    passes_where_zh="局部治疗所注明的病灶在某次评估中列出。",
    on_missing="not evaluable where no lesion is named, or none of the patient is listed",
    on_missing_zh="未注明病灶，或该患者无任何病灶记录时无法判定",
)
def treated_lesion_is_listed() -> pl.Expr:
    """A lesion that a procedure names is listed at some visit."""
    return pl.col("is_named_lesion_listed")


@rule(
    table="procedure",
    field="lesion_id",
    severity=Severity.QUERY,
    source="TACE and HAIC go through the hepatic artery",
    why="A metastasis named as treated by TACE would be taken out of, or left in, the response wrongly.",
    why_zh="转移灶若被记为经TACE治疗，会被错误地剔除出或保留在疗效评估中。",
    en="TACE or HAIC is recorded for a lesion outside the liver. Please check the procedure and the lesion's name.",
    zh="TACE或HAIC所填治疗病灶位于肝外，请核对治疗类型及病灶编号。",
    passes_where_zh="TACE与HAIC所注明的病灶位于肝内。",
)
def tace_treats_the_liver() -> pl.Expr:
    """TACE and HAIC name lesions of the liver."""
    return is_implied(pl.col("procedure").is_in(OF_LIVER), pl.col("named_lesion_organ").is_in(INTRAHEPATIC_ORGANS))


@rule(
    table="procedure",
    field="lesion_id",
    severity=Severity.QUERY,
    source="what was resected is no longer in the body; half of the diameter and 17 days are the registry's limits",
    why="A resected target makes its later visits not evaluable; under the wrong name or day a response is lost, or one that surgery made is counted as the drugs'.",
    why_zh="靶病灶切除后，此后各次评估均为无法评估；病灶编号或手术日期有误，会漏掉缓解，或将手术所致的缓解误判为药物疗效。",
    en="The procedure is the resection of a lesion that the first image 17 days or more after it measures with at least half of its diameter before. Was it this lesion, and on that day?",
    zh="所填切除的病灶在术后17天及以上的首次影像中仍测得术前径线的一半及以上，请核对切除的病灶编号及手术日期。",
    passes_where_zh="已切除的病灶在术后17天及以上的首次影像中小于术前径线的一半；骨病灶除外。",
    on_missing="not evaluable without a named lesion, or its diameter before or after; nor in bone, where a decompression leaves the metastasis",
    on_missing_zh="未注明病灶，或缺术前、术后径线时无法判定；骨病灶减压术后转移灶仍在，亦不判定",
)
def resected_lesion_is_gone() -> pl.Expr:
    """A lesion that was resected measures less than half of its diameter before at the first image 17 days or more after, bone left aside."""
    is_whole = pl.col("named_lesion_organ") != Organ.BONE.value
    is_gone = pl.col("named_lesion_share_left") < MIN_SHARE_NOT_RESECTED
    return is_implied(pl.col("procedure") == ProcedureType.RESECTION.value, pl.when(is_whole).then(is_gone))


@rule(
    table="lesion",
    field="is_tace_treated",
    severity=Severity.QUERY,
    source="TACE goes through the hepatic artery",
    why="A target marked as treated by TACE may not count as measurable; outside the liver the mark is a slip.",
    why_zh="标记为TACE治疗的靶病灶可能不作为可测量病灶；病灶位于肝外时，该标记应为误填。",
    en="A lesion outside the liver is marked as treated by TACE. Please check the mark and the organ.",
    zh="肝外病灶标记为TACE治疗，请核对该标记及病灶部位。",
    passes_where_zh="TACE治疗的病灶位于肝内或门静脉。",
)
def tace_treated_lesion_is_in_liver() -> pl.Expr:
    """A lesion treated by TACE lies in the liver or its portal vein."""
    return is_implied(pl.col("is_tace_treated"), pl.col("organ").is_in(INTRAHEPATIC_ORGANS))
