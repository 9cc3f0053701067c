"""By what each hospital's data may be used, as the database has it: the table `permission`, one row a hospital."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from etl.store.database import Warehouse
from etl.store.shape import PERMISSION
from schemas import bookkeeping
from schemas.column import read_dtypes

Rows = Mapping[str, Mapping[str, Any]]
"""The rows of the table by hospital."""


def list_permitted(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    """Return what is kept of each hospital's permission."""
    rows = warehouse.query(f"select * from {PERMISSION} order by hospital").rows(named=True)  # noqa: S608 (a name of ours)
    return {row["hospital"]: row for row in rows}


def keep_permitted(warehouse: Warehouse, hospital: str, row: Mapping[str, Any]) -> None:
    """Keep a hospital's permission in place of the one so far; the caller's event tells of it by `tell_permitted`."""
    warehouse.execute(f"delete from {PERMISSION} where hospital = ?", [hospital])  # noqa: S608 (a name of ours)
    new = pl.DataFrame([{"hospital": hospital, **row}], schema=read_dtypes(bookkeeping.PERMISSION))
    warehouse.append(PERMISSION, new)


def tell_permitted(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event says of a permission that is kept: kind, number and days."""
    return {
        "permission": row["kind"] or "none", "permission_number": row["number"] or None,
        "permitted_on": str(row["permitted_on"]) if row["permitted_on"] else None, "permission_ends_on": row["ends_on"],
    }  # fmt: skip
