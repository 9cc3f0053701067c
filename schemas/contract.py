"""How a table's contract is written: fields with meaning, unit, codes, range and completeness in one place.

Each table is a pandera model (`schemas/tables/<table>.py`). The pandera fields are the one statement of type, range and
codes; `etl/judging/validate.py` makes keyed findings from them, and `schemas/dictionary.py` the data dictionary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

from schemas.codes import Code
from schemas.column import Column

Number = int | float


@dataclass(frozen=True)
class FieldContract:
    """One column of a table, as the registry's other parts read it.

    `plausible` are the soft limits (outside: kept and asked about), `possible` the hard ones (outside: set aside and asked
    about), `physical` those beyond which no patient's value lies, whoever says so: what was set aside within them counts
    once the hospital confirms it. Where nothing else is stated the hard limits are physical. `reason` says why they lie there.
    `key_place` is the field's place in the record's key, from 1 on; 0: it is no part of it.
    `is_expected` fields are asked for where they are empty. `is_censored` numbers carry a sign in `<name>_comparator`.
    `is_made` fields are made while reading; no hospital sends them. `quantity_from` is the field of the same record that
    names the quantity of this one's value, whose unit and limits then hold (`schemas/quantity.py`). `dated_by` are dates of the
    same record, or days from the start, the first known of which is the day of what this field says; empty: the record's own.
    """

    name: str
    dtype: pl.DataType
    meaning: str
    zh: str
    unit: str | None = None
    codes: type[Code] | None = None
    possible: tuple[Number | None, Number | None] = (None, None)
    plausible: tuple[Number | None, Number | None] = (None, None)
    physical: tuple[Number | None, Number | None] = (None, None)
    key_place: int = 0
    is_expected: bool = False
    is_censored: bool = False
    is_made: bool = False
    quantity_from: str | None = None
    dated_by: tuple[str, ...] = ()
    caveat: str = ""
    reason: str = ""

    @property
    def is_key(self) -> bool:
        """Whether the field is a part of the record's key."""
        return self.key_place > 0


def field(
    meaning: str,
    zh: str,
    *,
    unit: str | None = None,
    codes: type[Code] | None = None,
    possible: tuple[Number | None, Number | None] = (None, None),
    plausible: tuple[Number | None, Number | None] = (None, None),
    physical: tuple[Number | None, Number | None] | None = None,
    key: int = 0,
    expected: bool = False,
    censored: bool = False,
    made: bool = False,
    quantity_from: str | None = None,
    dated_by: tuple[str, ...] = (),
    caveat: str = "",
    reason: str = "",
) -> Any:
    """Declare a field of a table: a pandera field that also carries what people need to know about it.

    The order in which a table declares its fields is that of the data dictionary and means nothing else; `key` is a
    field's place in the key.
    """
    low, high = physical = physical or possible
    return pa.Field(
        nullable=key == 0,
        ge=low,
        le=high,
        isin=[code.value for code in codes] if codes else None,
        description=meaning,
        metadata={
            "zh": zh, "unit": unit, "codes": codes, "possible": possible, "plausible": plausible,
            "physical": physical, "key_place": key, "is_expected": expected, "is_censored": censored, "is_made": made,
            "quantity_from": quantity_from, "dated_by": dated_by, "caveat": caveat, "reason": reason,
        },
    )  # fmt: skip


class Table(pa.DataFrameModel):
    """Base of every table: who the record belongs to and where it came from. Undeclared columns are an error."""

    hospital: pl.String = pa.Field(description="Hospital that sent the record")
    patient_id: pl.String = pa.Field(description="Pseudonym: keyed hash of hospital and local patient number")
    delivery: pl.String = pa.Field(description="Delivery the record came in")
    source_file: pl.String = pa.Field(description="File of the delivery")
    source_sheet: pl.String = pa.Field(nullable=True, description="Sheet of the file, where it has sheets")
    source_row: pl.Int64 = pa.Field(ge=1, description="Row number as the data manager sees it")
    source_column: pl.String = pa.Field(nullable=True, description="Column, where the record came from one cell")

    class Config(BaseConfig):
        """An undeclared column is a fault of ours, never of a hospital."""

        strict = True


PROVENANCE = tuple(Table.to_schema().columns)
"""The columns that every table has besides its own, in declared order."""


@cache
def read_contract(table: type[Table]) -> Mapping[str, FieldContract]:
    """Return the table's own fields (without provenance), as the data dictionary lists them."""
    schema = table.to_schema()
    fields = {
        name: FieldContract(
            name=name,
            dtype=column.dtype.type,  # type: ignore[union-attr]
            meaning=column.description or "",
            **(column.metadata or {}),
        )
        for name, column in schema.columns.items()
        if name not in PROVENANCE
    }
    return MappingProxyType(fields)


def read_dtypes(table: type[Table]) -> dict[str, type[pl.DataType]]:
    """Return the polars types of all columns of a table, provenance first."""
    return {name: column.dtype.type for name, column in table.to_schema().columns.items()}  # type: ignore[union-attr]


def read_columns(table: type[Table]) -> dict[str, Column]:
    """Return type and meaning of all columns of a table, provenance first."""
    columns = table.to_schema().columns.items()
    return {name: Column(column.dtype.type, column.description or "") for name, column in columns}  # type: ignore[union-attr]


def read_grain(table: type[Table]) -> tuple[str, str]:
    """Return what one record of the table is, in English, and the table's Chinese name."""
    metadata = table.Config.metadata or {}
    return metadata["grain"], metadata["zh"]


def table_name(table: type[Table]) -> str:
    """Return the table's name in the warehouse: the model's name in snake case."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in table.__name__).lstrip("_")


def list_made_key(table: type[Table]) -> list[str]:
    """Return the columns of a table's key that no hospital sends: they count what else would be alike, from 1 on."""
    return [name for name, spec in read_contract(table).items() if spec.is_key and spec.is_made]


def read_sent_key(table: type[Table]) -> tuple[str, ...]:
    """Return the columns of a table's key that a hospital sends, or its mapping states."""
    made = list_made_key(table)
    return tuple(name for name in read_key(table) if name not in made)


def read_key(table: type[Table]) -> tuple[str, ...]:
    """Return the columns that identify a record within one version of one hospital."""
    parts = sorted((spec.key_place, name) for name, spec in read_contract(table).items() if spec.is_key)
    return ("patient_id", *(name for _, name in parts))
