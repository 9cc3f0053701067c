"""Who is in: the correct patient meets all twelve criteria; each line changes one thing and names what is then not met."""

from datetime import date, timedelta

import polars as pl
import pytest
from clinical_tables import derive_case, make_frame, make_tables, read_rows

from schemas.definitions.treatment import derive_first_line, derive_next_line
from schemas.derive import derive
from schemas.rules import CRITERIA
from schemas.tables import TABLES

# false: criteria that remove the patient; unknown: criteria without an answer (E4 is then false).
# A recorded class C that no ascites could reach from the other components (at most 7 points, B) leaves the class unknown.
# 3 months are 91.3125 days: 2020-05-31 is day 91, 2020-06-01 day 92 after 2020-03-01.
CASES = """
| edits                                                              | false                         | unknown                   |
|                                                                    |                               |                           |
| patient.tumour_type=cholangiocarcinoma                             | i1_primary_unresectable_hcc   |                           |
| patient.diagnosis_basis=other                                      | i1_primary_unresectable_hcc   |                           |
| patient.diagnosis_basis=clinical_aasld                             |                               |                           |
| patient.is_unresectable=false; patient.tumour_type=                | i1_primary_unresectable_hcc   |                           |
| patient.is_unresectable=                                           | e4_complete_data              | i1_primary_unresectable_hcc |
| baseline.bclc_stage=B                                              | i2_bclc_c_with_metastasis     |                           |
| baseline.has_extrahepatic_metastasis=false                         | i2_bclc_c_with_metastasis     |                           |
| baseline.ecog_status=1                                             | i3_liver_function_and_ecog    |                           |
| baseline.child_pugh_class=C                                        |                               |                           |
| baseline.child_pugh_class=C; baseline.ascites=                     | e4_complete_data              | i3_liver_function_and_ecog |
| baseline.child_pugh_class=B; baseline.ascites=                     |                               |                           |
| baseline.child_pugh_class=; baseline.ascites=                      | e4_complete_data              | i3_liver_function_and_ecog |
| patient.has_other_malignancy=true                                  | i4_no_other_malignancy        |                           |
| patient.is_recurrent=true                                          | e1_not_recurrent              |                           |
| patient.birth_date=2002-03-01                                      |                               |                           |
| patient.birth_date=2002-03-02                                      | e2_age_18_to_75               |                           |
| patient.birth_date=1944-03-02                                      |                               |                           |
| patient.birth_date=1944-03-01                                      | e2_age_18_to_75               |                           |
| baseline.has_vena_cava_or_atrium_tumour=true                       | e3_no_vena_cava_or_atrium_tumour |                        |
| baseline.pvtt_text=门静脉右支癌栓，下腔静脉癌栓                     | e4_complete_data              | e3_no_vena_cava_or_atrium_tumour |
| baseline.pvtt_text=门静脉右支癌栓，癌栓延伸至右心房                 | e4_complete_data              | e3_no_vena_cava_or_atrium_tumour |
| baseline.pvtt_text=门静脉右支癌栓，下腔静脉未见癌栓                 |                               |                           |
| baseline.pvtt_text=门静脉右支癌栓，下腔静脉受压                     |                               |                           |
| baseline.pvtt_text=门静脉右支癌栓，下腔静脉可疑癌栓                 |                               |                           |
| baseline.pvtt_text=门静脉右支癌栓，下腔静脉癌栓; baseline.has_vena_cava_or_atrium_tumour=true | e3_no_vena_cava_or_atrium_tumour |   |
| baseline.pvtt_text=门静脉右支癌栓，下腔静脉未见癌栓; baseline.has_vena_cava_or_atrium_tumour=true | e3_no_vena_cava_or_atrium_tumour | |
| baseline.pvtt_text=门静脉右支癌栓，下腔静脉癌栓; baseline.has_vena_cava_or_atrium_tumour= | e4_complete_data | e3_no_vena_cava_or_atrium_tumour |
| baseline.tumour_number=                                            | e4_complete_data              |                           |
| -laboratory[5]                                                     | e4_complete_data              |                           |
| -lesion; -response                                                 | e4_complete_data              |                           |
| -lesion!; -response!                                               | e4_complete_data              |                           |
| outcome.vital_status=                                              | e4_complete_data              |                           |
| outcome.vital_status=; outcome.last_contact_date=2020-05-31        | e4_complete_data              | e5_followed_3_months      |
| outcome.vital_status=alive; outcome.last_contact_date=2020-05-31   | e5_followed_3_months          |                           |
| outcome.vital_status=alive; outcome.last_contact_date=2020-06-01   |                               |                           |
| outcome.vital_status=alive; outcome.last_contact_date=; outcome.death_date=; outcome.overall_survival_days=91.3125 |                               |                           |
| outcome.vital_status=alive; outcome.last_contact_date=; outcome.death_date=; outcome.overall_survival_days=91.3 | e5_followed_3_months          |                           |
| outcome.last_contact_date=2020-05-31; outcome.death_date=2020-05-31 |                              |                           |
| treatment.end_date=2020-05-31; treatment[2].end_date=2020-05-31    | x1_treated_3_months           |                           |
| treatment.end_date=2020-05-31; treatment[2].end_date=2020-06-01    |                               |                           |
| treatment.end_date=2020-05-31; treatment[2].end_date=              | e4_complete_data              | x1_treated_3_months       |
| treatment.end_date=; treatment.stop_reason=                        |                               |                           |
| treatment.drug=other                                               | arm_is_compared               |                           |
| -treatment[2]                                                      | arm_is_compared               |                           |
| treatment[3].line_number=1                                         | arm_is_compared               |                           |
| treatment.drug=sorafenib                                           |                               |                           |
| treatment.start_date=2018-12-31; treatment[2].start_date=2018-12-31 | start_in_enrolment_window     |                           |
| treatment.start_date=2019-01-01; treatment[2].start_date=2019-01-01 |                               |                           |
| treatment.start_date=2022-01-01; treatment[2].start_date=2021-12-31 | x1_treated_3_months          |                           |
| treatment.start_date=2022-01-01; treatment[2].start_date=2022-01-01 | start_in_enrolment_window     |                           |
"""


