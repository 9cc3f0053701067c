"""Kaplan-Meier curves, medians, rates, log-rank tests and the hazard ratio of treatment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from analysis.estimators.cox import CoxFit, check_proportional_hazards, fit_cox
from analysis.estimators.kaplan_meier import (
    KaplanMeier,
    compute_median,
    compute_rates,
    compute_spss_median,
    count_at_risk,
    count_left,
    fit_kaplan_meier,
    fit_reverse_kaplan_meier,
)
from analysis.estimators.logrank import compute_logrank
from analysis.steps.study import Study
from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.keys import PROPORTIONAL, make_hazard_ratio_key, make_naive_key
from analysis.study.results import Key
from analysis.study.spec import Endpoint, FollowUp
from etl.errors import AnalysisError

CURVE_COLUMNS = ("cohort", "endpoint", "subgroup", "arm")
TICKS = {"month": (1, 3, 6, 12, 24, 60), "week": (1, 2, 4, 13, 26, 52, 104), "year": (0.25, 0.5, 1, 2, 5, 10)}
MOST_TICKS = 9
COUNTED = {
    "at risk": ("patients", "just before"),
    "events": ("events", "before that time"),
    "censored": ("patients", "before that time"),
}
"""What is counted at the ticks of a curve, in the order of its lines below the axis: unit and method."""
R_METHOD = "Kaplan-Meier; limits by Brookmeyer-Crowley on the log scale, as R's survfit"
SPSS_METHOD = "Kaplan-Meier; SE from the slope of the curve around the median, as SPSS"
RATE_METHOD = "Kaplan-Meier; Greenwood's standard error, limits on the log scale, as R's survfit"
SPSS_RATE_METHOD = "Kaplan-Meier; Greenwood's standard error as SPSS prints it, limits 1.96 of it to either side"
HAZARD_STATISTICS = ("hr", "ci_low", "ci_high", "p")
WEIGHTED_SUFFIX = "; weighted, robust errors (infinitesimal jackknife)"
INFINITE = "the hazard ratio runs to 0 or to infinity, as where nobody of a group has an event"
PROPORTIONAL_METHOD = "score test of proportional hazards, time as 1 - Kaplan-Meier, as R's cox.zph"


def add_survival(study: Study) -> None:
    """Add every endpoint in every cohort."""
    for cohort, frame in study.cohorts.items():
        for endpoint in study.spec.endpoints:
            try:
                _add_endpoint(study, cohort, study.keep_timed(frame, endpoint), endpoint)
            except AnalysisError as error:
                raise AnalysisError(
                    f"{endpoint.label}, cohort {cohort}: {error.en}", f"{endpoint.label}，队列 {cohort}：{error.zh}"
                ) from error


def _add_endpoint(study: Study, cohort: str, timed: pl.DataFrame, endpoint: Endpoint) -> None:
    if timed.is_empty():
        raise AnalysisError("nobody has a time from the start", "没有患者具有自起点起的时间")
    add_curves(study, cohort, timed, endpoint, list_ticks(study, endpoint))
    if study.spec.arms and not study.spec.is_weighted(cohort):
        add_logrank(study, cohort, timed, endpoint, timed["arm"])
    if study.spec.has_contrast:
        add_hazard_ratio(study, cohort, timed, endpoint)


def list_ticks(study: Study, endpoint: Endpoint) -> list[float]:
    """Times at which numbers at risk are counted: equal steps that cover the longest follow-up of everybody."""
    everybody = study.keep_timed(study.cohorts[ALL], endpoint)
    longest = float(study.compute_times(everybody, endpoint)[0].max() or 0)  # type: ignore[arg-type]
    steps = TICKS[study.spec.time_unit]
    step = next((size for size in steps if longest / size < MOST_TICKS), steps[-1])
    return [step * i for i in range(int(longest // step) + 2)]


def add_curves(
    study: Study,
    cohort: str,
    frame: pl.DataFrame,
    endpoint: Endpoint,
    ticks: Sequence[float],
    subgroup: str | None = None,
) -> None:
    """Add the curve of every arm with its median, its rates and its numbers at risk."""
    for arm, patients in study.list_groups(frame):
        if patients.is_empty():
            continue
        curve = Key(
            analysis="kaplan_meier",
            cohort=cohort,
            endpoint=endpoint.id,
            subgroup=subgroup,
            arm=arm.id if arm else None,
        )
        _add_curve(study, curve, patients, endpoint, ticks)


def _add_curve(study: Study, curve: Key, patients: pl.DataFrame, endpoint: Endpoint, ticks: Sequence[float]) -> None:
    """Add one curve; with weights its errors are robust, and what SPSS prints, which knows no such errors, is left out."""
    times, cohort = study.compute_times(patients, endpoint), curve.cohort or ALL
    weights, clusters = study.get_weights(cohort, patients), study.get_clusters(cohort, patients)
    is_weighted = weights is not None
    options: dict[str, Any] = {"weights": weights, "cluster": clusters} if is_weighted else {}
    fit = fit_kaplan_meier(*times, alpha=study.spec.alpha, **options)
    suffix = WEIGHTED_SUFFIX if is_weighted else ""
    study.curves.append(_tabulate_curve(fit, curve))
    _add_medians(study, fit, curve, R_METHOD + suffix)
    _add_rates(study, fit, endpoint, curve.of(variable="survival"), RATE_METHOD + suffix)
    if not is_weighted:
        _add_spss_median(study, fit, curve)
        plain = fit_kaplan_meier(*times, conf_type="plain", alpha=study.spec.alpha)
        _add_rates(study, plain, endpoint, curve.of(variable="survival_spss"), SPSS_RATE_METHOD)
    at_risk = fit_kaplan_meier(*times) if is_weighted else fit
    counts = (count_at_risk(at_risk, ticks), *count_left(at_risk, ticks))
    for (variable, (unit, method)), numbers in zip(COUNTED.items(), counts, strict=True):
        basis: dict[str, Any] = {"unit": unit, "n": fit.n, "n_event": fit.n_event, "method": method}
        for time, number in zip(ticks, numbers, strict=True):
            study.results.add(curve.of(variable=variable, time=study.spec.at(time)), "n", number, **basis)


def _add_rates(study: Study, fit: KaplanMeier, endpoint: Endpoint, key: Key, method: str) -> None:
    for row in compute_rates(fit, endpoint.rate_times).iter_rows(named=True):
        values = {"estimate": row["estimate"], "se": row["std_err"], "ci_low": row["ci_low"], "ci_high": row["ci_high"]}
        percent = {statistic: _to_percent(value) for statistic, value in values.items()}
        rate = key.of(time=study.spec.at(row["time"]))
        study.results.add_all(rate, percent, unit="%", method=method, n=fit.n, n_event=fit.n_event)


def _to_percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _tabulate_curve(fit: KaplanMeier, curve: Key) -> pl.DataFrame:
    """The curve from time 0 on; where somebody's follow-up is 0 days, its first point is that of the curve itself."""
    start = pl.DataFrame(
        {"time": 0.0, "n_risk": fit.curve["n_risk"][0], "n_event": 0, "n_censor": 0, "survival": 1.0}
    ).with_columns(ci_low=pl.lit(1.0), ci_high=pl.lit(1.0))
    begins_later = start.filter(pl.lit(fit.curve["time"][0] > 0))
    points = pl.concat([begins_later, fit.curve.drop("std_err")], how="vertical_relaxed")
    columns = {name: curve.columns[name] for name in CURVE_COLUMNS}
    return points.select(*(pl.lit(text, dtype=pl.String).alias(name) for name, text in columns.items()), pl.all())


