"""Equivocal, split and merged lesions, more than five targets, and what is back after a CR, worked by hand.

How to read a patient: tests/lesion_histories.py. Sections 4.3.2 and 4.3.5 are those of Eisenhauer 2009, EORTC is the RECIST
group's questions and clarifications.
"""

import pytest
from lesion_histories import EVERY_LESION_LISTED, Patient, assert_follows, name_patient

EQUIVOCAL = [
    Patient(
        name="an equivocal new lesion is no progression",
        why="Called equivocal on day 45, gone on day 101.",
        grid="""
            |                                     | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                                  | target | liver | 50         | 50        | 50         |
            | X1                                  | new    | lung  |            | equivocal | absent     |
            | recorded                            |        |       |            | SD        | SD         |
            | = response                          |        |       |            | SD        | SD         |
        """,
        subject="pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="once confirmed the visit of its first image becomes PD",
        why="Seen as 8 mm on day 101: the progression is of day 45 (4.3.5), although SD and no new lesion were recorded there.",
        grid="""
            |                            | role   | organ | 0: day -10 | 1: day 45  | 2: day 101 |
            | T1                         | target | liver | 50         | 50         | 50         |
            | X1                         | new    | lung  |            | equivocal  | 8          |
            | new lesion?                |        |       |            | no         | yes        |
            | recorded                   |        |       |            | SD         | PD         |
            | = response                 |        |       |            | PD         | PD         |
            | = imaging_progression_date |        |       |            | day 45     |            |
        """,
        subject="pfs_days=45; pfs_event=true; first_progression_date=day 45; response_3_months=PD; best_response=PD",
    ),
    Patient(
        name="with the date of that first image",
        why="The chest CT of visit 1 was made on day 50.",
        grid="""
            |                            | role   | organ | 0: day -10 | 1: day 45     | 2: day 101 |
            | T1                         | target | liver | 50         | 50            | 50         |
            | X1                         | new    | lung  |            | equivocal @50 | present    |
            | = response                 |        |       |            | PD            | PD         |
            | = response_source          |        |       |            | new_lesion    | new_lesion |
            | = imaging_progression_date |        |       |            | day 50        |            |
        """,
        subject="pfs_days=50; pfs_event=true; first_progression_date=day 50; first_progression_source=new_lesion",
    ),
    Patient(
        name="twice equivocal and then confirmed it is of the first visit",
        why="Equivocal on days 45 and 101, in progression on day 157: the first image is of day 45.",
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157  |
            | T1         | target | liver | 50         | 50        | 50         | 50          |
            | X1         | new    | lung  |            | equivocal | equivocal  | progression |
            | = response |        |       |            | PD        |            | PD          |
        """,
        subject="pfs_days=45; pfs_event=true; first_progression_date=day 45",
    ),
    Patient(
        name="equivocal to the end it is none",
        why="Equivocal twice, then not assessed: nothing has confirmed it.",
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157   |
            | T1         | target | liver | 50         | 50        | 50         | 50           |
            | X1         | new    | lung  |            | equivocal | equivocal  | not_assessed |
            | = response |        |       |            | SD        | SD         | SD           |
        """,
        subject="pfs_days=275; pfs_event=false; first_progression_date=none",
    ),
    Patient(
        name="a later confirmation changes the 6-month response",
        why="Equivocal on day 157, within days 155-211, and confirmed on day 213: PD at 6 months, SD at 3 months.",
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 | 4: day 213 |
            | T1         | target | liver | 50         | 50        | 50         | 50         | 50         |
            | X1         | new    | lung  |            |           |            | equivocal  | 12         |
            | = response |        |       |            | SD        | SD         | PD         | PD         |
        """,
        subject="pfs_days=157; pfs_event=true; response_3_months=SD; response_6_months=PD; best_response=SD",
    ),
]

SPLIT_AND_MERGED = [
    Patient(
        name="fragments of a lesion are added up",
        why="50 mm have split into 20 + 15 = 35, 30 % less exactly: PR; then 25 + 20 = 45, 28.6 % and 10 mm above the nadir: PD (4.3.2).",
        grid="""
            |                                        | fragment of | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                                     |             | target | liver | 50         |           |            |
            | T1a                                    | T1          | target | liver |            | 20        | 25         |
            | T1b                                    | T1          | target | liver |            | 15        | 20         |
            | = target_sum_from_lesions_or_record_mm |             |        |       | 50         | 35        | 45         |
            | = target_response                      |             |        |       |            | PR        | PD         |
        """,
        subject="pfs_days=101; pfs_event=true; best_response=PR",
    ),
    Patient(
        name="to what is left of the lesion itself",
        why="T1 goes on as 20 mm beside a fragment of 15 mm, together 35: PR. The fragment is no new lesion.",
        grid="""
            |                                        | fragment of | role   | organ | 0: day -10 | 1: day 45 |
            | T1                                     |             | target | liver | 50         | 20        |
            | T1b                                    | T1          | target | liver |            | 15        |
            | = target_sum_from_lesions_or_record_mm |             |        |       |            | 35        |
            | = target_response                      |             |        |       |            | PR        |
        """,
        subject="pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="a fragment is no new lesion although it is called one",
        why="25 + 15 = 40 of 50 mm: SD. What has split off was there before.",
        grid="""
            |                                        | fragment of | role   | organ | 0: day -10 | 1: day 45 |
            | T1                                     |             | target | liver | 50         | 25        |
            | T1b                                    | T1          | new    | liver |            | 15        |
            | = target_sum_from_lesions_or_record_mm |             |        |       |            | 40        |
            | = response                             |             |        |       |            | SD        |
        """,
        subject="pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="nor is a lesion of the baseline that is called new later",
        why="N1 was listed before the start.",
        grid="""
            |                                     | role       | organ | 0: day -10 | 1: day 45 |
            | T1                                  | target     | liver | 50         | 50        |
            | N1                                  | non_target | bone  | present    |           |
            | N1                                  | new        | bone  |            | present   |
            | = has_new_lesion_listed_or_recorded |            |       |            | none      |
            | = response                          |            |       |            | SD        |
        """,
        subject="pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="a lesion is gone when all its fragments are",
        why="Both fragments are absent: 0 mm.",
        grid="""
            |                   | fragment of | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                |             | target | liver | 50         |           |            |
            | T1a               | T1          | target | liver |            | 20        | absent     |
            | T1b               | T1          | target | liver |            | 15        | absent     |
            | = target_response |             |        |       |            | PR        | CR         |
        """,
    ),
    Patient(
        name="merged lesions are measured as one",
        why="30 + 20 = 50 mm have become one of 60, 20 % and 10 mm more: PD. At 59.9 mm it were SD; the merged one is not missing.",
        grid="""
            |                                        | role   | organ | 0: day -10 | 1: day 45  | 2: day 101 |
            | T1                                     | target | liver | 30         | 59.9       | 60         |
            | T2                                     | target | liver | 20         | merged >T1 | merged >T1 |
            | = target_sum_from_lesions_or_record_mm |        |       | 50         | 59.9       | 60         |
            | = target_response                      |        |       |            | SD         | PD         |
        """,
        subject="pfs_days=101; pfs_event=true",
    ),
    Patient(
        name="and are gone as one",
        why="35 of 50 mm is PR; when the merged lesion is gone, both are.",
        edits="baseline.tumour_number=2; baseline.metastasis_site_number=0",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45  | 2: day 101 |
            | T1                | target | liver | 30         | 35         | absent     |
            | T2                | target | liver | 20         | merged >T1 | merged >T1 |
            | new lesion?       |        |       |            | no         | no         |
            | = target_response |        |       |            | PR         | CR         |
            | = response        |        |       |            | PR         | CR         |
        """,
        subject="best_response=CR",
    ),
]

