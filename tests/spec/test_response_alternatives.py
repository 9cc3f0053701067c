"""Progression and response under other readings than the study's, worked by hand: images alone, records alone, mRECIST, an ongoing PR.

How to read a patient: tests/lesion_histories.py. He is last seen alive on day 275. The registry's own columns stand beside the
others where they differ.
"""

import pytest
from lesion_histories import EVERY_LESION_LISTED, Patient, assert_follows, name_patient

PROGRESSED = "outcome.has_progressed=true; outcome.progression_date"
DEAD = "outcome.vital_status=dead; outcome.death_date=day 275"


def ends(name, day, event):
    return f"pfs_{name}_days={day}; pfs_{name}_event={event}"


def all_end(own, images, recorded):
    return f"pfs_days={own[0]}; pfs_event={own[1]}; {ends('images_only', *images)}; {ends('recorded_only', *recorded)}"


NEVER, UNKNOWN = (275, "false"), ("none", "none")

BY_SOURCE = [
    Patient(
        name="without any progression every reading ends with the last contact",
        why="Stable and alive on day 275.",
        grid="""
            |          | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1       | target | liver | 50         | 50        | 50         |
            | recorded |        |       |            | SD        | SD         |
        """,
        subject=all_end(NEVER, NEVER, NEVER) + "; " + ends("mrecist", *NEVER),
    ),
    Patient(
        name="death is an event of each",
        why="Dead on day 275, without a progression.",
        edits=DEAD,
        grid="""
            |          | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1       | target | liver | 50         | 50        | 50         |
            | recorded |        |       |            | SD        | SD         |
        """,
        subject=all_end((275, "true"), (275, "true"), (275, "true")) + "; " + ends("mrecist", 275, "true"),
    ),
    Patient(
        name="what the sizes show is the images', what is read the record's",
        why="70 of 50 mm on day 101, read as SD; PD is read on day 157.",
        grid="""
            |          | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | T1       | target | liver | 50         | 50        | 70         | 70         |
            | recorded |        |       |            | SD        | SD         | PD         |
        """,
        subject=all_end((101, "true"), (101, "true"), (157, "true")),
    ),
    Patient(
        name="the first that is read counts, later ones do not",
        why="PD is read on days 45 and 157, the sizes show it from day 101 on.",
        grid="""
            |          | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | T1       | target | liver | 50         | 50        | 70         | 70         |
            | recorded |        |       |            | PD        | SD         | PD         |
        """,
        subject=all_end((45, "true"), (101, "true"), (45, "true")),
    ),
    Patient(
        name="a recorded PD that the list sets aside is one of the records alone",
        why="Every lesion is listed and stable on day 45, no lesion new; PD is recorded there (asked).",
        edits=EVERY_LESION_LISTED,
        grid="""
            |             | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | target | liver | 50         | 50        | 50         |
            | T2          | target | lung  | 20         | 20        | 20         |
            | new lesion? |        |       |            | no        | no         |
            | recorded    |        |       |            | PD        | SD         |
        """,
        subject=all_end(NEVER, NEVER, (45, "true")),
    ),
    Patient(
        name="the outcome's progression is neither the images' nor the readings'",
        why="Day 60 by the outcome table; images and readings are stable.",
        edits=f"{PROGRESSED}=day 60",
        grid="""
            |          | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1       | target | liver | 50         | 50        | 50         |
            | recorded |        |       |            | SD        | SD         |
        """,
        subject=all_end((60, "true"), NEVER, NEVER),
    ),
    Patient(
        name="a PD of the sizes without a day leaves the images' time unknown",
        why="The sizes show it at visit 2, of which no date is known; PD was read on day 45.",
        grid="""
            |          | role   | organ | 0: day -10 | 1: day 45 | 2: | 3: day 157 |
            | T1       | target | liver | 50         | 50        | 70 | 90         |
            | recorded |        |       |            | PD        | PD | PD         |
        """,
        subject=all_end((45, "true"), UNKNOWN, (45, "true")),
    ),
    Patient(
        name="a first recorded PD without a day leaves the records' time unknown",
        why="Read at visit 1 without a date, and again on day 101. The sizes are stable until they show it on day 157.",
        grid="""
            |          | role   | organ | 0: day -10 | 1: | 2: day 101 | 3: day 157 |
            | T1       | target | liver | 50         | 50 | 50         | 70         |
            | recorded |        |       |            | PD | PD         | PD         |
        """,
        subject=all_end(UNKNOWN, UNKNOWN, UNKNOWN),
    ),
    Patient(
        name="readings before the start are no follow-up",
        why="PD is recorded at the baseline (asked) and on day 101.",
        grid="""
            |          | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1       | target | liver | 50         | 50        | 50         |
            | recorded |        |       | PD         | SD        | PD         |
        """,
        subject=all_end((101, "true"), NEVER, (101, "true")),
    ),
    Patient(
        name="another reader's PD is none of the counted one",
        why="Reader b reads PD on day 45, the hospital's own on day 101.",
        grid="""
            |          | reader | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1       | site   | target | liver | 50         | 50        | 50         |
            | T1       | b      | target | liver | 50         | 70        | 70         |
            | recorded | site   |        |       |            | SD        | PD         |
            | recorded | b      |        |       |            | PD        | PD         |
        """,
        subject=all_end((101, "true"), NEVER, (101, "true")),
    ),
]

