"""The estimators against R, or against the least that plain Python or numpy can do the same with. Printed, never asserted.

Only `make bench`, which names the file, runs it. What needs R (r-base-core, r-cran-survival) skips where there is none.
"""

import shutil
import subprocess

import numpy as np
import polars as pl
import pytest
from bench.measure import Line, clock, measure_pairs, measure_sizes
from scipy.optimize import linprog

from analysis.estimators.balance import compute_balance
from analysis.estimators.cox import fit_cox
from analysis.estimators.fisher import compute_fisher_p
from analysis.estimators.kaplan_meier import fit_kaplan_meier, fit_reverse_kaplan_meier
from analysis.estimators.logrank import compute_logrank
from analysis.estimators.matching import SAME, match_nearest
from analysis.estimators.propensity import find_separation, fit_propensity

SIZES = (10_000, 100_000, 1_000_000)
N_COVARIATES = 13
CALIPER_SD = 0.2
RSCRIPT = shutil.which("Rscript")
needs_r = pytest.mark.skipif(RSCRIPT is None, reason="R is not installed (Debian: r-base-core, r-cran-survival)")
COX_IN_R = """
suppressMessages(library(survival))
d <- as.data.frame(matrix(readBin("{path}", "double", {n} * 15), {n}))
start <- proc.time(); fit <- coxph(Surv(V14, V15) ~ ., d); spent <- proc.time() - start
cat(spent[1] + spent[2])
"""
FISHER_IN_R = """
m <- matrix(c({cells}), {rows}, byrow = TRUE)
start <- proc.time(); for (i in 1:{times}) fisher.test(m, workspace = 2e8); spent <- proc.time() - start
cat((spent[1] + spent[2]) / {times})
"""
TABLES = {
    "Fisher 5 x 2": (np.array([[450, 454], [350, 353], [259, 250], [200, 182], [10, 3]]), 20),
    "Fisher 4 x 3": (np.array([[150, 140, 150], [120, 125, 110], [80, 90, 100], [3, 6, 12]]), 1),
}


def run_r(script: str) -> float:
    """The CPU seconds that R measured around the one call, without its start and the reading of the data."""
    assert RSCRIPT is not None
    done = subprocess.run([RSCRIPT, "-e", script], capture_output=True, text=True, check=True)
    return float(done.stdout)


def draw_patients(n):
    """Covariates, arm and survival of that many patients, every effect small."""
    rng = np.random.default_rng(20261129)
    values = rng.normal(size=(n, N_COVARIATES))
    lin = values @ np.linspace(-0.3, 0.3, N_COVARIATES)
    arm = rng.random(n) < 1 / (1 + np.exp(0.5 - lin))
    times, censored = rng.exponential(10 * np.exp(-lin)) + 1e-3, rng.exponential(15, n) + 1e-3
    covariates = pl.DataFrame({f"x{i}": values[:, i] for i in range(N_COVARIATES)})
    return covariates, arm, np.minimum(times, censored), times <= censored


def match_plainly(score, arm):
    """Greedy nearest neighbour, largest first: a sorted list with pointers to the next free control on either side."""
    values, arms, n = score.tolist(), arm.tolist(), len(score)
    mean = sum(values) / n
    caliper = CALIPER_SD * (sum((value - mean) ** 2 for value in values) / (n - 1)) ** 0.5
    order = sorted(range(n), key=values.__getitem__)
    value_at = [float("-inf"), *(values[row] for row in order), float("inf")]
    left, right = list(range(n + 2)), list(range(n + 2))
    for place, row in enumerate(order, 1):
        if arms[row]:
            left[place], right[place] = place - 1, place + 1
    pairs = []
    for place in range(n, 0, -1):
        row = order[place - 1]
        if not arms[row]:
            continue
        below, above = place, place
        while left[below] != below:
            left[below] = below = left[left[below]]
        while right[above] != above:
            right[above] = above = right[right[above]]
        to_left, to_right = value_at[place] - value_at[below], value_at[above] - value_at[place]
        found, difference = (below, to_left) if to_left <= to_right + SAME else (above, to_right)
        if difference <= caliper and difference < float("inf"):
            left[found], right[found] = found - 1, found + 1
            pairs.append((row, order[found - 1]))
    return pairs


def test_matching_against_a_plain_greedy_walk():
    def prepare(n):
        covariates, arm, *_ = draw_patients(n)
        score = covariates["x0"].to_numpy()
        matches = match_nearest(score, arm, caliper_sd=CALIPER_SD)
        assert sorted(match_plainly(score, arm)) == matches.pairs.select("treated_row", "control_row").rows()
        return (
            lambda: match_nearest(score, arm, caliper_sd=CALIPER_SD),
            lambda: clock(lambda: match_plainly(score, arm)),
        )

    measure_sizes("matching", "a greedy walk in plain Python", SIZES, prepare, runs=3)


