"""Reads one delivery as text with coordinates and interprets nothing.

A delivery is one file or one folder. Every sheet and text file becomes a `Grid`: all cells as text, the row numbers
those that the data manager sees.
"""

from __future__ import annotations

import csv
import hashlib
import pickle
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from etl.delivery import workbook
from etl.delivery.copies import find_copies
from etl.delivery.file_kinds import FileKind, check_container, find_kind, find_markup, refuse
from etl.delivery.number_formats import ERROR_TEXT, group_rows
from etl.delivery.passwords import lend_path, unlock_workbook
from etl.delivery.stat_files import (
    CATALOGUE_SUFFIX,
    NAME_ROW,
    STAT_SUFFIXES,
    Formats,
    StatFileError,
    read_catalogue,
    read_stat_file,
)
from etl.delivery.text_files import cut_rows, decode_text, find_delimiter, unwrap
from etl.errors import DeliveryError
from etl.pages.cells import escape_hidden
from etl.pages.text import Text

SYNTHETIC_MARKER = "SYNTHETIC EXAMPLE DATA"
ROW = "source_row"
_HEAD_BYTES = 4096
MAX_MARKUP_BYTES = 512 * 1024**2
MAX_CELL_CHARACTERS = 10_000_000
_IGNORED_NAMES = re.compile(r"^(\.|~\$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
OLD_WORKBOOK = ".xls"
WORKBOOKS = (".xlsx", ".xlsm", OLD_WORKBOOK)
PAGES = (".html", ".htm", ".xml")
TEXT_FILES = (".csv", ".tsv", ".txt")
READ_SUFFIXES = (*WORKBOOKS, *PAGES, *TEXT_FILES, *STAT_SUFFIXES)
_READER = "import sys; sys.path.insert(0, sys.argv.pop(1)); from etl.delivery.workbook import main; main()"
_DESKTOP_MARKS = ("._", ".~")


@dataclass(frozen=True)
class Grid:
    """All cells of one sheet or text file.

    `cells` has one Int64 column `source_row` (1-based, as seen in Excel or in the text file) and one String column per
    position, named by its 0-based index; empty cells are null. `merged` lists (first row, first column, last row, last
    column), rows 1-based. `encoding` is set for text files; `short_rows` tells how many cells each of their rows has that
    has fewer than the longest row and is not blank. Files of SPSS, Stata and SAS have their variables' names in row 0 and may say
    in `labels` what each is. `hidden_rows` are those that a workbook does not show, by a filter or by hand.
    `texts` are the rows of each position in which a workbook or page has a text that looks like a number of three decimals,
    `struck_rows` those with a cell that is struck through.
    """

    file: str
    sheet: str | None
    cells: pl.DataFrame
    merged: tuple[tuple[int, int, int, int], ...] = ()
    encoding: str | None = None
    short_rows: Mapping[int, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    hidden_rows: frozenset[int] = frozenset()
    texts: Mapping[str, frozenset[int]] = field(default_factory=dict)
    struck_rows: frozenset[int] = frozenset()

    @property
    def label(self) -> str:
        """File and sheet as a message names them."""
        return f"{self.file} / {self.sheet}" if self.sheet else self.file


@dataclass(frozen=True)
class Delivery:
    """One delivery: where it lies, the hash of its content (not of its files' names), and its grids in a fixed order.

    `copies` names of each file that is the same as another, byte for byte, that other: `x - 副本.xlsx` beside `x.xlsx`.
    """

    path: Path
    content_hash: str
    grids: tuple[Grid, ...]
    is_synthetic: bool = field(default=False)
    copies: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's or folder's own name, also where it was given as `.`."""
        return self.path.name if self.path.name not in ("", "..") else self.path.resolve().name


def is_desktop_file(path: Path) -> bool:
    """Tell a temporary or hidden file of a desktop program, such as Excel's `~$book.xlsx` while a workbook is open."""
    return bool(_IGNORED_NAMES.match(path.name))


def list_hidden(folder: Path) -> list[str]:
    """Return the names in a folder that begin with a dot and could hold patients: they are left out, and must be told.

    What desktop programs hide (`._x` of macOS, `.~lock.x#` of LibreOffice) is not.
    """
    hidden = (p for p in folder.rglob(".*") if not p.name.startswith(_DESKTOP_MARKS))
    return sorted(p.relative_to(folder).as_posix() for p in hidden if p.suffix.lower() in READ_SUFFIXES)


def list_files(path: Path) -> list[Path]:
    """Return the files of a delivery, sorted; temporary and hidden files of desktop programs are left out.

    Raises:
        DeliveryError: the folder holds a link to a folder or to nothing, whose files would be overlooked, or a name that
            is no text.
    """
    for named in [path, *path.rglob("*")]:
        _check_name(named)
    if path.is_file():
        return [path]
    inside = sorted(p for p in path.rglob("*") if not is_desktop_file(p))
    for link in (p for p in inside if p.is_symlink() and not p.is_file()):
        raise DeliveryError(
            f"{link.name}: this is a link to a folder or to nothing. Put the files themselves into the delivery.",
            f"{link.name}：这是指向文件夹或不存在内容的链接。请将文件本身放入提交内容。",
        )
    return [p for p in inside if p.is_file()]


def _check_name(path: Path) -> None:
    """Refuse a name that is no UTF-8, as old zip programs leave behind: it could be neither stored nor shown."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        shown = escape_hidden(path.name)
        raise DeliveryError(
            f"'{shown}': the name of this file is not in UTF-8. Rename it.",
            f"“{shown}”：文件名不是 UTF-8 编码。请改名。",
        ) from None


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DeliveryError(
            f"{path.name}: the file cannot be opened ({error.strerror}). Close it in other programs and check who may read it.",
            f"{path.name}：无法打开文件（{error.strerror}）。请关闭占用该文件的程序，并检查读取权限。",
        ) from None


def hash_delivery(path: Path) -> str:
    """Return the SHA-256 of a delivery's content, the same whatever its files are called."""
    return _hash_files(_hash_file(file) for file in list_files(path))


def _hash_file(path: Path) -> str:
    return hashlib.sha256(_read_bytes(path)).hexdigest()


def _hash_files(digests: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()


def read_delivery(path: Path) -> Delivery:
    """Read every file of a delivery.

    Raises:
        DeliveryError: nothing there, or a file that cannot be taken (which, why, what to do).
    """
    if not path.exists():
        raise DeliveryError(f"There is no file or folder '{path}'.", f"找不到文件或文件夹“{path}”。")
    files = list_files(path)
    if not files:
        raise DeliveryError(f"The delivery '{path.name}' is empty.", f"提交内容“{path.name}”为空。")
    base = path.parent if path.is_file() else path
    names = {file: file.relative_to(base).as_posix() for file in files}
    formats = _read_formats(names)
    grids = tuple(grid for file, name in names.items() for grid in _read_file(file, name, formats))
    is_synthetic = any(SYNTHETIC_MARKER in file.name for file in files) or any(map(_has_marker, grids))
    digests = {name: _hash_file(file) for file, name in names.items()}
    return Delivery(path, _hash_files(digests.values()), grids, is_synthetic, find_copies(digests))


def _read_file(path: Path, name: str, formats: Formats) -> Iterator[Grid]:
    if path.stat().st_size == 0:
        raise DeliveryError(f"{name}: the file is empty.", f"{name}：文件为空。")
    suffix = path.suffix.lower()
    if suffix in (*WORKBOOKS, *PAGES):
        yield from _read_by_content(path, name)
    elif suffix in TEXT_FILES:
        is_page = find_markup(_read_head(path)) is not None
        yield from (
            _read_by_content(path, name) if is_page else [_read_text(path, name, "\t" if suffix == ".tsv" else None)]
        )
    elif suffix in STAT_SUFFIXES:
        yield _read_stat_file(path, name, formats)
    elif suffix != CATALOGUE_SUFFIX:
        raise refuse(name, suffix)


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _read_by_content(path: Path, name: str) -> Iterator[Grid]:
    """Read what hospital systems call a workbook: one, a web page, SpreadsheetML, or a text with tabs."""
    kind = find_kind(path, name)
    if kind is FileKind.WORKBOOK:
        # The reader goes by the ending of a name: a newer workbook that is called .xls has none.
        is_misnamed = path.suffix.lower() == OLD_WORKBOOK and zipfile.is_zipfile(path)
        with lend_path(_read_bytes(path)) if is_misnamed else nullcontext(path) as own:
            yield from _read_workbook(own, name)
    elif kind is FileKind.LOCKED:
        with lend_path(unlock_workbook(path, name)) as opened:
            yield from _read_workbook(opened, name)
    elif kind is FileKind.TEXT and path.suffix.lower() in PAGES:
        raise refuse(name, path.suffix.lower())
    elif kind is FileKind.TEXT:
        yield _read_text(path, name, None)
    else:
        yield from _read_markup(path, name, "html" if kind is FileKind.HTML else "xml")


_MARKUP_READER = "import sys; sys.path.insert(0, sys.argv.pop(1)); from etl.delivery.markup import main; main()"
_MARKUP_FAULTS = {
    "encoding": Text("the encoding of the page is unknown; export it again as UTF-8 or GB18030", "网页编码未知，请以 UTF-8 或 GB18030 重新导出"),
    "no table": Text(
        "this is a web page without a table, such as that of a login that has expired or a frame; export the data again",
        "这是没有表格的网页（例如登录已过期的页面或框架页），请重新导出数据",
    ),
    "too large": Text("a table of the page claims an impossible size; export it again", "表格声称的尺寸异常，请重新导出"),
    "damaged": Text("the file is damaged or cut off, or another kind of XML; export it again", "文件损坏、不完整或为其他类型的 XML，请重新导出"),
}  # fmt: skip


def _read_markup(path: Path, name: str, kind: str) -> Iterator[Grid]:
    """Read a web page (`html`) or SpreadsheetML (`xml`) in a child process."""
    if path.stat().st_size > MAX_MARKUP_BYTES:
        size = f"{MAX_MARKUP_BYTES // 1024**2} MB"
        raise DeliveryError(
            f"{name}: a page of more than {size} is not read. Export it in parts.",
            f"{name}：超过 {size} 的网页不予读取，请分批导出。",
        )
    package = str(Path(workbook.__file__).parents[2])
    command = [sys.executable, "-P", "-c", _MARKUP_READER, package, kind, str(path)]
    result = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (our own module)
    read: dict[str, Any] = {"reason": "damaged"}
    if result.returncode == 0:
        read = pickle.loads(result.stdout)  # noqa: S301 (written by our own child process)
    if read["reason"]:
        fault = _MARKUP_FAULTS[read["reason"]]
        raise DeliveryError(f"{name}: {fault.en}.", f"{name}：{fault.zh}。")
    for sheet in read["sheets"]:
        width = max(map(len, sheet["rows"]), default=0)
        frame = pl.DataFrame(
            {
                str(i): pl.Series([row[i] if i < len(row) else None for row in sheet["rows"]], dtype=pl.String)
                for i in range(width)
            }
        )
        merged = tuple((r1 + 1, c1, r2 + 1, c2) for r1, c1, r2, c2 in sheet["merged"])
        hidden = frozenset(row + 1 for row in sheet["hidden"])
        texts = group_rows(sheet["texts"])
        yield Grid(
            name, sheet["name"], _with_row_numbers(frame), merged, read["encoding"], hidden_rows=hidden, texts=texts
        )


def _read_workbook(path: Path, name: str) -> Iterator[Grid]:
    if zipfile.is_zipfile(path):
        check_container(path, name)
    # This very package, whichever way it was found; -P keeps the folder it runs in, which may hold a delivery with a
    # `pickle.py` in it, out of what can be imported.
    command = [sys.executable, "-P", "-c", _READER, str(Path(workbook.__file__).parents[2]), str(path)]
    result = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (our own module)
    if result.returncode != 0:
        raise DeliveryError(
            f"{name}: the workbook cannot be read: it is damaged, cut off, or claims an impossible size. Copy it again from where it was made; "
            "where that does not help, export it again from the system.",
            f"{name}：无法读取该工作簿：文件损坏、不完整或尺寸异常。请从原处重新复制；若仍无法读取，请从系统中重新导出。",
        )
    for sheet in pickle.loads(result.stdout):  # noqa: S301 (written by our own child process)
        cells = pl.read_ipc_stream(sheet["grid"], use_pyarrow=False)
        columns = sheet["columns"]
        texts = [cells.to_series(i).cast(pl.String).alias(str(columns[i])) for i in range(cells.width)]
        errors = [(place, ERROR_TEXT) for place in sheet["errors"]]
        frame = _write_texts(pl.DataFrame(texts), [*sheet["shown"], *errors])
        merged = tuple((r1 + 1, c1, r2 + 1, c2) for (r1, c1), (r2, c2) in sheet["merged"])
        hidden = frozenset(row + 1 for row in sheet["hidden"])
        texts = group_rows(sheet["texts"])
        struck = frozenset(row + 1 for row in sheet["struck"])
        yield Grid(
            name,
            sheet["name"],
            _with_row_numbers(frame),
            merged,
            None,
            hidden_rows=hidden,
            texts=texts,
            struck_rows=struck,
        )


def _read_formats(names: Mapping[Path, str]) -> Formats:
    """Return the value labels in the SAS catalogues of a delivery by the name of their format."""
    formats: dict[str, Mapping[float | str, str]] = {}
    catalogues = [path for path in names if path.suffix.lower() == CATALOGUE_SUFFIX]
    for path in catalogues:
        with _refusing_damaged(path, names[path]):
            found = read_catalogue(path)
        for format_name in (key for key in found if formats.get(key, found[key]) != found[key]):
            raise DeliveryError(
                f"{names[path]}: another catalogue of this delivery gives other labels for the format {format_name}. Send only the one that holds.",
                f"{names[path]}：本次提交中另一目录文件对格式 {format_name} 给出了不同的标签。请只提交有效的那一个。",
            )
        formats |= found
    if catalogues and len(catalogues) == len(names):
        raise DeliveryError(
            f"{names[catalogues[0]]}: a SAS catalogue holds labels and no patients. Put it into one folder with its .sas7bdat and give the folder.",
            f"{names[catalogues[0]]}：SAS 目录文件只含标签，不含患者数据。请与 .sas7bdat 放入同一文件夹，并指定该文件夹。",
        )
    return formats


@contextmanager
def _refusing_damaged(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except StatFileError:
        raise DeliveryError(
            f"{name}: the file cannot be read as {path.suffix}: it is damaged, of another kind, or in an unknown encoding. Save it again "
            "in SPSS, Stata or SAS, or as .xlsx.",
            f"{name}：无法按 {path.suffix} 读取该文件：文件损坏、类型不符或编码未知。请在 SPSS、Stata 或 SAS 中重新保存，或另存为 .xlsx。",
        ) from None


def _read_stat_file(path: Path, name: str, formats: Formats) -> Grid:
    with _refusing_damaged(path, name):
        table = read_stat_file(path, formats)
    return Grid(name, None, _with_row_numbers(table.cells, NAME_ROW), labels=table.labels)


def _write_texts(frame: pl.DataFrame, texts: Sequence[tuple[tuple[int, int], str]]) -> pl.DataFrame:
    """Write into cells what they show: an Excel error, so that it is asked about and not taken for empty; a month, no day."""
    inside = [(row, str(column), text) for (row, column), text in texts if row < frame.height]
    for column in sorted({column for _, column, _ in inside}.intersection(frame.columns)):
        rows = {row: text for row, c, text in inside if c == column}
        frame = frame.with_columns(frame[column].scatter(list(rows), list(rows.values())))
    return frame


def _read_text(path: Path, name: str, delimiter: str | None) -> Grid:
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    text, encoding = decode_text(_read_bytes(path), name)
    try:
        cells, n_cells = cut_rows(text, delimiter or find_delimiter(text))
        cells = unwrap(cells) if '="' in text or "'" in text else cells
    except csv.Error as error:
        raise DeliveryError(
            f"{name}: the quotation marks do not close ({error}). Export it again from the system; if it was edited by hand, correct the quotation mark in "
            "a text editor.",
            f"{name}：引号未闭合。请从系统中重新导出；若经手工修改，请用文本编辑器更正引号。",
        ) from None
    numbered = _with_row_numbers(cells)
    is_short = n_cells < cells.width
    if is_short.any():
        is_short &= numbered.select(pl.any_horizontal(pl.exclude(ROW).is_not_null())).to_series()
    short = dict(zip(numbered.filter(is_short)[ROW], n_cells.filter(is_short), strict=True)) if cells.width else {}
    return Grid(name, None, numbered, encoding=encoding, short_rows=short)


def _with_row_numbers(frame: pl.DataFrame, first: int = 1) -> pl.DataFrame:
    is_filled = pl.all().str.strip_chars() != ""
    trimmed = frame.select(pl.when(is_filled).then(pl.all()).name.keep()) if frame.width else frame
    return trimmed.with_row_index(ROW, offset=first).with_columns(pl.col(ROW).cast(pl.Int64))


def _has_marker(grid: Grid) -> bool:
    texts = grid.cells.drop(ROW)
    if texts.is_empty():
        return False
    return bool(texts.select(pl.any_horizontal(pl.all().str.contains(SYNTHETIC_MARKER, literal=True).any())).item())
