"""What the first screen says of a result: the analyses that change it are named, the others are counted."""

from dataclasses import replace

import polars as pl
import pytest

from analysis.report.cautions import write_cautions
from analysis.run import compute_study
from analysis.study.keys import make_hazard_ratio_key
from analysis.study.read_spec import read_study
from analysis.study.results import Key, ResultsBuilder
from analysis.study.variants import is_changed

SPEC = read_study("len_vs_sora")
MAIN, OTHER = Key(analysis="cox_treatment"), Key(analysis="sensitivity")


@pytest.mark.parametrize(
    ("main", "other", "changed"),
    [
        ((0.60, 0.40, 0.90), (0.65, 0.45, 0.95), False),
        ((0.60, 0.40, 0.90), (0.86, 0.60, 1.24), True),  # its interval includes 1
        ((0.60, 0.40, 0.90), (0.95, 0.92, 0.98), True),  # outside the main interval
        ((0.90, 0.60, 1.30), (1.10, 0.80, 1.50), True),  # on the other side of 1
        ((0.80, 0.60, 1.10), (0.78, 0.62, 0.98), True),  # no longer includes 1
        ((0.80, 0.60, 1.10), (0.90, 0.70, 1.20), False),
        ((0.80, 0.60, 1.10), (None, None, None), False),
        ((None, None, None), (0.80, 0.60, 0.95), False),
    ],
)
def test_a_result_is_changed_by_its_estimate_and_limits_alone(main, other, changed):
    builder = ResultsBuilder("x")
    for key, values in ((MAIN, main), (OTHER, other)):
        builder.add_all(key, dict(zip(("hr", "ci_low", "ci_high"), values, strict=True)))
    assert is_changed(builder.build({}), MAIN, OTHER) is changed


@pytest.fixture(scope="module")
def results(frames):
    return compute_study(frames, SPEC).results


def read(paragraph):
    return "".join(part if isinstance(part, str) else part.text for part in paragraph.parts)


def test_the_analyses_that_change_a_result_stand_with_it(results):
    texts = [read(paragraph) for paragraph in write_cautions(results, SPEC)]
    for endpoint, text in zip(SPEC.endpoints, texts, strict=False):
        main = make_hazard_ratio_key(SPEC, "matched", endpoint.id)
        assert text.startswith(f"{endpoint.label}: hazard ratio ")
        for item in SPEC.sensitivity:
            key = Key(analysis="sensitivity", variable=item.id, cohort="matched", endpoint=endpoint.id)
            if results.has(key, "hr"):
                assert (f"{item.label} " in text) == is_changed(results, main, key), item.id
        assert "proportional hazards" in text
        assert "significant" not in text.lower()


def test_a_study_without_arms_has_nothing_to_say(results):
    assert write_cautions(results, replace(SPEC, arms=())) == []


def test_every_number_of_it_is_a_result(results):
    for paragraph in write_cautions(results, SPEC):
        for part in paragraph.parts:
            if not isinstance(part, str):
                assert part.result_id in results
    assert results.frame.filter(pl.col("analysis") == "sensitivity").height > 0


def test_a_result_that_cannot_be_estimated_is_not_said_to_stand(frames):
    nobody = pl.when(pl.col("arm") == "len_pd1").then(pl.lit(value=False)).otherwise("os_event").alias("os_event")
    subjects = frames["analysis_subject"].with_columns(nobody)
    found = compute_study(frames | {"analysis_subject": subjects}, replace(SPEC, sensitivity=())).results
    text = read(write_cautions(found, SPEC)[0])
    assert (
        text
        == "Overall survival: hazard ratio NE in the matched cohort, so that no other analysis can be held against it."
    )
