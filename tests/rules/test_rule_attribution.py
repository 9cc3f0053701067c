"""Which of several records a rule asks about: the one that is wrong, not the one it is compared with.

`edits` change the correct patient (tests/clinical_tables.py); `asked` are the positions of p1's records that fail.
"""

import polars as pl
import pytest
from clinical_tables import make_case, read_rows

from schemas.derive import derive, join_subject
from schemas.rules import RULES
from schemas.tables import TABLES

CASES = """
| rule                           | edits                                                                             | asked | why                                      |
| lesion_organ_is_constant       | lesion[4].organ=lung; lesion[7].organ=lung                                        | 4 7   | the organ at the baseline stands         |
| lesion_role_is_constant        | lesion[6].role=target; lesion[9].role=target                                      | 6 9   | the role at the baseline stands          |
| procedure_is_not_repeated      | procedure[2].procedure_date=2020-03-10                                            | 2     | the second of two is the repetition      |
| event_is_not_repeated          | adverse_event[2].term=hypertension; adverse_event[2].onset_date=2020-03-20        | 2     | the second of two is the repetition      |
| sample_dates_follow_visits     | laboratory[8].sample_date=2020-02-24                                              | 8     | the later visit is out of order          |
| response_dates_follow_visits   | response[2].assessment_date=2020-02-20                                            | 2     | the later visit is out of order          |
| procedure_dates_follow_numbers | procedure[2].procedure_date=2020-03-09                                            | 2     | the later number is out of order         |
| visit_has_one_imaging_period   | lesion[5].assessment_date=2020-05-01                                              | 5     | the image that is far from the first     |
| combination_starts_together    | treatment[2].start_date=2020-03-30                                                | 2     | the drug that starts later               |
| at_most_two_targets_per_organ  | lesion[2].organ=liver; lesion[10].visit_number=0; lesion[10].reader=site; lesion[10].lesion_id=S9; lesion[10].role=target; lesion[10].organ=liver | 10 | the third as listed: T1, T2, S9 |
"""


@pytest.mark.parametrize("case", read_rows(CASES), ids=lambda c: c["rule"])
def test_the_record_that_is_asked_about(case):
    tables, rule = make_case(case["edits"]), RULES[case["rule"]]
    own = join_subject(rule.table, tables[rule.table], derive(tables, sent=TABLES)).with_columns(
        verdict=rule.expression()
    )
    failing = own.filter(patient_id="p1").with_row_index("position", offset=1).filter(~pl.col("verdict"))
    assert failing["position"].to_list() == [int(position) for position in case["asked"].split()]
