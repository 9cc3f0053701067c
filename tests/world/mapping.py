"""The mapping of a delivery as a competent person gives it in the worksheet: written from the dialect, not from what the registry proposes."""

import csv
import json

from world import date_forms
from world.decorate import group_of, name_column, say_column
from world.dialect import STAT_KINDS
from world.write_stat import name_variables
from world.write_workbook import OTHER_SHEETS

HOSPITAL = "world"
PERMITTED = """kind = "waiver"
number = "W-7"
date = 2020-01-01
scope = "invented patients whose files carry no mark"
end = "no end"
transfer = "none needed"
contact = "the tests"
cross_border = "no data leave"
"""
COLUMNS = ("source", "column", "role", "table", "field", "record", "unit", "note")
DECIMAL_SIGNS = {"12,5": "decimal comma", "1.210,5": "decimal comma"}


def write_mapping(folder, sheets, places, dialect, codes):
    """Write site.toml, columns.csv and codes.csv."""
    folder.mkdir(parents=True)
    (folder / "site.toml").write_text(_write_toml(sheets, places, dialect), encoding="utf-8")
    lines = [line for sheet, place in zip(sheets, places, strict=True) for line in _write_lines(sheet, place, dialect)]
    _write_csv(folder / "columns.csv", COLUMNS, lines)
    rows = [(table, field, code, value) for (table, field, code), value in sorted(codes.items())]
    _write_csv(folder / "codes.csv", ("table", "field", "code", "value"), rows)


def _write_csv(path, header, lines):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *lines])


def name_source(sheet, source):
    return source or f"{sheet.name}"


def _write_toml(sheets, places, dialect):
    text = f'hospital = "{HOSPITAL}"\nname_en = "World"\nname_zh = "世界"\n\n[permission]\n{PERMITTED}'
    for sheet, (file, page, first) in zip(sheets, places, strict=True):
        for source, row_filter in sheet.sources.items():
            text += f"\n[[source]]\nname = {_quote(name_source(sheet, source))}\nfile = {_quote(_find_pattern(file))}\n"
            text += f"sheet = {_quote(page)}\n" if page else ""
            text += _write_header_rows(sheet, dialect, first)
            text += "merged_ids = true\n" if {"merged ids", "merged cells"} & {*dialect.row_forms} else ""
            text += f"written = {json.dumps(_say_dialect(dialect))}\n"
            text += (
                "[source.filter]\n" + "".join(f"{key} = {json.dumps(texts)}\n" for key, texts in row_filter.items())
                if row_filter
                else ""
            )
    for form, page in OTHER_SHEETS.items() if dialect.has_sheets else ():
        if form in dialect.file_forms:
            text += f'\n[[ignored]]\nfile = "*"\nsheet = {_quote(page)}\nreason = "no records / 无记录"\n'
    return text


def _say_dialect(dialect):
    """What a person says of the whole source: its decimal sign and the order of day and month."""
    return [*filter(None, (DECIMAL_SIGNS.get(dialect.decimal), date_forms.ORDERS.get(dialect.date_form)))]


def _quote(text):
    return json.dumps(text, ensure_ascii=False)


def _find_pattern(file):
    """A pattern that also matches the copy of a file."""
    stem, _, suffix = file.rpartition(".")
    return f"{stem}*.{suffix}"


def _write_header_rows(sheet, dialect, first):
    if dialect.kind in STAT_KINDS:
        return "header_row = 0\n"
    last = first + len(sheet.top) + len(sheet.header) - 1
    return f"header_row = {last}\n" + (f"header_from = {last - 1}\n" if len(sheet.header) > 1 else "")


def find_names(sheet, dialect):
    """How the mapping calls each column of a sheet, in their order."""
    if dialect.kind in STAT_KINDS:
        return name_variables(sheet, dialect)
    return [say_column(name_column(line, dialect, i), group_of(line), dialect) for i, line in enumerate(sheet.columns)]


def is_same_column(known, shown):
    """Whether a worksheet shows a column of the mapping: of a header of two rows it may name the lower one alone, or a row of units with it."""
    return known == shown or known.endswith(f" {shown}") or shown.startswith(f"{known} ")


def _write_lines(sheet, place, dialect):
    names = dict(zip((line.name for line in sheet.columns), find_names(sheet, dialect), strict=True))
    for source in sheet.sources:
        own = {id(line) for line in (*sheet.shared, *sheet.blocks[source])} if source else None
        for line in sheet.lines:
            if own is not None and id(line) not in own and not line.name:
                continue
            is_left = own is not None and id(line) not in own
            role, unit = "ignore" if is_left and line.role == "field" else line.role, line.unit
            if unit.startswith("column:"):
                unit = f"column:{names[unit.removeprefix('column:')]}"
            said = (line.table, line.field, line.record, unit) if role == "field" else ("", "", "", "")
            yield (name_source(sheet, source), names.get(line.name, ""), role, *said, "")
