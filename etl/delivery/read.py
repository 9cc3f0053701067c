"""Reads one delivery as text with coordinates and interprets nothing.

A delivery is one file or one folder. Every sheet and text file becomes a `Grid`: all cells as text, the row numbers
those that the data manager sees.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from etl.delivery.apart import NotReadError, Reader, read_apart
from etl.delivery.beyond import FEWER_COLUMNS, SMALLER_FILES, check_cells, refuse_beyond, refuse_unread
from etl.delivery.copies import find_copies
from etl.delivery.file_kinds import FileKind, check_container, find_kind, find_markup, refuse
from etl.delivery.files import (
    CATALOGUE_SUFFIX,
    OLD_WORKBOOK,
    PAGES,
    STAT_SUFFIXES,
    TEXT_FILES,
    WORKBOOKS,
    hash_file,
    hash_places,
    join_hashes,
    name_files,
    open_file,
)
from etl.delivery.number_formats import ERROR_TEXT, group_rows
from etl.delivery.passwords import lend_path, unlock_workbook
from etl.delivery.stat_files import Formats
from etl.delivery.text_files import cut_rows, decode_text, find_delimiter, unwrap
from etl.errors import DeliveryError
from etl.limits import CELLS, COLUMNS, FILE_BYTES, PAGE_BYTES

SYNTHETIC_MARKER = "SYNTHETIC EXAMPLE DATA"
ROW = "source_row"
NAME_ROW = 0
"""The row of the names of a file of SPSS, Stata or SAS, so that row 1 is the program's case 1."""
_HEAD_BYTES = 4096


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

    `places_hash` is the hash by which rows of it are found again (`hash_places`).
    `copies` names of each file that is the same as another, byte for byte, that other: `x - 副本.xlsx` beside `x.xlsx`.
    """

    path: Path
    content_hash: str
    grids: tuple[Grid, ...]
    is_synthetic: bool = field(default=False)
    copies: Mapping[str, str] = field(default_factory=dict)
    places_hash: str = ""

    @property
    def name(self) -> str:
        """The file's or folder's own name, also where it was given as `.`."""
        return self.path.name if self.path.name not in ("", "..") else self.path.resolve().name


def read_delivery(path: Path) -> Delivery:
    """Read every file of a delivery.

    Raises:
        DeliveryError: nothing there, or a file that cannot be taken (which, why, what to do).
    """
    if not path.exists():
        raise DeliveryError(f"There is no file or folder '{path}'.", f"找不到文件或文件夹“{path}”。")
    names = name_files(path)
    if not names:
        raise DeliveryError(f"The delivery '{path.name}' is empty.", f"提交内容“{path.name}”为空。")
    grids = tuple(_read_files(names, _read_formats(names), path.name))
    is_synthetic = any(SYNTHETIC_MARKER in file.name for file in names) or any(map(_has_marker, grids))
    digests = {name: hash_file(file) for file, name in names.items()}
    copies, places_hash = find_copies(digests), hash_places(digests)
    return Delivery(path, join_hashes(digests.values()), grids, is_synthetic, copies, places_hash)


def _read_files(names: Mapping[Path, str], formats: Formats, delivery: str) -> Iterator[Grid]:
    """Yield the grids of files while all of them together stay within the limit."""
    n_cells = 0
    for file, name in names.items():
        for grid in _read_file(file, name, formats):
            n_cells += grid.cells.height * grid.cells.width
            if n_cells > CELLS.most:
                raise refuse_beyond(delivery, CELLS, n_cells, SMALLER_FILES)
            yield grid


def _read_file(path: Path, name: str, formats: Formats) -> Iterator[Grid]:
    size, suffix = path.stat().st_size, path.suffix.lower()
    if size == 0:
        raise DeliveryError(f"{name}: the file is empty.", f"{name}：文件为空。")
    if size > FILE_BYTES.most:
        raise refuse_beyond(name, FILE_BYTES, size, SMALLER_FILES)
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
    with open_file(path) as file:
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
        yield from _read_locked(path, name)
    elif kind is FileKind.TEXT and path.suffix.lower() in PAGES:
        raise refuse(name, path.suffix.lower())
    elif kind is FileKind.TEXT:
        yield _read_text(path, name, None)
    else:
        yield from _read_markup(path, name, kind)


def _read_bytes(path: Path) -> bytes:
    with open_file(path) as file:
        return file.read()


def _read_markup(path: Path, name: str, kind: FileKind) -> Iterator[Grid]:
    """Read a web page or SpreadsheetML."""
    size = path.stat().st_size
    if size > PAGE_BYTES.most:
        raise refuse_beyond(name, PAGE_BYTES, size, SMALLER_FILES)
    try:
        read = read_apart(Reader.PAGE if kind is FileKind.HTML else Reader.SPREADSHEET_XML, path)
    except NotReadError as error:
        raise refuse_unread(name, error.reason, "page") from None
    for sheet in read["sheets"]:
        width = max(map(len, sheet["rows"]), default=0)
        frame = pl.DataFrame(
            {
                str(i): pl.Series([row[i] if i < len(row) else None for row in sheet["rows"]], dtype=pl.String)
                for i in range(width)
            }
        )
        yield _make_sheet(name, sheet, frame, read["encoding"])


def _read_locked(path: Path, name: str) -> Iterator[Grid]:
    try:
        content = unlock_workbook(path, name)
    except NotReadError as error:
        raise refuse_unread(name, error.reason, "workbook") from None
    with lend_path(content) as opened:
        yield from _read_workbook(opened, name)


def _read_workbook(path: Path, name: str) -> Iterator[Grid]:
    if zipfile.is_zipfile(path):
        check_container(path, name)
    try:
        sheets = read_apart(Reader.WORKBOOK, path)
    except NotReadError as error:
        if error.reason == "locked":
            yield from _read_locked(path, name)
            return
        raise refuse_unread(name, error.reason, "workbook") from None
    for sheet in sheets:
        cells = pl.read_ipc_stream(sheet["grid"], use_pyarrow=False)
        columns = sheet["columns"]
        texts = [cells.to_series(i).cast(pl.String).alias(str(columns[i])) for i in range(cells.width)]
        errors = [(place, ERROR_TEXT) for place in sheet["errors"]]
        yield _make_sheet(name, sheet, _write_texts(pl.DataFrame(texts), [*sheet["shown"], *errors]))


def _make_sheet(name: str, sheet: Mapping[str, Any], frame: pl.DataFrame, encoding: str | None = None) -> Grid:
    """Return the grid of a sheet of a workbook or page; its places count from 0, those of a grid's rows from 1."""
    label = f"{name} / {sheet['name']}" if sheet["name"] else name
    _check_merged(sheet["merged"], frame, name, "page" if encoding else "workbook")
    return Grid(
        name,
        sheet["name"],
        _with_row_numbers(frame, label),
        tuple((r1 + 1, c1, r2 + 1, c2) for r1, c1, r2, c2 in sheet["merged"]),
        encoding,
        hidden_rows=frozenset(row + 1 for row in sheet["hidden"]),
        texts=group_rows(sheet["texts"]),
        struck_rows=frozenset(row + 1 for row in sheet.get("struck", ())),
    )


