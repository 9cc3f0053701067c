"""Facts about lines of therapy, worked by hand: each row of a table is a drug of one patient, with what the others say of it."""

import datetime as dt

import polars as pl
import pytest
from clinical_tables import make_frame, read_rows

from schemas.definitions.child_pugh import (
    compute_class_from_points_or_record,
    compute_class_source,
    compute_possible_classes,
)
from schemas.definitions.course_facts import derive_treatment_facts

LINES = """
    | patient_id | line_number | drug        | start_date | end_date   |
    | p1         | 1           | lenvatinib  | 2020-03-01 | 2020-07-01 |
    | p1         | 1           | sintilimab  | 2020-03-05 | 2020-06-20 |
    | p1         | 2           | lenvatinib  | 2020-06-30 | 2020-08-01 |
    | p1         | 2           | sintilimab  | 2020-07-02 |            |
    | p1         | 3           | other       | 2020-07-20 |            |
"""


@pytest.fixture(scope="module")
def facts():
    rows = derive_treatment_facts(make_frame("treatment", read_rows(LINES))).to_dicts()
    return {(row["patient_id"], row["line_number"], row["drug"]): row for row in rows}


def test_what_the_lines_before_say(facts):
    third = facts["p1", 3, "other"]
    assert third["earlier_line_start_date"] == dt.date(2020, 6, 30)
    assert third["earlier_line_end_date"] == dt.date(2020, 8, 1)
    assert facts["p1", 1, "lenvatinib"]["later_line_start_date"] == dt.date(2020, 6, 30)
    assert facts["p1", 1, "lenvatinib"]["earlier_line_start_date"] is None


def test_one_drug_in_two_lines_over_common_days(facts):
    assert facts["p1", 2, "lenvatinib"]["is_in_earlier_line_too"]  # 30 June is a day of both
    assert not facts["p1", 2, "sintilimab"]["is_in_earlier_line_too"]
    assert not facts["p1", 1, "lenvatinib"]["is_in_earlier_line_too"]


def test_a_line_of_the_same_drugs(facts):
    assert facts["p1", 2, "sintilimab"]["repeats_line_before"]
    assert not facts["p1", 3, "other"]["repeats_line_before"]
    assert facts["p1", 1, "sintilimab"]["repeats_line_before"] is None


CLASSES = """
    | bilirubin_umol_l | albumin_g_l | inr | ascites          | encephalopathy_grade | recorded | expected | source   |
    | 15               | 40          | 1.1 | none             | 0                    | B        | A        | derived  |
    | 15               | 40          |     | none             | 0                    | A        | A        | recorded |
    | 15               | 40          |     | none             | 0                    | C        |          |          |
    | 15               | 40          |     | moderate_or_more | 2                    | A        |          |          |
    | 15               | 40          |     | moderate_or_more | 2                    | B        | B        | recorded |
    | 60               | 40          |     | mild             | 1                    | B        | B        | recorded |
    | 60               | 26          |     | moderate_or_more | 0                    |          | C        | derived  |
    | 15               | 40          |     | none             | 0                    |          |          |          |
"""


def test_the_class_that_the_known_components_leave():
    """Pugh 1973: five components of 1 to 3 points, A 5-6, B 7-9, C 10-15."""
    rows = read_rows(CLASSES)
    numbers = ("bilirubin_umol_l", "albumin_g_l", "inr", "encephalopathy_grade")
    frame = pl.DataFrame(rows).with_columns(
        *(pl.col(name).cast(pl.Float64) for name in numbers),
        *(pl.lit("=").alias(f"{name}_comparator") for name in ("bilirubin", "albumin", "inr", "pt_prolongation")),
        pl.lit(None, dtype=pl.Float64).alias("pt_prolongation_s"),
    )
    read = frame.with_columns(**compute_possible_classes()).select(
        found=compute_class_from_points_or_record(pl.col("recorded")), source=compute_class_source(pl.col("recorded"))
    )
    assert read.rows() == [(row["expected"], row["source"]) for row in rows]
