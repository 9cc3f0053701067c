"""Collects findings and verdict counts while a delivery's tables are judged, each finding with its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

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

    @cached_property
    def groups_of(self) -> Mapping[str, Mapping[int, str]]:
        """The groups of records that have a column for a field, with that column's name."""
        found: dict[str, dict[int, str]] = {}
        for group, name, column in self.group_columns.select(GROUP, "field", "source_column").iter_rows():
            found.setdefault(name, {}).setdefault(group, column)
        return found

    def add(
        self,
        records: TypedRecords,
        rows: pl.Series,
        *,
        rule_id: str,
        severity: Severity,
        field: str | None,
        message: Text,
        readings: pl.DataFrame | None = None,
    ) -> None:
        """Add a finding for each record of `rows` (their `_record`), pointing at `field` where there is one.

        `readings` has _record and, of cells that can be confirmed, the value that would count.
        """
        if rows.is_empty():
            return
        places = locate(records, rows, field, self.groups_of.get(field or "", {}))
        if readings is not None:
            places = places.with_columns(readings.unique(RECORD).sort(RECORD)["reading"])
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
        own = set(records.frame[GROUP].unique())
        return frozenset(name for name, groups in self.groups_of.items() if not own.isdisjoint(groups))

    def close(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return all findings with their ids, and one line of verdict counts per rule."""
        findings = number_findings(pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *self.findings]))
        outcomes = pl.DataFrame(self.outcomes, schema=OUTCOME_SCHEMA, orient="row").sort("rule_id", "table_name")
        return findings, outcomes


def locate(records: TypedRecords, rows: pl.Series, field: str | None, columns: Mapping[int, str]) -> pl.DataFrame:
    """Return patient, record key and source coordinates of the given records, with the hospital's column and cell text.

    A record's number is its place in the frame. `columns` are the field's columns by group.
    """
    places = rows.unique().sort()
    frame = records.frame[places]
    value = records.raw[field][places] if field and field in records.raw.columns else None
    column = pl.col("source_column")
    if columns:
        known = pl.col(GROUP).replace_strict(
            list(columns), list(columns.values()), default=None, return_dtype=pl.String
        )
        column = pl.coalesce(known, column)
    return frame.select(
        "patient_id",
        "record_key",
        "delivery",
        "source_file",
        "source_sheet",
        "source_row",
        column.alias("source_column"),
        value=pl.lit(None, dtype=pl.String) if value is None else value,
    )
