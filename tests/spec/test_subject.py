"""What the tables say about a patient, one column at a time: which source counts, and what a missing one leaves open.

Each line changes the correct patient (tests/clinical_tables.py), who starts on 2020-03-01, has PD on 2020-06-10 (day 101)
and dies on 2020-12-01 (day 275), and gives the value of one column of `subject`; an empty value is null.
"""

import polars as pl
import pytest
from clinical_tables import derive_case, make_case, read_rows

from schemas.derive import derive, join_subject
from schemas.derived_columns import MONTH_DATES
from schemas.tables import TABLES

CASES = """
| edits                                                                                    | column                        | value       |
| baseline.metastasis_site_number=9                                                        | metastasis_site_number_from_total_or_organs | 9           |
| baseline.metastasis_site_number=                                                         | metastasis_site_number_from_total_or_organs | 6           |
|                                                                                          | has_baseline_imaging          | True        |
| -lesion; -response                                                                       | has_baseline_imaging          | False       |
| -lesion!; -response                                                                      | has_baseline_imaging          | False       |
| -lesion; -response!                                                                      | has_baseline_imaging          | False       |
| -lesion!; -response!                                                                     | has_baseline_imaging          |             |
| -lesion; -response                                                                       | follow_up_assessment_number   | 0           |
| -lesion!; -response                                                                      | follow_up_assessment_number   | 0           |
| -lesion!; -response!                                                                     | follow_up_assessment_number   |             |
| -baseline                                                                                | has_baseline_record           | False       |
| -baseline!                                                                               | has_baseline_record           |             |
| -outcome                                                                                 | has_outcome_record            | False       |
| -outcome!                                                                                | has_outcome_record            |             |
|                                                                                          | tace_number                   | 2           |
| procedure[2].procedure=ablation                                                          | tace_number                   | 1           |
| -procedure                                                                               | tace_number                   | 0           |
| -procedure!                                                                              | tace_number                   |             |
|                                                                                          | combined_tace_number          | 2           |
| procedure[1].procedure_date=2019-12-02                                                   | combined_tace_number          | 2           |
| procedure[1].procedure_date=2019-12-01                                                   | combined_tace_number          | 1           |
| procedure[1].procedure_date=2019-12-01                                                   | tace_number                   | 2           |
| procedure[1].procedure_date=                                                             | combined_tace_number          | 2           |
| procedure[1].procedure=ablation; procedure[2].procedure=haic                             | combined_tace_number          | 0           |
| -procedure                                                                               | combined_tace_number          | 0           |
| -procedure!                                                                              | combined_tace_number          |             |
| procedure[1].procedure_date=2020-05-31                                                   | combined_tace_number          | 2           |
| procedure[1].procedure_date=2020-06-01                                                   | combined_tace_number          | 1           |
| procedure[1].procedure_date=2020-04-30; treatment[3].start_date=2020-05-01               | combined_tace_number          | 2           |
| procedure[1].procedure_date=2020-05-01; treatment[3].start_date=2020-05-01               | combined_tace_number          | 1           |
| procedure[1].procedure_date=2020-06-01; procedure[2].procedure_date=2020-08-10           | has_tace_with_therapy         | False       |
| procedure[1].procedure_date=2020-06-01; procedure[2].procedure_date=                     | has_tace_with_therapy         | True        |
| procedure[1].procedure_date=2020-06-01; -procedure[2]; baseline.has_tace=                | has_tace_with_therapy         |             |
| baseline.has_tace=false                                                                  | has_tace_with_therapy         | False       |
| -procedure                                                                               | has_tace_with_therapy         | True        |
| -procedure!                                                                              | has_tace_with_therapy         | True        |
| procedure[1].procedure_date=2019-12-01; -treatment                                       | combined_tace_number          | 2           |
| baseline.has_tace=; procedure[1].procedure_date=2019-05-10; procedure[2].procedure_date=2019-07-20 | has_tace_with_therapy |             |
| procedure[1].procedure=ablation                                                          | first_curative_date           | 2020-03-10  |
| procedure[2].procedure=resection                                                         | first_curative_date           | 2020-04-20  |
| procedure[1].procedure=ablation; procedure[2].procedure=resection                        | first_curative_date           | 2020-03-10  |
|                                                                                          | first_curative_date           |             |
|                                                                                          | first_tace_date               | 2020-03-10  |
| procedure[1].procedure=haic                                                              | first_tace_date               | 2020-04-20  |
| baseline.has_tace=false                                                                  | has_tace_with_therapy         | False       |
| baseline.has_tace=; -procedure[2]                                                        | has_tace_with_therapy         | True        |
| baseline.has_tace=; -procedure                                                           | has_tace_with_therapy         |             |
| -metastasis                                                                              | metastasis_organ_number       | 0           |
| -metastasis!                                                                             | metastasis_organ_number       |             |
| baseline.child_pugh_class=B                                                              | child_pugh_class_from_points_or_record | A           |
| baseline.child_pugh_class=B; baseline.ascites=                                           | child_pugh_class_from_points_or_record | B           |
| baseline.child_pugh_class=B; baseline.ascites=                                           | child_pugh_class_source       | recorded    |
| baseline.child_pugh_class=; baseline.ascites=                                            | child_pugh_class_source       |             |
| baseline.pvtt_type=IV                                                                    | pvtt_type_from_text_or_code   | II          |
| baseline.pvtt_type=IV; baseline.pvtt_text=                                               | pvtt_type_from_text_or_code   | IV          |
| baseline.tumour_size_text=7*6                                                            | tumour_size_from_number_or_text_cm | 8.0         |
| baseline.tumour_size_text=7*6; baseline.tumour_size_cm=                                  | tumour_size_from_number_or_text_cm | 7.0         |
| baseline.hvpg_mmhg=                                                                      | has_portal_hypertension_from_hvpg_or_flag | False       |
|                                                                                          | has_baseline_record           | True        |
| -baseline                                                                                | has_baseline_record           | False       |
| -outcome                                                                                 | has_outcome_record            | False       |
| -baseline!                                                                               | has_baseline_record           |             |
| -outcome!                                                                                | has_outcome_record            |             |
|                                                                                          | alt_u_l                       | 30.0        |
| laboratory[6].value_comparator=not_detected                                              | hbv_dna_iu_ml                 | 0.0         |
| laboratory[6].value_comparator=                                                          | hbv_dna_iu_ml                 | 1000.0      |
| laboratory[6].value_comparator=>                                                         | hbv_dna_comparator            | >           |
| laboratory[3].value=10; laboratory[4].value_comparator=<                                 | albi_score                    |             |
| laboratory[3].value=10; laboratory[3].value_comparator=<                                 | albi_score                    |             |
| laboratory[3].value=10; laboratory[3].value_comparator=; laboratory[4].value_comparator= | albi_score                    | -2.74       |
| lesion[1].assessment_date=; lesion[2].assessment_date=; lesion[3].assessment_date=; response[1].assessment_date= | baseline_imaging_date | |
|                                                                                          | has_baseline_imaging          | True        |
| -lesion; -response                                                                       | has_baseline_imaging          | False       |
| -lesion!; -response!                                                                     | has_baseline_imaging          |             |
| -lesion[3]; -lesion[2]; -lesion[1]; -response[1]                                         | has_baseline_imaging          | False       |
|                                                                                          | follow_up_assessment_number   | 2           |
| -lesion; -response                                                                       | follow_up_assessment_number   | 0           |
| -lesion!; -response!                                                                     | follow_up_assessment_number   |             |
|                                                                                          | last_adequate_assessment_days | 101.0       |
| lesion[7].status=not_assessed; lesion[7].diameter_mm=; response[3].recorded_response=    | last_adequate_assessment_days | 45.0        |
| -lesion; -response[3]; -response[2]; response[1].recorded_response=SD                    | last_adequate_assessment_days |             |
|                                                                                          | derived_progression_days      | 101.0       |
| response[4].visit_number=3; response[4].reader=site; response[4].criteria=recist_1_1; response[4].assessment_date=2020-08-01; response[4].target_sum_mm=300 | derived_progression_days | 101.0 |
| response[4].visit_number=3; response[4].reader=site; response[4].criteria=recist_1_1; response[4].assessment_date=2020-08-01; response[4].target_sum_mm=300 | derived_progression_date | 2020-06-10 |
| response[4].visit_number=3; response[4].reader=site; response[4].criteria=recist_1_1; response[4].assessment_date=2020-08-01; response[4].target_sum_mm=300 | derived_progression_source | complete_list |
| -lesion; response[2].recorded_response=PD                                                | read_progression_days         | 45.0        |
| -lesion; response[2].recorded_response=PD                                                | read_progression_date         | 2020-04-15  |
| -lesion; -response[3]; response[1].recorded_response=PD                                  | read_progression_date         |             |
| -lesion; -response[3]; response[1].recorded_response=PD                                  | read_progression_days         |             |
| lesion[7].diameter_mm=50; lesion[8].diameter_mm=20                                       | read_progression_date         |             |
| lesion[7].diameter_mm=50; lesion[8].diameter_mm=20                                       | is_progression_derived        | False       |
|                                                                                          | is_progression_derived        | True        |
| outcome.last_contact_date=                                                               | last_contact_or_death_date    | 2020-12-01  |
| outcome.death_date=2020-11-01                                                            | last_contact_or_death_date    | 2020-12-01  |
| outcome.last_contact_date=; outcome.vital_status=alive                                   | last_contact_or_death_date    |             |
| outcome.death_date=2020-11-01                                                            | os_days                       | 245.0       |
| outcome.death_date=                                                                      | death_days                    | 275.0       |
| outcome.vital_status=alive                                                               | death_days                    |             |
| outcome.overall_survival_days=300                                                        | last_contact_days             | 275.0       |
| -treatment; outcome.overall_survival_days=300                                            | last_contact_days             | 300.0       |
| outcome.overall_survival_days=300; outcome.last_contact_date=; outcome.death_date=       | time_source                   | durations   |
|                                                                                          | treatment_days                | 122.0       |
| treatment[1].end_date=; treatment[1].stop_reason=                                        | treatment_days                | 275.0       |
| treatment[1].end_date=2023-01-01                                                         | treatment_days                | 974.0       |
| -lesion; -response; outcome.has_progressed=false                                         | first_progression_days        |             |
| -lesion; -response; outcome.has_progressed=                                              | first_progression_days        | 101.0       |
| -lesion; -response; outcome.progression_days=50                                          | first_progression_days        | 101.0       |
| -lesion; -response; outcome.progression_date=; outcome.progression_days=50               | first_progression_days        | 50.0        |
| -lesion; -response; outcome.progression_date=; outcome.progression_days=50; outcome.has_progressed= | first_progression_days |         |
| -lesion; response[2].recorded_response=PD; outcome.progression_date=2020-05-01           | first_progression_date        | 2020-04-15  |
| -lesion; response[2].recorded_response=PD; outcome.progression_date=2020-05-01           | first_progression_days        | 45.0        |
| outcome.progression_date=2020-05-01                                                      | first_progression_date        | 2020-05-01  |
| outcome.has_progressed=false; outcome.progression_date=; lesion[7].assessment_date=; lesion[8].assessment_date=; lesion[9].assessment_date=; response[3].assessment_date= | pfs_days | |
| outcome.has_progressed=false; outcome.progression_date=; lesion[7].assessment_date=; lesion[8].assessment_date=; lesion[9].assessment_date=; response[3].assessment_date= | pfs_event | |
| -lesion; -response; outcome.has_progressed=; outcome.progression_date=                   | pfs_days                      | 275.0       |
| -lesion; -response; outcome.has_progressed=; outcome.progression_date=                   | pfs_event                     | True        |
| lesion[1].viable_diameter_mm=80; lesion[4].viable_diameter_mm=120                        | first_progression_days        | 101.0       |
|                                                                                          | response_3_months             | PD          |
| lesion[7].diameter_mm=50; lesion[8].diameter_mm=20; outcome.has_progressed=false; outcome.progression_date= | response_3_months | PR |
|                                                                                          | best_response_confirmed       | SD          |
| -lesion; response[1].recorded_response=PD                                                | best_response                 | PR          |
|                                                                                          | first_response_days           | 45.0        |
|                                                                                          | diagnosis_date                | 2020-02-01  |
|                                                                                          | source_row                    | 1           |
| patient.person_id=k1                                                                     | person_id                     | k1          |
| baseline.has_portal_vein_thrombosis=true                                                 | has_portal_vein_thrombosis    | True        |
| lesion[1].reader=b; lesion[1].assessment_date=2020-02-27                                 | baseline_imaging_date         | 2020-02-20  |
|                                                                                          | adverse_event_number          | 2           |
| -adverse_event                                                                           | adverse_event_number          | 0           |
| -adverse_event!                                                                          | adverse_event_number          |             |
|                                                                                          | laboratory_number             | 8           |
| -laboratory                                                                              | laboratory_number             | 0           |
|                                                                                          | treatment_number              | 3           |
| -treatment!                                                                              | treatment_number              |             |
|                                                                                          | baseline_liver_lesion_number  | 1           |
| lesion[2].organ=liver                                                                    | baseline_liver_lesion_number  | 2           |
| lesion[1].status=absent                                                                  | baseline_liver_lesion_number  | 0           |
| lesion[1].status=not_assessed                                                            | baseline_liver_lesion_number  | 0           |
| lesion[1].status=                                                                        | baseline_liver_lesion_number  | 1           |
| lesion[1].role=new                                                                       | baseline_liver_lesion_number  | 0           |
| lesion[1].role=                                                                          | baseline_liver_lesion_number  | 1           |
| lesion[4].lesion_id=T9                                                                   | baseline_liver_lesion_number  | 1           |
| lesion[1].reader=b; lesion[2].organ=liver; lesion[3].organ=liver                         | baseline_liver_lesion_number  | 1           |
| lesion[2].diameter_mm=90                                                                 | baseline_liver_diameter_mm    | 80.0        |
| lesion[2].organ=liver                                                                    | baseline_liver_diameter_mm    | 80.0        |
| lesion[1].reader=b; lesion[2].organ=liver                                                | baseline_liver_diameter_mm    | 30.0        |
|                                                                                          | unmeasured_liver_lesion_number | 0           |
| lesion[1].diameter_mm=                                                                   | unmeasured_liver_lesion_number | 1           |
| lesion[1].reader=b; lesion[3].organ=liver                                                | unmeasured_liver_lesion_number | 1           |
|                                                                                          | unlisted_metastasis_organ_number | 0           |
| metastasis[1].organ=brain                                                                | unlisted_metastasis_organ_number | 1           |
| metastasis[1].organ=brain; metastasis[2].organ=adrenal                                   | unlisted_metastasis_organ_number | 2           |
| -metastasis                                                                              | unlisted_metastasis_organ_number |             |
| lesion[4].organ=brain                                                                    | unlisted_metastasis_organ_number | 0           |
| metastasis[1].organ=brain; lesion[3].organ=lung                                          | unlisted_metastasis_organ_number | 1           |
"""


