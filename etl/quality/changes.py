"""What changed between a hospital's ingest before and its current one."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from etl.quality.measures import SEVERITY_ORDER
from etl.store.history import find_previous_ingest

Frames = Mapping[str, pl.DataFrame]

COUNTS = ("patients", "rows_read", "records_loaded", "records_quarantined", "cells_quarantined")
QUESTION = ["severity", "rule_id", "message_en", "message_zh"]


def compare_counts(own: Frames) -> pl.DataFrame:
    """Return measure, before, now: what the two ingests of one hospital read and loaded; no row without an ingest before.

    Measures: those of `COUNTS`, then one per table with records in either ingest (`record_counts`).
    """
    previous = find_previous_ingest(own["ingests"])
    schema = {"measure": pl.String, "before": pl.Int64, "now": pl.Int64}
    if previous is None:
        return pl.DataFrame(schema=schema)
    ingests = {row["ingest_id"]: row for row in own["ingests"].iter_rows(named=True)}
    current = own["ingests"].filter("is_current")["ingest_id"][0]
    rows = [(name, ingests[previous][name], ingests[current][name]) for name in COUNTS]
    if "record_counts" in own:
        records = {(r["ingest_id"], r["table_name"]): r["n_records"] for r in own["record_counts"].to_dicts()}
        tables = sorted({table for ingest, table in records if ingest in (previous, current)})
        pairs = [(table, records.get((previous, table), 0), records.get((current, table), 0)) for table in tables]
        rows += [pair for pair in pairs if any(pair[1:])]
    return pl.DataFrame(rows, schema=schema, orient="row")


def compare_questions(own: Frames) -> pl.DataFrame:
    """Return how many findings of each question came and went since the ingest before, the greatest change first.

    Columns: severity, rule_id, message_en, message_zh, n_before, n_gone, n_appeared, n_now. A finding that was answered is still
    found and counts in both. No row without an ingest before.
    """
    previous = find_previous_ingest(own["ingests"])
    current = own["ingests"].filter("is_current")["ingest_id"].max()
    ids = (
        own["findings"]
        .select("ingest_id", "finding_id", *QUESTION)
        .unique(["ingest_id", "finding_id"], keep="first", maintain_order=True)
    )
    before = ids.filter(pl.col("ingest_id") == (-1 if previous is None else previous))
    now = ids.filter(pl.col("ingest_id") == current) if previous is not None else ids.clear()
    gone = before.join(now, on="finding_id", how="anti").group_by(QUESTION).agg(n_gone=pl.len())
    appeared = now.join(before, on="finding_id", how="anti").group_by(QUESTION).agg(n_appeared=pl.len())
    counts = [
        before.group_by(QUESTION).agg(n_before=pl.len()),
        now.group_by(QUESTION).agg(n_now=pl.len()),
        gone,
        appeared,
    ]
    joined = counts[0]
    for other in counts[1:]:
        joined = joined.join(other, on=QUESTION, how="full", coalesce=True)
    numbers = ["n_before", "n_gone", "n_appeared", "n_now"]
    return (
        joined.with_columns(pl.col(numbers).fill_null(0).cast(pl.Int64))
        .select(*QUESTION, *numbers)
        .sort(
            pl.col("n_gone") + pl.col("n_appeared"), pl.col("severity").cast(pl.Enum(SEVERITY_ORDER)), "rule_id", "message_en",
            descending=[True, False, False, False],
        )
    )  # fmt: skip
