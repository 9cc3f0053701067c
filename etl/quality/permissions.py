"""By what each hospital's data may be used, as the coordinating centre reads it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl

from etl.mapping.permission import Permission, describe_permission, find_gap, read_stored
from etl.pages.text import Text


def list_permissions(kept: pl.DataFrame, hospitals: Sequence[str], day: dt.date) -> dict[str, tuple[Text, Text | None]]:
    """Return of each hospital what the database has of its permission, and why it does not cover the day; None where it does.

    `kept` is the table `permission`. A hospital that it does not have states none: its versions are from before the registry asked for one.
    """
    rows = {row["hospital"]: read_stored(row) for row in kept.iter_rows(named=True)}
    return {hospital: _describe(rows.get(hospital, Permission()), day) for hospital in hospitals}


def _describe(permission: Permission, day: dt.date) -> tuple[Text, Text | None]:
    gap = find_gap(permission, day)
    told = describe_permission(permission)
    if gap is None:
        return told, None
    named = Text(", ".join(gap.keys), "、".join(gap.keys))
    return told, Text(f"does not cover {day}; in site.toml: {named.en}", f"不涵盖 {day}；site.toml 中：{named.zh}")
