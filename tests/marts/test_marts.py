"""Given rows and expected rows of each mart, beside the SQL that joins them."""

import datetime as dt

import polars as pl
import pytest

from etl.errors import InternalError
from etl.store.shape import declare_tables
from etl.store.warehouse import open_for_writing
from schemas.contract import read_dtypes
from schemas.derive import derive
from schemas.tables import TABLES


def empty_tables() -> dict[str, pl.DataFrame]:
    return {name: pl.DataFrame(schema=read_dtypes(table)) for name, table in TABLES.items()}


SUBJECT_COLUMNS = ("hospital", "patient_id", "person_id", "first_line_start_date", "source_row", "arm")
EVENT_SCHEMA = {"patient_id": pl.String, "hospital": pl.String, "term": pl.String, "grade": pl.Int64}
MARTS = ("analysis_subject", "attrition", "person_in_two_hospitals", "incomplete_where_first", "analysis_adverse_event")


@pytest.fixture
def build(tmp_path):
    """Make a warehouse of the given patients, each `(hospital, patient, person, start, {criterion: is_met})`."""

    def make(patients, events=()):
        with open_for_writing(tmp_path / "w.duckdb") as warehouse:
            load_current(warehouse, sorted({patient[0] for patient in patients}), make_frames(patients, events))
            warehouse.run_checks()
            return {name: warehouse.query(f"select * from marts.{name}") for name in MARTS}

    return make


def make_frames(patients, events):
    tables = empty_tables()
    derived = derive(tables, sent=TABLES)
    subjects = [
        (hospital, patient, person, start, row, "len_pd1")
        for row, (hospital, patient, person, start, _) in enumerate(patients)
    ]
    schema = {name: derived["subject"].schema[name] for name in SUBJECT_COLUMNS}
    eligibility = [
        {"hospital": h, "patient_id": p, "criterion_id": name, "criterion_order": order, "is_met": met.get(name, True)}
        for h, p, _, _, met in patients
        for order, name in enumerate(eligibility_names(), start=1)
    ]
    event = pl.DataFrame(events, schema=EVENT_SCHEMA, orient="row")
    subject = pl.DataFrame(subjects, schema=schema, orient="row")
    return {
        **tables,
        "assessment": derived["assessment"],
        "subject": pl.concat([derived["subject"], subject], how="diagonal"),
        "eligibility": pl.DataFrame(eligibility, schema=derived["eligibility"].schema),
        "adverse_event": pl.concat([tables["adverse_event"], event], how="diagonal"),
    }


def load_current(warehouse, hospitals, frames):
    """Load the frames as the one, current ingest of each hospital; what they do not hold is made empty."""
    ids = {hospital: ingest_id for ingest_id, hospital in enumerate(hospitals, start=1)}
    ingests = [{"ingest_id": i, "hospital": hospital, "is_current": True} for hospital, i in ids.items()]
    warehouse.append("main.ingests", pl.DataFrame(ingests, schema=declare_tables()["main.ingests"]))
    for name, frame in frames.items():
        stamp = (
            pl.col("hospital").replace_strict(ids, default=None, return_dtype=pl.Int64) if frame.height else pl.lit(1)
        )
        warehouse.append(f"versions.{name}", frame.with_columns(stamp.cast(pl.Int64).alias("ingest_id")))


def eligibility_names():
    from schemas.rules import CRITERIA as ALL

    return [c.criterion_id for c in sorted(ALL.values(), key=lambda c: c.order)]


def test_a_patient_seen_twice_counts_where_therapy_started_first(build):
    marts = build(
        [
            ("a", "a1", "x", dt.date(2020, 5, 1), {}),
            ("b", "b1", "x", dt.date(2020, 2, 1), {}),
            ("b", "b2", "y", dt.date(2020, 3, 1), {}),
            ("a", "a2", None, dt.date(2020, 3, 1), {}),
            ("c", "c1", None, dt.date(2020, 3, 1), {}),
        ]
    )
    rows = (
        marts["analysis_subject"].sort("patient_id").select("patient_id", "seen_elsewhere_first", "is_eligible").rows()
    )
    assert rows == [
        ("a1", True, False),
        ("a2", False, True),
        ("b1", False, True),
        ("b2", False, True),
        ("c1", False, True),
    ]
    assert sorted(marts["person_in_two_hospitals"]["patient_id"]) == ["a1", "b1"]


def test_whoever_leaves_for_incomplete_data_alone_where_therapy_started_first_is_told_of(build):
    """Of each pair the first record; another reason, or incomplete data at the second hospital, is none to tell of."""
    first, later = dt.date(2020, 3, 1), dt.date(2020, 4, 1)
    incomplete = {"e4_complete_data": False}
    marts = build(
        [
            ("a", "a1", "x", first, incomplete),
            ("b", "b1", "x", later, {}),
            ("a", "a2", "y", first, incomplete | {"e2_age_18_to_75": None}),
            ("b", "b2", "y", later, {}),
            ("a", "a3", "z", first, incomplete | {"e2_age_18_to_75": False}),
            ("b", "b3", "z", later, {}),
            ("a", "a4", "u", first, {}),
            ("b", "b4", "u", later, incomplete),
            ("a", "a5", None, first, incomplete),
            ("a", "a6", "v", first, {}),
            ("b", "b6", "v", later, {}),
        ]
    )
    assert sorted(marts["incomplete_where_first"].rows()) == [("a", "a1"), ("a", "a2")]
    is_eligible = dict(marts["analysis_subject"].select("patient_id", "is_eligible").iter_rows())
    assert not is_eligible["a1"]
    assert not is_eligible["b1"]


def test_each_patient_leaves_at_the_first_step_that_is_known_not_to_hold(build):
    marts = build(
        [
            (
                "a",
                "a1",
                None,
                None,
                {"i1_primary_unresectable_hcc": None, "i2_bclc_c_with_metastasis": False, "e1_not_recurrent": False},
            ),
            ("a", "a2", None, None, {"e1_not_recurrent": False}),
            ("a", "a3", None, None, {"e4_complete_data": False, "i1_primary_unresectable_hcc": None}),
            ("a", "a4", None, None, {}),
        ]
    )
    steps = (
        marts["attrition"]
        .sort("step")
        .filter(pl.col("n_removed") > 0)
        .select("criterion_id", "n_before", "n_removed", "n_after")
    )
    assert steps.rows() == [
        ("i2_bclc_c_with_metastasis", 4, 1, 3), ("e1_not_recurrent", 3, 1, 2), ("e4_complete_data", 2, 1, 1),
    ]  # fmt: skip
    assert marts["analysis_subject"].filter("is_eligible")["patient_id"].to_list() == ["a4"]


def test_the_worst_grade_of_a_term_is_kept(build):
    events = [("a1", "a", "rash", 1), ("a1", "a", "rash", 3), ("a1", "a", "fatigue", 2), ("a1", "a", None, 4)]
    marts = build([("a", "a1", None, None, {})], events)
    rows = marts["analysis_adverse_event"].sort("term").select("patient_id", "term", "grade").rows()
    assert rows == [("a1", "fatigue", 2), ("a1", "rash", 3)]


def test_a_check_that_finds_a_row_stops_the_load(build, tmp_path):
    with pytest.raises(InternalError, match=r"The check .* fails for"):
        build([("a", "a1", None, None, {}), ("a", "a1", None, None, {})])
