"""What a list of lesions can show depends on what it holds: the protocol's "Response and evidence", patient by patient, worked by hand.

How to read a patient: tests/lesion_histories.py. He has 4 liver lesions and 6 metastases unless a line says otherwise.
Tables 1 and 2 are those of Eisenhauer 2009.
"""

import pytest
from lesion_histories import EVERY_LESION_LISTED, Patient, assert_follows, name_patient

PATIENTS = [
    Patient(
        name="the target response follows from the targets and stands in where nothing else is known",
        why="35 of 50 is 30 % smaller exactly, a PR; 35.1 is not and lies 0.1 mm above the nadir: SD. With 10 lesions and one "
        "listed, and no word on new lesions, no overall response follows; nothing is recorded, so the target response stands in.",
        grid="""
            |                    | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1                 | target | liver | 50         | 35        | 35.1       |
            | = target_response  |        |       |            | PR        | SD         |
            | = derived_response |        |       |            | none      | none       |
            | = response         |        |       |            | PR        | SD         |
            | = response_source  |        |       |            | targets   | targets    |
        """,
        subject="best_response=PR; response_3_months=SD; pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="or from their sum",
        why="The same sizes, sent as sums: the sum gives the target response, never the overall one.",
        grid="""
            |                    | role | organ | 0: day -10 | 1: day 45  | 2: day 101 |
            | sum                |      |       | 50         | 35         | 35.1       |
            | new lesion?        |      |       |            | no         | no         |
            | = target_response  |      |       |            | PR         | SD         |
            | = derived_response |      |       |            | none       | none       |
            | = response         |      |       |            | PR         | SD         |
            | = response_source  |      |       |            | target_sum | target_sum |
        """,
        subject="best_response=PR; response_3_months=SD; pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="the overall response is derived where targets, non-targets and new lesions are known",
        why="30 of 50 is -40 %, the bone lesion is there without growth, no new lesion: PR by table 1. The recorded SD contradicts "
        "a complete list: the derived response counts.",
        grid="""
            |                       | role       | organ | 0: day -10 | 1: day 45     |
            | T1                    | target     | liver | 50         | 30            |
            | N1                    | non_target | bone  | present    | present       |
            | new lesion?           |            |       |            | no            |
            | recorded              |            |       |            | SD            |
            | = target_response     |            |       |            | PR            |
            | = non_target_response |            |       |            | non_cr_non_pd |
            | = derived_response    |            |       |            | PR            |
            | = response            |            |       |            | PR            |
            | = response_source     |            |       |            | complete_list |
        """,
        subject="best_response=PR; pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="a recorded NE beside a complete list of which every target was assessed does not stand",
        why="A recorded NE stands where a target was treated locally or not assessed. Neither is so here: PR by table 1.",
        grid="""
            |                    | role       | organ | 0: day -10 | 1: day 45 |
            | T1                 | target     | liver | 50         | 30        |
            | N1                 | non_target | bone  | present    | present   |
            | new lesion?        |            |       |            | no        |
            | recorded           |            |       |            | NE        |
            | = derived_response |            |       |            | PR        |
            | = response         |            |       |            | PR        |
        """,
        subject="best_response=PR",
    ),
    Patient(
        name="a non-target of the baseline without a record at the visit leaves the non-targets unknown",
        why="The visit says nothing of the bone lesion, the only non-target: no overall response, the recorded SD counts, with "
        "the target PR (-40 %) beside it.",
        grid="""
            |                       | role       | organ | 0: day -10 | 1: day 45         |
            | T1                    | target     | liver | 50         | 30                |
            | N1                    | non_target | bone  | present    |                   |
            | new lesion?           |            |       |            | no                |
            | recorded              |            |       |            | SD                |
            | = target_response     |            |       |            | PR                |
            | = non_target_response |            |       |            | none              |
            | = derived_response    |            |       |            | none              |
            | = response            |            |       |            | SD                |
            | = response_source     |            |       |            | recorded_response |
        """,
        subject="best_response=SD",
    ),
    Patient(
        name="not all evaluated is one of the words of table 1",
        why="Two non-targets, one evaluated: NE of the non-targets. A target PR with it is a PR, a target CR as well, SD is SD.",
        grid="""
            |                       | role       | organ | 0: day -10 | 1: day 45     | 2: day 101    | 3: day 157   |
            | T1                    | target     | liver | 50         | 40            | 30            | absent       |
            | N1                    | non_target | bone  | present    | present       | absent        | not_assessed |
            | N2                    | non_target | lung  | present    | not_assessed  |               | absent       |
            | new lesion?           |            |       |            | no            | no            | no           |
            | = target_response     |            |       |            | SD            | PR            | CR           |
            | = non_target_response |            |       |            | NE            | NE            | NE           |
            | = derived_response    |            |       |            | SD            | PR            | PR           |
            | = response            |            |       |            | SD            | PR            | PR           |
        """,
        subject="response_3_months=PR; response_6_months=PR; best_response=PR",
    ),
    Patient(
        name="a reader who lists no non-target has none where every lesion is a target",
        why="One liver lesion and one metastasis, two targets listed: 2 do not exceed 2. 25 of 50 is a PR, and overall.",
        edits="baseline.tumour_number=1; baseline.metastasis_site_number=1",
        grid="""
            |                       | role   | organ | 0: day -10 | 1: day 45     |
            | T1                    | target | liver | 30         | 15            |
            | T2                    | target | lung  | 20         | 10            |
            | new lesion?           |        |       |            | no            |
            | recorded              |        |       |            | SD            |
            | = non_target_response |        |       |            | none          |
            | = derived_response    |        |       |            | PR            |
            | = response            |        |       |            | PR            |
            | = response_source     |        |       |            | complete_list |
        """,
    ),
    Patient(
        name="one lesion more than the targets listed, and the non-targets are unknown",
        why="1 + 2 lesions exceed the 2 targets: somewhere is one of which nothing is said. The recorded SD counts.",
        edits="baseline.tumour_number=1; baseline.metastasis_site_number=2",
        grid="""
            |                    | role   | organ | 0: day -10 | 1: day 45 |
            | T1                 | target | liver | 30         | 15        |
            | T2                 | target | lung  | 20         | 10        |
            | new lesion?        |        |       |            | no        |
            | recorded           |        |       |            | SD        |
            | = target_response  |        |       |            | PR        |
            | = derived_response |        |       |            | none      |
            | = response         |        |       |            | SD        |
        """,
    ),
    Patient(
        name="without a number of liver lesions nobody knows whether the targets are all",
        why="The number of liver lesions is empty: it cannot be said that it does not exceed the targets.",
        edits="baseline.tumour_number=; baseline.metastasis_site_number=1",
        grid="""
            |                    | role   | organ | 0: day -10 | 1: day 45 |
            | T1                 | target | liver | 30         | 15        |
            | T2                 | target | lung  | 20         | 10        |
            | new lesion?        |        |       |            | no        |
            | recorded           |        |       |            | SD        |
            | = derived_response |        |       |            | none      |
            | = response         |        |       |            | SD        |
        """,
    ),
    Patient(
        name="the metastases may be counted by organ",
        why="No total of metastases, but one lesion in one organ: 1 + 1 do not exceed the 2 targets.",
        edits="baseline.tumour_number=1; baseline.metastasis_site_number=; -metastasis[2]; metastasis[1].lesion_number=1",
        grid="""
            |                    | role   | organ | 0: day -10 | 1: day 45 |
            | T1                 | target | liver | 30         | 15        |
            | T2                 | target | lung  | 20         | 10        |
            | new lesion?        |        |       |            | no        |
            | recorded           |        |       |            | SD        |
            | = derived_response |        |       |            | PR        |
        """,
    ),
    Patient(
        name="a lesion of the baseline without a role leaves the non-targets unknown",
        why="Whether the adrenal lesion is followed as a non-target is not said: no overall response, the recorded SD counts.",
        grid="""
            |                    | role       | organ   | 0: day -10 | 1: day 45 |
            | T1                 | target     | liver   | 50         | 30        |
            | N1                 | non_target | bone    | present    | present   |
            | L1                 |            | adrenal | present    | present   |
            | new lesion?        |            |         |            | no        |
            | recorded           |            |         |            | SD        |
            | = target_response  |            |         |            | PR        |
            | = derived_response |            |         |            | none      |
            | = response         |            |         |            | SD        |
        """,
    ),
    Patient(
        name="new lesions are unknown where the visit does not say",
        why="Targets and non-targets are known, new lesions are not: the recorded SD counts beside the target PR.",
        grid="""
            |                    | role       | organ | 0: day -10 | 1: day 45         |
            | T1                 | target     | liver | 50         | 30                |
            | N1                 | non_target | bone  | present    | present           |
            | recorded           |            |       |            | SD                |
            | = target_response  |            |       |            | PR                |
            | = derived_response |            |       |            | none              |
            | = response         |            |       |            | SD                |
            | = response_source  |            |       |            | recorded_response |
        """,
    ),
    Patient(
        name="unless the hospital has said once that it lists every new lesion",
        why="The same list of a hospital that lists every new lesion: there is none, so PR follows.",
        lists_every_new_lesion=True,
        grid="""
            |                    | role       | organ | 0: day -10 | 1: day 45     |
            | T1                 | target     | liver | 50         | 30            |
            | N1                 | non_target | bone  | present    | present       |
            | recorded           |            |       |            | SD            |
            | = derived_response |            |       |            | PR            |
            | = response         |            |       |            | PR            |
            | = response_source  |            |       |            | complete_list |
        """,
    ),
    Patient(
        name="the hospital's word says nothing of a visit at which the reader lists no lesion",
        why="At visit 1 only a response is sent. No list, so no word on new lesions: the recorded PD counts.",
        lists_every_new_lesion=True,
        grid="""
            |                    | role       | organ | 0: day -10 | 1: day 45         |
            | T1                 | target     | liver | 50         |                   |
            | N1                 | non_target | bone  | present    |                   |
            | recorded           |            |       |            | PD                |
            | = derived_response |            |       |            | none              |
            | = response         |            |       |            | PD                |
            | = response_source  |            |       |            | recorded_response |
        """,
        subject="pfs_days=45; pfs_event=true",
    ),
    Patient(
        name="a target CR that stands in counts as PR",
        why="Table 1: a CR of the targets with non-targets that nobody evaluated is a PR.",
        grid="""
            |                    | role   | organ | 0: day -10 | 1: day 45 |
            | T1                 | target | liver | 50         | absent    |
            | = target_response  |        |       |            | CR        |
            | = derived_response |        |       |            | none      |
            | = response         |        |       |            | PR        |
            | = response_source  |        |       |            | targets   |
        """,
        subject="best_response=PR",
    ),
    Patient(
        name="so does a sum of 0",
        why="The same, sent as a sum.",
        grid="""
            |                   | role | organ | 0: day -10 | 1: day 45  |
            | sum               |      |       | 50         | 0          |
            | = target_response |      |       |            | CR         |
            | = response        |      |       |            | PR         |
            | = response_source |      |       |            | target_sum |
        """,
        subject="best_response=PR",
    ),
    Patient(
        name="a target PD is an overall PD whatever else is unknown",
        why="25 to 30 mm is 20 % and 5 mm exactly: PD, although an SD is recorded and nothing else is known.",
        grid="""
            |                    | role   | organ | 0: day -10 | 1: day 45 |
            | T1                 | target | liver | 25         | 30        |
            | recorded           |        |       |            | SD        |
            | = target_response  |        |       |            | PD        |
            | = derived_response |        |       |            | PD        |
            | = response         |        |       |            | PD        |
            | = response_source  |        |       |            | targets   |
        """,
        subject="pfs_days=45; pfs_event=true; first_progression_source=targets; first_progression_date=day 45",
    ),
    Patient(
        name="20 per cent alone is no PD",
        why="20 to 24.9 mm is 24.5 % but 4.9 mm, short of the 5 mm.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 |
            | T1                | target | liver | 20         | 24.9      |
            | recorded          |        |       |            | SD        |
            | = target_response |        |       |            | SD        |
            | = response        |        |       |            | SD        |
        """,
        subject="pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="nor are 5 mm alone",
        why="50 to 59.9 mm is 9.9 mm but 19.8 %.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45 |
            | T1                | target | liver | 50         | 59.9      |
            | recorded          |        |       |            | SD        |
            | = target_response |        |       |            | SD        |
        """,
        subject="pfs_days=275; pfs_event=false",
    ),
    Patient(
        name="a PD of the sum is an overall PD as well",
        why="60 against the nadir of 50 is 20 % and 10 mm.",
        grid="""
            |                    | role | organ | 0: day -10 | 1: day 45  |
            | sum                |      |       | 50         | 60         |
            | recorded           |      |       |            | SD         |
            | = derived_response |      |       |            | PD         |
            | = response         |      |       |            | PD         |
            | = response_source  |      |       |            | target_sum |
        """,
        subject="pfs_days=45; pfs_event=true; first_progression_source=target_sum",
    ),
    Patient(
        name="a non-target PD is an overall PD whatever else is unknown",
        why="The target was not assessed and nothing is said of new lesions; the bone lesion grows unequivocally.",
        grid="""
            |                       | role       | organ | 0: day -10 | 1: day 45    |
            | T1                    | target     | liver | 50         | not_assessed |
            | N1                    | non_target | bone  | present    | progression  |
            | recorded              |            |       |            | SD           |
            | = target_response     |            |       |            | NE           |
            | = non_target_response |            |       |            | PD           |
            | = derived_response    |            |       |            | PD           |
            | = response            |            |       |            | PD           |
            | = response_source     |            |       |            | non_targets  |
        """,
        subject="pfs_days=45; pfs_event=true",
    ),
    Patient(
        name="a new lesion is an overall PD whatever else is unknown",
        why="The visit lists the new brain lesion alone; the target has no record.",
        grid="""
            |                    | role   | organ | 0: day -10 | 1: day 45  |
            | T1                 | target | liver | 50         |            |
            | X1                 | new    | brain |            | present    |
            | recorded           |        |       |            | SD         |
            | = derived_response |        |       |            | PD         |
            | = response         |        |       |            | PD         |
            | = response_source  |        |       |            | new_lesion |
        """,
        subject="pfs_days=45; pfs_event=true",
    ),
    Patient(
        name="also a new lesion that is said and not listed",
        why="`has_new_lesion` is yes; the target is stable and the recorded response is SD.",
        grid="""
            |                    | role   | organ | 0: day -10 | 1: day 45  |
            | T1                 | target | liver | 50         | 50         |
            | new lesion?        |        |       |            | yes        |
            | recorded           |        |       |            | SD         |
            | = derived_response |        |       |            | PD         |
            | = response_source  |        |       |            | new_lesion |
        """,
        subject="pfs_days=45; pfs_event=true",
    ),
    Patient(
        name="of several grounds the targets are named before the non-targets before the new lesion",
        why="The role of the lung lesion is not said, so the list is not complete. At visit 1 the non-target and a new lesion show PD, "
        "at visit 2 the target as well (70 against 50).",
        grid="""
            |                   | role       | organ | 0: day -10 | 1: day 45   | 2: day 101  |
            | T1                | target     | liver | 50         | 50          | 70          |
            | N1                | non_target | bone  | present    | progression | progression |
            | L1                |            | lung  | present    |             |             |
            | X1                | new        | brain |            | present     | present     |
            | = response        |            |       |            | PD          | PD          |
            | = response_source |            |       |            | non_targets | targets     |
        """,
        subject="first_progression_source=non_targets; pfs_days=45",
    ),
    Patient(
        name="PD that follows from a complete list rests on the complete list",
        why="70 against the nadir of 50 mm, non-target evaluated, new lesions denied.",
        grid="""
            |                   | role       | organ | 0: day -10 | 1: day 45     |
            | T1                | target     | liver | 50         | 70            |
            | N1                | non_target | bone  | present    | present       |
            | new lesion?       |            |       |            | no            |
            | = response        |            |       |            | PD            |
            | = response_source |            |       |            | complete_list |
        """,
        subject="first_progression_source=complete_list; pfs_days=45",
    ),
    Patient(
        name="a non-target that is there is no sign of its own",
        why="30 of 50 is a PR. Nothing is said of new lesions, so that the list is not complete; what counts rests on the target.",
        grid="""
            |                   | role       | organ | 0: day -10 | 1: day 45 |
            | T1                | target     | liver | 50         | 30        |
            | N1                | non_target | bone  | present    | present   |
            | = response        |            |       |            | PR        |
            | = response_source |            |       |            | targets   |
        """,
    ),
    Patient(
        name="beside listed non-targets the sum of the targets has its own baseline",
        why="The reader lists the bone lesion and sends the targets as a sum: 35 of 50 is a PR, 60 against 35 a PD.",
        grid="""
            |                   | role       | organ | 0: day -10 | 1: day 45  | 2: day 101 |
            | N1                | non_target | bone  | present    | present    | present    |
            | sum               |            |       | 50         | 35         | 60         |
            | = baseline_sum_mm |            |       |            | 50         | 50         |
            | = target_response |            |       |            | PR         | PD         |
        """,
        subject="pfs_days=101; pfs_event=true; best_response=PR",
    ),
    Patient(
        name="a target that was not assessed makes the visit NE",
        why="The lung target was not assessed, then has no record; the liver target alone shows no PD (30 against 70). The list is "
        "complete, so NE counts against the recorded PR; the recorded NE stands.",
        grid="""
            |                    | role       | organ | 0: day -10 | 1: day 45    | 2: day 101 |
            | T1                 | target     | liver | 50         | 30           | 30         |
            | T2                 | target     | lung  | 20         | not_assessed |            |
            | N1                 | non_target | bone  | present    | present      | present    |
            | new lesion?        |            |       |            | no           | no         |
            | recorded           |            |       |            | PR           | NE         |
            | = target_response  |            |       |            | NE           | NE         |
            | = derived_response |            |       |            | NE           | NE         |
            | = response         |            |       |            | NE           | NE         |
        """,
        subject="best_response=NE; response_3_months=NE",
    ),
    Patient(
        name="beside an incomplete list the recorded response counts, the target response NE beside it",
        why="Of ten lesions two are listed: no overall response, not even NE. At visit 2 nothing is recorded: NE stands in.",
        grid="""
            |                    | role   | organ | 0: day -10 | 1: day 45         | 2: day 101   |
            | T1                 | target | liver | 50         | 30                | 30           |
            | T2                 | target | lung  | 20         | not_assessed      | not_assessed |
            | new lesion?        |        |       |            | no                | no           |
            | recorded           |        |       |            | PR                |              |
            | = target_response  |        |       |            | NE                | NE           |
            | = derived_response |        |       |            | none              | none         |
            | = response         |        |       |            | PR                | NE           |
            | = response_source  |        |       |            | recorded_response | targets      |
        """,
        subject="best_response=PR; response_3_months=NE",
    ),
    Patient(
        name="a target that was not assessed makes no NE where the rest already shows PD",
        why="The liver target alone, 84 mm, is 20 % and 14 mm above the nadir of both (70); 83.9 mm would not be.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45    | 2: day 101   |
            | T1                | target | liver | 50         | 83.9         | 84           |
            | T2                | target | lung  | 20         | not_assessed | not_assessed |
            | = target_response |        |       |            | NE           | PD           |
        """,
        subject="pfs_days=101; pfs_event=true",
    ),
    Patient(
        name="a target in progression without a diameter is not measured, and the recorded PD stands",
        why="Without a size there is no sum (NE); the list refutes nothing.",
        grid="""
            |                   | role   | organ | 0: day -10 | 1: day 45         |
            | T1                | target | liver | 50         | progression       |
            | recorded          |        |       |            | PD                |
            | = target_response |        |       |            | NE                |
            | = response        |        |       |            | PD                |
            | = response_source |        |       |            | recorded_response |
        """,
        subject="pfs_days=45; pfs_event=true",
    ),
    Patient(
        name="a reader who follows non-targets alone needs no targets",
        why="Table 2: non-CR/non-PD, reported as SD, then CR when the lesion is gone. There is no target response.",
        grid="""
            |                       | role       | organ | 0: day -10 | 1: day 45     | 2: day 101 |
            | N1                    | non_target | bone  | present    | present       | absent     |
            | new lesion?           |            |       |            | no            | no         |
            | = target_response     |            |       |            | none          | none       |
            | = non_target_response |            |       |            | non_cr_non_pd | CR         |
            | = derived_response    |            |       |            | SD            | CR         |
        """,
        subject="best_response=CR",
    ),
    Patient(
        name="a recorded response alone counts",
        why="Neither lesions nor sums are sent.",
        grid="""
            |                   | role | organ | 0: day -10 | 1: day 45         | 2: day 101        |
            | new lesion?       |      |       | no         |                   |                   |
            | recorded          |      |       |            | PR                | PD                |
            | = target_response |      |       |            | none              | none              |
            | = response        |      |       |            | PR                | PD                |
            | = response_source |      |       |            | recorded_response | recorded_response |
        """,
        subject="best_response=PR; pfs_days=101; pfs_event=true; first_progression_source=recorded_response",
    ),
    Patient(
        name="a visit of which nothing follows and nothing is recorded has no response",
        why="That no new lesion is seen says nothing of the others.",
        grid="""
            |                   | role | organ | 0: day -10 | 1: day 45 |
            | new lesion?       |      |       | no         | no        |
            | = response        |      |       |            | none      |
            | = response_source |      |       |            | none      |
        """,
        subject="response_3_months=NE; pfs_days=275",
    ),
    Patient(
        name="a PR whose sum drifts back is SD at that visit and stays PR as best response",
        why="71 of 100 is -29 %, and 18.3 % above the nadir of 60: neither PR nor PD. EORTC calls it an ongoing PR, here a sensitivity.",
        edits="baseline.tumour_number=1; baseline.metastasis_site_number=0",
        grid="""
            |             | role   | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | target | liver | 100        | 60        | 71         |
            | new lesion? |        |       |            | no        | no         |
            | recorded    |        |       |            | PR        | PR         |
            | = response  |        |       |            | PR        | SD         |
        """,
        subject="best_response=PR; response_3_months=SD; pfs_days=275; pfs_event=false",
    ),
]

# One list that refutes a recorded PD, then the same with one thing missing at a time: only what is complete can refute.
REFUTING = """
    |             | role       | organ | 0: day -10 | 1: day 45 |
    | T1          | target     | liver | 50         | {T1:<9} |
    | T2          | target     | lung  | 20         | {T2:<9} |
    | N1          | non_target | bone  | present    | {N1:<9} |
    | new lesion? |            |       |            | {new:<9} |
    | recorded    |            |       |            | PD        |
    | = response  |            |       |            | {response:<9} |
"""
COMPLETE = {"T1": "50", "T2": "20", "N1": "present", "new": "no"}
STANDS = "pfs_days=45; pfs_event=true; first_progression_source=recorded_response; first_progression_date=day 45"
SET_ASIDE = "pfs_days=275; pfs_event=false; first_progression_source=none; read_progression_date=none"


def refute(name, why, *, stands=True, **changes):
    counts = "PD" if stands else "SD"
    return Patient(
        name,
        why,
        REFUTING.format(**{**COMPLETE, "response": counts, **changes}),
        subject=STANDS if stands else SET_ASIDE,
    )


REFUTED = [
    refute(
        "every target measured, every non-target evaluated, no new lesion: the recorded PD is set aside",
        "The list is complete and shows SD (70 of 70).",
        stands=False,
    ),
    refute("new lesions are not spoken of", "A new lesion that is not listed may be the reason of the PD.", new=""),
    refute(
        "the non-target was not assessed",
        "SD follows by table 1, but the non-target may be the reason.",
        N1="not_assessed",
    ),
    refute("the non-target has no record", "The non-target may be the reason of the PD.", N1=""),
    refute("a target was not assessed", "The lung target may be the reason of the PD.", T2="not_assessed"),
    refute("a target has no record", "The lung target may be the reason of the PD.", T2=""),
    refute("a target is present without a size", "Whether it has grown is not known.", T2="present"),
    refute(
        "a target that is too small to measure is measured",
        "It counts 5 mm: 55 against 70, SD; the list is complete.",
        T2="too_small",
        stands=False,
    ),
]

REFUTED_BY_NUMBERS = [
    Patient(
        name="a list of which every target is measured refutes also beside a sum",
        why="The sum of 70 is that of the list; every target is measured, the non-target evaluated, no lesion new.",
        grid=REFUTING.format(**{**COMPLETE, "response": "SD"}).rstrip()
        + """
            | sum         |            |       | 70         | 70        |
            | = is_recorded_set_aside |    |       |            | true      |
        """,
        subject=SET_ASIDE,
    ),
    Patient(
        name="a list of non-targets alone refutes nothing where a sum says that there are targets",
        why="Which targets make the sum of 70 and whether each was measured is not known.",
        grid="""
            |             | role       | organ | 0: day -10 | 1: day 45 |
            | N1          | non_target | bone  | present    | present   |
            | sum         |            |       | 70         | 70        |
            | new lesion? |            |       |            | no        |
            | recorded    |            |       |            | PD        |
            | = response  |            |       |            | PD        |
        """,
        subject=STANDS,
    ),
    Patient(
        name="a list of non-targets alone refutes where the reader has no targets",
        why="The bone lesion is evaluated and not in progression, no lesion is new.",
        grid="""
            |             | role       | organ | 0: day -10 | 1: day 45 |
            | N1          | non_target | bone  | present    | present   |
            | new lesion? |            |       |            | no        |
            | recorded    |            |       |            | PD        |
            | = response  |            |       |            | SD        |
        """,
        subject=SET_ASIDE,
    ),
    Patient(
        name="where the targets are all lesions there are, they alone refute a recorded PD",
        why="One liver lesion, one metastasis, both targets and measured, no new lesion: nothing is left that could have grown.",
        edits=EVERY_LESION_LISTED,
        grid="""
            |             | role   | organ | 0: day -10 | 1: day 45 |
            | T1          | target | liver | 50         | 50        |
            | T2          | target | lung  | 20         | 20        |
            | new lesion? |        |       |            | no        |
            | recorded    |        |       |            | PD        |
            | = response  |        |       |            | SD        |
        """,
        subject=SET_ASIDE,
    ),
    Patient(
        name="a list of targets alone cannot refute a recorded PD",
        why="Ten lesions, two of them listed: one of the others may have grown.",
        grid="""
            |                    | role   | organ | 0: day -10 | 1: day 45 |
            | T1                 | target | liver | 50         | 50        |
            | T2                 | target | lung  | 20         | 20        |
            | new lesion?        |        |       |            | no        |
            | recorded           |        |       |            | PD        |
            | = target_response  |        |       |            | SD        |
            | = derived_response |        |       |            | none      |
            | = response         |        |       |            | PD        |
        """,
        subject=STANDS,
    ),
    Patient(
        name="nor can a sum",
        why="The sum is stable; what was not measured may have grown.",
        grid="""
            |                   | role | organ | 0: day -10 | 1: day 45 |
            | sum               |      |       | 70         | 70        |
            | new lesion?       |      |       |            | no        |
            | recorded          |      |       |            | PD        |
            | = target_response |      |       |            | SD        |
            | = response        |      |       |            | PD        |
        """,
        subject=STANDS,
    ),
    Patient(
        name="the hospital's word that it lists every new lesion stands for the flag",
        why="Complete but for the flag, and the hospital lists every new lesion: the recorded PD is set aside.",
        lists_every_new_lesion=True,
        grid=REFUTING.format(**{**COMPLETE, "new": "", "response": "SD"}),
        subject=SET_ASIDE,
    ),
]


@pytest.mark.parametrize("patient", PATIENTS, ids=name_patient)
def test_the_response_that_counts_and_on_what_it_rests(patient):
    assert_follows(patient)


@pytest.mark.parametrize("patient", REFUTED + REFUTED_BY_NUMBERS, ids=name_patient)
def test_what_sets_a_recorded_progression_aside(patient):
    assert_follows(patient)
