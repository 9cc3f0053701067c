"""A column of units asks for a unit in every row, also where the hospital left the whole column empty."""

import datetime as dt

import clinic
import polars as pl
import pytest
from judged_delivery import judge_mapped

from etl.delivery.read import read_delivery
from etl.mapping.identity import PseudonymKey
from etl.mapping.read_site import load_site
from etl.mapping.verbs import map_delivery

LAST_DAY = dt.date(2022, 11, 20)
KEY = PseudonymKey(b"0123456789abcdef0123456789abcdef")


@pytest.mark.parametrize(("emptied", "asked"), [((), []), (("IU/mL",), [3]), (("IU/mL", "ng/mL"), [2, 3])])
def test_a_value_without_its_unit_is_set_aside(tmp_path, emptied, asked):
    labs = clinic.LABS
    for unit in emptied:
        labs = labs.replace(unit, "")
    clinic.write_site(tmp_path / "clinic")
    clinic.write_delivery(tmp_path / "extract", labs=labs)
    site = load_site(tmp_path / "clinic")
    validated = judge_mapped(map_delivery(read_delivery(tmp_path / "extract"), site), site, LAST_DAY, KEY)
    found = validated.findings.filter(pl.col("rule_id") == "laboratory.value.unit")
    assert sorted(found["source_row"]) == asked
