"""From an export back to the database it was made of: all of it, or nothing.

Tables are made as the export has them, so that one of an older registry becomes the older database, and is brought up to date as that would be.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from etl import saved
from etl.archive.export import EXPORT
from etl.archive.open_files import OpenFolder, make_damaged_folder, open_folder
from etl.errors import UsageError
from etl.pages.text import Text
from etl.settings import Settings
from etl.store.database import connect
from etl.store.lock import hold_lock
from etl.store.owed import note_owed
from etl.store.shape import DUCKDB_TYPES
from etl.store.trail import record_event
from etl.store.warehouse import WAIT_SECONDS, open_for_writing
from etl.whole_files import name_scratch, put_in_place


@dataclass(frozen=True)
class Restored:
    """What a restored database holds, and when its export was written (UTC)."""

    n_rows: int
    n_ingests: int
    written_at: str


def restore_registry(settings: Settings, folder: Path) -> Restored:
    """Make the database of an export in a workspace that has none.

    Raises:
        UsageError: there is a database, or no export that this registry can read.
        DamagedError: the export is not as it was written; names what differs.
    """
    path = settings.warehouse_path
    source = open_folder(folder, EXPORT)
    _refuse_existing(path)
    with hold_lock(path):
        _refuse_existing(path)
        source.check_files()
        scratch = name_scratch(path)
        try:
            scratch.mkdir()
            restored = _build(scratch / path.name, source)
            _refuse_existing(path)
            put_in_place(scratch / path.name, path)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    saved.note(Text(f"The database '{path}' is restored.", f"数据库“{path}”已恢复。"))
    return restored


def _refuse_existing(path: Path) -> None:
    """Refuse to put a database where one is, or where the log of one is that is gone: DuckDB would add it to ours."""
    for there in (path, path.with_name(f"{path.name}.wal")):
        if there.exists():
            raise UsageError(
                f"There is a database already: '{there}'. Nothing was changed. Move it away, with the files whose names begin with "
                f"'{path.name}', or set WORKSPACE to an empty folder.",
                f"此处已有数据库：“{there}”。未作任何更改。请将其与名称以“{path.name}”开头的文件一并移走，或将 WORKSPACE 设为空文件夹。",
            )


def _build(path: Path, source: OpenFolder) -> Restored:
    """Fill a new file with the tables of an export, bring it to today's shape, make its views, run the checks, and tell of it in the trail."""
    n_rows = _fill(path, source)
    with open_for_writing(path) as warehouse, warehouse.transaction():
        warehouse.rebuild_views()
        warehouse.run_checks()
        hospitals = warehouse.query("select hospital from ingests where is_current order by hospital")["hospital"]
        for hospital in hospitals:
            note_owed(warehouse, hospital)
        n_ingests = int(warehouse.query("select count(*) as n from ingests")["n"][0])
        written_at = str(source.manifest["written_at"])
        record_event(
            warehouse,
            "restore",
            folder=str(source.folder.resolve()),
            manifest_hash=source.manifest_hash,
            written_at=written_at,
        )
    return Restored(n_rows, n_ingests, written_at)


def _fill(path: Path, source: OpenFolder) -> int:
    """Make every table of an export with its rows, as they stood, in a file of its own; return how many rows there are."""
    warehouse = connect(path, read_only=False, wait_seconds=WAIT_SECONDS)
    n_rows = 0
    try:
        for table, shape in source.read_shapes().items():
            schema, _, _ = table.partition(".")
            warehouse.execute(f'create schema if not exists "{schema}"')
            stated = ", ".join(f'"{name}" {DUCKDB_TYPES[dtype]}' for name, dtype in shape.items())
            warehouse.execute(f"create table {table} ({stated})")
            n_own = sum(warehouse.put_back(table, frame) for frame in source.read_table(table))
            if n_own != source.manifest["tables"][table]["rows"]:
                raise make_damaged_folder(source.folder, changed=[f"tables/{table}"])
            n_rows += n_own
        warehouse.checkpoint()
    finally:
        warehouse.close()
    return n_rows
