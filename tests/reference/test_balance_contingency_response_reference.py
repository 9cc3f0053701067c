"""Balance against MatchIt and by hand; contingency tests against R and the study's print; response rates."""

import itertools
from math import comb

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from analysis.estimators.balance import compute_balance
from analysis.estimators.contingency import compute_contingency_test
from analysis.estimators.matching import match_nearest
from analysis.estimators.response import compute_difference_ci, compute_proportion_ci, compute_response_rates
from etl.errors import AnalysisError

COHORT = pl.DataFrame(
    {
        "arm": [1, 1, 1, 0, 0, 0, 0],
        "age": [60.0, 62.0, 64.0, 50.0, 54.0, 58.0, 62.0],
        "sex": ["f", "m", "m", "f", "f", "m", "f"],
        "smoker": [1, 0, 1, 0, 0, 1, 1],
    }
)
MATCHED = [True, True, False, False, False, True, True]


def balance_of(covariate, sample, column, level=None, **options):
    table = compute_balance(COHORT, "arm", ["age", "sex", "smoker"], matched=MATCHED, **options)
    rows = table.filter(pl.col("covariate") == covariate, pl.col("sample") == sample)
    return rows.filter(pl.col("level").eq_missing(level))[column].item()


def test_age_by_hand():
    # treated 60 62 64: mean 62, variance 4; control 50 54 58 62: mean 56, variance 80/3
    # matched: treated 60 62: 61, variance 2; control 58 62: 60, variance 8
    difference = "standardised_mean_difference"
    assert balance_of("age", "all", difference, denominator="treated") == pytest.approx(6 / 2)
    assert balance_of("age", "matched", difference, denominator="treated") == pytest.approx(1 / 2)
    assert balance_of("age", "all", difference, denominator="pooled") == pytest.approx(6 / np.sqrt((4 + 80 / 3) / 2))
    assert balance_of("age", "matched", difference, denominator="pooled") == pytest.approx(
        1 / np.sqrt((4 + 80 / 3) / 2)
    )
    assert balance_of("age", "matched", difference, denominator="pooled_matched") == pytest.approx(1 / np.sqrt(5))
    assert balance_of("age", "all", "variance_ratio") == pytest.approx(4 / (80 / 3))
    assert balance_of("age", "matched", "variance_ratio") == pytest.approx(2 / 8)


def test_levels_by_hand():
    # male: 2/3 of the treated, 1/4 of the controls; p(1-p) = 2/9 and 3/16
    value = balance_of("sex", "all", "standardised_mean_difference", level="m", denominator="pooled")
    assert value == pytest.approx((2 / 3 - 1 / 4) / np.sqrt((2 / 9 + 3 / 16) / 2))
    female = balance_of("sex", "all", "standardised_mean_difference", level="f", denominator="pooled")
    assert female == pytest.approx(-value)
    assert balance_of("sex", "all", "variance_ratio", level="m") is None
    # a number that is only 0 or 1 is a level: 2/3 against 1/2
    assert balance_of("smoker", "all", "standardised_mean_difference", denominator="treated") == pytest.approx(
        (2 / 3 - 1 / 2) / np.sqrt(2 / 9)
    )
    assert (balance_of("age", "matched", "n_treated"), balance_of("age", "matched", "n_control")) == (2, 2)


def test_no_spread_and_a_difference_has_no_standardised_value():
    frame = pl.DataFrame({"arm": [1, 1, 0, 0], "x": [2.0, 2.0, 1.0, 1.0], "same": [3.0, 3.0, 3.0, 3.0]})
    table = compute_balance(frame, "arm", ["x", "same"])
    assert table["standardised_mean_difference"].to_list() == [None, 0.0]


