"""What a rule is, and the decorator that makes one.

A rule is a row-wise statement about one table, written as a polars expression over that table's records joined with the
subject-level facts of `schemas/derive.py`. True means the record passes, False that it fails, null that it cannot be
evaluated. The function's name is the rule's id; the decorator is all the registration there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import polars as pl

from schemas.codes import Severity

SUBJECT = "subject"


class Scope(Enum):
    """Whose records a rule looks at to judge one of them; the texts are what the rule catalogue says.

    A rule may be judged on any part of a delivery that holds its scope whole.
    """

    en: str
    zh: str

    def __init__(self, en: str, zh: str) -> None:
        self.en, self.zh = en, zh

    PATIENT = "one patient", "一名患者"
    PERSON = "one person, across the patient numbers of the hospital", "同一人在本院的全部患者编号"
    HOSPITAL = "all patients of the hospital", "本院全部患者"


@dataclass(frozen=True)
class Rule:
    """One rule: what it checks, whom it asks, and why.

    `table` is the table whose records it judges (`subject` for one verdict per patient), `field` the column a finding
    points at, `source` the citation or protocol section, `why` and `why_zh` what would go wrong if nobody asked, `en` and
    `zh` the sentence a hospital reads. The docstring of `expression` says what passes, `passes_where_zh` the same in Chinese;
    `on_missing` and `on_missing_zh` what the rule does where a value it needs is empty, `scope` whose records it looks at.
    """

    rule_id: str
    table: str
    field: str
    severity: Severity
    source: str
    why: str
    why_zh: str
    en: str
    zh: str
    passes_where_zh: str
    on_missing: str
    on_missing_zh: str
    expression: Callable[[], pl.Expr]
    scope: Scope = Scope.PATIENT


@dataclass(frozen=True)
class Criterion:
    """One step of eligibility: True keeps the patient, False removes, null is unknown and leads to E4.

    `order` is the step in the flow chart. A criterion looks at one patient alone. The docstring of `expression` says how it is
    read, `read_zh` the same in Chinese.
    """

    criterion_id: str
    order: int
    label_en: str
    label_zh: str
    read_zh: str
    source: str
    expression: Callable[[], pl.Expr]


RULES: dict[str, Rule] = {}
CRITERIA: dict[str, Criterion] = {}


def rule(
    *,
    table: str,
    field: str,
    severity: Severity,
    source: str,
    why: str,
    why_zh: str,
    en: str,
    zh: str,
    passes_where_zh: str,
    on_missing: str = "not evaluable",
    on_missing_zh: str = "无法判定",
    scope: Scope = Scope.PATIENT,
) -> Callable[[Callable[[], pl.Expr]], Callable[[], pl.Expr]]:
    """Make a function that returns an expression (True = pass) a rule; its name becomes the rule's id."""

    def register(expression: Callable[[], pl.Expr]) -> Callable[[], pl.Expr]:
        rule_id = expression.__name__
        if rule_id in RULES:
            raise ValueError(f"two rules are called {rule_id}")
        RULES[rule_id] = Rule(
            rule_id=rule_id,
            table=table,
            field=field,
            severity=severity,
            source=source,
            why=why,
            why_zh=why_zh,
            en=en,
            zh=zh,
            passes_where_zh=passes_where_zh,
            on_missing=on_missing,
            on_missing_zh=on_missing_zh,
            expression=expression,
            scope=scope,
        )
        return expression

    return register


def criterion(
    *, order: int, label_en: str, label_zh: str, read_zh: str, source: str
) -> Callable[[Callable[[], pl.Expr]], Callable[[], pl.Expr]]:
    """Make a function that returns an expression over the subject table a step of eligibility."""

    def register(expression: Callable[[], pl.Expr]) -> Callable[[], pl.Expr]:
        criterion_id = expression.__name__
        if criterion_id in CRITERIA:
            raise ValueError(f"two criteria are called {criterion_id}")
        CRITERIA[criterion_id] = Criterion(criterion_id, order, label_en, label_zh, read_zh, source, expression)
        return expression

    return register


def is_implied(premise: pl.Expr, conclusion: pl.Expr) -> pl.Expr:
    """Return the verdict "where the premise holds, so does the conclusion": True where it does not hold.

    Null where the premise is unknown, or holds and the conclusion is unknown.
    """
    return pl.when(premise).then(conclusion).when(~premise).then(statement=True)


def compute_is_repeated(*columns: str, order: str) -> pl.Expr:
    """Return True from a patient's second record on that has the same values in every column; null where one is missing."""
    is_known = pl.all_horizontal(pl.col(name).is_not_null() for name in columns)
    position = pl.int_range(pl.len()).over("patient_id", *columns, order_by=order)
    return pl.when(is_known).then(position > 0)


def compute_differs_from_before(visit: Sequence[str], name: str, *, least: int) -> pl.Expr:
    """Return, at one record of a visit, whether any that can be compared with the one before it (`is_as_before`) says something else.

    Null where fewer than `least` can be compared, and at all but the first of them by `name`: a visit is asked about once.
    """
    same = pl.col("is_as_before")
    is_first = same.is_not_null() & (pl.col(name) == pl.col(name).filter(same.is_not_null()).min().over(visit))
    return pl.when(is_first & (same.count().over(visit) >= least)).then(~same.all().over(visit))


def compute_last_day() -> pl.Expr:
    """Return the last day on which anything can have happened to a patient: the death, where it comes before the last contact.

    A death before the start of therapy is a slip of its own and limits nothing.
    """
    is_death = pl.col("is_dead") & (pl.col("death_date") >= pl.col("first_line_start_date")).fill_null(value=True)
    return pl.min_horizontal("last_contact_or_death_date", pl.when(is_death).then("death_date"))


def lacks_diameter() -> pl.Expr:
    """Return, of a response, whether a target has no diameter on an image up to the visit: what its sum shows is open until that is answered."""
    return (pl.col("first_missing_diameter_date") <= pl.col("imaging_date")).fill_null(value=False)
