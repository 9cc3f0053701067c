"""Turns the rows of a delivery into records by the closed list of verbs.

Verbs: choose sheet, header row and row filter; ignore rows by a named rule; rename; unpivot columns into records;
checkbox group into records; a cell that lists several into records; constants. Values stay text here: `etl/mapping/parse.py` recodes, parses and converts units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from etl.delivery.files import TEXT_FILES
from etl.delivery.read import ROW, Delivery
from etl.mapping.accounts import (
    TICKED,
    CellAccounts,
    Landing,
    SheetRows,
    account_cells,
    collect_own_texts,
    count_rows,
    find_unread_boxes,
    is_used,
    list_odd_numbers,
    list_slipped,
    make_landing,
)
from etl.mapping.identifying_columns import protect_people
from etl.mapping.kept_frame import say_once
from etl.mapping.masking import OwnTexts
from etl.mapping.parse import MISSING, MISSING_TEXTS
from etl.mapping.patient_rows import CELL_ROWS, LAST, is_filled, is_form_filled, join_rows, pick_filled
from etl.mapping.places import name_by_place
from etl.mapping.sheets import choose_sheets
from etl.mapping.site import SHARED, VISIT, ColumnMap, Site, Source, normalise_code, normalise_text, split_items
from etl.mapping.withdrawn import Withdrawn, leave_out_withdrawn
from etl.mapping.written import TYPED, settle_dates, settle_decimals
from schemas.contract import read_contract, read_sent_key
from schemas.tables import TABLES

PATIENT_TEXT, PERSON_TEXT, GROUP = "_patient_text", "_person_text", "_group"
UNIT_SUFFIX, WRITTEN_SUFFIX = "__unit", "__written"
UNIT_COLUMN = "column:"


@dataclass
class Mapped:
    """What mapping made of a delivery.

    `records[table]` holds text: provenance, `_patient_text`, `_person_text`, `_group` and one String column per contract
    field (and `<field>__unit`, `<field>__written`). `group_columns` tells the hospital's column behind (group, field), and behind (group,
    `<field>__unit`) where a column holds the unit. `own` lists what names each patient, so that it can be masked in
    that patient's texts; it is never stored. `filled_rows` counts the rows that a merged cell was filled
    into. `slipped` and `odd_numbers` are the places of rows to ask about.
    `cell_rows` tells of records that were joined from several rows in which row a cell stands, where that is not the record's.
    `sent` tells of which patients (their numbers) each table was sent, also where that makes no record.
    """

    records: dict[str, pl.DataFrame]
    group_columns: pl.DataFrame
    row_accounts: pl.DataFrame
    cells: CellAccounts
    landing: Landing
    own: OwnTexts
    filled_rows: int
    unread_boxes: pl.DataFrame
    slipped: pl.DataFrame
    odd_numbers: pl.DataFrame
    cell_rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CELL_ROWS))
    sent: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"table_name": pl.String, PATIENT_TEXT: pl.String})
    )


def map_delivery(delivery: Delivery, site: Site, withdrawn: Withdrawn | None = None) -> Mapped:
    """Make text records of every table from a delivery, and the accounts of its rows and cells; `withdrawn` are patients to leave out.

    Raises:
        StructureError, DeliveryError: see `choose_sheets`.
    """
    sheets, ignored = choose_sheets(delivery, site)
    site = protect_people(site, sheets)
    own = collect_own_texts(sheets, site)
    sheets = leave_out_withdrawn(sheets, site, withdrawn)
    sheets, ignored = name_by_place(delivery.grids, sheets, ignored, own)
    groups: list[dict[str, object]] = []
    pieces: dict[str, list[pl.DataFrame]] = {name: [] for name in TABLES}
    cell_rows = [pl.DataFrame(schema=CELL_ROWS)]
    for sheet in sheets:
        for source in sheet.sources:
            rows = sheet.rows.filter(is_used() & pl.col(f"_use_{source.name}"))
            written = _settle_written(sheet, rows, source, site)
            for table in TABLES:
                pieces[table] += _make_records(sheet, rows, source, table, site, groups, cell_rows, written)
    landing = make_landing(sheets, site, own)
    group_schema = {GROUP: pl.Int64, "field": pl.String, "source_column": pl.String}
    return Mapped(
        records={table: _stack(table, frames) for table, frames in pieces.items()},
        group_columns=pl.DataFrame(groups, schema=group_schema),
        row_accounts=count_rows(sheets, ignored),
        cells=account_cells(sheets, site, own),
        landing=landing,
        own=own,
        filled_rows=sum(len(frozenset().union(*sheet.filled.values())) for sheet in sheets),
        unread_boxes=find_unread_boxes(sheets, site, own),
        slipped=list_slipped(sheets),
        odd_numbers=list_odd_numbers(sheets, site),
        cell_rows=pl.concat(cell_rows),
        sent=_list_sent(sheets, site),
    )


def _list_sent(sheets: Sequence[SheetRows], site: Site) -> pl.DataFrame:
    """Return table_name and patient's number of every used row: a patient without a ticked box has sent that there is nothing.

    Where a patient has several rows, or its cells slipped aside, a row tells only of tables of which it fills a cell, or whose boxes stand
    in a form that it fills in.
    """
    found = [pl.DataFrame(schema={"table_name": pl.String, PATIENT_TEXT: pl.String})]
    for sheet in sheets:
        is_slipped = pl.col(ROW).is_in([row.number for row in sheet.slipped])
        for source in sheet.sources:
            used = sheet.rows.filter(is_used() & pl.col(f"_use_{source.name}"))
            columns = site.columns_of(source)
            for table in sorted({c.table for c in columns if c.makes_record}):
                own = [
                    c.column
                    for c in columns
                    if (c.makes_record and c.table == table) or (table, c.role) == ("patient", "person")
                ]
                is_whole = pl.lit(value=False) if source.patient_rows else ~is_slipped
                keys = {
                    c.column
                    for c in columns
                    if c.role == "patient" or c.field == VISIT or c.column in source.row_filter
                }
                boxes = [c.column for c in columns if c.is_checkbox and c.table == table]
                says_none = [is_form_filled(box, sheet.header, keys) & ~is_slipped for box in boxes]
                told = used.filter(pl.any_horizontal([is_whole, *map(is_filled, own), *says_none]))
                number = pl.col(site.patient_column(source)).alias(PATIENT_TEXT)
                found.append(told.select(pl.lit(table).alias("table_name"), number))
    return pl.concat(found).unique(maintain_order=True)


def _make_records(
    sheet: SheetRows,
    rows: pl.DataFrame,
    source: Source,
    table: str,
    site: Site,
    groups: list[dict[str, object]],
    cell_rows: list[pl.DataFrame],
    written: Mapping[str, str],
) -> list[pl.DataFrame]:
    """Return one frame of text records for each group (record) of a table in one source's rows; rows that are one record are joined."""
    columns = site.columns_of(source)
    own = [c for c in columns if c.role == "field" and c.table == table]
    shared = [c for c in own if c.column and c.record == SHARED]
    constants = {k: v for c in own if not c.column for k, v in c.constants.items()}
    patient, persons = site.patient_column(source), [c for c in columns if c.role == "person"]
    frames = []
    for group, every in _list_groups(own, rows, site, source):
        picked = _leave_out_continued(every, sheet, patient, [c.column for c in group + shared if c.column])
        number = len({g[GROUP] for g in groups}) + 1
        used = group + shared
        groups += [{GROUP: number, "field": c.field, "source_column": c.column} for c in used if c.field]
        groups += [
            {GROUP: number, "field": c.field + UNIT_SUFFIX, "source_column": c.unit.removeprefix(UNIT_COLUMN)}
            for c in used
            if c.unit.startswith(UNIT_COLUMN)
        ]
        groups += [{GROUP: number, "field": "person_id", "source_column": c.column} for c in persons]
        fixed = {**constants, **group[0].constants}
        is_one_cell = bool(group[0].record) and len(group) == 1
        frame = _select_record(
            picked, sheet, patient, persons, used, fixed, number, group[0].column if is_one_cell else None
        )
        if source.patient_rows and set(read_sent_key(TABLES[table])) <= {"patient_id", *fixed}:
            fields = [name for name in frame.columns if name in read_contract(TABLES[table])]
            names = [PERSON_TEXT, *fields] if table == "patient" and persons else fields
            joined = join_rows(frame, table, names, PATIENT_TEXT, site.codes, takes_last=source.patient_rows == LAST)
            cell_rows.append(joined.cell_rows.with_columns(pl.col("field").replace({PERSON_TEXT: "person_id"})))
            frame = joined.records
        beside = [
            _say_written(c.column, written, sheet, source).alias(c.field + WRITTEN_SUFFIX)
            for c in used
            if c.column in written
        ]
        frames.append(frame.with_columns(beside))
    return frames


