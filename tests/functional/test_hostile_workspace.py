"""Workspaces, keys and databases that cannot be used, ingests cut off or raced, and deliveries that come back."""

import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import clinic
import duckdb
import pytest

from etl import errors
from etl.ingest import ingest
from etl.load import revert
from etl.store.warehouse import open_for_writing

OCTOBER = clinic.LABS.replace("3.9", "3.8")


def test_a_named_delivery_undoes_a_revert_and_an_unnamed_one_does_not(desk):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    clinic.write_delivery(desk.extracts / "b", labs=OCTOBER)
    desk.ingest()
    revert(desk.settings, "clinic")
    assert desk.ingest().status == "nothing new"
    assert desk.ingest(desk.extracts / "b").status == "loaded"
    assert desk.ingest(desk.extracts / "b").status == "nothing new"
    assert desk.read("ingests").sort("ingest_id")["is_current"].to_list() == [False, False, True]


def test_a_copy_under_another_name_is_one_delivery(desk):
    shutil.copytree(clinic.write_delivery(desk.extracts / "a"), desk.extracts / "b")
    assert desk.ingest().delivery == "a"
    assert desk.ingest().status == "nothing new"


def test_a_changed_mapping_rereads_the_current_delivery_and_no_older_one(desk):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    clinic.write_delivery(desk.extracts / "b", labs=OCTOBER)
    desk.ingest()
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", codes=clinic.CODES + "patient,sex,W,female\n")
    assert desk.ingest().delivery == "b"
    assert desk.ingest().status == "nothing new"


@pytest.mark.parametrize("content", [b"hello" * 1000, b""])
def test_a_file_that_is_no_database(desk, content):
    clinic.write_delivery(desk.extracts / "x")
    desk.settings.warehouse_path.write_bytes(content)
    with pytest.raises(errors.UsageError, match="no warehouse of the registry"):
        desk.ingest()
    assert desk.settings.warehouse_path.read_bytes() == content


def test_a_first_ingest_that_was_killed_before_it_loaded_anything_leaves_no_trouble(desk):
    clinic.write_delivery(desk.extracts / "x")
    duckdb.connect(str(desk.settings.warehouse_path)).close()
    assert desk.ingest().ingest_id == 1


