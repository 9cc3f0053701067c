"""Findings as the compact JSON that a page carries and its script shows a part at a time."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Hashable
from typing import Any

import polars as pl
from markupsafe import Markup

from etl.pages.cells import show_hidden
from etl.pages.labels import SEVERITIES, STATUSES
from etl.pages.text import Text
from etl.quality.answer_words import ANSWERS
from etl.quality.measures import sort_findings
from etl.quality.status import ANSWERED, RESOLVED

VALUE_LIMIT = 160
MOST_SHOWN = 20_000
ID_LETTERS = 10
"""Letters of a finding's id on the page: enough to tell so many apart (one chance in five thousand that two share them)."""


def embed_findings(findings: pl.DataFrame, limit: int) -> tuple[Markup, int]:
    """Return the open findings of `derive_query_status` as text safe inside a script element, and how many it holds.

    JSON, column-wise, with texts that repeat listed once. Where that would need more than `limit` bytes it is compressed
    (gzip in base64, which only newer browsers read); where even this would, and beyond `MOST_SHOWN`, the last of the order (notes before queries
    before rejected records) are left out.
    """
    shown = sort_findings(findings.filter(pl.col("status") != RESOLVED)).head(MOST_SHOWN)
    data = _print_json(_encode(shown))
    if len(data.encode()) <= limit:
        return Markup(data), shown.height  # noqa: S704 (made safe by _print_json)
    while True:
        packed = base64.b64encode(gzip.compress(_print_json(_encode(shown)).encode(), mtime=0)).decode()
        if len(packed) <= limit or shown.is_empty():
            return Markup(packed), shown.height  # noqa: S704 (letters and digits)
        shown = shown.head(int(shown.height * limit / len(packed) * 0.98))


def _encode(findings: pl.DataFrame) -> dict[str, Any]:
    rows = findings.to_dicts()
    lists: dict[str, Any] = {}
    messages = [(row["message_en"], row["message_zh"]) for row in rows]
    places = [(row["source_file"], row["source_sheet"]) for row in rows]
    lists["messages"], message = _index(messages)
    lists["rules"], rule = _index([row["rule_id"] for row in rows])
    lists["places"], place = _index(places)
    lists["columns"], column = _index([row["source_column"] for row in rows])
    lists["answers"], answer = _index([_describe_answer(row) for row in rows])
    return {
        **lists,
        "severities": _list_labels(SEVERITIES),
        "statuses": _list_labels(STATUSES),
        "severity": [list(SEVERITIES).index(row["severity"]) for row in rows],
        "status": [list(STATUSES).index(row["status"]) for row in rows],
        "id": [row["finding_id"][:ID_LETTERS] for row in rows],
        "rule": rule,
        "message": message,
        "place": place,
        "column": column,
        "answer": answer,
        "row": [row["source_row"] for row in rows],
        "value": [(row["value"] or "")[:VALUE_LIMIT] for row in rows],
    }


def _describe_answer(row: dict[str, Any]) -> tuple[str, str] | None:
    """Return what the hospital answered, who and when, where its answer stands."""
    if row["status"] != ANSWERED:
        return None
    label = ANSWERS[row["answer"]]
    told = "; ".join(filter(None, (row["comment"], row["answered_by"], row["taken_at"][:10])))
    return f"{label.en} ({told})", f"{label.zh}（{told}）"


def _index(values: list[Any]) -> tuple[list[Any], list[int]]:
    """Return the different values in order of appearance, and each value's place among them."""
    places: dict[Hashable, int] = {}
    indices = [places.setdefault(value, len(places)) for value in values]
    return list(places), indices


def _list_labels(labels: dict[Any, Text]) -> list[list[str]]:
    return [[str(key), label.en, label.zh] for key, label in labels.items()]


def _write_out(data: Any) -> Any:
    """Return data with the signs written out that a page would obey, such as those that turn a line around."""
    if isinstance(data, dict):
        return {name: _write_out(value) for name, value in data.items()}
    return [_write_out(value) for value in data] if isinstance(data, list | tuple) else show_hidden(data)


def _print_json(data: dict[str, Any]) -> str:
    """Print JSON in which no text can end the script element or open a comment in it."""
    text = json.dumps(_write_out(data), ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
