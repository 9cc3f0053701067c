"""Reads cell texts as the contract's types: dates, numbers, censored numbers, codes.

Every function works on whole columns. A text that is there and cannot be read comes back as null with the name of the
contract rule it breaks; nothing is guessed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from schemas.codes import Comparator
from schemas.contract import FieldContract

UNREADABLE, UNKNOWN_CODE, UNKNOWN_UNIT, IMPOSSIBLE = "unreadable", "code", "unit", "range"
AFTER_DELIVERY = "after_delivery"
MISSING_TEXTS = (
    "", "na", "n/a", "nan", "null", "-", "--", "—", "/", "\\", "?", "unknown", "not available", "missing",
    "无数据", "不详", "未知", "未查", "未测", "缺失",
)  # fmt: skip
MISSING = "missing"
"""What codes.csv calls a hospital's own text for "no value", such as 99 or 待查."""
NOT_DETECTED_TEXTS = (
    "未检出",
    "未检测到",
    "低于检测下限",
    "not detected",
    "undetected",
    "undetectable",
    "阴性",
    "negative",
    "tnd",
)
_DATE = r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$"
# What Excel hands over for a time without a date.
_NO_DATE = (dt.date(1899, 12, 30), dt.date(1899, 12, 31))
_COMPACT_DATE = r"^(19|20)\d{6}$"
_EXCEL_SERIAL = r"^[2-5]\d{4}(?:\.\d+)?$"
# A blank stands only between thousands: two numbers in one cell, `12 5` or `3.9` above `4.1`, are not one.
_NUMBER = r"^[+-]?(?:\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+)(?:\.\d*)?(?:e[+-]?\d+)?$"
# Words that count and are no unit: 52岁, 1分, 3个, 2级, 第1次, 一线.
_COUNTED = r"^第?\s*(\d+(?:\.\d+)?|[一二三四五六七八九十])\s*(?:周?岁|分|级|个|枚|处|次|线)$"
_NUMERALS = {numeral: str(number) for number, numeral in enumerate("一二三四五六七八九十", 1)}
ONGOING_TEXTS = ("至今", "仍在用药", "用药中", "持续中", "未停药", "ongoing", "continuing")
"""What stands in the place of an end that has not come: no date, and nothing to ask about."""
_LARGEST_COUNT = 2**53
_CENSORED = r"^([<>≤≥≦≧]=?)\s*(.+)$"


@dataclass(frozen=True)
class Parsed:
    """A column of typed values and, for each row, the rule its text breaks (null where it breaks none)."""

    values: pl.Series
    fault: pl.Series
    comparator: pl.Series | None = None


def clean_text(texts: pl.Series) -> pl.Series:
    """Return texts in the form in which they are read: NFKC (full-width digits become plain), stripped, empty as null."""
    return _select(texts, pl.col("t").str.normalize("NFKC").str.strip_chars().replace("", None))


def drop_missing(texts: pl.Series) -> pl.Series:
    """Turn the texts that mean "no value" into null."""
    return _select(texts, _unless(_is_missing(pl.col("t"))))


def parse_dates(texts: pl.Series) -> pl.Series:
    """Read 2020-03-05, 2020/3/5, 2020.3.5, 2020年3月5日, 20200305 and Excel's serial numbers; others give null."""
    parts = [pl.col("t").str.extract(_DATE, i) for i in (1, 2, 3)]
    padded = pl.concat_str(parts[0], parts[1].str.zfill(2), parts[2].str.zfill(2), separator="-")
    compact = pl.when(pl.col("t").str.contains(_COMPACT_DATE)).then(pl.col("t"))
    serial = pl.when(pl.col("t").str.contains(_EXCEL_SERIAL)).then(pl.col("t")).cast(pl.Float64).floor().cast(pl.Int32)
    excel_epoch = pl.date(1899, 12, 30)
    days = pl.coalesce(
        padded.str.to_date("%Y-%m-%d", strict=False),
        compact.str.to_date("%Y%m%d", strict=False),
        excel_epoch + pl.duration(days=serial),
    )
    return _select(texts, days, _unless(pl.col("t").is_in(_NO_DATE)))


def parse_numbers(texts: pl.Series) -> pl.Series:
    """Read plain numbers, also with thousands commas or a counting word (52岁, 第1次, 一线); with another word or a unit beside it gives null."""
    counted = pl.col("t").str.strip_chars().str.extract(_COUNTED, 1).replace(_NUMERALS)
    lowered = pl.coalesce(counted, "t").str.to_lowercase().str.strip_chars().str.replace(r"^([+-]) +", "$1")
    readable = pl.when(pl.col("t").str.contains(_NUMBER)).then(pl.col("t").str.replace_all("[, ]", ""))
    return _select(texts, lowered, readable.cast(pl.Float64, strict=False), _unless(pl.col("t").is_infinite()))


