import polars as pl
import pytest

from analysis.numbers import format_number
from analysis.published import read_published
from analysis.read_spec import read_study
from analysis.results import COLUMNS, ResultsBuilder, make_slug
from etl.errors import InternalError

SPEC = read_study("len_vs_sora")


@pytest.mark.parametrize(
    ("text", "slug"),
    [("<=40", "le40"), (">40", "gt40"), ("I-II", "i_ii"), ("Lung + other organs", "lung_other_organs")],
)
def test_slugs(text, slug):
    assert make_slug(text) == slug


def test_a_result_is_named_after_its_keys():
    builder = ResultsBuilder(SPEC)
    keys = {"cohort": "all", "arm": "sora", "variable": "alt", "level": "<=40", "n": 127}
    assert builder.add("table1", "n", 74, unit="patients", **keys) == "table1.all.sora.alt.le40.n"
    assert (
        builder.add("kaplan_meier", "estimate", 58.9, time=12, variable="survival")
        == "kaplan_meier.survival.12m.estimate"
    )
    results = builder.build({"table1.all.sora.alt.le40.n": "74"})
    assert results.frame.columns == [column.name for column in COLUMNS]
    assert results.value("table1.all.sora.alt.le40.n") == 74
    assert results.row("table1.all.sora.alt.le40.n")["reference"] == "74"


def test_two_results_of_one_name_are_refused():
    builder = ResultsBuilder(SPEC)
    builder.add("matching", "n", 82, variable="pairs")
    with pytest.raises(InternalError, match=r"matching\.pairs\.n"):
        builder.add("matching", "n", 83, variable="pairs")


def test_an_unknown_result_is_an_error_and_a_number_that_cannot_be_is_null():
    builder = ResultsBuilder(SPEC)
    builder.add("matching", "n", float("inf"), variable="pairs")
    results = builder.build({})
    assert results.value("matching.pairs.n") is None
    with pytest.raises(InternalError):
        results.value("matching.pairs.p")


def test_saved_table_reads_back(tmp_path):
    builder = ResultsBuilder(SPEC)
    builder.add("matching", "n", 82, variable="pairs", n=164)
    results = builder.build({})
    results.save(tmp_path, is_synthetic=True)
    saved = pl.read_parquet(tmp_path / "results.parquet")
    assert saved.drop("data_origin").equals(results.frame.drop("data_origin"))
    assert saved["data_origin"].unique().to_list() == ["synthetic"]


def test_printed_slips_are_kept():
    printed = read_published(SPEC)
    assert printed["table1.all.sora.alt.le40.n"] == "74"
    assert printed["kaplan_meier.matched.os.sora.median_spss.estimate"] == "12.3.0"
    assert printed["cox_multivariable.matched.os.arm.sora.ci_low"] == "117"
    assert printed["cox_multivariable.matched.os.tace.no.hr"] == "2.73"
    assert printed["logrank.matched.os.tace_no.p"] == "0.373"
    assert printed["table1.all.hbsag.positive.n"] == "199"
    assert printed["response.matched.len.orr.3m.pct"] == "20.7"


@pytest.mark.parametrize(
    ("value", "kind", "printed"),
    [
        (0.0004, "p", "<0.001"), (0.0006, "p", "0.001"), (1.0, "p", "1.000"), (-0.0661, "difference", "−0.066"),
        (-0.0001, "difference", "0.000"), (12.04, "time", "12.0"), (None, "ratio", "NE"), (74, "count", "74"),
    ],
)  # fmt: skip
def test_printed_numbers(value, kind, printed):
    assert format_number(value, kind) == printed
