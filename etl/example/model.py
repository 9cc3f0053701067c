"""What the example's generator passes around: a patient's facts, the course, and the records made from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from etl.delivery.read import SYNTHETIC_MARKER
from etl.example.margins import Levels

MARKER = f"{SYNTHETIC_MARKER} 合成示例数据，非真实患者"
ELIGIBLE = "eligible"
HOSPITALS = ("nanfang", "hunan", "sysu")

Record = dict[str, Any]


@dataclass(frozen=True)
class Identity:
    """Identifiers of an invented person: none can belong to anybody."""

    local_id: str
    name: str
    national_id: str
    telephone: str


@dataclass
class Course:
    """What happens after the start, in days from it.

    `progression_visit` is the assessment that shows progression (0: none). A treatment that goes on at the last
    contact has no end. `responds_from_visit` is the first assessment with a partial response (0: none).
    """

    last_contact_days: int
    is_dead: bool
    visit_gap_days: int
    progression_visit: int
    treatment_days: int
    is_ongoing: bool
    responds_from_visit: int = 0


@dataclass
class SyntheticPatient:
    """An invented patient: `reason` is `eligible` or why the patient cannot be analysed.

    `facts` holds the values at the start by field name (of the tables patient and baseline, laboratory tests by test,
    and `organs`: lesions by organ); `records` the finished records by table. `situation` names what is unusual and right
    about the patient, whom no fault is planted in.
    """

    hospital: str
    arm: str
    reason: str
    start: date
    levels: Levels
    facts: Record
    course: Course
    identity: Identity | None = None
    records: dict[str, list[Record]] = field(default_factory=dict)
    situation: str = ""

    @property
    def known_identity(self) -> Identity:
        """The identity, which every patient has been given once the cohort is drawn."""
        if self.identity is None:
            raise ValueError("the patient has not been given an identity yet")
        return self.identity

    @property
    def local_id(self) -> str:
        """The hospital's own number of the patient."""
        return self.known_identity.local_id

    def day(self, days: float) -> date:
        """Return the date so many days after the start."""
        return self.start + timedelta(days=round(days))