TARGETS = [
    Patient(
        name="the sixth target counts as a non-target",
        why="The first five make a sum of 95; the adrenal lesion, listed sixth, grows from 20 to 60 without being called progression: "
        "the sum is unchanged. Called progression, it is a non-target PD.",
        grid="""
            |                       | role   | organ      | 0: day -10 | 1: day 45     | 2: day 101     |
            | T1                    | target | liver      | 20         | 20            | 20             |
            | T2                    | target | liver      | 20         | 20            | 20             |
            | T3                    | target | lung       | 20         | 20            | 20             |
            | T4                    | target | lung       | 20         | 20            | 20             |
            | T5                    | target | lymph_node | 15         | 15            | 15             |
            | T6                    | target | adrenal    | 20         | 60            | progression 60 |
            | = baseline_sum_mm     |        |            |            | 95            | 95             |
            | = target_response     |        |            |            | SD            | SD             |
            | = non_target_response |        |            |            | non_cr_non_pd | PD             |
        """,
        subject="pfs_days=101; pfs_event=true",
    ),
    Patient(
        name="the third target of an organ counts as a non-target",
        why="Two liver lesions of 30 + 20 = 50 fall to 35: PR exactly. With the third it were 55 of 70, SD.",
        grid="""
            |                       | role   | organ | 0: day -10 | 1: day 45     |
            | T1                    | target | liver | 30         | 15            |
            | T2                    | target | liver | 20         | 20            |
            | T3                    | target | liver | 20         | 20            |
            | = baseline_sum_mm     |        |       |            | 50            |
            | = target_response     |        |       |            | PR            |
            | = non_target_response |        |       |            | non_cr_non_pd |
        """,
    ),
    Patient(
        name="the first as they are listed, not by name",
        why="C and B are listed first: 30 + 20 = 50 fall to 35. A is the third.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 |
            | C                 | target | liver | 30         | 15        |
            | B                 | target | liver | 20         | 20        |
            | A                 | target | liver | 20         | 20        |
            | = baseline_sum_mm |        |       |            | 50        |
            | = target_response |        |       |            | PR        |
        """,
    ),
    Patient(
        name="all lymph nodes are one organ",
        why="The third node is a non-target: 30 + 20 = 50 fall to 35.",
        grid="""
            |                   | role   | organ      | 0: day -10 | 1: day 45 |
            | T1                | target | lymph_node | 30         | 15        |
            | T2                | target | lymph_node | 20         | 20        |
            | T3                | target | lymph_node | 20         | 20        |
            | = baseline_sum_mm |        |            |            | 50        |
            | = target_response |        |            |            | PR        |
        """,
    ),
    Patient(
        name="other organs may be several",
        why="`other` is no one organ: all three are targets, 55 of 70 is SD.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 |
            | T1                | target | other | 30         | 15        |
            | T2                | target | other | 20         | 20        |
            | T3                | target | other | 20         | 20        |
            | = baseline_sum_mm |        |       |            | 70        |
            | = target_response |        |       |            | SD        |
        """,
    ),
    Patient(
        name="a target too many is a non-target that is followed",
        why="Three liver lesions and one metastasis, all listed as targets: the third liver lesion is a non-target that is followed.",
        edits="baseline.tumour_number=3; baseline.metastasis_site_number=1",
        grid="""
            |                       | role   | organ | 0: day -10 | 1: day 45     | 2: day 101 |
            | T1                    | target | liver | 30         | absent        | absent     |
            | T2                    | target | liver | 20         | absent        | absent     |
            | T3                    | target | liver | 20         | 20            | absent     |
            | T4                    | target | lung  | 20         | absent        | absent     |
            | new lesion?           |        |       |            | no            | no         |
            | = target_response     |        |       |            | CR            | CR         |
            | = non_target_response |        |       |            | non_cr_non_pd | CR         |
            | = derived_response    |        |       |            | PR            | CR         |
        """,
    ),
]

