"""Deliveries with names that a shell, make or a terminal would read: nothing in them is run, and what is suggested works.

The names are those of `../shared/cases/file_names.txt`, and some more.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import clinic
import pytest

from analysis import cli

ROOT = Path(__file__).parents[2]
SHARED = Path(__file__).parents[3] / "shared" / "cases" / "file_names.txt"
NAMES = SHARED.read_text(encoding="utf-8").splitlines() if SHARED.exists() else []
MORE = [
    "$(shell touch made_by_a_file_name).xlsx", "$$ $(HOSPITAL) #1 50% a:=b.xlsx", " blank first.xlsx", "two\nlines.xlsx",
    "tab\there.xlsx", "\x1b[31mred\x1b[0m.xlsx", "\u202egnp.xlsx", "back\\slash.xlsx", "!history!.xlsx", "~root.xlsx",
    "a && touch made_by_a_file_name.xlsx", "x;touch made_by_a_file_name;.xlsx", "[bold]{x}[red].xlsx", "*?[a].xlsx",
]  # fmt: skip
SITE = """
hospital = "clinic"
name_en = "Test clinic"
name_zh = "测试医院"
[[source]]
name = "patients"
file = "*"
header_row = 1
"""
COLUMNS = """source,column,role,table,field,record,unit,note
*,number,patient,,,,,
patients,sex,field,patient,sex,,,
patients,born,field,patient,birth_date,,,
"""


def write_book(path: Path, birth_date: str) -> None:
    # xlsxwriter chokes on no name, but it wants the suffix.
    clinic.write_workbook(path, [["number", "sex", "born"], ["001", "男", birth_date]])


@pytest.fixture
def shop(make_folder, monkeypatch):
    """A workspace of the test clinic below a folder with a Makefile, in which a command is pasted; it makes nothing there."""
    sites = make_folder.path / "workspace" / "sites" / "clinic"
    clinic.write_site(sites, columns=COLUMNS, codes=clinic.CODES, site=SITE)
    extracts = make_folder.path / "workspace" / "extracts" / "clinic"
    extracts.mkdir(parents=True)
    monkeypatch.chdir(make_folder.path)
    monkeypatch.setattr("etl.publish.pay_owed", lambda *_, **__: [])  # the pages are not what is tried here
    return make_folder, extracts


def check_told(message: str) -> None:
    assert "Traceback" not in message
    assert "itself failed" not in message
    assert not [c for c in message if not c.isprintable() and c not in "\n\u3000"]


def find_suggested(message: str, beginning: str) -> str:
    return re.search(rf"({beginning} .*)$", message, re.MULTILINE)[1].strip()


@pytest.mark.skipif(not NAMES, reason="no ../shared/cases beside the project")
def test_the_list_of_names_is_read():
    assert len(NAMES) >= 10


@pytest.mark.parametrize(
    ("program", "name"), [*(("registry", name) for name in NAMES), *(("make", name) for name in [*NAMES, *MORE])]
)
def test_a_delivery_of_any_name_is_read_or_refused_and_the_suggested_command_works(
    shop, capsys, monkeypatch, name, program
):
    if program == "make":
        monkeypatch.setenv("REGISTRY_UNDER_MAKE", "yes")
    made, extracts = shop
    write_book(extracts / name, "1960-03-05")
    code = cli.run(lambda: ["ingest", "clinic", "--check"])
    told = capsys.readouterr()
    check_told(told.out + told.err)
    hidden, is_read = name.startswith("."), name.endswith(".xlsx")
    assert code == (0 if is_read and not hidden else 3)
    if hidden:
        assert "hidden" in told.err
    else:
        write_book(extracts / "zz other.xlsx", "1961-03-05")
        assert cli.run(lambda: ["ingest", "clinic"]) == 5
        told = capsys.readouterr()
    suggested = find_suggested(told.err, "make ingest" if program == "make" else "registry ingest")
    assert suggested.isprintable()
    switch = "CHECK=yes" if program == "make" else "--check"
    done = made.paste(f"{suggested} {switch}")
    check_told(done.stdout + done.stderr)
    assert (done.returncode == 0) == is_read, done.stderr
    assert is_read or ("registry: exit 3" in done.stderr if program == "make" else done.returncode == 3)
    assert ("checked, not loaded" in done.stdout) == is_read
    assert made.list_made() == ["workspace"]
    if program == "make":  # where no Makefile is, only the shell reads it
        empty = made.path / "workspace" / "empty"
        empty.mkdir()
        made.paste(suggested, empty)
        assert [p.name for p in empty.iterdir()] == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such names")
def test_a_name_that_is_no_utf_8_is_refused(shop, capsys):
    _, extracts = shop
    write_book(extracts / "x.xlsx", "1960-03-05")
    (extracts / "x.xlsx").rename(extracts / "\udcc4\udccf.xlsx")
    assert cli.run(lambda: ["ingest", "clinic"]) == 3
    assert "not in UTF-8" in capsys.readouterr().err


def test_what_is_hidden_beside_a_delivery_is_told(shop, capsys):
    _, extracts = shop
    write_book(extracts / "a.xlsx", "1960-03-05")
    write_book(extracts / ".b.xlsx", "1961-03-05")
    (extracts / "._a.xlsx").write_bytes(b"a shadow that macOS leaves")
    (extracts / ".DS_Store").write_bytes(b"another")
    for _ in range(2):
        assert cli.run(lambda: ["ingest", "clinic"]) == 0
        assert "Left out, since hidden (the name begins with a dot): .b.xlsx\n" in capsys.readouterr().out


def test_pages_that_cannot_be_written_do_not_hide_that_the_delivery_is_loaded(shop, monkeypatch, capsys):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "workspace/reports")

    _, extracts = shop
    write_book(extracts / "a.xlsx", "1960-03-05")
    monkeypatch.setattr("etl.publish.pay_owed", refuse)
    assert cli.run(lambda: ["ingest", "clinic"]) == 18
    told = capsys.readouterr()
    assert "loaded as ingest 1" in told.out
    assert "clinic: loaded as ingest 1. What follows was not finished:" in told.err
    assert "The system refused 'workspace/reports': Permission denied" in told.err
    assert "Nothing was changed" not in told.err


def test_a_module_in_the_folder_one_stands_in_is_not_run(shop):
    made, extracts = shop
    write_book(extracts / "a.xlsx", "1960-03-05")
    hostile = "from pathlib import Path\nPath('made_by_a_module').touch()\nraise SystemExit(9)\n"
    for module in ("pickle", "polars", "typer", "analysis", "etl", "venv", "pip"):
        (made.path / f"{module}.py").write_text(hostile)
    for command in ("make ingest HOSPITAL=clinic CHECK=yes", "registry ingest clinic --check"):
        done = made.paste(command)
        assert "checked, not loaded" in done.stdout, done.stderr
    assert not (made.path / "made_by_a_module").exists()


def test_the_reader_of_workbooks_is_the_one_of_the_packages_that_run(tmp_path):
    """A worktree put on PYTHONPATH reads with its own reader, not with that of the installed packages."""
    for package in ("schemas", "etl"):
        shutil.copytree(ROOT / package, tmp_path / "tree" / package, ignore=shutil.ignore_patterns("__pycache__"))
    (reader,) = (tmp_path / "tree" / "etl").rglob("apart.py")
    mark = '\ndef main() -> None:\n    open("read_by_the_tree", "w").close()\n    '
    reader.write_text(reader.read_text("utf-8").replace("\ndef main() -> None:\n    ", mark), "utf-8")
    write_book(tmp_path / "a.xlsx", "1960-03-05")
    code = "from pathlib import Path; from etl.delivery.read import read_delivery; read_delivery(Path('a.xlsx'))"
    subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "tree")}, check=True
    )  # fmt: skip
    assert (tmp_path / "read_by_the_tree").exists()
