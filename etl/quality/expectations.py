"""Great Expectations over each hospital's batch as a whole: volume, completeness, ranges, codes, keys, drift.

The only module that imports great_expectations, and only when it runs (the import costs seconds). Records are judged by
the rules; here a batch is. Results hold counts and limits, never a patient's value.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from etl.pages.text import format_percent
from etl.quality import thresholds
from etl.quality.thresholds import Threshold, find_completeness_threshold
from etl.store.history import find_previous_ingest
from schemas.contract import FieldContract, read_contract, read_key
from schemas.tables import TABLES
from schemas.units import LAB_RANGES, NO_UNIT

Frames = Mapping[str, pl.DataFrame]

RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 0}  # any other format prints patients' values
RESULT_SCHEMA = {
    "hospital": pl.String, "table_name": pl.String, "field": pl.String, "expectation": pl.String,
    "observed": pl.String, "threshold": pl.String, "reason_en": pl.String, "reason_zh": pl.String,
    "success": pl.Boolean, "is_error": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class Expectation:
    """One statement about a batch: its kind (a key of `texts.EXPECTATIONS`), GX class name and arguments.

    `limit` is the threshold as printed.
    """

    kind: str
    gx_name: str
    arguments: Mapping[str, Any]
    field: str | None
    limit: str
    threshold: Threshold


@dataclass(frozen=True)
class Batch:
    """The columns of one table of one hospital that its expectations need."""

    hospital: str
    table: str
    frame: pl.DataFrame
    expectations: tuple[Expectation, ...]


def run_expectations(frames: Frames) -> pl.DataFrame:
    """Judge every hospital's current version; one row per hospital, table, field and expectation.

    `frames` holds the ten tables, `ingests` and, where there is one, `record_counts` (ingest_id, hospital, table_name,
    n_records: what each ingest loaded). `observed` and `threshold` are printed texts; `success` is null where
    `is_error` is true: the check itself failed, which says nothing about the data.
    """
    batches = [batch for hospital in _list_hospitals(frames) for batch in make_batches(frames, hospital)]
    rows = _validate(batches) if batches else []
    return pl.DataFrame(rows, schema=RESULT_SCHEMA, orient="row")


def _list_hospitals(frames: Frames) -> list[str]:
    return frames["ingests"].filter("is_current")["hospital"].unique().sort().to_list()


def make_batches(frames: Frames, hospital: str) -> Iterator[Batch]:
    """Yield what is judged of one hospital: a batch per table, and the laboratory's tests as columns."""
    for table in TABLES:
        records = frames[table].filter(pl.col("hospital") == hospital)
        yield _make_table_batch(frames, hospital, table, records)
    laboratory = frames["laboratory"].filter(pl.col("hospital") == hospital)
    yield _make_test_batch(frames, hospital, laboratory)
    patients = frames["patient"].filter(pl.col("hospital") == hospital)
    yield _make_baseline_test_batch(hospital, patients, laboratory)


def _make_table_batch(frames: Frames, hospital: str, table: str, records: pl.DataFrame) -> Batch:
    expectations = [*_expect_volume(frames, hospital, table)]
    columns: dict[str, pl.Expr] = {}
    if not records.is_empty():
        key = read_key(TABLES[table])
        columns.update({name: pl.col(name) for name in key})
        expectations.append(_expect_key(key))
        for spec in read_contract(TABLES[table]).values():
            found = [*_expect_field(table, spec, records), *_expect_median(frames, hospital, table, spec.name, records)]
            if found:
                columns[spec.name] = pl.col(spec.name)
                expectations += found
        for (owner, name), alternative in thresholds.ALTERNATIVES.items():
            if owner == table and name in columns:
                is_given = pl.col(name).is_not_null() | pl.col(alternative).is_not_null()
                columns[name] = pl.when(is_given).then(pl.lit("given")).alias(name)
    return Batch(hospital, table, records.select(**columns), tuple(expectations))


