import datetime
import sys

import polars as pl
import pytest
from quality_frames import make_frames

from etl.quality import expectations
from etl.quality.expectations import judge_measures, run_expectations
from etl.quality.statements import MEASURE_SCHEMA, Statement, measure
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
    absent, there = (Statement("key", name, pl.col(name).sum(), pl.len(), "100 %", KEY, 1) for name in ("absent", "a"))
    rows = measure("h", "patient", pl.DataFrame({"a": [1]}), [absent, there])
    error, met = judge_measures(pl.DataFrame(list(rows), schema=MEASURE_SCHEMA, orient="row")).to_dicts()
    assert (error["success"], error["is_error"], error["observed"]) == (None, True, None)
    assert (met["success"], met["is_error"], met["observed"]) == (True, False, "100.0 % (1 / 1)")


def test_where_the_judge_fails_nothing_is_judged(monkeypatch):
    monkeypatch.setattr(expectations, "LIMITS", (("value", "absent"),))
    rows = measure("h", "patient", pl.DataFrame({"a": [1]}), [Statement("volume", None, pl.len(), None, "", KEY, 1)])
    (row,) = judge_measures(pl.DataFrame(list(rows), schema=MEASURE_SCHEMA, orient="row")).to_dicts()
    assert (row["success"], row["is_error"]) == (None, True)


@pytest.mark.parametrize(
    ("value", "low", "high", "success"),
    [(0.95, 0.95, None, True), (0.9499999, 0.95, None, False), (3.0, 1.0, 3.0, True), (3.01, 1.0, 3.0, False), (0.9, 1.0, 3.0, False)],
)  # fmt: skip
def test_a_measure_on_its_limit_is_within(value, low, high, success):
    row = dict.fromkeys(MEASURE_SCHEMA) | {"value": value, "low": low, "high": high}
    assert judge_measures(pl.DataFrame([row], schema=MEASURE_SCHEMA))["success"].to_list() == [success]


def test_results_hold_no_value_of_a_patient(results):
    assert set(results.columns) == set(expectations.RESULT_SCHEMA)
    assert not results["observed"].str.contains("nanfang-").any()


def test_nothing_loaded_needs_no_great_expectations(monkeypatch):
    frames = {name: frame.clear() for name, frame in make_frames(5).items()}
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    assert run_expectations(frames).is_empty()
