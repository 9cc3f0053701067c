"""Whether a Cox model's likelihood has a largest value, or grows for ever along a direction of its coefficients.

The partial likelihood grows without end along b where, at every event, nobody at risk has a larger b'x than the patient with the event, and
somebody a smaller one (Heinze and Schemper 2001, doi:10.1111/j.0006-341X.2001.00114.x). That is decided exactly, by linear programmes over the
risk sets, whatever the number of events in each group.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import block_array, coo_array, csr_array

_DIRECTION = 1e-6
"""Directions are sought among coefficients from -1 to 1; the ends are reached where there are any."""


def find_endless(
    times: NDArray[np.float64],
    events: NDArray[np.bool_],
    covariates: NDArray[np.float64],
    strata: NDArray[np.intp] | None = None,
    entries: NDArray[np.float64] | None = None,
) -> NDArray[np.bool_]:
    """Return which of the coefficients run to infinity as the likelihood grows: all False where it has a largest value.

    `covariates` has a row per patient and a column per coefficient. Ties are as Efron and Breslow take them: patients with an event at
    one time are at risk together. With `entries` a patient is at risk from entry, exclusive.
    """
    p = covariates.shape[1]
    scale = np.ptp(covariates, axis=0)
    bounds = [(-1.0, 1.0)] * p
    scaled = covariates / np.where(scale > 0, scale, 1)
    groups = np.zeros(len(times), dtype=np.intp) if strata is None else strata
    if entries is None:
        matrix, n_levels = _write_risk_sets(times, events, scaled, groups)
    else:
        matrix, n_levels = _write_intervals(entries, times, events, scaled, groups)
    limits = np.zeros(len(matrix.indptr) - 1)
    free = [(None, None)] * n_levels
    endless = np.zeros(p, dtype=bool)
    for place in range(p):
        for sign in (1.0, -1.0):
            aim = np.zeros(p + n_levels)
            aim[place] = -sign
            found = linprog(aim, A_ub=matrix, b_ub=limits, bounds=[*bounds, *free], method="highs")
            endless[place] |= bool(found.success and -found.fun > _DIRECTION)
    return endless


def _write_risk_sets(
    times: NDArray[np.float64],
    events: NDArray[np.bool_],
    covariates: NDArray[np.float64],
    groups: NDArray[np.intp],
) -> tuple[csr_array, int]:
    """Return the inequalities `matrix @ (b, level) <= 0`, and how many levels there are.

    A level is the largest b'x of those at risk at one time of a stratum: no less than that of a later time and than b'x of whoever leaves at its
    own; whoever has an event reaches it. So the inequalities grow with the patients, not with pairs of them.
    """
    order = np.lexsort((times, groups))
    is_new = np.diff(groups[order]) != 0
    starts = np.concatenate([[True], is_new | (np.diff(times[order]) != 0)])
    level = np.empty(len(times), dtype=np.intp)
    level[order] = np.cumsum(starts) - 1
    n_levels = int(starts.sum())
    stratum_of_level = groups[order][starts]
    earlier = np.flatnonzero(np.diff(stratum_of_level) == 0)
    n, p = covariates.shape
    reached = np.flatnonzero(events)
    own, other = np.full(len(earlier), -1.0), np.ones(len(earlier))
    blocks = [
        [coo_array(covariates), _place(np.full(n, -1.0), level, n_levels)],
        [coo_array(-covariates[reached]), _place(np.ones(len(reached)), level[reached], n_levels)],
        [coo_array((len(earlier), p)), _place(own, earlier, n_levels) + _place(other, earlier + 1, n_levels)],
    ]
    return csr_array(block_array(blocks)), n_levels


def _write_intervals(
    entries: NDArray[np.float64],
    times: NDArray[np.float64],
    events: NDArray[np.bool_],
    covariates: NDArray[np.float64],
    groups: NDArray[np.intp],
) -> tuple[csr_array, int]:
    """Return the inequalities as `_write_risk_sets` does, where patients also come to be at risk.

    The levels are then those of a segment tree over the event times of all strata: a patient's b'x is below that of the few nodes that make up the
    times at which the patient is at risk, a node's below those of its two halves, and a leaf's is that of whoever has an event then.
    Without entries one chain of levels does the same with a sixth of the work.
    """
    distinct = np.unique(times)
    ranks, width = np.searchsorted(distinct, times), len(distinct) + 1
    leaves = np.unique((groups * width + ranks)[events])
    first = np.searchsorted(leaves, groups * width + np.searchsorted(distinct, entries, side="right"))
    last = np.searchsorted(leaves, groups * width + ranks, side="right")  # one past it
    size = len(leaves)
    patients, nodes = _cover(first, last, size)
    halves = np.arange(2, 2 * size)
    reached = np.flatnonzero(events)
    own, half = np.ones(len(halves)), np.full(len(halves), -1.0)
    p = covariates.shape[1]
    blocks = [
        [coo_array(covariates[patients]), _place(np.full(len(nodes), -1.0), nodes, 2 * size)],
        [coo_array(-covariates[reached]), _place(np.ones(len(reached)), size + last[reached] - 1, 2 * size)],
        [coo_array((len(halves), p)), _place(own, halves // 2, 2 * size) + _place(half, halves, 2 * size)],
    ]
    return csr_array(block_array(blocks)), 2 * size


def _cover(first: NDArray[np.intp], last: NDArray[np.intp], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the nodes that make up each range of leaves (`last` excluded), and whose they are; the leaves are nodes from `size` on."""
    low, high = first + size, last + size
    whose: list[NDArray[np.intp]] = []
    nodes: list[NDArray[np.intp]] = []
    while (is_open := low < high).any():
        takes_low, takes_high = is_open & (low % 2 == 1), is_open & (high % 2 == 1)
        whose += [np.flatnonzero(takes_low), np.flatnonzero(takes_high)]
        nodes += [low[takes_low], high[takes_high] - 1]
        low, high = (low + takes_low) // 2, (high - takes_high) // 2
    return np.concatenate(whose), np.concatenate(nodes)


def _place(values: NDArray[np.float64], columns: NDArray[np.intp], width: int) -> coo_array:
    """Return a matrix with one value a row, in the given column."""
    return coo_array((values, (np.arange(len(values)), columns)), shape=(len(values), width))
