"""The characteristics of a study as covariates of scores and models: levels, quantities, splines, and who is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from analysis.estimators.design import Design, encode_design
from analysis.estimators.spline import compute_spline, place_knots
from analysis.study.characteristic import MISSING, Characteristic
from analysis.study.spec import StudySpec
from etl.errors import AnalysisError

Knots = Mapping[str, tuple[float, ...]]
"""The knots of every characteristic that enters as a spline, by its id."""


Term = tuple[str, str | None]
"""What a column of a score or model stands for: a characteristic, by id, and one of its levels or a part of its spline."""


@dataclass(frozen=True)
class Covariates:
    """Columns ready to be encoded, one row per patient: `frame`, and what each of its columns is a part of."""

    frame: pl.DataFrame
    owners: dict[str, Term]

    def list_terms(self, design: Design) -> list[Term]:
        """What every column of a design of this frame stands for."""
        parts = zip(design.terms, design.levels, strict=True)
        return [(self.owners[name][0], level or self.owners[name][1]) for name, level in parts]


def find_knots(spec: StudySpec, frame: pl.DataFrame) -> Knots:
    """Return the knots of every spline from everybody analysed; the matched patients are described by the same."""
    return {item.id: place_knots(frame[item.values], item.knots) for item in spec.characteristics if item.knots}


def make_score_covariates(spec: StudySpec, frame: pl.DataFrame, names: Sequence[str], knots: Knots) -> Covariates:
    """Return the covariates of a propensity score; who is not known has a level of its own.

    Raises `AnalysisError` for a characteristic whose first level, with which the score compares, nobody has.
    """
    items = [spec.get_characteristic(name) for name in names]
    for item in items:
        if not item.is_number:
            check_reference(frame, item, item.list_levels()[0])
    return _collect({item: fill_missing(frame, item) for item in items}, knots)


def make_model(
    spec: StudySpec, frame: pl.DataFrame, names: Sequence[str], knots: Knots, first: Mapping[str, pl.Series]
) -> tuple[Design, list[Term]]:
    """Return the design of a regression model, and what its columns stand for: `first`, by their own names, then characteristics.

    Raises `AnalysisError` as `encode_design` does, and for a reference level that nobody has.
    """
    values: dict[Characteristic, pl.Series] = {}
    for item in (spec.get_characteristic(name) for name in names):
        values[item] = frame[item.values]
        if not item.is_number:
            check_reference(frame, item, item.order_levels()[0])
            values[item] = values[item].cast(pl.String).cast(pl.Enum(item.order_levels()))
    found = _collect(values, knots)
    columns = pl.DataFrame({**first, **found.frame.to_dict()})
    covariates = Covariates(columns, {name: (name, None) for name in first} | found.owners)
    design = encode_design(columns, columns.columns)
    return design, covariates.list_terms(design)


def _collect(values: Mapping[Characteristic, pl.Series], knots: Knots) -> Covariates:
    """The columns of characteristics with these values."""
    columns: dict[str, pl.Series] = {}
    owners: dict[str, Term] = {}
    for item, series in values.items():
        for name, (column, part) in _list_columns(item, series, knots).items():
            columns[name], owners[name] = column, (item.id, part)
    return Covariates(pl.DataFrame(columns), owners)


def fill_missing(frame: pl.DataFrame, item: Characteristic) -> pl.Series:
    """The values of a characteristic, who is not known at a level of their own where the study asks for that."""
    values = frame[item.values]
    if item.missing == "refuse" or not values.null_count():
        return values
    return values.cast(pl.String).fill_null(MISSING).cast(pl.Enum([*item.list_levels(), MISSING]))


def check_reference(frame: pl.DataFrame, item: Characteristic, level: str) -> None:
    """Refuse a level to compare with that nobody has: another one would silently take its place."""
    if not (frame[item.values] == level).any():
        raise AnalysisError(
            f"{item.label}: nobody has the level '{level}', with which the others are compared; choose another reference, or merge levels",
            f"{item.label}：没有患者处于作为参照的类别“{level}”；请选择其他参照或合并类别",
        )


def _list_columns(item: Characteristic, values: pl.Series, knots: Knots) -> dict[str, tuple[pl.Series, str | None]]:
    """The columns of one characteristic with the part of it that each is; those of a spline are in units of `per`."""
    if not item.is_number:
        return {item.id: (values, None)}
    quantity = values.cast(pl.Float64) / item.per
    if not item.knots:
        return {item.id: (quantity, item.unit_step)}
    parts = compute_spline(values, knots[item.id]).T / item.per
    names = ["linear", *(f"spline {i}" for i in range(1, len(parts)))]
    return {f"{item.id} {name}": (pl.Series(part), name) for name, part in zip(names, parts, strict=True)}
