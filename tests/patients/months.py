"""Makes dates of an invented patient such of which only the month is known, as a hospital would send them. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

import datetime as dt
from random import Random

from patients.invented_patient import InventedPatient, OnlyMonth


def list_date_fields(made: InventedPatient) -> list[tuple[str, str]]:
    """Table and field of the dates that the patient has."""
    named = {(table, name) for table, rows in made.tables.items() for row in rows for name in _list_dates(row)}
    return sorted(named)


def forget_days(made: InventedPatient, draw: Random, fields: list[tuple[str, str]]) -> None:
    """Forget the days of these fields: in half of the patients in all records, in the others in some."""
    share = draw.choice((1.0, 0.5))
    for table, name in fields:
        for row in made.tables[table]:
            if name in _list_dates(row) and draw.random() < share:
                day = row[name]
                row[name] = OnlyMonth(day.year, day.month, day.day)


def _list_dates(row: dict[str, object]) -> list[str]:
    return [name for name, value in row.items() if isinstance(value, dt.date)]
