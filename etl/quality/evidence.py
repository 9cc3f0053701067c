"""What a hospital's responses and progressions rest on: a list of lesions, a sum, a recorded response, the outcome."""

from __future__ import annotations

from typing import Any

import polars as pl

from etl.pages import labels as texts

SOURCES = ("first_progression_source", "response_3_months_source", "response_6_months_source")
"""Columns of the subject table, in the order in which the pages show them."""


def list_evidence(subject: pl.DataFrame) -> list[dict[str, Any]]:
    """List each kind of evidence that occurs, with the patients whose progression and responses rest on it.

    `subject` holds one hospital's patients; none are listed of a version that was loaded before these columns were made.
    """
    counts = {name: dict(subject[name].drop_nulls().value_counts().iter_rows()) for name in SOURCES}
    rows = [
        {"label": label, "counts": [counts[name].get(code.value, 0) for name in SOURCES]}
        for code, label in texts.EVIDENCE.items()
    ]
    return [row for row in rows if any(row["counts"])]


def compare_evidence(subject: pl.DataFrame, hospitals: list[str]) -> list[dict[str, Any]]:
    """List each kind of evidence that a first progression rests on, with the patients of each hospital."""
    counted = subject.group_by("hospital", SOURCES[0]).len()
    counts = {(hospital, source): n for hospital, source, n in counted.iter_rows()}
    rows = [
        {"label": label, "hospitals": {hospital: counts.get((hospital, code.value), 0) for hospital in hospitals}}
        for code, label in texts.EVIDENCE.items()
    ]
    return [row for row in rows if any(row["hospitals"].values())]
