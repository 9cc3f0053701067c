"""An open DuckDB file: statements, transactions, frames in and out, views and checks; the one place that uses duckdb."""

from __future__ import annotations

import re
import struct
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from etl import saved
from etl.errors import DamagedError, InternalError, RegistryError, UsageError
from etl.interruption import hold_signals
from etl.pages.text import Text
from etl.store.lock import TURN_SECONDS, is_held_by_another, make_busy_error
from etl.store.seal import ROW_HASH, draw_salts, write_check_sql, write_hash_sql
from etl.store.shape import CHANGE, ROW_CHECK, ROW_SALT, SEAL, declare_shape, declare_tables, is_sealed
from etl.store.sql_files import list_views, read_folder
from etl.store.statements import ANSWERS, Appended, find_part_column, is_changed, list_changed, state_change
from etl.store.trail import Event, write_events
from schemas.column import list_misfits

SCHEMAS = ("landing", "versions", "core", "marts")
ROWS_AT_ONCE = 250_000
_DAMAGE = re.compile(r"checksum|corrupt|replaying WAL|truncated", re.IGNORECASE)
_HEADER = struct.Struct("<8x4sQ")  # checksum, magic bytes, storage version


class Warehouse:
    """An open warehouse; made by `open_for_writing` and `open_for_reading`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._said: Text | None = None
        self._events: list[Event] = []
        self._appended = Appended()
        self._found: list[str] = []
        self.change: tuple[int, str] | None = None
        """Number and time of the last change that was committed, or may have been, through this connection."""

    def query(self, sql: str, parameters: Iterable[object] = ()) -> pl.DataFrame:
        """Return a query's rows as a frame, without the seals of the records: `stream` has them."""
        with self._explaining():
            return self._connection.sql(sql, params=list(parameters) or None).pl().drop(SEAL, strict=False)

    def stream(self, sql: str, parameters: Iterable[object] = ()) -> Iterator[pl.DataFrame]:
        """Yield a query's rows in parts, so that a large table is never in memory as a whole."""
        with self._explaining():
            for batch in self._connection.sql(sql, params=list(parameters) or None).to_arrow_reader(ROWS_AT_ONCE):
                yield pl.DataFrame(batch)

    def execute(self, sql: str, parameters: Iterable[object] = ()) -> None:
        """Run a statement and take its result, so that the connection is free again."""
        with self._explaining():
            self._connection.execute(sql, list(parameters)).fetchall()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Tell a damaged file and a full disk in words; whatever else DuckDB raises is a fault of ours."""
        try:
            yield
        except duckdb.Error as error:
            if (told := explain_failure(self._path, error)) is None:
                raise
            raise told from None

    def append(self, table: str, frame: pl.DataFrame) -> None:
        """Append a frame to a declared table (`versions.patient`); records are sealed, with the salts that they have already or new ones.

        Raises:
            InternalError: the frame's columns or types are not those declared; nothing was written of it.
        """
        if misfits := list_misfits(dict(frame.drop(ROW_SALT, strict=False).schema), declare_tables()[table]):
            raise InternalError(
                f"A frame for {table} is not as it is declared: it {'; '.join(misfits)}. Nothing was loaded.",
                f"写入 {table} 的数据与声明不符：{'；'.join(misfits)}。未载入任何数据。",
            )
        # A relation, and no registered view: a transaction would hold on to each view's rows until its end.
        columns = self.list_columns(table)
        with self._explaining():
            for part in frame.iter_slices(ROWS_AT_ONCE):
                if is_sealed(table):
                    self._append_sealed(table, part, columns)
                else:
                    self._connection.from_arrow(_order(part, columns).to_arrow()).insert_into(table)

    def _append_sealed(self, table: str, part: pl.DataFrame, columns: Mapping[str, str]) -> None:
        """Append records with salt and check beside them; their whole hashes are kept until the commit, for what is stated then."""
        salted = part if ROW_SALT in part.columns else part.with_columns(draw_salts(part.height))
        ordered = _order(salted, [name for name in columns if name != ROW_CHECK]).to_arrow()
        hashed = self._connection.from_arrow(ordered).project(f"*, {write_hash_sql(columns)} as {ROW_HASH}")
        records = hashed.to_arrow_table()
        check = f"{write_check_sql(ROW_HASH)} as {ROW_CHECK}"
        named = ", ".join(check if name == ROW_CHECK else f'"{name}"' for name in columns)
        self._connection.from_arrow(records).project(named).insert_into(table)
        self._appended.add(table, pl.DataFrame(records.select([*self._appended.list_needed(table), ROW_HASH])))

    def delete_records(self, table: str, part: str, condition: str, values: Iterable[object]) -> int:
        """Take records out of a part of a table that is stated in parts, and have it stated anew; return how many.

        `values` are those of `$2` and further of the condition.
        """
        column = f'"{find_part_column(table)}"::varchar = $1 and ({condition})'
        found = self.query(f"select count(*) as n from {table} where {column}", [part, *values])["n"][0]  # noqa: S608 (names are ours)
        if found:
            self.execute(f"delete from {table} where {column}", [part, *values])  # noqa: S608
            self.state_anew(table, part)
        return int(found)

    def state_anew(self, table: str, part: str) -> None:
        """Have a part of a version stated from all that it holds at the end: what is appended to it comes to what was there before."""
        self._appended.note_altered(table, part)

    def note_found_changed(self, table: str) -> None:
        """Note, before a part is stated anew, that it was not what was stated of it: the new statement would hide it."""
        if table not in self._found:
            self._found.append(table)

    def rewrite(self, table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Replace the records of a table by what `change` makes of them, sealed anew; they are read by the parts in which the table is stated."""
        part = find_part_column(table) or "null"
        for (value,) in self.query(f"select distinct {part} from {table} order by all").rows():  # noqa: S608 (names are ours)
            of_part = f"{table} where {part} is not distinct from ?"
            records = self.query(f"select * from {of_part}", [value])  # noqa: S608
            self.execute(f"delete from {of_part}", [value])  # noqa: S608
            self.append(table, change(records))

    def put_back(self, table: str, frame: pl.DataFrame) -> int:
        """Insert rows that a table of the same columns held elsewhere, with their seals as they were; return how many."""
        with self._explaining():
            self._connection.from_arrow(frame.to_arrow()).insert_into(table)
        return frame.height

    def list_columns(self, table: str) -> dict[str, str]:
        """Return a table's columns in their order in this file, with their types in DuckDB's words."""
        empty = self._connection.sql(f"select * from {table} limit 0")  # noqa: S608 (a name of ours)
        return dict(zip(empty.columns, map(str, empty.types), strict=True))

    def read_shape(self) -> dict[str, dict[str, str]]:
        """Return the columns of every stored table and their types, by `schema.table`; views are no tables."""
        rows = self._connection.execute(
            "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
            "where not internal and table_name in (select table_name from duckdb_tables()) "
            "and schema_name in ('main', 'landing', 'versions') order by schema_name, table_name, column_index"
        ).fetchall()
        shape: dict[str, dict[str, str]] = {}
        for table, column, dtype in rows:
            shape.setdefault(table, {})[column] = dtype
        return shape

    def rebuild_views(self) -> None:
        """Make the core views of all record tables and every mart anew, and drop what is there besides."""
        for schema in ("marts", "core"):
            self.execute(f"drop schema if exists {schema} cascade")
            self.execute(f"create schema {schema}")
        for name, sql in list_views().items():
            self.execute(f"create view {name} as {sql}")

    def list_foreign_views(self) -> list[str]:
        """Return the views that are not those that the registry makes: changed, added or gone."""
        sql = "select schema_name || '.' || view_name, sql from duckdb_views() where not internal"
        held = dict(self._connection.execute(sql).fetchall())
        with duckdb.connect() as empty:
            made = Warehouse(empty, self._path)
            for schema in SCHEMAS:
                made.execute(f"create schema {schema}")
            for table in declare_shape():
                columns = ", ".join(f'"{name}" {dtype}' for name, dtype in self.list_columns(table).items())
                made.execute(f"create table {table} ({columns})")
            made.rebuild_views()
            right = dict(empty.execute(sql).fetchall())
        return sorted(name for name in held.keys() | right.keys() if held.get(name) != right.get(name))

    def run_checks(self) -> None:
        """Run every file of sql/checks.

        Raises:
            InternalError: a check returns rows; says which and how many.
        """
        for name, sql in read_folder("checks").items():
            if rows := self.query(sql).height:
                raise InternalError(
                    f"The check {name} fails for {rows} row(s); nothing was changed.",
                    f"检查 {name} 有 {rows} 行未通过；未作任何更改。",
                )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: what happens inside is committed as a whole or not at all, numbered, and told in the trail.

        Raises:
            InternalError: nothing was told of it (`record_event`); no change is made that is not on record.
            WriteFailedError: the commit failed, as on a full disk; whether it is saved only a new connection can tell.
        """
        self._events, self._appended = [], Appended()
        self.execute("begin transaction")
        try:
            self._found = list_changed(self)
            yield
            number, changed_at = self._number_change()
            if not self._events:
                raise InternalError("A change is not told in the trail.", "有一项更改未记入记录。")
            write_events(self, self._events, number, state_change(self, self._appended), self._found)
        except BaseException:
            with suppress(duckdb.Error):  # after a fatal error there is nothing to roll back
                self._connection.execute("rollback")
            raise
        with hold_signals():
            self.change = (number, changed_at)
            try:
                self._connection.execute("commit")
            except duckdb.Error:
                raise WriteFailedError from None
            self.note_saved()

    def tell(self, event: Event) -> None:
        """Take an event of the running transaction, to be written before its commit; `record_event` makes it."""
        self._events.append(event)

    def look_at_answers(self, hospital: str) -> None:
        """Note, before more are added, where a hospital's answers are not what was stated of them: what is stated next would hide it."""
        if is_changed(self, ANSWERS, hospital):
            self.note_found_changed(ANSWERS)

    def say_saved(self, what: Text) -> None:
        """Say what the running transaction does, for whoever must be told that it is done although something later fails."""
        self._said = what

    def note_saved(self) -> None:
        """Note that the change is saved: after its commit, or when a new connection has told so."""
        if self._said is not None:
            saved.note(self._said)
        self._said = None

    def _number_change(self) -> tuple[int, str]:
        rows = self._connection.execute(f"select number from {CHANGE}").fetchall()  # noqa: S608 (a name of ours)
        number, changed_at = (rows[0][0] if rows else 0) + 1, datetime.now(UTC).isoformat(timespec="microseconds")
        self.execute(f"delete from {CHANGE}")  # noqa: S608
        self.execute(f"insert into {CHANGE} values (?, ?)", [number, changed_at])  # noqa: S608
        return number, changed_at

    def checkpoint(self) -> None:
        """Write what was committed from the log into the file.

        Raises:
            WriteFailedError: that failed, as on a full disk; what was committed is safe in the log beside the file.
        """
        try:
            self._connection.execute("checkpoint")
        except duckdb.Error:
            raise WriteFailedError from None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _order(frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """Return a frame with the columns of a table in their order in the file; what it lacks is empty."""
    return frame.select(
        pl.col(name) if name in frame.columns else pl.lit(None, dtype=pl.String).alias(name) for name in columns
    )


def connect(path: Path, *, read_only: bool, wait_seconds: float) -> Warehouse:
    """Open the file, waiting while another program holds it.

    Raises:
        BusyError: it is still held after the wait.
        UsageError: the file is no DuckDB database, is damaged, or was written by a newer DuckDB.
    """
    deadline = time.monotonic() + wait_seconds
    last = deadline + TURN_SECONDS
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only)
            break
        except duckdb.IOException as error:
            if "could not set lock" not in str(error).lower():
                raise _explain_unusable(path, error) from None
            if is_held_by_another(path):
                deadline = min(time.monotonic() + wait_seconds, last)
            if time.monotonic() > deadline:
                raise make_busy_error(path, str(error), wait_seconds) from None
            time.sleep(0.2)
        except duckdb.Error as error:
            raise _explain_unusable(path, error) from None
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute("set autoload_known_extensions = false")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return Warehouse(connection, path)


