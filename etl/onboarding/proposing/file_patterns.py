"""The patterns by which a mapping will know the files of the next delivery."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONG_NUMBER = re.compile(r"\d{4,}(?:[-_.]?\d+)*")
"""A date or a running number in a name: the next delivery has another."""


def name_files(names: Sequence[str]) -> dict[str, str]:
    """Return the pattern of each file; files that one pattern would take for the same keep their own names."""
    patterns = {name: name_file(name, len(names)) for name in names}
    found = list(patterns.values())
    return {
        name: pattern if found.count(pattern) == 1 else name.rsplit("/", 1)[-1] for name, pattern in patterns.items()
    }


def name_file(name: str, n_files: int) -> str:
    """Return the pattern that will also match the next delivery's file: dates and running numbers may change."""
    plain = name.rsplit("/", 1)[-1]
    if n_files == 1:
        return "*." + plain.rsplit(".", 1)[-1]
    return LONG_NUMBER.sub("*", plain)
