"""Three arms: every pair is a study of its own, and its p-values are corrected together."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from analysis.run import compute_study, run_study
from analysis.steps.pairs import correct_by_holm
from analysis.study.population import Arm
from analysis.study.read_spec import read_study
from analysis.study.score import Weighting

SPEC = read_study("len_vs_sora")
ARMS = (
    Arm("lung", "Lung", code="Lung"),
    Arm("other", "Other", code="Other organs"),
    Arm("both", "Both", code="Lung + other organs"),
)
SCORE = ("age", "sex", "pvtt")
THREE = replace(
    SPEC, folder=Path("nothing_printed"), published_claims={}, arms=ARMS, arm_column="metastasis_organs_level", regression=None, subgroups=(), courses=None, sensitivity=(), evaluations=(),
    response_alternatives=(), evidence=(), time_varying=(), matching=replace(SPEC.matching, covariates=SCORE),
    weighting=Weighting(SCORE, "overlap"), characteristics=tuple(c for c in SPEC.characteristics if c.id != "metastasis_organs"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("values", "corrected"),
    [  # R: p.adjust(..., "holm")
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.5, 0.6, 0.001], [1.0, 1.0, 0.003]),
        ([0.02, None, 0.03], [0.04, None, 0.04]),
        ([None, None, None], [None, None, None]),
    ],
)
def test_holm_is_r_s(values, corrected):
    assert correct_by_holm(values) == pytest.approx(corrected)


@pytest.fixture(scope="module")
def results(frames):
    return compute_study(frames, THREE).results


@pytest.mark.parametrize(("earlier", "later"), [(0, 1), (0, 2), (1, 2)])
def test_a_pair_is_the_study_of_its_two_arms(frames, results, earlier, later):
    first, second = ARMS[earlier], ARMS[later]
    two = (replace(first, role="control"), replace(second, role="treated"))
    subjects = frames["analysis_subject"].filter(pl.col("metastasis_organs_level").is_in([first.code, second.code]))
    alone = compute_study(frames | {"analysis_subject": subjects}, replace(THREE, arms=two, grade_bands=())).results
    for cohort in ("all", "matched", "weighted"):
        for endpoint in ("os", "pfs"):
            for statistic in ("hr", "ci_low", "ci_high", "p", "p_proportional"):
                mine = results.named(f"pairwise.{cohort}.{endpoint}.{second.id}_vs_{first.id}.{statistic}")["value"]
                own = alone.named(f"cox_treatment.{cohort}.{endpoint}.arm.{second.id}.{statistic}")["value"]
                assert mine == pytest.approx(own, rel=1e-9)


def test_pairs_are_corrected_by_endpoint_and_cohort(results):
    names = [f"pairwise.all.os.{a}_vs_{b}" for a, b in (("other", "lung"), ("both", "lung"), ("both", "other"))]
    values = [results.named(f"{name}.p")["value"] for name in names]
    assert [results.named(f"{name}.p_holm")["value"] for name in names] == pytest.approx(correct_by_holm(values))


def test_the_report_of_three_arms_is_written_whole(frames, results, tmp_path):
    run_study(frames, THREE, tmp_path / "analysis", {})
    page = (tmp_path / "analysis" / "index.html").read_text(encoding="utf-8")
    assert "Comparison of every two arms" in page
    assert "Both vs Lung" in page
    arms = sum(results.named(f"flow.{arm.id}.analysed.n")["value"] for arm in ARMS)
    assert arms == results.named("flow.analysed.n")["value"]
    assert results.named("logrank.all.os.p")["method"] == "log-rank, 2 df"
