"""Turns grids into records by the closed list of verbs, and accounts for every row and cell.

Verbs: choose sheet, header row and row filter; ignore rows by a named rule; rename; unpivot columns into records;
checkbox group into records; constants. Values stay text here: `etl/parse.py` recodes, parses and converts units.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from etl.accounts import (
    ABOVE_HEADER,
    BLANK_ROW,
    EMPTY_SHEET,
    HEADER,
    TICKED,
    USED,
    CellAccounts,
    Landing,
    SheetRows,
    account_cells,
    collect_identifiers,
    count_rows,
    find_unread_boxes,
    make_landing,
)
from etl.errors import DeliveryError, StructureError
from etl.extract import ROW, TEXT_ENCODINGS, Delivery, Grid
from etl.identity import mask_personal_data
from etl.site import IDENTIFIER_ROLES, SHARED, ColumnMap, Site, Source, normalise_code, normalise_text
from schemas.contract import read_contract
from schemas.tables import TABLES

_HEADER_SEARCH_ROWS = 20
# A number of two digits or more, or a date, alone in a cell: a header has none.
_DATA_CELL = re.compile(r"^[<>]?\d[\d./:年月日 -]+$")
PATIENT_TEXT, PERSON_TEXT, GROUP = "_patient_text", "_person_text", "_group"
UNIT_SUFFIX = "__unit"
Fault = tuple[str, str]  # what does not fit, in English and Chinese


@dataclass
class Mapped:
    """What mapping made of a delivery.

    `records[table]` holds text: provenance, `_patient_text`, `_person_text`, `_group` and one String column per contract
    field (and `<field>__unit`). `group_columns` tells the hospital's column behind (group, field). `identifiers` lists
    each patient's dropped texts, so that they can be masked elsewhere; it is never stored. `filled_rows` counts the rows
    whose patient number came from a merged cell.
    """

    records: dict[str, pl.DataFrame]
    group_columns: pl.DataFrame
    row_accounts: pl.DataFrame
    cells: CellAccounts
    landing: Landing
    identifiers: Mapping[str, Sequence[str]]
    filled_rows: int
    unread_boxes: pl.DataFrame


def choose_sheets(delivery: Delivery, site: Site) -> tuple[list[SheetRows], list[tuple[Grid, str]]]:
    """Match grids with sources; return the mapped sheets and the ignored grids with their reasons.

    Raises:
        StructureError: every missing, unknown or contradicting file, sheet and column of the delivery at once.
        DeliveryError: a text file no header of which is mapped (probably a wrong encoding).
    """
    faults: list[Fault] = []
    sheets: list[SheetRows] = []
    ignored: list[tuple[Grid, str]] = []
    found: set[str] = set()
    for grid in delivery.grids:
        sources = [s for s in site.sources if _matches(grid, s.file, s.sheet)]
        reason = next((i.reason for i in site.ignored if _matches(grid, i.file, i.sheet)), None)
        if sources:
            found.update(s.name for s in sources)
            sheets.append(_read_sheet(grid, site, sources, faults))
        elif reason is not None:
            ignored.append((grid, reason))
        elif all(column.is_null().all() for column in grid.cells.drop(ROW)):
            ignored.append((grid, EMPTY_SHEET))
        else:
            faults.append(
                (f"{grid.label}: this sheet or file is not in the mapping", f"{grid.label}：映射中没有该工作表或文件")
            )
    absent = [f"{s.file}{f' / {s.sheet}' if s.sheet else ''}" for s in site.sources if s.name not in found]
    faults += [(f"missing: {place}", f"缺少：{place}") for place in absent]
    faults += _check_columns(sheets, site)
    if faults:
        raise StructureError(
            f"The delivery '{delivery.name}' does not fit the mapping of {site.hospital}:\n  "
            + "\n  ".join(en for en, _ in faults)
            + "\n"
            "Send the sheets and columns as before, or let the coordinating centre change etl/sites/"
            f"{site.hospital}/columns.csv.",
            f"提交内容“{delivery.name}”与 {site.name_zh} 的映射不一致：\n  "
            + "\n  ".join(zh for _, zh in faults)
            + "\n"
            "请按原来的工作表和列提交，或请协调中心修改映射。",
        )
    return sheets, ignored


def _matches(grid: Grid, file: str, sheet: str | None) -> bool:
    name = grid.file.rsplit("/", 1)[-1]
    if not (fnmatch.fnmatch(name.lower(), file.lower()) or fnmatch.fnmatch(grid.file.lower(), file.lower())):
        return False
    return sheet is None or (grid.sheet is not None and normalise_text(grid.sheet) == normalise_text(sheet))


def _read_sheet(grid: Grid, site: Site, sources: Sequence[Source], faults: list[Fault]) -> SheetRows:
    header_row = sources[0].header_row
    positions = [name for name in grid.cells.columns if name != ROW]
    head = grid.cells.filter(pl.col(ROW) == header_row)
    texts = [normalise_text(head[p][0] or "") if head.height else "" for p in positions]
    header = _number_repeated(texts)
    body = grid.cells.filter(pl.col(ROW) > header_row)
    for position, name in zip(positions, header, strict=True):
        if not name and body[position].is_not_null().any():
            rows = body.filter(pl.col(position).is_not_null())[ROW]
            place = int(position) + 1
            faults.append(
                (
                    f"{grid.label}: column {place} has values but no header (first in row {rows[0]})",
                    f"{grid.label}：第 {place} 列有内容但没有表头（首见于第 {rows[0]} 行）",
                )
            )
    _check_header(grid, header, sources, site)
    header = _rename_clashing(grid, header, sources, faults)
    named = {p: name for p, name in zip(positions, header, strict=True) if name}
    body = grid.cells.select(ROW, *[pl.col(p).alias(name) for p, name in named.items()])
    body, filled = _fill_merged(grid, body, named, site, sources)
    rows = _account_rows(grid, body, header_row, sources, faults)
    return SheetRows(grid.file, grid.sheet, tuple(named.values()), rows, tuple(sources), filled)


def _number_repeated(texts: Sequence[str]) -> list[str]:
    """Give a repeated header its number, `Remark`, `Remark (2)`, so that each column has a name of its own."""
    return [
        text if texts[:i].count(text) == 0 or not text else f"{text} ({texts[:i].count(text) + 1})"
        for i, text in enumerate(texts)
    ]


def _check_header(grid: Grid, header: Sequence[str], sources: Sequence[Source], site: Site) -> None:
    """Refuse a header row that matches nothing, or little while another row is the header.

    Raises:
        DeliveryError: says which; the texts of a row that may be a patient's are not shown.
    """
    mapped = {c.column for s in sources for c in site.columns_of(s) if c.column}
    n_found = len(mapped & set(header))
    if 2 * n_found >= len(mapped):
        return
    row = sources[0].header_row
    for number, *cells in grid.cells.head(_HEADER_SEARCH_ROWS).iter_rows():
        if number != row and 2 * len(mapped & {normalise_text(cell or "") for cell in cells}) >= len(mapped):
            raise DeliveryError(
                f"{grid.label}: the header stands in row {number}, the mapping expects it in row {row}. Send the sheet laid out "
                "as before, or let the coordinating centre change header_row in site.toml.",
                f"{grid.label}：表头位于第 {number} 行，而映射要求在第 {row} 行。请按原格式提交，或请协调中心修改 site.toml 中的 header_row。",
            )
    if n_found == 0 and any(_DATA_CELL.search(name) for name in header):
        raise DeliveryError(
            f"{grid.label}: row {row} should be the header, but it holds data. Add the header row.",
            f"{grid.label}：第 {row} 行应为表头，但其内容为数据。请补上表头行。",
        )
    if n_found == 0 and grid.encoding:
        raise _unmatched_header(grid, header)


def _rename_clashing(grid: Grid, header: Sequence[str], sources: Sequence[Source], faults: list[Fault]) -> list[str]:
    """Report header texts that two columns or the registry itself use, and rename those columns so that reading goes on."""
    reserved = {ROW, "rule", *(f"_use_{source.name}" for source in sources)}
    clashing = {n: p for p, n in enumerate(header) if n and (n in reserved or header.count(n) > 1)}
    faults += [
        (
            f"{grid.label}: the header of column {p + 1} is used twice or by the registry itself; please rename it",
            f"{grid.label}：第 {p + 1} 列的表头重复或与系统保留名称冲突，请改名",
        )
        for p in clashing.values()
    ]
    return [f"{n}#{p}" if n in clashing else n for p, n in enumerate(header)]


def _unmatched_header(grid: Grid, header: Sequence[str]) -> DeliveryError:
    shown = ", ".join(mask_personal_data(name) for name in header if name)[:300]
    tried = ", ".join(TEXT_ENCODINGS)
    return DeliveryError(
        f"{grid.label}: no column of this file is in the mapping. Encodings tried: {tried}; decoded as {grid.encoding} the "
        f"header reads: {shown}. If that is garbled, open the file in Excel and save it as 'CSV UTF-8'.",
        f"{grid.label}：该文件没有任何列与映射相符。已尝试编码：{tried}；按 {grid.encoding} 解码的表头为：{shown}。"
        "若为乱码，请用 Excel 打开并另存为“CSV UTF-8”。",
    )


def _fill_merged(
    grid: Grid, body: pl.DataFrame, named: dict[str, str], site: Site, sources: Sequence[Source]
) -> tuple[pl.DataFrame, frozenset[int]]:
    """Fill a merged patient number down its rows, blank ones excepted; return the rows that were filled."""
    ids = {c.column for s in sources if s.merged_ids for c in site.columns_of(s) if c.role in IDENTIFIER_ROLES}
    spans = [m for m in grid.merged if named.get(str(m[1])) in ids and m[2] > m[0] and m[0] > sources[0].header_row]
    filled: set[int] = set()
    is_blank = body.select(pl.all_horizontal(pl.exclude(ROW).is_null())).to_series().to_list()
    for position in sorted({m[1] for m in spans}):
        name = named[str(position)]
        values = body[name].to_list()
        for first, _, last, _ in (m for m in spans if m[1] == position):
            stop = min(last, len(values))
            rows = [row for row in range(first, stop) if not is_blank[row]]
            for row in rows:
                values[row] = values[first - 1]
            filled.update(row + 1 for row in rows)
        body = body.with_columns(pl.Series(name, values, dtype=pl.String))
    return body, frozenset(filled)


def _account_rows(
    grid: Grid, body: pl.DataFrame, header_row: int, sources: Sequence[Source], faults: list[Fault]
) -> pl.DataFrame:
    """Add `rule` (used, or the rule that ignores the row) and one Boolean `_use_<source>` per source."""
    names = [name for name in body.columns if name != ROW]
    blank = pl.all_horizontal(pl.col(names).is_null()) if names else pl.lit(value=True)
    rule = (
        pl.when(pl.col(ROW) < header_row).then(pl.lit(ABOVE_HEADER))
        .when(pl.col(ROW) == header_row).then(pl.lit(HEADER))
        .when(blank).then(pl.lit(BLANK_ROW))
    )  # fmt: skip
    for ignore in {i.name: i for s in sources for i in s.ignore}.values():
        column = normalise_text(ignore.column)
        if column in names:
            text = pl.col(column).fill_null("").map_elements(_squeeze, return_dtype=pl.String)
            hit = text.is_in([_squeeze(equal) for equal in ignore.equals])
            for start in ignore.starts_with:
                hit = hit | text.str.starts_with(_squeeze(start))
            rule = rule.when(hit).then(pl.lit(ignore.name))
    uses = [_row_filter(source, names).alias(f"_use_{source.name}") for source in sources]
    rows = body.with_columns(rule.otherwise(pl.lit(USED)).alias("rule"), *uses)
    unmatched = rows.filter((pl.col("rule") == USED) & ~pl.any_horizontal([f"_use_{s.name}" for s in sources]))
    if unmatched.height:
        n, first = unmatched.height, unmatched[ROW][0]
        faults.append(
            (
                f"{grid.label}: {n} row(s) fit no row filter (first: row {first})",
                f"{grid.label}：有 {n} 行不符合任何行筛选条件（首见于第 {first} 行）",
            )
        )
    return rows


def _squeeze(text: str) -> str:
    """Return a text as ignore rules compare it: `合 计` and ` 合计` are 合计."""
    return normalise_code(text).replace(" ", "")


def _row_filter(source: Source, names: Sequence[str]) -> pl.Expr:
    tests = [
        pl.col(normalise_text(column))
        .fill_null("")
        .map_elements(normalise_code, return_dtype=pl.String)
        .is_in([normalise_code(text) for text in texts])
        for column, texts in source.row_filter.items()
        if normalise_text(column) in names
    ]
    return pl.all_horizontal(tests) if tests else pl.lit(value=True)


def _check_columns(sheets: Sequence[SheetRows], site: Site) -> list[Fault]:
    faults: list[Fault] = []
    for sheet in sheets:
        label = f"{sheet.file} / {sheet.sheet}" if sheet.sheet else sheet.file
        mapped = {c.column for s in sheet.sources for c in site.columns_of(s) if c.column}
        needed = {
            normalise_text(name) for s in sheet.sources for name in [*s.row_filter, *(i.column for i in s.ignore)]
        }
        unknown = [mask_personal_data(name) for name in sheet.header if name not in mapped]
        faults += [(f"{label}: column '{n}' is not in the mapping", f"{label}：列“{n}”不在映射中") for n in unknown]
        absent = sorted((mapped | needed) - set(sheet.header))
        faults += [(f"{label}: column '{n}' is missing", f"{label}：缺少列“{n}”") for n in absent]
    return faults


def map_delivery(delivery: Delivery, site: Site) -> Mapped:
    """Make text records of every table from a delivery, and the accounts of its rows and cells.

    Raises:
        StructureError, DeliveryError: see `choose_sheets`.
    """
    sheets, ignored = choose_sheets(delivery, site)
    groups: list[dict[str, object]] = []
    pieces: dict[str, list[pl.DataFrame]] = {name: [] for name in TABLES}
    for sheet in sheets:
        for source in sheet.sources:
            for table in TABLES:
                pieces[table] += _make_records(sheet, source, table, site, groups)
    identifiers = collect_identifiers(sheets, site)
    group_schema = {GROUP: pl.Int64, "field": pl.String, "source_column": pl.String}
    return Mapped(
        records={table: _stack(table, frames) for table, frames in pieces.items()},
        group_columns=pl.DataFrame(groups, schema=group_schema),
        row_accounts=count_rows(sheets, ignored),
        cells=account_cells(sheets, site, identifiers),
        landing=make_landing(sheets, site, identifiers),
        identifiers=identifiers,
        filled_rows=sum(len(sheet.filled_rows) for sheet in sheets),
        unread_boxes=find_unread_boxes(sheets, site, identifiers),
    )


def _make_records(
    sheet: SheetRows, source: Source, table: str, site: Site, groups: list[dict[str, object]]
) -> list[pl.DataFrame]:
    """Return one frame of text records for each group (record) of a table in one source."""
    columns = site.columns_of(source)
    own = [c for c in columns if c.role == "field" and c.table == table]
    lines = [c for c in own if c.column]
    shared = [c for c in lines if c.record == SHARED]
    constants = {k: v for c in own if not c.column for k, v in c.constants.items()}
    rows = sheet.rows.filter((pl.col("rule") == USED) & pl.col(f"_use_{source.name}"))
    frames = []
    for record in dict.fromkeys(c.record for c in lines if c.record != SHARED):
        group = [c for c in lines if c.record == record]
        number = len({g[GROUP] for g in groups}) + 1
        used = group + shared
        groups += [{GROUP: number, "field": c.field, "source_column": c.column} for c in used if c.field]
        persons = [c for c in columns if c.role == "person"]
        groups += [{GROUP: number, "field": "person_id", "source_column": c.column} for c in persons]
        fixed = {**constants, **group[0].constants}
        picked = _pick_rows(rows, group, site)
        is_one_cell = bool(record) and len(group) == 1
        frames.append(
            _select_record(picked, sheet, columns, used, fixed, number, group[0].column if is_one_cell else None)
        )
    return frames


def _pick_rows(rows: pl.DataFrame, group: Sequence[ColumnMap], site: Site) -> pl.DataFrame:
    """Keep the rows that make a record: all of them, those with a cell of the group, or those with the box ticked."""
    first = group[0]
    if first.is_checkbox:
        codes = site.codes.get((first.table, first.field or "*"), {})
        ticked = [code for code, value in codes.items() if value == "true"] or list(TICKED)
        texts = pl.col(first.column).map_elements(normalise_code, return_dtype=pl.String)
        return rows.filter(texts.is_in(ticked).fill_null(value=False))
    if first.record:
        return rows.filter(pl.any_horizontal([pl.col(c.column).is_not_null() for c in group]))
    return rows


def _select_record(
    rows: pl.DataFrame,
    sheet: SheetRows,
    columns: Sequence[ColumnMap],
    used: Sequence[ColumnMap],
    fixed: dict[str, str],
    number: int,
    source_column: str | None,
) -> pl.DataFrame:
    patient = next(c.column for c in columns if c.role == "patient")
    person = next((c.column for c in columns if c.role == "person"), None)
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
            other = c.unit.removeprefix("column:")
            unit = pl.col(normalise_text(other)) if other != c.unit else pl.lit(c.unit)
            selected.append(unit.alias(c.field + UNIT_SUFFIX))
    return rows.select(selected)


def _stack(table: str, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Stack the groups' frames into one with every field of the contract, in a stable order."""
    fields = list(read_contract(TABLES[table]))
    base = {
        "source_file": pl.String, "source_sheet": pl.String, ROW: pl.Int64, "source_column": pl.String,
        PATIENT_TEXT: pl.String, PERSON_TEXT: pl.String, GROUP: pl.Int64,
    }  # fmt: skip
    units = sorted({c for f in frames for c in f.columns if c.endswith(UNIT_SUFFIX)})
    schema = {**base, **dict.fromkeys([*fields, *units], pl.String)}
    stacked = pl.concat([pl.DataFrame(schema=schema), *frames], how="diagonal")
    return stacked.select(list(schema)).sort("source_file", "source_sheet", ROW, GROUP, nulls_last=True)
