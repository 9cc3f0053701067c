"""A declared column of a frame that the registry makes itself, and the comparison of a frame with its declaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

DType = type[pl.DataType]


@dataclass(frozen=True)
class Column:
    """What a column holds and what it means, with its unit; the field's name in the frame is its key."""

    dtype: DType
    meaning: str


def read_dtypes(columns: Mapping[str, Column]) -> dict[str, DType]:
    """Return the types of declared columns, as a frame's schema is given."""
    return {name: column.dtype for name, column in columns.items()}


def list_misfits(found: Mapping[str, object], declared: Mapping[str, object]) -> list[str]:
    """Return in words how names and types differ from the declared ones; the order of the columns means nothing."""
    lacking = [f"lacks {name}" for name in declared if name not in found]
    surplus = [f"has {name}, which is not declared" for name in found if name not in declared]
    types = [
        f"{name} is {found[name]} and should be {dtype}"
        for name, dtype in declared.items()
        if name in found and found[name] != dtype
    ]
    return [*lacking, *surplus, *types]
