"""Sensitivity analyses: each row is what the study itself would give with that one thing changed."""

from dataclasses import replace

import polars as pl
import pytest

from analysis.report.methods import write_methods
from analysis.run import compute_study
from analysis.study.read_spec import STUDIES, read_spec, read_study
from analysis.study.spec import Sensitivity
from etl.errors import UsageError

SPEC = read_study("len_vs_sora")
ITEMS = {item.id: item for item in SPEC.sensitivity}
STATISTICS = ("hr", "ci_low", "ci_high", "p")


@pytest.fixture(scope="module")
def results(frames):
    return compute_study(frames, SPEC).results


def recompute(frames, item):
    """The whole study, changed; only what the comparison of the arms needs."""
    varied = replace(
        SPEC.vary(item), regression=None, subgroups=(), evaluations=(), grade_bands=(), follow_up=None, courses=None
    )
    return compute_study(frames, varied).results


@pytest.mark.parametrize("name", [name for name in ITEMS if name not in ("two_controls", "landmark_91", "overlap")])
def test_a_row_is_the_study_with_that_changed(frames, results, name):
    item = ITEMS[name]
    again = recompute(frames, item)
    cohorts = ("all", "matched") if item.endpoint or item.population else ("matched",)
    for cohort in cohorts:
        for endpoint in ("pfs",) if item.endpoint else ("os", "pfs"):
            for statistic in STATISTICS:
                mine = results.named(f"sensitivity.{cohort}.{endpoint}.{name}.{statistic}")["value"]
                assert mine == again.named(f"cox_treatment.{cohort}.{endpoint}.arm.len.{statistic}")["value"]
        if not item.endpoint:
            for arm in ("sora", "len"):
                patients = again.named(f"table1.{cohort}.{arm}.patients.n")["value"]
                assert results.named(f"sensitivity.{cohort}.{arm}.{name}.patients.n")["value"] == patients
    if not item.endpoint:
        method = again.named("matching.matched.pairs.n")["method"]
        assert results.named(f"sensitivity.matched.len.{name}.patients.n")["method"] == method
        whole = again.named("matching.all.len.unmatched.n")["value"] == 0
        assert method.endswith("effect in all treated patients" if whole else "effect in the matched patients")
        width = again.named("matching.all.caliper.width")["value"]
        assert results.named(f"sensitivity.matched.{name}.caliper.width")["value"] == width
        largest = again.named("balance.matched.largest_covariate.abs_smd")["value"]
        assert results.named(f"sensitivity.matched.{name}.largest_covariate.abs_smd")["value"] == largest


@pytest.mark.parametrize("endpoint", SPEC.endpoints)
def test_at_a_landmark_every_endpoint_is_a_study_of_its_own(frames, results, endpoint):
    item, name = ITEMS["landmark_91"], endpoint.id.lower()
    varied = replace(SPEC.vary(item), endpoints=(endpoint,), courses=None, follow_up=None, grade_bands=())
    again = compute_study(frames, replace(varied, regression=None, subgroups=(), evaluations=())).results
    for cohort in ("all", "matched"):
        for statistic in STATISTICS:
            mine = results.named(f"sensitivity.{cohort}.{name}.landmark_91.{statistic}")["value"]
            assert mine == again.named(f"cox_treatment.{cohort}.{name}.arm.len.{statistic}")["value"]
    frame = frames["analysis_subject"].filter(pl.col(endpoint.time_column) >= 91)
    assert 0 < again.named("flow.analysed.n")["value"] <= frame.height
    longest = (frame[endpoint.time_column].max() - 91) / SPEC.days_per_unit
    curves = compute_study(frames, replace(varied, regression=None, subgroups=(), evaluations=())).curves
    assert curves["time"].max() == pytest.approx(longest, abs=3)


def test_a_study_that_does_not_weight_is_weighted_in_a_row(frames, results):
    varied = recompute_weighted(frames, ITEMS["overlap"])
    for endpoint in ("os", "pfs"):
        for statistic in STATISTICS:
            mine = results.named(f"sensitivity.weighted.{endpoint}.overlap.{statistic}")["value"]
            assert mine == varied.named(f"cox_treatment.weighted.{endpoint}.arm.len.{statistic}")["value"]
    assert results.named("sensitivity.weighted.overlap.largest_covariate.abs_smd")["value"] < 1e-6


