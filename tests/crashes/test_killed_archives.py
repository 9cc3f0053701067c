"""An export, a restore, a freeze or a backup that is killed leaves nothing under the asked name or all of it; run again it gives what was asked."""

import json
import os
import random
import shutil

import pytest
from held_tables import OF_THE_COPY, read_tables

from crashes.conftest import list_scratch

KILLS = int(os.environ.get("CRASH_KILLS", "8"))
"""How many kills of the whole `make nightly`; of these commands a fourth of that, at least one each."""
ARCHIVES = {
    "export": ("export", "out"),
    "restore": ("restore", "exported"),
    "freeze": ("freeze", "lock1", "--study", "everybody"),
    "backup": ("backup", "out.tar"),
}
ENDS = {
    "export": "out/manifest.json",
    "restore": "workspace/registry.duckdb",
    "freeze": "workspace/frozen/lock1/manifest.json",
    "backup": "out.tar",
}
SPEC = """
title = "Survival of everybody"
time_unit = "month"
alpha = 0.05
disclosure = "none"
population = { eligible_only = false }
endpoints = [{ id = "OS", label = "Overall survival", time_column = "os_days", event_column = "os_event" }]
"""


@pytest.fixture(scope="module")
def before(warm, starts, tmp_path_factory):
    """Places before each of the commands: two versions loaded, a study, and an export of them."""
    place = tmp_path_factory.mktemp("archives") / "full"
    shutil.copytree(starts["revert"].folder, place)
    (place / "workspace" / "studies" / "everybody").mkdir(parents=True)
    (place / "workspace" / "studies" / "everybody" / "spec.toml").write_text(SPEC, encoding="utf-8")
    assert warm.run(place, "export", "exported")["code"] == 0
    empty = place.with_name("empty")
    shutil.copytree(place / "exported", empty / "exported")
    shutil.copy(place / "key", empty / "key")
    return {name: empty if name == "restore" else place for name in ARCHIVES}


def find_end(place, name):
    """What stands under the asked name: hashes of the files of a folder, tables of a database, whether a backup is whole."""
    end = place / ENDS[name]
    if not end.exists():
        return None
    if name == "restore":
        return read_tables(end)
    if name == "backup":
        return "whole"
    files = json.loads(end.read_text(encoding="utf-8"))["files"]
    passing = {f"tables/{table}/all.parquet" for table in OF_THE_COPY}
    assert all((end.parent / file["path"]).stat().st_size == file["bytes"] for file in files)
    return {file["path"]: file["sha256"] for file in files if file["path"] not in passing}


def go_on(warm, place, name):
    """What somebody does after a command was cut off: look whether it is there, else run it again."""
    if name == "backup" and (place / "out.tar").exists():
        return warm.run(place, "backup", "--check", "out.tar")
    if name == "restore" and (place / ENDS[name]).exists():
        return warm.run(place, "quality")
    if name == "export" and (place / "out").exists():
        return {"code": 0, "told": ""}
    again = warm.run(place, *ARCHIVES[name])
    if name == "freeze" and again["code"] == 2 and "was used on" in again["told"]:
        return {"code": 0, "told": ""}
    return again


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_killed_command_leaves_nothing_or_all_and_run_again_gives_what_was_asked(warm, before, tmp_path, name):
    place = tmp_path / "undisturbed"
    shutil.copytree(before[name], place)
    done = warm.run(place, *ARCHIVES[name])
    assert done["code"] == 0, done["told"]
    asked = find_end(place, name)
    held = read_tables(place / "workspace" / "registry.duckdb")
    draw = random.Random(name)
    for i in range(max(KILLS // 16, 1)):
        place = tmp_path / str(i)
        shutil.copytree(before[name], place)
        kill = {"kill_at": draw.randint(1, len(done["steps"]))}
        killed = warm.run(place, *ARCHIVES[name], **kill)
        assert killed["code"] in (-9, 0), (kill, killed["told"])
        left = find_end(place, name)
        assert left is None or left == asked, (kill, killed["steps"][-2:])
        again = go_on(warm, place, name)
        assert again["code"] == 0, (kill, again["told"])
        assert find_end(place, name) == asked, kill
        assert read_tables(place / "workspace" / "registry.duckdb") == held, kill
        assert list_scratch(place) == [] == list(place.glob(".*")), kill
        shutil.rmtree(place)
