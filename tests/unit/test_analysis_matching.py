"""The matching of a study within its hospitals: who is paired, who is left out, and what the methods say."""

from dataclasses import replace

import polars as pl
import pytest

from analysis.report.methods import write_methods
from analysis.run import compute_study
from analysis.steps.match import add_matching
from analysis.steps.study import Study
from analysis.study.cohort import select_cohort
from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.read_spec import STUDIES, read_spec, read_study
from analysis.study.results import ResultsBuilder
from etl.errors import UsageError

SPEC = read_study("len_vs_sora")
WITHIN = replace(SPEC, matching=replace(SPEC.matching, exact=("hospital",)))
BY_SEX = replace(SPEC, matching=replace(SPEC.matching, exact=("sex",)))


@pytest.mark.parametrize(("spec", "column"), [(WITHIN, "hospital"), (BY_SEX, "sex_level")])
def test_pairs_agree_in_what_is_matched_exactly(frames, spec, column):
    study = Study(spec, {ALL: select_cohort(frames["analysis_subject"], spec).frame}, ResultsBuilder(spec.study))
    add_matching(study, spec.matching)
    pairs = study.cohorts[MATCHED].group_by("pair").agg(pl.len(), pl.col(column).n_unique())
    assert pairs["len"].unique().to_list() == [2]
    assert pairs[column].unique().to_list() == [1]


def test_the_left_out_are_counted_by_reason_and_the_methods_say_within_what(frames):
    results = compute_study(frames, WITHIN).results
    for arm in WITHIN.arms:
        of_arm = results.select(analysis="matching", arm=arm.id, variable="unmatched")
        total = of_arm.filter(pl.col("level").is_null())["value"].item()
        assert of_arm["value"].sum() == 2 * total
        assert (
            total + results.named("matching.matched.pairs.n")["value"]
            == results.named(f"table1.all.{arm.id}.patients.n")["value"]
        )
    paragraphs = write_methods(results, WITHIN, {"packages": {}, "python": "3"})
    said = "".join(part for cell in paragraphs for part in cell.parts if isinstance(part, str))
    assert "without replacement, within the same hospital, within 0.2 SD" in said
    assert "the estimand is the effect in the matched patients" in said


def test_an_unknown_variable_to_match_within_is_named(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    content = (STUDIES / "len_vs_sora" / "spec.toml").read_text(encoding="utf-8")
    changed = content.replace("[matching]", '[matching]\nexact = "blood_group"', 1)
    (folder / "spec.toml").write_text(changed, encoding="utf-8")
    with pytest.raises(UsageError, match=r"matching.exact: blood_group is not declared"):
        read_spec(folder / "spec.toml")
