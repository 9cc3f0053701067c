"""Findings of the clinical rules: every rule of a table in one keyed pass; a broken rule is never a passed one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from etl.judging.book import FindingsBook
from etl.judging.findings import ERROR, make_findings
from etl.mapping.records import RECORD, TypedRecords
from etl.pages.text import Text
from schemas.contract import read_contract
from schemas.derive import join_subject
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
        frame = derived[SUBJECT] if table == SUBJECT else join_subject(table, accepted[table], derived)
        for rule, verdicts in _evaluate(rules, frame):
            if table == SUBJECT:
                home = _home_of(rule)
                base = accepted[home].select("patient_id", RECORD)
                joined = frame.select("patient_id").with_columns(verdicts.alias("verdict"))
                judged = joined.join(base, on="patient_id", how="left", maintain_order="left")
            else:
                home = table
                judged = frame.select(RECORD).with_columns(verdicts.alias("verdict"))
            _report_rule(rule, records[home], judged, book)


def _evaluate(rules: list[Rule], frame: pl.DataFrame) -> Iterator[tuple[Rule, pl.Series]]:
    """Yield each rule with its verdicts; where a rule breaks, its verdicts are an empty column of type String."""
    try:
        verdicts = frame.select([rule.expression().cast(pl.Boolean).alias(rule.rule_id) for rule in rules])
        yield from ((rule, verdicts[rule.rule_id]) for rule in rules)
    except pl.exceptions.PolarsError:
        for rule in rules:
            try:
                yield rule, frame.select(rule.expression().cast(pl.Boolean)).to_series()
            except pl.exceptions.PolarsError:
                yield rule, pl.Series(rule.rule_id, [None] * frame.height, dtype=pl.String)


def _home_of(rule: Rule) -> str:
    """Return the one-per-patient table that holds a subject rule's field; the patient table where none does."""
    return next((name for name in ONE_PER_PATIENT if rule.field in read_contract(TABLES[name])), "patient")


def _report_rule(rule: Rule, records: TypedRecords, judged: pl.DataFrame, book: FindingsBook) -> None:
    message = Text(rule.en, rule.zh)
    if judged["verdict"].dtype == pl.String:
        broken = Text(f"The rule {rule.rule_id} could not be run.", f"规则 {rule.rule_id} 无法执行。")
        blank = pl.DataFrame(
            {
                name: [None]
                for name in (
                    "patient_id",
                    "record_key",
                    "source_file",
                    "source_sheet",
                    "source_row",
                    "source_column",
                    "value",
                )
            }
        )
        book.findings.append(
            make_findings(
                blank,
                rule_id=rule.rule_id,
                severity=rule.severity,
                table=rule.table,
                field=rule.field,
                message=broken,
                outcome=ERROR,
            )
        )
        book.outcomes.append((rule.rule_id, rule.table, rule.severity.value, 0, 0, 0, judged.height))
        return
    failed = judged.filter(~pl.col("verdict")).filter(pl.col(RECORD).is_not_null())
    field = rule.field if rule.field in read_contract(TABLES[records.table]) else None
    book.add(records, failed, rule_id=rule.rule_id, severity=rule.severity, field=field, message=message)
    n_null = judged["verdict"].null_count()
    book.count(rule.rule_id, rule.table, rule.severity, n=judged.height, n_fail=failed.height, n_not_evaluable=n_null)
