"""Child-Pugh points and class.

Source: Pugh RNH et al., Br J Surg 1973;60:646-649, doi:10.1002/bjs.1800600817. The INR in place of the prothrombin
time is a later addition, with the limits of the study's protocol.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Ascites, ChildPughClass

BILIRUBIN_2_POINTS_UMOL_L = 34
BILIRUBIN_3_POINTS_ABOVE_UMOL_L = 51
ALBUMIN_1_POINT_ABOVE_G_L = 35
ALBUMIN_2_POINTS_G_L = 28
INR_2_POINTS = 1.7
INR_3_POINTS_ABOVE = 2.3
CLASS_A_MAX_POINTS = 6
CLASS_B_MAX_POINTS = 9


def _points(value: pl.Expr, is_one: pl.Expr, is_two: pl.Expr) -> pl.Expr:
    return pl.when(value.is_null()).then(None).when(is_one).then(1).when(is_two).then(2).otherwise(3).cast(pl.Int64)


def compute_child_pugh_points(
    bilirubin_umol_l: pl.Expr,
    albumin_g_l: pl.Expr,
    inr: pl.Expr,
    ascites: pl.Expr,
    encephalopathy_grade: pl.Expr,
) -> pl.Expr:
    """Return 5-15 points (Int64); null where one of the five components is missing.

    1-2-3 points: bilirubin < 34, 34-51, > 51 umol/L; albumin > 35, 28-35, < 28 g/L; INR < 1.7, 1.7-2.3, > 2.3; ascites
    none, mild, moderate or more; encephalopathy grade 0, 1-2, 3-4.
    """
    return (
        _points(
            bilirubin_umol_l,
            bilirubin_umol_l < BILIRUBIN_2_POINTS_UMOL_L,
            bilirubin_umol_l <= BILIRUBIN_3_POINTS_ABOVE_UMOL_L,
        )
        + _points(albumin_g_l, albumin_g_l > ALBUMIN_1_POINT_ABOVE_G_L, albumin_g_l >= ALBUMIN_2_POINTS_G_L)
        + _points(inr, inr < INR_2_POINTS, inr <= INR_3_POINTS_ABOVE)
        + _points(ascites, ascites == Ascites.NONE.value, ascites == Ascites.MILD.value)
        + _points(encephalopathy_grade, encephalopathy_grade == 0, encephalopathy_grade <= 2)
    )


def compute_child_pugh_class(points: pl.Expr) -> pl.Expr:
    """Return class A (5-6 points), B (7-9) or C (10-15)."""
    return (
        pl.when(points <= CLASS_A_MAX_POINTS)
        .then(pl.lit(ChildPughClass.A.value))
        .when(points <= CLASS_B_MAX_POINTS)
        .then(pl.lit(ChildPughClass.B.value))
        .when(points > CLASS_B_MAX_POINTS)
        .then(pl.lit(ChildPughClass.C.value))
    )
