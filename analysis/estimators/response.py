"""Tumour response rates by arm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.special import betaincinv

from analysis.estimators.design import read_array
from analysis.estimators.kaplan_meier import compute_z
from etl.errors import AnalysisError

RESPONSES = ("CR", "PR", "SD", "PD", "NE")
RATES = {"orr": ("CR", "PR"), "dcr": ("CR", "PR", "SD")}

RATE_SCHEMA = {
    "rate": pl.String,
    "arm": pl.String,
    "n": pl.Int64,
    "n_event": pl.Int64,
    "estimate": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
}


def compute_proportion_ci(n_event: int, n: int, *, alpha: float = 0.05) -> tuple[float, float]:
    """Exact (1 - alpha) confidence interval of a proportion (Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404)."""
    low = float(betaincinv(n_event, n - n_event + 1, alpha / 2)) if n_event else 0.0
    high = float(betaincinv(n_event + 1, n - n_event, 1 - alpha / 2)) if n_event < n else 1.0
    return low, high


def _compute_wilson_limits(n_event: int, n: int, z: float) -> tuple[float, float]:
    """Limits of a proportion by inverting the score test, without correction (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    p = n_event / n
    half = z * np.sqrt(4 * n * p * (1 - p) + z**2)
    low, high = ((2 * n * p + z**2 + sign * half) / (2 * (n + z**2)) for sign in (-1, 1))
    return float(low) if n_event else 0.0, float(high) if n_event < n else 1.0


def compute_difference_ci(
    n_event: int, n: int, n_event_reference: int, n_reference: int, *, alpha: float = 0.05
) -> tuple[float, float]:
    """(1 - alpha) confidence interval of a difference of two proportions, from Wilson's intervals without correction.

    Newcombe 1998, method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    p, p_reference, z = n_event / n, n_event_reference / n_reference, compute_z(alpha)
    low, high = _compute_wilson_limits(n_event, n, z)
    low_reference, high_reference = _compute_wilson_limits(n_event_reference, n_reference, z)
    below = np.hypot(p - low, high_reference - p_reference)
    above = np.hypot(high - p, p_reference - low_reference)
    return float(p - p_reference - below), float(p - p_reference + above)


def compute_response_rates(
    responses: Sequence[str], arm: Sequence[str], *, arms: tuple[str, str], alpha: float = 0.05
) -> pl.DataFrame:
    """Objective response rate (CR + PR) and disease control rate (CR + PR + SD) by arm, and their difference.

    The denominator is every patient of the arm, those not evaluable (NE) included (RECIST 1.1).

    - `responses`: CR, PR, SD, PD or NE, one per patient.
    - `arm`: arm of each patient.
    - `arms`: the two arms; the difference is the second minus the first.
    - `alpha`: the limits are (1 - alpha) limits.

    Returns rows of `rate` (`orr`, `dcr`), `arm` (`difference` for the comparison), `n`, `n_event` (null for the
    difference), `estimate`, `ci_low`, `ci_high` (fractions of 1; Clopper-Pearson, difference Newcombe).

    Raises `AnalysisError` for an unknown or missing response, a patient of neither arm or an arm without patients.
    """
    columns = {"response": read_array(responses).tolist(), "arm": read_array(arm).tolist()}
    frame = pl.DataFrame(columns, schema_overrides={"response": pl.String})
    n_unknown = frame.filter(~pl.col("response").is_in(RESPONSES).fill_null(value=False)).height
    if n_unknown:
        raise AnalysisError(
            f"response: {n_unknown} values are missing or not one of {', '.join(RESPONSES)}",
            f"疗效：{n_unknown} 个值缺失或不属于 {'、'.join(RESPONSES)}",
        )
    n_elsewhere = frame.filter(~pl.col("arm").is_in(arms).fill_null(value=False)).height
    if n_elsewhere:
        raise AnalysisError(
            f"response: {n_elsewhere} patients are in neither {arms[0]} nor {arms[1]}",
            f"疗效：{n_elsewhere} 名患者不属于 {arms[0]} 或 {arms[1]}",
        )
    rows = []
    for rate, counted in RATES.items():
        counts = [_count(frame.filter(pl.col("arm") == name), name, counted) for name in arms]
        for name, (n_event, n) in zip(arms, counts, strict=True):
            rows.append((rate, name, n, n_event, n_event / n, *compute_proportion_ci(n_event, n, alpha=alpha)))
        (n_event_reference, n_reference), (n_event, n) = counts
        difference = n_event / n - n_event_reference / n_reference
        limits = compute_difference_ci(n_event, n, n_event_reference, n_reference, alpha=alpha)
        rows.append((rate, "difference", n + n_reference, None, difference, *limits))
    return pl.DataFrame(rows, schema=RATE_SCHEMA, orient="row")


def _count(patients: pl.DataFrame, arm: str, counted: tuple[str, ...]) -> tuple[int, int]:
    if patients.is_empty():
        raise AnalysisError(f"response: arm {arm} has no patient", f"疗效：{arm} 组没有患者")
    return int(patients["response"].is_in(counted).sum()), patients.height
