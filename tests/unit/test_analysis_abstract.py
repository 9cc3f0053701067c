"""The abstract of studies of other kinds than the example: it claims no more than was compared, and says what was not."""

import re
from dataclasses import replace

import polars as pl
import pytest

from analysis.report.abstract import conclude, write_abstract, write_abstract_zh
from analysis.run import compute_study
from analysis.study.population import Population
from analysis.study.read_spec import read_study
from analysis.tables.model import Number, Open

SPEC = read_study("len_vs_sora")
BARE = replace(SPEC, regression=None, subgroups=(), courses=None, grade_bands=(), sensitivity=(), matching=None)
MANIFEST = {"hospitals": [{"hospital": "a", "name_en": "A", "name_zh": "甲", "extract_day": None}]}


def read(cells):
    return " ".join("".join(p if isinstance(p, str) else getattr(p, "text", "") for p in cell.parts) for cell in cells)


def write(results, spec):
    both = [*write_abstract(results, spec, MANIFEST), *write_abstract_zh(results, spec, MANIFEST)]
    return {title: read(cells) for title, cells in both}


def keep_hazard(results, ratio, low, high):
    """The results with another hazard ratio of the main cohort's overall survival."""
    values = {"hr": ratio, "ci_low": low, "ci_high": high}
    start = "cox_treatment.all.os.arm.len."
    changed = pl.col("value")
    for name, value in values.items():
        changed = pl.when(pl.col("result_id") == start + name).then(value).otherwise(changed)
    return type(results)(results.frame.with_columns(value=changed))


@pytest.fixture(scope="module")
def results(frames):
    return compute_study(frames, BARE).results


@pytest.mark.parametrize(
    ("limits", "said", "said_zh"),
    [
        ((0.5, 0.3, 0.8), "associated with longer overall survival", "较长的总生存期相关"),
        ((1.9, 1.2, 3.0), "associated with shorter overall survival", "较短的总生存期相关"),
        ((0.8, 0.5, 1.0), "compatible with no difference", "与无差异相符"),
        ((1.1, 0.7, 1.8), "compatible with no difference", "与无差异相符"),
    ],
)
def test_the_conclusion_goes_by_the_limits(results, limits, said, said_zh):
    spec = replace(BARE, endpoints=BARE.endpoints[:1])
    found = write(keep_hazard(results, *limits), spec)
    assert said in found["Conclusions"]
    assert said_zh in found["结论"]
    for word in ("significant", "benefit", "effect", "显著", "获益"):
        assert word not in " ".join(found.values())


def test_that_nothing_changes_a_result_is_said_only_where_something_else_was_made(results):
    spec = replace(BARE, endpoints=BARE.endpoints[:1])
    assert re.search("other analys[ei]s changes? this result", write(results, spec)["Conclusions"])
    kinds = ["cox_alternative", "cox_full", "sensitivity"]
    alone = type(results)(results.frame.filter(~pl.col("analysis").is_in(kinds)))
    assert "; no other analysis was made" in write(alone, spec)["Conclusions"]
    assert "未做其他分析" in write(alone, spec)["结论"]


def test_a_result_that_cannot_be_estimated_is_concluded_by_nobody(results):
    spec = replace(BARE, endpoints=BARE.endpoints[:1])
    cell = conclude(keep_hazard(results, None, None, None), spec)
    assert [type(part) for part in cell.parts] == [Open]


def test_a_study_without_arms_has_its_medians_and_no_contrast(frames, tmp_path):
    single = replace(
        BARE, folder=tmp_path, arms=(), evaluations=(), evidence=(), response_alternatives=(), time_varying=()
    )
    found = compute_study(frames, single).results
    said = write(found, single)
    assert "median overall survival was" in said["Results"]
    assert "hazard ratio" not in " ".join(said.values())
    assert " with " not in said["Results"]


def test_time_runs_from_the_landmark_where_there_is_one(frames):
    spec = replace(BARE, population=Population(landmark_day=91.0), time_varying=())
    said = write(compute_study(frames, spec).results, spec)
    assert "day 91 after the start" in said["Methods"]
    assert "治疗开始后第 91 天（界标）起计算" in said["方法"]


def test_both_languages_print_the_same_numbers_in_the_same_order(results):
    def list_numbers(sections):
        return [
            part.result_id for _, cells in sections for cell in cells for part in cell.parts if isinstance(part, Number)
        ]

    english, chinese = (list_numbers(make(results, BARE, MANIFEST)) for make in (write_abstract, write_abstract_zh))
    assert english == chinese
    assert len(english) > 8
