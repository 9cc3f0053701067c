"""What is known at the start of therapy: a criterion, level or arm is post-baseline if it changes without what later dates tell.

Each line changes the correct patient (tests/clinical_tables.py), who starts lenvatinib on 2020-03-01 and sintilimab two days later, has TACE
on days 9 and 50, and dies on day 275. It names a column and the removals after which it is another one, told from the protocol and the patient's
tables. `-` is none. Lesions and responses tell of the same visits: of the last line neither changes it alone.
"""

from datetime import date

import polars as pl
import pytest
from clinical_tables import make_case, read_rows

from schemas.contract import read_contract
from schemas.derive import derive
from schemas.derived_columns import SUBJECT_COLUMNS
from schemas.known_at_start import AFTER_START, NOTHING, REMOVED, UNDATED, cut, derive_at_start, list_moments
from schemas.rules import CRITERIA
from schemas.tables import TABLES

TOGETHER = "treatment[2].start_date=2020-03-01"
CASES = """
| edits                                                              | column                     | changed after removal of                 |
|                                                                    | x1_treated_3_months        | after_start                              |
| treatment[1].end_date=2020-04-01; treatment[2].end_date=2020-04-01 | x1_treated_3_months        | after_start treatment.end_date           |
| treatment[1].end_date=; treatment[1].stop_reason=                  | x1_treated_3_months        | after_start outcome.last_contact_date    |
| outcome.vital_status=alive; outcome.death_date=                    | e5_followed_3_months       | after_start outcome.last_contact_date    |
|                                                                    | is_dead                    | after_start outcome.last_contact_date    |
| outcome.last_contact_date=                                         | is_dead                    | after_start outcome.last_contact_date    |
| outcome.last_contact_date=; outcome.death_date=; outcome.overall_survival_days=275 | is_dead    | after_start outcome.last_contact_date    |
| outcome.last_contact_date=; outcome.death_date=                    | is_dead                    | -                                        |
|                                                                    | e4_complete_data           | after_start outcome.last_contact_date procedure undated |
|                                                                    | tace_level                 | after_start procedure                    |
| procedure[1].procedure_date=2020-03-01                             | tace_level                 | -                                        |
| procedure[1].procedure_date=2020-02-20                             | tace_level                 | -                                        |
| procedure[1].procedure_date=2020-03-02                             | tace_level                 | after_start procedure                    |
| procedure[1].procedure=haic; procedure[2].procedure=haic           | tace_level                 | undated                                  |
| -procedure                                                         | tace_level                 | undated                                  |
| -procedure; baseline.has_tace=false                                | tace_level                 | -                                        |
| procedure[1].procedure_date=                                       | tace_level                 | -                                        |
| baseline.has_tace=                                                 | tace_level                 | after_start procedure                    |
| baseline.has_tace=; procedure[1].procedure_date=; -procedure[2]    | tace_level                 | undated                                  |
|                                                                    | arm                        | after_start treatment                    |
|                                                                    | arm_is_compared            | after_start treatment                    |
| treatment[2].start_date=2020-03-01                                 | arm                        | -                                        |
|                                                                    | next_line_start_date       | after_start treatment                    |
|                                                                    | has_progressed             | after_start outcome.progression_date     |
| outcome.has_progressed=false; outcome.progression_date=            | has_progressed             | after_start outcome.progression_date     |
|                                                                    | afp_level                  | -                                        |
| laboratory[5].sample_date=                                         | afp_level                  | undated                                  |
| laboratory[5].sample_date=2020-03-01                               | afp_level                  | -                                        |
| laboratory[5].sample_date=2020-03-02                               | afp_level                  | -                                        |
|                                                                    | laboratory_number          | after_start laboratory                   |
|                                                                    | antiviral_level            | undated                                  |
|                                                                    | hbsag_level                | -                                        |
|                                                                    | age_level                  | -                                        |
| patient.diagnosis_date=2020-03-05                                  | diagnosis_date             | after_start patient.diagnosis_date       |
|                                                                    | has_baseline_imaging       | -                                        |
|                                                                    | follow_up_assessment_number | after_start                             |
"""


