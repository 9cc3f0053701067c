"""Child-Pugh points and class.

Source: Pugh RNH et al., Br J Surg 1973;60:646-649, doi:10.1002/bjs.1800600817, which counts the prolongation of the
prothrombin time. The INR in its place is a later addition, with the limits of the study's protocol. A laboratory value
that is only a bound, such as `<34`, gives points wherever every value it allows has the same.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Ascites, ChildPughClass, Comparator, LabTest

BILIRUBIN_2_POINTS_UMOL_L = 34
BILIRUBIN_3_POINTS_ABOVE_UMOL_L = 51
ALBUMIN_1_POINT_ABOVE_G_L = 35
ALBUMIN_2_POINTS_G_L = 28
INR_2_POINTS = 1.7
INR_3_POINTS_ABOVE = 2.3
PT_PROLONGATION_2_POINTS_S = 4
PT_PROLONGATION_3_POINTS_ABOVE_S = 6
CLASS_A_MAX_POINTS = 6
CLASS_B_MAX_POINTS = 9
LOW_TO_HIGH = (1, 2, 3)
HIGH_TO_LOW = (3, 2, 1)
LOWEST_CLASS, HIGHEST_CLASS = "lowest_child_pugh_class", "highest_child_pugh_class"


def _points_by_cuts(
    value: pl.Expr, comparator: pl.Expr, low: float, high: float, points: tuple[int, int, int] = LOW_TO_HIGH
) -> pl.Expr:
    """Return the points below `low`, from `low` to `high`, and above `high` of a value that may be a bound.

    `comparator` is a code of `Comparator`; null is read as `=`. A bound can only settle an outer class: "< v" and "<= v" where
    v is at most `low`, "> v" and ">= v" where v is at least `high`; one that is open only at the limit itself is read as beyond
    it (protocol, "Bounds"). What was not detected has no points.
    """
    sign = comparator.fill_null(Comparator.EQUAL.value)
    is_value = sign == Comparator.EQUAL.value
    is_below = sign.is_in([Comparator.BELOW.value, Comparator.AT_MOST.value])
    is_above = sign.is_in([Comparator.ABOVE.value, Comparator.AT_LEAST.value])
    return (
        pl.when((is_value & (value < low)) | (is_below & (value <= low)))
        .then(points[0])
        .when((is_value & (value > high)) | (is_above & (value >= high)))
        .then(points[2])
        .when(is_value & value.is_between(low, high))
        .then(points[1])
        .cast(pl.Int64)
    )


def compute_bilirubin_points(bilirubin_umol_l: pl.Expr, comparator: pl.Expr) -> pl.Expr:
    """Return 1 below 34, 2 from 34 to 51, 3 above 51 umol/L."""
    return _points_by_cuts(bilirubin_umol_l, comparator, BILIRUBIN_2_POINTS_UMOL_L, BILIRUBIN_3_POINTS_ABOVE_UMOL_L)


def compute_albumin_points(albumin_g_l: pl.Expr, comparator: pl.Expr) -> pl.Expr:
    """Return 1 above 35, 2 from 28 to 35, 3 below 28 g/L."""
    return _points_by_cuts(albumin_g_l, comparator, ALBUMIN_2_POINTS_G_L, ALBUMIN_1_POINT_ABOVE_G_L, HIGH_TO_LOW)


def compute_inr_points(inr: pl.Expr, comparator: pl.Expr) -> pl.Expr:
    """Return 1 below 1.7, 2 from 1.7 to 2.3, 3 above 2.3."""
    return _points_by_cuts(inr, comparator, INR_2_POINTS, INR_3_POINTS_ABOVE)


def compute_pt_points(pt_prolongation_s: pl.Expr, comparator: pl.Expr) -> pl.Expr:
    """Return 1 below 4, 2 from 4 to 6, 3 above 6 seconds of prolongation."""
    return _points_by_cuts(pt_prolongation_s, comparator, PT_PROLONGATION_2_POINTS_S, PT_PROLONGATION_3_POINTS_ABOVE_S)


def compute_ascites_points(ascites: pl.Expr) -> pl.Expr:
    """Return 1 for none, 2 for mild, 3 for moderate or more."""
    points = {Ascites.NONE.value: 1, Ascites.MILD.value: 2, Ascites.MODERATE_OR_MORE.value: 3}
    return ascites.replace_strict(points, default=None, return_dtype=pl.Int64)


def compute_encephalopathy_points(encephalopathy_grade: pl.Expr) -> pl.Expr:
    """Return 1 for grade 0, 2 for grades 1-2, 3 for grades 3-4."""
    grade = encephalopathy_grade
    return pl.when(grade <= 0).then(1).when(grade <= 2).then(2).when(grade.is_not_null()).then(3).cast(pl.Int64)


def compute_points_of_test() -> pl.Expr:
    """Return the points of a laboratory record's own value; null for tests that Child-Pugh does not count."""
    value = pl.col("value"), pl.col("value_comparator")
    by_test = {
        LabTest.BILIRUBIN: compute_bilirubin_points,
        LabTest.ALBUMIN: compute_albumin_points,
        LabTest.INR: compute_inr_points,
        LabTest.PT_PROLONGATION: compute_pt_points,
    }
    return pl.coalesce(pl.when(pl.col("test") == test.value).then(count(*value)) for test, count in by_test.items())


