"""Courses of single patients, the best responses, and the size of every figure."""

from dataclasses import replace

import matplotlib as mpl
import polars as pl
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text as TextArtist

from analysis.figures.courses import choose_size, plot, summarise
from analysis.figures.style import HIGHEST, SMALLEST_TEXT, STYLE, WIDTH, save_figures
from analysis.run import compute_study
from analysis.steps.courses import COURSE_SCHEMA, tabulate_courses
from analysis.steps.study import Study
from analysis.study.read_spec import read_study
from analysis.study.results import ResultsBuilder
from analysis.study.spec import Courses

SPEC = read_study("len_vs_sora")
DAYS = SPEC.days_per_unit


@pytest.fixture(scope="module")
def outcome(frames):
    return compute_study(frames, SPEC)


def test_a_course_by_hand():
    """Times in months; what did not happen before the end of the course is empty; the longest course comes first."""
    frame = pl.DataFrame(
        {
            "arm": ["len", "len", "sora"],
            "os_days": [5 * DAYS, 10 * DAYS, 4 * DAYS],
            "os_event": [True, False, True],
            "treatment_days": [6 * DAYS, 3 * DAYS, None],
            "first_response_days": [2 * DAYS, None, None],
            "first_progression_days": [6 * DAYS, 4 * DAYS, 4 * DAYS],
            "best_response": ["PR", "SD", "PD"],
            "best_change_percent": [-40.0, 5.0, None],
        }
    )
    rows = tabulate_courses(Study(SPEC, {}, ResultsBuilder(SPEC.study)), frame, Courses("OS"))
    assert rows.schema == COURSE_SCHEMA
    assert [
        tuple(None if v is None else round(v, 9) if isinstance(v, float) else v for v in row) for row in rows.rows()
    ] == [
        ("len", 10.0, False, 3.0, None, 4.0, "SD", 5.0),
        ("len", 5.0, True, 5.0, 2.0, None, "PR", -40.0),
        ("sora", 4.0, True, 4.0, None, 4.0, "PD", None),
    ]


def test_every_matched_patient_has_a_course_and_a_best_response(outcome):
    pairs = outcome.results.named("matching.matched.pairs.n")["value"]
    for arm in SPEC.arms:
        assert outcome.courses.filter(arm=arm.id).height == pairs
        counts = [
            outcome.results.named(f"response.matched.{arm.id}.best_response.{name}.n")["value"]
            for name in ("cr", "pr", "sd", "pd", "ne")
        ]
        assert sum(counts) == pairs
        measured = outcome.courses.filter(arm=arm.id)["best_change_percent"].drop_nulls()
        prefix = f"response.matched.{arm.id}.best_change"
        assert outcome.results.named(f"{prefix}.n")["value"] == len(measured)
        assert outcome.results.named(f"{prefix}.median")["value"] == pytest.approx(measured.median())
    assert not {"patient_id", "hospital", "source_row"} & set(outcome.courses.columns)


@mpl.rc_context()
def test_figures_have_the_size_of_a_page_and_every_word_is_legible_and_inside(outcome, tmp_path):
    drawings = save_figures(outcome, SPEC, tmp_path, is_synthetic=True)
    names = [drawing.name for drawing in drawings]
    assert {"flow_chart", "kaplan_meier", "swimmer", "waterfall", "love_plot", "forest_os", "subgroup_tace_os"} <= set(
        names
    )
    mpl.rcParams.update(STYLE)  # sizes such as `medium` are relative to it
    for drawing in drawings:
        figure = drawing.figure
        assert figure.get_figwidth() == WIDTH
        assert figure.get_figheight() <= HIGHEST
        figure.draw_without_rendering()
        drawn = figure.get_tightbbox(figure.canvas.get_renderer())
        assert min(drawn.x0, drawn.y0) > -0.01, drawing.name
        assert drawn.x1 < WIDTH + 0.01, drawing.name
        assert drawn.y1 < figure.get_figheight() + 0.01, drawing.name
        words = [found for found in figure.findobj(TextArtist) if found.get_text().strip()]
        assert min(found.get_fontsize() for found in words) >= SMALLEST_TEXT, drawing.name


def read_titles(figure) -> list[str]:
    return [found.get_text() for found in figure.texts if found.get_text().startswith(("A  ", "B  "))]


def find_bars(figure) -> list[int]:
    """The bars of each panel."""
    return [sum(isinstance(patch, Rectangle) for patch in axes.patches) for axes in figure.axes]


def test_up_to_five_hundred_patients_have_a_bar_each_and_more_are_summarised_and_said_so(outcome):
    swimmer, waterfall = plot(outcome, SPEC)
    heights = [outcome.courses.filter(arm=arm.id).height for arm in SPEC.arms]
    assert find_bars(swimmer.figure) == [2 * height for height in heights]  # followed, and treated
    many = replace(outcome, courses=pl.concat([outcome.courses] * 7).sort("arm", "time", descending=[False, True]))
    assert many.courses.height > 1000
    size = choose_size(many.courses.height)
    swimmer, waterfall = plot(many, SPEC)
    assert find_bars(swimmer.figure) == [2 * -(-7 * height // size) for height in heights]
    assert sum(find_bars(waterfall.figure)) <= 202
    for drawing in (swimmer, waterfall):
        assert all(title.endswith(f", {size} to a bar") for title in read_titles(drawing.figure))
        assert f"A bar is {size} patients" in drawing.caption.en
        assert f"{size} 名患者" in drawing.caption.zh
    assert f"n = {7 * heights[0]}," in read_titles(swimmer.figure)[0]


def test_the_size_of_a_bar():
    assert [choose_size(n) for n in (1, 500, 501, 600, 601, 1_000_000)] == [1, 1, 3, 3, 4, 5000]


def test_a_bar_of_several_patients_by_hand():
    rows = [
        # time, event, treated, response, progression, best, change
        ("len", 12.0, True, 6.0, 2.0, None, "PR", -40.0),
        ("len", 10.0, False, None, None, 5.0, "SD", 0.0),
        ("len", 8.0, False, 8.0, 4.0, None, "PR", -60.0),
        ("len", 3.0, True, 1.0, None, 2.0, None, None),
        ("len", 1.0, True, 1.0, None, None, "PD", 30.0),
    ]
    found = summarise(pl.DataFrame(rows, schema=COURSE_SCHEMA, orient="row"), 3)
    assert found.select(*COURSE_SCHEMA.names()[1:]).rows() == [
        (10.0, False, 6.0, 3.0, None, "PR", -40.0),
        (2.0, True, 1.0, None, 2.0, "PD", 30.0),
    ]