@pytest.mark.parametrize("case", read_rows(CASES), ids=lambda c: str(c["edits"]))
def test_criteria_of_a_patient(case):
    edits = case["edits"] or ""
    own = derive_case(edits)[1]["eligibility"].filter(pl.col("patient_id") == "p1")
    assert own["criterion_order"].to_list() == list(range(1, 13))
    removed = set(own.filter(~pl.col("is_met"))["criterion_id"])
    unknown = set(own.filter(pl.col("is_met").is_null())["criterion_id"])
    expected = {case["false"]} - {None}
    # A treatment that ends before it starts, or a start out of the window, changes the times as well.
    assert expected <= removed
    assert removed - expected <= (
        {"x1_treated_3_months", "e5_followed_3_months", "e4_complete_data"} if "start_date" in edits else set()
    )
    assert unknown == {case["unknown"]} - {None}


def test_the_flow_chart_has_twelve_steps_in_order():
    steps = sorted(CRITERIA.values(), key=lambda c: c.order)
    assert [step.order for step in steps] == list(range(1, 13))
    assert [step.criterion_id for step in steps][7] == "e4_complete_data"
    assert all(step.label_en and step.label_zh and step.source for step in steps)


# drugs of line 1 -> arm, kinase inhibitor, PD-1 inhibitor
ARMS = """
| drugs                             | arm      | targeted   | pd1          |
| sorafenib sintilimab              | sora_pd1 | sorafenib  | sintilimab   |
| lenvatinib pembrolizumab          | len_pd1  | lenvatinib | pembrolizumab |
| camrelizumab sorafenib            | sora_pd1 | sorafenib  | camrelizumab |
| lenvatinib toripalimab nivolumab  | len_pd1  | lenvatinib | nivolumab    |
| lenvatinib sorafenib nivolumab    | other    | lenvatinib | nivolumab    |
| lenvatinib nivolumab other        | other    | lenvatinib | nivolumab    |
| lenvatinib                        | other    | lenvatinib |              |
| nivolumab                         | other    |            | nivolumab    |
| other                             | other    |            |              |
"""


