"""No command opens a socket: forbidden in every process of it, and, where the system allows it, in a network namespace that counts what is sent.

The first sees what Python asks for, in the children that read workbooks too; the second what compiled libraries do by themselves.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import clinic
import pytest
import xlsxwriter

HERE = Path(__file__).parent
NAMESPACE = ["unshare", "-rn", "sh", "-c", '"$@"; code=$?; cat /proc/net/snmp > "$PACKETS"; exit $code', "sh"]
SENT = {"OutRequests", "OutNoRoutes", "ActiveOpens", "AttemptFails", "OutSegs", "OutDatagrams", "OutMsgs"}
"""Counters of `/proc/net/snmp` that grow when a process tries to reach another machine, or its own by the network."""


def has_namespace() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0


def read_sent(path: Path) -> dict[str, int]:
    """What was sent in a namespace, of the counters that are not 0."""
    lines = [line.split() for line in path.read_text().splitlines()]
    pairs = [
        (head[0] + name, int(n))
        for head, row in zip(lines[::2], lines[1::2], strict=True)
        for name, n in zip(head[1:], row[1:], strict=True)
        if name in SENT
    ]
    assert len(pairs) >= 7
    return {name: n for name, n in pairs if n}


class Sealed:
    """A workspace, and processes in it that cannot open a socket."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log, self.packets = folder, folder / "sockets.log", folder / "snmp"
        self.environment = {
            **os.environ, "WORKSPACE": str(folder / "workspace"), "REGISTRY_KEY_FILE": str(folder / "key"), "REGISTRY_LANG": "en", "SOCKETS_LOG": str(self.log),
            "PACKETS": str(self.packets), "PYTHONPATH": os.pathsep.join([str(HERE / "forbidding"), str(HERE.parents[1])]),
        }  # fmt: skip
        self.log.touch()

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        before = NAMESPACE if has_namespace() else []
        command = [*before, sys.executable, "-P", *words]
        return subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False
        )

    def run_commands(self, *commands: list[str]) -> list[int]:
        done = self.run(str(HERE / "drive.py"), json.dumps(commands))
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    def check(self) -> None:
        opened = [line for line in self.log.read_text(encoding="utf-8").splitlines() if line.startswith("SOCKET")]
        assert opened == []
        assert not has_namespace() or read_sent(self.packets) == {}


@pytest.fixture
def sealed(tmp_path):
    return Sealed(tmp_path)


ASK = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=2)"


@pytest.mark.parametrize(
    "asked", [ASK, "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-P', '-c', " + repr(ASK) + "]))"]
)
def test_a_process_and_its_child_that_ask_for_a_socket_are_noticed(sealed, asked):
    assert sealed.run("-c", asked).returncode != 0
    assert "SOCKET socket." in sealed.log.read_text(encoding="utf-8")


if has_namespace():  # where none can be made the hook in every process is all there is

    def test_a_namespace_counts_what_is_sent_without_python_knowing(sealed):
        without_hook = {**sealed.environment, "PYTHONPATH": ""}
        attempt = "import socket\ntry: " + ASK.split("; ")[1] + "\nexcept OSError: pass"
        subprocess.run([*NAMESPACE, sys.executable, "-c", attempt], env=without_hook, check=True)
        assert read_sent(sealed.packets)


def write_books(folder: Path) -> tuple[Path, Path]:
    """Two deliveries of the clinic as workbooks, the second one later, whose mapping reads sheets."""
    site = clinic.SITE.replace('"patients*.csv"', '"*.xlsx"\nsheet = "patients"').replace(
        '"labs*.csv"', '"*.xlsx"\nsheet = "labs"'
    )
    clinic.write_site(folder / "workspace" / "sites" / "clinic", site=site)
    return tuple(
        _write_book(folder / f"clinic_{day}.xlsx", size) for day, size in (("2026-01-01", "82"), ("2026-02-01", "83"))
    )


def _write_book(path: Path, size: str) -> Path:
    with xlsxwriter.Workbook(path) as book:
        for name, text in (("patients", clinic.PATIENTS.replace(",82,", f",{size},")), ("labs", clinic.LABS)):
            sheet = book.add_worksheet(name)
            for number, line in enumerate(text.splitlines()):
                sheet.write_row(number, 0, line.split(","))
    return path


def test_no_command_opens_a_socket(sealed):
    first, second = map(str, write_books(sealed.folder))
    expected = {
        ("new-hospital", "new", "--extract", first): 0,
        ("ingest", "clinic", "--extract", first, "--check"): 0,
        ("ingest", "clinic", "--extract", first): 0,
        ("ingest", "clinic", "--extract", second): 0,
        ("quality",): 0,
        ("revert", "clinic"): 0,
        ("ingests",): 0,
        ("trail",): 0,
        ("hospitals",): 0,
        ("freeze", "lock1"): 0,
        ("analyse",): 10,  # three patients, none of whom is eligible; the whole study below
        ("export", str(sealed.folder / "export")): 0,
        ("backup", str(sealed.folder / "backup.tar")): 0,
        ("verify",): 0,
    }  # fmt: skip
    found = sealed.run_commands(*map(list, expected))
    assert dict(zip(expected, found, strict=True)) == expected
    # The children that read workbooks were watched like the rest.
    assert "from etl.delivery.apart import main" in sealed.log.read_text(encoding="utf-8")
    sealed.check()


if os.environ.get("SOCKETS_STUDY"):  # `make nightly`: a skip would be a failure of the quick run

    def test_the_whole_study_opens_no_socket(sealed):
        assert sealed.run_commands(["study", "--workspace", str(sealed.folder / "example")]) == [0]
        sealed.check()
