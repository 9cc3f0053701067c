"""Propensity scores against R's glm; matching against MatchIt 4.7.2, by hand and against a brute force."""

import itertools
import re
from bisect import bisect_left

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import logit

from analysis.estimators.design import encode_design
from analysis.estimators.matching import SAME, match_nearest
from analysis.estimators.propensity import fit_propensity
from etl.errors import AnalysisError

LALONDE_COVARIATES = ["age", "educ", "race", "married", "nodegree", "re74", "re75"]
ORDERS = ["largest", "smallest", "data", "closest"]


def pair_rows(distance, treated, **options):
    pairs = match_nearest(distance, treated, **options).pairs
    return list(zip(pairs["treated_row"], pairs["control_row"], strict=True))


# --- design -----------------------------------------------------------------------------------------------------


def test_levels_keep_the_order_of_the_enum_and_others_are_sorted():
    size = pl.Enum(["small", "large", "never seen", "medium"])
    frame = pl.DataFrame(
        {"size": ["large", "medium", "small"], "city": ["b", "a", "b"], "age": [1, 2, 3], "ill": [True, False, True]},
        schema_overrides={"size": size},
    )
    design = encode_design(frame, ["size", "city", "age", "ill"])
    assert design.names == ("size=large", "size=medium", "city=b", "age", "ill")
    assert design.terms == ("size", "size", "city", "age", "ill")
    assert design.to_numpy().tolist() == [[1, 0, 1, 1, 1], [0, 1, 0, 2, 0], [0, 0, 1, 3, 1]]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pl.Series("age", [1, None, 3]), "age: 1 of 3 values are missing"),
        (pl.Series("age", [1.0, float("nan"), 3.0]), "age: 1 of 3 values are missing"),
        (pl.Series("age", [1.0, float("inf"), 3.0]), "age: 1 of 3 values are missing"),
        (pl.Series("age", ["a", "a", "a"]), "age: only one level"),
        (pl.Series("other", [1, 2, 3]), "age: no such column"),
        (pl.Series("age", ["2020-01-01", "2021-01-01", "2022-01-01"]).str.to_date(), "age: type Date"),
    ],
)
def test_an_unusable_covariate_is_named(column, said):
    with pytest.raises(AnalysisError, match=said):
        encode_design(pl.DataFrame([column]), ["age"])


# --- propensity score -------------------------------------------------------------------------------------------


def test_propensity_equals_r(r, veteran):
    fit = fit_propensity(veteran, veteran["trt"] == 2, ["celltype", "karno", "age", "prior"])
    assert list(fit.coefficients.values()) == pytest.approx(r.all("glm.coef"), rel=1e-10)
    assert fit.probability[:5] == pytest.approx(r.all("glm.fitted"), rel=1e-10)
    assert fit.logit == pytest.approx(np.log(fit.probability / (1 - fit.probability)), rel=1e-9)


def test_propensity_stops_where_glm_does(r, veteran):
    covariates = ["celltype", "karno", "age", "prior"]
    maximum = fit_propensity(veteran, veteran["trt"] == 2, covariates).coefficients
    for name, epsilon in [("glm_default.coef", 1e-8), ("glm_early.coef", 1e-2)]:
        fit = fit_propensity(veteran, veteran["trt"] == 2, covariates, epsilon=epsilon)
        assert list(fit.coefficients.values()) == pytest.approx(r.all(name), rel=1e-11)
    assert list(maximum.values()) != pytest.approx(r.all("glm_early.coef"), rel=1e-6)


def test_equal_patients_have_equal_scores(veteran):
    frame = veteran.with_columns(has_good_performance=pl.col("karno") >= 60)
    covariates = ["celltype", "has_good_performance", "prior"]
    fit = fit_propensity(frame, frame["trt"] == 2, covariates)
    scores = frame.select(covariates).with_columns(logit=fit.logit)
    assert scores.unique().height == scores.select(covariates).unique().height


