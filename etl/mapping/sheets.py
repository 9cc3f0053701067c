"""Chooses the sheets of a delivery, reads each by its columns' names, and says what becomes of every row."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

import polars as pl

from etl.delivery.read import ROW, Delivery, Grid
from etl.errors import StructureError
from etl.mapping.accounts import (
    ABOVE_HEADER,
    BLANK_ROW,
    COPY,
    EMPTY_SHEET,
    HEADER,
    SHIFTED_ROW,
    USED,
    USED_HIDDEN,
    USED_STRUCK,
    SheetRows,
    SlippedRow,
    collect_own_texts,
    is_used,
)
from etl.mapping.body import Body, read_body
from etl.mapping.header import Fault, find_nameless, holds_data, name_columns
from etl.mapping.masking import OwnTexts
from etl.mapping.row_kinds import UNIT_ROW
from etl.mapping.site import ROW_NUMBER, Site, Source, normalise_code, normalise_text
from etl.mapping.unit_rows import find_other_units
from etl.suggestions import suggest_command


def choose_sheets(delivery: Delivery, site: Site) -> tuple[list[SheetRows], list[tuple[Grid, str]]]:
    """Match grids with sources; return the mapped sheets and the ignored grids with their reasons.

    Raises:
        StructureError: every missing, unknown or contradicting file, sheet and column of the delivery at once.
        DeliveryError: a text file no header of which is mapped (probably a wrong encoding).
    """
    follow = suggest_command("new-hospital", site.hospital, extract=delivery.path)
    faults: list[Fault] = []
    sheets: list[SheetRows] = []
    ignored: list[tuple[Grid, str]] = []
    found: set[str] = set()
    for grid in delivery.grids:
        sources = [s for s in site.sources if is_sheet_of(grid.file, grid.sheet, s.file, s.sheet)]
        reason = next((i.reason for i in site.ignored if is_sheet_of(grid.file, grid.sheet, i.file, i.sheet)), None)
        if _is_copy(grid, sources, delivery, site):
            ignored.append((grid, COPY))
        elif sources:
            found.update(s.name for s in sources)
            sheets.append(_read_sheet(grid, site, sources, faults, follow))
        elif reason is not None:
            ignored.append((grid, reason))
        elif all(column.is_null().all() for column in grid.cells.drop(ROW)):
            ignored.append((grid, EMPTY_SHEET))
        else:
            faults.append(
                (f"{grid.label}: this sheet or file is not in the mapping", f"{grid.label}：映射中没有该工作表或文件")
            )
    faults += _find_second_files(sheets)
    # An addition may hold some of the sheets; what is not sent is carried over.
    lacking = [s for s in site.sources if s.name not in found and not (site.sends_additions and found)]
    absent = [f"{s.file}{f' / {s.sheet}' if s.sheet else ''}" for s in lacking]
    faults += [(f"missing: {place}", f"缺少：{place}") for place in absent]
    own = collect_own_texts(sheets, site)
    faults += _check_columns(sheets, site, own)
    if faults:
        en, zh = (own.mask_texts(pl.Series(told, dtype=pl.String)) for told in zip(*faults, strict=True))
        raise _misfit(delivery, site, list(zip(en, zh, strict=True)), follow)
    return sheets, ignored


def _is_copy(grid: Grid, sources: Sequence[Source], delivery: Delivery, site: Site) -> bool:
    """Whether a file is the same as another that is read into the same sources: read twice, every record of it would be there twice."""
    original = delivery.copies.get(grid.file)
    if original is None:
        return False
    return not sources or sources == [s for s in site.sources if is_sheet_of(original, grid.sheet, s.file, s.sheet)]


def _misfit(delivery: Delivery, site: Site, faults: Sequence[Fault], follow: str) -> StructureError:
    listed_en, listed_zh = "\n  ".join(en for en, _ in faults), "\n  ".join(zh for _, zh in faults)
    return StructureError(
        f"The delivery '{delivery.name}' does not fit the mapping of {site.hospital}:\n  {listed_en}\n"
        f"Send the sheets and columns as before, or let the mapping follow by a worksheet of just the difference: {follow}",
        f"提交内容“{delivery.name}”与 {site.name_zh} 的映射不一致：\n  {listed_zh}\n"
        f"请按原来的工作表和列提交；或生成仅含差异的对应表，请运行：{follow}",
    )


def _find_second_files(sheets: Sequence[SheetRows]) -> list[Fault]:
    """Report a second file or sheet of a source whose row numbers are its patients: both would have a patient 1."""
    labels = [sheet.label for sheet in sheets if any(source.has_row_patients for source in sheet.sources)]
    return [
        (
            f"{label}: the row number is the patient's number here, so there can be one only; {labels[0]} is there already",
            f"{label}：此处以行号作为患者编号，只能有一个；已有 {labels[0]}",
        )
        for label in labels[1:]
    ]


def is_sheet_of(origin: str, name: str | None, file: str, sheet: str | None) -> bool:
    """Whether a file and its sheet are those that a mapping's pattern and sheet mean."""
    plain = origin.rsplit("/", 1)[-1]
    if not (fnmatch.fnmatch(plain.lower(), file.lower()) or fnmatch.fnmatch(origin.lower(), file.lower())):
        return False
    return sheet is None or (name is not None and normalise_text(name) == normalise_text(sheet))


