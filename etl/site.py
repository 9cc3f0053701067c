"""One hospital's mapping as data: `site.toml`, `columns.csv`, `codes.csv`, read and checked against the contracts.

The three files are all there is of a hospital; they can be edited in Excel. How to write them: docs/mapping.md.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etl.errors import StructureError
from etl.parse import MISSING
from etl.site_toml import check_toml
from schemas.contract import FieldContract, read_contract
from schemas.tables import TABLES

ROLES = ("field", "patient", "person", "drop", "ignore")
IDENTIFIER_ROLES = ("patient", "person", "drop")
EVERY_SOURCE = "*"
SHARED = "*"
EACH = "each"
_BETWEEN_ITEMS = re.compile(r"[、，,;；+/|&\n](?![^(（]*[)）])")
COLUMNS_HEADER = ["source", "column", "role", "table", "field", "record", "unit", "note"]
# The column that sheets get where the row number is the patient's number.
ROW_NUMBER = "_row_number"
CODES_HEADER = ["table", "field", "code", "value"]


@dataclass(frozen=True)
class IgnoreRule:
    """A named rule by which rows are ignored: the column's text equals or starts with one of the texts."""

    name: str
    column: str
    equals: tuple[str, ...] = ()
    starts_with: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One sheet or text file, or the rows of one that a filter chooses.

    Names that stand in several rows begin in `header_from` and end in `header_row`.
    `header` holds the columns' names where the file has none; `header_row` is 0 then. `has_row_patients` tells that the
    row number is the patient's number.
    """

    name: str
    file: str
    sheet: str | None
    header_row: int
    merged_ids: bool
    row_filter: Mapping[str, tuple[str, ...]]
    ignore: tuple[IgnoreRule, ...]
    header: tuple[str, ...] = ()
    has_row_patients: bool = False
    header_from: int = 0


@dataclass(frozen=True)
class Ignored:
    """A sheet or file that holds no records, and why."""

    file: str
    sheet: str | None
    reason: str


@dataclass(frozen=True)
class ColumnMap:
    """One line of columns.csv; `line` is its line number there."""

    line: int
    source: str
    column: str
    role: str
    table: str
    field: str
    record: str
    unit: str

    @property
    def makes_record(self) -> bool:
        """Whether the line makes records of its table; a constant, or a column shared by several records, only adds to them."""
        return self.role == "field" and bool(self.column) and self.record != SHARED

    @property
    def is_checkbox(self) -> bool:
        """Whether the record is made only where the cell recodes to true."""
        return self.record.startswith("?")

    @property
    def is_list(self) -> bool:
        """Whether each item that the cell lists (`肺、骨`) makes a record of its own."""
        return self.record.split(";")[0] == EACH

    @property
    def constants(self) -> dict[str, str]:
        """Constants that this line's record carries, such as the test of an unpivoted column."""
        if self.record in ("", SHARED):
            return {}
        items = self.record.removeprefix("?").split(";")
        pairs = (item.split("=", 1) for item in items[self.is_list :])
        return {name.strip(): value.strip() for name, value in pairs}


@dataclass(frozen=True)
class Site:
    """A hospital's whole mapping; `mapping_hash` changes when any of its files does."""

    hospital: str
    name_en: str
    name_zh: str
    sources: tuple[Source, ...]
    ignored: tuple[Ignored, ...]
    columns: tuple[ColumnMap, ...]
    codes: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    mapping_hash: str = ""

    @property
    def tables(self) -> frozenset[str]:
        """The tables of which the hospital sends records, whether or not a delivery has any."""
        return frozenset(c.table for c in self.columns if c.makes_record)

    def columns_of(self, source: Source) -> list[ColumnMap]:
        """Return the lines of columns.csv that apply to one source."""
        return [c for c in self.columns if c.source in (EVERY_SOURCE, source.name)]

    def patient_column(self, source: Source) -> str:
        """Return the name of the column that holds the patient's number in one source."""
        if source.has_row_patients:
            return ROW_NUMBER
        return next(c.column for c in self.columns_of(source) if c.role == "patient")


