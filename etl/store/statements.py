"""What the tables of a database hold, in numbers of records and hashes: stated at each change, and computed again to compare.

Tables of versions are stated by ingest and answers by hospital: of a change only those parts that it touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.store.seal import HASH_BYTES, ROW_HASH, Statement, state_records, write_hash_sql, write_misfit_sql
from etl.store.shape import EVENT, declare_tables

if TYPE_CHECKING:
    from etl.store.database import Warehouse

ANSWERS = "main.answers"
WHOLE = ""
"""The part of a table that is stated as a whole."""


class Appended:
    """What a transaction has appended: of versions the hashes of their records, of other tables the parts that it touched.

    A part of a version from which records were taken away (`note_altered`) is stated anew from what it holds, whatever was appended to it.
    """

    def __init__(self) -> None:
        self._hashes: dict[tuple[str, str], list[bytes]] = {}
        self._altered: set[tuple[str, str]] = set()

    def note_altered(self, table: str, part: str) -> None:
        """Note a part from which records were taken away."""
        self._altered.add((table, part))

    def list_needed(self, table: str) -> list[str]:
        """Return the column by which a table is stated, if there is one."""
        return [] if (name := find_part_column(table)) is None else [name]

    def add(self, table: str, rows: pl.DataFrame) -> None:
        """Note records that were appended: the column by which their table is stated, and `row_hash`."""
        for part, own in _split(table, rows):
            self._hashes.setdefault((table, part), []).append(b"".join(own[ROW_HASH].to_list()))

    def list_loaded(self) -> Iterator[tuple[str, str, Statement]]:
        """Yield table, ingest and statement of each part of a version: nothing was in it before."""
        for (table, part), hashes in self._hashes.items():
            if find_part_column(table) == "ingest_id" and (table, part) not in self._altered:
                yield table, part, state_records(hashes)

    def list_touched(self) -> Iterator[tuple[str, str]]:
        """Yield table and part of what may have held records before."""
        yield from sorted(self._altered)
        yield from (key for key in self._hashes if find_part_column(key[0]) != "ingest_id" and key not in self._altered)


def find_part_column(table: str) -> str | None:
    """Return the column by whose values a table is stated in parts; None where it is stated as a whole."""
    if table.startswith(("versions.", "landing.")):
        return "ingest_id"
    return "hospital" if table == ANSWERS else None


def _split(table: str, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    if (column := find_part_column(table)) is None:
        yield WHOLE, rows
        return
    for (value,), own in rows.group_by(column, maintain_order=True):
        yield str(value), own


def state_change(warehouse: Warehouse, appended: Appended) -> dict[str, dict[str, Statement]]:
    """Return what is stated at the end of a change: what it loaded, and all that is stated as a whole."""
    stated: dict[str, dict[str, Statement]] = {}
    for table, part, statement in appended.list_loaded():
        stated.setdefault(table, {})[part] = statement
    for table, part in appended.list_touched():
        states = read_states(warehouse, table, part) or {part: state_records([])}
        stated.setdefault(table, {}).update(states)
    for table in list_whole():
        stated[table] = read_states(warehouse, table)
    return stated


def list_whole() -> list[str]:
    """Return the tables that are stated at every change: few rows each, which a change may alter in place."""
    return [table for table in declare_tables() if find_part_column(table) is None and table != EVENT]


def list_changed(warehouse: Warehouse) -> list[str]:
    """Return the tables that hold something else than was stated last, of those that the next change states again and would hide it."""
    shape = warehouse.read_shape()
    if EVENT not in shape:
        return []
    last = warehouse.query(f"select detail from {EVENT} order by number desc limit 1")["detail"]  # noqa: S608 (names are ours)
    stated = read_detail(last[0]).get("tables", {}) if len(last) else {}
    return [
        table
        for table in list_whole()
        if table in stated and (table not in shape or stated[table] != _as_json(read_states(warehouse, table)))
    ]


def is_changed(warehouse: Warehouse, table: str, part: str) -> bool:
    """Whether a part of a table holds something else than was stated of it last; False where nothing was."""
    sql = f"select detail from {EVENT} where contains(detail, ?) order by number desc"  # noqa: S608 (names are ours)
    told = warehouse.query(sql, [f'"{table}":'])["detail"]
    parts = (read_detail(detail).get("tables", {}).get(table, {}) for detail in told)
    stated = next((own[part] for own in parts if part in own), None)
    return stated is not None and _as_json(read_states(warehouse, table, part)) != {part: stated}


def read_detail(text: str | None) -> dict[str, Any]:
    """Return an event's detail; of one that somebody edited, which its hash tells, it may be nothing that can be read."""
    try:
        read = json.loads(text or "{}")
    except ValueError:
        return {}
    is_readable = isinstance(read, dict) and isinstance(read.get("tables", {}), dict)
    return read if is_readable and all(isinstance(parts, dict) for parts in read.get("tables", {}).values()) else {}


def _as_json(states: Mapping[str, Statement]) -> dict[str, list[object]]:
    return {part: [*statement] for part, statement in states.items()}


@dataclass(frozen=True)
class Part:
    """What a table holds, or an ingest's or a hospital's part of it; `n_misfits` are records that do not fit the check beside them."""

    name: str
    statement: Statement
    n_misfits: int


def read_states(warehouse: Warehouse, table: str, part: str | None = None) -> dict[str, Statement]:
    """Compute what a table holds by its parts, or one of them; a table that is stated as a whole always has its one part."""
    states = {each.name: each.statement for each in read_parts(warehouse, table, part)}
    return states or ({WHOLE: state_records([])} if find_part_column(table) is None else {})


def read_parts(warehouse: Warehouse, table: str, part: str | None = None) -> Iterator[Part]:
    """Yield the parts of a table, or one of them, from values and salts; it is never in memory as a whole."""
    columns, column = warehouse.list_columns(table), find_part_column(table)
    name = f"coalesce(\"{column}\"::varchar, 'None')" if column else f"'{WHOLE}'"
    sql = (
        f"select {name} as part, {write_hash_sql(columns)} as {ROW_HASH}, {write_misfit_sql(columns)} as is_misfit from {table} "  # noqa: S608
        f"{f'where {name} = ?' if part else ''} order by part, {ROW_HASH}"
    )
    for told, group in groupby(_walk(warehouse.stream(sql, [part] if part else [])), key=lambda one: one[0]):
        n, n_misfits, digest = 0, 0, hashlib.sha256()
        for _, hashes, misfits in group:
            n, n_misfits = n + len(hashes) // HASH_BYTES, n_misfits + misfits
            digest.update(hashes)
        yield Part(told, (n, digest.hexdigest()), n_misfits)


def _walk(frames: Iterator[pl.DataFrame]) -> Iterator[tuple[str, bytes, int]]:
    """Yield each part's hashes, joined, as they come in their order, and how many of them are misfits."""
    for frame in frames:
        for (part,), own in frame.group_by("part", maintain_order=True):
            yield str(part), b"".join(own[ROW_HASH].to_list()), int(own["is_misfit"].sum())
