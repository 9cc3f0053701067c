"""What the values of a column are like: kind, dates' styles, units, distinct codes, and whether they identify people.

A profile is for proposing and for showing: what it shows (`shown_values`) hides small counts and everything that could be
somebody's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from etl.mapping.dates import YEARLESS, read_dates
from etl.mapping.identifying_columns import find_identifier, look_like_names
from etl.mapping.parse import (
    ONGOING_TEXTS,
    clean_text,
    drop_missing,
    parse_censored,
    parse_numbers,
    read_signs,
    undecorate,
)  # fmt: skip
from etl.mapping.personal_forms import has_personal_data
from etl.mapping.site import split_items
from etl.mapping.units import is_unit
from etl.onboarding.proposing.no_value import pick_suspects
from etl.onboarding.proposing.words import is_code_word
from etl.pages.disclosure import SMALL_CELL_THRESHOLD
from schemas.units import normalise_unit

MOST = 0.9
MAX_CODES = 40
MAX_NAMED = 1000  # of a column that a person says has codes
MAX_LISTS = 2000  # more different texts are no lists of a few codes
MAX_SHARE_OF_CODES = 0.2
MAX_NUMBERS_SHOWN = 16
_FEW = 8
_WRITTEN_DATE = {
    "2020-03-05": r"^\d{4}-\d{1,2}-\d{1,2}",
    "2020/3/5": r"^\d{4}/\d{1,2}/\d{1,2}",
    "2020.3.5": r"^\d{4}\.\d{1,2}\.\d{1,2}",
    "2020年3月5日": r"^\d{4}\s*年",
    "20200305": r"^(19|20)\d{6}$",
    "03/05/2020": r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{4}$",
}
_UNIT_IN_HEADER = re.compile(r"[(（\[【]\s{0,9}([^)）\]】]{1,60}?)\s{0,9}[)）\]】]\s{0,9}$")
_SUFFIX = re.compile(
    r"^(?P<name>.{0,200}?)[_\s-]{0,9}(?P<unit>cm|mm|kg|mg|months?|days?|weeks?|years?|mmhg"
    r"|(?:[nuµμ]?g|mg|[uµμm]?mol|i?u)[/_](?:ml|dl|l)|[x×*]?\s?10[\^*]{0,2}9[/_]l)$",
    re.IGNORECASE,
)
_CODE_HINT = re.compile(r"(?<!\d)(\d{1,9})\s{0,9}[=:：]\s{0,9}([^\s,，;；、/|)）]{1,100})")
_NUMBER_AND_UNIT = re.compile(r"^[<>]?\s*[\d.,]+\s*([^\d\s.,].*)$")


class Kind(StrEnum):
    """What most of a column's values are."""

    EMPTY = "empty"
    DATE = "date"
    INTEGER = "integer"
    NUMBER = "number"
    CENSORED = "censored"
    CODE = "code"
    TEXT = "text"


@dataclass(frozen=True)
class Profile:
    """One column as found.

    `counts` are its distinct cleaned texts and how often each occurs, most frequent first (all of them where there are at most
    `MAX_CODES`, else none); never shown as they are. `numbers` are the values read as numbers, without nulls. `unit` is the
    unit that the header names, `stem` the header without it, `hints` the codes that the header explains (`1=male`), `choices` those that
    a dictionary does.
    `looks_like` is the kind of identifier that the values look like, "" for none. `patients` tells how many patients have each text; it
    is None where no column of the sheet is known to hold the patient's number. `items` counts what the cells list (`肺、骨`), empty where they
    list nothing or too much to be codes. `n_months` cells of dates are a month and no day, `n_yearless` are days without their year. `suspects` counts the texts that may say that there is
    no value (`no_value.py`).
    """

    column: str
    stem: str
    unit: str | None
    hints: Mapping[str, str]
    choices: Mapping[str, str]
    kind: Kind
    n_rows: int
    n_filled: int
    n_distinct: int
    counts: dict[str, int]
    numbers: pl.Series
    date_styles: tuple[str, ...]
    looks_like: str
    patients: Mapping[str, int] | None = None
    items: Mapping[str, int] = field(default_factory=dict)
    n_months: int = 0
    suspects: Mapping[str, int] = field(default_factory=dict)
    n_yearless: int = 0

    @property
    def is_constant(self) -> bool:
        """Whether every row holds the same text."""
        return self.n_distinct == 1 and self.n_filled == self.n_rows

    @property
    def is_integer_code(self) -> bool:
        """Whether the values are few whole numbers such as 0 and 1, which may stand for words."""
        return self.kind == Kind.INTEGER and 0 < len(self.counts) <= _FEW + 1


