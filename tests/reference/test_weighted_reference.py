"""Weighted curves, limits other than 95 %, robust and start-stop Cox models, and what goes with them, against R."""

import math

import numpy as np
import polars as pl
import pytest

from analysis.estimators.cox import check_proportional_hazards, compute_wald, fit_cox
from analysis.estimators.design import encode_design
from analysis.estimators.kaplan_meier import (
    compute_median,
    compute_rates,
    compute_restricted_mean,
    compute_restricted_mean_difference,
    compute_spss_median,
    compute_z,
    count_at_risk,
    fit_kaplan_meier,
    fit_reverse_kaplan_meier,
)
from analysis.estimators.response import compute_difference_ci, compute_proportion_ci, compute_response_rates
from etl.errors import AnalysisError

CUT = (0, 1, 3, 6, 12)
SCALES = ("log", "log-log", "plain")
LEVELS = {0.9: 0.10, 0.99: 0.01}


def near(values):
    """Equal to R's numbers to 1e-8 of their size; `None` is R's NA."""
    return [pytest.approx(value, rel=1e-8, abs=1e-12) if value is not None else None for value in values]


@pytest.fixture(scope="module")
def patients(veteran):
    """The trial in whole months, so that deaths in month 0 and ties occur, with weights and late entries."""
    stop = (pl.col("time") / 30.4375).ceil()
    return veteran.with_columns(
        months=(pl.col("time") / 30.4375).floor(),
        weight=0.2 + pl.col("karno") / 50 + pl.col("prior") / 7,
        stop=stop,
        start=pl.min_horizontal(pl.col("age") % 4, stop - 1),
    )


def check_curve(fit, values, name):
    rates = compute_rates(fit, CUT)
    parts = {"n_risk": "n.risk", "estimate": "surv", "std_err": "std.err", "ci_low": "lower", "ci_high": "upper"}
    for column, part in parts.items():
        assert rates[column].to_list() == near(values.all(f"{name}.{part}"))
    assert count_at_risk(fit, CUT) == near(values.all(f"{name}.n.risk"))
    median = compute_median(fit)
    assert [median.median, median.ci_low, median.ci_high] == near(values.all(f"{name}.median"))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("scale", SCALES)
def test_limits_of_curve_and_median_at_other_levels(r_weighted, patients, level, scale):
    fit = fit_kaplan_meier(patients["months"], patients["status"], scale, alpha=LEVELS[level])
    check_curve(fit, r_weighted, f"alpha.{level}.{scale}")


@pytest.mark.parametrize("level", LEVELS)
def test_other_limits_at_other_levels(r_weighted, patients, level):
    alpha, name = LEVELS[level], f"alpha.{level}"
    follow_up = compute_median(fit_reverse_kaplan_meier(patients["time"], patients["status"], alpha=alpha))
    found = [follow_up.median, follow_up.ci_low, follow_up.ci_high]
    assert found == near(r_weighted.all(f"{name}.follow_up"))
    design = encode_design(patients, ["trt", "celltype", "karno"])
    fit = fit_cox(patients["months"], patients["status"], design, alpha=alpha)
    assert fit.coefficients["ci_low"].to_list() == near(r_weighted.all(f"{name}.cox_low"))
    assert fit.coefficients["ci_high"].to_list() == near(r_weighted.all(f"{name}.cox_high"))
    for n_event in (0, 7, 20):
        exact = compute_proportion_ci(n_event, 20, alpha=alpha)
        assert list(exact) == near(r_weighted.all(f"{name}.binom.{n_event}"))
    arms = [patients.filter(trt=arm) for arm in (2, 1)]
    fits = [fit_kaplan_meier(arm["time"], arm["status"], alpha=alpha) for arm in arms]
    difference = compute_restricted_mean_difference(*fits, 180)
    assert [difference.ci_low, difference.ci_high] == near(r_weighted.all(f"{name}.rmean"))


@pytest.mark.parametrize("level", LEVELS)
def test_limits_of_a_difference_are_newcombe_s_of_r_s_wilson_limits(r_weighted, level):
    (low, high), (low_reference, high_reference) = (r_weighted.all(f"alpha.{level}.wilson.{x}") for x in (7, 20))
    p, p_reference = 7 / 20, 1.0
    below, above = math.hypot(p - low, high_reference - p_reference), math.hypot(high - p, p_reference - low_reference)
    limits = compute_difference_ci(7, 20, 20, 20, alpha=LEVELS[level])
    assert list(limits) == near([p - p_reference - below, p - p_reference + above])


def test_response_rates_have_the_limits_of_their_parts():
    arms = ["a"] * 20 + ["b"] * 20
    rates = compute_response_rates(["CR"] * 7 + ["PD"] * 33, arms, arms=("b", "a"), alpha=0.1)
    objective = rates.filter(rate="orr").select("arm", "ci_low", "ci_high").rows()
    assert objective == [
        ("b", *compute_proportion_ci(0, 20, alpha=0.1)),
        ("a", *compute_proportion_ci(7, 20, alpha=0.1)),
        ("difference", *compute_difference_ci(7, 20, 0, 20, alpha=0.1)),
    ]


