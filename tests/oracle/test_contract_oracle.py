"""The contract's findings, record by record and cell by cell, against a plain-Python oracle on generated deliveries."""

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_delivery import PLACE, SITE, judge_mapped, wrap_texts
from oracle.contract_oracle import fields_of, judge_delivery
from oracle.invented_delivery import CONTRACTS, LAST_DAY, make_delivery

from etl.judging.book import FindingsBook
from etl.judging.contract import judge_cells, reject_by_key, reject_with_patient
from etl.judging.settled import settle
from etl.judging.visits import number_records
from etl.mapping.identity import PseudonymKey
from etl.mapping.masking import OwnTexts
from etl.mapping.records import type_records
from etl.mapping.verbs import GROUP, PATIENT_TEXT, PERSON_TEXT, UNIT_SUFFIX
from schemas.definitions.visits import VISIT_DATES
from schemas.rules import RULES
from schemas.tables import TABLES

KINDS = (
    "missing", "duplicate", "superseded", "unknown", "parent", "unreadable", "code", "unit", "unit_slip", "range", "implausible",
    "after_delivery", "month", "placeholder", "personal_data",
)  # fmt: skip
KEY = PseudonymKey(b"0123456789abcdef0123456789abcdef")


def make_mapped(delivery):
    """The delivery as mapping hands it over."""
    units = {(group, name + UNIT_SUFFIX) for group, name in delivery.units}
    columns = [(group, name, f"{name} of {group}") for group, name in delivery.columns | units]
    return wrap_texts({table: make_texts(table, records) for table, records in delivery.records.items()}, columns)


def make_texts(table, records):
    units = sorted({name for record in records for name, cell in record.cells.items() if cell.unit is not None})
    names = [*PLACE, PATIENT_TEXT, PERSON_TEXT, GROUP, *CONTRACTS[table], *(name + UNIT_SUFFIX for name in units)]
    schema = {name: pl.Int64 if name in ("source_row", GROUP) else pl.String for name in names}
    rows = []
    for record in sorted(records, key=lambda record: record.row):
        row = {"source_file": "f", "source_row": record.row, GROUP: record.group}
        row |= {PATIENT_TEXT: record.patient.text, PERSON_TEXT: record.person.text}
        row |= {name: cell.text for name, cell in record.cells.items()}
        rows.append(row | {n + UNIT_SUFFIX: c.unit for n, c in record.cells.items() if c.unit is not None})
    return pl.DataFrame(rows, schema=schema)


def judge_contract(mapped):
    """The accepted records and the findings, by the steps of `validate_delivery` that the contract needs."""
    book = FindingsBook(mapped.group_columns)
    needed = {name: make_texts(name, []) for name in (*VISIT_DATES, "treatment")} | dict(mapped.records)
    records = number_records({
        name: type_records(
            name, TABLES[name], texts, site=SITE, delivery="d", last_day=LAST_DAY, key=KEY, own=OwnTexts()
        )
        for name, texts in needed.items()
    })  # fmt: skip
    rejected = reject_with_patient(records, {name: reject_by_key(table, book) for name, table in records.items()}, book)
    settled = {name: settle(table, rejected[name]) for name, table in records.items()}
    for table in settled.values():
        judge_cells(table, book)
    return {name: table.accepted for name, table in settled.items()}, book.close(settled)[0]


def read_values(accepted):
    """What the accepted records hold, by table, row and field, where something is."""
    return {
        (table, row["source_row"], name): row[name]
        for table, frame in accepted.items()
        for row in frame.to_dicts()
        for name in CONTRACTS[table]
        if row[name] is not None and (name in fields_of(table) or name.endswith("_comparator"))
    }


def expect_values(verdict):
    values = {}
    for (table, row), readings in verdict.values.items():
        for name, reading in readings.items():
            if reading.value is not None:
                values[table, row, name] = reading.value
            if reading.sign is not None and CONTRACTS[table][name].is_censored:
                values[table, row, f"{name}_comparator"] = reading.sign
    return values


@given(st.integers(0, 2**40).map(lambda seed: make_delivery(seed, tables=1)))
def test_findings_of_the_contract_agree_with_their_oracle(delivery):
    accepted, findings = judge_contract(make_mapped(delivery))
    compare(judge_delivery(delivery), accepted, findings)


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_whole_delivery_is_accepted_and_quarantined_as_the_oracle_says(seed):
    delivery = make_delivery(seed)
    expected, validated = judge_delivery(delivery), judge_mapped(make_mapped(delivery), SITE, LAST_DAY, KEY)
    is_of_the_study = pl.col("rule_id").is_in(list(RULES)) | pl.col("rule_id").str.starts_with("study.")
    compare(expected, validated.tables, validated.findings.filter(~is_of_the_study))
    is_asked = ("missing", "implausible", "personal_data")
    set_aside = {place for place in expected.findings if place[2] is None or place[0].rsplit(".", 1)[1] not in is_asked}
    assert set(validated.quarantine.select("rule_id", "source_row", "field").rows()) == set_aside


def compare(expected, accepted, findings):
    found = findings.select("rule_id", "source_row", "field").rows()
    assert sorted(found, key=str) == sorted(expected.findings, key=str)
    assert {(table, row) for table, frame in accepted.items() for row in frame["source_row"]} == expected.accepted
    assert read_values(accepted) == expect_values(expected)


def test_the_generated_deliveries_hold_every_kind_of_fault():
    findings = [rule for seed in range(600) for rule, _, _ in judge_delivery(make_delivery(seed, tables=1)).findings]
    kinds = Counter(rule.rsplit(".", 1)[1] for rule in findings)
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 5, kinds
    assert {f"{table}.key.missing" for table in TABLES} <= set(findings)