def test_score_matching_and_balance_against_matching_alone():
    def prepare(n):
        covariates, arm, *_ = draw_patients(n)
        logit = fit_propensity(covariates, arm, covariates.columns).logit

        def all_three():
            score = fit_propensity(covariates, arm, covariates.columns)
            matches = match_nearest(score.logit, arm, caliper_sd=CALIPER_SD)
            compute_balance(covariates, arm, covariates.columns, matched=matches.compute_weights())

        return all_three, lambda: clock(lambda: match_nearest(logit, arm, caliper_sd=CALIPER_SD))

    measure_sizes("propensity score, matching and balance", "the matching alone", SIZES, prepare, runs=3)


@needs_r
def test_cox_against_r(tmp_path):
    def prepare(n):
        covariates, _, times, events = draw_patients(n)
        path = tmp_path / f"{n}.bin"
        np.vstack([covariates.to_numpy().T, times, events]).tofile(path)
        return lambda: fit_cox(times, events, covariates), lambda: run_r(COX_IN_R.format(path=path, n=n))

    measure_sizes(f"Cox model of {N_COVARIATES} covariates", "R's coxph", SIZES, prepare, runs=3)


def pass_over_times(times, events):
    """What Kaplan-Meier and log-rank share, once: sort, find ties, count who is at risk and who has the event."""
    order = np.argsort(times)
    ordered, is_event = times[order], events[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return order, starts, len(times) - starts, np.add.reduceat(is_event, starts, dtype=np.int64)


def fit_plainly(times, events):
    _, _, at_risk, deaths = pass_over_times(times, events)
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.exp(np.cumsum(np.log(at_risk - deaths) - np.log(at_risk)))
        spread = np.sqrt(np.cumsum(deaths / (at_risk * (at_risk - deaths).astype(float))))
        return survival, survival * spread, survival * np.exp(-1.96 * spread), survival * np.exp(1.96 * spread)


def compare_plainly(times, events, arm):
    order, starts, at_risk, deaths = pass_over_times(times, events)
    is_treated = arm[order]
    share = is_treated[::-1].cumsum()[::-1][starts] / at_risk
    variance = (deaths * share * (1 - share) * (at_risk - deaths) / np.maximum(at_risk - 1, 1)).sum()
    return ((events & arm).sum() - (deaths * share).sum()) ** 2 / variance


@pytest.mark.parametrize("is_tied", [False, True], ids=["in days' fractions", "in hundredths of a month"])
def test_curves_and_tests_against_one_numpy_pass(is_tied):
    def draw(n):
        _, arm, times, events = draw_patients(n)
        return (np.ceil(times * 100) / 100 if is_tied else times), events, arm

    def prepare(n):
        times, events, arm = draw(n)
        groups = pl.Series(np.where(arm, "treated", "control"))

        def ours():
            fit_kaplan_meier(times, events)
            fit_reverse_kaplan_meier(times, events)
            compute_logrank(times, events, groups)

        def floor():
            fit_plainly(times, events)
            fit_plainly(times, ~events)
            compare_plainly(times, events, arm)

        return ours, lambda: clock(floor)

    name = "Kaplan-Meier, reverse Kaplan-Meier and log-rank" + (", tied times" if is_tied else "")
    measure_sizes(name, "one numpy pass each", SIZES, prepare)


@needs_r
@pytest.mark.parametrize("name", TABLES)
def test_fisher_against_r(name):
    table, times = TABLES[name]
    cells = ", ".join(map(str, table.ravel().tolist()))
    script = FISHER_IN_R.format(cells=cells, rows=len(table), times=times)

    def ours():
        return clock(lambda: [compute_fisher_p(table) for _ in range(times)]) / times

    ratio, _ = measure_pairs(ours, lambda: run_r(script), runs=3 if times > 1 else 1)
    Line(name, int(table.sum()), ratio, "R's fisher.test(workspace = 2e8)").report()


def is_separated_plainly(columns, arm):
    """The linear programme over every row, as it stands in the textbook."""
    signed = np.where(arm[:, None], columns, -columns)
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1))
    return -found.fun > 1e-7


def test_separation_against_one_linear_programme_over_every_row():
    """Levels, of which one is only ever given one drug; the culprit is found by trying without each column."""

    def prepare(n):
        rng = np.random.default_rng(20261129)
        arm = rng.random(n) < 0.4
        columns = np.column_stack([np.ones(n), rng.random((n, N_COVARIATES)) < 0.3]).astype(float)
        columns[arm, 5] = 1
        names = ["(Intercept)", *map(str, range(1, N_COVARIATES + 1))]

        def floor():
            kept = np.ones(len(names), dtype=bool)
            for position in range(1, len(names)):
                kept[position] = False
                kept[position] = not is_separated_plainly(columns[:, kept], arm)
            return kept

        return lambda: find_separation(columns, arm, names), lambda: clock(floor)

    measure_sizes("separation", "linear programmes over every row", (3_000, 10_000, 30_000), prepare, runs=3)
