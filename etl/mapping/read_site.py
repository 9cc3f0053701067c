"""Reads a hospital's mapping from its three files and tells every fault of them at once, each with its file and line."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic.dataclasses import dataclass

from etl.configuration import CONFIG, Fault, parse_toml, validate
from etl.errors import StructureError
from etl.mapping.check_site import find_site_faults
from etl.mapping.parse import MISSING
from etl.mapping.site import (
    EVERY_FIELD,
    EVERY_SOURCE,
    EVERY_TABLE,
    SHARED,
    VISIT,
    ColumnMap,
    Ignored,
    IgnoreRule,
    Site,
    Source,
    normalise_code,
    normalise_text,
    split_unit_cell,
)  # fmt: skip
from etl.mapping.site_file import ADDITIONS, PERMISSION, SourceEntry, read_site_file
from etl.mapping.written import Written
from etl.pages.cells import read_neutralised
from etl.pages.text import Text
from schemas.contract import read_contract
from schemas.tables import TABLES

TOML, COLUMNS, CODES = "site.toml", "columns.csv", "codes.csv"
COLUMNS_HEADER = ["source", "column", "role", "table", "field", "record", "unit", "note"]
_COULD_BE_VALUE = re.compile(r"^[\d.,]+$")
CODES_HEADER = ["table", "field", "code", "value"]


@dataclass(frozen=True, config=CONFIG)
class ColumnRow:
    """One line of columns.csv as written."""

    source: str
    column: str
    role: Literal["field", "patient", "person", "drop", "ignore"]
    table: str
    field: str
    record: str
    unit: str
    note: str


@dataclass(frozen=True, config=CONFIG)
class CodeRow:
    """One line of codes.csv as written."""

    table: str
    field: str
    code: str
    value: str


def load_site(folder: Path) -> Site:
    """Read and check a hospital's mapping.

    Raises:
        StructureError: every fault of the three files at once, each with its file and line.
    """
    faults: list[Fault] = []
    columns = tuple(spread_visits(list(_read_columns(folder / COLUMNS, faults))))
    codes = _read_codes(folder / CODES, faults)
    header, header_faults = read_site_file(folder / TOML, folder.name)
    faults += [Fault(f"{TOML}: {fault.place}" if fault.place else TOML, fault.problem) for fault in header_faults]
    if header is None or header_faults or not columns:
        raise _make_error(folder, faults)
    site = Site(
        hospital=header.hospital,
        name_en=header.name_en or folder.name,
        name_zh=header.name_zh or folder.name,
        sources=tuple(map(_make_source, header.source)),
        ignored=tuple(Ignored(item.file, item.sheet, item.reason) for item in header.ignored),
        columns=columns,
        codes=codes,
        mapping_hash=_hash_folder(folder),
        sends_additions=header.deliveries == ADDITIONS,
        lists_every_new_lesion=header.lists_every_new_lesion,
        permission=header.permission,
    )
    faults += find_site_faults(site)
    if faults:
        raise _make_error(folder, faults)
    return site


def _make_error(folder: Path, faults: Sequence[Fault]) -> StructureError:
    listed = [fault.to_text() for fault in dict.fromkeys(faults)]
    en, zh = "\n  ".join(text.en for text in listed), "\n  ".join(text.zh for text in listed)
    return StructureError(
        f"The mapping in '{folder}' has {len(listed)} fault(s):\n  {en}",
        f"“{folder}”中的映射有 {len(listed)} 处错误：\n  {zh}",
    )


def _hash_folder(folder: Path) -> str:
    """Return the hash of all in a mapping that decides how a delivery is read: not of what may be done with it, nor of comments."""
    site, _ = parse_toml(folder / TOML)
    told = json.dumps({key: value for key, value in site.items() if key != PERMISSION}, ensure_ascii=False, default=str)
    parts = [told.encode(), *(file.read_bytes() for name in (COLUMNS, CODES) if (file := folder / name).exists())]
    return hashlib.sha256(b"\x00".join(parts)).hexdigest()


def _make_source(item: SourceEntry) -> Source:
    header_row = item.header_row or 0
    return Source(
        name=item.name,
        file=item.file,
        sheet=item.sheet,
        header_row=header_row,
        header_from=header_row if item.header_from is None else item.header_from,
        written=item.written,
        row_filter=item.filter,
        ignore=tuple(IgnoreRule(name, r.column, r.equals, r.starts_with) for name, r in item.ignore.items()),
        header=tuple(normalise_text(name) for name in item.header or ()),
        has_row_patients=item.patient is not None,
        patient_rows=item.patient_rows or "",
    )


def _read_csv(path: Path, header: list[str], faults: list[Fault]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line that holds something, with its place; a cell beyond the header is a fault of its own."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError:
        faults.append(Fault(path.name, Text("the file is missing", "缺少该文件")))
        return
    except UnicodeDecodeError:
        words = Text(
            "the file is not UTF-8; in Excel choose 'Save as', 'CSV UTF-8'",
            "文件不是 UTF-8 编码；请在 Excel 中另存为“CSV UTF-8”",
        )
        faults.append(Fault(path.name, words))
        return
    reader = csv.DictReader(io.StringIO(text), restkey="", restval="")
    if reader.fieldnames != header:
        named = ",".join(header)
        faults.append(Fault(path.name, Text(f"line 1 must read {named}", f"第 1 行应为 {named}")))
        return
    for row in reader:
        place = f"{path.name} line {reader.line_num}"
        if any(text.strip() for text in row.pop("", ())):
            faults.append(Fault(place, Text("has more cells than the header", "单元格多于表头")))
        cells = {name: read_neutralised(text).strip() for name, text in row.items()}
        if any(cells.values()):
            yield place, cells


def _read_columns(path: Path, faults: list[Fault]) -> Iterator[ColumnMap]:
    for place, cells in _read_csv(path, COLUMNS_HEADER, faults):
        row, found = validate(ColumnRow, cells)
        faults += [Fault(f"{place}: {fault.place}", fault.problem) for fault in found]
        if row is not None:
            unit, written = split_unit_cell(row.unit)
            yield ColumnMap(
                line=int(place.rsplit(" ", 1)[1]),
                source=row.source,
                column=normalise_text(row.column),
                role=row.role,
                table=row.table,
                field=row.field,
                record=row.record,
                unit=unit,
                written=tuple(map(Written, written)),
            )


def spread_visits(columns: Sequence[ColumnMap]) -> Iterator[ColumnMap]:
    """Yield the lines with that of a column that says which visit a row is (table `*`) once for each table that needs it."""
    for c in columns:
        if (c.role, c.table, c.field) != ("field", EVERY_TABLE, VISIT):
            yield c
            continue
        own = [o for o in columns if c.source in (o.source, EVERY_SOURCE) or o.source == EVERY_SOURCE]
        made = dict.fromkeys(o.table for o in own if o.makes_record and o.table in TABLES)
        needing = [t for t in made if VISIT in read_contract(TABLES[t]) and not _gives_visit(own, t)]
        yield from (replace(c, table=table, record=SHARED) for table in needing)
        if not needing:
            yield replace(c, role="ignore", table="", field="", record="")


def _gives_visit(lines: Sequence[ColumnMap], table: str) -> bool:
    return any(o.table == table and (o.field == VISIT or VISIT in o.constants) for o in lines)


def _read_codes(path: Path, faults: list[Fault]) -> dict[tuple[str, str], dict[str, str]]:
    codes: dict[tuple[str, str], dict[str, str]] = {}
    of_all: list[tuple[str, str, str]] = []
    for place, cells in _read_csv(path, CODES_HEADER, faults):
        row, _ = validate(CodeRow, cells)
        assert row is not None
        fields = list_fields(row.table, row.field)
        if not fields:
            named = f"{row.table}.{row.field}"
            faults.append(Fault(place, Text(f"there is no field {named}", f"没有字段 {named}")))
            continue
        problem = _find_wrong_value(row, fields)
        faults += [Fault(place, problem)] if problem else []
        for table, name in fields:
            known = codes.setdefault((table, name), {})
            if row.table == EVERY_TABLE:
                of_all.append((table, name, normalise_code(row.code)))
                known.setdefault(normalise_code(row.code), row.value)
            elif (table, name, normalise_code(row.code)) in of_all:
                known[normalise_code(row.code)] = row.value
            elif known.setdefault(normalise_code(row.code), row.value) != row.value:
                faults.append(Fault(place, Text("this code has another value further up", "该编码在上文已有不同取值")))
    return codes


def list_fields(table: str, name: str) -> list[tuple[str, str]]:
    """Return the fields that a line of codes.csv is about: one; with `*` as table, that of each table that has it, or all of them."""
    tables = TABLES if table == EVERY_TABLE else [table] if table in TABLES else []
    fields = [(each, spec) for each in tables for spec in read_contract(TABLES[each]).values() if not spec.is_made]
    return [(each, s.name) for each, s in fields if s.name == name or (table == EVERY_TABLE and name == EVERY_FIELD)]


def _find_wrong_value(row: CodeRow, fields: Sequence[tuple[str, str]]) -> Text | None:
    """Return why a code cannot mean what its line says, None where it can; a whole number field has numbers for values."""
    spec = read_contract(TABLES[fields[0][0]])[fields[0][1]]
    # true and false also belong to a coded field: they tell which cells of a checkbox group are ticked.
    allowed = [*(code.value for code in spec.codes or ()), "true", "false", MISSING]
    if row.field == EVERY_FIELD:
        allowed = [MISSING]
        if _COULD_BE_VALUE.match(row.code):
            return Text(
                f"'{row.code}' may be a value of some field: name the fields in which it is none",
                f"“{row.code}”可能是某些字段的取值：请逐一写明它表示缺失的字段",
            )
    elif spec.dtype == pl.Int64 and row.value.isdecimal():
        return None
    listed = ", ".join(allowed)
    return (
        None if row.value in allowed else Text(f"'{row.value}' is none of {listed}", f"“{row.value}”不在 {listed} 之中")
    )
