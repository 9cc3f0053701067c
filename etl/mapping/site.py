"""One hospital's mapping as data: what `site.toml`, `columns.csv` and `codes.csv` say, as the other parts use it.

The three files are all there is of a hospital; they can be edited in Excel. How to write them: docs/mapping.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from etl.mapping.permission import Permission
from etl.mapping.written import Written

IDENTIFIER_ROLES = ("patient", "person", "drop")
EVERY_SOURCE = "*"
EVERY_TABLE = "*"
EVERY_FIELD = "*"
VISIT = "visit_number"
SHARED = "*"
EACH = "each"
_BETWEEN_ITEMS = re.compile(r"[、，,;；+/|&\n](?![^(（]{0,200}[)）])")
# The column that sheets get where the row number is the patient's number.
ROW_NUMBER = "_row_number"


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
    row number is the patient's number. `written` says how its numbers and dates are written, `patient_rows` that a record may stand in
    several rows of its patient (`patient_rows.py`).
    """

    name: str
    file: str
    sheet: str | None
    header_row: int
    row_filter: Mapping[str, tuple[str, ...]]
    ignore: tuple[IgnoreRule, ...]
    header: tuple[str, ...] = ()
    has_row_patients: bool = False
    header_from: int = 0
    written: tuple[Written, ...] = ()
    patient_rows: str = ""


@dataclass(frozen=True)
class Ignored:
    """A sheet or file that holds no records, and why."""

    file: str
    sheet: str | None
    reason: str


@dataclass(frozen=True)
class ColumnMap:
    """One line of columns.csv; `line` is its line number there, `written` how this column is written where not as its file."""

    line: int
    source: str
    column: str
    role: str
    table: str
    field: str
    record: str
    unit: str
    written: tuple[Written, ...] = ()

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
    """A hospital's whole mapping; `mapping_hash` changes with all that decides how its deliveries are read.

    A hospital that `sends_additions` sends what is new since its last delivery; else each delivery is the whole. Where it
    `lists_every_new_lesion`, a visit of which it lists lesions and none that is new had none. `permission` says by what its data
    may be used, and is no part of the hash: a permission that is prolonged makes no delivery a new one.
    """

    hospital: str
    name_en: str
    name_zh: str
    sources: tuple[Source, ...]
    ignored: tuple[Ignored, ...]
    columns: tuple[ColumnMap, ...]
    codes: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    mapping_hash: str = ""
    sends_additions: bool = False
    lists_every_new_lesion: bool = False
    permission: Permission = field(default_factory=Permission)

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


def split_unit_cell(text: str) -> tuple[str, tuple[str, ...]]:
    """Return what a cell of units says: the unit, and behind `;` how the column is written (`g/dL; decimal comma`, `day first`)."""
    parts = [part.strip() for part in text.split(";") if part.strip()]
    words = [part for part in parts if part.lower() in [*Written]]
    units = [part for part in parts if part not in words]
    return "; ".join(units), tuple(word.lower() for word in words)
