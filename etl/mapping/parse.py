"""Reads cell texts as the contract's types: numbers, censored numbers, codes; dates by `etl/mapping/dates.py`.

Every function works on whole columns. A text that is there and cannot be read comes back as null with the name of the
contract rule it breaks; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from etl.mapping.dates import read_dates
from etl.mapping.written import TYPED, UNPROVEN, Written
from schemas.codes import Comparator
from schemas.contract import FieldContract

UNREADABLE, UNKNOWN_CODE, UNKNOWN_UNIT, IMPOSSIBLE = "unreadable", "code", "unit", "range"
AFTER_DELIVERY, ONLY_MONTH, PLACEHOLDER = "after_delivery", "month", "placeholder"
MISSING_TEXTS = (
    "", "na", "n/a", "nan", "null", "-", "--", "—", "/", "\\", "?", "unknown", "not available", "missing",
    "无数据", "不详", "未知", "未查", "未测", "缺失",
)  # fmt: skip
MISSING = "missing"
"""What codes.csv calls a hospital's own text for "no value", such as 99 or 待查."""
UNSCHEDULED = r"(?i)^\s{0,9}(?:(?:v|visit|访视|第)?\s{0,9}\d{1,3}[.．]\d?[1-9]\s{0,9}次?|.{0,200}(?:计划外|非计划|临时|加做|加测|额外|unscheduled|unsched|unplanned|interim|extra|ad.?hoc).*|uns|unsch)\s{0,9}$"
"""Texts that hospitals write in place of a visit's number: between two visits, or outside the plan."""
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
# A blank stands only between thousands: two numbers in one cell, `12 5` or `3.9` above `4.1`, are not one. No thousands begin
# with 0: `0,955` has a decimal comma.
_NUMBER = r"^[+-]?(?:(?:\d+|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,2}(?: \d{3})+)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$"
_TYPED_NUMBER = r"^-?\d+\.\d+(?:[eE][+-]?\d+)?$"
_THOUSAND = r"[1-9]\d{0,2}[.,]\d{3}(?:\D|$)"
# What laboratories print behind a number: too high, too low, marked. A small l right behind a number may be a 1 (`4.l`).
_FLAG = r"(\d)(?:\s*(?:[↑↓*]+|\((?:HH?|LL?|hh?|ll?|[↑↓*])\)|HH?|LL?)|\s+(?:hh?|ll?))$"
_NO_WIDTH = r"[\x{200b}-\x{200f}\x{2060}\x{feff}]"
_TEN = r"^(<|>|<=|>=)?\s*10\^(\d{1,2})$"
_SMALL_DIGITS = r"[₀-₉①-⓿❶-➓㈠-㈩㊀-㊉½¼¾⅐-⅞]"
_PLAIN = r"^[<>]?=?[\d.,+-]*$"
# After NFKC a superscript 3 is 3: 10 and one more digit, or two up to 12, are a power.
_POWER = r"\s*[×x*]\s*10(?:\^\s*(-?\d{1,2})|([1-9]|1[0-2]))$"
# Words that count and are no unit: 52岁, 1分, 3个, 2级, 第1次, 一线.
_COUNTED = r"^第?\s*(\d+(?:\.\d+)?|[一二三四五六七八九十])\s*(?:周?岁|分|级|个|枚|处|次|线)$"
_NUMERALS = {numeral: str(number) for number, numeral in enumerate("一二三四五六七八九十", 1)}
ONGOING_TEXTS = ("至今", "仍在用药", "用药中", "持续中", "未停药", "ongoing", "continuing")
"""What stands in the place of an end that has not come: no date, and nothing to ask about."""
_LARGEST_COUNT = 2**53
_CENSORED = r"^([<>≤≥≦≧]=?)\s*(.+)$"
_SIGN_WORDS = {
    r"^(?:大于等于|不小于|不低于|≥=?)": ">=", r"^(?:小于等于|不大于|不高于|不超过|≤=?)": "<=",
    r"^(?:大于|高于|超过)": ">", r"^(?:小于|低于|不足)": "<",
}  # fmt: skip
_SIGN_BEHIND = {r"^([\d., ]*\d)\s*(?:及?以上)$": ">=$1", r"^([\d., ]*\d)\s*(?:及?以下)$": "<=$1"}
_NEGATIVE_SIGN = r"\s*\(-\)$"


@dataclass(frozen=True)
class Parsed:
    """A column of typed values and, for each row, the rule its text breaks (null where it breaks none).

    `is_month` marks the days that stand in for a month, where the hospital says that only the month is known.
    """

    values: pl.Series
    fault: pl.Series
    comparator: pl.Series | None = None
    is_month: pl.Series | None = None


def clean(text: pl.Expr) -> pl.Expr:
    """Return texts in the form in which they are read: NFKC (full-width digits become plain), without characters of no width, stripped, empty as null."""
    return text.str.replace_all(_NO_WIDTH, "").str.normalize("NFKC").str.strip_chars().replace("", None)


def clean_text(texts: pl.Series) -> pl.Series:
    """Return texts in the form in which they are read: see `clean`."""
    return _select(texts, clean(pl.col("t")))


def mark_small_digits(texts: pl.Series) -> pl.Series:
    """Return texts in which a raised digit is `^5` and an encircled one no digit: as plain digits `10⁵` would be 105, `2²` 22, `①` 1."""
    marked = (
        pl.col("t")
        .str.replace_all(r"[⁺⁻]", "")
        .str.replace_all(r"([⁰¹²³⁴-⁹]+)", "^${1}")
        .str.replace_all(_SMALL_DIGITS, "#")
    )
    return _select(texts, marked) if texts.str.contains(r"[⁰¹²³⁴-⁹]|" + _SMALL_DIGITS).any() else texts


