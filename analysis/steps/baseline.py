"""Table 1: baseline characteristics by arm, their tests, and standardised mean differences."""

from __future__ import annotations

import polars as pl

from analysis.estimators.balance import compute_balance, describe_rule
from analysis.estimators.contingency import compute_contingency_test
from analysis.steps.study import Study, compute_percentage
from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.results import Key
from analysis.study.spec import Characteristic

TEST_NAMES = {
    "pearson_chi_square": "Pearson chi-square, no continuity correction",
    "fisher_exact": "Fisher's exact test",
}
SMD_METHOD = describe_rule("pooled", is_level=True)
KS_METHOD = "Kolmogorov-Smirnov statistic: for a level the absolute difference in proportions"


def add_baseline(study: Study) -> None:
    """Add Table 1 of every cohort, and the balance of its characteristics."""
    for cohort, frame in study.cohorts.items():
        everybody = Key(analysis="table1", cohort=cohort)
        for arm, patients in study.list_groups(frame):
            _add_patients(study, everybody.of(arm=arm.id if arm else None), patients)
            for item in study.spec.characteristics:
                _add_levels(study, everybody.of(arm=arm.id if arm else None), item, patients)
        if study.spec.arms:
            _add_patients(study, everybody, frame)
            for item in study.spec.characteristics:
                _add_levels(study, everybody, item, frame)
                counts = count_levels(study, frame, item.column, item.levels)
                add_test(study, counts, everybody.of(variable=item.id))
    if study.spec.arms and study.spec.characteristics:
        _add_balance(study)


def _add_patients(study: Study, whose: Key, patients: pl.DataFrame) -> None:
    study.results.add(whose.of(variable="patients"), "n", patients.height, unit="patients")


def _add_levels(study: Study, whose: Key, item: Characteristic, patients: pl.DataFrame) -> None:
    for level in item.levels:
        n = int((patients[item.column] == level).sum())
        add_share(study, whose.of(variable=item.id, level=level), n, patients.height)


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
    frame = study.cohorts[ALL]
    matched = frame["weight"] if MATCHED in study.cohorts else None
    columns = {item.column: item.id for item in study.spec.characteristics}
    varying = [name for name in columns if frame[name].n_unique() > 1]
    balance = compute_balance(frame, study.is_treated(frame), varying, matched=matched)
    for row in balance.iter_rows(named=True):
        key = Key(analysis="balance", cohort=row["sample"], variable=columns[row["covariate"]], level=row["level"])
        n = row["n_treated"] + row["n_control"]
        study.results.add(key, "smd", row["standardised_mean_difference"], n=n, method=row["rule"])
        study.results.add(key, "ks", row["ks_statistic"], n=n, method=KS_METHOD)
    _add_largest(study, balance, list(columns))
    if study.spec.matching:
        covariates = [study.spec.get_characteristic(name).column for name in study.spec.matching.covariates]
        _add_largest(study, balance, covariates, " covariate")


def _add_largest(study: Study, balance: pl.DataFrame, columns: list[str], kind: str = "") -> None:
    """Add the largest absolute difference of these characteristics in every cohort."""
    differences = balance.filter(pl.col("covariate").is_in(columns))
    for cohort in study.cohorts:
        of_cohort = differences.filter(pl.col("sample") == cohort)
        largest = of_cohort["standardised_mean_difference"].abs().max()
        key, rule = (
            Key(analysis="balance", cohort=cohort, variable=f"largest{kind}"),
            next(iter(of_cohort["rule"]), None),
        )
        study.results.add(key, "abs_smd", largest, method=rule)  # type: ignore[arg-type]
