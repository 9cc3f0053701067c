"""Writes the file of a database anew: DuckDB leaves what was deleted readable between the records that are left."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

from etl.errors import InternalError, UsageError
from etl.store.database import Warehouse, WriteFailedError, connect, copy_database
from etl.store.lock import hold_lock
from etl.store.owed import REWRITING, read_owed
from etl.store.seen import note_change
from etl.store.shape import OWED
from etl.store.trail import record_event
from etl.store.warehouse import WAIT_SECONDS
from etl.whole_files import name_scratch, put_in_place


def pay_rewriting(path: Path) -> bool:
    """Write the file anew where that is owed, and return whether it was.

    The new file takes the old one's place whole, with its debt paid, or the old one stays as it is and goes on owing it.

    Raises:
        UsageError: there is no room for it beside the old one.
        BusyError: another process holds the database.
    """
    if not read_owed(path, REWRITING):
        return False
    with hold_lock(path):
        if not read_owed(path, REWRITING):  # another command has done it meanwhile
            return False
        scratch = name_scratch(path)
        try:
            _write_anew(path, scratch)
        except (WriteFailedError, OSError):
            raise _make_unfinished(path) from None
        finally:
            for left in (scratch, scratch.with_name(f"{scratch.name}.wal")):
                with suppress(OSError):
                    left.unlink(missing_ok=True)
    return True


def _make_unfinished(path: Path) -> UsageError:
    return UsageError(
        f"The file of the database '{path}' could not be written anew; is the disk full? What was erased is gone from every table, and can still be "
        "read in the file by whoever looks at its bytes. Make room for a second copy of it and run: registry quality",
        f"无法重写数据库文件“{path}”，磁盘是否已满？被删除的内容已不在任何表中，但仍可从文件字节中读出。请腾出可容纳另一份的空间后运行：registry quality",
    )


def _write_anew(path: Path, scratch: Path) -> None:
    with closing(connect(path, read_only=False, wait_seconds=WAIT_SECONDS)) as old:
        old.checkpoint()
    scratch.unlink(missing_ok=True)
    if copy_database(path, scratch):
        raise InternalError(
            "The database's file was not written anew as it is; the old one stays.",
            "重写的数据库文件与原文件不一致；原文件保留不变。",
        )
    with closing(connect(scratch, read_only=False, wait_seconds=WAIT_SECONDS)) as new:
        _note_paid(new)
        new.checkpoint()
        change = new.change
    put_in_place(scratch, path)
    if change:
        note_change(path, *change)


def _note_paid(new: Warehouse) -> None:
    with new.transaction():
        new.execute(f"delete from {OWED} where effect = ?", [REWRITING])  # noqa: S608 (a name of ours)
        record_event(new, "rewritten")
