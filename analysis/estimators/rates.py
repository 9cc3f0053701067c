"""Rates per time at risk."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import gammaincinv


@dataclass(frozen=True)
class Rate:
    """A rate per unit of time at risk and its limits; all none where nobody was at risk."""

    estimate: float | None
    ci_low: float | None
    ci_high: float | None


def compute_rate(n_event: int, time_at_risk: float, *, alpha: float = 0.05) -> Rate:
    """Return events per time at risk with exact Poisson limits at level 1 - alpha.

    Garwood 1936, doi:10.1093/biomet/28.3-4.437, as R's `poisson.test`. Nobody at risk: nothing can be estimated.
    """
    if time_at_risk <= 0:
        return Rate(None, None, None)
    low = float(gammaincinv(n_event, alpha / 2)) if n_event else 0.0
    high = float(gammaincinv(n_event + 1, 1 - alpha / 2))
    return Rate(n_event / time_at_risk, low / time_at_risk, high / time_at_risk)
