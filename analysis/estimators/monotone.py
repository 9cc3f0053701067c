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
) -> NDArray[np.bool_]:
    """Return which of the coefficients run to infinity as the likelihood grows: all False where it has a largest value.

    `covariates` has a row per patient and a column per coefficient. Ties are as Efron and Breslow take them: patients with an event at
    one time are at risk together.
    """
    p = covariates.shape[1]
    scale = np.ptp(covariates, axis=0)
    bounds = [(-1.0, 1.0)] * p
    matrix, n_levels = _write_risk_sets(times, events, covariates / np.where(scale > 0, scale, 1), strata)
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
    strata: NDArray[np.intp] | None,
) -> tuple[csr_array, int]:
    """Return the inequalities `matrix @ (b, level) <= 0`, and how many levels there are.

    A level is the largest b'x of those at risk at one time of a stratum: no less than that of a later time and than b'x of whoever leaves at its
    own; whoever has an event reaches it. So the inequalities grow with the patients, not with pairs of them.
    """
    groups = np.zeros(len(times), dtype=np.intp) if strata is None else strata
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


def _place(values: NDArray[np.float64], columns: NDArray[np.intp], width: int) -> coo_array:
    """Return a matrix with one value a row, in the given column."""
    return coo_array((values, (np.arange(len(values)), columns)), shape=(len(values), width))
