"""Time limits of the study that several definitions share."""

from __future__ import annotations

from datetime import date

ENROLMENT_START = date(2019, 1, 1)
ENROLMENT_END = date(2021, 12, 31)
FOLLOW_UP_CLOSE = date(2022, 10, 31)

DAYS_PER_MONTH = 365.25 / 12
THREE_MONTHS_DAYS = 3 * DAYS_PER_MONTH
