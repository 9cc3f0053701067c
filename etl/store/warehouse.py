"""Opens the warehouse: one writer behind a lock, readers that take frames and close the file at once.

The file holds `landing` (row texts), `versions` (every ingest's records), `core` (views of the current version) and
`marts`. Whoever opens it finds the declared shape: an older database is brought to it first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from etl.errors import UsageError
from etl.store.database import Warehouse, connect
from etl.store.lock import hold_lock
from etl.store.upgrade import examine, keep_copy, upgrade
from etl.suggestions import suggest_command

WAIT_SECONDS = 20.0


@contextmanager
def open_for_writing(path: Path, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[Warehouse]:
    """Open the warehouse as its one writer, and make it where it is new.

    Raises:
        BusyError: another process holds it after the wait; says who and since when.
        UsageError: it cannot be written to, or is none that this registry can bring to its own shape.
    """
    with hold_lock(path, wait_seconds):
        if path.exists() and not os.access(path, os.W_OK):
            raise UsageError(
                f"The database '{path}' cannot be written to. Give yourself the right to write it, or set WORKSPACE to a folder "
                "you may write.",
                f"无法写入数据库“{path}”。请取得写入权限，或将 WORKSPACE 设为可写的文件夹。",
            )
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
            yield warehouse
            warehouse.checkpoint()
        finally:
            warehouse.close()


@contextmanager
def open_for_reading(path: Path, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[Warehouse]:
    """Open the warehouse read-only; an older one is brought to the declared shape first.

    Raises:
        UsageError: there is no warehouse yet, it is none that this registry can read, or it is older and cannot be written to.
        BusyError: another process writes to it.
    """
    if not path.exists():
        raise UsageError(
            f"Nothing has been loaded in '{path.parent}' yet. First run: {suggest_command('ingest', 'name')}",
            f"“{path.parent}”中尚未载入任何数据。请先运行：{suggest_command('ingest', 'name')}",
        )
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
