"""The DuckDB warehouse: one writer, one transaction per ingest, and the only place that reads `sql/`.

The file holds `landing` (row texts), `versions` (every ingest's records), `core` (views of the current version) and
`marts`. Readers take frames and close the file at once.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import filelock
import polars as pl

from etl.errors import BusyError, InternalError, UsageError
from etl.suggestions import suggest_command

SQL_DIR = Path(__file__).parent.parent / "sql"
WAIT_SECONDS = 20.0
_HOLDER_SUFFIX = ".holder.json"
MART_ORDER = (
    "person_in_two_hospitals",
    "analysis_subject",
    "attrition",
    "analysis_adverse_event",
    "record_count",
    "finding",
)


class Warehouse:
    """An open warehouse; made by `open_for_writing` and `open_for_reading`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def query(self, sql: str, parameters: Iterable[object] = ()) -> pl.DataFrame:
        """Return a query's rows as a frame."""
        return self._connection.sql(sql, params=list(parameters) or None).pl()

    def execute(self, sql: str, parameters: Iterable[object] = ()) -> None:
        """Run a statement and take its result, so that the connection is free again."""
        self._connection.execute(sql, list(parameters)).fetchall()

    def has_relation(self, schema: str, name: str) -> bool:
        """Whether a table or view exists."""
        found = self._connection.execute(
            "select count(*) from information_schema.tables where table_schema = ? and table_name = ?", [schema, name]
        ).fetchall()
        return bool(found[0][0])

    def append(self, schema: str, name: str, frame: pl.DataFrame) -> None:
        """Append a frame to a table, which is made with the frame's columns where it does not exist yet."""
        arrow = frame.to_arrow()
        self._connection.register("incoming", arrow)
        if not self.has_relation(schema, name):
            self.execute(f'create table {schema}."{name}" as select * from incoming limit 0')  # noqa: S608 (names are ours)
        self.execute(f'insert into {schema}."{name}" by name select * from incoming')  # noqa: S608 (names are ours)
        self._connection.unregister("incoming")

    def rebuild_views(self, tables: Iterable[str]) -> None:
        """Make the core views of the given record tables and every mart again."""
        template = (SQL_DIR / "core" / "current_version.sql").read_text(encoding="utf-8")
        for name in tables:
            self.execute(f"create or replace view core.{name} as {template.replace('{table}', name)}")
        for name in MART_ORDER:
            sql = (SQL_DIR / "marts" / f"{name}.sql").read_text(encoding="utf-8")
            self.execute(f"create or replace view marts.{name} as {sql}")

    def run_checks(self) -> None:
        """Run every file of sql/checks.

        Raises:
            InternalError: a check returns rows; says which and how many.
        """
        for path in sorted((SQL_DIR / "checks").glob("*.sql")):
            rows = self.query(path.read_text(encoding="utf-8")).height
            if rows:
                raise InternalError(f"The check {path.stem} fails for {rows} row(s); nothing was loaded.")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: what happens inside is committed as a whole or not at all."""
        self.execute("begin transaction")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")


@contextmanager
def open_for_writing(path: Path, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[Warehouse]:
    """Open the warehouse as its one writer and make its schemas where it is new.

    Raises:
        BusyError: another process holds it after the wait; says who and since when.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(path, error) from None
    with _lock(path, wait_seconds):
        connection = _connect(path, read_only=False, wait_seconds=wait_seconds)
        try:
            warehouse = Warehouse(connection)
            for schema in ("landing", "versions", "core", "marts"):
                warehouse.execute(f"create schema if not exists {schema}")
            for model in sorted((SQL_DIR / "tables").glob("*.sql")):
                warehouse.execute(model.read_text(encoding="utf-8"))
            yield warehouse
            warehouse.execute("checkpoint")
        finally:
            connection.close()


@contextmanager
def open_for_reading(path: Path, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[Warehouse]:
    """Open the warehouse read-only.

    Raises:
        UsageError: there is no warehouse yet.
        BusyError: another process writes to it.
    """
    if not path.exists():
        first = suggest_command("ingest", "name")
        raise UsageError(
            f"Nothing has been loaded in '{path.parent}' yet. First run: {first}",
            f"“{path.parent}”中尚未载入任何数据。请先运行：{first}",
        )
    connection = _connect(path, read_only=True, wait_seconds=wait_seconds)
    try:
        yield Warehouse(connection)
    finally:
        connection.close()


def read_frames(path: Path, names: Iterable[str]) -> dict[str, pl.DataFrame]:
    """Read whole relations (`findings`, `core.subject`, `marts.attrition`) into frames and close the file.

    The key of each frame is the relation's name without its schema.
    """
    with open_for_reading(path) as warehouse:
        return {name.split(".")[-1]: warehouse.query(f"select * from {name}") for name in names}  # noqa: S608


def _unusable(path: Path) -> UsageError:
    return UsageError(
        f"'{path}' cannot be opened: it is no warehouse of the registry, it is damaged, or the disk is full. Put back a copy, "
        "or move it away and ingest again.",
        f"无法打开“{path}”：它不是本系统的数据库、已损坏，或磁盘已满。请恢复备份，或将其移走后重新入库。",
    )


def _connect(path: Path, *, read_only: bool, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only)
            break
        except duckdb.IOException as error:
            if "could not set lock" not in str(error).lower():
                raise _unusable(path) from None
            if time.monotonic() > deadline:
                raise _busy(path, str(error), wait_seconds) from None
            time.sleep(0.2)
        except duckdb.Error:
            raise _unusable(path) from None
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute("set autoload_known_extensions = false")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


@contextmanager
def _lock(path: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the writer's lock, and leave a note of who holds it for whoever waits."""
    holder = path.with_name(path.name + _HOLDER_SUFFIX)
    lock = filelock.FileLock(path.with_name(path.name + ".lock"))
    try:
        lock.acquire(timeout=wait_seconds)
    except filelock.Timeout:
        raise _busy(path, _describe_holder(holder), wait_seconds) from None
    except OSError as error:
        raise _not_writable(path, error) from None
    try:
        note = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        holder.write_text(json.dumps(note), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _not_writable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"The workspace '{path.parent}' cannot be written to ({error.strerror}). Set WORKSPACE to a folder you may write.",
        f"无法写入工作区“{path.parent}”（{error.strerror}）。请将 WORKSPACE 设为可写的文件夹。",
    )


def _describe_holder(holder: Path) -> str:
    try:
        note = json.loads(holder.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(note["since"])
    except (OSError, ValueError, KeyError):
        return "unknown process"
    seconds = int((datetime.now(UTC) - since).total_seconds())
    return f"process {note['pid']}, for {seconds} s"


def _busy(path: Path, who: str, wait_seconds: float) -> BusyError:
    start = who.find("PID")
    holder = who[start : who.find(")", start)] if start >= 0 else who.splitlines()[0][:200]
    return BusyError(
        f"The warehouse '{path}' is in use ({holder}); waited {wait_seconds:.0f} s. Wait until that process ends, or close the program "
        "that has the file open, then run the command again.",
        f"数据库“{path}”正被占用（{holder}）；已等待 {wait_seconds:.0f} 秒。请等待该进程结束或关闭占用文件的程序，然后重新运行。",
    )
