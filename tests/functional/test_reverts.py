"""Going back and forth between a hospital's versions: what was withdrawn is never landed on again."""

import random

import clinic
import pytest

from etl.errors import UsageError
from etl.load import revert

STEPS = 14


@pytest.mark.parametrize("seed", [1, 2])
def test_a_revert_lands_on_what_stood_before(desk, seed):
    """Ingests and reverts in any order, against a stack: an ingest lays on top, a revert takes off."""
    draw = random.Random(seed)
    names = "abc"
    for i, name in enumerate(names):
        clinic.write_delivery(desk.extracts / name, labs=clinic.LABS.replace("3.9", f"3.{i + 5}"))
    standing: list[tuple[int, str]] = []
    number = 0
    for _ in range(STEPS):
        if standing and draw.random() < 0.5:
            if len(standing) == 1:
                with pytest.raises(UsageError, match="no earlier ingest"):
                    revert(desk.settings, "clinic")
            else:
                (top, _), (below, _) = standing.pop(), standing[-1]
                assert revert(desk.settings, "clinic") == (top, below)
        else:
            name = draw.choice([name for name in names if not standing or name != standing[-1][1]])
            number += 1
            assert desk.ingest(desk.extracts / name).ingest_id == number
            standing.append((number, name))
        ingests = desk.read("ingests").sort("ingest_id")
        assert ingests.filter("is_current")["ingest_id"].to_list() == [standing[-1][0]]
        assert ingests.filter(~ingests["is_withdrawn"])["ingest_id"].to_list() == [ingest for ingest, _ in standing]
