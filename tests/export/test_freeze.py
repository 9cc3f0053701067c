"""A frozen set is what a study reads, fixed: the same results whatever comes later, and refused where a byte of it differs."""

import datetime as dt
import hashlib
import json
import shutil
from dataclasses import replace

import pytest
from export.conftest import analyse, copy_workspace, flip, list_scratch, write_study

from analysis.inputs import RELATIONS, find_results_before, freeze_inputs, read_current, record_analysis, take_frozen
from analysis.report.design import list_open
from analysis.study.read_spec import read_study
from etl.archive.export import export_registry
from etl.archive.frozen import freeze, read_frozen
from etl.archive.restore import restore_registry
from etl.errors import DamagedError, UsageError
from etl.load import revert
from etl.store.trail import list_events
from etl.store.warehouse import open_for_reading
from etl.verify import verify

BEFORE = {"of_these_data": "no", "n": 0, "first_at": None, "n_of_other_data": 0, "on_record_since": "2026-01-01"}


def read_spec(settings, name="everybody"):
    return read_study(name, (settings.studies_dir,))


@pytest.fixture(scope="module")
def locked(kept, tmp_path_factory):
    """A workspace with a frozen set, only read from."""
    settings = copy_workspace(kept, tmp_path_factory.mktemp("locked") / "workspace")
    freeze_inputs(settings, "lock1", read_spec(settings))
    return settings


def test_its_results_are_those_of_the_database_then_whatever_comes_later(settings, results):
    frozen = freeze_inputs(settings, "lock1", read_spec(settings))
    revert(settings, "hunan")
    assert not read_current(settings)[0]["patient"].equals(frozen.frames["patient"])
    assert analyse(settings, frozen="lock1") == results
    told = json.loads((settings.reports_dir / "frozen-lock1" / "manifest.json").read_text(encoding="utf-8"))["inputs"]
    assert (told["frozen"]["name"], told["frozen"]["manifest_hash"]) == ("lock1", frozen.manifest_hash)
    assert told["frozen"]["is_specification_as_frozen"]
    assert told["ingests"] == frozen.manifest["ingests"] != read_current(settings)[1]["ingests"]


def test_it_holds_what_an_analysis_reads_and_nothing_else(locked):
    frozen = read_frozen(locked, "lock1")
    assert {relation.split(".")[-1] for relation in RELATIONS} == set(frozen.frames)
    assert frozen.manifest["patients"].startswith("synthetic")
    assert {path.stat().st_mode & 0o777 for path in locked.frozen_dir.rglob("*.parquet")} == {0o600}
    assert list_scratch(locked.workspace) == []


def test_one_changed_byte_in_any_of_its_files_is_refused(locked, tmp_path):
    settings = copy_workspace(locked, tmp_path / "copy")
    folder = settings.frozen_dir / "lock1"
    for place, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        content = path.read_bytes()
        flip(path, (place * 7919) % len(content))
        with pytest.raises(DamagedError) as caught:
            read_frozen(settings, "lock1")
        assert path.name.removesuffix(".sha256") in caught.value.en
        path.write_bytes(content)
    read_frozen(settings, "lock1")


def test_a_set_that_is_changed_and_signed_again_is_not_the_one_on_record(locked, tmp_path):
    settings = copy_workspace(locked, tmp_path / "copy")
    folder = settings.frozen_dir / "lock1"
    content = (folder / "manifest.json").read_bytes().replace(b'"of_these_data": "unknown"', b'"of_these_data": "no"')
    (folder / "manifest.json").write_bytes(content)
    (folder / "manifest.json.sha256").write_text(f"{hashlib.sha256(content).hexdigest()}  manifest.json\n")
    with pytest.raises(DamagedError, match="not the one that was put on record"):
        read_frozen(settings, "lock1")
    assert [text for text in verify(settings).differences if "put on record as 'lock1'" in text.en]


def test_a_name_is_used_once_whatever_becomes_of_the_folder(settings):
    freeze_inputs(settings, "lock1", read_spec(settings))
    shutil.rmtree(settings.frozen_dir)
    for name in ("lock1", "Lock1"):
        with pytest.raises(UsageError, match="was used on"):
            freeze_inputs(settings, name, read_spec(settings))
    with pytest.raises(UsageError, match=r"its folder .* is gone"):
        read_frozen(settings, "lock1")
    with pytest.raises(UsageError, match=r"no frozen set called 'lock2'. Did you mean lock1\?"):
        read_frozen(settings, "lock2")


@pytest.mark.parametrize("name", ["", "../out", "a/b", ".hidden", "-x", "冻结", "x" * 65])
def test_what_cannot_be_a_name_is_refused(kept, name):
    with pytest.raises(UsageError, match="cannot name a frozen set"):
        freeze(kept, name, (), lambda *_: {})
    assert not kept.frozen_dir.exists()