AFTER_CR = [
    Patient(
        name="a target node of 10 mm is PD after a CR",
        why="The node of 9 mm is normal, a CR with a sum of 9; 9.9 mm still is; 10 mm is pathological again: PD, 1 mm above the nadir.",
        edits=EVERY_LESION_LISTED,
        grid="""
            |                   | role   | organ      | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | T1                | target | liver      | 30         | absent    | absent     | absent     |
            | T2                | target | lymph_node | 20         | 9         | 9.9        | 10         |
            | new lesion?       |        |            |            | no        | no         | no         |
            | = response        |        |            |            | CR        | CR         | PD         |
        """,
        subject="pfs_days=157; pfs_event=true; best_response=CR; response_3_months=CR; response_6_months=PD",
    ),
    Patient(
        name="any other target that is back is PD however small",
        why="1 mm of the liver lesion.",
        edits=EVERY_LESION_LISTED,
        grid="""
            |             | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | target | liver | 30         | absent    | 1          |
            | T2          | target | lung  | 20         | absent    | absent     |
            | new lesion? |        |       |            | no        | no         |
            | = response  |        |       |            | CR        | PD         |
        """,
        subject="pfs_days=101; pfs_event=true",
    ),
    Patient(
        name="a non-target that is no node and is back is PD",
        why="The bone lesion is seen again, not called progression.",
        grid="""
            |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | target     | liver | 30         | absent    | absent     |
            | N1          | non_target | bone  | present    | absent    | present    |
            | new lesion? |            |       |            | no        | no         |
            | = response  |            |       |            | CR        | PD         |
        """,
        subject="pfs_days=101; pfs_event=true",
    ),
    Patient(
        name="a non-target node only by unequivocal progression",
        why="8 mm is normal, CR; 14 mm is there again, not called progression: targets CR, non-targets non-CR/non-PD, PR by table 1; "
        "called progression it is PD.",
        grid="""
            |                       | role       | organ      | 0: day -10 | 1: day 45 | 2: day 101    | 3: day 157     |
            | T1                    | target     | liver      | 30         | absent    | absent        | absent         |
            | N1                    | non_target | lymph_node | 12         | 8         | 14            | progression 20 |
            | new lesion?           |            |            |            | no        | no            | no             |
            | = non_target_response |            |            |            | CR        | non_cr_non_pd | PD             |
            | = response            |            |            |            | CR        | PR            | PD             |
        """,
        subject="pfs_days=157; pfs_event=true; response_3_months=PR",
    ),
    Patient(
        name="what counts is the last evaluable assessment before",
        why="CR, then a visit without the liver (NE), then 1 mm: the last evaluable one was a CR, so PD.",
        grid="""
            |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101   | 3: day 157 |
            | T1          | target     | liver | 30         | absent    | not_assessed | 1          |
            | N1          | non_target | bone  | present    | absent    | absent       | absent     |
            | new lesion? |            |       |            | no        | no           | no         |
            | = response  |            |       |            | CR        | NE           | PD         |
        """,
        subject="pfs_days=157; pfs_event=true",
    ),
    Patient(
        name="and not a CR longer ago",
        why="CR, then PR by the non-target node of 12 mm, then 3 mm of the liver lesion: the last evaluable one was a PR, so it goes "
        "back into the sum, 3 mm above the nadir of 0, which is no PD.",
        grid="""
            |                   | role       | organ      | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | T1                | target     | liver      | 30         | absent    | absent     | 3          |
            | N1                | non_target | lymph_node | 12         | 8         | 12         | 12         |
            | new lesion?       |            |            |            | no        | no         | no         |
            | = target_response |            |            |            | CR        | CR         | PR         |
            | = response        |            |            |            | CR        | PR         | PR         |
        """,
        subject="pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="a non-target of which no organ is said is no node",
        why="It is seen again, not called progression.",
        grid="""
            |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | target     | liver | 30         | absent    | absent     |
            | N1          | non_target |       | present    | absent    | present    |
            | new lesion? |            |       |            | no        | no         |
            | = response  |            |       |            | CR        | PD         |
        """,
        subject="pfs_days=101; pfs_event=true",
    ),
    Patient(
        name="of several targets that are back the earliest image dates the PD",
        why="The liver lesion is seen on day 101, that of the lung already on day 95.",
        edits=EVERY_LESION_LISTED,
        grid="""
            |                            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                         | target | liver | 30         | absent    | 3          |
            | T2                         | target | lung  | 20         | absent    | 4 @95      |
            | new lesion?                |        |       |            | no        | no         |
            | = response                 |        |       |            | CR        | PD         |
            | = imaging_progression_date |        |       |            |           | day 95     |
        """,
        subject="pfs_days=95; pfs_event=true",
    ),
    Patient(
        name="also where it is that of a non-target",
        why="The bone lesion is seen on day 95, the liver lesion on day 101, another bone lesion on day 103.",
        grid="""
            |                            | role       | organ | 0: day -10 | 1: day 45 | 2: day 101   |
            | T1                         | target     | liver | 30         | absent    | 3            |
            | N1                         | non_target | bone  | present    | absent    | present @95  |
            | N2                         | non_target | bone  | present    | absent    | present @103 |
            | new lesion?                |            |       |            | no        | no           |
            | = response                 |            |       |            | CR        | PD           |
            | = imaging_progression_date |            |       |            |           | day 95       |
        """,
        subject="pfs_days=95; pfs_event=true",
    ),
    Patient(
        name="a recorded PD is set aside by a complete list that shows a CR again",
        why="CR on day 45 and again on day 101, where every target and non-target is gone and no lesion new (asked).",
        grid="""
            |                         | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                      | target     | liver | 30         | absent    | absent     |
            | N1                      | non_target | bone  | present    | absent    | absent     |
            | new lesion?             |            |       |            | no        | no         |
            | recorded                |            |       |            | CR        | PD         |
            | = is_recorded_set_aside |            |       |            | false     | true       |
            | = response              |            |       |            | CR        | CR         |
        """,
        subject="pfs_days=275; pfs_event=false; best_response=CR",
    ),
    Patient(
        name="a recorded CR is one",
        why="The list is of a target alone, so the recorded CR counts; 3 mm later are back after a CR.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45         | 2: day 101 |
            | T1                | target | liver | 30         | absent            | 3          |
            | recorded          |        |       |            | CR                | PR         |
            | = response        |        |       |            | CR                | PD         |
            | = response_source |        |       |            | recorded_response | targets    |
        """,
        subject="best_response=CR; pfs_days=101; pfs_event=true",
    ),
    Patient(
        name="a target CR that stands in is none",
        why="Nothing is recorded: the target CR counts as PR, so 3 mm later go back into the sum (3 of 30, PR).",
        grid="""
            |            | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1         | target | liver | 30         | absent    | 3          |
            | = response |        |       |            | PR        | PR         |
        """,
        subject="pfs_days=275; pfs_event=false",
    ),
]

# After a CR on day 45 a new node appears on day 101 and is measured again on day 157, where it is the only sign: its two sizes
# and the responses of both visits. 10 mm is pathological, 15 mm measurable.
NEW_NODE = [
    ("10", "10", "PD", "PD", "day 101", "10 mm at the next assessment confirms it: PD of the first"),
    ("14.9", "10", "PD", "PD", "day 101", "14.9 mm is equivocal still; 10 mm later confirm it"),
    ("12", "9.9", "CR", "CR", "none", "below 10 mm at the next assessment: it was none"),
    ("14.9", "absent", "CR", "CR", "none", "gone at the next assessment"),
    ("12", "progression", "PD", "PD", "day 101", "called progression at the next assessment"),
    ("15", "9", "PD", None, "day 101", "15 mm is a new lesion at once, whatever becomes of it"),
    ("12", "16", "PD", "PD", "day 101", "a measurable node at the next assessment confirms it"),
]


def make_new_node(first, second, at_first, at_second, day, why):
    said, expected = "yes" if first == "15" else "no", at_second or ""
    grid = f"""
        |             | role   | organ      | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
        | T1          | target | liver      | 30         | absent    | absent     | absent     |
        | T2          | target | lung       | 20         | absent    | absent     | absent     |
        | X1          | new    | lymph_node |            |           | {first}    | {second}   |
        | new lesion? |        |            |            | no        | {said} | no |
        | = response  |        |            |            | CR        | {at_first} | {expected} |
    """
    return Patient(
        f"{first} mm, then {second}", why, grid, edits=EVERY_LESION_LISTED, subject=f"first_progression_date={day}"
    )


NEW_NODES = [make_new_node(*line) for line in NEW_NODE] + [
    Patient(
        name="a new node that is not the only sign is PD at once",
        why="1 mm of the liver lesion is back beside the new node of 12 mm.",
        edits=EVERY_LESION_LISTED,
        grid="""
            |             | role   | organ      | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | T1          | target | liver      | 30         | absent    | 1          | absent     |
            | T2          | target | lung       | 20         | absent    | absent     | absent     |
            | X1          | new    | lymph_node |            |           | 12         | 9          |
            | new lesion? |        |            |            | no        | no         | no         |
            | = response  |        |            |            | CR        | PD         |            |
        """,
        subject="first_progression_date=day 101",
    ),
    Patient(
        name="nor beside a non-target in progression, and the earlier image of both dates the PD",
        why="The new node of 12 mm is seen on day 95, the progression of the non-target node on day 101.",
        grid="""
            |                                     | role       | organ      | 0: day -10 | 1: day 45 | 2: day 101     |
            | T1                                  | target     | liver      | 30         | absent    | absent         |
            | N1                                  | non_target | lymph_node | 12         | 8         | progression 20 |
            | X1                                  | new        | lymph_node |            |           | 12 @95         |
            | new lesion?                         |            |            |            | no        | no             |
            | = has_new_lesion_listed_or_recorded |            |            |            | false     | true           |
            | = response                          |            |            |            | CR        | PD             |
            | = imaging_progression_date          |            |            |            |           | day 95         |
        """,
        subject="first_progression_date=day 95",
    ),
    Patient(
        name="a new lesion of 12 mm that is no node is PD at once",
        why="Only nodes have a size that is normal.",
        edits=EVERY_LESION_LISTED,
        grid="""
            |             | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | T1          | target | liver | 30         | absent    | absent     | absent     |
            | T2          | target | lung  | 20         | absent    | absent     | absent     |
            | X1          | new    | lung  |            |           | 12         | absent     |
            | new lesion? |        |       |            | no        | yes        | no         |
            | = response  |        |       |            | CR        | PD         |            |
        """,
        subject="first_progression_date=day 101",
    ),
    Patient(
        name="after a CR that only was recorded a new node of 12 mm is equivocal as well",
        why="Of the lesions nothing else is sent; the node is 9.9 mm at the next assessment: it was none.",
        grid="""
            |             | role | organ      | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157 |
            | X1          | new  | lymph_node |            |           | 12         | 9.9        |
            | new lesion? |      |            | no         |           |            |            |
            | recorded    |      |            |            | CR        | CR         | CR         |
            | = response  |      |            |            | CR        | CR         | CR         |
        """,
        subject="first_progression_date=none; pfs_days=275",
    ),
    Patient(
        name="the next assessment is the next that looks at the node",
        why="12 mm on day 101, not assessed on day 157, 10 mm on day 213: PD of day 101.",
        edits=EVERY_LESION_LISTED,
        grid="""
            |             | role   | organ      | 0: day -10 | 1: day 45 | 2: day 101 | 3: day 157   | 4: day 213 |
            | T1          | target | liver      | 30         | absent    | absent     | absent       | absent     |
            | T2          | target | lung       | 20         | absent    | absent     | absent       | absent     |
            | X1          | new    | lymph_node |            |           | 12         | not_assessed | 10         |
            | new lesion? |        |            |            | no        | no         | no           | no         |
            | = response  |        |            |            | CR        | PD         |              | PD         |
        """,
        subject="first_progression_date=day 101",
    ),
    Patient(
        name="without a CR before, a new node of 12 mm is a new lesion",
        why="The leniency is for what follows a CR: here the targets are stable.",
        edits=EVERY_LESION_LISTED,
        grid="""
            |            | role   | organ      | 0: day -10 | 1: day 45 |
            | T1         | target | liver      | 30         | 30        |
            | T2         | target | lung       | 20         | 20        |
            | X1         | new    | lymph_node |            | 12        |
            | = response |        |            |            | PD        |
        """,
        subject="first_progression_date=day 45",
    ),
]


@pytest.mark.parametrize("patient", EQUIVOCAL, ids=name_patient)
def test_an_equivocal_new_lesion(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", SPLIT_AND_MERGED, ids=name_patient)
def test_what_splits_and_what_merges(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", TARGETS, ids=name_patient)
def test_more_targets_than_there_may_be(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", AFTER_CR, ids=name_patient)
def test_what_is_back_after_a_complete_response(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", NEW_NODES, ids=name_patient)
def test_a_new_node_after_a_complete_response(patient):
    assert_follows(patient)
