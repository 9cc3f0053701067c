"""Brings a record together that stands in several rows of its patient, as in a REDCap export with one row per event.

What a row says of a table with one record per patient is one record with what the patient's other rows say of it, as long as no two of
them contradict each other. Where they do, the rows stay apart and are asked about, unless the mapping says that the last one counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from etl.delivery.read import ROW
from etl.mapping.accounts import UNTICKED
from etl.mapping.parse import MISSING, MISSING_TEXTS, clean_text
from etl.mapping.site import ColumnMap, normalise_code

JOINED, LAST = "joined", "last"
CHECK_BOX = ("___", "(choice=")
"""What divides field and choice in the name of a column that REDCap makes of a check box: `organs___1`, `Organs (choice=Lung)`."""
EVENT_NAMES = ("redcap_event_name", "Event Name")
REPEAT_INSTRUMENTS = ("redcap_repeat_instrument", "Repeat Instrument")
REPEAT_INSTANCES = ("redcap_repeat_instance", "Repeat Instance")
OF_EVERY_ROW = (*EVENT_NAMES, *REPEAT_INSTRUMENTS, *REPEAT_INSTANCES)
OTHER_KEYS = ("redcap_data_access_group", "redcap_survey_identifier", "Data Access Group", "Survey Identifier")
"""The names, raw and labelled, of the columns by which REDCap tells the rows of a record apart, or says where they come from."""
STATE_OF_FORM = re.compile(r"^(?:.+_complete|Complete\?(?: \(\d+\))?)$")
"""The name of the column behind a form's last field, in which REDCap keeps how far the form is filled in."""
_BEGUN = ("1", "2", "unverified", "complete")
_UNOPENED = ("0", "unchecked")
CELL_ROWS = {
    "table_name": pl.String, "source_file": pl.String, "source_sheet": pl.String, ROW: pl.Int64, "_group": pl.Int64,
    "field": pl.String, "cell_row": pl.Int64,
}  # fmt: skip
Codes = Mapping[tuple[str, str], Mapping[str, str]]


def is_filled(column: str) -> pl.Expr:
    """Return whether a cell says that somebody filled in its row: an unticked box is written in rows that nobody opened."""
    text = pl.col(column)
    if not any(mark in column for mark in CHECK_BOX):
        return text.is_not_null()
    return text.is_not_null() & ~text.str.strip_chars().str.to_lowercase().is_in(UNTICKED)


def is_form_filled(box: str, header: Sequence[str], keys: Collection[str]) -> pl.Expr:
    """Return whether the form of a check box was filled in in a row, so that a box that is not ticked says something.

    The form of REDCap is what stands between two columns of states: it was filled in where its state says so, or where one of its other
    fields is filled; `keys`, columns that every row fills, are none of them. Where an export has no states nothing is known.
    """
    ends = [place for place, name in enumerate(header) if STATE_OF_FORM.match(name)]
    place = header.index(box) if box in header else len(header)
    end = next((e for e in ends if e > place), None)
    if end is None:
        return pl.lit(value=False)
    start = max((e + 1 for e in ends if e < place), default=0)
    every = {*keys, *OF_EVERY_ROW, *OTHER_KEYS}
    fields = [n for n in header[start:end] if n not in every and not any(mark in n for mark in CHECK_BOX)]
    state = pl.col(header[end]).str.strip_chars().str.to_lowercase().is_in(_BEGUN)
    said = [
        (pl.col(name).is_not_null() & ~pl.col(name).str.strip_chars().str.to_lowercase().is_in(_UNOPENED))
        for name in fields
    ]
    return pl.any_horizontal([state, *said]).fill_null(value=False)


def pick_filled(rows: pl.DataFrame, group: Sequence[ColumnMap]) -> pl.DataFrame:
    """Keep the rows that fill a cell of a record; every row tells of its patient that there is one."""
    if group[0].table == "patient":
        return rows
    return rows.filter(pl.any_horizontal([is_filled(c.column) for c in group]))


