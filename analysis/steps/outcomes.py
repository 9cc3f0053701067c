"""Tumour response, adverse events and time on treatment."""

from __future__ import annotations

from typing import Any

import polars as pl

from analysis.response import RESPONSES, compute_response_rates
from analysis.spec import DAYS_PER_MONTH, Evaluation, GradeBand, StudySpec
from analysis.steps.baseline import add_test, count_levels
from analysis.steps.study import ALL, Study, compute_percentage

ANY_TERM = "any event"


def add_response(study: Study) -> None:
    """Add the responses of every evaluation with their tests, ORR and DCR, in every cohort."""
    for cohort, frame in study.cohorts.items():
        for evaluation in study.spec.evaluations:
            _add_responses(study, cohort, frame, evaluation)
            _add_rates(study, cohort, frame, evaluation)


def get_evaluation_time(spec: StudySpec, evaluation: Evaluation) -> float:
    """The month an evaluation is named after, in the study's time unit."""
    return evaluation.month * DAYS_PER_MONTH / spec.days_per_unit


def _add_responses(study: Study, cohort: str, frame: pl.DataFrame, evaluation: Evaluation) -> None:
    keys: dict[str, Any] = {
        "cohort": cohort,
        "variable": "response",
        "time": get_evaluation_time(study.spec, evaluation),
    }
    for arm, patients in study.list_groups(frame):
        for response in RESPONSES:
            n = int((patients[evaluation.column] == response).sum())
            counts = {**keys, "arm": arm.id if arm else None, "level": response, "n": patients.height}
            study.results.add("response", "n", n, unit="patients", **counts)
            study.results.add("response", "pct", compute_percentage(n, patients.height), unit="%", **counts)
    add_test(study, count_levels(study, frame, evaluation.column, RESPONSES), "response", **keys)


def _add_rates(study: Study, cohort: str, frame: pl.DataFrame, evaluation: Evaluation) -> None:
    codes = {arm.code: arm.id for arm in study.spec.arms}
    control, treated = study.spec.control.id, study.spec.treated.id
    arms = frame["arm"].replace_strict(codes).to_list()
    rates = compute_response_rates(frame[evaluation.column].to_list(), arms, arms=(control, treated))
    keys: dict[str, Any] = {"cohort": cohort, "time": get_evaluation_time(study.spec, evaluation)}
    for row in rates.iter_rows(named=True):
        is_difference = row["arm"] == "difference"
        method = "Newcombe limits, treated minus control" if is_difference else "exact (Clopper-Pearson) limits"
        counts = {
            "arm": None if is_difference else row["arm"],
            "variable": row["rate"],
            "n": row["n"],
            "method": method,
        }
        prefix, unit = ("difference", "percentage points") if is_difference else ("pct", "%")
        study.results.add(
            "response", prefix, 100 * row["estimate"], unit=unit, n_event=row["n_event"], **counts, **keys
        )
        for limit in ("ci_low", "ci_high"):
            study.results.add("response", limit, 100 * row[limit], unit=unit, **counts, **keys)
    for rate in rates["rate"].unique(maintain_order=True):
        counted = rates.filter((pl.col("rate") == rate) & (pl.col("arm") != "difference"))
        reached = counted["n_event"].to_list()
        missed = (counted["n"] - counted["n_event"]).to_list()
        add_test(study, [reached, missed], "response", variable=rate, **keys)


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
    keys: dict[str, Any] = {"cohort": ALL, "variable": term, "level": band.id}
    inside = events.filter(pl.col("grade").is_in(band.grades))
    sizes = [patients.height for _, patients in study.list_groups(study.cohorts[ALL])]
    numbers = [inside.filter(pl.col("arm") == arm.code).height for arm in study.spec.arms]
    for arm, n, size in zip(study.spec.arms, numbers, sizes, strict=True):
        counts = {**keys, "arm": arm.id, "n": size, "method": f"worst grade per patient, grades {_list(band.grades)}"}
        study.results.add("adverse_events", "n", n, unit="patients", **counts)
        study.results.add("adverse_events", "pct", compute_percentage(n, size), unit="%", **counts)
    others = [size - n for n, size in zip(numbers, sizes, strict=True)]
    add_test(study, [numbers, others], "adverse_events", **keys)


def _list(grades: tuple[int, ...]) -> str:
    return ", ".join(map(str, grades))


def add_duration(study: Study, column: str) -> None:
    """Add months on treatment by arm: mean, SD, range, median and quartiles of those for whom it is known."""
    for cohort, frame in study.cohorts.items():
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
            keys = {"cohort": cohort, "arm": arm.id if arm else None, "variable": "duration"}
            study.results.add_all("treatment", values, unit="months", n=len(months), **keys)  # type: ignore[arg-type]
