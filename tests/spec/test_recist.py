"""RECIST 1.1 (Eisenhauer 2009), worked by hand: the lesions of each visit in, the response out."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from clinical_tables import make_frame, make_tables, read_rows
from hypothesis import given
from hypothesis import strategies as st

from schemas.definitions import recist
from schemas.definitions.assessment import derive_assessment

START = pl.DataFrame(
    {"patient_id": ["p1"], "first_line_start_date": [None]}, schema_overrides={"first_line_start_date": pl.Date}
)
HCC_TACE_SEG = Path(__file__).parents[3] / "shared" / "reference" / "hcc_tace_seg_data_table.csv"

# Eisenhauer 2009, table 1 (patients with target lesions): every cell of target x non-target x new lesion.
# "none" are patients without non-target lesions; for those the target response stands.
TABLE_1 = """
| target | non_target    | new   | overall |
| CR     | CR            | false | CR      |
| CR     | none          | false | CR      |
| CR     | non_cr_non_pd | false | PR      |
| CR     | NE            | false | PR      |
| CR     | PD            | false | PD      |
| PR     | CR            | false | PR      |
| PR     | none          | false | PR      |
| PR     | non_cr_non_pd | false | PR      |
| PR     | NE            | false | PR      |
| PR     | PD            | false | PD      |
| SD     | CR            | false | SD      |
| SD     | none          | false | SD      |
| SD     | non_cr_non_pd | false | SD      |
| SD     | NE            | false | SD      |
| SD     | PD            | false | PD      |
| NE     | CR            | false | NE      |
| NE     | none          | false | NE      |
| NE     | non_cr_non_pd | false | NE      |
| NE     | NE            | false | NE      |
| NE     | PD            | false | PD      |
| PD     | CR            | false | PD      |
| PD     | none          | false | PD      |
| PD     | non_cr_non_pd | false | PD      |
| PD     | NE            | false | PD      |
| PD     | PD            | false | PD      |
| none   | CR            | false | CR      |
| none   | non_cr_non_pd | false | SD      |
| none   | NE            | false | NE      |
| none   | PD            | false | PD      |
| none   | none          | false | none    |
"""


def read_completely(lesion, response, start):
    """The assessments of patients who have no lesion that is not listed, at a hospital that lists every new one."""
    patients = start.with_columns(baseline_lesion_number=pl.lit(0))
    return derive_assessment(lesion, response, make_frame("procedure", []), patients, lists_every_new_lesion=True)


CELLS = [
    tuple(None if v == "none" else v for v in (r["target"], r["non_target"], r["overall"])) for r in read_rows(TABLE_1)
]


def combine(target, non_target, *, has_new_lesion):
    frame = pl.DataFrame(
        {"t": [target], "n": [non_target], "new": [has_new_lesion]},
        schema={"t": pl.String, "n": pl.String, "new": pl.Boolean},
    )
    return frame.select(recist.compute_overall_response(pl.col("t"), pl.col("n"), pl.col("new"))).item()


@pytest.mark.parametrize(("target", "non_target", "overall"), CELLS)
def test_overall_response_follows_table_1(target, non_target, overall):
    assert combine(target, non_target, has_new_lesion=False) == overall
    assert combine(target, non_target, has_new_lesion=None) == overall


@pytest.mark.parametrize(("target", "non_target", "overall"), CELLS)
def test_a_new_lesion_is_progression_whatever_the_rest(target, non_target, overall):
    assert combine(target, non_target, has_new_lesion=True) == "PD"


def assess(lesions, responses=""):
    """The assessment frame of one patient; visits, lesions and sizes as an ASCII grid: one line a lesion.

    | lesion | role | organ | 0 | 1 | 2 |: a cell is a diameter in mm, a status, or blank (no record at the visit).
    """
    rows = []
    for line in read_rows(lesions) if lesions else []:
        for visit in (key for key in line if key.isdigit()):
            cell = line[visit]
            if cell is None:
                continue
            is_size = cell.replace(".", "").isdigit()
            rows.append({
                "visit_number": visit, "reader": "site", "lesion_id": line["lesion"], "role": line["role"],
                "organ": line["organ"], "status": "measured" if is_size else cell, "diameter_mm": cell if is_size else None,
            })  # fmt: skip
    readings = read_rows(responses) if responses else []
    return read_completely(make_frame("lesion", rows), make_frame("response", readings), START)


def read_responses(lesions, responses=""):
    frame = assess(lesions, responses).filter(pl.col("visit_number") > 0)
    return frame["derived_response"].to_list()


@pytest.mark.parametrize(
    ("lesions", "expected"),
    [
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 60 | 42 | 41.9 |\n| T2 | target | lung | 40 | 28 | 28.2 |", ["PR", "SD"], id="-30.0 % exactly is PR, -29.9 % is not"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 100 | 50 | 60 |", ["PR", "PD"], id="+20 % and 10 mm above the nadir, though 40 % below the baseline"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 50 | 20 | 24.9 |", ["PR", "PR"], id="+24.5 % but 4.9 mm is no PD"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 50 | 20 | 25 |", ["PR", "PD"], id="5 mm exactly is enough"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 100 | 119.9 |", ["SD"], id="the baseline counts as a nadir: 19.9 %"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 100 | 120 |", ["PD"], id="the baseline counts as a nadir: 20 %"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | absent |\n| T2 | target | lymph_node | 20 | 9.9 |", ["CR"], id="CR with a node of 9.9 mm: the sum is not 0"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | absent |\n| T2 | target | lymph_node | 20 | 10 |", ["PR"], id="a node of 10 mm is no CR"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | too_small |\n| T2 | target | lung | 10 | 10 |", ["PR"], id="too small counts 5 mm: 15 of 40"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 10 | too_small |\n| T2 | target | lung | 11 | 11 |", ["SD"], id="too small counts 5 mm: 16 of 21"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 30 | 20 | 20 |\n| T2 | target | lung | 20 | | not_assessed |", ["NE", "NE"], id="a target without a record, or not assessed, is NE"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | 60 |\n| T2 | target | lung | 20 | not_assessed |", ["PD"], id="the rest already shows PD: 60 against 50"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 30 | 10 | 29 |\n| T2 | target | lung | 20 | not_assessed | 20 |", ["NE", "SD"], id="an incomplete sum is no nadir"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | absent |\n| N1 | non_target | bone | present | present |", ["PR"], id="CR of the targets alone is PR"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | absent |\n| N1 | non_target | bone | present | absent |", ["CR"], id="targets and non-targets gone"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | absent |\n| N1 | non_target | lymph_node | 12 | 9 |", ["CR"], id="a non-target node below 10 mm is gone"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | absent |\n| N1 | non_target | bone | present | not_assessed |", ["PR"], id="CR with a non-target not assessed is PR"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | absent |\n| N1 | non_target | bone | present | |", [None], id="CR of the targets, and no word on the non-target: not known"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | 10 |\n| N1 | non_target | bone | present | progression |", ["PD"], id="unequivocal progression of a non-target"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 30 | 10 | 10 |\n| X1 | new | brain | | present | present |", ["PD", "PD"], id="new lesion"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | 30 |\n| X1 | new | brain | | absent |", ["SD"], id="a new lesion that is absent is none"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 30 | absent | 3 |", ["CR", "PD"], id="back after a CR is PD, however small"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 30 | absent | 4 |\n| T2 | target | lung | 30 | 20 | 20 |", ["PR", "PR"], id="back without a CR goes into the sum: 24 of 60, 4 mm above 20"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 30 | absent | absent |\n| N1 | non_target | bone | present | absent | present |", ["CR", "PD"], id="a non-target back after a CR is PD"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 100 | 60 | 71 |", ["PR", "SD"], id="back above -30 % without PD: the visit is SD"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| N1 | non_target | bone | present | present | absent |", ["SD", "CR"], id="non-targets alone"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | not_assessed | 10 |", ["NE"], id="no baseline sum"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | too_small |", ["PR"], id="too small to measure is not gone: 5 mm of 30"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| N1 | non_target | bone | present | present |\n| N2 | non_target | lung | present | |", ["NE"], id="non-targets alone, one of them not assessed"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | absent |\n| N1 | non_target | bone | present | absent |\n| N2 | non_target | lung | present | present |", ["PR"], id="one of two non-targets is left"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 30 | absent | absent |\n| N1 | non_target | bone | present | absent | absent |", ["CR", "CR"], id="CR that lasts"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 30 | absent | absent |\n| T2 | target | lung | 30 | absent | 1 |", ["CR", "PD"], id="one of two targets back after a CR, 1 mm"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 30 | absent | absent |\n| N1 | non_target | bone | present | absent | present |\n| N2 | non_target | lung | present | absent | absent |", ["CR", "PD"], id="one of two non-targets back after a CR"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | | 30 | absent | 3 |", ["CR", "PD"], id="a lesion without an organ is no node"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | 30 |\n| X1 | new | brain | | not_assessed |", ["SD"], id="a new lesion that was not assessed is none"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| X1 | new | brain | | present |", ["PD"], id="a new lesion of a reader without a baseline"),
        pytest.param("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | | 30 |", [None], id="a target without a baseline answers nothing"),
        pytest.param("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | | 50 | 30 |\n| X1 | new | brain | | absent | absent |", [None, None], id="no baseline at all"),
    ],
)  # fmt: skip
def test_response_of_lesions(lesions, expected):
    assert read_responses(lesions) == expected


def test_sums_baseline_and_nadir_of_each_visit():
    frame = assess("| lesion | role | organ | 0 | 1 | 2 | 3 |\n| T1 | target | liver | 50 | 30 | not_assessed | 40 |")
    assert frame["target_sum_from_lesions_or_record_mm"].to_list() == [50, 30, None, 40]
    assert frame["baseline_sum_mm"].to_list() == [50, 50, 50, 50]
    assert frame["nadir_sum_mm"].to_list() == [None, 50, 30, 30]
    assert frame["derived_response"].to_list() == [None, "PR", "NE", "PD"]


def test_what_too_small_to_measure_adds_to_the_sum():
    """Eisenhauer 2009, 4.3.1: 5 mm by default; what was measured all the same is taken as it is."""
    assert (
        assess("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | too_small |")[
            "target_sum_from_lesions_or_record_mm"
        ][1]
        == 5
    )
    rows = read_rows("""
        | visit_number | reader | lesion_id | role   | organ | status       | diameter_mm |
        | 0            | site   | T1        | target | liver | measured     | 30          |
        | 1            | site   | T1        | target | liver | too_small    | 1           |
        | 2            | site   | T1        | target | liver | not_assessed | 30          |
        | 3            | site   | T1        | target | liver | too_small    | 0           |
    """)
    frame = read_completely(make_frame("lesion", rows), make_frame("response", []), START)
    assert frame["target_sum_from_lesions_or_record_mm"].to_list() == [30, 1, None, 5]
    assert frame["derived_response"].to_list() == [None, "PR", "NE", "PR"]


def test_one_reader_speaks_for_the_patient():
    """Protocol: RECIST 1.1 by the hospital's reader `site`; without one the first by name. A sum does not overrule what was recorded."""
    rows = read_rows("""
        | patient_id | visit_number | reader  | criteria   | target_sum_mm | recorded_response |
        | p1         | 1            | a       | recist_1_1 |               | CR                |
        | p1         | 1            | site    | recist_1_1 |               | PR                |
        | p1         | 1            | site    | mrecist    |               | CR                |
        | p2         | 1            | b       | recist_1_1 |               | SD                |
        | p2         | 1            | a       | mrecist    |               | PR                |
        | p2         | 1            | c       | recist_1_1 |               | PD                |
        | p3         | 1            | site    | mrecist    |               | PD                |
        | p4         | 0            | site    | recist_1_1 | 100           |                   |
        | p4         | 1            | site    | recist_1_1 | 60            | SD                |
    """)
    frame = read_completely(make_tables()["lesion"], make_frame("response", rows), START).filter("is_counted")
    assert frame.select("patient_id", "reader", "criteria", "response").rows() == [
        ("p1", "site", "recist_1_1", "PR"),
        ("p2", "b", "recist_1_1", "SD"),
        ("p4", "site", "recist_1_1", None),
        ("p4", "site", "recist_1_1", "SD"),
    ]


