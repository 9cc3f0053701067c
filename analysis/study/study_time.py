"""Times since the start of a study, in the unit in which it reports them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.definitions.study_period import DAYS_PER_MONTH

TimeUnit = Literal["month", "week", "year"]
DAYS_PER_UNIT: dict[TimeUnit, float] = {"month": DAYS_PER_MONTH, "week": 7.0, "year": 365.25}
UNIT_LENGTHS: dict[TimeUnit, str] = {"month": " of 365.25 / 12 days", "week": "", "year": " of 365.25 days"}
"""What a sentence says behind a unit that calendars do not agree on."""


@dataclass(frozen=True)
class Time:
    """A time since the start, so many of a unit; as text `12m` or `26w`, as the name of a result holds it."""

    value: float
    unit: TimeUnit

    @property
    def months(self) -> float:
        """The same time in months."""
        return self.value * DAYS_PER_UNIT[self.unit] / DAYS_PER_MONTH

    def __str__(self) -> str:
        """Return the value, to six digits, and the first letter of the unit."""
        return f"{self.value:g}{self.unit[0]}"
