"""Cox proportional hazards models; the one module that imports the `survival` package."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtr
from survival import cox_zph, coxph

from analysis.estimators.chi_square import ChiSquareTest, compute_chi_square
from analysis.estimators.design import Design, FrameLike, encode_design, encode_labels, read_frame
from analysis.estimators.kaplan_meier import compute_z
from analysis.estimators.monotone import find_endless
from analysis.estimators.times import check_intervals, check_times, check_weights
from etl.errors import AnalysisError

Ties = Literal["efron", "breslow"]
RiskSets = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp] | None, NDArray[np.float64] | None]
"""Times, events, strata and entries of the patients: who is at risk when."""
SUSPECT_LOG_RATIO = 5.0
"""A log hazard ratio between the ends of a covariate from which on it is asked whether it is finite; the fitting never stops before where none is."""
_STOPPED = re.compile(r"Ran out of iterations")


@dataclass(frozen=True)
class CoxFit:
    """A fitted Cox model.

    `coefficients` has one row per column of the design: `name`, `term` (its covariate), `level` (null for a
    number), `coef` (log hazard ratio), `std_err` (robust if `is_robust`), `z`, `p`, `hazard_ratio`, `ci_low`,
    `ci_high` ((1 - alpha) Wald limits). Where a coefficient runs to infinity or the fitting did not converge, `coef` and `std_err` are
    where the fitting stopped, and hazard ratio, limits, `z` and `p` are null; `messages` holds what the fitting reported.
    `score` and `likelihood_ratio` take patients as independent; `robust_score` is the score test that does not (from the
    weighted score residuals where no covariate has an effect, added up by cluster), `None` where the fit is not robust.
    """

    coefficients: pl.DataFrame
    n: int
    n_event: int
    is_robust: bool
    loglik_null: float
    loglik: float
    likelihood_ratio: ChiSquareTest
    wald: ChiSquareTest
    score: ChiSquareTest
    robust_score: ChiSquareTest | None
    concordance: float
    concordance_std_err: float
    messages: tuple[str, ...]
    model: Any = field(repr=False, compare=False)

    @property
    def is_finite(self) -> bool:
        """Whether no coefficient runs to infinity."""
        return bool(self.coefficients["hazard_ratio"].is_not_null().all())

    @property
    def has_converged(self) -> bool:
        """Whether the fitting came to its end; where it did not, the likelihood is not the largest."""
        return not any(_STOPPED.search(message) for message in self.messages)


def fit_cox(
    time: ArrayLike,
    event: ArrayLike,
    design: Design | FrameLike,
    *,
    entry: ArrayLike | None = None,
    ties: Ties = "efron",
    strata: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    alpha: float = 0.05,
) -> CoxFit:
    """Fit a Cox model by partial likelihood (Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x), as R's `coxph`.

    - `time`, `event`: as for `fit_kaplan_meier`.
    - `design`: an encoded design, or a frame whose columns are the covariates.
    - `entry`: when each row comes under observation, exclusive, as `Surv(entry, time, event)`: late entry, or a patient
      in several rows whose covariates change (`split_at`). Who is at risk on day 0 enters before 0.
    - `ties`: `efron` (R's default) or `breslow` (the default of SAS, and all that SPSS has).
    - `strata`: a label per patient; each stratum has its own baseline hazard.
    - `weights`: a positive number per patient; standard errors are then robust. With `entry` they need a `cluster`, as
      in R: rows of one patient are not independent.
    - `cluster`: a label per patient (hospital, pair); standard errors are then robust and clustered
      (Lin and Wei 1989, doi:10.1080/01621459.1989.10478874).
    - `alpha`: the limits are (1 - alpha) Wald limits.

    Raises `AnalysisError` for unusable times, no event, a covariate that is missing somewhere, does not vary (as an
    arm when there is only one) or is determined by the others, unusable weights, weights with entries but no cluster.
    """
    encoded = _read_design(design)
    entries, times, events = (None, *check_times(time, event)) if entry is None else check_intervals(entry, time, event)
    _check_model(events, encoded)
    given = None if weights is None else check_weights(weights, len(times), "Cox model", "Cox 模型")
    if given is not None and entries is not None and cluster is None:
        raise AnalysisError(
            "Cox model: weights with entry times need a cluster (the patient)",
            "Cox 模型：有进入时间且加权时须给出聚类变量（患者）",
        )
    stratum = None if strata is None else encode_labels(strata, "Cox model: stratum", "Cox 模型：分层变量")[1]
    clusters = None if cluster is None else encode_labels(cluster, "Cox model: cluster", "Cox 模型：聚类变量")[1]
    sets = (times, events, stratum, entries)
    formula, data = _write_model(encoded, sets)
    is_robust = given is not None or clusters is not None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = coxph(formula, data=data, ties=ties, weights=given, cluster=clusters, robust=is_robust)
    messages = tuple(str(warning.message).strip() for warning in caught)
    return _read_model(model, encoded, messages, sets, compute_z(alpha))


def _write_model(design: Design, sets: RiskSets) -> tuple[str, dict[str, NDArray[Any]]]:
    """The model's formula, and the columns that it names."""
    times, events, stratum, entries = sets
    # Arrays, not lists: the package looks at every value of a list, and takes an array as it is.
    data: dict[str, NDArray[Any]] = {"time": times, "event": events.astype(np.int64)}
    columns = {f"x{i}": column.to_numpy() for i, column in enumerate(design.matrix)}
    response, terms = "Surv(time, event)", list(columns)
    if entries is not None:
        data["entry"], response = entries, "Surv(entry, time, event)"
    if stratum is not None:
        data["stratum"], terms = stratum, [*terms, "strata(stratum)"]
    return f"{response} ~ {' + '.join(terms)}", data | columns


def _read_design(design: Design | FrameLike) -> Design:
    if isinstance(design, Design):
        return design
    frame = read_frame(design)
    return encode_design(frame, frame.columns)


def _check_model(events: NDArray[np.bool_], design: Design) -> None:
    if not events.any():
        raise AnalysisError("Cox model: no events", "Cox 模型：没有结局事件")
    if not design.terms:
        raise AnalysisError("Cox model: no covariate", "Cox 模型：没有协变量")
    if design.matrix.height != len(events):
        raise ValueError(f"design has {design.matrix.height} rows, there are {len(events)} times")


def _name_columns(message: str, design: Design) -> str:
    """The package numbers coefficients in its messages from 1; add the names they stand for."""
    return f"{message} (coefficients in order: {', '.join(design.names)})"


def _read_model(model: Any, design: Design, messages: tuple[str, ...], sets: RiskSets, z: float) -> CoxFit:
    coef = np.asarray(model.coefficients, dtype=float)
    variance = np.asarray(model.var, dtype=float)
    std_err = np.sqrt(np.diag(variance))
    aliased = [
        name
        for name, value, spread in zip(design.names, coef, std_err, strict=True)
        if not (np.isfinite(value) and spread > 0)
    ]
    if aliased:
        raise AnalysisError(
            f"Cox model: {', '.join(aliased)} cannot be estimated (collinear with the other covariates)",
            f"Cox 模型：{'、'.join(aliased)} 无法估计（与其他协变量共线）",
        )
    loglik_null, loglik = model.loglik
    n_terms = len(coef)
    return CoxFit(
        coefficients=_tabulate(coef, std_err, design, _find_infinite(coef, design, messages, sets), z),
        n=int(model.n),
        n_event=int(model.nevent),
        is_robust=bool(model.robust),
        loglik_null=loglik_null,
        loglik=loglik,
        likelihood_ratio=compute_chi_square(2 * (loglik - loglik_null), n_terms),
        wald=compute_chi_square(float(model.wald_test), n_terms),
        score=compute_chi_square(float(model.score), n_terms),
        robust_score=None if model.rscore is None else compute_chi_square(float(model.rscore), n_terms),
        concordance=float(model.concordance["concordance"]),
        concordance_std_err=float(model.concordance["std"]),
        messages=tuple(_name_columns(message, design) for message in messages),
        model=replace(model, assign=_group_columns(design)),
    )


def _find_infinite(
    coef: NDArray[np.float64], design: Design, messages: tuple[str, ...], sets: RiskSets
) -> NDArray[np.bool_]:
    """Return which coefficients run to infinity, or have no estimate since the fitting did not come to its end.

    Only where a coefficient is large or the fitting complains is it asked; the answer is exact (`find_endless`). Estimate and Wald limits of such a
    one would say where the fitting stopped and nothing about the hazard.
    """
    covariates = design.matrix.cast(pl.Float64).to_numpy()
    is_suspect = (np.abs(coef) * np.ptp(covariates, axis=0) > SUSPECT_LOG_RATIO).any() or bool(messages)
    if not is_suspect:
        return np.zeros(len(coef), dtype=bool)
    times, events, strata, entries = sets
    endless = find_endless(times, events, covariates, strata, entries)
    return endless if endless.any() else np.full(len(coef), any(_STOPPED.search(message) for message in messages))


def _tabulate(
    coef: NDArray[np.float64],
    std_err: NDArray[np.float64],
    design: Design,
    is_infinite: NDArray[np.bool_],
    z_limit: float,
) -> pl.DataFrame:
    z = coef / std_err
    with np.errstate(over="ignore"):  # what runs to infinity is left out below
        hazard_ratio, ci_low, ci_high = (np.exp(coef + shift * std_err) for shift in (0, -z_limit, z_limit))
    return pl.DataFrame(
        {
            "name": design.names,
            "term": design.terms,
            "level": pl.Series(design.levels, dtype=pl.String),
            "coef": coef,
            "std_err": std_err,
            "z": z,
            "p": 2 * ndtr(-np.abs(z)),
            "hazard_ratio": hazard_ratio,
            "ci_low": ci_low,
            "ci_high": ci_high,
        }
    ).with_columns(
        pl.when(~pl.lit(pl.Series(is_infinite))).then(pl.col("z", "p", "hazard_ratio", "ci_low", "ci_high")).name.keep()
    )


def _group_columns(design: Design) -> dict[str, tuple[int, ...]]:
    """Column numbers of every covariate, so that a test takes the levels of one covariate together."""
    return {
        term: tuple(i for i, owner in enumerate(design.terms) if owner == term) for term in dict.fromkeys(design.terms)
    }


def compute_likelihood_ratio_p(full: CoxFit, reduced: CoxFit | None = None) -> float:
    """P value of the likelihood-ratio test of a model against one nested in it, or against no covariate at all.

    Raises `AnalysisError` for robust fits, whose likelihood is none, for fits to different patients, and for one that did
    not converge.
    """
    if reduced is None:
        loglik, n_columns = full.loglik_null, 0
    else:
        loglik, n_columns = reduced.loglik, reduced.coefficients.height
        if (full.n, full.n_event, full.loglik_null) != (reduced.n, reduced.n_event, reduced.loglik_null):
            raise AnalysisError(
                "likelihood-ratio test: the two models were fitted to different patients",
                "似然比检验：两个模型所用的患者不同",
            )
    if full.is_robust or (reduced is not None and reduced.is_robust):
        raise AnalysisError(
            "likelihood-ratio test: not defined for a weighted or clustered model",
            "似然比检验：不适用于加权或聚类稳健的模型",
        )
    if not (full.has_converged and (reduced is None or reduced.has_converged)):
        raise AnalysisError("likelihood-ratio test: a model did not converge", "似然比检验：模型未收敛")
    df = full.coefficients.height - n_columns
    if df < 1:
        raise AnalysisError(
            "likelihood-ratio test: the second model is not smaller than the first", "似然比检验：后一个模型并不更小"
        )
    return float(chdtrc(df, 2 * (full.loglik - loglik)))


def compute_wald(fit: CoxFit, term: str) -> ChiSquareTest:
    """Joint Wald test that no column of one covariate has an effect, with the fit's own variance (robust where it is).

    Unlike the likelihood ratio, it is defined for weighted and clustered fits.

    Raises `AnalysisError` where a coefficient of the covariate has no estimate, or their variance no inverse (fewer
    clusters than levels).
    """
    places = fit.coefficients.with_row_index("place").filter(pl.col("term") == term)
    if places.is_empty():
        raise ValueError(f"the model has no covariate {term}")
    if places["hazard_ratio"].null_count():
        raise AnalysisError(f"Wald test: a coefficient of {term} has no estimate", f"Wald 检验：{term} 有系数无法估计")
    index = places["place"].to_numpy()
    coef = places["coef"].to_numpy()
    variance = np.asarray(fit.model.var, dtype=float)[np.ix_(index, index)]
    if np.linalg.matrix_rank(variance, hermitian=True) < len(coef):
        raise AnalysisError(
            f"Wald test: {term} has more levels than its variance tells apart",
            f"Wald 检验：{term} 的方差不足以检验其各水平",
        )
    return compute_chi_square(float(coef @ np.linalg.solve(variance, coef)), len(coef))


def check_proportional_hazards(fit: CoxFit) -> pl.DataFrame:
    """Score test of proportional hazards per covariate and for all (`GLOBAL`), as R's `cox.zph` since survival 3.0.

    Grambsch and Therneau 1994, doi:10.1093/biomet/81.3.515; time is transformed by 1 - Kaplan-Meier. The levels of
    a categorical covariate are tested together. In weighted fits the score and its information are weighted, but the
    transform of time is that of the unweighted curve of all strata; with entries the curve is that of who is at risk.
    Robust or clustered fits are tested with the information of the model, not with the robust variance: all of
    this as R's.

    Returns rows of `term`, `chi_square`, `df`, `p`.

    Raises `AnalysisError` where the events leave nothing to test, as when all fall on one day.
    """
    try:
        table = cox_zph(fit.model).table
    except RuntimeError as error:
        raise AnalysisError(
            "test of proportional hazards: the events leave nothing to test, as when all fall on one day",
            "比例风险检验：事件不足以检验（例如全部发生在同一天）",
        ) from error
    rows = [(row["name"], row["chisq"], int(row["df"]), row["p"]) for row in table]
    schema = {"term": pl.String, "chi_square": pl.Float64, "df": pl.Int64, "p": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")