def _say_written(column: str, written: Mapping[str, str], sheet: SheetRows, source: Source) -> pl.Expr:
    """Return how the cells of a column are written: in a workbook a number is a number, and only its texts have the file's decimal sign.

    Where rows were joined a cell may stand in another row than its record: it is not told from a number then.
    """
    rows = frozenset() if source.patient_rows else sheet.texts.get(column, frozenset())
    as_text = written[column].removesuffix(f"; {TYPED}") or None
    return pl.when(pl.col(ROW).is_in(sorted(rows))).then(pl.lit(as_text)).otherwise(pl.lit(written[column]))


def _settle_written(sheet: SheetRows, rows: pl.DataFrame, source: Source, site: Site) -> dict[str, str]:
    """Return how the columns of a source are written, where not as the registry itself writes: all of them are witnesses."""
    own = [c for c in site.columns_of(source) if c.role == "field" and c.column and c.field]
    kinds = {c.column: read_contract(TABLES[c.table])[c.field].dtype for c in own}
    stated = {c.column: (*c.written, *source.written) for c in own}  # what a column says of itself comes first
    numbers, dates = (
        {name: rows[name] for name, dtype in kinds.items() if dtype in wanted}
        for wanted in ((pl.Float64, pl.Int64), (pl.Date,))
    )
    signs = settle_decimals(numbers, stated)
    if not sheet.file.lower().endswith(TEXT_FILES):
        signs = {name: f"{sign}; {TYPED}" for name, sign in signs.items()}
    return signs | settle_dates(dates, stated)


