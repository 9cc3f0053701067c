"""Which columns hold what names people: known by their header's word, or by what most of their values look like.

A column that a mapping calls not needed and that looks so is an identifier all the same: nothing of it is stored, and its values are masked
wherever else they stand. Only a person's word that it holds a field of the registry makes it a text.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache

import polars as pl

from etl.mapping.accounts import SheetRows, is_used
from etl.mapping.identity_documents import is_national_id
from etl.mapping.name_words import SURNAME, read_words
from etl.mapping.parse import clean_text, drop_missing
from etl.mapping.personal_forms import find_personal_data
from etl.mapping.site import IDENTIFIER_ROLES, ColumnMap, Site
from schemas.package_data import find_data

_SAMPLE, _FEW, _FEWEST = 500, 8, 3
_MOST_SHARED = 0.5
_BRACKETS = re.compile(r"[(\[{【（][^)\]}】）]{0,200}[)\]}】）]")
_NO_LETTER = re.compile(r"[\W_]+")
_REPEATED = re.compile(r" \(\d+\)$")
_CHINESE_NAME = re.compile(r"^[\u4e00-\u9fff·]{2,5}$")


def squeeze(text: str) -> str:
    """Return a text as words are compared: NFKC, without case, what stands in brackets, blanks and punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NO_LETTER.sub("", _BRACKETS.sub(" ", folded)) or _NO_LETTER.sub("", folded)


@cache
def read_identifier_words() -> Sequence[Mapping[str, str]]:
    """Return the words that call a column an identifier, by kind, as `identifier_words.csv` has them."""
    text = find_data("etl.mapping", "identifier_words.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _list_headers() -> frozenset[str]:
    return frozenset(squeeze(word) for row in read_identifier_words() for word in row["words"].split("|") if word)


def find_identifier(present: pl.Series) -> str:
    """Return which identifier most of the values look like: `national id`, `telephone or mail`, `name`; "" for none."""
    sample = present.unique(maintain_order=True).head(_SAMPLE)
    if sample.is_empty():
        return ""
    if sum(map(is_national_id, sample.to_list())) >= sample.len() / 2:
        return "national id"
    if sum(map(_holds_contact, sample)) >= sample.len() / 2:
        return "telephone or mail"
    is_often = sample.len() >= max(_FEW, present.len() / 2)
    return "name" if is_often and look_like_names(sample.to_list()) else ""


def _holds_contact(text: str) -> bool:
    return any(span.kind in ("telephone", "account") for span in find_personal_data(text))


def look_like_names(texts: Collection[str]) -> bool:
    """Whether most of some distinct texts begin with a Chinese surname and are as long as names."""
    named = [text for text in texts if _CHINESE_NAME.match(text) and text[0] in read_words(SURNAME)]
    return len(named) >= 0.8 * len(texts) > 0


def protect_people(site: Site, sheets: Sequence[SheetRows]) -> Site:
    """Return the mapping with each column that is not needed and looks like an identifier, in one of the sheets, as one that is dropped."""
    telling: set[tuple[str, str]] = set()
    for sheet in sheets:
        used = sheet.rows.filter(is_used())
        for source in sheet.sources:
            columns = [c for c in site.columns_of(source) if c.column in used.columns]
            known = [used[c.column] for c in columns if c.role in IDENTIFIER_ROLES]
            ignored = [c for c in columns if c.role == "ignore"]
            telling |= {(c.source, c.column) for c in ignored if _names_people(c.column, used[c.column], known)}
    return replace(site, columns=tuple(_drop(c) if (c.source, c.column) in telling else c for c in site.columns))


def _drop(column: ColumnMap) -> ColumnMap:
    return replace(column, role="drop") if column.role == "ignore" else column


def _names_people(header: str, cells: pl.Series, known: Sequence[pl.Series]) -> bool:
    """Whether a column's header says that it names people, its values look so, or most of them stand in a column that does."""
    if squeeze(_REPEATED.sub("", header)) in _list_headers():
        return True
    present = drop_missing(clean_text(cells)).drop_nulls()
    distinct = present.unique(maintain_order=True)
    if distinct.len() < _FEWEST:
        return False
    shared = [distinct.is_in(clean_text(other).unique().implode()).mean() for other in known]
    is_copy = distinct.len() >= _FEW and any(float(share or 0) > _MOST_SHARED for share in shared)  # pyright: ignore[reportArgumentType]
    return is_copy or find_identifier(present) != ""
