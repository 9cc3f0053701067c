"""The 3- and 6-month evaluation takes the nearest evaluable assessment of the window, worked by hand on recorded responses.

How to read a patient: tests/lesion_histories.py. The windows are days 63-119 around day 91 and days 155-211 around day 183.
"""

import pytest
from lesion_histories import Patient, assert_follows, name_patient

DEAD = "outcome.vital_status=dead; outcome.death_date=day {day}; outcome.last_contact_date=day {day}"


def evaluate(why, assessments, *, edits="", **expected):
    """A patient of recorded responses alone: `63:SD 91:NE` are SD on day 63 and NE on day 91; a day alone has none."""
    pairs = [assessment.partition(":")[::2] for assessment in assessments.split()]
    header = " | ".join(f"{number}: day {day}" for number, (day, _) in enumerate(pairs, start=1))
    said = " | ".join("no" for _ in pairs)
    recorded = " | ".join(response for _, response in pairs)
    grid = f"""
        |             | 0: day -10 | {header} |
        | new lesion? | no         | {said} |
        | recorded    |            | {recorded} |
    """
    subject = "; ".join(f"{column}={value}" for column, value in expected.items())
    return Patient(f"{assessments} {edits}".strip(), why, grid, edits=edits, subject=subject)


AT_3_MONTHS = [
    evaluate(
        "NE on day 91 itself: the SD of day 63, the first day, is evaluable", "63:SD 91:NE", response_3_months="SD"
    ),
    evaluate("day 62 is not in the window", "62:SD 91:NE", response_3_months="NE"),
    evaluate("day 119 is the last day", "91:NE 119:SD", response_3_months="SD"),
    evaluate("day 120 is not in the window", "91:NE 120:SD", response_3_months="NE"),
    evaluate("a visit without any response is not evaluable either", "70:SD 91:", response_3_months="SD"),
    evaluate("two that are not evaluable on both sides", "80:NE 91:PR 102:NE", response_3_months="PR"),
    evaluate("days 81 and 101 are equally near: the later one", "81:SD 101:PR", response_3_months="PR"),
    evaluate("the later one of two equally near is NE: the earlier counts", "81:SD 101:NE", response_3_months="SD"),
    evaluate("the nearer of two that are evaluable", "82:SD 101:PR", response_3_months="SD"),
    evaluate("none is evaluable: NE and reported as such", "70:NE 91:NE 110:", response_3_months="NE"),
    evaluate("no assessment in the window: NE", "45:SD 157:SD", response_3_months="NE", response_6_months="SD"),
    evaluate("PD is carried forward", "45:PD 91:SD", response_3_months="PD", response_6_months="PD"),
    evaluate("the nearest evaluable assessment is the PD of day 119", "91:NE 119:PD", response_3_months="PD"),
    evaluate("SD on day 90 is nearer than the PD of day 118", "90:SD 118:PD", response_3_months="SD"),
    evaluate("SD of day 63, PD by day 91, both before NE", "63:SD 91:PD 101:NE", response_3_months="PD"),
    evaluate(
        "death before an assessment could be made counts as PD",
        "45:SD",
        edits=DEAD.format(day=80),
        response_3_months="PD",
        response_6_months="PD",
    ),
    evaluate(
        "death on day 91 counts as PD, whatever was seen on day 70",
        "70:SD",
        edits=DEAD.format(day=91),
        response_3_months="PD",
    ),
    evaluate(
        "death on day 92 comes after the SD of day 70", "70:SD", edits=DEAD.format(day=92), response_3_months="SD"
    ),
    evaluate(
        "death on day 100 with nothing but NE before: no assessment, and dead by the end of the window",
        "70:NE",
        edits=DEAD.format(day=100),
        response_3_months="PD",
    ),
]
AT_6_MONTHS = [
    evaluate("day 155 is the first day", "155:SD 183:NE", response_6_months="SD"),
    evaluate("day 154 is not in the window", "154:SD 183:NE", response_6_months="NE"),
    evaluate("day 211 is the last day", "183:NE 211:PR", response_6_months="PR"),
    evaluate("day 212 is not in the window", "183:NE 212:PR", response_6_months="NE"),
    evaluate("173 and 193 are equally near: the later one", "173:PR 193:SD", response_6_months="SD"),
]


@pytest.mark.parametrize("patient", AT_3_MONTHS, ids=name_patient)
def test_the_response_at_3_months(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", AT_6_MONTHS, ids=name_patient)
def test_the_response_at_6_months(patient):
    assert_follows(patient)
