"""Visits of records without a visit number, worked by hand from the protocol: 21 days, 28 days, a lesion measured twice."""

from datetime import date, timedelta

import polars as pl
import pytest
from clinical_tables import read_rows

from schemas.contract import read_contract
from schemas.definitions.visits import LAST_DAY_NUMBER, VISIT_DATES, is_given_by_date, number_day, number_visits
from schemas.tables import TABLES

START = date(2020, 3, 1)
SCHEMA = {
    "row": pl.Int64, "patient_id": pl.String, "reader": pl.String, "visit_number": pl.Int64, "day": pl.Date, "start": pl.Date,
    "lesion_id": pl.String, "is_target": pl.Boolean, "is_unscheduled": pl.Boolean,
}  # fmt: skip

# A record is day:what, days counted from the start of therapy: T1 and so on targets, others non-targets or new lesions, R a
# response, S one with a sum of targets; behind it `=2` a sent visit number, `!` called unscheduled. Expected is the visit of each: the
# number that was sent, else the day on which it begins.
CASES = """
| records                     | visits        | why                                                                     |
| 40:T1 61:T2                 | 40 40         | 21 days after the first: one assessment                                 |
| 40:T1 62:T2                 | 40 62         | 22 days after                                                           |
| 40:T1 50:T2 61:N1           | 40 40 40      | all within 21 days of the first                                         |
| 40:T1 50:T2 62:T3           | 40 40 62      | the first counts, not the last                                          |
| 40:T1 45:T1                 | 40 45         | a second measurement of a lesion ends it                                |
| 40:T1 40:T2 45:T1 46:T2     | 40 40 45 45   | and begins the next one                                                 |
| 40:T1 45:T1 45:T2           | 40 45 45      | images of the day on which it ends go together                          |
| 40:T1 42:R                  | 40 40         | a response belongs to the images it was read from                       |
| 40:R 61:R                   | 40 40         | two responses do not end an assessment                                  |
| 40:R 62:R                   | 40 62         |                                                                         |
| 40:T1 68:N1                 | 40 40         | without a target: 28 days after the nearest with targets                |
| 40:T1 69:N1                 | 40 69         | 29 days after                                                           |
| 40:N1 68:T1                 | 68 68         | 28 days before                                                          |
| 40:N1 69:T1                 | 40 69         | 29 days before                                                          |
| 40:T1 66:N1 90:T1           | 40 90 90      | the nearest: 24 days before 90, 26 after 40                             |
| 40:T1 65:N1 90:T1           | 40 40 90      | equally near: the earlier                                               |
| 40:T1 40:N1 68:N1           | 40 40 68      | not where the lesion is measured there already                          |
| 40:N1 61:N2                 | 40 40         | nobody has targets: the 21 days alone                                   |
| 40:S 66:N1                  | 40 40         | a sum of targets is a measurement of targets                            |
| 40:T1 66:R                  | 40 40         | a response alone has no target                                          |
| -5:T1 3:T2                  | -5 3          | before and after the start are never one assessment                     |
| -5:T1 0:T2                  | -5 -5         | the day of the start is before the first dose                           |
| -5:T1 10:N1                 | -5 10         | nor does one without targets join across the start                      |
| 40:T1=2 50:R                | 2 2           | a response without a number belongs to the numbered images              |
| 40:T1 45:R=2                | 2 2           | and images to the numbered response                                     |
| 40:T1=2 62:R                | 2 2           | also one without targets, within 28 days                                |
| 40:T1=2 45:T1               | 2 45          | a second measurement is another assessment                              |
| 40:T1=2 50:T2=3             | 2 3           | sent numbers stay, however near                                         |
| 40:T1=3 40:T2=2             | 3 2           | also on one day                                                         |
| 40:T1=2 50:T2               | 2 2           | images without a number belong to the numbered ones                     |
| 40:T1=2 50:T2=3 65:T3       | 2 3 3         | to those that they follow by 21 days at most                            |
| -5:T1=0 40:T1=1 45:R        | 0 1 1         | the baseline's number is one as well                                    |
| 40:T1=2 90:T2=2 45:R        | 2 2 2         | and group whatever their dates                                          |
| 40:T1=1 50:T1!              | 1 50          | called unscheduled, with targets: no part of a numbered visit           |
| 40:T1=1 50:T2!              | 1 50          | also where no lesion is measured twice                                  |
| 40:T1=1 50:N1!              | 1 1           | without targets it joins                                                |
| 40:T1! 50:T2!               | 40 40         | unscheduled ones are grouped by their dates                             |
| 40:T1! 62:T1!               | 40 62         |                                                                         |
| 40:T1 40:T1                 | 40 40         | twice on one day: one key, which is then asked about                    |
"""


