"""Sums that must hold between a study's numbers: nobody may vanish between the flow chart, the tables and the curves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from analysis.steps.evidence import TIME_UNKNOWN
from analysis.steps.survival import COUNTED
from analysis.study.cohort_names import ALL, MATCHED, WEIGHTED
from analysis.study.results import Key, Results
from analysis.study.spec import StudySpec
from etl.errors import InternalError

PARTED = ("table1", "response", "evidence")
"""Analyses whose levels part the patients they rest on."""
_TOLERANCE = 1e-9


class Sum(NamedTuple):
    """What the parts of a quantity add up to, and what they must add up to."""

    what: str
    parts: float
    whole: float


def check_sums(results: Results, spec: StudySpec) -> None:
    """Hold arms to everybody analysed, steps, levels, pairs, endpoints, events and numbers at risk to the patients they are counted in.

    Raises `InternalError`, naming every sum that does not hold.
    """
    wrong = [found for found in list_sums(results, spec) if not abs(found.parts - found.whole) <= _TOLERANCE]
    if wrong:
        listed = "; ".join(f"{found.what}: {found.parts:g} of {found.whole:g}" for found in wrong)
        raise InternalError(
            f"numbers of the study do not add up: {listed}. Nothing was written. Please report this line.",
            f"研究的数字加总不一致：{listed}。未写入任何内容。请报告此行。",
        )


def list_sums(results: Results, spec: StudySpec) -> Iterator[Sum]:
    """Yield every sum that must hold."""
    yield from _add_up_flow(results)
    yield from _add_up_flow_by_arm(results)
    yield from _add_up_arms(results, spec)
    yield from _add_up_levels(results)
    yield from _add_up_endpoints(results, spec)
    if spec.matching:
        yield from _add_up_pairs(results, spec)
    yield from _count_what_is_too_many(results)


def _add_up_flow(results: Results) -> Iterator[Sum]:
    """Each step leaves who came to it but for those removed, hands them to the next, and the last to the analysis; hospitals add up."""
    steps = results.select(analysis="flow").filter(pl.col("statistic").str.starts_with("n_"))
    if steps.is_empty():
        return
    wide = steps.pivot("statistic", index=["hospital", "variable"], values="value", maintain_order=True)
    for hospital in wide["hospital"].unique(maintain_order=True).to_list():
        own = wide.filter(pl.col("hospital").eq_missing(pl.lit(hospital)))
        place = hospital or "all hospitals"
        for row in own.iter_rows(named=True):
            yield Sum(f"flow of {place}, {row['variable']}", row["n_after"] + row["n_removed"], row["n_before"])
        analysed = results.value(Key(analysis="flow", hospital=hospital, variable="analysed"), "n")
        came = [*own["n_before"].to_list()[1:], analysed or 0]
        for name, left, arrived in zip(own["variable"], own["n_after"], came, strict=True):
            yield Sum(f"flow of {place}, behind {name}", arrived, left)
    for row in wide.filter(pl.col("hospital").is_null()).iter_rows(named=True):
        parts = wide.filter(pl.col("hospital").is_not_null(), variable=row["variable"])
        for name in ("n_before", "n_removed", "n_after"):
            yield Sum(f"flow, {row['variable']}, {name} of the hospitals", float(parts[name].sum()), row[name])


def _add_up_flow_by_arm(results: Results) -> Iterator[Sum]:
    """At each step the arms and those in none are the patients of the flow chart, and the last step leaves the arms analysed."""
    steps = results.select(analysis="flow_by_arm")
    for (name, statistic), parts in steps.group_by("variable", "statistic", maintain_order=True):
        whole = results.value(Key(analysis="flow", variable=str(name)), str(statistic))
        yield Sum(f"flow by arm, {name}, {statistic}", float(parts["value"].sum()), whole or 0)
    for arm in steps["arm"].drop_nulls().unique(maintain_order=True):
        left = steps.filter(pl.col("statistic") == "n_after", arm=arm)["value"].last()
        analysed = results.value(Key(analysis="flow", arm=arm, variable="analysed"), "n")
        yield Sum(f"flow of the arm {arm}", float(left or 0), analysed or 0)  # pyright: ignore[reportArgumentType]


def _add_up_arms(results: Results, spec: StudySpec) -> Iterator[Sum]:
    """Everybody analysed is in one of the arms, in the flow chart and in every cohort's table."""
    if not spec.arms:
        return
    analysed = Key(analysis="flow", variable="analysed")
    patients = Key(analysis="table1", variable="patients")
    wholes = [analysed, *(patients.of(cohort=cohort) for cohort in _list_cohorts(spec))]
    for whole in wholes:
        parts = sum(results.value(whole.of(arm=arm.id), "n") or 0 for arm in spec.arms)
        yield Sum(f"arms of {whole.result_id('n')}", parts, results.value(whole, "n") or 0)
    yield Sum("patients of table 1", _count(results, patients.of(cohort=ALL)), _count(results, analysed))


