"""Weighted curves, limits other than 95 %, robust and start-stop Cox models, and what goes with them, against R."""

import math

import numpy as np
import polars as pl
import pytest

from analysis.estimators.balance import compute_balance
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
from analysis.estimators.propensity import fit_propensity
from analysis.estimators.rank_sum import compute_rank_test
from analysis.estimators.response import compute_difference_ci, compute_proportion_ci, compute_response_rates
from analysis.estimators.spline import compute_spline, place_knots
from analysis.estimators.time_varying import split_at
from analysis.estimators.weighting import compute_balancing_weights
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
    follow_up = compute_median(fit_reverse_kaplan_meier(patients["time"], 1 - patients["age"] % 2, alpha=alpha))
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


def check_coefficients(fit, values, name):
    """Coefficients to 1e-8 of their size or standard error: both stop where the likelihood no longer grows, one near 0 as well."""
    table = fit.coefficients
    std_err = values.all(f"{name}.se")
    for coef, expected, spread in zip(table["coef"], values.all(f"{name}.coef"), std_err, strict=True):
        assert coef == pytest.approx(expected, rel=1e-8, abs=1e-8 * spread)
    assert table["std_err"].to_list() == near(std_err)
    assert table["p"].to_list() == near(values.all(f"{name}.p"))
    assert table["ci_low"].to_list() == near(values.all(f"{name}.ci_low"))


def fit_model(patients, options):
    covariates = ["trt", "karno"] if "strata" in options else ["trt", "celltype", "karno"]
    given = {key: patients[value] if key != "ties" else value for key, value in options.items()}
    time = patients["stop"] if "entry" in options else patients["months"]
    return fit_cox(time, patients["status"], encode_design(patients, covariates), **given)


@pytest.mark.parametrize("name", COX)
def test_robust_and_start_stop_models_equal_r(r_weighted, patients, name):
    fit = fit_model(patients, COX[name])
    check_coefficients(fit, r_weighted, name)
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


def test_a_joint_wald_test_needs_as_many_clusters_as_levels(patients):
    fit = fit_model(patients.with_columns(half=pl.int_range(137) % 2), {"cluster": "half"})
    with pytest.raises(AnalysisError, match="celltype has more levels than its variance tells apart"):
        compute_wald(fit, "celltype")


def test_one_column_s_joint_wald_test_is_its_own(patients):
    fit = fit_model(patients, COX["late_both"])
    z, p = fit.coefficients.filter(name="karno").select("z", "p").row(0)
    found = compute_wald(fit, "karno")
    assert (found.statistic, found.df, found.p) == pytest.approx((z**2, 1, p), rel=1e-10)


@pytest.fixture(scope="module")
def changing(patients):
    """When the covariate of the R script turns, by the name of its rows."""
    number = pl.int_range(1, 138)
    entry = pl.min_horizontal(pl.col("age") % 20, pl.col("time") - 1)
    frame = patients.with_columns(
        entry=entry,
        change=pl.when(number % 11 == 1)
        .then(entry)
        .when(number % 10 == 1)
        .then("time")
        .when(number % 3 != 0)
        .then(number * 37 % 200),
        change_month=pl.when(number % 3 != 0).then(1 + number % 5),
    )
    return {
        "split": split_at(None, frame["time"], frame["status"], frame["change"]),
        "split_late": split_at(frame["entry"], frame["time"], frame["status"], frame["change"]),
        "split_zero": split_at(None, frame["months"], frame["status"], frame["change_month"]),
    }


@pytest.mark.parametrize("name", ["split", "split_late", "split_zero"])
def test_rows_of_a_changing_covariate_are_those_of_tmerge(r_weighted, changing, name):
    rows = changing[name]
    found = rows.select(
        pl.col("row") + 1,
        pl.when(pl.col("entry") > 0).then("entry").otherwise(0),
        "time",
        pl.col("event").cast(int),
        "has_changed",
    )
    parts = {part: r_weighted.all(f"{name}_rows.{part}") for part in ("id", "tstart", "tstop", "endpt", "tdc")}
    parts["tstart"] = [max(start, 0) for start in parts["tstart"]]  # the start is -1 here, 0 or -1 there
    assert [column.to_list() for column in found] == list(parts.values())


@pytest.mark.parametrize("name", ["split", "split_late", "split_zero"])
@pytest.mark.parametrize("kind", ["", "_more", "_weighted"])
def test_models_of_a_changing_covariate_equal_r(r_weighted, patients, changing, name, kind):
    rows = changing[name]
    frame = patients[rows["row"]].with_columns(rows["has_changed"])
    covariates = ["trt", "has_changed", *(["karno", "celltype"] if kind == "_more" else [])]
    options = {"_more": {"ties": "breslow"}, "_weighted": {"weights": frame["weight"], "cluster": rows["row"]}}.get(
        kind, {}
    )
    fit = fit_cox(rows["time"], rows["event"], encode_design(frame, covariates), entry=rows["entry"], **options)
    assert fit.is_finite
    check_coefficients(fit, r_weighted, f"{name}{kind}")
    assert [fit.loglik_null, fit.loglik] == near(r_weighted.all(f"{name}{kind}.loglik"))
    table = check_proportional_hazards(fit)
    assert table["chi_square"].to_list() == near(r_weighted.all(f"{name}{kind}.zph_chisq"))
    if kind == "_weighted":
        assert fit.robust_score.statistic == pytest.approx(r_weighted[f"{name}{kind}.robust_score"], rel=1e-8)


