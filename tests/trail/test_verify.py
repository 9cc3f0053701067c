"""`registry verify` names each change made behind the registry's back, and is silent on what the registry itself did."""

import os
import random
import shutil

import pytest
from answered_workbook import CONFIRMED, CORRECTED, NOT_AVAILABLE, answer
from crashes.conftest import write_patients

from trail.conftest import Place, forget_trail

CHANGES, HISTORIES = (
    int(os.environ.get(name, default)) for name, default in (("VERIFY_CHANGES", "12"), ("VERIFY_HISTORIES", "2"))
)
"""How many single changes and honest histories: a few in `make test`, 200 and 50 in `make nightly`."""
OTHERWISE = {
    "VARCHAR": "coalesce({0}, '') || 'x'", "BIGINT": "coalesce({0}, 0) + 1", "DOUBLE": "coalesce({0}, 0) + 0.5",
    "BOOLEAN": "not coalesce({0}, false)", "DATE": "coalesce({0}, date '2000-01-01') + 1", "BLOB": "{0} || '\\x01'::blob",
}  # fmt: skip
"""Another value than the one that is there, by type."""
DIFFERS = 20


def list_tables(place):
    """Every table that holds anything, with its columns and their types."""
    rows = place.query(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where schema_name in ('main', 'landing', 'versions') and not internal order by all"
    )
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, name, dtype in rows:
        columns.setdefault(table, []).append((name, dtype))
    names = place.query("select schema_name || '.' || table_name from duckdb_tables()")
    return {t: columns[t] for (t,) in sorted(names) if place.query(f"select count(*) from {t}") != [(0,)]}


def draw_edit(draw, place, tables, kind):
    """Edit one cell, one row away, or one row more, of a table drawn by lot; return how it must be named, and what was done."""
    table = draw.choice(sorted(tables))
    (n,) = place.query(f"select count(*) from {table}")[0]
    (rowid,) = draw.choice(place.query(f"select rowid from {table}")) if n else (0,)
    name, dtype = draw.choice(tables[table])
    other = OTHERWISE[dtype].format(f'"{name}"')
    statement = {
        "cell": f'update {table} set "{name}" = {other} where rowid = {rowid}',
        "deleted": f"delete from {table} where rowid = {rowid}",
        "added": f"insert into {table} select * from {table} where rowid = {rowid}",
    }[kind]
    place.edit(statement)
    return "trail does not hold" if table == "main.event" else table, statement


def swap_events(draw, place):
    (n,) = place.query("select count(*) from event")[0]
    one = draw.randrange(1, n)
    place.edit(
        f"update event set number = -1 where number = {one}", f"update event set number = {one} where number = {one + 1}",
        f"update event set number = {one + 1} where number = -1",
    )  # fmt: skip
    return "trail does not hold", f"events {one} and {one + 1} swapped"


def change_file(draw, place):
    """Edit or remove a delivery, a page or a workbook; return by what it must be named."""
    files = sorted(p for p in place.workspace.glob("extracts/clinic/*/*.csv") if "answers" not in p.parts)
    files += sorted(p for p in place.workspace.glob("reports/quality/**/*") if p.suffix in (".html", ".xlsx"))
    path = draw.choice(files)
    named = path.parent.name if "extracts" in path.parts else path.relative_to(place.workspace).as_posix()
    if draw.random() < 0.3:
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[draw.randrange(len(content))] ^= 1
        path.write_bytes(content)
    return named, f"{path.name} changed"


@pytest.fixture(scope="module")
def reverted(warm, starts, tmp_path_factory):
    """A place of two versions with an answer, of which a revert withdrew one."""
    folder = tmp_path_factory.mktemp("reverted") / "place"
    shutil.copytree(starts["revert"].folder, folder)
    place = Place(folder, warm)
    assert place.run("revert", "clinic")["code"] == 0
    return place


@pytest.mark.parametrize("part", range(5))
def test_each_single_change_is_named(reverted, tmp_path, part):
    tables = list_tables(reverted)
    assert len(tables) >= 20
    for i in range(part, CHANGES, 5):
        draw = random.Random(i)
        place = Place(tmp_path / str(i), reverted.warm)
        shutil.copytree(reverted.folder, place.folder)
        kind = ("cell", "cell", "deleted", "added", "file", "cell", "deleted", "swap")[i % 8]
        if kind == "file":
            named, did = change_file(draw, place)
        elif kind == "swap":
            named, did = swap_events(draw, place)
        else:
            named, did = draw_edit(draw, place, tables, kind)
        done = place.run("verify")
        is_told = done["code"] == DIFFERS or "Note: " in done["told"]
        # What says which shape the database has is read before anything else, and refused there.
        is_refused = done["code"] == 2 and "schema" in did
        assert "Traceback" not in done["told"]
        assert is_refused or (is_told and named in done["told"]), (did, done["told"])
        shutil.rmtree(place.folder)


def test_what_is_named_is_the_record_and_never_a_value(make_place):
    place = make_place("revert")
    one = "ingest_id = 2 and source_row = 4"
    (pseudonym, file) = place.query(f"select patient_id, source_file from versions.laboratory where {one}")[0]
    place.edit(
        f"update versions.laboratory set sample_date = date '2031-07-09' where {one}",
        "update answers set comment = 'Wang Xiaoming' where answer_id = 1",
    )  # fmt: skip
    done = place.run("verify")
    assert done["code"] == DIFFERS
    assert (
        f"versions.laboratory, ingest 2: values were changed (patient {pseudonym}, file {file}, row 4" in done["told"]
    )
    assert "main.answers, clinic: values were changed (answer 1" in done["told"]
    assert "2031" not in done["told"]
    assert "Xiaoming" not in done["told"]
    place.warm.language = "zh"
    assert "versions.laboratory，版本 2：有数值被更改" in place.run("verify")["told"]
    place.warm.language = "en"