def test_an_ingest_killed_while_loading_leaves_the_last_version(desk):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    clinic.write_delivery(desk.extracts / "b", labs=OCTOBER)
    code = (
        "import datetime, os, signal, etl.ingest, etl.load as m\n"
        "from pathlib import Path\n"
        "from etl.settings import Settings\n"
        "m.refresh = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"s = Settings(Path({str(desk.settings.workspace)!r}), Path({str(desk.settings.key_file)!r}), 'en')\n"
        f"day = datetime.date.fromisoformat({str(clinic.EXTRACTED)!r})\n"
        "etl.ingest.ingest(s, 'clinic', extract=None, check=False, accept=False, progress=lambda *_: None, extracted=day)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    assert desk.read("ingests").select("ingest_id", "is_current").rows() == [(1, True)]
    assert desk.read("versions.laboratory")["ingest_id"].unique().to_list() == [1]
    assert desk.ingest().ingest_id == 2


def ingest_meanwhile(desk, other):
    """Ingest the clinic's one delivery while `other` has its turn just before the load."""
    turns = iter([other])

    def interrupt(step: str, _: str) -> None:
        if step == "loading" and (turn := next(turns, None)):
            turn()

    return ingest(
        desk.settings, "clinic", extract=None, check=False, accept=False, progress=interrupt, extracted=clinic.EXTRACTED
    )  # fmt: skip


def test_two_ingests_of_one_hospital_at_once_give_one_load(desk):
    clinic.write_delivery(desk.extracts / "a")
    assert ingest_meanwhile(desk, desk.ingest).status == "nothing new"
    assert desk.read("ingests").height == 1


def test_of_two_deliveries_of_one_hospital_at_once_the_later_one_follows_the_earlier(desk):
    clinic.write_delivery(desk.extracts / "a")
    elsewhere = clinic.write_delivery(desk.settings.workspace / "other" / "b", labs=OCTOBER)
    summary = ingest_meanwhile(desk, lambda: desk.ingest(elsewhere))
    assert (summary.status, summary.ingest_id) == ("loaded", 2)
    assert desk.read("ingests").sort("ingest_id")["is_current"].to_list() == [False, True]


def test_an_ingest_keeps_its_work_where_another_hospitals_came_first(desk):
    clinic.write_site(desk.settings.workspace / "sites" / "other", site=clinic.SITE.replace('"clinic"', '"other"'))
    clinic.write_delivery(desk.extracts / "a")
    clinic.write_delivery(desk.settings.extracts_dir / "other" / "a")

    def ingest_other():
        ingest(
            desk.settings, "other", extract=None, check=False, accept=False, progress=lambda *_: None, extracted=clinic.EXTRACTED
        )  # fmt: skip

    assert ingest_meanwhile(desk, ingest_other).ingest_id == 2
    assert desk.read("ingests").sort("ingest_id")["hospital"].to_list() == ["other", "clinic"]


def test_another_key_that_came_first_is_noticed_before_the_load(desk):
    clinic.write_delivery(desk.extracts / "a")
    clinic.write_site(desk.settings.workspace / "sites" / "other", site=clinic.SITE.replace('"clinic"', '"other"'))
    clinic.write_delivery(desk.settings.extracts_dir / "other" / "a")
    with_another_key = replace(desk.settings, key_file=desk.settings.key_file.with_name("key2"))

    def ingest_other():
        ingest(
            with_another_key, "other", extract=None, check=False, accept=False, progress=lambda *_: None, extracted=clinic.EXTRACTED
        )  # fmt: skip

    with pytest.raises(errors.IdentityError, match="is missing"):
        ingest_meanwhile(desk, ingest_other)
    assert desk.read("ingests")["hospital"].to_list() == ["other"]


@pytest.mark.parametrize("content", [clinic.LABS + "004,2020-03-03,3.1,12,ng/mL\n", "\x00\x00\x00"])
def test_a_delivery_that_changes_while_it_is_read_is_refused(desk, monkeypatch, content):
    import etl.ingest

    path = clinic.write_delivery(desk.extracts / "a") / "labs.csv"
    original = etl.ingest.read_delivery

    def copy_on(delivery):
        path.write_text(content, encoding="utf-8")  # the share is still copying
        return original(delivery)

    monkeypatch.setattr(etl.ingest, "read_delivery", copy_on)
    with pytest.raises(errors.ChangedWhileReadError, match="changed while it was read"):
        desk.ingest()
    assert not desk.settings.warehouse_path.exists()


def test_a_key_or_workspace_that_cannot_be_written(desk, tmp_path):
    clinic.write_delivery(desk.extracts / "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.IdentityError, match="REGISTRY_KEY_FILE"):
        ingest(
            replace(desk.settings, key_file=tmp_path / "file" / "key"),
            "clinic", extract=None, check=False, accept=False, progress=lambda *_: None, extracted=clinic.EXTRACTED
        )  # fmt: skip
    with (
        pytest.raises(errors.UsageError, match="WORKSPACE"),
        open_for_writing(tmp_path / "file" / "registry.duckdb"),
    ):
        pass


@pytest.mark.parametrize("name", ["../clinic", "clinic/", "../sites/clinic", ".", "clinic\n", "", "\x1b[31m"])
def test_a_hospitals_name_is_no_path(desk, name):
    with pytest.raises(errors.UsageError, match="no hospital called" if name else "No hospital is named"):
        ingest(
            desk.settings,
            name,
            extract=None,
            check=False,
            accept=False,
            progress=lambda *_: None,
            extracted=clinic.EXTRACTED,
        )
