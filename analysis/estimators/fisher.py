"""Fisher's exact test of a table of counts of any size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

TIE_TOLERANCE = 1e-7  # two tables whose probabilities differ by less, relatively, are equally likely (R's value)
NEGLIGIBLE = (
    -50.0
)  # log of the share of p that an item may have at most to be left out: a thousand million make 2e-13 of p
LEFT_OUT = 1e-13  # the share of p that all nodes left out at the end may have at most
EQUAL_WEIGHTS = 1e-10  # log weights closer than this differ by rounding
Cells = tuple[int, ...]  # counts in all columns but the last, whose count the total tells


@dataclass(frozen=True)
class _Row:
    """The ways to fill a row: the log weight of each at its cells, from `first` onwards; -inf where there is none."""

    first: Cells
    weights: NDArray[np.float64]


def compute_fisher_p(table: NDArray[np.int64]) -> float:
    """Total probability of the tables with the margins of this one that are no likelier (Freeman and Halton 1951).

    Two-sided, as R's `fisher.test`; exact but for rounding and for what `NEGLIGIBLE` and `LEFT_OUT` leave out, ten digits in all.
    The rows are dealt into two halves. What the first half takes of the columns is a node, as in the network algorithm
    (Mehta and Patel 1983, doi:10.1080/01621459.1983.10477989); a table through it is a way to fill the one half and a way
    to fill the other, so that sorted weights of the one tell for each way of the other how many count (Horowitz and Sahni
    1974, doi:10.1145/321812.321823), and no table need be looked at by itself.

    - `table`: counts of shape (levels, arms), no empty row or column. Meant for two or three arms of any size: the ways to
      fill a row with five and more are too many.
    """
    rows = table if table.shape[0] >= table.shape[1] else table.T
    return _Tables(rows).sum_unlikely()


class _Tables:
    """All tables with the margins of one; the log weight of a table or a part of it is minus its cells' log factorials."""

    def __init__(self, observed: NDArray[np.int64]) -> None:
        self.log_factorials = gammaln(np.arange(observed.sum() + 1) + 1.0)
        self.columns = observed.sum(axis=0)
        self.limit = float(self._weigh(observed)) + TIE_TOLERANCE
        totals = observed.sum(axis=1)
        self.log_all = float(self.log_factorials[totals.sum()] + self._weigh(totals) + self._weigh(self.columns))
        self.least_log_p = float(self._weigh(observed)) - self.log_all  # the observed table counts
        self.halves = self._deal(totals)

    def _weigh(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        return -self.log_factorials[counts].sum()

    def _weigh_ways(self, total: int, rows: NDArray[np.int64], taken: list[NDArray[np.int64]]) -> NDArray[np.float64]:
        """Log of the summed weights of all ways in which rows of these totals take so much of every column; -inf where none."""
        last = total - sum(taken)
        weights = np.full(np.shape(last), float(self.log_factorials[total] + self._weigh(rows)))
        for counts, available in zip([*taken, last], self.columns, strict=True):
            is_possible = (counts >= 0) & (counts <= available)
            weights = weights + np.where(is_possible, -self.log_factorials[np.where(is_possible, counts, 0)], -np.inf)
        return weights

    def _deal(self, totals: NDArray[np.int64]) -> list[tuple[list[_Row], NDArray[np.int64]]]:
        """The rows in two halves with about as many ways to fill each, the largest rows first, and their totals."""
        order = np.argsort(-totals, kind="stable")
        halves: list[list[int]] = [[], []]
        n_ways = [1, 1]
        rows = {int(i): self._list_fills(int(totals[i]), np.delete(totals, i)) for i in order}
        for i, row in rows.items():
            smaller = int(n_ways[1] < n_ways[0])
            halves[smaller].append(i)
            n_ways[smaller] *= row.weights.size
        return [([rows[i] for i in half], totals[half]) for half in halves]

    def _list_fills(self, total: int, others: NDArray[np.int64]) -> _Row:
        """The ways to fill a row, without those of negligible probability, in the smallest box that holds them."""
        lowest = np.maximum(0, total - (self.columns.sum() - self.columns))[:-1]
        highest = np.minimum(total, self.columns)[:-1]
        cells = _span(lowest, highest)
        weights = self._weigh_ways(total, np.array([total]), cells)
        rest = [available - counts for available, counts in zip(self.columns[:-1], cells, strict=True)]
        log_p = weights + self._weigh_ways(int(others.sum()), others, rest) - self.log_all
        is_kept = log_p > self.least_log_p + NEGLIGIBLE
        weights = np.where(is_kept, weights, -np.inf)
        kept = np.argwhere(is_kept)
        box = tuple(slice(low, high + 1) for low, high in zip(kept.min(axis=0), kept.max(axis=0), strict=True))
        return _Row(tuple((lowest + kept.min(axis=0)).tolist()), weights[box])

    def _list_nodes(self) -> Iterator[tuple[Cells, float, float, float]]:
        """What the first half can take, the likeliest first: its cells, the log weights of both halves' ways, all that is to come.

        The last is the summed probability of this node and those after it.
        """
        (rows, totals), (_, others) = self.halves
        lowest = np.sum([row.first for row in rows], axis=0)
        cells = _span(lowest, lowest + np.sum([np.array(row.weights.shape) - 1 for row in rows], axis=0))
        ways = self._weigh_ways(int(totals.sum()), totals, cells)
        rest = [available - counts for available, counts in zip(self.columns[:-1], cells, strict=True)]
        ways_on = self._weigh_ways(int(others.sum()), others, rest)
        log_p = (ways + ways_on - self.log_all).ravel()
        order = np.argsort(-log_p, kind="stable")
        order = order[: np.count_nonzero(log_p > -np.inf)]
        to_come = np.exp(log_p[order])[::-1].cumsum()[::-1]
        for place, left in zip(order.tolist(), to_come.tolist(), strict=True):
            at = np.unravel_index(place, ways.shape)
            node = tuple(int(low + step) for low, step in zip(lowest, at, strict=True))
            yield node, float(ways[at]), float(ways_on[at]), left

    def sum_unlikely(self) -> float:
        """The summed probability of the tables that are no likelier than the one observed."""
        (first, _), (second, _) = self.halves
        known: tuple[dict[tuple[int, Cells], _Ways], ...] = ({}, {})
        counted = 0.0
        for node, ways, ways_on, to_come in self._list_nodes():
            if to_come < LEFT_OUT * counted:
                break
            least = max(self.least_log_p, math.log(counted) if counted else -math.inf) + NEGLIGIBLE + self.log_all
            rest = tuple(int(have - used) for have, used in zip(self.columns[:-1], node, strict=True))
            one = _list_ways(first, node, known[0]).drop_below(least - ways_on)
            other = _list_ways(second, rest, known[1]).drop_below(least - ways)
            if len(one.weights) and len(other.weights):
                counted += _sum_pairs(one, other, self.limit, self.log_all)
        return min(counted, 1.0)


def _span(lowest: NDArray[np.int64], highest: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The coordinates of every point of a box, ends included: one array per dimension."""
    return list(np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(lowest, highest, strict=True)), indexing="ij"))


@dataclass(frozen=True)
class _Ways:
    """Log weights of ways to fill some rows, and how many ways have each (`None`: one)."""

    weights: NDArray[np.float64]
    counts: NDArray[np.float64] | None = None

    def drop_below(self, least: float) -> _Ways:
        """Without the ways of smaller log weight."""
        is_kept = self.weights > least
        return _Ways(self.weights[is_kept], None if self.counts is None else self.counts[is_kept])

    def exp(self, shift: float) -> NDArray[np.float64]:
        """Their weights, all multiplied by the exponential of the shift."""
        weights = np.exp(self.weights + shift)
        return weights if self.counts is None else weights * self.counts


def _list_ways(rows: list[_Row], taken: Cells, known: dict[tuple[int, Cells], _Ways]) -> _Ways:
    """All ways in which the rows together take so much of the columns; `known` remembers those of fewer rows."""
    if len(rows) == 1:
        return _Ways(_combine(rows[0], None, taken))
    if len(rows) == 2:
        return _Ways(_combine(rows[0], rows[1], taken))
    *before, row = rows
    parts = []
    for place in np.argwhere(row.weights > -np.inf).tolist():
        rest = tuple(have - low - step for have, low, step in zip(taken, row.first, place, strict=True))
        if len(before) > 2 and (len(before), rest) not in known:
            known[len(before), rest] = _merge(_list_ways(before, rest, known))
        ways = known[len(before), rest] if len(before) > 2 else _list_ways(before, rest, known)
        if len(ways.weights):
            parts.append(_Ways(ways.weights + row.weights[tuple(place)], ways.counts))
    return _chain(parts)


def _chain(parts: list[_Ways]) -> _Ways:
    """The ways of all parts together."""
    if not parts:
        return _Ways(np.empty(0))
    weights = np.concatenate([part.weights for part in parts])
    if all(part.counts is None for part in parts):
        return _Ways(weights)
    counts = [np.ones(len(part.weights)) if part.counts is None else part.counts for part in parts]
    return _Ways(weights, np.concatenate(counts))


def _merge(ways: _Ways) -> _Ways:
    """The same ways, those of equal weight counted together."""
    if not len(ways.weights):
        return ways
    order = np.argsort(ways.weights)
    weights = ways.weights[order]
    counts = np.ones(len(weights)) if ways.counts is None else ways.counts[order]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(weights) > EQUAL_WEIGHTS]))
    return _Ways(weights[starts], np.add.reduceat(counts, starts))


def _combine(row: _Row, other: _Row | None, taken: Cells) -> NDArray[np.float64]:
    """Log weights of the ways in which one row, or two, take so much of the columns."""
    inside, mirrored = [], []
    shape = (1,) * len(taken) if other is None else other.weights.shape
    firsts = (0,) * len(taken) if other is None else other.first
    for total, first, size, first_other, size_other in zip(
        taken, row.first, row.weights.shape, firsts, shape, strict=True
    ):
        low = max(first, total - first_other - size_other + 1)
        high = min(first + size - 1, total - first_other)
        if high < low:
            return np.empty(0)
        inside.append(slice(low - first, high - first + 1))
        start, stop = total - low - first_other, total - high - first_other - 1
        mirrored.append(slice(start, stop if stop >= 0 else None, -1))
    weights = row.weights[tuple(inside)]
    return (weights if other is None else weights + other.weights[tuple(mirrored)]).ravel()


def _sum_pairs(one: _Ways, other: _Ways, limit: float, log_all: float) -> float:
    """The summed probability of the pairs of ways whose log weights together are not above the limit."""
    few, many = sorted((one, other), key=lambda ways: len(ways.weights))
    top, top_many = float(few.weights.max()), float(many.weights.max())
    if top + top_many <= limit:
        return float(few.exp(-top).sum() * many.exp(top - log_all).sum())
    if few.counts is None:
        few = _Ways(np.sort(few.weights))
    else:
        order = np.argsort(few.weights)
        few = _Ways(few.weights[order], few.counts[order])
    sums = np.concatenate([[0.0], few.exp(-top).cumsum()])
    n_counted = np.searchsorted(few.weights, limit - many.weights, side="right")
    return float((many.exp(top - log_all) * sums[n_counted]).sum())
