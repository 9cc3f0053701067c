"""Places of twenty patients, commands in forks of a warm process, and edits by another program."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from crashes.conftest import INGEST, Warm, starts, warm  # noqa: F401 (fixtures)


@dataclass
class Place:
    """A folder with a workspace, and the commands that are run in it."""

    folder: Path
    warm: Warm

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def run(self, *arguments: str) -> dict:
        return self.warm.run(self.folder, *arguments)

    def ingest(self, *options: str) -> dict:
        return self.run(*INGEST, *options)

    def edit(self, *statements: str) -> None:
        """Change the database as another program would."""
        with duckdb.connect(str(self.workspace / "registry.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement)

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.workspace / "registry.duckdb"), read_only=True) as connection:
            return connection.sql(sql).fetchall()

    def list_events(self) -> list[tuple]:
        return self.query("select kind, hospital, rows_in, rows_out, n_refused, reason from event order by number")


def forget_trail(place: Place) -> None:
    """Make a database what an earlier registry had left."""
    sealed = place.query("select distinct table_name from schema_column where column_name = 'row_salt'")
    views = place.query("select schema_name || '.' || view_name from duckdb_views() where not internal")
    place.edit(
        *(f"drop view {name} cascade" for (name,) in views if name),
        *(f"alter table {table} drop column {name}" for (table,) in sealed for name in ("row_salt", "row_check")),
        "drop table event", "drop table page",
        "delete from schema_column where table_name in ('main.event', 'main.page') or column_name in ('row_salt', 'row_check')",
        "update schema_version set views_hash = 'of before'",
    )  # fmt: skip


@pytest.fixture
def make_place(warm, starts, tmp_path):  # noqa: F811
    """A function that copies the start of that name."""

    def make(name: str, folder: str = "place") -> Place:
        shutil.copytree(starts[name].folder, tmp_path / folder)
        return Place(tmp_path / folder, warm)

    return make
