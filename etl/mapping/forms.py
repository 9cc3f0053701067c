"""The form that the values of a column have: dates, numbers, texts of a few shapes, or anything.

A form is learned from the rows that are filled like most rows. It tells what is surely no value of a column, so that rows that are no records,
headers and cells that slipped aside are known by what stands in them and not by words alone; where it cannot tell, a text is a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from etl.mapping.parse import MISSING_TEXTS, NOT_DETECTED_TEXTS, ONGOING_TEXTS

SMALLEST_COLUMN = 3
"""So many cells a column needs before it has a form."""
_MOST = 0.9
_FEWEST_WITH_ONE_ODD = 5
_MOST_SHAPES = 12
_LONGEST_SHAPED = 24
_SHARE_OF_CODES = 0.8
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DAY = (
    r"(?i)^\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|^(?:19|20)\d{6}$|^\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)?\d{2}\b"
    rf"|^\d{{1,2}}[- ]?{_MONTHS}[-, ]*\d{{2,4}}|^\d{{2}}-\d{{2}} \(\d{{4}}\)$"
)
_MONTH_OR_SERIAL = rf"(?i)^\d{{4}}\s*[-/.年]\s*\d{{1,2}}\s*月?$|^\d{{4}}年?$|^{_MONTHS}[- ]\d{{2,4}}$|^\d{{5}}(?:\.\d+)?$|^\d{{1,2}}:\d{{2}}"
_SIGNS = r"[\s\d.,:/\\*^×%<>≤≥≦≧~±()\[\]↑↓'\"=+\-–—]"
_NUMBER_START = r"^[^\pL\d]*(?:第|约|大于|小于|[一二三四五六七八九十]+(?:级|线|次|级$)|\d)"
# What may stand beside a number: a unit, a sign of the laboratory, a counting word.
_BESIDE = r"^[A-Za-zμµ²³]{0,9}$|^(?:第|约|大于|小于|周?岁|分|级|个|枚|处|次|线|天|月|年|个月|公斤|千克|斤|克|厘米|毫米|以上|以下|万|亿|拷贝|阴性|阳性|弱阳性|[一二三四五六七八九十])+$"
_WORDS = (*MISSING_TEXTS, *NOT_DETECTED_TEXTS, *ONGOING_TEXTS)


class Kind(StrEnum):
    """What the values of a column have in common."""

    DATE = "date"
    NUMBER = "number"
    SHAPED = "shaped"
    FREE = "free"


@dataclass(frozen=True)
class Form:
    """The form of one column.

    `texts` stand in it more than once, in the form in which they are compared; `shapes` are those of its values where it is shaped
    (`ZY100234` is `A9`). `is_coded` tells that nearly all values occur more than once. `longest` counts characters.
    """

    kind: Kind
    texts: frozenset[str] = frozenset()
    shapes: frozenset[str] = frozenset()
    longest: int = 0
    is_coded: bool = False


def learn_form(texts: pl.Series) -> Form:
    """Return the form of a column's texts; of fewer than three nothing is known."""
    counts = _fold(texts.drop_nulls()).value_counts(name="n").with_columns(_shape(pl.col("t")).alias("shape"))
    counts = counts.filter(~_is_word(pl.col("t")))
    total = int(counts["n"].sum())
    if total < SMALLEST_COLUMN:
        return Form(Kind.FREE)
    repeated = frozenset(counts.filter(pl.col("n") > 1)["t"])
    of_repeated = counts.filter(pl.col("n") > 1)["n"].sum()
    told = counts.select(
        (pl.col("n") * pl.col("t").str.contains(_DAY)).sum().alias("dates"),
        (pl.col("n") * _is_number(pl.col("t"))).sum().alias("numbers"),
        pl.col("t").str.len_chars().max().alias("longest"),
    ).row(0, named=True)
    common = {"texts": repeated, "longest": told["longest"], "is_coded": of_repeated >= _SHARE_OF_CODES * total}
    # One value in a small column may be anything.
    most = _MOST * total if total < _FEWEST_WITH_ONE_ODD else min(_MOST * total, total - 1)
    if told["dates"] >= most:
        return Form(Kind.DATE, **common)
    if told["numbers"] >= most:
        return Form(Kind.NUMBER, **common)
    shapes = counts.group_by("shape").agg(pl.col("n").sum()).filter(pl.col("n") > 1)
    is_shaped = shapes["n"].sum() >= most and shapes.height <= _MOST_SHAPES
    if is_shaped and told["longest"] <= _LONGEST_SHAPED:
        return Form(Kind.SHAPED, shapes=frozenset(shapes["shape"]), **common)
    return Form(Kind.FREE, **common)


