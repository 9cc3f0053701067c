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
from etl.ingest import ingest, revert
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
        "import datetime, os, signal, etl.ingest as m\n"
        "from pathlib import Path\n"
        "from etl.settings import Settings\n"
        "m.refresh = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"s = Settings(Path({str(desk.settings.workspace)!r}), Path({str(desk.settings.key_file)!r}), 'en')\n"
        f"day = datetime.date.fromisoformat({str(clinic.EXTRACTED)!r})\n"
        "m.ingest(s, 'clinic', extract=None, check=False, accept=False, progress=lambda *_: None, extracted=day)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    assert desk.read("ingests").select("ingest_id", "is_current").rows() == [(1, True)]
    assert desk.read("versions.laboratory")["ingest_id"].unique().to_list() == [1]
    assert desk.ingest().ingest_id == 2


def test_of_two_ingests_at_once_the_later_one_starts_again(desk):
    clinic.write_delivery(desk.extracts / "a")

    def interrupt(step: str, _: str) -> None:
        if step == "loading":
            desk.ingest()

    with pytest.raises(errors.BusyError, match="Another ingest"):
        ingest(
            desk.settings,
            "clinic",
            extract=None,
            check=False,
            accept=False,
            progress=interrupt,
            extracted=clinic.EXTRACTED,
        )
    assert desk.read("ingests").height == 1


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
