"""Collects findings and verdict counts while a delivery's tables are judged, each finding with its place in the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl

from etl.judging.findings import FAIL, FINDING_SCHEMA, PERSONAL_DATA_RULE, number_findings
from etl.judging.settled import PLACE, SettledRecords
from etl.mapping.patient_rows import CELL_ROWS
from etl.mapping.records import RECORD
from etl.mapping.verbs import GROUP
from etl.pages.text import Text
from schemas.bookkeeping import RULE_OUTCOMES
from schemas.codes import Severity
from schemas.column import read_dtypes

OUTCOME_SCHEMA = read_dtypes(RULE_OUTCOMES)


@dataclass(frozen=True)
class _Found:
    """What a rule found in one table: the records' numbers, each once and sorted, what is said of them, and the values that can be confirmed."""

    table: str
    rows: pl.Series
    rule_id: str
    severity: Severity
    field: str | None
    message: Text
    readings: pl.Series


@dataclass
class FindingsBook:
    """Findings and verdict counts of one delivery; `group_columns` tells the hospital's column behind a field, `cell_rows` a cell's row.

    Both as in `Mapped`. Which records were found is noted while tables are judged; where they stand in the files is looked up at the
    end, in one pass a table.
    """

    group_columns: pl.DataFrame
    cell_rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CELL_ROWS))
    findings: list[pl.DataFrame] = field(default_factory=list)
    outcomes: list[tuple[str, str, str, int, int, int, int]] = field(default_factory=list)
    _found: list[_Found] = field(default_factory=list)

    @cached_property
    def groups_of(self) -> Mapping[str, Mapping[int, str]]:
        """The groups of records that have a column for a field, with that column's name."""
        found: dict[str, dict[int, str]] = {}
        for group, name, column in self.group_columns.select(GROUP, "field", "source_column").iter_rows():
            found.setdefault(name, {}).setdefault(group, column)
        return found

    def add(
        self,
        table: str,
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
        if not len(rows):
            return
        ordered = rows.unique().sort()
        reading = pl.Series("reading", [None], dtype=pl.Float64).new_from_index(0, len(ordered))
        if readings is not None:
            reading = readings.unique(RECORD).sort(RECORD)["reading"]
        self._found.append(_Found(table, ordered, rule_id, severity, field, message, reading))

    def count(
        self, rule_id: str, table: str, severity: Severity, *, n: int, n_fail: int, n_not_evaluable: int = 0
    ) -> None:
        """Count a contract rule's verdicts over `n` records."""
        self.outcomes.append((rule_id, table, severity.value, n - n_fail - n_not_evaluable, n_fail, n_not_evaluable, 0))

    def withdraw(self, table: str, rule_id: str, rows: pl.Series) -> None:
        """Take back what a clinical rule found at records (`_record`) of a table: it cannot be told whether they pass."""
        for n, found in enumerate(self._found):
            if (found.table, found.rule_id) == (table, rule_id):
                is_left = ~found.rows.is_in(rows.implode())
                self._found[n] = replace(
                    found, rows=found.rows.filter(is_left), readings=found.readings.filter(is_left)
                )
        self._found = [found for found in self._found if len(found.rows)]
        for n, (rule, home, severity, n_pass, n_fail, n_null, n_error) in enumerate(self.outcomes):
            if rule == rule_id:
                self.outcomes[n] = (rule, home, severity, n_pass, n_fail - len(rows), n_null + len(rows), n_error)

    def list_found(self, *, but_for: Severity | None = None) -> pl.DataFrame:
        """Return what was found so far as table_name, rule_id, field and _record, if need be without the findings of one severity."""
        told = [f for f in self._found if f.severity != but_for]
        named = [(f.table, f.rule_id, f.field) for f in told]
        names = pl.DataFrame(named, schema=dict.fromkeys(("table_name", "rule_id", "field"), pl.String), orient="row")
        rows = pl.concat([pl.Series(RECORD, [], dtype=pl.Int64), *(f.rows.alias(RECORD) for f in told)])
        return _repeat(names, told).with_columns(rows)

    def list_mapped(self, groups: Collection[int]) -> frozenset[str]:
        """Return the fields for which the given groups of records have a column, and `<field>__unit` where one holds the unit."""
        return frozenset(name for name, own in self.groups_of.items() if not own.keys().isdisjoint(groups))

    def close(self, records: Mapping[str, SettledRecords]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return all findings with their ids, and one line of verdict counts per rule."""
        located = [self._locate(table) for table in records.values()]
        findings = number_findings(pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *located, *self.findings]))
        outcomes = pl.DataFrame(self.outcomes, schema=OUTCOME_SCHEMA, orient="row").sort("rule_id", "table_name")
        return findings, outcomes

    def _locate(self, records: SettledRecords) -> pl.DataFrame:
        """Return a table's findings with patient, record key and source coordinates, the hospital's column and the cell's text."""
        found = sorted((f for f in self._found if f.table == records.table), key=lambda f: f.field or "")
        if not found:
            return pl.DataFrame(schema=FINDING_SCHEMA)
        told = pl.DataFrame(
            [(f.rule_id, f.severity.value, f.field, f.message.en, f.message.zh) for f in found],
            schema=dict.fromkeys(("rule_id", "severity", "field", "message_en", "message_zh"), pl.String),
            orient="row",
        )
        rows = pl.concat([f.rows for f in found])
        cells = _repeat(told, found).with_columns(
            rows.alias(RECORD), pl.concat([f.readings for f in found]).alias("reading")
        )
        fixed = {"finding_id": None, "outcome": FAIL, "table_name": records.table}
        everything = self.locate(records, cells).with_columns(pl.lit(text).alias(name) for name, text in fixed.items())
        is_told = pl.col("rule_id") != PERSONAL_DATA_RULE  # of personal data the place and the kind are told, no text
        everything = everything.with_columns(pl.when(is_told).then("value").alias("value"))
        return everything.select([pl.col(name).cast(dtype) for name, dtype in FINDING_SCHEMA.items()])

    def locate(self, records: SettledRecords, cells: pl.DataFrame) -> pl.DataFrame:
        """Return `cells` with patient, record key, delivery and source coordinates, the hospital's column and the cell's text as `value`.

        `cells` has _record and field (null: it is about the whole record), those of one field beneath each other.
        """
        parts = cells.select(RECORD, "field").partition_by("field", maintain_order=True)
        texts = [records.read_texts(part["field"][0], part[RECORD]) for part in parts]
        columns = self.group_columns.unique([GROUP, "field"], keep="first", maintain_order=True)
        places = (
            records.pick(cells[RECORD], ["patient_id", "record_key", "delivery", *PLACE, GROUP])
            .with_columns(cells)
            .join(columns.rename({"source_column": "column"}), on=[GROUP, "field"], how="left", maintain_order="left")
        )
        places = self._find_cells(places, records.table)
        return places.with_columns(source_column=pl.coalesce("column", "source_column"), value=pl.concat(texts))

    def _find_cells(self, places: pl.DataFrame, table: str) -> pl.DataFrame:
        """Return places with the row of the field's cell, where that is not its record's."""
        own = self.cell_rows.filter(pl.col("table_name") == table)
        if own.is_empty():
            return places
        of_cell = ["source_file", "source_sheet", "source_row", GROUP, "field"]
        told = places.join(
            own.select(*of_cell, "cell_row"), on=of_cell, how="left", nulls_equal=True, maintain_order="left"
        )
        return told.with_columns(source_row=pl.coalesce("cell_row", "source_row")).drop("cell_row")


def _repeat(told: pl.DataFrame, found: Sequence[_Found]) -> pl.DataFrame:
    """Return what is told of each rule's findings once for each record."""
    return told[np.repeat(np.arange(len(found)), [len(f.rows) for f in found])]
