"""The lists by which a name is told from a word: surnames, words that are names too, words that a name may seem to stand between."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache

from schemas.package_data import find_data

ALSO_A_NAME, NAMES_NOBODY = "also a name", "names nobody"
SURNAME, RARE_SURNAME, COMPOUND_SURNAME = "surname", "surname after a label", "surname of two"
NO_SURNAME_ALONE = "surname and a word"
NEIGHBOUR, ABBREVIATION = "word beside", "abbreviation"
_ORDINARY_WORDS = "ordinary_words.csv"


@cache
def _read_lists() -> Mapping[str, frozenset[str]]:
    with find_data("etl.mapping", _ORDINARY_WORDS).open(encoding="utf-8", newline="") as file:
        return {row["kind"]: frozenset(row["words"].split("|")) for row in csv.DictReader(file)}


def read_words(kind: str) -> frozenset[str]:
    """Return one of the lists of ordinary_words.csv, Latin words in small letters."""
    return _read_lists()[kind]
