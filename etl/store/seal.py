"""How records are sealed: each has a random salt beside it, and a hash over the salt and its named values that are not empty.

The hash of a version's table is over its records' hashes in sorted order: the order of the rows means nothing, and a column that came
later, empty in older records, changes none. Without its salt the hash of a record that was erased tells nothing of what it held.

A record's values are written as `name:length:text` or `name=value`, in the order of their names, with 0x1F between: a length counts
UTF-8 bytes, a number is the shortest decimal that gives it again, a date is ISO 8601. SHA-256 is over the salt and that text.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from etl.store.shape import ROW_CHECK, ROW_SALT, SEAL

ROW_HASH = "row_hash"
_SALT_BYTES = 16
HASH_BYTES = 32

Statement = tuple[int, str]
"""How many records a table holds, or an ingest's part of it, and the hash over them."""


def draw_salts(n: int) -> pl.Series:
    """Return a random salt for each of `n` records, from the system's source for secrets."""
    drawn = os.urandom(_SALT_BYTES * n)
    salts = [drawn[at : at + _SALT_BYTES] for at in range(0, len(drawn), _SALT_BYTES)]
    return pl.Series(ROW_SALT, salts, dtype=pl.Binary)


def write_hash_sql(columns: Mapping[str, str]) -> str:
    """Return the expression of a record's hash, 32 bytes, in the words of DuckDB.

    `columns` are those of its table in the file, with their types in DuckDB's words. Tables without salts hold nothing of a patient.
    """
    told = ", ".join(_write_value(name, dtype) for name, dtype in sorted(columns.items()) if name not in SEAL)
    values = f"encode(concat_ws(chr(31), {told}))"
    salt = f"coalesce({ROW_SALT}, ''::blob) || " if ROW_SALT in columns else ""
    return f"unhex(sha256({salt}{values}))"


def _write_value(name: str, dtype: str) -> str:
    """Return the expression of a named value; it is null where the value is, and left out by `concat_ws`."""
    text = f'strlen("{name}") || \':\' || "{name}"'
    return f"'{name}:' || {text}" if dtype == "VARCHAR" else f"'{name}=' || \"{name}\""


def write_check_sql(hash_sql: str) -> str:
    """Return the expression of what stays beside a record of its hash, enough to name the record that was changed: its first four bytes."""
    return f"('0x' || left(hex({hash_sql}), 8))::bigint"


def write_misfit_sql(columns: Mapping[str, str]) -> str:
    """Return the condition of a record that does not fit the check beside it; where a table has none, none does."""
    if ROW_CHECK not in columns:
        return "false"
    return f"coalesce({ROW_CHECK} <> {write_check_sql(write_hash_sql(columns))}, true)"


def state_records(hashes: Iterable[bytes]) -> Statement:
    """Return what is stated of records, of whose hashes any number are joined in each of `hashes`."""
    joined = b"".join(hashes)
    ordered = np.sort(np.frombuffer(joined, dtype=f"S{HASH_BYTES}"))
    return len(joined) // HASH_BYTES, hashlib.sha256(ordered.tobytes()).hexdigest()
