"""What cannot be estimated is NE with its reason in results, table and text, and the rest of the report stands."""

import re
from dataclasses import replace

import polars as pl
import pytest

from analysis.figures.kaplan_meier import describe_comparison
from analysis.report.narrative import write_narrative
from analysis.run import compute_study, run_study
from analysis.study.read_spec import read_study

SPEC = replace(read_study("len_vs_sora"), sensitivity=())
IS_TREATED = pl.col("arm") == "len_pd1"
ROW = pl.int_range(pl.len())
HAZARD = "cox_treatment.{}.{}.arm.len.hr"


def compute(frames, *changes):
    return compute_study(frames | {"analysis_subject": frames["analysis_subject"].with_columns(changes)}, SPEC).results


def write_text(results):
    paragraphs = [cell for _, cells in write_narrative(results, SPEC) for cell in cells]
    return " ".join(
        "".join(part if isinstance(part, str) else getattr(part, "text", "") for part in cell.parts)
        for cell in paragraphs
    )


@pytest.fixture(scope="module")
def without_events(frames):
    return compute(frames, pl.lit(value=False).alias("pfs_event"))


@pytest.mark.parametrize("cohort", ["all", "matched"])
def test_an_endpoint_without_an_event_is_not_estimable(without_events, cohort):
    names = (
        HAZARD.format(cohort, "pfs"),
        f"logrank.{cohort}.pfs.p",
        f"cox_treatment.{cohort}.pfs.arm.len.p_proportional",
    )
    for name in names:
        row = without_events.named(name)
        assert row["value"] is None
        assert "no events" in row["method"]
        assert row["n_event"] == 0


def test_the_other_endpoint_stands(without_events, frames):
    whole = compute(frames)
    for name in (HAZARD.format("matched", "os"), "logrank.matched.os.p", "cox_multivariable.matched.os.arm.sora.hr"):
        assert without_events.named(name)["value"] == whole.named(name)["value"] is not None


def test_a_model_that_cannot_be_fitted_says_why(without_events):
    rows = without_events.select(analysis="cox_multivariable", endpoint="PFS")
    assert rows.height > 6
    assert rows.filter(pl.col("statistic") != "n")["value"].is_null().all()
    assert rows["method"].str.contains("no events").all()


def test_the_text_says_ne(without_events):
    assert "The hazard ratio of Len+PD-1 against Sora+PD-1 was NE; log-rank p = NE" in write_text(without_events)


def test_events_in_one_arm_alone_have_no_hazard_ratio(frames):
    """The log-rank test exists; the hazard ratio runs to 0."""
    results = compute(frames, (pl.col("os_event") & ~IS_TREATED).alias("os_event"))
    hazard = results.named(HAZARD.format("matched", "os"))
    assert hazard["value"] is None
    assert "runs to 0 or to infinity" in hazard["method"]
    assert results.named("logrank.matched.os.p")["value"] is not None


def test_a_report_of_one_event_is_written_whole(frames, tmp_path):
    """The only death of everybody analysed may lie outside the matched: then they have none."""
    subjects = frames["analysis_subject"].with_columns((ROW == 5).alias("os_event"))
    run_study(frames | {"analysis_subject": subjects}, SPEC, tmp_path / "analysis", {})
    assert (tmp_path / "analysis" / "manuscript.docx").stat().st_size > 0
    page = (tmp_path / "analysis" / "index.html").read_text(encoding="utf-8")
    words = re.sub(r"<[^>]*>", "", page)
    assert "NE" in words
    assert "(NE–NE)" not in words, "limits of what has none"
    values = pl.read_parquet(tmp_path / "analysis" / "results.parquet")["value"]
    assert values.drop_nulls().is_finite().all()


def test_a_restricted_mean_ends_with_the_shorter_follow_up(frames):
    """Nobody is followed beyond 300 days: a mean up to month 24 would rest on nothing."""
    results = compute(frames, pl.min_horizontal("os_days", pl.lit(300)).alias("os_days"))
    horizon = results.named("restricted_mean.all.os.horizon.24m.estimate")["value"]
    assert horizon == pytest.approx(300 / (365.25 / 12))
    for arm in ("len", "sora"):
        assert results.named(f"restricted_mean.all.os.{arm}.24m.estimate")["value"] <= horizon


def test_a_figure_says_ne_once(frames):
    nobody = pl.when(IS_TREATED).then(pl.lit(value=False)).otherwise("os_event").alias("os_event")
    results = compute(frames, nobody)
    note = describe_comparison(results, SPEC, SPEC.endpoints[0], "matched")
    assert note.splitlines()[0].startswith("HR NE")
    assert note.count("NE") == 1
    other = describe_comparison(results, SPEC, SPEC.endpoints[1], "matched")
    assert re.match(r"HR \d\.\d\d \(95 % CI ", other)


def test_deaths_on_day_0_are_counted(frames):
    """Twelve deaths on the day of the start: as R, they are events at time 0, and the curve begins below 1."""
    first = ROW < 12
    died = [
        pl.when(first).then(0).otherwise("os_days").alias("os_days"),
        (first | pl.col("os_event")).alias("os_event"),
    ]
    results, whole = compute(frames, *died), compute(frames)
    n = sum(results.named(f"kaplan_meier.all.os.{arm}.patients.n")["value"] for arm in ("len", "sora"))
    assert n == whole.named("flow.analysed.n")["value"]
    at_start = sum(results.named(f"kaplan_meier.all.os.{arm}.at_risk.0m.n")["value"] for arm in ("len", "sora"))
    assert at_start == n


NOTHING_TO_TEST = {
    "no time in one arm": [pl.when(~IS_TREATED).then(name).alias(name) for name in ("os_days", "os_event")],
    "everybody dies on day 0": [pl.lit(0).alias("os_days"), pl.lit(value=True).alias("os_event")],
    "one arm followed for 0 days": [
        pl.when(IS_TREATED).then(0).otherwise("os_days").alias("os_days"),
        (pl.col("os_event") & ~IS_TREATED).alias("os_event"),
    ],
    "everybody dies on one day": [pl.lit(200).alias("os_days"), pl.lit(value=True).alias("os_event")],
}


@pytest.mark.parametrize("changes", NOTHING_TO_TEST.values(), ids=NOTHING_TO_TEST)
def test_events_that_say_nothing_of_the_arms_leave_the_rest(frames, changes):
    results = compute(frames, *changes)
    test = results.named("logrank.matched.os.p")
    assert test["value"] is None
    assert test["method"].startswith("not estimable")
    # All at once, Efron's likelihood is highest where the arms are alike, as in R: b n1 - n log(n1 exp(b) + n0) has its top at b = 0.
    assert results.named(HAZARD.format("matched", "os"))["value"] in (None, 1.0)
    assert results.named(HAZARD.format("matched", "pfs"))["value"] is not None
