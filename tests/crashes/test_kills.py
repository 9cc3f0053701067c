"""Whatever a command is killed at, running it again gives what an undisturbed run gives, and leaves no scratch."""

import os
import random
import shutil
import signal

import duckdb
import pytest

from crashes.conftest import list_scratch, read_place

KILLS = int(os.environ.get("CRASH_KILLS", "8"))
"""How many kills in all: eight in `make test`, hundreds in `make nightly`."""
COMMANDS = ("first", "ingest", "quality", "revert", "new-hospital")


@pytest.fixture(scope="module")
def undisturbed(warm, starts, tmp_path_factory):
    """What each command leaves when nothing disturbs it, its steps, and how long it took."""
    left = {}
    for name in COMMANDS:
        place = tmp_path_factory.mktemp("undisturbed") / name
        shutil.copytree(starts[name].folder, place)
        done = warm.run(place, *starts[name].command)
        assert done["code"] == 0, done["told"]
        assert list_scratch(place) == []
        left[name] = (read_place(place), done["steps"], done["seconds"])
    return left


def go_on(warm, place, command):
    """What somebody does after a command was cut off: run it again; of a revert that is done, write what is owed."""
    if command[0] == "revert":
        with duckdb.connect(str(place / "workspace" / "registry.duckdb")) as connection:
            if connection.execute("select max(ingest_id) from ingests where is_withdrawn").fetchone()[0]:
                command = ("quality",)
    return warm.run(place, *command)


def check_again(warm, place, start, left, kill):
    done = warm.run(place, *start.command, **kill)
    again = go_on(warm, place, start.command)
    if start.command[0] == "new-hospital":
        assert again["code"] in (0, 2), (kill, again["told"])  # 2: the worksheet waits to be filled in
    else:
        assert again["code"] == 0, (kill, again["told"])
    held = read_place(place)
    differing = [name for name in left.keys() | held.keys() if left.get(name) != held.get(name)]
    assert differing == [], (kill, done["steps"][-2:], done["told"], again["told"])
    assert list_scratch(place) == [], kill


def draw_kills(name, steps, seconds):
    """Every other kill before one of the steps, spread over all of them, the others at any moment."""
    n = KILLS // len(COMMANDS) + (COMMANDS.index(name) < KILLS % len(COMMANDS))
    draw = random.Random(name)
    at = [1 + (2 * i + 1) * len(steps) // (2 * n) for i in range(n)]
    by_step = [{"kill_at": number} for number in at]
    if KILLS < 100:
        return by_step
    every = [{"kill_at": number + 1} for number in range(len(steps))]
    chosen = draw.sample(every, min(len(every), n // 2 or 1))
    return chosen + [{"kill_after": draw.uniform(0.01, seconds)} for _ in range(n - len(chosen))]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_that_is_run_again_leaves_what_an_undisturbed_one_leaves(
    warm, starts, undisturbed, tmp_path, name
):
    left, steps, seconds = undisturbed[name]
    for i, kill in enumerate(draw_kills(name, steps, seconds)):
        place = tmp_path / str(i)
        shutil.copytree(starts[name].folder, place)
        check_again(warm, place, starts[name], left, kill)
        shutil.rmtree(place)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_a_command_in_words_and_without_scratch(warm, starts, undisturbed, tmp_path, number, code):
    for share in (0.3, 0.1, 0.03):  # sooner where the machine is faster now than when the command was timed
        shutil.rmtree(tmp_path / "place", ignore_errors=True)
        shutil.copytree(starts["ingest"].folder, tmp_path / "place")
        delay = undisturbed["ingest"][2] * share
        done = warm.run(tmp_path / "place", *starts["ingest"].command, kill_after=delay, signal=int(number))
        if done["code"]:
            break
    assert done["code"] == code, done["told"]
    assert f"Stopped by {signal.Signals(number).name}" in done["told"]
    assert "Traceback" not in done["told"]
    assert list_scratch(tmp_path / "place") == []
