"""Facts about lines of therapy, worked by hand: each row of a table is a drug of one patient, with what the others say of it."""

import datetime as dt

import polars as pl
import pytest
from clinical_tables import derive_case, make_frame, read_rows

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


# Lenvatinib in line 1, then in line 2 -> in both over common days. An earlier drug without a last dose may have ended in time.
COMMON_DAYS = """
    | first_start | first_end  | start      | end        | expected |
    | 2020-03-01  | 2020-07-01 | 2020-06-30 |            | True     |
    | 2020-03-01  | 2020-07-01 | 2020-07-01 |            | False    |
    |             | 2020-07-01 | 2020-06-30 |            | True     |
    |             | 2020-07-01 | 2020-06-30 | 2020-08-01 |          |
    |             | 2020-07-01 | 2020-07-01 | 2020-08-01 | False    |
    | 2020-03-01  |            | 2020-06-30 | 2020-08-01 |          |
    | 2020-03-01  | 2020-07-01 |            | 2020-08-01 |          |
    | 2020-03-01  | 2020-07-01 |            | 2020-03-01 | False    |
"""


@pytest.mark.parametrize("case", read_rows(COMMON_DAYS))
def test_common_days_are_unknown_where_a_date_is_missing_that_would_decide(case):
    lines = (("1", case["first_start"], case["first_end"]), ("2", case["start"], case["end"]))
    rows = [{"line_number": n, "drug": "lenvatinib", "start_date": start, "end_date": end} for n, start, end in lines]
    facts = derive_treatment_facts(make_frame("treatment", rows))
    found = facts.filter(pl.col("line_number") == 2)["is_in_earlier_line_too"].item()
    assert (None if found is None else str(found)) == case["expected"]


def test_a_line_of_the_same_drugs(facts):
    assert facts["p1", 2, "sintilimab"]["repeats_line_before"]
    assert not facts["p1", 3, "other"]["repeats_line_before"]
    assert facts["p1", 1, "sintilimab"]["repeats_line_before"] is None


CLASSES = """
    | bilirubin_umol_l | albumin_g_l | inr | ascites          | encephalopathy_grade | recorded | expected | source   |
    | 15               | 40          | 1.1 | none             | 0                    | B        | A        | derived  |
    | 15               | 40          |     | none             | 0                    | A        | A        | recorded |
    | 15               | 40          |     | none             | 0                    | B        | B        | recorded |
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


# The correct patient has TACE on 10 March and on 20 April.
PATIENTS = """
    | edits                                                                                          | column                       | value      |
    |                                                                                                | first_procedure_date         | 2020-03-10 |
    | procedure[1].procedure_date=2020-05-10                                                         | first_procedure_date         | 2020-04-20 |
    | procedure[1].procedure_date=                                                                   | first_procedure_date         | 2020-04-20 |
    | -procedure                                                                                     | first_procedure_date         |            |
    |                                                                                                | first_resection_date         |            |
    | procedure[2].procedure=resection                                                               | first_resection_date         | 2020-04-20 |
    | procedure[2].procedure=ablation                                                                | first_resection_date         |            |
    | procedure[2].procedure=ablation                                                                | first_ablation_date          | 2020-04-20 |
    | procedure[1].procedure=ablation; procedure[2].procedure=ablation                               | first_ablation_date          | 2020-03-10 |
    | procedure[1].procedure=ablation; procedure[2].procedure=ablation; procedure[1].procedure_date= | first_ablation_date          | 2020-04-20 |
    | procedure[2].procedure=resection                                                               | first_ablation_date          |            |
    |                                                                                                | first_unnamed_treatment_date |            |
    | procedure[2].procedure=radiotherapy                                                            | first_unnamed_treatment_date | 2020-04-20 |
    | procedure[2].procedure=radiotherapy; procedure[2].lesion_id=T1                                 | first_unnamed_treatment_date |            |
    | procedure[1].procedure=haic; procedure[2].procedure=ablation                                   | first_unnamed_treatment_date | 2020-04-20 |
"""


@pytest.mark.parametrize("case", read_rows(PATIENTS), ids=lambda case: f"{case['column']}: {case['edits']}")
def test_a_patients_first_procedures(case):
    facts = derive_case(case["edits"] or "")[1]["patient_facts"].filter(patient_id="p1").row(0, named=True)
    assert facts[case["column"]] == (dt.date.fromisoformat(case["value"]) if case["value"] else None)


# The correct patient's baseline: T1 in the liver, T2 in the lung, N1 in the bone. A second reader: lesion[10] and [11].
SECOND = "lesion[10].visit_number=0; lesion[10].reader=b; lesion[10].lesion_id=T1; lesion[10].role=target; lesion[10].assessment_date=2020-02-20"
LESIONS = f"""
    | edits                                                            | outside | portal | non_target |
    |                                                                  | 2       | 0      | 1          |
    | lesion[2].organ=liver                                            | 1       | 0      | 1          |
    | lesion[2].organ=portal_vein                                      | 1       | 1      | 1          |
    | lesion[2].organ=                                                 | 1       | 0      | 1          |
    | lesion[2].organ=; lesion[3].organ=                               |         | 0      | 1          |
    | lesion[2].organ=liver; lesion[3].organ=                          |         | 0      | 1          |
    | lesion[2].organ=liver; lesion[3].organ=liver                     | 0       | 0      | 1          |
    | lesion[2].role=non_target                                        | 2       | 0      | 2          |
    | lesion[3].assessment_date=2020-03-02                             | 1       | 0      | 0          |
    | lesion[3].status=absent                                          | 1       | 0      | 0          |
    | {SECOND}; lesion[10].organ=lung                                  | 1       | 0      | 0          |
    | {SECOND}; lesion[10].organ=liver                                 | 0       | 0      | 0          |
"""


@pytest.mark.parametrize("case", read_rows(LESIONS), ids=lambda case: case["edits"])
def test_the_lesions_of_the_baseline_by_the_reader_with_fewest(case):
    """None outside the liver is known only where every lesion's organ is."""
    facts = derive_case(case["edits"] or "")[1]["patient_facts"].filter(patient_id="p1").row(0, named=True)
    names = ("baseline_outside_lesion_number", "baseline_portal_vein_lesion_number", "baseline_non_target_number")
    assert [None if facts[name] is None else str(facts[name]) for name in names] == [
        case["outside"],
        case["portal"],
        case["non_target"],
    ]
