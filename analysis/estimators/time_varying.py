"""Rows of a covariate that changes once during follow-up, for a Cox model with entry times."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from analysis.estimators.design import read_array
from analysis.estimators.times import check_intervals, merge_equal_times

START = -1.0
"""The entry of who is at risk from the start: before 0, so that an event on day 0 counts. Any negative number gives the same fit."""


def split_at(entry: ArrayLike | None, time: ArrayLike, event: ArrayLike, change: ArrayLike) -> pl.DataFrame:
    """Divide every patient's follow-up where a covariate turns from 0 to 1, as R's `tmerge(..., tdc(change))`.

    Fit the rows with `fit_cox(rows["time"], rows["event"], design, entry=rows["entry"])`, other covariates taken from the
    patients by `row`. Such rows need no `cluster`, as no patient has two events; weighted ones do (`row`).

    - `entry`: when each patient comes under observation, in the unit of the times, exclusive; 0 or less, or `None` for
      all, is the start, written as -1: R's start-stop rows cannot hold a time of 0, but who dies on day 0 has one here
      and is at risk then, as in a fit without entries.
    - `time`, `event`: as for `fit_kaplan_meier`.
    - `change`: when the covariate turns to 1; null is never. At or before entry (or 0) it is 1 from entry on; at or
      after the end of follow-up it never is: a change at the time of an event does not count for that event.

    Returns `row` (the patient's position, from 0), `entry`, `time`, `event`, `has_changed` (0/1), by patient and time.

    Raises `AnalysisError` for unusable times and for an entry that is not before the time.
    """
    given = np.zeros(len(read_array(time))) if entry is None else read_array(entry).astype(float)
    entries, times, events = check_intervals(np.where(given <= 0, START, given), time, event)
    changes = read_array(change).astype(float)
    if changes.shape != times.shape:
        raise ValueError(f"times and changes differ in shape: {times.shape}, {changes.shape}")
    changes = np.where(np.isnan(changes), np.inf, changes)
    is_known = np.isfinite(changes)
    merged = merge_equal_times(np.concatenate([entries, times, changes[is_known]]))
    entries, times, changes[is_known] = np.split(merged, [len(times), 2 * len(times)])
    has_changed = changes <= np.maximum(entries, 0)
    is_split = ~has_changed & (changes < times)
    row = np.arange(len(times))
    parts = (
        (row, entries, np.where(is_split, changes, times), events & ~is_split, has_changed.astype(np.int64)),
        (row[is_split], changes[is_split], times[is_split], events[is_split], np.ones(is_split.sum(), np.int64)),
    )
    names = ("row", "entry", "time", "event", "has_changed")
    return pl.concat(pl.DataFrame(dict(zip(names, part, strict=True))) for part in parts).sort("row", "entry")
