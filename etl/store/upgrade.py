"""Brings a database to the declared shape, or says in words why it cannot be.

A declared column or table that a database never had is added by itself; since which ingest it is filled is kept.
Anything else is a numbered migration of `sql/migrations`. What the registry once made and is gone, what has another
type, and what a newer registry made is refused.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from etl.errors import InternalError, UsageError
from etl.store.database import Warehouse
from etl.store.shape import EVENT, SCHEMA_COLUMN, SCHEMA_VERSION, SEAL, Shape, declare_shape, declare_tables, is_sealed
from etl.store.sql_files import hash_views, read_folder
from etl.store.trail import record_event
from etl.whole_files import copy_whole, hash_file

_REGISTRY, _INGESTS = "main.registry", "main.ingests"
Columns = dict[str, list[str]]
Fault = tuple[str, str]
"""What is wrong, in English and Chinese."""


@dataclass(frozen=True)
class Migration:
    """One numbered change: after it the database has version `number`."""

    number: int
    sql: str


@dataclass(frozen=True)
class State:
    """How far a database is: its version, the migrations it still needs, and whether anything of it is behind."""

    version: int
    migrations: tuple[Migration, ...]
    is_behind: bool


def list_migrations() -> list[Migration]:
    """Return the migrations in their order."""
    return [Migration(int(name[:4]), sql) for name, sql in read_folder("migrations").items()]


def find_latest_version() -> int:
    """Return the version that this code's databases have: the number of the last migration."""
    return max(migration.number for migration in list_migrations())


def examine(warehouse: Warehouse, path: Path) -> State:
    """Compare a database with the declared shape; nothing is changed.

    Raises:
        UsageError: a newer registry wrote it, or another tool changed it, or it is none of the registry's.
    """
    shape, latest = warehouse.read_shape(), find_latest_version()
    if not shape:
        return State(latest, (), is_behind=True)
    if lacking := [table for table in (_REGISTRY, _INGESTS) if table not in shape]:
        raise _refuse(path, [_say_missing(table) for table in lacking])
    version, views_hash = _read_version(warehouse, shape, path)
    if version > latest:
        raise UsageError(
            f"The database '{path}' has version {version}; this registry knows versions up to {latest}. A newer registry wrote it. "
            "Nothing was changed. Install the newer registry, or put back a copy from before.",
            f"数据库“{path}”的版本为 {version}，本程序最高支持版本 {latest}：它由更新版本的程序写成。未作任何更改。"
            "请安装新版程序，或恢复此前的备份。",
        )
    recorded = _read_recorded(warehouse, version)
    declared = declare_shape()
    if faults := list(_list_faults(shape, recorded, is_recorded_whole=version > 0)):
        raise _refuse(path, faults)
    migrations = tuple(migration for migration in list_migrations() if migration.number > version)
    if not migrations:
        _refuse_unknown(recorded, declared, path)
        if faults := list(_list_wrong_types(shape, declared)):
            raise _refuse(path, faults)
    is_complete = all(set(columns) <= set(shape.get(table, ())) for table, columns in declared.items())
    return State(version, migrations, is_behind=bool(migrations) or not is_complete or views_hash != hash_views())


def keep_copy(path: Path, state: State) -> Path:
    """Copy the closed database beside itself before a numbered migration changes it.

    Raises:
        UsageError: there is no room for it; nothing was changed.
    """
    copy = path.with_name(f"{path.stem}_version{state.version}_{hash_file(path)[:8]}{path.suffix}")
    try:
        copy_whole(path, copy)
    except OSError as error:
        raise UsageError(
            f"The database '{path}' was written by an older registry and must be changed, but no copy of it could be made first "
            f"({error.strerror or 'the copy differs'}). Nothing was changed. Make room in '{path.parent}' and run the command again.",
            f"数据库“{path}”由旧版程序写成，须更新，但无法先行备份（{error.strerror or '备份内容不一致'}）。未作任何更改。"
            f"请在“{path.parent}”腾出空间后重新运行。",
        ) from None
    return copy


def upgrade(warehouse: Warehouse, path: Path, state: State) -> None:
    """Bring a database to the declared shape in one transaction: migrations, new tables and columns, views, checks.

    Raises:
        UsageError: afterwards it still is not as declared, because another tool changed it; nothing was changed.
    """
    with warehouse.transaction():
        had = warehouse.read_shape()
        for migration in state.migrations:
            warehouse.execute(migration.sql)
        new = _add_what_is_new(warehouse)
        warehouse.execute(f"delete from {SCHEMA_VERSION}")  # noqa: S608 (names are ours)
        warehouse.execute(f"insert into {SCHEMA_VERSION} values (?, ?)", [find_latest_version(), hash_views()])  # noqa: S608
        if examine(warehouse, path).is_behind:
            raise InternalError(
                "The migrations do not lead to the declared tables. Nothing was changed.",
                "迁移后的表与声明不符。未作任何更改。",
            )
        if EVENT not in had or state.migrations:
            _seal_anew(warehouse)
        warehouse.rebuild_views()
        warehouse.run_checks()
        _tell(warehouse, had, state, new)


def _seal_anew(warehouse: Warehouse) -> None:
    """Seal every record that is there: none of an earlier registry is, and a migration may have changed what is under the seals."""
    for table in filter(is_sealed, declare_tables()):
        warehouse.rewrite(table, lambda records: records)


