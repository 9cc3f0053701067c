"""Survival, progression and the 3- and 6-month evaluation, worked by hand on the correct patient, changed line by line.

The patient starts on 2020-03-01, has PD on 2020-06-10 (day 101) and dies on 2020-12-01 (day 275).
"""

from datetime import date

import polars as pl
import pytest
from clinical_tables import derive_case, read_rows

from schemas.definitions.endpoints import (
    MONTH_3,
    MONTH_6,
    derive_best_response,
    derive_confirmed_best_response,
    derive_response_at,
    derive_tumour_course,
)

NO_PD = "-lesion; -response; outcome.has_progressed=false; outcome.progression_date="
ALIVE = "outcome.vital_status=alive; outcome.death_date="

# The close of follow-up, 2022-10-31, is day 974 after 2020-03-01.
SURVIVAL = f"""
| edits                                                                         | os_days | os_event | pfs_days | pfs_event |
|                                                                               | 275     | true     | 101      | true      |
| {NO_PD}                                                                       | 275     | true     | 275      | true      |
| {ALIVE}                                                                       | 275     | false    | 101      | true      |
| {ALIVE}; {NO_PD}                                                              | 275     | false    | 275      | false     |
| outcome.death_date=2022-10-31; outcome.last_contact_date=2022-10-31; {NO_PD}  | 974     | true     | 974      | true      |
| outcome.death_date=2022-11-01; outcome.last_contact_date=2022-11-01; {NO_PD}  | 974     | false    | 974      | false     |
| {ALIVE}; outcome.last_contact_date=2023-01-01; {NO_PD}                        | 974     | false    | 974      | false     |
| outcome.death_date=                                                           | 275     | true     | 101      | true      |
| outcome.last_contact_date=                                                    | 275     | true     | 101      | true      |
| outcome.vital_status=                                                         |         |          |          |           |
| {ALIVE}; outcome.last_contact_date=                                           |         |          |          |           |
| outcome.death_date=2020-02-01                                                 |         |          |          |           |
| outcome.death_date=2020-03-01; outcome.last_contact_date=2020-03-01; {NO_PD}  | 0       | true     | 0        | true      |
| outcome.death_date=2020-02-29; outcome.last_contact_date=2020-02-29; {NO_PD}  |         |          |          |           |
| {ALIVE}; {NO_PD}; treatment[1].start_date=2022-11-01; treatment[2].start_date=2022-11-01; outcome.last_contact_date=2023-01-01 |         |          |          |           |
| -treatment                                                                    |         |          |          |           |
| -lesion; -response                                                            | 275     | true     | 101      | true      |
| -lesion; -response; outcome.progression_date=2020-05-01                       | 275     | true     | 61       | true      |
| -lesion; -response; outcome.progression_date=2020-03-02                       | 275     | true     | 1        | true      |
| {ALIVE}; -lesion; -response; outcome.progression_date=2020-12-01              | 275     | false    | 275      | true      |
| outcome.progression_date=2020-05-01                                           | 275     | true     | 61       | true      |
| -lesion; -response; outcome.progression_date=                                 | 275     | true     |          |           |
| -lesion; -response; outcome.progression_date=2020-03-01                       | 275     | true     |          |           |
| -lesion; outcome.progression_date=; response[3].assessment_date=2020-06-01    | 275     | true     | 92       | true      |
| -treatment; {ALIVE}; outcome.last_contact_date=; {NO_PD}; outcome.overall_survival_days=30.5 | 30.5 | false | 30.5 | false |
| -treatment; outcome.last_contact_date=; outcome.death_date=; -lesion; -response; outcome.progression_date=; outcome.overall_survival_days=300; outcome.progression_days=120 | 300 | true | 120 | true |
"""


def read_subject(edits):
    return derive_case(edits or "")[1]["subject"].filter(pl.col("patient_id") == "p1").row(0, named=True)


@pytest.mark.parametrize("case", read_rows(SURVIVAL), ids=lambda c: str(c["edits"]))
def test_survival_of_a_patient(case):
    subject = read_subject(case["edits"])
    flags = {"true": True, "false": False, None: None}
    for time, event in (("os_days", "os_event"), ("pfs_days", "pfs_event")):
        assert subject[time] == (None if case[time] is None else float(case[time]))
        assert subject[event] is flags[case[event]]


