"""The trail: what happened to a database, event by event, each bound to the one before by its hash; only ever added to.

An event is written in the transaction of the change that it tells of. The last one of a transaction states what the tables hold after
it: of every table of a version what was loaded, of the others what there is, each as a number of records and a hash (`etl/store/seal.py`).
What is stated last of a table is what it must hold.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.installation import read_commit, read_version
from etl.store.shape import EVENT, OWN_TABLES
from etl.store.statements import read_detail
from schemas.column import read_dtypes

if TYPE_CHECKING:
    from etl.store.database import Warehouse
    from etl.store.seal import Statement

Fact = str | int | bool | None | list[Any] | Mapping[str, Any]
Stated = Mapping[str, Mapping[str, "Statement"]]
"""What tables hold: by table, and within it by ingest or hospital where it is stated in parts ("" where it is not)."""


FOUND = "found_changed"
"""In an event's detail: the tables that another program had changed before it."""


@dataclass(frozen=True)
class Event:
    """What a command tells of its change; who, when and by which code is added as it is written."""

    kind: str
    hospital: str | None
    input_hash: str | None
    mapping_hash: str | None
    rows_in: int | None
    rows_out: int | None
    n_refused: int | None
    reason: str | None
    detail: Mapping[str, Fact]


def record_event(
    warehouse: Warehouse,
    kind: str,
    *,
    hospital: str | None = None,
    input_hash: str | None = None,
    mapping_hash: str | None = None,
    rows_in: int | None = None,
    rows_out: int | None = None,
    n_refused: int | None = None,
    reason: str | None = None,
    **detail: Fact,
) -> None:
    """Tell of a change inside the caller's transaction; it is written as the last thing before the commit.

    `kind` is a short English word; a new one needs no more than its name in `etl/show_trail.py`. `detail` is whatever else is worth
    knowing (paths, hashes, counts), never a value of a patient.
    """
    told = {name: value for name, value in detail.items() if value is not None}
    warehouse.tell(
        Event(kind, hospital, input_hash, mapping_hash, rows_in, rows_out, n_refused, reason, told),
    )


def write_events(warehouse: Warehouse, events: list[Event], number: int, stated: Stated, found: list[str]) -> None:
    """Write the events of change `number` at the end of its transaction; the last one states what the tables hold.

    `found` are tables that held something else before the change than was stated of them: that stays on record.
    """
    last = find_last(warehouse)
    before, n = (last["hash"], last["number"]) if last else (None, 0)
    lines: list[dict[str, Any]] = []
    for i, event in enumerate(events, 1):
        at_last = {"tables": stated, **({FOUND: found} if found else {})} if i == len(events) else {}
        detail = {**event.detail, "change": number, **at_last}
        line = {**asdict(event), **_tell_who(), "number": n + i, "detail": write_json(detail), "hash_before": before}
        before = hash_event(line)
        lines.append({**line, "hash": before})
    warehouse.append(EVENT, pl.DataFrame(lines, schema=read_dtypes(OWN_TABLES[EVENT])))


def find_last(warehouse: Warehouse) -> dict[str, Any] | None:
    """Return the last event of a database; None where there is none yet."""
    rows = warehouse.query(f"select * from {EVENT} order by number desc limit 1").rows(named=True)  # noqa: S608 (a name of ours)
    return rows[0] if rows else None


def list_events(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return every event in its order, `detail` as what it says."""
    rows = warehouse.query(f"select * from {EVENT} order by number").rows(named=True)  # noqa: S608 (a name of ours)
    return [{**row, "detail": read_detail(row["detail"])} for row in rows]


def hash_event(line: Mapping[str, Any]) -> str:
    """Return the hash over an event's named values that are not empty, of which one is the hash of the event before."""
    told = {name: value for name, value in line.items() if value is not None and name != "hash"}
    return hashlib.sha256(write_json(told).encode()).hexdigest()


def write_json(value: object) -> str:
    """Return a value as JSON that is written in one way alone: names in their order, no blanks."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Trail:
    """A trail that was read from its beginning.

    `stated` is what was stated last of each table by its parts, `found` the tables that events found changed by another program, with the event's
    number and time, `broken` the numbers of events that do not follow from the one before.
    """

    n_events: int
    head: str | None
    stated: dict[str, dict[str, list[Any]]]
    found: list[tuple[int, str, str]]
    broken: list[int]


def read_trail(warehouse: Warehouse) -> Trail:
    """Read all events, one after the other, and compute their hashes again."""
    stated: dict[str, dict[str, list[Any]]] = {}
    found: list[tuple[int, str, str]] = []
    broken: list[int] = []
    n, before = 0, None
    for line in _walk(warehouse):
        n += 1
        if (line["number"], line["hash_before"], line["hash"]) != (n, before, hash_event(line)):
            broken.append(n)
        before = line["hash"]
        detail = read_detail(line["detail"])
        found += [(n, str(line["at"]), table) for table in detail.get(FOUND, ())]
        for table, parts in detail.get("tables", {}).items():
            stated.setdefault(table, {}).update(parts)
    return Trail(n, before, stated, found, broken)


def _walk(warehouse: Warehouse) -> Iterator[dict[str, Any]]:
    for frame in warehouse.stream(f"select * from {EVENT} order by number, hash"):  # noqa: S608 (a name of ours)
        yield from frame.iter_rows(named=True)


def _tell_who() -> dict[str, str | None]:
    """Return who does it, where, when and by which code."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container whose user has a number and no name
        account = str(os.getuid())
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "account": account, "host": platform.node(),
        "code_version": read_version(), "code_commit": read_commit(),
    }  # fmt: skip
