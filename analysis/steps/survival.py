"""Kaplan-Meier curves, medians, rates, log-rank tests and the hazard ratio of treatment."""

from __future__ import annotations

from typing import Any

import polars as pl

from analysis.estimators.cox import CoxFit, check_proportional_hazards, fit_cox
from analysis.estimators.kaplan_meier import (
    KaplanMeier,
    compute_median,
    compute_rates,
    compute_spss_median,
    count_at_risk,
    fit_kaplan_meier,
    fit_reverse_kaplan_meier,
)
from analysis.estimators.logrank import compute_logrank
from analysis.steps.study import Study
from analysis.study.cohort_names import ALL
from analysis.study.keys import make_hazard_ratio_key
from analysis.study.results import Key
from analysis.study.spec import Endpoint, FollowUp
from etl.errors import AnalysisError

CURVE_COLUMNS = ("cohort", "endpoint", "subgroup", "arm")
TICKS = {"month": (1, 3, 6, 12, 24, 60), "week": (1, 2, 4, 13, 26, 52, 104)}
MOST_TICKS = 9
R_METHOD = "Kaplan-Meier; limits by Brookmeyer-Crowley on the log scale, as R's survfit"
SPSS_METHOD = "Kaplan-Meier; SE from the slope of the curve around the median, as SPSS"
RATE_METHOD = "Kaplan-Meier; Greenwood's standard error, limits on the log scale, as R's survfit"
SPSS_RATE_METHOD = "Kaplan-Meier; Greenwood's standard error as SPSS prints it, limits 1.96 of it to either side"
HAZARD_STATISTICS = ("hr", "ci_low", "ci_high", "p")
COX_METHOD = "Cox model, Efron ties, Wald limits"
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
    if study.spec.arms:
        add_logrank(study, cohort, timed, endpoint, timed["arm"])
        add_hazard_ratio(study, cohort, timed, endpoint)


