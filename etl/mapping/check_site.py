"""Whether the lines of a mapping go together: with the contracts, with the sources, and with each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from etl.configuration import Fault
from etl.mapping.site import EVERY_SOURCE, SHARED, ColumnMap, Site, Source, normalise_text
from etl.pages.text import Text
from schemas.contract import FieldContract, read_contract
from schemas.tables import TABLES

_FILE = "columns.csv"


def find_site_faults(site: Site) -> Iterator[Fault]:
    """Yield what is wrong with a mapping whose files were read, each with its line in columns.csv."""
    known = {source.name for source in site.sources} | {EVERY_SOURCE}
    for c in site.columns:
        if c.source not in known:
            yield _blame(c, f"there is no source '{c.source}' in site.toml", f"site.toml 中没有数据源“{c.source}”")
        if c.role == "field":
            yield from (Fault(_place(c), problem) for problem in check_field(c))
    for source in site.sources:
        columns = site.columns_of(source)
        yield from _check_patient(source, columns)
        yield from _check_header(source, columns)
        yield from _check_source(columns)


def _place(column: ColumnMap) -> str:
    return f"{_FILE} line {column.line}"


def _blame(column: ColumnMap, en: str, zh: str) -> Fault:
    return Fault(_place(column), Text(en, zh))


def _check_patient(source: Source, columns: Sequence[ColumnMap]) -> Iterator[Fault]:
    numbers = [c for c in columns if c.role == "patient"]
    if source.has_row_patients:
        for c in numbers:
            yield _blame(
                c,
                f"source '{source.name}' takes the row number as the patient's number (site.toml)",
                f"数据源“{source.name}”以行号为患者编号（site.toml）",
            )
    elif not numbers:
        words = Text(
            f"source '{source.name}' has no column with the role 'patient'",
            f"数据源“{source.name}”没有角色为 patient 的列",
        )
        yield Fault(_FILE, words)


def _check_header(source: Source, columns: Sequence[ColumnMap]) -> Iterator[Fault]:
    """Yield the columns that are not among the names which the mapping itself gives."""
    for c in columns if source.header else ():
        if c.column and c.column not in source.header:
            yield _blame(
                c,
                f"the header of source '{source.name}' (site.toml) has no column '{c.column}'",
                f"数据源“{source.name}”的表头（site.toml）没有列“{c.column}”",
            )


def _check_source(columns: Sequence[ColumnMap]) -> Iterator[Fault]:
    """Yield what contradicts itself in one source: two roles of a column, two columns of a field, a missing unit column."""
    role_of = {c.column: c.role for c in reversed(columns) if c.column}
    for c in columns:
        if c.column and (role := role_of[c.column]) != c.role:
            yield _blame(
                c, f"column '{c.column}' has the role '{role}' further up", f"列“{c.column}”在上文的角色为 {role}"
            )
        other = normalise_text(c.unit.removeprefix("column:"))
        if c.unit.startswith("column:") and other not in role_of:
            yield _blame(c, f"there is no column '{other}' to hold the unit", f"没有存放单位的列“{other}”")
    for table in dict.fromkeys(c.table for c in columns if c.role == "field"):
        own = [c for c in columns if c.role == "field" and c.table == table]
        yield from _check_lists(table, own)
        yield from _check_given_once(table, own)


def _check_given_once(table: str, own: Sequence[ColumnMap]) -> Iterator[Fault]:
    """Yield the columns of one table that give a field which another line of the same record gives."""
    fixed = {name: c.line for c in own if not c.column for name in c.constants}
    shared = [c for c in own if c.column and c.record == SHARED]
    for record in dict.fromkeys(c.record for c in own if c.column and c.record != SHARED):
        taken = dict(fixed)
        for c in [c for c in own if c.column and c.record == record] + shared:
            if c.field and not c.is_list and taken.setdefault(c.field, c.line) != c.line and not c.is_checkbox:
                named, line = f"{table}.{c.field}", taken[c.field]
                yield _blame(c, f"{named} is already given by line {line}", f"{named} 已由第 {line} 行给出")


def _check_lists(table: str, own: Sequence[ColumnMap]) -> Iterator[Fault]:
    """Yield the columns that would make the row a record beside those of the items that another column lists."""
    for c in own if any(c.is_list for c in own) else ():
        if c.column and not c.record:
            yield _blame(
                c,
                f"write * as record, for each item that another column lists is a record of {table}",
                f"record 请写 *：另一列的每一项各成一条 {table} 记录",
            )


def check_field(column: ColumnMap) -> Iterator[Text]:
    """Yield what is wrong with table, field and record of one line of columns.csv."""
    if column.table not in TABLES:
        listed = ", ".join(TABLES)
        yield Text(
            f"there is no table '{column.table}'; tables: {listed}", f"没有表“{column.table}”；可用的表：{listed}"
        )
        return
    contract: Mapping[str, FieldContract] = read_contract(TABLES[column.table])
    spec = contract.get(column.field)
    named = f"{column.table}.{column.field}"
    if column.is_list and not (spec and spec.codes):
        yield Text(
            f"record '{column.record}' is for a column of codes, and '{named}' has none",
            f"record“{column.record}”用于编码列，而“{named}”没有编码",
        )
        return
    constants = column.record.split(";")[column.is_list :]
    if column.record not in ("", SHARED) and not all("=" in item for item in constants):
        yield Text(
            f"record '{column.record}' is not of the form field=value", f"record“{column.record}”不是 字段=值 的形式"
        )
        return
    for name in (*column.constants, *([column.field] if column.field else [])):
        if name not in contract:
            yield Text(f"table '{column.table}' has no field '{name}'", f"表“{column.table}”没有字段“{name}”")
        elif contract[name].is_made:
            named = f"{column.table}.{name}"
            yield Text(
                f"field '{named}' is made while reading and cannot be mapped", f"字段“{named}”由系统生成，不能映射"
            )
