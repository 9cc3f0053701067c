"""The laboratory values that describe a patient before therapy, chosen by the dates of their samples.

Source: the study's protocol, "Baseline laboratory": the last value of a test in the 28 days before the start or on its day; AFP
and HBV DNA up to 90 days before where those 28 days have none; never a sample of a later day, whatever its visit. Of a
sample without a date, or where the start is not known, the hospital's visit 0 is the baseline.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from schemas.codes import Comparator, LabTest
from schemas.definitions.albi import compute_bounded_albi_grade
from schemas.definitions.baseline import (
    AFP_CUT_NG_ML,
    ALT_CUT_U_L,
    AST_CUT_U_L,
    HBV_DNA_CUT_IU_ML,
    compute_bounded_level,
    compute_copies_level,
)
from schemas.definitions.child_pugh import compute_class_from_points_or_record, compute_possible_classes
from schemas.definitions.endpoints import compute_days_between

BASELINE_SAMPLE_DAYS = 28
LASTING_SAMPLE_DAYS = 90
LASTING_TESTS = (LabTest.AFP.value, LabTest.HBV_DNA.value, LabTest.HBV_DNA_COPIES.value)
"""Tests of which an older value describes the patient where there is no newer one."""
LEVEL_CUTS = {
    LabTest.ALT: ALT_CUT_U_L,
    LabTest.AST: AST_CUT_U_L,
    LabTest.AFP: AFP_CUT_NG_ML,
    LabTest.HBV_DNA: HBV_DNA_CUT_IU_ML,
}
LIVER_TESTS = (LabTest.BILIRUBIN, LabTest.ALBUMIN, LabTest.INR, LabTest.PT_PROLONGATION)
"""Tests that make ALBI grade and Child-Pugh class, together."""
_OF_TEST = ["patient_id", "test"]
_IN_FILE = ["source_file", "source_sheet", "source_row", "source_column"]


def name_comparator(test: LabTest) -> str:
    """Return the subject's column that holds the sign of a test's baseline value."""
    return f"{test.name.lower()}_comparator"


def compute_is_baseline_day(days: pl.Expr) -> pl.Expr:
    """Return whether a sample of so many days from the start may be the baseline of its `test`; null without a day."""
    is_lasting = pl.col("test").is_in(LASTING_TESTS)
    first_day = pl.when(is_lasting).then(-LASTING_SAMPLE_DAYS).otherwise(-BASELINE_SAMPLE_DAYS)
    return (days >= first_day) & (days <= 0)


def compute_is_baseline_sample() -> pl.Expr:
    """Return whether a laboratory record is of the day whose value of its test is the baseline; never null.

    Over the table's records joined with subject and `laboratory_facts`, as rules see them.
    """
    days = compute_days_between(pl.col("first_line_start_date"), pl.col("sample_date"))
    may_be = compute_is_baseline_day(days).fill_null(value=False) | (pl.col("visit_number") == 0)
    is_measured = pl.col("value").is_not_null() | (pl.col("value_comparator") == Comparator.NOT_DETECTED.value)
    is_of_day = pl.col("sample_date").eq_missing(pl.col("baseline_sample_date"))
    is_found = pl.col("has_baseline_conflict").is_not_null()
    return may_be & is_measured.fill_null(value=False) & is_of_day & is_found


def derive_baseline_samples(laboratory: pl.DataFrame, baseline: pl.DataFrame, first_line: pl.DataFrame) -> pl.DataFrame:
    """Return one row per patient and test that has a baseline value, sorted by both.

    Columns: patient_id, test, baseline_sample_date (null where it has none), baseline_sample_value (canonical unit; 0 where nothing was detected),
    baseline_sample_comparator, has_baseline_conflict: several values of one day of which none counts, since they lead to
    different levels, ALBI grades or Child-Pugh classes. Its value is null, and its sign `=`: it was measured.
    `baseline` gives ascites and encephalopathy_grade, `first_line` first_line_start_date.
    """
    of_last_day = _select_last_day(_rank_samples(laboratory, first_line))
    conflicts = _find_conflicts(of_last_day, baseline)
    last = of_last_day.sort(*_OF_TEST, *_IN_FILE, nulls_last=True).unique(_OF_TEST, keep="last", maintain_order=True)
    has_conflict = pl.col("has_baseline_conflict")
    return (
        last.join(conflicts, on=_OF_TEST, how="left", maintain_order="left")
        .with_columns(has_conflict.fill_null(value=False))
        .select(
            *_OF_TEST,
            baseline_sample_date="sample_date",
            baseline_sample_value=pl.when(~has_conflict).then("value"),
            baseline_sample_comparator=pl.when(has_conflict)
            .then(pl.lit(Comparator.EQUAL.value))
            .otherwise("value_comparator"),
            has_baseline_conflict=has_conflict,
        )
    )


def derive_laboratory(samples: pl.DataFrame) -> pl.DataFrame:
    """Return per patient one column per test with its baseline value, and `<test>_comparator`, of `derive_baseline_samples`."""
    columns = []
    for test in LabTest:
        is_test = pl.col("test") == test.value
        columns.append(pl.col("baseline_sample_value").filter(is_test).first().alias(test.value))
        columns.append(pl.col("baseline_sample_comparator").filter(is_test).first().alias(name_comparator(test)))
    return samples.group_by("patient_id", maintain_order=True).agg(columns)


def _rank_samples(laboratory: pl.DataFrame, first_line: pl.DataFrame) -> pl.DataFrame:
    """Return the samples that may be the baseline with `rank`: 0 of the last 28 days, 1 undated of visit 0, 2 older."""
    is_detected = pl.col("value_comparator").ne_missing(Comparator.NOT_DETECTED.value)
    start, date, is_visit_0 = pl.col("first_line_start_date"), pl.col("sample_date"), pl.col("visit_number") == 0
    days = compute_days_between(start, date)
    rank = (
        pl.when(days.is_between(-BASELINE_SAMPLE_DAYS, 0) | (start.is_null() & is_visit_0))
        .then(0)
        .when(date.is_null() & is_visit_0)
        .then(1)
        .when(compute_is_baseline_day(days))
        .then(2)
    )
    return (
        laboratory.join(first_line.select("patient_id", "first_line_start_date"), on="patient_id", how="left")
        .with_columns(rank=rank, value=pl.when(is_detected).then("value").otherwise(0.0))
        .filter(pl.col("rank").is_not_null(), pl.col("value").is_not_null())
    )


def _select_last_day(ranked: pl.DataFrame) -> pl.DataFrame:
    """Return of each patient and test the samples of the last day of the best rank; of HBV DNA the unit is no matter."""
    quantity = pl.col("test").replace({LabTest.HBV_DNA_COPIES.value: LabTest.HBV_DNA.value})
    best = ranked.filter(pl.col("rank") == pl.col("rank").min().over("patient_id", quantity))
    return best.filter(pl.col("sample_date").eq_missing(pl.col("sample_date").max().over(_OF_TEST)))


def _find_conflicts(of_last_day: pl.DataFrame, baseline: pl.DataFrame) -> pl.DataFrame:
    """Return patient_id, test, has_baseline_conflict (True) of the tests whose values of one day disagree."""
    several = of_last_day.filter(pl.len().over(_OF_TEST) > 1)
    if several.is_empty():
        return several.select(*_OF_TEST, has_baseline_conflict=pl.lit(value=True))
    own_level = several.filter(_compute_level().n_unique().over(_OF_TEST) > 1).select(_OF_TEST)
    liver = [test.value for test in LIVER_TESTS]
    patients = several.filter(pl.col("test").is_in(liver)).select("patient_id").unique(maintain_order=True)
    combined = _combine(of_last_day.join(patients, on="patient_id", how="semi"), patients, baseline)
    found = [own_level, *(_find_deciding(combined, test) for test in LIVER_TESTS)]
    return pl.concat(found).unique(maintain_order=True).with_columns(has_baseline_conflict=pl.lit(value=True))


def _compute_level() -> pl.Expr:
    """The level of a characteristic that a sample's value alone leads to; null where it leaves it open, and of other tests."""
    value, sign, test = pl.col("value"), pl.col("value_comparator"), pl.col("test")
    level = pl.when(test == LabTest.HBV_DNA_COPIES.value).then(compute_copies_level(value, sign))
    for name, cut in LEVEL_CUTS.items():
        level = level.when(test == name.value).then(compute_bounded_level(value, sign, cut))
    return level


