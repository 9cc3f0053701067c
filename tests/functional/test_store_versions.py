"""Databases that are older, newer, or not what the registry left: upgraded with a copy beside, or refused in words."""

import os
import re
import shutil
import struct
from pathlib import Path

import clinic
import duckdb
import polars as pl
import pytest
from conftest import Desk

from etl import errors
from etl.load import revert
from etl.publish import write_quality
from etl.settings import Settings
from etl.store import upgrade as store_upgrade
from etl.store.database import Warehouse
from etl.store.shape import declare_shape
from etl.store.sql_files import read_folder
from etl.store.upgrade import Migration, list_migrations
from etl.store.warehouse import open_for_reading, open_for_writing

OCTOBER = clinic.LABS.replace("3.9", "4.0")
CHECKSUM_FACTOR = 0xBF58476D1CE4E5B9
NEWER_COLUMN = "select 1; alter table versions.subject rename column arm to treatment_arm"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A workspace with two ingests of one hospital."""
    folder = tmp_path_factory.mktemp("loaded")
    clinic.write_site(folder / "workspace" / "sites" / "clinic")
    desk = Desk(Settings(folder / "workspace", folder / "key", "both"))
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    clinic.write_delivery(desk.extracts / "b", labs=OCTOBER)
    desk.ingest()
    return folder


@pytest.fixture
def desk(loaded, tmp_path):
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    return Desk(Settings(tmp_path / "workspace", tmp_path / "key", "both"))


def change(desk, *statements):
    """Change the database as another tool would."""
    with duckdb.connect(str(desk.settings.warehouse_path)) as connection:
        for statement in statements:
            connection.execute(statement)


def make_version_0(desk, *statements):
    """Take away what version 0 did not have: the record of columns, the answers, and columns that came later or under other names."""
    renames = re.findall(
        r"alter table if exists (\S+) rename column (\w+) to (\w+)", read_folder("migrations")["0002_derived_names"]
    )
    assert renames
    change(
        desk, *(f"alter table {table} rename column {new} to {old}" for table, old, new in renames), "drop table schema_version", "drop table schema_column", "drop table answers",
        "alter table versions.subject drop column best_change_percent", "drop view marts.unfilled_column",
        "alter table versions.assessment drop column is_counted", "update ingests set input_hash = 'of older code'", *statements,
    )  # fmt: skip


def list_copies(desk):
    return sorted(desk.settings.workspace.glob("registry_version*.duckdb"))


def refuse(desk, said):
    """The database is refused by readers and writers alike, with exit code 2, and not a byte of it is changed."""
    path = desk.settings.warehouse_path
    before = path.read_bytes()
    for opened in (open_for_reading, open_for_writing):
        with pytest.raises(errors.UsageError, match=said) as caught, opened(path, wait_seconds=1):
            pass
        assert "othing was changed" in caught.value.en
        assert "未作任何更改" in caught.value.zh
    assert caught.value.exit_code == 2
    assert path.read_bytes() == before


def test_a_database_of_version_0_is_read_reported_and_reverted_without_an_ingest(desk):
    make_version_0(desk)
    before = desk.settings.warehouse_path.read_bytes()
    assert desk.read("ingests")["ingest_id"].to_list() == [1, 2]
    assert [copy.read_bytes() for copy in list_copies(desk)] == [before]
    assert {table: set(columns) for table, columns in read_shape(desk).items()} == {
        table: set(columns) for table, columns in declare_shape().items()
    }
    assert sorted(desk.read("marts.unfilled_column").select("table_name", "column_name").rows()) == [
        ("versions.assessment", "is_counted"), ("versions.subject", "best_change_percent"),
    ]  # fmt: skip
    page = next(path for path in write_quality(desk.settings) if path.name == "index.html").read_text(encoding="utf-8")
    assert "best_change_percent" in page
    assert "make ingest HOSPITAL=clinic" in page
    assert revert(desk.settings, "clinic") == (2, 1)
    assert desk.ingest().ingest_id == 3
    assert desk.read("marts.unfilled_column").is_empty()
    assert len(list_copies(desk)) == 1


def read_shape(desk):
    with open_for_reading(desk.settings.warehouse_path) as warehouse:
        return warehouse.read_shape()


def test_a_version_0_before_anything_was_loaded(desk):
    desk.settings.warehouse_path.unlink()
    desk.settings.key_file.with_name("key.workspace").unlink()  # a copy's, of the workspace that is still there
    change(
        desk, "create table registry (key_fingerprint varchar, is_synthetic boolean)",
        "create table ingests as select 1::bigint as ingest_id, ''::varchar as hospital limit 0",
    )  # fmt: skip
    assert desk.ingest(desk.extracts / "a").ingest_id == 1


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("drop table registry", "the table main.registry is missing"),
        ("drop table versions.lesion cascade", "the table versions.lesion is missing"),
        ("drop table landing.source_row", "the table landing.source_row is missing"),
        ("alter table versions.subject drop column arm", "versions.subject lacks arm"),
        ("alter table ingests drop column cells", "main.ingests lacks cells"),
        ("alter table versions.patient alter age_years type varchar", "versions.patient.age_years is VARCHAR and should be DOUBLE"),
        ("alter table versions.patient add column mine int", "versions.patient has mine, which the registry did not make"),
        ("delete from schema_version", "main.schema_version, main.schema_column"),
        ("drop table schema_version", "main.schema_version, main.schema_column"),
    ],
)  # fmt: skip
def test_a_database_that_another_tool_changed(desk, statement, said):
    change(desk, statement)
    refuse(desk, said)
    assert list_copies(desk) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("drop table registry", "the table main.registry is missing"),
        ("drop table versions.lesion cascade", "the table versions.lesion is missing"),
        ("alter table versions.subject drop column arm", "versions.subject lacks arm"),
        ("alter table versions.patient alter age_years type varchar", "versions.patient.age_years is VARCHAR"),
        (
            "alter table versions.subject alter start_date type varchar",
            "versions.subject.first_line_start_date is VARCHAR",
        ),
        ("create table schema_version as select 0 as version", "main.schema_version, main.schema_column"),
    ],
)
def test_a_database_of_version_0_that_another_tool_changed(desk, statement, said):
    make_version_0(desk, statement)
    refuse(desk, said)


def test_a_database_of_something_else(desk):
    desk.settings.warehouse_path.unlink()
    change(desk, "create table customers as select 1 as id")
    refuse(desk, "the table main.registry is missing; the table main.ingests is missing")


def test_a_database_of_a_newer_registry(desk):
    newest = max(migration.number for migration in list_migrations())
    change(desk, f"update schema_version set version = {newest + 1}")
    refuse(desk, f"has version {newest + 1}; this registry knows versions up to {newest}.*newer registry wrote it")


def test_a_column_that_only_a_newer_registry_knows(desk):
    change(
        desk, "alter table versions.patient add column came_later varchar",
        "insert into schema_column values ('versions.patient', 'came_later', 3)",
    )  # fmt: skip
    refuse(desk, r"does not know: versions\.patient\.came_later\. A newer registry")


def write_header(path: Path, storage_version: int, *, is_checksum_right: bool) -> None:
    """Write a storage version into a DuckDB file's first header block, whose first 8 bytes are its checksum."""
    block = bytearray(path.read_bytes()[:4096])
    block[12:20] = struct.pack("<Q", storage_version)
    checksum = 5381
    for (word,) in struct.iter_unpack("<Q", bytes(block[8:])):
        checksum ^= (word * CHECKSUM_FACTOR) & (2**64 - 1)
    if is_checksum_right:
        block[:8] = struct.pack("<Q", checksum)
    with path.open("r+b") as file:
        file.write(block)