def list_ticks(study: Study, endpoint: Endpoint) -> list[int]:
    """Times at which numbers at risk are counted: whole steps that cover the longest follow-up of everybody."""
    everybody = study.keep_timed(study.cohorts[ALL], endpoint)
    longest = float(study.compute_times(everybody, endpoint)[0].max() or 0)  # type: ignore[arg-type]
    steps = TICKS[study.spec.time_unit]
    step = next((size for size in steps if longest / size < MOST_TICKS), steps[-1])
    return list(range(0, int(longest // step + 2) * step, step))


def add_curves(
    study: Study, cohort: str, frame: pl.DataFrame, endpoint: Endpoint, ticks: list[int], subgroup: str | None = None
) -> None:
    """Add the curve of every arm with its median, its rates and its numbers at risk."""
    for arm, patients in study.list_groups(frame):
        if patients.is_empty():
            continue
        fit = fit_kaplan_meier(*study.compute_times(patients, endpoint))
        curve = Key(
            analysis="kaplan_meier",
            cohort=cohort,
            endpoint=endpoint.id,
            subgroup=subgroup,
            arm=arm.id if arm else None,
        )
        study.curves.append(_tabulate_curve(fit, curve))
        _add_medians(study, fit, curve)
        _add_rates(study, fit, endpoint, curve.of(variable="survival"), RATE_METHOD)
        plain = fit_kaplan_meier(*study.compute_times(patients, endpoint), conf_type="plain")
        _add_rates(study, plain, endpoint, curve.of(variable="survival_spss"), SPSS_RATE_METHOD)
        basis: dict[str, Any] = {"unit": "patients", "n": fit.n, "n_event": fit.n_event, "method": "just before"}
        for time, n_risk in zip(ticks, count_at_risk(fit, ticks), strict=True):
            study.results.add(curve.of(variable="at risk", time=study.spec.at(time)), "n", n_risk, **basis)


def _add_rates(study: Study, fit: KaplanMeier, endpoint: Endpoint, key: Key, method: str) -> None:
    for row in compute_rates(fit, endpoint.landmarks).iter_rows(named=True):
        values = {"estimate": row["estimate"], "se": row["std_err"], "ci_low": row["ci_low"], "ci_high": row["ci_high"]}
        percent = {statistic: _to_percent(value) for statistic, value in values.items()}
        rate = key.of(time=study.spec.at(row["time"]))
        study.results.add_all(rate, percent, unit="%", method=method, n=fit.n, n_event=fit.n_event)


def _to_percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _tabulate_curve(fit: KaplanMeier, curve: Key) -> pl.DataFrame:
    """The curve from time 0 on; where somebody's follow-up is 0 days, its first point is that of the curve itself."""
    start = pl.DataFrame({"time": 0.0, "n_risk": fit.n, "n_event": 0, "n_censor": 0, "survival": 1.0}).with_columns(
        ci_low=pl.lit(1.0), ci_high=pl.lit(1.0)
    )
    begins_later = start.filter(pl.lit(fit.curve["time"][0] > 0))
    points = pl.concat([begins_later, fit.curve.drop("std_err")], how="vertical_relaxed")
    columns = {name: curve.columns[name] for name in CURVE_COLUMNS}
    return points.select(*(pl.lit(text, dtype=pl.String).alias(name) for name, text in columns.items()), pl.all())


def _add_medians(study: Study, fit: KaplanMeier, curve: Key) -> None:
    unit = f"{study.spec.time_unit}s"
    counts: dict[str, Any] = {"n": fit.n, "n_event": fit.n_event}
    study.results.add(curve.of(variable="patients"), "n", fit.n, unit="patients")
    study.results.add(curve.of(variable="events"), "n", fit.n_event, unit="events")
    found = compute_median(fit)
    values = {"estimate": found.median, "ci_low": found.ci_low, "ci_high": found.ci_high}
    study.results.add_all(curve.of(variable="median"), values, unit=unit, method=R_METHOD, **counts)
    found = compute_spss_median(fit)
    values = {"estimate": found.median, "se": found.std_err, "ci_low": found.ci_low, "ci_high": found.ci_high}
    study.results.add_all(curve.of(variable="median_spss"), values, unit=unit, method=SPSS_METHOD, **counts)


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
    labels = {item.code: item.id for item in study.spec.arms}
    for group, observed in test.observed.items():
        size = int((groups.cast(pl.String) == group).sum())
        of_group = key.of(variable="events", **({"arm": labels[group]} if group in labels else {"level": group}))
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
    """Add the hazard ratio of the treated arm against the control; where there is none, say why instead."""
    key = make_hazard_ratio_key(study.spec, cohort, endpoint.id, subgroup)
    times, events = study.compute_times(frame, endpoint)
    try:
        fit = fit_cox(times, events, pl.DataFrame({"arm": study.is_treated(frame)}))
    except AnalysisError as error:
        basis = {"n": frame.height, "n_event": int(events.sum()), "method": f"not estimable: {error.en}"}
        study.results.add_all(key, dict.fromkeys(HAZARD_STATISTICS), **basis)
        if subgroup is None:
            study.results.add(key.of(analysis="proportional_hazards"), "p", None, **basis)
        return
    add_coefficients(study, key, fit, 0)
    if subgroup is None:
        p, method = _test_proportional_hazards(fit)
        test = key.of(analysis="proportional_hazards")
        study.results.add(test, "p", p, method=method, n=fit.n, n_event=fit.n_event)


def _test_proportional_hazards(fit: CoxFit) -> tuple[float | None, str]:
    if not fit.is_finite:
        return None, f"not estimable: {INFINITE}"
    try:
        return float(check_proportional_hazards(fit)["p"][0]), PROPORTIONAL_METHOD
    except AnalysisError as error:
        return None, f"not estimable: {error}"


def add_coefficients(study: Study, key: Key, fit: CoxFit, position: int, *, method: str = COX_METHOD) -> None:
    """Add hazard ratio, limits and p of one coefficient of a fitted model."""
    row = fit.coefficients.row(position, named=True)
    values = {"hr": row["hazard_ratio"], "ci_low": row["ci_low"], "ci_high": row["ci_high"], "p": row["p"]}
    given = method if row["hazard_ratio"] is not None else f"not estimable: {INFINITE}; {method}"
    method = "; ".join([given, *fit.messages])
    study.results.add_all(key, values, n=fit.n, n_event=fit.n_event, method=method)


def add_follow_up(study: Study, follow_up: FollowUp) -> None:
    """Add the median follow-up, over all patients and by arm, by the reverse Kaplan-Meier method."""
    endpoint = study.spec.get_endpoint(follow_up.endpoint)
    for cohort, frame in study.cohorts.items():
        timed = study.keep_timed(frame, endpoint)
        groups = [(None, timed), *((arm, part) for arm, part in study.list_groups(timed) if arm)]
        for arm, patients in groups:
            median = Key(analysis="follow_up", cohort=cohort, endpoint=endpoint.id, variable="median")
            key = median.of(arm=arm.id if arm else None)
            if patients.is_empty():
                why = "not estimable: nobody has a time from the start"
                study.results.add_all(key, dict.fromkeys(("estimate", "ci_low", "ci_high")), method=why, n=0)
                continue
            fit = fit_reverse_kaplan_meier(*study.compute_times(patients, endpoint))
            found = compute_median(fit)
            study.results.add_all(
                key,
                {"estimate": found.median, "ci_low": found.ci_low, "ci_high": found.ci_high},
                unit=f"{study.spec.time_unit}s",
                n=fit.n,
                n_event=fit.n_event,
                method="reverse Kaplan-Meier: the event is the end of follow-up",
            )
