"""Cox models and the proportional-hazards test against R's coxph and cox.zph."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.estimators import cox
from analysis.estimators.cox import compute_likelihood_ratio_p, fit_cox
from analysis.estimators.design import encode_design
from etl.errors import AnalysisError


def check_against_r(fit, r, name, *, rel=1e-8):
    table = fit.coefficients
    assert table["coef"].to_list() == pytest.approx(r.all(f"{name}.coef"), rel=rel)
    assert table["std_err"].to_list() == pytest.approx(r.all(f"{name}.se"), rel=rel)
    assert table["p"].to_list() == pytest.approx(r.all(f"{name}.p"), rel=1e-6)
    assert table["ci_low"].to_list() == pytest.approx(r.all(f"{name}.ci_low"), rel=rel)
    assert [fit.loglik_null, fit.loglik] == pytest.approx(r.all(f"{name}.loglik"), rel=rel)
    assert fit.likelihood_ratio.statistic == pytest.approx(r[f"{name}.lr"], rel=rel)
    assert fit.wald.statistic == pytest.approx(r[f"{name}.wald"], rel=rel)
    assert fit.score.statistic == pytest.approx(r[f"{name}.score"], rel=rel)
    assert fit.concordance == pytest.approx(r[f"{name}.concordance"], rel=rel)
    assert fit.concordance_std_err == pytest.approx(r[f"{name}.concordance_se"], rel=rel)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_tied_times_equal_r(r, veteran, ties):
    design = encode_design(veteran, ["trt", "celltype", "karno"])
    fit = fit_cox(veteran["months"], veteran["status"], design, ties=ties)
    check_against_r(fit, r, ties)
    assert fit.coefficients["name"].to_list()[:3] == ["trt", "celltype=smallcell", "celltype=adeno"]
    assert (fit.n, fit.n_event, fit.messages) == (137, 128, ())


def test_stratified_model_equals_r(r, veteran):
    fit = fit_cox(
        veteran["months"], veteran["status"], encode_design(veteran, ["trt", "karno"]), strata=veteran["celltype"]
    )
    check_against_r(fit, r, "cox_strata")


def test_stratified_model_with_breslow_s_ties_equals_r(r, veteran):
    design = encode_design(veteran, ["trt", "karno"])
    fit = fit_cox(veteran["months"], veteran["status"], design, strata=veteran["celltype"], ties="breslow")
    check_against_r(fit, r, "breslow_strata")


def test_pairs_as_strata_and_as_clusters_equal_r(r, veteran, matched_pairs):
    treatment = matched_pairs.select("trt")
    times, events, pairs = (matched_pairs[name] for name in ("time", "status", "pair"))
    check_against_r(fit_cox(times, events, treatment, strata=pairs), r, "cox_by_pair")
    check_against_r(fit_cox(times, events, treatment, cluster=pairs), r, "cox_pair_cluster")


def test_robust_errors_equal_r(r, veteran):
    design = encode_design(veteran, ["trt", "karno"])
    weighted = fit_cox(veteran["months"], veteran["status"], design, weights=1 + veteran["prior"] / 10)
    check_against_r(weighted, r, "weighted")
    clustered = fit_cox(veteran["months"], veteran["status"], design, cluster=veteran["age"])
    check_against_r(clustered, r, "cluster")
    assert weighted.is_robust
    assert clustered.is_robust


@pytest.mark.parametrize(
    ("name", "ties", "is_stratified"), [("all_at_once", "efron", True), ("all_breslow", "breslow", False)]
)
def test_strata_weights_and_clusters_together_equal_r(r, veteran, name, ties, is_stratified):
    fit = fit_cox(
        veteran["months"],
        veteran["status"],
        encode_design(veteran, ["trt", "karno"]),
        ties=ties,
        strata=veteran["celltype"] if is_stratified else None,
        weights=1 + veteran["prior"] / 10,
        cluster=veteran["age"],
    )
    check_against_r(fit, r, name)


@pytest.mark.parametrize(
    ("name", "covariates", "options"),
    [
        ("zph_strata", ["trt", "karno"], {"strata": True}),
        ("zph_breslow", ["trt", "celltype", "karno"], {"ties": "breslow"}),
    ],
)
def test_proportional_hazards_of_other_models_equal_r(r, veteran, name, covariates, options):
    options = options | ({"strata": veteran["celltype"]} if "strata" in options else {})
    fit = fit_cox(veteran["months"], veteran["status"], encode_design(veteran, covariates), **options)
    table = cox.check_proportional_hazards(fit)
    assert table["df"].to_list() == r.all(f"{name}.df")
    assert table["chi_square"].to_list() == pytest.approx(r.all(f"{name}.chisq"), rel=1e-8)


def test_proportional_hazards_per_covariate_and_global(r, veteran):
    fit = fit_cox(veteran["months"], veteran["status"], encode_design(veteran, ["trt", "celltype", "karno"]))
    table = cox.check_proportional_hazards(fit)
    assert table["term"].to_list() == ["trt", "celltype", "karno", "GLOBAL"]
    assert table["df"].to_list() == r.all("zph.df")
    assert table["chi_square"].to_list() == pytest.approx(r.all("zph.chisq"), rel=1e-8)
    assert table["p"].to_list() == pytest.approx(r.all("zph.p"), rel=1e-8)


def test_likelihood_ratio_of_a_categorical_covariate(r, veteran):
    full = fit_cox(veteran["months"], veteran["status"], encode_design(veteran, ["trt", "celltype", "karno"]))
    reduced = fit_cox(veteran["months"], veteran["status"], encode_design(veteran, ["trt", "karno"]))
    assert compute_likelihood_ratio_p(full, reduced) == pytest.approx(r["anova.p"], rel=1e-8)
    assert compute_likelihood_ratio_p(full) == full.likelihood_ratio.p


def test_likelihood_ratio_refuses_what_cannot_be_compared(veteran):
    design = encode_design(veteran, ["trt", "karno"])
    fit = fit_cox(veteran["months"], veteran["status"], design)
    with pytest.raises(AnalysisError, match="not smaller"):
        compute_likelihood_ratio_p(fit, fit)
    other = fit_cox(veteran["months"][:100], veteran["status"][:100], design.matrix[:100].select("trt"))
    with pytest.raises(AnalysisError, match="different patients"):
        compute_likelihood_ratio_p(fit, other)
    robust = fit_cox(veteran["months"], veteran["status"], design, cluster=veteran["age"])
    with pytest.raises(AnalysisError, match="weighted or clustered"):
        compute_likelihood_ratio_p(robust)


def test_one_binary_covariate_by_hand():
    # Deaths at 1 (treated), 2 (control) and 3 (treated) give, with h the hazard ratio, the partial likelihood
    # h/(2h+2) * 1/(h+2) * h/(h+1). Its logarithm is level where 2/h = 2/(h+1) + 1/(h+2), that is h^2 - h - 4 = 0.
    fit = fit_cox([1, 2, 3, 4], [1, 1, 1, 0], pl.DataFrame({"treated": [1, 0, 1, 0]}))
    assert fit.coefficients["hazard_ratio"].item() == pytest.approx((1 + np.sqrt(17)) / 2, rel=1e-8)


@pytest.mark.parametrize(
    ("time", "event", "columns", "said"),
    [
        ([1, 2, 3], [0, 0, 0], {"arm": [0, 1, 1]}, "no events"),
        ([1, 2, 3], [1, 1, 0], {"arm": [1, 1, 1]}, "arm: only one level occurs"),
        ([1, 2, 3], [1, 1, 0], {"arm": [1, None, 0]}, "arm: 1 of 3 values are missing"),
        ([1, -1, 3], [1, 1, 0], {"arm": [1, 0, 1]}, "negative"),
        ([1, None, 3], [1, 1, 0], {"arm": [1, 0, 1]}, "missing"),
        ([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 0, 1], {"a": [1, 0, 1, 0, 1, 0], "b": [2, 0, 2, 0, 2, 0]}, "b cannot be"),
    ],
)
def test_unusable_input_is_refused_by_name(time, event, columns, said):
    with pytest.raises(AnalysisError, match=said):
        fit_cox(time, event, pl.DataFrame(columns))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strata": ["a", None, "b", "a"]}, "stratum: missing for 1 patients"),
        ({"cluster": [1.0, 2.0, float("nan"), 1.0]}, "cluster: missing for 1 patients"),
        ({"weights": [1, 0, 1, 1]}, "weights must be positive"),
        ({"weights": [1, float("nan"), 1, 1]}, "weights must be positive"),
    ],
)
def test_unusable_strata_clusters_and_weights_are_refused_by_name(options, said):
    with pytest.raises(AnalysisError, match=said):
        fit_cox([1, 2, 3, 4], [1, 1, 1, 0], pl.DataFrame({"arm": [1, 0, 1, 0]}), **options)


def test_a_coefficient_that_runs_to_infinity_is_said_and_has_no_hazard_ratio():
    fit = fit_cox([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], pl.DataFrame({"arm": [1, 1, 1, 0, 0, 0]}))
    assert "arm" in fit.messages[0]
    assert not fit.is_finite
    assert fit.coefficients.select("hazard_ratio", "ci_low", "ci_high", "z", "p").row(0) == (None,) * 5


def runs_to_infinity(times, events, covariate) -> bool | None:
    """Whether the partial likelihood has no largest value: at every event that tells anything, the patient with the event has
    the largest value of the covariate of all at risk, or at every one the smallest (None: no event tells anything).

    Follows from its derivative, a sum over events of the covariate minus its weighted mean of those at risk, which then
    never changes its sign. Patients with tied events are judged one by one: each lies at the same end.
    """
    told = []
    for time, event, value in zip(times, events, covariate, strict=True):
        at_risk = [other for other_time, other in zip(times, covariate, strict=True) if other_time >= time]
        if event and min(at_risk) < max(at_risk):
            told.append((value == max(at_risk), value == min(at_risk)))
    if not told:
        return None
    return all(is_largest for is_largest, _ in told) or all(is_smallest for _, is_smallest in told)


PATIENTS = st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 1)), min_size=6, max_size=16)


@given(PATIENTS, st.sampled_from(["efron", "breslow"]), st.booleans(), st.sampled_from([1.0, 1e-3, 1e4]))
def test_a_hazard_ratio_is_given_just_where_there_is_one(patients, ties, is_robust, scale):
    times, events, covariate = (list(column) for column in zip(*patients, strict=True))
    is_infinite = runs_to_infinity(times, events, covariate)
    options = {"cluster": [i // 2 for i in range(len(times))]} if is_robust else {}
    design = pl.DataFrame({"x": [scale * value for value in covariate]}, schema={"x": pl.Float64})
    if is_infinite is None or len(set(covariate)) < 2:
        with pytest.raises(AnalysisError):
            fit_cox(times, events, design, ties=ties)
        return
    try:
        fit = fit_cox(times, events, design, ties=ties, **options)
    except AnalysisError:  # a robust error of 0
        assert is_robust
        return
    assert fit.is_finite is not is_infinite
