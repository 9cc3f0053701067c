"""Invented frames of a warehouse with two hospitals, for the tests of the quality output."""

import datetime as dt
import hashlib
import random

import polars as pl

from etl.quality.expectations import RESULT_SCHEMA
from etl.quality.origins import BROUGHT
from schemas.bookkeeping import OTHERS_SHARE, PERMISSION
from schemas.codes import LabTest
from schemas.column import read_dtypes
from schemas.contract import PROVENANCE
from schemas.derive import derive
from schemas.tables import TABLES

HOSTILE = "<script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0"
CRITERIA = ["i1_primary_unresectable_hcc", "e2_age_18_to_75", "start_in_enrolment_window"]

FINDING_SCHEMA = {
    "ingest_id": pl.Int64, "hospital": pl.String, "finding_id": pl.String, "rule_id": pl.String, "severity": pl.String,
    "outcome": pl.String, "patient_id": pl.String, "table_name": pl.String, "field": pl.String, "record_key": pl.String,
    "delivery": pl.String, "source_file": pl.String, "source_sheet": pl.String, "source_row": pl.Int64,
    "source_column": pl.String, "value": pl.String, "message_en": pl.String, "message_zh": pl.String, "reading": pl.Float64,
}  # fmt: skip
INGEST_SCHEMA = {
    "ingest_id": pl.Int64, "hospital": pl.String, "delivery": pl.String, "is_synthetic": pl.Boolean,
    "loaded_at": pl.String, "extract_day": pl.Date, "content_hash": pl.String, "rows_read": pl.Int64, "rows_used": pl.Int64,
    "rows_ignored": pl.Int64, "records_made": pl.Int64, "records_loaded": pl.Int64, "records_quarantined": pl.Int64,
    "cells": pl.Int64, "cells_mapped": pl.Int64, "cells_identifier": pl.Int64, "cells_ignored": pl.Int64,
    "cells_quarantined": pl.Int64,
    "patients": pl.Int64, "is_current": pl.Boolean, "is_withdrawn": pl.Boolean, "places_hash": pl.String, "base_ingest_id": pl.Int64,
}  # fmt: skip
ANSWER_SCHEMA = {
    "answer_id": pl.Int64, "hospital": pl.String, "finding_id": pl.String, "answer": pl.String, "comment": pl.String,
    "value": pl.String, "message_en": pl.String, "answered_by": pl.String, "ingest_id": pl.Int64, "source_file": pl.String,
    "source_row": pl.Int64, "file_hash": pl.String, "taken_at": pl.String,
}  # fmt: skip
CHECKS = pl.DataFrame(
    [
        ("nanfang", "patient", "sex", "completeness", "66.7 % (40 / 60)", "≥ 95%", "why", "为何", False, False),
        ("nanfang", "patient", None, "volume", None, "≥ 1", "some", "一些", None, True),
        ("hunan", "patient", None, "volume", "30", "≥ 1", "some", "一些", True, False),
    ],
    schema=RESULT_SCHEMA,
    orient="row",
)
"""Results of checks as `run_expectations` returns them: met, not met, and one that failed itself."""


def make_finding(ingest_id, hospital, finding_id, severity="query", row=5, **changes):
    finding = {
        "ingest_id": ingest_id, "hospital": hospital, "finding_id": finding_id, "rule_id": "laboratory.value.range",
        "severity": severity, "outcome": "fail", "patient_id": f"p{row}", "table_name": "laboratory", "field": "value",
        "record_key": "0|alt_u_l", "delivery": f"delivery-{ingest_id}", "source_file": "数据.xlsx",
        "source_sheet": "检验", "source_row": row, "source_column": "谷丙转氨酶", "value": "99999",
        "message_en": "ALT outside the possible range; please check value and unit.",
        "message_zh": "谷丙转氨酶超出可能范围，请核对数值和单位。", "reading": 99999.0,
    }  # fmt: skip
    return {**finding, **changes}


def make_ingest(ingest_id, hospital, patients, *, is_current):
    return {
        "ingest_id": ingest_id, "hospital": hospital, "delivery": f"delivery-{ingest_id}", "is_synthetic": True,
        "loaded_at": f"2026-01-{ingest_id:02d}T08:30:00", "extract_day": dt.date(2025, 12, 30), "content_hash": "0" * 64, "rows_read": 1200,
        "rows_used": 1180, "rows_ignored": 20, "records_made": 5000, "records_loaded": 4960,
        "records_quarantined": 40, "cells": 30000, "cells_mapped": 26990, "cells_quarantined": 10, "cells_identifier": 2000,
        "cells_ignored": 1000, "patients": patients, "is_current": is_current, "is_withdrawn": False, "places_hash": "1" * 64, "base_ingest_id": None,
    }  # fmt: skip


