"""Albumin-bilirubin (ALBI) score and grade.

Source: Johnson PJ et al., J Clin Oncol 2015;33:550-558, doi:10.1200/JCO.2014.57.9151.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Comparator

BILIRUBIN_COEFFICIENT = 0.66
ALBUMIN_COEFFICIENT = -0.085
GRADE_1_UPPER = -2.60
GRADE_2_UPPER = -1.39


def compute_albi_score(bilirubin_umol_l: pl.Expr, albumin_g_l: pl.Expr) -> pl.Expr:
    """Return 0.66 x log10(bilirubin in umol/L) - 0.085 x (albumin in g/L); null where bilirubin is not above 0."""
    positive = pl.when(bilirubin_umol_l > 0).then(bilirubin_umol_l)
    return BILIRUBIN_COEFFICIENT * positive.log(10) + ALBUMIN_COEFFICIENT * albumin_g_l


def compute_albi_grade(albi_score: pl.Expr) -> pl.Expr:
    """Return ALBI grade 1 (<= -2.60), 2 (> -2.60 to <= -1.39) or 3 (> -1.39) as Int64."""
    return (
        pl.when(albi_score <= GRADE_1_UPPER)
        .then(1)
        .when(albi_score <= GRADE_2_UPPER)
        .then(2)
        .when(albi_score.is_not_null())
        .then(3)
        .cast(pl.Int64)
    )


def compute_bounded_albi_grade(
    bilirubin_umol_l: pl.Expr, bilirubin_comparator: pl.Expr, albumin_g_l: pl.Expr, albumin_comparator: pl.Expr
) -> pl.Expr:
    """Return the ALBI grade of values that may be bounds; null where a bound leaves more than one grade open.

    A comparator is a code of `Comparator`; null is read as `=`. The score rises with bilirubin and falls with albumin. Of
    "bilirubin < b" or "albumin > a" every score lies below the score of b and a: grade 1 where that is at most -2.60. Of
    "bilirubin > b" or "albumin < a" every score lies above it: grade 3 where that is at least -1.39. With "<=" and ">="
    the score of b and a is allowed too; where it is the limit itself, the bound is read as beyond it (protocol, "Bounds"). What was
    not detected is no value.
    """
    score = compute_albi_score(bilirubin_umol_l, albumin_g_l)
    equal = Comparator.EQUAL.value
    low = [equal, Comparator.BELOW.value, Comparator.AT_MOST.value]
    high = [equal, Comparator.ABOVE.value, Comparator.AT_LEAST.value]
    bilirubin, albumin = bilirubin_comparator.fill_null(equal), albumin_comparator.fill_null(equal)
    is_exact = (bilirubin == equal) & (albumin == equal)
    is_ceiling = bilirubin.is_in(low) & albumin.is_in(high)
    is_floor = bilirubin.is_in(high) & albumin.is_in(low)
    return (
        pl.when(is_exact)
        .then(compute_albi_grade(score))
        .when(is_ceiling & (score <= GRADE_1_UPPER))
        .then(1)
        .when(is_floor & (score >= GRADE_2_UPPER))
        .then(3)
        .cast(pl.Int64)
    )
