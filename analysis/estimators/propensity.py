"""Propensity score: the probability of treatment given the covariates, by unpenalised logistic regression."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from analysis.estimators.design import Design, encode_design, encode_treatment
from etl.errors import AnalysisError

NEWTON_STEPS = 25
NEWTON_TOLERANCE = 1e-12
SEPARATION_TOLERANCE = 1e-7
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
    frame: pl.DataFrame, treated: str | ArrayLike, covariates: Sequence[str], *, epsilon: float | None = None
) -> Propensity:
    """Fit P(treated | covariates) by maximum likelihood (Rosenbaum and Rubin 1983, doi:10.1093/biomet/70.1.41).

    scikit-learn finds the maximum on scaled columns without penalty; Newton steps then carry it to the precision
    of the machine.

    - `frame`: one row per patient.
    - `treated`: name of the arm column (0/1 or Boolean), or its values.
    - `covariates`: columns of the frame.
    - `epsilon`: stop where R's `glm.control(epsilon)` does, from the same start, to give the digits that R prints:
      its 1e-8 stops about 1e-8 (relatively) short of the maximum. `None` goes to the maximum.

    Raises `AnalysisError` for an unusable covariate, a collinear column, (quasi-)separation or no convergence.
    """
    if not covariates:
        raise AnalysisError("propensity score: no covariate", "倾向评分：没有协变量")
    design = encode_design(frame, covariates)
    is_treated = encode_treatment(frame, treated)
    columns = design.to_numpy()
    means, scales = columns.mean(axis=0), columns.std(axis=0)
    scaled = np.column_stack([np.ones(len(columns)), (columns - means) / scales])
    _check_rank(scaled, design)
    beta = _maximise_likelihood(scaled, is_treated, design, epsilon)
    logit = (scaled * beta).sum(axis=1)  # not a matrix product, which may round equal rows differently
    slopes = beta[1:] / scales
    coefficients = {"(Intercept)": float(beta[0] - slopes @ means)}
    coefficients |= {name: float(slope) for name, slope in zip(design.names, slopes, strict=True)}
    return Propensity(coefficients, expit(logit), logit, design)


def _check_rank(scaled: NDArray[np.float64], design: Design) -> None:
    """Refuse a column that the columns before it already determine."""
    diagonal = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
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
    start = _start_at_maximum(scaled, is_treated) if epsilon is None else _start_like_glm(scaled, is_treated)
    beta, has_converged = _refine(scaled, is_treated, start, epsilon)
    is_suspicious = not has_converged or np.abs(scaled @ beta).max() > SUSPICIOUS_LOGIT
    culprits = find_separation(scaled, is_treated, ("(Intercept)", *design.names)) if is_suspicious else ()
    if culprits:
        raise AnalysisError(
            f"propensity score: the arms are separated by {', '.join(culprits)}; merge levels or drop the covariate",
            f"倾向评分：{'、'.join(culprits)} 完全（或准完全）区分两组；请合并类别或去掉该协变量",
        )
    if not has_converged:
        raise AnalysisError("propensity score: the logistic regression did not converge", "倾向评分：逻辑回归未收敛")
    return beta


def _start_at_maximum(scaled: NDArray[np.float64], is_treated: NDArray[np.bool_]) -> NDArray[np.float64]:
    model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8, max_iter=1000)
    with warnings.catch_warnings():  # a start that stopped early is carried on, or refused, later
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(scaled, is_treated).coef_[0]


def _start_like_glm(scaled: NDArray[np.float64], is_treated: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The first least-squares step of R's `glm`, which starts at probabilities of 1/4 and 3/4.

    All weights are equal there, and the working response is -(log 3 + 4/3) for controls, + for treated.
    """
    return np.linalg.lstsq(scaled, np.where(is_treated, 1.0, -1.0) * (np.log(3) + 4 / 3))[0]


def _refine(
    scaled: NDArray[np.float64], is_treated: NDArray[np.bool_], beta: NDArray[np.float64], epsilon: float | None
) -> tuple[NDArray[np.float64], bool]:
    """Newton steps until nothing changes or, given `epsilon`, the deviance hardly does; and whether they got there."""
    deviance = _compute_deviance(scaled @ beta, is_treated)
    for _ in range(NEWTON_STEPS):
        probability = expit(scaled @ beta)
        information = (scaled.T * (probability * (1 - probability))) @ scaled
        try:
            step = np.linalg.solve(information, scaled.T @ (is_treated - probability))
        except np.linalg.LinAlgError:
            return beta, False
        beta, before = beta + step, deviance
        deviance = _compute_deviance(scaled @ beta, is_treated)
        if epsilon is None:
            has_arrived = np.abs(step).max() <= NEWTON_TOLERANCE * max(1.0, np.abs(beta).max())
        else:
            has_arrived = abs(deviance - before) < epsilon * (abs(deviance) + 0.1)
        if has_arrived:
            return beta, True
    return beta, False


def _compute_deviance(logit: NDArray[np.float64], is_treated: NDArray[np.bool_]) -> float:
    return float(2 * np.logaddexp(0, np.where(is_treated, -logit, logit)).sum())


def find_separation(
    columns: NDArray[np.float64], is_treated: NDArray[np.bool_], names: Sequence[str]
) -> tuple[str, ...]:
    """Names of as few columns as suffice to leave a logistic likelihood without a maximum; empty when it has one."""
    if not _is_separated(columns, is_treated):
        return ()
    kept = np.ones(len(names), dtype=bool)
    for position in range(1, len(names)):  # the first is the intercept
        kept[position] = False
        kept[position] = not _is_separated(columns[:, kept], is_treated)
    return tuple(name for name, is_needed in zip(names[1:], kept[1:], strict=True) if is_needed)


def _is_separated(columns: NDArray[np.float64], is_treated: NDArray[np.bool_]) -> bool:
    """Whether some direction b has x.b >= 0 for every treated and <= 0 for every other row, and not 0 throughout.

    Exactly then the likelihood rises for ever; a linear programme looks for b (Konis 2007, DPhil thesis, Oxford).
    """
    signed = np.where(is_treated[:, None], columns, -columns)
    result = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1))
    return result.status == 0 and -result.fun > SEPARATION_TOLERANCE