@pytest.mark.parametrize("case", read_rows(CASES), ids=lambda case: f"{case['column']}: {case['edits']}")
def test_a_column_of_the_subject(case):
    row = derive_case(case["edits"] or "")[1]["subject"].filter(patient_id="p1").row(0, named=True)
    value = row[case["column"]]
    if isinstance(value, float):
        value = round(value, 6)
    assert case["value"] == (None if value is None else str(value))


def test_a_lesion_beside_two_criteria_stays_one_record():
    """With a viable diameter the reading counts by RECIST 1.1 and mRECIST; a lesion stands beside the former alone."""
    tables = make_case("lesion[1].viable_diameter_mm=80; lesion[4].viable_diameter_mm=120")
    derived = derive(tables, sent=TABLES)
    joined = join_subject("lesion", tables["lesion"], derived)
    assert joined.height == tables["lesion"].height
    by_visit = joined.filter(patient_id="p1").unique("visit_number").sort("visit_number")
    assert by_visit["derived_response"].to_list() == [None, "PR", "PD"]
    assert derived["assessment"].filter(patient_id="p1", criteria="mrecist")["derived_response"].to_list()[1] == "PD"


def test_a_patients_own_reading_is_never_anothers():
    """The reader is chosen for each patient: p1 has only readers a and b, p2 has the hospital's own."""
    renamed = "; ".join(f"lesion[{n}].reader=b; lesion[{n}].visit_number={(n - 1) // 3}" for n in range(1, 10))
    extra = "response[1].reader=a; response[2].reader=a; response[3].reader=a; response[2].target_sum_mm=10"
    subject = derive_case(f"{renamed}; {extra}")[1]["subject"]
    assert subject["is_progression_derived"].to_list() == [False, True]


