"""Adverse events: their dates, their grades by CTCAE, and the values and the outcome that go with them."""

from __future__ import annotations

import polars as pl

from schemas.codes import AdverseEventTerm, Severity
from schemas.definitions.endpoints import compute_days_between
from schemas.definitions.event_grade import GRADED_BY_VALUE, compute_grade_by_value
from schemas.rules.rule import compute_is_repeated, compute_last_day, is_implied, rule

LOGIC = "order of events"
FATAL_GRADE = 5
MAX_FATAL_DAYS = 90
GRADES_APART = 2
# CTCAE 4.03 and 5.0 define no grade above these.
HIGHEST_GRADE = {
    AdverseEventTerm.HAND_FOOT_SKIN_REACTION: 3,
    AdverseEventTerm.FATIGUE: 3,
    AdverseEventTerm.NAUSEA: 3,
    AdverseEventTerm.PROTEINURIA: 3,
    AdverseEventTerm.ALT_INCREASED: 4,
    AdverseEventTerm.AST_INCREASED: 4,
    AdverseEventTerm.BILIRUBIN_INCREASED: 4,
    AdverseEventTerm.PLATELETS_DECREASED: 4,
}


@rule(
    table="adverse_event",
    field="onset_date",
    severity=Severity.QUERY,
    source="protocol: adverse events of the systemic therapy",
    why="A complaint from before therapy would be counted as its side effect.",
    why_zh="治疗前已有的症状会被误计为治疗的不良反应。",
    en="The adverse event begins before the start of systemic therapy. Please check both dates.",
    zh="不良反应发生日期早于系统治疗开始日期，请核对两个日期。",
    passes_where_zh="不良反应发生于首次用药当日或以后。",
)
def event_not_before_start() -> pl.Expr:
    """The event begins on the first day of therapy or later."""
    return pl.col("onset_date") >= pl.col("first_line_start_date")


@rule(
    table="adverse_event",
    field="onset_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="An event proves that the patient was seen; survival would be censored too early, or the event is another patient's.",
    why_zh="有不良反应记录说明当时患者仍在随访：要么生存时间被过早删失，要么该不良反应属于其他患者。",
    en="The adverse event is dated after the death or the last contact. Which of the two dates is right?",
    zh="不良反应发生日期晚于死亡或末次随访日期，请核对两个日期。",
    passes_where_zh="不良反应的发生不晚于死亡日期；未死亡者不晚于末次随访。",
)
def event_not_after_last_contact() -> pl.Expr:
    """The event begins by the day of the death, else of the last contact."""
    return pl.col("onset_date") <= compute_last_day()


@rule(
    table="adverse_event",
    field="resolved_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="Onset or end is wrong, and with it the duration of the event.",
    why_zh="发生日期或恢复日期有误，不良反应的持续时间也随之有误。",
    en="The adverse event ends before it begins. Please check both dates.",
    zh="不良反应恢复日期早于发生日期，请核对两个日期。",
    passes_where_zh="恢复日期不早于发生日期。",
)
def event_resolved_after_onset() -> pl.Expr:
    """Resolution does not come before onset."""
    return pl.col("resolved_date") >= pl.col("onset_date")


@rule(
    table="adverse_event",
    field="resolved_date",
    severity=Severity.QUERY,
    source=LOGIC,
    why="A recovery proves that the patient was seen; survival would be censored too early.",
    why_zh="有恢复记录说明当时患者仍在随访，生存时间会被过早删失。",
    en="The adverse event ends after the death or the last contact. Which of the two dates is right?",
    zh="不良反应恢复日期晚于死亡或末次随访日期，请核对两个日期。",
    passes_where_zh="不良反应的恢复不晚于死亡日期；未死亡者不晚于末次随访。",
)
def event_resolved_not_after_last_contact() -> pl.Expr:
    """The event ends by the day of the death, else of the last contact."""
    return pl.col("resolved_date") <= compute_last_day()


