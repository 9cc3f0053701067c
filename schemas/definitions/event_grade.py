"""The CTCAE grade that a laboratory value gives.

Source: Common Terminology Criteria for Adverse Events (CTCAE), National Cancer Institute, version 4.03 (2010) and 5.0
(2017), Investigations. Upper limits of normal: ALT and AST 40 U/L, the study's cut-points; bilirubin 17.1 umol/L (1 mg/dL).
Lower limit of platelets: 150 x 10^9/L, the registry's.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from schemas.codes import AdverseEventTerm, CtcaeVersion, LabTest

TEST_OF_TERM = {
    AdverseEventTerm.ALT_INCREASED.value: LabTest.ALT.value,
    AdverseEventTerm.AST_INCREASED.value: LabTest.AST.value,
    AdverseEventTerm.BILIRUBIN_INCREASED.value: LabTest.BILIRUBIN.value,
    AdverseEventTerm.PLATELETS_DECREASED.value: LabTest.PLATELETS.value,
}
PLATELETS = LabTest.PLATELETS.value
GRADED_BY_VALUE = tuple(TEST_OF_TERM)
UPPER_LIMITS = {
    AdverseEventTerm.ALT_INCREASED.value: 40.0,
    AdverseEventTerm.AST_INCREASED.value: 40.0,
    AdverseEventTerm.BILIRUBIN_INCREASED.value: 17.1,
}
TRANSAMINASE_FACTORS = (1.0, 3.0, 5.0, 20.0)
BILIRUBIN_FACTORS = (1.0, 1.5, 3.0, 10.0)
ABNORMAL_TRANSAMINASE_GRADE_1_FROM = 1.5
PLATELET_LIMITS_10E9_L = (150.0, 75.0, 50.0, 25.0)


def compute_grade_by_value(term: pl.Expr, ctcae_version: pl.Expr, value: pl.Expr, baseline: pl.Expr) -> pl.Expr:
    """Return the grade 0-4 that a value in its canonical unit gives for a term; 0 where nothing is elevated or lowered.

    Version 4.03 counts multiples of the upper limit, version 5.0 multiples of an abnormal baseline. Null for a term that
    is not graded by a value, without version or value, and in version 5.0 without the baseline (platelets need none).
    """
    by_term = [
        pl.when(term == name).then(_grade_elevation(name, ctcae_version, value, baseline)) for name in UPPER_LIMITS
    ]
    is_platelets = (term == AdverseEventTerm.PLATELETS_DECREASED.value) & ctcae_version.is_not_null()
    return pl.coalesce(*by_term, pl.when(is_platelets).then(_count(value < limit for limit in PLATELET_LIMITS_10E9_L)))


def _grade_elevation(term: str, ctcae_version: pl.Expr, value: pl.Expr, baseline: pl.Expr) -> pl.Expr:
    limit = UPPER_LIMITS[term]
    is_bilirubin = term == AdverseEventTerm.BILIRUBIN_INCREASED.value
    factors = BILIRUBIN_FACTORS if is_bilirubin else TRANSAMINASE_FACTORS
    by_limit = _count(value > factor * limit for factor in factors)
    first, *higher = factors
    is_grade_1 = value > first * baseline if is_bilirubin else value >= ABNORMAL_TRANSAMINASE_GRADE_1_FROM * baseline
    by_baseline = _count([is_grade_1, *(value > factor * baseline for factor in higher)])
    is_v5 = ctcae_version == CtcaeVersion.V5.value
    is_by_limit = (ctcae_version == CtcaeVersion.V4.value) | (is_v5 & (baseline <= limit))
    return pl.when(is_by_limit).then(by_limit).when(is_v5).then(by_baseline)


def _count(limits_passed: Iterable[pl.Expr]) -> pl.Expr:
    return pl.sum_horizontal(*(passed.cast(pl.Int64) for passed in limits_passed), ignore_nulls=False)
