from dataclasses import replace

import polars as pl
import pytest

from analysis.study.numbers import format_number
from analysis.study.published import read_published
from analysis.study.read_spec import read_study
from analysis.study.results import COLUMNS, Key, ResultsBuilder, make_slug
from etl.errors import InternalError

SPEC = read_study("len_vs_sora")
PAIRS = Key(analysis="matching", variable="pairs")


@pytest.mark.parametrize(
    ("text", "slug"),
    [("<=40", "le40"), (">40", "gt40"), ("I-II", "i_ii"), ("Lung + other organs", "lung_other_organs")],
)
def test_slugs(text, slug):
    assert make_slug(text) == slug


def test_a_result_is_named_after_its_key():
    level = Key(analysis="table1", cohort="all", arm="sora", variable="alt", level="<=40")
    assert level.result_id("n") == "table1.all.sora.alt.le40.n"
    rate = Key(analysis="kaplan_meier", endpoint="OS", variable="survival")
    assert rate.of(time=SPEC.at(12)).result_id("estimate") == "kaplan_meier.os.survival.12m.estimate"
    weekly = replace(SPEC, time_unit="week")
    assert rate.of(time=weekly.at(26)).result_id("se") == "kaplan_meier.os.survival.26w.se"
    # 3 months of 365.25 / 12 days are 13.0446 weeks
    assert rate.of(time=weekly.at_month(3)).result_id("se") == "kaplan_meier.os.survival.13.0446w.se"
    assert weekly.at_month(3).months == 3


def test_a_number_is_found_by_its_key_and_by_its_name():
    level = Key(analysis="table1", cohort="all", arm="sora", variable="alt", level="<=40")
    builder = ResultsBuilder(SPEC.study)
    builder.add(level, "n", 74, unit="patients", n=127)
    results = builder.build({"table1.all.sora.alt.le40.n": "74"})
    assert results.frame.columns == [column.name for column in COLUMNS]
    assert results.has(level, "n")
    assert results.value(level, "n") == 74
    assert results.row(level, "n") == results.named("table1.all.sora.alt.le40.n")
    assert results.named("table1.all.sora.alt.le40.n")["reference"] == "74"
    assert not results.has(level.of(level=">40"), "n")
    assert not results.has(level, "pct")


def test_rows_are_selected_by_what_their_columns_hold_and_by_what_they_do_not():
    builder = ResultsBuilder(SPEC.study)
    builder.add(PAIRS, "n", 82)
    builder.add(PAIRS.of(hospital="hunan"), "n", 30)
    results = builder.build({})
    assert results.select(analysis="matching")["value"].to_list() == [82, 30]
    assert results.select(hospital=None)["value"].to_list() == [82]
    assert results.select(hospital="hunan")["value"].to_list() == [30]


@pytest.mark.parametrize("misspelt", [{"analyis": "table1"}, {"analysis": "table1", "endpiont": "OS"}])
def test_a_misspelt_column_of_a_key_is_a_type_error(misspelt):
    with pytest.raises(TypeError):
        Key(**misspelt)
    with pytest.raises(TypeError):
        PAIRS.of(**misspelt)


@pytest.mark.parametrize("columns", [{"analysis": "tabel1"}, {"analysis": "table1", "cohort": "mached"}])
def test_a_key_of_what_is_not_declared_is_refused(columns):
    with pytest.raises(InternalError, match=r"undeclared: (tabel1|mached)"):
        Key(**columns)


def test_a_statistic_that_is_not_declared_is_refused():
    results = ResultsBuilder(SPEC.study).build({})
    for ask in (results.has, results.row, results.value):
        with pytest.raises(InternalError, match="undeclared: number"):
            ask(PAIRS, "number")


def test_two_results_of_one_name_are_refused():
    builder = ResultsBuilder(SPEC.study)
    builder.add(PAIRS, "n", 82)
    with pytest.raises(InternalError, match=r"matching\.pairs\.n"):
        builder.add(PAIRS, "n", 83)


def test_an_unknown_result_is_an_error_and_a_number_that_cannot_be_is_null():
    builder = ResultsBuilder(SPEC.study)
    builder.add(PAIRS, "n", float("inf"))
    results = builder.build({})
    assert results.value(PAIRS, "n") is None
    with pytest.raises(InternalError, match=r"there is no result matching\.pairs\.p"):
        results.value(PAIRS, "p")
    with pytest.raises(InternalError, match=r"there is no result matching\.pears\.n"):
        results.named("matching.pears.n")


def test_saved_table_reads_back(tmp_path):
    builder = ResultsBuilder(SPEC.study)
    builder.add(PAIRS, "n", 82, n=164)
    results = builder.build({})
    results.save(tmp_path, is_synthetic=True)
    saved = pl.read_parquet(tmp_path / "results.parquet")
    assert saved.drop("data_origin").equals(results.frame.drop("data_origin"))
    assert saved["data_origin"].unique().to_list() == ["synthetic"]


def test_printed_slips_are_kept():
    printed = read_published(SPEC)
    assert printed["table1.all.sora.alt.le40.n"] == "74"
    assert printed["kaplan_meier.matched.os.sora.median_spss.estimate"] == "12.3.0"
    assert printed["cox_multivariable_naive.matched.os.arm.sora.ci_low"] == "117"
    assert printed["cox_multivariable_naive.matched.os.tace.no.hr"] == "2.73"
    assert printed["logrank.matched.os.tace_no.p"] == "0.373"
    assert printed["table1.all.hbsag.positive.n"] == "199"
    assert printed["response.matched.len.orr.3m.pct"] == "20.7"


@pytest.mark.parametrize(
    ("value", "kind", "printed"),
    [
        (0.0004, "p", "<0.001"), (0.00099, "p", "<0.001"), (0.001, "p", "0.001"), (0.9991, "p", ">0.999"), (0.999, "p", "0.999"), (1.0, "p", ">0.999"),
        (0.04996, "p", "0.04996"), (0.0503, "p", "0.0503"), (0.0499, "p", "0.0499"), (0.0495, "p", "0.0495"), (0.05, "p", "0.050"), (0.0507, "p", "0.051"), (-0.0661, "difference", "−0.066"),
        (-0.0001, "difference", "0.000"), (12.04, "time", "12.0"), (None, "ratio", "NE"), (74, "count", "74"),
    ],
)  # fmt: skip
def test_printed_numbers(value, kind, printed):
    assert format_number(value, kind) == printed
