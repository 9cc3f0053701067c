"""ALBI and Child-Pugh, worked by hand and against R."""

import json
from pathlib import Path

import polars as pl
import pytest
from clinical_tables import read_rows

from schemas.definitions.albi import compute_albi_grade, compute_albi_score, compute_bounded_albi_grade
from schemas.definitions.child_pugh import compute_child_pugh_class, compute_child_pugh_points

SHARED = Path(__file__).parents[3] / "shared"


def compute_albi(bilirubin, albumin):
    frame = pl.DataFrame({"b": [bilirubin], "a": [albumin]}, schema={"b": pl.Float64, "a": pl.Float64})
    score = frame.select(compute_albi_score(pl.col("b"), pl.col("a")).alias("s"))
    return score.item(), score.select(compute_albi_grade(pl.col("s"))).item()


# log10 of 1, 10 and 100 is 0, 1 and 2: 0.66 x log10(bilirubin) - 0.085 x albumin by hand.
@pytest.mark.parametrize(
    ("bilirubin", "albumin", "score", "grade"),
    [
        (10, 40, 0.66 - 3.4, 1),
        (1, 40, -3.4, 1),
        (10, 38, 0.66 - 3.23, 2),
        (100, 40, 1.32 - 3.4, 2),
        (100, 32, 1.32 - 2.72, 2),
        (100, 31, 1.32 - 2.635, 3),
        (100, 30, 1.32 - 2.55, 3),
    ],
)
def test_albi_by_hand(bilirubin, albumin, score, grade):
    got_score, got_grade = compute_albi(bilirubin, albumin)
    assert got_score == pytest.approx(score, abs=1e-12)
    assert got_grade == grade


@pytest.mark.parametrize(("score", "grade"), [(-2.61, 1), (-2.60, 1), (-2.59, 2), (-1.39, 2), (-1.38, 3), (None, None)])
def test_albi_grade_at_its_limits(score, grade):
    frame = pl.DataFrame({"s": [score]}, schema={"s": pl.Float64})
    assert frame.select(compute_albi_grade(pl.col("s"))).item() == grade


@pytest.mark.parametrize(("bilirubin", "albumin"), [(None, 40), (10, None), (0, 40), (-3, 40)])
def test_albi_without_both_values_is_unknown(bilirubin, albumin):
    assert compute_albi(bilirubin, albumin) == (None, None)


@pytest.mark.skipif(not (SHARED / "reference").exists(), reason="R's answers for the pbc data are not here")
def test_albi_of_the_pbc_patients_as_r_has_it():
    """R: p$albi <- 0.66 * log10(p$bili * 17.1) - 0.085 * (p$albumin * 10); cut(p$albi, c(-Inf, -2.60, -1.39, Inf))."""
    reference = json.loads((SHARED / "reference" / "r_reference.json").read_text())["pbc"]
    pbc = pl.read_csv(SHARED / "data" / "r_sets" / "pbc.csv", null_values="NA").head(reference["n"])
    score = pbc.select(s=compute_albi_score(pl.col("bili") * 17.1, pl.col("albumin") * 10))
    assert score["s"].to_list() == pytest.approx(reference["albi"], abs=1e-10)
    assert score.select(compute_albi_grade(pl.col("s"))).to_series().to_list() == reference["albi_grade"]


