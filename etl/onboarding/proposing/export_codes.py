"""What must be asked once for a whole REDCap export and not of each field: missing-data codes, events, rows that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from etl.mapping.patient_rows import is_filled, join_rows
from etl.mapping.site import VISIT, normalise_code
from etl.onboarding.proposing.codes import CodeDraft
from etl.onboarding.proposing.layout import FoundSource, Layout
from etl.onboarding.proposing.proposal import Proposal
from etl.onboarding.proposing.redcap import ReadColumn, draft_events, find_project_codes, is_of_project
from etl.onboarding.proposing.words import PATIENT_NUMBER, VISIT_OF_ROW
from schemas.contract import read_key
from schemas.tables import TABLES


@dataclass
class Exports:
    """What the exports of a delivery hold: columns that are read, the events of rows that need a visit, contradicting patients by source."""

    columns: list[ReadColumn] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    contradicting: dict[str, int] = field(default_factory=dict)

    def add(self, source: FoundSource, proposals: Sequence[Proposal]) -> None:
        """Take in one source with what its columns are proposed to be."""
        if not source.is_redcap:
            return
        for p in proposals:
            if p.meaning and p.meaning.field and not p.meaning.record.startswith("?"):
                listed = {*p.profile.choices, *p.profile.choices.values()}
                self.columns.append(ReadColumn(p.meaning, source.rows[p.column], listed))
        self.events += _list_events(source, proposals)
        if n := _count_contradictions(source, proposals):
            self.contradicting[source.name] = n

    def complete(self, codes: Iterable[CodeDraft], layout: Layout) -> list[CodeDraft]:
        """Return the codes with those of the whole project in place of what each field would ask of the same ones."""
        declared = layout.dictionary.missing_codes if layout.dictionary else frozenset()
        whole = list(find_project_codes(self.columns, declared))
        # What a project's code means in its numbers and codes says nothing of a free text, which would keep it as a text.
        open_codes = [code for code in whole if code.is_open]
        texts = {(c.meaning.table, c.meaning.field) for c in self.columns if c.is_free_text}
        listed = {(c.meaning.table, c.meaning.field, normalise_code(code)) for c in self.columns for code in c.choices}
        own = [
            code
            for code in codes
            if not is_of_project(code.code, whole)
            or (code.table, code.field, normalise_code(code.code)) in listed
            or ((code.table, code.field) in texts and is_of_project(code.code, open_codes))
        ]
        return [*draft_events(self.events), *whole, *own]


def _list_events(source: FoundSource, proposals: Sequence[Proposal]) -> list[str]:
    """Return the event of each row that makes a record of a table that needs a visit."""
    event = next((p.column for p in proposals if p.meaning and p.meaning.id == VISIT_OF_ROW), None)
    needing = [
        p.column for p in proposals if p.meaning and p.meaning.field and VISIT in read_key(TABLES[p.meaning.table])
    ]
    return list_filled_events(source.rows, event, needing) if event else []


def list_filled_events(rows: pl.DataFrame, event: str, columns: Sequence[str]) -> list[str]:
    """Return the event of each row in which one of the columns is filled."""
    if not columns:
        return []
    return rows.filter(pl.any_horizontal([is_filled(name) for name in columns]))[event].drop_nulls().to_list()


def _count_contradictions(source: FoundSource, proposals: Sequence[Proposal]) -> int:
    """Count the patients whose rows say different things of a record that they should make together."""
    patient = next((p.column for p in proposals if p.meaning and p.meaning.id == PATIENT_NUMBER), None)
    meanings = {p.column: p.meaning for p in proposals if p.meaning and p.meaning.field}
    if not source.patient_rows or patient is None:
        return 0
    found: set[str] = set()
    for table in dict.fromkeys(m.table for m in meanings.values() if read_key(TABLES[m.table]) == ("patient_id",)):
        columns = [name for name, m in meanings.items() if m.table == table]
        rows = source.rows.select(
            pl.lit("").alias("source_file"), pl.lit("").alias("source_sheet"), *source.rows.columns
        )
        rows = rows.with_columns(pl.lit(0, dtype=pl.Int64).alias("_group")).filter(
            pl.any_horizontal([is_filled(name) for name in columns])
        )
        joined = join_rows(rows, table, columns, patient, {}, takes_last=False).records
        found |= set(joined.filter(pl.len().over(patient) > 1)[patient].drop_nulls())
    return len(found)
