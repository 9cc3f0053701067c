"""Takes a patient out of every version of a hospital, so that nothing of the patient is left in the tables; each table is stated anew.

What was counted on the day of a load (rows, cells, verdicts of rules) stays counted: a number is nobody's value. How complete fields are is
counted again, for a page shows it beside records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from etl.store.database import Warehouse
from etl.store.shape import SCHEMA_COLUMN, declare_tables
from etl.store.statements import read_states
from etl.store.trail import read_trail
from schemas.bookkeeping import ERASED_QUERY
from schemas.column import read_dtypes
from schemas.tables import TABLES

COMPLETENESS, SOURCE_ROW, KEPT_RECORD = "versions.completeness", "landing.source_row", "landing.kept_record"
_RECORDS = tuple(f"versions.{name}" for name in TABLES)
_PLACE = "delivery, source_file, coalesce(source_sheet, ''), source_row"
_OF_NOBODY = ("versions.findings", "versions.quarantine")
"""What may be about a row of the patient and name nobody: a stray cell, a number that cannot be read."""


@dataclass(frozen=True)
class Erased:
    """What was taken out: versions that held the patient, and of all of them records, row texts, questions and answers.

    `n_unassigned` are row texts of versions that did not note whose row it was: those in which no other patient's record stands.
    """

    ingests: tuple[int, ...]
    n_records: int
    n_row_texts: int
    n_unassigned: int
    n_findings: int
    n_answers: int


def list_held(warehouse: Warehouse, hospital: str, patient_id: str) -> list[int]:
    """Return the ingests of a hospital in which anything of a patient stands."""
    tables = [table for table, columns in declare_tables().items() if {"patient_id", "ingest_id"} <= {*columns}]
    held = " union ".join(f"select ingest_id from {table} where patient_id = $1" for table in tables)  # noqa: S608 (names are ours)
    sql = f"select ingest_id from ingests where hospital = $2 and ingest_id in ({held}) order by ingest_id"  # noqa: S608
    return warehouse.query(sql, [patient_id, hospital])["ingest_id"].to_list()


def look_before_erasing(warehouse: Warehouse, hospital: str, patient_ids: Iterable[str]) -> None:
    """Note what is not as it was stated of the versions that hold patients, and of the answers: stating it anew would hide it.

    Called once in a transaction, before anything is taken out.
    """
    stated = read_trail(warehouse).stated
    for ingest_id in sorted({one for patient_id in patient_ids for one in list_held(warehouse, hospital, patient_id)}):
        _look_before(warehouse, stated, str(ingest_id))
    warehouse.look_at_answers(hospital)


def erase_patient(warehouse: Warehouse, hospital: str, patient_id: str) -> Erased:
    """Take a patient out of every version of a hospital, inside the caller's transaction, which has looked before (`look_before_erasing`)."""
    ingests = list_held(warehouse, hospital, patient_id)
    n_answers = _erase_answers(warehouse, hospital, patient_id)
    counts: dict[str, int] = {}
    for ingest_id in ingests:
        for name, n in _erase_version(warehouse, ingest_id, patient_id).items():
            counts[name] = counts.get(name, 0) + n
        _count_filled_again(warehouse, ingest_id)
    n_records = sum(counts.get(table, 0) for table in _RECORDS)
    n_texts, n_unassigned = counts.get(SOURCE_ROW, 0), counts.get("unassigned", 0)
    return Erased(tuple(ingests), n_records, n_texts, n_unassigned, counts.get("versions.findings", 0), n_answers)


def _look_before(warehouse: Warehouse, stated: Mapping[str, Mapping[str, list[Any]]], part: str) -> None:
    """Note the tables of a version that are not what was stated of them: stating them anew would hide it."""
    for table in _list_versioned():
        told = stated.get(table, {}).get(part, [0, ""])
        now = [*read_states(warehouse, table, part).get(part, (0, ""))]
        if told != now and told[0] + now[0] > 0:
            warehouse.note_found_changed(table)


def _list_versioned() -> list[str]:
    return [table for table in declare_tables() if table.startswith(("versions.", "landing."))]


def _erase_version(warehouse: Warehouse, ingest_id: int, patient_id: str) -> dict[str, int]:
    """Take a patient out of one version; return how many records were taken out of each table."""
    part, counts = str(ingest_id), {}
    counts["unassigned"] = _erase_unassigned(warehouse, ingest_id, patient_id)
    n_set_aside = _count_set_aside(warehouse, ingest_id, patient_id)
    theirs = f"({_PLACE}) in ({_select_rows(ingest_id, '=')})"
    for table in _OF_NOBODY:
        counts[table] = warehouse.delete_records(table, part, f"patient_id is null and {theirs}", [patient_id])
    for table, columns in declare_tables().items():
        if table in _list_versioned() and "patient_id" in columns and table != SOURCE_ROW:
            counts[table] = counts.get(table, 0) + warehouse.delete_records(
                table, part, "patient_id = $2", [patient_id]
            )
    counts[SOURCE_ROW] = warehouse.delete_records(SOURCE_ROW, part, "patient_id = $2", [patient_id])
    n = counts[KEPT_RECORD] or sum(counts[table] for table in _RECORDS) + n_set_aside
    warehouse.execute(
        "update ingests set records_erased = coalesce(records_erased, 0) + ?, patients_erased = coalesce(patients_erased, 0) + 1 "
        "where ingest_id = ?",
        [n, ingest_id],
    )
    return counts