def test_the_nadir_is_never_of_a_later_visit():
    frame = assess("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 50 | not_assessed | 30 |")
    assert frame["nadir_sum_mm"].to_list() == [None, 50, 50]


def test_a_first_visit_after_the_baseline_has_no_baseline():
    """Sums of visits 1 and 2 alone: the first of them is no baseline, and nothing was complete before it."""
    rows = read_rows("""
        | visit_number | reader | criteria   | target_sum_mm |
        | 1            | 1      | recist_1_1 | 100           |
        | 2            | 1      | recist_1_1 | 60            |
    """)
    frame = read_completely(make_tables()["lesion"], make_frame("response", rows), START)
    assert frame["target_response"].to_list() == ["NE", "NE"]


def test_the_parts_of_a_response():
    """Targets and non-targets apart, what is not listed, and new lesions, which the baseline has none of."""
    frame = assess("""
        | lesion | role       | organ | 0       | 1      | 2      |
        | T1     | target     | liver | 30      | 28     |        |
        | T2     | target     | lung  | 20      |        | 20     |
        | N1     | non_target | bone  | present | absent |        |
        | X1     | new        | brain | present |        | absent |
    """)
    assert frame["target_response"].to_list() == [None, "NE", "NE"]
    assert frame["non_target_response"].to_list() == [None, "CR", None]
    assert frame["unlisted_target_number"].to_list() == [0, 1, 1]
    assert frame["has_new_lesion_listed_or_recorded"].to_list() == [False, False, False]
    assert frame["has_lesions"].to_list() == [True, True, True]


