"""Treatment, procedures and outcome that contradict each other, or a statement without the date it needs."""

from __future__ import annotations

import polars as pl

from schemas.codes import ProcedureType, Severity, StopReason, VitalStatus
from schemas.definitions.endpoints import compute_days_between
from schemas.rules.rule import compute_is_repeated, is_implied, rule

LOGIC = "two statements about one fact"
PROTOCOL = "protocol, definitions"
MIN_RECURRENCE_DAYS = 90
MIN_RECURRENCE_AFTER_ABLATION_DAYS = 365
SEVERAL_A_SESSION = (ProcedureType.ABLATION.value, ProcedureType.RADIOTHERAPY.value)


def _is_alive() -> pl.Expr:
    return pl.col("vital_status") == VitalStatus.ALIVE.value


@rule(
    table="treatment",
    field="end_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="The time on treatment of a stopped drug is unknown without a last dose, and the patient is excluded (E4).",
    why_zh="已停用的药物若无末次用药日期，则治疗时间不明，该患者将被排除（E4）。",
    en="A reason for stopping is given, but no date of the last dose that can be used. Please add or correct it.",
    zh="已填停药原因，但无有效的结束日期，请补充或更正末次用药日期。",
    passes_where_zh="填有停药原因的药物有末次用药日期。",
    on_missing="an empty last dose fails; not evaluable without a reason",
    on_missing_zh="末次用药日期缺失即不通过；无停药原因时无法判定",
)
def stop_reason_has_end_date() -> pl.Expr:
    """A drug with a reason for stopping has a last dose."""
    return pl.when(pl.col("stop_reason").is_not_null()).then(pl.col("end_date").is_not_null())


@rule(
    table="treatment",
    field="end_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="A drug without a last dose counts as given until death, which makes the treatment time too long.",
    why_zh="无末次用药日期的药物按用至死亡计，治疗时间会偏长。",
    en="The patient has died, but the drug has no date of the last dose that can be used. Please add or correct it.",
    zh="患者已死亡，但该药物无有效的结束日期，请补充或更正末次用药日期。",
    passes_where_zh="已死亡患者的每种药物均有末次用药日期。",
    on_missing="an empty last dose fails; an empty vital status is not evaluable; nor is a drug with a reason for stopping: another rule asks there",
    on_missing_zh="末次用药日期缺失即不通过；生存状态缺失时无法判定；已填停药原因的药物亦不判定，由另一规则询问",
)
def treatment_ends_with_death() -> pl.Expr:
    """Of a patient who died every drug has a last dose."""
    has_end = pl.col("end_date").is_not_null()
    return pl.when(has_end | pl.col("stop_reason").is_null()).then(is_implied(pl.col("is_dead"), has_end))


@rule(
    table="treatment",
    field="stop_reason",
    severity=Severity.QUERY,
    source=LOGIC,
    why="A death that is missed makes the survival of the arm look better than it was.",
    why_zh="漏记死亡会使该组的生存结果好于实际。",
    en="The drug was stopped because of death, but the patient is recorded as alive. Which of the two is right?",
    zh="停药原因为死亡，但患者记录为存活，请核对哪一项正确。",
    passes_where_zh="因死亡停药者记录为死亡。",
)
def stopped_for_death_is_dead() -> pl.Expr:
    """Who stopped because of death is dead."""
    return is_implied(pl.col("stop_reason") == StopReason.DEATH.value, pl.col("is_dead"))


@rule(
    table="treatment",
    field="stop_reason",
    severity=Severity.QUERY,
    source="protocol, adverse events",
    why="The adverse event is missing, and the arm looks safer than it was.",
    why_zh="漏记不良反应会使该组显得比实际更安全。",
    en="The drug was stopped because of toxicity, but no adverse event is listed. Please add the event.",
    zh="因不良反应停药，但无不良反应记录，请补充。",
    passes_where_zh="因不良反应停药者有不良反应记录。",
    on_missing="not evaluable; nor where the hospital sends no adverse events",
    on_missing_zh="无法判定；医院未提供不良反应记录时亦然",
)
def stopped_for_toxicity_has_event() -> pl.Expr:
    """Who stopped because of toxicity has an adverse event."""
    return is_implied(pl.col("stop_reason") == StopReason.TOXICITY.value, pl.col("adverse_event_number") > 0)


