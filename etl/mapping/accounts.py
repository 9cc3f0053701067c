"""Accounts that must balance: what became of every row and every non-empty cell, and the texts kept of each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from etl.delivery.read import ROW, Grid
from etl.mapping.identity import normalise_identifier
from etl.mapping.kept_frame import KeptFrame, slice_rows
from etl.mapping.masking import OwnTexts, is_identifying, leave_out_shared
from etl.mapping.parse import MISSING_TEXTS
from etl.mapping.row_kinds import NO_RECORDS
from etl.mapping.site import IDENTIFIER_ROLES, ColumnMap, Site, Source, normalise_code
from schemas.bookkeeping import ROW_ACCOUNTS, SOURCE_CELL
from schemas.column import read_dtypes
from schemas.contract import FieldContract, read_contract
from schemas.tables import TABLES

USED, USED_HIDDEN = "used", "used, hidden in the workbook / 已使用（在工作簿中隐藏）"
USED_STRUCK = "used, with cells struck through / 已使用（含划去的单元格）"
SHIFTED_ROW = "cells beside their columns, set aside / 单元格错位，已隔离"
WITHDRAWN = "patients who withdrew / 已撤回同意的患者"
COPY = "the same as another file of the delivery / 与本次提交的另一文件相同"
ABOVE_HEADER, HEADER, BLANK_ROW, EMPTY_SHEET = "above the header", "header", "blank row", "empty sheet"
PATIENT = "_patient"
# What a checkbox says where codes.csv names no code for true.
TICKED = ("1", "true", "yes", "是", "checked", "有")
UNTICKED = ("0", "false", "no", "否", "unchecked", "无")
_CELL = read_dtypes(SOURCE_CELL)
_PERSONAL = {**_CELL, "kinds": pl.String}
_NOBODYS = (BLANK_ROW, ABOVE_HEADER, HEADER, SHIFTED_ROW, *NO_RECORDS)
_KEPT_NOWHERE = (*_NOBODYS, WITHDRAWN)


def is_used() -> pl.Expr:
    """Whether a row's records are made."""
    return pl.col("rule").is_in([USED, USED_HIDDEN, USED_STRUCK])


def is_of_patient() -> pl.Expr:
    """Whether a row can be a patient's: used, or ignored though a patient's number stands in it."""
    return ~pl.col("rule").is_in(_NOBODYS)


@dataclass(frozen=True)
class SlippedRow:
    """A row whose cells may stand beside their columns: from which column on it was set aside, None for the whole, and how many cells."""

    number: int
    column: str | None
    n_cells: int


@dataclass(frozen=True)
class SheetRows:
    """One mapped sheet: its rows by header, what became of each row, and the sources that read it.

    `rows` has `source_row`, `rule` (`used` or the ignoring rule's name) and one String column per header; where the row
    number is the patient's number also that number as text, which is no cell and is counted nowhere. `filled` are the rows of each column
    that a merged cell was filled into, `slipped` the rows of which cells were set aside since they may belong to other columns, `odd_numbers`
    those whose patient number is written as no other, `texts` the rows of each column with a text that looks like a number of three decimals.
    """

    file: str
    sheet: str | None
    header: tuple[str, ...]
    rows: pl.DataFrame
    sources: tuple[Source, ...]
    filled: Mapping[str, frozenset[int]] = field(default_factory=dict)
    slipped: tuple[SlippedRow, ...] = ()
    odd_numbers: tuple[int, ...] = ()
    texts: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """File and sheet as a message names them."""
        return f"{self.file} / {self.sheet}" if self.sheet else self.file


@dataclass(frozen=True)
class CellAccounts:
    """Non-empty cells of used rows: how many there are, what became of them, and the cells that no column claims.

    `total` is counted from the sheets, `by_fate` from the mapping: the two must agree.
    """

    total: int
    by_fate: Mapping[str, int]
    strays: pl.DataFrame


def account_cells(sheets: Sequence[SheetRows], site: Site, own: OwnTexts) -> CellAccounts:
    """Count the non-empty cells of used rows by what became of them; a stray cell's text comes masked.

    A column that is an identifier for one kind of row is one for every kind: its cells are never strays.
    """
    counts: dict[str, int] = {"mapped": 0, "identifier": 0, "ignored": 0, "stray": 0}
    strays: list[pl.DataFrame] = []
    for sheet in sheets:
        used = sheet.rows.filter(is_used())
        counts["stray"] += _count_slipped(sheet)
        fates = _decide_fates(sheet, site)
        told = used.select(
            (pl.col(column).is_not_null() & (fate == kind)).sum().alias(f"{kind} {i}")
            for i, (column, (fate, possible)) in enumerate(fates.items())
            for kind in possible
        )
        numbers = dict(zip(told.columns, told.row(0), strict=True)) if told.width else {}
        for name, n in numbers.items():
            counts[name.split(" ")[0]] += n
        for i, (column, (fate, _)) in enumerate(fates.items()):
            if numbers.get(f"stray {i}"):
                rows = used.filter(pl.col(column).is_not_null() & (fate == "stray"))
                masked, _ = own.mask_cells(rows[column], rows[_patient_column(sheet, site)])
                strays.append(rows.select(*_name_cell(sheet, column), masked.alias("value")))
    return CellAccounts(sum(map(_count_cells, sheets)), counts, pl.concat([pl.DataFrame(schema=_CELL), *strays]))


