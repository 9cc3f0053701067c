"""Workbooks and pages that leave with a password, and answered workbooks that come back with one."""

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import clinic
import msoffcrypto
import pytest
from answered_workbook import CONFIRMED, answer, list_queries
from conftest import Desk

from analysis import cli
from etl.delivery import passwords
from etl.delivery.given_password import LONGEST
from etl.outbox import encrypt_files
from etl.publish import write_quality
from etl.settings import Settings
from etl.store.warehouse import read_frames
from etl.verify import verify

PASSWORD = "correct horse 1"
FAULTY = clinic.PATIENTS.replace(",82,", ",260,")


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(passwords, "_opened", {})
    monkeypatch.setattr(passwords, "_offered", [])
    monkeypatch.setattr("sys.stdin", io.StringIO())


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    clinic.write_site(folder / "workspace" / "sites" / "clinic")
    desk = Desk(Settings(folder / "workspace", folder / "key", "both"))
    desk.ingest(clinic.write_delivery(desk.extracts / "march", patients=FAULTY))
    write_quality(desk.settings)
    return desk


@pytest.fixture
def desk(written, tmp_path):
    """A copy of a workspace whose pages are written."""
    shutil.copytree(written.settings.workspace, tmp_path / "workspace")
    return Desk(Settings(tmp_path / "workspace", written.settings.key_file, "en"))


