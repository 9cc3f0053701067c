"""Records that an addition carries over are, read again from what is kept of them, what they were. SYNTHETIC EXAMPLE DATA.

The oracle is the first reading of the same invented delivery, in whatever dialect its file was written.
"""

from dataclasses import replace
from unittest import mock

import pytest
from judged_delivery import KEY
from polars.testing import assert_frame_equal

from etl.delivery import apart, read
from etl.judging.validate import validate_delivery
from etl.judging.visits import number_records
from etl.mapping.kept import add_kept, keep_records
from etl.mapping.read_site import load_site
from etl.mapping.records import type_delivery
from etl.mapping.verbs import map_delivery
from world.delivery import write_delivery
from world.dialect import Dialect, draw_dialect
from world.registry import _read_here
from world.truth import EXTRACT_DAY

DRAWN = [(seed, dialect) for seed in range(18) if not (dialect := draw_dialect(seed)).is_refused]
CHOSEN = [
    Dialect(kind="xlsx", decimal="12,5", layout="sheets"),
    Dialect(decimal="12,5", date_form="05.03.2020"),
    Dialect(kind="xlsx", layout="redcap events", date_form="2020-03-05"),
]


def map_invented(folder, seed, dialect):
    written = write_delivery(folder, seed, dialect)
    site = load_site(written.site)
    with mock.patch.object(apart, "_run", _read_here):
        return map_delivery(read.read_delivery(written.path), site), site


def judge_first_and_again(mapped, site):
    first = type_delivery(mapped, site, "d", EXTRACT_DAY, KEY)
    kept = keep_records(first, mapped, "d", EXTRACT_DAY)
    nobody = {name: texts.clear() for name, texts in mapped.records.items()}
    empty = replace(
        mapped, records=nobody, group_columns=mapped.group_columns.clear(), cell_rows=mapped.cell_rows.clear()
    )
    again, told = add_kept(type_delivery(empty, site, "later", EXTRACT_DAY, KEY), empty, kept, site)
    first, again = number_records(first), number_records(again)
    return validate_delivery(first, mapped, site.tables), validate_delivery(again, told, site.tables)


@pytest.mark.parametrize(("seed", "dialect"), [*DRAWN, *enumerate(CHOSEN)])
def test_what_is_carried_over_is_read_as_it_was(tmp_path, seed, dialect):
    mapped, site = map_invented(tmp_path, seed, dialect)
    first, again = judge_first_and_again(mapped, site)
    assert first.records_made == again.records_made > 0
    for name, table in first.tables.items():
        assert_frame_equal(table, again.tables[name])
    for name, frame in first.derived.items():
        assert_frame_equal(frame, again.derived[name])
    for part in ("findings", "rule_outcomes", "quarantine", "completeness"):
        assert_frame_equal(getattr(first, part), getattr(again, part))