@pytest.mark.parametrize("is_checksum_right", [True, False])
def test_a_file_of_duckdbs_next_storage_version(desk, is_checksum_right):
    write_header(desk.settings.warehouse_path, 1000, is_checksum_right=is_checksum_right)
    refuse(desk, "newer DuckDB wrote it. The file is not damaged")


def test_a_file_whose_header_is_damaged_is_not_said_to_be_newer(desk):
    write_header(desk.settings.warehouse_path, 64, is_checksum_right=False)
    with pytest.raises(errors.DamagedError, match="is damaged"):
        desk.read("ingests")


@pytest.fixture
def rename_arm(monkeypatch):
    """The code of tomorrow: a migration renames a column and another declares it so."""
    from schemas import derived_columns

    columns = {("treatment_arm" if name == "arm" else name): c for name, c in derived_columns.SUBJECT_COLUMNS.items()}
    monkeypatch.setitem(derived_columns.DERIVED_COLUMNS, "subject", columns)
    views = store_upgrade.hash_views
    sql = (
        "alter table versions.subject rename column arm to treatment_arm;"
        "update schema_column set column_name = 'treatment_arm' where table_name = 'versions.subject' and column_name = 'arm';"
    )
    migrations = [*list_migrations(), Migration(9999, sql)]
    monkeypatch.setattr(store_upgrade, "list_migrations", lambda: migrations)
    from etl.store import database

    renamed = {
        name: text.replace("subject.arm", "subject.treatment_arm") for name, text in database.list_views().items()
    }
    monkeypatch.setattr(database, "list_views", lambda: renamed)
    return views


