"""What a hospital has confirmed of the values that were set aside: as long as they stay the same they count."""

from __future__ import annotations

import hashlib

import polars as pl

from etl.errors import BusyError
from etl.quality.answer_words import CONFIRMED
from etl.settings import Settings
from etl.store.database import Warehouse
from etl.store.warehouse import open_for_reading
from schemas.bookkeeping import FINDINGS
from schemas.column import read_dtypes

_OF_CELL = ("finding_id", "patient_id", "table_name", "record_key", "field")
_SCHEMA = read_dtypes({name: FINDINGS[name] for name in (*_OF_CELL, "value", "reading")})
_OF_VALUES = r"\.(unit_slip|range)$"
"""Rules by which a value is set aside that may be right: what cannot be read, or has no unit, has no value to confirm."""


def find_confirmations(settings: Settings, hospital: str, answers: pl.DataFrame) -> pl.DataFrame:
    """Return the cells that a hospital has confirmed by the last of its answers, which are in their order.

    Columns: finding_id, patient_id, table_name, record_key, field, value (the text it was asked about) and reading (what that was in the
    registry's unit; null where nobody kept it). One row per finding, sorted by it.
    """
    if _choose_confirming(answers).is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    with open_for_reading(settings.warehouse_path) as warehouse:
        return read_confirmations(warehouse, hospital, answers)


def _choose_confirming(answers: pl.DataFrame) -> pl.DataFrame:
    return answers.unique("finding_id", keep="last", maintain_order=True).filter(answer=CONFIRMED)


def read_confirmations(warehouse: Warehouse, hospital: str, answers: pl.DataFrame) -> pl.DataFrame:
    """Return the same from a warehouse that is open."""
    last = _choose_confirming(answers)
    asked = warehouse.query(
        "select * from versions.findings where hospital = ? and list_contains(?, finding_id) order by ingest_id",
        [hospital, last["finding_id"].to_list()],
    ).filter(pl.col("rule_id").str.contains(_OF_VALUES))
    cells = asked.unique("finding_id", keep="last", maintain_order=True).select(_OF_CELL)
    then = asked.unique(["finding_id", "ingest_id"], keep="first").select("finding_id", "ingest_id", "reading")
    return (
        last.select("finding_id", "ingest_id", "value")
        .join(cells, on="finding_id")
        .join(then, on=["finding_id", "ingest_id"], how="left")
        .select(*_SCHEMA)
        .sort("finding_id")
    )


def hash_confirmations(confirmations: pl.DataFrame) -> str:
    """Return what tells two states of a hospital's confirmations apart; empty where there are none."""
    if confirmations.is_empty():
        return ""
    lines = ["\x1f".join(row) for row in confirmations.select("finding_id", "value").sort("finding_id").iter_rows()]
    return hashlib.sha256("\x1e".join(lines).encode()).hexdigest()


_BARE_VALUE = r"^[<>≤≥=]?\s*[+-]?\d[\d,. ]*\s*(?:[%a-zA-Zμ/^0-9]{0,12})$|^\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?$"


def count_typed_values(answers: pl.DataFrame) -> int:
    """Count the answers whose comment is a bare number or date: somebody may think that it is taken as the value."""
    return answers.filter(pl.col("comment").str.strip_chars().str.contains(_BARE_VALUE).fill_null(value=False)).height


def name_answers(warehouse: Warehouse, hospital: str, confirmed: pl.DataFrame) -> pl.DataFrame:
    """Return confirmed values with the answer behind each: who confirmed it, and when; inside the caller's transaction.

    Raises:
        BusyError: another answer came while the delivery was read.
    """
    answers = warehouse.query(
        "select finding_id, answer, answer_id, answered_by, taken_at from answers where hospital = ? order by answer_id",
        [hospital],
    ).unique("finding_id", keep="last")
    named = confirmed.join(answers, on="finding_id", how="left", maintain_order="left")
    if not (named["answer"] == CONFIRMED).all():
        raise BusyError(
            "Another ingest took answers while this one was being read. Nothing of this one was loaded; run it again.",
            "读取期间有另一次入库采用了新的答复。本次未载入任何数据，请重新运行。",
        )
    return named.drop("answer")