@pytest.mark.parametrize("case", read_rows(ARMS), ids=lambda c: c["drugs"])
def test_arm_of_the_first_line(case):
    rows = [{"line_number": "1", "drug": drug, "start_date": "2020-03-01"} for drug in case["drugs"].split()]
    later = [{"line_number": "2", "drug": "camrelizumab", "start_date": "2021-03-01"}]
    line = derive_first_line(make_frame("treatment", rows + later)).row(0, named=True)
    assert (line["arm"], line["targeted_drug"], line["pd1_drug"]) == (case["arm"], case["targeted"], case["pd1"])


def test_start_is_the_earlier_and_end_the_later_of_the_combination():
    rows = read_rows("""
        | line_number | drug       | start_date | end_date   | stop_reason |
        | 1           | lenvatinib | 2020-03-05 | 2020-07-01 | toxicity    |
        | 1           | nivolumab  | 2020-03-01 | 2020-09-01 | progression |
        | 2           | sorafenib  | 2020-10-01 |            |             |
    """)
    line = derive_first_line(make_frame("treatment", rows)).row(0, named=True)
    assert (str(line["first_line_start_date"]), str(line["treatment_end_date"])) == ("2020-03-01", "2020-09-01")
    assert line["is_treatment_ongoing"] is False


@pytest.mark.parametrize("drug", ["treatment", "treatment[2]"])
def test_a_start_is_unknown_where_either_drug_has_no_first_dose(drug):
    """The drug without a date may have been the first: time zero is missing, which is E4."""
    derived = derive_case(f"{drug}.start_date=")[1]
    subject = derived["subject"].filter(pl.col("patient_id") == "p1").row(0, named=True)
    assert (subject["arm"], subject["first_line_start_date"], subject["os_days"]) == ("len_pd1", None, None)
    verdicts = derived["eligibility"].filter(pl.col("patient_id") == "p1").select("criterion_id", "is_met").rows()
    assert dict(verdicts)["e4_complete_data"] is False


def test_of_two_drugs_of_a_class_the_first_started_is_named():
    rows = read_rows("""
        | line_number | drug          | start_date |
        | 1           | lenvatinib    |            |
        | 1           | sorafenib     | 2020-03-05 |
        | 1           | sintilimab    | 2020-03-02 |
        | 1           | camrelizumab  | 2020-03-04 |
    """)
    line = derive_first_line(make_frame("treatment", rows)).row(0, named=True)
    assert (line["targeted_drug"], line["pd1_drug"]) == ("sorafenib", "sintilimab")
    assert (line["kinase_inhibitor_number"], line["pd1_drug_number"]) == (2, 2)


def test_the_next_line_starts_with_the_first_dose_after_line_1():
    rows = read_rows("""
        | patient_id | line_number | drug        | start_date |
        | p1         | 1           | lenvatinib  | 2020-03-01 |
        | p1         | 2           | regorafenib | 2020-08-10 |
        | p1         | 2           | nivolumab   | 2020-08-01 |
        | p1         | 3           | other       | 2020-09-01 |
        | p2         | 1           | sorafenib   | 2020-03-01 |
    """)
    assert derive_next_line(make_frame("treatment", rows)).rows() == [("p1", date(2020, 8, 1), False)]


