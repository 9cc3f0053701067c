"""Reads what is written in the place of a date: a day, only a month, a placeholder, or nothing that can be read.

Nothing is guessed: a text that could be two days, or a number that could be anything, is no day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

import polars as pl

from etl.mapping.written import Written

MIDDLE_OF_MONTH = 15
"""The day that stands in where a hospital says that only month and year are known (study protocol, "Months")."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = f"({'|'.join(_MONTHS)})[a-z]*"
_TIME = (
    r"(?:\s*[t ]?\s*(?:上午|下午|凌晨|早上|中午|晚上)?\s*(?:[01]?\d|2[0-3])\s*[:时]\s*[0-5]?\d分?(?:[:]?[0-5]?\d(?:\.\d+)?秒?)?"
    r"\s*(?:am|pm)?\s*(?:z|[+-]\d{2}:?\d{2})?)?(?:\s*\(?(?:星期|周)[一二三四五六日天]\)?)?$"
)
_YEAR_FIRST = r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?" + _TIME
_COMPACT = r"^((?:19|20)\d{6})(?:\s?[0-2]\d[0-5]\d(?:[0-5]\d)?|\.0+)?" + _TIME
_YEAR_LAST = r"^(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4})" + _TIME
_NAMED = r"^(\d{1,2})[-\s/.]*" + _MONTH_NAME + r"[-\s/.,]*(\d{4})" + _TIME
_NAMED_FIRST = r"^" + _MONTH_NAME + r"\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})" + _TIME
# Universal time from 16:00 on is the next day where the hospitals are: which of the two is meant cannot be told.
_OTHER_DAY_HERE = r"(?:t|\s)(?:1[6-9]|2[0-3]):\S*\s*(?:z|\+00:?00)$"
_DAY_NUMBER = r"^[1-5]\d{4}(?:\.\d+)?$"
# 2020.1 as a number may have been 2020.10.
_MONTH_FIRST_YEAR = r"^(\d{4})\s*(?:年|[-/.])\s*(\d{1,2})\s*月?\s*份?$"
_LOST_ZERO = r"^\d{4}\.[1-9]$"
_COMPACT_MONTH = r"^((?:19|20)\d{2})(0[1-9]|1[0-2])$"
_MONTH_THEN_YEAR = r"^(\d{1,2})\s*[-/.]\s*(\d{4})$"
_NAMED_MONTH = r"^" + _MONTH_NAME + r"[-\s/.,']*(\d{4})$"
_NAMED_MONTH_SHORT = r"^" + _MONTH_NAME + r"[-\s/.,']*(\d{2})$"
YEARLESS = r"^(\d{2})-(\d{2}) \((\d{4})\)$"
"""A day of which a workbook shows no year; the one that it keeps stands in brackets."""
# What programs write where nothing is known: the least and the greatest days of .NET, SQL Server, Excel (0, 1 and 60 in either of its
# ways to count days) and Unix.
_PLACEHOLDER_TEXTS = ("0", "1", "60", "1900-01-00", "1900-02-29", "0000-00-00")
_PLACEHOLDERS = (
    dt.date(1, 1, 1), dt.date(1753, 1, 1), dt.date(1899, 12, 30), dt.date(1899, 12, 31), dt.date(1900, 1, 1),
    dt.date(1900, 2, 28), dt.date(1904, 1, 1), dt.date(1904, 1, 2), dt.date(1904, 3, 1),
)  # fmt: skip
_PLACEHOLDER_YEARS = (2099, 2999, 3000, 9999)
_UNIX_EPOCH = dt.date(1970, 1, 1)
_BORN = "birth_date"


@dataclass(frozen=True)
class Dates:
    """A column of days, null where there is none; which texts are only a month, and which stand for no date at all."""

    days: pl.Series
    is_month: pl.Series
    is_placeholder: pl.Series


def read_dates(texts: pl.Series, written: pl.Series | None = None, *, field: str = "") -> Dates:
    """Read a column of cleaned texts as dates.

    Args:
        texts: as `clean_text` returns them.
        written: how each is written, as the mapping says: the order of day and month, days by number, or months alone.
        field: the contract's field. A birth on 1 January 1970 is one; any other event on that day is a placeholder.
    """
    frame = pl.DataFrame({"t": texts.str.to_lowercase(), "w": texts.clear(len(texts)) if written is None else written})
    frame = _add_days(frame, field)
    is_placeholder = (
        pl.col("d").is_in(_PLACEHOLDERS)
        | pl.col("d").dt.year().is_in(_PLACEHOLDER_YEARS)
        | pl.col("t").str.split(" ").list.first().is_in(_PLACEHOLDER_TEXTS)
        | (pl.lit(field != _BORN) & (pl.col("d") == _UNIX_EPOCH))
    ).fill_null(value=False)
    frame = frame.with_columns(p=is_placeholder)
    is_month = pl.col("d").is_null() & pl.col("m").is_not_null() & ~pl.col("p")
    read = frame.select(
        d=pl.when(~pl.col("p")).then(pl.coalesce("d", pl.when(_says(Written.MONTH)).then("m"))),
        m=is_month,
        p="p",
    )
    return Dates(read["d"].alias(texts.name), read["m"], read["p"])


