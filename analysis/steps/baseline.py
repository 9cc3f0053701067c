"""Table 1: baseline characteristics by arm, their tests, and standardised mean differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from analysis.estimators.balance import compute_balance, describe_rule
from analysis.estimators.contingency import compute_contingency_test
from analysis.estimators.rank_sum import compute_rank_test
from analysis.steps.covariates import fill_missing
from analysis.steps.study import Study, compute_percentage
from analysis.study.characteristic import Characteristic
from analysis.study.cohort_names import ALL, MATCHED, WEIGHTED
from analysis.study.results import Key

TEST_NAMES = {
    "pearson_chi_square": "Pearson chi-square, no continuity correction",
    "fisher_exact": "Fisher's exact test",
}
SMD_METHOD = describe_rule("pooled", is_level=True)
WEIGHTED_METHOD = "weighted"
KS_METHOD = "Kolmogorov-Smirnov statistic: for a level the absolute difference in proportions"


def add_baseline(study: Study) -> None:
    """Add Table 1 of every cohort, and the balance of its characteristics."""
    for cohort, frame in study.cohorts.items():
        everybody = Key(analysis="table1", cohort=cohort)
        for arm, patients in study.list_groups(frame):
            _describe(study, everybody.of(arm=arm.id if arm else None), patients)
        if study.spec.arms:
            _describe(study, everybody, frame)
            if not study.spec.is_weighted(cohort):
                for item in study.spec.characteristics:
                    _add_test_of_arms(study, everybody.of(variable=item.id), item, frame)
    if study.spec.arms and study.spec.characteristics:
        _add_balance(study)


def _describe(study: Study, whose: Key, patients: pl.DataFrame) -> None:
    """Add the characteristics of some patients of a cohort."""
    study.results.add(whose.of(variable="patients"), "n", patients.height, unit="patients")
    weights = study.get_weights(whose.cohort or ALL, patients)
    for item in study.spec.characteristics:
        known = patients.filter(pl.col(item.values).is_not_null())
        if item.missing == "level":
            n = patients.height - known.height
            add_share(study, whose.of(variable=f"{item.id} missing"), n, patients.height)
        if item.is_number:
            _add_quantity(study, whose.of(variable=item.id), known[item.values], weights)
        elif weights is None:
            for level in item.list_levels():
                n = int((known[item.values] == level).sum())
                add_share(study, whose.of(variable=item.id, level=level), n, known.height)
        else:
            _add_weighted_levels(study, whose.of(variable=item.id), item, known)


def _add_quantity(study: Study, key: Key, values: pl.Series, weights: pl.Series | None) -> None:
    """Add mean and standard deviation of a quantity, and unweighted its quartiles."""
    if weights is not None:
        total = float(weights.sum())
        mean = float((values * weights).sum()) / total
        spread = float((((values - mean) ** 2) * weights).sum()) / total
        study.results.add_all(key, {"mean": mean, "sd": spread**0.5}, n=len(values), method=WEIGHTED_METHOD)
        return
    quartiles = {
        name: values.quantile(share, "linear") for name, share in (("q1", 0.25), ("median", 0.5), ("q3", 0.75))
    }
    moments: dict[str, Any] = {"mean": values.mean(), "sd": values.std()}
    study.results.add_all(key, moments | quartiles, n=len(values))


def _add_weighted_levels(study: Study, key: Key, item: Characteristic, known: pl.DataFrame) -> None:
    total = float(known["weight"].sum())
    for level in item.list_levels():
        part = float(known.filter(pl.col(item.values) == level)["weight"].sum())
        share = compute_percentage(part, total)
        study.results.add(key.of(level=level), "pct", share, unit="%", n=known.height, method=WEIGHTED_METHOD)


def _add_test_of_arms(study: Study, key: Key, item: Characteristic, frame: pl.DataFrame) -> None:
    """Add the test of a characteristic between the arms, of those of whom it is known."""
    if not item.is_number:
        add_test(study, count_levels(study, frame, item.values, item.list_levels()), key)
        return
    test = compute_rank_test(frame[item.values], frame["arm"])
    values = {"chi_square": test.statistic, "p": test.p}
    study.results.add_all(key, values, n=frame.height, method=f"Kruskal-Wallis test, {test.df} df")


def add_share(study: Study, key: Key, n: int, size: int, *, method: str | None = None) -> None:
    """Add so many patients of a group, and their share in per cent."""
    study.results.add(key, "n", n, unit="patients", n=size, method=method)
    study.results.add(key, "pct", compute_percentage(n, size), unit="%", n=size, method=method)


def count_levels(study: Study, frame: pl.DataFrame, column: str, levels: tuple[str, ...]) -> list[list[int]]:
    """Patients by level (rows) and arm (columns)."""
    groups = [patients[column] for _, patients in study.list_groups(frame)]
    return [[int((values == level).sum()) for values in groups] for level in levels]


def add_test(study: Study, counts: list[list[int]], key: Key) -> None:
    """Add the test of a table of counts, as if nobody's levels were not there; no p where only one level occurs."""
    n = sum(map(sum, counts))
    if sum(any(row) for row in counts) < 2:
        study.results.add(key, "p", None, n=n, method="not estimable: only one level occurs")
        return
    test = compute_contingency_test(counts)
    dropped = f"; levels without patients left out: {test.n_empty_dropped}" if test.n_empty_dropped else ""
    if test.statistic is not None:
        method = f"{TEST_NAMES[test.method]}, {test.df} df{dropped}"
        study.results.add(key, "chi_square", test.statistic, n=n, method=method)
    study.results.add(key, "p", test.p, n=n, method=f"{TEST_NAMES[test.method]}{dropped}")


def _add_balance(study: Study) -> None:
    """Add standardised differences before, and after matching and weighting; who is not known is a level where the study makes it one."""
    frame = study.cohorts[ALL]
    values = frame.select(fill_missing(frame, item).alias(item.id) for item in study.spec.characteristics)
    varying = [name for name in values.columns if values[name].n_unique() > 1]
    weights = {ALL: None, MATCHED: frame.get_column("weight", default=None)}
    for cohort, patients in study.cohorts.items():
        of_cohort = patients["weight"] if cohort == WEIGHTED else weights[cohort]
        balance = compute_balance(values, study.is_treated(frame), varying, matched=of_cohort)
        _add_balance_of(study, balance.filter(pl.col("sample") == balance["sample"][-1]), cohort)


def _add_balance_of(study: Study, balance: pl.DataFrame, cohort: str) -> None:
    """Add the differences of one cohort and the largest, over all characteristics and over those of its score."""
    for row in balance.iter_rows(named=True):
        key = Key(analysis="balance", cohort=cohort, variable=row["covariate"], level=row["level"])
        n = row["n_treated"] + row["n_control"]
        study.results.add(key, "smd", row["standardised_mean_difference"], n=n, method=row["rule"])
        study.results.add(key, "ks", row["ks_statistic"], n=n, method=KS_METHOD)
    _add_largest(study, balance, cohort, [item.id for item in study.spec.characteristics])
    if covariates := study.spec.get_score_covariates(cohort):
        _add_largest(study, balance, cohort, covariates, " covariate")


def _add_largest(study: Study, balance: pl.DataFrame, cohort: str, names: Sequence[str], kind: str = "") -> None:
    """Add the largest absolute difference of these characteristics."""
    of_names = balance.filter(pl.col("covariate").is_in(names))
    largest: Any = of_names["standardised_mean_difference"].abs().max()
    key = Key(analysis="balance", cohort=cohort, variable=f"largest{kind}")
    study.results.add(key, "abs_smd", largest, method=next(iter(of_names["rule"]), None))
