"""Lines of systemic therapy against each other, against progression, toxicity and death."""

from __future__ import annotations

import polars as pl

from schemas.codes import Severity, StopReason
from schemas.definitions.endpoints import compute_days_between
from schemas.rules.rule import is_implied, rule

LINE = "a line of therapy ends where the next begins"
MAX_OVERLAP_DAYS = 14
MAX_REPEAT_GAP_DAYS = 90
MAX_PROGRESSION_LEAD_DAYS = 42
MAX_DEATH_LAG_DAYS = 90


@rule(
    table="treatment",
    field="line_number",
    severity=Severity.QUERY,
    source=LINE,
    why="A line that is missing, or a number too high, hides a therapy that ends the first line and with it the time on treatment.",
    why_zh="漏填某线治疗或线数填得过大，会掩盖终止一线治疗的后续治疗，治疗时间也随之有误。",
    en="A line of therapy is numbered though the line before it is not listed. Please add that line, or correct the number.",
    zh="该线治疗的前一线治疗未列出，请补充前一线治疗或更正治疗线数。",
    passes_where_zh="治疗线数为连续的1、2、3，无缺号。",
    on_missing="not evaluable where no first line is listed, of which another rule asks",
    on_missing_zh="未列一线治疗时无法判定，由另一规则询问",
)
def line_numbers_have_no_gap() -> pl.Expr:
    """The lines of a patient are numbered 1, 2, 3 without a gap."""
    position = pl.col("line_number").rank("dense").over("patient_id").cast(pl.Int64)
    lowest = pl.col("line_number").min().over("patient_id")
    return pl.when(lowest == 1).then(pl.col("line_number") == position)


@rule(
    table="treatment",
    field="start_date",
    severity=Severity.QUERY,
    source=f"{LINE}; 14 days is the registry's limit",
    why="Two lines given side by side are one line, or a date is wrong; arm, time on treatment and new therapy depend on it.",
    why_zh="同时进行的两线治疗实为同一线，否则日期有误；治疗组、治疗时间及是否更换治疗均取决于此。",
    en="This line begins more than 14 days before the last dose of an earlier line. Please check the dates and the line numbers.",
    zh="该线治疗开始日期早于前线治疗末次用药14天以上，请核对日期及治疗线数。",
    passes_where_zh="后线治疗的开始早于前线末次用药不超过14天。",
    on_missing="not evaluable without the start or without any last dose of an earlier line; a drug that is itself in both lines is asked about by another rule",
    on_missing_zh="无开始日期或前线均无末次用药日期时无法判定；同一药物记于两线者由另一规则询问",
)
def line_begins_after_line_before() -> pl.Expr:
    """A line begins at most 14 days before the last dose of the lines before."""
    overlap = compute_days_between(pl.col("start_date"), pl.col("earlier_line_end_date"))
    is_later = (pl.col("line_number") > 1) & ~pl.col("is_in_earlier_line_too").fill_null(value=False)
    is_in_order = pl.col("start_date") >= pl.col("earlier_line_start_date")
    return is_implied(is_later & is_in_order.fill_null(value=True), overlap <= MAX_OVERLAP_DAYS)


@rule(
    table="treatment",
    field="drug",
    severity=Severity.QUERY,
    source="one dose belongs to one line",
    why="A drug counted in two lines at once is either no second line, or one of the drugs is another.",
    why_zh="同一药物同时记于两线：要么并无后线治疗，要么其中一种药物填错。",
    en="The same drug stands in two lines over the same days. To which line does it belong?",
    zh="同一药物在相同时间段内记于两线治疗，请核对其属于哪一线。",
    passes_where_zh="后线药物在相同时间段内未同时记于前线；线序颠倒者由另一规则询问。",
    on_missing="not evaluable where a date of the drug is missing that would decide; `other` stands for several drugs and is not compared",
    on_missing_zh="缺少起决定作用的用药日期时无法判定；“其他”代表多种药物，不作比较",
)
def drug_is_in_one_line_at_a_time() -> pl.Expr:
    """No drug of a later line stands in an earlier one over common days; lines in the wrong order are another rule's."""
    is_in_order = (pl.col("start_date") >= pl.col("earlier_line_start_date")).fill_null(value=True)
    return is_implied((pl.col("line_number") > 1) & is_in_order, ~pl.col("is_in_earlier_line_too"))


@rule(
    table="treatment",
    field="drug",
    severity=Severity.QUERY,
    source=f"{LINE}; 90 days is the registry's limit",
    why="A line that goes on under a new number looks like a new therapy, which ends the first line too early.",
    why_zh="同一线治疗延续却另编线数，会被当作更换治疗，使一线治疗过早终止。",
    en="This line has the very drugs of the line before and follows it within 90 days. Is it the same line?",
    zh="该线治疗与前一线治疗药物完全相同且间隔不超过90天，请核对是否为同一线治疗。",
    passes_where_zh="90天内接续的一线治疗，药物不与前一线完全相同。",
    on_missing="not evaluable without the dates between the lines; `other` stands for several drugs and is not compared",
    on_missing_zh="缺两线之间的日期时无法判定；“其他”代表多种药物，不作比较",
)
def line_is_not_repeated() -> pl.Expr:
    """A line that follows within 90 days has not the very drugs of the line before."""
    gap = compute_days_between(pl.col("earlier_line_end_date"), pl.col("start_date"))
    is_asked_elsewhere = pl.col("is_in_earlier_line_too").fill_null(value=False)
    is_repeated = pl.col("repeats_line_before") & ~is_asked_elsewhere
    return is_implied(is_repeated, gap > MAX_REPEAT_GAP_DAYS)