@pytest.mark.parametrize(
    ("edits", "source", "day"),
    [
        ("", "complete_list", date(2020, 6, 10)),
        ("-lesion", "recorded_response", date(2020, 6, 10)),
        # Within 28 days of the assessment it is that progression, and the image's date counts; 29 days before it is its own.
        ("-lesion; outcome.progression_date=2020-05-13", "recorded_response", date(2020, 6, 10)),
        ("-lesion; outcome.progression_date=2020-05-12", "outcome", date(2020, 5, 12)),
        ("-lesion; outcome.progression_date=", "recorded_response", date(2020, 6, 10)),
        (
            "-lesion; response.target_sum_mm=50; response[2].target_sum_mm=80; response[3].target_sum_mm=90",
            "target_sum",
            date(2020, 4, 15),
        ),
        (NO_PD, None, None),
    ],
)
def test_where_the_first_progression_comes_from(edits, source, day):
    subject = read_subject(edits)
    assert (subject["first_progression_source"], subject["first_progression_date"]) == (source, day)


@pytest.mark.parametrize(
    ("edits", "source"),
    [("", "dates"), ("-treatment", None), ("-treatment; outcome.overall_survival_days=9", "durations")],
)
def test_time_source(edits, source):
    assert read_subject(edits)["time_source"] == source


# assessments as "day:response", the day of the first progression and of death -> the response at 3 months (63-119)
AT_3_MONTHS = """
| assessments         | progression | death | at_3_months |
| 91:PR               |             |       | PR          |
| 63:SD               |             |       | SD          |
| 62:SD               |             |       | NE          |
| 119:SD              |             |       | SD          |
| 120:SD              |             |       | NE          |
| 70:SD 100:PR        |             |       | PR          |
| 81:SD 102:PR        |             |       | SD          |
| 81:SD 101:PR        |             |       | PR          |
| 70:NE               |             |       | NE          |
|                     |             |       | NE          |
| 50:PD               | 50          |       | PD          |
| 50:PD 90:SD         | 50          |       | PD          |
| 90:SD 118:PD        | 118         |       | SD          |
|                     | 119         |       | PD          |
|                     | 120         |       | NE          |
|                     |             | 119   | PD          |
|                     |             | 120   | NE          |
| 90:SD               |             | 95    | SD          |
| 80:SD               |             | 91    | PD          |
| 80:SD               |             | 92    | SD          |
| 80:PR               | 91          |       | PD          |
| 80:PR               | 92          |       | PR          |
| 110:SD              | 100         |       | PD          |
"""


@pytest.mark.parametrize("case", read_rows(AT_3_MONTHS), ids=lambda c: " ".join(str(v) for v in c.values()))
def test_response_at_3_months(case):
    pairs = [reading.split(":") for reading in (case["assessments"] or "").split()]
    readings = pl.DataFrame(
        {
            "patient_id": ["p1"] * len(pairs),
            "imaging_days": [float(d) for d, _ in pairs],
            "response": [r for _, r in pairs],
            "response_source": ["targets" for _ in pairs],
        },
        schema={
            "patient_id": pl.String,
            "imaging_days": pl.Float64,
            "response": pl.String,
            "response_source": pl.String,
        },
    )
    days = {
        name: None if case[key] is None else float(case[key])
        for name, key in (("first_progression_days", "progression"), ("death_days", "death"))
    }
    schema = {
        "patient_id": pl.String,
        "first_progression_days": pl.Float64,
        "first_progression_source": pl.String,
        "death_days": pl.Float64,
        "is_timed": pl.Boolean,
    }
    clock = pl.DataFrame([{"patient_id": "p1", "is_timed": True, **days}], schema=schema)
    assert derive_response_at(readings, clock, MONTH_3, "r")["r"].item() == case["at_3_months"]