def copy_database(path: Path, new: Path) -> list[str]:
    """Copy all that a database holds into a new file, without what was deleted of it; return the tables that came out otherwise.

    Raises:
        WriteFailedError: it could not be written, as on a full disk.
    """
    with duckdb.connect() as copier:
        old_file, new_file = ("'" + str(file).replace("'", "''") + "'" for file in (path, new))
        try:
            copier.execute(
                f"attach {old_file} as old (read_only); attach {new_file} as new; copy from database old to new"
            )
        except (duckdb.IOException, duckdb.FatalException, duckdb.OutOfMemoryException):
            raise WriteFailedError from None
        held = "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'old' order by all"
        tables = [name for (name,) in copier.execute(held).fetchall()]
        counts = {
            name: [copier.execute(f"select count(*) from {side}.{name}").fetchall() for side in ("old", "new")]  # noqa: S608 (names are ours)
            for name in tables
        }
    return [name for name, (before, after) in counts.items() if before != after]


class WriteFailedError(Exception):
    """A commit or checkpoint failed; the connection can be used no more, and another must tell what is saved."""


def explain_failure(path: Path, error: duckdb.Error) -> RegistryError | None:
    """Return what a failing statement means for whoever runs the command; None where it is a fault of the registry itself."""
    text = str(error)
    if _DAMAGE.search(text) or isinstance(error, (duckdb.SerializationException, duckdb.InternalException)):
        return make_damaged(path)
    if isinstance(error, (duckdb.IOException, duckdb.FatalException, duckdb.OutOfMemoryException)):
        return UsageError(
            f"The database '{path}' could not be written or read; is the disk full? Nothing was changed. Make room and run the command again.",
            f"无法读写数据库“{path}”，磁盘是否已满？未作任何更改。请腾出空间后重新运行。",
        )
    return None


