"""Where a slip of units can be seen at all: only there is its rule counted as asked."""

import pytest

from etl.mapping.units import can_slip
from schemas.contract import read_contract
from schemas.tables import TABLES


@pytest.mark.parametrize(
    ("table", "field", "units", "expected"),
    [
        ("lesion", "diameter_mm", ["mm"], False),  # plausible from 0 to 250 mm: 260 mm is not 260 cm
        ("lesion", "diameter_mm", ["cm"], True),  # 32 cm is 320 mm and may be 32 mm
        ("lesion", "diameter_mm", ["mm", "cm"], True),
        ("baseline", "tumour_size_cm", ["cm"], True),  # 86 cm may be 86 mm
        ("baseline", "tumour_size_cm", ["mm"], True),  # 4 mm is below 0.5 cm and may be 4 cm
        ("baseline", "body_weight_kg", ["kg"], True),  # 172 kg may be 172 jin
        ("baseline", "hvpg_mmhg", ["mmHg"], False),  # one unit is known
        ("baseline", "tumour_number", ["1"], False),
        ("patient", "birth_date", [], False),
    ],
)
def test_a_slip_can_be_seen_where_another_unit_makes_an_implausible_value_plausible(table, field, units, expected):
    assert can_slip(read_contract(TABLES[table])[field], units) is expected