def _add_medians(study: Study, fit: KaplanMeier, curve: Key, method: str) -> None:
    counts: dict[str, Any] = {"n": fit.n, "n_event": fit.n_event}
    study.results.add(curve.of(variable="patients"), "n", fit.n, unit="patients")
    study.results.add(curve.of(variable="events"), "n", fit.n_event, unit="events")
    found = compute_median(fit)
    values = {"estimate": found.median, "ci_low": found.ci_low, "ci_high": found.ci_high}
    unit = f"{study.spec.time_unit}s"
    study.results.add_all(curve.of(variable="median"), values, unit=unit, method=method, **counts)


def _add_spss_median(study: Study, fit: KaplanMeier, curve: Key) -> None:
    found = compute_spss_median(fit)
    values = {"estimate": found.median, "se": found.std_err, "ci_low": found.ci_low, "ci_high": found.ci_high}
    basis: dict[str, Any] = {"unit": f"{study.spec.time_unit}s", "n": fit.n, "n_event": fit.n_event}
    study.results.add_all(curve.of(variable="median_spss"), values, method=SPSS_METHOD, **basis)


def add_logrank(
    study: Study,
    cohort: str,
    frame: pl.DataFrame,
    endpoint: Endpoint,
    groups: pl.Series,
    *,
    subgroup: str | None = None,
    arm: str | None = None,
) -> None:
    """Add the log-rank test between groups; where it cannot be made, say why instead."""
    times, events = study.compute_times(frame, endpoint)
    key = Key(analysis="logrank", cohort=cohort, endpoint=endpoint.id, subgroup=subgroup, arm=arm)
    counts: dict[str, Any] = {"n": frame.height, "n_event": int(events.sum())}
    try:
        test = compute_logrank(times, events, groups)
    except AnalysisError as error:
        values: dict[str, float | None] = dict.fromkeys(("chi_square", "p"))
        study.results.add_all(key, values, method=f"not estimable: {error.en}", **counts)
        return
    labels = [item.id for item in study.spec.arms]
    for group, observed in test.observed.items():
        size = int((groups.cast(pl.String) == group).sum())
        of_group = key.of(variable="events", **({"arm": group} if group in labels else {"level": group}))
        study.results.add(
            of_group,
            "expected",
            test.expected[group],
            unit="events",
            n=size,
            n_event=int(observed),
            method="log-rank, under no difference",
        )
    values = {"chi_square": test.chi_square, "p": test.p}
    study.results.add_all(key, values, method=f"log-rank, {test.df} df", **counts)


