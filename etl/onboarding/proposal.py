"""What a column of an unknown delivery probably means."""

from __future__ import annotations

from dataclasses import dataclass

from etl.onboarding.profile import Profile
from etl.onboarding.words import Meaning
from etl.pages.text import Text


@dataclass(frozen=True)
class Proposal:
    """One column with what it probably means; `meaning` is None where nothing is proposed, `reason` says why either way.

    `is_private` is set where the column may identify people, whether that is proposed or not: its values are never shown.
    """

    source: str
    profile: Profile
    meaning: Meaning | None
    confidence: float
    reason: Text
    is_private: bool = False

    @property
    def column(self) -> str:
        """The column's name."""
        return self.profile.column
