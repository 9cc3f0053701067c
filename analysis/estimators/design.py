"""Design matrices: from typed covariates to the numeric columns a regression model takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from etl.errors import AnalysisError


@dataclass(frozen=True)
class Design:
    """Numeric columns of a regression model, without intercept.

    `matrix` has one Float64 column per coefficient; `terms` and `levels` say, column by column, which covariate it
    encodes and which level it stands for (`None` for a numeric covariate).
    """

    matrix: pl.DataFrame
    terms: tuple[str, ...]
    levels: tuple[str | None, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each column: the covariate, or `covariate=level`."""
        return tuple(self.matrix.columns)

    def to_numpy(self) -> NDArray[np.float64]:
        """The columns as an array of shape (rows, coefficients)."""
        return self.matrix.to_numpy().astype(float).reshape(self.matrix.height, len(self.terms))


class PandasFrame(Protocol):
    """What is asked of a frame of pandas, which is not imported for its type."""

    @property
    def columns(self) -> Any:
        """The columns' names."""
        ...

    def __getitem__(self, key: Any, /) -> Any:
        """The column of that name."""
        ...


FrameLike = pl.DataFrame | PandasFrame | NDArray[Any]
"""Covariates as `read_frame` takes them."""


def read_frame(frame: FrameLike) -> pl.DataFrame:
    """The frame of polars, of the same columns, of a polars or pandas frame; an array's columns are named x0, x1, ...

    A categorical column of pandas becomes an Enum of its categories in their order, as R's factors. Whatever pandas has
    for a missing value becomes null (NaN in a column of numbers).
    """
    if isinstance(frame, pl.DataFrame):
        return frame
    if not isinstance(frame, np.ndarray):
        return pl.DataFrame([_read_column(str(name), frame[name]) for name in frame.columns])
    values = read_array(frame)
    if values.ndim != 2:
        raise ValueError(f"a frame has two dimensions, not {values.ndim}")
    return pl.DataFrame([_read_column(f"x{place}", column) for place, column in enumerate(values.T)])


def _read_column(name: str, column: Any) -> pl.Series:
    """A column of pandas, or an array."""
    values = read_array(column)
    if hasattr(column, "cat"):
        texts = [None if value is None else str(value) for value in values.tolist()]
        return pl.Series(name, texts, dtype=pl.Enum([str(category) for category in column.cat.categories]))
    return pl.Series(name, values if values.dtype.kind in "biuf" else values.tolist(), strict=False)


def read_array(values: ArrayLike) -> NDArray[Any]:
    """Values of a list, an array or a polars or pandas column; what is missing in one of objects or texts is None.

    pandas has several missing values besides None (NaN, NA, NaT), none of which may pass for a level or for False. Numbers keep
    NaN.
    """
    array = np.asarray(values)
    if array.dtype.kind in "US" and not isinstance(values, np.ndarray):
        array = np.asarray(values, dtype=object)  # else NaN is the text "nan"
    if array.dtype.kind == "O":
        array = array.copy()
        array[np.array([_is_missing(value) for value in array.flat], dtype=bool).reshape(array.shape)] = None
    return array


def _is_missing(value: object) -> bool:
    """Whether a value is one of the missing ones; pandas' own are known by name, since it is not imported here."""
    is_nan = isinstance(value, float) and math.isnan(value)
    return value is None or is_nan or type(value).__name__ in {"NAType", "NaTType"}


def is_categorical(column: pl.Series) -> bool:
    """Whether the column is read as levels (Enum, Categorical, String) and not as a quantity."""
    return isinstance(column.dtype, pl.Enum | pl.Categorical | pl.String)


def sorted_levels(column: pl.Series) -> list[str]:
    """Levels that occur in the column: in the order of its Enum, else in the order of their code points."""
    present = set(column.unique().drop_nulls().cast(pl.String).to_list())
    declared = column.dtype.categories.to_list() if isinstance(column.dtype, pl.Enum) else sorted(present)
    return [level for level in declared if level in present]


def check_complete(frame: pl.DataFrame, covariates: Sequence[str]) -> None:
    """Raise `AnalysisError` for a covariate that is absent, neither levels nor a number, or missing or infinite."""
    for name in covariates:
        if name not in frame.columns:
            raise AnalysisError(f"covariate {name}: no such column", f"协变量 {name}：没有这一列")
        column = frame[name]
        if not (is_categorical(column) or column.dtype.is_numeric() or column.dtype == pl.Boolean):
            raise AnalysisError(
                f"covariate {name}: type {column.dtype} is neither levels nor a number",
                f"协变量 {name}：类型 {column.dtype} 既不是分类也不是数值",
            )
        n_missing = column.null_count() + (int((~column.is_finite()).sum()) if column.dtype.is_float() else 0)
        if n_missing:
            raise AnalysisError(
                f"covariate {name}: {n_missing} of {frame.height} values are missing",
                f"协变量 {name}：{frame.height} 个值中缺失 {n_missing} 个",
            )