def recompute_weighted(frames, item):
    """Overlap weights balance the means of every covariate of their score exactly."""
    parts = {
        "regression": None,
        "subgroups": (),
        "evaluations": (),
        "grade_bands": (),
        "follow_up": None,
        "courses": None,
    }
    return compute_study(frames, replace(SPEC.vary(item), matching=None, **parts)).results


def test_who_was_treated_for_less_than_3_months_returns(results, subjects):
    without = results.named("flow.analysed.n")["value"]
    returned = subjects.filter(~pl.col("x1_treated_3_months")).height
    kept = sum(results.named(f"sensitivity.all.{arm}.early_stops.patients.n")["value"] for arm in ("sora", "len"))
    assert kept == without + returned == without + 1


def test_with_two_controls_nobody_is_used_twice_and_errors_are_robust(results):
    row = results.named("sensitivity.matched.os.two_controls.hr")
    assert "weighted, errors robust by matched set" in row["method"]
    treated, controls = (
        results.named(f"sensitivity.matched.{arm}.two_controls.patients.n")["value"] for arm in ("len", "sora")
    )
    assert treated == results.named("table1.matched.len.patients.n")["value"]
    assert treated < controls <= 2 * treated


def test_the_number_of_changed_patients_is_that_of_the_whole_cohort(results, frames):
    from analysis.study.cohort import select_cohort

    frame = select_cohort(frames["analysis_subject"], SPEC).frame
    changed = frame.filter(pl.col("pfs_progression_only_event") != pl.col("pfs_event")).height
    assert results.named("sensitivity.all.pfs.progression_only.changed.n")["value"] == changed > 0


def test_methods_name_every_analysis_that_was_made(results):
    paragraphs = write_methods(results, SPEC, {"packages": {}, "python": "3"})
    said = "".join(part for cell in paragraphs for part in cell.parts if isinstance(part, str))
    assert [item.label for item in SPEC.sensitivity if item.label not in said] == []
    assert "with pairs ignored, stratified by pair, stratified by hospital" in said
    assert "the log-rank test was also stratified by pair and by hospital" in said


def test_what_cannot_be_matched_is_said_and_stops_nothing(frames):
    narrow = Sensitivity("nobody", "No pair at all", matching={"caliper_width": -1.0})
    results = compute_study(frames, replace(SPEC, sensitivity=(narrow,))).results
    assert "no treated patient has a control within the caliper" in results.named("sensitivity.nobody.n")["method"]


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ("matching = { scale = 'odds' }", "sensitivity.x.matching.scale: 'odds' is none of"),
        ("matching = { calliper_sd = 0.1 }", "sensitivity.x.matching: unknown key calliper_sd"),
        ("matching = { exact = 'blood_group' }", "matching.exact: blood_group is not declared"),
        ("matching = { ratio = 0 }", "matching.ratio: at least 1"),
        ("population = { without_criteria = ['x9'] }", "population.without_criteria: x9 is not declared"),
        ("population = { without_criteria = ['e4_complete_data'] }", "e4_complete_data is not declared"),
        ("endpoint = 'PFS'", "sensitivity.x: endpoint goes with"),
        ("event_column = 'os_event'", "sensitivity.x: endpoint goes with"),
        ("endpoint = 'DFS'\nevent_column = 'os_event'", "sensitivity.x.endpoint: DFS is not declared"),
        ("", "sensitivity.x: nothing is changed"),
        (
            "matching = { ratio = 2 }\n[[sensitivity]]\nid = 'x'\nlabel = 'Y'\nmatching = { ratio = 3 }",
            "the id x occurs twice",
        ),
    ],
)
def test_a_change_that_cannot_be_is_named(tmp_path, block, named):
    path = tmp_path / "other" / "spec.toml"
    path.parent.mkdir()
    content = (STUDIES / "len_vs_sora" / "spec.toml").read_text(encoding="utf-8")
    content = content[: content.index("[[sensitivity]]")] + f"[[sensitivity]]\nid = 'x'\nlabel = 'X'\n{block}\n"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=named):
        read_spec(path)