@pytest.mark.parametrize(
    ("reading", "progression", "death", "is_timed", "response", "source"),
    [
        ("PR", None, None, True, "PR", "targets"), (None, None, None, True, "NE", None), ("PR", 80, None, True, "PD", "outcome"),
        ("PR", None, 80, True, "PD", "death"), ("PR", 80, 85, True, "PD", "outcome"), ("PR", None, None, False, None, None),
        ("PR", 80, None, False, None, None), ("PR", None, 80, False, None, None), (None, None, None, False, None, None),
    ],
)  # fmt: skip
def test_what_a_response_at_3_months_rests_on(reading, progression, death, is_timed, response, source):
    """Of whom no time is known, nothing is said, whatever else there is."""
    readings = pl.DataFrame(
        {"patient_id": ["p1"], "imaging_days": [91.0], "response": [reading], "response_source": ["targets"]},
        schema_overrides={"response": pl.String},
    )
    clock = pl.DataFrame(
        {
            "patient_id": ["p1"],
            "first_progression_days": [progression],
            "first_progression_source": [None if progression is None else "outcome"],
            "death_days": [death],
            "is_timed": [is_timed],
        },
        schema_overrides={
            "first_progression_days": pl.Float64,
            "first_progression_source": pl.String,
            "death_days": pl.Float64,
        },
    )
    assert derive_response_at(readings, clock, MONTH_3, "r").rows() == [("p1", response, source)]


def test_a_reading_of_an_unknown_patient_adds_nobody():
    readings = pl.DataFrame({"patient_id": ["p9"], "imaging_days": [91.0], "response": ["PR"]}).with_columns(
        response_source=pl.lit("targets")
    )
    clock = {"patient_id": ["p1"], "first_progression_days": [None], "death_days": [None], "is_timed": [True]}
    clock["first_progression_source"] = [None]
    times = {"first_progression_days": pl.Float64, "death_days": pl.Float64, "first_progression_source": pl.String}
    answer = derive_response_at(readings, pl.DataFrame(clock, schema_overrides=times), MONTH_3, "r")
    assert answer.rows() == [("p1", "NE", None)]


def test_windows_leave_half_the_longest_interval_to_each_side():
    for window in (MONTH_3, MONTH_6):
        assert window.nominal_day - window.first_day == window.last_day - window.nominal_day == 8 * 7 / 2


def test_six_months_and_an_unknown_clock():
    assert read_subject("")["response_6_months"] == "PD"
    assert read_subject("-treatment")["response_6_months"] is None


@pytest.mark.parametrize(
    ("responses", "best"),
    [
        (["SD", "PR", "SD"], "PR"),
        (["PD", "PR"], "PD"),
        (["SD", "PD", "CR"], "SD"),
        (["NE", "SD"], "SD"),
        (["NE"], "NE"),
        ([None, "PR"], "PR"),
        (["CR", "PD"], "CR"),
        (["PR", "CR"], "CR"),
        (["PR", None, "PD", "CR"], "PR"),
    ],
)
def test_best_response_up_to_the_first_progression(responses, best):
    readings = pl.DataFrame(
        {"patient_id": ["p1"] * len(responses), "visit_position": range(1, len(responses) + 1), "response": responses}
    )
    assert derive_best_response(readings)["best_response"].to_list() == [best]


# "day:response" of the visits -> the best response with confirmation. Eisenhauer 2009, table 3, has no days: the cases
# add the 4 weeks of section 4.6 and the study's 6 weeks for SD.
CONFIRMED = """
| assessments                 | confirmed | why                                             |
| 56:CR 84:CR                 | CR        | confirmed on day 28 exactly                     |
| 56:CR 83:CR                 | SD        | one day too early                               |
| 56:CR 70:NE 98:CR           | CR        | NE between                                      |
| 56:CR 98:PD                 | SD        | table 3: CR then PD is SD if long enough        |
| 35:CR 77:PD                 | PD        | table 3: otherwise PD                           |
| 35:CR 77:NE                 | NE        | table 3: otherwise NE                           |
| 56:CR 98:NE                 | SD        | table 3: CR then NE is SD if long enough        |
| 56:PR 98:CR                 | PR        | table 3                                         |
| 56:PR 98:PR                 | PR        | table 3                                         |
| 56:PR 98:SD                 | SD        | table 3                                         |
| 56:PR 98:PD                 | SD        | table 3                                         |
| 41:PR 70:PD                 | PD        | table 3, not long enough for SD                 |
| 56:PR 98:NE 140:PR          | PR        | NE between                                      |
| 56:PR 98:SD 140:PR          | SD        | SD between breaks the confirmation              |
| 56:PR 98:SD 140:PR 182:PR   | PR        | confirmed later                                 |
| 56:PR 98:PD 140:PR          | SD        | nothing after PD counts                         |
| 42:SD                       | SD        | day 42 exactly                                  |
| 41:SD                       | NE        | too early and nothing else                      |
| 41:SD 90:PD                 | PD        |                                                 |
| 56:CR 70:CR 84:CR           | CR        | first and last of the run are 28 days apart     |
| :PR :PR                     | NE        | without days nothing is confirmed               |
| 56:NE                       | NE        |                                                 |
"""


