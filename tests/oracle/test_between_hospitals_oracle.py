"""Patients seen in several hospitals against a plain-Python oracle, whatever the order of hospitals and rows."""

from datetime import date, timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.judging.between_hospitals import SAME_PATIENT_RULE, find_shared_patients
from etl.store.sql_files import list_views

SUBJECT = {
    "hospital": pl.String,
    "patient_id": pl.String,
    "person_id": pl.String,
    "first_line_start_date": pl.Date,
    "source_row": pl.Int64,
}
PLACE = {"delivery": pl.String, "ingest_id": pl.Int64, "source_file": pl.String, "source_sheet": pl.String}
MART = list_views()["marts.person_in_two_hospitals"]
PEOPLE = (None, None, "x", "y", "z")
STARTS = (None, *(date(2020, 3, 1) + timedelta(days=days) for days in (0, 1, 40)))

patients = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(PEOPLE), st.sampled_from(STARTS)), max_size=12
).flatmap(lambda drawn: st.permutations(list(enumerate(drawn, start=2))))


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as made:
        made.execute("create schema core")
        yield made


def read_shared(connection, rows):
    """The mart's rows and the notes, from patients of (source row, (hospital, person, start))."""
    subject = pl.DataFrame(
        [(hospital, f"{hospital}{row}", person, start, row) for row, (hospital, person, start) in rows],
        schema=SUBJECT,
        orient="row",
    )
    connection.register("incoming", subject.to_arrow())
    connection.execute("create or replace table core.subject as select * from incoming").fetchall()
    mart = connection.sql(MART).pl()
    place = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in {**PLACE, "source_column": pl.String}.items()]
    return mart, find_shared_patients(mart, subject.with_columns(place))


def expect_shared(rows):
    """Patient -> rank among the person's records: first where therapy started first, an unknown start last."""
    ranks = {}
    for person in {who for _, (_, who, _) in rows} - {None}:
        seen = [(start or date.max, hospital, row) for row, (hospital, who, start) in rows if who == person]
        if len({hospital for _, hospital, _ in seen}) > 1:
            ranks |= {f"{hospital}{row}": rank for rank, (_, hospital, row) in enumerate(sorted(seen), start=1)}
    return ranks


@given(rows=patients)
def test_who_is_seen_in_two_hospitals_is_told_to_each_and_counted_where_therapy_started_first(connection, rows):
    expected = expect_shared(rows)
    mart, notes = read_shared(connection, rows)
    assert dict(mart.select("patient_id", "nth_start").rows()) == expected
    assert set(mart.filter("is_seen_elsewhere_first")["patient_id"]) == {p for p, rank in expected.items() if rank > 1}
    assert sorted(notes["patient_id"]) == sorted(expected)
    assert set(notes["rule_id"]) <= {SAME_PATIENT_RULE}
    assert all(patient.startswith(hospital) for patient, hospital in notes.select("patient_id", "hospital").iter_rows())
    assert notes["finding_id"].is_unique().all()
