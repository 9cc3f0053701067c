"""Figures of studies that are not the first one: no text leaves its page or meets another, and a curve has its band to its end.

Studies of one, two and three arms, in weeks, months and years, of 20, 229 and 20,000 patients, with long and with Chinese labels; every text is
measured by the renderer.
"""

import re
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import polars as pl
import pytest
from matplotlib.text import Text as TextArtist
from PIL import Image

from analysis.estimators.kaplan_meier import fit_kaplan_meier
from analysis.figures import forest, kaplan_meier, sensitivity, style
from analysis.figures.sensitivity import list_rows
from analysis.figures.style import HIGHEST, SMALLEST_TEXT, STYLE, WIDTH, save_figures
from analysis.figures.survival_panel import hold_limits
from analysis.figures.text_size import list_fonts, measure_width, wrap
from analysis.run import compute_study
from analysis.study.keys import make_hazard_ratio_key
from analysis.study.population import Arm
from analysis.study.read_spec import read_study
from analysis.study.spec import Subgroup
from analysis.study.variants import is_changed, is_same, list_variants

SPEC = read_study("len_vs_sora")
BARE = replace(
    SPEC, matching=None, regression=None, subgroups=(), courses=None, grade_bands=(), sensitivity=(), evaluations=(),
    response_alternatives=(), evidence=(), time_varying=(), follow_up=None, published_claims={}, published_contrasts={}, folder=Path("nothing_printed"),
)  # fmt: skip
LONG = (
    "Lenvatinib plus pembrolizumab, then TACE",
    "Sorafenib-tislelizumab_without_any_space",
    "Best supportive care, hepatologists only",
)
CHINESE = (
    "仑伐替尼联合帕博利珠单抗序贯肝动脉化疗栓塞（一线治疗，含既往介入患者）",
    "索拉非尼联合替雷利珠单抗（一线治疗）",
    "最佳支持治疗",
)
THREE = (
    Arm("lung", "Lung", code="Lung"),
    Arm("other", "Other", code="Other organs"),
    Arm("both", "Both", code="Lung + other organs"),
)
SHORTEST = 0.5 / 72
"""Inches by which boxes may meet: a box is a little larger than its letters."""


def label_arms(spec, labels):
    return replace(spec, arms=tuple(replace(arm, label=label) for arm, label in zip(spec.arms, labels, strict=False)))


def label_characteristics(spec, make_label):
    return replace(spec, characteristics=tuple(replace(item, label=make_label(item)) for item in spec.characteristics))


EVERYBODY = replace(SPEC.population, eligible_only=False)
TWO = replace(
    BARE,
    matching=SPEC.matching,
    regression=SPEC.regression,
    courses=SPEC.courses,
    sensitivity=tuple(item for item in SPEC.sensitivity if item.id in ("two_controls", "landmark_91", "overlap")),
    subgroups=(Subgroup("pvtt", "OS"), Subgroup("tace", "OS")),
)
LONG_TWO = label_arms(label_characteristics(TWO, lambda item: f"{item.label}, as recorded at the last visit"), LONG)
CASES = {
    "two arms, months": (229, TWO, None),
    "two arms, long labels": (229, LONG_TWO, None),
    "two arms, Chinese": (229, TWO, CHINESE),
    "three arms, weeks, long labels": (
        229,
        replace(
            BARE,
            arms=THREE,
            arm_column="metastasis_organs_level",
            time_unit="week",
            matching=replace(SPEC.matching, covariates=("age", "sex")),
        ),
        LONG,
    ),
    "one arm, years, 20 patients": (20, replace(BARE, arms=(), time_unit="year", population=EVERYBODY), None),
    "two arms, 20 patients": (20, replace(BARE, population=EVERYBODY), LONG),
    "two arms, 20,000 patients": (20_000, replace(BARE, time_unit="week"), LONG),
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, frames_of_size):
    """Of every case its outcome and its drawings, made as `save_figures` makes them but for the files."""
    computed, found = {}, {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "_save", lambda *_args, **_options: None)
        for name, (n, spec, labels) in CASES.items():
            if (n, id(spec)) not in computed:
                frames = frames_of_size(max(n, 229))
                subjects = frames["analysis_subject"].head(n)
                computed[n, id(spec)] = compute_study(frames | {"analysis_subject": subjects}, spec)
            outcome = computed[n, id(spec)]
            shown = (label_arms(spec, labels) if labels else spec).of_all_arms()
            found[name] = outcome, shown, save_figures(outcome, shown, tmp_path_factory.mktemp("f"), is_synthetic=True)
    return found


