"""What a person wrote is copied whole before the registry writes the file anew, or the file stays as it is."""

import errno
import hashlib
import shutil
from pathlib import Path

import clinic
import pytest
from test_query_loop import CONFIRMED, UNUSUAL_SIZE, answer, find_workbook

from etl import kept_files
from etl.cli import run_ingest, run_quality, run_revert
from etl.errors import NotKeptError
from etl.kept_files import keep_file, replace_keeping
from etl.onboarding.kept import replace_filled, set_aside
from etl.publish import write_quality
from etl.quality.answers import keep_workbook

HALF = 1000


@pytest.fixture
def waiting(desk, monkeypatch):
    """A desk with the query workbook of a loaded delivery."""
    for name, value in (("WORKSPACE", desk.settings.workspace), ("REGISTRY_KEY_FILE", desk.settings.key_file)):
        monkeypatch.setenv(name, str(value))
    clinic.write_delivery(desk.extracts / "x", patients=UNUSUAL_SIZE)
    desk.ingest()
    write_quality(desk.settings)
    return desk


def fill_in(desk, comment="seen"):
    path = find_workbook(desk)
    filled = answer(path, path.with_name("filled.xlsx"), {"size": (CONFIRMED, comment)})
    return filled.replace(path)


def list_answers(desk):
    return sorted((desk.extracts / "answers").glob("*"))


def fill_disk(monkeypatch):
    """A disk on which only so many bytes of a file have room."""
    original = Path.open

    def open_small(self, mode="r", *arguments, **options):
        file = original(self, mode, *arguments, **options)
        if "w" in mode and "answers" in self.parts:
            write = file.write

            class Small:
                def __enter__(self):
                    return self

                def __exit__(self, *_):
                    file.close()

                def write(self, content):
                    write(content[:HALF])
                    file.flush()
                    raise OSError(errno.ENOSPC, "No space left on device")

            return Small()
        return file

    monkeypatch.setattr(Path, "open", open_small)


def test_an_answered_workbook_is_kept_whole_and_once(waiting):
    filled = fill_in(waiting)
    content = filled.read_bytes()
    for _ in range(2):
        assert keep_workbook(waiting.settings, "clinic").read_bytes() == content
    write_quality(waiting.settings)
    assert [path.read_bytes() for path in list_answers(waiting)] == [content]
    assert filled.read_bytes() != content


def test_an_unanswered_workbook_leaves_no_copy(waiting):
    write_quality(waiting.settings)
    assert not (waiting.extracts / "answers").exists()


@pytest.mark.parametrize(
    "command", [run_quality, lambda: run_quality(hospital="clinic"), lambda: run_revert("clinic")]
)  # fmt: skip
def test_on_a_full_disk_no_command_overwrites_the_answers_and_each_says_so(waiting, monkeypatch, command):
    clinic.write_delivery(waiting.extracts / "y", patients=UNUSUAL_SIZE.replace("45,no", "46,no"))
    waiting.ingest(waiting.extracts / "y")
    content = fill_in(waiting).read_bytes()
    fill_disk(monkeypatch)
    with pytest.raises(NotKeptError) as caught:
        command()
    monkeypatch.undo()
    assert find_workbook(waiting).read_bytes() == content
    assert list_answers(waiting) == []
    for words in ("queries.xlsx", "No space left", "make quality", "not written anew"):
        assert words in caught.value.en
    assert caught.value.exit_code == 14
    write_quality(waiting.settings)
    assert [path.read_bytes() for path in list_answers(waiting)] == [content]


def test_on_a_full_disk_an_ingest_keeps_the_workbook_too(waiting, monkeypatch):
    content = fill_in(waiting).read_bytes()
    clinic.write_delivery(waiting.extracts / "y", patients=UNUSUAL_SIZE.replace("45,no", "46,no"))
    fill_disk(monkeypatch)
    with pytest.raises(NotKeptError):
        run_ingest("clinic", extract=waiting.extracts / "y", extracted=str(clinic.EXTRACTED))
    monkeypatch.undo()
    assert find_workbook(waiting).read_bytes() == content


def test_a_stump_of_an_earlier_run_is_made_whole(waiting):
    filled = fill_in(waiting)
    content = filled.read_bytes()
    copy = waiting.extracts / "answers" / f"queries_{hashlib.sha256(content).hexdigest()[:8]}.xlsx"
    copy.parent.mkdir()
    copy.write_bytes(content[:HALF])
    write_quality(waiting.settings)
    assert copy.read_bytes() == content
    assert list_answers(waiting) == [copy]