def _decide_fates(sheet: SheetRows, site: Site) -> dict[str, tuple[pl.Expr, tuple[str, ...]]]:
    """Return, for each column of a sheet, what becomes of its cells, row by row, and what may become of them at all."""
    roles = {s.name: _role_by_column(site.columns_of(s)) for s in sheet.sources}
    secret = {column for own in roles.values() for column, kind in own.items() if kind == "identifier"}
    fates: dict[str, tuple[pl.Expr, tuple[str, ...]]] = {}
    for column in sheet.header:
        possible = ["identifier" if column in secret else "stray"]
        fate = pl.lit(possible[0])
        for source in sheet.sources:
            if kind := roles[source.name].get(column):
                fate = pl.when(pl.col(f"_use_{source.name}")).then(pl.lit(kind)).otherwise(fate)
                possible.append(kind)
        fates[column] = fate, tuple(dict.fromkeys(possible))
    return fates


def _name_row(sheet: SheetRows) -> list[pl.Expr]:
    file, name = pl.lit(sheet.file).alias("source_file"), pl.lit(sheet.sheet, dtype=pl.String).alias("source_sheet")
    return [file, name, pl.col(ROW)]


def _name_cell(sheet: SheetRows, column: str) -> list[pl.Expr]:
    return [*_name_row(sheet), pl.lit(column).alias("source_column")]


def _count_cells(sheet: SheetRows) -> int:
    used = sheet.rows.filter(is_used()).select(sheet.header)
    n_read = used.height * used.width - sum(used.null_count().row(0)) if used.width else 0
    return n_read + _count_slipped(sheet)


def _count_slipped(sheet: SheetRows) -> int:
    """Count the cells that were set aside of rows that are otherwise used."""
    used = set(sheet.rows.filter(is_used())[ROW])
    return sum(row.n_cells for row in sheet.slipped if row.number in used)


def list_slipped(sheets: Sequence[SheetRows]) -> pl.DataFrame:
    """Return the place of each row that slipped aside; the column is the first that was set aside. Their texts are kept nowhere."""
    lines = [(s.file, s.sheet, row.number, row.column or "", "") for s in sheets for row in s.slipped]
    return pl.DataFrame(lines, schema=_CELL, orient="row")


def list_odd_numbers(sheets: Sequence[SheetRows], site: Site) -> pl.DataFrame:
    """Return the place of each patient number that is written as no other, on a row of few values; the number itself is not told."""
    lines = [(s.file, s.sheet, row, _patient_column(s, site), "") for s in sheets for row in s.odd_numbers]
    return pl.DataFrame(lines, schema=_CELL, orient="row")


def collect_own_texts(sheets: Sequence[SheetRows], site: Site) -> OwnTexts:
    """Return what names each patient: the numbers and national ids as sent, and the texts of dropped columns."""
    numbers: dict[str, set[str]] = {}
    dropped: dict[str, set[str]] = {}
    for number, text, role in (line for sheet in sheets for line in _list_identifiers(sheet, site)):
        if role == "drop" and is_identifying(text):
            dropped.setdefault(normalise_identifier(number), set()).add(text)
        elif role != "drop" and text.casefold() not in MISSING_TEXTS:
            numbers.setdefault(normalise_identifier(number), set()).add(text)
    kept = leave_out_shared(dropped)
    # Rows without a patient number share one entry.
    return OwnTexts({n: sorted({*numbers.get(n, ()), *kept.get(n, ())}) for n in dict.fromkeys([*numbers, *kept])})


def _list_identifiers(sheet: SheetRows, site: Site) -> Iterator[tuple[str, str, str]]:
    """Yield local patient number, text and role of the cells of a sheet's identifier columns, each text of a patient once.

    A sheet that does not fit the mapping may lack some of them.
    """
    used = sheet.rows.filter(is_used())
    for source in sheet.sources:
        patient = site.patient_column(source)
        number = (pl.col(patient).fill_null("") if patient in used.columns else pl.lit("")).alias(PATIENT)
        identifiers = [c for c in site.columns_of(source) if c.role in IDENTIFIER_ROLES]
        for column in (c for c in identifiers if c.column in used.columns):
            cells = used.select(number, pl.col(column.column).str.strip_chars().alias("text"))
            yield from cells.drop_nulls("text").unique().with_columns(pl.lit(column.role)).iter_rows()


