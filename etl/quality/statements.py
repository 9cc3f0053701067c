"""What is expected of a hospital's batch, table by table: volume, keys, completeness, codes, ranges, medians.

A statement is counted by an expression of polars, all of a table in one pass; whether the count is enough is judged in
`etl.quality.expectations`. Counts and limits, never a patient's value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from etl.pages.text import format_percent
from etl.quality import thresholds
from etl.quality.measures import count_baseline_tests
from etl.quality.thresholds import Threshold, find_completeness_threshold
from etl.store.history import find_previous_ingest
from schemas.contract import FieldContract, read_contract, read_key
from schemas.quantity import list_quantities
from schemas.tables import TABLES
from schemas.units import NO_UNIT

Frames = Mapping[str, pl.DataFrame]

MEASURE_SCHEMA = {
    "hospital": pl.String, "table_name": pl.String, "field": pl.String, "expectation": pl.String,
    "observed": pl.String, "threshold": pl.String, "reason_en": pl.String, "reason_zh": pl.String,
    "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """One statement about a table: its kind (a key of the pages' texts), the field, what is counted, and the limits.

    Where `judged` is given, the value is the share of `good` in it, else `good` itself; it must lie from `low` to `high`.
    `limit` is the threshold as printed.
    """

    kind: str
    field: str | None
    good: pl.Expr
    judged: pl.Expr | None
    limit: str
    threshold: Threshold
    low: float | None
    high: float | None = None


def take_measures(frames: Frames, hospitals: Sequence[str]) -> pl.DataFrame:
    """Return every statement about the current versions with what was counted (`MEASURE_SCHEMA`).

    `value` and `observed` are null where the count itself failed, which says nothing about the data.
    """
    rows = [row for hospital in hospitals for row in _measure_hospital(frames, hospital)]
    return pl.DataFrame(rows, schema=MEASURE_SCHEMA, orient="row")


def _measure_hospital(frames: Frames, hospital: str) -> Iterator[tuple[object, ...]]:
    is_own = pl.col("hospital") == hospital
    for table in TABLES:
        records = frames[table].filter(is_own)
        statements = [*_expect_volume(frames, hospital, table)]
        if records.height:
            statements += _expect_records(table, records, frames[table].filter(~is_own))
        yield from measure(hospital, table, records, statements)
        if table == thresholds.BASELINE_TABLE:
            yield from measure(hospital, table, records, list(_expect_baseline(frames, hospital)))


def measure(
    hospital: str, table: str, records: pl.DataFrame, statements: Sequence[Statement]
) -> Iterator[tuple[object, ...]]:
    """Yield a row of `MEASURE_SCHEMA` for each statement about the records."""
    for statement, (good, judged) in zip(statements, _count(records, statements), strict=True):
        value = good if judged is None or good is None else (good / judged if judged else None)
        yield (
            hospital, table, statement.field, statement.kind, _print_observed(good, judged), statement.limit,
            statement.threshold.reason.en, statement.threshold.reason.zh, value, statement.low, statement.high,
        )  # fmt: skip


def _count(records: pl.DataFrame, statements: Sequence[Statement]) -> list[tuple[float | None, float | None]]:
    """Count all statements in one pass; where one fails each by itself, and the failing one counts nothing."""
    asked = [
        part.alias(f"{name} {i}")
        for i, statement in enumerate(statements)
        for name, part in (("good", statement.good), ("judged", _or_nothing(statement.judged)))
    ]
    try:
        counted = records.select(asked).row(0) if asked else ()
    except pl.exceptions.PolarsError:
        if len(statements) == 1:
            return [(None, None)]
        return [pair for statement in statements for pair in _count(records, [statement])]
    return list(zip(counted[::2], counted[1::2], strict=True))


def _or_nothing(expression: pl.Expr | None) -> pl.Expr:
    return pl.lit(None, dtype=pl.Int64) if expression is None else expression


def _print_observed(good: float | None, judged: float | None) -> str | None:
    if good is None:
        return None
    if judged is not None:
        return f"{format_percent(good / judged if judged else None)} ({good:,} / {judged:,})"
    return f"{good:,}" if isinstance(good, int) else f"{good:.3g}"


def _expect_volume(frames: Frames, hospital: str, table: str) -> Iterator[Statement]:
    """Expect some records of a needed table, and nearly as many as in the ingest before."""
    if table in thresholds.NEEDED_TABLES:
        yield Statement("volume", None, pl.len(), None, "≥ 1", thresholds.NOT_EMPTY, 1)
    previous = _count_previous(frames, hospital, table)
    if previous:
        least = math.ceil(previous * thresholds.VOLUME.value)
        limit = f"≥ {least} ({format_percent(thresholds.VOLUME.value, 0)} × {previous})"
        yield Statement("volume", None, pl.len(), None, limit, thresholds.VOLUME, least)


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


def _expect_records(table: str, records: pl.DataFrame, others: pl.DataFrame) -> Iterator[Statement]:
    """Expect what the contract says of a table's records, field by field, and medians near the other hospitals'."""
    key = list(read_key(TABLES[table]))
    is_one = ~(pl.struct(key) if len(key) > 1 else pl.col(key[0])).is_duplicated()
    yield Statement("key", " + ".join(key), is_one.sum(), pl.len(), "100 %", thresholds.KEY, 1)
    for spec in read_contract(TABLES[table]).values():
        needed = find_completeness_threshold(table, spec.name)
        if needed:
            alternative = thresholds.ALTERNATIVES.get((table, spec.name), spec.name)
            is_given = pl.col(spec.name).is_not_null() | pl.col(alternative).is_not_null()
            yield _expect_filled(spec.name, is_given.sum(), pl.len(), needed)
        if records[spec.name].null_count() < records.height:
            yield from _expect_values(table, spec, records, others)


def _expect_values(table: str, spec: FieldContract, records: pl.DataFrame, others: pl.DataFrame) -> Iterator[Statement]:
    """Expect known codes, and of every quantity that the field's values may be, usual values and a usual median."""
    if spec.codes:
        is_known = pl.col(spec.name).is_in([code.value for code in spec.codes])
        yield Statement("codes", spec.name, is_known.sum(), pl.col(spec.name).count(), "100 %", thresholds.CODES, 1)
    for quantity in list_quantities(spec):
        values = _select_values(spec, quantity)
        if (table, quantity.name) in thresholds.MEDIAN_FIELDS or quantity.plausible != (None, None):
            if not records.select(values.count()).item():
                continue
            if quantity.plausible != (None, None):
                yield _expect_usual(quantity, values)
            if (table, quantity.name) in thresholds.MEDIAN_FIELDS:
                yield from _expect_median(quantity.name, values, records, others)


def _select_values(spec: FieldContract, quantity: FieldContract) -> pl.Expr:
    values = pl.col(spec.name)
    return values if spec.quantity_from is None else values.filter(pl.col(spec.quantity_from) == quantity.name)


def _expect_filled(name: str, good: pl.Expr, judged: pl.Expr, threshold: Threshold) -> Statement:
    limit = f"≥ {format_percent(threshold.value, 0)}"
    return Statement("completeness", name, good, judged, limit, threshold, threshold.value)


def _expect_usual(quantity: FieldContract, values: pl.Expr) -> Statement:
    low, high = quantity.plausible
    threshold = thresholds.PLAUSIBLE
    shown = "" if quantity.unit in (None, NO_UNIT) else f" {quantity.unit}"
    limit = f"≥ {format_percent(threshold.value, 0)} ({low:g}–{high:g}{shown})"
    is_usual = values.is_between(-math.inf if low is None else low, math.inf if high is None else high)
    return Statement("range", quantity.name, is_usual.sum(), values.count(), limit, threshold, threshold.value)


def _expect_median(name: str, values: pl.Expr, records: pl.DataFrame, others: pl.DataFrame) -> Iterator[Statement]:
    """Expect a median near that of the other hospitals, where both have enough values.

    The printed limit is the factor: a hospital is not told what the others measure.
    """
    n_own = records.select(values.count()).item()
    n_others, median = others.select(values.count().alias("n"), values.median().alias("median")).row(0)
    if min(n_own, n_others) < thresholds.MEDIAN_MIN_VALUES or not isinstance(median, float) or median <= 0:
        return
    factor = thresholds.MEDIAN_FACTOR
    own = values.median().cast(pl.Float64)
    yield Statement("median", name, own, None, "⅓–3 ×", factor, median / factor.value, median * factor.value)


def _expect_baseline(frames: Frames, hospital: str) -> Iterator[Statement]:
    """Expect every patient to have the tests that the study needs at the start."""
    own = {name: frames[name].filter(pl.col("hospital") == hospital) for name in ("patient", "subject")}
    for name, n_patients, n_measured in count_baseline_tests(own).select("field", "n_records", "n_filled").iter_rows():
        yield _expect_filled(name, pl.lit(n_measured), pl.lit(n_patients), thresholds.REQUIRED)
