"""Every number of the fuller set of R values, walked leaf by leaf, beside what the estimators give."""

from collections import Counter

import numpy as np
import polars as pl
import pytest

from analysis.estimators.balance import compute_balance
from analysis.estimators.cox import check_proportional_hazards, fit_cox
from analysis.estimators.kaplan_meier import compute_median, compute_rates, compute_restricted_mean, fit_kaplan_meier
from analysis.estimators.logrank import compute_logrank
from analysis.estimators.matching import match_nearest
from analysis.estimators.propensity import fit_propensity
from schemas.definitions.albi import compute_albi_grade, compute_albi_score

# Columns of R's output that no estimator gives, and why.
NOT_GIVEN = {
    "_row": "a row's name, given once more",
    "Std. Pair Dist.": "distances within pairs are given pair by pair, not standardised per covariate",
    "eCDF Mean": "of the distances between distribution functions the largest is given (KS), not the mean",
    "row": "the name of a line",
    "session": "versions of R and its packages",
    "weights": "the weights in words",
}
LALONDE_COVARIATES = ["age", "educ", "race", "married", "nodegree", "re74", "re75"]


def describe_curves(frame, time, event, group, conf_type, times):
    """What `kmj` of make_reference.R prints: one table row per curve, and the curve at some times."""
    labels = [None] if group is None else sorted(frame[group].unique().to_list())
    horizon = frame[time].max()  # R restricts every mean to the longest follow-up of all curves
    table, at = [], []
    for label in labels:
        part = frame if label is None else frame.filter(pl.col(group) == label)
        fit = fit_kaplan_meier(part[time], part[event], conf_type)
        median, (mean, mean_std_err) = compute_median(fit), compute_restricted_mean(fit, horizon)
        row = dict.fromkeys(("records", "n.max", "n.start"), fit.n)
        row |= {"events": fit.n_event, "rmean": mean, "se(rmean)": mean_std_err}
        limits = {"median": median.median, "0.95LCL": median.ci_low, "0.95UCL": median.ci_high}
        table.append(row | {name: value for name, value in limits.items() if label is None or value is not None})
        names = {"n_risk": "n.risk", "estimate": "surv", "std_err": "se", "ci_low": "lower", "ci_high": "upper"}
        stratum = "all" if label is None else f"{group.replace(' ', '.')}={label}"
        at += [row | {"strata": stratum} for row in compute_rates(fit, times).rename(names).to_dicts()]
    return {"conf.type": conf_type, "table": table if group else table[0], "at": at}


def describe_test(time, event, group, rho=0.0):
    test = compute_logrank(time, event, group, rho=rho)
    counts = {"obs": list(test.observed.values()), "exp": list(test.expected.values())}
    return {"chisq": test.chi_square, "df": test.df, "p": test.p} | counts


def describe_model(time, event, columns, ties="efron", **options):
    fit = fit_cox(time, event, columns, ties=ties, **options)
    table = fit.coefficients
    tests = {"lr": fit.likelihood_ratio, "wald": fit.wald, "score": fit.score}
    return {
        "n": fit.n,
        "nevent": fit.n_event,
        "ties": ties,
        "coef": dict(table.select("name", "coef").iter_rows()),
        "se": dict(table.select("name", "std_err").iter_rows()),
        "loglik": [fit.loglik_null, fit.loglik],
        "concordance": [fit.concordance, fit.concordance_std_err],
    } | {name: [test.statistic, test.df, test.p] for name, test in tests.items()}


def describe_hazards(time, event, columns):
    table = check_proportional_hazards(fit_cox(time, event, columns))
    return table.rename({"chi_square": "chisq"}).to_dicts()


def describe_lung(read):
    lung = read("data/r_sets/lung.csv").with_columns(dead=pl.col("status") == 2)
    known, centres = lung.drop_nulls("ph.ecog"), lung.drop_nulls("inst")
    columns = known.select("age", "sex", "ph.ecog")
    curves = {
        name: describe_curves(lung, "time", "dead", "sex", conf_type, [180, 365, 540, 730])
        for name, conf_type in [("km_loglog", "log-log"), ("km_log", "log"), ("km_plain", "plain")]
    }
    return curves | {
        "logrank": describe_test(lung["time"], lung["dead"], lung["sex"]),
        "peto": describe_test(lung["time"], lung["dead"], lung["sex"], rho=1),
        "cox_efron": describe_model(known["time"], known["dead"], columns),
        "cox_breslow": describe_model(known["time"], known["dead"], columns, ties="breslow"),
        "cox_stratified": describe_model(
            centres["time"], centres["dead"], centres.select("age", "sex"), strata=centres["inst"]
        ),
        "cox_zph": describe_hazards(known["time"], known["dead"], columns),
    }