@pytest.mark.usefixtures("rename_arm")
def test_a_numbered_migration_renames_a_column_and_keeps_its_values(desk, monkeypatch):
    before = duckdb.connect(str(desk.settings.warehouse_path), read_only=True)
    arms = before.sql("select ingest_id, patient_id, arm from versions.subject order by all").fetchall()
    before.close()
    content = desk.settings.warehouse_path.read_bytes()
    after = desk.read("versions.subject").select("ingest_id", "patient_id", "treatment_arm")
    assert sorted(after.rows(), key=str) == sorted(arms, key=str)
    assert desk.read("schema_version")["version"].to_list() == [9999]
    assert [copy.read_bytes() for copy in list_copies(desk)] == [content]
    assert list_copies(desk)[0].name.startswith("registry_version2_")


@pytest.mark.parametrize("place", ["rebuild_views", "run_checks"])
@pytest.mark.usefixtures("rename_arm")
def test_a_migration_that_is_killed_in_the_middle_leaves_the_file_and_a_copy(desk, monkeypatch, place):
    path = desk.settings.warehouse_path
    before = path.read_bytes()

    def fail(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store_upgrade.Warehouse, place, fail)
        with pytest.raises(KeyboardInterrupt), open_for_writing(path):
            pass
    assert path.read_bytes() == before
    assert [copy.read_bytes() for copy in list_copies(desk)] == [before]
    assert desk.read("schema_version")["version"].to_list() == [9999]
    assert len(list_copies(desk)) == 1


def test_a_copy_that_cannot_be_made_changes_nothing(desk, monkeypatch):
    make_version_0(desk)
    before = desk.settings.warehouse_path.read_bytes()
    monkeypatch.setattr(store_upgrade, "copy_whole", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(
        errors.UsageError, match=r"no copy of it could be made first \(No space left\). Nothing was changed"
    ):
        desk.read("ingests")
    assert desk.settings.warehouse_path.read_bytes() == before
    assert list_copies(desk) == []


def test_an_older_database_in_a_folder_that_cannot_be_written(desk, monkeypatch):
    make_version_0(desk)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(errors.UsageError, match=r"must be brought up to date once.*set WORKSPACE to the copy"):
        desk.read("ingests")
    assert list_copies(desk) == []


def test_a_database_of_today_is_read_in_a_folder_that_cannot_be_written(desk, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert desk.read("ingests").height == 2


def test_a_version_loaded_since_and_the_answers_are_kept(desk):
    make_version_0(desk)
    assert desk.read("versions.patient")["ingest_id"].to_list() == [1, 1, 1, 2, 2, 2]
    assert desk.read("answers").is_empty()
    assert desk.read("schema_column").filter(pl.col("since_ingest_id") > 1)["since_ingest_id"].unique().to_list() == [3]


class FullDisk:
    """A connection on which one statement fails, as on a full disk; what is said to be committed before it was."""

    def __init__(self, connection, failing):
        self.connection, self.failing = connection, failing

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def execute(self, sql, *parameters):
        if sql == self.failing:
            raise duckdb.FatalException("could not write")
        return self.connection.execute(sql, *parameters)


@pytest.fixture
def full_disk(monkeypatch):
    """Let a statement of the writer fail; whoever reads is not disturbed."""

    def fail(statement):
        original = Warehouse.__init__

        def begin(self, connection, path):
            is_reader = "read_only" in str(
                connection.execute(
                    "select access_mode from (select current_setting('access_mode') as access_mode)"
                ).fetchall()
            )
            original(self, connection if is_reader else FullDisk(connection, statement), path)

        monkeypatch.setattr(Warehouse, "__init__", begin)

    return fail


def test_a_failed_commit_is_told_to_have_changed_nothing(desk, full_disk):
    full_disk("commit")
    with pytest.raises(errors.UsageError, match="This change was not made"):
        revert(desk.settings, "clinic")
    assert desk.read("ingests").sort("ingest_id")["is_current"].to_list() == [False, True]


def test_a_failed_checkpoint_is_told_to_have_lost_nothing(desk, full_disk):
    full_disk("checkpoint")
    with pytest.raises(errors.UnfinishedError, match="What was done is saved"):
        revert(desk.settings, "clinic")
    assert desk.read("ingests").sort("ingest_id")["is_current"].to_list() == [True, False]
