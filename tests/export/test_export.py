"""The whole registry as open files, which anybody reads without the registry's code."""

import csv
import hashlib
import json
import re
from pathlib import Path

import duckdb
import polars as pl
import pytest
from export.conftest import list_scratch
from held_tables import OF_THE_COPY, list_rows, read_tables

from etl.archive.export import export_registry, read_declared
from etl.archive.open_files import FolderWriter
from etl.errors import DamagedError, UsageError
from etl.store.trail import list_events
from etl.store.warehouse import open_for_reading

GUIDE = Path(__file__).parents[2] / "docs" / "export.md"
WORDS = {
    "string": pl.String,
    "bigint": pl.Int64,
    "double": pl.Float64,
    "boolean": pl.Boolean,
    "date": pl.Date,
    "binary": pl.Binary,
}


@pytest.fixture(scope="module")
def exported(kept, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "out"
    export_registry(kept, folder)
    return folder


def read_manifest(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def read_files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_declared_table_is_there_with_its_columns_types_and_rows(exported, kept):
    held = read_tables(kept.warehouse_path, without=())
    told = read_manifest(exported)["tables"]
    for table, shape in read_declared().items():
        frame = pl.read_parquet(exported / "tables" / table / "**" / "*.parquet")
        assert dict(frame.schema) == shape, table
        assert {name: WORDS[word] for name, word in told[table]["columns"].items()} == shape
        if table not in OF_THE_COPY:
            assert frame.height == told[table]["rows"] == len(held[table]), table


def test_files_are_cut_by_hospital_and_ingest(exported):
    for file in read_manifest(exported)["files"]:
        if "ingest_id" in file:
            frame = pl.read_parquet(exported / file["path"])
            assert file["path"].endswith(f"/hospital={file['hospital']}/ingest={file['ingest_id']}.parquet")
            assert frame.select("hospital", "ingest_id").unique().rows() == [(file["hospital"], file["ingest_id"])]
            assert frame.height == file["rows"] > 0
    assert {file["ingest_id"] for file in read_manifest(exported)["files"] if "ingest_id" in file} == {1, 2, 3, 4, 5}


def test_every_column_is_explained(exported):
    with (exported / "columns.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["table"], row["column"]) for row in rows} == {
        (table, column) for table, shape in read_declared().items() for column in shape
    }
    assert all(row["meaning"] and row["type"] in WORDS for row in rows)


def test_only_the_owner_may_read_it_and_it_says_whose_data_it_holds(exported):
    assert {path.stat().st_mode & 0o777 for path in exported.rglob("*") if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in [exported, *exported.rglob("*")] if path.is_dir()} == {0o700}
    assert read_manifest(exported)["patients"].startswith("synthetic")
    assert "synthetic" in (exported / "README.txt").read_text(encoding="utf-8")


def test_the_same_database_gives_the_same_bytes(exported, kept, tmp_path):
    (tmp_path / "again").mkdir()  # an empty folder is taken
    export_registry(kept, tmp_path / "again")
    first, second = read_files(exported), read_files(tmp_path / "again")
    of_the_export = {f"tables/{table}/all.parquet" for table in OF_THE_COPY}
    assert {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)} <= {
        "manifest.json", "manifest.json.sha256", *of_the_export
    }  # fmt: skip


def test_what_the_guide_shows_opens_it_in_duckdb_alone_and_core_and_marts_are_the_same(exported, kept):
    """The page's own lines, run as they stand: no code of the registry has a part in it."""
    shown = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[1]
    assert "etl" not in shown
    names = {"EXPORT": str(exported)}
    exec(shown, names)
    held = read_tables(kept.warehouse_path)
    views = [name for name in held if name.startswith(("core.", "marts."))]
    assert len(views) > 20
    opened = list_rows(names["database"])
    assert [name for name in views if opened[name] != held[name]] == []
    for check in (exported / "sql" / "checks").glob("*.sql"):
        assert names["database"].execute(check.read_text(encoding="utf-8")).fetchall() == []


def test_it_is_on_record_and_names_the_last_event_before(exported, kept):
    manifest_hash = hashlib.sha256((exported / "manifest.json").read_bytes()).hexdigest()
    with open_for_reading(kept.warehouse_path) as warehouse:
        events = list_events(warehouse)
    (place,) = (i for i, event in enumerate(events) if event["detail"].get("manifest_hash") == manifest_hash)
    assert events[place]["kind"] == "export"
    assert read_manifest(exported)["last_event"] == {name: events[place - 1][name] for name in ("number", "hash")}


def test_nothing_is_written_over_and_nothing_where_nothing_is_loaded(kept, settings, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").write_text("mine")
    for there in (tmp_path / "full", tmp_path / "full" / "notes"):
        with pytest.raises(UsageError, match="Name a new folder"):
            export_registry(kept, there)
    settings.warehouse_path.unlink()
    with pytest.raises(UsageError, match="Nothing has been loaded"):
        export_registry(settings, tmp_path / "out")
    assert not settings.warehouse_path.exists()
    assert not (tmp_path / "out").exists()


def test_a_failure_on_the_way_leaves_nothing(kept, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    before = kept.warehouse_path.read_bytes()
    monkeypatch.setattr(FolderWriter, "finish", fail)
    with pytest.raises(OSError, match="No space"):
        export_registry(kept, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert list_scratch(tmp_path) == []
    assert kept.warehouse_path.read_bytes() == before


def test_rows_of_no_ingest_are_not_left_out_in_silence(settings, tmp_path):
    with duckdb.connect(str(settings.warehouse_path)) as database:
        database.execute("update versions.outcome set ingest_id = 99 where ingest_id = 1")
    with pytest.raises(DamagedError, match=r"of versions\.outcome belong to no ingest"):
        export_registry(settings, tmp_path / "out")
    assert not (tmp_path / "out").exists()
