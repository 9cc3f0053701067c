"""A number that an independent package does not give stops the run, with its place, and nothing is written."""

from dataclasses import replace

import polars as pl
import pytest

from analysis.estimators.kaplan_meier import fit_kaplan_meier
from analysis.estimators.logrank import compute_logrank
from analysis.estimators.propensity import fit_propensity
from analysis.run import compute_study, run_study
from analysis.study.read_spec import read_study
from etl.errors import InternalError

SPEC = read_study("len_vs_sora")
SLIP = 1e-5


def slip_curve(*arguments, **options):
    """The curve of the events, with one point too high."""
    fit = fit_kaplan_meier(*arguments, **options)
    wrong = pl.when(pl.int_range(pl.len()) == 3).then(pl.col("survival") + SLIP).otherwise("survival")
    return replace(fit, curve=fit.curve.with_columns(survival=wrong))


def slip_test(times, events, groups, **options):
    test = compute_logrank(times, events, groups, **options)
    return replace(test, chi_square=test.chi_square * (1 + SLIP))


def slip_score(*arguments, **options):
    fit = fit_propensity(*arguments, **options)
    return replace(fit, logit=fit.logit + SLIP)


@pytest.mark.parametrize(
    ("name", "slip", "places"),
    [
        (
            "analysis.steps.survival.fit_kaplan_meier",
            slip_curve,
            [f"cohort {c}, {e}, Kaplan-Meier curve of {a}" for c in ("all", "matched") for e in ("OS", "PFS") for a in ("Sora+PD-1", "Len+PD-1")],
        ),
        (
            "analysis.steps.survival.compute_logrank",
            slip_test,
            [f"cohort {c}, {e}, log-rank chi-square" for c in ("all", "matched") for e in ("OS", "PFS")],
        ),
        ("analysis.steps.match.fit_propensity", slip_score, ["cohort all, propensity score"]),
    ],
)  # fmt: skip
def test_a_wrong_number_stops_the_run_with_its_place_and_nothing_is_written(
    frames, tmp_path, monkeypatch, name, slip, places
):
    monkeypatch.setattr(name, slip)
    with pytest.raises(InternalError) as raised:
        run_study(frames, SPEC, tmp_path / "analysis", {})
    assert [place for place in places if f"{place}: " not in raised.value.en] == []
    assert raised.value.en.count(" from ") == len(places) + 1  # no other quantity is accused
    assert places[0] in raised.value.zh
    assert not list(tmp_path.iterdir())


def test_every_cohort_and_endpoint_is_asked_for(frames, monkeypatch):
    """A check that looks at nothing would pass all of the above but for its places."""
    asked = []
    for quantity in ("measure_curve", "measure_logrank", "measure_score"):
        monkeypatch.setattr(f"analysis.steps.peers.{quantity}", lambda *_, name=quantity: asked.append(name) or 0.0)
    compute_study(frames, SPEC)
    n_places = 2 * len(SPEC.endpoints)  # cohorts
    assert {name: asked.count(name) for name in asked} == {
        "measure_curve": n_places * len(SPEC.arms),
        "measure_logrank": n_places,
        "measure_score": 1,
    }