def test_one_binary_covariate_gives_the_arm_shares():
    # Saturated model: the fitted probability is the share treated, 1/4 where x = 0 and 2/3 where x = 1.
    frame = pl.DataFrame({"x": [0, 0, 0, 0, 1, 1, 1], "arm": [1, 0, 0, 0, 1, 1, 0]})
    fit = fit_propensity(frame, "arm", ["x"])
    assert fit.probability == pytest.approx([1 / 4] * 4 + [2 / 3] * 3)
    assert fit.coefficients == {"(Intercept)": pytest.approx(np.log(1 / 3)), "x": pytest.approx(np.log(6))}


@pytest.mark.parametrize(
    ("columns", "arm", "said"),
    [
        ({"x": [1, 2, 3, 4, 5, 6]}, [0, 0, 0, 1, 1, 1], "separated by x"),
        ({"x": [0, 0, 0, 1, 0, 1], "z": [5, 1, 4, 2, 3, 6]}, [0, 1, 0, 1, 1, 1], "separated by x"),
        ({"x": [1, 2, 3, 4, 5, 7], "z": [2, 4, 6, 8, 10, 14]}, [0, 1, 0, 1, 0, 1], "z is determined"),
        ({"x": [1, 2, 3, 4, 5, 7]}, [1, 1, 1, 1, 1, 1], "one of the two arms"),
        ({"x": [1, 2, 3, 4, 5, 7]}, [0, 1, 2, 1, 0, 1], "3 arms; two are compared"),
        ({"x": [1, 2, 3, 4, 5, 7]}, [0, 1, None, 1, 0, 1], "other than 0 and 1, or missing"),
        ({}, [], "no covariate"),
    ],
)
def test_no_propensity_model_is_said_with_its_cause(columns, arm, said):
    for epsilon in (None, 1e-8):
        with pytest.raises(AnalysisError, match=said):
            fit_propensity(pl.DataFrame(columns), arm, list(columns), epsilon=epsilon)


def fit_or_explain(frame, arm):
    try:
        return fit_propensity(frame, arm, frame.columns)
    except AnalysisError as error:
        return str(error)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 3)), min_size=4, max_size=20))
def test_a_score_is_a_maximum_or_is_refused_with_its_cause(rows):
    arm, ordinal, number = (list(column) for column in zip(*rows, strict=True))
    outcome = fit_or_explain(pl.DataFrame({"level": [f"l{value}" for value in ordinal], "number": number}), arm)
    if isinstance(outcome, str):
        causes = "separated by|is determined by|only one level|one of the two arms|more coefficients"
        assert re.search(causes, outcome)
    else:
        columns = np.column_stack([np.ones(len(arm)), outcome.design.to_numpy()])
        gradient = columns.T @ (np.array(arm) - outcome.probability)
        assert gradient == pytest.approx(0, abs=1e-9)


# --- matching ---------------------------------------------------------------------------------------------------


def test_pairs_worked_by_hand():
    # rows         0    1    2    3    4    5
    distance = [0.50, 0.80, 0.45, 0.56, 0.90, 0.10]
    treated = [True, True, False, False, False, False]
    # nearest: 0 -> 2 (.05), 1 -> 4 (.10)
    assert pair_rows(distance, treated, caliper_sd=None) == [(0, 2), (1, 4)]
    result = match_nearest(distance, treated, caliper_sd=None).pairs
    assert result["pair"].to_list() == [1, 2]
    assert result["difference"].to_list() == pytest.approx([0.05, -0.10])
    # sd (n - 1) of the six is 0.2886: with a caliper of 0.2 sd = 0.0577 only the first pair is left
    assert pair_rows(distance, treated, caliper_sd=0.2) == [(0, 2)]


def test_order_decides_who_gets_the_only_near_control():
    distance, treated = [1.0, 3.0, 2.1, 9.0], [True, True, False, False]
    assert pair_rows(distance, treated, caliper_sd=None, order="largest") == [(0, 3), (1, 2)]
    assert pair_rows(distance, treated, caliper_sd=None, order="smallest") == [(0, 2), (1, 3)]
    assert pair_rows(distance, treated, caliper_sd=None, order="data") == [(0, 2), (1, 3)]
    assert pair_rows(distance, treated, caliper_sd=None, order="closest") == [(0, 3), (1, 2)]


