"""Invented patients written as a hospital's delivery, and the questions that an ingest asks about each. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from judged_delivery import KEY, SITE, judge_mapped, wrap_texts

from etl.mapping.identity import PseudonymKey, pseudonymise
from etl.mapping.verbs import GROUP, PATIENT_TEXT, PERSON_TEXT, WRITTEN_SUFFIX, Mapped
from etl.mapping.written import Written
from patients.invented_patient import LAST_DAY, InventedPatient, OnlyMonth
from schemas.contract import read_contract
from schemas.tables import TABLES

SIGNS = {"=": "", "<": "<", ">": ">", "<=": "<=", ">=": ">="}


@dataclass(frozen=True, order=True)
class Question:
    """What a hospital is asked: the rule, the table and field it points at, and the record."""

    rule_id: str
    table: str
    field: str | None
    record: str
    severity: str


def ask(patients: Sequence[InventedPatient], key: PseudonymKey = KEY) -> list[set[Question]]:
    """The questions about each patient (and the own twin), judged together as one delivery."""
    numbered = [(f"P{number:06}", made) for number, made in enumerate(patients, start=1)]
    numbered += [(f"{name}T", made.twin) for name, made in numbered if made.twin]
    mapped = _map(numbered)
    validated = judge_mapped(mapped, SITE, LAST_DAY, key, tables=TABLES)
    names = pl.Series([name for name, _ in numbered])
    owner = dict(zip(pseudonymise(names, key, SITE.hospital), (name.rstrip("T") for name in names), strict=True))
    asked: dict[str, set[Question]] = {name: set() for name, _ in numbered}
    told = validated.findings.select("patient_id", "rule_id", "table_name", "field", "record_key", "severity")
    for patient, *question in told.iter_rows():
        asked[owner[patient]].add(Question(*question[:3], question[3] or "", question[4]))
    return [asked[name] for name, made in numbered if not name.endswith("T")]


def _map(numbered: list[tuple[str, InventedPatient]]) -> Mapped:
    records = {table: _write_table(table, numbered) for table in TABLES}
    columns = [(1, name, name) for table in TABLES for name in read_contract(TABLES[table])]
    return wrap_texts(records, set(columns))


def _write_table(table: str, numbered: list[tuple[str, InventedPatient]]) -> pl.DataFrame:
    names = [name for name, spec in read_contract(TABLES[table]).items() if not spec.is_made or name == "person_id"]
    texts = {
        PATIENT_TEXT: [name for name, made in numbered for _ in made.tables[table]],
        PERSON_TEXT: [
            made.national_id if table == "patient" else None for _, made in numbered for _ in made.tables[table]
        ],
    }
    rows = [row for _, made in numbered for row in made.tables[table]]
    if unknown := {name for row in rows for name in row} - {*names, "value_comparator"}:
        raise ValueError(f"{table} has no {sorted(unknown)}")
    texts |= {name: [_write(row, name) for row in rows] for name in names}
    of_months = {name for row in rows for name, value in row.items() if isinstance(value, OnlyMonth)}
    texts |= {name + WRITTEN_SUFFIX: [Written.MONTH.value] * len(rows) for name in sorted(of_months)}
    frame = pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String))
    return frame.with_columns(
        pl.lit(f"{table}.csv").alias("source_file"),
        pl.lit(None, dtype=pl.String).alias("source_sheet"),
        pl.int_range(2, pl.len() + 2, dtype=pl.Int64).alias("source_row"),
        pl.lit(None, dtype=pl.String).alias("source_column"),
        pl.lit(1, dtype=pl.Int64).alias(GROUP),
    )


def _write(row: dict[str, object], name: str) -> str | None:
    value = row.get(name)
    if name == "value" and row.get("value_comparator") == "not_detected":
        return "未检出"
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, OnlyMonth):
        return f"{value:%Y-%m}"
    if isinstance(value, dt.date):
        return value.isoformat()
    text = f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return SIGNS[str(row.get("value_comparator") or "=")] + text if name == "value" else text
