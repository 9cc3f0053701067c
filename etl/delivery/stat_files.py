"""Reads files of SPSS, Stata and SAS as text with coordinates, as `etl/delivery/read.py` reads workbooks.

A value with a label becomes its label, what the hospital's own program shows; SAS keeps its labels in a catalogue (.sas7bcat) beside the
data. Values that the file declares missing are empty. The names of the variables stand in row 0, so that row 1 is the program's case 1.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

CATALOGUE_SUFFIX = ".sas7bcat"
STAT_SUFFIXES = (".sav", ".zsav", ".dta", ".xpt", ".sas7bdat")
NAME_ROW = 0
_READERS = {
    ".sav": "read_sav", ".zsav": "read_sav", ".dta": "read_dta", ".xpt": "read_xport", ".sas7bdat": "read_sas7bdat",
    CATALOGUE_SUFFIX: "read_sas7bcat",
}  # fmt: skip
# What the file itself says, then what Chinese installations wrote before Unicode.
_ENCODINGS = (None, "GB18030")
_SINGLE = "float"
Formats = Mapping[str, Mapping[Any, str]]
"""Value labels of SAS by the name of their format."""


class StatFileError(Exception):
    """The file cannot be read as what its name says."""


@dataclass(frozen=True)
class StatTable:
    """One file: `cells` with one String column per position, row 0 the variables' names; `labels` what each variable is."""

    cells: pl.DataFrame
    labels: Mapping[str, str]


def read_catalogue(path: Path) -> dict[str, Mapping[Any, str]]:
    """Return the value labels that a SAS catalogue holds, by the name of their format.

    Raises:
        StatFileError: as for `read_stat_file`.
    """
    return dict(_read(path)[1].value_labels)


def read_stat_file(path: Path, formats: Formats) -> StatTable:
    """Read one file; `formats` are the value labels of SAS catalogues by the name of their format.

    Raises:
        StatFileError: it is damaged, of another kind than its name says, or in an encoding that is not known.
    """
    data, meta = _read(path)
    types = meta.readstat_variable_types
    named = {name: formats[key] for name, key in meta.variable_to_label.items() if key in formats}
    value_labels = named | meta.variable_value_labels
    columns = {
        str(place): [name, *_print_values(data[name], value_labels.get(name, {}), types.get(name, ""))]
        for place, name in enumerate(meta.column_names)
    }
    labels = {name: label for name, label in meta.column_names_to_labels.items() if label}
    return StatTable(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)), labels)


def _read(path: Path) -> tuple[Mapping[str, Sequence[Any]], Any]:
    import pyreadstat  # a tenth of every start, and few deliveries are such files

    reader: Callable[..., tuple[Any, Any]] = getattr(pyreadstat, _READERS[path.suffix.lower()])
    for encoding in _ENCODINGS:
        try:
            # Text that a file calls Unicode and is not breaks only here.
            return reader(str(path), output_format="dict", encoding=encoding)
        except (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError, OverflowError, MemoryError):
            continue
    raise StatFileError(path.name)


def _print_values(values: Sequence[Any], labels: Mapping[Any, str], kind: str) -> list[str | None]:
    known = {_print_value(value, kind): label for value, label in labels.items()}
    texts = [_print_value(value, kind) for value in values]
    return [known.get(text, text) if text is not None else None for text in texts]


def _print_value(value: Any, kind: str) -> str | None:
    """Return a value as its program prints it: whole numbers without a point, days without a time, empty as None."""
    if value is None or value != value:  # noqa: PLR0124 (NaN and NaT are not themselves)
        return None
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (float, np.floating)):
        # A single-precision number has the digits that it was written with, not those of the double that holds it.
        number = np.float32(value) if kind == _SINGLE else np.float64(value)
        return str(int(number)) if float(number).is_integer() and abs(number) < 2**53 else str(number)
    return str(value) or None
