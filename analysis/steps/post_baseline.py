"""Which criteria, characteristics and arms hang on what happened after the start: found by deriving without it, not declared.

Source: the definition of an eligibility criterion and a baseline covariate in a cohort with a time zero (Hernán 2016, doi:10.1016/j.jclinepi.2016.04.014:
eligibility, assignment and start of follow-up at one time); whoever must have lived to a later day is immortal until then (Suissa 2008,
doi:10.1093/aje/kwm324).
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from analysis.steps.study import Study
from analysis.study.at_start import Item, compute_value, list_described, list_items
from analysis.study.cohort_names import ALL
from analysis.study.results import Key
from schemas.known_at_start import AFTER_START, NOTHING, REMOVED, UNDATED

EXAMINED = "examined"
CHANGED, WITHOUT_DATE, TOGETHER = "changed", "undated", "several"
"""Levels of an item: patients for whom it is another one, or unknown, without what happened after the start, or without what nothing dates; of the
changed those whom no kind of later date changes alone."""
POST_BASELINE = Key(analysis="post_baseline")
_EXAMINED = POST_BASELINE.of(variable=EXAMINED)
NOT_DERIVED = "not examined: its column is not derived from the records"
_NOT_EXAMINED = "not examined: the analysis was not given the records"


def add_post_baseline(study: Study, registered: pl.DataFrame, at_start: pl.DataFrame | None) -> None:
    """Add, of every item the study asks for, the patients for whom it changes without what happened after the start of therapy.

    `registered` are all patients, `at_start` what is asked of those with a start of therapy, once for each thing removed; None: nobody was examined,
    which is said. Counted are everybody registered with a start (criteria work before the choice), and those analysed, by arm.
    """
    hospitals = study.spec.population.hospitals
    own = registered.filter(pl.col("hospital").is_in(hospitals)) if hospitals else registered
    if at_start is None:
        study.results.add(_EXAMINED, "n", 0, unit="patients", n=own.height, method=_NOT_EXAMINED)
        return
    as_it_is = at_start.filter(pl.col(REMOVED) == NOTHING)
    method = "registered patients with a start of systemic therapy"
    study.results.add(_EXAMINED, "n", as_it_is.height, unit="patients", n=own.height, method=method)
    for item in list_items(study.spec):
        if any(name not in at_start.columns for name in item.columns):
            key = POST_BASELINE.of(variable=item.id, level=CHANGED)
            study.results.add(key, "n", None, unit="patients", n=as_it_is.height, method=NOT_DERIVED)
            continue
        value = compute_value(item, at_start, study.spec)
        _add_item(study, item, at_start.select(REMOVED, "patient_id", value=value), as_it_is["patient_id"])


def _add_item(study: Study, item: Item, values: pl.DataFrame, examined: pl.Series) -> None:
    """Add the patients for whom it changes, in all and by arm, and through what; where nobody's does, those for whom nothing dates it."""
    changed = _list_changed(values)
    after_start = changed.get(AFTER_START, examined.clear())
    through = _count_through(changed, after_start)
    whose = POST_BASELINE.of(variable=item.id)
    method = _describe_method(through) if after_start.len() else "no record and no date after day 0 changes it"
    for key, patients in _list_counted(study, examined):
        n = int(patients.is_in(after_start.implode()).sum())
        whole = key.of(variable=item.id, level=CHANGED)
        study.results.add(whole, "n", n, unit="patients", n=patients.len(), method=method)
    if after_start.len():
        for level, n in through.items():
            study.results.add(
                whose.of(level=level), "n", n, unit="patients", n=examined.len(), method="this alone removed"
            )
    elif UNDATED in changed:
        n, why = changed[UNDATED].len(), "stated without a date: nothing tells when"
        study.results.add(whose.of(level=WITHOUT_DATE), "n", n, unit="patients", n=examined.len(), method=why)


def _list_counted(study: Study, examined: pl.Series) -> Iterator[tuple[Key, pl.Series]]:
    """Yield everybody examined, those of them analysed, and these by arm."""
    frame = study.cohorts[ALL].filter(pl.col("patient_id").is_in(examined.implode()))
    yield POST_BASELINE, examined
    yield POST_BASELINE.of(cohort=ALL), frame["patient_id"]
    for arm, patients in study.list_groups(frame):
        if arm:
            yield POST_BASELINE.of(cohort=ALL, arm=arm.id), patients["patient_id"]


def _list_changed(values: pl.DataFrame) -> dict[str, pl.Series]:
    """Return, by what was removed, the patients whose value is another one than with everything, or unknown; most patients first."""
    as_it_is = values.filter(pl.col(REMOVED) == NOTHING).select("patient_id", before="value")
    others = values.filter(pl.col(REMOVED) != NOTHING).join(as_it_is, on="patient_id")
    differing = others.filter(pl.col("value").ne_missing(pl.col("before")))
    grouped = (
        differing.group_by(REMOVED)
        .agg("patient_id")
        .sort(pl.col("patient_id").list.len(), REMOVED, descending=[True, False])
    )
    return dict(zip(grouped[REMOVED], grouped["patient_id"], strict=True))


def _count_through(changed: dict[str, pl.Series], after_start: pl.Series) -> dict[str, int]:
    """Count the patients whom each kind of later date changes alone, and those whom only several together do; most patients first."""
    alone = {name: ids for name, ids in changed.items() if name not in (AFTER_START, UNDATED)}
    explained = pl.concat([after_start.clear(), *alone.values()])
    n_together = after_start.filter(~after_start.is_in(explained.implode())).len()
    return {name: ids.len() for name, ids in alone.items()} | ({TOGETHER: n_together} if n_together else {})


def list_facts() -> dict[str, str]:
    """Return in words what a level of a changed item says of the facts that change it."""
    return list_described() | {TOGETHER: "only through several together"}


def _describe_method(through: dict[str, int]) -> str:
    described = list_facts()
    named = "; ".join(f"{described[name]} ({n})" for name, n in through.items())
    return f"every record and date after day 0 removed, and derived again; alone it changes {named}"