def add_hazard_ratio(
    study: Study, cohort: str, frame: pl.DataFrame, endpoint: Endpoint, subgroup: str | None = None
) -> None:
    """Add the hazard ratio of the treated arm against the control; where there is none, say why instead.

    In matched patients its error is clustered by the matched set; beside it stands the one that takes pairs for independent patients.
    """
    key = make_hazard_ratio_key(study.spec, cohort, endpoint.id, subgroup)
    times, design = study.compute_times(frame, endpoint), pl.DataFrame({"arm": study.is_treated(frame)})
    add_fitted(study, key, times, design, list_options(study, cohort, frame))
    if cohort == MATCHED and not study.spec.is_weighted(cohort):
        add_fitted(study, make_naive_key(study.spec, endpoint.id, subgroup), times, design, {})


def list_options(study: Study, cohort: str, frame: pl.DataFrame) -> dict[str, Any]:
    """How a Cox model of these patients of a cohort is fitted: weights, and what their errors are robust to."""
    return {"weights": study.get_weights(cohort, frame), "cluster": study.get_clusters(cohort, frame)}


def add_fitted(
    study: Study,
    key: Key,
    times: tuple[pl.Series, pl.Series],
    design: pl.DataFrame,
    options: Mapping[str, Any],
    note: str = "",
) -> None:
    """Fit a model of treatment and add its hazard ratio with limits, p and the test of proportional hazards; or why there is none."""
    try:
        fit = fit_cox(*times, design, alpha=study.spec.alpha, **options)
    except AnalysisError as error:
        basis = {"n": design.height, "n_event": int(times[1].sum()), "method": f"not estimable: {error.en}"}
        study.results.add_all(key, dict.fromkeys((*HAZARD_STATISTICS, PROPORTIONAL)), **basis)
        return
    add_coefficients(study, key, fit, 0, method=describe_model(options) + note)
    add_proportional(study, key, fit, "arm")
    if fit.robust_score is not None and options.get("weights") is not None:
        values = {"chi_square": fit.robust_score.statistic, "p_score": fit.robust_score.p}
        study.results.add_all(
            key, values, n=fit.n, n_event=fit.n_event, method="robust score test, in the place of a log-rank test"
        )