def test_ties():
    # two controls equally near: the left one; two treated alike: the first in the data chooses first
    assert pair_rows([2, 3, 1], [True, False, False], caliper_sd=None) == [(0, 2)]
    assert pair_rows([2, 2, 2.5], [True, True, False], caliper_sd=None) == [(0, 2)]


def choose_patients(veteran, name):
    """The patients of each of the R cases, in the order of the data."""
    kept = {"few": (99, 40), "ratio": (25, 99), "uneven": (40, 99), "exact": (99, 99)}[name.split("_")[0]]
    treated, control = (pl.col("trt") == arm for arm in (2, 1))
    is_kept = (treated & (treated.cum_sum() <= kept[0])) | (control & (control.cum_sum() <= kept[1]))
    return veteran.with_row_index("row", offset=1).filter(is_kept)


@pytest.mark.parametrize(
    ("name", "order"),
    [*itertools.product(["few", "ratio", "exact"], ["largest", "smallest", "data"]), ("uneven", "largest")],
)
def test_tied_distances_are_matched_as_by_matchit(r, veteran, name, order):
    patients = choose_patients(veteran, name)
    case = name if name == "uneven" else f"{name}_{order}"
    ratio = 2 if name in {"ratio", "uneven"} else 1
    exact = patients["celltype"] if name == "exact" else None
    treated = patients["trt"] == 2
    matches = match_nearest(patients["karno"], treated, caliper_sd=None, order=order, exact=exact, ratio=ratio)
    rows = patients["row"]
    ours = {(rows[t], rows[c]) for t, c in matches.pairs.select("treated_row", "control_row").iter_rows()}
    found = [pair for k in range(1, ratio + 1) for pair in r.pick(f"match.{case}.{k}").items()]
    assert ours == {(int(t), int(c)) for t, c in found if c is not None}
    assert len(found) == ratio * int(treated.sum())


def test_who_was_left_out_and_why():
    # rows              0    1    2    3    4    5    6    7
    distance = [1.0, 1.1, 5.0, 2.0, 1.0, 1.4, 9.0, 1.2]
    treated = [1, 1, 1, 1, 0, 0, 0, 0]
    hospital = ["a", "a", "a", "b", "a", "c", "a", "c"]
    sd = np.std(distance, ddof=1)
    matches = match_nearest(distance, treated, caliper_sd=1 / sd, exact=hospital)
    assert matches.pairs.select("treated_row", "control_row").rows() == [(1, 4)]  # the larger distance chooses first
    assert matches.unmatched.rows() == [
        (0, True, "every control within reach went to others"),
        (2, True, "no control within the caliper"),
        (3, True, "no control in the stratum"),
        (5, False, "not chosen"),
        (6, False, "not chosen"),
        (7, False, "not chosen"),
    ]
    assert (matches.estimand, matches.caliper) == ("matched", pytest.approx(1))
    assert matches.compute_weights().tolist() == [0, 1, 0, 0, 1, 0, 0, 0]
    everybody = match_nearest([1, 2, 3], [1, 0, 0], caliper_sd=None)
    assert (everybody.estimand, everybody.caliper) == ("treated", None)


def test_nobody_has_a_second_control_before_everybody_has_a_first():
    matches = match_nearest([3.0, 2.0, 2.9, 2.8, 1.0], [1, 1, 0, 0, 0], caliper_sd=None, ratio=2)
    assert matches.pairs.select("pair", "treated_row", "control_row").rows() == [(1, 0, 2), (1, 0, 4), (2, 1, 3)]
    # one control is the only one of its set, two share theirs: 1, 1/2, 1/2, scaled to a mean of 1
    assert matches.compute_weights().tolist() == pytest.approx([1, 1, 0.75, 1.5, 0.75])


def test_caliper_is_inclusive():
    # 0, 1, 3, 4: variance (4 + 1 + 1 + 4) / 3 = 10/3; a caliper of exactly 1 admits 0-1 and 3-4
    caliper_sd = 1 / np.std([0, 1, 3, 4], ddof=1)
    while caliper_sd * np.std([0, 1, 3, 4], ddof=1) < 1:
        caliper_sd = np.nextafter(caliper_sd, 2)
    treated = [True, False, True, False]
    assert pair_rows([0, 1, 3, 4], treated, caliper_sd=caliper_sd) == [(0, 1), (2, 3)]
    with pytest.raises(AnalysisError, match="no treated patient has a control within the caliper"):
        match_nearest([0, 1, 3, 4], treated, caliper_sd=0.999 * caliper_sd)