def test_balance_of_uneven_sets_equals_matchit(r, veteran):
    uneven = veteran.filter((pl.col("trt") == 1) | ((pl.col("trt") == 2).cum_sum() <= 40))
    matches = match_nearest(uneven["karno"], uneven["trt"] == 2, caliper_sd=None, ratio=2)
    weights = matches.compute_weights()
    assert weights.tolist() == pytest.approx(r.all("match_weights"))
    assert weights.min() < 1 < weights.max()  # a lone control counts twice as much as one of two
    covariates = ["karno", "age", "celltype"]
    table = compute_balance(uneven, uneven["trt"] == 2, covariates, matched=weights, denominator="treated")
    for row in table.iter_rows(named=True):
        part = {"all": "sum.all", "matched": "sum.matched"}[row["sample"]]
        expected = r.pick(f"balance.{part}.{row['covariate']}{row['level'] or ''}")
        assert row["mean_control"] == pytest.approx(expected["Means Control"], rel=1e-10)
        assert row["variance_ratio"] == (expected["Var. Ratio"] and pytest.approx(expected["Var. Ratio"], rel=1e-10))
        assert row["ks_statistic"] == pytest.approx(expected["eCDF Max"], rel=1e-10)
        if row["level"] == "large":  # no treated patient has it: MatchIt then takes another denominator, we take none
            assert row["standardised_mean_difference"] is None
        else:
            assert row["standardised_mean_difference"] == pytest.approx(expected["Std. Mean Diff."], rel=1e-10)


def test_ks_statistic_equals_ks_test_of_r(r, veteran):
    table = compute_balance(veteran, veteran["trt"] == 2, ["age"])
    assert table["ks_statistic"].item() == pytest.approx(r["ks.age"], rel=1e-12)


@pytest.mark.parametrize(
    ("denominator", "said"),
    [
        ("treated", "root of the treated arm's variances in the whole sample"),
        ("pooled", "root of the mean of both arms' variances in the whole sample"),
        ("pooled_matched", "root of the mean of both arms' variances in the same sample"),
    ],
)
def test_the_rule_stands_beside_the_number(denominator, said):
    table = compute_balance(COHORT, "arm", ["age", "sex"], denominator=denominator)
    assert table["rule"][0] == f"difference in means (treated minus control) / {said}"
    assert table["rule"][1] == f"difference in proportions (treated minus control) / {said}".replace(
        "variances", "p(1-p)"
    )


@pytest.mark.parametrize(
    ("columns", "matched", "said"),
    [
        ({"x": [1, None, 3, 4]}, None, "x: 1 of 4 values are missing"),
        ({"x": ["a", "b", None, None]}, None, "x: 2 of 4 values are missing"),
        ({"y": [1, 2, 3, 4]}, None, "x: no such column"),
        ({"x": [1, 2, 3, 4]}, [True, True, False, False], "no patient in the matched sample"),
        ({"x": [1, 2, 3, 4]}, [1, -1, 1, 1], "weight is missing or negative"),
    ],
)
def test_balance_refuses(columns, matched, said):
    with pytest.raises(AnalysisError, match=said):
        compute_balance(pl.DataFrame(columns), [1, 1, 0, 0], ["x"], matched=matched)


# --- contingency ------------------------------------------------------------------------------------------------


def test_pearson_equals_r(r):
    test = compute_contingency_test([[20, 30], [25, 25], [12, 28]])
    assert (test.method, test.df, test.n_empty_dropped) == ("pearson_chi_square", 2, 0)
    assert (test.statistic, test.p) == (
        pytest.approx(r["pearson.statistic"], rel=1e-12),
        pytest.approx(r["pearson.p"], rel=1e-12),
    )


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("two", [[1, 11], [7, 3]]),
        ("five", [[38, 29], [1, 4], [43, 40], [45, 31], [2, 1]]),
        ("square", [[10, 3, 1], [5, 7, 2], [2, 3, 1]]),
    ],
)
def test_fisher_equals_r(r, name, counts):
    table = np.array(counts)
    test = compute_contingency_test(table)
    assert (test.method, test.statistic, test.df) == ("fisher_exact", None, None)
    assert test.p == pytest.approx(r[f"fisher.{name}"], rel=1e-9)
    assert compute_contingency_test(table.T).p == pytest.approx(test.p, rel=1e-12)


def test_tea_tasting():
    # Fisher, The Design of Experiments: 3 of 4 cups told right; two-sided 34/70
    assert compute_contingency_test([[3, 1], [1, 3]]).p == pytest.approx(34 / 70)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.integers(0, 6), min_size=4, max_size=4))