def test_limits_of_spss_s_median_are_its_standard_errors_away(patients):
    narrow, wide = (
        compute_spss_median(fit_kaplan_meier(patients["time"], patients["status"], alpha=a)) for a in (0.1, 0.01)
    )
    assert narrow.std_err == wide.std_err
    assert (wide.ci_high - wide.median) / wide.std_err == pytest.approx(2.5758293035489, rel=1e-12)
    assert (narrow.median - narrow.ci_low) / narrow.std_err == pytest.approx(1.64485362695147, rel=1e-12)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 5, float("nan")])
def test_an_alpha_that_is_none_is_refused(alpha):
    with pytest.raises(AnalysisError, match="not between 0 and 1"):
        compute_z(alpha)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", ["weighted", "clustered"])
def test_weighted_curves_equal_r(r_weighted, patients, scale, name):
    cluster = patients["age"] if name == "clustered" else None
    fit = fit_kaplan_meier(patients["months"], patients["status"], scale, weights=patients["weight"], cluster=cluster)
    check_curve(fit, r_weighted, f"{name}.{scale}")
    assert (fit.n, fit.n_event) == (137, 128)


def test_other_robust_curves_equal_r(r_weighted, patients):
    times, events = patients["months"], patients["status"]
    check_curve(fit_kaplan_meier(times, events, cluster=patients["age"]), r_weighted, "unweighted_clustered")
    check_curve(fit_kaplan_meier(times, events, weights=patients["weight"], alpha=0.1), r_weighted, "weighted_90")


@pytest.mark.parametrize("scale", ["log", "plain"])
def test_a_whole_weighted_curve_down_to_0_equals_r(r_weighted, patients, scale):
    arm = patients.filter(trt=1)
    fit = fit_kaplan_meier(arm["months"], arm["status"], scale, weights=arm["weight"], cluster=arm["age"])
    names = ("time", "n.risk", "n.event", "n.censor", "surv", "std.err", "lower", "upper")
    for column, name in zip(fit.curve.columns, names, strict=True):
        assert fit.curve[column].to_list() == near(r_weighted.all(f"whole.{scale}.{name}"))


def test_the_robust_error_is_the_sum_of_squared_influences(patients):
    """By its definition: the curve's change with the weight of each patient, times the weight, added up over clusters."""
    times, events, weights = (patients[name].to_numpy().astype(float) for name in ("months", "status", "weight"))
    fit = fit_kaplan_meier(times, events, weights=weights, cluster=patients["age"])
    changes, step = [], 1e-5
    for patient in range(len(times)):
        shifts = []
        for sign in (1, -1):
            moved = weights.copy()
            moved[patient] += sign * step
            shifts.append(fit_kaplan_meier(times, events, weights=moved).curve["survival"].to_numpy())
        changes.append(weights[patient] * (shifts[0] - shifts[1]) / (2 * step))
    ages = patients["age"].to_numpy()
    sums = np.array([np.array(changes)[ages == age].sum(axis=0) for age in np.unique(ages)])
    assert fit.curve["std_err"].to_numpy() == pytest.approx(np.sqrt((sums**2).sum(axis=0)), rel=1e-6)


def test_equal_weights_keep_the_curve_and_counts_stay_whole_without_weights(patients):
    plain = fit_kaplan_meier(patients["months"], patients["status"])
    doubled = fit_kaplan_meier(patients["months"], patients["status"], weights=np.full(137, 2.0))
    assert doubled.curve["survival"].to_numpy() == pytest.approx(plain.curve["survival"].to_numpy(), rel=1e-12)
    assert all(isinstance(n, int) for n in count_at_risk(plain, CUT))
    assert compute_rates(plain, CUT)["n_risk"].dtype == pl.Int64
    assert count_at_risk(doubled, CUT) == [2.0 * n for n in count_at_risk(plain, CUT)]


def test_ten_thousand_weighted_patients_need_no_table_of_patients_by_times():
    draw = np.random.default_rng(1)
    times, weights = draw.exponential(size=10_000), draw.uniform(0.5, 2, 10_000)
    fit = fit_kaplan_meier(times, draw.random(10_000) < 0.7, weights=weights, cluster=np.arange(10_000) // 2)
    assert fit.curve.height == 10_000
    assert fit.curve["std_err"].is_finite().all()


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), None])
def test_unusable_weights_of_a_curve_are_refused(weight):
    with pytest.raises(AnalysisError, match="weights must be positive"):
        fit_kaplan_meier([1, 2], [1, 0], weights=[1, weight])


def test_what_a_weighted_curve_has_not_is_refused(patients):
    fit = fit_kaplan_meier(patients["months"], patients["status"], weights=patients["weight"])
    with pytest.raises(AnalysisError, match="weighted or clustered"):
        compute_restricted_mean(fit, 6)
    with pytest.raises(AnalysisError, match="cluster: missing for 1"):
        fit_kaplan_meier([1, 2], [1, 0], cluster=["a", None])


