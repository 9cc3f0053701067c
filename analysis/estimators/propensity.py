"""Propensity score: the probability of treatment given the covariates, by unpenalised logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from analysis.estimators.design import Design, FrameLike, encode_design, encode_treatment, read_frame
from etl.errors import AnalysisError

NEWTON_STEPS = 100
NEWTON_HALVINGS = 30
NEWTON_TOLERANCE = 1e-12
DEVIANCE_NOISE = 1e-9  # a deviance that grows by less, relatively, has not grown
SEPARATION_TOLERANCE = 1e-7
FIRST_ROWS = 200  # so many rows the linear programme starts with, and at most so many are added at a time
SUSPICIOUS_LOGIT = 12.0  # a fitted probability within 6e-6 of 0 or 1 may be one that runs to it


@dataclass(frozen=True)
class Propensity:
    """A fitted propensity model.

    `coefficients` maps `(Intercept)` and every column of `design` to its coefficient on the original scale;
    `probability` and `logit` hold the fitted score row by row, in the order of the frame.
    """

    coefficients: dict[str, float]
    probability: NDArray[np.float64]
    logit: NDArray[np.float64]
    design: Design


def fit_propensity(
    frame: FrameLike, treated: str | ArrayLike, covariates: Sequence[str], *, epsilon: float | None = None
) -> Propensity:
    """Fit P(treated | covariates) by maximum likelihood (Rosenbaum and Rubin 1983, doi:10.1093/biomet/70.1.41).

    Newton steps on scaled columns, from no effect at all, go to the precision of the machine. A step that would worsen the
    fit is halved: the likelihood has one peak, so that they find it wherever it has one.

    - `frame`: one row per patient.
    - `treated`: name of the arm column (0/1 or Boolean), or its values.
    - `covariates`: columns of the frame.
    - `epsilon`: stop where R's `glm.control(epsilon)` does, from the same start, to give the digits that R prints:
      its 1e-8 stops about 1e-8 (relatively) short of the maximum. `None` goes to the maximum.

    Raises `AnalysisError` for an unusable covariate, a collinear column, (quasi-)separation or no convergence.
    """
    if not covariates:
        raise AnalysisError("propensity score: no covariate", "倾向评分：没有协变量")
    frame = read_frame(frame)
    design = encode_design(frame, covariates)
    is_treated = encode_treatment(frame, treated)
    scaled, means, scales = _scale_columns(design)
    _check_rank(scaled, design)
    beta = _maximise_likelihood(scaled, is_treated, design, epsilon)
    # not a matrix product, which may round equal rows differently
    logit = np.concatenate([(block * beta).sum(axis=1) for block in _cut_blocks(scaled, len(beta))])
    slopes = beta[1:] / scales
    coefficients = {"(Intercept)": float(beta[0] - slopes @ means)}
    coefficients |= {name: float(slope) for name, slope in zip(design.names, slopes, strict=True)}
    return Propensity(coefficients, expit(logit), logit, design)


def _scale_columns(design: Design) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The columns with mean 0 and standard deviation 1 behind one of ones, and the means and deviations they had."""
    columns = [column.to_numpy() for column in design.matrix]
    means, scales = np.array([(column.mean(), column.std()) for column in columns]).T
    scaled = np.ones((design.matrix.height, len(columns) + 1))
    for place, column in enumerate(columns):
        scaled[:, place + 1] = (column - means[place]) / scales[place]
    return scaled, means, scales