def find_unread_boxes(sheets: Sequence[SheetRows], site: Site, own: OwnTexts) -> pl.DataFrame:
    """Return the checkbox cells that say neither yes nor no: no record is made of them, so they must be asked about.

    Columns: table_name, field, source_file, source_sheet, source_row, source_column, value (masked).
    """
    found = [pl.DataFrame(schema={"table_name": pl.String, "field": pl.String, **_CELL})]
    for sheet in sheets:
        patient = _patient_column(sheet, site)
        for source in sheet.sources:
            used = sheet.rows.filter(is_used() & pl.col(f"_use_{source.name}"))
            for c in (c for c in site.columns_of(source) if c.role == "field" and c.is_checkbox):
                known = [*site.codes.get((c.table, c.field or "*"), {}), *TICKED, *UNTICKED, *MISSING_TEXTS]
                texts = pl.col(c.column).map_elements(normalise_code, return_dtype=pl.String)
                rows = used.filter(texts.is_not_null() & ~texts.is_in(known))
                masked, _ = own.mask_cells(rows[c.column], rows[patient])
                found.append(
                    rows.select(
                        pl.lit(c.table).alias("table_name"),
                        pl.lit(c.field or next(iter(c.constants))).alias("field"),
                        *_name_cell(sheet, c.column),
                        masked.alias("value"),
                    )
                )
    return pl.concat(found)


def _list_fields(columns: Sequence[ColumnMap]) -> dict[str, FieldContract]:
    """Return the contract of the field that each column is read into."""
    fields = {c.column: read_contract(TABLES[c.table]).get(c.field) for c in columns if c.role == "field"}
    return {column: spec for column, spec in fields.items() if spec}


def _patient_column(sheet: SheetRows, site: Site) -> str:
    return site.patient_column(sheet.sources[0])


def _role_by_column(columns: Sequence[ColumnMap]) -> dict[str, str]:
    kinds = {"field": "mapped", "ignore": "ignored"}
    return {c.column: kinds.get(c.role, "identifier") for c in columns if c.column}


def count_rows(sheets: Sequence[SheetRows], ignored: Sequence[tuple[Grid, str]]) -> pl.DataFrame:
    """Count each sheet's rows by the rule that used or ignored them; sheets without records are ignored as a whole."""
    lines: list[tuple[str, str | None, str, int]] = []
    for sheet in sheets:
        for rule, n in sorted(sheet.rows["rule"].value_counts().iter_rows()):
            lines.append((sheet.file, sheet.sheet, rule, n))
    lines += [(grid.file, grid.sheet, reason, grid.cells.height) for grid, reason in ignored]
    return pl.DataFrame(lines, schema=read_dtypes(ROW_ACCOUNTS), orient="row")


@dataclass(frozen=True)
class Landing:
    """Every non-blank row's cells as JSON text, in parts, and the cells of ignored columns that held personal data.

    Beside them stands the patient's number as sent (`_patient`), of which the store keeps the pseudonym alone. Other identifiers and ignored columns are left out and personal data is masked. `personal` has source_file, source_sheet, source_row,
    source_column and as `kinds` what was found; its text is told nowhere.
    """

    rows: tuple[KeptFrame, ...]
    personal: pl.DataFrame


def _list_scanned(sheet: SheetRows, site: Site) -> list[str]:
    """Return the sheet's columns that no kind of its rows reads as an identifier."""
    secret = {c.column for s in sheet.sources for c in site.columns_of(s) if c.role in IDENTIFIER_ROLES}
    return [name for name in sheet.header if name not in secret]


def make_landing(sheets: Sequence[SheetRows], site: Site, own: OwnTexts) -> Landing:
    """Keep what each row said, without what names a person and what nobody needs."""
    own.look_up(sheet.rows[name] for sheet in sheets for name in _list_scanned(sheet, site))
    rows: list[KeptFrame] = []
    personal = [pl.DataFrame(schema=_PERSONAL)]
    for sheet in sheets:
        columns = [c for s in sheet.sources for c in site.columns_of(s)]
        read = {c.column for c in columns if c.role == "field"}  # what is masked there is told of its field
        ignored = {c.column for c in columns if c.role == "ignore"} - read
        patient = _patient_column(sheet, site)
        scanned = _list_scanned(sheet, site)
        kept = [name for name in scanned if name not in ignored]
        frame = sheet.rows.filter(~pl.col("rule").is_in(_KEPT_NOWHERE))
        fields = _list_fields(columns)
        frame, hits = own.mask_frame(frame, frame[patient], {name: fields.get(name) for name in scanned})
        for name in sorted({name for _, name, _ in hits if name in ignored}, key=scanned.index):
            found = {row: kinds for row, hit, kinds in hits if hit == name}
            told = frame[list(found)].select(*_name_cell(sheet, name), pl.lit("").alias("value"))
            personal.append(told.with_columns(pl.Series("kinds", list(found.values()), dtype=pl.String)))
        cells = pl.struct(kept).struct.json_encode() if kept else pl.lit("{}")
        said = (*_name_row(sheet), "rule", cells.alias("cells"), pl.col(patient).alias(PATIENT))
        rows += (KeptFrame(part.select(*said)) for part in slice_rows(frame))
    return Landing(tuple(rows), pl.concat(personal))