@rule(
    table="adverse_event",
    field="term",
    severity=Severity.QUERY,
    source=LOGIC,
    why="One event counted twice makes the arm look more toxic than it was.",
    why_zh="同一不良反应重复计数，会高估该组的毒性。",
    en="The same adverse event is listed twice with one date of onset. Please remove one, or correct the date.",
    zh="同一不良反应以同一发生日期重复列出，请删除一条或更正日期。",
    passes_where_zh="前面的记录中无相同名称、相同发生日期者；“其他”代表多种不良反应，不作比较。",
)
def event_is_not_repeated() -> pl.Expr:
    """No earlier record has the same term and onset; the term `other` stands for several and is not compared."""
    return pl.when(pl.col("term") != AdverseEventTerm.OTHER.value).then(
        ~compute_is_repeated("term", "onset_date", order="event_number")
    )


@rule(
    table="adverse_event",
    field="grade",
    severity=Severity.QUERY,
    source="CTCAE: grade 5 is death",
    why="Either a death is missed, which makes survival look better, or the event is graded too high.",
    why_zh="要么漏记死亡，使生存结果好于实际；要么不良反应级别填得过高。",
    en="A grade 5 event means death, but the patient is recorded as alive. Which of the two is right?",
    zh="5级不良反应表示死亡，但患者记录为存活，请核对哪一项正确。",
    passes_where_zh="有5级不良反应者记录为死亡。",
)
def event_grade_5_is_dead() -> pl.Expr:
    """Who has an event of grade 5 is dead."""
    return is_implied(pl.col("grade") == FATAL_GRADE, pl.col("is_dead"))


@rule(
    table="adverse_event",
    field="grade",
    severity=Severity.QUERY,
    source="CTCAE: grade 5 is death by the event; 90 days is the registry's limit",
    why="A fatal event months before the death is another event, or the death is dated wrongly, and with it the survival.",
    why_zh="死亡前数月的致死性不良反应应为另一事件，或死亡日期有误，总生存期也随之有误。",
    en="A grade 5 event means death by it, but the patient died more than 90 days after it began. Please check grade and dates.",
    zh="5级不良反应表示因其死亡，但死亡日期晚于其发生日期90天以上，请核对级别及日期。",
    passes_where_zh="5级不良反应发生于死亡前90天内。",
)
def fatal_event_precedes_death() -> pl.Expr:
    """An event of grade 5 began at most 90 days before the death."""
    days = compute_days_between(pl.col("onset_date"), pl.col("death_date"))
    return is_implied(pl.col("grade") == FATAL_GRADE, days <= MAX_FATAL_DAYS)


@rule(
    table="adverse_event",
    field="resolved_date",
    severity=Severity.QUERY,
    source="CTCAE: grade 5 is death by the event",
    why="Nobody recovers from a fatal event: grade or recovery is wrong.",
    why_zh="致死性不良反应不可能恢复，级别或恢复日期必有一项有误。",
    en="A grade 5 event has a date of recovery that is not the date of death. Which of the two is right?",
    zh="5级不良反应填有恢复日期且不是死亡日期，请核对级别及恢复日期。",
    passes_where_zh="5级不良反应除以死亡结束外无恢复日期。",
    on_missing="not evaluable; an empty recovery passes, and so does one of a patient whose death has no date",
    on_missing_zh="无法判定；恢复日期缺失者通过，死亡日期缺失的死亡患者亦通过",
)
def fatal_event_has_no_recovery() -> pl.Expr:
    """An event of grade 5 does not end but by the death."""
    is_recovered = pl.col("resolved_date").is_not_null() & (pl.col("resolved_date") != pl.col("death_date")).fill_null(
        value=False
    )
    return is_implied(pl.col("grade") == FATAL_GRADE, ~is_recovered)


