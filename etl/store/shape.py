"""The declared shape of every table of the warehouse, and how it is written in DuckDB's words.

Nothing is declared here but the store's own tables: records come from the contracts, derived frames and what is
kept about ingests from their declarations in `schemas`.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from schemas import bookkeeping
from schemas.column import Column, DType, read_dtypes
from schemas.contract import read_columns
from schemas.derived_columns import DERIVED_COLUMNS, STORED_FRAMES
from schemas.tables import TABLES

Shape = Mapping[str, Mapping[str, str]]
"""Columns of each table and their types in DuckDB's words, by `schema.table`."""

DUCKDB_TYPES: dict[DType, str] = {
    pl.String: "VARCHAR",
    pl.Int64: "BIGINT",
    pl.Float64: "DOUBLE",
    pl.Boolean: "BOOLEAN",
    pl.Date: "DATE",
    pl.Binary: "BLOB",
}
SCHEMA_VERSION = "main.schema_version"
SCHEMA_COLUMN = "main.schema_column"
CHANGE = "main.change"
OWED = "main.owed"
PAGE = "main.page"
EVENT = "main.event"
PERMISSION = "main.permission"
ROW_SALT, ROW_CHECK = "row_salt", "row_check"
SEAL: dict[str, Column] = {
    ROW_SALT: Column(pl.Binary, "random salt of the record's hash"),
    ROW_CHECK: Column(pl.Int64, "first four bytes of that hash, by which a record that was changed is named"),
}
"""What the store keeps beside each record of patients or about them; no frame has it, and no view shows it."""
OWN_TABLES: dict[str, dict[str, Column]] = {
    SCHEMA_VERSION: {
        "version": Column(pl.Int64, "number of the last migration that this database has had"),
        "views_hash": Column(pl.String, "hash of the SQL that its views were made from"),
    },
    SCHEMA_COLUMN: {
        "table_name": Column(pl.String, "table, with its schema"),
        "column_name": Column(pl.String, "column"),
        "since_ingest_id": Column(pl.Int64, "first ingest that fills the column"),
    },
    CHANGE: {
        "number": Column(pl.Int64, "how many changes were committed in this database"),
        "changed_at": Column(pl.String, "time of the last one, UTC"),
    },
    OWED: {
        "effect": Column(
            pl.String,
            "what is owed: pages, with the query workbooks and the copies of answered ones; rewriting of the database's file",
        ),
        "hospital": Column(pl.String, "hospital whose change made it due"),
        "since_change": Column(pl.Int64, "number of that change"),
        "due_at": Column(pl.String, "its time, UTC"),
        "debtor": Column(pl.String, "machine and number of the process that owes it"),
    },
    PAGE: {
        "path": Column(pl.String, "a page or workbook that was written, below the folder of reports"),
        "content_hash": Column(pl.String, "hash of it as it was written"),
    },
    EVENT: {
        "number": Column(pl.Int64, "number of the event, from 1"),
        "happened_at": Column(pl.String, "its time, UTC"),
        "account": Column(pl.String, "account under which the command ran"),
        "host": Column(pl.String, "machine on which it ran"),
        "kind": Column(
            pl.String,
            "what happened: database, upgrade, opening, ingest, answers, revert, refused, pages, analysis, ...",
        ),
        "hospital": Column(pl.String, "hospital, where it is about one"),
        "code_version": Column(pl.String, "version of the registry"),
        "code_commit": Column(pl.String, "commit of its checkout; empty where a wheel is installed"),
        "input_hash": Column(
            pl.String, "hash of what was read: a delivery with mapping and code, a study's specification"
        ),
        "mapping_hash": Column(pl.String, "hash of the mapping it was read by"),
        "rows_in": Column(pl.Int64, "rows or records that went in"),
        "rows_out": Column(pl.Int64, "rows or records that came out"),
        "n_refused": Column(pl.Int64, "how many of them were refused or set aside, where that is known"),
        "reason": Column(pl.String, "reason that somebody gave"),
        "detail": Column(
            pl.String, "what else is known of it, and what the tables hold after it, as JSON; no value of a patient"
        ),
        "hash_before": Column(pl.String, "hash of the event before; empty in the first"),
        "hash": Column(pl.String, "SHA-256 over all of this that is not empty, and so over all events before"),
    },
}


def describe_tables() -> dict[str, dict[str, Column]]:
    """Return every table's columns with their polars types and what they mean, by `schema.table`."""
    owner, ingest = bookkeeping.OWNER, {"ingest_id": bookkeeping.OWNER["ingest_id"]}
    kept = {
        "findings": bookkeeping.FINDINGS,
        "rule_outcomes": bookkeeping.RULE_OUTCOMES,
        "row_accounts": bookkeeping.ROW_ACCOUNTS,
        "quarantine": bookkeeping.QUARANTINE,
        "completeness": bookkeeping.COMPLETENESS,
        "confirmed": bookkeeping.CONFIRMED,
        "notices": bookkeeping.NOTICES,
    }
    return {
        **{f"versions.{name}": {**read_columns(table), **ingest} for name, table in TABLES.items()},
        **{f"versions.{name}": {**DERIVED_COLUMNS[name], **ingest} for name in STORED_FRAMES},
        **{f"versions.{name}": {**columns, **owner} for name, columns in kept.items()},
        "landing.kept_record": {**bookkeeping.KEPT_RECORD, **owner},
        "landing.source_row": {**bookkeeping.SOURCE_ROW, **owner},
        "main.cross_findings": {**bookkeeping.FINDINGS, **owner},
        "main.ingests": bookkeeping.INGESTS,
        "main.answers": bookkeeping.ANSWERS,
        "main.registry": bookkeeping.REGISTRY,
        "main.former_id": bookkeeping.FORMER_ID,
        "main.others_share": bookkeeping.OTHERS_SHARE,
        "main.withdrawn": bookkeeping.WITHDRAWN,
        "main.erased_query": bookkeeping.ERASED_QUERY,
        PERMISSION: bookkeeping.PERMISSION,
        **OWN_TABLES,
    }


def declare_tables() -> dict[str, dict[str, DType]]:
    """Return every table's columns with their polars types, by `schema.table`."""
    return {table: read_dtypes(columns) for table, columns in describe_tables().items()}


def is_sealed(table: str) -> bool:
    """Whether each record of a table has a salt and a check beside it: those that hold values of patients, or texts about them."""
    return table.startswith(("versions.", "landing.")) or table in ("main.answers", "main.cross_findings")


def declare_shape() -> dict[str, dict[str, str]]:
    """Return every table's columns with their types in DuckDB's words, by `schema.table`, with those of the seal."""
    seal = read_dtypes(SEAL)
    return {
        table: {name: DUCKDB_TYPES[dtype] for name, dtype in {**columns, **(seal if is_sealed(table) else {})}.items()}
        for table, columns in declare_tables().items()
    }


def list_versioned() -> list[str]:
    """Return the tables that hold the records of every ingest, without their schema."""
    return [table.removeprefix("versions.") for table in declare_tables() if table.startswith("versions.")]
