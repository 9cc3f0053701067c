"""What a change of the database makes due outside it, and nobody has done yet: written in the transaction of the change itself.

So a process that ends in between leaves the debt behind, and the next command that writes pays it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import polars as pl

from etl.pages.text import Text
from etl.store.database import Warehouse
from etl.store.shape import CHANGE, OWED, OWN_TABLES, PAGE
from etl.store.trail import record_event
from etl.store.warehouse import open_for_reading, open_for_writing
from etl.whole_files import is_dead, mark_process
from schemas.column import read_dtypes

_PAGES = read_dtypes(OWN_TABLES[PAGE])
REWRITING = "rewriting"
"""The file of the database, written anew: what was erased of it can still be read between the records that are left."""
PAGES = "pages"
"""Quality pages and query workbooks of every hospital, and the copies of those that were answered: a change of one tells in all."""


@dataclass(frozen=True)
class Owed:
    """One debt: what is owed, the hospital whose change made it due, that change's number and time (UTC), and the process that owes it."""

    effect: str
    hospital: str
    since_change: int
    due_at: str
    debtor: str

    @property
    def is_forsaken(self) -> bool:
        """Whether the process that owed it has ended."""
        return is_dead(self.debtor)


def note_owed(warehouse: Warehouse, hospital: str, effect: str = PAGES) -> None:
    """Note inside the caller's transaction that its change makes the pages due, or another effect."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    warehouse.execute(f"delete from {OWED} where hospital = ? and effect = ?", [hospital, effect])  # noqa: S608 (names are ours)
    warehouse.execute(
        f"insert into {OWED} select ?, ?, coalesce(max(number), 0) + 1, ?, ? from {CHANGE}",  # noqa: S608
        [effect, hospital, at, mark_process()],
    )


def read_owed(path: Path, effect: str = PAGES, *, must_exist: bool = False) -> list[Owed]:
    """Return what is owed in a workspace, the oldest first; without a database nothing is, or that is refused (UsageError)."""
    if not (path.exists() or must_exist):
        return []
    with open_for_reading(path) as warehouse:
        return list_owed(warehouse, effect)


def list_owed(warehouse: Warehouse, effect: str = PAGES) -> list[Owed]:
    """Return what is owed of an effect, the oldest first."""
    rows = warehouse.query(f"select * from {OWED} where effect = ? order by since_change, hospital", [effect])  # noqa: S608
    return [Owed(**row) for row in rows.rows(named=True)]


def settle(path: Path, paid: list[Owed], written: Mapping[str, str], folders: Iterable[str]) -> None:
    """Clear what was paid and keep the hashes of what was written; what became due since then stays.

    `written` are files by their paths below the reports, all that there are now of the `folders`. Where pages came out as they were, and
    none was owed, nothing is changed.
    """
    with open_for_reading(path) as warehouse:
        known = warehouse.query(f"select * from {PAGE} order by path")  # noqa: S608 (names are ours)
    others = {name: content for name, content in known.rows() if str(PurePosixPath(name).parent) not in set(folders)}
    pages = dict(sorted({**others, **written}.items()))
    if not paid and pages == dict(known.rows()):
        return
    with open_for_writing(path) as warehouse, warehouse.transaction():
        last = max((debt.since_change for debt in paid), default=0)
        warehouse.execute(f"delete from {OWED} where effect = ? and since_change <= ?", [PAGES, last])  # noqa: S608
        warehouse.execute(f"delete from {PAGE}")  # noqa: S608
        warehouse.append(PAGE, pl.DataFrame({"path": [*pages], "content_hash": [*pages.values()]}, schema=_PAGES))
        record_event(warehouse, "pages", rows_out=len(written))


def tell_rewriting(owed: list[Owed]) -> Text | None:
    """Return that what was erased still stands in the bytes of the file; None where nothing is owed, or a command that runs is about to pay."""
    if not any(debt.is_forsaken for debt in owed):
        return None
    return Text(
        "The file of the database is still to be written anew: bytes of what was erased or replaced stand in it, though no table holds them any more.",
        "数据库文件尚待重写：被删除或替换的内容已不在任何表中，但其字节仍在文件里。",
    )


def tell_owed(owed: list[Owed]) -> Text | None:
    """Return what stopped commands still owe; None where nothing is, or a command that runs is about to pay it."""
    forsaken = [debt for debt in owed if debt.is_forsaken]
    if not forsaken:
        return None
    named = ", ".join(dict.fromkeys(debt.hospital for debt in forsaken))
    since = f"{forsaken[0].due_at[:16].replace('T', ' ')} UTC"
    return Text(
        f"Pages and query workbooks are owed since {since} for a change of {named}: a command was stopped before it had written them.",
        f"自 {since} 起，因 {named} 的更改而应生成的报告和质疑工作簿尚未完成：当时的命令在写出之前被中止。",
    )
