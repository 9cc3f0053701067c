"""Times, events, entries and weights of patients: refused where unusable, nearly equal times made equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.estimators.design import read_array
from etl.errors import AnalysisError

TOLERANCE = float(np.sqrt(np.finfo(float).eps))  # R: .Machine$double.eps^.5, 1.5e-8


def check_times(time: ArrayLike, event: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Times and event indicators as arrays, nearly equal times made equal as R's `aeqSurv` does.

    Raises `AnalysisError` for no patient, a missing or negative time, or an event that is not 0/1.
    """
    times = read_array(time).astype(float)
    events = read_array(event)
    if times.size == 0:
        raise AnalysisError("survival: there is no patient", "生存分析：没有患者")
    if times.shape != events.shape or times.ndim != 1:
        raise ValueError(f"times and events differ in shape: {times.shape}, {events.shape}")
    n_bad = int((~np.isfinite(times)).sum())
    if n_bad:
        raise AnalysisError(f"survival: {n_bad} times are missing", f"生存分析：{n_bad} 个时间缺失")
    n_bad = int((times < 0).sum())
    if n_bad:
        raise AnalysisError(f"survival: {n_bad} times are negative", f"生存分析：{n_bad} 个时间为负数")
    if events.dtype != np.bool_ and not np.isin(events, (0, 1)).all():
        raise AnalysisError("survival: event indicators other than 0 and 1, or missing", "生存分析：结局指示有缺失")
    return merge_equal_times(times), events.astype(bool)


def merge_equal_times(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace times that differ by rounding only with the smallest of them (tolerance 1.5e-8, absolute or relative)."""
    order = np.argsort(times)
    ascending = times[order]
    is_distinct = np.concatenate([[True], ascending[1:] != ascending[:-1]])
    distinct = ascending[is_distinct]
    gaps = np.diff(distinct)
    is_new = np.concatenate([[True], (gaps > TOLERANCE) & (gaps / np.abs(distinct).mean() > TOLERANCE)])
    if is_new.all():
        return times
    merged = np.empty_like(times)
    merged[order] = distinct[is_new][np.cumsum(is_new)[np.cumsum(is_distinct) - 1] - 1]
    return merged


def check_intervals(
    entry: ArrayLike, time: ArrayLike, event: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Entries, times and event indicators of patients at risk from entry (exclusive) to time, as R's `Surv(entry, time, event)`.

    Nearly equal entries and times are made equal together. An entry may be negative: who is at risk from the start and
    may have the event on day 0 enters before 0.

    Raises `AnalysisError` as `check_times` does, and for an entry that is missing or not before the time.
    """
    times, events = check_times(time, event)
    entries = read_array(entry).astype(float)
    if entries.shape != times.shape:
        raise ValueError(f"entries and times differ in shape: {entries.shape}, {times.shape}")
    if n_bad := int((~np.isfinite(entries)).sum()):
        raise AnalysisError(f"survival: {n_bad} entry times are missing", f"生存分析：{n_bad} 个进入时间缺失")
    entries, times = np.split(merge_equal_times(np.concatenate([entries, read_array(time).astype(float)])), 2)
    if n_bad := int((entries >= times).sum()):
        raise AnalysisError(
            f"survival: {n_bad} entry times are not before the end of follow-up",
            f"生存分析：{n_bad} 个进入时间不早于随访结束时间",
        )
    return entries, times, events


def check_weights(weights: ArrayLike, n: int, en: str, zh: str) -> NDArray[np.float64]:
    """The weights of `n` patients as an array; `AnalysisError`, which names the method by `en` and `zh`, unless all are positive and finite."""
    values = read_array(weights).astype(float)
    if values.shape != (n,):
        raise ValueError(f"there are {n} patients and weights of shape {values.shape}")
    if not (np.isfinite(values) & (values > 0)).all():
        raise AnalysisError(f"{en}: weights must be positive and not missing", f"{zh}：权重须为正且不缺失")
    return values