ONE_TARGET = "baseline.tumour_number=1; baseline.metastasis_site_number=0"
ONGOING = [
    Patient(
        name="a PR whose sum drifts back is an ongoing PR",
        why="60 of 100 is a PR; 71 is -29 % and 18 % above the nadir: SD by the study, PR by EORTC.",
        edits=ONE_TARGET,
        grid="""
            |             | role   | organ | 0: day -10 | 1: day 45 | 2: day 91 | 3: day 183 |
            | T1          | target | liver | 100        | 60        | 71        | 60         |
            | new lesion? |        |       |            | no        | no        | no         |
            | = response  |        |       |            | PR        | SD        | PR         |
        """,
        subject="response_3_months=SD; response_3_months_ongoing=PR; response_6_months=PR; response_6_months_ongoing=PR",
    ),
    Patient(
        name="an SD without a PR before is SD, also where a PR follows",
        why="80 of 100, then 60.",
        edits=ONE_TARGET,
        grid="""
            |             | role   | organ | 0: day -10 | 1: day 91 | 2: day 183 |
            | T1          | target | liver | 100        | 80        | 60         |
            | new lesion? |        |       |            | no        | no         |
            | = response  |        |       |            | SD        | PR         |
        """,
        subject="response_3_months=SD; response_3_months_ongoing=SD; response_6_months_ongoing=PR",
    ),
    Patient(
        name="a PD after a PR is PD",
        why="72 against the nadir of 60 is 20 % and 12 mm more.",
        edits=ONE_TARGET,
        grid="""
            |             | role   | organ | 0: day -10 | 1: day 45 | 2: day 91 | 3: day 183 |
            | T1          | target | liver | 100        | 60        | 72        | 71         |
            | new lesion? |        |       |            | no        | no        | no         |
            | = response  |        |       |            | PR        | PD        | SD         |
        """,
        subject="response_3_months_ongoing=PD; response_6_months_ongoing=PD",
    ),
    Patient(
        name="a CR and a PR stay what they are",
        why="The non-target node is 12 mm again after a CR, not called progression: PR by table 1.",
        grid="""
            |             | role       | organ      | 0: day -10 | 1: day 91 | 2: day 183 |
            | T1          | target     | liver      | 30         | absent    | absent     |
            | N1          | non_target | lymph_node | 12         | 8         | 12         |
            | new lesion? |            |            |            | no        | no         |
            | = response  |            |            |            | CR        | PR         |
        """,
        subject="response_3_months_ongoing=CR; response_6_months_ongoing=PR",
    ),
]