def test_targets_are_gone_whatever_is_left_of_the_non_targets():
    frame = assess("""
        | lesion | role       | organ | 0       | 1       |
        | T1     | target     | liver | 30      | absent  |
        | N1     | non_target | lung  | 8       | 8       |
    """)
    assert frame["target_response"].to_list() == [None, "CR"]


def test_non_targets_alone_have_no_sum():
    frame = assess("| lesion | role | organ | 0 | 1 |\n| N1 | non_target | bone | present | present |")
    assert frame["target_sum_from_lesions_or_record_mm"].to_list() == [None, None]
    assert frame["target_response"].to_list() == [None, None]


def test_targets_alone_have_no_non_target_response():
    frame = assess("| lesion | role | organ | 0 | 1 |\n| T1 | target | bone | 30 | 30 |")
    assert frame["non_target_response"].to_list() == [None, None]


def test_a_lesion_first_seen_later_counts_in_no_sum():
    frame = assess("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | | 30 |")
    values = frame.select(
        "target_sum_from_lesions_or_record_mm", "target_response", "non_target_response", "unlisted_target_number"
    ).row(0)
    assert values == (None, None, None, 0)
    assert frame["has_lesions"].item()


def test_a_sum_without_a_word_on_new_lesions_says_nothing_of_them():
    rows = read_rows("| visit_number | reader | criteria | target_sum_mm |\n| 1 | 1 | recist_1_1 | 60 |")
    frame = read_completely(make_tables()["lesion"], make_frame("response", rows), START)
    assert frame["has_new_lesion_listed_or_recorded"].to_list() == [None]
    said = make_frame("response", [{**rows[0], "has_new_lesion": "false"}])
    assert read_completely(make_tables()["lesion"], said, START)["has_new_lesion_listed_or_recorded"].to_list() == [
        False
    ]


