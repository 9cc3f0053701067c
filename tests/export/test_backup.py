"""A backup holds all of a workspace but deliveries and key, says whether it is whole and how old it is, and makes the workspace again."""

import hashlib
import json
import random
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from export.conftest import copy_workspace, flip, list_scratch
from held_tables import read_tables

from etl.archive.backup import back_up
from etl.archive.read_backup import compare_with_present, read_backup, restore_backup
from etl.errors import DamagedError, UsageError
from etl.load import revert
from etl.store.trail import list_events
from etl.store.warehouse import open_for_reading


@pytest.fixture(scope="module")
def backed_up(kept, tmp_path_factory):
    """A workspace with all that one may hold, and its backup; only read from."""
    settings = copy_workspace(kept, tmp_path_factory.mktemp("backed_up") / "workspace")
    workspace = settings.workspace
    (workspace / "reports" / "analysis").mkdir(parents=True)
    (workspace / "reports" / "analysis" / "manuscript.docx").write_bytes(b"written in by hand")
    (workspace / "copy of the key").write_bytes(settings.key_file.read_bytes())
    (workspace / "registry_version1_0123abcd.duckdb").write_bytes(b"from before an upgrade")
    (workspace / ".reports.00000000-1.part").mkdir()
    (workspace / ".reports.00000000-1.part" / "half").write_bytes(b"scratch")
    (workspace / "sites" / "again").symlink_to(workspace / "sites")
    return settings, back_up(settings, workspace.parent)


def list_members(file):
    with tarfile.open(file) as archive:
        return {member.name for member in archive}


def test_it_holds_everything_but_deliveries_key_and_what_passes(backed_up):
    settings, backup = backed_up
    held = list_members(backup.file)
    workspace = settings.workspace
    there = {path.relative_to(workspace).as_posix() for path in workspace.rglob("*") if path.is_file()}
    left_out = {name for name in there - held if not name.startswith("registry_version")}
    assert {"registry.duckdb", "reports/analysis/manuscript.docx", "studies/everybody/spec.toml"} <= held
    assert any(name.startswith("extracts/nanfang/answers/") for name in held)
    assert any(name.startswith("sites/hunan/") for name in held)
    deliveries = {name for name in there if name.startswith("extracts/") and "/answers/" not in name}
    assert len(deliveries) > 10
    assert left_out == {
        *deliveries, "copy of the key", ".reports.00000000-1.part/half", "registry.duckdb.lock",
    }  # fmt: skip
    assert not any(name.startswith("registry_version") for name in held)
    assert held - there == {"backup.json", "backup.json.sha256"}
    assert settings.key_file.read_bytes() not in backup.file.read_bytes()
    assert backup.file.stat().st_mode & 0o777 == 0o600
    assert backup.is_synthetic


def test_it_is_whole_and_holds_its_own_record(backed_up):
    settings, backup = backed_up
    assert read_backup(backup.file).manifest == backup.manifest
    behind = compare_with_present(settings, backup)
    assert behind is not None
    assert (behind.is_of_this_database, behind.later) == (True, {})
    with open_for_reading(settings.warehouse_path) as warehouse:
        last = list_events(warehouse)[-1]
    assert (last["kind"], last["hash"]) == ("backup", backup.manifest["last_event"]["hash"])
    assert backup.manifest["change"][0] == json.loads(json.dumps(last["detail"]))["change"]


def test_a_changed_bit_or_a_missing_end_is_told(backed_up, tmp_path):
    """Of 12 places drawn from all of the file; what lies between the files (their padding) means nothing."""
    file = Path(shutil.copy(backed_up[1].file, tmp_path))
    content = file.read_bytes()
    with tarfile.open(file) as archive:
        inside = [(member.offset_data, member.size) for member in archive if member.size]
    draw = random.Random(1)
    for start, size in draw.sample(inside, 12):
        flip(file, start + draw.randrange(size))
        with pytest.raises(DamagedError, match="is damaged or incomplete"):
            read_backup(file)
        file.write_bytes(content)
    for share in (0.999, 0.9, 0.5, 0.0):
        file.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(DamagedError):
            read_backup(file)


