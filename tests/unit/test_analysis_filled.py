"""A study is refused where it would read what a hospital's version does not hold, and reads nothing it does not declare."""

from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analysis.run import compute_study, run_study
from analysis.study.cohort import MONTH_DATES
from analysis.study.filled import ADVERSE_EVENT, ELIGIBILITY, EVENT_COLUMNS, SUBJECT, check_filled, list_read
from analysis.study.read_spec import read_study
from analysis.study.spec import Population
from etl.errors import AnalysisError
from etl.store.shape import declare_shape
from schemas.rules import CRITERIA

SPEC = read_study("len_vs_sora")
TACE_SEG = read_study("tace_seg")


def unfilled(*rows):
    schema = dict.fromkeys(("hospital", "delivery", "table_name", "column_name"), pl.String)
    return pl.DataFrame(
        [(hospital, f"{hospital}_1", table, name) for hospital, table, name in rows], schema=schema, orient="row"
    )


def test_hospitals_columns_and_the_command_are_named(frames, tmp_path):
    late = unfilled(("sysu", SUBJECT, "pfs_event"), ("hunan", SUBJECT, "pfs_event"), ("hunan", SUBJECT, "os_days"))
    with pytest.raises(AnalysisError) as caught:
        run_study(frames | {"unfilled_column": late}, SPEC, tmp_path / "analysis", {})
    assert "hunan (hunan_1): os_days, pfs_event\n    registry ingest hunan" in caught.value.en
    assert "sysu (sysu_1): pfs_event\n    registry ingest sysu" in caught.value.zh
    assert not (tmp_path / "analysis").exists()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (SUBJECT, "age_level"), (SUBJECT, "first_line_start_date"), (SUBJECT, "person_id"), (SUBJECT, "best_response"),
        (ELIGIBILITY, "e1_not_recurrent"), (ADVERSE_EVENT, "grade"),
    ],
)  # fmt: skip
def test_what_the_main_study_reads(table, column):
    with pytest.raises(AnalysisError, match=column):
        check_filled(unfilled(("hunan", table, column)), SPEC)


def test_what_a_study_does_not_read_is_no_obstacle():
    check_filled(unfilled(("hunan", SUBJECT, "body_weight_kg"), ("hunan", "versions.lesion", "organ")), SPEC)
    check_filled(unfilled(("hunan", ELIGIBILITY, "e1_not_recurrent"), ("hunan", ADVERSE_EVENT, "grade")), TACE_SEG)
    without = replace(SPEC.population, without_criteria=("e1_not_recurrent",))
    check_filled(unfilled(("hunan", ELIGIBILITY, "e1_not_recurrent")), replace(SPEC, population=without))
    check_filled(unfilled(("hunan", SUBJECT, "os_days")), replace(SPEC, population=Population(hospitals=("sysu",))))


@pytest.mark.parametrize("spec", [SPEC, TACE_SEG], ids=lambda spec: spec.study)
def test_every_column_that_a_study_reads_is_one_that_the_store_declares(spec):
    """One that it does not know would never be said to be empty (of the eligibility, criteria are read, not columns)."""
    declared, read = declare_shape(), list_read(spec)
    assert read[ELIGIBILITY] <= {*CRITERIA}
    assert {table: names - {*declared[table]} for table, names in read.items() if table != ELIGIBILITY} == {
        SUBJECT: set(), ADVERSE_EVENT: set()
    }  # fmt: skip


def test_a_study_reads_no_column_that_it_does_not_declare(frames):
    """The same results from frames that hold nothing but what `list_read` names."""
    read = list_read(SPEC)
    subjects, events = frames["analysis_subject"], frames["analysis_adverse_event"]
    # A version that was loaded before dates could be months has none: the column may be empty, and is not asked for.
    # So may what stands beside the results: it is left out then, and said.
    kept = {*read[SUBJECT], *CRITERIA, "seen_elsewhere_first", MONTH_DATES, *SPEC.list_further_columns()}
    less = {
        "analysis_subject": subjects.select(name for name in subjects.columns if name in kept),
        "analysis_adverse_event": events.select(*EVENT_COLUMNS, "arm"),
    }
    found, expected = compute_study(less, SPEC), compute_study(frames, SPEC)
    assert_frame_equal(found.results.frame, expected.results.frame)
    assert_frame_equal(found.curves, expected.curves)
    assert_frame_equal(found.courses, expected.courses)


def test_what_a_hospital_does_not_hold_yet_is_left_out_and_said(frames):
    """One hospital was loaded before PFS by images was made: that row alone is not estimable, and no other number changes."""
    late = pl.col("hospital") == frames["analysis_subject"]["hospital"][0]
    empty = {name: pl.when(~late).then(name) for name in SPEC.list_further_columns() if name.startswith("pfs_images")}
    subjects = frames["analysis_subject"].with_columns(**empty)
    found, expected = (
        compute_study(frames | {"analysis_subject": s}, SPEC).results for s in (subjects, frames["analysis_subject"])
    )
    assert "was not yet made" in found.named("sensitivity.images_only.n")["method"]
    kept = [name for name in expected.frame["result_id"] if ".images_only." not in name]
    assert found.frame.filter(pl.col("result_id").is_in(kept)).equals(
        expected.frame.filter(pl.col("result_id").is_in(kept))
    )
