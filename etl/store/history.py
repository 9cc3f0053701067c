"""What a hospital's past is: its ingests up to the current one, without those that were withdrawn by a revert."""

from __future__ import annotations

import polars as pl

from etl.store.database import Warehouse


def list_standing(ingests: pl.DataFrame) -> pl.DataFrame:
    """Return of each hospital's ingests those that stand: the current one, and all before it that nobody went back from."""
    current = ingests.filter("is_current").select("hospital", _current="ingest_id")
    is_withdrawn = pl.col("is_withdrawn").fill_null(value=False)
    standing = ingests.join(current, on="hospital", maintain_order="left").filter(
        pl.col("ingest_id") <= pl.col("_current"), ~is_withdrawn
    )
    return standing.drop("_current")


def find_previous_ingest(ingests: pl.DataFrame) -> int | None:
    """Return the ingest of a single hospital that stands before the current one; None where there is none."""
    earlier = list_standing(ingests).filter(~pl.col("is_current"))["ingest_id"]
    return earlier.max() if len(earlier) else None  # type: ignore[return-value]


def withdraw_later(warehouse: Warehouse, hospital: str) -> None:
    """Note that a hospital's ingests after its current one are withdrawn, so that nothing goes back to them."""
    warehouse.execute(
        "update ingests set is_withdrawn = true where hospital = $1 and ingest_id > "
        "(select max(ingest_id) from ingests where hospital = $1 and is_current)",
        [hospital],
    )
