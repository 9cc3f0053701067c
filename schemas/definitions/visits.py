"""Visits of records that a hospital sends without a visit number: their dates group them.

Source: the study's protocol, "Visits": images and responses of one reader up to 21 days after the first, both days included,
are one assessment (half the shortest interval), ended earlier by a second measurement of a lesion already measured in it. An
assessment without any target joins the nearest one with targets if at most 28 days away. An image of before the start
and one of after it are never one assessment: only the former is a baseline.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

import polars as pl

ASSESSMENT_DAYS = 21
JOINING_DAYS = 28
LARGEST_SENT_NUMBER = 200
"""Beyond it no hospital's visit number lies (the contracts' limit); a number given here is a day, such as 20200305."""
LAST_DAY_NUMBER = 99991231
VISIT_DATES = {
    "laboratory": ("sample_date",), "lesion": ("assessment_date",), "response": ("assessment_date", "assessment_days"),
}  # fmt: skip
"""The fields of each table with visits that tell when a record's visit was."""


def is_given_by_date(visit_number: pl.Expr) -> pl.Expr:
    """Return whether a visit's number was given by the registry, from its day."""
    return visit_number > LARGEST_SENT_NUMBER


def number_day(day: pl.Expr) -> pl.Expr:
    """Return the number (Int64) of a visit that begins on a day (Date): 20200305 for 2020-03-05."""
    return day.dt.year().cast(pl.Int64) * 10000 + day.dt.month().cast(pl.Int64) * 100 + day.dt.day()


def number_visits(records: pl.DataFrame) -> pl.DataFrame:
    """Return `row` and the `visit_number` (Int64) of every record without one that has a day.

    `records` are lesions and responses: row, patient_id, reader, visit_number (null: none was sent), day (Date), start (Date,
    null where the start of therapy is not known), lesion_id (null: a response), is_target, is_unscheduled: called so by the hospital
    in place of a number, and hence no part of a visit with one. Numbered visits keep their numbers, and take in what the
    dates give to them. The order of the rows does not matter.
    """
    lacking = records.filter(pl.col("visit_number").is_null(), pl.col("day").is_not_null())
    series = ["patient_id", "reader"]
    dated = records.filter(pl.col("day").is_not_null()).join(lacking.select(series).unique(), on=series, how="semi")
    columns = [*series, "row", "visit_number", "day", "start", "lesion_id", "is_target", "is_unscheduled"]
    ordered = dated.select(columns).sort(*series, "day", "row").iter_rows()
    given = [
        (row, visit.number)
        for _, own in groupby(ordered, key=lambda record: record[:2])
        for visit in _find_visits([_Record(*record[2:]) for record in own])
        for row in visit.rows
    ]
    return pl.DataFrame(given, schema={"row": records.schema["row"], "visit_number": pl.Int64}, orient="row")


@dataclass(frozen=True)
class _Record:
    row: int
    visit_number: int | None
    day: dt.date
    start: dt.date | None
    lesion_id: str | None
    is_target: bool
    is_unscheduled: bool

    @property
    def is_follow_up(self) -> bool:
        return self.start is not None and self.day > self.start


@dataclass
class _Visit:
    """What is one visit of one reader, so far: `sent` is its number where it has one, `rows` those of its records that have none."""

    first: dt.date
    is_follow_up: bool
    sent: int | None
    is_unscheduled: bool
    lesions: set[str]
    has_target: bool
    rows: list[int] = field(default_factory=list)

    @property
    def number(self) -> int:
        return self.sent if self.sent is not None else int(self.first.strftime("%Y%m%d"))

    def may_take(self, other: _Visit) -> bool:
        """Whether what was seen on other days may belong to this visit: one side of the start, no lesion twice, no two numbers."""
        has_one_number = self.sent is None or other.sent is None
        is_one_kind = not (self.is_unscheduled and other.sent is not None) and not (
            other.is_unscheduled and self.sent is not None
        )
        is_one_side = self.is_follow_up == other.is_follow_up
        return is_one_side and has_one_number and is_one_kind and self.lesions.isdisjoint(other.lesions)

    def take(self, other: _Visit) -> None:
        self.sent = other.sent if self.sent is None else self.sent
        self.is_unscheduled |= other.is_unscheduled
        self.lesions |= other.lesions
        self.has_target |= other.has_target
        self.rows += other.rows


def _find_visits(records: list[_Record]) -> list[_Visit]:
    """Return the visits of one reader's dated records, in the order of their first days."""
    visits: list[_Visit] = []
    for part in sorted(_make_parts(records), key=lambda part: (part.first, part.sent is None)):
        current = visits[-1] if visits else None
        if current and (part.first - current.first).days <= ASSESSMENT_DAYS and current.may_take(part):
            current.take(part)
        else:
            visits.append(part)
    return list(_join_without_targets(visits))


def _make_parts(records: list[_Record]) -> Iterator[_Visit]:
    """Yield what surely belongs together: the records of one number, and of those without a number the ones of one day."""

    def of_part(record: _Record) -> tuple[bool, int, dt.date]:
        has_number = record.visit_number is not None
        return has_number, record.visit_number or 0, dt.date.min if has_number else record.day

    for _, group in groupby(sorted(records, key=of_part), key=of_part):
        yield _make_part(list(group))


def _make_part(own: list[_Record]) -> _Visit:
    first = min(own, key=lambda record: record.day)
    return _Visit(
        first=first.day,
        is_follow_up=first.is_follow_up,
        sent=first.visit_number,
        is_unscheduled=any(record.is_unscheduled for record in own),
        lesions={record.lesion_id for record in own if record.lesion_id is not None},
        has_target=any(record.is_target for record in own),
        rows=[record.row for record in own if record.visit_number is None],
    )


def _join_without_targets(visits: Iterable[_Visit]) -> Iterator[_Visit]:
    """Yield the visits, those without a number and a target within the nearest one with targets; of two equally near the earlier."""
    with_targets = [visit for visit in visits if visit.has_target]
    for visit in visits:
        if visit.sent is not None or visit.has_target:
            yield visit
            continue
        near = [
            other
            for other in with_targets
            if abs((other.first - visit.first).days) <= JOINING_DAYS
            and other.is_follow_up == visit.is_follow_up
            and other.lesions.isdisjoint(visit.lesions)
        ]
        nearest = min(near, key=lambda other: abs((other.first - visit.first).days), default=None)
        if nearest is None:
            yield visit
        else:
            nearest.take(visit)