def make_findings():
    """Findings of three ingests of nanfang (1, 2, 4) and one of hunan (3)."""
    return [
        make_finding(1, "nanfang", "a" * 16),
        make_finding(1, "nanfang", "b" * 16, row=9),
        make_finding(2, "nanfang", "a" * 16),
        make_finding(2, "nanfang", "c" * 16, row=7),
        make_finding(4, "nanfang", "a" * 16),
        make_finding(4, "nanfang", "b" * 16, row=9, value=HOSTILE, source_column=HOSTILE),
        make_finding(4, "nanfang", "d" * 16, "reject", 11, value=FORMULA, rule_id="patient.key.duplicate",
                     table_name="patient", field=None, message_en=FORMULA, message_zh=HOSTILE),
        make_finding(4, "nanfang", "1234567890123456", "note", 13, source_sheet=None, value=None),
        make_finding(3, "hunan", "f" * 16, row=21, value="secret-of-hunan", source_file="hunan.csv", source_sheet=None),
    ]  # fmt: skip


def make_finding_id(number):
    """16 letters that differ from the first on, as those of real findings do."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:16]


def make_many_findings(n):
    """Findings as different as real ones: many rules, columns and values."""
    chance = random.Random(1)
    return [
        make_finding(
            4, "nanfang", make_finding_id(i), "query", i + 3, rule_id=f"rule_{i % 40}", value=f"{chance.random():.6f}",
            source_column=f"列 {i % 60}", message_en=f"Message {i % 40}", message_zh=f"说明 {i % 40}",
        )
        for i in range(n)
    ]  # fmt: skip


def _make_table(name, rows):
    model = TABLES[name].to_schema()
    schema = {column: spec.dtype.type for column, spec in model.columns.items()}
    return pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema)


def _provenance(hospital, number):
    values = (hospital, f"{hospital}-{number}", "delivery", "数据.xlsx", "患者信息", number + 2, None)
    return dict(zip(PROVENANCE, values, strict=True))


def _make_patient_tables(hospital, n_patients):
    tables = {name: [] for name in TABLES}
    for number in range(1, n_patients + 1):
        base = _provenance(hospital, number)
        tables["patient"].append({
            **base, "person_id": f"person-{number}" if number <= 2 else f"{hospital}-person-{number}",
            "sex": "male" if number % 3 else None, "birth_date": None, "age_years": 40.0 + number % 30,
        })  # fmt: skip
        tables["baseline"].append({
            **base, "tumour_size_cm": 6.0 + number % 5, "tumour_number": 2, "body_weight_kg": 62.0, "bclc_stage": "C",
            "ecog_status": 0, "hbsag": "positive", "has_cirrhosis": True, "has_tace": number % 2 == 0,
        })  # fmt: skip
        tables["treatment"].append({**base, "line_number": 1, "drug": "lenvatinib", "start_date": dt.date(2020, 5, 1)})
        tables["outcome"].append(
            {**base, "vital_status": "alive", "last_contact_date": dt.date(2022, 1, 1), "has_progressed": False}
        )
        albumin = 4.0 if hospital == "hunan" else 40.0  # hunan's albumin came in g/dL
        for test, value in ((LabTest.ALBUMIN, albumin), (LabTest.ALT, 30.0 + number)):
            tables["laboratory"].append(
                {**base, "visit_number": 0, "test": test.value, "value": value, "value_comparator": "="}
            )
    second = {
        **tables["laboratory"][-1],
        "visit_number": 1,
    }  # a second value of one test, so that tests differ in length
    tables["laboratory"].append(second)
    return tables


def _count_completeness(tables):
    rows = [
        {"hospital": hospital, "table_name": name, "field": column, "n_records": own.height,
         "n_filled": own.height - own[column].null_count()}
        for name, frame in tables.items()
        for (hospital,), own in frame.group_by("hospital", maintain_order=True)
        for column in frame.columns
        if column not in PROVENANCE
    ]  # fmt: skip
    schema = {
        "hospital": pl.String, "table_name": pl.String, "field": pl.String, "n_records": pl.Int64, "n_filled": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def make_frames(n_patients=60, findings=None):
    """Frames as `etl.store.warehouse.read_frames` gives them; nanfang has `n_patients`, hunan half of them."""
    hospitals = {"nanfang": n_patients, "hunan": n_patients // 2}
    by_hospital = [_make_patient_tables(hospital, n) for hospital, n in hospitals.items()]
    tables = {name: _make_table(name, [row for part in by_hospital for row in part[name]]) for name in TABLES}
    eligibility = [
        {"hospital": hospital, "patient_id": f"{hospital}-{number}", "criterion_id": criterion, "criterion_order": order,
         "is_met": None if number == 1 and order == 2 else number % 7 != 0}
        for hospital, n in hospitals.items()
        for number in range(1, n + 1)
        for order, criterion in enumerate(CRITERIA, start=1)
    ]  # fmt: skip
    attrition = [
        {"hospital": hospital, "step": step, "criterion_id": criterion, "n_before": n - step + 1, "n_removed": 1,
         "n_after": n - step}
        for hospital, n in hospitals.items()
        for step, criterion in enumerate([*CRITERIA, "seen_elsewhere_first"], start=1)
    ]  # fmt: skip
    ingests = [
        make_ingest(1, "nanfang", n_patients - 10, is_current=False),
        make_ingest(2, "nanfang", n_patients * 2, is_current=False),
        make_ingest(3, "hunan", n_patients // 2, is_current=True),
        make_ingest(4, "nanfang", n_patients, is_current=True),
    ]
    return {
        **tables,
        "subject": derive(tables, sent=TABLES)["subject"],
        "record_counts": pl.DataFrame([
            {"ingest_id": ingest, "hospital": "nanfang", "table_name": name, "n_records": n}
            for ingest, name, n in ((2, "patient", n_patients * 2), (4, "patient", n_patients))
        ]),
        "ingests": pl.DataFrame(ingests, schema=INGEST_SCHEMA),
        "brought": pl.DataFrame(schema=BROUGHT),
        "findings": pl.DataFrame(make_findings() if findings is None else findings, schema=FINDING_SCHEMA),
        "rule_outcomes": pl.DataFrame([
            {"ingest_id": 4, "hospital": "nanfang", "rule_id": "broken_rule", "table_name": "patient",
             "severity": "query", "n_pass": 0, "n_fail": 0, "n_not_evaluable": 0, "n_error": n_patients},
        ]),
        "row_accounts": pl.DataFrame([
            {"ingest_id": ingest_id, "hospital": hospital, "source_file": "数据.xlsx", "source_sheet": "患者信息",
             "rule": rule, "n_rows": n}
            for ingest_id, hospital in ((3, "hunan"), (4, "nanfang"))
            for rule, n in (("used", 1180), ("blank row", 15), ("totals row", 5))
        ]),
        "quarantine": pl.DataFrame([
            {"ingest_id": 4, "hospital": "nanfang", "table_name": "laboratory", "record_key": "0|alt_u_l",
             "field": field, "rule_id": rule, "source_file": "数据.xlsx", "source_sheet": "检验",
             "source_row": row, "source_column": "谷丙转氨酶", "value": "x"}
            for row, field, rule in (
                (5, "value", "laboratory.value.range"), (6, "value", "laboratory.value.range"), (11, None, "patient.key.duplicate")
            )
        ]),
        "notices": pl.DataFrame([
            {"ingest_id": 4, "hospital": "nanfang", "kind": "vanished", "n": 60, "message_en": "60 patients are gone.", "message_zh": "60 名患者不见了。"},
        ]),
        "confirmed": pl.DataFrame([
            {"ingest_id": 4, "hospital": "nanfang", "table_name": "baseline", "field": "body_weight_kg", "source_file": "数据.xlsx",
             "source_sheet": "患者信息", "source_row": 7, "source_column": "体重", "value": "134", "reading": 134.0,
             "answered_by": "DM 7", "taken_at": "2026-01-04T08:30:00+00:00"},
        ]),
        "eligibility": pl.DataFrame(eligibility),
        "attrition": pl.DataFrame(attrition),
        "completeness": _count_completeness(tables),
        "answers": pl.DataFrame(schema=ANSWER_SCHEMA),
        "others_share": pl.DataFrame(schema=read_dtypes(OTHERS_SHARE)),
        "permission": pl.DataFrame(schema=read_dtypes(PERMISSION)),
        "unfilled_column": pl.DataFrame(
            [{"hospital": "hunan", "delivery": "d", "table_name": "versions.subject", "column_name": "came_later"}]
        ),
        "incomplete_where_first": pl.DataFrame([{"hospital": "nanfang", "patient_id": "p1"}, {"hospital": "nanfang", "patient_id": "p2"}]),
    }  # fmt: skip