def test_a_surplus_of_treated_leaves_some_unmatched():
    assert pair_rows([1, 2, 3, 4], [True, True, True, False], caliper_sd=None) == [(2, 3)]


@pytest.mark.parametrize(
    ("distance", "treated", "said"),
    [
        ([1.0, np.nan], [1, 0], "missing or infinite"),
        ([1.0, np.inf], [1, 0], "missing or infinite"),
        ([1.0, 2.0], [1, 1], "one of the two arms"),
        ([1.0, 2.0, 3.0], [1, None, 0], "other than 0 and 1, or missing"),
        ([1.0, 2.0], [1, 2], "other than 0 and 1, or missing"),
    ],
)
def test_matching_refuses(distance, treated, said):
    with pytest.raises(AnalysisError, match=said):
        match_nearest(distance, treated, caliper_sd=None)


def test_matching_refuses_what_gives_no_pair():
    with pytest.raises(AnalysisError, match="no treated patient has a control within the caliper"):
        match_nearest([0.1, 0.9], [1, 0], caliper_sd=0.2)
    with pytest.raises(AnalysisError, match="no treated patient has a control within the caliper and the stratum"):
        match_nearest([0.1, 0.1], [1, 0], caliper_sd=0.2, exact=["a", "b"])
    with pytest.raises(AnalysisError, match="stratum: missing for 1 patients"):
        match_nearest([0.1, 0.1], [1, 0], caliper_sd=0.2, exact=["a", None])


def brute_force(distance, treated, strata, caliper, order, ratio):
    """Every pair in the order it is made, found by weighing every free control each time."""
    place = {row: i for i, row in enumerate(sorted(range(len(distance)), key=lambda row: distance[row]))}
    free = {row for row, is_treated in enumerate(treated) if not is_treated}
    keys = {"largest": lambda t: -distance[t], "smallest": lambda t: distance[t], "data": lambda t: t}

    def weigh(t):
        near = [c for c in free if strata[c] == strata[t] and abs(distance[t] - distance[c]) <= caliper]
        weighed = [(abs(distance[t] - distance[c]), place[c] > place[t], abs(place[c] - place[t]), c) for c in near]
        least = min(weighed, default=(0.0,))[0]
        equal = [found for found in weighed if found[0] <= least + SAME]
        return min(equal, key=lambda found: found[1:], default=None)

    for _ in range(ratio):
        waiting = [t for t, is_treated in enumerate(treated) if is_treated]
        queue = serve_closest(waiting, weigh) if order == "closest" else sorted(waiting, key=keys[order])
        for t in queue:
            if nearest := weigh(t):
                free.discard(nearest[-1])
                yield t, nearest[-1]


def serve_closest(waiting, weigh):
    """The nearest first; whoever finds the control gone goes back in ahead of those with the same difference."""
    found = {t: nearest for t in waiting if (nearest := weigh(t))}
    queue = sorted(found, key=lambda t: found[t][0])
    while queue:
        t = queue.pop(0)
        if (again := weigh(t)) == found[t]:
            yield t
        elif again:
            found[t] = again
            queue.insert(bisect_left(queue, again[0], key=lambda other: found[other][0]), t)