@rule(
    table="adverse_event",
    field="grade",
    severity=Severity.QUERY,
    source="CTCAE 4.03 and 5.0",
    why="A grade that the term does not have cannot be counted rightly: the event may be of grade 3-4, or of another term.",
    why_zh="该术语没有的级别无法正确计入：该不良反应可能为3–4级，也可能属于其他术语。",
    en="CTCAE has no such grade for this event. Please check grade and term.",
    zh="CTCAE中该不良反应无此级别，请核对级别及名称。",
    passes_where_zh="级别为CTCAE对该不良反应所定义者：检验类至4级，手足综合征、乏力、恶心、蛋白尿至3级。",
    on_missing="not evaluable; nor for terms whose grades go up to 5",
    on_missing_zh="无法判定；级别可至5级的不良反应亦不判定",
)
def grade_exists_for_term() -> pl.Expr:
    """The grade is one that CTCAE defines for the term: laboratory terms end at 4, hand-foot, fatigue, nausea and proteinuria at 3."""
    highest = pl.col("term").replace_strict({term.value: top for term, top in HIGHEST_GRADE.items()}, default=None)
    return pl.col("grade") <= highest


@rule(
    table="adverse_event",
    field="grade",
    severity=Severity.QUERY,
    source="CTCAE 4.03 and 5.0; protocol, adverse events; 3 days and 2 grades are the registry's limits",
    why="Grade 3-4 events are compared between the arms; a grade that the blood value contradicts puts the event into the wrong row.",
    why_zh="两组之间要比较3–4级不良反应；与检验值相矛盾的级别会使该不良反应归入错误的分级。",
    en="The grade is 2 or more grades away from what the samples of the event give by CTCAE. Please check grade, value and unit, or confirm that it was reached between two samples.",
    zh="所填分级与该不良反应期间检验结果按CTCAE推算的级别相差2级或以上，请核对分级、检验数值及单位，或确认该级别出现于两次检验之间。",
    passes_where_zh="发生日期前后3天内的ALT、AST、胆红素或血小板按CTCAE推算的级别与所填级别相差不足2级。以最近一次检验为准，同样近者取较差者；未升高的数值按0级计。不良反应按曾达到的最高级别计，故恢复前曾有接近所填（较高）级别的数值者亦通过；恢复前有数值较所填级别差2级者不通过，其间有或可能有同名不良反应再次发生者除外。",
    on_missing="not evaluable without grade, version, onset, an exact value within 3 days, or (version 5.0; ALT, AST, bilirubin) an exact "
    "baseline value; without a value within 3 days a later one of the event can still fail",
    on_missing_zh="缺级别、CTCAE版本、发生日期、3天内的确切数值，或（5.0版的ALT、AST、胆红素）确切基线值时无法判定；3天内无数值时，其后的数值仍可使其不通过",
)
def grade_agrees_with_value() -> pl.Expr:
    """ALT, AST, bilirubin or platelets within 3 days of the onset give a grade less than 2 away from the recorded one.

    The nearest sample counts, of two equally near the worse; a value without an elevation counts as grade 0. Since an event
    has the highest grade it reached, a higher grade passes as well where a value up to its resolution comes so near to it,
    and a lower one fails where such a value is 2 grades worse, unless another event of the term begins in between, or may do so.
    """
    grade = pl.col("grade")
    at_onset, at_worst = (
        compute_grade_by_value(pl.col("term"), pl.col("ctcae_version"), pl.col(value), pl.col("baseline_value"))
        for value in ("sample_value", "worst_value")
    )
    was_reached = (grade > at_onset) & (grade - at_worst < GRADES_APART).fill_null(value=False)
    is_lone = pl.col("resolved_date").is_not_null() & ~pl.col("has_next_event_within")
    is_understated = (is_lone & (at_worst - grade >= GRADES_APART)).fill_null(value=False)
    agrees = (((grade - at_onset).abs() < GRADES_APART) | was_reached) & ~is_understated
    return pl.when(grade.is_not_null()).then(is_implied(pl.col("term").is_in(GRADED_BY_VALUE), agrees))