def test_a_folder_that_is_not_on_record_is_no_frozen_set_and_makes_room(locked, tmp_path):
    """What a command leaves that was killed just before its event was committed."""
    settings = copy_workspace(locked, tmp_path / "copy")
    shutil.copytree(settings.frozen_dir / "lock1", settings.frozen_dir / "lock2")
    with pytest.raises(UsageError, match="was not finished"):
        read_frozen(settings, "lock2")
    frozen = freeze_inputs(settings, "lock2", read_spec(settings))
    assert read_frozen(settings, "lock2").manifest_hash == frozen.manifest_hash


def test_it_is_of_one_study_and_tells_that_its_specification_was_changed(locked, tmp_path):
    settings = copy_workspace(locked, tmp_path / "copy")
    write_study(settings, "another")
    frozen = read_frozen(settings, "lock1")
    with pytest.raises(UsageError, match="frozen for the study everybody, and not for another"):
        take_frozen(frozen, read_spec(settings, "another"))
    path = settings.studies_dir / "everybody" / "spec.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("[12]", "[24]"), encoding="utf-8")
    assert not take_frozen(frozen, read_spec(settings))[1]["frozen"]["is_specification_as_frozen"]


def test_a_set_of_a_registry_that_knew_fewer_columns_is_left_to_that_one(locked):
    frozen = read_frozen(locked, "lock1")
    fewer = {**frozen.frames, "patient": frozen.frames["patient"].drop("sex")}
    with pytest.raises(UsageError, match=r"did not yet know patient\.sex"):
        take_frozen(replace(frozen, frames=fewer), read_spec(locked))


def test_it_says_honestly_whether_there_were_results_before(settings):
    """The trail of this workspace is younger than its data; a study is computed, and then a hospital goes back."""
    with open_for_reading(settings.warehouse_path) as warehouse:
        events = list_events(warehouse)
    held = freeze_inputs(settings, "unknown", read_spec(settings)).manifest
    assert held["results_before"]["of_these_data"] == "unknown"
    young = held["ingests"]
    loads = [{"kind": "ingest", "detail": {"ingest_id": version["ingest_id"]}} for version in young]
    assert find_results_before([*events, *loads], "everybody", young)["of_these_data"] == "no"
    assert find_results_before([*events, *loads[1:]], "everybody", young)["of_these_data"] == "unknown"
    assert find_results_before([], "everybody", young)["of_these_data"] == "unknown"
    for name in ("results.csv", "manifest.json"):
        (settings.workspace / name).touch()
    record_analysis(settings, read_spec(settings), settings.workspace, {"ingests": held["ingests"]}, n_patients=1)
    assert freeze_inputs(settings, "yes", read_spec(settings)).manifest["results_before"]["of_these_data"] == "yes"
    revert(settings, "hunan")
    told = freeze_inputs(settings, "others", read_spec(settings)).manifest["results_before"]
    assert (told["of_these_data"], told["n_of_other_data"]) == ("unknown", 1)


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        ({}, "The data were locked on 5 March 2026, before any result of this study was computed from them."),
        (
            {"n_of_other_data": 2},
            "The data were locked on 5 March 2026, before any result of this study was computed from them; results had been computed from other "
            "versions of the data before.",
        ),
        (
            {"of_these_data": "yes"},
            "The data were locked on 5 March 2026, after results of this study had been computed from them.",
        ),
        (
            {"of_these_data": "unknown"},
            "The data were locked on 5 March 2026, and whether results of this study had been computed from them before is not on record.",
        ),
    ],
)
def test_the_manuscript_states_the_lock(kept, before, sentence):
    frozen = {"frozen_at": "2026-03-05T23:00:00+00:00", "results_before": {**BEFORE, **before}}
    assert list_open(read_spec(kept), {"inputs": {"frozen": frozen}})["lock"] == sentence
    assert "when data were locked" in str(list_open(read_spec(kept), {"inputs": {}})["lock"])


class ClockSetBack(dt.datetime):
    """A clock that tells a year ago."""

    @classmethod
    def now(cls, tz=None):
        return dt.datetime.now(tz) - dt.timedelta(days=365)


def test_a_set_from_before_an_export_is_a_note_where_the_export_was_restored_and_its_own_folder_counts(
    locked, tmp_path, monkeypatch
):
    export_registry(locked, tmp_path / "out")
    made = replace(locked, workspace=tmp_path / "made")
    restore_registry(made, tmp_path / "out")
    verdict = verify(made)
    assert verdict.differences == []
    assert any("'lock1' is of before" in note.en for note in verdict.notes)
    shutil.copytree(locked.studies_dir, made.studies_dir, dirs_exist_ok=True)
    monkeypatch.setattr("etl.store.trail.datetime", ClockSetBack)
    freeze_inputs(made, "lock2", read_spec(made))
    shutil.rmtree(made.frozen_dir / "lock2")
    assert ["'lock2'" in one.en for one in verify(made).differences] == [True]
