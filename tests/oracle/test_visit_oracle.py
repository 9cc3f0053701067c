"""Visits by dates on generated courses: as the oracle says, in whatever order the rows stand, each record of one visit, no key twice."""

from datetime import date, timedelta
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_delivery import KEY, LAST_DAY
from oracle.visit_oracle import number_by_oracle

from etl.judging.book import FindingsBook
from etl.judging.contract import reject_by_key
from etl.judging.visits import number_records
from etl.mapping.masking import OwnTexts
from etl.mapping.records import type_records
from etl.mapping.site import Site
from etl.mapping.verbs import GROUP, PATIENT_TEXT, PERSON_TEXT
from schemas.contract import read_contract, read_key
from schemas.tables import TABLES

START = date(2020, 3, 1)
GAPS = (0, 0, 1, 3, 7, 14, 20, 21, 22, 27, 28, 29, 42, 60)
WORDS = ("1.5", "unscheduled", "计划外", "V2.5", "临时加做")
NAMES = ("T1", "T2", "N1", "N2", "X1")
IMAGING = ("lesion", "response", "treatment", "laboratory")
GROUPS = pl.DataFrame(schema={GROUP: pl.Int64, "field": pl.String, "source_column": pl.String})
SITE = Site("clinic", "Clinic", "医院", (), (), ())


def draw_course(seed):
    """Lesions and responses of one patient as texts: visits with numbers, without, with words; dates near every border."""
    random = Random(seed)
    day, rows = START + timedelta(days=random.choice((-50, -28, -10, -1, 0))), []
    has_numbers = random.random() < 0.5
    for number in range(random.randint(1, 7)):
        sent = (
            str(number) if has_numbers and random.random() < 0.7 else random.choice(("", "", "", random.choice(WORDS)))
        )
        for name in random.sample(NAMES, random.randint(0, 4)):
            shift = timedelta(days=random.choice((0, 0, 0, 1, 5)))
            rows.append({"table": "lesion", "visit_number": sent, "assessment_date": f"{day + shift}", "lesion_id": name,
                         "role": {"T": "target", "N": "non_target", "X": "new"}[name[0]], "diameter_mm": str(len(rows) + 10)})  # fmt: skip
        if random.random() < 0.6:
            told = "" if random.random() < 0.1 else f"{day + timedelta(days=random.choice((0, 0, 2)))}"
            rows.append({"table": "response", "visit_number": sent if random.random() < 0.7 else "", "criteria": "recist_1_1",
                         "assessment_date": told, "recorded_response": random.choice(("CR", "PR", "SD", "PD", "NE"))})  # fmt: skip
        day += timedelta(days=random.choice(GAPS))
    return [{"reader": random.choice(("site", "site", "site", "b")), **row} for row in rows]


def type_rows(rows):
    """The texts as typed records, numbered."""
    treatment = {"table": "treatment", "line_number": "1", "drug": "sorafenib", "start_date": f"{START}"}
    records = {}
    for table in IMAGING:
        own = [
            {"source_file": table, "source_row": row.get("nth", 1), GROUP: 1, PATIENT_TEXT: "1", **row}
            for row in (*rows, treatment)
            if row["table"] == table
        ]
        names = ["source_file", "source_sheet", "source_row", "source_column", PATIENT_TEXT, PERSON_TEXT, GROUP]
        names += [name for name, spec in read_contract(TABLES[table]).items() if not spec.is_made]
        schema = {name: pl.Int64 if name in ("source_row", GROUP) else pl.String for name in names}
        texts = pl.DataFrame([{name: row.get(name) for name in names} for row in own], schema=schema)
        records[table] = type_records(
            table, TABLES[table], texts, site=SITE, delivery="d", last_day=LAST_DAY, key=KEY, own=OwnTexts()
        )
    return number_records(records)


def place_rows(rows):
    return [{**row, "nth": nth} for nth, row in enumerate(rows, start=2)]


def read_visits(records):
    return {
        (table, row["source_row"]): row["visit_number"] for table in ("lesion", "response") for row in records[table].frame.to_dicts()
    }  # fmt: skip


def ask_oracle(rows):
    targets = {(row["reader"], row["lesion_id"]) for row in rows if row.get("role") == "target"}
    expected, series = {}, {}
    for row in rows:
        text = row["visit_number"]
        record = {
            "row": (row["table"], row["nth"]), "number": int(text) if text.isdigit() else None, "start": START,
            "day": date.fromisoformat(row["assessment_date"]) if row["assessment_date"] else None,
            "lesion": row.get("lesion_id"), "target": (row["reader"], row.get("lesion_id")) in targets, "unscheduled": text in WORDS,
        }  # fmt: skip
        expected[record["row"]] = record["number"]
        series.setdefault(row["reader"], []).append(record)
    for own in series.values():
        expected |= number_by_oracle(own)
    return expected


@given(st.integers(0, 2**40))
def test_visits_are_the_oracles_in_whatever_order_the_rows_stand(seed):
    rows = place_rows(draw_course(seed))
    shuffled = Random(seed + 1).sample(rows, len(rows))
    assert read_visits(type_rows(rows)) == read_visits(type_rows(shuffled)) == ask_oracle(rows)


@given(st.integers(0, 2**40))
def test_every_dated_record_has_one_visit_and_no_key_is_taken_twice(seed):
    rows = place_rows(draw_course(seed))
    records = type_rows(rows)
    for table in ("lesion", "response"):
        frame, book = records[table].frame, FindingsBook(GROUPS)
        assert frame.filter(pl.col("assessment_date").is_not_null())["visit_number"].null_count() == 0
        numbered = frame.filter(pl.col("visit_number").is_not_null())["_record"]
        assert set(numbered).isdisjoint(records[table].faults["_record"])
        rejected = reject_by_key(records[table], book)
        accepted = frame.join(rejected, on="_record", how="anti")
        assert accepted.select(read_key(TABLES[table])).is_unique().all()
        lacking = frame.filter(pl.col("visit_number").is_null())["_record"]
        assert set(lacking) <= set(rejected["_record"])


@pytest.mark.parametrize("word", WORDS)
def test_each_word_is_drawn_by_some_course(word):
    assert any(row["visit_number"] == word for seed in range(200) for row in draw_course(seed))