def _check_merged(merged: Sequence[tuple[int, int, int, int]], frame: pl.DataFrame, name: str, kind: str) -> None:
    """Refuse a sheet whose merged ranges have more cells than the sheet: ranges do not overlap, and each cell is filled once.

    Raises:
        DeliveryError: so it is.
    """
    height, width = frame.height, max((int(p) + 1 for p in frame.columns), default=0)
    sizes = ((min(r2 + 1, height) - r1, min(c2 + 1, width) - c1) for r1, c1, r2, c2 in merged)
    if sum(n_rows * n_columns for n_rows, n_columns in sizes if n_rows > 0 and n_columns > 0) > height * width:
        raise refuse_unread(name, "damaged", kind)


def _read_formats(names: Mapping[Path, str]) -> Formats:
    """Return the value labels in the SAS catalogues of a delivery by the name of their format."""
    formats: dict[str, Mapping[float | str, str]] = {}
    catalogues = [path for path in names if path.suffix.lower() == CATALOGUE_SUFFIX]
    for path in catalogues:
        found = _read_statistics(Reader.CATALOGUE, path, names[path])
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


def _read_stat_file(path: Path, name: str, formats: Formats) -> Grid:
    columns, labels = _read_statistics(Reader.STATISTICS, path, name, formats)
    texts = [pl.Series(str(place), column, dtype=pl.String) for place, column in enumerate(columns)]
    return Grid(name, None, _with_row_numbers(pl.DataFrame(texts), name, NAME_ROW), labels=labels)


def _read_statistics(reader: Reader, path: Path, name: str, *more: Any) -> Any:
    try:
        return read_apart(reader, path, *more)
    except NotReadError as error:
        if error.reason == "columns":
            raise refuse_beyond(name, COLUMNS, COLUMNS.most + 1, FEWER_COLUMNS) from None
        raise refuse_unread(name, error.reason, path.suffix) from None


def _write_texts(frame: pl.DataFrame, texts: Sequence[tuple[tuple[int, int], str]]) -> pl.DataFrame:
    """Write into cells what they show: an Excel error, so that it is asked about and not taken for empty; a month, no day."""
    inside = [(row, str(column), text) for (row, column), text in texts if row < frame.height]
    for column in sorted({column for _, column, _ in inside}.intersection(frame.columns)):
        rows = {row: text for row, c, text in inside if c == column}
        frame = frame.with_columns(frame[column].scatter(list(rows), list(rows.values())))
    return frame


def _read_text(path: Path, name: str, delimiter: str | None) -> Grid:
    text, encoding = decode_text(_read_bytes(path), name)
    try:
        cells, n_cells = cut_rows(text, delimiter or find_delimiter(text), name)
        cells = unwrap(cells) if '="' in text or "'" in text else cells
    except csv.Error as error:
        raise DeliveryError(
            f"{name}: the quotation marks do not close ({error}). Export it again from the system; if it was edited by hand, correct the quotation mark in "
            "a text editor.",
            f"{name}：引号未闭合。请从系统中重新导出；若经手工修改，请用文本编辑器更正引号。",
        ) from None
    numbered = _with_row_numbers(cells, name)
    is_short = n_cells < cells.width
    if is_short.any():
        is_short &= numbered.select(pl.any_horizontal(pl.exclude(ROW).is_not_null())).to_series()
    short = dict(zip(numbered.filter(is_short)[ROW], n_cells.filter(is_short), strict=True)) if cells.width else {}
    return Grid(name, None, numbered, encoding=encoding, short_rows=short)


def _with_row_numbers(frame: pl.DataFrame, label: str, first: int = 1) -> pl.DataFrame:
    check_cells(frame, label, first)
    is_filled = pl.all().str.strip_chars() != ""
    trimmed = frame.select(pl.when(is_filled).then(pl.all()).name.keep()) if frame.width else frame
    return trimmed.with_row_index(ROW, offset=first).with_columns(pl.col(ROW).cast(pl.Int64))


def _has_marker(grid: Grid) -> bool:
    texts = grid.cells.drop(ROW)
    if texts.is_empty():
        return False
    return bool(texts.select(pl.any_horizontal(pl.all().str.contains(SYNTHETIC_MARKER, literal=True).any())).item())
