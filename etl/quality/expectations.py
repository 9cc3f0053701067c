"""Great Expectations over the measures of every hospital's batch: what was counted must lie within its limits.

The only module that imports great_expectations, and only when it runs (the import costs seconds). Records are judged by
the rules; here a batch is. All measures are one frame, judged by two expectations: nothing below its lower limit, nothing
above its upper one.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from typing import Any

import polars as pl

from etl.quality.statements import MEASURE_SCHEMA, Frames, take_measures

RESULT_SCHEMA = {
    **{name: dtype for name, dtype in MEASURE_SCHEMA.items() if name not in ("value", "low", "high")},
    "success": pl.Boolean, "is_error": pl.Boolean,
}  # fmt: skip
RESULT_FORMAT = {"result_format": "COMPLETE", "unexpected_index_column_names": ["measure"]}
LIMITS = (("value", "low"), ("high", "value"))
"""Pairs of columns of which the first must not be less than the second."""


def run_expectations(frames: Frames) -> pl.DataFrame:
    """Judge every hospital's current version; one row per hospital, table, field and expectation (`RESULT_SCHEMA`).

    `frames` holds the record tables, `ingests` and, where there is one, `record_counts` (ingest_id, hospital, table_name,
    n_records: what each ingest loaded). `observed` and `threshold` are printed texts; `success` is null where
    `is_error` is true: the check itself failed, which says nothing about the data.
    """
    hospitals = frames["ingests"].filter("is_current")["hospital"].unique().sort().to_list()
    measures = take_measures(frames, hospitals)
    return judge_measures(measures) if measures.height else pl.DataFrame(schema=RESULT_SCHEMA)


def judge_measures(measures: pl.DataFrame) -> pl.DataFrame:
    """Return the measures with `success` and `is_error`, as Great Expectations judges them (`RESULT_SCHEMA`)."""
    numbered = measures.with_row_index("measure")
    failed = _find_outside(numbered.select("measure", "value", "low", "high"))
    is_error = pl.lit(value=True) if failed is None else pl.col("value").is_null()
    is_met = ~pl.col("measure").is_in(sorted(failed or ()))
    return numbered.with_columns(is_error=is_error).with_columns(
        success=pl.when(~pl.col("is_error")).then(is_met),
        observed=pl.when(~pl.col("is_error")).then("observed"),
    ).select(*RESULT_SCHEMA)  # fmt: skip


def _find_outside(measures: pl.DataFrame) -> set[int] | None:
    """Return the measures that lie outside their limits; None where Great Expectations itself failed."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    # urllib3, which it brings along, opens a socket while it is imported to see whether there is IPv6: nothing here needs to know.
    socket.has_ipv6 = False
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("hospitals").add_dataframe_asset("measures")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": measures.to_pandas()})
    compare = gx.expectations.ExpectColumnPairValuesAToBeGreaterThanB  # type: ignore[attr-defined]
    suite = gx.ExpectationSuite(
        name="limits",
        expectations=[
            compare(column_A=a, column_B=b, or_equal=True, ignore_row_if="either_value_is_missing") for a, b in LIMITS
        ],
    )
    results = batch.validate(suite, result_format=RESULT_FORMAT).results
    if any(_has_raised(result.exception_info) for result in results):
        return None
    return {row["measure"] for result in results for row in result.result["unexpected_index_list"] or ()}


def _has_raised(exception_info: Mapping[str, Any]) -> bool:
    """Tell a check that failed itself from one that the data failed; GX nests one entry per metric."""
    if "raised_exception" in exception_info:
        return bool(exception_info["raised_exception"])
    return any(entry.get("raised_exception") for entry in exception_info.values())
