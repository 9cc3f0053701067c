"""What became of every query of a hospital over its ingests and its answers.

| status | meaning |
|---|---|
| `new` | found for the first time |
| `open` | found in every ingest since the first |
| `reopened` | found again after an ingest in which it was not |
| `answered` | found, and the hospital's answer stands: it is not asked again |
| `resolved` | found in an earlier ingest, not in the current one |

An answer stands while the question is about the same value in the same words: "corrected in source" until a delivery brings another
value. A record that was set aside as a whole has no such value: said to be corrected, it is asked about again where the next delivery still
holds it.
"""

from __future__ import annotations

import polars as pl

from etl.quality.answer_words import CORRECTED
from etl.store.history import list_standing
from schemas.codes import Severity
from schemas.row_text import normalise_cell

NEW, OPEN, REOPENED, ANSWERED, RESOLVED = "new", "open", "reopened", "answered", "resolved"
ASKED = (NEW, OPEN, REOPENED)
"""The states in which a hospital has something to do."""

ANSWER_COLUMNS = ("answer", "comment", "answered_by", "taken_at")
_QUERY = ["hospital", "finding_id"]


def derive_query_status(findings: pl.DataFrame, ingests: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Return each finding that a hospital ever had, once, with what became of it up to the hospital's current ingest.

    `findings` and `ingests` hold all ingests, `answers` those of `sql/tables/answers.sql`. Columns: those of `findings` (of
    the last ingest that has it), status, and the last answer's answer, comment, answered_by, taken_at. Ingests that
    a revert has withdrawn count for nothing. One row per hospital and finding_id, sorted by them.
    """
    current = ingests.filter("is_current").select("hospital", current_id="ingest_id", current_hash="content_hash")
    versions = (
        list_standing(ingests)
        .join(current, on="hospital")
        .select("ingest_id", "current_id", "current_hash", version=pl.col("ingest_id").rank("dense").over("hospital"))
    )
    seen = (
        findings.unique(["ingest_id", *_QUERY], keep="first", maintain_order=True)
        .join(versions, on="ingest_id")
        .join(_select_last_answers(answers, ingests, versions), on=_QUERY, how="left")
        .with_columns(
            first=pl.col("version").min().over(_QUERY),
            last=pl.col("version").max().over(_QUERY),
            times=pl.len().over(_QUERY),
            times_since_answer=(_is_same_value() & (pl.col("version") >= pl.col("answered_version")))
            .sum()
            .over(_QUERY),
        )
        .filter(pl.col("version") == pl.col("last"))
    )
    is_found = pl.col("ingest_id") == pl.col("current_id")
    status = (
        pl.when(~is_found)
        .then(pl.lit(RESOLVED))
        .when(_compute_answer_stands())
        .then(pl.lit(ANSWERED))
        .when(pl.col("times") == 1)
        .then(pl.lit(NEW))
        .when(pl.col("times") == pl.col("last") - pl.col("first") + 1)
        .then(pl.lit(OPEN))
        .otherwise(pl.lit(REOPENED))
    )
    return seen.select(*findings.columns, status.alias("status"), *ANSWER_COLUMNS).sort(_QUERY)


def _select_last_answers(answers: pl.DataFrame, ingests: pl.DataFrame, versions: pl.DataFrame) -> pl.DataFrame:
    """Per query the last answer, what it was about, and the version and the content of the delivery that it was about."""
    standing = versions.select("ingest_id", answered_version="version")
    asked_of = ingests.select("ingest_id", answered_hash="content_hash").join(standing, on="ingest_id", how="left")
    return (
        answers.sort("answer_id")
        .unique(_QUERY, keep="last", maintain_order=True)
        .join(asked_of, on="ingest_id", how="left")
        .select(
            *_QUERY,
            *ANSWER_COLUMNS,
            "answered_hash",
            "answered_version",
            answered_value="value",
            answered_message="message_en",
        )
    )


def _compute_answer_stands() -> pl.Expr:
    is_same_question = _is_same_value() & (
        normalise_cell(pl.col("message_en")) == normalise_cell(pl.col("answered_message"))
    )
    is_same_delivery = (pl.col("answered_hash") == pl.col("current_hash")).fill_null(value=False)
    # No delivery since the answer brought another value, or none at all.
    is_unchanged = pl.col("times_since_answer") == pl.col("last") - pl.col("answered_version") + 1
    is_record = pl.col("severity") == Severity.REJECT.value
    rests = (
        pl.when(pl.col("answer") != CORRECTED)
        .then(pl.lit(value=True))
        .when(is_record | pl.col("answered_version").is_null())
        .then(is_same_delivery)
        .otherwise(is_unchanged)
    )
    return pl.col("answer").is_not_null() & is_same_question & rests


def _is_same_value() -> pl.Expr:
    return normalise_cell(pl.col("value")) == normalise_cell(pl.col("answered_value"))
