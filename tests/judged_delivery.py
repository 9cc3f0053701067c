"""A mapped delivery judged as an ingest judges it."""

import datetime as dt

from etl.judging.validate import Validated, validate_delivery
from etl.judging.visits import number_records
from etl.mapping.identity import PseudonymKey
from etl.mapping.records import type_delivery
from etl.mapping.site import Site
from etl.mapping.verbs import Mapped

KEY = PseudonymKey(b"k" * 64)
LAST_DAY = dt.date(2022, 11, 20)


def judge_mapped(mapped: Mapped, site: Site, last_day: dt.date = LAST_DAY, key: PseudonymKey = KEY) -> Validated:
    records = number_records(type_delivery(mapped, site, "d", last_day, key))
    return validate_delivery(records, mapped, site.tables, lists_every_new_lesion=site.lists_every_new_lesion)
