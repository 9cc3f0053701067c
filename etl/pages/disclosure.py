"""The small-cell policy: what is hidden when counts of people are shown to somebody who does not hold their records."""

from __future__ import annotations

from collections.abc import Sequence

SMALL_CELL_THRESHOLD = 5
"""Smaller counts of a hospital's own patients are not printed in what leaves it before it is mapped."""
FEWEST_PATIENTS = 10
"""Smaller counts of other hospitals' patients are never shown, and figures of theirs are fixed anew only after so many new patients."""
FEWEST_HOSPITALS = 3
"""Fewer other hospitals are never shown together: two of them could tell each other's figures from the sum."""


def suppress_small_counts(counts: Sequence[int], threshold: int = SMALL_CELL_THRESHOLD) -> list[int | None]:
    """Return the counts with small ones, and as many more as protect them, replaced by None.

    `counts` are the parts of one total that the reader may know. Counts from 1 to `threshold - 1` are hidden; then the
    smallest of the rest (zeros last) follow until at least two are hidden and what they add up to is not itself a
    small count (complementary suppression: Hundepool et al., Statistical Disclosure Control, 2012, chapter 4). Equal
    counts are taken from the left. Where all are hidden and their sum is still small, the total must be hidden too.
    A negative count is an error.
    """
    if any(count < 0 for count in counts):
        raise ValueError("a count cannot be negative")
    hidden = {index for index, count in enumerate(counts) if 0 < count < threshold}
    if hidden:
        others = [index for index in range(len(counts)) if index not in hidden]
        for index in sorted(others, key=lambda i: (counts[i] == 0, counts[i])):
            if len(hidden) >= 2 and sum(counts[i] for i in hidden) >= threshold:
                break
            hidden.add(index)
    return [None if index in hidden else count for index, count in enumerate(counts)]
