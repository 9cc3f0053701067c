"""A baseline characteristic of a study: levels of a column, a quantity cut into levels, a quantity, or something that happened by a day."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic.dataclasses import dataclass

from etl.configuration import CONFIG

NO, YES = "No", "Yes"
MISSING = "Missing"
"""The level, in a score, of patients of whom a characteristic is not known."""


@dataclass(frozen=True, config=CONFIG)
class Characteristic:
    """One baseline characteristic: levels of a column, a quantity cut into levels (`cuts`), something that happened by a day (`is_by_day`), or a quantity."""

    id: Annotated[str, "name in results"]
    label: Annotated[str, "name in print, with the unit"]
    column: Annotated[str, "column of the subject table"]
    levels: Annotated[tuple[str, ...], "values of a column of texts, in the order of the table"] = ()
    reference: Annotated[str, "level that the others are compared with in models; else the first"] = ""
    cuts: Annotated[tuple[float, ...], "cut-points of a column of numbers: `[60]` gives `<=60` and `>60`"] = ()
    at_cut: Annotated[Literal["below", "above"], "where a value that equals a cut belongs"] = "below"
    is_by_day: Annotated[
        bool,
        "a column of dates, or of days since the start, is `Yes` where no later than the landmark day (without one: the start), else `No`",
    ] = False
    knots: Annotated[
        int, "of a quantity: 3 to 7 knots of a restricted cubic spline, at Harrell's quantiles of everybody analysed"
    ] = 0
    per: Annotated[float, "of a quantity: units that its hazard ratio is for"] = 1.0
    missing: Annotated[
        Literal["refuse", "level"],
        "patients of whom it is not known: the study is refused, or they are kept (a level of their own in scores, left out of models and tests of it)",
    ] = "refuse"

    @property
    def is_number(self) -> bool:
        """Whether it is a quantity that is not cut into levels."""
        return not (self.levels or self.cuts or self.is_by_day)

    @property
    def unit_step(self) -> str:
        """Of a quantity, what its coefficient is for, as the level of results: `per 10`."""
        return f"per {self.per:g}"

    @property
    def is_derived(self) -> bool:
        """Whether its levels are made of the column, and are not its values."""
        return bool(self.cuts) or self.is_by_day

    @property
    def values(self) -> str:
        """The column of a study's patients that holds its values: the subject table's, or one that is made for it."""
        return f"{self.column}: {self.id}" if self.is_derived else self.column

    def list_levels(self) -> tuple[str, ...]:
        """Its levels in order; none of a quantity."""
        if self.is_by_day:
            return NO, YES
        return self.levels or name_intervals(self.cuts, self.at_cut)

    def order_levels(self) -> tuple[str, ...]:
        """The levels with the reference first, as a regression model takes them."""
        levels = self.list_levels()
        first = self.reference or levels[0]
        return (first, *(level for level in levels if level != first))

    def name_level(self, level: str) -> str:
        """A level behind the characteristic's name: `TACE yes`, but `PVTT type III-IV`."""
        return level.lower() if level in (NO, YES) else level

    def name_group(self, level: str) -> str:
        """The patients at one level, as a subgroup of results: `TACE Yes`."""
        return f"{self.label} {level}"

    @property
    def contrast(self) -> str:
        """All levels against each other, as a subgroup of results: `TACE Yes vs No`."""
        return f"{self.label} {' vs '.join(reversed(self.list_levels()))}"


def name_intervals(cuts: tuple[float, ...], at_cut: str) -> tuple[str, ...]:
    """The levels between ascending cuts: `<=60`, `>60 to <=70`, `>70`; none without a cut."""
    if not cuts:
        return ()
    below, above = ("<=", ">") if at_cut == "below" else ("<", ">=")
    between = [f"{above}{low:g} to {below}{high:g}" for low, high in itertools.pairwise(cuts)]
    return (f"{below}{cuts[0]:g}", *between, f"{above}{cuts[-1]:g}")