def _list_groups(
    own: Sequence[ColumnMap], rows: pl.DataFrame, site: Site, source: Source
) -> Iterator[tuple[list[ColumnMap], pl.DataFrame]]:
    """Yield the columns that make one record of a row, with the rows in which they do; a listing cell makes one for each item."""
    lines = [c for c in own if c.makes_record]
    for record in dict.fromkeys(c.record for c in lines):
        group = [c for c in lines if c.record == record]
        for line in (c for c in group if c.is_list):
            yield from (([line], picked) for picked in _split_lists(line, rows, site))
        if not group[0].is_list:
            picked = _pick_rows(rows, group, site)
            yield group, pick_filled(picked, group) if source.patient_rows and not record else picked


def _leave_out_continued(rows: pl.DataFrame, sheet: SheetRows, patient: str, columns: Sequence[str]) -> pl.DataFrame:
    """Leave out rows that a merged patient's number reaches and that say nothing of their own: their record is made in the first row."""
    reached = sheet.filled.get(patient, frozenset())
    if not reached:
        return rows
    own = [pl.col(c).is_not_null() & ~pl.col(ROW).is_in(list(sheet.filled.get(c, ()))) for c in columns]
    return rows.filter(~pl.col(ROW).is_in(list(reached)) | pl.any_horizontal(own))


def _split_lists(line: ColumnMap, rows: pl.DataFrame, site: Site) -> Iterator[pl.DataFrame]:
    """Yield the rows with the first item of their cell in place of it, those with the second, and so on.

    An item that says nothing makes no record, nor does one that says the same as an earlier item.
    """
    codes = site.codes.get((line.table, line.field), {})
    lists = {text: _read_items(text, codes) for text in rows[line.column].drop_nulls().unique()}
    for place in range(max(map(len, lists.values()), default=0)):
        items = {text: found[place] for text, found in lists.items() if place < len(found)}
        item = pl.col(line.column).replace_strict(items, default=None, return_dtype=pl.String)
        yield rows.with_columns(item).drop_nulls(line.column)


