"""A warm process for all tests of a session, and places with a workspace of twenty patients."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "functional"))
import clinic
from answered_workbook import CONFIRMED, answer
from fixed_key import FIXED_KEY_OF_A_STUDY, write_fixed_key

HEAD, *_ = clinic.PATIENTS.splitlines()
TIMES = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?")
PASSING = (
    "loaded_at",
    "taken_at",
    "path",
    "row_salt",
    "row_check",
    "happened_at",
    "hash_before",
    "hash",
    "code_commit",
    "linkage_fingerprint",
)
"""Columns that tell when and where, or hang on what was drawn at random, and differ from run to run."""
HASHED = {"page.content_hash", "event.detail"}
"""Columns in which hashes of such things stand, among what lasts."""
OWN_TABLES = ("change", "owed", "schema_column", "schema_version")


def write_patients(folder: Path, *, size: int, albumin: str) -> Path:
    """Twenty patients, of whom the first has a size that is asked about."""
    patients = [
        f"{n:03},王{n},,{'男' if n % 2 else '女'},19{40 + n}-03-05,无,{size if n == 1 else 40 + n},yes,no,"
        for n in range(1, 21)
    ]
    labs = [f"{n:03},2020-03-{n:02},{albumin},{10 * n},ng/mL" for n in range(1, 21)]
    text = {"patients": "\n".join([HEAD, *patients]), "labs": "\n".join([clinic.LABS.splitlines()[0], *labs])}
    return clinic.write_delivery(folder, patients=text["patients"] + "\n", labs=text["labs"] + "\n")


class Warm:
    """The warm process."""

    def __init__(self) -> None:
        self.language = "en"
        root = Path(__file__).parents[2]
        paths = os.pathsep.join([str(root), str(root / "tests" / "functional")])
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("warm.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )

    def run(self, place: Path, *arguments: str, **kill) -> dict:
        """Run one command in a place and return how it ended; it is killed where that is asked for."""
        return self.run_together(place, [arguments], **kill)[0]

    def run_together(self, place: Path, commands: Sequence[Sequence[str]], **kill) -> list[dict]:
        """Start several commands in one place at the same time and return how each ended."""
        environment = {
            "PLACE": str(place),
            "WORKSPACE": "workspace",
            "REGISTRY_KEY_FILE": "key",
            "REGISTRY_LANG": self.language,
        }
        tasks = [
            {
                "arguments": list(arguments),
                "environment": {**environment, "TOLD": str(place / f"told{i}"), "STEPS": str(place / f"steps{i}")},
                **kill,
            }
            for i, arguments in enumerate(commands)
        ]
        print(json.dumps(tasks), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="session")
def warm():
    made = Warm()
    yield made
    made.process.stdin.close()
    made.process.wait()
    made.process.stdout.close()


INGEST = ("ingest", "clinic", "--extracted", str(clinic.EXTRACTED))


@dataclass
class Start:
    """A place as it is before a command: the folder that is copied, and the words of the command."""

    folder: Path
    command: tuple[str, ...]


@pytest.fixture(scope="session")
def starts(warm, tmp_path_factory) -> dict[str, Start]:
    """Places before each command: nothing loaded; a new delivery and an answered workbook; two versions; an unknown delivery."""
    folder = tmp_path_factory.mktemp("starts")
    empty, answered, twice = (folder / name for name in ("empty", "answered", "twice"))
    clinic.write_site(empty / "workspace" / "sites" / "clinic")
    write_fixed_key(empty / "key", FIXED_KEY_OF_A_STUDY)
    write_patients(empty / "workspace" / "extracts" / "clinic" / "march", size=260, albumin="3.9")
    shutil.copytree(empty, answered)
    assert warm.run(answered, *INGEST)["code"] == 0
    workbook = answered / "workspace" / "reports" / "quality" / "clinic" / "queries.xlsx"
    answer(workbook, workbook.with_name("filled.xlsx"), {"size": (CONFIRMED, "seen")}).replace(workbook)
    write_patients(answered / "workspace" / "extracts" / "clinic" / "april", size=260, albumin="3.8")
    shutil.copytree(answered, twice)
    assert warm.run(twice, *INGEST)["code"] == 0
    return {
        "first": Start(empty, INGEST),
        "ingest": Start(answered, INGEST),
        "quality": Start(answered, ("quality",)),
        "revert": Start(twice, ("revert", "clinic")),
        "new-hospital": Start(empty, ("new-hospital", "other", "--extract", "workspace/extracts/clinic/march")),
    }


def read_place(place: Path) -> dict[str, object]:
    """What a place holds for people: every table, report, answer and mapping, without what tells when and where."""
    workspace = place / "workspace"
    held: dict[str, object] = {}
    database = workspace / "registry.duckdb"
    if database.exists():
        with duckdb.connect(str(database), read_only=True) as connection:
            for schema, table in connection.execute(
                "select schema_name, table_name from duckdb_tables() order by all"
            ).fetchall():
                if table not in OWN_TABLES:
                    rows = connection.sql(
                        f"select {_list_lasting(connection, schema, table)} from {schema}.{table} order by all"
                    )
                    held[f"{schema}.{table}"] = rows.fetchall()
            held["owed"] = connection.execute("select count(*) from owed").fetchall()
    for folder in ("reports", "extracts", "sites"):
        for path in sorted(p for p in (workspace / folder).rglob("*") if p.is_file()):
            content = path.read_bytes()
            is_text = path.suffix in (".html", ".toml", ".csv")
            held[path.relative_to(workspace).as_posix()] = TIMES.sub("TIME", content.decode()) if is_text else content
    return held


def _list_lasting(connection, schema: str, table: str) -> str:
    told = connection.execute(
        "select column_name from duckdb_columns() where schema_name = ? and table_name = ?", [schema, table]
    ).fetchall()
    lasting = [name for (name,) in told if name not in PASSING or (table, name) == ("page", "path")]
    without = "regexp_replace({name}, '[0-9a-f]{{64}}', 'HASH', 'g')"
    return ", ".join(without.format(name=name) if f"{table}.{name}" in HASHED else name for name in lasting)


def list_scratch(place: Path) -> list[str]:
    """What only a running command has; the log of a database is part of it until somebody writes again."""
    allowed = re.compile(r"\.queries(_more)?\.(xlsx|csv)\.sha256")
    found = [
        p
        for p in (place / "workspace").rglob("*")
        if p.name.startswith(".") or p.name.endswith((".holder.json", ".tmp"))
    ]
    return sorted(p.name for p in found if not allowed.fullmatch(p.name))