def find_misfits(texts: pl.Series, form: Form) -> frozenset[str]:
    """Return those of a column's texts, as they stand there, that are surely no values of it."""
    if form.kind == Kind.FREE:
        return frozenset()
    distinct = texts.drop_nulls().unique()
    folded = _fold(distinct).to_frame()
    return frozenset(distinct.filter(~folded.select(_is_value(form)).to_series()))


def is_value(text: str | None, form: Form) -> bool:
    """Whether one text may be a value of a column; an empty cell may."""
    return text is None or not find_misfits(pl.Series([text], dtype=pl.String), form)


def is_name_above(text: str, form: Form) -> bool:
    """Whether a text above a column is none of its values, as its name is: of codes it would be one that never occurs below."""
    if form.is_coded and form.kind == Kind.SHAPED:
        return _fold(pl.Series([text]))[0] not in form.texts
    return not is_value(text, form)


def learn_forms(rows: pl.DataFrame, names: list[str]) -> Mapping[str, Form]:
    """Return the form of each column of some rows."""
    return {name: learn_form(rows[name]) for name in names}


def is_word_for_nothing(text: pl.Expr) -> pl.Expr:
    """Whether a cell says that there is no value: it fits every column and proves nothing."""
    return text.str.strip_chars().str.to_lowercase().is_in(MISSING_TEXTS)


def _fold(texts: pl.Series) -> pl.Series:
    return texts.str.normalize("NFKC").str.strip_chars().str.replace_all(r"\s+", " ").alias("t")


def _shape(text: pl.Expr) -> pl.Expr:
    """Return a text with each run of digits, Latin letters and Chinese characters as one: `ZY100234` and `A7` are both `A9`."""
    runs = text.str.replace_all(r"\d+", "9").str.replace_all(r"[A-Za-z]+", "A").str.replace_all(r"\s+", "")
    return runs.str.replace_all(r"\p{Han}+", "中")


def _is_word(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().is_in(_WORDS)


def _is_number(text: pl.Expr) -> pl.Expr:
    beside = text.str.replace_all(_SIGNS, "")
    return text.str.contains(_NUMBER_START) & ~text.str.contains(_DAY) & beside.str.contains(_BESIDE)


def _is_value(form: Form) -> pl.Expr:
    text = pl.col("t")
    known = text.is_in(list(form.texts)) | _is_word(text)
    if form.kind == Kind.DATE:
        return known | text.str.contains(_DAY) | text.str.contains(_MONTH_OR_SERIAL)
    if form.kind == Kind.NUMBER:
        return known | _is_number(text)
    is_short = text.str.len_chars() <= 2 * form.longest
    return known | (_shape(text).is_in(list(form.shapes)) & is_short)


_PROSE = re.compile(r"[:：,，。;；!！?？、]|[^\x00-\x7f]\s+[^\x00-\x7f]")


def is_prose(text: str, form: Form) -> bool:
    """Whether a text that is no value of a column reads like a sentence or a signature and not like a mistyped value."""
    return bool(_PROSE.search(text)) or (form.longest > 0 and len(text) > 2 * form.longest)