def measure_texts(figure):
    """Every text that is drawn with its box in inches; matplotlib keeps further ones, such as numbers of ticks beyond an axis."""
    drawn, draw = [], TextArtist.draw
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TextArtist, "draw", lambda found, renderer: (drawn.append(found), draw(found, renderer))[1])
        figure.draw_without_rendering()
    scale = figure.dpi_scale_trans.inverted()
    return [(found, found.get_window_extent().transformed(scale)) for found in drawn if found.get_text().strip()]


def list_collisions(figure):
    """Texts that leave the page, are too small, or lie over another text or over a panel that is not theirs."""
    texts = measure_texts(figure)
    panels = [
        axes.get_position().transformed(figure.transFigure)
        for axes in figure.axes
        if axes.axison and axes.spines["bottom"].get_visible()
    ]
    panels = [box.transformed(figure.dpi_scale_trans.inverted()) for box in panels]
    for place, (found, box) in enumerate(texts):
        said = found.get_text()
        if box.x0 < 0 or box.y0 < 0 or box.x1 > WIDTH or box.y1 > figure.get_figheight():
            yield f"{said!r} leaves the page: {box}"
        if found.get_fontsize() < SMALLEST_TEXT:
            yield f"{said!r} is too small"
        for other, other_box in texts[:place]:
            if overlap(box, other_box):
                yield f"{said!r} lies over {other.get_text()!r}"
        if found.axes is None:
            yield from (f"{said!r} lies over a panel" for panel in panels if overlap(box, panel))


def overlap(one, other):
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return width > SHORTEST and height > 2 * SHORTEST


@pytest.mark.parametrize("name", CASES)
def test_no_text_leaves_its_page_or_lies_over_another(drawn, name):
    with mpl.rc_context(STYLE | {"font.family": list(list_fonts())}):
        for drawing in drawn[name][2]:
            assert drawing.figure.get_figwidth() == WIDTH
            assert drawing.figure.get_figheight() <= HIGHEST + 0.01, drawing.name
            assert list(list_collisions(drawing.figure)) == [], drawing.name


@pytest.mark.parametrize("name", CASES)
def test_a_figure_is_described_for_who_cannot_see_it(drawn, name):
    """What it is, how many patients, and its axes; in both languages."""
    outcome, _, drawings = drawn[name]
    for drawing in drawings:
        assert len(drawing.alt.en) > 60, drawing.name
        assert re.search(r"[\u4e00-\u9fff]", drawing.alt.zh), drawing.name
        if drawing.name != "flow_chart":
            assert re.search(r"Horizontal|Vertical", drawing.alt.en), drawing.name
    curves = next(drawing for drawing in drawings if drawing.name == "kaplan_meier")
    for arm in [arm.id for arm in drawn[name][1].arms] or [None]:
        rows = outcome.results.select(analysis="kaplan_meier", cohort="all", endpoint="OS", arm=arm, subgroup=None)
        n = rows.filter(pl.col("variable") == "patients")["value"].item()
        assert f"{n:.0f} patients" in curves.alt.en


@pytest.mark.parametrize("name", CASES)
def test_a_band_holds_from_every_point_with_limits_to_the_next(drawn, name):
    """R gives a curve limits at every time but those at which it is 0; the last of them hold up to that time."""
    outcome = drawn[name][0]
    for points in outcome.curves.partition_by(["cohort", "endpoint", "subgroup", "arm"], maintain_order=True):
        assert points.filter(pl.col("survival") > 0)["ci_low", "ci_high"].null_count().row(0) == (0, 0)
        band = hold_limits(points)
        assert band["time"].to_list() == points["time"].to_list()
        assert band["time"][-1] == points["time"].max()


def test_a_band_is_r_s_with_a_last_fall_to_0():
    """survfit(Surv(c(1, 2, 2, 3, 5), c(1, 1, 0, 1, 1)) ~ 1): lower 0.51612576, 0.29331643, 0.06305448, NA."""
    points = fit_kaplan_meier([1, 2, 2, 3, 5], [1, 1, 0, 1, 1]).curve
    assert points["ci_low"].to_list() == pytest.approx([0.51612576, 0.29331643, 0.06305448, None], abs=1e-8)
    band = hold_limits(points)
    assert band.rows()[-1] == (5.0, *band.rows()[-2][1:])


