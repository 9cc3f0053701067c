"""PFS under other rules of censoring, worked by hand on the correct patient, changed line by line.

The patient starts on 2020-03-01, has assessments on days 45 (PR) and 101 (PD), a second line from day 131 and dies on day 275.
"""

import polars as pl
import pytest
from clinical_tables import derive_case, read_rows

NO_PD = "lesion[7].diameter_mm=50; lesion[8].diameter_mm=20; response[3].recorded_response=PR; outcome.has_progressed=false; outcome.progression_date="
ALIVE = "outcome.vital_status=alive; outcome.death_date="
NO_LATER_LINE = "-treatment[3]"
LATE_PD = "-lesion; outcome.progression_date=; response[3].assessment_date"
RECORDED = "-lesion; response[3].recorded_response=PR"
EARLY_LATER_LINE = "treatment[3].start_date=2020-04-20"  # day 50

# Death on day 275 comes 174 days after the assessment of day 101: two were missed. 2020-06-21 is day 112, 2020-06-22 day 113.
VARIANTS = f"""
| edits                                       | progression | assessed | missed_days | missed | therapy_days | therapy |
|                                             | true        | 101      | 101         | true   | 101          | true    |
| {NO_PD}; {NO_LATER_LINE}                    | false       | 275      | 101         | false  | 275          | true    |
| {NO_PD}                                     | false       | 275      | 101         | false  | 101          | false   |
| {NO_PD}; {ALIVE}; {NO_LATER_LINE}           | false       | 101      | 275         | false  | 275          | false   |
| {NO_PD}; {EARLY_LATER_LINE}                 | false       | 275      | 101         | false  | 45           | false   |
| {EARLY_LATER_LINE}                          | true        | 101      | 101         | true   | 45           | false   |
| treatment[3].start_date=2020-06-10          | true        | 101      | 101         | true   | 101          | true    |
| treatment[3].start_date=2020-06-09          | true        | 101      | 101         | true   | 45           | false   |
| treatment[3].start_date=                    | true        | 101      | 101         | true   |              |         |
| treatment[3].start_date=; treatment[4].line_number=2; treatment[4].drug=regorafenib; treatment[4].start_date=2020-07-10 | true | 101 | 101 | true | | |
| treatment[4].line_number=3; treatment[4].drug=regorafenib; treatment[4].start_date= | true | 101 | 101 | true | 101 | true |
| treatment[3].start_date=2020-03-01          | true        | 101      | 101         | true   | 101          | true    |
| treatment[3].start_date=2020-03-05          | true        | 101      | 101         | true   | 1            | false   |
| -lesion; -response                          | true        | 101      | 101         | true   | 101          | true    |
| -lesion; -response; outcome.progression_date=2020-06-21 | true | 112 | 112        | true   | 112          | true    |
| -lesion; -response; outcome.progression_date=2020-06-22 | true | 113 | 1          | false  | 113          | true    |
| -lesion; -response; {ALIVE}; outcome.has_progressed=false; outcome.progression_date= | false | 1 | 275 | false | 1 | false |
| -lesion; response[3].recorded_response=NE; {ALIVE}; outcome.has_progressed=false; outcome.progression_date=; {NO_LATER_LINE} | false | 45 | 275 | false | 275 | false |
| {LATE_PD}=2020-08-05; {NO_LATER_LINE}       | true        | 157      | 157         | true   | 157          | true    |
| {LATE_PD}=2020-08-06; {NO_LATER_LINE}       | true        | 158      | 45          | false  | 158          | true    |
| {RECORDED}; outcome.progression_date=2020-08-06; response[3].assessment_date=2020-09-20 | true | 158 | 45 | false | 45 | false |
| {RECORDED}; outcome.progression_date=2020-08-06; response[3].assessment_date=2020-08-06; {NO_LATER_LINE} | true | 158 | 45 | false | 158 | true |
| {NO_PD}; {ALIVE}; {NO_LATER_LINE}; outcome.last_contact_date=2020-06-10 | false | 101 | 101 | false | 101 | false |
| {NO_PD}; {ALIVE}; {NO_LATER_LINE}; outcome.last_contact_date=2020-05-01 | false | 45 | 61 | false | 61 | false |
| treatment[3].start_date=2020-04-15          | true        | 101      | 101         | true   | 45           | false   |
| {RECORDED}; response[2].assessment_date=2020-03-01; response[3].recorded_response=NE; {ALIVE}; outcome.has_progressed=false; outcome.progression_date=; treatment[3].start_date=2020-03-05 | false | 1 | 275 | false | 1 | false |
| {NO_PD}; {NO_LATER_LINE}; outcome.last_contact_date=2020-03-01; outcome.death_date=2020-03-01 | false | 0 | 0 | true | 0 | true |
| treatment[3].start_date=2020-03-02          | true        | 101      | 101         | true   | 1            | false   |
| -lesion; -response; outcome.progression_date=2020-12-01; {NO_LATER_LINE} | true | 275 | 1 | false | 275 | true |
| -lesion; response[2].assessment_date=2020-03-02; response[3].recorded_response=NE; outcome.progression_date=2020-06-22 | true | 113 | 113 | true | 113 | true |
| outcome.vital_status=                       |             |          |             |        |              |         |
"""
COLUMNS = {
    "progression": "pfs_progression_only_event",
    "assessed": "pfs_last_assessment_days",
    "missed_days": "pfs_two_missed_days",
    "missed": "pfs_two_missed_event",
    "therapy_days": "pfs_new_therapy_days",
    "therapy": "pfs_new_therapy_event",
}
FLAGS = {"true": True, "false": False}


@pytest.mark.parametrize("case", read_rows(VARIANTS), ids=lambda c: str(c["edits"]))
def test_every_variant_of_a_patient(case):
    subject = derive_case(case["edits"] or "")[1]["subject"].filter(pl.col("patient_id") == "p1").row(0, named=True)
    for name, column in COLUMNS.items():
        expected = None if case[name] is None else FLAGS.get(case[name], case[name])
        found = subject[column]
        assert found == expected if expected is None or isinstance(expected, bool) else found == float(expected), name