def check_varying(frame: pl.DataFrame, covariates: Sequence[str]) -> None:
    """Raise `AnalysisError` for a covariate that has one value only."""
    for name in covariates:
        column = frame[name]
        if not (column != column.first()).any():
            raise AnalysisError(
                f"covariate {name}: only one level occurs, nothing to estimate",
                f"协变量 {name}：只有一个取值，无法估计",
            )


def encode_design(frame: FrameLike, covariates: Sequence[str]) -> Design:
    """Encode covariates with treatment contrasts, as R's `model.matrix` does, leaving the intercept out.

    A categorical covariate gives one 0/1 column per level but the first that occurs (the reference); numeric and
    Boolean covariates pass through as numbers. Levels of an Enum that occur in no row give no column.

    Raises `AnalysisError`, naming the covariate, for missing values, a constant covariate or an unsuitable type.
    """
    frame = read_frame(frame)
    check_complete(frame, covariates)
    check_varying(frame, covariates)
    columns: list[pl.Series] = []
    terms: list[str] = []
    levels: list[str | None] = []
    for name in covariates:
        column = frame[name]
        if not is_categorical(column):
            columns.append(column.cast(pl.Float64))
            terms.append(name)
            levels.append(None)
            continue
        _, *others = sorted_levels(column)  # the first is the reference
        columns += [(column == level).cast(pl.Float64).alias(f"{name}={level}") for level in others]
        terms += [name] * len(others)
        levels += others
    return Design(pl.DataFrame(columns), tuple(terms), tuple(levels))


def encode_treatment(frame: pl.DataFrame, treated: str | ArrayLike) -> NDArray[np.bool_]:
    """The arm indicator as booleans, from the name of a 0/1 or Boolean column or from such an array.

    Raises `AnalysisError` as `encode_arms` does.
    """
    values = read_array(frame[treated].to_numpy() if isinstance(treated, str) else treated)
    if values.shape != (frame.height,):
        raise ValueError(f"treatment has shape {values.shape}, the frame has {frame.height} rows")
    return encode_arms(values)


def encode_arms(treated: ArrayLike) -> NDArray[np.bool_]:
    """An arm indicator (0/1 or Boolean) as booleans.

    Raises `AnalysisError` where a value is missing or not 0/1, there are more than two, or one of the arms has no patient.
    """
    values = read_array(treated)
    if not np.isin(values, (0, 1)).all():
        n_arms = len({value for value in values.tolist() if not _is_missing(value)})
        if n_arms > 2:
            raise AnalysisError(
                f"treatment: {n_arms} arms; two are compared, as 0 and 1",
                f"治疗组别：共 {n_arms} 组；只能比较两组，以 0 和 1 表示",
            )
        raise AnalysisError("treatment: values other than 0 and 1, or missing", "治疗组别：有缺失或非 0/1 的值")
    is_treated = values.astype(bool)
    if is_treated.all() or not is_treated.any():
        raise AnalysisError("treatment: one of the two arms has no patient", "治疗组别：其中一组没有患者")
    return is_treated


def encode_labels(labels: ArrayLike, en: str, zh: str) -> tuple[list[str], NDArray[np.intp]]:
    """The distinct labels, in the order of their code points, and the number of each patient's label among them.

    Raises `AnalysisError`, which names them by `en` and `zh`, where a label is missing.
    """
    column = labels if isinstance(labels, pl.Series) else _read_labels(labels)
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if n_missing := column.null_count():
        raise AnalysisError(f"{en}: missing for {n_missing} patients", f"{zh}：{n_missing} 名患者缺失")
    texts = column.cast(pl.String)
    distinct = texts.unique().sort()
    codes = texts.cast(pl.Enum(distinct)).to_physical().to_numpy()
    return distinct.to_list(), codes.astype(np.intp)


def _read_labels(labels: ArrayLike) -> pl.Series:
    values = read_array(labels)
    return pl.Series(values) if values.dtype.kind in "biuf" else pl.Series(values.tolist(), strict=False)
