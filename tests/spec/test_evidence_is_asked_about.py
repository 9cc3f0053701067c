"""What the protocol's part on evidence calls "asked", each as a pair: a patient, and his twin who differs in one cell.

How to read a patient: tests/lesion_histories.py. `{}` is the cell in which the two differ. Somebody is asked about the first when
a rule of the tables lesion, response, procedure, outcome or subject fails for him that does not fail for the twin.
"""

from dataclasses import dataclass

import pytest
from asked_rules import find_asked
from lesion_histories import Patient, derive_tables


@dataclass(frozen=True)
class Pair:
    """A sentence, and what stands in the place of `{}` in the grid and the edits: in the patient, and in his twin."""

    name: str
    patient: str
    twin: str
    grid: str
    edits: str = ""


COMPLETE_PR = """
    |             | role       | organ | 0: day -10 | 1: day 45 |
    | T1          | target     | liver | 50         | 30        |
    | N1          | non_target | bone  | present    | present   |
    | new lesion? |            |       |            | no        |
    | recorded    |            |       |            | {}        |
"""
NOT_ASSESSED = """
    |             | role       | organ | 0: day -10 | 1: day 45    |
    | T1          | target     | liver | 50         | 30           |
    | T2          | target     | lung  | 20         | not_assessed |
    | N1          | non_target | bone  | present    | present      |
    | new lesion? |            |       |            | no           |
    | recorded    |            |       |            | {}           |
"""
COMPLETE_SD = """
    |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
    | T1          | target     | liver | 50         | 50        | 50         |
    | N1          | non_target | bone  | present    | present   | present    |
    | new lesion? |            |       |            | no        | no         |
    | recorded    |            |       |            | SD        | {}         |
"""
STABLE = COMPLETE_SD.format("SD")
FIRST_IMAGED_LATER = """
    |          | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
    | T1       | target     | liver | 50         | 50        | 50         |
    | L2       | {role:<10} | lung  | {{}}         | 20        | 20         |
    | recorded |            |       |            | SD        | SD         |
"""
LAST_IMAGED_EARLIER = """
    |          | role   | organ | 0: day -43 | 1: day -10 | 2: day 45 |
    | T1       | target | liver | 50         | 50         | 50        |
    | T2       | target | lung  | 20         | {}         | 20        |
    | recorded |        |       |            |            | SD        |
"""
RESECTED = """
    |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
    | T1          | target     | liver | 50         | 30        | absent     |
    | T2          | target     | lung  | 20         | 20        | 20         |
    | N1          | non_target | bone  | present    | present   | present    |
    | new lesion? |            |       |            | no        | no         |
    | recorded    |            |       |            | SD        | {}         |
"""
ABLATED = "procedure[1].procedure_number=1; procedure[1].procedure=ablation; procedure[1].procedure_date=day 80; procedure[1].lesion_id={}"
RESECTION = "procedure[1].procedure_number=1; procedure[1].procedure=resection; procedure[1].procedure_date=day 80; procedure[1].lesion_id=T1"
SHRINKS = """
    |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
    | T1          | target     | liver | 50         | 30        | 22         |
    | T2          | target     | lung  | 20         | 20        | 20         |
    | N1          | non_target | bone  | present    | present   | present    |
    | new lesion? |            |       |            | no        | no         |
    | recorded    |            |       |            | SD        | PR         |
"""
"""70, 50 and 42 mm: SD and PR. At visit 2 no target is 30 % smaller than at visit 1, so an unnamed procedure touches none."""
ASKED = [
    Pair("SD is recorded, a complete list shows PR", "SD", "PR", COMPLETE_PR),
    Pair("CR is recorded, a complete list shows PR", "CR", "PR", COMPLETE_PR),
    Pair("NE is recorded, a complete list of which every target was assessed shows PR", "NE", "PR", COMPLETE_PR),
    Pair("PD is recorded, a complete list shows PR", "PD", "PR", COMPLETE_PR),
    Pair("PR is recorded, a target was not assessed", "PR", "NE", NOT_ASSESSED),
    Pair("SD is recorded, a target was not assessed", "SD", "NE", NOT_ASSESSED),
    Pair("PD is recorded, a complete list shows SD", "PD", "SD", COMPLETE_SD),
    Pair(
        "SD is recorded, the target shows PD",
        "SD",
        "PD",
        """
            |          | role   | organ | 0: day -10 | 1: day 45 |
            | T1       | target | liver | 50         | 70        |
            | recorded |        |       |            | {}        |
        """,
    ),
    Pair(
        "NE is recorded, the target shows PD",
        "NE",
        "PD",
        """
            |          | role   | organ | 0: day -10 | 1: day 45 |
            | T1       | target | liver | 50         | 70        |
            | recorded |        |       |            | {}        |
        """,
    ),
    Pair(
        "the next complete list denies the outcome's progression",
        "outcome.has_progressed=true; outcome.progression_date=day 60",
        "outcome.has_progressed=false",
        STABLE,
        edits="{}",
    ),
    Pair(
        "a progression on day 0",
        "day 0",
        "day 101",
        """
            |          | role | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | recorded |      |       |            | SD        | PD         |
        """,
        edits="outcome.has_progressed=true; outcome.progression_date={}",
    ),
    Pair(
        "a recorded PD that a later visit takes back while therapy goes on",
        "SD",
        "PD",
        """
            |          | role | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | recorded |      |       |            | PD        | {}         |
        """,
        edits="treatment[1].end_date=; treatment[1].stop_reason=",
    ),
    Pair("a target that is first imaged after the start", "", "20", FIRST_IMAGED_LATER.format(role="target")),
    Pair("a non-target that is first imaged after the start", "", "20", FIRST_IMAGED_LATER.format(role="non_target")),
    Pair("a target that was last imaged 43 days before the start", "", "20", LAST_IMAGED_EARLIER),
    Pair(
        "a target that has merged with a non-target",
        "merged >T1",
        "present",
        """
            |             | role       | organ | 0: day -10 | 1: day 45 |
            | T1          | target     | liver | 50         | 50        |
            | N1          | non_target | liver | present    | {}        |
            | new lesion? |            |       |            | no        |
            | recorded    |            |       |            | SD        |
        """,
    ),
    Pair("an ablation without a named lesion before a recorded PR", "", "N1", SHRINKS, edits=ABLATED),
    Pair("PR is recorded where a target was resected", "PR", "NE", RESECTED, edits=RESECTION),
]

