"""Takes back what a clinical rule found only because of the day that stands in for a month: nobody is accused of a day that nobody knows.

Whoever has such a date and was found by a rule is judged once more, as many patients who differ in these days alone: each day of the month
for all of them together, and days that differ from date to date. A finding stands where every one of these patients has it.

The days are all those of the month: what bounds the day that stands in ("never before the start") bounds no truth, for the images of a
baseline were taken before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from etl.judging.book import FindingsBook
from etl.judging.months import put_days
from etl.judging.rules import judge_rules
from etl.judging.settled import SettledRecords, select_tables
from etl.mapping.records import PERSON_ID, RECORD
from schemas.requirements import RECORD_RULES
from schemas.rules import RULES
from schemas.rules.rule import Scope

Derive = Callable[[Mapping[str, pl.DataFrame]], Mapping[str, pl.DataFrame]]

_N_TOGETHER = 31
"""In the nth of so many patterns every date is at the nth of its month: a question about one such date is decided exactly."""
_MOVED_TOGETHER = (("month",), ("month", "table_name", "field"), ("table_name", "field", "record"))
"""In the mixed patterns: what is of one month (an image and its reading), one field of it (not onset and end), each date alone, those of one
visit as one: an image is not torn apart."""
_N_MIXED = 32
"""So many mixed patterns of each kind: as many as a hash has bytes."""
_N_PATTERNS = _N_TOGETHER + _N_MIXED * len(_MOVED_TOGETHER)
_ROUNDS = (
    (False, range(0, _N_PATTERNS, 7)),
    (False, range(_N_PATTERNS)),
    *((True, (number,)) for number in range(_N_PATTERNS - 6, _N_PATTERNS, 2)),
)
"""Which patterns are tried after another on what still stands: a few, which free most of those who are right, then all. Of a rule that compares
all patients of a hospital (True) one at a time, on the whole hospital: copies of it would be compared with each other."""
_PEOPLE_AT_ONCE = 100
_ASK_FOR_RECORDS = {rule_id for rules in RECORD_RULES.values() for rule_id in rules}
"""Rules that tell what the study lacks. It counts by the day that stands in, so that whoever lacks it leaves and is to be asked: once."""
_FINDING = {"table_name": pl.String, "rule_id": pl.String, RECORD: pl.Int64}
_FOUND = {**_FINDING, "patient_id": pl.String, "is_of_hospital": pl.Boolean}


def take_back_doubtful(
    settled: Mapping[str, SettledRecords], months: pl.DataFrame, derive_from: Derive, book: FindingsBook
) -> None:
    """Withdraw from the book the findings of clinical rules that hang on the days which stand in for `months` (`MONTH_CELLS`)."""
    if months.is_empty():
        return
    people = settled["patient"].accepted.select("patient_id", person=pl.coalesce(PERSON_ID, "patient_id"))
    concerned = people.join(months, on="patient_id", how="semi")["person"].implode()
    found = _list_found(settled, book).join(people, on="patient_id")
    standing = found = found.filter(pl.col("is_of_hospital") | pl.col("person").is_in(concerned))
    for is_of_hospital, patterns in _ROUNDS:
        tried = standing.filter(is_of_hospital=is_of_hospital)
        for some in _part_people(people, tried, whole=is_of_hospital):
            copies = _copy_patients(settled, months, some["patient_id"], patterns)
            trial = FindingsBook(book.group_columns)
            judge_rules(copies, derive_from(select_tables(copies)), trial)
            again = _list_found_each_time(trial, len(patterns))
            freed = tried.join(some, on="patient_id", how="semi").join(again, on=[*_FINDING], how="anti")
            standing = standing.join(freed, on=[*_FINDING], how="anti")
    doubtful = found.join(standing, on=[*_FINDING], how="anti")
    for (table, rule_id), own in doubtful.group_by("table_name", "rule_id"):
        book.withdraw(str(table), str(rule_id), own[RECORD])


def _part_people(people: pl.DataFrame, tried: pl.DataFrame, *, whole: bool) -> Iterator[pl.DataFrame]:
    """Yield the patients to judge together: those of whole persons with something to try, or the whole hospital."""
    if whole and tried.height:
        yield people
    elif not whole:
        for persons in tried.select("person").unique().sort("person").iter_slices(_PEOPLE_AT_ONCE):
            yield people.join(persons, on="person", how="semi")


def _list_found(settled: Mapping[str, SettledRecords], book: FindingsBook) -> pl.DataFrame:
    """Return what clinical rules found and whose it is, and whether the rule compares all patients of the hospital."""
    clinical = [rule_id for rule_id in RULES if rule_id not in _ASK_FOR_RECORDS]
    of_hospital = [rule_id for rule_id in clinical if RULES[rule_id].scope is Scope.HOSPITAL]
    parts = [pl.DataFrame(schema=_FOUND)]
    for (table,), found in (
        book.list_found().filter(pl.col("rule_id").is_in(clinical)).group_by("table_name", maintain_order=True)
    ):
        named = found.with_columns(settled[str(table)].pick(found[RECORD], ["patient_id"]))
        parts.append(named.select(*_FINDING, "patient_id", is_of_hospital=pl.col("rule_id").is_in(of_hospital)))
    return pl.concat(parts)


def _list_found_each_time(trial: FindingsBook, n: int) -> pl.DataFrame:
    """Return what was found under each of so many patterns."""
    found = trial.list_found().select("table_name", "rule_id", pl.col(RECORD) // _N_PATTERNS)
    return found.group_by(*_FINDING).len().filter(pl.col("len") == n)


def _copy_patients(
    settled: Mapping[str, SettledRecords], months: pl.DataFrame, patients: pl.Series, patterns: Sequence[int]
) -> dict[str, SettledRecords]:
    """Return the records of the patients once for each pattern: as other patients, with the days of the pattern."""
    is_own = pl.col("patient_id").is_in(patients.implode())
    numbers = pl.DataFrame({"_pattern": patterns}, schema={"_pattern": pl.Int64})
    number_copy = pl.col(RECORD) * _N_PATTERNS + pl.col("_pattern")
    copies = {}
    for name, table in settled.items():
        named = [column for column in ("patient_id", PERSON_ID) if column in table.accepted.columns]
        others = [pl.format("{}#{}", column, "_pattern").alias(column) for column in named]
        own = table.accepted.filter(is_own).join(numbers, how="cross")
        copies[name] = replace(table, accepted=own.with_columns(number_copy, *others).drop("_pattern"))
    owners = settled["patient"].accepted.select("patient_id", owner=pl.col(RECORD).cast(pl.String))
    cells = months.filter(is_own).join(owners, on="patient_id", how="left", maintain_order="left")
    days = _draw_days(cells).join(numbers, how="cross")
    offset = pl.duration(days=pl.col("_days").list.get(pl.col("_pattern")))
    moved = pl.min_horizontal(pl.col("month") + offset, pl.col("month").dt.month_end())
    return put_days(copies, days.with_columns(number_copy, day=moved))


def _draw_days(cells: pl.DataFrame) -> pl.DataFrame:
    """Return the cells with their month and, in `_days`, the day in each pattern, counted from 0.

    By a hash of what they are and of the `owner`, the place of the patient's record: the same under every pseudonym key.
    """
    key = pl.col("record_key")
    visit = pl.when(key.str.starts_with("visit_number=")).then(key.str.split(";").list.first())
    told = cells.with_columns(month=pl.col("day").dt.truncate("1mo"), record=pl.coalesce(visit, key))
    together = pl.lit([*range(_N_TOGETHER)], dtype=pl.List(pl.Int64))
    mixed = [
        pl.concat_str(pl.col("owner").fill_null(""), *names, separator="\x1f").map_elements(
            _hash_days, return_dtype=pl.List(pl.Int64)
        )
        for names in _MOVED_TOGETHER
    ]
    return told.select(pl.exclude("owner", "month", "record"), "month", _days=pl.concat_list(together, *mixed))


def _hash_days(text: str) -> list[int]:
    """Return a day for each mixed pattern: in turns any day, and one of the ends of the month, where two dates are the most apart."""
    digest = hashlib.sha256(text.encode()).digest()
    return [byte % 31 if number % 2 == 0 else 30 * (byte % 2) for number, byte in enumerate(digest)]
