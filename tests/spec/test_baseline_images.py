"""Which image is the baseline: the protocol's "Baseline images", worked by hand.

How to read a patient: tests/lesion_histories.py. Day 0 is the start of therapy, day -42 the first that counts. Where two sizes
compete, the response tells which one was the baseline: 40 mm are 20 % less than 50 (SD) and 33 % less than 60 (PR).
"""

import pytest
from lesion_histories import Patient, assert_follows, derive_history, name_patient

PATIENTS = [
    Patient(
        name="non-targets alone have no sum",
        why="Nothing was measured at the baseline: a sum of 0 mm would make every later size a growth.",
        grid="""
            |                   | role       | organ | 0: day -10 | 1: day 45 |
            | N1                | non_target | bone  | present    | present   |
            | = baseline_sum_mm |            |       |            | none      |
        """,
    ),
    Patient(
        name="the last of two images before the start is the baseline, whatever its visit number",
        why="60 mm on day -30, 50 on day -5, numbered visit 1: 40 mm are 20 % below 50.",
        grid="""
            |                   | role   | organ | 0: day -30 | 1: day -5 | 2: day 45 |
            | T1                | target | liver | 60         | 50        | 40        |
            | = target_response |        |       |            | none      | SD        |
            | = baseline_sum_mm |        |       |            |           | 50        |
        """,
        subject="baseline_imaging_date=day -5; has_baseline_imaging=true; best_response=SD",
    ),
    Patient(
        name="an older image is no nadir",
        why="40 mm on day -30, 50 on day -5: 55 mm are 10 % above the baseline, and not 37 % above a nadir.",
        grid="""
            |                   | role   | organ | 0: day -30 | 1: day -5 | 2: day 45 |
            | T1                | target | liver | 40         | 50        | 55        |
            | = target_response |        |       |            |           | SD        |
            | = nadir_sum_mm    |        |       |            |           | 50        |
        """,
        subject="pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="lesion by lesion",
        why="The liver was imaged again on day -5 (50 mm), the lung only on day -30 (20 mm): 70. 49 is 30 % less, of 80 it were 39 %.",
        grid="""
            |                   | role   | organ | 0: day -30 | 1: day -5 | 2: day 45 |
            | T1                | target | liver | 60         | 50        | 29        |
            | T2                | target | lung  | 20         |           | 20        |
            | = baseline_sum_mm |        |       |            |           | 70        |
            | = target_response |        |       |            |           | PR        |
        """,
        subject="baseline_imaging_date=day -30",
    ),
    Patient(
        name="an image of day 0 is the baseline",
        why="On the day of the start, numbered visit 1: 40 mm are 20 % below its 50.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 0 | 2: day 45 |
            | T1                | target | liver | 60         | 50       | 40        |
            | = target_response |        |       |            | none     | SD        |
        """,
        subject="baseline_imaging_date=day 0; best_response=SD",
    ),
    Patient(
        name="an image of day 1 is the first assessment",
        why="One day later, it is no baseline: 50 of 60 mm SD, then 40 of 60 mm PR.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 1 | 2: day 45 |
            | T1                | target | liver | 60         | 50       | 40        |
            | = target_response |        |       |            | SD       | PR        |
        """,
        subject="baseline_imaging_date=day -10; best_response=PR",
    ),
    Patient(
        name="an image of visit 0 after the start is no baseline",
        why="Visit 0 was on day 3: there is no image before the start, and nothing to compare with.",
        grid="""
            |                    | role   | organ | 0: day 3 | 1: day 45 |
            | T1                 | target | liver | 60       | 40        |
            | recorded           |        |       |          | SD        |
            | = target_response  |        |       |          | none      |
            | = derived_response |        |       |          | none      |
            | = response         |        |       |          | SD        |
        """,
        subject="has_baseline_imaging=false; baseline_imaging_date=none; best_response=SD",
    ),
    Patient(
        name="a visit is dated by its first image after the start",
        why="The bone was imaged on day -5, before the start, the liver on day 50 and the lung on day 45, all under number 1.",
        grid="""
            |                | role       | organ | 0: day -10 | 1: day 50   |
            | T1             | target     | liver | 50         | 50          |
            | T2             | target     | lung  | 20         | 20 @45      |
            | N1             | non_target | bone  | present    | present @-5 |
            | = imaging_date |            |       | day -10    | day 45      |
            | = is_follow_up |            |       | false      | true        |
        """,
    ),
    Patient(
        name="an image of day -42 is a baseline",
        why="42 days before the start, the first day that counts: 40 of 60 mm are PR.",
        grid="""
            |                   | role   | organ | 0: day -42 | 1: day 45 |
            | T1                | target | liver | 60         | 40        |
            | recorded          |        |       |            | SD        |
            | = target_response |        |       |            | PR        |
            | = baseline_sum_mm |        |       |            | 60        |
        """,
        subject="baseline_imaging_date=day -42; has_baseline_imaging=true",
    ),
    Patient(
        name="where only an older image exists nothing is derived and recorded responses stand",
        why="43 days before the start: no baseline to compare with. 80 of 60 mm is not called PD; the recorded SD stands.",
        grid="""
            |                    | role   | organ | 0: day -43 | 1: day 45         | 2: day 101        |
            | T1                 | target | liver | 60         | 80                | 40                |
            | recorded           |        |       |            | SD                | PR                |
            | = target_response  |        |       |            | none              | none              |
            | = derived_response |        |       |            | none              | none              |
            | = response         |        |       |            | SD                | PR                |
            | = response_source  |        |       |            | recorded_response | recorded_response |
        """,
        subject="has_baseline_imaging=true; baseline_imaging_date=day -43; best_response=PR; pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="a recorded PD stands beside it as well, whatever the list holds",
        why="Without a baseline no list is complete enough to refute anything.",
        grid="""
            |             | role       | organ | 0: day -43 | 1: day 45 |
            | T1          | target     | liver | 60         | 60        |
            | N1          | non_target | bone  | present    | present   |
            | new lesion? |            |       |            | no        |
            | recorded    |            |       |            | PD        |
            | = response  |            |       |            | PD        |
        """,
        subject="pfs_days=45; pfs_event=true; first_progression_source=recorded_response",
    ),
    Patient(
        name="where some lesions have a valid image the others are left out",
        why="The lung was last imaged on day -43: the liver alone, 35 of 50 mm, is 30 % smaller. With the lung it were 55 of 70.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 |
            | T1                | target | liver | 50         | 35        |
            | T2                | target | lung  | 20 @-43    | 20        |
            | = baseline_sum_mm |        |       |            | 50        |
            | = target_response |        |       |            | PR        |
        """,
        subject="baseline_imaging_date=day -10",
    ),
    Patient(
        name="a target first imaged after the start is no new lesion and in no sum",
        why="The chest CT was made on day 3: the lung target has no baseline. It grows from 20 to 50 mm; the liver is stable.",
        grid="""
            |                                     | role   | organ | 0: day -10 | 1: day 45 |
            | T1                                  | target | liver | 50         | 50        |
            | T2                                  | target | lung  | 20 @3      | 50        |
            | = baseline_sum_mm                   |        |       |            | 50        |
            | = target_response                   |        |       |            | SD        |
        """,
        subject="pfs_days=275; pfs_event=false; baseline_imaging_date=day -10",
    ),
    Patient(
        name="nor is a non-target that is first imaged after the start",
        why="The bone scan of day 45 is the first: a lesion with the role of a non-target is not new.",
        grid="""
            |                   | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                | target     | liver | 50         | 50        | 50         |
            | N1                | non_target | bone  |            | present   | present    |
            | recorded          |            |       |            | SD        | SD         |
            | = response        |            |       |            | SD        | SD         |
        """,
        subject="pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="sums have their baseline as lesions have",
        why="60 mm on day -30, 50 on day -5: 40 mm are 20 % below 50.",
        grid="""
            |                   | role | organ | 0: day -30 | 1: day -5 | 2: day 45 |
            | sum               |      |       | 60         | 50        | 40        |
            | = target_response |      |       |            | none      | SD        |
            | = baseline_sum_mm |      |       |            |           | 50        |
        """,
        subject="baseline_imaging_date=day -5",
    ),
    Patient(
        name="a sum of day -42 is a baseline",
        why="40 of 60 mm are PR.",
        grid="""
            |                   | role | organ | 0: day -42 | 1: day 45 |
            | sum               |      |       | 60         | 40        |
            | = target_response |      |       |            | PR        |
        """,
        subject="has_baseline_imaging=true; baseline_imaging_date=day -42",
    ),
    Patient(
        name="a sum of day -43 is none",
        why="Nothing is derived of 80 against 60; the recorded SD stands.",
        grid="""
            |                   | role | organ | 0: day -43 | 1: day 45 |
            | sum               |      |       | 60         | 80        |
            | recorded          |      |       |            | SD        |
            | = target_response |      |       |            | none      |
            | = response        |      |       |            | SD        |
        """,
        subject="has_baseline_imaging=true; baseline_imaging_date=day -43; pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="a visit 0 without a date is the baseline",
        why="Where no date is known, visit 0 is the baseline: 40 of 60 mm are PR.",
        grid="""
            |                   | role   | organ | 0: | 1: day 45 |
            | T1                | target | liver | 60 | 40        |
            | = target_response |        |       |    | PR        |
        """,
        subject="has_baseline_imaging=true; baseline_imaging_date=none",
    ),
    Patient(
        name="the baseline's images of several days are dated by the earliest",
        why="Liver on day -12, lung on day -8: how old the baseline is, its oldest image says (more than 14 days is asked).",
        grid="""
            |                   | role   | organ | 0: day -12 | 1: day 45 |
            | T1                | target | liver | 50         | 50        |
            | T2                | target | lung  | 20 @-8     | 20        |
            | = baseline_sum_mm |        |       |            | 70        |
        """,
        subject="baseline_imaging_date=day -12",
    ),
]

# The image's day -> whether E4 (complete data) removes the patient: an old image does not, none before the start does.
E4 = {-10: True, -42: True, -43: True, -200: True, 0: True, 1: False}


@pytest.mark.parametrize("patient", PATIENTS, ids=name_patient)
def test_the_image_to_which_the_others_are_compared(patient):
    assert_follows(patient)


@pytest.mark.parametrize(("day", "is_met"), E4.items(), ids=str)
def test_only_who_has_no_image_before_the_start_is_removed(day, is_met):
    grid = f"""
        |          | role   | organ | 0: day {day} | 1: day 45 |
        | T1       | target | liver | 50           | 50        |
        | recorded |        |       |              | SD        |
    """
    patient = Patient("one image at the baseline", "see E4", grid)
    eligibility = derive_history(patient)["eligibility"].filter(patient_id="p1", criterion_id="e4_complete_data")
    assert eligibility["is_met"].to_list() == [is_met]