def profile_column(
    name: str,
    texts: pl.Series,
    choices: Mapping[str, str],
    patients: pl.Series | None = None,
    *,
    written: str = "",
    max_codes: int = MAX_CODES,
) -> Profile:
    """Describe one column of texts, `written` as its file; `patients` are the patients' numbers in the same rows, more than `max_codes` texts are not counted."""
    cleaned = clean_text(texts)
    # `-` means that nothing is known, but beside `+` it is the other result of a test.
    is_sign = (cleaned == "-") & (cleaned == "+").any()
    filled = pl.select(pl.coalesce(pl.when(is_sign).then(cleaned), drop_missing(cleaned))).to_series()
    present = filled.drop_nulls()
    stem, unit = split_unit(name)
    # In the form in which codes are compared, and so that both spellings of a text are one.
    counts = present.str.replace_all(r"\s+", " ").value_counts(sort=True)
    n_distinct = counts.height
    numeric = undecorate(read_signs(present, repeat(written, present.len())))
    kind = _find_kind(present, numeric, n_distinct, written)
    known = dict(counts.sort(["count", counts.columns[0]], descending=[True, False]).rows())
    return Profile(
        column=name, stem=stem, unit=unit, hints=dict(_CODE_HINT.findall(name)), choices=choices, kind=kind, n_rows=texts.len(),
        n_filled=present.len(), n_distinct=n_distinct, counts=known if n_distinct <= max_codes else {},
        numbers=parse_censored(numeric)[0].drop_nulls() if kind in (Kind.INTEGER, Kind.NUMBER, Kind.CENSORED) else pl.Series([], dtype=pl.Float64),
        date_styles=_find_date_styles(present), looks_like=find_identifier(present),
        patients=None if patients is None else _count_patients(filled, patients),
        items=_count_items(known) if kind in (Kind.CODE, Kind.TEXT) else {},
        n_months=int(read_dates(present).is_month.sum()) if kind == Kind.DATE else 0,
        suspects=pick_suspects(known), n_yearless=int(present.str.contains(YEARLESS).sum()),
    )  # fmt: skip


def _count_items(counts: Mapping[str, int]) -> dict[str, int]:
    lists = {text: split_items(text) for text in counts} if len(counts) <= MAX_LISTS else {}
    found: Counter[str] = Counter()
    for text, items in lists.items():
        found.update(dict.fromkeys(items, counts[text]))
    is_list = any(len(items) > 1 for items in lists.values())
    return dict(found.most_common()) if is_list and len(found) <= MAX_CODES else {}


def _count_patients(filled: pl.Series, patients: pl.Series) -> dict[str, int]:
    pairs = pl.DataFrame({"text": filled.str.replace_all(r"\s+", " "), "patient": patients}).drop_nulls("text")
    return dict(pairs.group_by("text").agg(pl.col("patient").n_unique()).rows())


