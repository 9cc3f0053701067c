"""Tumour response, adverse events and time on treatment."""

from __future__ import annotations

import polars as pl

from analysis.estimators.rates import compute_rate
from analysis.estimators.response import RESPONSES, compute_response_rates
from analysis.steps.baseline import add_share, add_test, count_levels
from analysis.steps.study import Study
from analysis.study.cohort_names import ALL
from analysis.study.results import Key
from analysis.study.spec import Evaluation, GradeBand

ANY_TERM, NO_TERM = "any event", "none recorded"
EXPOSURE = "exposure"
PER_MONTHS = 100
"""Patient-months that a rate of adverse events is for."""


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

    `events` is the mart `analysis_adverse_event`: the worst grade per patient and term. Where the study knows how long patients were treated,
    rates per time on treatment stand beside: who was treated for longer had more time for an event.
    """
    frame = study.cohorts[ALL]
    duration = study.spec.follow_up.duration_column if study.spec.follow_up else ""
    together = _list_worst(frame, events)
    _add_none_recorded(study, together)
    for term in _order_terms(together):
        of_term = together.filter(pl.col("term") == term)
        for band in study.spec.grade_bands:
            _add_band(study, of_term, term, band)
            if duration:
                _add_rates_of_events(study, of_term, term, band, duration)
    if duration:
        for arm, patients in study.list_groups(frame):
            months = patients[duration].drop_nulls()
            key = Key(analysis="adverse_event_rate", cohort=ALL, arm=arm.id if arm else None, variable=EXPOSURE)
            study.results.add(key, "estimate", float(months.sum()), unit="patient-months", n=len(months))


def _list_worst(frame: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """One row per patient of the study and term, and one for any term: the patient, `arm`, `term` and the worst `grade`."""
    known = events.filter(pl.col("grade").is_not_null())
    keys = ["hospital", "patient_id"]
    counted = known.select(*keys, "term", "grade").join(frame.select(*keys, "arm"), on=keys, how="inner")
    worst = counted.group_by(*keys, "arm").agg(pl.col("grade").max()).with_columns(term=pl.lit(ANY_TERM))
    columns = [*keys, "arm", "term", "grade"]
    return pl.concat([worst.select(columns), counted.select(columns)])


def _add_none_recorded(study: Study, together: pl.DataFrame) -> None:
    """Add the patients of whom no event is on record: there may have been none, or nobody wrote it down."""
    seen = together.filter(pl.col("term") == ANY_TERM)
    for arm, patients in study.list_groups(study.cohorts[ALL]):
        n = patients.join(seen, on=["hospital", "patient_id"], how="anti").height
        key = Key(analysis="adverse_events", cohort=ALL, arm=arm.id if arm else None, variable=NO_TERM)
        add_share(study, key, n, patients.height, method="no adverse event with a grade on record")


def _add_rates_of_events(study: Study, events: pl.DataFrame, term: str, band: GradeBand, duration: str) -> None:
    """Add patients with the event per 100 patient-months of treatment, of those of whom its length is known."""
    inside = events.filter(pl.col("grade").is_in(band.grades)).select("hospital", "patient_id")
    for arm, patients in study.list_groups(study.cohorts[ALL]):
        treated = patients.drop_nulls(duration)
        n_event = treated.join(inside, on=["hospital", "patient_id"], how="semi").height
        exposure = float(treated[duration].sum())
        rate = compute_rate(n_event, exposure / PER_MONTHS, alpha=study.spec.alpha)
        key = Key(
            analysis="adverse_event_rate",
            cohort=ALL,
            arm=arm.id if arm else None,
            variable=term,
            level=band.id,
        )
        values = {"rate": rate.estimate, "ci_low": rate.ci_low, "ci_high": rate.ci_high}
        method = "patients with it over all months on treatment, exact Poisson limits"
        study.results.add_all(
            key, values, unit="per 100 patient-months", n=treated.height, n_event=n_event, method=method
        )


def _order_terms(counted: pl.DataFrame) -> list[str]:
    """The commonest first, ties by name."""
    named = counted.filter(pl.col("term") != ANY_TERM)
    order = named.group_by("term").len().sort(pl.col("len"), pl.col("term"), descending=[True, False])
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
