"""Definitions with few inputs, in all their combinations: what makes a stage C or D, the CTCAE grade of a value."""

from fractions import Fraction
from itertools import product

import polars as pl
from oracle.invented_values import LAB_VALUES
from oracle.logic import any_of

from schemas.definitions.bclc import compute_has_spread, compute_is_end_stage
from schemas.definitions.event_grade import compute_grade_by_value

FLAGS = (True, False, None)


def _is_one_of(value, *accepted):
    return None if value is None else value in accepted


def test_what_makes_a_stage_at_least_c_or_d():
    cases = list(product(FLAGS, ("0", "I", "II", "III", "IV", None), FLAGS, (*range(6), None), ("A", "B", "C", None)))
    frame = pl.DataFrame(cases, schema=["metastasis", "pvtt", "cava", "ecog", "child_pugh"], orient="row").select(
        spread=compute_has_spread(pl.col("metastasis"), pl.col("pvtt"), pl.col("cava"), pl.col("ecog")),
        end_stage=compute_is_end_stage(pl.col("ecog"), pl.col("child_pugh")),
    )
    assert frame.rows() == [
        (
            any_of(metastasis, _is_one_of(pvtt, "I", "II", "III", "IV"), cava, _is_one_of(ecog, 1, 2)),
            any_of(_is_one_of(ecog, 3, 4), _is_one_of(child_pugh, "C")),
        )
        for metastasis, pvtt, cava, ecog, child_pugh in cases
    ]


TESTS = {
    "alt_increased": ("alt_u_l", 40),
    "ast_increased": ("ast_u_l", 40),
    "bilirubin_increased": ("bilirubin_umol_l", Fraction("17.1")),
    "platelets_decreased": ("platelets_10e9_l", None),
}


def _grade(term, version, value, baseline):
    """CTCAE, Investigations: by the upper limit of normal; in version 5.0 by an abnormal baseline where there is one."""
    if version is None or value is None or term not in TESTS:
        return None
    limit = TESTS[term][1]
    value = Fraction(str(value))
    if limit is None:
        return sum(value < step for step in (150, 75, 50, 25))
    if version == "5.0" and baseline is None:
        return None
    is_abnormal = version == "5.0" and Fraction(str(baseline)) > limit
    times = value / (Fraction(str(baseline)) if is_abnormal else limit)
    steps = (Fraction("1.5"), 3, 10) if term == "bilirubin_increased" else (3, 5, 20)
    is_raised = times >= Fraction("1.5") if is_abnormal and term != "bilirubin_increased" else times > 1
    return is_raised + sum(times > step for step in steps)


def test_the_ctcae_grade_of_a_value():
    cases = [
        (term, version, value, baseline)
        for term in (*TESTS, "hypertension", None)
        for values in [LAB_VALUES[TESTS[term][0]] if term in TESTS else (50,)]
        for version, value, baseline in product(("4.03", "5.0", None), (*values, None), (*values, None))
    ]
    schema = {"term": pl.String, "version": pl.String, "value": pl.Float64, "baseline": pl.Float64}
    grades = pl.DataFrame(cases, schema=schema, orient="row").select(
        compute_grade_by_value(pl.col("term"), pl.col("version"), pl.col("value"), pl.col("baseline"))
    )
    wrong = [(*case, got) for case, got in zip(cases, grades.to_series(), strict=True) if got != _grade(*case)]
    assert wrong == []