def normalise_text(text: str) -> str:
    """Return a header or code in the form in which they are compared: NFKC, whitespace collapsed, stripped."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def normalise_code(text: str) -> str:
    """Return a code in the form in which codes are compared: as `normalise_text`, without case."""
    return normalise_text(text).casefold()


def split_items(text: str) -> list[str]:
    """Return what a cell lists, `肺、骨（肋骨、椎体）+淋巴结` as three; what stands in brackets is not split."""
    return [
        item for part in _BETWEEN_ITEMS.split(unicodedata.normalize("NFKC", text)) if (item := normalise_text(part))
    ]


def load_site(folder: Path) -> Site:
    """Read and check a hospital's mapping.

    Raises:
        StructureError: every fault of the three files at once, each with its file and line.
    """
    faults: list[str] = []
    header = _read_toml(folder / "site.toml", faults)
    columns = tuple(_read_columns(folder / "columns.csv", faults))
    codes = _read_codes(folder / "codes.csv", faults)
    toml_faults = list(check_toml(header, folder.name))
    if toml_faults or not columns:
        raise _make_error(folder, [*faults, *toml_faults])
    sources = tuple(_make_source(item) for item in header["source"])
    site = Site(
        hospital=str(header.get("hospital", folder.name)),
        name_en=str(header.get("name_en", folder.name)),
        name_zh=str(header.get("name_zh", folder.name)),
        sources=sources,
        ignored=tuple(Ignored(i["file"], i.get("sheet"), i.get("reason", "")) for i in header.get("ignored", [])),
        columns=columns,
        codes=codes,
        mapping_hash=_hash_folder(folder),
    )
    faults += _check_site(site)
    if faults:
        raise _make_error(folder, faults)
    return site


def _make_error(folder: Path, faults: Sequence[str]) -> StructureError:
    listed = "\n  ".join(faults)
    return StructureError(
        f"The mapping in '{folder}' has {len(faults)} fault(s):\n  {listed}",
        f"“{folder}”中的映射有 {len(faults)} 处错误：\n  {listed}",
    )


def _hash_folder(folder: Path) -> str:
    files = [folder / name for name in ("site.toml", "columns.csv", "codes.csv")]
    parts = [file.read_bytes() for file in files if file.exists()]
    return hashlib.sha256(b"\x00".join(parts)).hexdigest()


def _read_toml(path: Path, faults: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        faults.append(f"site.toml: {error}")
    except UnicodeDecodeError:
        faults.append("site.toml: the file is not UTF-8")
    return {}


def _make_source(item: dict[str, Any]) -> Source:
    ignore = tuple(
        IgnoreRule(name, rule["column"], tuple(rule.get("equals", ())), tuple(rule.get("starts_with", ())))
        for name, rule in item.get("ignore", {}).items()
    )
    row_filter = {column: tuple(texts) for column, texts in item.get("filter", {}).items()}
    return Source(
        name=item["name"],
        file=item["file"],
        sheet=item.get("sheet"),
        header_row=item.get("header_row", 0),
        header_from=item.get("header_from", item.get("header_row", 0)),
        merged_ids=item.get("merged_ids", False),
        row_filter=row_filter,
        ignore=ignore,
        header=tuple(normalise_text(name) for name in item.get("header", ())),
        has_row_patients="patient" in item,
    )


def _read_csv(path: Path, header: list[str], faults: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError:
        faults.append(f"{path.name}: the file is missing")
        return
    except UnicodeDecodeError:
        faults.append(f"{path.name}: the file is not UTF-8; in Excel choose 'Save as', 'CSV UTF-8'")
        return
    reader = csv.DictReader(io.StringIO(text))
    if reader.fieldnames != header:
        faults.append(f"{path.name}: line 1 must read {','.join(header)}")
        return
    for row in reader:
        yield reader.line_num, {name: (row[name] or "").strip() for name in header}


def _read_columns(path: Path, faults: list[str]) -> Iterator[ColumnMap]:
    for line, row in _read_csv(path, COLUMNS_HEADER, faults):
        if any(row.values()):
            yield ColumnMap(
                line=line,
                source=row["source"],
                column=normalise_text(row["column"]),
                role=row["role"],
                table=row["table"],
                field=row["field"],
                record=row["record"],
                unit=row["unit"],
            )


def _read_codes(path: Path, faults: list[str]) -> dict[tuple[str, str], dict[str, str]]:
    codes: dict[tuple[str, str], dict[str, str]] = {}
    for line, row in _read_csv(path, CODES_HEADER, faults):
        contract = read_contract(TABLES[row["table"]]) if row["table"] in TABLES else {}
        spec = contract.get(row["field"])
        if spec is None:
            faults.append(f"codes.csv line {line}: there is no field {row['table']}.{row['field']}")
            continue
        # true and false also belong to a coded field: they tell which cells of a checkbox group are ticked.
        allowed = [*(code.value for code in spec.codes or ()), "true", "false", MISSING]
        if row["value"] not in allowed:
            faults.append(f"codes.csv line {line}: '{row['value']}' is none of {', '.join(allowed)}")
        known = codes.setdefault((row["table"], row["field"]), {})
        if known.setdefault(normalise_code(row["code"]), row["value"]) != row["value"]:
            faults.append(f"codes.csv line {line}: this code has another value further up")
    return codes


def _check_site(site: Site) -> list[str]:
    known = {source.name for source in site.sources} | {EVERY_SOURCE}
    faults = [] if site.sources else ["site.toml: no [[source]]"]
    for column in site.columns:
        where = f"columns.csv line {column.line}"
        if column.source not in known:
            faults.append(f"{where}: there is no source '{column.source}' in site.toml")
        if column.role not in ROLES:
            faults.append(f"{where}: role '{column.role}' is none of {', '.join(ROLES)}")
        if column.role == "field":
            faults += [f"{where}: {fault}" for fault in check_field(column)]
    for source in site.sources:
        faults += _check_patient(source, site.columns_of(source))
        faults += _check_header(source, site.columns_of(source))
        faults += _check_source(site.columns_of(source))
    return list(dict.fromkeys(faults))


def _check_patient(source: Source, columns: Sequence[ColumnMap]) -> Iterator[str]:
    numbers = [c for c in columns if c.role == "patient"]
    if source.has_row_patients:
        for c in numbers:
            yield f"columns.csv line {c.line}: source '{source.name}' takes the row number as the patient's number (site.toml)"
    elif not numbers:
        yield f"columns.csv: source '{source.name}' has no column with the role 'patient'"


def _check_header(source: Source, columns: Sequence[ColumnMap]) -> Iterator[str]:
    """Yield the columns that are not among the names which the mapping itself gives."""
    for c in columns if source.header else ():
        if c.column and c.column not in source.header:
            yield f"columns.csv line {c.line}: the header of source '{source.name}' (site.toml) has no column '{c.column}'"


def _check_source(columns: Sequence[ColumnMap]) -> Iterator[str]:
    """Yield what contradicts itself in one source: two roles of a column, two columns of a field, a missing unit column."""
    role_of = {c.column: c.role for c in reversed(columns) if c.column}
    for c in columns:
        where = f"columns.csv line {c.line}"
        if c.column and role_of[c.column] != c.role:
            yield f"{where}: column '{c.column}' has the role '{role_of[c.column]}' further up"
        other = normalise_text(c.unit.removeprefix("column:"))
        if c.unit.startswith("column:") and other not in role_of:
            yield f"{where}: there is no column '{other}' to hold the unit"
    for table in dict.fromkeys(c.table for c in columns if c.role == "field"):
        own = [c for c in columns if c.role == "field" and c.table == table]
        fixed = {name: c.line for c in own if not c.column for name in c.constants}
        shared = [c for c in own if c.column and c.record == SHARED]
        yield from _check_lists(table, own)
        for record in dict.fromkeys(c.record for c in own if c.column and c.record != SHARED):
            taken = dict(fixed)
            for c in [c for c in own if c.column and c.record == record] + shared:
                if c.field and not c.is_list and taken.setdefault(c.field, c.line) != c.line and not c.is_checkbox:
                    yield f"columns.csv line {c.line}: {table}.{c.field} is already given by line {taken[c.field]}"


def _check_lists(table: str, own: Sequence[ColumnMap]) -> Iterator[str]:
    """Yield the columns that would make the row a record beside those of the items that another column lists."""
    for c in own if any(c.is_list for c in own) else ():
        if c.column and not c.record:
            yield f"columns.csv line {c.line}: write * as record, for each item that another column lists is a record of {table}"


def check_field(column: ColumnMap) -> Iterator[str]:
    """Yield what is wrong with table, field and record of one line of columns.csv."""
    if column.table not in TABLES:
        yield f"there is no table '{column.table}'; tables: {', '.join(TABLES)}"
        return
    contract: Mapping[str, FieldContract] = read_contract(TABLES[column.table])
    spec = contract.get(column.field)
    if column.is_list and not (spec and spec.codes):
        yield f"record '{column.record}' is for a column of codes, and '{column.table}.{column.field}' has none"
        return
    constants = column.record.split(";")[column.is_list :]
    if column.record not in ("", SHARED) and not all("=" in item for item in constants):
        yield f"record '{column.record}' is not of the form field=value"
        return
    names = [*column.constants, *([column.field] if column.field else [])]
    yield from (f"table '{column.table}' has no field '{name}'" for name in names if name not in contract)
    made = [name for name in names if name in contract and contract[name].is_made]
    yield from (f"field '{column.table}.{name}' is made while reading and cannot be mapped" for name in made)