def make_damaged(path: Path) -> DamagedError:
    """Return the error of a file of which bytes are not as they were written."""
    return DamagedError(
        f"The database '{path}' is damaged: bytes of it, or of the .wal file beside it, are not what was written. Nothing was changed. Move both "
        "files away and keep them, put back your last copy, and ingest again what came since; without a copy ingest every delivery again. Check the disk.",
        f"数据库“{path}”已损坏：该文件或同目录下 .wal 文件的部分内容与写入时不同。未作任何更改。请将两个文件移走并保留，恢复最近的备份，"
        "再重新载入此后的数据；若无备份，请重新载入全部数据。并请检查磁盘。",
    )


def _explain_unusable(path: Path, error: duckdb.Error) -> RegistryError:
    if "storage version number" in str(error) or _is_of_newer_duckdb(path):
        return UsageError(
            f"'{path}' was written in a storage format that DuckDB {duckdb.__version__}, which this registry uses, cannot read: "
            "a newer DuckDB wrote it. The file is not damaged, and nothing was changed. Use the registry that wrote it, or put "
            "back a copy from before.",
            f"“{path}”的存储格式由更新版本的 DuckDB 写成，本程序所用的 DuckDB {duckdb.__version__} 无法读取。文件并未损坏，"
            "未作任何更改。请使用写入它的程序版本，或恢复此前的备份。",
        )
    if _DAMAGE.search(str(error)):
        return make_damaged(path)
    return UsageError(
        f"'{path}' cannot be opened: it is no warehouse of the registry, it is damaged, or the disk is full. Put back a copy, "
        "or move it away and ingest again.",
        f"无法打开“{path}”：它不是本系统的数据库、已损坏，或磁盘已满。请恢复备份，或将其移走后重新入库。",
    )


def _is_of_newer_duckdb(path: Path) -> bool:
    """Whether the header's version is above the one of a file that our DuckDB makes; the checksum may be another's too."""
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "own.duckdb"
        duckdb.connect(str(own)).close()
        return (_read_storage_version(path) or 0) > (_read_storage_version(own) or 0)


def _read_storage_version(path: Path) -> int | None:
    try:
        with path.open("rb") as file:
            magic, version = _HEADER.unpack(file.read(_HEADER.size))
    except (OSError, struct.error):
        return None
    return version if magic == b"DUCK" else None
