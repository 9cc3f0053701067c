"""What a column of an unknown delivery probably means, and how sure that is.

A confidence is not a probability but a grade of the evidence, from the kind of match and from whether the values fit:

- 0.95 the header is a known word, the values fit; 0.97 a data dictionary says so
- 0.90 the header is known in sheets of that table (`date`, `number`)
- 0.75 the header holds a known word, is one but for a letter, or is a word that hospitals use for more than one thing
- times 0.4 where the values do not fit, 0.9 where there are none to look at
"""

from __future__ import annotations

from dataclasses import dataclass

from etl.onboarding.proposing.profile import Profile
from etl.onboarding.proposing.words import Meaning
from etl.pages.text import Text

LOWEST = 0.60
"""Below this confidence nothing is proposed."""
SURE = 0.90
"""From this confidence on a proposal stands unless a person changes it."""
GUESSED = 0.75
KNOWN_WORD, KNOWN_IN_TABLE, BY_LABEL, PART_OF_HEADER, BY_DICTIONARY = 0.95, 0.90, 0.88, 0.75, 0.97


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