def _combine(samples: pl.DataFrame, patients: pl.DataFrame, baseline: pl.DataFrame) -> pl.DataFrame:
    """Return every combination of a patient's values of the liver tests, with the `grade` and `class` that it leads to.

    Of many values with one sign the smallest and the largest stand for all: grade and points rise or fall with each.
    """
    combined = patients.join(
        baseline.select("patient_id", "ascites", "encephalopathy_grade"), on="patient_id", how="left"
    )
    for test in LIVER_TESTS:
        own = samples.filter(pl.col("test") == test.value).group_by("patient_id", "value_comparator")
        ends = pl.concat([own.agg(pl.col("value").min()), own.agg(pl.col("value").max())]).unique()
        named = ends.rename({"value": test.value, "value_comparator": name_comparator(test)})
        combined = combined.join(named, on="patient_id", how="left")
    values = [pl.col(name) for test in LIVER_TESTS[:2] for name in _list_columns([test])]
    only_class = compute_class_from_points_or_record(pl.lit(None, dtype=pl.String))
    return combined.with_columns(**compute_possible_classes()).select(
        "patient_id",
        *_list_columns(LIVER_TESTS),
        compute_bounded_albi_grade(*values).alias("grade"),
        only_class.alias("class"),
    )


def _list_columns(tests: Sequence[LabTest]) -> list[str]:
    return [name for test in tests for name in (test.value, name_comparator(test))]


def _find_deciding(combined: pl.DataFrame, test: LabTest) -> pl.DataFrame:
    """Return patient_id and test where grade or class changes with the value of a test alone, whichever the others are."""
    others = _list_columns([other for other in LIVER_TESTS if other is not test])
    changes = combined.group_by("patient_id", *others).agg(pl.col("grade", "class").n_unique())
    deciding = changes.filter((pl.col("grade") > 1) | (pl.col("class") > 1))
    return deciding.select("patient_id", test=pl.lit(test.value)).unique().sort("patient_id")
