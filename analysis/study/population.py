"""Who a study is about: conditions on columns of the subject table, the patients chosen by them, and the arms."""

from __future__ import annotations

import datetime as dt
from dataclasses import field
from typing import Annotated, Literal

from pydantic.dataclasses import dataclass

from etl.configuration import CONFIG, WANTED
from etl.pages.text import Text

Bound = float | dt.date
"""A limit of a condition: a number, or a day of a column of dates."""
BOUND = {WANTED: Text("a number or a day such as 2020-01-31 is needed", "应为数字或日期（如 2020-01-31）")}


@dataclass(frozen=True, config=CONFIG)
class Condition:
    """What a value of a subject column must be: all that is asked for must hold, and a missing value meets nothing."""

    column: Annotated[str, "column of the subject table"]
    any_of: Annotated[tuple[str, ...], "one of these values, as texts (a yes/no: `true`, `false`)"] = ()
    none_of: Annotated[tuple[str, ...], "none of these values"] = ()
    at_least: Annotated[Bound | None, "the limit or more: a number, or a day such as 2020-01-31"] = field(
        default=None, metadata=BOUND
    )
    above: Annotated[Bound | None, "more than the limit"] = field(default=None, metadata=BOUND)
    at_most: Annotated[Bound | None, "the limit or less"] = field(default=None, metadata=BOUND)
    below: Annotated[Bound | None, "less than the limit"] = field(default=None, metadata=BOUND)

    @property
    def limits(self) -> dict[str, Bound]:
        """The limits that are given, by their name."""
        named = {"at_least": self.at_least, "above": self.above, "at_most": self.at_most, "below": self.below}
        return {name: limit for name, limit in named.items() if limit is not None}


@dataclass(frozen=True, config=CONFIG)
class Filter:
    """A step of the flow chart of the study's own, after the protocol's."""

    id: Annotated[str, "name in results"]
    label: Annotated[str, "what is asked for, in print"]
    where: Annotated[tuple[Condition, ...], "conditions that all hold for who stays"]


@dataclass(frozen=True, config=CONFIG)
class Population:
    """Who is analysed. Without this part: everybody who meets every criterion of the protocol, of all hospitals."""

    hospitals: Annotated[tuple[str, ...], "hospitals; empty: all that are loaded"] = ()
    eligible_only: Annotated[
        bool,
        "whether the protocol's criteria are asked for; if not, who has a time and outcome of every endpoint, and an arm",
    ] = True
    without_criteria: Annotated[tuple[str, ...], "criteria that are not asked for; complete data (E4) always is"] = ()
    filters: Annotated[tuple[Filter, ...], "further steps"] = ()
    days_known_only: Annotated[bool, "leave out patients with a date of which only the month is known"] = False
    landmark_day: Annotated[
        float,
        "analyse those who are followed without the event on this day after the start, time running from it (the event on that day is at time 0)",
    ] = 0.0


@dataclass(frozen=True, config=CONFIG)
class Arm:
    """One of the two groups compared. Whoever is to be analysed and is not in exactly one arm makes the study refused, with counts."""

    id: Annotated[str, "name in results"]
    label: Annotated[str, "name in print"]
    role: Annotated[Literal["treated", "control"], "hazard ratios are those of `treated` against `control`"]
    code: Annotated[str, "value of `arm_column` of its patients"] = ""
    where: Annotated[tuple[Condition, ...], "instead of a code: conditions that all hold for its patients"] = ()