# Every limit of every component, one step to each side, with the other four at 1 point.
CHILD_PUGH = """
| bilirubin | albumin | inr | ascites          | encephalopathy | points | class |
| 33.9      | 35.1    | 1.6 | none             | 0              | 5      | A     |
| 34        | 35.1    | 1.6 | none             | 0              | 6      | A     |
| 51        | 35.1    | 1.6 | none             | 0              | 6      | A     |
| 51.1      | 35.1    | 1.6 | none             | 0              | 7      | B     |
| 33.9      | 35      | 1.6 | none             | 0              | 6      | A     |
| 33.9      | 28      | 1.6 | none             | 0              | 6      | A     |
| 33.9      | 27.9    | 1.6 | none             | 0              | 7      | B     |
| 33.9      | 35.1    | 1.7 | none             | 0              | 6      | A     |
| 33.9      | 35.1    | 2.3 | none             | 0              | 6      | A     |
| 33.9      | 35.1    | 2.4 | none             | 0              | 7      | B     |
| 33.9      | 35.1    | 1.6 | mild             | 0              | 6      | A     |
| 33.9      | 35.1    | 1.6 | moderate_or_more | 0              | 7      | B     |
| 33.9      | 35.1    | 1.6 | none             | 1              | 6      | A     |
| 33.9      | 35.1    | 1.6 | none             | 2              | 6      | A     |
| 33.9      | 35.1    | 1.6 | none             | 3              | 7      | B     |
| 51        | 28      | 2.3 | mild             | 0              | 9      | B     |
| 51        | 28      | 2.3 | mild             | 1              | 10     | C     |
| 60        | 20      | 3   | moderate_or_more | 4              | 15     | C     |
|           | 35.1    | 1.6 | none             | 0              |        |       |
| 33.9      |         | 1.6 | none             | 0              |        |       |
| 33.9      | 35.1    |     | none             | 0              |        |       |
| 33.9      | 35.1    | 1.6 |                  | 0              |        |       |
| 33.9      | 35.1    | 1.6 | none             |                |        |       |
"""


def make_subject(case):
    """One row of the columns that Child-Pugh reads; a value is written with its sign (`<34`), the rest is empty."""
    tests = {"bilirubin": "bilirubin_umol_l", "albumin": "albumin_g_l", "inr": "inr", "pt": "pt_prolongation_s"}
    row = {"ascites": case["ascites"], "encephalopathy_grade": case["encephalopathy"] and int(case["encephalopathy"])}
    schema = {"ascites": pl.String, "encephalopathy_grade": pl.Int64}
    for name, column in tests.items():
        sign_column = f"{'pt_prolongation' if name == 'pt' else name}_comparator"
        row |= read_value(case.get(name), column, sign_column)
        schema |= {column: pl.Float64, sign_column: pl.String}
    return pl.DataFrame([row], schema=schema)


def read_value(text, column, sign_column):
    if text is None:
        return {column: None, sign_column: None}
    if text == "nd":
        return {column: 0.0, sign_column: "not_detected"}
    number = text.lstrip("<>=?")
    sign = text.removesuffix(number) or "="
    return {column: float(number), sign_column: None if sign == "?" else sign}  # without a sign: the value itself


def assert_child_pugh(case):
    got = make_subject(case).select(points=compute_child_pugh_points())
    got = got.with_columns(c=compute_child_pugh_class(pl.col("points")))
    assert got.row(0) == (None if case["points"] is None else int(case["points"]), case["class"])


@pytest.mark.parametrize("case", read_rows(CHILD_PUGH), ids=lambda case: "-".join(str(v) for v in case.values()))
def test_child_pugh(case):
    assert_child_pugh(case)