def test_a_visit_is_dated_by_its_first_image_and_counted_from_the_start():
    """Images of 15 and 20 April, a form of 22 April and a stated day 99: the visit is on 15 April, day 45."""
    lesions = read_rows("""
        | visit_number | reader | lesion_id | assessment_date | role   | organ | status   | diameter_mm |
        | 1            | site   | T1        | 2020-04-20      | target | liver | measured | 30          |
        | 1            | site   | T2        | 2020-04-15      | target | lung  | measured | 30          |
    """)
    reading = read_rows("""
        | visit_number | reader | criteria   | assessment_date | assessment_days |
        | 1            | site   | recist_1_1 | 2020-04-22      | 99              |
    """)
    start = START.with_columns(first_line_start_date=date(2020, 3, 1))
    frame = read_completely(make_frame("lesion", lesions), make_frame("response", reading), start)
    assert frame.select("imaging_date", "imaging_days").row(0) == (date(2020, 4, 15), 45.0)


@pytest.mark.parametrize("start", [START.clear(), pl.concat([START, START.with_columns(patient_id=pl.lit("p9"))])])
def test_readings_stay_with_and_without_a_start_of_therapy(start):
    rows = read_rows("| visit_number | reader | criteria | target_sum_mm |\n| 0 | 1 | recist_1_1 | 60 |")
    frame = read_completely(make_tables()["lesion"], make_frame("response", rows), start)
    assert frame.select("hospital", "patient_id", "visit_number").rows() == [("h1", "p1", 0)]