def test_what_happened_since_is_told(backed_up, kept, tmp_path):
    settings = copy_workspace(backed_up[0], tmp_path / "later")
    revert(settings, "hunan")
    behind = compare_with_present(settings, backed_up[1])
    assert behind is not None
    assert behind.later == {"revert": 1}
    assert "revert 1" in behind.tell(settings.warehouse_path).en
    other = compare_with_present(kept, backed_up[1])
    assert other is not None
    assert not other.is_of_this_database
    assert compare_with_present(replace(settings, workspace=tmp_path / "none"), backed_up[1]) is None


def test_nothing_is_written_over(backed_up, settings, tmp_path):
    there = tmp_path / "mine.tar"
    there.write_bytes(b"mine")
    for target, words in (
        (there, "is there already"),
        (tmp_path / "none" / "x.tar", "neither"),
        (tmp_path / "x.zip", "neither"),
    ):
        with pytest.raises(UsageError, match=words):
            back_up(settings, target)
    assert there.read_bytes() == b"mine"
    own = back_up(settings)
    assert own.file.parent == settings.backups_dir
    again = back_up(settings, tmp_path / "again.tar")
    assert not any(name.startswith("backups/") for name in list_members(again.file))
    assert list_scratch(tmp_path) == []


def test_a_failure_on_the_way_leaves_nothing_and_says_what_is_on_record(settings, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("etl.archive.backup._add_text", fail)
    with pytest.raises(UsageError, match=r"\(No space left on device\).*Nothing of it is there"):
        back_up(settings, tmp_path / "out.tar")
    assert not (tmp_path / "out.tar").exists()
    assert list_scratch(tmp_path) == []


def test_the_workspace_comes_back_and_goes_on(backed_up, tmp_path):
    settings, backup = backed_up
    restored = replace(settings, workspace=tmp_path / "restored")
    restore_backup(restored, backup.file)
    assert read_tables(restored.warehouse_path) == read_tables(settings.warehouse_path)
    for item in backup.manifest["files"]:
        if not item["path"].startswith("registry.duckdb"):
            content = (restored.workspace / item["path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == item["sha256"]
    revert(restored, "hunan")
    with open_for_reading(restored.warehouse_path) as warehouse:
        assert [event["kind"] for event in list_events(warehouse)[-3:]] == ["backup", "restore", "revert"]
    with pytest.raises(UsageError, match="is not empty"):
        restore_backup(restored, backup.file)
    assert list_scratch(tmp_path) == []


def test_a_damaged_one_and_a_foreign_file_make_nothing(backed_up, tmp_path):
    settings, backup = backed_up
    restored = replace(settings, workspace=tmp_path / "restored")
    damaged = Path(shutil.copy(backup.file, tmp_path / "damaged.tar"))
    flip(damaged, backup.n_bytes // 2)
    text = tmp_path / "text.tar"
    text.write_bytes(b"no archive")
    for file in (damaged, text):
        with pytest.raises(DamagedError):
            restore_backup(restored, file)
    escaping = tmp_path / "escaping.tar"
    with tarfile.open(escaping, "w") as archive:
        archive.add(text, "../out")
    with pytest.raises(DamagedError, match=r"\.\./out"):
        restore_backup(restored, escaping)
    with pytest.raises(UsageError, match="There is no file"):
        read_backup(tmp_path / "none.tar")
    assert not restored.workspace.exists()
    assert not (tmp_path / "out").exists()
    assert list_scratch(tmp_path) == []


def test_one_of_a_newer_registry_is_refused(tmp_path):
    manifest = json.dumps({"format": "hcc-registry-backup", "format_version": 2, "files": []}).encode()
    file = tmp_path / "newer.tar"
    names = {
        "backup.json": manifest,
        "backup.json.sha256": f"{hashlib.sha256(manifest).hexdigest()}  backup.json\n".encode(),
    }
    with tarfile.open(file, "w") as archive:
        for name, content in names.items():
            (tmp_path / name).write_bytes(content)
            archive.add(tmp_path / name, name)
    with pytest.raises(UsageError, match="format version 2; this registry reads up to 1"):
        read_backup(file)
