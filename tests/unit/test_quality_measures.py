import polars as pl
import pytest
from quality_frames import FINDING_SCHEMA, INGEST_SCHEMA, make_finding, make_frames, make_ingest

from etl.quality import measures
from etl.quality.comparison import compare_rules
from etl.quality.status import derive_query_status
from etl.quality.thresholds import find_completeness_threshold
from schemas.contract import read_contract
from schemas.tables import TABLES


def test_hospitals_do_not_mix():
    status = derive_query_status(*(make_frames()[name] for name in ("findings", "ingests", "answers")))
    found = {(row["hospital"], row["finding_id"][0]): row["status"] for row in status.to_dicts()}
    assert found == {
        ("hunan", "f"): "new", ("nanfang", "a"): "open", ("nanfang", "b"): "reopened",
        ("nanfang", "c"): "resolved", ("nanfang", "d"): "new", ("nanfang", "1"): "new",
    }  # fmt: skip


def test_gravest_findings_come_first_and_then_the_order_of_the_file():
    findings = [make_finding(1, "h", "1", "note"), make_finding(1, "h", "2", "query", 9),
                make_finding(1, "h", "3", "query", 4), make_finding(1, "h", "4", "reject", 99)]  # fmt: skip
    frame = pl.DataFrame(findings, schema=FINDING_SCHEMA)
    assert measures.sort_findings(frame)["finding_id"].to_list() == ["4", "3", "2", "1"]


def test_counts_by_rule_leave_out_what_is_resolved():
    frames = make_frames()
    counts = measures.derive_finding_counts(
        derive_query_status(frames["findings"], frames["ingests"], frames["answers"])
    )
    own = counts.filter(pl.col("hospital") == "nanfang").select("severity", "rule_id", "n_findings", "n_new").rows()
    assert own == [
        ("reject", "patient.key.duplicate", 1, 1),
        ("query", "laboratory.value.range", 2, 0),
        ("note", "laboratory.value.range", 1, 1),
    ]


def test_one_rule_that_asks_about_two_laboratory_tests_is_counted_by_question():
    albumin, platelets = "albumin: it looks like g/dL", "platelets: it looks like /uL"
    questions = [albumin, platelets, platelets]
    findings = [make_finding(1, "h", str(i), message_en=question) for i, question in enumerate(questions)]
    status = pl.DataFrame(findings, schema=FINDING_SCHEMA).with_columns(status=pl.lit("new"))
    counts = measures.derive_finding_counts(status)
    assert counts.select("message_en", "n_findings").rows() == [(platelets, 2), (albumin, 1)]
    compared = compare_rules(status, ["h"])
    assert [(row["message"].en, row["counts"]) for row in compared] == [(platelets, {"h": 2}), (albumin, {"h": 1})]


def test_accounts_say_whether_they_balance():
    ingest = make_ingest(1, "h", 10, is_current=True)
    frame = pl.DataFrame([ingest, {**ingest, "ingest_id": 2, "rows_used": 1179}], schema=INGEST_SCHEMA)
    accounts = measures.derive_accounts(frame)
    balanced = accounts.group_by("ingest_id", "account").agg(pl.col("is_balanced").all())
    assert {(i, a) for i, a, ok in balanced.iter_rows() if not ok} == {(2, "rows")}
    cells = accounts.filter(pl.col("ingest_id") == 1, pl.col("account") == "cells")
    assert cells["n"].to_list() == [26990, 2000, 1000, 10]


def find_completeness(frames, table, field, hospital="nanfang"):
    measured = measures.derive_completeness(frames)
    return measured.filter(table_name=table, field=field, hospital=hospital).row(0, named=True)


def test_a_rate_travels_with_numerator_denominator_threshold_and_reason():
    row = find_completeness(make_frames(60), "patient", "sex")
    assert (row["n_filled"], row["n_records"], row["threshold"], row["is_met"]) == (40, 60, 0.95, False)
    assert row["rate"] == pytest.approx(2 / 3)
    assert "E4" in row["reason_en"]
    assert "E4" in row["reason_zh"]


def test_a_stated_age_stands_for_the_birth_date():
    row = find_completeness(make_frames(), "patient", "birth_date")
    assert (row["rate"], row["is_met"]) == (0, True)
    assert "age_years" in row["reason_en"]


def test_a_field_that_need_not_be_filled_is_not_judged():
    row = find_completeness(make_frames(), "baseline", "pvtt_text")
    assert (row["threshold"], row["is_met"], row["reason_en"]) == (None, None, "")


def test_baseline_tests_are_counted_by_patient():
    frames = make_frames(60)
    for test, n in (("alt_u_l", 60), ("albumin_g_l", 60), ("ast_u_l", 0)):
        row = find_completeness(frames, "laboratory", test)
        assert (row["n_records"], row["n_filled"]) == (60, n)


def test_a_bound_that_leaves_the_level_open_is_not_filled():
    """20 of 60 patients have `ALT > 20`, where the level is open; `ALT > 200` and ALT that was not detected tell it."""
    frames = make_frames(60)
    signs = pl.Series([">"] * 40 + ["not_detected"] * 10 + [None] * 10)
    levels = pl.Series([None] * 20 + [">40"] * 20 + ["<=40"] * 20)
    own = pl.col("hospital") == "nanfang"
    of_nanfang = frames["subject"].filter(own).with_columns(alt_comparator=signs, alt_level=levels)
    frames["subject"] = pl.concat([of_nanfang, frames["subject"].filter(~own)])
    row = find_completeness(frames, "laboratory", "alt_u_l")
    assert (row["n_records"], row["n_filled"]) == (60, 40)


def test_nothing_received_has_no_rate():
    frames = make_frames()
    empty = {name: frame.clear() for name, frame in frames.items()}
    assert measures.derive_completeness(empty).is_empty()
    assert derive_query_status(empty["findings"], empty["ingests"], empty["answers"]).is_empty()


def test_patients_of_two_hospitals_are_counted_by_person():
    assert measures.count_shared_patients(make_frames()["patient"]) == 2


def test_every_expected_field_has_a_threshold():
    for table, model in TABLES.items():
        for name, spec in read_contract(model).items():
            if spec.is_expected:
                assert find_completeness_threshold(table, name), (table, name)
