"""A whole study of invented patients, computed in R from the protocol alone (`study.R`), against ours, number by number."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from analysis.run import compute_study
from analysis.study.cohort import PATIENT_ORDER
from analysis.study.read_spec import read_study
from analysis.study.spec import Population

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def results():
    subjects = (
        pl.read_csv(HERE / "study.csv", try_parse_dates=True)
        .with_columns(pl.col("^(os|pfs).*_event$").cast(pl.Boolean))
        .rename({"start_date": "first_line_start_date"})
    )
    subjects = subjects.with_columns(pl.lit(None).alias(name) for name in PATIENT_ORDER if name not in subjects.columns)
    everybody = Population(eligible_only=False)
    study = read_study("len_vs_sora")
    computed = tuple(
        item
        for item in study.sensitivity
        if not item.population and not item.weighting and (not item.time_column or item.time_column in subjects.columns)
    )
    parts = {"grade_bands": (), "courses": None, "response_alternatives": (), "evidence": (), "time_varying": ()}
    spec = replace(study, population=everybody, sensitivity=computed, **parts)
    return compute_study({"analysis_subject": subjects}, spec).results


def test_every_number_of_a_study_in_r_is_ours(results):
    expected = pl.read_csv(HERE / "study_results.csv", null_values="NA").rows()
    assert len(expected) > 700
    ours = {name: results.named(name)["value"] for name, _ in expected}
    differing = [
        (name, ours[name], value)
        for name, value in expected
        if (ours[name] is None) != (value is None)
        or (value is not None and ours[name] != pytest.approx(value, rel=1e-8, abs=1e-12))
    ]
    assert differing == []
