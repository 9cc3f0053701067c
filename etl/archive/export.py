"""The whole registry as open files: every table by hospital and ingest, the SQL over them, what every column means, and the trail.

A view of `sql/core` and `sql/marts` runs over these files as it stands, in any engine that reads Parquet and knows standard SQL.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from etl.archive.open_files import README, FolderWriter, name_types
from etl.errors import DamagedError, UsageError
from etl.settings import Settings
from etl.store.database import Warehouse
from etl.store.shape import DUCKDB_TYPES, SEAL, declare_shape, describe_tables
from etl.store.sql_files import list_views, read_folder
from etl.store.trail import find_last, record_event
from etl.store.upgrade import find_latest_version
from etl.store.warehouse import check_there, open_for_writing
from etl.whole_files import name_scratch, place_folder, sweep
from schemas.column import DType

EXPORT = "export"
CUT_SCHEMAS = ("landing", "versions")
"""Schemas of which every row belongs to an ingest, so that their tables are cut by hospital and ingest."""
POLARS_TYPES: dict[str, DType] = {duckdb: dtype for dtype, duckdb in DUCKDB_TYPES.items()}
_README = """\
A registry as open files / 登记库的开放格式导出

Patients: {patients}
This folder holds data of single patients. Keep it as you keep the database; who may read it is a matter of the host.
本文件夹含个体患者数据，请与数据库同等保管。

manifest.json         what each file holds, its SHA-256, rows, columns and types; manifest.json.sha256 is its own hash
tables/               Parquet: <schema>.<table>/hospital=<hospital>/ingest=<number>.parquet, or all.parquet where a table is not cut
sql/                  core and marts: the views over these tables, to be made in the manifest's order; checks: no row means it holds
columns.csv           what every column means
The layout is format version 1, described in docs/export.md of the registry. `registry restore` makes the database of it again.
"""


@dataclass(frozen=True)
class Written:
    """What was written, and where."""

    folder: Path
    n_files: int
    n_bytes: int
    manifest_hash: str
    is_synthetic: bool


def export_registry(settings: Settings, folder: Path) -> Written:
    """Write the registry into a new or empty folder: all of it, or nothing. Nobody else writes meanwhile; it is on record before it is there.

    Raises:
        UsageError: nothing is loaded yet, or there is something in the folder; a disk without room.
        DamagedError: rows of a table belong to no ingest.
    """
    check_there(settings.warehouse_path)
    check_free(folder)
    scratch = name_scratch(folder)
    sweep(folder.parent, is_deep=False)
    try:
        with open_for_writing(settings.warehouse_path) as warehouse:
            written = _write(warehouse, scratch, folder)
            with warehouse.transaction():
                record_event(warehouse, "export", folder=str(folder.resolve()), manifest_hash=written.manifest_hash)
        _place(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return written


def _place(scratch: Path, folder: Path) -> None:
    try:
        place_folder(scratch, folder)
    except OSError as error:
        raise UsageError(
            f"The export could not be put at '{folder}' ({error.strerror}). Nothing of it is there; that it was begun is on record. Name a new folder.",
            f"导出内容无法放到“{folder}”（{error.strerror}）。该处没有任何内容；导出已开始一事已记录在案。请指定一个新文件夹。",
        ) from None


def check_free(folder: Path) -> None:
    """Refuse a folder in which something stands, and a name that is a file's (UsageError)."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"'{folder}' is there already and is not empty. Nothing was written. Name a new folder.",
            f"“{folder}”已存在且非空。未写入任何内容。请指定一个新文件夹。",
        )


def _write(warehouse: Warehouse, scratch: Path, folder: Path) -> Written:
    is_synthetic = bool(warehouse.query("select * from registry")["is_synthetic"].any())
    writer = FolderWriter(scratch, is_synthetic=is_synthetic)
    for table, shape in read_declared().items():
        _write_table(writer, warehouse, table, shape)
    views = list_views()
    for name, sql in views.items():
        writer.write_text(f"sql/{name.replace('.', '/')}.sql", sql)
    for name, sql in read_folder("checks").items():
        writer.write_text(f"sql/checks/{name}.sql", sql)
    writer.write_text("columns.csv", _describe())
    writer.write_text(README, _README.format(patients=writer.patients))
    last = find_last(warehouse)
    about = {
        "schema_version": find_latest_version(),
        "last_event": {"number": last["number"], "hash": last["hash"]} if last else None,
        "views": list(views),
    }
    manifest_hash = writer.finish(EXPORT, about)
    return Written(folder, writer.n_files, writer.n_bytes, manifest_hash, is_synthetic)


def read_declared() -> dict[str, dict[str, DType]]:
    """Return every table's columns, as the file has them, with their polars types."""
    return {
        table: {name: POLARS_TYPES[duckdb] for name, duckdb in columns.items()}
        for table, columns in declare_shape().items()
    }


def _write_table(writer: FolderWriter, warehouse: Warehouse, table: str, shape: dict[str, DType]) -> None:
    """Write a table whole, or a file for each ingest that loaded rows of it; of an empty one a file with its columns."""
    columns = ", ".join(f'"{name}"' for name in shape)
    sql = f"select {columns} from {table}"  # noqa: S608 (names are ours)
    n_rows = int(warehouse.query(f"select count(*) as n from {table}")["n"][0])  # noqa: S608
    if table.partition(".")[0] not in CUT_SCHEMAS or not n_rows:
        writer.write_table(f"tables/{table}/all.parquet", table, shape, warehouse.stream(sql))
        return
    n_written = 0
    for hospital, ingest_id in _list_parts(warehouse, table):
        rows = warehouse.stream(f"{sql} where ingest_id = ?", [ingest_id])
        name = f"tables/{table}/hospital={hospital}/ingest={ingest_id}.parquet"
        n_written += writer.write_table(name, table, shape, rows, hospital=hospital, ingest_id=ingest_id)
    if n_written != n_rows:
        raise DamagedError(
            f"{n_rows - n_written} row(s) of {table} belong to no ingest: another tool changed the database. Nothing was written. "
            "registry verify names what differs.",
            f"{table} 中有 {n_rows - n_written} 行不属于任何一次载入：数据库被其他工具改动过。未写入任何内容。可运行 registry verify 查看差异。",
        )


def _list_parts(warehouse: Warehouse, table: str) -> Iterator[tuple[str, int]]:
    """Yield hospital and number of every ingest that loaded rows of a table, in the order of the ingests."""
    parts = warehouse.query(
        f"select hospital, ingest_id from ingests where ingest_id in (select ingest_id from {table}) order by ingest_id"  # noqa: S608
    )
    yield from parts.iter_rows()


def _describe() -> str:
    """Return the data dictionary of the tables as CSV."""
    lines = io.StringIO()
    rows = csv.writer(lines, lineterminator="\n")
    rows.writerow(("table", "column", "type", "meaning"))
    meanings = describe_tables()
    for table, shape in read_declared().items():
        known = {**SEAL, **meanings[table]}
        rows.writerows((table, *told, known[told[0]].meaning) for told in name_types(table, shape).items())
    return lines.getvalue()