def test_two_answers_whose_hashes_begin_alike_are_both_kept(tmp_path, monkeypatch):
    real = hashlib.sha256

    class AllAlike:
        def __init__(self, content):
            self.full = real(content).hexdigest()

        def hexdigest(self):
            return "0" * 8 + self.full[8:]

    monkeypatch.setattr(kept_files.hashlib, "sha256", AllAlike)
    path = tmp_path / "queries.xlsx"
    contents = [b"first answer", b"second answer"]
    for content in contents * 2:
        path.write_bytes(content)
        assert keep_file(path, tmp_path / "answers").read_bytes() == content
    assert sorted(p.read_bytes() for p in (tmp_path / "answers").iterdir()) == contents


def test_where_other_files_have_all_names_nothing_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_files, "_HASH_LENGTHS", (8,))
    path = tmp_path / "queries.xlsx"
    path.write_bytes(b"mine")
    (tmp_path / f"queries_{hashlib.sha256(b'mine').hexdigest()[:8]}.xlsx").write_bytes(b"another")
    with pytest.raises(NotKeptError, match="Move them away"):
        keep_file(path, tmp_path)


def test_an_answer_saved_while_the_pages_are_written_is_kept(waiting, monkeypatch):
    """It is saved after the first copy and before the new workbook takes its place."""
    first = fill_in(waiting, "first").read_bytes()
    import etl.quality.report as report

    original = report.write_query_workbook

    def save_meanwhile(*arguments, **options):
        fill_in(waiting, "second")
        return original(*arguments, **options)

    monkeypatch.setattr(report, "write_query_workbook", save_meanwhile)
    write_quality(waiting.settings)
    kept = [path.read_bytes() for path in list_answers(waiting)]
    assert len(kept) == 2
    assert first in kept
    monkeypatch.undo()
    waiting.ingest()
    assert set(waiting.read("answers")["comment"]) == {"first", "second"}


def test_an_answer_saved_between_the_copy_and_the_overwrite_is_kept(tmp_path):
    path, new = tmp_path / "q.xlsx", tmp_path / "new.xlsx"
    path.write_bytes(b"one")
    new.write_bytes(b"from the registry")
    later = iter([b"two", b"three"])

    def is_filled(_):
        content = next(later, None)
        if content:
            # Saved after this content was read: what is copied may be either, what is replaced is the last.
            shutil.copy(path, tmp_path / f"seen_{content.decode()}")
            path.write_bytes(content)
        return True

    replace_keeping(new, path, tmp_path / "answers", is_filled)
    kept = {copy.read_bytes() for copy in (tmp_path / "answers").iterdir()}
    assert {b"two", b"three"} <= kept
    assert path.read_bytes() == b"from the registry"
    assert not new.exists()


def test_a_workbook_that_cannot_be_read_is_kept_as_it_is(waiting):
    find_workbook(waiting).write_bytes(b"PK\x03\x04 half of a workbook")
    write_quality(waiting.settings)
    assert [path.read_bytes() for path in list_answers(waiting)] == [b"PK\x03\x04 half of a workbook"]


def test_a_workbook_that_nobody_may_read_is_not_replaced(waiting, monkeypatch):
    content = find_workbook(waiting).read_bytes()
    original = Path.read_bytes

    def refuse(self):
        if self.name == "queries.xlsx":
            raise OSError(errno.EACCES, "Permission denied")
        return original(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(NotKeptError, match="Permission denied"):
        write_quality(waiting.settings)
    monkeypatch.undo()
    assert find_workbook(waiting).read_bytes() == content


def test_a_worksheet_that_is_written_anew_leaves_the_filled_one_beside_it(tmp_path):
    path = tmp_path / "worksheet.xlsx"
    for content in (b"proposed", b"filled", b"again"):
        new = tmp_path / ".new"
        new.write_bytes(content)
        replace_filled(new, path)
    assert path.read_bytes() == b"again"
    assert {copy.read_bytes() for copy in tmp_path.glob("worksheet_*.xlsx")} == {b"proposed", b"filled"}
    set_aside(path)
    assert not path.exists()
    assert {copy.read_bytes() for copy in tmp_path.glob("worksheet_*.xlsx")} == {b"proposed", b"filled", b"again"}