def parse_censored(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Read numbers that may be bounds (`>1210`, `<0.6`, `≥400`) or 未检出; return values and comparators.

    What was not detected has no value.
    """
    values = parse_numbers(_select(texts, pl.coalesce(pl.col("t").str.extract(_CENSORED, 2), "t")))
    sign = pl.col("t").str.extract(_CENSORED, 1).str.replace("[≤≦]=?", "<=").str.replace("[≥≧]=?", ">=")
    comparator = (
        pl.when(pl.col("t").str.to_lowercase().is_in(NOT_DETECTED_TEXTS)).then(pl.lit(Comparator.NOT_DETECTED.value))
        .when(pl.col("v").is_null()).then(None)
        .otherwise(sign.fill_null(Comparator.EQUAL.value))
    )  # fmt: skip
    return values, pl.DataFrame({"t": texts, "v": values}).select(comparator.alias("c")).to_series()


def parse_codes(texts: pl.Series, spec: FieldContract, codes: Mapping[str, str]) -> Parsed:
    """Translate a hospital's codes to the registry's; the registry's own codes are understood as they are."""
    own = [code.value for code in spec.codes] if spec.codes else ["true", "false"]
    known = {**{value.casefold(): value for value in own}, **codes}
    key = pl.col("t").str.replace_all(r"\s+", " ").str.to_lowercase()
    read = texts.to_frame("t").with_columns(
        v=key.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)
    )
    is_unknown = pl.col("v").is_null() & ~_is_missing(pl.col("t"))
    value = pl.col("v") == "true" if spec.codes is None else pl.col("v")
    read = read.select(value.alias("value"), _name_fault(is_unknown, UNKNOWN_CODE).alias("fault"))
    return Parsed(read["value"], read["fault"])


def parse_field(texts: pl.Series, spec: FieldContract, codes: Mapping[str, str]) -> Parsed:
    """Read one column of cleaned texts as its contract says; `codes` are the hospital's, one of which may mean no value."""
    texts = _drop_declared_missing(texts, codes)
    if spec.codes is not None or spec.dtype == pl.Boolean:
        return parse_codes(texts, spec, codes)
    if spec.dtype == pl.Int64 and codes:
        texts = _number_codes(texts, codes)
    has_none = [_is_missing(pl.col("t"))]
    if spec.dtype == pl.Date:
        has_none.append(pl.col("t").str.to_lowercase().is_in(ONGOING_TEXTS))
    present = _select(texts, _unless(pl.any_horizontal(has_none)))
    if spec.dtype == pl.String:
        return Parsed(present, pl.Series("fault", [None] * len(present), dtype=pl.String))
    comparator = None
    if spec.dtype == pl.Date:
        values = parse_dates(present)
    elif spec.is_censored:
        values, comparator = parse_censored(present)
    else:
        values = parse_numbers(present)
    read = pl.DataFrame({"t": present, "value": values, "sign": values if comparator is None else comparator})
    is_fault = pl.col("t").is_not_null() & pl.col("sign").is_null()
    if spec.dtype == pl.Int64:
        is_count = (pl.col("value") == pl.col("value").floor()) & (pl.col("value").abs() <= _LARGEST_COUNT)
        is_fault = is_fault | ~is_count
        read = read.with_columns(is_fault.alias("f")).select(
            pl.when(is_count).then("value").cast(pl.Int64).alias("value"),
            _name_fault(pl.col("f"), UNREADABLE).alias("fault"),
        )
    else:
        read = read.select("value", _name_fault(is_fault, UNREADABLE).alias("fault"))
    return Parsed(read["value"], read["fault"], comparator)


def _is_missing(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().is_in(MISSING_TEXTS)


def _drop_declared_missing(texts: pl.Series, codes: Mapping[str, str]) -> pl.Series:
    """Turn the texts that the hospital's mapping declares to mean "no value" into null."""
    missing = [code for code, value in codes.items() if value == MISSING]
    if not missing:
        return texts
    return _select(texts, _unless(pl.col("t").str.replace_all(r"\s+", " ").str.to_lowercase().is_in(missing)))


def _number_codes(texts: pl.Series, codes: Mapping[str, str]) -> pl.Series:
    """Turn the hospital's words for whole numbers (`month_3`, 术后1月) into the numbers that they stand for."""
    key = pl.col("t").str.replace_all(r"\s+", " ").str.to_lowercase()
    return _select(
        texts,
        pl.coalesce(key.replace_strict(list(codes), list(codes.values()), default=None, return_dtype=pl.String), "t"),
    )


def _select(texts: pl.Series, *steps: pl.Expr) -> pl.Series:
    """Return what a column, called `t`, becomes step by step: a step that used another twice would have it computed twice."""
    frame = texts.to_frame("t")
    for step in steps:
        frame = frame.select(step.alias("t"))
    return frame.to_series().alias(texts.name)


def _unless(is_none: pl.Expr) -> pl.Expr:
    return pl.when(~is_none).then("t")


def _name_fault(is_fault: pl.Expr, name: str) -> pl.Expr:
    """Return the name of a contract rule where it is broken, else null."""
    return pl.when(is_fault).then(pl.lit(name))
