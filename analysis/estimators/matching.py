"""Nearest-neighbour matching without replacement on a single distance, such as a propensity score."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from analysis.estimators.design import encode_arms, encode_labels, read_array
from etl.errors import AnalysisError

MatchingOrder = Literal["largest", "smallest", "data", "closest"]

SAME = 1e-10
"""Distances that differ by less are equal: a score is rounded otherwise on another machine, and the left control is taken there as here."""
NO_CONTROL = "no control in the stratum"
OUTSIDE_CALIPER = "no control within the caliper"
CONTROLS_TAKEN = "every control within reach went to others"
NOT_CHOSEN = "not chosen"
REASONS = (NO_CONTROL, OUTSIDE_CALIPER, CONTROLS_TAKEN, NOT_CHOSEN)


@dataclass(frozen=True)
class Matches:
    """Who was matched with whom, and who was left out.

    - `pairs`: one row per treated patient and matched control, in the order of the treated patients in the data:
      `pair` (number of the matched set, from 1), `treated_row`, `control_row` (positions from 0), `difference`
      (distance of the treated minus that of the control). A treated patient with k controls has k rows.
    - `unmatched`: `row`, `is_treated` and `reason` of everybody else, in the order of the data.
    - `caliper`: the largest difference allowed, in units of the distance; `None` without a caliper.
    """

    pairs: pl.DataFrame
    unmatched: pl.DataFrame
    caliper: float | None

    @property
    def estimand(self) -> Literal["treated", "matched"]:
        """Whose effect the matched sample estimates: all treated patients' (ATT), or that of those matched only."""
        return "matched" if self.unmatched["is_treated"].any() else "treated"

    def compute_weights(self) -> NDArray[np.float64]:
        """One weight per patient: 0 unmatched, 1 treated, a control's share of its set, mean 1 (as MatchIt's)."""
        weights = np.zeros(self.unmatched.height + self.pairs["pair"].n_unique() + self.pairs.height)
        share = 1 / self.pairs.select(pl.len().over("pair")).to_series().to_numpy()
        weights[self.pairs["treated_row"].to_numpy()] = 1
        weights[self.pairs["control_row"].to_numpy()] = share * len(share) / share.sum()
        return weights


def match_nearest(
    distance: ArrayLike,
    treated: ArrayLike,
    *,
    caliper_sd: float | None,
    caliper_width: float | None = None,
    order: MatchingOrder = "largest",
    exact: ArrayLike | None = None,
    ratio: int = 1,
) -> Matches:
    """Match every treated patient with the nearest controls still free, greedily.

    On MatchIt's own example the pairs are those of MatchIt 4.7.2 (four settings).

    - `distance`: one finite number per patient (probability, logit, ...).
    - `treated`: Boolean or 0/1, one per patient; treated patients choose, controls are chosen.
    - `caliper_sd`: largest difference allowed within a pair, inclusive, in standard deviations (n - 1) of the
      distance over both arms together (Austin 2011, doi:10.1002/pst.433, takes 0.2 of the logit); `None` sets
      no limit.
    - `caliper_width`: the same in units of the distance; where it is given, it takes the place of `caliper_sd`.
    - `order`: who chooses first: `largest` or `smallest` distance, `data` order, or the `closest` possible pair.
    - `exact`: a label per patient (hospital, ...); only patients of one label are matched with each other.
    - `ratio`: controls per treated patient, at most; they are chosen in rounds, so that nobody has a second control
      before everybody has had the chance of a first.

    Equal distances choose in data order (`closest`: see `_match_closest`). Of two controls equally near, the one to
    the left in the stably sorted distances is taken, and on one side the one next to the treated patient.

    Raises `AnalysisError` for a missing distance or label, an empty arm, or when no pair can be made.
    """
    values = read_array(distance).astype(float)
    is_treated = encode_arms(treated)
    labels = np.zeros(len(values), dtype=int)
    if exact is not None:
        _, labels = encode_labels(exact, "matching: stratum", "匹配：分层变量")
    if not len(values) == len(is_treated) == len(labels) or ratio < 1:
        raise ValueError(f"{len(values)} distances, {len(is_treated)} arms, {len(labels)} strata, ratio 1:{ratio}")
    if not np.isfinite(values).all():
        raise AnalysisError("matching: the distance is missing or infinite for some patients", "匹配：部分患者缺少距离")
    caliper = _compute_caliper(values, caliper_sd, caliper_width)
    strata = _split_strata(labels, is_treated)
    rows = np.concatenate(
        [members[_match_stratum(values[members], is_treated[members], caliper, order, ratio)] for members in strata]
    )
    if not len(rows):
        raise AnalysisError(
            "matching: no treated patient has a control within the caliper and the stratum",
            "匹配：没有任何处理组患者在卡钳值与分层内有对照",
        )
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    reasons = _explain_unmatched(values, is_treated, strata, caliper, rows)
    return Matches(_tabulate_pairs(values, rows), reasons, None if np.isinf(caliper) else caliper)