@rule(
    table="treatment",
    field="stop_reason",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="A progression that is missed makes progression-free survival look longer than it was.",
    why_zh="漏记进展会使无进展生存期偏长。",
    en="First-line therapy was stopped because of progression, but no progression is recorded or measured. Please add the progression, or correct the reason.",
    zh="一线治疗因疾病进展停药，但无进展记录，请补充或更正停药原因。",
    passes_where_zh="一线治疗因进展停药者有进展记录或测量所示的进展。",
    on_missing="one sign of progression suffices; an empty reason or record is not evaluable",
    on_missing_zh="有一项进展依据即可；停药原因或进展记录缺失时无法判定",
)
def stopped_for_progression_has_progression() -> pl.Expr:
    """Who stopped line 1 because of progression has one, recorded or measured."""
    is_stopped = (pl.col("line_number") == 1) & (pl.col("stop_reason") == StopReason.PROGRESSION.value)
    has_progressed = (
        pl.col("first_progression_days").is_not_null() | pl.col("is_progression_derived") | pl.col("has_progressed")
    )
    return is_implied(is_stopped, has_progressed)


@rule(
    table="baseline",
    field="has_tace",
    severity=Severity.QUERY,
    source=LOGIC,
    why="TACE is a matching variable and a subgroup; without a procedure there is no proof and no date of it.",
    why_zh="TACE是匹配变量，也用于划分亚组；无治疗记录则既无依据，也无日期。",
    en="TACE is recorded as done, but none is listed from 90 days before systemic therapy to its day 91 and before a later line; if all that "
    "are listed lie elsewhere, the patient counts as without TACE. Please add the procedure, or correct its date or the answer.",
    zh="已填行TACE，但系统治疗前90天至开始后第91天（且在后线治疗之前）无TACE记录；若所列TACE均在此期间之外，则按未行TACE计。请补充记录，或更正日期或该项。",
    passes_where_zh="填有联合TACE者，在治疗开始前90天至开始后第91天、后线治疗之前有TACE记录。",
    on_missing="not evaluable; nor where the hospital sends no procedures",
    on_missing_zh="无法判定；医院未提供局部治疗记录时亦然",
)
def tace_yes_has_procedure() -> pl.Expr:
    """Who had TACE with the therapy has such a procedure, from day -90 to day 91 and before a later line."""
    return is_implied(pl.col("has_tace"), pl.col("combined_tace_number") > 0)


@rule(
    table="baseline",
    field="has_tace",
    severity=Severity.QUERY,
    source=LOGIC,
    why="TACE is a matching variable and a subgroup; a treated patient would be counted among the untreated.",
    why_zh="TACE是匹配变量，也用于划分亚组；已行TACE者会被误计为未行TACE。",
    en="TACE is recorded as not done, but is listed from 90 days before systemic therapy to its day 91. Which of the two is right?",
    zh="已填未行TACE，但系统治疗前90天至开始后第91天有TACE治疗记录，请核对哪一项正确。",
    passes_where_zh="填未行联合TACE者，在治疗开始前90天至开始后第91天、后线治疗之前无TACE记录；其他时间的TACE不计。",
    on_missing="not evaluable; nor where the hospital sends no procedures",
    on_missing_zh="无法判定；医院未提供局部治疗记录时亦然",
)
def tace_no_has_no_procedure() -> pl.Expr:
    """Who had no TACE with the therapy has none from day -90 to day 91 and before a later line; other TACE is no part of it."""
    return is_implied(~pl.col("has_tace"), pl.col("combined_tace_number") == 0)


@rule(
    table="patient",
    field="is_recurrent",
    severity=Severity.QUERY,
    source="protocol E1; 90 days after a resection, a year after an ablation are the registry's limits",
    why="Recurrent tumours are excluded (E1): after an earlier resection or ablation the tumour that is treated now has come back.",
    why_zh="复发性肝癌应排除（E1）：曾行切除或消融者，本次治疗的肿瘤即为复发。",
    en="The tumour is recorded as not recurrent, but a resection was done more than 90 days, or an ablation more than a year, before systemic therapy. Please check.",
    zh="系统治疗前90天以上曾行切除或1年以上曾行消融，但填为非复发，请核对是否为复发性肝癌。",
    passes_where_zh="非复发者在治疗开始前90天以上未行切除、1年以上未行消融。数月前消融的结节多为多发病灶之一或因破裂出血，并非根治性治疗。",
    on_missing="not evaluable; nor where the hospital sends no procedures",
    on_missing_zh="无法判定；医院未提供局部治疗记录时亦然",
)
def recurrence_agrees_with_procedures() -> pl.Expr:
    """Who is not recurrent had no resection more than 90 days, no ablation more than a year before the start.

    A nodule ablated some months before is mostly one of several, or bled: a treatment that was no cure.
    """
    start = pl.col("first_line_start_date")
    limits = {"first_resection_date": MIN_RECURRENCE_DAYS, "first_ablation_date": MIN_RECURRENCE_AFTER_ABLATION_DAYS}
    is_in_time = pl.all_horizontal(
        pl.col(name).is_null() | (compute_days_between(pl.col(name), start) <= days) for name, days in limits.items()
    )
    return is_implied(~pl.col("is_recurrent"), pl.when(pl.col("tace_number").is_not_null()).then(is_in_time))


