"""One invented delivery from its seed: drawn, written, mapped, loaded and judged."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from world import judge
from world.decorate import decorate
from world.dialect import MARKUP_KINDS, STAT_KINDS, TEXT_KINDS, draw_dialect
from world.mapping import HOSPITAL, find_names, write_mapping
from world.pen import Pen
from world.refused import spoil
from world.registry import load
from world.sheets import make_sheets
from world.truth import EXTRACT_DAY, draw_patients
from world.write_markup import write_html, write_spreadsheetml
from world.write_stat import write_stat
from world.write_text import write_text
from world.write_workbook import write_workbook

PATIENTS = 8


@dataclass(frozen=True)
class Written:
    """A delivery on the disk, with the sheets as they were meant and the place of each."""

    path: Path
    site: Path
    sheets: list
    places: list
    names: list


def write_delivery(folder, seed, dialect, places=range(PATIENTS)):
    """Write the delivery with this seed in a dialect, for the patients at the given places; and its mapping."""
    patients = draw_patients(seed, places)
    judge.know(patients)
    pen = Pen(seed, dialect, patients)
    sheets = make_sheets(dialect, pen, patients)
    for sheet in sheets if dialect.kind not in STAT_KINDS else ():
        decorate(sheet, dialect, pen)
    path = folder / f"world_{EXTRACT_DAY}"
    path.mkdir()
    where = _choose_writer(dialect)(sheets, path, dialect)
    if dialect.is_refused:
        spoil(path, dialect.kind)
    _add_files(path, where, dialect)
    site = folder / "sites" / HOSPITAL
    write_mapping(site, sheets, where, dialect, pen.codes)
    return Written(path, site, sheets, where, [find_names(sheet, dialect) for sheet in sheets])


def _choose_writer(dialect):
    if dialect.kind in TEXT_KINDS or dialect.is_refused:
        return write_text
    if dialect.kind in MARKUP_KINDS:
        return write_html
    if dialect.kind in STAT_KINDS:
        return write_stat
    return write_workbook if dialect.kind == "xlsx" else write_spreadsheetml


def _add_files(path, where, dialect):
    first = path / where[0][0]
    if "copy of a file" in dialect.file_forms:
        shutil.copy(first, first.with_stem(f"{first.stem}{judge.COPY}"))
    if "desktop files" in dialect.file_forms:
        for name in (f"~${first.name}", "Thumbs.db", f"._{first.name}"):
            (path / name).write_bytes(b"\x00\x01")


def try_delivery(seed, dialect=None, places=range(PATIENTS)):
    """Write, load and judge one delivery; returns its verdict."""
    dialect = draw_dialect(seed) if dialect is None else dialect
    with tempfile.TemporaryDirectory() as folder:
        written = write_delivery(Path(folder), seed, dialect, places)
        return judge.judge(written.sheets, written.places, written.names, load(written.path, written.site))