def test_values_that_were_multiplied_are_noticed(make_place):
    place = make_place("revert")
    place.edit("update versions.laboratory set value = value * 10 where ingest_id = 2")
    done = place.run("verify")
    assert done["code"] == DIFFERS
    assert "versions.laboratory, ingest 2: values were changed" in done["told"]
    assert done["told"].count("patient ") == 5  # of forty
    assert "..." in done["told"]


def test_the_next_change_does_not_hide_what_was_changed_before_it(make_place):
    place = make_place("ingest")
    workbook = place.workspace / "reports" / "quality" / "clinic" / "queries.xlsx"
    second = answer(workbook, place.folder / "second.xlsx", {"size": (CORRECTED, "looked again")})
    assert place.ingest()["code"] == 0
    place.edit(
        "update ingests set is_withdrawn = null where ingest_id = 1", "update answers set answer = 'comment'",
        "delete from page where path like '%queries.xlsx'", "update event set account = 'nobody' where number = 2",
    )  # fmt: skip
    second.rename(place.workspace / "extracts" / "clinic" / "answers" / "second.xlsx")
    assert place.ingest()["code"] == 0
    assert len(place.query("select * from answers")) == 2
    done = place.run("verify")
    assert done["code"] == DIFFERS
    for table in ("main.ingests", "main.answers", "main.page"):
        assert f"{table}: another program had changed it before event" in done["told"]
    assert "The trail does not hold: event 2 is not what was written" in done["told"]


def test_a_view_that_another_program_changed_is_named(make_place):
    place = make_place("revert")
    place.edit("create or replace view marts.attrition as select 1 as n_before")
    assert "marts.attrition: the view is not the one" in place.run("verify")["told"]


def test_deliveries_that_are_gone_are_a_note_and_others_a_difference(make_place):
    place = make_place("revert")
    march, april = (place.workspace / "extracts" / "clinic" / name for name in ("march", "april"))
    shutil.rmtree(march)
    done = place.run("verify")
    assert done["code"] == 0, done["told"]
    assert "Note: clinic, ingest 1: its delivery is no longer at" in done["told"]
    with next(april.glob("patients*")).open("a") as file:
        file.write("\n")
    done = place.run("verify")
    assert done["code"] == DIFFERS
    assert "clinic, ingest 2: its delivery" in done["told"]
    assert "other bytes" in done["told"]
    march.mkdir()
    for file in april.iterdir():
        shutil.copy(file, march)


def test_an_older_copy_and_owed_pages_are_said_and_verify_changes_nothing(make_place):
    place = make_place("revert")
    database = place.workspace / "registry.duckdb"
    older = database.read_bytes()
    steps = place.run("revert", "clinic")["steps"]
    database.write_bytes(older)
    done = place.run("verify")
    assert done["code"] == DIFFERS
    assert "is not the one that was last worked with here" in done["told"]
    assert database.read_bytes() == older
    shutil.rmtree(place.folder)
    place = make_place("revert")
    place.warm.run(
        place.folder, "revert", "clinic", kill_at=steps.index("commit") + 4 if "commit" in steps else len(steps) - 8
    )
    before = database.read_bytes()
    told = place.run("verify")["told"]
    assert "are owed for a change" in told, told
    assert database.read_bytes() == before


STEPS = ("ingest", "ingest", "answers", "revert", "revert to", "quality", "again", "refused", "earlier")


def take_step(place, draw, n, name):
    """Do one honest thing in a workspace; those that would be refused are left out by their exit code."""
    if name == "ingest":
        write_patients(
            place.workspace / "extracts" / "clinic" / f"d{n}",
            size=draw.choice([26, 260 + n]),
            albumin=f"{3 + n / 10:.1f}",
        )
    elif name == "refused":
        folder = place.workspace / "extracts" / "clinic" / f"d{n}"
        folder.mkdir()
        (folder / "patients.csv").write_text("nothing of ours\n1\n")
    elif name == "answers":
        workbook = place.workspace / "reports" / "quality" / "clinic" / "queries.xlsx"
        choice = draw.choice([CONFIRMED, CORRECTED, NOT_AVAILABLE])
        answer(workbook, workbook.with_name("filled.xlsx"), {"size": (choice, f"said {n}")}).replace(workbook)
    elif name == "earlier":
        forget_trail(place)
    command = {"revert": ["revert", "clinic"], "revert to": ["revert", "clinic", "--to", "1"], "quality": ["quality"]}
    done = place.run(*command[name]) if name in command else place.ingest()
    if name == "refused":
        shutil.rmtree(place.workspace / "extracts" / "clinic" / f"d{n}")
    return done


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_an_honest_history_is_met_with_silence(make_place, seed):
    draw = random.Random(seed)
    place = make_place(draw.choice(["ingest", "revert"]))
    done_so_far = []
    for n in range(draw.randint(2, 4)):
        name = draw.choice(STEPS)
        done = take_step(place, draw, n, name)
        done_so_far.append((name, done["code"]))
        assert done["code"] in (0, 2, 3, 4, 5, 11), done["told"]
    done = place.run("verify")
    assert done["code"] == 0, (done_so_far, done["told"])
    assert "DIFFERS" not in done["told"]
    assert "All as recorded: " in done["told"]
