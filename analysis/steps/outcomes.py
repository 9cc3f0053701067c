"""Tumour response, adverse events and time on treatment."""

from __future__ import annotations

import polars as pl

from analysis.estimators.response import RESPONSES, compute_response_rates
from analysis.steps.baseline import add_share, add_test, count_levels
from analysis.steps.study import Study
from analysis.study.cohort_names import ALL
from analysis.study.results import Key
from analysis.study.spec import Evaluation, GradeBand

ANY_TERM = "any event"


def add_response(study: Study) -> None:
    """Add the responses of every evaluation with their tests, ORR and DCR, in every cohort."""
    for cohort, frame in study.list_counted():
        for evaluation in study.spec.evaluations:
            key = Key(analysis="response", cohort=cohort, time=study.spec.at_month(evaluation.month))
            add_responses(study, key.of(variable="response"), frame, evaluation.column)
            _add_rates(study, key, frame, evaluation)


def add_responses(study: Study, key: Key, frame: pl.DataFrame, column: str) -> None:
    """Add the patients with each response, by arm, and the test between the arms."""
    for arm, patients in study.list_groups(frame):
        for response in RESPONSES:
            n = int((patients[column] == response).sum())
            add_share(study, key.of(arm=arm.id if arm else None, level=response), n, patients.height)
    add_test(study, count_levels(study, frame, column, RESPONSES), key)


def _add_rates(study: Study, key: Key, frame: pl.DataFrame, evaluation: Evaluation) -> None:
    control, treated = study.spec.control.id, study.spec.treated.id
    responses, arms = frame[evaluation.column].to_list(), frame["arm"].to_list()
    rates = compute_response_rates(responses, arms, arms=(control, treated), alpha=study.spec.alpha)
    for row in rates.iter_rows(named=True):
        is_difference = row["arm"] == "difference"
        method = "Newcombe limits, treated minus control" if is_difference else "exact (Clopper-Pearson) limits"
        statistic, unit = ("difference", "percentage points") if is_difference else ("pct", "%")
        rate, n = key.of(variable=row["rate"], arm=None if is_difference else row["arm"]), row["n"]
        value = 100 * row["estimate"]
        study.results.add(rate, statistic, value, unit=unit, n=n, n_event=row["n_event"], method=method)
        for limit in ("ci_low", "ci_high"):
            study.results.add(rate, limit, 100 * row[limit], unit=unit, n=n, method=method)
    for name in rates["rate"].unique(maintain_order=True):
        counted = rates.filter((pl.col("rate") == name) & (pl.col("arm") != "difference"))
        reached = counted["n_event"].to_list()
        missed = (counted["n"] - counted["n_event"]).to_list()
        add_test(study, [reached, missed], key.of(variable=name))


def add_adverse_events(study: Study, events: pl.DataFrame) -> None:
    """Add, by arm and term, the patients whose worst grade lies in each band; a patient counts once per term.

    `events` is the mart `analysis_adverse_event`: the worst grade per patient and term.
    """
    frame = study.cohorts[ALL]
    known = events.filter(pl.col("grade").is_not_null())
    keys = ["hospital", "patient_id"]
    counted = known.select(*keys, "term", "grade").join(frame.select(*keys, "arm"), on=keys, how="inner")
    worst = counted.group_by(*keys, "arm").agg(pl.col("grade").max()).with_columns(term=pl.lit(ANY_TERM))
    together = pl.concat([worst.select("term", "arm", "grade"), counted.select("term", "arm", "grade")])
    for term in _order_terms(counted):
        for band in study.spec.grade_bands:
            _add_band(study, together.filter(pl.col("term") == term), term, band)


def _order_terms(counted: pl.DataFrame) -> list[str]:
    """The commonest first, ties by name."""
    order = counted.group_by("term").len().sort(pl.col("len"), pl.col("term"), descending=[True, False])
    return [ANY_TERM, *order["term"].to_list()]


def _add_band(study: Study, events: pl.DataFrame, term: str, band: GradeBand) -> None:
    key = Key(analysis="adverse_events", cohort=ALL, variable=term, level=band.id)
    method = f"worst grade per patient, grades {_list(band.grades)}"
    inside = events.filter(pl.col("grade").is_in(band.grades))
    sizes = [patients.height for _, patients in study.list_groups(study.cohorts[ALL])]
    numbers = [inside.filter(pl.col("arm") == arm.id).height for arm in study.spec.arms]
    for arm, n, size in zip(study.spec.arms, numbers, sizes, strict=True):
        add_share(study, key.of(arm=arm.id), n, size, method=method)
    others = [size - n for n, size in zip(numbers, sizes, strict=True)]
    add_test(study, [numbers, others], key)


def _list(grades: tuple[int, ...]) -> str:
    return ", ".join(map(str, grades))


def add_duration(study: Study, column: str) -> None:
    """Add months on treatment by arm: mean, SD, range, median and quartiles of those for whom it is known."""
    for cohort, frame in study.list_counted():
        for arm, patients in study.list_groups(frame):
            months = patients[column].drop_nulls()
            values = {
                "mean": months.mean(),
                "sd": months.std(),
                "min": months.min(),
                "max": months.max(),
                "median": months.median(),
                "q1": months.quantile(0.25, "linear"),
                "q3": months.quantile(0.75, "linear"),
            }
            key = Key(analysis="treatment", cohort=cohort, arm=arm.id if arm else None, variable="duration")
            study.results.add_all(key, values, unit="months", n=len(months))  # type: ignore[arg-type]