def _read_items(text: str, codes: Mapping[str, str]) -> list[str]:
    """Return the items of a cell; a cell that is a code as a whole is one item."""
    items = [text] if normalise_code(text) in codes else split_items(text)
    said: dict[str, str] = {}
    for item in items:
        said.setdefault(codes.get(normalise_code(item), normalise_code(item)), item)
    return [item for item in said.values() if not _is_nothing(item, codes)]


def _is_nothing(item: str, codes: Mapping[str, str]) -> bool:
    return codes.get(normalise_code(item)) == MISSING or item.casefold() in MISSING_TEXTS


def _pick_rows(rows: pl.DataFrame, group: Sequence[ColumnMap], site: Site) -> pl.DataFrame:
    """Keep the rows that make a record: all of them, those with a cell of the group, or those with the box ticked."""
    first = group[0]
    if first.is_checkbox:
        codes = site.codes.get((first.table, first.field or "*"), {})
        ticked = [code for code, value in codes.items() if value == "true"] or list(TICKED)
        texts = pl.col(first.column).map_elements(normalise_code, return_dtype=pl.String)
        return rows.filter(texts.is_in(ticked).fill_null(value=False))
    if first.record:
        return rows.filter(pl.any_horizontal([_says_something(c, site) for c in group]))
    return rows


def _says_something(line: ColumnMap, site: Site) -> pl.Expr:
    """Return whether a cell holds more than a code that the mapping declares to mean "no value"."""
    missing = [code for code, value in site.codes.get((line.table, line.field), {}).items() if value == MISSING]
    text = pl.col(line.column)
    if not missing:
        return text.is_not_null()
    return text.is_not_null() & ~text.map_elements(normalise_code, return_dtype=pl.String).is_in(missing)


def _select_record(
    rows: pl.DataFrame,
    sheet: SheetRows,
    patient: str,
    persons: Sequence[ColumnMap],
    used: Sequence[ColumnMap],
    fixed: dict[str, str],
    number: int,
    source_column: str | None,
) -> pl.DataFrame:
    person = next((c.column for c in persons), None)
    selected = [
        pl.lit(sheet.file).alias("source_file"),
        pl.lit(sheet.sheet, dtype=pl.String).alias("source_sheet"),
        pl.col(ROW),
        pl.lit(source_column, dtype=pl.String).alias("source_column"),
        pl.col(patient).alias(PATIENT_TEXT),
        (pl.col(person) if person else pl.lit(None, dtype=pl.String)).alias(PERSON_TEXT),
        pl.lit(number, dtype=pl.Int64).alias(GROUP),
        *[pl.lit(value).alias(name) for name, value in fixed.items()],
    ]
    for c in used:
        if c.field and not (c.is_checkbox and c.field in fixed):
            selected.append(pl.col(c.column).alias(c.field))
        if c.unit:
            other = c.unit.removeprefix(UNIT_COLUMN)
            # An empty cell of a column of units is a missing unit; null is left to records that have no such column.
            unit = pl.col(normalise_text(other)).fill_null("") if other != c.unit else pl.lit(c.unit)
            selected.append(unit.alias(c.field + UNIT_SUFFIX))
    return rows.select(selected)


def _stack(table: str, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Stack the groups' frames into one with every field of the contract, in a stable order."""
    fields = list(read_contract(TABLES[table]))
    base = {
        "source_file": pl.String, "source_sheet": pl.String, ROW: pl.Int64, "source_column": pl.String,
        PATIENT_TEXT: pl.String, PERSON_TEXT: pl.String, GROUP: pl.Int64,
    }  # fmt: skip
    beside = sorted({c for f in frames for c in f.columns if c.endswith((UNIT_SUFFIX, WRITTEN_SUFFIX))})
    schema = {**base, **dict.fromkeys([*fields, *beside], pl.String)}
    stacked = pl.concat([pl.DataFrame(schema=schema), *frames], how="diagonal")
    ordered = stacked.select(list(schema)).sort("source_file", "source_sheet", ROW, GROUP, nulls_last=True)
    return say_once(ordered, ("source_file", "source_sheet"))
