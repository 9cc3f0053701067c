"""The frames of `derive` and `join_subject`: rows, order, types, and that nothing depends on the order of the input."""

import polars as pl
import pytest
from clinical_tables import derive_case, make_case, make_tables
from polars.testing import assert_frame_equal

from schemas.derive import derive, join_subject
from schemas.tables import TABLES

EDITS = "-lesion[9]; baseline.pvtt_text=; outcome.vital_status=alive"


def shuffle(tables, seed):
    return {name: frame.sample(fraction=1, shuffle=True, seed=seed) for name, frame in tables.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_results_do_not_depend_on_the_order_of_records(seed):
    tables = make_case(EDITS)
    expected, got = derive(tables, sent=TABLES), derive(shuffle(tables, seed), sent=TABLES)
    for name, frame in expected.items():
        assert_frame_equal(got[name], frame)


def test_empty_tables_give_empty_frames_of_the_same_types():
    empty, full = derive(make_tables(), sent=TABLES), derive_case("")[1]
    for name, frame in full.items():
        assert empty[name].is_empty()
        assert empty[name].schema == frame.schema
        assert pl.Null not in frame.schema.dtypes()
        assert not any(isinstance(dtype, pl.List) for dtype in frame.schema.dtypes())


@pytest.mark.parametrize("missing", sorted(set(TABLES) - {"patient"}))
def test_any_table_may_be_empty(missing):
    derived = derive_case(f"-{missing}!")[1]
    assert derived["subject"]["patient_id"].to_list() == ["p1", "p2"]
    assert derived["subject"].schema == derive_case("")[1]["subject"].schema
    assert derived["eligibility"].height == 24


def test_frames_have_one_row_per_key_and_are_sorted():
    derived = derive_case("")[1]
    keys = {
        "subject": ["patient_id"],
        "assessment": ["patient_id", "reader", "criteria", "visit_number"],
        "eligibility": ["patient_id", "criterion_order"],
    }
    for name, key in keys.items():
        assert not derived[name].select(key).is_duplicated().any()
        assert_frame_equal(derived[name].sort(key), derived[name])


@pytest.mark.parametrize("name", [*TABLES, "subject"])
def test_records_keep_their_order_columns_and_number_when_joined(name):
    tables = make_case(EDITS)
    derived = derive(tables, sent=TABLES)
    records = derived["subject"] if name == "subject" else shuffle(tables, 5)[name]
    joined = join_subject(name, records, derived)
    assert_frame_equal(joined.select(records.columns), records)
    assert "albi_grade" in joined.columns


def test_facts_of_an_event_are_those_of_its_own_patient():
    tables = make_case("adverse_event.term=alt_increased")  # p2's first event stays hypertension
    joined = join_subject("adverse_event", tables["adverse_event"], derive(tables, sent=TABLES)).filter(
        pl.col("event_number") == 1
    )
    assert joined["patient_id"].to_list() == ["p1", "p2"]
    assert joined["has_next_event_within"].is_null().to_list() == [False, True]


def test_what_is_recorded_and_what_is_derived_stand_side_by_side():
    tables = make_case("")
    derived = derive(tables, sent=TABLES)
    joined = join_subject("treatment", tables["treatment"], derived)
    assert {"start_date", "first_line_start_date"} <= set(joined.columns)
    response = join_subject("response", tables["response"], derived)
    assert response["derived_response"].to_list()[:3] == [None, "PR", "PD"]
    assert response["target_sum_mm"].null_count() == response.height
    assert response["target_sum_from_lesions_or_record_mm"].to_list()[:3] == [110, 70, 100]


def test_the_correct_patient_in_figures():
    """66 kg, bilirubin 15, albumin 40: ALBI 0.66 x 1.1761 - 3.4 = -2.6238; 2020-03-01 to 2020-07-01 is 122 days."""
    subject = derive_case("")[1]["subject"].row(0, named=True)
    assert subject["arm"] == "len_pd1"
    assert subject["albi_score"] == pytest.approx(-2.6238, abs=1e-4)
    assert (subject["albi_grade"], subject["child_pugh_points"], subject["child_pugh_class_from_points_or_record"]) == (
        1,
        5,
        "A",
    )
    assert subject["child_pugh_class_source"] == "derived"
    assert (subject["pvtt_type_from_text_or_code"], subject["pvtt_level"]) == ("II", "I-II")
    assert (subject["age_at_start_years"], subject["tace_number"]) == (57, 2)
    assert subject["treatment_months"] == pytest.approx(122 / 30.4375)
    assert (subject["response_3_months"], subject["best_response"]) == ("PD", "PR")


TWO_READERS = "; ".join([
    "-lesion!",
    *(f"response[{n}].target_sum_mm=100" for n in (1, 2, 3)),
    "response[4].visit_number=0; response[4].target_sum_mm=100",
    "response[5].visit_number=1; response[5].target_sum_mm=200; response[5].assessment_date=2020-04-15",
    *(f"response[{n}].reader=a; response[{n}].criteria=recist_1_1" for n in (4, 5)),
])  # fmt: skip


@pytest.mark.parametrize(("site", "source"), [("site", "recorded_response"), ("b", "target_sum")])
def test_the_hospitals_own_reading_counts_else_the_first_reader_by_name(site, source):
    renamed = "; ".join(f"response[{n}].reader={site}" for n in (1, 2, 3))
    subject = derive_case(f"{TWO_READERS}; {renamed}")[1]["subject"].row(0, named=True)
    assert subject["first_progression_source"] == source
