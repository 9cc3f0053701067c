"""From which delivery's bytes each question comes, so that its hospital can find the row again at home."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from etl.store.database import Warehouse

ORIGIN = "origin_hash"
"""The hash of the delivery that brought a question's row (`etl.delivery.files.hash_places`); null where that is not known for sure."""
_PLACE = ["ingest_id", "patient_id", "delivery", "source_file", "source_sheet", "source_row"]
BROUGHT = {
    "ingest_id": pl.Int64, "hospital": pl.String, "patient_id": pl.String, "delivery": pl.String, "source_file": pl.String, "source_sheet": pl.String,
    "source_row": pl.Int64, "brought_by": pl.Int64,
}  # fmt: skip


def read_brought(warehouse: Warehouse) -> pl.DataFrame:
    """Return of the current versions that were added to others by which ingest each row was brought (`BROUGHT`)."""
    return warehouse.query(
        f"select distinct {', '.join(BROUGHT)} from landing.kept_record where ingest_id in "  # noqa: S608 (names are ours)
        "(select ingest_id from ingests where is_current and base_ingest_id is not null) order by all"
    )


def find_origins(findings: pl.DataFrame, ingests: pl.DataFrame, brought: pl.DataFrame) -> pl.DataFrame:
    """Return findings with `ORIGIN`.

    A row that was carried over comes from an earlier delivery. Where several bear its name, the record tells which it was; a row of no
    record then tells nobody.
    """
    hashes = {row["ingest_id"]: row["places_hash"] or row["content_hash"] for row in ingests.iter_rows(named=True)}
    candidates = [
        (ingest_id, delivery, origin)
        for ingest_id in findings["ingest_id"].unique().to_list()
        for delivery, origin in _list_by_name(ingest_id, ingests).items()
    ]
    schema = {"ingest_id": pl.Int64, "delivery": pl.String, "by_name": pl.Int64}
    by_name = pl.DataFrame(candidates, schema=schema, orient="row")
    by_row = brought.group_by(_PLACE).agg(pl.col("brought_by").unique()).filter(pl.col("brought_by").list.len() == 1)
    by_row = by_row.with_columns(by_row=pl.col("brought_by").list.first()).drop("brought_by")
    joined = findings.join(by_name, on=["ingest_id", "delivery"], how="left", maintain_order="left").join(
        by_row, on=_PLACE, how="left", nulls_equal=True, maintain_order="left"
    )
    is_of_patient = pl.col("patient_id").is_not_null()
    brought_by = pl.coalesce("by_name", pl.when(is_of_patient).then("by_row"))
    return joined.with_columns(
        brought_by.replace_strict(hashes, default=None, return_dtype=pl.String).alias(ORIGIN)
    ).drop("by_name", "by_row")


def _list_by_name(ingest_id: int, ingests: pl.DataFrame) -> Mapping[str, int]:
    """Return the ingests of which a version is made by the names of their deliveries; a name that several bear is left out."""
    names: dict[str, list[int]] = {}
    for number, delivery in _follow_bases(ingest_id, ingests):
        names.setdefault(delivery, []).append(number)
    return {delivery: numbers[0] for delivery, numbers in names.items() if len(numbers) == 1}


def _follow_bases(ingest_id: int | None, ingests: pl.DataFrame) -> Iterator[tuple[int, str]]:
    known = {row["ingest_id"]: row for row in ingests.iter_rows(named=True)}
    while ingest_id is not None and ingest_id in known:
        yield ingest_id, known[ingest_id]["delivery"]
        ingest_id = known[ingest_id]["base_ingest_id"]
