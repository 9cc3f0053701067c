"""What a number in a workbook shows: its number format says whether it is a day, a month, a time, a share, or a number.

A workbook keeps a date as a number of days. Source: ECMA-376, part 1, 18.8.30 (numFmt), with the formats of Chinese Excel,
which stand in no file (identifiers 27 to 36 and 50 to 58).
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import Enum

CHINESE_FORMATS = {
    **dict.fromkeys((27, 36, 50, 52, 57), 'yyyy"年"m"月"'),
    **dict.fromkeys((28, 29, 51, 53, 54, 58), 'm"月"d"日"'),
    30: "m-d-yy",
    31: 'yyyy"年"m"月"d"日"',
    **dict.fromkeys((32, 34, 55), 'h"时"mm"分"'),
    **dict.fromkeys((33, 35, 56), 'h"时"mm"分"ss"秒"'),
}
_BUILT_IN = {
    9: "0%", 10: "0.00%", 14: "m/d/yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "m/d/yyyy h:mm", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", **CHINESE_FORMATS,
}  # fmt: skip
# What stands in a format and is shown as it is, is as wide as a character, fills a cell, or names a colour, a language or a condition.
_LITERAL = re.compile(r'"[^"]{0,255}"|\\.|_.|\*.|\[(?!h{1,9}\]|m{1,9}\]|s{1,9}\])[^\]]{0,255}\]', re.IGNORECASE)
_HALF_OF_DAY = re.compile(r"AM/PM|A/P|上午/下午", re.IGNORECASE)
_MINUTES = re.compile(r"(?<=[h\]:])[^ymds]{0,255}m{1,9}|m{1,9}(?=[^ymdh]{0,255}s)|\[m{1,9}\]", re.IGNORECASE)
ERROR_TEXT, ROUNDED_TEXT = "#ERROR", "#ROUNDED"
"""What stands in place of a cell that was not computed, and of a number of which more digits were typed than a program keeps."""
MOST_DIGITS = 15
_THREE_DECIMALS = re.compile(r"^\s*-?[1-9]\d{0,2}\.\d{3}\s*$")
_LAST_SERIAL = 2_958_465
_FALSE_LEAP_DAY = 60
_EPOCH_1904 = dt.datetime(1904, 1, 1)
_EPOCH = dt.datetime(1899, 12, 30)


class Shown(Enum):
    """What a number format makes of a number."""

    NUMBER, DAY, MONTH, YEAR, TIME, SHARE = "number", "day", "month", "year", "time", "share"
    YEARLESS = "day without its year"


def find_unknown(identifier: int, codes: Mapping[int, str]) -> Shown | None:
    """Return what a format shows where readers of workbooks do not know it or say more than it shows; else None.

    They know a plain number, and a day by a format that the file or every Excel defines. `codes` are those of the file.
    """
    shown = read_format(codes.get(identifier) or _BUILT_IN.get(identifier, "General"))
    is_known = shown is Shown.NUMBER or (
        shown is Shown.DAY and (identifier in codes or identifier not in CHINESE_FORMATS)
    )
    return None if is_known else shown


def read_format(code: str) -> Shown:
    """Return what a format code shows.

    A day whose year is not shown (`m"月"d"日"`) may have another than was meant: Excel adds the year in which it is typed.
    """
    plain = _LITERAL.sub("", code.split(";", maxsplit=1)[0])
    if plain.strip().lower() in ("general", "@", ""):
        return Shown.NUMBER
    dated = _MINUTES.sub("h", _HALF_OF_DAY.sub("h", plain)).lower()
    if "d" in dated:
        return Shown.DAY if re.search("[ye]", dated) else Shown.YEARLESS
    if "m" in dated:
        return Shown.MONTH
    if "y" in dated or re.fullmatch(r"e+", dated.strip("年 ")):
        return Shown.YEAR
    if "h" in dated or "s" in dated:
        return Shown.TIME
    return Shown.SHARE if "%" in dated else Shown.NUMBER


def looks_like_number(text: str) -> bool:
    """Whether a text looks like a number of three decimals (`1.210`), which is a thousand and more in a file with decimal commas."""
    return bool(_THREE_DECIMALS.match(unicodedata.normalize("NFKC", text)))


def group_rows(places: Sequence[tuple[int, int]]) -> dict[str, frozenset[int]]:
    """Return the rows, from 1, of each position (a column's place as text) among places from 0."""
    found: dict[str, set[int]] = {}
    for row, column in places:
        found.setdefault(str(column), set()).add(row + 1)
    return {position: frozenset(rows) for position, rows in found.items()}


def is_rounded(number: float) -> bool:
    """Whether a number has more digits than Excel keeps: an identity number typed as a number has lost its last ones."""
    return number.is_integer() and abs(number) >= 10**MOST_DIGITS


def print_number(number: float, shown: Shown, *, is_1904: bool) -> str | None:
    """Return what a cell shows, as precisely as it shows it: `2020-03-05`, `2020-03`, `12:00:00`, `62.5%`; None for a plain number.

    The numbers that stand for no day, 0 and the 29 February 1900 that never was, are printed as Excel shows them.
    """
    if shown is Shown.NUMBER:
        return None
    if shown is Shown.SHARE:
        return f"{round(100 * number, 10):.10g}%"
    if shown is Shown.TIME:
        seconds = round(86_400 * number)
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    day = _print_day(number, is_1904=is_1904)
    if day is None:
        return None
    return show_day(day, shown)


def show_day(day: str, shown: Shown) -> str:
    """Return of a day in ISO's form, perhaps with a time, what a format shows of it: `2020-03`, `2020`; without its year `03-05 (2020)`."""
    parts = {Shown.MONTH: day[:7], Shown.YEAR: day[:4], Shown.YEARLESS: f"{day[5:10]} ({day[:4]})"}
    return parts.get(shown, day)


def _print_day(number: float, *, is_1904: bool) -> str | None:
    if not 0 <= number <= _LAST_SERIAL:
        return None
    if is_1904:
        return _print_moment(_EPOCH_1904 + dt.timedelta(seconds=round(86_400 * number)))
    if int(number) == _FALSE_LEAP_DAY:
        return "1900-02-29"
    if number < 1:
        return "1900-01-00"
    shift = 1 if number < _FALSE_LEAP_DAY else 0
    return _print_moment(_EPOCH + dt.timedelta(days=shift, seconds=round(86_400 * number)))


def _print_moment(moment: dt.datetime) -> str:
    return moment.date().isoformat() if moment.time() == dt.time() else moment.isoformat(sep=" ", timespec="seconds")
