"""The committed page of the results table is what the code says now, and its examples exist."""

from pathlib import Path

import pytest

from analysis.read_spec import read_study
from analysis.results import ANALYSES, COLUMNS, STATISTICS, ResultsBuilder
from analysis.results_page import EXAMPLES, render_results_page
from analysis.run import compute_study
from etl.errors import InternalError

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


def test_a_study_makes_every_declared_analysis_and_statistic(results):
    assert set(results.frame["analysis"]) == set(ANALYSES)
    assert set(results.frame["statistic"]) == set(STATISTICS)


@pytest.mark.parametrize(("analysis", "statistic"), [("tabel1", "n"), ("table1", "number")])
def test_what_is_not_declared_is_refused(analysis, statistic):
    with pytest.raises(InternalError, match="undeclared"):
        ResultsBuilder(SPEC).add(analysis, statistic, 1)


def test_an_id_is_its_keys_joined(results):
    from analysis.results import ID_COLUMNS, make_slug

    for row in results.frame.iter_rows(named=True):
        parts = [make_slug(row[name]) for name in ID_COLUMNS if row[name] is not None]
        parts += [] if row["time_months"] is None else [f"{row['time_months']:g}m"]
        assert row["result_id"] == ".".join([*parts, row["statistic"]])
