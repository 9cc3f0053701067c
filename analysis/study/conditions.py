"""Conditions of a specification as expressions on the subject table, refused where they ask a column for what it cannot hold."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

import polars as pl

from analysis.study.population import Bound, Condition
from etl.errors import AnalysisError
from etl.suggestions import did_you_mean

LIMITS: dict[str, Callable[[pl.Expr, Bound], pl.Expr]] = {
    "at_least": operator.ge,
    "above": operator.gt,
    "at_most": operator.le,
    "below": operator.lt,
}
FEWEST_TO_NAME = 5
"""A value of a column is named in a message only where so many patients share it."""


def meet_all(frame: pl.DataFrame, conditions: Sequence[Condition], place: str) -> pl.Expr:
    """Return who meets all of the conditions: null where a value is missing and nothing else decides.

    `place` is the key of the specification that they belong to, for messages.

    Raises `AnalysisError` for a limit on a column that holds neither numbers nor dates, and for a value that nobody has.
    """
    return pl.all_horizontal(_meet(frame, condition, place) for condition in conditions)


def _meet(frame: pl.DataFrame, condition: Condition, place: str) -> pl.Expr:
    column = pl.col(condition.column)
    asked = []
    for name, limit in condition.limits.items():
        _check_limit(frame, condition.column, limit, f"{place}.{name}")
        asked.append(LIMITS[name](column, limit))
    text = column.cast(pl.String)
    for name, values in (("any_of", condition.any_of), ("none_of", condition.none_of)):
        if values:
            _check_values(frame, condition.column, values, f"{place}.{name}")
            asked.append(text.is_in(values) if name == "any_of" else ~text.is_in(values))
    return pl.all_horizontal(asked)


def _check_limit(frame: pl.DataFrame, column: str, limit: Bound, place: str) -> None:
    dtype = frame.schema[column]
    fits = dtype.is_numeric() if isinstance(limit, int | float) else dtype == pl.Date
    if not fits:
        kind, kind_zh = ("numbers", "数值") if isinstance(limit, int | float) else ("dates", "日期")
        raise AnalysisError(
            f"{place}: column '{column}' does not hold {kind}; take any_of, or another column",
            f"{place}：“{column}”列不是{kind_zh}；请使用 any_of 或其他列",
        )


def _check_values(frame: pl.DataFrame, column: str, values: Sequence[str], place: str) -> None:
    counts = (
        frame[column].drop_nulls().cast(pl.String).value_counts(name="n").sort("n", column, descending=[True, False])
    )
    present = set(counts[column])
    absent = [value for value in values if value not in present]
    if not absent:
        return
    common = counts.filter(pl.col("n") >= FEWEST_TO_NAME)[column].to_list()
    near = did_you_mean(absent[0], common)
    listed = ", ".join(common[:12]) or "–"
    raise AnalysisError(
        f"{place}: nobody has the value {', '.join(absent)} in column '{column}'.{near.en} Values of at least {FEWEST_TO_NAME} patients: {listed}",
        f"{place}：“{column}”列中没有取值 {'、'.join(absent)}。{near.zh}至少 {FEWEST_TO_NAME} 名患者的取值：{listed}",
    )
