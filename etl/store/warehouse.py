"""Opens the warehouse: one writer behind a lock, readers that take frames and close the file at once.

The file holds `landing` (row texts), `versions` (every ingest's records), `core` (views of the current version) and
`marts`. Whoever opens it finds the declared shape: an older database is brought to it first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from etl.errors import RegistryError, UnfinishedError, UsageError
from etl.interruption import hold_signals
from etl.store.database import Warehouse, WriteFailedError, connect
from etl.store.lock import TURN_SECONDS, hold_lock
from etl.store.seen import Change, find_change, note_change
from etl.store.shape import CHANGE
from etl.store.upgrade import examine, keep_copy, upgrade
from etl.suggestions import suggest_command

WAIT_SECONDS = 20.0


@contextmanager
def open_for_writing(
    path: Path, *, wait_seconds: float = WAIT_SECONDS, turn_seconds: float = TURN_SECONDS
) -> Iterator[Warehouse]:
    """Open the warehouse as its one writer, and make it where it is new.

    `turn_seconds` is how long it waits for other commands of the registry, `wait_seconds` for another program that has the file open.

    Raises:
        BusyError: it is held after the wait; says by whom and since when.
        UsageError: it cannot be written to, or is none that this registry can bring to its own shape; a failed write, of which nothing is saved.
        UnfinishedError: what was committed is saved, and the file could not be finished.
    """
    with hold_lock(path, turn_seconds), _open_under_lock(path, wait_seconds) as warehouse:
        yield warehouse


@contextmanager
def hold_still(path: Path, change: Callable[[Warehouse], None]) -> Iterator[None]:
    """Make a change, then keep all others from writing while the file is closed and whole, so that it can be copied."""
    with hold_lock(path):
        with _open_under_lock(path, WAIT_SECONDS) as warehouse, warehouse.transaction():
            change(warehouse)
        yield


@contextmanager
def _open_under_lock(path: Path, wait_seconds: float) -> Iterator[Warehouse]:
    if path.exists() and not os.access(path, os.W_OK):
        raise UsageError(
            f"The database '{path}' cannot be written to. Give yourself the right to write it, or set WORKSPACE to a folder "
            "you may write.",
            f"无法写入数据库“{path}”。请取得写入权限，或将 WORKSPACE 设为可写的文件夹。",
        )
    warehouse = _open_current(path, wait_seconds)
    try:
        yield warehouse
        with hold_signals():
            if warehouse.change:
                note_change(path, *warehouse.change)
            warehouse.checkpoint()
    except WriteFailedError:
        warehouse.close()
        raise _find_out(path, warehouse, wait_seconds) from None
    finally:
        warehouse.close()


def _open_current(path: Path, wait_seconds: float) -> Warehouse:
    """Open the file under the lock and bring it to the declared shape."""
    warehouse = connect(path, read_only=False, wait_seconds=wait_seconds)
    try:
        state = examine(warehouse, path)
        if state.migrations:
            # Closed while it is copied: closing any other handle of the file would take DuckDB's own lock away.
            warehouse.checkpoint()
            warehouse.close()
            keep_copy(path, state)
            warehouse = connect(path, read_only=False, wait_seconds=wait_seconds)
        if state.is_behind:
            upgrade(warehouse, path, state)
    except WriteFailedError:
        warehouse.close()
        raise _find_out(path, warehouse, wait_seconds) from None
    except BaseException:
        warehouse.close()
        raise
    return warehouse


def _find_out(path: Path, warehouse: Warehouse, wait_seconds: float) -> RegistryError:
    """Ask a new connection whether the change of which commit or checkpoint failed is saved, and return what is to be said."""
    try:
        is_saved = _is_saved(path, warehouse.change, wait_seconds)
    except RegistryError:
        return UnfinishedError(
            f"The database '{path}' could not be finished; is the disk full? It could not even be read again to see whether this change is "
            "saved. Keep the file that ends in .wal beside it, make room, and run: registry ingests",
            f"数据库“{path}”未能整理完毕，磁盘是否已满？也无法重新读取以确认本次更改是否已保存。请保留同目录下以 .wal 结尾的文件，"
            "腾出空间后运行：registry ingests",
        )
    if not is_saved:
        return UsageError(
            f"The database '{path}' could not be written; is the disk full? This change was not made. Make room and run the command again.",
            f"无法写入数据库“{path}”，磁盘是否已满？本次更改未生效。请腾出空间后重新运行。",
        )
    warehouse.note_saved()
    if warehouse.change:
        note_change(path, *warehouse.change)
    return UnfinishedError(
        "What was done is saved, but the database's file could not be finished; is the disk full? Keep the file "
        "that ends in .wal beside it, make room, and run: registry ingests",
        "所做更改已保存，但数据库文件未能整理完毕，磁盘是否已满？请保留同目录下以 .wal 结尾的文件，腾出空间后运行：registry ingests",
    )


def _is_saved(path: Path, change: Change | None, wait_seconds: float) -> bool:
    """Whether a database holds a change; a failed checkpoint before any change has lost nothing."""
    another = connect(path, read_only=True, wait_seconds=wait_seconds)
    try:
        return change is None or (CHANGE in another.read_shape() and find_change(another) == change)
    finally:
        another.close()


def check_there(path: Path) -> None:
    """Refuse a workspace that has no warehouse yet (UsageError): whoever writes would make an empty one."""
    if not path.exists():
        raise UsageError(
            f"Nothing has been loaded in '{path.parent}' yet. First run: {suggest_command('ingest', 'name')}",
            f"“{path.parent}”中尚未载入任何数据。请先运行：{suggest_command('ingest', 'name')}",
        )


@contextmanager
def open_for_reading(path: Path, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[Warehouse]:
    """Open the warehouse read-only; an older one is brought to the declared shape first.

    Raises:
        UsageError: there is no warehouse yet, it is none that this registry can read, or it is older and cannot be written to.
        BusyError: another process writes to it.
    """
    check_there(path)
    warehouse = connect(path, read_only=True, wait_seconds=wait_seconds)
    try:
        if examine(warehouse, path).is_behind:
            warehouse.close()
            _bring_up_to_date(path, wait_seconds)
            warehouse = connect(path, read_only=True, wait_seconds=wait_seconds)
        yield warehouse
    finally:
        warehouse.close()


def _bring_up_to_date(path: Path, wait_seconds: float) -> None:
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise UsageError(
            f"The database '{path}' was written by an older registry and must be brought up to date once, but it cannot be "
            "written to. Let somebody who may write there run: registry ingests. Or copy the workspace and set WORKSPACE to the copy.",
            f"数据库“{path}”由旧版程序写成，须更新一次，但此处不可写。请由有写入权限的人运行：registry ingests；"
            "或复制整个工作区，并将 WORKSPACE 设为该副本。",
        )
    with open_for_writing(path, wait_seconds=wait_seconds):
        pass


def read_frames(
    path: Path, names: Iterable[str], columns: Mapping[str, Sequence[str]] | None = None
) -> dict[str, pl.DataFrame]:
    """Read relations (`ingests`, `core.subject`, `marts.attrition`) into frames and close the file.

    The key of each frame is the relation's name without its schema. `columns` names those that are needed of a relation,
    where not all are.
    """
    chosen = {name: ", ".join((columns or {}).get(name, ["*"])) for name in names}
    with open_for_reading(path) as warehouse:
        return {name.split(".")[-1]: warehouse.query(f"select {own} from {name}") for name, own in chosen.items()}  # noqa: S608
