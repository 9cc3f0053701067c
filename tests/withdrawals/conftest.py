"""Places of twenty patients, of whom the first has a text of which no other has a letter."""

import io
import shutil
import zipfile
from pathlib import Path

import pytest
from answered_workbook import CONFIRMED, answer
from crashes.conftest import Warm, starts, warm, write_patients  # noqa: F401 (fixtures)
from trail.conftest import Place

TOKEN = "QX7JQV9ZKTOKEN"
NUMBER = "001"


def write_delivery(place: Place, name: str, *, albumin: str = "3.9", text: str = f"左支癌栓 {TOKEN}") -> None:
    """A delivery in which the first patient's vein is told with the token."""
    folder = write_patients(place.workspace / "extracts" / "clinic" / name, size=260, albumin=albumin)
    path = folder / "patients.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [line.replace(",无,", f",{text},") if line.startswith(f"{NUMBER},") else line for line in lines]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def holds(path, token):
    """Whether a token stands in a file, plain or in what is packed in it."""
    content = path.read_bytes()
    packed = [content]
    if zipfile.is_zipfile(io.BytesIO(content)):
        archive = zipfile.ZipFile(io.BytesIO(content))
        packed += [archive.read(name) for name in archive.namelist()]
    return any(token.encode() in each for each in packed)


@pytest.fixture(scope="module")
def loaded(warm, starts, tmp_path_factory):  # noqa: F811
    """A place of three versions, an answer about the first patient, and an export."""
    place = Place(tmp_path_factory.mktemp("loaded") / "place", warm)
    shutil.copytree(starts["first"].folder, place.folder)
    shutil.rmtree(place.workspace / "extracts" / "clinic" / "march")
    for name, albumin in (("march", "3.9"), ("april", "3.8"), ("may", "3.7")):
        write_delivery(place, name, albumin=albumin)
        done = place.ingest()
        assert done["code"] == 0, done["told"]
        if name == "march":
            workbook = place.workspace / "reports" / "quality" / "clinic" / "queries.xlsx"
            answer(workbook, workbook.with_name("filled.xlsx"), {"size": (CONFIRMED, f"seen {TOKEN}")}).replace(
                workbook
            )
    assert place.query("select count(*) from answers") == [(1,)]
    assert place.run("export", "exported")["code"] == 0
    return place


def copy(place: Place, folder: Path) -> Place:
    """A copy of a place, with the first patient's number in a file."""
    shutil.copytree(place.folder, folder)
    (folder / "numbers.txt").write_text(f"{NUMBER}\n", encoding="utf-8")
    return Place(folder, place.warm)


@pytest.fixture
def place(loaded, tmp_path):
    """A copy of it."""
    return copy(loaded, tmp_path / "place")