def test_exact_two_by_two_equals_scipy(cells):
    table = np.array(cells).reshape(2, 2)
    assume(table.sum(axis=0).all() and table.sum(axis=1).all())
    test = compute_contingency_test(table)
    if test.method == "fisher_exact":
        assert test.p == pytest.approx(fisher_exact(table).pvalue, rel=1e-9)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=3))
def test_exact_three_by_two_equals_counting_every_table(cells):
    table = np.array(cells)
    assume(table.sum(axis=0).all() and table.sum(axis=1).all())
    test = compute_contingency_test(table)
    assume(test.method == "fisher_exact")
    rows, first = table.sum(axis=1), table[:, 0].sum()
    weights = {
        (a, b): comb(rows[0], a) * comb(rows[1], b) * comb(rows[2], first - a - b)
        for a, b in itertools.product(range(rows[0] + 1), range(rows[1] + 1))
        if 0 <= first - a - b <= rows[2]
    }
    observed = weights[table[0, 0], table[1, 0]]
    expected = sum(weight for weight in weights.values() if weight <= observed) / sum(weights.values())
    assert test.p == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("counts", "printed"),
    [
        ([[81, 75], [46, 27]], 0.116),  # age, whole cohort
        ([[108, 88], [19, 14]], 0.791),  # sex
        ([[74, 42], [53, 60]], 0.010),  # ALT
        ([[59, 28], [68, 74]], 0.003),  # AST
        ([[26, 22], [65, 57], [36, 23]], 0.605),  # PVTT type
        ([[16, 10], [95, 75], [16, 17]], 0.591),  # ALBI grade
        ([[24, 32], [40, 31], [18, 19]], 0.315),  # metastasis organs, matched
        ([[13, 17], [114, 85]], 0.152),  # HBsAg
        ([[58, 58], [24, 24]], 1.000),  # HBV DNA, matched
    ],
)
def test_pearson_reproduces_the_study_s_print(counts, printed):
    assert compute_contingency_test(counts).p == pytest.approx(printed, abs=0.0005)


def test_empty_rows_are_dropped_and_counted():
    with_empty = compute_contingency_test([[20, 30], [0, 0], [25, 25], [12, 28]])
    without = compute_contingency_test([[20, 30], [25, 25], [12, 28]])
    assert (with_empty.p, with_empty.n_empty_dropped) == (without.p, 1)
    with pytest.raises(AnalysisError, match="fewer than two levels"):
        compute_contingency_test([[20, 30], [0, 0]])


# --- response ---------------------------------------------------------------------------------------------------


def test_clopper_pearson_equals_r(r):
    for n_event in (0, 7, 20):
        assert compute_proportion_ci(n_event, 20) == pytest.approx(tuple(r.all(f"binom.{n_event}")), rel=1e-9)


@pytest.mark.parametrize(
    ("counts", "printed"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
    ],
)
def test_newcombe_1998_table_2_method_10(counts, printed):
    assert compute_difference_ci(*counts) == pytest.approx(printed, abs=6e-5)


def test_response_rates_count_the_not_evaluable():
    responses = ["CR", "PR", "SD", "PD", "NE", "PR", "SD", "PD"]
    arm = ["a"] * 5 + ["b"] * 3
    table = compute_response_rates(responses, arm, arms=("a", "b"))
    assert table.select("rate", "arm", "n", "n_event").rows() == [
        ("orr", "a", 5, 2),
        ("orr", "b", 3, 1),
        ("orr", "difference", 8, None),
        ("dcr", "a", 5, 3),
        ("dcr", "b", 3, 2),
        ("dcr", "difference", 8, None),
    ]
    assert table["estimate"].to_list() == pytest.approx([2 / 5, 1 / 3, 1 / 3 - 2 / 5, 3 / 5, 2 / 3, 2 / 3 - 3 / 5])


def test_response_refuses():
    with pytest.raises(AnalysisError, match="1 values are missing"):
        compute_response_rates(["CR", None, "PR"], ["a", "a", "b"], arms=("a", "b"))
    with pytest.raises(AnalysisError, match="2 patients are in neither a nor b"):
        compute_response_rates(["CR", "SD", "PR"], ["a", None, "c"], arms=("a", "b"))
    with pytest.raises(AnalysisError, match="arm b has no patient"):
        compute_response_rates(["CR", "PR"], ["a", "a"], arms=("a", "b"))