@rule(
    table="treatment",
    field="end_date",
    severity=Severity.QUERY,
    source=LINE,
    why="A drug without a last dose counts as given on, which makes the time on treatment too long.",
    why_zh="无末次用药日期的药物按仍在使用计，治疗时间会偏长。",
    en="A later line of therapy has begun, but this drug has no date of the last dose that can be used. Please add or correct it.",
    zh="后线治疗已开始，但该药物无有效的结束日期，请补充或更正末次用药日期。",
    passes_where_zh="后线治疗开始后，前线各药均有末次用药日期。",
    on_missing="an empty last dose fails; not evaluable of a dead patient or where a reason for stopping is given: other rules ask there",
    on_missing_zh="末次用药日期缺失即不通过；患者已死亡或已填停药原因时无法判定，由其他规则询问",
)
def earlier_line_has_ended() -> pl.Expr:
    """Once a later line has begun, the drugs of the earlier ones have a last dose."""
    is_asked = ~pl.col("is_dead").fill_null(value=False) & pl.col("stop_reason").is_null()
    is_followed = pl.col("later_line_start_date").is_not_null()
    return pl.when(is_asked | pl.col("end_date").is_not_null()).then(
        is_implied(is_followed, pl.col("end_date").is_not_null())
    )


@rule(
    table="treatment",
    field="stop_reason",
    severity=Severity.QUERY,
    source="protocol, first progression; 42 days, the shortest interval of assessments, is the registry's limit",
    why="Whoever stops for progression has progressed; a progression dated weeks later makes progression-free survival too long.",
    why_zh="因进展停药者当时即已进展；进展日期晚数周，无进展生存期会偏长。",
    en="First-line therapy was stopped because of progression more than 6 weeks before the first progression on record. Which is right: the date, the reason, or is an earlier progression missing?",
    zh="因疾病进展停止一线治疗的日期早于首次进展记录6周以上，请核对停药日期、停药原因，或补充更早的进展记录。",
    passes_where_zh="因进展停用的一线药物，末次用药距首次进展不超过42天。",
    on_missing="not evaluable without the last dose or a dated progression",
    on_missing_zh="无末次用药日期或无进展日期时无法判定",
)
def stop_for_progression_is_near_progression() -> pl.Expr:
    """A drug of line 1 stopped for progression was given until at most 42 days before the first progression."""
    is_stopped = (pl.col("line_number") == 1) & (pl.col("stop_reason") == StopReason.PROGRESSION.value)
    lead = compute_days_between(pl.col("end_date"), pl.col("first_progression_date"))
    return is_implied(is_stopped, lead <= MAX_PROGRESSION_LEAD_DAYS)


@rule(
    table="treatment",
    field="stop_reason",
    severity=Severity.QUERY,
    source="dosing intervals are at most 6 weeks; 90 days is the registry's limit",
    why="A drug that ended months before the death was stopped for another reason, which the study counts.",
    why_zh="死亡前数月已停用的药物，应因其他原因停药，而研究要统计停药原因。",
    en="The drug was stopped because of death, but its last dose lies more than 90 days before the death. Please check reason and dates.",
    zh="停药原因为死亡，但末次用药早于死亡日期90天以上，请核对停药原因及日期。",
    passes_where_zh="因死亡停用的药物，末次用药距死亡不超过90天。",
)
def stop_for_death_is_near_death() -> pl.Expr:
    """A drug stopped by death was given until at most 90 days before it."""
    lag = compute_days_between(pl.col("end_date"), pl.col("death_date"))
    return is_implied(pl.col("stop_reason") == StopReason.DEATH.value, lag <= MAX_DEATH_LAG_DAYS)


@rule(
    table="treatment",
    field="stop_reason",
    severity=Severity.QUERY,
    source="protocol, adverse events",
    why="The event for which the drug was stopped is missing or dated wrongly, and the arm looks safer than it was.",
    why_zh="导致停药的不良反应漏记或日期有误，会使该组显得比实际更安全。",
    en="The drug was stopped because of toxicity before the first adverse event listed began. Please add the event, or check its date and that of the last dose.",
    zh="因不良反应停药的日期早于首个不良反应的发生日期，请补充不良反应，或核对发生日期及末次用药日期。",
    passes_where_zh="因不良反应停药者，在末次用药当日或之前、或其后一周内已发生不良反应。",
    on_missing="not evaluable without the last dose or a dated event; that no event is listed at all is another rule's",
    on_missing_zh="无末次用药日期或不良反应均无发生日期时无法判定；完全无不良反应记录者由另一规则询问",
)
def stop_for_toxicity_has_event_by_then() -> pl.Expr:
    """Who stopped a drug because of toxicity had an adverse event that began by the last dose, or in the week after it."""
    lag = compute_days_between(pl.col("end_date"), pl.col("first_event_onset_date"))
    return is_implied(pl.col("stop_reason") == StopReason.TOXICITY.value, lag <= 7)