def _cut_blocks(rows: NDArray[Any], n_columns: int) -> list[NDArray[Any]]:
    """The same rows in blocks that stay in the processor's cache while they are worked on.

    They are small enough that the products of `n_columns` columns are not shared out among threads (OpenBLAS does so from 8,192
    cells and 262,144 multiplications), which wait for each other longer than they work.
    """
    size = max(1, min(6_000 // n_columns, 2**17 // n_columns**2))
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _check_rank(scaled: NDArray[np.float64], design: Design) -> None:
    """Refuse a column that the columns before it already determine."""
    triangle = np.empty((0, scaled.shape[1]))
    for block in _cut_blocks(
        scaled, scaled.shape[1]
    ):  # the triangle of all rows is that of the last ones below that of those before
        triangle = np.linalg.qr(np.concatenate([triangle, block]), mode="r")
    diagonal = np.abs(np.diag(triangle))
    if len(scaled) < scaled.shape[1]:
        raise AnalysisError("propensity score: more coefficients than patients", "倾向评分：系数个数多于患者人数")
    aliased = [name for name, size in zip(design.names, diagonal[1:], strict=True) if size < 1e-9 * diagonal[0]]
    if aliased:
        raise AnalysisError(
            f"propensity score: {', '.join(aliased)} is determined by the covariates before it (collinear)",
            f"倾向评分：{'、'.join(aliased)} 可由前面的协变量完全推出（共线）",
        )


def _maximise_likelihood(
    scaled: NDArray[np.float64], is_treated: NDArray[np.bool_], design: Design, epsilon: float | None
) -> NDArray[np.float64]:
    """Maximum-likelihood coefficients of the scaled columns, intercept first."""
    start = np.zeros(scaled.shape[1]) if epsilon is None else _start_like_glm(scaled, is_treated)
    beta, has_converged = _refine(scaled, is_treated, start, epsilon)
    largest = max(np.abs(block @ beta).max() for block in _cut_blocks(scaled, len(beta)))
    is_suspicious = not has_converged or largest > SUSPICIOUS_LOGIT
    culprits = find_separation(scaled, is_treated, ("(Intercept)", *design.names)) if is_suspicious else ()
    if culprits:
        raise AnalysisError(
            f"propensity score: the arms are separated by {', '.join(culprits)}; merge levels or drop the covariate",
            f"倾向评分：{'、'.join(culprits)} 完全（或准完全）区分两组；请合并类别或去掉该协变量",
        )
    if not has_converged:
        raise AnalysisError("propensity score: the logistic regression did not converge", "倾向评分：逻辑回归未收敛")
    return beta


def _start_like_glm(scaled: NDArray[np.float64], is_treated: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The first least-squares step of R's `glm`, which starts at probabilities of 1/4 and 3/4.

    All weights are equal there, and the working response is -(log 3 + 4/3) for controls, + for treated.
    """
    return np.linalg.lstsq(scaled, np.where(is_treated, 1.0, -1.0) * (np.log(3) + 4 / 3))[0]


def _refine(
    scaled: NDArray[np.float64], is_treated: NDArray[np.bool_], beta: NDArray[np.float64], epsilon: float | None
) -> tuple[NDArray[np.float64], bool]:
    """Newton steps until nothing changes or, given `epsilon`, the deviance hardly does; and whether they got there."""
    deviance, score, information = _sum_likelihood(scaled, is_treated, beta)
    for _ in range(NEWTON_STEPS):
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            return beta, False
        if epsilon is None and np.abs(step).max() <= NEWTON_TOLERANCE * max(1.0, np.abs(beta).max()):
            return beta + step, True
        before = deviance
        for _ in range(NEWTON_HALVINGS):
            deviance, score, information = _sum_likelihood(scaled, is_treated, beta + step)
            if deviance <= before + DEVIANCE_NOISE * (before + 0.1):
                break
            step /= 2
        beta = beta + step
        if epsilon is not None and abs(deviance - before) < epsilon * (abs(deviance) + 0.1):
            return beta, True
    return beta, False


def _sum_likelihood(
    scaled: NDArray[np.float64], is_treated: NDArray[np.bool_], beta: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Deviance, score and information at `beta`."""
    deviance, score, information = 0.0, np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
    blocks = zip(_cut_blocks(scaled, len(beta)), _cut_blocks(is_treated, len(beta)), strict=True)
    for rows, treated in blocks:
        logit = rows @ beta
        probability = expit(logit)
        deviance += 2 * float(np.logaddexp(0, np.where(treated, -logit, logit)).sum())
        score += (treated - probability) @ rows
        information += (rows.T * (probability * (1 - probability))) @ rows
    return deviance, score, information


def find_separation(
    columns: NDArray[np.float64], is_treated: NDArray[np.bool_], names: Sequence[str]
) -> tuple[str, ...]:
    """Names of as few columns as suffice to leave a logistic likelihood without a maximum; empty when it has one."""
    rows = _list_distinct(np.where(is_treated[:, None], columns, -columns))
    if not _is_separated(rows):
        return ()
    needed = list(range(len(names)))
    for position in range(1, len(names)):  # the first is the intercept
        others = [place for place, kept in enumerate(needed) if kept != position]
        fewer = _list_distinct(rows[:, others])
        if _is_separated(fewer):
            rows, needed = fewer, [needed[place] for place in others]
    return tuple(names[position] for position in needed[1:])


def _list_distinct(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every row once: equal ones ask for the same."""
    return pl.from_numpy(rows).unique(maintain_order=True).to_numpy()


def _is_separated(signed: NDArray[np.float64]) -> bool:
    """Whether some direction b has x.b >= 0 for every row x, and not 0 throughout; the sign of who is not treated is turned.

    Exactly then the likelihood rises for ever; a linear programme looks for b (Konis 2007, DPhil thesis, Oxford). Few rows
    stand in the way of the best b: those that it breaks are added until there are none.
    """
    from scipy.optimize import linprog  # seldom needed, and slow to import

    asked = np.arange(min(len(signed), FIRST_ROWS))
    while True:
        result = linprog(-signed.sum(axis=0), A_ub=-signed[asked], b_ub=np.zeros(len(asked)), bounds=(-1, 1))
        if result.status != 0 or -result.fun <= SEPARATION_TOLERANCE:
            return False  # even with fewer rows to obey there is no such direction
        room = signed @ result.x
        broken = np.setdiff1d(np.argsort(room)[:FIRST_ROWS], asked)
        broken = broken[room[broken] < -SEPARATION_TOLERANCE]
        if not len(broken):
            return True
        asked = np.concatenate([asked, broken])