def test_records_of_an_unknown_patient_add_nobody():
    """Records of p2 stand in every table but `patient`."""
    tables = make_case("")
    known = derive(tables, sent=TABLES)
    derived = derive({**tables, "patient": tables["patient"].filter(patient_id="p1")}, sent=TABLES)
    assert derived["subject"]["patient_id"].to_list() == ["p1"]
    assert derived["subject"].columns == known["subject"].columns
    assert derived["eligibility"]["patient_id"].unique().to_list() == ["p1"]


def test_a_patients_dates_of_which_only_the_month_is_known_are_counted():
    """Two of p2, none of p1, and one of a patient who is in no table."""
    months = pl.DataFrame(
        [("p2", "patient", "diagnosis_date"), ("p2", "outcome", "death_date"), ("p3", "outcome", "death_date")],
        schema=MONTH_DATES,
        orient="row",
    )
    subject = derive(make_case(""), sent=TABLES, months=months)["subject"]
    assert subject.select("patient_id", "month_date_number").rows() == [("p1", 0), ("p2", 2)]


@pytest.mark.parametrize("name", ["metastasis", "lesion", "response", "adverse_event"])
def test_who_has_no_record_gets_none_by_being_joined(name):
    """p1 has no records; p2's lesions are read by a second reader as well."""
    tables = make_case(f"-{name}")
    second = {"lesion", "response"} & {name}
    tables |= {table: pl.concat([tables[table], tables[table].with_columns(reader=pl.lit("b"))]) for table in second}
    joined = join_subject(name, tables[name], derive(tables, sent=TABLES))
    assert joined.height == tables[name].height
    assert joined.select(tables[name].columns).equals(tables[name])