def test_a_model_without_a_change_is_the_ordinary_one(r_weighted, patients):
    """Deaths in month 0 count: everybody enters before 0."""
    rows = split_at(np.zeros(137), patients["months"], patients["status"], [None] * 137)
    assert rows["row"].to_list() == list(range(137))
    assert rows["has_changed"].sum() == 0
    design = encode_design(patients, ["trt", "celltype", "karno"])
    started = fit_cox(rows["time"], rows["event"], design, entry=rows["entry"])
    ordinary = fit_cox(patients["months"], patients["status"], design)
    for fit, name in ((started, "zero_started"), (started, "right"), (ordinary, "right")):
        assert fit.coefficients["coef"].to_list() == near(r_weighted.all(f"{name}.coef"))
        assert fit.coefficients["std_err"].to_list() == near(r_weighted.all(f"{name}.se"))


@pytest.mark.parametrize(
    ("entry", "time", "change", "rows"),
    [
        (0, 5, None, [(-1, 5, True, 0)]),
        (0, 5, float("nan"), [(-1, 5, True, 0)]),
        (0, 5, float("inf"), [(-1, 5, True, 0)]),
        (0, 5, 2, [(-1, 2, False, 0), (2, 5, True, 1)]),
        (0, 5, 5, [(-1, 5, True, 0)]),
        (0, 5, 7, [(-1, 5, True, 0)]),
        (0, 5, 0, [(-1, 5, True, 1)]),
        (0, 5, -3, [(-1, 5, True, 1)]),
        (2, 5, 2, [(2, 5, True, 1)]),
        (2, 5, 3, [(2, 3, False, 0), (3, 5, True, 1)]),
        (0, 0, 1, [(-1, 0, True, 0)]),
        (0, 0, 0, [(-1, 0, True, 1)]),
        (0, 0.3, 0.1 + 0.2, [(-1, 0.3, True, 0)]),
    ],
)
def test_rows_of_one_patient_by_hand(entry, time, change, rows):
    assert split_at([entry], [time], [1], [change]).drop("row").rows() == rows


def test_a_change_needs_an_entry_before_the_time():
    with pytest.raises(AnalysisError, match="1 entry times are not before"):
        split_at([5], [5], [1], [None])


@pytest.fixture(scope="module")
def probability(veteran):
    return fit_propensity(veteran, veteran["trt"] == 2, ["celltype", "karno", "age", "prior"]).probability


def weigh(probability, veteran, name):
    """The weights that the R script calls so."""
    method, cut = ("overlap", None) if name == "overlap" else ("iptw", (5, 95) if name == "cut" else None)
    return compute_balancing_weights(probability, veteran["trt"] == 2, method, cut_percentiles=cut)


@pytest.mark.parametrize("name", ["iptw", "cut", "overlap"])
def test_balancing_weights_equal_r(r_weighted, veteran, probability, name):
    found = weigh(probability, veteran, name)
    assert found.weights.tolist() == near(r_weighted.all(f"balancing.{name}"))
    assert found.largest == found.weights.max()
    assert found.estimand == ("ATO" if name == "overlap" else "ATE")
    sizes = [found.effective_size[True], found.effective_size[False]]
    assert sizes == near(r_weighted.all(f"effective.{name}"))


@pytest.mark.parametrize("name", ["iptw", "cut", "overlap"])
def test_curves_models_and_balance_with_balancing_weights_equal_r(r_weighted, patients, probability, name):
    weights = weigh(probability, patients, name).weights
    is_treated = (patients["trt"] == 2).to_numpy()
    arm = patients.filter(is_treated)
    check_curve(
        fit_kaplan_meier(arm["months"], arm["status"], weights=weights[is_treated]),
        r_weighted,
        f"balanced_curve.{name}",
    )
    fit = fit_cox(patients["months"], patients["status"], patients.select("trt"), weights=weights)
    assert fit.coefficients["std_err"].to_list() == near(r_weighted.all(f"balanced_cox.{name}.se"))
    assert fit.robust_score.statistic == pytest.approx(r_weighted[f"balanced_cox.{name}.robust_score"], rel=1e-8)
    for denominator, part in (("pooled", "smd"), ("treated", "smd_treated")):
        table = compute_balance(patients, is_treated, ["karno", "age"], matched=weights, denominator=denominator)
        for row in table.filter(sample="matched").iter_rows(named=True):
            found = [row["mean_treated"], row["mean_control"], row["standardised_mean_difference"]]
            prefix = f"weighted_balance.{name}.{row['covariate']}"
            assert found == near(r_weighted[f"{prefix}.{key}"] for key in ("treated", "control", part))