def read_record(text, row):
    day, _, what = text.partition(":")
    name, _, number = what.rstrip("!").partition("=")
    is_response = name in ("R", "S")
    return {
        "row": row, "patient_id": "p1", "reader": "site", "visit_number": int(number) if number else None,
        "day": START + timedelta(days=int(day)), "start": START, "lesion_id": None if is_response else name,
        "is_target": name[0] in "TS", "is_unscheduled": what.endswith("!"),
    }  # fmt: skip


def number(records):
    return dict(number_visits(pl.DataFrame(records, schema=SCHEMA)).iter_rows())


def name_day(text):
    return int((START + timedelta(days=int(text))).strftime("%Y%m%d"))


@pytest.mark.parametrize("case", read_rows(CASES), ids=lambda case: case["records"])
def test_the_visit_of_each_record(case):
    records = [read_record(text, row) for row, text in enumerate(case["records"].split())]
    given = number(records)
    for record, visit in zip(records, case["visits"].split(), strict=True):
        if record["visit_number"] is None:
            is_sent = any(f"={visit}" in text for text in case["records"].split())
            assert given[record["row"]] == (int(visit) if is_sent else name_day(visit))
        else:
            assert record["row"] not in given
    assert number(records[::-1]) == given


def test_readers_and_patients_are_kept_apart():
    records = [
        read_record("40:T1", 0),
        read_record("45:T2", 1) | {"reader": "b"},
        read_record("50:T2", 2) | {"patient_id": "p2"},
    ]
    assert number(records) == {0: name_day("40"), 1: name_day("45"), 2: name_day("50")}


def test_a_start_that_is_not_known_parts_nothing():
    records = [read_record(text, row) | {"start": None} for row, text in enumerate(("-5:T1", "3:T2"))]
    assert number(records) == dict.fromkeys((0, 1), name_day("-5"))


def test_a_record_without_a_day_gets_no_number():
    assert number([read_record("40:T1", 0) | {"day": None}]) == {}


@pytest.mark.parametrize(
    ("day", "number"),
    [(date(2020, 3, 5), 20200305), (date(2019, 12, 31), 20191231), (date(2021, 1, 1), 20210101), (date.max, LAST_DAY_NUMBER)],
)  # fmt: skip
def test_the_number_of_a_day_is_written_as_the_day(day, number):
    assert pl.select(number_day(pl.lit(day))).item() == number


def test_a_number_that_no_hospital_sends_is_a_day():
    """Hospitals number up to 200 visits (the contracts' limit)."""
    numbers = pl.Series("visit_number", [0, 1, 200, 201, 20200305, None], pl.Int64)
    given = numbers.to_frame().select(is_given_by_date(pl.col("visit_number"))).to_series()
    assert given.to_list() == [False, False, False, True, True, None]


def test_every_date_of_a_record_with_a_visit_may_tell_when_it_was():
    contracts = {name: read_contract(model) for name, model in TABLES.items()}
    dates = {
        name: {field for field in contract if field.endswith(("_date", "_days"))}
        for name, contract in contracts.items()
        if "visit_number" in contract
    }
    assert {name: set(fields) for name, fields in VISIT_DATES.items()} == dates
