"""One name, one meaning: a derived column that is called like a recorded field is that field, carried over unchanged.

Rules, studies and pages read both side by side; where a derived value is another one (the age at the start, a type read from
the text first), it has a name of its own.
"""

from itertools import combinations

from oracle.hospitals import make_hospital, to_frames

from schemas.contract import PROVENANCE, read_contract, read_key
from schemas.derive import derive
from schemas.derived_columns import DERIVED_COLUMNS
from schemas.tables import TABLES

KEYS = {
    "subject": ("patient_id",),
    "assessment": ("patient_id", "visit_number", "reader", "criteria"),
    "eligibility": ("patient_id", "criterion_id"),
    "adverse_event_facts": ("patient_id", "event_number"),
    "laboratory_facts": ("patient_id", "test"),
    "lesion_facts": ("patient_id", "visit_number", "reader", "lesion_id"),
    "response_facts": ("patient_id", "visit_number", "reader"),
    "patient_facts": ("patient_id",),
    "treatment_facts": ("patient_id", "line_number", "drug"),
    "procedure_facts": ("patient_id", "procedure_number"),
    "metastasis_facts": ("patient_id", "organ"),
}


def find_clashes(tables, derived):
    """Lines that name each derived column that is called like a field of a contract and is not that field's value."""
    return [
        f"{name}.{column} is not {table}.{column} carried over: give the derived column a name that says what it is"
        for name, frame in derived.items()
        for column in set(frame.columns) - set(KEYS[name])
        for table, model in TABLES.items()
        if column in read_contract(model) and not _is_carried_over(frame, KEYS[name], tables[table], model, column)
    ]


def _is_carried_over(frame, key, records, model, column):
    """Whether every row has the value of its one record of the table, and none where there is no record."""
    if not set(read_key(model)) <= set(key):
        return False  # several records belong to a row, so that the value is a choice among them
    own = records.select(*read_key(model), recorded=column)
    both = frame.select(*key, derived=column).join(own, on=read_key(model), how="left")
    return both["derived"].eq_missing(both["recorded"]).all()


def test_a_derived_column_with_a_fields_name_is_that_field():
    tables = to_frames(make_hospital(seed=20261129, patients=300))
    assert sorted(set(find_clashes(tables, derive(tables, sent=TABLES)))) == []


def test_a_value_that_is_not_carried_over_is_found():
    """As it was: the age at the start under the name of the stated age, time zero under that of each drug's start."""
    tables = to_frames(make_hospital(seed=20261129, patients=30))
    derived = derive(tables, sent=TABLES)
    old = {"age_at_start_years": "age_years", "first_line_start_date": "start_date"}
    clashes = find_clashes(tables, {**derived, "subject": derived["subject"].rename(old)})
    assert {line.split(" ")[0] for line in clashes} == {"subject.age_years", "subject.start_date"}


def test_no_two_derived_frames_share_a_name_but_that_of_a_key():
    """A rule sees the facts of several frames beside a record; one of two equal names would hide the other."""
    shared = {
        (one, other, column)
        for one, other in combinations([name for name in DERIVED_COLUMNS if name != "eligibility"], 2)
        for column in {*DERIVED_COLUMNS[one]} & {*DERIVED_COLUMNS[other]} - {*KEYS[one], *KEYS[other], *PROVENANCE}
    }
    assert shared == set()
