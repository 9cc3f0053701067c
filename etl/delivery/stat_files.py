"""Reads files of SPSS, Stata and SAS as text; called in a process of its own by `etl/delivery/apart.py` alone.

A value with a label becomes its label, what the hospital's own program shows; SAS keeps its labels in a catalogue (.sas7bcat) beside the
data. Values that the file declares missing are empty. The names of the variables stand in row 0, so that row 1 is the program's case 1.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from etl.delivery.apart import NotReadError
from etl.delivery.files import CATALOGUE_SUFFIX
from etl.delivery.number_formats import ROUNDED_TEXT, Shown, is_rounded
from etl.limits import COLUMNS

_FIRST_YEAR = 2000
_READERS = {
    ".sav": "read_sav", ".zsav": "read_sav", ".dta": "read_dta", ".xpt": "read_xport", ".sas7bdat": "read_sas7bdat",
    CATALOGUE_SUFFIX: "read_sas7bcat",
}  # fmt: skip
# What the file itself says, then what Chinese installations wrote before Unicode.
_ENCODINGS = (None, "GB18030")
_SINGLE = "float"
# Formats of days that the reader takes for numbers, and of less than a day, which it takes for days. Sources: SAS 9.4 Formats
# and Informats, "Formats by Category"; Stata's `help datetime display formats`; SPSS Statistics, "Date and Time Formats".
_SHOWN = {
    Shown.MONTH: re.compile(r"MONYY|YYMM(?!DD)|MMYY|YYMON|NLDATEYM|MOYR", re.IGNORECASE),
    Shown.YEAR: re.compile(r"YEAR|YYQ|QTR|Q?YR\d*$|WKYR|WEEK[UVW]|MONTH|MONNAME|NLDATE(?:YR|YQ|YW|MN)", re.IGNORECASE),
    Shown.DAY: re.compile(
        r"%-?\d*td|%-?\d*d(?:$|[A-Z])|NLDATE(?!TM)|WORDDAT|WEEKDAT|EURDF|MINGUO|JULIAN|NENGO|JDATE|HDATE|HEBDATE|[BEI]\d{4}DA",
        re.IGNORECASE,
    ),
}
_MONTHS_SINCE_1960 = re.compile(r"%-?\d*tm")
Formats = Mapping[str, Mapping[Any, str]]
"""Value labels of SAS by the name of their format."""


def read_catalogue(path: str) -> dict[str, dict[Any, str]]:
    """Return the value labels that a SAS catalogue holds, by the name of their format.

    Raises:
        NotReadError: as for `read_stat_file`.
    """
    return {name: dict(labels) for name, labels in _read(path)[1].value_labels.items()}


def read_stat_file(path: str, formats: Formats) -> tuple[list[list[str | None]], dict[str, str]]:
    """Return the columns of a file, each with its variable's name first, and what each variable is where the file says so.

    `formats` are the value labels of SAS catalogues by the name of their format.

    Raises:
        NotReadError: `damaged` where it is that, of another kind than its name says, or in an encoding that is not known; `columns` where
            there are too many.
    """
    data, meta = _read(path)
    if len(meta.column_names) > COLUMNS.most:
        raise NotReadError("columns")
    kinds = {
        name: _Kind(meta.readstat_variable_types.get(name, ""), meta.original_variable_types.get(name) or "")
        for name in meta.column_names
    }
    named = {name: formats[key] for name, key in meta.variable_to_label.items() if key in formats}
    value_labels = named | meta.variable_value_labels
    columns = [
        [name, *_print_values(data[name], value_labels.get(name, {}), kinds[name])] for name in meta.column_names
    ]
    return columns, {name: label for name, label in meta.column_names_to_labels.items() if label}


def read_export_day(path: str) -> dt.date | None:
    """Return the day on which a file of SPSS, Stata or SAS says that it was written; None where it does not say so.

    Raises:
        NotReadError: as for `read_stat_file`.
    """
    meta = _read(path, metadataonly=True)[1]
    said = [moment.date() for moment in (meta.creation_time, meta.modification_time) if moment is not None]
    return max((day for day in said if day.year >= _FIRST_YEAR), default=None)


def _read(name: str, **options: Any) -> tuple[Mapping[str, Sequence[Any]], Any]:
    import pyreadstat  # a tenth of every start, and few deliveries are such files

    path = Path(name)
    reader: Callable[..., tuple[Any, Any]] = getattr(pyreadstat, _READERS[path.suffix.lower()])
    for encoding in _ENCODINGS:
        try:
            if path.suffix.lower() != CATALOGUE_SUFFIX and not options:
                types = reader(str(path), metadataonly=True, encoding=encoding)[1].original_variable_types
                days = sorted({kind for kind in types.values() if kind and _find_shown(kind)})
                # Text that a file calls Unicode and is not breaks only here.
                return reader(str(path), output_format="dict", encoding=encoding, extra_date_formats=days)
            return reader(str(path), output_format="dict", encoding=encoding, **options)
        except (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError, OverflowError):
            continue
    raise NotReadError("damaged")


@dataclass(frozen=True)
class _Kind:
    """How a program stores a variable, and the format in which it shows it."""

    storage: str
    format: str


def _find_shown(form: str) -> Shown | None:
    return next((shown for shown, pattern in _SHOWN.items() if pattern.match(form)), None)


def _print_values(values: Sequence[Any], labels: Mapping[Any, str], kind: _Kind) -> list[str | None]:
    known = {_print_value(value, kind): label for value, label in labels.items()}
    texts = [_print_value(value, kind) for value in values]
    return [known.get(text, text) if text is not None else None for text in texts]


def _print_value(value: Any, kind: _Kind) -> str | None:
    """Return a value as its program prints it: whole numbers without a point, days without a time, months without a day, empty as None."""
    if value is None or value != value:  # noqa: PLR0124 (NaN and NaT are not themselves)
        return None
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, (dt.date, dt.time)):
        length = {Shown.MONTH: len("2020-03"), Shown.YEAR: len("2020")}.get(_find_shown(kind.format) or Shown.DAY)
        return value.isoformat()[:length]
    return _print_number(value, kind) if isinstance(value, (float, np.floating)) else str(value) or None


def _print_number(value: Any, kind: _Kind) -> str:
    """Return a number; of single precision with the digits that it was written with, not those of the double that holds it."""
    if _MONTHS_SINCE_1960.match(kind.format):
        return f"{1960 + int(value) // 12}-{int(value) % 12 + 1:02d}"
    if is_rounded(float(value)):
        return ROUNDED_TEXT
    number = np.float32(value) if kind.storage == _SINGLE else np.float64(value)
    return str(int(number)) if float(number).is_integer() else str(number)
