"""Keeps people out of what a worksheet shows: a code or value in which somebody's name or number stands is not shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from etl.mapping.masking import is_identifying
from etl.mapping.parse import clean_text
from etl.onboarding.proposing.draft import Draft


def collect_names(columns: Iterable[pl.Series]) -> list[str]:
    """Return the texts of columns that hold names or numbers of people, as far as a text can point at somebody."""
    texts: set[str] = set()
    for column in columns:
        texts.update(filter(is_identifying, clean_text(column).drop_nulls().unique()))
    return sorted(texts)


def hide_people(draft: Draft) -> Draft:
    """Return a draft without the codes and values in which the name or number of one of its people stands."""
    names = collect_names(draft.people)
    if not names:
        return draft
    telling = _find_telling(
        [code.code for code in draft.codes] + [text for c in draft.columns for text in (c.seen, *c.codes)], names
    )
    columns = [
        replace(c, seen="" if c.seen in telling else c.seen, codes={text: n for text, n in c.codes.items() if text not in telling})
        for c in draft.columns
    ]  # fmt: skip
    return replace(draft, columns=tuple(columns), codes=tuple(code for code in draft.codes if code.code not in telling))


def _find_telling(texts: Sequence[str], names: Sequence[str]) -> set[str]:
    distinct = pl.Series("text", sorted(set(texts)), dtype=pl.String)
    return set(distinct.filter(distinct.str.contains_any(list(names))))
