"""Findings of the clinical rules: every rule of a table in one keyed pass; a broken rule is never a passed one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

import polars as pl

from etl.judging.book import FindingsBook
from etl.judging.findings import ERROR, make_findings
from etl.mapping.records import RECORD, TypedRecords
from etl.pages.text import Text
from schemas.bookkeeping import SOURCE_CELL
from schemas.contract import read_contract
from schemas.derive import KEYS, join_subject
from schemas.rules import RULES
from schemas.rules.rule import SUBJECT, Rule
from schemas.tables import TABLES

ONE_PER_PATIENT = ("patient", "baseline", "outcome")


def judge_rules(
    records: Mapping[str, TypedRecords],
    accepted: Mapping[str, pl.DataFrame],
    derived: Mapping[str, pl.DataFrame],
    book: FindingsBook,
) -> None:
    """Evaluate every clinical rule of every table in one keyed pass a table."""
    for table in (*TABLES, SUBJECT):
        rules = [rule for rule in RULES.values() if rule.table == table]
        if not rules:
            continue
        asked = {rule.rule_id: rule.expression().cast(pl.Boolean).alias(rule.rule_id) for rule in rules}
        homes = {rule.rule_id: _home_of(rule) if table == SUBJECT else table for rule in rules}
        if table == SUBJECT:
            frame = derived[SUBJECT]
            for home in sorted(set(homes.values())):
                places = accepted[home].select("patient_id", pl.col(RECORD).alias(f"_{home}"))
                frame = frame.join(places, on="patient_id", how="left", maintain_order="left")
        else:
            needed = {RECORD, *KEYS}.union(*(expression.meta.root_names() for expression in asked.values()))
            narrow = {name: _select_known(frame, needed) for name, frame in derived.items()}
            frame = join_subject(table, _select_known(accepted[table], needed), narrow)
            frame = frame.with_columns(pl.col(RECORD).alias(f"_{table}"))
        verdicts = _evaluate(asked, frame)
        for rule in rules:
            home = homes[rule.rule_id]
            if rule.rule_id in verdicts.columns:
                _report_rule(rule, records[home], verdicts[rule.rule_id], frame[f"_{home}"], book)
            else:
                _report_broken(rule, frame.height, book)


def _select_known(frame: pl.DataFrame, needed: Collection[str]) -> pl.DataFrame:
    """Return the columns that the rules read: with all of a patient's facts beside each lesion a large hospital needs much memory."""
    return frame.select(name for name in frame.columns if name in needed)


def _evaluate(asked: Mapping[str, pl.Expr], frame: pl.DataFrame) -> pl.DataFrame:
    """Return each rule's verdicts as a column of its name; a rule that breaks has none."""
    try:
        return frame.select(asked.values())
    except pl.exceptions.PolarsError:
        kept: list[pl.Series] = []
        for expression in asked.values():
            with suppress(pl.exceptions.PolarsError):
                kept.append(frame.select(expression).to_series())
        return pl.DataFrame(kept)


def _home_of(rule: Rule) -> str:
    """Return the one-per-patient table that holds a subject rule's field; the patient table where none does."""
    return next((name for name in ONE_PER_PATIENT if rule.field in read_contract(TABLES[name])), "patient")


def _report_rule(rule: Rule, records: TypedRecords, verdicts: pl.Series, places: pl.Series, book: FindingsBook) -> None:
    """Report a rule's verdicts, each on the record at its place; without such a record there is nothing to point at."""
    n_null = verdicts.null_count()
    failed = verdicts.clear(0).cast(pl.Int64)
    if n_null + (verdicts.sum() or 0) < len(verdicts):
        failed = places.filter(verdicts.not_().fill_null(value=False)).drop_nulls()
    field = rule.field if rule.field in read_contract(TABLES[records.table]) else None
    book.add(records, failed, rule_id=rule.rule_id, severity=rule.severity, field=field, message=Text(rule.en, rule.zh))
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