@pytest.mark.parametrize("case", read_rows(CONFIRMED), ids=lambda c: c["assessments"])
def test_best_response_with_confirmation(case):
    pairs = [reading.split(":") for reading in case["assessments"].split()]
    readings = pl.DataFrame(
        {
            "patient_id": ["p1"] * len(pairs),
            "visit_position": range(1, len(pairs) + 1),
            "imaging_days": [float(days) if days else None for days, _ in pairs],
            "response": [response for _, response in pairs],
        },
        schema_overrides={"imaging_days": pl.Float64},
    )
    other = readings.with_columns(patient_id=pl.lit("p0"), response=pl.lit("PD"))
    best = derive_confirmed_best_response(pl.concat([readings, other]).sample(fraction=1, shuffle=True, seed=1))
    assert dict(best.iter_rows()) == {"p0": "PD", "p1": case["confirmed"]}


def test_a_patient_without_a_response_has_no_best_one():
    readings = pl.DataFrame({"patient_id": ["p1"], "visit_position": [1], "imaging_days": [56.0], "response": [None]})
    assert derive_confirmed_best_response(readings.cast({"response": pl.String})).is_empty()


COURSES = """
| assessments (day:sum:response), baseline 80 mm | response | change | why                                             |
|------------------------------------------------|----------|--------|-------------------------------------------------|
| 56:60:SD 98:50:PR 140:40:PR                    | 98       | -50    | first PR; smallest sum                          |
| 56:90:SD                                       |          | 12.5   | smallest growth is the best change              |
| 56:100:PD 98:40:PR                             |          | 25     | nothing after PD counts                         |
| 56:76:PD                                       |          | -5     | the visit of the PD counts                      |
| 56::NE 98:0:CR                                 | 98       | -100   | NE has no sum                                   |
| :40:PR 98:44:PR                                | 98       | -50    | a response without a day is no first one        |
| 56::PR                                         | 56       |        | recorded response, no sums                      |
"""


@pytest.mark.parametrize("case", read_rows(COURSES), ids=lambda c: c["why"])
def test_first_response_and_best_change_of_the_targets(case):
    readings = [reading.split(":") for reading in case["assessments (day:sum:response), baseline 80 mm"].split()]
    frame = pl.DataFrame(
        [
            ("p1", visit, float(day) if day else None, float(size) if size else None, 80.0, response)
            for visit, (day, size, response) in enumerate(readings, 1)
        ],
        schema={"patient_id": pl.String, "visit_position": pl.Int64, "imaging_days": pl.Float64,
                "target_sum_from_lesions_or_record_mm": pl.Float64, "baseline_sum_mm": pl.Float64, "response": pl.String},
        orient="row",
    )  # fmt: skip
    other = frame.with_columns(patient_id=pl.lit("p0"), baseline_sum_mm=0.0)
    same = frame.with_columns(
        pl.col("target_sum_from_lesions_or_record_mm", "baseline_sum_mm") / 80, patient_id=pl.lit("p2")
    )
    course = derive_tumour_course(pl.concat([frame, other, same]).sample(fraction=1, shuffle=True, seed=1))
    expected = [float(case[name]) if case[name] else None for name in ("response", "change")]
    assert course.filter(patient_id="p1").row(0)[1:] == pytest.approx(expected)
    assert course.filter(patient_id="p0")["best_change_percent"].to_list() == [None]
    assert course.filter(patient_id="p2").row(0)[1:] == pytest.approx(expected)