def _compute_caliper(values: NDArray[np.float64], caliper_sd: float | None, caliper_width: float | None) -> float:
    if caliper_width is not None:
        return caliper_width
    return np.inf if caliper_sd is None else caliper_sd * float(values.std(ddof=1))


def _split_strata(labels: NDArray[np.intp], is_treated: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the rows of every stratum that has somebody to match, ascending."""
    order = np.argsort(labels, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return [members for members in parts if is_treated[members].any()]


def _tabulate_pairs(values: NDArray[np.float64], rows: NDArray[np.int64]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "pair": np.concatenate([[1], 1 + (np.diff(rows[:, 0]) != 0).cumsum()]),
            "treated_row": rows[:, 0],
            "control_row": rows[:, 1],
            "difference": values[rows[:, 0]] - values[rows[:, 1]],
        }
    )


def _explain_unmatched(
    values: NDArray[np.float64],
    is_treated: NDArray[np.bool_],
    strata: list[NDArray[np.intp]],
    caliper: float,
    rows: NDArray[np.int64],
) -> pl.DataFrame:
    """Everybody who is in no pair, and why; a reason is a place in `REASONS` until the last line."""
    is_left_out = np.ones(len(values), dtype=bool)
    is_left_out[rows] = False
    reasons = np.where(is_treated, REASONS.index(CONTROLS_TAKEN), REASONS.index(NOT_CHOSEN))
    for members in strata:
        searching = members[is_treated[members] & is_left_out[members]]
        controls = np.sort(values[members[~is_treated[members]]])
        if not len(controls):
            reasons[searching] = REASONS.index(NO_CONTROL)
            continue
        places = np.searchsorted(controls, values[searching])
        around = controls[np.clip([places - 1, places], 0, len(controls) - 1)]
        nearest = np.abs(around - values[searching]).min(axis=0)
        reasons[searching[nearest > caliper]] = REASONS.index(OUTSIDE_CALIPER)
    left_out = np.flatnonzero(is_left_out)
    texts = pl.Series(REASONS, dtype=pl.String)
    return pl.DataFrame(
        {"row": left_out, "is_treated": is_treated[left_out], "reason": texts.gather(reasons[left_out])}
    )


def _match_stratum(
    values: NDArray[np.float64], is_treated: NDArray[np.bool_], caliper: float, order: MatchingOrder, ratio: int
) -> NDArray[np.int64]:
    """Treated and control row of every pair, in the order in which they are made."""
    controls = _FreeControls(values, is_treated, caliper)
    treated_rows = np.flatnonzero(is_treated)
    pairs: list[tuple[int, int]] = []
    for _ in range(ratio):
        if order == "closest":
            pairs += _match_closest(controls, treated_rows)
        else:
            pairs += _match_in_turn(controls, _sort_treated(values, treated_rows, order))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


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
        difference, found = (to_left, left) if to_left <= to_right + SAME else (to_right, right)
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
