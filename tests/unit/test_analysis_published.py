"""Every printed figure stands beside its result, and every pairing of the specification exists."""

import csv
import re
import shutil
from collections import Counter
from dataclasses import replace

import polars as pl
import pytest

from analysis.run import compute_study
from analysis.study import published
from analysis.study.published import list_without_result, read_published
from analysis.study.read_spec import read_study
from analysis.tables.comparison import build
from etl.errors import UsageError

SPEC = read_study("len_vs_sora")
FOLDER = SPEC.folder / "published"
FIGURES = {  # columns that hold printed figures; of survival.csv the time is part of the question
    "table1": r".*_(n|pct)|p_(all|psm)",
    "survival": r"estimate|se|ci_low|ci_high|p",
    "table2": r"hr|ci_low|ci_high|p",
    "table3": r".*_(n|pct)|p",
}


def read(name):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def results(frames):
    return compute_study(frames, SPEC).results


@pytest.mark.parametrize("name", FIGURES)
def test_every_printed_figure_is_read_under_a_result(name):
    """Row by row: each figure is handed over as often as it is printed, or more often (a median by both rules)."""
    reader = getattr(published, f"_read_{name}")
    for row in read(name):
        figures = Counter(text for column, text in row.items() if re.fullmatch(FIGURES[name], column) and text)
        assert figures, row
        found = Counter(text for _, text in reader([row], SPEC) if text)
        assert not figures - found, row


def test_every_file_of_figures_is_read():
    assert {path.stem for path in FOLDER.glob("*.csv")} == {*FIGURES, "claims"}


def test_every_statement_has_its_results_or_a_reason():
    claims = {row["id"]: row["value"] for row in read("claims")}
    assert set(SPEC.published_claims) & set(SPEC.published_without_result) == set()
    assert set(SPEC.published_claims) | set(SPEC.published_without_result) == set(claims)
    for name, result_ids in SPEC.published_claims.items():
        # a number, but not the 95 of an interval's name; "<10%" is one figure with its sign
        assert len(re.findall(r"<?\d+(?:\.\d+)?", claims[name])) == len(result_ids), name
    assert len(list_without_result(SPEC)) == len(SPEC.published_without_result)


def test_every_reading_of_a_contrast_is_used():
    printed = {f"{row['variable']}: {row['contrast']}" for row in read("table2")}
    assert printed == set(SPEC.published_contrasts)


def test_a_figure_printed_twice_is_printed_alike():
    """Table and text may print a figure each; the appendix shows one, so that a difference must not hide there."""
    seen = {}
    for name in (*FIGURES, "claims"):
        for result_id, text in getattr(published, f"_read_{name}")(read(name), SPEC):
            if text:
                assert seen.setdefault(result_id, text) == text, result_id


def test_the_appendix_shows_every_figure_once_beside_its_result(results):
    tables = {table.name: table for table in build(results, SPEC)}
    without = tables.pop("published_without_result")
    assert len(without.rows) == len(SPEC.published_without_result)
    rows = [row for table in tables.values() for row in table.rows]
    printed = read_published(SPEC)
    assert sorted(row[2].parts[0] for row in rows) == sorted(printed.values())
    shown = [row[1].parts[0].result_id for row in rows if not isinstance(row[1].parts[0], str)]
    assert all(printed[name] == results.named(name)["reference"] for name in shown)
    absent = [row[0].parts[0] for row in rows if isinstance(row[1].parts[0], str)]
    assert sorted([*shown, *absent]) == sorted(printed)
    assert all(name.startswith("cox_multivariable") for name in absent)


def test_every_reference_is_a_printed_figure(results):
    referenced = results.frame.filter(pl.col("reference").is_not_null())
    printed = read_published(SPEC)
    assert dict(referenced.select("result_id", "reference").iter_rows()).items() <= printed.items()


def test_printed_figures_of_another_study_are_refused_by_file(tmp_path):
    """A study of one group beside figures printed by arm, and a file without its columns: each is named, nothing ends in our fault."""
    spec = read_study("len_vs_sora")
    shutil.copytree(spec.folder / "published", tmp_path / "published")
    for other in (replace(spec, folder=tmp_path, arms=()), replace(spec, folder=tmp_path, characteristics=())):
        with pytest.raises(UsageError, match=r"published/\w+.csv' does not fit the study"):
            read_published(other)
    (tmp_path / "published" / "table1.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"table1.csv"):
        read_published(replace(spec, folder=tmp_path))