def _list_points() -> list[pl.Expr]:
    """Points of the five components over the subject table's columns, each null where it has none."""
    c = pl.col
    # Coagulation is the INR where it gives points, else the prolongation of the prothrombin time.
    coagulation = pl.coalesce(
        compute_inr_points(c("inr"), c("inr_comparator")),
        compute_pt_points(c("pt_prolongation_s"), c("pt_prolongation_comparator")),
    )
    return [
        compute_bilirubin_points(c("bilirubin_umol_l"), c("bilirubin_comparator")),
        compute_albumin_points(c("albumin_g_l"), c("albumin_comparator")),
        coagulation,
        compute_ascites_points(c("ascites")),
        compute_encephalopathy_points(c("encephalopathy_grade")),
    ]


def compute_child_pugh_points() -> pl.Expr:
    """Return 5-15 points over the subject table's columns; null where one of the five components has no points."""
    return sum(_list_points()[1:], start=_list_points()[0])


def compute_possible_classes() -> dict[str, pl.Expr]:
    """Return the classes of the fewest and of the most points that are possible, by name: a component that is missing counts 1 to 3."""
    of_missing = {LOWEST_CLASS: 1, HIGHEST_CLASS: 3}
    return {
        name: compute_child_pugh_class(pl.sum_horizontal(points.fill_null(missing) for points in _list_points()))
        for name, missing in of_missing.items()
    }


def is_class_possible(recorded: pl.Expr) -> pl.Expr:
    """Return whether the components that are known leave the recorded class possible; null without one."""
    lowest, highest = compute_possible_classes().values()
    return recorded.is_between(lowest, highest)


def compute_class_from_points_or_record(recorded: pl.Expr) -> pl.Expr:
    """Return the only class possible; where several are, the recorded one if it is among them. Reads the columns of `compute_possible_classes`."""
    lowest, highest = pl.col(LOWEST_CLASS), pl.col(HIGHEST_CLASS)
    return pl.when(lowest == highest).then(lowest).when(recorded.is_between(lowest, highest)).then(recorded)


def compute_class_source(recorded: pl.Expr) -> pl.Expr:
    """Return where that class is from: `derived` or `recorded`; null where it is unknown."""
    lowest, highest = pl.col(LOWEST_CLASS), pl.col(HIGHEST_CLASS)
    derived, said = pl.lit("derived"), pl.lit("recorded")
    return pl.when(lowest == highest).then(derived).when(recorded.is_between(lowest, highest)).then(said)


def compute_child_pugh_class(points: pl.Expr) -> pl.Expr:
    """Return class A (5-6 points), B (7-9) or C (10-15)."""
    return (
        pl.when(points <= CLASS_A_MAX_POINTS)
        .then(pl.lit(ChildPughClass.A.value))
        .when(points <= CLASS_B_MAX_POINTS)
        .then(pl.lit(ChildPughClass.B.value))
        .when(points.is_not_null())
        .then(pl.lit(ChildPughClass.C.value))
    )