def test_the_columns_of_an_assessment():
    frame = assess("| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | 30 |")
    expected = """
        hospital patient_id visit_number reader criteria imaging_date imaging_days target_sum_from_lesions_or_record_mm nadir_sum_mm
        baseline_sum_mm target_response non_target_response has_new_lesion_listed_or_recorded derived_response recorded_response has_lesions
        unlisted_target_number
    """
    assert set(expected.split()) <= set(frame.columns)
    assert set(frame["hospital"]) == {"h1"}


def test_a_visit_without_any_record_of_the_reader_is_no_visit():
    frame = assess("| lesion | role | organ | 0 | 1 | 2 |\n| T1 | target | liver | 50 | | 30 |")
    assert frame["visit_number"].to_list() == [0, 2]


@pytest.mark.parametrize(
    ("criteria", "sums", "expected"),
    [
        ("recist_1_1", [100, 70, 84], ["PR", "PD"]),
        ("recist_1_1", [20, 24, 25], ["SD", "PD"]),
        ("mrecist", [20, 24, 25], ["PD", "PD"]),
        ("mrecist", [20, 0, 0], ["CR", "CR"]),
        ("recist_1_1", [20, 0, 1], ["CR", "PR"]),  # what is back a sum does not tell; it is below 5 mm
        ("recist_1_1", [44.3, 31.01, 31.02], ["PR", "SD"]),
        ("recist_1_1", [30.3, 36.36, 36.35], ["PD", "SD"]),
        ("recist_1_1", [30.3, 36.35, 36.36], ["SD", "PD"]),
        ("recist_1_1", [100, None, 70], [None, "PR"]),
        ("recist_1_1", [None, 50, 70], ["NE", "PD"]),
        ("recist_1_1", [10.6, 7.42], ["PR"]),  # -30 % exactly, whatever the unit of the computation
        ("recist_1_1", [10, 7.0004], ["PR"]),  # 7000 of 10000 micrometres
        ("recist_1_1", [10, 7.0009], ["SD"]),  # 7001 of 10000 micrometres
        ("recist_1_1", [20, 0, None, 5], ["CR", None, "PD"]),
        ("mrecist", [20, 0.4, 0.48], ["PR", "PD"]),  # no smallest increase
    ],
)
def test_response_of_sums_without_lesions(criteria, sums, expected):
    rows = [
        {
            "visit_number": str(visit),
            "reader": "1",
            "criteria": criteria,
            "target_sum_mm": None if s is None else str(s),
        }
        for visit, s in enumerate(sums)
    ]
    frame = read_completely(make_tables()["lesion"], make_frame("response", rows), START)
    assert frame["target_response"].to_list()[1:] == expected
    # Of a sum alone only a progression is an overall response (protocol, "Response and evidence").
    assert frame["derived_response"].to_list()[1:] == [answer if answer == "PD" else None for answer in expected]


