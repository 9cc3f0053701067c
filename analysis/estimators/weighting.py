"""Weights that balance two arms, from the propensity score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.estimators.design import encode_arms, read_array
from etl.errors import AnalysisError

Method = Literal["iptw", "overlap"]
Estimand = Literal["ATE", "ATO"]
LARGEST_SHARE = 0.5


@dataclass(frozen=True)
class BalancingWeights:
    """A positive weight per patient, in the order of the data.

    - `estimand`: whose effect the weighted sample estimates: that in all patients (ATE), or in those who might as well
      have been in the other arm (overlap, ATO).
    - `largest`: the largest weight.
    - `effective_size`: by arm (treated: True), the number of equally weighted patients that would tell as much,
      (sum w)^2 / sum w^2 (Kish 1965, Survey Sampling).
    """

    weights: NDArray[np.float64]
    estimand: Estimand
    largest: float
    effective_size: dict[bool, float]


def compute_balancing_weights(
    probability: ArrayLike,
    treated: ArrayLike,
    method: Method,
    *,
    cut_percentiles: tuple[float, float] | None = None,
) -> BalancingWeights:
    """Weights from the probability e of treatment.

    - `probability`: e of every patient, above 0 and below 1.
    - `treated`: Boolean or 0/1, one per patient.
    - `method`: `iptw`, inverse probability of the treatment received, stabilised by the arm's share of the patients:
      P(T=1) / e of the treated, P(T=0) / (1 - e) of the controls (Robins, Hernan and Brumback 2000,
      doi:10.1097/00001648-200009000-00011). `overlap`: 1 - e of the treated, e of the controls (Li, Morgan and Zaslavsky
      2018, doi:10.1080/01621459.2016.1260466); no weight can be large.
    - `cut_percentiles`: `iptw` only; weights beyond these percentiles (0 to 100, R's type 7) of all patients' weights
      are set to them, at the price of some balance.

    Raises `AnalysisError` for a missing probability or one of 0 or 1, unusable percentiles, an empty arm, and where one
    patient weighs more than all others of the arm together.
    """
    e, is_treated = read_array(probability).astype(float), encode_arms(treated)
    if e.shape != is_treated.shape:
        raise ValueError(f"there are {e.shape} probabilities and {is_treated.shape} arms")
    if not ((e > 0) & (e < 1)).all():
        raise AnalysisError(
            "weights: a probability of treatment is missing, 0 or 1", "权重：有患者的治疗概率缺失，或为 0 或 1"
        )
    share = is_treated.mean()
    if method == "overlap":
        weights = np.where(is_treated, 1 - e, e)
    else:
        weights = np.where(is_treated, share / e, (1 - share) / (1 - e))
    if cut_percentiles is not None:
        weights = _cut(weights, method, *cut_percentiles)
    sizes = {arm: _compute_effective_size(weights[is_treated == arm], arm) for arm in (True, False)}
    return BalancingWeights(weights, "ATO" if method == "overlap" else "ATE", float(weights.max()), sizes)


def _cut(weights: NDArray[np.float64], method: Method, low: float, high: float) -> NDArray[np.float64]:
    if method == "overlap":
        raise AnalysisError("weights: overlap weights are not cut", "权重：重叠权重无需截断")
    if not 0 <= low < high <= 100:
        raise AnalysisError(
            f"weights: percentiles {low} and {high} do not ascend from 0 to 100",
            f"权重：截断百分位数 {low} 与 {high} 须在 0 至 100 间递增",
        )
    return np.clip(weights, *np.percentile(weights, [low, high]))


def _compute_effective_size(weights: NDArray[np.float64], is_treated: bool) -> float:
    """Effective sample size of an arm; refuse one that is one patient's."""
    largest = float(weights.max() / weights.sum())
    if largest > LARGEST_SHARE:
        en, zh = ("treated", "处理组") if is_treated else ("control", "对照组")
        raise AnalysisError(
            f"weights explode: one patient has {100 * largest:.0f} % of the weight of the {en} arm; cut the weights at "
            "percentiles (cut_percentiles), take overlap weights, or take fewer covariates",
            f"权重过大：{zh}有一名患者占该组权重的 {100 * largest:.0f} %；请按百分位数截断权重（cut_percentiles）、"
            "改用重叠权重，或减少协变量",
        )
    return float(weights.sum() ** 2 / (weights**2).sum())
