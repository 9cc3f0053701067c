"""Words and numbers in a column of numbers, dates or free texts that may say that there is no value: 待查, ND, 999.

What they say in one hospital is for a person to decide, unless they can be nothing else there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from etl.mapping.parse import MISSING, parse_numbers
from etl.mapping.site import normalise_code
from etl.onboarding.proposing.words import VALUE
from etl.pages.disclosure import SMALL_CELL_THRESHOLD
from etl.pages.text import Text
from schemas.contract import FieldContract

_ALWAYS = (
    "空", "未查", "未测", "未做", "未检", "待查", "待报", "待回报", "拒查", "失访", "不明", "未填", "缺", "nk", "unk", "nav", "na.", ".", "..", "[not available]", "not done",
    "not applicable", "not known", "missing", "#n/a", "\\n",
)  # fmt: skip
_ELSEWHERE_A_VALUE = ("无", "未", "没有", "none", "nil", "no", "nd", "n.d.", "ne")
"""无 may be 0, "no thrombus", or nothing known; ND not done or not detected."""
_NUMBER = re.compile(r"^(?:9+(?:\.9+)?|8{2,}|-(?:1|9|8{2,}|9+[89]?))(?:\.0+)?$")
_SAME = 0.25
_MORE_OFTEN = 3
_WORD = Text("says that nothing is known", "表示无内容")
_EITHER = Text("a value here, or does it say that nothing is known?", "在此是取值，还是表示无内容？")
_AMONG = Text("a value amid others like it", "与相近取值并存，视为取值")
_LIMITS = Text("outside what is possible: it says that nothing is known", "超出可能范围：表示无内容")
_NO_DAY = Text("is no day: it says that nothing is known", "不是日期：表示无内容")

Limits = tuple[float | None, float | None]


@dataclass(frozen=True)
class NoValue:
    """A text that may say that there is no value, how often it stands there, and what it is taken to mean.

    `value` is "" where nothing is known of it; where it `is_sure` nobody needs to say.
    """

    text: str
    count: int
    value: str
    is_sure: bool
    reason: Text


def pick_suspects(counts: Mapping[str, int]) -> dict[str, int]:
    """Return those of a column's texts that may say that there is no value, with how often each stands there."""
    return {text: n for text, n in counts.items() if _is_word(text) or _NUMBER.match(text)}


def list_no_values(
    suspects: Mapping[str, int], numbers: pl.Series, spec: FieldContract, limits: Limits
) -> Iterator[NoValue]:
    """Yield the suspects of a column of `numbers` (none where it is another) that is read into a field, with what they are taken for.

    A number amid others like it (99 between 97 and 103) is taken for a value, unless it stands there far more often than those.
    """
    for text, n in suspects.items():
        if spec.dtype == pl.Date:
            yield NoValue(text, n, MISSING, is_sure=True, reason=_WORD if _is_word(text) else _NO_DAY)
        elif _is_word(text):
            is_clear = normalise_code(text) in _ALWAYS
            yield NoValue(text, n, MISSING if is_clear else "", is_sure=is_clear, reason=_WORD if is_clear else _EITHER)
        elif spec.dtype == pl.String:
            yield NoValue(text, n, MISSING, is_sure=False, reason=_EITHER)
        elif spec.dtype in (pl.Int64, pl.Float64) and not spec.is_key:
            yield from _judge_number(text, n, numbers, limits)


def is_value(code: str, spec: FieldContract) -> bool:
    """Whether a text would be read as a value of the field if nobody said that it is none."""
    if spec.codes or spec.dtype in (pl.Boolean, pl.Date):
        return False
    return spec.dtype == pl.String or parse_numbers(pl.Series([code]))[0] is not None


def _is_word(text: str) -> bool:
    return normalise_code(text) in (*_ALWAYS, *_ELSEWHERE_A_VALUE)


def _judge_number(text: str, n: int, numbers: pl.Series, limits: Limits) -> Iterator[NoValue]:
    number, (low, high) = float(text), limits
    if (low is not None and number < low) or (high is not None and number > high):
        yield NoValue(text, n, MISSING, is_sure=True, reason=_LIMITS)
        return
    width = max(1.0, _SAME * abs(number))
    alike = numbers.filter((numbers != number) & ((numbers - number).abs() <= width))
    is_often = n >= SMALL_CELL_THRESHOLD and n >= _MORE_OFTEN * (alike.value_counts()["count"].max() or 0)  # type: ignore[operator]
    is_among = bool((alike < number).any() and (alike > number).any())
    if is_often or not is_among:
        yield NoValue(text, n, MISSING if is_often else "", is_sure=False, reason=_EITHER)
    else:
        yield NoValue(text, n, VALUE, is_sure=True, reason=_AMONG)
