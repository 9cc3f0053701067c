"""What the records before and after a record say, against a walk through each series in plain Python: ties, gaps and records without a day."""

from datetime import date

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from schemas.definitions.records_before import add_image_before, add_sample_neighbours
from schemas.definitions.visits import LARGEST_SENT_NUMBER

DAYS = st.none() | st.dates(date(2020, 1, 1), date(2020, 1, 4))
PATIENTS, NUMBERS = st.sampled_from("ab"), st.none() | st.integers(0, 2)
SAMPLE = st.fixed_dictionaries({
    "patient_id": PATIENTS, "test": st.sampled_from(["afp_ng_ml", "albumin_g_l"]), "sample_date": DAYS,
    "visit_number": st.none() | st.sampled_from([0, 1, 2, LARGEST_SENT_NUMBER + 1, LARGEST_SENT_NUMBER + 2]), "repeat_number": NUMBERS,
    "value": NUMBERS, "value_comparator": st.none() | st.sampled_from(["=", "<", "not_detected"]),
})  # fmt: skip
IMAGE = st.fixed_dictionaries({
    "patient_id": PATIENTS, "reader": st.sampled_from(["site", "central"]), "lesion_id": st.sampled_from(["T1", "T2"]),
    "visit_position": NUMBERS, "assessment_date": DAYS, "diameter_mm": NUMBERS, "modality": st.none() | st.sampled_from(["ct", "mri"]),
    "status": st.none() | st.sampled_from(["present", "too_small"]),
})  # fmt: skip
SAMPLES = {
    "patient_id": pl.String, "test": pl.String, "sample_date": pl.Date, "visit_number": pl.Int64, "repeat_number": pl.Int64,
    "value": pl.Float64, "value_comparator": pl.String,
}  # fmt: skip
IMAGES = {
    "patient_id": pl.String, "reader": pl.String, "lesion_id": pl.String, "visit_position": pl.Int64, "assessment_date": pl.Date,
    "diameter_mm": pl.Float64, "modality": pl.String, "status": pl.String,
}  # fmt: skip


def list_before(rows, series, order):
    """Return, for each row, the places of the rows of its series before it, the nearest last; what has no place in the order comes first."""
    places = sorted(range(len(rows)), key=lambda i: [(part is not None, part or 0) for part in order(rows[i])])
    earlier = {place: places[:n] for n, place in enumerate(places)}
    return [[other for other in earlier[i] if series(rows[other]) == series(row)] for i, row in enumerate(rows)]


def say(rows, before, name):
    """Return what the nearest row before each one says."""
    return [rows[own[-1]][name] if own else None for own in before]


def count_day(row, name):
    return row[name] and row[name].toordinal()


def is_numbered_by_day(row):
    return None if row["visit_number"] is None else row["visit_number"] > LARGEST_SENT_NUMBER


@given(rows=st.lists(SAMPLE, max_size=12))
def test_samples_are_told_of_those_before_and_after(rows):
    got = add_sample_neighbours(pl.LazyFrame(rows, schema=SAMPLES)).collect()
    assert got.select(*SAMPLES).rows() == pl.DataFrame(rows, schema=SAMPLES).rows()

    def series(row):
        return row["patient_id"], row["test"]

    undated = {series(row) for row in rows if row["sample_date"] is None}

    def order(row):
        day = None if series(row) in undated else count_day(row, "sample_date")
        return day, row["visit_number"], row["repeat_number"]

    before = list_before(rows, series, order)
    after = {own[-1]: row["value"] for row, own in zip(rows, before, strict=True) if own}
    assert got["value_before"].to_list() == say(rows, before, "value")
    assert got["value_after"].to_list() == [after.get(i) for i in range(len(rows))]
    of_visit = list_before(
        rows,
        lambda row: (*series(row), is_numbered_by_day(row)),
        lambda row: (row["visit_number"], count_day(row, "sample_date")),
    )
    assert got["sample_date_of_visit_before"].to_list() == say(rows, of_visit, "sample_date")
    by_day = list_before(
        rows, series, lambda row: (count_day(row, "sample_date"), row["visit_number"], row["repeat_number"])
    )
    assert got["value_before_by_day"].to_list() == say(rows, by_day, "value")
    assert got["value_before_by_day_comparator"].to_list() == say(rows, by_day, "value_comparator")
    assert got["sample_date_before_by_day"].to_list() == say(rows, by_day, "sample_date")


@given(rows=st.lists(IMAGE, max_size=12))
def test_lesions_are_told_of_the_images_before(rows):
    got = add_image_before(pl.LazyFrame(rows, schema=IMAGES)).collect()
    assert got.select(*IMAGES).rows() == pl.DataFrame(rows, schema=IMAGES).rows()
    before = list_before(
        rows, lambda row: (row["patient_id"], row["reader"], row["lesion_id"]), lambda row: (row["visit_position"],)
    )
    assert got["modality_before"].to_list() == say(rows, before, "modality")
    assert got["diameter_before_mm"].to_list() == say(rows, before, "diameter_mm")
    assert got["assessment_date_before"].to_list() == say(rows, before, "assessment_date")
    sizes = [(row["status"] != "too_small" and row["diameter_mm"]) or None for row in rows]
    measured = [[sizes[i] for i in own if sizes[i]] for own in before]
    assert got["measured_before_mm"].to_list() == [own[-1] if own else None for own in measured]
    for i, (row, own, is_as_before) in enumerate(zip(rows, before, got["is_as_before"], strict=True)):
        last = own[-1] if own else i
        days = row["assessment_date"], rows[last]["assessment_date"]
        is_compared = all((*days, sizes[i], sizes[last])) and days[0] != days[1]
        assert is_as_before == (sizes[i] == sizes[last] if is_compared else None)


def test_of_many_records_that_tie_the_one_above_comes_before():
    """An ordered window of polars by several columns takes any of them, from some twenty on."""
    same = {
        "patient_id": "a",
        "test": "afp_ng_ml",
        "sample_date": date(2020, 1, 1),
        "visit_number": 0,
        "repeat_number": 1,
    }
    got = add_sample_neighbours(pl.LazyFrame([same | {"value": n} for n in range(100)], schema=SAMPLES)).collect()
    for name in ("value_before", "value_before_by_day"):
        assert got[name].to_list() == [None, *range(99)]
