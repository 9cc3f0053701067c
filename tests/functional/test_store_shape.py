"""A database of yesterday meets the code of today: every table gains a column, and nothing is filled that was not read."""

import shutil

import clinic
import polars as pl
import pytest
from conftest import Desk

import etl.judging.validate
from etl.errors import InternalError
from etl.load import revert
from etl.settings import Settings
from etl.store.shape import declare_tables
from etl.store.warehouse import open_for_reading, open_for_writing
from schemas import bookkeeping
from schemas.column import Column
from schemas.contract import field
from schemas.derive import derive
from schemas.derived_columns import DERIVED_COLUMNS, STORED_FRAMES
from schemas.tables import TABLES

LATER = Column(pl.String, "a column that came later")
OCTOBER = clinic.LABS.replace("3.9", "4.0")
KEPT = (
    "FINDINGS",
    "RULE_OUTCOMES",
    "ROW_ACCOUNTS",
    "QUARANTINE",
    "COMPLETENESS",
    "SOURCE_ROW",
    "INGESTS",
    "ANSWERS",
    "REGISTRY",
)


@pytest.fixture(scope="module")
def yesterday(tmp_path_factory):
    """A workspace with one ingest, loaded before anything was added."""
    folder = tmp_path_factory.mktemp("yesterday")
    clinic.write_site(folder / "workspace" / "sites" / "clinic")
    desk = Desk(Settings(folder / "workspace", folder / "key", "both"))
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    return folder


@pytest.fixture
def desk(yesterday, tmp_path):
    shutil.copytree(yesterday, tmp_path, dirs_exist_ok=True)
    clinic.write_delivery(tmp_path / "workspace" / "extracts" / "clinic" / "b", labs=OCTOBER)
    return Desk(Settings(tmp_path / "workspace", tmp_path / "key", "both"))


def add_field(monkeypatch, table):
    """Declare a field more in a table's contract, as an edit of its file would."""
    later = field("A field that came later", "后来增加", expected=False)
    body = {"__annotations__": {"came_later": pl.String}, "came_later": later, "__doc__": TABLES[table].__doc__}
    monkeypatch.setitem(TABLES, table, type(TABLES[table].__name__, (TABLES[table],), body))


def add_derived(monkeypatch, frame):
    """Declare and derive a column more."""
    monkeypatch.setitem(DERIVED_COLUMNS[frame], "came_later", LATER)

    def derive_more(tables, **said):
        later = DERIVED_COLUMNS[frame].pop("came_later")  # `derive` itself knows nothing of it
        derived = derive(tables, **said)
        DERIVED_COLUMNS[frame]["came_later"] = later
        return {**derived, frame: derived[frame].with_columns(came_later=pl.lit("made"))}

    monkeypatch.setattr(etl.judging.validate, "derive", derive_more)


def list_unfilled(desk):
    return desk.read("marts.unfilled_column").select("table_name", "column_name").rows()


@pytest.mark.parametrize("table", TABLES)
def test_a_field_more_in_each_table_and_the_next_delivery_is_loaded(desk, monkeypatch, table):
    add_field(monkeypatch, table)
    assert list_unfilled(desk) == [(f"versions.{table}", "came_later")]
    assert desk.ingest().ingest_id == 2
    stored = desk.read(f"versions.{table}")
    assert stored.schema["came_later"] == pl.String
    assert list_unfilled(desk) == []
    revert(desk.settings, "clinic")
    assert list_unfilled(desk) == [(f"versions.{table}", "came_later")]


def test_a_field_that_came_later_is_filled_from_the_next_delivery_on(desk, monkeypatch):
    add_field(monkeypatch, "patient")
    mapping = clinic.COLUMNS.replace(
        "patients,remark,ignore,,,,,not a field", "patients,remark,field,patient,came_later,,,"
    )
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", columns=mapping)
    desk.ingest()
    stored = desk.read("versions.patient").sort("ingest_id", "source_row")
    assert stored.select("ingest_id", "came_later").rows() == [
        (1, None), (1, None), (1, None), (2, None), (2, "first visit"), (2, None),
    ]  # fmt: skip


