"""What befalls a workspace between two commands: flipped bytes, an older copy put back, debts and scratch of dead commands."""

import os
import random
import shutil
import subprocess

import clinic
import duckdb
import pytest
from answered_workbook import answer

from analysis import cli
from etl import errors, whole_files
from etl.kept_files import replace_keeping
from etl.publish import pay_owed, write_quality
from etl.standing import find_standing
from etl.store.owed import read_owed
from etl.whole_files import copy_whole, mark_process, name_scratch, swap_folder, sweep, write_whole

OCTOBER = clinic.LABS.replace("3.9", "3.8")


@pytest.fixture
def loaded(desk, monkeypatch):
    """A desk with one ingest, whose commands find it."""
    for name, value in (("WORKSPACE", desk.settings.workspace), ("REGISTRY_KEY_FILE", desk.settings.key_file)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("REGISTRY_LANG", "en")
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    return desk


def flip(path, place, bit):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def test_a_flipped_byte_is_named_or_did_not_matter(loaded, capsys):
    """Never is it a fault of ours, and never are there fewer records."""
    path = loaded.settings.warehouse_path
    content, draw = path.read_bytes(), random.Random(20)
    whole = loaded.read("versions.laboratory").rows()
    codes = []
    for _ in range(12):
        path.write_bytes(content)
        flip(path, draw.randrange(len(content)), draw.randrange(8))
        codes.append(cli.run(lambda: ["quality"]))
        if codes[-1] == 17:
            assert "is damaged" in capsys.readouterr().err
        else:
            assert codes[-1] == 0
            assert loaded.read("versions.laboratory").rows() == whole
    assert 17 in codes


def put_back(desk, copy):
    shutil.copy(copy, desk.settings.warehouse_path)


def tell(desk):
    return " ".join(text.en for text in find_standing(desk.settings, with_debts=True))


def test_an_older_copy_of_the_database_is_told_until_the_next_change(loaded, tmp_path, capsys):
    assert tell(loaded) == ""
    copy = shutil.copy(loaded.settings.warehouse_path, tmp_path / "copy")
    clinic.write_delivery(loaded.extracts / "b", labs=OCTOBER)
    loaded.ingest()
    put_back(loaded, copy)
    for _ in range(2):
        assert cli.run(lambda: ["ingests"]) == 0
        assert "is not the one that was last worked with here: it ends with change 2" in capsys.readouterr().out
    assert loaded.ingest(loaded.extracts / "b").status == "loaded"
    assert tell(loaded) == ""


def test_an_older_folder_unpacked_over_a_newer_one_is_told(loaded, tmp_path):
    shutil.copytree(loaded.settings.workspace, tmp_path / "backup")
    clinic.write_delivery(loaded.extracts / "b", labs=OCTOBER)
    loaded.ingest()
    shutil.copytree(tmp_path / "backup", loaded.settings.workspace, dirs_exist_ok=True)
    assert "An older copy was put back" in tell(loaded)


def test_a_database_that_went_another_way_or_is_gone_is_told(loaded, tmp_path):
    copy = shutil.copy(loaded.settings.warehouse_path, tmp_path / "copy")
    clinic.write_delivery(loaded.extracts / "b", labs=OCTOBER)
    loaded.ingest()
    ours = shutil.copytree(loaded.settings.workspace, tmp_path / "ours")
    put_back(loaded, copy)
    loaded.ingest(loaded.extracts / "b")
    shutil.copy(ours / "registry.duckdb", loaded.settings.warehouse_path)  # as many changes, and others
    assert "or another database" in tell(loaded)
    loaded.settings.warehouse_path.unlink()
    assert "it ends with change 0" in tell(loaded)


def forsake(desk):
    """Let the process that owes have ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    host = mark_process().partition("-")[0]
    with duckdb.connect(str(desk.settings.warehouse_path)) as connection:
        connection.execute("update owed set debtor = ?", [f"{host}-{ended.pid}"])


@pytest.mark.parametrize(
    "command",
    [["ingest", "clinic", "--extracted", str(clinic.EXTRACTED)], ["quality"], ["quality", "--hospital", "clinic"]],
)
def test_what_a_dead_command_owes_is_said_by_readers_and_paid_by_writers(loaded, capsys, command):
    forsake(loaded)
    page = loaded.settings.reports_dir / "quality" / "index.html"
    for reader in (["ingests"], ["ingest", "clinic", "--check", "--extracted", str(clinic.EXTRACTED)]):
        assert cli.run(lambda words=reader: words) == 0
        assert "owed since" in capsys.readouterr().out
    assert not page.exists()
    assert cli.run(lambda: command) == 0
    assert "They are written now" in capsys.readouterr().out
    assert page.exists()
    assert read_owed(loaded.settings.warehouse_path) == []
    assert pay_owed(loaded.settings) == []


def test_a_fault_while_pages_are_made_leaves_them_owed_and_is_told_as_unfinished(loaded, capsys, monkeypatch):
    clinic.write_delivery(loaded.extracts / "b", labs=OCTOBER)

    def fail(*_, **__):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("etl.publish.write_quality_pages", fail)
        assert cli.run(lambda: ["ingest", "clinic", "--extracted", str(clinic.EXTRACTED)]) == 70
    told = capsys.readouterr().err
    assert "clinic: loaded as ingest 2. What follows was not finished:" in told
    assert "The registry itself failed (ZeroDivisionError" in told
    assert "Nothing was changed" not in told
    assert read_owed(loaded.settings.warehouse_path) != []


def test_scratch_of_dead_processes_alone_is_swept(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    host = mark_process().partition("-")[0]
    dead, living, elsewhere = (
        tmp_path / f".page.html.{mark}.part"
        for mark in (f"{host}-{ended.pid}", f"{host}-{os.getppid()}", f"00000000-{ended.pid}")
    )
    own = name_scratch(tmp_path / "page.html")
    for path in (dead, living, elsewhere, own, tmp_path / ".hidden.part"):
        path.write_text("half")
    taken_aside = tmp_path / f".analysis.{host}-{ended.pid}.old"
    taken_aside.mkdir()
    (taken_aside / "results.csv").write_text("whole")
    sweep(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {living.name, elsewhere.name, own.name, ".hidden.part", "analysis"}
    assert (tmp_path / "analysis" / "results.csv").read_text() == "whole"


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_takes_the_place_of_another(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(whole_files, "exchange", lambda *_: False)
    for n in (1, 2):
        new = name_scratch(tmp_path / "analysis")
        new.mkdir()
        (new / "results.csv").write_text(str(n))
        swap_folder(new, tmp_path / "analysis")
        assert (tmp_path / "analysis" / "results.csv").read_text() == str(n)
        assert [path.name for path in tmp_path.iterdir()] == ["analysis"]


@pytest.mark.parametrize(
    "write", [lambda path, _: write_whole(path, b"new"), lambda path, source: copy_whole(source, path)]
)
def test_a_file_that_cannot_be_flushed_is_as_it_was(tmp_path, monkeypatch, write):
    path, source = tmp_path / "page.html", tmp_path / "source"
    path.write_bytes(b"old")
    source.write_bytes(b"new")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            write(path, source)
    assert path.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["page.html", "source"]


def test_what_is_saved_in_the_last_moment_is_kept(tmp_path, monkeypatch):
    """After the workbook was read for the last time, and before the new one has taken its place."""
    path, new = tmp_path / "queries.xlsx", tmp_path / "new.xlsx"
    path.write_bytes(b"as seen")
    new.write_bytes(b"from the registry")
    exchange = whole_files.exchange

    def save_first(one, other):
        path.write_bytes(b"saved last")
        return exchange(one, other)

    monkeypatch.setattr("etl.kept_files.exchange", save_first)
    replace_keeping(new, path, tmp_path / "answers", lambda _: False)
    assert path.read_bytes() == b"from the registry"
    assert [copy.read_bytes() for copy in (tmp_path / "answers").iterdir()] == [b"saved last"]


def test_a_workbook_that_is_saved_while_it_is_read_is_refused(loaded, monkeypatch):
    import etl.quality.answers as answers

    write_quality(loaded.settings)
    workbook = loaded.settings.reports_dir / "quality" / "clinic" / "queries.xlsx"
    answer(workbook, loaded.extracts / "answers" / "a.xlsx", {})
    original = answers.read_sheet

    def save_meanwhile(path):
        sheet = original(path)
        path.write_bytes(path.read_bytes() + b"\0")
        return sheet

    monkeypatch.setattr(answers, "read_sheet", save_meanwhile)
    with pytest.raises(errors.ChangedWhileReadError, match="saved or copied this workbook while it was read"):
        loaded.ingest()