def test_numbers_below_a_curve_are_everybody(drawn):
    """At risk just before a time, with an event before it and censored before it."""
    for outcome, _, _ in drawn.values():
        rows = outcome.results.frame.filter(
            pl.col("analysis") == "kaplan_meier", pl.col("variable").is_in(["at risk", "events", "censored"]),
            pl.col("time_months").is_not_null(),
        )  # fmt: skip
        keys = ["cohort", "endpoint", "subgroup", "arm", "time_months"]
        assert (
            (rows.group_by(keys).agg(pl.col("value").sum(), pl.col("n").first()).select(pl.col("value") == pl.col("n")))
            .to_series()
            .all()
        )


def test_a_forest_marks_what_changes_the_result_and_no_other(drawn):
    outcome, spec, _ = drawn["two arms, months"]
    for endpoint in spec.endpoints:
        main = make_hazard_ratio_key(spec, spec.main_cohort, endpoint.id)
        others = [
            key for _, key in list_variants(outcome.results, spec, endpoint) if not is_same(outcome.results, main, key)
        ]
        expected = [is_changed(outcome.results, main, key) for key in others]
        rows = [row for row in list_rows(outcome.results, spec, endpoint) if row.estimates]
        assert [row.estimates[0].is_marked for row in rows] == expected


def read_words(drawing):
    return " ".join(found.get_text() for found in drawing.figure.texts)


def test_what_cannot_be_estimated_stands_with_its_reason(frames_of_size):
    """Nobody of the treated arm dies, and the column of one analysis was not made when hospitals were loaded."""
    frames = frames_of_size(229)
    nobody = pl.when(pl.col("arm") == "len_pd1").then(pl.lit(value=False)).otherwise("os_event").alias("os_event")
    absent = pl.lit(None, dtype=pl.Int64).alias("pfs_mrecist_days")
    changed = {"analysis_subject": frames["analysis_subject"].with_columns(nobody, absent)}
    items = tuple(item for item in SPEC.sensitivity if item.time_column == "pfs_mrecist_days")
    spec = replace(BARE, regression=SPEC.regression, sensitivity=items)
    outcome = compute_study(frames | changed, spec)
    for module in (forest, sensitivity):
        said = read_words(next(module.plot(outcome, spec)))
        assert "NE [1]" in said
        assert "[1] NE: the hazard ratio runs to 0 or to infinity" in said
    said = read_words(list(sensitivity.plot(outcome, spec))[1])
    assert "Could not be made" in said
    assert items[0].label in said
    assert "[1] NE: pfs_mrecist_days was not yet made when hunan, nanfang, sysu was loaded" in said


def test_labels_are_broken_where_words_end_and_letters_only_where_nothing_else_fits():
    assert wrap("Len and PD-1", 10, 7) == "Len and PD-1"
    assert wrap("Lenvatinib plus pembrolizumab", 1.0, 7) == "Lenvatinib plus\npembrolizumab"
    assert wrap("Lenvatinib-pembrolizumab", 0.9, 7) == "Lenvatinib-\npembrolizumab"
    for text in (*LONG, *CHINESE):
        for width in (0.5, 1.0, 2.0):
            broken = wrap(text, width, 7)
            assert "".join(broken.split()) == "".join(text.split())
            assert measure_width(broken, 7) <= width


def test_an_svg_has_live_text_in_a_font_that_journals_take_and_a_tiff_600_dots_an_inch(frames_of_size, tmp_path):
    spec = label_arms(replace(BARE, endpoints=BARE.endpoints[:1]), CHINESE)
    outcome = compute_study(frames_of_size(229), spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "_draw_figures", kaplan_meier.plot)
        save_figures(outcome, spec, tmp_path, is_synthetic=True, for_journal=True)
    svg = (tmp_path / "kaplan_meier.svg").read_text(encoding="utf-8")
    assert ">Overall survival (%)</text>" in svg
    assert "索拉非尼联合替雷利珠单抗" in svg
    assert all(style.SVG_FONTS in font for font in re.findall(r"font: [^;\"]*", svg))
    with Image.open(tmp_path / "kaplan_meier.tiff") as tiff:
        assert tiff.info["dpi"] == (600, 600)
        assert tiff.mode == "RGB"
        assert tiff.width == pytest.approx(600 * WIDTH, abs=1)
    assert (tmp_path / "kaplan_meier.pdf").stat().st_size > 0
