"""The same numbers by other people's code: lifelines for curves and log-rank tests, scikit-learn for the propensity score.

Each function says how far ours is from the peer's, as a distance of which `TOLERANCE` is the most that may be rounding. Of our
code the peers share only the rule, which is R's and not theirs, of which times are equal. They are slow to import, and
only a run of a study needs them. Weighted cohorts are not among it: they are held to R.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from analysis.estimators.design import is_categorical
from analysis.estimators.times import check_times

TOLERANCE = 1e-6
"""A thousandth of the last digit that is printed of a survival (0.1 %) and of a statistic. Rounding reaches 5e-10, that of the results' digits."""
NEWTON_TOLERANCE = 1e-12
NEWTON_STEPS = 100


def measure_curve(time: ArrayLike, event: ArrayLike, at: ArrayLike, survival: ArrayLike) -> float:
    """Return the largest difference of a Kaplan-Meier curve from that of lifelines; infinite where it has other times.

    `time` and `event` are the patients', `at` the curve's times (0 and every distinct time of theirs), `survival` its values.
    """
    from lifelines import KaplanMeierFitter

    peer = KaplanMeierFitter().fit(*check_times(time, event)).survival_function_
    if not np.array_equal(peer.index.to_numpy(), np.asarray(at)):
        return float("inf")
    return _find_largest(peer.to_numpy()[:, 0] - np.asarray(survival))


def measure_logrank(time: ArrayLike, event: ArrayLike, group: ArrayLike, chi_square: float | None) -> float:
    """Return the difference of a log-rank chi-square from that of lifelines, relative to the peer's where that is above 1.

    Where there is no test, since events say nothing of a difference (none, one group alone, all at risk have theirs at once), the peer must have none either: its
    statistic is then 0 or no number.
    """
    from lifelines.statistics import multivariate_logrank_test

    times, events = check_times(time, event)
    groups = np.asarray(group)
    if chi_square is None and (not events.any() or len(np.unique(groups)) < 2):
        return 0.0
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # a peer without a variance divides by it
        warnings.simplefilter("ignore")
        peer = float(multivariate_logrank_test(times, groups, events).test_statistic)
    if chi_square is None:
        return float("inf") if np.isfinite(peer) and peer > TOLERANCE else 0.0
    return _find_largest((chi_square - peer) / max(1.0, peer))


def measure_score(frame: pl.DataFrame, covariates: Sequence[str], treated: ArrayLike, logit: ArrayLike) -> float:
    """Return the largest difference of a propensity score's linear predictor from that of scikit-learn, patient by patient.

    It is relative to the peer's largest value where that is above 1: towards a separation of the arms the likelihood is ever flatter.
    The peer encodes and scales the covariates itself. Its regression is without penalty (`C` infinite), which it is not
    unless told, and takes Newton's steps: what it does unless told stops some 1e-3 away.
    """
    from sklearn.linear_model import LogisticRegression

    columns = _encode_by_peer(frame, covariates)
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=NEWTON_TOLERANCE, max_iter=NEWTON_STEPS)
    with warnings.catch_warnings():  # a peer that stopped early is told by the difference
        warnings.simplefilter("ignore")
        peer = model.fit(columns, np.asarray(treated)).decision_function(columns)
    return _find_largest((np.asarray(logit) - peer) / max(1.0, float(np.abs(peer).max())))


def _encode_by_peer(frame: pl.DataFrame, covariates: Sequence[str]) -> NDArray[np.float64]:
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    chosen = frame.select(covariates)
    is_level = [is_categorical(column) for column in chosen]
    levels = chosen[:, is_level].cast(pl.String).to_numpy()
    numbers = chosen[:, [not level for level in is_level]].cast(pl.Float64).to_numpy()
    encoded = [OneHotEncoder(drop="first", sparse_output=False).fit_transform(levels)] if any(is_level) else []
    return StandardScaler().fit_transform(np.hstack([*([] if all(is_level) else [numbers]), *encoded]))


def _find_largest(differences: ArrayLike) -> float:
    """The largest absolute difference; infinite where one is not a number."""
    sizes = np.abs(np.asarray(differences, dtype=float))
    return float("inf") if np.isnan(sizes).any() else float(sizes.max())
