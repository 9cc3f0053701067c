"""Which progression is the first, and what sets one aside: the protocol's "First progression", worked by hand.

How to read a patient: tests/lesion_histories.py. He is last seen alive on day 275: PFS of 275 without an event means that no
progression counts. `28 days` are tried on both sides: day 73 is 28 days before the images of day 101, day 72 is 29.
"""

import pytest
from lesion_histories import EVERY_LESION_LISTED, Patient, assert_follows, name_patient

PROGRESSED = "outcome.has_progressed=true; outcome.progression_date"

TARGET_PD = """
    |            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
    | T1         | target | liver | 50         | 50        | 70         |
    | = response |        |       |            | SD        | PD         |
"""
"""70 against the nadir of 50 mm at visit 2; the list is of targets alone and refutes nothing."""

STABLE_LIST = """
    |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
    | T1          | target     | liver | 50         | 50        | 50         | 50         |
    | N1          | non_target | bone  | present    | present   | present    | present    |
    | new lesion? |            |       |            | no        | {second:<10} | no         |
    | = response  |            |       |            | SD        | SD         | SD         |
"""
"""Complete lists without progression; of visit 2 where `second` is "no"."""

STABLE_TARGETS = """
    |            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
    | T1         | target | liver | 50         | 50        | 50         |
    | = response |        |       |            | SD        | SD         |
"""
NONE_COUNTS = "pfs_days=275; pfs_event=false; first_progression_date=none; first_progression_source=none"


def at(day, source):
    return f"pfs_days={day}; pfs_event=true; first_progression_date=day {day}; first_progression_source={source}"