def test_readers_and_criteria_do_not_mix():
    rows = read_rows("""
        | visit_number | reader | criteria   | target_sum_mm |
        | 0            | 1      | recist_1_1 | 100           |
        | 1            | 1      | recist_1_1 | 90            |
        | 0            | 2      | recist_1_1 | 50            |
        | 1            | 2      | recist_1_1 | 90            |
        | 0            | 1      | mrecist    | 100           |
        | 1            | 1      | mrecist    | 0             |
    """)
    frame = read_completely(make_tables()["lesion"], make_frame("response", rows), START)
    assert frame.sort("reader", "criteria")["baseline_sum_mm"].to_list() == [100, 100, 100, 100, 50, 50]
    later = frame.filter(pl.col("visit_number") == 1).select("reader", "criteria", "target_response")
    assert set(later.iter_rows()) == {("1", "recist_1_1", "SD"), ("2", "recist_1_1", "PD"), ("1", "mrecist", "CR")}


def test_a_recorded_new_lesion_counts_beside_lesions():
    lesions = "| lesion | role | organ | 0 | 1 |\n| T1 | target | liver | 30 | 30 |"
    flag = "| visit_number | reader | criteria | has_new_lesion |\n| 1 | site | recist_1_1 | true |"
    assert read_responses(lesions, flag) == ["PD"]


@given(st.lists(st.integers(0, 4000), min_size=2, max_size=8))
def test_sums_agree_with_a_walk_in_whole_tenths_of_a_millimetre(tenths):
    """An independent walk in exact integers (tenths of a mm): baseline and nadir so far."""
    rows = [
        {"visit_number": str(v), "reader": "1", "criteria": "recist_1_1", "target_sum_mm": str(t / 10)}
        for v, t in enumerate(tenths)
    ]
    got = read_completely(make_tables()["lesion"], make_frame("response", rows), START)["target_response"].to_list()
    nadir, expected = tenths[0], [None]
    for now in tenths[1:]:
        if now == 0:
            answer = "CR"
        elif (now - nadir) * 100 >= 20 * nadir and now - nadir >= 50:
            answer = "PD"
        else:
            answer = "PR" if (tenths[0] - now) * 100 >= 30 * tenths[0] else "SD"
        expected.append(answer)
        nadir = min(nadir, now)
    assert got == expected


def read_hcc_tace_seg():
    """Each reader's baseline and follow-up sum and decision (1 CR, 2 PR, 3 SD, 4 PD) of 105 real patients."""
    table = pl.read_csv(HCC_TACE_SEG, infer_schema=False, null_values=["NA", ""])
    decisions = {"1": "CR", "2": "PR", "3": "SD", "4": "PD"}
    rows = []
    for patient in table.iter_rows(named=True):
        for prefix, reader, criteria in [
            (f"{reader}_{name}", reader, code)
            for reader in "123"
            for name, code in (("RECIST", "recist_1_1"), ("mRECIST", "mrecist"))
        ]:
            sums = patient[f"{prefix}_BL"], patient[f"{prefix}_FU"]
            if None in (*sums, patient[prefix]):
                continue
            key = {"patient_id": patient["TCIA_ID"], "reader": reader, "criteria": criteria}
            rows.append({**key, "visit_number": "0", "target_sum_mm": sums[0]})
            decision = decisions[patient[prefix]]
            rows.append({**key, "visit_number": "1", "target_sum_mm": sums[1], "recorded_response": decision})
    return make_frame("response", rows)


