"""Records written as mapping hands them over, and judged as an ingest judges them."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

import polars as pl

from etl.judging.validate import Validated, validate_delivery
from etl.judging.visits import number_records
from etl.mapping.accounts import CellAccounts, Landing
from etl.mapping.identity import PseudonymKey
from etl.mapping.masking import OwnTexts
from etl.mapping.records import type_delivery
from etl.mapping.site import Site
from etl.mapping.verbs import GROUP, Mapped

KEY = PseudonymKey(b"k" * 64)
LAST_DAY = dt.date(2022, 11, 20)
SITE = Site("clinic", "Clinic", "医院", (), (), ())
PLACE = {"source_file": pl.String, "source_sheet": pl.String, "source_row": pl.Int64, "source_column": pl.String}
CELLS = {**PLACE, "value": pl.String}


def wrap_texts(records: Mapping[str, pl.DataFrame], columns: Iterable[tuple[int, str, str]]) -> Mapped:
    """Tables of texts as a mapped delivery about which there is nothing else to tell; columns: group, field, source column."""
    boxes = {"table_name": pl.String, "field": pl.String, **CELLS}
    return Mapped(
        records=dict(records),
        group_columns=pl.DataFrame(
            sorted(columns), schema={GROUP: pl.Int64, "field": pl.String, "source_column": pl.String}, orient="row"
        ),
        row_accounts=pl.DataFrame(),
        cells=CellAccounts(0, {}, pl.DataFrame(schema=CELLS)),
        landing=Landing((), pl.DataFrame(schema={**CELLS, "kinds": pl.String})),
        own=OwnTexts(),
        filled_rows=0,
        unread_boxes=pl.DataFrame(schema=boxes),
        slipped=pl.DataFrame(schema=CELLS),
        odd_numbers=pl.DataFrame(schema=CELLS),
    )


def judge_mapped(
    mapped: Mapped,
    site: Site,
    last_day: dt.date = LAST_DAY,
    key: PseudonymKey = KEY,
    tables: Collection[str] | None = None,
) -> Validated:
    """Judge a delivery in which the hospital sends the given tables, those of its mapping unless they are told."""
    records = number_records(type_delivery(mapped, site, "d", last_day, key))
    sent = site.tables if tables is None else frozenset(tables)
    return validate_delivery(records, mapped, sent, lists_every_new_lesion=site.lists_every_new_lesion)