def _read_sheet(grid: Grid, site: Site, sources: Sequence[Source], faults: list[Fault], follow: str) -> SheetRows:
    header_row = sources[0].header_row
    named = name_columns(grid, sources, site, faults, follow)
    patient = next((p for p, name in named.items() if name == site.patient_column(sources[0])), None)
    body = read_body(grid, header_row, list(named), patient)
    faults += find_nameless(grid, named, header_row, body.shifts)
    faults += _find_second_headers(grid, body)
    units = [row for row, rule in body.kinds.rules.items() if rule == UNIT_ROW]
    faults += [fault for row in units for fault in find_other_units(grid, row, named, site, sources)]
    absent = pl.lit(None, dtype=pl.String)
    cells = [(pl.col(p) if p in grid.cells.columns else absent).alias(name) for p, name in named.items()]
    records, slipped = _set_slipped_aside(body.cells.select(ROW, *cells), named, body, patient)
    rows = _account_rows(grid, records, sources, body, slipped, faults)
    if any(source.has_row_patients for source in sources):
        rows = rows.with_columns(pl.col(ROW).cast(pl.String).alias(ROW_NUMBER))
    filled = {named[p]: numbers for p, numbers in body.filled.items() if p in named}
    used = frozenset(rows.filter(is_used())[ROW])
    odd = tuple(row for row in body.kinds.odd_numbers if row in used)
    texts = {named[p]: numbers for p, numbers in grid.texts.items() if p in named}
    return SheetRows(grid.file, grid.sheet, tuple(named.values()), rows, tuple(sources), filled, slipped, odd, texts)


def _find_second_headers(grid: Grid, body: Body) -> list[Fault]:
    """Report rows below the header that name columns, and other ones: what follows is another table or other columns."""
    return [
        (
            f"{grid.label}: row {row} names columns, and others than the header: another table begins there, or the columns changed. Put each table "
            "on a sheet or into a file of its own",
            f"{grid.label}：第 {row} 行是另一组列名：此处开始另一张表，或列已改变。请将每张表放在单独的工作表或文件中",
        )
        for row in body.kinds.second_headers
    ]


def _set_slipped_aside(
    rows: pl.DataFrame, named: Mapping[str, str], body: Body, patient: str | None
) -> tuple[pl.DataFrame, tuple[SlippedRow, ...]]:
    """Empty the cells of rows that slipped aside from where that may have begun; return what was set aside of each row.

    A row that may have slipped before the patient's number, or whose number nobody knows, is set aside whole.
    """
    slipped: list[SlippedRow] = []
    for number, place in sorted(body.shifts.items()):
        lost = [name for p, name in named.items() if int(p) >= place]
        row = rows.filter(pl.col(ROW) == number).select(lost).row(0)
        is_whole = patient is None or place <= int(patient)
        column = None if is_whole else next(name for p, name in named.items() if int(p) >= place)
        slipped.append(SlippedRow(number, column, sum(cell is not None for cell in row)))
    for number, place in body.shifts.items():
        lost = [name for p, name in named.items() if int(p) >= place]
        is_row = pl.col(ROW) == number
        rows = rows.with_columns([pl.when(~is_row).then(pl.col(name)).alias(name) for name in lost])
    return rows, tuple(slipped)


def _account_rows(
    grid: Grid,
    body: pl.DataFrame,
    sources: Sequence[Source],
    read: Body,
    slipped: Sequence[SlippedRow],
    faults: list[Fault],
) -> pl.DataFrame:
    """Add `rule` (used, or the rule that ignores the row) and one Boolean `_use_<source>` per source."""
    header_row = sources[0].header_row
    names = [name for name in body.columns if name != ROW]
    whole = [row.number for row in slipped if row.column is None]
    blank = pl.all_horizontal(pl.col(names).is_null()) if names else pl.lit(value=True)
    rule = (
        pl.when(pl.col(ROW) < sources[0].header_from).then(pl.lit(ABOVE_HEADER))
        .when(pl.col(ROW) <= header_row).then(pl.lit(HEADER))
        .when(pl.col(ROW).is_in(whole)).then(pl.lit(SHIFTED_ROW))
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
    by_form = read.kinds.rules
    for name in dict.fromkeys(by_form.values()):
        rule = rule.when(pl.col(ROW).is_in([row for row, own in by_form.items() if own == name])).then(pl.lit(name))
    for used, marked in ((USED_HIDDEN, grid.hidden_rows), (USED_STRUCK, grid.struck_rows)):
        rule = rule.when(pl.col(ROW).is_in(list(marked))).then(pl.lit(used))
    rows = body.with_columns(rule.otherwise(pl.lit(USED)).alias("rule"), *uses)
    unmatched = rows.filter(is_used() & ~pl.any_horizontal([f"_use_{s.name}" for s in sources]))
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


def _check_columns(sheets: Sequence[SheetRows], site: Site, own: OwnTexts) -> list[Fault]:
    """Report columns that are not mapped, one that is called after a patient by its place, and mapped ones that are not there."""
    faults: list[Fault] = []
    for sheet in sheets:
        mapped = {c.column for s in sheet.sources for c in site.columns_of(s) if c.column}
        needed = {
            normalise_text(name) for s in sheet.sources for name in [*s.row_filter, *(i.column for i in s.ignore)]
        }
        masked = own.mask_texts(pl.Series(sheet.header, dtype=pl.String))
        unknown = [
            name if told == name and not holds_data(name) else f"no. {place}"
            for place, (name, told) in enumerate(zip(sheet.header, masked, strict=True), 1)
            if name not in mapped
        ]
        faults += [
            (f"{sheet.label}: column '{n}' is not in the mapping", f"{sheet.label}：列“{n}”不在映射中") for n in unknown
        ]
        absent = sorted((mapped | needed) - set(sheet.header))
        faults += [(f"{sheet.label}: column '{n}' is missing", f"{sheet.label}：缺少列“{n}”") for n in absent]
    return faults
