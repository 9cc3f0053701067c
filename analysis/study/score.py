"""How a study uses a propensity score: matching, weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic.dataclasses import dataclass

from etl.configuration import CONFIG, change, raise_faults, validate


@dataclass(frozen=True, config=CONFIG)
class Matching:
    """Propensity-score matching, nearest neighbour, without replacement."""

    covariates: Annotated[tuple[str, ...], "characteristics of the score, by id"]
    scale: Annotated[Literal["logit", "probability"], "on what distances between scores are taken"] = "logit"
    caliper_sd: Annotated[
        float | None,
        'largest distance within a pair, in standard deviations of the score on its scale; `"none"`: no limit',
    ] = 0.2
    caliper_width: Annotated[float | None, "the same in units of the scale; takes the place of `caliper_sd`"] = None
    order: Annotated[
        Literal["largest", "smallest", "data", "closest"],
        "which treated patient chooses first: by score, by place, or the closest pair",
    ] = "largest"
    exact: Annotated[tuple[str, ...], "characteristics with levels, or `hospital`, within which pairs are made"] = ()
    ratio: Annotated[
        int, "most controls of a treated patient; with more than 1, patients count with the weights of their sets"
    ] = 1


@dataclass(frozen=True, config=CONFIG)
class Weighting:
    """Everybody analysed, weighted by a propensity score. A study may match and weight; the matched cohort then comes first."""

    covariates: Annotated[tuple[str, ...], "characteristics of the score, by id"]
    method: Annotated[
        Literal["iptw", "overlap"],
        "`iptw`: stabilised inverse probability of the own arm, effect in everybody (ATE); `overlap`: probability of the other arm, effect in those "
        "who could have been in either (ATO)",
    ]
    cut_percentiles: Annotated[
        tuple[float, float] | None, "inverse-probability weights beyond these two percentiles are set to them"
    ] = None


def change_weighting(weighting: Weighting | None, changes: Mapping[str, Any]) -> Weighting | None:
    """The weighting of a sensitivity analysis: the study's with other values, or one of its own.

    Raises `FaultsError` as `change` does.
    """
    if weighting or not changes:
        return change(weighting, changes) if weighting else None
    found, faults = validate(Weighting, changes)
    raise_faults(faults)
    return found
