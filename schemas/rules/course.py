"""Treatment, adverse events and outcome that contradict each other, or a statement without the date it needs."""

from __future__ import annotations

import polars as pl

from schemas.codes import AdverseEventTerm, Severity, StopReason, VitalStatus
from schemas.rules.rule import is_implied, rule

LOGIC = "two statements about one fact"
PROTOCOL = "protocol, definitions"
FATAL_GRADE = 5


def _is_alive() -> pl.Expr:
    return pl.col("vital_status") == VitalStatus.ALIVE.value


def _is_repeated(*columns: str, order: str) -> pl.Expr:
    """True from the second record on that has the same values in every column; null where one is missing."""
    is_known = pl.all_horizontal(pl.col(name).is_not_null() for name in columns)
    position = pl.int_range(pl.len()).over("patient_id", *columns, order_by=order)
    return pl.when(is_known).then(position > 0)


@rule(
    table="procedure",
    field="procedure_date",
    severity=Severity.QUERY,
    source=LOGIC,
    en="The same procedure is listed twice on one date.",
    zh="同一日期重复列出同一局部治疗，请核对。",
)
def procedure_is_not_repeated() -> pl.Expr:
    """A procedure is listed once."""
    return ~_is_repeated("procedure", "procedure_date", order="procedure_number")


@rule(
    table="adverse_event",
    field="term",
    severity=Severity.QUERY,
    source=LOGIC,
    en="The same adverse event is listed twice with one date of onset.",
    zh="同一不良反应以同一发生日期重复列出，请核对。",
)
def event_is_not_repeated() -> pl.Expr:
    """An event is listed once."""
    return pl.when(pl.col("term") != AdverseEventTerm.OTHER.value).then(
        ~_is_repeated("term", "onset_date", order="event_number")
    )


@rule(
    table="adverse_event",
    field="grade",
    severity=Severity.QUERY,
    source="CTCAE: grade 5 is death",
    en="A grade 5 event means death, but the patient is recorded as alive.",
    zh="5级不良反应表示死亡，但患者记录为存活，请核对。",
)
def event_grade_5_is_dead() -> pl.Expr:
    """Who has an event of grade 5 is dead."""
    return is_implied(pl.col("grade") == FATAL_GRADE, pl.col("is_dead"))


@rule(
    table="treatment",
    field="end_date",
    severity=Severity.QUERY,
    source=LOGIC,
    en="A reason for stopping is given, but no date of the last dose.",
    zh="已填停药原因，但无结束日期，请补充。",
)
def stop_reason_has_end_date() -> pl.Expr:
    """A drug that was stopped has a last dose."""
    return pl.when(pl.col("stop_reason").is_not_null()).then(pl.col("end_date").is_not_null())


@rule(
    table="treatment",
    field="stop_reason",
    severity=Severity.QUERY,
    source=LOGIC,
    en="The drug was stopped because of death, but the patient is recorded as alive.",
    zh="停药原因为死亡，但患者记录为存活，请核对。",
)
def stopped_for_death_is_dead() -> pl.Expr:
    """Who stopped because of death is dead."""
    return is_implied(pl.col("stop_reason") == StopReason.DEATH.value, pl.col("is_dead"))


@rule(
    table="treatment",
    field="stop_reason",
    severity=Severity.QUERY,
    source="protocol, adverse events",
    en="The drug was stopped because of toxicity, but no adverse event is listed.",
    zh="因不良反应停药，但无不良反应记录，请补充。",
    on_missing="not evaluable; nor where the hospital sends no adverse events",
)
def stopped_for_toxicity_has_event() -> pl.Expr:
    """Who stopped because of toxicity has an adverse event."""
    return is_implied(pl.col("stop_reason") == StopReason.TOXICITY.value, pl.col("adverse_event_number") > 0)


@rule(
    table="treatment",
    field="stop_reason",
    severity=Severity.QUERY,
    source=PROTOCOL,
    en="First-line therapy was stopped because of progression, but no progression is recorded or measured.",
    zh="一线治疗因疾病进展停药，但无进展记录，请补充。",
)
def stopped_for_progression_has_progression() -> pl.Expr:
    """Who stopped line 1 because of progression has progressed."""
    is_stopped = (pl.col("line_number") == 1) & (pl.col("stop_reason") == StopReason.PROGRESSION.value)
    has_progressed = (
        pl.col("first_progression_days").is_not_null() | pl.col("is_progression_derived") | pl.col("has_progressed")
    )
    return is_implied(is_stopped, has_progressed)


@rule(
    table="subject",
    field="arm",
    severity=Severity.QUERY,
    source="protocol, arms: exactly one of the two combinations",
    en="The first line holds two kinase inhibitors or two PD-1 inhibitors. Which ones were given together?",
    zh="一线治疗含两种酪氨酸激酶抑制剂或两种PD-1抑制剂，请核对。",
)
def first_line_has_one_of_each() -> pl.Expr:
    """Line 1 has at most one drug of each class."""
    return (pl.col("kinase_inhibitor_number") <= 1) & (pl.col("pd1_drug_number") <= 1)


@rule(
    table="outcome",
    field="death_date",
    severity=Severity.QUERY,
    source=PROTOCOL,
    en="The patient is recorded as dead without a date of death.",
    zh="患者记录为死亡，但无死亡日期，请补充。",
    on_missing="an empty date fails; an empty vital status is not evaluable",
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
    en="A date of death is given, but the patient is recorded as alive.",
    zh="已填死亡日期，但患者记录为存活，请核对。",
)
def death_date_means_dead() -> pl.Expr:
    """Who has a date of death is not alive."""
    return pl.when(pl.col("death_date").is_not_null()).then(~_is_alive())


@rule(
    table="outcome",
    field="progression_date",
    severity=Severity.QUERY,
    source=PROTOCOL,
    en="Progression is recorded without a date.",
    zh="记录为已进展，但无进展日期，请补充。",
    on_missing="an empty date fails; an empty flag is not evaluable",
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
    en="A date of progression is given, but the patient is recorded as not progressed.",
    zh="已填进展日期，但记录为未进展，请核对。",
)
def progression_date_means_progressed() -> pl.Expr:
    """Who has a date of progression has progressed."""
    return pl.when(pl.col("progression_date").is_not_null()).then("has_progressed")