def drop_missing(texts: pl.Series) -> pl.Series:
    """Turn the texts that mean "no value" into null."""
    return _select(texts, _unless(_is_missing(pl.col("t"))))


def parse_numbers(texts: pl.Series) -> pl.Series:
    """Read plain numbers, also with thousands commas or a counting word (52岁, 第1次, 一线); with another word or a unit beside it gives null."""
    counted = pl.col("t").str.strip_chars().str.extract(_COUNTED, 1).replace(_NUMERALS)
    lowered = pl.coalesce(counted, "t").str.to_lowercase().str.strip_chars().str.replace(r"^([+-]) +", "$1")
    readable = pl.when(pl.col("t").str.contains(_NUMBER)).then(pl.col("t").str.replace_all("[, ]", ""))
    return _select(texts, lowered, readable.cast(pl.Float64, strict=False), _unless(pl.col("t").is_infinite()))


def undecorate(texts: pl.Series) -> pl.Series:
    """Return the numbers that laboratories print (`3.2 ↑`, `1.2×10^3`, `大于1210`, `400以上`, `阴性(-)`) as plain ones; nothing is lost."""
    steps = [pl.col("t").str.strip_chars().str.replace(_FLAG, "${1}").str.to_lowercase()]
    steps += [pl.col("t").str.replace(pattern, sign) for pattern, sign in {**_SIGN_WORDS, **_SIGN_BEHIND}.items()]
    power = pl.col("t").str.replace(_POWER, "e${1}${2}")
    steps += [power, pl.col("t").str.replace(_TEN, "${1}1e${2}"), pl.col("t").str.replace(_NEGATIVE_SIGN, "")]
    return _select(texts, *steps)


def read_signs(texts: pl.Series, written: pl.Series | None) -> pl.Series:
    """Return numbers as a file with decimal points would have them; `written` says of each how it is written, null: so already.

    Where the decimal sign is not proven, a text that could be two numbers keeps a mark with which it is none.
    """
    if written is None or not texts.str.contains("[.,]").any():
        return texts
    # In a workbook a number is a number, which its reader writes with a point; only texts have the file's sign.
    is_pointed = pl.col("w").str.contains(TYPED, literal=True) & pl.col("t").str.contains(_TYPED_NUMBER)
    is_either = is_pointed & pl.col("t").str.contains(_THOUSAND) & ~pl.col("t").str.ends_with("0")
    is_number = is_pointed & ~pl.col("t").str.contains(_THOUSAND)
    swapped = (
        pl.col("t").str.replace_all(",", "\x00").str.replace_all(".", ",", literal=True).str.replace_all("\x00", ".")
    )
    has_comma = pl.col("w").str.contains(Written.DECIMAL_COMMA.value, literal=True)
    is_unproven = pl.col("w").str.contains(UNPROVEN, literal=True) & pl.col("t").str.contains(_THOUSAND)
    doubtful = pl.lit("? ") + pl.col("t")
    read = (
        pl.when(is_unproven | (has_comma & is_either))
        .then(doubtful)
        .when(has_comma & ~is_number)
        .then(swapped)
        .otherwise("t")
    )
    return pl.DataFrame({"t": texts, "w": written}).select(read).to_series().alias(texts.name)


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


def parse_field(
    texts: pl.Series, spec: FieldContract, codes: Mapping[str, str], written: pl.Series | None = None
) -> Parsed:
    """Read one column of cleaned texts as its contract says.

    `codes` are the hospital's, one of which may mean no value; `written` says how each text is written, where the mapping does.
    """
    texts = _drop_declared_missing(texts, codes)
    if spec.codes is not None or spec.dtype == pl.Boolean:
        return parse_codes(texts, spec, codes)
    if spec.dtype == pl.Int64 and codes:
        texts = _number_codes(texts, codes)
    if spec.dtype == pl.Date:
        return _parse_dated(texts, spec, written)
    present = drop_missing(texts)
    if spec.dtype == pl.String:
        return Parsed(present, pl.Series("fault", [None] * len(present), dtype=pl.String))
    return _parse_numeric(present, spec, written)


def _parse_dated(texts: pl.Series, spec: FieldContract, written: pl.Series | None) -> Parsed:
    has_none = _is_missing(pl.col("t")) | pl.col("t").str.to_lowercase().is_in(ONGOING_TEXTS)
    present = _select(texts, _unless(has_none))
    dates = read_dates(present, written, field=spec.name)
    read = pl.DataFrame({"t": present, "d": dates.days, "m": dates.is_month, "p": dates.is_placeholder})
    is_empty = pl.col("t").is_null() | pl.col("d").is_not_null()
    fault = (
        pl.when(pl.col("p")).then(pl.lit(PLACEHOLDER))
        .when(is_empty).then(None)
        .when(pl.col("m")).then(pl.lit(ONLY_MONTH))
        .otherwise(pl.lit(UNREADABLE))
    )  # fmt: skip
    told = read.select(fault.alias("fault"), (pl.col("m") & pl.col("d").is_not_null()).alias("is_month"))
    return Parsed(read["d"], told["fault"], is_month=told["is_month"])


def _parse_numeric(present: pl.Series, spec: FieldContract, written: pl.Series | None) -> Parsed:
    present = read_signs(present, written)
    comparator = None
    if not present.str.contains(_PLAIN).all():
        present = undecorate(present)
    if spec.is_censored:
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