def _count_set_aside(warehouse: Warehouse, ingest_id: int, patient_id: str) -> int:
    sql = (
        "select count(*) as n from (select distinct table_name, delivery, source_file, source_sheet, source_row, record_key "
        "from versions.findings where ingest_id = ? and patient_id = ? and severity = 'reject')"
    )
    return int(warehouse.query(sql, [ingest_id, patient_id])["n"][0])


def _select_rows(ingest_id: int, comparison: str) -> str:
    """Return the query of the rows of a version in which something of the patient `$2` stands, or (`<>`) of another patient."""
    tables = (*_RECORDS, "versions.findings", SOURCE_ROW)
    return " union ".join(
        f"select {_PLACE} from {table} where ingest_id = {ingest_id} and patient_id {comparison} $2 and source_row is not null"  # noqa: S608 (an integer and names of ours)
        for table in tables
    )


def _erase_unassigned(warehouse: Warehouse, ingest_id: int, patient_id: str) -> int:
    """Take out row texts of a version that did not note whose rows they are, but for those in which another patient's record stands."""
    since = warehouse.query(
        f"select since_ingest_id from {SCHEMA_COLUMN} where table_name = ? and column_name = 'patient_id'",  # noqa: S608
        [SOURCE_ROW],
    )["since_ingest_id"][0]
    if ingest_id >= since:
        return 0
    condition = f"({_PLACE}) not in ({_select_rows(ingest_id, '<>')})"
    return warehouse.delete_records(SOURCE_ROW, str(ingest_id), condition, [patient_id])


def _erase_answers(warehouse: Warehouse, hospital: str, patient_id: str) -> int:
    """Take out the answers to a patient's questions, and keep the questions' hashes: workbooks may still hold answers to them."""
    sql = (
        "select distinct finding_id from (select finding_id from versions.findings where hospital = $1 and patient_id = $2 union all "
        "select finding_id from cross_findings where hospital = $1 and patient_id = $2)"
    )
    ids = warehouse.query(sql, [hospital, patient_id])["finding_id"].drop_nulls().sort()
    hashes = [hash_query(one) for one in ids]
    known = set(warehouse.query("select query_hash from erased_query where hospital = ?", [hospital])["query_hash"])
    new = [(hospital, one) for one in hashes if one not in known]
    warehouse.append("main.erased_query", pl.DataFrame(new, schema=read_dtypes(ERASED_QUERY), orient="row"))
    if ids.is_empty():
        return 0
    return warehouse.delete_records("main.answers", hospital, "list_contains($2, finding_id)", [ids.to_list()])


def hash_query(finding_id: str) -> str:
    """Return by what a query about an erased patient is known again."""
    return hashlib.sha256(finding_id.encode()).hexdigest()


def _count_filled_again(warehouse: Warehouse, ingest_id: int) -> None:
    """Count again how many records of a version there are and how many fill each field."""
    held = warehouse.query(f"select * from {COMPLETENESS} where ingest_id = ?", [ingest_id])  # noqa: S608 (names are ours)
    counted = [*_count_filled(warehouse, held, ingest_id)]
    schema = {"table_name": pl.String, "field": pl.String, "n_records": pl.Int64, "n_filled": pl.Int64}
    now = pl.DataFrame(counted, schema=schema, orient="row")
    again = held.drop("n_records", "n_filled").join(now, on=["table_name", "field"], how="left", maintain_order="left")
    warehouse.delete_records(COMPLETENESS, str(ingest_id), "true", [])
    warehouse.append(COMPLETENESS, again.select(held.columns))


def _count_filled(warehouse: Warehouse, held: pl.DataFrame, ingest_id: int) -> Iterator[tuple[str, str, int, int]]:
    for (table,), fields in held.group_by("table_name", maintain_order=True):
        names = fields["field"].to_list()
        counts = ", ".join(f'count("{name}")' for name in names)
        sql = f"select count(*), {counts} from versions.{table} where ingest_id = ?"  # noqa: S608 (names are ours)
        n_records, *n_filled = warehouse.query(sql, [ingest_id]).row(0)
        yield from ((str(table), name, n_records, n) for name, n in zip(names, n_filled, strict=True))
