"""Laboratory values that are only bounds, such as `<20` or `>=400`, beside the limits of the study.

Source: the study's protocol, "Bounds": a bound that leaves a level open leaves it unknown; one that is open only at the limit
itself is read as beyond it, which is said once per column.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Comparator, LabTest
from schemas.definitions import baseline, child_pugh

BOUND_SIGNS = tuple(
    sign.value for sign in (Comparator.BELOW, Comparator.AT_MOST, Comparator.ABOVE, Comparator.AT_LEAST)
)
LEVEL_CUTS = {
    LabTest.ALT.value: baseline.ALT_CUT_U_L,
    LabTest.AST.value: baseline.AST_CUT_U_L,
    LabTest.AFP.value: baseline.AFP_CUT_NG_ML,
    LabTest.HBV_DNA.value: baseline.HBV_DNA_CUT_IU_ML,
}
"""Tests of which one value alone gives a level of Table 1, with its cut; at most the cut is the lower level."""
_AT_LEAST, _AT_MOST = Comparator.AT_LEAST.value, Comparator.AT_MOST.value
READ_AS_BEYOND = (
    *((test, _AT_LEAST, float(cut)) for test, cut in LEVEL_CUTS.items()),
    (LabTest.HBV_DNA_COPIES.value, _AT_LEAST, float(max(baseline.COPIES_PER_IU) * baseline.HBV_DNA_CUT_IU_ML)),
    (LabTest.BILIRUBIN.value, _AT_MOST, float(child_pugh.BILIRUBIN_2_POINTS_UMOL_L)),
    (LabTest.BILIRUBIN.value, _AT_LEAST, float(child_pugh.BILIRUBIN_3_POINTS_ABOVE_UMOL_L)),
    (LabTest.ALBUMIN.value, _AT_MOST, float(child_pugh.ALBUMIN_2_POINTS_G_L)),
    (LabTest.ALBUMIN.value, _AT_LEAST, float(child_pugh.ALBUMIN_1_POINT_ABOVE_G_L)),
    (LabTest.INR.value, _AT_MOST, child_pugh.INR_2_POINTS),
    (LabTest.INR.value, _AT_LEAST, child_pugh.INR_3_POINTS_ABOVE),
    (LabTest.PT_PROLONGATION.value, _AT_MOST, float(child_pugh.PT_PROLONGATION_2_POINTS_S)),
    (LabTest.PT_PROLONGATION.value, _AT_LEAST, float(child_pugh.PT_PROLONGATION_3_POINTS_ABOVE_S)),
)
"""Test, sign and value of the bounds that are open at a limit alone; the limit's own level or points lie on its other side."""


def compute_settles_level() -> pl.Expr:
    """Return, over laboratory records beside the subject's columns, whether what hangs on a value is known; null without a value.

    On ALT, AST, AFP and HBV DNA hang their levels; on bilirubin and albumin the ALBI grade, once both are measured; on these, the
    INR and the prolongation of the prothrombin time the Child-Pugh class, where none is recorded.
    """
    test, value, sign = pl.col("test"), pl.col("value"), pl.col("value_comparator")
    has_level = pl.coalesce(
        pl.when(test == name).then(baseline.compute_bounded_level(value, sign, cut)) for name, cut in LEVEL_CUTS.items()
    ).is_not_null()
    has_class = pl.col("child_pugh_class_from_points_or_record").is_not_null()
    is_of_albi = test.is_in([LabTest.BILIRUBIN.value, LabTest.ALBUMIN.value])
    is_measured = pl.col("bilirubin_umol_l").is_not_null() & pl.col("albumin_g_l").is_not_null()
    has_grade = ~is_measured | pl.col("albi_grade").is_not_null()
    has_points = has_class | child_pugh.compute_points_of_test().is_not_null()
    return pl.when(value.is_not_null()).then(
        pl.when(test.is_in(list(LEVEL_CUTS))).then(has_level).otherwise((~is_of_albi | has_grade) & has_points)
    )
