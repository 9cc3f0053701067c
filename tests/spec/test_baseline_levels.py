"""The 17 characteristics at their cut-points, and the bounds of laboratory values."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from clinical_tables import derive_case, read_rows

from schemas.definitions.baseline import (
    compute_age_years,
    compute_bounded_level,
    compute_has_portal_hypertension,
    compute_hbv_dna_level,
    compute_levels,
)

PUBLISHED = Path(__file__).parents[3] / "shared" / "study" / "published" / "table1.csv"
STUDY_LABELS = {
    "age_level": {"<=60", ">60"}, "sex_level": {"Male", "Female"}, "alt_level": {"<=40", ">40"},
    "ast_level": {"<=40", ">40"}, "tace_level": {"No", "Yes"}, "tumour_size_level": {"<=10", ">10"},
    "tumour_number_level": {"<=3", ">3"}, "afp_level": {"<=400", ">400"}, "pvtt_level": {"No", "I-II", "III-IV"},
    "albi_level": {"Grade 1", "Grade 2", "Grade 3"},
    "metastasis_organs_level": {"Lung", "Other organs", "Lung + other organs"},
    "metastasis_sites_level": {"<=5", ">5"}, "hbsag_level": {"Negative", "Positive"},
    "hbv_dna_level": {"<=2000", ">2000"}, "antiviral_level": {"No", "Yes"}, "cirrhosis_level": {"No", "Yes"},
    "portal_hypertension_level": {"No", "Yes"},
}  # fmt: skip

# edits of the correct patient (tests/clinical_tables.py) -> level
LEVELS = """
| edits                                               | column                    | level               |
| patient.birth_date=1960-03-01                       | age_level                 | <=60                |
| patient.birth_date=1959-03-01                       | age_level                 | >60                 |
| patient.sex=female                                  | sex_level                 | Female              |
| patient.sex=                                        | sex_level                 |                     |
| laboratory.value=40                                 | alt_level                 | <=40                |
| laboratory.value=40.1                               | alt_level                 | >40                 |
| laboratory.value=40; laboratory.value_comparator=<  | alt_level                 | <=40                |
| laboratory[2].value=40                              | ast_level                 | <=40                |
| baseline.has_tace=false                             | tace_level                | No                  |
| baseline.has_tace=                                  | tace_level                | Yes                 |
| baseline.has_tace=; -procedure                      | tace_level                |                     |
| procedure[1].procedure_date=2020-06-01; -procedure[2] | tace_level              | No                  |
| laboratory[5].value=400; laboratory[5].value_comparator=>= | afp_level          | >400                |
| laboratory[5].value=399; laboratory[5].value_comparator=>= | afp_level          |                     |
| baseline.tumour_size_cm=10                          | tumour_size_level         | <=10                |
| baseline.tumour_size_cm=10.1                        | tumour_size_level         | >10                 |
| baseline.tumour_number=3                            | tumour_number_level       | <=3                 |
| baseline.tumour_number=4                            | tumour_number_level       | >3                  |
| laboratory[5].value=400                             | afp_level                 | <=400               |
| laboratory[5].value=401                             | afp_level                 | >400                |
| baseline.pvtt_text=无                               | pvtt_level                | No                  |
| baseline.pvtt_text=; baseline.pvtt_type=I           | pvtt_level                | I-II                |
| baseline.pvtt_text=主干; baseline.pvtt_type=I       | pvtt_level                | III-IV              |
| baseline.pvtt_text=; baseline.pvtt_type=III         | pvtt_level                | III-IV              |
| baseline.pvtt_text=; baseline.pvtt_type=IV          | pvtt_level                | III-IV              |
| baseline.pvtt_text=; baseline.pvtt_type=            | pvtt_level                |                     |
| laboratory[3].value=10; laboratory[4].value=38      | albi_level                | Grade 2             |
| laboratory[3].value_comparator=<                    | albi_level                | Grade 1             |
| laboratory[3].value_comparator=>                    | albi_level                |                     |
|                                                     | metastasis_organs_level   | Lung + other organs |
| -metastasis[2]                                      | metastasis_organs_level   | Lung                |
| -metastasis[1]                                      | metastasis_organs_level   | Other organs        |
| -metastasis[1]; metastasis.organ=liver              | metastasis_organs_level   |                     |
| metastasis[2].organ=portal_vein                     | metastasis_organs_level   | Lung                |
| metastasis[2].organ=liver                           | metastasis_organs_level   | Lung                |
| -metastasis                                         | metastasis_organs_level   |                     |
| baseline.metastasis_site_number=5                   | metastasis_sites_level    | <=5                 |
| baseline.metastasis_site_number=                    | metastasis_sites_level    | >5                  |
| baseline.metastasis_site_number=; metastasis[2].lesion_number= | metastasis_sites_level |        |
| baseline.metastasis_site_number=; -metastasis[1]    | metastasis_sites_level    | <=5                 |
| baseline.hbsag=negative                             | hbsag_level               | Negative            |
| laboratory[6].value=2001                            | hbv_dna_level             | >2000               |
| -laboratory[6]                                      | hbv_dna_level             |                     |
| -laboratory[6]; baseline.hbsag=negative             | hbv_dna_level             | <=2000              |
| baseline.has_antiviral_therapy=false                | antiviral_level           | No                  |
| baseline.has_cirrhosis=                             | cirrhosis_level           |                     |
| baseline.hvpg_mmhg=10                               | portal_hypertension_level | No                  |
| baseline.hvpg_mmhg=10.1                             | portal_hypertension_level | Yes                 |
| baseline.hvpg_mmhg=; baseline.has_portal_hypertension=true | portal_hypertension_level | Yes         |
"""


@pytest.mark.parametrize("case", read_rows(LEVELS), ids=lambda c: f"{c['column']}: {c['edits']}")
def test_level_of_a_patient(case):
    subject = derive_case(case["edits"] or "")[1]["subject"].filter(pl.col("patient_id") == "p1")
    assert subject[case["column"]].item() == case["level"]


def test_there_are_the_studys_17_levels():
    assert set(compute_levels()) == set(STUDY_LABELS)
    shown = {row["column"]: set() for row in read_rows(LEVELS)}
    for row in read_rows(LEVELS):
        shown[row["column"]].add(row["level"])
    assert all(levels - {None} <= STUDY_LABELS[column] for column, levels in shown.items())


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published tables are not here")
def test_labels_are_those_of_the_printed_table():
    printed = pl.read_csv(PUBLISHED).group_by("characteristic", maintain_order=True).agg("level")["level"].to_list()
    assert [set(levels) for levels in printed] == list(STUDY_LABELS.values())
    assert list(STUDY_LABELS) == list(compute_levels())


@pytest.mark.parametrize(
    ("value", "comparator", "level"),
    [
        (400, "=", "<=400"), (401, None, ">400"), (None, None, None),
        (400, "<", "<=400"), (401, "<", None), (1210, ">", ">400"), (400, ">", ">400"), (399, ">", None),
        (400, "<=", "<=400"), (401, "<=", None), (400, ">=", ">400"), (399.9, ">=", None), (400.1, ">=", ">400"),
        (None, "not_detected", "<=400"), (0, "not_detected", "<=400"),
    ],
)  # fmt: skip
def test_a_bound_gives_a_level_only_where_it_settles_it(value, comparator, level):
    schema = {"v": pl.Float64, "c": pl.String}
    frame = pl.DataFrame({"v": [value], "c": [comparator]}, schema=schema)
    assert frame.select(compute_bounded_level(pl.col("v"), pl.col("c"), 400)).item() == level


# 2000 IU/mL are 10,000 copies/mL at 5 copies an IU and 12,000 at 6.
HBV_DNA = """
| iu   | iu_sign      | copies | copies_sign  | hbsag    | level  |
|      |              |        |              | negative | <=2000 |
|      |              |        |              | positive |        |
|      |              |        |              |          |        |
| 0    | not_detected |        |              | positive | <=2000 |
| 5000 | =            |        |              | negative | >2000  |
| 5000 | <            |        |              | negative |        |
| 2000 | =            |        |              | positive | <=2000 |
|      |              | 10000  | =            | positive | <=2000 |
|      |              | 10001  | =            | positive |        |
|      |              | 12000  | =            | positive |        |
|      |              | 12001  | =            | positive | >2000  |
|      |              | 11000  |              | negative |        |
|      |              | 10000  | <            | positive | <=2000 |
|      |              | 10001  | <            | positive |        |
|      |              | 12000  | >            | positive | >2000  |
|      |              | 11999  | >            | positive |        |
|      |              | 0      | not_detected | positive | <=2000 |
| 1999 | =            | 90000  | =            | positive | <=2000 |
| 5000 | <            | 100    | =            | positive |        |
| 5000 |              | 100    | =            | positive | >2000  |
|      | not_detected | 90000  | =            | positive | <=2000 |
|      |              |        | not_detected | positive | <=2000 |
"""


@pytest.mark.parametrize("case", read_rows(HBV_DNA), ids=lambda case: "-".join(str(v) for v in case.values()))
def test_hbv_dna_level(case):
    frame = pl.DataFrame([case]).select(
        pl.col("iu", "copies").cast(pl.Float64), pl.col("iu_sign", "copies_sign", "hbsag").cast(pl.String)
    )
    level = compute_hbv_dna_level(*map(pl.col, ("iu", "iu_sign", "copies", "copies_sign", "hbsag")))
    assert frame.select(level).item() == case["level"]


@pytest.mark.parametrize(
    ("birth", "start", "stated", "age"),
    [
        (date(1944, 3, 2), date(2020, 3, 1), None, 75),
        (date(1944, 3, 1), date(2020, 3, 1), None, 76),
        (date(1960, 2, 29), date(2021, 2, 28), None, 60),
        (date(1960, 2, 29), date(2021, 3, 1), None, 61),
        (date(1960, 1, 1), date(2020, 3, 1), 55.0, 60),
        (None, date(2020, 3, 1), 55.9, 55),
        (date(1960, 1, 1), None, 55.0, 55),
        (date(2021, 1, 1), date(2020, 3, 1), 55.0, None),
        (None, date(2020, 3, 1), None, None),
        (date(2020, 3, 1), date(2020, 3, 1), None, 0),
    ],
)
def test_age_in_completed_years(birth, start, stated, age):
    schema = {"b": pl.Date, "s": pl.Date, "y": pl.Float64}
    frame = pl.DataFrame({"b": [birth], "s": [start], "y": [stated]}, schema=schema)
    assert frame.select(compute_age_years(pl.col("b"), pl.col("s"), pl.col("y"))).item() == age


@pytest.mark.parametrize(
    ("hvpg", "flag", "expected"), [(10, True, False), (10.1, False, True), (None, True, True), (None, None, None)]
)
def test_a_measured_gradient_wins_over_the_flag(hvpg, flag, expected):
    frame = pl.DataFrame({"h": [hvpg], "f": [flag]}, schema={"h": pl.Float64, "f": pl.Boolean})
    assert frame.select(compute_has_portal_hypertension(pl.col("h"), pl.col("f"))).item() == expected