def _add_up_levels(results: Results) -> Iterator[Sum]:
    """The levels of a characteristic, a response or a source of evidence part the patients that they rest on."""
    levels = results.frame.filter(pl.col("analysis").is_in(PARTED), pl.col("level").is_not_null(), statistic="n")
    key = ["analysis", "cohort", "arm", "hospital", "variable", "time_months"]
    for row in (
        levels.group_by(key, maintain_order=True)
        .agg(pl.col("value").sum(), pl.col("n").max(), size=pl.len())
        .iter_rows(named=True)
    ):
        if row["size"] > 1:
            names = (row[name] for name in key[:-1])
            yield Sum(f"levels of {' '.join(filter(None, names))}", row["value"], row["n"])


def _add_up_endpoints(results: Results, spec: StudySpec) -> Iterator[Sum]:
    """Of an endpoint the patients of each curve and those whose time is unknown are the arm; events of the curves are those of the test."""
    for cohort in _list_cohorts(spec):
        for endpoint in spec.endpoints:
            key = Key(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint.id)
            unknown = Key(analysis="evidence", cohort=cohort, endpoint=endpoint.id, variable=TIME_UNKNOWN)
            n_event = 0.0
            for arm, _ in spec.groups:
                curve = key.of(arm=arm)
                n_event += _count(results, curve.of(variable="events"))
                parts = _count(results, curve.of(variable="patients")) + _count(results, unknown.of(arm=arm))
                whole = _count(results, Key(analysis="table1", cohort=cohort, arm=arm, variable="patients"))
                yield Sum(f"patients of {curve.result_id('n')}", parts, whole)
            test = Key(analysis="logrank", cohort=cohort, endpoint=endpoint.id)
            if spec.arms and results.has(test, "p"):
                yield Sum(f"events of {test.result_id('p')}", n_event, results.row(test, "p")["n_event"])


def _add_up_pairs(results: Results, spec: StudySpec) -> Iterator[Sum]:
    """Each matched set has one treated patient; who is matched and who is not are the arm."""
    patients = Key(analysis="table1", variable="patients")
    pairs = _count(results, Key(analysis="matching", cohort=MATCHED, variable="pairs"))
    yield Sum("pairs", pairs, _count(results, patients.of(cohort=MATCHED, arm=spec.treated.id)))
    for arm in spec.arms:
        matched = _count(results, patients.of(cohort=MATCHED, arm=arm.id))
        unmatched = _count(results, Key(analysis="matching", cohort=ALL, arm=arm.id, variable="unmatched"))
        yield Sum(
            f"matched and unmatched of {arm.id}",
            matched + unmatched,
            _count(results, patients.of(cohort=ALL, arm=arm.id)),
        )


def _count_what_is_too_many(results: Results) -> Iterator[Sum]:
    """Nothing counts more events than patients, a share lies within 0 and 100, a p within 0 and 1, and the patients at risk never grow."""
    frame = results.frame
    more_events = frame.filter(pl.col("n_event") > pl.col("n"))
    shares = frame.filter(pl.col("statistic") == "pct", ~pl.col("value").is_between(0, 100 + _TOLERANCE))
    chances = frame.filter(
        pl.col("statistic").str.starts_with("p_") | (pl.col("statistic") == "p"), ~pl.col("value").is_between(0, 1)
    )
    risks = frame.filter(pl.col("variable") == "at risk", pl.col("statistic") == "n")
    curve = ["analysis", "cohort", "endpoint", "subgroup", "arm"]
    grown = risks.filter(pl.col("value").diff().over(curve, order_by="time_months") > 0)
    first = risks.filter(pl.col("time_months") == 0, pl.col("value") != pl.col("n"))
    at_ticks = frame.filter(pl.col("variable").is_in(list(COUNTED)), pl.col("time_months").is_not_null())
    lost = at_ticks.filter(pl.col("value").sum().over(*curve, "time_months") != pl.col("n"))
    for what, found in (
        ("more events than patients", more_events),
        ("share beyond 0 to 100", shares),
        ("p beyond 0 to 1", chances),
        ("more at risk than before", grown),
        ("not everybody at risk at the start", first),
        ("at risk, with an event and censored are not everybody", lost),
    ):
        yield from (Sum(f"{what}: {name}", 1, 0) for name in found["result_id"])


def _list_cohorts(spec: StudySpec) -> tuple[str, ...]:
    made = {ALL: True, MATCHED: spec.matching, WEIGHTED: spec.weighting}
    return tuple(cohort for cohort, part in made.items() if part)


def _count(results: Results, key: Key) -> float:
    """A count, 0 where nothing was counted."""
    return (results.value(key, "n") or 0) if results.has(key, "n") else 0