@pytest.mark.skipif(
    not HCC_TACE_SEG.exists(), reason="the HCC-TACE-Seg table is not here (TCIA, doi:10.7937/TCIA.5FNA-0924)"
)
def test_every_reader_decision_of_hcc_tace_seg_follows():
    readings = read_hcc_tace_seg()
    start = readings.select("patient_id").unique().with_columns(first_line_start_date=pl.lit(None, dtype=pl.Date))
    frame = read_completely(make_tables()["lesion"], readings, start).filter(pl.col("visit_number") == 1)
    assert frame.height == 574
    assert (frame["target_response"] == frame["recorded_response"]).all()


# mRECIST (Lencioni and Llovet 2010): the viable part of liver lesions, other lesions as in RECIST 1.1; no 5 mm rule.
VIABLE = """
| visit_number | reader | lesion_id | role       | organ | status   | diameter_mm | viable_diameter_mm |
| 0            | 1      | T1        | target     | liver | measured | 60          | 50                 |
| 0            | 1      | T2        | target     | lung  | measured | 20          |                    |
| 0            | 1      | N1        | non_target | liver | measured | 12          | 12                 |
| 1            | 1      | T1        | target     | liver | measured | 58          | 20                 |
| 1            | 1      | T2        | target     | lung  | measured | 20          |                    |
| 1            | 1      | N1        | non_target | liver | measured | 12          | 0                  |
| 2            | 1      | T1        | target     | liver | measured | 58          | 0                  |
| 2            | 1      | T2        | target     | lung  | absent   |             |                    |
| 2            | 1      | N1        | non_target | liver | measured | 12          | 0                  |
| 0            | 2      | T1        | target     | liver | measured | 60          |                    |
| 1            | 2      | T1        | target     | liver | measured | 40          |                    |
"""


def test_viable_diameters_of_one_patient_say_nothing_of_another():
    rows = [*read_rows(VIABLE), *({**row, "patient_id": "p2", "viable_diameter_mm": None} for row in read_rows(VIABLE))]
    frame = read_completely(make_frame("lesion", rows), make_frame("response", []), START)
    assert set(frame.filter(patient_id="p2")["criteria"]) == {"recist_1_1"}


def test_what_does_not_enhance_beside_what_was_not_assessed_is_not_evaluable():
    """The viable part is 0 at both visits; the lung lesion is gone, then not assessed: 0 after 0 is no growth."""
    rows = read_rows("""
        | visit_number | reader | lesion_id | role   | organ | status       | diameter_mm | viable_diameter_mm |
        | 0            | 1      | T1        | target | liver | measured     | 60          | 50                 |
        | 0            | 1      | T2        | target | lung  | measured     | 20          |                    |
        | 1            | 1      | T1        | target | liver | measured     | 60          | 0                  |
        | 1            | 1      | T2        | target | lung  | absent       |             |                    |
        | 2            | 1      | T1        | target | liver | measured     | 60          | 0                  |
        | 2            | 1      | T2        | target | lung  | not_assessed |             |                    |
    """)
    frame = read_completely(make_frame("lesion", rows), make_frame("response", []), START)
    assert frame.filter(criteria="mrecist")["derived_response"].to_list() == [None, "CR", "NE"]


def test_lesions_with_viable_diameters_are_read_by_both_criteria():
    frame = read_completely(make_frame("lesion", read_rows(VIABLE)), make_frame("response", []), START)
    read = {
        (reader, criteria): rows["target_sum_from_lesions_or_record_mm"].to_list()
        + rows["derived_response"].to_list()[1:]
        for (reader, criteria), rows in frame.group_by("reader", "criteria", maintain_order=True)
    }
    assert read == {
        ("1", "recist_1_1"): [80, 78, 58, "SD", "SD"],
        # 40 of 70 is -43 %; then nothing enhances any more and the lung lesion is gone.
        ("1", "mrecist"): [70, 40, 0, "PR", "CR"],
        ("2", "recist_1_1"): [60, 40, "PR"],
    }
