"""Files of a delivery that are the same, byte for byte: `x - 副本.xlsx` beside `x.xlsx`."""

from __future__ import annotations

from collections.abc import Mapping


def find_copies(digests: Mapping[str, str]) -> dict[str, str]:
    """Return the names of files that are the same as another, with that other's: the one of the shortest name, which no program added to."""
    first: dict[str, str] = {}
    for name in sorted(digests, key=lambda name: (len(name), name)):
        first.setdefault(digests[name], name)
    return {name: first[digest] for name, digest in digests.items() if first[digest] != name}
