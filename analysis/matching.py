"""Nearest-neighbour matching 1:1 without replacement on a single distance, such as a propensity score."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from etl.errors import AnalysisError

MatchingOrder = Literal["largest", "smallest", "data", "closest"]


def match_nearest(
    distance: ArrayLike,
    treated: ArrayLike,
    *,
    caliper_sd: float | None,
    order: MatchingOrder = "largest",
) -> pl.DataFrame:
    """Pair every treated patient with the nearest control still free, greedily.

    On MatchIt's own example the pairs are those of MatchIt 4.7.2 (four settings).

    - `distance`: one finite number per patient (probability, logit, ...).
    - `treated`: Boolean or 0/1, one per patient; treated patients choose, controls are chosen.
    - `caliper_sd`: largest difference allowed within a pair, inclusive, in standard deviations (n - 1) of the
      distance over both arms together (Austin 2011, doi:10.1002/pst.433, takes 0.2 of the logit); `None` sets
      no limit.
    - `order`: who chooses first: `largest` or `smallest` distance, `data` order, or the `closest` possible pair.

    Equal distances choose in data order (`closest`: see `_match_closest`). Of two controls equally near, the one to
    the left in the stably sorted distances is taken, and on one side the one next to the treated patient.

    Returns one row per pair, in the order of the treated patients in the data: `pair` (from 1), `treated_row`,
    `control_row` (positions from 0), `difference` (distance of the treated minus that of the control).

    Raises `AnalysisError` for a missing distance or an empty arm.
    """
    values = np.asarray(distance, dtype=float)
    is_treated = np.asarray(treated).astype(bool)
    if not np.isfinite(values).all():
        raise AnalysisError("matching: the distance is missing or infinite for some patients", "匹配：部分患者缺少距离")
    if is_treated.all() or not is_treated.any():
        raise AnalysisError("matching: one of the two arms has no patient", "匹配：其中一组没有患者")
    caliper = np.inf if caliper_sd is None else caliper_sd * float(values.std(ddof=1))
    sorted_list = _FreeControls(values, is_treated, caliper)
    treated_rows = np.flatnonzero(is_treated)
    if order == "closest":
        pairs = list(_match_closest(sorted_list, treated_rows))
    else:
        pairs = list(_match_in_turn(sorted_list, _sort_treated(values, treated_rows, order)))
    rows = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return pl.DataFrame(
        {
            "pair": np.arange(1, len(rows) + 1),
            "treated_row": rows[:, 0],
            "control_row": rows[:, 1],
            "difference": values[rows[:, 0]] - values[rows[:, 1]],
        }
    )


def _sort_treated(values: NDArray[np.float64], treated_rows: NDArray[np.intp], order: MatchingOrder) -> list[int]:
    sign = {"largest": -1, "smallest": 1, "data": 0}[order]
    return treated_rows[np.argsort(sign * values[treated_rows], kind="stable")].tolist()


class _FreeControls:
    """The stably sorted distances of all patients, with the next free control to either side of a place.

    A place that holds no free control points onwards; pointers are shortened as they are followed, so that all
    look-ups together take nearly linear time (disjoint sets; Tarjan 1975, doi:10.1145/321879.321884).
    """

    def __init__(self, values: NDArray[np.float64], is_treated: NDArray[np.bool_], caliper: float) -> None:
        by_distance = np.argsort(values, kind="stable")
        n = len(values)
        # places 1..n are the patients; 0 and n + 1 are the ends of the list
        self.row_at = [-1, *by_distance.tolist(), -1]
        self.value_at = [-np.inf, *values[by_distance].tolist(), np.inf]
        self.place_of = (np.argsort(by_distance) + 1).tolist()
        occupied = np.concatenate([[False], is_treated[by_distance], [False]])
        places = np.arange(n + 2)
        self.left = (places - occupied).tolist()
        self.right = (places + occupied).tolist()
        self.caliper = caliper

    def find_nearest(self, treated_row: int) -> tuple[float, int] | None:
        """Difference and row of the control that the treated patient would take now; `None` if none is near."""
        place = self.place_of[treated_row]
        value = self.value_at[place]
        left, right = _follow(self.left, place), _follow(self.right, place)
        to_left, to_right = value - self.value_at[left], self.value_at[right] - value
        difference, found = (to_left, left) if to_left <= to_right else (to_right, right)
        if difference == np.inf or difference > self.caliper:
            return None
        return difference, self.row_at[found]

    def take(self, control_row: int) -> None:
        place = self.place_of[control_row]
        self.left[place] = place - 1
        self.right[place] = place + 1

    def is_free(self, control_row: int) -> bool:
        place = self.place_of[control_row]
        return self.left[place] == place


def _follow(pointers: list[int], place: int) -> int:
    """End of the chain of pointers, halving the path on the way."""
    while pointers[place] != place:
        pointers[place] = pointers[pointers[place]]
        place = pointers[place]
    return place


def _match_in_turn(controls: _FreeControls, treated_rows: list[int]) -> Iterator[tuple[int, int]]:
    for treated_row in treated_rows:
        nearest = controls.find_nearest(treated_row)
        if nearest is not None:
            controls.take(nearest[1])
            yield treated_row, nearest[1]


def _match_closest(controls: _FreeControls, treated_rows: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """The smallest difference first; whoever finds the control taken looks again and queues anew.

    Of equal differences, MatchIt serves the one queued anew last first, then those of the first round in data order.
    """
    queue: list[tuple[float, int, int, int]] = []

    def enqueue(treated_row: int, n_requeued: int) -> None:
        nearest = controls.find_nearest(treated_row)
        if nearest is not None:
            heapq.heappush(queue, (nearest[0], -n_requeued, treated_row, nearest[1]))

    for treated_row in treated_rows.tolist():
        enqueue(treated_row, 0)
    n_requeued = 0
    while queue:
        _, _, treated_row, control_row = heapq.heappop(queue)
        if controls.is_free(control_row):
            controls.take(control_row)
            yield treated_row, control_row
        else:
            n_requeued += 1
            enqueue(treated_row, n_requeued)
