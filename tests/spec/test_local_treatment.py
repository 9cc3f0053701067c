"""A target that is resected, ablated or irradiated no longer tells what the drugs do: the protocol's "Local treatment", worked by hand.

How to read a patient: tests/lesion_histories.py. Unless a line says otherwise the liver target of 50 mm falls to 30 by visit 1 and
is treated on day 80; the lung target has 20 mm and one bone lesion is followed: 70, then 50 (-28.6 %, SD), the nadir.
"""

import pytest
from lesion_histories import Patient, assert_follows, name_patient


def treat(kind, day, lesion=""):
    return (
        f"procedure[1].procedure_number=1; procedure[1].procedure={kind}; procedure[1].procedure_date=day {day}; "
        f"procedure[1].lesion_id={lesion}"
    )


NO_PROGRESSION = "pfs_days=275; pfs_event=false"

NAMED = [
    Patient(
        name="a target resected after the baseline makes that visit and every later one NE",
        why="T1 is resected on day 80. What it adds to a response is the surgeon's. The PR of visit 1 (40 of 70, -42.9 %) counts.",
        edits=treat("resection", 80, "T1"),
        grid="""
            |                         | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | T1                      | target     | liver | 50         | 20        | absent     | absent     |
            | T2                      | target     | lung  | 20         | 20        | 20         | 10         |
            | N1                      | non_target | bone  | present    | present   | present    | present    |
            | new lesion?             |            |       |            | no        | no         | no         |
            | = treated_target_number |            |       |            | 0         | 1          | 1          |
            | = target_response       |            |       |            | PR        | NE         | NE         |
            | = response              |            |       |            | PR        | NE         | NE         |
        """,
        subject=f"best_response=PR; response_3_months=NE; response_6_months=NE; {NO_PROGRESSION}",
    ),
    Patient(
        name="a recorded NE stands there",
        why="The hospital says NE as well.",
        edits=treat("resection", 80, "T1"),
        grid="""
            |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | target     | liver | 50         | 30        | absent     |
            | T2          | target     | lung  | 20         | 20        | 20         |
            | N1          | non_target | bone  | present    | present   | present    |
            | new lesion? |            |       |            | no        | no         |
            | recorded    |            |       |            | SD        | NE         |
            | = response  |            |       |            | SD        | NE         |
        """,
        subject=f"best_response=SD; {NO_PROGRESSION}",
    ),
    Patient(
        name="a recorded PR does not",
        why="Without the resection the sum of 20 were a PR; with it the complete list says NE (asked).",
        edits=treat("resection", 80, "T1"),
        grid="""
            |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | target     | liver | 50         | 30        | absent     |
            | T2          | target     | lung  | 20         | 20        | 20         |
            | N1          | non_target | bone  | present    | present   | present    |
            | new lesion? |            |       |            | no        | no         |
            | recorded    |            |       |            | SD        | PR         |
            | = response  |            |       |            | SD        | NE         |
        """,
        subject=f"best_response=SD; {NO_PROGRESSION}",
    ),
    Patient(
        name="ablation is such a treatment",
        why="T1 measures 20 mm after it: 40 of 70 were a PR.",
        edits=treat("ablation", 80, "T1"),
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                | target | liver | 50         | 30        | 20         |
            | T2                | target | lung  | 20         | 20        | 20         |
            | = target_response |        |       |            | SD        | NE         |
            | = response        |        |       |            | SD        | NE         |
        """,
        subject=f"best_response=SD; {NO_PROGRESSION}",
    ),
    Patient(
        name="radiotherapy as well",
        why="T1 measures 20 mm after it.",
        edits=treat("radiotherapy", 80, "T1"),
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                | target | liver | 50         | 30        | 20         |
            | T2                | target | lung  | 20         | 20        | 20         |
            | = target_response |        |       |            | SD        | NE         |
        """,
    ),
    Patient(
        name="TACE is part of the regimen",
        why="The same sizes after TACE: 40 of 70 is a PR.",
        edits=treat("tace", 80, "T1"),
        grid="""
            |                         | tace  | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                      | after | target | liver | 50         | 30        | 20         |
            | T2                      |       | target | lung  | 20         | 20        | 20         |
            | = treated_target_number |       |        |       |            | 0         | 0          |
            | = target_response       |       |        |       |            | SD        | PR         |
        """,
        subject="best_response=PR",
    ),
    Patient(
        name="so is HAIC",
        why="The same sizes after HAIC.",
        edits=treat("haic", 80),
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                | target | liver | 50         | 30        | absent     |
            | T2                | target | lung  | 20         | 20        | 20         |
            | = target_response |        |       |            | SD        | PR         |
        """,
    ),
    Patient(
        name="a treatment on the day of the image touches it",
        why="Day 101 is the day of visit 2.",
        edits=treat("ablation", 101, "T1"),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                      | target | liver | 50         | 30        | 20         |
            | T2                      | target | lung  | 20         | 20        | 20         |
            | = treated_target_number |        |       |            | 0         | 1          |
            | = target_response       |        |       |            | SD        | NE         |
        """,
    ),
    Patient(
        name="one of the day after does not",
        why="Day 102: the image of day 101 shows the lesion as it was; 40 of 70 is a PR.",
        edits=treat("ablation", 102, "T1"),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                      | target | liver | 50         | 30        | 20         |
            | T2                      | target | lung  | 20         | 20        | 20         |
            | = treated_target_number |        |       |            | 0         | 0          |
            | = target_response       |        |       |            | SD        | PR         |
        """,
        subject="best_response=PR",
    ),
    Patient(
        name="a treatment on the day of the baseline image came before it",
        why="Day -10, the day of the image: the baseline is the lesion as it was left. 35 of 70 is a PR.",
        edits=treat("ablation", -10, "T1"),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 |
            | T1                      | target | liver | 50         | 15        |
            | T2                      | target | lung  | 20         | 20        |
            | = treated_target_number |        |       |            | 0         |
            | = target_response       |        |       |            | PR        |
        """,
    ),
    Patient(
        name="one between the baseline image and the start touches every visit",
        why="Day -9, after the image.",
        edits=treat("ablation", -9, "T1"),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 |
            | T1                      | target | liver | 50         | 15        |
            | T2                      | target | lung  | 20         | 20        |
            | = treated_target_number |        |       |            | 1         |
            | = target_response       |        |       |            | NE        |
        """,
    ),
    Patient(
        name="it is the lesion's own image that comes before or after the treatment",
        why="Ablation on day 105. The CT of day 101 begins the visit, the MRI of day 110 shows the treated lesion.",
        edits=treat("ablation", 105, "T1"),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                      | target | liver | 50         | 30        | 20 @110    |
            | T2                      | target | lung  | 20         | 20        | 20         |
            | = treated_target_number |        |       |            | 0         | 1          |
            | = target_response       |        |       |            | SD        | NE         |
        """,
    ),
    Patient(
        name="also where its image comes before the treatment and the visit's others after it",
        why="The liver is imaged on day 101, ablated on day 105, the lung imaged on day 110: 40 of 70 is a PR of the drugs.",
        edits=treat("ablation", 105, "T1"),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                      | target | liver | 50         | 30        | 20         |
            | T2                      | target | lung  | 20         | 20        | 20 @110    |
            | = treated_target_number |        |       |            | 0         | 0          |
            | = target_response       |        |       |            | SD        | PR         |
        """,
    ),
    Patient(
        name="where the only target was treated nothing is left that could show a progression",
        why="T1 is resected; of the bone lesion nothing is said that were a progression: NE.",
        edits=treat("resection", 80, "T1"),
        grid="""
            |                   | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                | target     | liver | 50         | 40        | absent     |
            | N1                | non_target | bone  | present    | present   | present    |
            | new lesion?       |            |       |            | no        | no         |
            | = target_response |            |       |            | SD        | NE         |
            | = response        |            |       |            | SD        | NE         |
        """,
        subject=f"best_response=SD; {NO_PROGRESSION}",
    ),
    Patient(
        name="the visit is NE although the list is not complete and a PR is recorded",
        why="Nothing is said of the other lesions or of new ones; the recorded PR rests on the surgeon's work (asked).",
        edits=treat("resection", 80, "T1"),
        grid="""
            |                    | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                 | target | liver | 50         | 30        | absent     |
            | T2                 | target | lung  | 20         | 20        | 20         |
            | recorded           |        |       |            | SD        | PR         |
            | = derived_response |        |       |            | none      | NE         |
            | = response         |        |       |            | SD        | NE         |
        """,
        subject=f"best_response=SD; {NO_PROGRESSION}",
    ),
    Patient(
        name="a recorded PD at such a visit stands",
        why="Only a list with every target measured sets a recorded PD aside.",
        edits=treat("resection", 80, "T1"),
        grid="""
            |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | target     | liver | 50         | 30        | absent     |
            | T2          | target     | lung  | 20         | 20        | 20         |
            | N1          | non_target | bone  | present    | present   | present    |
            | new lesion? |            |       |            | no        | no         |
            | recorded    |            |       |            | SD        | PD         |
            | = response  |            |       |            | SD        | PD         |
        """,
        subject="pfs_days=101; pfs_event=true; first_progression_source=recorded_response",
    ),
    Patient(
        name="a treated non-target changes nothing",
        why="The bone lesion is irradiated; 35 of 70 is a PR.",
        edits=treat("radiotherapy", 30, "N1"),
        grid="""
            |                         | role       | organ | 0: day -10 | 1: day 45 |
            | T1                      | target     | liver | 50         | 15        |
            | T2                      | target     | lung  | 20         | 20        |
            | N1                      | non_target | bone  | present    | present   |
            | new lesion?             |            |       |            | no        |
            | = treated_target_number |            |       |            | 0         |
            | = response              |            |       |            | PR        |
        """,
    ),
]

PD_ALL_THE_SAME = [
    Patient(
        name="a new lesion is PD",
        why="T1 is resected, a brain lesion is new.",
        edits=treat("resection", 80, "T1"),
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                | target | liver | 50         | 30        | absent     |
            | T2                | target | lung  | 20         | 20        | 20         |
            | X1                | new    | brain |            |           | present    |
            | = target_response |        |       |            | SD        | NE         |
            | = response        |        |       |            | SD        | PD         |
        """,
        subject="pfs_days=101; pfs_event=true; best_response=SD",
    ),
    Patient(
        name="a non-target in progression is PD",
        why="T1 is resected, the bone lesion grows unequivocally.",
        edits=treat("resection", 80, "T1"),
        grid="""
            |            | role       | organ | 0: day -10 | 1: day 45 | 2: day 101  |
            | T1         | target     | liver | 50         | 30        | absent      |
            | T2         | target     | lung  | 20         | 20        | 20          |
            | N1         | non_target | bone  | present    | present   | progression |
            | = response |            |       |            | SD        | PD          |
        """,
        subject="pfs_days=101; pfs_event=true",
    ),
    Patient(
        name="the remaining targets' sum against the nadir of all is PD",
        why="The lung target alone, 60 mm, is 20 % and 10 mm above the nadir of both (50).",
        edits=treat("resection", 80, "T1"),
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                | target | liver | 50         | 30        | absent     |
            | T2                | target | lung  | 20         | 20        | 60         |
            | = target_response |        |       |            | SD        | PD         |
        """,
        subject="pfs_days=101; pfs_event=true",
    ),
    Patient(
        name="and not against its own nadir",
        why="59.9 mm is three times its own 20, but 19.8 % above the nadir of both: NE.",
        edits=treat("resection", 80, "T1"),
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                | target | liver | 50         | 30        | absent     |
            | T2                | target | lung  | 20         | 20        | 59.9       |
            | = target_response |        |       |            | SD        | NE         |
        """,
        subject=NO_PROGRESSION,
    ),
    Patient(
        name="the treated lesion itself shows PD",
        why="It grows from its smallest 30 to 36 mm, 20 % and 6 mm, although the sum of 56 is 12 % above the nadir.",
        edits=treat("ablation", 80, "T1"),
        grid="""
            |                            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                         | target | liver | 50         | 30        | 36         |
            | T2                         | target | lung  | 20         | 20        | 20 @110    |
            | = target_response          |        |       |            | SD        | PD         |
            | = imaging_progression_date |        |       |            | none      | day 101    |
        """,
        subject="pfs_days=101; pfs_event=true",
    ),
    Patient(
        name="not where it grows by less than 20 per cent",
        why="35.9 of 30 mm is 19.7 %.",
        edits=treat("ablation", 80, "T1"),
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                | target | liver | 50         | 30        | 35.9       |
            | T2                | target | lung  | 20         | 20        | 20         |
            | = target_response |        |       |            | SD        | NE         |
        """,
        subject=NO_PROGRESSION,
    ),
    Patient(
        name="nor by less than 5 mm",
        why="24.9 of 20 mm is 24.5 % but 4.9 mm, and 25 mm at visit 3 is PD.",
        edits=treat("ablation", 80, "T1"),
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | T1                | target | liver | 50         | 20        | 24.9       | 25         |
            | T2                | target | lung  | 30         | 30        | 30         | 30         |
            | = target_response |        |       |            | PR        | NE         | PD         |
        """,
        subject="pfs_days=157; pfs_event=true; best_response=PR",
    ),
]

