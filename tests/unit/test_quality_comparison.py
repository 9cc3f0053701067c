"""Hospitals side by side: changes, distributions, drift, suspicious rules, readiness; worked by hand."""

import polars as pl
import pytest
from clinical_tables import derive_case
from quality_frames import CHECKS, make_frames

from etl.quality import measures, thresholds
from etl.quality.changes import compare_counts, compare_questions
from etl.quality.comparison import count_shared_by_pair, find_suspicious_rules
from etl.quality.distributions import count_levels, hide_small_counts, measure_drift
from etl.quality.readiness import judge_readiness
from etl.quality.status import derive_query_status


def make_own(hospital="nanfang"):
    frames = {**make_frames(), "expectations": CHECKS}
    frames["measured"] = measures.derive_completeness(frames)
    frames["status"] = derive_query_status(frames["findings"], frames["ingests"], frames["answers"])
    return measures.filter_hospital(frames, hospital)


def test_counts_before_and_now():
    changes = compare_counts(make_own())
    assert changes.row(0) == ("patients", 120, 60)
    assert changes.row(-1) == ("patient", 120, 60)
    assert compare_counts(make_own("hunan")).is_empty()


def test_findings_that_came_and_went():
    """Ingest 2 has a and c; ingest 4 has a, b, d and a note."""
    changes = compare_questions(make_own()).select("severity", "n_before", "n_gone", "n_appeared", "n_now").rows()
    assert changes == [("query", 2, 1, 1, 2), ("reject", 0, 0, 1, 1), ("note", 0, 0, 1, 1)]
    assert compare_questions(make_own("hunan")).is_empty()


def make_subject(**columns):
    """One row per patient; what is not given is null."""
    schema = derive_case("")[1]["subject"].schema
    assert set(columns) <= set(schema)
    frame = pl.DataFrame(columns)
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in columns]
    return frame.with_columns(missing)


def read_counts(levels, field):
    return {row["label_en"]: (row["n"], row["n_others"]) for row in levels.filter(pl.col("field") == field).to_dicts()}


def test_patients_at_each_level():
    subject = make_subject(
        hospital=["a", "a", "a", "b", "b"], age_at_start_years=[39.0, 40.0, None, 70.0, 49.9], afp_ng_ml=[20.0, 20.0, None, 1210.0, 0.0],
        afp_comparator=["<", "=", None, ">", "not_detected"], sex=["male", "male", "female", None, "male"],
    )  # fmt: skip
    levels = count_levels(subject, "a")
    assert read_counts(levels, "age_at_start_years") == {"< 40": (1, 0), "40 – < 50": (1, 1), "≥ 70": (0, 1)}
    assert read_counts(levels, "afp_ng_ml") == {"< 20": (1, 1), "20 – < 400": (1, 0), "≥ 1,000": (0, 1)}
    assert read_counts(levels, "sex") == {"male": (2, 1), "female": (1, 0)}


def test_small_counts_of_the_others_are_hidden_and_cannot_be_worked_out():
    ages = [39.0] * 3 + [45.0] * 30 + [55.0] * 9 + [65.0] * 40
    subject = make_subject(hospital=["b"] * len(ages) + ["a"], age_at_start_years=[*ages, 45.0])
    shown = hide_small_counts(count_levels(subject, "a"))
    percents = dict(shown.select("label_en", "percent_others").iter_rows())
    assert percents == {"< 40": None, "40 – < 50": 37, "50 – < 60": None, "60 – < 70": 49}
    few = make_subject(hospital=["b"] * 19 + ["a"], age_at_start_years=[45.0] * 20)
    assert hide_small_counts(count_levels(few, "a"))["percent_others"].to_list() == [None]


def test_drift_is_the_share_that_would_have_to_change_level():
    """a: 60 male, 40 female; b: 90 and 10: 30 of 100 would have to change. R: chisq.test(matrix(c(60, 40, 90, 10), 2), correct = FALSE)."""
    sexes = ["male"] * 60 + ["female"] * 40 + ["male"] * 90 + ["female"] * 10
    levels = count_levels(make_subject(hospital=["a"] * 100 + ["b"] * 100, sex=sexes), "a")
    assert measure_drift(levels).row(0) == ("sex", 100, 100, pytest.approx(0.3), pytest.approx(9.633570086e-07), True)


def test_a_chance_difference_is_no_drift():
    sexes = ["male"] * 12 + ["female"] * 8 + ["male"] * 18 + ["female"] * 2
    levels = count_levels(make_subject(hospital=["a"] * 20 + ["b"] * 20, sex=sexes), "a")
    assert measure_drift(levels).select("distance", "is_drift").row(0) == (pytest.approx(0.3), False)
    few = count_levels(make_subject(hospital=["a"] * 19 + ["b"] * 100, sex=["male"] * 19 + ["female"] * 100), "a")
    assert measure_drift(few).is_empty()


def make_outcomes(**rates):
    """Outcomes of one rule per name: failures among 100 records, hospital by hospital."""
    return pl.DataFrame(
        [
            {"rule_id": rule, "hospital": hospital, "n_pass": 100 - n, "n_fail": n}
            for rule, fails in rates.items()
            for hospital, n in zip("abc", fails, strict=True)
        ]
    )


def test_rules_that_fail_everywhere_or_in_one_place():
    outcomes = make_outcomes(
        bad_rule=(5, 9, 30), bad_mapping=(10, 2, 0), both_fine=(4, 9, 30), one_and_a_bit=(40, 3, 0)
    )
    found = find_suspicious_rules(outcomes, ["a", "b", "c"])
    assert [row["rule_id"] for row in found["everywhere"]] == ["bad_rule"]
    assert [row["rule_id"] for row in found["one_place"]] == ["bad_mapping"]
    assert found["one_place"][0]["rates"] == {"a": 0.10, "b": 0.02, "c": 0.0}


def test_few_records_and_one_hospital_tell_nothing_about_a_rule():
    few = make_outcomes(rule=(5, 9, 30)).with_columns(n_pass=pl.lit(10))
    assert find_suspicious_rules(few.filter(pl.col("n_fail") < 10), ["a", "b", "c"]) == {
        "everywhere": [],
        "one_place": [],
    }
    alone = make_outcomes(rule=(50, 0, 0)).filter(pl.col("hospital") == "a")
    assert find_suspicious_rules(alone, ["a"]) == {"everywhere": [], "one_place": []}


def test_pairs_of_hospitals_that_share_patients():
    patients = pl.DataFrame({"hospital": ["a", "b", "a", "b", "c", "c"], "person_id": ["1", "1", "2", "2", "2", None]})
    pairs = [
        (row["hospital"], row["hospital_other"], row["n"]) for row in count_shared_by_pair(patients, ["a", "b", "c"])
    ]
    assert pairs == [("a", "b", 2), ("a", "c", 1), ("b", "c", 1)]


def test_readiness_names_what_is_left_to_do():
    conditions = {condition.label.en: condition for condition in judge_readiness(make_own())}
    assert conditions["rejected records"].found == "1"
    assert conditions["checks that could not be run"].found == "2"  # a rule and an expectation
    assert not any(conditions[name].is_met for name in ("rejected records", "checks that could not be run"))
    assert conditions["other checks of the batch not met"].is_met


def test_every_threshold_has_a_reason_in_both_languages():
    for name, threshold in vars(thresholds).items():
        if isinstance(threshold, thresholds.Threshold):
            assert len(threshold.reason.en) > 30, name
            assert any("\u4e00" <= letter <= "\u9fff" for letter in threshold.reason.zh), name
