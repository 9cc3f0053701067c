"""A study that cannot be computed ends in one message that says why, before any file is written."""

from dataclasses import replace

import polars as pl
import pytest

from analysis.run import run_study
from analysis.study.read_spec import read_study
from etl.errors import AnalysisError

SPEC = read_study("len_vs_sora")
IS_TREATED = pl.col("arm") == "len_pd1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (pl.lit("len_pd1").alias("arm"), r"nobody analysed is in the arm Sora\+PD-1"),
        (pl.lit(None, dtype=pl.Boolean).alias("os_event"), "Overall survival, cohort all: nobody has a time"),
        (
            pl.lit(None, dtype=pl.Int64).alias("pfs_days"),
            r"endpoints.PFS: 'pfs_days' or 'pfs_event' is empty for \d+ of 242",
        ),
        (pl.lit(-1).alias("os_days"), "Overall survival, cohort all: nobody has a time"),
        (
            pl.when(IS_TREATED).then(pl.lit(">40")).otherwise(pl.lit("<=40")).alias("alt_level"),
            "the arms are separated by alt=>40; merge levels or drop",
        ),
        (pl.lit("<=40").alias("alt_level"), r"ALT \(U/L\): nobody has the level|covariate alt: only one level occurs"),
        (
            pl.when(pl.col("source_row") > 50).then("alt_level").alias("alt_level"),
            r"characteristics.alt: ALT \(U/L\) is not known of \d+ patients",
        ),
    ],
)
def test_what_the_data_do_not_allow_is_named(frames, tmp_path, change, said):
    subjects = frames["analysis_subject"].with_columns(change)
    refuse(frames | {"analysis_subject": subjects}, SPEC, tmp_path, said)


def test_an_unknown_column_is_named(frames, tmp_path):
    endpoint = replace(SPEC.endpoints[0], time_column="survival_days")
    refuse(
        frames,
        replace(SPEC, endpoints=(endpoint,)),
        tmp_path,
        "endpoints.OS.time_column: no column 'survival_days' Did you mean",
    )


def test_no_pair_is_said(frames, tmp_path):
    hospital = pl.when(IS_TREATED).then(pl.lit("nanfang")).otherwise(pl.lit("hunan")).alias("hospital")
    subjects = frames["analysis_subject"].with_columns(hospital)
    within = replace(SPEC, matching=replace(SPEC.matching, exact=("hospital",)))
    refuse(frames | {"analysis_subject": subjects}, within, tmp_path, "no treated patient has a control within")


def refuse(frames, spec, tmp_path, said):
    folder = tmp_path / "analysis"
    with pytest.raises(AnalysisError, match=said):
        run_study(frames, spec, folder, {})
    assert list(tmp_path.iterdir()) == []