UNNAMED = [
    Patient(
        name="a procedure without a named lesion touches the target that is absent at the next visit",
        why="T1 is gone, T2 as before.",
        edits=treat("resection", 80),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                      | target | liver | 50         | 30        | absent     |
            | T2                      | target | lung  | 20         | 20        | 20         |
            | = treated_target_number |        |       |            | 0         | 1          |
            | = target_response       |        |       |            | SD        | NE         |
        """,
    ),
    Patient(
        name="and the one that is not assessed, which stays touched",
        why="T1 cannot be assessed after the radiotherapy; at visit 3 it measures 10 mm: 30 of 70 were a PR.",
        edits=treat("radiotherapy", 80),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 | 2: day 101   | 3: day 157 |
            | T1                      | target | liver | 50         | 30        | not_assessed | 10         |
            | T2                      | target | lung  | 20         | 20        | 20           | 20         |
            | = treated_target_number |        |       |            | 0         | 1            | 1          |
            | = target_response       |        |       |            | SD        | NE           | NE         |
        """,
        subject=f"best_response=SD; {NO_PROGRESSION}",
    ),
    Patient(
        name="and the one that is 30 per cent smaller exactly",
        why="21 of 30 mm at the visit before is 30 % less. The sum of 41 of 70 were a PR.",
        edits=treat("ablation", 80),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                      | target | liver | 50         | 30        | 21         |
            | T2                      | target | lung  | 20         | 20        | 20         |
            | = treated_target_number |        |       |            | 0         | 1          |
            | = target_response       |        |       |            | SD        | NE         |
        """,
    ),
    Patient(
        name="but none that is less than 30 per cent smaller",
        why="21.1 of 30 mm is 29.7 % less: not touched; 41.1 of 70 is a PR (-41.3 %).",
        edits=treat("ablation", 80),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                      | target | liver | 50         | 30        | 21.1       |
            | T2                      | target | lung  | 20         | 20        | 20         |
            | = treated_target_number |        |       |            | 0         | 0          |
            | = target_response       |        |       |            | SD        | PR         |
        """,
    ),
    Patient(
        name="compared with the visit before the procedure, which may be the baseline",
        why="Ablation on day 30: 35 of 50 mm is 30 % less than at the baseline; the lung target, 15 of 20, is not.",
        edits=treat("ablation", 30),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 |
            | T1                      | target | liver | 50         | 35        |
            | T2                      | target | lung  | 20         | 15        |
            | = treated_target_number |        |       |            | 1         |
            | = target_response       |        |       |            | NE        |
        """,
    ),
    Patient(
        name="compared with the last size before where the visit between did not assess it",
        why="T1 was not assessed on day 101, before the radiotherapy of day 120; 21 mm on day 157 is 30 % less than its last size, 30.",
        edits=treat("radiotherapy", 120),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 | 2: day 101   | 3: day 157 |
            | T1                      | target | liver | 50         | 30        | not_assessed | 21         |
            | T2                      | target | lung  | 20         | 20        | 20           | 20         |
            | = treated_target_number |        |       |            | 0         | 0            | 1          |
            | = target_response       |        |       |            | SD        | NE           | NE         |
        """,
    ),
    Patient(
        name="a lesion of which a part has merged with another is not absent",
        why="One fragment is gone, the other is measured with T2: 50 of 70 mm, SD. Nothing shows that T1 was treated.",
        edits=treat("ablation", 80),
        grid="""
            |                         | fragment of | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                      |             | target | liver | 50         | 30        |            |
            | T1a                     | T1          | target | liver |            |           | merged >T2 |
            | T1b                     | T1          | target | liver |            |           | absent     |
            | T2                      |             | target | liver | 20         | 20        | 50         |
            | = treated_target_number |             |        |       |            | 0         | 0          |
            | = target_response       |             |        |       |            | SD        | SD         |
        """,
    ),
    Patient(
        name="only the next visit tells, a later shrinkage is the drugs'",
        why="At visit 2, the next, nothing is smaller; T1 falls to 10 mm by visit 3: 30 of 70 is a PR.",
        edits=treat("radiotherapy", 80),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | T1                      | target | liver | 50         | 30        | 30         | 10         |
            | T2                      | target | lung  | 20         | 20        | 20         | 20         |
            | = treated_target_number |        |       |            | 0         | 0          | 0          |
            | = target_response       |        |       |            | SD        | SD         | PR         |
        """,
        subject="best_response=PR",
    ),
    Patient(
        name="a named lesion is the treated one, whichever is smaller",
        why="T2 is named, T1 shrinks: T2 is touched, T1 is not.",
        edits=treat("radiotherapy", 80, "T2"),
        grid="""
            |                         | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                      | target | liver | 50         | 30        | 10         |
            | T2                      | target | lung  | 20         | 20        | 20         |
            | = treated_target_number |        |       |            | 0         | 1          |
            | = target_response       |        |       |            | SD        | NE         |
        """,
    ),
]

BEFORE = [
    Patient(
        name="a lesion treated by TACE before the baseline image is no target",
        why="Treated and not grown since: the lung alone is the target, 20 of 20, SD. With the liver it were 20 of 70, PR.",
        grid="""
            |                       | tace   | role   | organ | 0: day -10 | 1: day 45 |
            | T1                    | before | target | liver | 50         | absent    |
            | T2                    |        | target | lung  | 20         | 20        |
            | = baseline_sum_mm     |        |        |       |            | 20        |
            | = target_response     |        |        |       |            | SD        |
            | = non_target_response |        |        |       |            | CR        |
        """,
    ),
    Patient(
        name="unless it has grown since",
        why="Measurable again: 20 of 70 is a PR.",
        grid="""
            |                   | tace  | role   | organ | 0: day -10 | 1: day 45 |
            | T1                | grown | target | liver | 50         | absent    |
            | T2                |       | target | lung  | 20         | 20        |
            | = baseline_sum_mm |       |        |       |            | 70        |
            | = target_response |       |        |       |            | PR        |
        """,
    ),
]


@pytest.mark.parametrize("patient", NAMED, ids=name_patient)
def test_a_treated_target(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", PD_ALL_THE_SAME, ids=name_patient)
def test_what_is_progression_beside_a_treated_target(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", UNNAMED, ids=name_patient)
def test_which_target_an_unnamed_procedure_treated(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", BEFORE, ids=name_patient)
def test_a_lesion_treated_before_the_baseline(patient):
    assert_follows(patient)