def describe_model(options: Mapping[str, Any]) -> str:
    """How a Cox model was fitted, in words."""
    strata = options.get("strata")
    parts = [f"Cox model stratified by {strata.name}" if strata is not None else "Cox model"]
    parts.append("Breslow ties" if options.get("ties") == "breslow" else "Efron ties")
    if options.get("weights") is not None:
        parts.append("weighted")
    if options.get("cluster") is not None:
        parts.append("errors robust by matched set (Lin and Wei)")
    elif options.get("weights") is not None:
        parts.append("robust errors (Lin and Wei)")
    return ", ".join([*parts, "Wald limits"])


def add_proportional(study: Study, key: Key, fit: CoxFit, term: str) -> None:
    """Add the test of proportional hazards of one covariate (`GLOBAL`: of all)."""
    p, method = None, f"not estimable: {INFINITE}"
    if fit.is_finite:
        try:
            table = check_proportional_hazards(fit)
            p, method = float(table.filter(pl.col("term") == term)["p"].item()), PROPORTIONAL_METHOD
        except AnalysisError as error:
            method = f"not estimable: {error.en}"
    study.results.add(key, PROPORTIONAL, p, method=method, n=fit.n, n_event=fit.n_event)


def add_coefficients(study: Study, key: Key, fit: CoxFit, position: int, *, method: str) -> None:
    """Add hazard ratio, limits and p of one coefficient of a fitted model."""
    row = fit.coefficients.row(position, named=True)
    values = {"hr": row["hazard_ratio"], "ci_low": row["ci_low"], "ci_high": row["ci_high"], "p": row["p"]}
    given = method if row["hazard_ratio"] is not None else f"not estimable: {INFINITE}; {method}"
    method = "; ".join([given, *fit.messages])
    study.results.add_all(key, values, n=fit.n, n_event=fit.n_event, method=method)


def add_follow_up(study: Study, follow_up: FollowUp) -> None:
    """Add the median follow-up, over all patients and by arm, by the reverse Kaplan-Meier method."""
    endpoint = study.spec.get_endpoint(follow_up.endpoint)
    for cohort, frame in study.list_counted():
        timed = study.keep_timed(frame, endpoint)
        groups = [(None, timed), *((arm, part) for arm, part in study.list_groups(timed) if arm)]
        for arm, patients in groups:
            median = Key(analysis="follow_up", cohort=cohort, endpoint=endpoint.id, variable="median")
            key = median.of(arm=arm.id if arm else None)
            if patients.is_empty():
                why = "not estimable: nobody has a time from the start"
                study.results.add_all(key, dict.fromkeys(("estimate", "ci_low", "ci_high")), method=why, n=0)
                continue
            fit = fit_reverse_kaplan_meier(*study.compute_times(patients, endpoint), alpha=study.spec.alpha)
            found = compute_median(fit)
            study.results.add_all(
                key,
                {"estimate": found.median, "ci_low": found.ci_low, "ci_high": found.ci_high},
                unit=f"{study.spec.time_unit}s",
                n=fit.n,
                n_event=fit.n_event,
                method="reverse Kaplan-Meier: the event is the end of follow-up",
            )