# A bound gives points where all it allows has the same; the prothrombin time counts where the INR gives none.
CHILD_PUGH_OF_BOUNDS = """
| bilirubin | albumin | inr  | pt  | ascites | encephalopathy | points | class |
| <34       | 35.1    | 1.6  |     | none    | 0              | 5      | A     |
| <3        | 35.1    | 1.6  |     | none    | 0              | 5      | A     |
| <34.1     | 35.1    | 1.6  |     | none    | 0              |        |       |
| <=34      | 35.1    | 1.6  |     | none    | 0              | 5      | A     |
| <=33.9    | 35.1    | 1.6  |     | none    | 0              | 5      | A     |
| >=51      | 35.1    | 1.6  |     | none    | 0              | 7      | B     |
| >=51.1    | 35.1    | 1.6  |     | none    | 0              | 7      | B     |
| 15        | >=35    | 1.6  |     | none    | 0              | 5      | A     |
| 15        | >=35.1  | 1.6  |     | none    | 0              | 5      | A     |
| 15        | <=28    | 1.6  |     | none    | 0              | 7      | B     |
| 15        | <=27.9  | 1.6  |     | none    | 0              | 7      | B     |
| >51       | 35.1    | 1.6  |     | none    | 0              | 7      | B     |
| >50.9     | 35.1    | 1.6  |     | none    | 0              |        |       |
| 15        | >35     | 1.6  |     | none    | 0              | 5      | A     |
| 15        | >34.9   | 1.6  |     | none    | 0              |        |       |
| 15        | <28     | 1.6  |     | none    | 0              | 7      | B     |
| 15        | <28.1   | 1.6  |     | none    | 0              |        |       |
| 15        | 40      | <1.7 |     | none    | 0              | 5      | A     |
| 15        | 40      | <1.8 |     | none    | 0              |        |       |
| 15        | 40      | >2.3 |     | none    | 0              | 7      | B     |
| 15        | 40      | >2.2 |     | none    | 0              |        |       |
| 15        | 40      |      | 3.9 | none    | 0              | 5      | A     |
| 15        | 40      |      | 4   | none    | 0              | 6      | A     |
| 15        | 40      |      | 6   | none    | 0              | 6      | A     |
| 15        | 40      |      | 6.1 | none    | 0              | 7      | B     |
| 15        | 40      |      | <4  | none    | 0              | 5      | A     |
| 15        | 40      |      | <5  | none    | 0              |        |       |
| 15        | 40      |      | >6  | none    | 0              | 7      | B     |
| 15        | 40      |      | >5  | none    | 0              |        |       |
| 15        | 40      | 1.1  | 7   | none    | 0              | 5      | A     |
| 15        | 40      | <1.8 | 7   | none    | 0              | 7      | B     |
| ?34       | ?28     |      | ?6  | none    | 0              | 8      | B     |
| ?33       | ?36     | ?1.6 |     | none    | 0              | 5      | A     |
| nd        | 40      | 1.1  |     | none    | 0              |        |       |
| 15        | nd      | 1.1  |     | none    | 0              |        |       |
| 15        | 40      | nd   | 3   | none    | 0              | 5      | A     |
"""


@pytest.mark.parametrize(
    "case", read_rows(CHILD_PUGH_OF_BOUNDS), ids=lambda case: "-".join(str(v) for v in case.values())
)
def test_child_pugh_of_bounds_and_of_the_prothrombin_time(case):
    assert_child_pugh(case)


# At bilirubin 10 the score is 0.66 - 0.085 x albumin: -2.6 is crossed at albumin 38.35, -1.39 at 24.12.
@pytest.mark.parametrize(
    ("bilirubin", "albumin", "grade"),
    [
        ("10", "39", 1), ("10", "38", 2), ("10", "24", 3),
        ("<10", "39", 1), ("<10", "38", None), ("10", ">39", 1), ("10", ">38", None), ("<10", ">39", 1),
        (">10", "24", 3), (">10", "25", None), ("10", "<24", 3), ("10", "<25", None), (">10", "<24", 3),
        ("<10", "<24", None), (">10", ">39", None), ("<10", "<39", None), (">10", ">24", None),
        # at bilirubin 1 the score is -0.085 x albumin: exactly -2.60 at 30.588..., exactly -1.39 at 16.352...
        ("<1", "30.588235294117645", 1), ("<1", "30.5", None), (">1", "16.352941176470587", 3), (">1", "16.4", None),
        ("<=1", "30.588235294117645", 1), (">=1", "16.352941176470587", 3), (">=1", "16.35", 3), ("1", "<=16.35", 3),
        (">=1", "<16.352941176470587", 3), (">1", "<=16.352941176470587", 3), ("<=1", ">=30.6", 1), ("<=1", "<=30.6", None),
        ("?10", "?38", 2), ("?10", "39", 1), ("10", "?24", 3),
        ("nd", "39", None), ("10", "nd", None), (None, "39", None), ("10", None, None),
    ],
)  # fmt: skip
def test_a_bound_has_an_albi_grade_only_where_it_leaves_no_other(bilirubin, albumin, grade):
    row = read_value(bilirubin, "b", "bs") | read_value(albumin, "a", "as")
    frame = pl.DataFrame([row], schema={"b": pl.Float64, "bs": pl.String, "a": pl.Float64, "as": pl.String})
    assert frame.select(compute_bounded_albi_grade(*map(pl.col, ("b", "bs", "a", "as")))).item() == grade
