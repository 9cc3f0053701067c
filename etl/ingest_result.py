"""What an ingest did, for whoever called it: the accounts, which must balance, and the summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from etl.additions import Addition
from etl.errors import InternalError
from etl.judging.validate import Validated
from etl.keys import Keys
from etl.mapping.accounts import is_used
from etl.mapping.delivery_day import DeliveryDay
from etl.mapping.verbs import Mapped
from etl.pages.text import Text
from schemas.codes import Severity

_SHOWN_REASONS = 3


@dataclass(frozen=True)
class IngestSummary:
    """What an ingest did, as the terminal shows it.

    `status` is `loaded`, `checked` (CHECK=yes: all but load) or `nothing new`. `day` is the last that the delivery can tell of.
    `answers` counts the answers to queries that were taken. `reasons` are why most records were set aside, counted, in both
    languages; `hidden` are files that were left out, since their names begin with a dot. `empty` are mapped tables of which the delivery
    holds nothing. `confirmed` counts values that lie outside the limits and count, since the hospital confirmed them; `waiting` those that
    will once their delivery is read again, which is not here. `typed_values` counts comments that are a bare value. `base_ingest_id` is the
    version that an addition was added to. `notices` say in both languages what is strange beside the delivery before, `warning` that the
    hospital's permission does not cover today. `keys` are those by which it was read, None where no delivery was.
    """

    hospital: str
    name_en: str
    name_zh: str
    status: str
    delivery: str = ""
    day: DeliveryDay | None = None
    ingest_id: int | None = None
    accounts: Mapping[str, int] | None = None
    row_accounts: pl.DataFrame | None = None
    findings: Mapping[str, int] | None = None
    is_synthetic: bool = False
    answers: int = 0
    reasons: tuple[tuple[int, str, str], ...] = ()
    hidden: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    confirmed: int = 0
    typed_values: int = 0
    waiting: int = 0
    base_ingest_id: int | None = None
    notices: tuple[tuple[str, str], ...] = ()
    warning: Text | None = None
    keys: Keys | None = None


def list_reasons(findings: pl.DataFrame) -> tuple[tuple[int, str, str], ...]:
    """Return why most records were rejected; one that went with its patient's record tells nothing of its own."""
    rejected = findings.filter(
        (pl.col("severity") == Severity.REJECT.value) & ~pl.col("rule_id").str.ends_with(".parent")
    )
    counted = rejected.group_by("message_en", "message_zh").len().sort("len", "message_en", descending=[True, False])
    return tuple(counted.select("len", "message_en", "message_zh").head(_SHOWN_REASONS).rows())


def balance_accounts(mapped: Mapped, validated: Validated, addition: Addition) -> dict[str, int]:
    """Return the three accounts.

    Raises:
        InternalError: one of them does not balance, so that something would be lost.
    """
    rows = mapped.row_accounts
    used = int(rows.filter(is_used())["n_rows"].sum())
    loaded = sum(frame.height for frame in validated.tables.values())
    cells = mapped.cells.by_fate
    accounts = {
        "rows_read": int(rows["n_rows"].sum()),
        "rows_used": used,
        "rows_ignored": int(rows["n_rows"].sum()) - used,
        "records_made": validated.records_made,
        "records_carried": addition.n_carried,
        "records_replaced": addition.n_replaced,
        "records_loaded": loaded,
        "records_quarantined": validated.records_quarantined,
        "cells": mapped.cells.total,
        "cells_mapped": cells["mapped"],
        "cells_identifier": cells["identifier"],
        "cells_ignored": cells["ignored"],
        "cells_quarantined": cells["stray"],
        "merged_filled": mapped.filled_rows,
        "patients": validated.tables["patient"].height,
    }
    if accounts["records_made"] != loaded + validated.records_quarantined or sum(cells.values()) != mapped.cells.total:
        raise InternalError(f"The accounts do not balance ({accounts}); nothing was loaded.")
    return accounts