def _tell(warehouse: Warehouse, had: Shape, state: State, new: list[tuple[str, str]]) -> None:
    """Tell in the trail that the database was made, changed, or found without a trail; where nothing but views is made anew too."""
    found = {name: warehouse.query(f"select count(*) as n from {name}")["n"][0] for name in ("ingests", "answers")}  # noqa: S608
    columns = sorted(f"{table}.{name}" for table, name in new if table in had)
    tables = sorted({table for table, _ in new} - {*had})
    if not had:
        record_event(warehouse, "database")
    elif EVENT not in had:
        record_event(warehouse, "opening", version_before=state.version, found=found)
    else:
        record_event(
            warehouse,
            "upgrade",
            version_before=state.version,
            version=find_latest_version(),
            columns=columns,
            tables=tables,
        )


def _add_what_is_new(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Make the declared tables and columns that are not there, record from which ingest on they are filled, and return them."""
    for schema in ("landing", "versions"):
        warehouse.execute(f"create schema if not exists {schema}")
    shape = warehouse.read_shape()
    new: list[tuple[str, str]] = []
    for table, columns in declare_shape().items():
        if table not in shape:
            stated = ", ".join(f'"{name}" {dtype}' for name, dtype in columns.items())
            warehouse.execute(f"create table {table} ({stated})")
        added = [name for name in columns if name not in shape.get(table, ())]
        new += [(table, name) for name in added]
        for name in added if table in shape else ():
            warehouse.execute(f'alter table {table} add column "{name}" {columns[name]}')
    next_id = int(warehouse.query("select coalesce(max(ingest_id), 0) + 1 as n from ingests")["n"][0])
    for table, name in new:  # a seal is put on every record, also on those of before
        since = 1 if name in SEAL else next_id
        warehouse.execute(f"insert into {SCHEMA_COLUMN} values (?, ?, ?)", [table, name, since])  # noqa: S608
    return new


def _read_version(warehouse: Warehouse, shape: Shape, path: Path) -> tuple[int, str | None]:
    """Return the version and the hash of the views; a database of version 0 has no table that would say so."""
    own = [table for table in (SCHEMA_VERSION, SCHEMA_COLUMN) if table in shape]
    if not own:
        return 0, None
    rows = warehouse.query(f"select * from {SCHEMA_VERSION}").rows() if SCHEMA_VERSION in own else []  # noqa: S608
    if len(own) < 2 or len(rows) != 1 or rows[0][0] is None:
        own_tables = f"{SCHEMA_VERSION}, {SCHEMA_COLUMN}"
        raise _refuse(path, [(f"{own_tables}: what they say of it is gone", f"{own_tables}：其中的版本信息已缺失")])
    return int(rows[0][0]), rows[0][1]


def _read_recorded(warehouse: Warehouse, version: int) -> Columns:
    """Return the columns that the registry made in this database.

    A database of version 0 kept no record: every one of them had at least those of `0000_columns.csv`, once anything
    was loaded.
    """
    recorded: Columns = {}
    if version > 0:
        rows = warehouse.query(f"select table_name, column_name from {SCHEMA_COLUMN}").rows()  # noqa: S608
    elif warehouse.query("select * from ingests limit 1").is_empty():
        rows = []
    else:
        text = files("sql").joinpath("migrations", "0000_columns.csv").read_text(encoding="utf-8")
        rows = [(row["table_name"], row["column_name"]) for row in csv.DictReader(text.splitlines())]
    for table, name in rows:
        recorded.setdefault(table, []).append(name)
    return recorded


def _list_faults(shape: Shape, recorded: Columns, *, is_recorded_whole: bool) -> Iterator[Fault]:
    """Yield what is gone of what the registry made, and what somebody else added to its tables."""
    for table, columns in recorded.items():
        if table not in shape:
            yield _say_missing(table)
            continue
        if gone := ", ".join(name for name in columns if name not in shape[table]):
            yield f"{table} lacks {gone}", f"{table} 缺少列 {gone}"
        foreign = ", ".join(name for name in shape[table] if name not in columns)
        if foreign and is_recorded_whole:
            yield f"{table} has {foreign}, which the registry did not make", f"{table} 有并非本系统建立的列 {foreign}"


def _say_missing(table: str) -> Fault:
    return f"the table {table} is missing", f"缺少表 {table}"


def _refuse_unknown(recorded: Columns, declared: Shape, path: Path) -> None:
    unknown = [
        f"{table}.{name}" for table, names in recorded.items() for name in names if name not in declared.get(table, ())
    ]
    if unknown:
        raise UsageError(
            f"The database '{path}' has columns that this registry does not know: {', '.join(unknown)}. A newer registry made "
            "them. Nothing was changed. Install the newer registry, or put back a copy from before.",
            f"数据库“{path}”含有本程序不认识的列：{'、'.join(unknown)}。它们由更新版本的程序建立。未作任何更改。"
            "请安装新版程序，或恢复此前的备份。",
        )


def _list_wrong_types(shape: Shape, declared: Shape) -> Iterator[Fault]:
    for table, columns in shape.items():
        for name, dtype in columns.items():
            right = declared.get(table, {}).get(name, dtype)
            if dtype != right:
                yield (
                    f"{table}.{name} is {dtype} and should be {right}",
                    f"{table}.{name} 的类型为 {dtype}，应为 {right}",
                )


def _refuse(path: Path, faults: list[Fault]) -> UsageError:
    en, zh = ("; ".join(fault[0] for fault in faults), "；".join(fault[1] for fault in faults))
    return UsageError(
        f"The database '{path}' is not as the registry makes it: {en}. Another tool changed it, or it is none of the registry's. "
        "Nothing was changed. Put back a copy, or move it away and ingest again.",
        f"数据库“{path}”与本系统所建的不符：{zh}。它被其他工具改动过，或不是本系统的数据库。未作任何更改。"
        "请恢复备份，或将其移走后重新入库。",
    )