def _expect_volume(frames: Frames, hospital: str, table: str) -> Iterator[Expectation]:
    """Expect some records of a needed table, and nearly as many as in the ingest before."""
    arguments: dict[str, Any] = {"min_value": 1}
    if table in thresholds.NEEDED_TABLES:
        yield Expectation("volume", "ExpectTableRowCountToBeBetween", arguments, None, "≥ 1", thresholds.NOT_EMPTY)
    previous = _count_previous(frames, hospital, table)
    if previous:
        least = math.ceil(previous * thresholds.VOLUME.value)
        arguments = {"min_value": least}
        limit = f"≥ {least} ({format_percent(thresholds.VOLUME.value, 0)} × {previous})"
        yield Expectation("volume", "ExpectTableRowCountToBeBetween", arguments, None, limit, thresholds.VOLUME)


def _count_previous(frames: Frames, hospital: str, table: str) -> int | None:
    """Return how many records of the table the ingest before the current one loaded; None where that is not known."""
    ingests = frames["ingests"].filter(pl.col("hospital") == hospital)
    previous = find_previous_ingest(ingests)
    if previous is None:
        return None
    if "record_counts" in frames:
        counted = frames["record_counts"].filter(pl.col("ingest_id") == previous, pl.col("table_name") == table)
        return int(counted["n_records"].sum())
    return ingests.filter(pl.col("ingest_id") == previous)["patients"][0] if table == "patient" else None


def _expect_key(key: tuple[str, ...]) -> Expectation:
    if len(key) == 1:
        name, arguments = "ExpectColumnValuesToBeUnique", {"column": key[0]}
    else:
        name, arguments = "ExpectCompoundColumnsToBeUnique", {"column_list": list(key)}
    return Expectation("key", name, arguments, " + ".join(key), "100 %", thresholds.KEY)


def _expect_field(table: str, spec: FieldContract, records: pl.DataFrame) -> Iterator[Expectation]:
    """Expect what the contract says of one field: filled, known codes, plausible."""
    needed = find_completeness_threshold(table, spec.name)
    if needed:
        yield _expect_filled(spec.name, needed)
    if records[spec.name].null_count() == records.height:
        return
    if spec.codes:
        arguments = {"column": spec.name, "value_set": [code.value for code in spec.codes]}
        yield Expectation("codes", "ExpectColumnValuesToBeInSet", arguments, spec.name, "100 %", thresholds.CODES)
    if spec.plausible != (None, None):
        yield _expect_range(spec.name, *spec.plausible, spec.unit)


def _expect_filled(name: str, threshold: Threshold) -> Expectation:
    arguments = {"column": name, "mostly": threshold.value}
    limit = f"≥ {format_percent(threshold.value, 0)}"
    return Expectation("completeness", "ExpectColumnValuesToNotBeNull", arguments, name, limit, threshold)


def _expect_range(name: str, low: float | None, high: float | None, unit: str | None) -> Expectation:
    threshold = thresholds.PLAUSIBLE
    arguments = {"column": name, "min_value": low, "max_value": high, "mostly": threshold.value}
    shown = "" if unit in (None, NO_UNIT) else f" {unit}"
    limit = f"≥ {format_percent(threshold.value, 0)} ({low:g}–{high:g}{shown})"
    return Expectation("range", "ExpectColumnValuesToBeBetween", arguments, name, limit, threshold)


def _expect_median(
    frames: Frames, hospital: str, table: str, name: str, records: pl.DataFrame
) -> Iterator[Expectation]:
    """Expect a median near that of the other hospitals, where both have enough values.

    The printed limit is the factor: a hospital is not told what the others measure.
    """
    if (table, name) not in thresholds.MEDIAN_FIELDS:
        return
    if table == "laboratory":
        values = frames[table].filter(pl.col("test") == name).select("hospital", value="value")
    else:
        values = frames[table].select("hospital", value=name)
    own = values.filter(pl.col("hospital") == hospital)["value"].drop_nulls()
    others = values.filter(pl.col("hospital") != hospital)["value"].drop_nulls()
    median = others.median()
    if min(len(own), len(others)) < thresholds.MEDIAN_MIN_VALUES or not isinstance(median, float) or median <= 0:
        return
    factor = thresholds.MEDIAN_FACTOR
    low, high = median / factor.value, median * factor.value
    arguments = {"column": name, "min_value": low, "max_value": high}
    yield Expectation("median", "ExpectColumnMedianToBeBetween", arguments, name, "⅓–3 ×", factor)