def parse_dates(texts: pl.Series) -> pl.Series:
    """Return the days among texts that can be read as they stand, without a word of the mapping."""
    return read_dates(texts).days


def _add_days(frame: pl.DataFrame, field: str) -> pl.DataFrame:
    """Return `frame` (t, w) with the days `d` and, of texts that are none, the middles `m` of months.

    Most dates are written year first: all other forms are looked for in the other texts alone.
    """
    read = frame.with_columns(d=_read_year_first(), m=pl.lit(None, dtype=pl.Date))
    others = (read["d"].is_null() & read["t"].is_not_null()).arg_true()
    if others.is_empty():
        return read
    found = frame[others].select(d=_read_other_form(), m=_read_month(field))
    return read.with_columns(read[name].scatter(others, found[name]) for name in found.columns)


def _read_year_first() -> pl.Expr:
    parts = pl.col("t").str.extract_groups(_YEAR_FIRST)
    return _unless_other_day(_join(*(parts.struct.field(name) for name in "123")))


@cache
def _read_other_form() -> pl.Expr:
    text = pl.col("t")
    first, second, year = (text.str.extract(_YEAR_LAST, i) for i in (1, 2, 3))
    named_month = text.str.extract(_NAMED, 2).replace_strict(_number_months(), default=None, return_dtype=pl.String)
    first_month = text.str.extract(_NAMED_FIRST, 1).replace_strict(
        _number_months(), default=None, return_dtype=pl.String
    )
    day_number = pl.when(text.str.contains(_DAY_NUMBER) & _says(Written.DAY_NUMBER)).then(text)
    days = pl.coalesce(
        text.str.extract(_COMPACT, 1).str.to_date("%Y%m%d", strict=False),
        pl.when(_says(Written.DAY_FIRST)).then(_join(year, second, first)),
        pl.when(_says(Written.MONTH_FIRST)).then(_join(year, first, second)),
        pl.when(first == second).then(_join(year, first, second)),
        _join(text.str.extract(_NAMED, 3), named_month, text.str.extract(_NAMED, 1)),
        _join(text.str.extract(_NAMED_FIRST, 3), first_month, text.str.extract(_NAMED_FIRST, 2)),
        pl.when(_says(Written.STORED_YEAR)).then(_join(*(text.str.extract(YEARLESS, i) for i in (3, 1, 2)))),
        pl.date(1899, 12, 30) + pl.duration(days=day_number.cast(pl.Float64).floor().cast(pl.Int32)),
    )
    return _unless_other_day(days)


def _unless_other_day(days: pl.Expr) -> pl.Expr:
    return pl.when(~pl.col("t").str.contains(_OTHER_DAY_HERE)).then(days)


@cache
def _read_month(field: str) -> pl.Expr:
    """Return the middle of the month that a text names; a year of two digits is one of this century, but for births."""
    text = pl.col("t")
    named, short = (
        text.str.extract(pattern, 1).replace_strict(_number_months(), default=None, return_dtype=pl.String)
        for pattern in (_NAMED_MONTH, _NAMED_MONTH_SHORT)
    )
    middle = pl.lit(str(MIDDLE_OF_MONTH))
    century = pl.lit(None, dtype=pl.String) if field == _BORN else pl.lit("20")
    return pl.coalesce(
        pl.when(~text.str.contains(_LOST_ZERO)).then(
            _join(text.str.extract(_MONTH_FIRST_YEAR, 1), text.str.extract(_MONTH_FIRST_YEAR, 2), middle)
        ),
        _join(text.str.extract(_COMPACT_MONTH, 1), text.str.extract(_COMPACT_MONTH, 2), middle),
        _join(text.str.extract(_MONTH_THEN_YEAR, 2), text.str.extract(_MONTH_THEN_YEAR, 1), middle),
        _join(text.str.extract(_NAMED_MONTH, 2), named, middle),
        _join(pl.concat_str(century, text.str.extract(_NAMED_MONTH_SHORT, 2)), short, middle),
    )


def _number_months() -> dict[str, str]:
    return {name: str(number) for number, name in enumerate(_MONTHS, 1)}


def _join(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Return the day of three texts, null where one is missing or there is no such day."""
    return pl.concat_str(year, month.str.zfill(2), day.str.zfill(2), separator="-").str.to_date(
        "%Y-%m-%d", strict=False
    )


def _says(written: Written) -> pl.Expr:
    return pl.col("w").str.contains(written.value, literal=True).fill_null(value=False)
