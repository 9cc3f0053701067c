"""Laboratory values of which only a bound is known (`>1210`, not detected): what a study may conclude from them, and what stays unknown."""

from __future__ import annotations

import polars as pl

from schemas.codes import Comparator

SUFFIX = "_comparator"
_BELOW = (Comparator.BELOW.value, Comparator.AT_MOST.value, Comparator.NOT_DETECTED.value)
_ABOVE = (Comparator.ABOVE.value, Comparator.AT_LEAST.value)


def find_comparator(frame: pl.DataFrame, column: str) -> str | None:
    """Return the column that says whether a value is one or a bound: `afp_comparator` of `afp_ng_ml`; none where there is none."""
    own = [
        name for name in frame.columns if name.endswith(SUFFIX) and column.startswith(name.removesuffix(SUFFIX) + "_")
    ]
    return max(own, key=len) if own and frame.schema[column].is_numeric() else None


def is_bound(frame: pl.DataFrame, column: str) -> pl.Expr:
    """Return where only a bound is known; never null."""
    comparator = find_comparator(frame, column)
    if comparator is None:
        return pl.lit(value=False)
    return (pl.col(comparator) != Comparator.EQUAL.value).fill_null(value=False)


def settle(frame: pl.DataFrame, column: str, cut: float, is_passed: pl.Expr) -> pl.Expr:
    """Return whether a value lies beyond a cut (`is_passed`, as if it were exact), null where its bound leaves that open.

    `<v` is settled for v up to the cut, `>v` from the cut on, and a bound at the cut itself is read as beyond it (protocol).
    """
    comparator = find_comparator(frame, column)
    if comparator is None:
        return is_passed
    value, sign = pl.col(column), pl.col(comparator)
    by_bound = (
        pl.when(sign.is_in(_BELOW) & (value.fill_null(0) <= cut)).then(pl.lit(value=False))
        .when(sign.is_in(_ABOVE) & (value >= cut)).then(pl.lit(value=True))
    )  # fmt: skip
    return pl.when(is_bound(frame, column)).then(by_bound).otherwise(is_passed)
