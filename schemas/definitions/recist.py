"""Response Evaluation Criteria in Solid Tumours (RECIST) 1.1, as expressions.

Source: Eisenhauer EA et al., Eur J Cancer 2009;45:228-247, doi:10.1016/j.ejca.2008.10.026. Modified RECIST (Lencioni R,
Llovet JM, Semin Liver Dis 2010;30:52-60, doi:10.1055/s-0030-1247132) uses the same limits on the viable diameter and has
no 5 mm rule. Limits are compared in whole micrometres, so that no floating-point error decides at exactly -30 % or +20 %.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import LesionStatus, NonTargetResponse, Organ, Response, ResponseCriteria

TOO_SMALL_MM = 5.0
NODE_NORMAL_BELOW_MM = 10.0
TARGET_MIN_MM = 10.0
TARGET_NODE_MIN_MM = 15.0
MAX_TARGETS = 5
MAX_TARGETS_PER_ORGAN = 2
PD_MIN_INCREASE_MM = 5.0
BEST_TO_WORST = (Response.CR, Response.PR, Response.SD, Response.PD, Response.NE)

_UM_PER_MM = 1000


def _micrometres(length_mm: pl.Expr) -> pl.Expr:
    return (length_mm * _UM_PER_MM).round(0).cast(pl.Int64)


def compute_is_node(organ: pl.Expr) -> pl.Expr:
    """Return True where the lesion is a lymph node, whose diameter is the short axis."""
    return organ == Organ.LYMPH_NODE.value


def compute_lesion_size_mm(status: pl.Expr, diameter_mm: pl.Expr) -> pl.Expr:
    """Return what a target adds to the sum: 0 if gone, 5 mm if too small to measure, null if not assessed, or merged.

    A lesion that is too small to measure is there: 0 mm beside that status counts 5 mm as well.
    """
    return (
        pl.when(status == LesionStatus.ABSENT.value)
        .then(0.0)
        .when(status.is_in([LesionStatus.NOT_ASSESSED.value, LesionStatus.MERGED.value]))
        .then(None)
        .when(status == LesionStatus.TOO_SMALL.value)
        .then(pl.when(diameter_mm > 0).then(diameter_mm).otherwise(TOO_SMALL_MM))
        .otherwise(diameter_mm)
    )


def compute_is_gone(is_node: pl.Expr, size_mm: pl.Expr) -> pl.Expr:
    """Return True where nothing pathological is left: 0 mm, or a node below 10 mm; null where not assessed."""
    return pl.when(is_node).then(_micrometres(size_mm) < NODE_NORMAL_BELOW_MM * _UM_PER_MM).otherwise(size_mm == 0)


def compute_is_partial(sum_mm: pl.Expr, baseline_sum_mm: pl.Expr) -> pl.Expr:
    """Return True where the sum is at least 30 % below the baseline."""
    return 10 * _micrometres(sum_mm) <= 7 * _micrometres(baseline_sum_mm)


def compute_is_target_progression(sum_mm: pl.Expr, nadir_sum_mm: pl.Expr, min_increase_mm: pl.Expr) -> pl.Expr:
    """Return True where the sum is at least 20 % and `min_increase_mm` (RECIST: 5 mm, mRECIST: 0) above the nadir.

    An increase is needed: a sum that stays at 0 is no progression.
    """
    now, nadir = _micrometres(sum_mm), _micrometres(nadir_sum_mm)
    return (5 * now >= 6 * nadir) & (now - nadir >= _micrometres(min_increase_mm)) & (now > nadir)


def compute_min_increase_mm() -> pl.Expr:
    """Return the smallest increase that may be a progression, from the column `criteria`: 5 mm, by mRECIST any."""
    return pl.when(pl.col("criteria") == ResponseCriteria.MRECIST.value).then(0.0).otherwise(PD_MIN_INCREASE_MM)


def compute_target_response(
    sum_mm: pl.Expr,
    is_complete: pl.Expr,
    is_gone: pl.Expr,
    baseline_sum_mm: pl.Expr,
    nadir_sum_mm: pl.Expr,
    min_increase_mm: pl.Expr,
) -> pl.Expr:
    """Return CR, PR, SD, PD or NE of the targets at one visit after the baseline.

    `sum_mm` adds up the targets that were assessed. With one of them not assessed it is NE, unless the others alone are
    already PD. `is_gone`: every target is gone and every target node below 10 mm, so the sum need not be 0.
    """
    is_gone_entirely = is_complete & is_gone & baseline_sum_mm.is_not_null()
    return (
        pl.when(is_gone_entirely)
        .then(pl.lit(Response.CR.value))
        .when(compute_is_target_progression(sum_mm, nadir_sum_mm, min_increase_mm))
        .then(pl.lit(Response.PD.value))
        .when(~is_complete | sum_mm.is_null() | baseline_sum_mm.is_null())
        .then(pl.lit(Response.NE.value))
        .when(compute_is_partial(sum_mm, baseline_sum_mm))
        .then(pl.lit(Response.PR.value))
        .otherwise(pl.lit(Response.SD.value))
    )


def compute_non_target_response(has_progression: pl.Expr, is_complete: pl.Expr, is_gone: pl.Expr) -> pl.Expr:
    """Return CR, non_cr_non_pd, PD (unequivocal progression) or NE (not all assessed) of the non-targets."""
    return (
        pl.when(has_progression)
        .then(pl.lit(NonTargetResponse.PD.value))
        .when(~is_complete)
        .then(pl.lit(NonTargetResponse.NE.value))
        .when(is_gone)
        .then(pl.lit(NonTargetResponse.CR.value))
        .otherwise(pl.lit(NonTargetResponse.NON_CR_NON_PD.value))
    )


def compute_overall_response(target: pl.Expr, non_target: pl.Expr, has_new_lesion: pl.Expr) -> pl.Expr:
    """Combine targets, non-targets and new lesions (Eisenhauer 2009, tables 1 and 3); null where there is nothing.

    A null target or non-target response means that the patient has no such lesions. With non-targets alone,
    "non-CR/non-PD" is reported as SD, since the registry's responses have no code of its own for it.
    """
    is_progression = has_new_lesion | (target == Response.PD.value) | (non_target == NonTargetResponse.PD.value)
    without_targets = non_target.replace(NonTargetResponse.NON_CR_NON_PD.value, Response.SD.value)
    is_non_target_gone = non_target.is_null() | (non_target == NonTargetResponse.CR.value)
    return (
        pl.when(is_progression)
        .then(pl.lit(Response.PD.value))
        .when(target.is_null())
        .then(without_targets)
        .when((target == Response.CR.value) & ~is_non_target_gone)
        .then(pl.lit(Response.PR.value))
        .otherwise(target)
    )