def list_changed(edits: str, column: str) -> set[str]:
    """The removals after which the column of p1 is another one."""
    found = derive_at_start(make_case(edits), sent=TABLES, asked=[column]).filter(patient_id="p1")
    before = found.filter(pl.col(REMOVED) == NOTHING)[column].item()
    return set(found.filter(pl.col(column).ne_missing(pl.lit(before)))[REMOVED])


@pytest.mark.parametrize("case", read_rows(CASES), ids=lambda case: f"{case['column']}: {case['edits'] or 'as he is'}")
def test_what_changes_without_later_dates(case):
    expected = (case["changed after removal of"] or "").replace("-", "").split()
    assert list_changed(case["edits"] or "", case["column"] or "") == set(expected)


def test_nobody_without_a_start_is_examined():
    tables = make_case("treatment[1].start_date=")
    assert set(derive_at_start(tables, sent=TABLES, asked=["arm"])["patient_id"]) == {"p2"}
    none = {**tables, "treatment": tables["treatment"].clear()}
    assert derive_at_start(none, sent=TABLES, asked=["arm"]).is_empty()


def test_with_nothing_removed_it_is_what_an_ingest_derives():
    tables = make_case("")
    asked = [name for name in SUBJECT_COLUMNS if name != "patient_id"]
    found = derive_at_start(tables, sent=TABLES, asked=[*asked, *CRITERIA]).filter(pl.col(REMOVED) == NOTHING)
    derived = derive(tables, sent=TABLES)
    assert found.select("patient_id", *asked).equals(derived["subject"].select("patient_id", *asked))
    for row in derived["eligibility"].iter_rows(named=True):
        assert found.filter(patient_id=row["patient_id"])[row["criterion_id"]].item() == row["is_met"]


@pytest.mark.parametrize("later", ["2020-03-02", "2021-05-05"])
def test_no_date_after_the_start_is_left(later):
    tables = make_case(f"patient.diagnosis_date={later}; laboratory[1].sample_date={later}; outcome.progression_days=9")
    start = pl.DataFrame({"patient_id": ["p1", "p2"], "first_line_start_date": [date(2020, 3, 1)] * 2})
    for name, frame in cut(tables, start, list_moments()).items():
        assert frame.schema == tables[name].schema
        for column, dtype in frame.schema.items():
            latest = frame[column].max() if dtype == pl.Date else None
            assert latest is None or latest <= date(2020, 3, 1), (name, column)
    assert cut(tables, start, list_moments())["outcome"]["progression_days"].null_count() == 2


def test_the_way_through_large_tables_changes_no_answer():
    """With records added, images and samples are tried apart; what is found stays the same."""
    few = make_case(TOGETHER)
    lab = few["laboratory"].filter(patient_id="p2", visit_number=1)
    more = [lab.with_columns(visit_number=pl.lit(number, dtype=pl.Int64)) for number in range(2, 120)]
    many = {**few, "laboratory": pl.concat([few["laboratory"], *more])}
    asked = ["arm", "tace_level", *CRITERIA]
    found = [derive_at_start(tables, sent=TABLES, asked=asked).filter(patient_id="p1") for tables in (few, many)]
    differing = [name for name in asked for one, two in [_list_by_removal(found, name)] if one != two]
    assert differing == []


def _list_by_removal(found: list[pl.DataFrame], column: str) -> list[dict[str, object]]:
    both = set(found[0][REMOVED]) & set(found[1][REMOVED])
    assert {AFTER_START, UNDATED, "procedure", "treatment.end_date"} <= both
    return [{key: value for key, value in frame.select(REMOVED, column).iter_rows() if key in both} for frame in found]


def test_what_dates_a_field_is_a_date_or_days_of_the_same_record():
    dated = {
        (table, name, date_field)
        for table, model in TABLES.items()
        for name, spec in read_contract(model).items()
        for date_field in spec.dated_by
    }
    assert len(dated) >= 4
    for table, _, date_field in dated:
        spec = read_contract(TABLES[table])[date_field]
        assert spec.dtype == pl.Date or spec.unit == "day"
