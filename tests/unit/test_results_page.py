"""The committed page of the results table is what the code says now, and its examples exist."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from analysis.report.results_page import EXAMPLES, render_results_page
from analysis.run import compute_study
from analysis.study.read_spec import read_study
from analysis.study.results import ANALYSES, COLUMNS, ID_COLUMNS, STATISTICS, Key
from analysis.study.spec import TimeVarying, Weighting

SPEC = read_study("len_vs_sora")
PAGE = Path(__file__).parents[2] / "docs" / "results.md"


@pytest.fixture(scope="module")
def results(frames):
    return compute_study(frames, SPEC).results


def test_committed_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == render_results_page(), "docs/results.md is out of date: run `make docs`"


def test_every_column_analysis_and_statistic_stands_in_the_page():
    text = render_results_page()
    for column in COLUMNS:
        assert f"| `{column.name}` | " in text
    for name, meaning in {**ANALYSES, **STATISTICS}.items():
        assert f"| `{name}` | {meaning}" in text


def test_every_example_is_a_result(results):
    assert [name for name in EXAMPLES if name not in results] == []


def test_studies_make_every_declared_analysis_and_statistic(results, frames):
    """The study itself, and what it does not ask for: weights, and what changes during follow-up."""
    names = tuple(item.id for item in SPEC.characteristics[:3])
    small = replace(SPEC, matching=None, sensitivity=(), regression=None, subgroups=(), courses=None, grade_bands=())
    changes = TimeVarying(id="progression", label="Progression", endpoint="OS", day_column="first_progression_days")
    weighted = replace(small, weighting=Weighting(covariates=names, method="overlap"), time_varying=(changes,))
    made = pl.concat([results.frame, compute_study(frames, weighted).results.frame])
    assert set(made["analysis"]) == set(ANALYSES)
    assert set(made["statistic"]) == set(STATISTICS)


@pytest.mark.parametrize("time_unit", ["month", "week"])
def test_the_columns_of_every_row_say_its_name_again(frames, results, time_unit):
    spec = replace(SPEC, time_unit=time_unit, sensitivity=SPEC.sensitivity[:1])
    table = results if time_unit == SPEC.time_unit else compute_study(frames, spec).results
    for row in table.frame.iter_rows(named=True):
        time = None if row["time_months"] is None else spec.at_month(row["time_months"])
        key = Key(**{name: row[name] for name in ID_COLUMNS}, time=time)
        assert key.result_id(row["statistic"]) == row["result_id"]
        assert table.row(key, row["statistic"]) == row
