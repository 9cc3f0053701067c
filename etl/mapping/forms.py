"""The form that the values of a column have: dates, numbers, texts of a few shapes, or anything.

A form is learned from the rows that are filled like most rows. It tells what is surely no value of a column, so that rows that are no records,
headers and cells that slipped aside are known by what stands in them and not by words alone; where it cannot tell, a text is a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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


def learn_forms(rows: pl.DataFrame) -> dict[str, Form]:
    """Return the form of each column of some rows; of fewer than three texts nothing is known.

    The columns' distinct texts are looked at together: a step of polars costs more than the few texts of a column.
    """
    by_text = _count_texts(rows).group_by("column", "t").agg(pl.col("n").sum()).filter(~_is_word(pl.col("t")))
    counts = by_text.with_columns(
        _shape(pl.col("t")).alias("shape"),
        pl.col("t").str.contains(_DAY).alias("is_day"),
        _is_number(pl.col("t")).alias("is_number"),
    )
    shapes = counts.group_by("column", "shape").agg(pl.col("n").sum()).filter(pl.col("n") > 1)
    of_shapes = shapes.group_by("column").agg("shape", n_shaped=pl.col("n").sum())
    is_repeated = pl.col("n") > 1
    told = counts.group_by("column").agg(
        total=pl.col("n").sum(),
        repeated=pl.col("t").filter(is_repeated),
        n_repeated=pl.col("n").filter(is_repeated).sum(),
        n_days=pl.col("n").filter("is_day").sum(),
        n_numbers=pl.col("n").filter("is_number").sum(),
        longest=pl.col("t").str.len_chars().max(),
    )
    learned = told.join(of_shapes, on="column", how="left")
    return dict.fromkeys(rows.columns, Form(Kind.FREE)) | {
        row["column"]: _learn_form(row) for row in learned.iter_rows(named=True)
    }


def _learn_form(told: Mapping[str, Any]) -> Form:
    """Return the form of a column from the counts of its texts."""
    total, longest = told["total"], told["longest"]
    if total < SMALLEST_COLUMN:
        return Form(Kind.FREE)
    is_coded = told["n_repeated"] >= _SHARE_OF_CODES * total
    common = {"texts": frozenset(told["repeated"]), "longest": longest, "is_coded": is_coded}
    # One value in a small column may be anything.
    most = _MOST * total if total < _FEWEST_WITH_ONE_ODD else min(_MOST * total, total - 1)
    if told["n_days"] >= most:
        return Form(Kind.DATE, **common)
    if told["n_numbers"] >= most:
        return Form(Kind.NUMBER, **common)
    shapes = frozenset(told["shape"] or ())
    is_shaped = (told["n_shaped"] or 0) >= most and len(shapes) <= _MOST_SHAPES
    if is_shaped and longest <= _LONGEST_SHAPED:
        return Form(Kind.SHAPED, shapes=shapes, **common)
    return Form(Kind.FREE, **common)


def find_misfits(rows: pl.DataFrame, forms: Mapping[str, Form]) -> dict[str, frozenset[str]]:
    """Return those of each column's texts, as they stand there, that are surely no values of it."""
    misfits: dict[str, frozenset[str]] = dict.fromkeys(forms, frozenset())
    judged = {name: form for name, form in forms.items() if form.kind != Kind.FREE}
    if judged:
        repeated = _list_by_column({name: form.texts for name, form in judged.items()}, "t")
        texts = _count_texts(rows.select(list(judged))).join(repeated, on=["column", "t"], how="anti")
        strange = _leave_out_values(texts.filter(~_is_word(pl.col("t"))), judged)
        misfits |= {name: frozenset(own) for name, own in strange.group_by("column").agg("text").iter_rows()}
    return misfits


def _leave_out_values(texts: pl.DataFrame, forms: Mapping[str, Form]) -> pl.DataFrame:
    """Return the texts that have not the form of their columns."""
    kinds = pl.col("column").replace_strict({name: form.kind.value for name, form in forms.items()})
    longest = pl.col("column").replace_strict({name: form.longest for name, form in forms.items()})
    shapes = _list_by_column({name: form.shapes for name, form in forms.items()}, "shape").with_columns(has_shape=True)
    text = pl.col("t")
    shaped = texts.with_columns(_shape(text).alias("shape")).join(shapes, on=["column", "shape"], how="left")
    is_day = text.str.contains(_DAY) | text.str.contains(_MONTH_OR_SERIAL)
    is_shaped = pl.col("has_shape").is_not_null() & (text.str.len_chars() <= 2 * longest)
    is_of_kind = pl.when(kinds == Kind.DATE.value).then(is_day).when(kinds == Kind.NUMBER.value).then(_is_number(text))
    return shaped.filter(~is_of_kind.otherwise(is_shaped))


def _list_by_column(texts: Mapping[str, frozenset[str]], name: str) -> pl.DataFrame:
    listed = [(column, text) for column, own in texts.items() for text in own]
    return pl.DataFrame(listed, schema={"column": pl.String, name: pl.String}, orient="row")


def _count_texts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct texts of each column of some rows with their number `n`, as they stand (`text`) and as they are compared (`t`)."""
    of_column = [
        pl.col(name).drop_nulls().value_counts(name="n").struct.rename_fields(["text", "n"]).implode().alias(name)
        for name in rows.columns
    ]
    counted = rows.select(of_column).unpivot(variable_name="column", value_name="cell").explode("cell")
    long = counted.unnest("cell").filter(pl.col("text").is_not_null())
    return long.with_columns(_fold(pl.col("text")).alias("t"))


def is_value(text: str | None, form: Form) -> bool:
    """Whether one text may be a value of a column; an empty cell may."""
    return text is None or not find_misfits(pl.DataFrame({"0": [text]}), {"0": form})["0"]


def is_name_above(text: str, form: Form) -> bool:
    """Whether a text above a column is none of its values, as its name is: of codes it would be one that never occurs below."""
    if form.is_coded and form.kind == Kind.SHAPED:
        return pl.select(_fold(pl.lit(text))).item() not in form.texts
    return not is_value(text, form)


def is_word_for_nothing(text: pl.Expr) -> pl.Expr:
    """Whether a cell says that there is no value: it fits every column and proves nothing."""
    return text.str.strip_chars().str.to_lowercase().is_in(MISSING_TEXTS)


def _fold(text: pl.Expr) -> pl.Expr:
    return text.str.normalize("NFKC").str.strip_chars().str.replace_all(r"\s+", " ")


def _shape(text: pl.Expr) -> pl.Expr:
    """Return a text with each run of digits, Latin letters and Chinese characters as one: `ZY100234` and `A7` are both `A9`."""
    runs = text.str.replace_all(r"\d+", "9").str.replace_all(r"[A-Za-z]+", "A").str.replace_all(r"\s+", "")
    return runs.str.replace_all(r"\p{Han}+", "中")


def _is_word(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().is_in(_WORDS)


def _is_number(text: pl.Expr) -> pl.Expr:
    beside = text.str.replace_all(_SIGNS, "")
    return text.str.contains(_NUMBER_START) & ~text.str.contains(_DAY) & beside.str.contains(_BESIDE)


_PROSE = re.compile(r"[:：,，。;；!！?？、]|[^\x00-\x7f]\s+[^\x00-\x7f]")


def is_prose(text: str, form: Form) -> bool:
    """Whether a text that is no value of a column reads like a sentence or a signature and not like a mistyped value."""
    return bool(_PROSE.search(text)) or (form.longest > 0 and len(text) > 2 * form.longest)