@pytest.fixture
def run(desk, monkeypatch, capsys):
    monkeypatch.setenv("WORKSPACE", str(desk.settings.workspace))
    monkeypatch.setenv("REGISTRY_KEY_FILE", str(desk.settings.key_file))
    monkeypatch.setenv("REGISTRY_LANG", "both")

    def run_words(*words):
        code = cli.run(lambda: [str(word) for word in words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run_words


def write_password(folder: Path, text: str = PASSWORD) -> Path:
    file = folder / "password.txt"
    file.write_text(text + "\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def find_workbook(desk):
    return desk.settings.reports_dir / "quality" / "clinic" / "queries.xlsx"


def lock(source: Path, target: Path, password: str = PASSWORD) -> Path:
    """Save a workbook with a password, as Excel does."""
    content = io.BytesIO()
    msoffcrypto.OfficeFile(io.BytesIO(source.read_bytes())).encrypt(password, content)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.getvalue())
    return target


def answer_locked(desk, tmp_path, target):
    return lock(answer(find_workbook(desk), tmp_path / "plain.xlsx", {"size": (CONFIRMED, "")}), target)


def unpack(path: Path, password: str, folder: Path) -> subprocess.CompletedProcess:
    """Unpack a zip with a program that is not ours: the code of `zipfile` knows no AES, so libarchive's or 7-Zip's where there is one."""
    program = shutil.which("bsdtar") or shutil.which("7z")
    if program is None:
        pytest.skip("neither bsdtar nor 7z is installed")
    words = (
        ["--passphrase", password, "-xf", str(path)]
        if program.endswith("bsdtar")
        else ["x", f"-p{password}", str(path)]
    )
    return subprocess.run([program, *words], cwd=folder, capture_output=True, check=False)


def test_copies_leave_with_a_password_and_nothing_else_changes(desk, run, tmp_path):
    reports = {p: p.read_bytes() for p in desk.settings.reports_dir.rglob("*") if p.is_file()}
    code, told = run("quality", "--hospital", "clinic", "--encrypted", "--password-file", write_password(tmp_path))
    assert code == 0
    outbox = desk.settings.workspace / "outbox" / "clinic"
    assert sorted(p.name for p in outbox.iterdir()) == ["pages.zip", "queries.xlsx"]
    assert all(str(outbox / p.name) in told for p in outbox.iterdir())
    assert {p.stat().st_mode & 0o777 for p in outbox.iterdir()} == {0o600}
    book = msoffcrypto.OfficeFile(io.BytesIO((outbox / "queries.xlsx").read_bytes()))
    assert book.is_encrypted()
    book.load_key(password=PASSWORD, verify_password=True)
    opened = io.BytesIO()
    book.decrypt(opened)
    assert opened.getvalue() == find_workbook(desk).read_bytes()
    with zipfile.ZipFile(outbox / "pages.zip") as archive:
        assert sorted(archive.namelist()) == ["index.html", "mapping.html"]
        assert all(
            info.flag_bits & 1 and info.compress_type == 99 for info in archive.infolist()
        )  # WinZip's mark of AES
        with pytest.raises((RuntimeError, NotImplementedError)):
            archive.read("index.html")
    assert {p: p.read_bytes() for p in desk.settings.reports_dir.rglob("*") if p.is_file()} == reports
    assert not verify(desk.settings).differences
    everything = b"".join(p.read_bytes() for p in desk.settings.workspace.rglob("*") if p.is_file())
    assert PASSWORD.encode() not in everything
    assert PASSWORD not in told
    assert PASSWORD not in str(read_frames(desk.settings.warehouse_path, ["event"])["event"].rows())
    assert read_frames(desk.settings.warehouse_path, ["event"])["event"].sort("number")["kind"][-1] == "encrypted"


def test_another_program_opens_the_zip(tmp_path):
    files = {"index.html": b"<html>" + bytes(range(256)) * 400, "mapping.html": b""}
    (tmp_path / "pages.zip").write_bytes(encrypt_files(files, PASSWORD))
    (tmp_path / "wrong").mkdir()
    assert unpack(tmp_path / "pages.zip", "another password", tmp_path / "wrong").returncode != 0
    (tmp_path / "out").mkdir()
    assert unpack(tmp_path / "pages.zip", PASSWORD, tmp_path / "out").returncode == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == files


def test_an_answered_workbook_comes_back_with_its_password(desk, run, tmp_path):
    locked = answer_locked(desk, tmp_path, desk.extracts / "answers" / "answered.xlsx")
    before = locked.read_bytes()
    wrong = write_password(tmp_path, "another password")
    for words, said in (((), "has a password"), (("--password-file", wrong), "does not open this workbook")):
        code, told = run("ingest", "clinic", *words)
        assert (code, said in told, "waits where it lies" in told) == (25, True, True)
        assert locked.read_bytes() == before
        assert desk.read("answers").is_empty()
        passwords._opened.clear()
        passwords._offered.clear()
    code, told = run("ingest", "clinic", "--password-file", write_password(tmp_path))
    assert code == 0
    assert desk.read("answers")["answer"].to_list() == ["confirmed"]
    assert PASSWORD not in told
    assert "size" not in {query["Column"] for query in list_queries(find_workbook(desk))}


def test_numbers_are_found_for_a_workbook_that_came_with_a_password(desk, run, tmp_path):
    (tmp_path / "sent").mkdir()
    locked = lock(find_workbook(desk), tmp_path / "sent" / "queries.xlsx")
    words = ("locate", locked, "--delivery", desk.extracts / "march")
    assert run(*words)[0] == 25
    assert run(*words, "--password-file", write_password(tmp_path))[0] == 0
    assert (tmp_path / "sent" / "queries_with_patient_numbers.xlsx").exists()


def test_a_workbook_locked_where_it_lay_is_kept_and_then_taken(desk, run, tmp_path):
    """Somebody gave it a password as they saved it: what owes pages has none, and loses nothing."""
    locked = answer_locked(desk, tmp_path, find_workbook(desk))
    content = locked.read_bytes()
    assert run("quality")[0] == 0
    (kept,) = (desk.extracts / "answers").iterdir()
    assert kept.read_bytes() == content
    assert run("ingest", "clinic")[0] == 25
    code, _ = run("ingest", "clinic", "--password-file", write_password(tmp_path))
    assert (code, desk.read("answers").height) == (0, 1)


def test_a_password_that_does_not_do_is_refused_before_anything_is_written(desk, run, tmp_path):
    file = write_password(tmp_path)
    file.chmod(0o644)
    assert run("quality", "--hospital", "clinic", "--encrypted", "--password-file", file)[0] == 25
    inside = desk.settings.workspace / "password.txt"
    shutil.copy(write_password(tmp_path), inside)
    inside.chmod(0o600)
    assert run("quality", "--hospital", "clinic", "--encrypted", "--password-file", inside)[0] == 25
    assert run("quality", "--hospital", "clinic", "--encrypted")[0] == 25  # no terminal
    assert run("quality", "--encrypted", "--password-file", write_password(tmp_path))[0] == 2
    assert run("quality", "--password-file", write_password(tmp_path))[0] == 2
    for text in ("", "short", "x" * (LONGEST + 1), "密码密码密码密码密码密码密码"):
        assert (
            run("quality", "--hospital", "clinic", "--encrypted", "--password-file", write_password(tmp_path, text))[0]
            == 25
        )
    assert not (desk.settings.workspace / "outbox").exists()


def test_the_password_stands_in_no_process_list(desk, tmp_path):
    """While a workbook is opened: neither in the command's words nor in those of the process that opens it."""
    locked = lock(find_workbook(desk), tmp_path / "locked.xlsx")
    code = (
        "import sys, threading, pathlib\n"
        "from etl.delivery import passwords\n"
        "from etl.delivery.read import read_delivery\n"
        "from etl.delivery.given_password import read_password\n"
        "seen, stop = set(), threading.Event()\n"
        "def look():\n"
        "    while not stop.is_set():\n"
        "        for p in pathlib.Path('/proc').glob('[0-9]*'):\n"
        "            for name in ('cmdline', 'environ'):\n"
        "                try: seen.add((p / name).read_bytes())\n"
        "                except OSError: pass\n"
        "looker = threading.Thread(target=look); looker.start()\n"
        "passwords.offer_password(read_password(pathlib.Path(sys.argv[2]), pathlib.Path('/nowhere')))\n"
        "assert read_delivery(pathlib.Path(sys.argv[1])).grids\n"
        "stop.set(); looker.join()\n"
        "assert any(b'passwords.unlock' in words for words in seen), 'the process was not seen'\n"
        "password = pathlib.Path(sys.argv[2]).read_bytes().strip()\n"
        "assert not any(password in words for words in seen)\n"
    )
    file = write_password(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code, str(locked), str(file)], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONUTF8": "1"}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