@dataclass(frozen=True)
class Joined:
    """Records after the rows of a patient were joined, and the row of each cell that stands in another row than its record."""

    records: pl.DataFrame
    cell_rows: pl.DataFrame


def join_rows(
    records: pl.DataFrame, table: str, fields: Sequence[str], patient: str, codes: Codes, *, takes_last: bool
) -> Joined:
    """Join the text records of each patient (column `patient`) in `fields`; `<field>__unit` goes with its value.

    A text that says nothing contradicts nothing. Records of a patient who is not named stay as they are.
    """
    numbered = records.with_row_index("_n")
    said = [_say(numbered, name, codes.get((table, name), {})).alias(f"_said {name}") for name in fields]
    known = numbered.with_columns(said).with_columns(
        pl.any_horizontal([pl.col(s.name).is_not_null() for s in said]).alias("_says"),
        (pl.col(patient).is_not_null() & (pl.len().over(patient) > 1)).alias("_several"),
    )
    several = known.filter("_several")
    if several.is_empty():
        return Joined(records, pl.DataFrame(schema=CELL_ROWS))
    is_clear = pl.all_horizontal([pl.col(s.name).drop_nulls().n_unique() <= 1 for s in said])
    clear = several.group_by(patient, maintain_order=True).agg(is_clear.alias("_is_clear"))
    several = several.join(clear, on=patient, how="left", maintain_order="left")
    joins = several if takes_last else several.filter("_is_clear")
    apart = several.join(joins, on="_n", how="anti", maintain_order="left").filter("_says")
    made, cell_rows = _join(joins, table, fields, patient, takes_last=takes_last)
    together = pl.concat([known.filter(~pl.col("_several")), apart, made], how="diagonal").sort("_n")
    return Joined(together.select(records.columns), cell_rows)


def _say(records: pl.DataFrame, name: str, codes: Mapping[str, str]) -> pl.Series:
    """Return what each text of a field says, null where it says nothing."""
    nothing = [*MISSING_TEXTS, *(code for code, value in codes.items() if value == MISSING)]
    texts = clean_text(records[name]).to_frame("t")
    folded = texts.select(pl.col("t").map_elements(normalise_code, return_dtype=pl.String))
    return folded.select(pl.when(~pl.col("t").is_in(nothing)).then("t")).to_series()


def _join(
    joins: pl.DataFrame, table: str, fields: Sequence[str], patient: str, *, takes_last: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return one record per patient and the rows of its cells that stand elsewhere than the record, which stands in the first row that says something."""
    rest = [name for name in joins.columns if name not in (patient, *fields) and not name.startswith("_said ")]

    def pick(name: str, field: str) -> pl.Expr:
        says = pl.col(name).filter(pl.col(f"_said {field}").is_not_null())
        any_text = pl.col(name).filter(pl.col(field).is_not_null())
        chosen = (says.last(), any_text.last()) if takes_last else (says.first(), any_text.first())
        return pl.coalesce(*chosen)

    own = [
        pl.coalesce(pl.col(n).filter("_says").first(), pl.col(n).first()).alias(n) for n in rest if "__unit" not in n
    ]
    units = [pick(n, n.removesuffix("__unit")).alias(n) for n in rest if "__unit" in n]
    values = [pick(name, name).alias(name) for name in fields]
    rows = [pick(ROW, name).alias(f"_row {name}") for name in fields]
    made = joins.group_by(patient, maintain_order=True).agg(*own, *units, *values, *rows)
    places = ["source_file", "source_sheet", ROW, "_group"]
    cells = [
        made.filter(pl.col(f"_row {name}") != pl.col(ROW)).select(
            pl.lit(table).alias("table_name"),
            *places,
            pl.lit(name).alias("field"),
            pl.col(f"_row {name}").alias("cell_row"),
        )
        for name in fields
    ]
    return made, pl.concat([pl.DataFrame(schema=CELL_ROWS), *cells], how="vertical_relaxed")