NOT_ASKED = [
    Pair("NE is recorded where a target was resected", "NE", "", RESECTED, edits=RESECTION),
    Pair("an ablation without a named lesion before a recorded SD", "", "N1", STABLE, edits=ABLATED),
    Pair(
        "PR is recorded where the sum has drifted back to -29 %",
        "PR",
        "SD",
        """
            |             | role       | organ | 0: day -10 | 1: day 45 | 2: day 101 |
            | T1          | target     | liver | 100        | 60        | 71         |
            | N1          | non_target | bone  | present    | present   | present    |
            | new lesion? |            |       |            | no        | no         |
            | recorded    |            |       |            | PR        | {}         |
        """,
    ),
    Pair("NE is recorded where a target was not assessed", "NE", "", NOT_ASSESSED),
]


def find_difference(pair: Pair) -> set[str]:
    asked, agreed = (
        find_asked(
            *derive_tables(Patient(pair.name, "", pair.grid.replace("{}", cell), pair.edits.replace("{}", cell)))
        )
        for cell in (pair.patient, pair.twin)
    )
    return asked - agreed


@pytest.mark.parametrize("pair", ASKED, ids=lambda pair: pair.name)
def test_somebody_is_asked(pair):
    assert find_difference(pair)


@pytest.mark.parametrize("pair", NOT_ASKED, ids=lambda pair: pair.name)
def test_nobody_is_asked(pair):
    assert not find_difference(pair)