def measure_viable(*sizes):
    """The viable diameters of the grid's lesions in their order, visit by visit."""
    return "; ".join(f"lesion[{n}].viable_diameter_mm={size}" for n, size in enumerate(sizes, 1))


BY_MRECIST = [
    Patient(
        name="who was not read by mRECIST keeps the study's own",
        why="No viable diameters: 70 of 50 mm on day 101.",
        grid="""
            |    | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1 | target | liver | 50         | 50        | 70         |
        """,
        subject="pfs_days=101; "
        + ends("mrecist", 101, "true")
        + "; response_3_months=PD; response_3_months_mrecist=PD",
    ),
    Patient(
        name="also where the outcome shows the progression",
        why="Day 60 by the outcome table.",
        edits=f"{PROGRESSED}=day 60",
        grid="""
            |    | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1 | target | liver | 50         | 50        | 50         |
        """,
        subject=ends("mrecist", 60, "true") + "; response_3_months_mrecist=PD",
    ),
    Patient(
        name="the viable part decides",
        why="The lesion stays at 50 mm: SD. Of it 40, then 20 (-50 %, PR), then 24 (20 % above the nadir: PD, without the 5 mm) are viable.",
        edits=measure_viable(40, 20, 24),
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 91 | 2: day 183 |
            | T1         | target | liver | 50         | 50        | 50         |
            | = response |        |       |            | SD        | SD         |
        """,
        subject="pfs_days=275; pfs_event=false; "
        + ends("mrecist", 183, "true")
        + "; "
        + ends("images_only", 275, "false")
        + "; response_3_months=SD; response_3_months_mrecist=PR; response_6_months=SD; response_6_months_mrecist=PD",
    ),
    Patient(
        name="a progression by diameter that the viable part does not show is none by mRECIST",
        why="60 of 50 mm, of which 20 of 40 are viable.",
        edits=measure_viable(40, 20, 20),
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 91 | 2: day 183 |
            | T1         | target | liver | 50         | 60        | 60         |
            | = response |        |       |            | PD        | PD         |
        """,
        subject="pfs_days=91; pfs_event=true; " + ends("mrecist", 275, "false") + "; response_3_months_mrecist=PR",
    ),
    Patient(
        name="a first progression by mRECIST without a day leaves its time unknown",
        why="24 of 20 mm at visit 2 without a date, and again on day 183.",
        edits=measure_viable(20, 20, 24, 40),
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 91 | 2: | 3: day 183 |
            | T1         | target | liver | 50         | 50        | 50 | 50         |
            | = response |        |       |            | SD        | SD | SD         |
        """,
        subject="pfs_days=275; " + ends("mrecist", *UNKNOWN),
    ),
    Patient(
        name="a later one without a day does not",
        why="24 of 20 mm on day 91, 40 mm at visit 2 without a date.",
        edits=measure_viable(20, 24, 40),
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 91 | 2: |
            | T1         | target | liver | 50         | 50        | 50 |
            | = response |        |       |            | SD        | SD |
        """,
        subject="pfs_days=275; " + ends("mrecist", 91, "true"),
    ),
    Patient(
        name="another reader's viable diameters say nothing",
        why="Reader b measures 20, then 40 mm that are viable; the hospital's own reader none.",
        edits=measure_viable("", 20, "", 40),
        grid="""
            |            | reader | role   | organ | 0: day -10 | 1: day 91 |
            | T1         | site   | target | liver | 50         | 50        |
            | T1         | b      | target | liver | 50         | 50        |
            | = response | site   |        |       |            | SD        |
        """,
        subject="pfs_days=275; " + ends("mrecist", 275, "false") + "; response_3_months_mrecist=SD",
    ),
]


@pytest.mark.parametrize("patient", BY_SOURCE, ids=name_patient)
def test_progression_by_images_alone_and_by_records_alone(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", ONGOING, ids=name_patient)
def test_the_response_where_a_partial_response_goes_on(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", BY_MRECIST, ids=name_patient)
def test_progression_and_response_by_mrecist(patient):
    assert_follows(patient)
