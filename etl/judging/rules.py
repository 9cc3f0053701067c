"""Findings of the clinical rules: every rule of a table in one keyed pass; a broken rule is never a passed one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cache

import polars as pl

from etl.judging.book import FindingsBook
from etl.judging.findings import ERROR, make_findings
from etl.judging.settled import SettledRecords
from etl.mapping.records import RECORD
from etl.pages.text import Text
from schemas.bookkeeping import SOURCE_CELL
from schemas.contract import read_contract
from schemas.derive import join_lazily
from schemas.rules import RULES
from schemas.rules.rule import SUBJECT, Rule
from schemas.tables import TABLES

ONE_PER_PATIENT = ("patient", "baseline", "outcome")
PLACES = f"^_({'|'.join(TABLES)})$"
"""Columns with the places of the records that verdicts are about, by the records' table."""
_ENGINE = "in-memory"
"""Polars' plain engine costs half of what its streaming one does, as long as no rule orders a window: see `schemas/definitions/records_before.py`."""


def judge_rules(
    records: Mapping[str, SettledRecords],
    derived: Mapping[str, pl.DataFrame],
    book: FindingsBook,
) -> None:
    """Evaluate every clinical rule of every table in one keyed pass a table."""
    facts = {name: frame.lazy() for name, frame in derived.items()}
    accepted = {name: table.accepted for name, table in records.items()}
    for table in (*TABLES, SUBJECT):
        rules = [rule for rule in RULES.values() if rule.table == table]
        if not rules:
            continue
        asked = {rule.rule_id: _write(rule) for rule in rules}
        homes = {rule.rule_id: _home_of(rule) if table == SUBJECT else table for rule in rules}
        verdicts = _evaluate(asked, _join_places(table, set(homes.values()), accepted, facts))
        for rule in rules:
            home = homes[rule.rule_id]
            if rule.rule_id in verdicts.columns:
                _report_rule(rule, home, verdicts[rule.rule_id], verdicts[f"_{home}"], book)
            else:
                _report_broken(rule, verdicts.height, book)


def _join_places(
    table: str, homes: Collection[str], accepted: Mapping[str, pl.DataFrame], facts: Mapping[str, pl.LazyFrame]
) -> pl.LazyFrame:
    """Return what the rules of a table read, and in `_<home>` the place of the record in its home table that a verdict is about.

    Lazy, so that only the columns which the rules read are put beside a large hospital's lesions.
    """
    if table != SUBJECT:
        place = pl.col(RECORD).alias(f"_{table}")
        return join_lazily(table, accepted[table].lazy(), facts).with_columns(place)
    frame = facts[SUBJECT]
    for home in sorted(homes):
        places = accepted[home].lazy().select("patient_id", pl.col(RECORD).alias(f"_{home}"))
        frame = frame.join(places, on="patient_id", how="left", maintain_order="left")
    return frame


@cache
def _write(rule: Rule) -> pl.Expr:
    """Return a rule's verdict as a column of its name; its expression hangs on nothing and is written once."""
    return rule.expression().cast(pl.Boolean).alias(rule.rule_id)


def _evaluate(asked: Mapping[str, pl.Expr], frame: pl.LazyFrame) -> pl.DataFrame:
    """Return each rule's verdicts as a column of its name, and the places of the records; a rule that breaks has no column."""
    places = pl.selectors.matches(PLACES)
    try:
        return frame.select(places, *asked.values()).collect(engine=_ENGINE)
    except pl.exceptions.PolarsError:
        verdicts = frame.select(places).collect(engine=_ENGINE)
        for expression in asked.values():
            with suppress(pl.exceptions.PolarsError):
                verdicts = verdicts.with_columns(frame.select(expression).collect(engine=_ENGINE).to_series())
        return verdicts


def _home_of(rule: Rule) -> str:
    """Return the one-per-patient table that holds a subject rule's field; the patient table where none does."""
    return next((name for name in ONE_PER_PATIENT if rule.field in read_contract(TABLES[name])), "patient")


def _report_rule(rule: Rule, home: str, verdicts: pl.Series, places: pl.Series, book: FindingsBook) -> None:
    """Report a rule's verdicts, each on the record at its place; without such a record there is nothing to point at."""
    n_null = verdicts.null_count()
    failed = verdicts.clear(0).cast(pl.Int64)
    if n_null + (verdicts.sum() or 0) < len(verdicts):
        failed = places.filter(verdicts.not_().fill_null(value=False)).drop_nulls()
    field = rule.field if rule.field in read_contract(TABLES[home]) else None
    book.add(home, failed, rule_id=rule.rule_id, severity=rule.severity, field=field, message=Text(rule.en, rule.zh))
    n = len(verdicts)
    book.count(rule.rule_id, rule.table, rule.severity, n=n, n_fail=len(failed), n_not_evaluable=n_null)


def _report_broken(rule: Rule, n: int, book: FindingsBook) -> None:
    broken = Text(f"The rule {rule.rule_id} could not be run.", f"规则 {rule.rule_id} 无法执行。")
    nowhere = pl.DataFrame({name: [None] for name in ("patient_id", "record_key", *SOURCE_CELL)})
    book.findings.append(
        make_findings(
            nowhere,
            rule_id=rule.rule_id,
            severity=rule.severity,
            table=rule.table,
            field=rule.field,
            message=broken,
            outcome=ERROR,
        )
    )
    book.outcomes.append((rule.rule_id, rule.table, rule.severity.value, 0, 0, 0, n))