def test_overlap_weights_balance_the_means_of_the_model_exactly(veteran, probability):
    weights = weigh(probability, veteran, "overlap").weights
    table = compute_balance(veteran, veteran["trt"] == 2, ["celltype", "karno", "age", "prior"], matched=weights)
    matched = table.filter(sample="matched")
    assert matched["standardised_mean_difference"].to_numpy() == pytest.approx(0, abs=1e-9)


def test_balance_of_three_arms_is_refused(veteran):
    with pytest.raises(AnalysisError, match="3 arms; two are compared"):
        compute_balance(veteran, [0, 1, 2] * 45 + [0, 1], ["age"])


def test_weights_that_explode_are_refused_with_the_arm_s_share():
    probability = [0.001, *[0.5] * 9]
    treated = [True, *[True, False] * 4, True]
    with pytest.raises(AnalysisError, match=r"one patient has 99 % of the weight of the treated arm"):
        compute_balancing_weights(probability, treated, "iptw")
    assert compute_balancing_weights(probability, treated, "overlap").largest == 0.999
    assert compute_balancing_weights(probability, treated, "iptw", cut_percentiles=(0, 80)).largest < 2


@pytest.mark.parametrize(
    ("probability", "method", "cut", "said"),
    [
        ([0.5, 1.0, 0.5, 0.5], "iptw", None, "missing, 0 or 1"),
        ([0.5, None, 0.5, 0.5], "iptw", None, "missing, 0 or 1"),
        ([0.5, 0.5, 0.5, 0.5], "overlap", (1, 99), "not cut"),
        ([0.5, 0.5, 0.5, 0.5], "iptw", (99, 1), "do not ascend"),
    ],
)
def test_what_gives_no_weights_is_refused(probability, method, cut, said):
    with pytest.raises(AnalysisError, match=said):
        compute_balancing_weights(probability, [1, 0, 1, 0], method, cut_percentiles=cut)


SPLINES = ("all", "ties", "few", "few_ties", "low", "high", "both", "low_few", "both_few")


@pytest.mark.parametrize("n_knots", range(3, 8))
@pytest.mark.parametrize("name", SPLINES)
def test_knots_and_splines_equal_hmisc(r_weighted, name, n_knots):
    values = r_weighted.all(f"spline_values.{name}")
    knots = r_weighted.all(f"knots.{name}.{n_knots}")
    if len(knots) < n_knots:  # Hmisc goes on with fewer, here it is refused
        with pytest.raises(AnalysisError, match=f"too few for {n_knots} knots"):
            place_knots(values, n_knots)
    else:
        assert list(place_knots(values, n_knots)) == near(knots)
    found = compute_spline(values[:6], knots)
    assert found.T.ravel().tolist() == near(r_weighted.all(f"spline.{name}.{n_knots}"))


@pytest.mark.parametrize(
    ("values", "n_knots", "said"),
    [
        ([1.0, 2.0, 3.0] * 20, 3, "3 distinct values among 60 are too few for 3 knots"),
        ([*range(6), *[2] * 200], 3, "6 distinct values among 206 are too few for 3 knots"),
        ([0] * 100 + [1, 2, 3, 4, 5], 3, "too few for 3 knots"),
        (range(50), 2, "not 3 to 7"),
        (range(50), 8, "not 3 to 7"),
        ([1.0, None, 3.0], 3, "1 of 3 values are missing"),
    ],
)
def test_knots_that_coincide_are_refused(values, n_knots, said):
    with pytest.raises(AnalysisError, match=said):
        place_knots(values, n_knots)


def test_a_spline_is_straight_beyond_its_knots():
    knots = place_knots(np.arange(100.0), 4)
    assert np.diff(compute_spline([200.0, 210.0, 220.0], knots), n=2, axis=0) == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="ascend"):
        compute_spline([1.0], [3, 2, 1])


def test_rank_tests_equal_r(r_weighted, veteran):
    groups = {
        "three": ("karno", [str(i % 3) for i in range(1, 138)]),
        "celltype": ("diagtime", veteran["celltype"]),
        "two": ("age", veteran["trt"]),
    }
    for name, (column, group) in groups.items():
        found = compute_rank_test(veteran[column], group)
        assert [found.statistic, found.df, found.p] == near(r_weighted.all(f"kruskal.{name}"))
    assert compute_rank_test(veteran["age"], veteran["trt"]).p == pytest.approx(r_weighted["wilcoxon.1"], rel=1e-8)


@pytest.mark.parametrize(
    ("values", "groups", "said"),
    [
        ([1, 2, None], ["a", "b", "a"], "1 values are missing"),
        ([1, 2, 3], ["a", None, "b"], "group: missing for 1"),
        ([1, 2, 3], ["a", "a", "a"], "fewer than two groups"),
        ([1, 1, 1], ["a", "b", "a"], "all values are equal"),
    ],
)
def test_what_cannot_be_ranked_is_refused(values, groups, said):
    with pytest.raises(AnalysisError, match=said):
        compute_rank_test(values, groups)