@rule(
    table="procedure",
    field="procedure_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="One TACE counted twice overstates the local therapy.",
    why_zh="同一次TACE重复计数，会高估局部治疗。",
    en="The same procedure is listed twice on one date. Please remove one, or correct the date.",
    zh="同一日期重复列出同一局部治疗，请删除一条或更正日期。",
    passes_where_zh="前面的记录中无相同治疗、相同日期者；一次可治疗多个结节或照射野。",
    on_missing="not evaluable; nor for ablation and radiotherapy, of which one session may treat several lesions",
    on_missing_zh="无法判定；消融与放疗一次可治疗多个病灶，亦不判定",
)
def procedure_is_not_repeated() -> pl.Expr:
    """No earlier record has the same procedure and date; several nodules or fields may be treated in one session."""
    return pl.when(~pl.col("procedure").is_in(SEVERAL_A_SESSION)).then(
        ~compute_is_repeated("procedure", "procedure_date", order="procedure_number")
    )


@rule(
    table="outcome",
    field="death_date",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="A death without a date is taken at the last contact, which may be months too early.",
    why_zh="无死亡日期者按末次随访日计为死亡，可能提前数月。",
    en="The patient is recorded as dead without a date of death that can be used. Please add or correct it.",
    zh="患者记录为死亡，但无有效的死亡日期，请补充或更正。",
    passes_where_zh="死亡者有死亡日期或生存时间。",
    on_missing="an empty date fails; an empty vital status is not evaluable",
    on_missing_zh="死亡日期缺失即不通过；生存状态缺失时无法判定",
)
def death_has_date() -> pl.Expr:
    """A death has a date or a survival time."""
    has_time = pl.col("death_date").is_not_null() | pl.col("overall_survival_days").is_not_null()
    return is_implied(pl.col("vital_status") == VitalStatus.DEAD.value, has_time)


@rule(
    table="outcome",
    field="vital_status",
    severity=Severity.QUERY,
    source=LOGIC,
    why="The patient is counted alive although a death is dated; survival would look better than it was.",
    why_zh="已填死亡日期却按存活计，会使生存结果好于实际。",
    en="A date of death is given, but the patient is recorded as alive. Which of the two is right?",
    zh="已填死亡日期，但患者记录为存活，请核对哪一项正确。",
    passes_where_zh="填有死亡日期者记录为死亡。",
    on_missing="an empty vital status is not evaluable; nor without a date",
    on_missing_zh="生存状态缺失或无死亡日期时无法判定",
)
def death_date_means_dead() -> pl.Expr:
    """Who has a date of death is recorded as dead."""
    return pl.when(pl.col("death_date").is_not_null()).then(~_is_alive())


@rule(
    table="outcome",
    field="progression_date",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="A progression that has no date gives no progression-free survival.",
    why_zh="无进展日期则无法得出无进展生存期。",
    en="Progression is recorded without a date that can be used. Please add or correct it.",
    zh="记录为已进展，但无有效的进展日期，请补充或更正。",
    passes_where_zh="已进展者有进展日期或至进展时间。",
    on_missing="an empty date fails; an empty flag is not evaluable",
    on_missing_zh="进展日期缺失即不通过；是否进展一项缺失时无法判定",
)
def progression_has_date() -> pl.Expr:
    """A progression has a date or a time."""
    has_time = pl.col("progression_date").is_not_null() | pl.col("progression_days").is_not_null()
    return is_implied(pl.col("has_progressed"), has_time)


@rule(
    table="outcome",
    field="has_progressed",
    severity=Severity.QUERY,
    source=LOGIC,
    why="The date is not used while the patient counts as not progressed; progression-free survival would be too long.",
    why_zh="只要记录为未进展，该日期就不会被采用，无进展生存期会偏长。",
    en="A date of progression is given, but the patient is recorded as not progressed. Which of the two is right?",
    zh="已填进展日期，但记录为未进展，请核对哪一项正确。",
    passes_where_zh="填有进展日期者记录为已进展。",
    on_missing="an empty flag is not evaluable; nor without a date",
    on_missing_zh="是否进展一项缺失或无进展日期时无法判定",
)
def progression_date_means_progressed() -> pl.Expr:
    """Who has a date of progression is recorded as progressed."""
    return pl.when(pl.col("progression_date").is_not_null()).then("has_progressed")