# The drugs of a line 1 with their days, counted from the start of lenvatinib on day 0 -> arm, begun within 28 days, given at one time,
# two PD-1 inhibitors at one time. `10..` goes on, `10..?` was stopped on a day that is not known, `?..` began on one.
COMBINATIONS = """
| drugs                                              | arm     | begun | given | at once |
| lenvatinib 0..90, nivolumab 28..90                 | len_pd1 | True  | True  | False   |
| lenvatinib 0..90, nivolumab 29..90                 | other   | False | False | False   |
| lenvatinib 0..90, nivolumab -28..90                | len_pd1 | True  | True  | False   |
| lenvatinib 0..90, nivolumab -29..90                | other   | False | False | False   |
| lenvatinib 0..90, nivolumab -21..-21               | len_pd1 | True  | True  | False   |
| lenvatinib 0..90, nivolumab -22..-22               | other   | True  | False | False   |
| lenvatinib 0..90, nivolumab -28..-21               | len_pd1 | True  | True  | False   |
| lenvatinib 0..10, nivolumab 10..90                 | len_pd1 | True  | True  | False   |
| lenvatinib 0..10, nivolumab 11..90                 | other   | True  | False | False   |
| lenvatinib 0.., nivolumab -22..?                   | len_pd1 | True  |       | False   |
| lenvatinib 0.., nivolumab ?..90                    | len_pd1 |       |       | False   |
| lenvatinib ?..90, nivolumab 0..90                  | len_pd1 |       |       | False   |
| lenvatinib 0..90, camrelizumab 2..40, sintilimab 61..90   | len_pd1 | True | True | False |
| lenvatinib 0..90, camrelizumab 2..61, sintilimab 61..90   | len_pd1 | True | True | False |
| lenvatinib 0..90, camrelizumab 2..62, sintilimab 61..90   | len_pd1 | True | True | True  |
| lenvatinib 0..90, camrelizumab 2.., sintilimab 61..90     | len_pd1 | True |      | True  |
| lenvatinib 0..90, camrelizumab 2..?, sintilimab 61..90    | len_pd1 | True |      |       |
| lenvatinib 0..90, camrelizumab 2..62, sintilimab 61..?    | len_pd1 | True | True | True  |
| lenvatinib 0..90, camrelizumab ?..60, sintilimab 61..90   | len_pd1 |      |      | False |
| lenvatinib 0..90, camrelizumab 61..90, sintilimab ?..60   | len_pd1 |      |      | False |
| lenvatinib 0..90, camrelizumab ?..61, sintilimab 61..90   | len_pd1 |      |      |       |
| lenvatinib 0..90, camrelizumab ?..62, sintilimab 61..90   | len_pd1 |      |      | True  |
| lenvatinib 0..90, camrelizumab 2..60, sintilimab ?..90    | len_pd1 |      | True |       |
| lenvatinib 0..90, camrelizumab 2.., sintilimab ?..        | len_pd1 |      |      | True  |
| lenvatinib 0..90, camrelizumab 2.., sintilimab ?..90      | len_pd1 |      |      | True  |
| lenvatinib 0..90, camrelizumab 2..60, sintilimab 61..?    | len_pd1 | True | True | False |
| lenvatinib 0..90, camrelizumab 2..40, sintilimab 30..50, toripalimab ?..90 | len_pd1 |  | True | True |
| lenvatinib 0..90, camrelizumab 2..40, sintilimab 41..?, toripalimab 61..90 | len_pd1 | True | True |  |
| lenvatinib 0..90, camrelizumab 2..9, sintilimab 2..9      | len_pd1 | True | True | True  |
| lenvatinib 0..90, camrelizumab -60..-30, sintilimab -9..90 | other  | False | True | False |
| lenvatinib 0..90, camrelizumab -22..-22, sintilimab 40..90 | other  | True | False | False |
| lenvatinib 0..90, nivolumab 0..90, other 0..90     | other   | True  | True  | False   |
| lenvatinib 0..90, sorafenib 0..9, nivolumab 0..90  | other   |       |       | False   |
| lenvatinib 0..90                                   | other   |       |       |         |
"""


def read_course(text):
    drug, days = text.split()
    first, last = days.split("..")
    day = {
        name: None if n in ("", "?") else str(date(2020, 3, 1) + timedelta(days=int(n)))
        for name, n in (("start_date", first), ("end_date", last))
    }
    return {"line_number": "1", "drug": drug, **day, "stop_reason": None if last == "" else "other"}


@pytest.mark.parametrize("case", read_rows(COMBINATIONS), ids=lambda c: c["drugs"])
def test_a_combination_begins_within_28_days_and_is_given_together(case):
    rows = [read_course(text) for text in case["drugs"].split(", ")]
    line = derive_first_line(make_frame("treatment", rows)).row(0, named=True)
    verdicts = (line["is_begun_together"], line["is_given_together"], line["has_pd1_drugs_at_once"])
    assert line["arm"] == case["arm"]
    assert [None if verdict is None else str(verdict) for verdict in verdicts] == [
        case["begun"],
        case["given"],
        case["at once"],
    ]


def test_no_first_line_is_no_arm():
    rows = [{"line_number": "2", "drug": "sorafenib"}]
    assert derive_first_line(make_frame("treatment", rows)).is_empty()
    assert derive(make_tables(), sent=TABLES)["eligibility"].is_empty()