@settings(deadline=None, max_examples=2000)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.sampled_from("ab")), min_size=2, max_size=24),
    st.sampled_from([None, 0.2, 0.5]),
    st.booleans(),
    st.integers(1, 3),
)
def test_pairs_equal_brute_force_with_ties_in_every_order_on_both_scales(rows, caliper_sd, is_exact, ratio):
    tenths, treated, hospitals = (list(column) for column in zip(*rows, strict=True))
    assume(any(treated) and not all(treated))
    strata = hospitals if is_exact else ["a"] * len(rows)
    for distance in (np.array(tenths) / 10, logit(np.array(tenths) / 10)):
        caliper = np.inf if caliper_sd is None else caliper_sd * np.std(distance, ddof=1)
        for order in ORDERS:
            expected = list(brute_force(distance.tolist(), treated, strata, caliper, order, ratio))
            options = {"caliper_sd": caliper_sd, "order": order, "exact": strata, "ratio": ratio}
            if expected:
                assert pair_rows(distance, treated, **options) == sorted(expected, key=lambda pair: pair[0])
            else:
                with pytest.raises(AnalysisError, match="no treated patient has a control"):
                    match_nearest(distance, treated, **options)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=30), st.sampled_from([None, 0.2, 0.5])
)
def test_closest_takes_the_smallest_differences_first(rows, caliper_sd):
    spread = np.array([d + i * i * 1e-6 for i, (d, _) in enumerate(rows)])  # no two differences are equal
    treated = np.array([t for _, t in rows])
    assume(treated.any() and not treated.all())
    caliper = np.inf if caliper_sd is None else caliper_sd * np.std(spread, ddof=1)
    differences = np.abs(spread[:, None] - spread[None, :])
    differences[~treated, :], differences[:, treated] = np.inf, np.inf
    expected = []
    assume(differences.min() <= caliper)
    while (smallest := differences.min()) <= caliper and smallest < np.inf:
        t, c = np.unravel_index(differences.argmin(), differences.shape)
        expected.append((int(t), int(c)))
        differences[t, :], differences[:, c] = np.inf, np.inf
    assert pair_rows(spread, treated, caliper_sd=caliper_sd, order="closest") == sorted(expected)


@pytest.mark.parametrize("order", ORDERS)
def test_many_patients_are_matched_in_seconds(order):
    generator = np.random.default_rng(20221031)
    distance, treated = generator.normal(size=20_000), generator.random(20_000) < 0.5
    pairs = match_nearest(distance, treated, caliper_sd=0.2, order=order).pairs
    assert pairs["treated_row"].n_unique() == pairs["control_row"].n_unique() == pairs.height
    assert pairs["difference"].abs().max() <= 0.2 * distance.std(ddof=1)


@pytest.mark.parametrize(
    ("name", "scale", "caliper_sd", "order", "n_pairs"),
    [
        ("lalonde", "probability", None, "largest", 185),
        ("lalonde_caliper02_probability", "probability", 0.2, "largest", 113),
        ("lalonde_caliper02_logit", "logit", 0.2, "largest", 117),
        ("lalonde_caliper02_logit_closest", "logit", 0.2, "closest", 111),
    ],
)
def test_matchit_pair_for_pair(shared_reference, read_shared, name, scale, caliper_sd, order, n_pairs):
    lalonde = read_shared("data/r_sets/MatchIt_lalonde.csv")
    fit = fit_propensity(lalonde, "treat", LALONDE_COVARIATES)
    ids = lalonde["id"].to_list()
    rows = pair_rows(getattr(fit, scale), lalonde["treat"], caliper_sd=caliper_sd, order=order)
    expected = {(pair["treated"], pair["control"]) for pair in shared_reference[name]["pairs"]}
    assert len(rows) == n_pairs
    assert {(ids[t], ids[c]) for t, c in rows} == expected


@pytest.mark.parametrize("seed", range(20))
def test_of_two_controls_equally_near_by_a_score_the_left_one_is_taken_however_it_rounds(seed):
    """A score on age alone: 60 between 59 and 61, whose distances are equal but for rounding."""
    rng = np.random.default_rng(seed)
    age = np.concatenate([[59.0, 60.0, 61.0], rng.integers(40, 58, 40), rng.integers(63, 80, 40)])
    treated = np.concatenate([[False, True, False], rng.random(80) < 0.5])
    logit = fit_propensity(pl.DataFrame({"age": age}), treated, ["age"]).logit
    only = np.zeros(83, dtype=bool)
    only[1] = True
    pair = match_nearest(logit[:3], only[:3], caliper_sd=None).pairs
    left = 0 if logit[0] < logit[2] else 2
    assert pair["control_row"].to_list() == [left]
