"""Collects findings and verdict counts while a delivery's tables are judged, each finding with its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from etl.judging.findings import FINDING_SCHEMA, make_findings, number_findings
from etl.mapping.patient_rows import CELL_ROWS
from etl.mapping.records import TypedRecords
from etl.mapping.verbs import GROUP
from etl.pages.text import Text
from schemas.bookkeeping import RULE_OUTCOMES
from schemas.codes import Severity
from schemas.column import read_dtypes

OUTCOME_SCHEMA = read_dtypes(RULE_OUTCOMES)


@dataclass
class FindingsBook:
    """Findings and verdict counts of one delivery; `group_columns` tells the hospital's column behind a field, `cell_rows` a cell's row.

    Both as in `Mapped`.
    """

    group_columns: pl.DataFrame
    cell_rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CELL_ROWS))
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
    ) -> None:
        """Add a finding for each record of `rows` (their `_record`), pointing at `field` where there is one."""
        if rows.is_empty():
            return
        own = (pl.col("table_name") == records.table) & (pl.col("field") == (field or ""))
        elsewhere = self.cell_rows.filter(own)
        places = locate(records, rows, field, self.groups_of.get(field or "", {}), elsewhere)
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


def locate(
    records: TypedRecords, rows: pl.Series, field: str | None, columns: Mapping[int, str], elsewhere: pl.DataFrame
) -> pl.DataFrame:
    """Return patient, record key and source coordinates of the given records, with the hospital's column and cell text.

    A record's number is its place in the frame. `columns` are the field's columns by group, `elsewhere` the cells of the field that
    stand in another row than their record.
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
    if elsewhere.height:
        places_of = ["source_file", "source_sheet", "source_row", GROUP]
        rows_of = elsewhere.select(*places_of, "cell_row")
        frame = frame.join(rows_of, on=places_of, how="left", nulls_equal=True, maintain_order="left")
        frame = frame.with_columns(source_row=pl.coalesce("cell_row", "source_row"))
    return frame.select(
        "patient_id",
        "record_key",
        "source_file",
        "source_sheet",
        "source_row",
        column.alias("source_column"),
        value=pl.lit(None, dtype=pl.String) if value is None else value,
    )
