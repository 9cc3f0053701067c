"""ALBI and Child-Pugh, worked by hand and against R."""

import json
from pathlib import Path

import polars as pl
import pytest
from clinical_tables import read_rows

from schemas.definitions.albi import compute_albi_grade, compute_albi_score
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


@pytest.mark.parametrize("case", read_rows(CHILD_PUGH), ids=lambda case: "-".join(str(v) for v in case.values()))
def test_child_pugh(case):
    frame = pl.DataFrame([case]).select(
        pl.col("bilirubin", "albumin", "inr").cast(pl.Float64),
        pl.col("ascites").cast(pl.String),
        pl.col("encephalopathy").cast(pl.Int64),
    )
    points = compute_child_pugh_points(*(pl.col(name) for name in frame.columns))
    got = frame.select(points.alias("points")).with_columns(c=compute_child_pugh_class(pl.col("points")))
    expected = (None if case["points"] is None else int(case["points"]), case["class"])
    assert got.row(0) == expected