PATIENTS = [
    Patient(
        name="a recorded PD before the derived one is the first",
        why="PD is recorded at visit 1, where a list of targets alone refutes nothing; the sizes show PD at visit 2.",
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1         | target | liver | 50         | 50        | 70         |
            | recorded   |        |       |            | PD        | PD         |
            | = response |        |       |            | PD        | PD         |
        """,
        subject=at(45, "recorded_response")
        + "; derived_progression_date=day 101; derived_progression_source=targets; read_progression_date=day 45",
    ),
    Patient(
        name="a derived PD before the recorded one is the first",
        why="70 against 50 mm at visit 1, called SD; PD is recorded at visit 2.",
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1         | target | liver | 50         | 70        | 70         |
            | recorded   |        |       |            | SD        | PD         |
            | = response |        |       |            | PD        | PD         |
        """,
        subject=at(45, "targets") + "; derived_progression_date=day 45",
    ),
    Patient(
        name="a recorded PD that was set aside is not the first",
        why="Visit 1 is a complete list that shows SD (asked); the sizes show PD at visit 2.",
        grid="""
            |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | target     | liver | 50         | 50        | 70         |
            | N1          | non_target | bone  | present    | present   | present    |
            | new lesion? |            |       |            | no        | no         |
            | recorded    |            |       |            | PD        | PD         |
            | = response  |            |       |            | SD        | PD         |
        """,
        subject=at(101, "complete_list") + "; read_progression_date=none",
    ),
    Patient(
        name="the outcome's date alone counts where no images are sent",
        why="Nothing else speaks of progression.",
        edits=f"{PROGRESSED}=day 60",
        grid="""
            |             | role | organ | 0: day -10 |
            | new lesion? |      |       | no         |
        """,
        subject=at(60, "outcome"),
    ),
    Patient(
        name="also where nothing is said but the date",
        why="`has_progressed` is empty, and not no.",
        edits="outcome.progression_date=day 60",
        grid=STABLE_TARGETS,
        subject=at(60, "outcome"),
    ),
    Patient(
        name="an outcome of 28 days before the images that show PD is that progression",
        why="Day 73 to day 101 are 28 days: the image's date counts.",
        edits=f"{PROGRESSED}=day 73",
        grid=TARGET_PD,
        subject=at(101, "targets"),
    ),
    Patient(
        name="an outcome of 29 days before the images is its own event",
        why="Day 72 to day 101 are 29 days, and no complete list refutes it.",
        edits=f"{PROGRESSED}=day 72",
        grid=TARGET_PD,
        subject=at(72, "outcome"),
    ),
    Patient(
        name="an outcome of 28 days after the images is that progression",
        why="Day 129 is 28 days after day 101.",
        edits=f"{PROGRESSED}=day 129",
        grid=TARGET_PD,
        subject=at(101, "targets"),
    ),
    Patient(
        name="an outcome long after the images does not delay the first progression",
        why="Day 130 is its own event, the later of two.",
        edits=f"{PROGRESSED}=day 130",
        grid=TARGET_PD,
        subject=at(101, "targets"),
    ),
    Patient(
        name="a recorded PD without lesions takes the outcome's date to itself as well",
        why="PD is read at day 101; the outcome says day 73, 28 days before.",
        edits=f"{PROGRESSED}=day 73",
        grid="""
            |            | role | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | recorded   |      |       |            | SD        | PD         |
            | = response |      |       |            | SD        | PD         |
        """,
        subject=at(101, "recorded_response"),
    ),
    Patient(
        name="and leaves one of 29 days before to itself",
        why="PD is read at day 101; the outcome says day 72.",
        edits=f"{PROGRESSED}=day 72",
        grid="""
            |            | role | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | recorded   |      |       |            | SD        | PD         |
        """,
        subject=at(72, "outcome"),
    ),
    Patient(
        name="the 28 days are counted from the image that shows the PD, not from the visit",
        why="The new lesion is seen on day 115, the visit began on day 101. Day 87 is 28 days before the image.",
        edits=f"{PROGRESSED}=day 87",
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1         | target | liver | 50         | 50        | 50         |
            | X1         | new    | brain |            |           | 12 @115    |
            | = response |        |       |            | SD        | PD         |
        """,
        subject=at(115, "new_lesion"),
    ),
    Patient(
        name="29 days before the image it is an event of its own although the visit began 15 days later",
        why="Day 86 is 29 days before the image of day 115.",
        edits=f"{PROGRESSED}=day 86",
        grid="""
            |    | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1 | target | liver | 50         | 50        | 50         |
            | X1 | new    | brain |            |           | 12 @115    |
        """,
        subject=at(86, "outcome"),
    ),
    Patient(
        name="the next complete list without progression sets the outcome's date aside",
        why="Day 60; the list of day 101 is complete and shows none (asked).",
        edits=f"{PROGRESSED}=day 60",
        grid=STABLE_LIST.format(second="no"),
        subject=NONE_COUNTS,
    ),
    Patient(
        name="the next complete list may be two visits later",
        why="Visit 2 says nothing of new lesions; visit 3 is complete and shows none.",
        edits=f"{PROGRESSED}=day 60",
        grid=STABLE_LIST.format(second=""),
        subject=NONE_COUNTS,
    ),
    Patient(
        name="a complete list of the same day sets it aside",
        why="Day 45, the day of visit 1.",
        edits=f"{PROGRESSED}=day 45",
        grid=STABLE_LIST.format(second="no"),
        subject=NONE_COUNTS,
    ),
    Patient(
        name="a complete list before the outcome's date refutes nothing",
        why="Day 158, one day after the last list.",
        edits=f"{PROGRESSED}=day 158",
        grid=STABLE_LIST.format(second="no"),
        subject=at(158, "outcome"),
    ),
    Patient(
        name="where the next complete list shows the progression, a later one cannot set the outcome aside",
        why="Day 72 is 29 days before the PD of visit 2 (70 of 50 mm). The next complete list shows PD; that the list of visit 3 "
        "shows none again (50 against the nadir of 50) changes nothing.",
        edits=f"{PROGRESSED}=day 72",
        grid="""
            |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | T1          | target     | liver | 50         | 50        | 70         | 50         |
            | N1          | non_target | bone  | present    | present   | present    | present    |
            | new lesion? |            |       |            | no        | no         | no         |
            | = response  |            |       |            | SD        | PD         | SD         |
        """,
        subject=at(72, "outcome"),
    ),
    Patient(
        name="lists of targets alone set no outcome aside",
        why="Day 60; the targets are stable, of ten lesions one is listed.",
        edits=f"{PROGRESSED}=day 60",
        grid=STABLE_TARGETS,
        subject=at(60, "outcome"),
    ),
    Patient(
        name="the list of another reader sets nothing aside",
        why="The counted reader (`site`) lists targets alone; reader b's complete lists do not count.",
        edits=f"{PROGRESSED}=day 60",
        grid="""
            |             | reader | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | site   | target     | liver | 50         | 50        | 50         |
            | T1          | b      | target     | liver | 50         | 50        | 50         |
            | N1          | b      | non_target | bone  | present    | present   | present    |
            | new lesion? | b      |            |       |            | no        | no         |
            | = response  | site   |            |       |            | SD        | SD         |
        """,
        subject=at(60, "outcome"),
    ),
    Patient(
        name="nor does the progression of another reader count",
        why="Reader b sees a new lesion on day 45; the hospital's own reading is stable.",
        grid="""
            |            | reader | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1         | site   | target | liver | 50         | 50        | 50         |
            | T1         | b      | target | liver | 50         | 50        | 50         |
            | X1         | b      | new    | brain |            | present   | present    |
            | = response | b      |        |       |            | PD        | PD         |
            | = response | site   |        |       |            | SD        | SD         |
        """,
        subject=NONE_COUNTS + "; response_3_months=SD",
    ),
    Patient(
        name="clinical progression counts",
        why="Day 60 by the clinic, the targets stable.",
        edits=f"{PROGRESSED}=day 60; outcome.progression_basis=clinical",
        grid=STABLE_TARGETS,
        subject=at(60, "clinical"),
    ),
    Patient(
        name="and is set aside by no list",
        why="Images that show no growth do not deny what the clinic saw.",
        edits=f"{PROGRESSED}=day 60; outcome.progression_basis=clinical",
        grid=STABLE_LIST.format(second="no"),
        subject=at(60, "clinical"),
    ),
    Patient(
        name="clinical progression within 28 days of images that show it is that progression",
        why="Day 80, the images of day 101: the image's date counts.",
        edits=f"{PROGRESSED}=day 80; outcome.progression_basis=clinical",
        grid=TARGET_PD,
        subject=at(101, "targets"),
    ),
    Patient(
        name="a progression without a date leaves PFS unknown",
        why="Progressed, no date, and no image shows it.",
        edits="outcome.has_progressed=true",
        grid=STABLE_TARGETS,
        subject="pfs_days=none; pfs_event=none; first_progression_date=none",
    ),
    Patient(
        name="the images date a progression of which the outcome has no date",
        why="Progressed without a date; 70 of 50 mm on day 101.",
        edits="outcome.has_progressed=true",
        grid=TARGET_PD,
        subject=at(101, "targets"),
    ),
    Patient(
        name="a first PD of the images without a day does not take the day of a later one",
        why="PD is recorded on day 45; the sizes show one at visit 2, of which no date is known, and again on day 157.",
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 45 | 2: | 3: day 157 |
            | T1         | target | liver | 50         | 50        | 70 | 90         |
            | recorded   |        |       |            | PD        | PD | PD         |
            | = response |        |       |            | PD        | PD | PD         |
        """,
        subject=at(45, "recorded_response") + "; derived_progression_days=none; read_progression_days=45",
    ),
    Patient(
        name="a PD at a visit without a date leaves PFS unknown",
        why="PD is recorded at visit 1, of which no date is known, and nothing else shows one.",
        grid="""
            |            | role | organ | 0: day -10 | 1: | 2: day 101 |
            | recorded   |      |       |            | PD | SD         |
            | = response |      |       |            | PD | SD         |
        """,
        subject="pfs_days=none; pfs_event=none",
    ),
    Patient(
        name="a date beside the word no progression is none",
        why="`has_progressed` is no: the date of day 60 is not counted (and asked about).",
        edits="outcome.has_progressed=false; outcome.progression_date=day 60",
        grid=STABLE_TARGETS,
        subject=NONE_COUNTS,
    ),
    Patient(
        name="a progression on day 1 is an event",
        why="The day after the start.",
        edits=f"{PROGRESSED}=day 1",
        grid=STABLE_TARGETS,
        subject=at(1, "outcome"),
    ),
    Patient(
        name="a progression on day 0 leaves PFS unknown",
        why="On the day of the start, asked; the later PD of day 101 is not the first.",
        edits=f"{PROGRESSED}=day 0",
        grid=TARGET_PD,
        subject="pfs_days=none; pfs_event=none",
    ),
    Patient(
        name="a derived PD that a later visit takes back stands",
        why="60 of 50 mm is PD on day 45; 40 mm on day 101 is SD at that visit and takes nothing back.",
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1         | target | liver | 50         | 60        | 40         |
            | recorded   |        |       |            | PD        | SD         |
            | = response |        |       |            | PD        | SD         |
        """,
        subject=at(45, "targets") + "; response_3_months=PD; best_response=PD",
    ),
    Patient(
        name="a recorded PD that a later visit takes back stands",
        why="PD is recorded on day 45, SD and PR later, therapy goes on.",
        edits="treatment[1].end_date=; treatment[1].stop_reason=",
        grid="""
            |            | role | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | recorded   |      |       |            | PD        | SD         | PR         |
        """,
        subject=at(45, "recorded_response") + "; response_3_months=PD; response_6_months=PD; best_response=PD",
    ),
    Patient(
        name="days stand for a date",
        why="The outcome says 60 days and no date.",
        edits="outcome.has_progressed=true; outcome.progression_days=60",
        grid=STABLE_TARGETS,
        subject="pfs_days=60; pfs_event=true; first_progression_source=outcome",
    ),
    Patient(
        name="the best response ends with the first progression whatever shows it",
        why="Progression by the outcome on day 72, 29 days before the PR of day 101: what is seen later is not counted.",
        edits=f"{PROGRESSED}=day 72",
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1         | target | liver | 50         | 45        | 30         |
            | = response |        |       |            | SD        | PR         |
        """,
        subject=at(72, "outcome") + "; best_response=SD; response_3_months=PD",
    ),
    Patient(
        name="an outcome that a complete list sets aside ends nothing",
        why="The same with complete lists: the list of day 101 shows no progression, so its PR counts.",
        edits=f"{PROGRESSED}=day 72; {EVERY_LESION_LISTED}",
        grid="""
            |             | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | target | liver | 30         | 25        | 15         |
            | T2          | target | lung  | 20         | 20        | 15         |
            | new lesion? |        |       |            | no        | no         |
            | = response  |        |       |            | SD        | PR         |
        """,
        subject=NONE_COUNTS + "; best_response=PR; response_3_months=PR",
    ),
]

