"""Albumin-bilirubin (ALBI) score and grade.

Source: Johnson PJ et al., J Clin Oncol 2015;33:550-558, doi:10.1200/JCO.2014.57.9151.
"""

from __future__ import annotations

import polars as pl

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
        .when(albi_score > GRADE_2_UPPER)
        .then(3)
        .cast(pl.Int64)
    )
