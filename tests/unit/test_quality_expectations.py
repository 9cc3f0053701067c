import datetime
import sys

import polars as pl
import pytest
from quality_frames import make_frames

from etl.quality import expectations
from etl.quality.expectations import Batch, Expectation, make_batches, run_expectations
from etl.quality.thresholds import KEY


@pytest.fixture(scope="module")
def results():
    return run_expectations(make_frames(60))


def find(results, hospital, table, field, kind):
    found = results.filter(
        pl.col("hospital") == hospital, pl.col("table_name") == table, pl.col("expectation") == kind,
        pl.col("field").eq_missing(pl.lit(field)),
    )  # fmt: skip
    return found.select("observed", "threshold", "success", "is_error").rows()


def test_no_check_failed_itself(results):
    assert results.height > 100
    assert not results["is_error"].any()


def test_far_fewer_patients_than_last_time_are_seen(results):
    assert find(results, "nanfang", "patient", None, "volume") == [
        ("60", "≥ 1", True, False),
        ("60", "≥ 96 (80 % × 120)", False, False),  # 120 last time
    ]
    assert find(results, "hunan", "patient", None, "volume") == [("30", "≥ 1", True, False)]


def test_missing_values_are_counted(results):
    assert find(results, "nanfang", "patient", "sex", "completeness") == [("66.7 % (40 / 60)", "≥ 95 %", False, False)]


def test_an_alternative_stands_for_a_field(results):
    assert find(results, "nanfang", "patient", "birth_date", "completeness")[0][2]


def test_baseline_tests_are_asked_of_every_patient(results):
    assert find(results, "nanfang", "laboratory", "alt_u_l", "completeness")[0][:3] == (
        "100.0 % (60 / 60)",
        "≥ 95 %",
        True,
    )
    assert find(results, "nanfang", "laboratory", "ast_u_l", "completeness")[0][2] is False


def test_another_unit_shows_in_range_and_median(results):
    assert find(results, "hunan", "laboratory", "albumin_g_l", "range") == [
        ("0.0 % (0 / 30)", "≥ 98 % (18–55 g/L)", False, False)
    ]
    assert find(results, "hunan", "laboratory", "albumin_g_l", "median") == [("4", "⅓–3 ×", False, False)]
    assert find(results, "hunan", "laboratory", "alt_u_l", "median")[0][2]


def test_codes_and_keys_hold(results):
    assert find(results, "nanfang", "treatment", "patient_id + line_number + drug", "key")[0][2]
    assert find(results, "nanfang", "patient", "patient_id", "key")[0][2]
    assert find(results, "nanfang", "treatment", "drug", "codes")[0][2]


def test_a_duplicate_key_and_an_unknown_code_are_seen():
    frames = make_frames(10)
    frames["treatment"] = pl.concat(
        [frames["treatment"], frames["treatment"].head(1).with_columns(start_date=pl.lit(datetime.date(2021, 1, 1)))]
    )
    frames["outcome"] = frames["outcome"].with_columns(vital_status=pl.lit("unheard of"))
    results = run_expectations(frames)
    assert find(results, "nanfang", "treatment", "patient_id + line_number + drug", "key")[0][2] is False
    assert find(results, "nanfang", "outcome", "vital_status", "codes")[0][2] is False
    assert not results["is_error"].any()


def test_counts_per_table_are_compared_where_the_warehouse_has_them():
    frames = make_frames(10)
    frames["record_counts"] = pl.DataFrame(
        {"ingest_id": [2, 2], "hospital": ["nanfang"] * 2, "table_name": ["lesion", "baseline"], "n_records": [50, 12]}
    )
    results = run_expectations(frames)
    assert find(results, "nanfang", "lesion", None, "volume") == [("0", "≥ 40 (80 % × 50)", False, False)]
    assert find(results, "nanfang", "baseline", None, "volume")[1] == ("10", "≥ 10 (80 % × 12)", True, False)


def test_a_check_that_fails_itself_is_an_error_and_no_verdict():
    expectation = Expectation("key", "ExpectColumnValuesToBeUnique", {"column": "absent"}, "absent", "100 %", KEY)
    rows = expectations._validate([Batch("h", "patient", pl.DataFrame({"a": [1]}), (expectation,))])
    (row,) = pl.DataFrame(rows, schema=expectations.RESULT_SCHEMA, orient="row").to_dicts()
    assert (row["success"], row["is_error"], row["observed"]) == (None, True, None)


def test_batches_hold_no_column_that_nothing_is_asked_of():
    batches = make_batches(make_frames(10), "nanfang")
    patient = next(batch for batch in batches if batch.table == "patient")
    assert "person_id" not in patient.frame.columns
    assert "source_file" not in patient.frame.columns


def test_results_hold_no_value_of_a_patient(results):
    assert set(results.columns) == set(expectations.RESULT_SCHEMA)
    assert not results["observed"].str.contains("nanfang-").any()


def test_nothing_loaded_needs_no_great_expectations(monkeypatch):
    frames = {name: frame.clear() for name, frame in make_frames(5).items()}
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    assert run_expectations(frames).is_empty()
