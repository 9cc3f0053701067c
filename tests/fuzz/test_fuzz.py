"""Damaged, altered and absurd files, by the thousand: each is read, or refused in a few words that show no cell, and changes nothing then.

`FUZZ_READER` cases go through the reader alone and `FUZZ_INGEST` through the whole ingest, from `FUZZ_FIRST` on; a case is one number, the same in
every run. A case that failed is run alone by `FUZZ_FIRST=<its number> FUZZ_READER=1` (or `FUZZ_INGEST=1`).
"""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import clinic
import example_hospital
import pytest
from fixed_key import FIXED_KEY_OF_A_STUDY, write_fixed_key
from held_tables import read_tables

from etl.limits import LINE_CHARACTERS, MESSAGE_LINES
from fuzz.mutations import change_bytes, change_cells, change_structure
from fuzz.seeds import CANARY, make_everything, make_seeds, write_clinic

ROOT = Path(__file__).parents[2]
FUNCTIONAL = ROOT / "tests" / "functional"
FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
N_READER, N_INGEST = int(os.environ.get("FUZZ_READER", "150")), int(os.environ.get("FUZZ_INGEST", "10"))
SECONDS = 60
OF_OUR_OWN_FAULTS = {70}


def list_documented_codes() -> set[int]:
    """The exit codes that the document promises, but for that of a fault of our own."""
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    return {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} - OF_OUR_OWN_FAULTS


class Warm:
    """The warm process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests", FUNCTIONAL)))
        with (folder / "stderr").open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-P", str(Path(__file__).with_name("warm.py"))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True, env={**os.environ, "PYTHONPATH": paths},
            )  # fmt: skip

    def do(self, **task: str) -> dict:
        """Do one task and return how it ended."""
        line = {"seconds": SECONDS, "answer": str(self.folder / "answer"), **task}
        print(json.dumps(line), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    made = Warm(tmp_path_factory.mktemp("warm"))
    yield made
    made.process.stdin.close()
    made.process.wait()
    made.process.stdout.close()


def find_fault(ended: dict, allowed: set[int]) -> str | None:
    """What is wrong about the end of a case, None where nothing is."""
    lines = ended["told"].split("\n")
    faults = {
        f"exit code {ended['code']}: {ended.get('what')} {ended.get('where')}": ended["code"] not in allowed,
        f"a cell in the message: {ended['told']:.300}": CANARY.lower() in ended["told"].lower(),
        f"{len(lines)} lines": len(lines) > 2 * MESSAGE_LINES.most,
        "a long line": max(map(len, lines)) > LINE_CHARACTERS.most,
        f"{len(ended['told'])} characters of bytes": "\x00" in ended["told"],
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def report(faults: dict[int, str], ends: Counter, slowest: float) -> None:
    print(
        f"\n{ends.total()} cases: {dict(sorted(ends.items(), key=str))}, longest {slowest:.1f} s, {len(faults)} at fault"
    )
    assert not faults, "\n".join(f"case {n}: {fault}" for n, fault in faults.items())


def make_file(case: int, seeds: dict[str, bytes]) -> tuple[str, bytes]:
    """A file that was valid before something happened to it."""
    random = Random(f"file {case}")
    name = random.choice(sorted(seeds))
    others = [seeds[other] for other in sorted(seeds)]
    how = random.random()
    content = seeds[name]
    if how < 0.45:
        content = change_bytes(random, content, others)
    elif how < 0.92:
        content = change_structure(random, name, content, others)
    else:  # one thing called another
        name = f"{Path(name).stem}{Path(random.choice(sorted(seeds))).suffix}"
    return name, content


def test_whatever_happens_to_a_file_it_is_read_or_refused(warm, tmp_path):
    seeds = make_seeds(tmp_path / "seeds")
    faults: dict[int, str] = {}
    ends: Counter = Counter()
    slowest = 0.0
    for case in range(FIRST, FIRST + N_READER):
        name, content = make_file(case, seeds)
        folder = tmp_path / str(case)
        folder.mkdir()
        (folder / name).write_bytes(content)
        ended = warm.do(do="read", path=str(folder / name))
        ends[ended["code"]] += 1
        slowest = max(slowest, ended.get("seconds", SECONDS))
        if fault := find_fault(ended, {0, 3, 25}):
            faults[case] = f"{name}: {fault}"
        shutil.rmtree(folder)
    report(faults, ends, slowest)
    assert N_READER < 100 or min(ends[0], ends[3]) > N_READER / 20, (
        "most are read, or most refused: the cases say little"
    )


def write_lines(folder: Path, files: dict[str, list[list[str]]]) -> Path:
    folder.mkdir(parents=True)
    for name, rows in files.items():
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        (folder / name).write_bytes(text.getvalue().encode("utf-8", errors="surrogatepass"))
    return folder


def write_case(case: int, workspace: Path, everything: dict[str, list[list[str]]]) -> tuple[str, Path]:
    """A delivery for a whole ingest: odd cells in every field of every table, or a file of the clinic that something happened to."""
    random = Random(f"ingest {case}")
    folder = workspace / "extracts" / "next"
    if random.random() < 0.6:
        return "everything", write_lines(folder, change_cells(random, everything))
    write_clinic(folder)
    path = folder / random.choice(("patients.csv", "labs.csv"))
    content = path.read_bytes()
    change = random.choice((change_bytes, lambda r, c, o: change_structure(r, path.name, c, o)))
    path.write_bytes(change(random, content, [content]))
    return "clinic", folder


REFUSAL_TELLS = ("main.event", "main.change")
"""What a refused delivery leaves: an event of the trail."""


def read_database(workspace: Path) -> dict[str, list[tuple]]:
    return read_tables(workspace / "registry.duckdb", without=REFUSAL_TELLS)


@pytest.fixture(scope="module")
def base(warm, tmp_path_factory) -> Path:
    """A workspace with a version of either hospital."""
    folder = tmp_path_factory.mktemp("base")
    write_fixed_key(folder / "key", FIXED_KEY_OF_A_STUDY)
    workspace = folder / "workspace"
    clinic.write_site(workspace / "sites" / "clinic")
    example_hospital.write_site(workspace / "sites" / "everything")
    write_clinic(workspace / "extracts" / "clinic" / "first")
    write_lines(workspace / "extracts" / "everything" / "first", make_everything())
    for hospital in ("clinic", "everything"):
        path = workspace / "extracts" / hospital / "first"
        ended = warm.do(
            do="ingest", path=str(path), workspace=str(workspace), key=str(folder / "key"), hospital=hospital
        )
        assert ended["code"] == 0, ended
    return folder


def test_whatever_a_delivery_holds_its_ingest_balances_or_changes_nothing(warm, base, tmp_path):
    everything, allowed = make_everything(), list_documented_codes()
    faults: dict[int, str] = {}
    ends: Counter = Counter()
    slowest = 0.0
    before = read_database(base / "workspace")
    for case in range(FIRST, FIRST + N_INGEST):
        workspace = tmp_path / "workspace"
        shutil.copytree(base / "workspace", workspace)
        hospital, delivery = write_case(case, workspace, everything)
        ended = warm.do(
            do="ingest", path=str(delivery), workspace=str(workspace), key=str(base / "key"), hospital=hospital
        )
        ends[ended["code"]] += 1
        slowest = max(slowest, ended.get("seconds", SECONDS))
        fault = find_fault(ended, allowed)
        if fault is None and ended["code"] and read_database(workspace) != before:
            fault = f"refused with {ended['code']}, and the database is another"
        if fault:
            faults[case] = f"{hospital}: {fault}"
        shutil.rmtree(workspace)
    report(faults, ends, slowest)