COX = {
    "right": {},
    "right_weighted": {"weights": "weight"},
    "right_clustered": {"cluster": "age"},
    "right_both": {"weights": "weight", "cluster": "age"},
    "right_breslow": {"weights": "weight", "cluster": "age", "ties": "breslow"},
    "right_strata": {"weights": "weight", "cluster": "age", "strata": "celltype"},
    "late": {"entry": "start"},
    "late_clustered": {"entry": "start", "cluster": "age"},
    "late_both": {"entry": "start", "weights": "weight", "cluster": "age"},
    "late_breslow": {"entry": "start", "weights": "weight", "cluster": "age", "ties": "breslow"},
    "late_strata": {"entry": "start", "weights": "weight", "cluster": "age", "strata": "celltype"},
}


def fit_model(patients, options):
    covariates = ["trt", "karno"] if "strata" in options else ["trt", "celltype", "karno"]
    given = {key: patients[value] if key != "ties" else value for key, value in options.items()}
    time = patients["stop"] if "entry" in options else patients["months"]
    return fit_cox(time, patients["status"], encode_design(patients, covariates), **given)


@pytest.mark.parametrize("name", COX)
def test_robust_and_start_stop_models_equal_r(r_weighted, patients, name):
    fit = fit_model(patients, COX[name])
    table = fit.coefficients
    for column, part in {"coef": "coef", "std_err": "se", "p": "p", "ci_low": "ci_low"}.items():
        assert table[column].to_list() == near(r_weighted.all(f"{name}.{part}"))
    assert [fit.loglik_null, fit.loglik] == near(r_weighted.all(f"{name}.loglik"))
    tests = {"lr": fit.likelihood_ratio, "wald": fit.wald, "score": fit.score}
    if fit.is_robust:
        tests["robust_score"] = fit.robust_score
        assert fit.robust_score.p == pytest.approx(r_weighted[f"{name}.robust_score_p"], rel=1e-8)
    else:
        assert fit.robust_score is None
    if "strata" not in COX[name]:
        tests["wald_celltype"] = compute_wald(fit, "celltype")
        assert tests["wald_celltype"].df == 3
    assert [test.statistic for test in tests.values()] == near(r_weighted[f"{name}.{test}"] for test in tests)
    concordance = [fit.concordance, fit.concordance_std_err]
    assert concordance == near([r_weighted[f"{name}.concordance"], r_weighted[f"{name}.concordance_se"]])


@pytest.mark.parametrize("name", COX)
def test_proportional_hazards_of_robust_and_start_stop_models_equal_r(r_weighted, patients, name):
    table = check_proportional_hazards(fit_model(patients, COX[name]))
    assert table["df"].to_list() == r_weighted.all(f"{name}.zph_df")
    assert table["chi_square"].to_list() == near(r_weighted.all(f"{name}.zph_chisq"))
    assert table["p"].to_list() == near(r_weighted.all(f"{name}.zph_p"))


@pytest.mark.parametrize(
    ("entry", "said"),
    [([0, 2, 0, 0], "1 entry times are not before"), ([0, None, 0, 0], "1 entry times are missing")],
)
def test_unusable_entries_are_refused(entry, said):
    with pytest.raises(AnalysisError, match=said):
        fit_cox([1, 2, 3, 4], [1, 1, 1, 0], pl.DataFrame({"arm": [1, 0, 1, 0]}), entry=entry)


def test_weights_of_start_stop_rows_need_the_patient():
    with pytest.raises(AnalysisError, match="need a cluster"):
        fit_cox([1, 2], [1, 1], pl.DataFrame({"arm": [1, 0]}), entry=[0, 0], weights=[1, 2])


def test_entries_that_differ_from_a_time_by_rounding_are_that_time(patients):
    """0.1 + 0.2 is not 0.3: who enters then is not at risk of an event at 0.3."""
    times, events, arm = [0.3, 1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1, 0], pl.DataFrame({"arm": [1, 0, 1, 0, 1]})
    rounded, exact = (fit_cox(times, events, arm, entry=[0, 0, entry, 0, 0]) for entry in (0.1 + 0.2 - 1e-16, 0.3))
    assert rounded.coefficients.equals(exact.coefficients)


def test_a_joint_wald_test_is_refused_without_an_estimate():
    fit = fit_cox([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], pl.DataFrame({"arm": [1, 1, 1, 0, 0, 0]}))
    with pytest.raises(AnalysisError, match="a coefficient of arm has no estimate"):
        compute_wald(fit, "arm")
    with pytest.raises(ValueError, match="no covariate age"):
        compute_wald(fit, "age")


def test_one_column_s_joint_wald_test_is_its_own(patients):
    fit = fit_model(patients, COX["late_both"])
    z, p = fit.coefficients.filter(name="karno").select("z", "p").row(0)
    found = compute_wald(fit, "karno")
    assert (found.statistic, found.df, found.p) == pytest.approx((z**2, 1, p), rel=1e-10)
