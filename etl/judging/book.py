"""Collects findings and verdict counts while a delivery's tables are judged, each finding with its place in the file."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from etl.judging.findings import FINDING_SCHEMA, make_findings, number_findings
from etl.mapping.records import RECORD, TypedRecords
from etl.mapping.verbs import GROUP
from etl.pages.text import Text
from schemas.bookkeeping import RULE_OUTCOMES
from schemas.codes import Severity
from schemas.column import read_dtypes

OUTCOME_SCHEMA = read_dtypes(RULE_OUTCOMES)


@dataclass
class FindingsBook:
    """Findings and verdict counts of one delivery; `group_columns` tells the hospital's column behind a field."""

    group_columns: pl.DataFrame
    findings: list[pl.DataFrame] = field(default_factory=list)
    outcomes: list[tuple[str, str, str, int, int, int, int]] = field(default_factory=list)

    def add(
        self,
        records: TypedRecords,
        rows: pl.DataFrame,
        *,
        rule_id: str,
        severity: Severity,
        field: str | None,
        message: Text,
    ) -> None:
        """Add a finding for each row of `rows` (which has `_record`), pointing at `field` where there is one."""
        places = locate(records, rows, field, self.group_columns)
        self.findings.append(
            make_findings(places, rule_id=rule_id, severity=severity, table=records.table, field=field, message=message)
        )

    def count(
        self, rule_id: str, table: str, severity: Severity, *, n: int, n_fail: int, n_not_evaluable: int = 0
    ) -> None:
        """Count a contract rule's verdicts over `n` records."""
        self.outcomes.append((rule_id, table, severity.value, n - n_fail - n_not_evaluable, n_fail, n_not_evaluable, 0))

    def list_mapped(self, records: TypedRecords) -> frozenset[str]:
        """Return the fields of a table for which the hospital has a column, and `<field>__unit` where one holds the unit."""
        own = self.group_columns.join(records.frame.select(GROUP).unique(), on=GROUP, how="semi")
        return frozenset(own["field"])

    def close(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return all findings with their ids, and one line of verdict counts per rule."""
        findings = number_findings(pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *self.findings]))
        outcomes = pl.DataFrame(self.outcomes, schema=OUTCOME_SCHEMA, orient="row").sort("rule_id", "table_name")
        return findings, outcomes


def locate(records: TypedRecords, rows: pl.DataFrame, field: str | None, group_columns: pl.DataFrame) -> pl.DataFrame:
    """Return patient, record key and source coordinates of the given records, with the hospital's column and cell text."""
    frame = records.frame.join(rows.select(RECORD), on=RECORD, how="semi", maintain_order="left")
    text = pl.col(field) if field and field in records.raw.columns else pl.lit(None, dtype=pl.String)
    values = records.raw.select(RECORD, text.alias("_cell"))
    columns = group_columns.filter(pl.col("field") == (field or "")).unique(GROUP, maintain_order=True)
    named = columns.select(GROUP, pl.col("source_column").alias("_mapped"))
    located = frame.join(values, on=RECORD, how="left", maintain_order="left").join(
        named, on=GROUP, how="left", maintain_order="left"
    )
    column = pl.coalesce("_mapped", "source_column") if field else pl.col("source_column")
    return located.select(
        "patient_id",
        "record_key",
        "source_file",
        "source_sheet",
        "source_row",
        column.alias("source_column"),
        pl.col("_cell").alias("value"),
    )