def describe_pbc(read):
    pbc = read("data/r_sets/pbc.csv").drop_nulls("trt")
    score = compute_albi_score(pl.col("bili") * 17.1, pl.col("albumin") * 10)
    pbc = pbc.with_columns(dead=pl.col("status") == 2, albi=score)
    pbc = pbc.with_columns(
        grade=compute_albi_grade(pl.col("albi")).cast(pl.String).str.extract(r"(\d)").cast(pl.Int64),
    )
    logs = [pl.col("bili").log().alias("log(bili)"), pl.col("protime").log().alias("log(protime)")]
    time, dead = pbc["time"], pbc["dead"]
    columns = pbc.select("trt", "age", logs[0], "albumin", logs[1], "edema")
    weighted = fit_cox(time, dead, pbc.select("trt", "albumin"), weights=1 + (pbc["age"] > 50).cast(pl.Int64))
    return {
        "n": pbc.height,
        "albi": pbc["albi"].to_list(),
        "albi_grade": pbc["grade"].to_list(),
        "albi_grade_counts": {str(grade): n for grade, n in Counter(pbc["grade"]).items()},
        "km_trt": describe_curves(pbc, "time", "dead", "trt", "log-log", [365, 1095, 1825, 3650]),
        "logrank_trt": describe_test(time, dead, pbc["trt"]),
        "logrank_albi": describe_test(time, dead, pbc["grade"]),
        "cox_efron": describe_model(time, dead, columns),
        "cox_weighted_robust": {
            "coef": dict(weighted.coefficients.select("name", "coef").iter_rows()),
            "robust_se": dict(weighted.coefficients.select("name", "std_err").iter_rows()),
        },
        "cox_zph": describe_hazards(time, dead, pbc.select("trt", "albumin", logs[0])),
    }


def describe_tace(read):
    tace = read("reference/hcc_tace_seg_data_table.csv")
    dead, progressed, pvt = "Death_1_StillAliveorLostToFU_0", "Censored_0_progressed_1", "Portal Vein Thrombosis"
    columns = tace.select(
        "age",
        (pl.col("Sex") == 2).alias("I(Sex == 2)TRUE"),
        pl.col(pvt).alias("Portal.Vein.Thrombosis"),
        "Metastasis",
        (pl.col("CPS") != "A").alias('I(CPS != "A")TRUE'),
        (pl.col("AFP") + 1).log10().alias("logafp"),
    )
    return {
        "n": tace.height,
        "os_weeks": describe_curves(tace, "OS", dead, None, "log-log", [26, 52, 104, 156]),
        "ttp_weeks": describe_curves(tace, "TTP", progressed, None, "log-log", [13, 26, 52]),
        "os_by_pvt": describe_curves(tace, "OS", dead, pvt, "log-log", [26, 52, 104]),
        "logrank_pvt": describe_test(tace["OS"], tace[dead], tace[pvt]),
        "cox": describe_model(tace["OS"], tace[dead], columns),
    }


def describe_matching(read, scale, caliper_sd, order):
    """What `one` of make_reference.R prints of a matching of the lalonde data."""
    lalonde = read("data/r_sets/MatchIt_lalonde.csv")
    fit = fit_propensity(lalonde, "treat", LALONDE_COVARIATES, epsilon=1e-8)
    distance, ids = getattr(fit, scale), lalonde["id"].to_list()
    matches = match_nearest(distance, lalonde["treat"], caliper_sd=caliper_sd, order=order)
    weights = matches.compute_weights()
    frame = lalonde.with_columns(distance=distance)
    balance = compute_balance(
        frame, "treat", ["distance", *LALONDE_COVARIATES], matched=weights, denominator="treated"
    ).with_columns(var=pl.col("covariate") + pl.col("level").fill_null(""))
    names = {"mean_treated": "Means Treated", "mean_control": "Means Control", "ks_statistic": "eCDF Max"}
    names |= {"standardised_mean_difference": "Std. Mean Diff.", "variance_ratio": "Var. Ratio"}
    parts = {part: balance.filter(pl.col("sample") == part).rename(names).to_dicts() for part in ("all", "matched")}
    return {
        "caliper_abs": [] if matches.caliper is None else matches.caliper,
        "nn": count_arms(lalonde["treat"].to_numpy(), weights, matches),
        "smd_all": parts["all"],
        "smd_matched": parts["matched"],
        "pairs": [
            {"treated": ids[pair["treated_row"]], "control": ids[pair["control_row"]]}
            for pair in matches.pairs.iter_rows(named=True)
        ],
    }


