"""Invented deliveries through the commands, as a data manager runs them; and through the worksheet, as a person fills it in. SYNTHETIC EXAMPLE DATA.

Few by default; `WORLD_DELIVERIES=40` (as `make nightly` sets it) takes forty by the commands and forty by the worksheet; `WORLD_FIRST=30000`
takes the seeds from 30000 on for both.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from etl.errors import DeliveryError
from etl.store.warehouse import read_frames
from schemas.tables import TABLES
from world import judge
from world.delivery import write_delivery
from world.dialect import draw_dialect
from world.judge import REFUSED
from world.mapping import HOSPITAL
from world.registry import KEY, Loaded, load
from world.robot import answer_worksheet
from world.tally import KNOWN_OPEN, OPEN_BY_WORKSHEET, Tally

STUCK = "stuck"
"""The outcome of a worksheet that asks what nobody can answer."""
MANY = int(os.environ.get("WORLD_DELIVERIES", "0"))
FIRST = os.environ.get("WORLD_FIRST")
BY_COMMANDS, BY_WORKSHEET = (
    range(first, first + (MANY or few)) for first, few in ((int(FIRST or 5000), 1), (int(FIRST or 6000), 2))
)


def run_registry(workspace, *arguments):
    key = workspace / "key"
    workspace.mkdir(exist_ok=True)
    if not key.exists():
        key.write_bytes(KEY.secret)
        key.chmod(0o600)
    environment = {
        "WORKSPACE": str(workspace),
        "REGISTRY_KEY_FILE": str(key),
        "REGISTRY_LANG": "en",
        "PATH": "/usr/bin:/bin",
    }
    command = [str(Path(sys.executable).with_name("registry")), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def find_unknown_faults(seed, dialect, verdict, known_open=KNOWN_OPEN):
    tally = Tally(known_open=frozenset(known_open))
    tally.add(seed, dialect, verdict)
    return tally.faults


@pytest.mark.parametrize("seed", BY_COMMANDS)
def test_a_delivery_by_the_commands_is_as_it_is_in_one_process(seed, tmp_path):
    dialect = draw_dialect(seed)
    written = write_delivery(tmp_path, seed, dialect)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    written.site.parent.rename(workspace / "sites")
    done = run_registry(workspace, "ingest", HOSPITAL, "--extract", str(written.path))
    assert "Traceback" not in done.stderr
    here = load(written.path, workspace / "sites" / HOSPITAL)
    if done.returncode:
        assert here.refusal.split("\n")[0][:60] in done.stderr
        return
    names = [*(f"core.{table}" for table in TABLES), "marts.finding"]
    frames = read_frames(workspace / "registry.duckdb", names)
    loaded = Loaded({table: frames[table] for table in TABLES}, frames["finding"])
    verdict = judge.judge(written.sheets, written.places, written.names, loaded)
    assert find_unknown_faults(seed, dialect, verdict) == []
    in_process = judge.judge(written.sheets, written.places, written.names, here)
    assert verdict.count() == in_process.count()


@pytest.mark.parametrize("seed", BY_WORKSHEET)
def test_a_worksheet_that_is_filled_in_loads_what_is_true_and_asks_once(seed, tmp_path):
    dialect = draw_dialect(seed)
    written = write_delivery(tmp_path, seed, dialect)
    try:
        site, answered = answer_worksheet(tmp_path, written)
    except DeliveryError:
        known = {form for form, outcome in KNOWN_OPEN if outcome == REFUSED}
        assert dialect.is_refused or known & {*dialect.list_forms()}
        return
    if not answered.is_taken:
        assert {(form, STUCK) for form in dialect.list_forms()} & OPEN_BY_WORKSHEET, answered.told
        return
    assert [question for question, n in answered.questions.items() if n > 1] == []
    if not dialect.layout.startswith(
        "redcap"
    ):  # there a column stands in the rows of every form, and is not needed in most
        assert answered.corrected == ()
    verdict = judge.judge(written.sheets, written.places, written.names, load(written.path, site))
    assert find_unknown_faults(seed, dialect, verdict, OPEN_BY_WORKSHEET) == []