def _find_kind(present: pl.Series, numeric: pl.Series, n_distinct: int, written: str) -> Kind:
    n = present.len()
    if n == 0:
        return Kind.EMPTY
    numbers = parse_numbers(numeric)
    n_numbers = n - numbers.null_count()
    is_ended = ~present.str.to_lowercase().is_in(ONGOING_TEXTS)
    ended = present.filter(is_ended)
    dates = read_dates(ended, repeat(written, ended.len()))
    is_date = (
        dates.days.is_not_null()
        | dates.is_month
        | dates.is_placeholder
        | ended.str.contains(YEARLESS)
        | ended.str.contains(_WRITTEN_DATE["03/05/2020"])
    )
    is_number = numbers.filter(is_ended).is_not_null() & ~ended.str.contains(_WRITTEN_DATE["20200305"])
    if _are_most(int((is_date & ~is_number).sum()), ended.len()):
        return Kind.DATE
    if _are_most(n_numbers, n):
        values = numbers.drop_nulls()
        return Kind.INTEGER if n_numbers == n and (values == values.floor()).all() else Kind.NUMBER
    _, comparator = parse_censored(numeric)
    if _are_most(n - comparator.null_count(), n) and n_numbers >= n / 2:
        return Kind.CENSORED
    is_code = n_distinct <= _FEW or (n_distinct <= MAX_CODES and n_distinct <= MAX_SHARE_OF_CODES * n)
    return Kind.CODE if is_code else Kind.TEXT


def _are_most(n_fitting: int, n: int) -> bool:
    """Whether most of some cells are of a kind: nine of ten, and of few cells all but one or two."""
    return n > 0 and (n_fitting >= MOST * n or (n_fitting > n / 2 and n - n_fitting <= min(2, n // 4)))


def repeat(written: str, n: int) -> pl.Series:
    """Return how each of `n` texts is written, where all are written alike."""
    return pl.Series([written or None], dtype=pl.String).new_from_index(0, n)


def _find_date_styles(present: pl.Series) -> tuple[str, ...]:
    return tuple(style for style, pattern in _WRITTEN_DATE.items() if present.str.contains(pattern).any())


def split_unit(name: str) -> tuple[str, str | None]:
    """Return a header without its unit, and the unit: `白蛋白(g/L)`, `tumour_size_mm`, `体重kg`; None where it names none."""
    bracket = _UNIT_IN_HEADER.search(name)
    if bracket and is_unit(bracket[1]):
        return name[: bracket.start()].strip(), normalise_unit(bracket[1])
    suffix = _SUFFIX.match(name)
    if suffix and (suffix["name"] == "" or not suffix["name"][-1].isascii() or name[len(suffix["name"])] in "_- "):
        return suffix["name"].strip("_- "), normalise_unit(suffix["unit"].replace("_", "/"))
    return name, None


def find_value_unit(counts: Sequence[str]) -> str | None:
    """Return the unit written behind most values, `12.5 g/L`, where it is one known unit."""
    units = [match[1] for text in counts if (match := _NUMBER_AND_UNIT.match(text))]
    common = {normalise_unit(unit) for unit in units if is_unit(unit)}
    return common.pop() if len(common) == 1 and 2 * len(units) > len(counts) else None


def show_values(profile: Profile, limit: int = 12) -> str:
    """Return the distinct values and their counts as text; a count below five is not told, nor what may be somebody's."""
    if profile.looks_like or not profile.counts or any(map(has_personal_data, profile.counts)):
        return ""
    if profile.kind != Kind.CODE and not (profile.kind == Kind.INTEGER and len(profile.counts) <= MAX_NUMBERS_SHOWN):
        return ""
    unknown = [text for text in profile.counts if not is_code_word(text)]
    if look_like_names(unknown):
        return ""  # of a physician, perhaps, who stands beside many patients
    counts = {text: n for text, n in profile.counts.items() if is_common(profile, text)}
    told = [
        f"{text[:40]} ({count if count >= SMALL_CELL_THRESHOLD else f'<{SMALL_CELL_THRESHOLD}'})"
        for text, count in list(counts.items())[:limit]
    ]
    more = len(profile.counts) - len(told)
    return "; ".join(told) + (f"{'; ' if told else ''}… +{more}" if more > 0 else "")


def is_common(profile: Profile, text: str) -> bool:
    """Whether a value points at nobody: a number that is not rare, a known code, or a text that at least five patients have.

    Where the patients are not known, how often a text occurs says nothing: all of its rows may be one patient's.
    """
    if profile.kind == Kind.INTEGER:
        return profile.counts[text] >= SMALL_CELL_THRESHOLD
    return is_code_word(text) or (profile.patients or {}).get(text, 0) >= SMALL_CELL_THRESHOLD