@pytest.mark.parametrize("frame", STORED_FRAMES)
def test_a_column_more_in_each_derived_frame_and_the_next_delivery_is_loaded(desk, monkeypatch, frame):
    add_derived(monkeypatch, frame)
    assert list_unfilled(desk) == [(f"versions.{frame}", "came_later")]
    desk.ingest()
    stored = desk.read(f"versions.{frame}")
    assert set(stored.filter(pl.col("ingest_id") == 1)["came_later"]) <= {None}
    assert set(stored.filter(pl.col("ingest_id") == 2)["came_later"]) <= {"made"}
    assert list_unfilled(desk) == []


@pytest.mark.parametrize("name", KEPT)
def test_a_column_more_in_what_is_kept_about_ingests(desk, monkeypatch, name):
    before = declare_tables()
    monkeypatch.setitem(getattr(bookkeeping, name), "came_later", LATER)
    grown = [table for table, columns in declare_tables().items() if len(columns) > len(before[table])]
    assert grown
    with open_for_writing(desk.settings.warehouse_path) as warehouse:
        for table in grown:
            old = warehouse.query(f"select * from {table}")
            assert old["came_later"].null_count() == old.height
            row = pl.DataFrame({"came_later": ["x"]}, schema_overrides=declare_tables()[table])
            warehouse.append(
                table, pl.DataFrame(schema=declare_tables()[table]).join(row, on="came_later", how="right")
            )
            assert warehouse.query(f"select came_later from {table} where came_later = 'x'").height == 1


def test_a_table_that_is_declared_later_is_made_empty(desk, monkeypatch):
    add_field(monkeypatch, "patient")
    monkeypatch.setitem(TABLES, "imaging", TABLES["procedure"])
    desk.ingest()
    assert desk.read("core.imaging").is_empty()
    assert desk.read("marts.analysis_subject").height == 3


@pytest.mark.parametrize("table", declare_tables())
def test_a_frame_that_is_not_as_declared_is_refused_before_anything_is_written(tmp_path, table):
    declared = declare_tables()[table]
    name, dtype = next(iter(declared.items()))
    right = pl.DataFrame(schema=declared)
    wrong = {
        f"lacks {name}": right.drop(name),
        "has surplus": right.with_columns(surplus=pl.lit(1)),
        f"{name} is Null": right.with_columns(pl.lit(None).alias(name)),
        f"{name} is Duration.*should be {dtype}": right.with_columns(pl.lit(None, dtype=pl.Duration).alias(name)),
    }
    with open_for_writing(tmp_path / "w.duckdb") as warehouse:
        n = warehouse.query(f"select * from {table}").height
        for said, frame in wrong.items():
            with pytest.raises(InternalError, match=f"{table} is not as it is declared: it .*{said}"):
                warehouse.append(table, frame)
        warehouse.append(table, right.select(reversed(declared)))
        assert warehouse.query(f"select * from {table}").height == n


@pytest.mark.parametrize("frame", DERIVED_COLUMNS)
def test_a_derived_frame_that_is_not_as_declared_is_a_fault_of_the_registry(desk, monkeypatch, frame):
    def derive_other(tables, **said):
        derived = derive(tables, **said)
        return {**derived, frame: derived[frame].with_columns(pl.col("patient_id").cast(pl.Categorical))}

    monkeypatch.setattr(etl.judging.validate, "derive", derive_other)
    before = desk.settings.warehouse_path.read_bytes()
    with pytest.raises(InternalError, match=f"'{frame}' is not as it is declared: it patient_id is Categorical"):
        desk.ingest()
    assert desk.settings.warehouse_path.read_bytes() == before


def test_views_of_older_code_are_made_anew(desk, monkeypatch):
    with open_for_writing(desk.settings.warehouse_path) as warehouse:
        warehouse.execute("update schema_version set views_hash = 'older'")
        warehouse.execute("create or replace view marts.attrition as select 1 as wrong")
        warehouse.execute("create view marts.gone_since as select 1 as one")
    with open_for_reading(desk.settings.warehouse_path) as warehouse:
        assert "n_before" in warehouse.query("select * from marts.attrition").columns
        assert warehouse.query("select * from duckdb_views() where view_name = 'gone_since'").is_empty()
