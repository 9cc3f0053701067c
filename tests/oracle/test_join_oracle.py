"""What a rule sees beside a record: the record itself, in its place, and the facts of its own patient, reading and event."""

from hypothesis import given, settings
from oracle.hospitals import hospitals, to_frames

from schemas.derive import derive, join_subject
from schemas.tables import TABLES


def _find_assessment(derived, table, record):
    """The reading that a response record is, or that a lesion belongs to: lesions are read by RECIST 1.1."""
    if table not in ("response", "lesion"):
        return {}
    key = (record["patient_id"], record["visit_number"], record["reader"], record.get("criteria", "recist_1_1"))
    names = ("patient_id", "visit_number", "reader", "criteria")
    reading = next((row for row in derived["assessment"] if tuple(row[name] for name in names) == key), {})
    return {name: value for name, value in reading.items() if name not in names}


def _find_facts(derived, table, record):
    """What other tables say about a record of this table."""
    key = {
        "adverse_event": ("patient_id", "event_number"), "laboratory": ("patient_id", "test"),
        "response": ("patient_id", "visit_number", "reader"),
        "lesion": ("patient_id", "visit_number", "reader", "lesion_id"),
        "treatment": ("patient_id", "line_number", "drug"), "procedure": ("patient_id", "procedure_number"),
        "metastasis": ("patient_id", "organ"),
    }  # fmt: skip
    if table not in key:
        return {}
    rows = derived[f"{table}_facts"]
    return next((row for row in rows if all(row[name] == record[name] for name in key[table])), {})


def _compare_with_before(table, record):
    """What a rule sees of the neighbours of a record; whether it is right is seen by the rules that read it, which have oracles of their own."""
    names = {
        "laboratory": (
            "value_before", "value_after", "is_as_before", "sample_date_of_visit_before",
            "value_before_by_day", "value_before_by_day_comparator", "sample_date_before_by_day",
        ),
        "lesion": ("modality_before", "diameter_before_mm", "assessment_date_before", "measured_before_mm", "is_as_before"),
    }  # fmt: skip
    return {name: record[name] for name in names.get(table, ())}


def _expect(derived, table, record):
    """The facts of the patient, of the reading and of the event, and over all of them the record itself."""
    subject = next(row for row in derived["subject"] if row["patient_id"] == record["patient_id"])
    patient = next(row for row in derived["patient_facts"] if row["patient_id"] == record["patient_id"])
    return subject | patient | _find_assessment(derived, table, record) | _find_facts(derived, table, record) | record


@settings(max_examples=settings().max_examples // 8)
@given(hospital=hospitals(max_patients=2))
def test_a_rule_sees_the_facts_of_the_records_own_patient(hospital):
    frames = to_frames(hospital)
    derived = derive(frames, sent=TABLES)
    rows = {name: frame.to_dicts() for name, frame in derived.items()}
    for table, records in frames.items():
        joined = join_subject(table, records, derived)
        assert joined.height == records.height
        for record, got in zip(records.to_dicts(), joined.to_dicts(), strict=True):
            expected = _expect(rows, table, record) | _compare_with_before(table, got)
            assert set(expected) <= set(got), table
            assert got == {name: expected.get(name) for name in got}, table