DATES = [
    Patient(
        name="a new lesion dates the PD by its first image",
        why="CT on day 101 is stable, the MRI of day 115 shows the brain lesion.",
        grid="""
            |                            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                         | target | liver | 50         | 50        | 50         |
            | X1                         | new    | brain |            |           | 12 @115    |
            | recorded                   |        |       |            | SD        | PD @115    |
            | = imaging_date             |        |       |            | day 45    | day 101    |
            | = imaging_progression_date |        |       |            | none      | day 115    |
            | = imaging_progression_days |        |       |            | none      | 115        |
        """,
        subject=at(115, "new_lesion"),
    ),
    Patient(
        name="whatever date the reading has that reports it",
        why="The reading of day 101 says PD and a new lesion; the lesion is listed, on the MRI of day 115.",
        grid="""
            |                            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                         | target | liver | 50         | 50        | 50         |
            | X1                         | new    | brain |            |           | 12 @115    |
            | new lesion?                |        |       |            | no        | yes        |
            | recorded                   |        |       |            | SD        | PD         |
            | = imaging_progression_date |        |       |            | none      | day 115    |
        """,
        subject=at(115, "new_lesion"),
    ),
    Patient(
        name="also where it was taken before the others",
        why="The brain is imaged on day 95, the rest on day 101.",
        grid="""
            |                            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                         | target | liver | 50         | 50        | 50         |
            | X1                         | new    | brain |            |           | 12 @95     |
            | = imaging_progression_date |        |       |            | none      | day 95     |
        """,
        subject=at(95, "new_lesion"),
    ),
    Patient(
        name="a non-target in progression dates the PD by its image",
        why="The liver is stable on day 101, the bone scan of day 108 shows the progression.",
        grid="""
            |                            | role       | organ | 0: day -10 | 1: day 45 | 2: day 101       |
            | T1                         | target     | liver | 50         | 50        | 50               |
            | N1                         | non_target | bone  | present    | present   | progression @108 |
            | = imaging_progression_date |            |       |            | none      | day 108          |
        """,
        subject=at(108, "non_targets"),
    ),
    Patient(
        name="the sum dates the PD by the last image of its targets",
        why="46 + 30 = 76 against 60: only with the chest CT of day 106 does the sum reach PD; the liver alone, 46, does not.",
        grid="""
            |                            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                         | target | liver | 40         | 40        | 46         |
            | T2                         | target | lung  | 20         | 20        | 30 @106    |
            | = imaging_progression_date |        |       |            | none      | day 106    |
        """,
        subject=at(106, "targets"),
    ),
    Patient(
        name="a target that was not assessed dates nothing",
        why="80 mm alone is PD against 60; the chest CT of day 110 was not readable.",
        grid="""
            |                            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101        |
            | T1                         | target | liver | 40         | 40        | 80                |
            | T2                         | target | lung  | 20         | 20        | not_assessed @110 |
            | = imaging_progression_date |        |       |            | none      | day 101           |
        """,
        subject=at(101, "targets"),
    ),
    Patient(
        name="of several images that each suffice the earliest counts",
        why="The non-target on day 99, the target (70 of 50) on day 101, the new lesion on day 115.",
        grid="""
            |                            | role       | organ | 0: day -10 | 1: day 45 | 2: day 101      |
            | T1                         | target     | liver | 50         | 50        | 70              |
            | N1                         | non_target | bone  | present    | present   | progression @99 |
            | X1                         | new        | brain |            |           | present @115    |
            | = imaging_progression_date |            |       |            | none      | day 99          |
        """,
        subject="pfs_days=99; pfs_event=true; first_progression_date=day 99",
    ),
    Patient(
        name="a recorded PD that no lesion shows has the date of its assessment",
        why="The images are of day 101, the reading is dated day 108.",
        grid="""
            |                            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                         | target | liver | 50         | 50        | 50         |
            | recorded                   |        |       |            | SD        | PD @108    |
            | = imaging_progression_date |        |       |            | none      | day 108    |
        """,
        subject=at(108, "recorded_response"),
    ),
    Patient(
        name="so has a new lesion that is said and not listed",
        why="The images of the target are of day 101, the reading with the new lesion is dated day 105.",
        grid="""
            |                            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                         | target | liver | 50         | 50        | 50         |
            | new lesion?                |        |       |            | no        | yes @105   |
            | = imaging_progression_date |        |       |            | none      | day 105    |
        """,
        subject=at(105, "new_lesion"),
    ),
    Patient(
        name="a sum that shows PD has the date of its assessment",
        why="60 of 50 mm, dated day 101.",
        grid="""
            |                            | role | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | sum                        |      |       | 50         | 50        | 60         |
            | = imaging_progression_date |      |       |            | none      | day 101    |
        """,
        subject=at(101, "target_sum"),
    ),
    Patient(
        name="visits are in the order of their dates, not of their numbers",
        why="Visit 2 was on day 45, visit 1 on day 101: 80, 80, then 60 mm. By numbers it would grow from 60 to 80, a PD.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 101 | 2: day 45 |
            | T1                | target | liver | 80         | 60         | 80        |
            | = target_response |        |       |            | SD         | SD        |
        """,
        subject="pfs_days=275; pfs_event=false; response_3_months=SD",
    ),
    Patient(
        name="a visit without a date keeps its place by number",
        why="80, then 40 without a date, then 60 mm: PD against the nadir of 40 at visit 2.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: | 2: day 101 |
            | T1                | target | liver | 80         | 40 | 60         |
            | = target_response |        |       |            | PR | PD         |
        """,
        subject="pfs_days=101; pfs_event=true",
    ),
]


@pytest.mark.parametrize("patient", PATIENTS, ids=name_patient)
def test_which_progression_is_the_first(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", DATES, ids=name_patient)
def test_the_image_that_dates_a_progression(patient):
    assert_follows(patient)
