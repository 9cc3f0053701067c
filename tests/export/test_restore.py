"""From an export back to the same database, or nothing at all."""

import hashlib
import json
import shutil
from dataclasses import replace

import polars as pl
import pytest
from export.conftest import analyse, flip, list_scratch
from held_tables import read_tables

from etl.archive.export import export_registry
from etl.archive.restore import restore_registry
from etl.errors import DamagedError, UsageError
from etl.load import revert
from etl.store.trail import list_events, read_trail
from etl.store.warehouse import open_for_reading
from etl.verify import verify


@pytest.fixture(scope="module")
def exported(kept, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "out"
    export_registry(kept, folder)
    return folder


@pytest.fixture
def copied(exported, tmp_path):
    """An export that a test damages, and an empty workspace."""
    return shutil.copytree(exported, tmp_path / "copied")


@pytest.fixture
def empty(kept, tmp_path):
    return replace(kept, workspace=tmp_path / "empty")


def check_nothing_made(settings):
    assert not settings.warehouse_path.exists()
    assert list_scratch(settings.workspace) == []


def sign(folder, manifest):
    """Write a manifest with its right hash."""
    content = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(content)
    (folder / "manifest.json.sha256").write_text(f"{hashlib.sha256(content).hexdigest()}  manifest.json\n")


def test_the_database_is_the_same_table_by_table_and_so_are_its_results(kept, results, exported, empty):
    restored = restore_registry(empty, exported)
    held, made = read_tables(kept.warehouse_path), read_tables(empty.warehouse_path)
    assert made == held
    assert held["versions.findings"]
    assert held["marts.analysis_subject"]
    assert restored.n_ingests == 5
    assert verify(empty).differences == []
    shutil.copytree(kept.studies_dir, empty.studies_dir)
    assert analyse(empty, study="everybody") == results


def test_the_trail_goes_on_and_pages_are_owed(exported, empty):
    restore_registry(empty, exported)
    revert(empty, "hunan")
    with open_for_reading(empty.warehouse_path) as warehouse:
        events = list_events(warehouse)
        owed = warehouse.query("select hospital from owed order by all")["hospital"].to_list()
        trail = read_trail(warehouse)
    assert [event["kind"] for event in events[-2:]] == ["restore", "revert"]
    assert trail.broken == trail.found == []
    assert owed == ["hunan", "nanfang", "sysu"]


def test_a_workspace_that_has_a_database_or_its_log_is_left_alone(exported, settings, empty):
    before = settings.warehouse_path.read_bytes()
    with pytest.raises(UsageError, match="There is a database already"):
        restore_registry(settings, exported)
    assert settings.warehouse_path.read_bytes() == before
    empty.workspace.mkdir()
    (empty.workspace / "registry.duckdb.wal").write_bytes(b"of another database")
    with pytest.raises(UsageError, match=r"registry\.duckdb\.wal"):
        restore_registry(empty, exported)
    check_nothing_made(empty)


def test_any_file_that_is_not_as_it_was_is_named(exported, empty, tmp_path):
    """One bit is changed in every fifth file and in those of the manifest, a few are taken away, and what stands there besides is named too."""
    names = sorted(path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file())
    names = ["manifest.json", "manifest.json.sha256", *names[::5]]
    copied = shutil.copytree(exported, tmp_path / "copied")
    for place, name in enumerate(names):
        size = (copied / name).stat().st_size
        if place % 7 != 6:
            flip(copied / name, (place * 7919) % size)
        else:
            (copied / name).unlink()
        with pytest.raises((DamagedError, UsageError)) as caught:
            restore_registry(empty, copied)
        assert name.removesuffix(".sha256") in caught.value.en, name
        assert name.removesuffix(".sha256") in caught.value.zh, name
        assert caught.value.exit_code == 17 or name == "manifest.json"
        shutil.copyfile(exported / name, copied / name)
    (copied / "tables" / "main.ingests" / "more.parquet").write_bytes(b"x")
    with pytest.raises(DamagedError, match=r"added: tables/main\.ingests/more\.parquet"):
        restore_registry(empty, copied)
    check_nothing_made(empty)


def test_every_damaged_file_is_named_at_once(copied, empty):
    flip(copied / "columns.csv", 5)
    (copied / "README.txt").unlink()
    (copied / "notes").symlink_to("columns.csv")
    with pytest.raises(DamagedError, match=r"changed: columns\.csv; missing: README\.txt; added: notes"):
        restore_registry(empty, copied)


def test_a_manifest_that_is_signed_again_does_not_make_rows_or_shape_true(copied, empty):
    manifest = json.loads((copied / "manifest.json").read_text())
    file = next(file for file in manifest["files"] if file.get("table") == "main.ingests")
    sign(copied, {**manifest, "files": [{**one, "rows": 6} if one is file else one for one in manifest["files"]]})
    with pytest.raises(DamagedError, match=r"main\.ingests"):
        restore_registry(empty, copied)
    tables = {**manifest["tables"], "main.registry": {"columns": {"key_fingerprint": "string"}, "rows": 1}}
    sign(copied, {**manifest, "tables": tables})
    with pytest.raises(DamagedError, match=r"main\.registry"):
        restore_registry(empty, copied)
    tables = {**manifest["tables"], 'main.x"; drop table y; --': {"columns": {}, "rows": 0}}
    sign(copied, {**manifest, "tables": tables})
    with pytest.raises(DamagedError, match="manifest"):
        restore_registry(empty, copied)
    check_nothing_made(empty)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format_version": 2, "registry_version": "9.9"}, "newer registry \\(9.9\\) wrote it"),
        ({"kind": "frozen"}, "kind 'frozen', and not 'export'"),
        ({"format": "something else"}, "none of the registry's"),
    ],
)
def test_what_this_registry_does_not_read_is_refused(copied, empty, change, words):
    sign(copied, {**json.loads((copied / "manifest.json").read_text()), **change})
    with pytest.raises(UsageError, match=words):
        restore_registry(empty, copied)
    check_nothing_made(empty)


def test_an_export_of_a_newer_shape_is_refused(copied, empty):
    manifest = json.loads((copied / "manifest.json").read_text())
    path = copied / "tables" / "main.schema_version" / "all.parquet"
    pl.read_parquet(path).with_columns(pl.lit(99, dtype=pl.Int64).alias("version")).write_parquet(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    files = [
        {**one, "sha256": digest} if one.get("table") == "main.schema_version" else one for one in manifest["files"]
    ]
    sign(copied, {**manifest, "files": files})
    with pytest.raises(UsageError, match="version 99"):
        restore_registry(empty, copied)
    check_nothing_made(empty)