def count_arms(treated, weights, matches):
    """Patients and effective sample sizes by arm: all twice, matched twice, unmatched, discarded (nobody ever is)."""

    def by_arm(count):
        return {"Control": count(0), "Treated": count(1)}

    everybody = by_arm(lambda arm: int((treated == arm).sum()))
    effective = by_arm(lambda arm: weights[treated == arm].sum() ** 2 / (weights[treated == arm] ** 2).sum())
    matched = by_arm(lambda arm: int((weights[treated == arm] > 0).sum()))
    unmatched = by_arm(lambda arm: int((matches.unmatched["is_treated"] == bool(arm)).sum()))
    return [everybody, everybody, effective, matched, unmatched, by_arm(lambda _: 0)]


def describe_lalonde(read):
    lalonde = read("data/r_sets/MatchIt_lalonde.csv")
    fit = fit_propensity(lalonde, "treat", LALONDE_COVARIATES, epsilon=1e-8)
    return {
        "ps_coef": {name.replace("=", ""): value for name, value in fit.coefficients.items()},
        "propensity": dict(zip(lalonde["id"], fit.probability.tolist(), strict=True)),
    } | describe_matching(read, "probability", None, "largest")


BLOCKS = {
    "lung": describe_lung,
    "pbc": describe_pbc,
    "hcc_tace_seg": describe_tace,
    "lalonde": describe_lalonde,
    "lalonde_caliper02_probability": lambda read: describe_matching(read, "probability", 0.2, "largest"),
    "lalonde_caliper02_logit": lambda read: describe_matching(read, "logit", 0.2, "largest"),
    "lalonde_caliper02_logit_closest": lambda read: describe_matching(read, "logit", 0.2, "closest"),
}


def walk(expected, ours, path, compared):
    """Compare every leaf that R gives with ours at the same place."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            if key not in NOT_GIVEN:
                assert key in ours, f"{path}/{key} is given by no estimator"
                walk(value, ours[key], f"{path}/{key}", compared)
    elif isinstance(expected, list):
        assert len(expected) == len(ours), path
        for position, (theirs, mine) in enumerate(zip(expected, ours, strict=True)):
            walk(theirs, mine, f"{path}/{position}", compared)
    else:
        compared[path] = True
        if isinstance(expected, str) or expected is None:
            assert ours == expected, path
        else:
            rounded = path.endswith("/wald/0")  # summary.coxph prints two decimals
            allowed = 0.005 if rounded else 1e-8 * abs(expected) if expected else 1e-12
            assert abs(ours - expected) <= allowed, f"{path}: {ours} instead of {expected}"


@pytest.mark.parametrize("block", BLOCKS)
def test_every_value_of_r_is_given(shared_reference, read_shared, block):
    compared = {}
    walk(shared_reference[block], BLOCKS[block](read_shared), block, compared)
    print(f"{block}: {len(compared)} values of R compared")
    assert len(compared) > 60


def test_no_block_is_left_out(shared_reference):
    assert set(shared_reference) - set(NOT_GIVEN) == set(BLOCKS)


def test_the_score_is_the_maximum_and_not_only_r_s_last_step(read_shared):
    # glm's default epsilon of 1e-8 stops one step short; the gradient of the likelihood tells which of the two is it
    lalonde = read_shared("data/r_sets/MatchIt_lalonde.csv")
    largest = {}
    for name, epsilon in [("maximum", None), ("glm", 1e-8)]:
        fit = fit_propensity(lalonde, "treat", LALONDE_COVARIATES, epsilon=epsilon)
        columns = fit.design.to_numpy()
        scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
        largest[name] = np.abs(scaled.T @ (lalonde["treat"].to_numpy() - fit.probability)).max()
    assert largest["maximum"] < 1e-11 < 1e-8 < largest["glm"]
