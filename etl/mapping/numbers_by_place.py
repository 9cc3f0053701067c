"""The hospital's own patient numbers by their places, for its own use at home: nothing of this is stored."""

from __future__ import annotations

import polars as pl

from etl.delivery.read import ROW, Delivery
from etl.mapping.accounts import collect_own_texts, is_used
from etl.mapping.identifying_columns import protect_people
from etl.mapping.places import tell_places
from etl.mapping.sheets import choose_sheets
from etl.mapping.site import Site

NUMBER = "number"


def list_patient_numbers(delivery: Delivery, site: Site) -> pl.DataFrame:
    """Return source_file, source_sheet and source_row, as questions tell them, with the patient's `number` as the row has it.

    Only rows of which records are made have one, each different number of a row once: a cell of a row that was set aside may belong to
    another column. Null where the row names nobody.

    Raises:
        StructureError, DeliveryError: see `choose_sheets`.
    """
    sheets, _ = choose_sheets(delivery, site)
    site = protect_people(site, sheets)
    told = tell_places(delivery.grids, collect_own_texts(sheets, site))
    found = [
        pl.DataFrame(schema={"source_file": pl.String, "source_sheet": pl.String, ROW: pl.Int64, NUMBER: pl.String})
    ]
    for sheet in sheets:
        file, name = told[sheet.file, sheet.sheet]
        place = (pl.lit(file).alias("source_file"), pl.lit(name, dtype=pl.String).alias("source_sheet"), pl.col(ROW))
        for source in sheet.sources:
            used = sheet.rows.filter(is_used() & pl.col(f"_use_{source.name}"))
            found.append(used.select(*place, pl.col(site.patient_column(source)).str.strip_chars().alias(NUMBER)))
    return pl.concat(found).unique(maintain_order=True)
