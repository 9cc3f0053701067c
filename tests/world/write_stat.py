"""Writes sheets as files of SPSS, Stata and SAS: typed columns, names in place of a header."""

import datetime as dt

import pandas as pd
import pyreadstat

WRITERS = {"sav": pyreadstat.write_sav, "dta": pyreadstat.write_dta, "xpt": pyreadstat.write_xport}

FORMATS = {
    "sav": {"day variable": "SDATE10", "day variable in another format": "EDATE10", "month variable": "MOYR8"},
    "dta": {"day variable": "%td", "day variable in another format": "%tdCCYY-NN-DD", "month variable": "%tm"},
    "xpt": {"day variable": "DATE9", "day variable in another format": "WORDDATE", "month variable": "MONYY7"},
}


def write_stat(sheets, folder, dialect):
    """Write one file a sheet; row 1 is the first case. Return the places."""
    places = []
    for number, sheet in enumerate(sheets, start=1):
        names = name_variables(sheet, dialect)
        columns = {name: _make_column([row.cells[i] for row in sheet.rows]) for i, name in enumerate(names)}
        path = folder / f"data{number}.{dialect.kind}"
        formats = {
            name: FORMATS[dialect.kind][dialect.date_form] for i, name in enumerate(names) if _is_of_days(sheet, i)
        }
        known = dialect.date_form == "day variable"
        for name in () if known else formats:
            columns[name] = _count_days(columns[name], dialect)
        WRITERS[dialect.kind](pd.DataFrame(columns), str(path), variable_format=formats)
        places.append((path.name, None, 1))
    return places


def _is_of_days(sheet, place):
    present = [row.cells[place].number for row in sheet.rows if row.cells[place].text is not None]
    return bool(present) and all(isinstance(value, dt.date) for value in present)


def _count_days(days, dialect):
    """The number that the program keeps: seconds since 1582 in SPSS, else days since 1960, or months since 1960."""
    if dialect.kind == "sav":
        return pd.Series(
            [None if day is None else (day - dt.date(1582, 10, 14)).days * 86400.0 for day in days], dtype=float
        )
    if dialect.kind == "dta" and dialect.date_form == "month variable":
        return pd.Series(
            [None if day is None else (day.year - 1960) * 12.0 + day.month - 1 for day in days], dtype=float
        )
    return pd.Series([None if day is None else float((day - dt.date(1960, 1, 1)).days) for day in days], dtype=float)


def name_variables(sheet, dialect):
    """The variables' names: 8 characters in a transport file."""
    names = [line.name for line in sheet.columns]
    return [f"{name[:5].upper().strip('_')}{i:02}" for i, name in enumerate(names)] if dialect.kind == "xpt" else names


def _make_column(cells):
    values = [cell.text if cell.number is None else cell.number for cell in cells]
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, dt.date) for value in present):
        return pd.Series(values, dtype=object)
    if present and all(isinstance(value, int | float) for value in present):
        return pd.Series([None if value is None else float(value) for value in values], dtype=float)
    return pd.Series([cell.text or "" for cell in cells], dtype=object)