def _make_test_batch(frames: Frames, hospital: str, laboratory: pl.DataFrame) -> Batch:
    """Make a batch with one column per laboratory test, for ranges and medians; short columns end in nulls."""
    columns: list[pl.Series] = []
    expectations: list[Expectation] = []
    for test, limits in LAB_RANGES.items():
        values = laboratory.filter(pl.col("test") == test.value).select(pl.col("value").drop_nulls().alias(test.value))
        if not values.is_empty():
            columns.append(values[test.value])
            expectations.append(_expect_range(test.value, *limits.plausible, limits.unit))
            expectations += _expect_median(frames, hospital, "laboratory", test.value, values)
    height = max(map(len, columns), default=0)
    frame = pl.DataFrame([column.extend_constant(None, height - len(column)) for column in columns])
    return Batch(hospital, "laboratory", frame, tuple(expectations))


def _make_baseline_test_batch(hospital: str, patients: pl.DataFrame, laboratory: pl.DataFrame) -> Batch:
    """Make a batch with one row per patient and one column per test needed at the start; only `filled` is asked."""
    is_given = pl.any_horizontal(pl.col("value", "value_comparator").is_not_null())
    baseline = laboratory.filter(pl.col("visit_number") == 0, is_given)
    tests = [test.value for test in thresholds.BASELINE_TESTS]
    measured = [
        pl.when(pl.col("patient_id").is_in(baseline.filter(pl.col("test") == test)["patient_id"].to_list()))
        .then(pl.lit("given"))
        .alias(test)
        for test in tests
    ]
    frame = patients.select(measured)
    expectations = tuple(_expect_filled(test, thresholds.REQUIRED) for test in tests) if patients.height else ()
    return Batch(hospital, "laboratory", frame, expectations)


def _validate(batches: Sequence[Batch]) -> list[tuple[Any, ...]]:
    """Run Great Expectations over the batches; returns rows of `RESULT_SCHEMA`."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # its log quotes data where a check fails
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("hospitals")
    rows: list[tuple[Any, ...]] = []
    for index, batch in enumerate(batches):
        suite = gx.ExpectationSuite(
            name=f"suite {index}",
            expectations=[
                getattr(gx.expectations, expectation.gx_name)(**expectation.arguments, meta={"index": position})
                for position, expectation in enumerate(batch.expectations)
            ],
        )
        definition = source.add_dataframe_asset(f"batch {index}").add_batch_definition_whole_dataframe("whole")
        loaded = definition.get_batch({"dataframe": batch.frame.to_pandas()})
        outcome = loaded.validate(suite, result_format=RESULT_FORMAT)
        by_index = {_read_index(result): result for result in outcome.results}  # GX returns them in another order
        rows += [_make_row(batch, e, by_index[position]) for position, e in enumerate(batch.expectations)]
    return rows


def _read_index(result: Any) -> int:
    return result.expectation_config.meta["index"]


def _make_row(batch: Batch, expectation: Expectation, result: Any) -> tuple[Any, ...]:
    is_error = _has_raised(result.exception_info)
    return (
        batch.hospital,
        batch.table,
        expectation.field,
        expectation.kind,
        None if is_error else _print_observed(result.result),
        expectation.limit,
        expectation.threshold.reason.en,
        expectation.threshold.reason.zh,
        None if is_error else bool(result.success),
        is_error,
    )


def _has_raised(exception_info: Mapping[str, Any]) -> bool:
    """Tell a check that failed itself from one that the data failed; GX nests one entry per metric."""
    if "raised_exception" in exception_info:
        return bool(exception_info["raised_exception"])
    return any(entry.get("raised_exception") for entry in exception_info.values())


def _print_observed(result: Mapping[str, Any]) -> str:
    """Print what was observed: a count, a median, or the share of values that are as expected."""
    if "observed_value" in result:
        value = result["observed_value"]
        return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
    judged = result["element_count"] - result.get("missing_count", 0)
    good = judged - result["unexpected_count"]
    return f"{format_percent(good / judged if judged else None)} ({good:,} / {judged:,})"
