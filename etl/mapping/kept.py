"""Records as texts that can be read again: of a hospital that sends additions, what earlier deliveries brought.

A delivery that is an addition holds some of the hospital's patients, or some of its tables. Its version is the last version's records and
its own: of a patient and table that it sends, its records replace the earlier ones; all others are carried over. They are
kept as masked texts, pseudonymised, and read and judged again with every version, by the mapping's codes of that day. How their
files were written is kept with them, for a text alone does not tell whether its comma is a decimal sign; whether a hospital knows
no more than a month is asked of the mapping of that day.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from etl.delivery.read import ROW
from etl.mapping.identity import PseudonymKey
from etl.mapping.kept_frame import KeptFrame
from etl.mapping.masking import OwnTexts
from etl.mapping.parse import UNREADABLE
from etl.mapping.patient_numbers import read_patient_ids
from etl.mapping.patient_rows import CELL_ROWS
from etl.mapping.records import FAULTS, PERSON_ID, PERSONAL, RECORD, TypedRecords, type_records
from etl.mapping.site import Site
from etl.mapping.verbs import GROUP, PATIENT_TEXT, PERSON_TEXT, WRITTEN_SUFFIX, Mapped
from etl.mapping.written import Written, restate_months
from schemas.bookkeeping import KEPT_RECORD
from schemas.column import read_dtypes
from schemas.contract import read_contract
from schemas.tables import TABLES

SCHEMA = {**read_dtypes(KEPT_RECORD), "delivery": pl.String}
SENT = {"table_name": pl.String, "patient_id": pl.String}
_PERSON = (PERSON_ID, "birth_date_is_of_national_id", "sex_is_of_national_id")
_RECORDS_PLACE = ["source_file", "source_sheet", ROW, GROUP]
_PLACE = ("source_file", "source_sheet", ROW, "source_column")
ROW_OF_DELIVERY = ["delivery", "source_file", "source_sheet", ROW]
_BROUGHT = ("brought_by", "delivery", "day")
"""What tells the deliveries of kept records apart: two may bear one name."""


class _AlreadyPseudonyms(PseudonymKey):
    """Stands in for the key where the numbers are pseudonyms already."""

    def pseudonym(self, *parts: str) -> str:
        """Return the pseudonym itself."""
        return parts[-1]


def keep_records(records: Mapping[str, TypedRecords], mapped: Mapped, delivery: str, day: dt.date) -> pl.DataFrame:
    """Return the records of a delivery as texts (`SCHEMA`); `day` is the last that it can tell of, `mapped` holds the texts they were read from."""
    kept = [pl.DataFrame(schema=SCHEMA)]
    columns = _list_columns(mapped.group_columns)
    for name, table in records.items():
        frame, mapped_texts = table.frame, mapped.records[name]
        personal: dict[int, dict[str, str]] = {}
        for n, field, kinds in table.personal.sort(RECORD, "field").iter_rows():
            personal.setdefault(n, {})[field] = kinds
        unread = set(table.faults.filter(field=PERSON_ID, kind=UNREADABLE)[RECORD])
        written = mapped_texts.select(column for column in mapped_texts.columns if column.endswith(WRITTEN_SUFFIX))
        texts = table.raw.read().hstack(written)
        told = frame.select(
            pl.lit(name).alias("table_name"),
            "patient_id",
            *(pl.col(c) if c in frame.columns else pl.lit(None, dtype=SCHEMA[c]).alias(c) for c in _PERSON),
            person_is_unreadable=pl.col(RECORD).is_in(sorted(unread)),
        ).with_columns(
            *(frame[c] for c in _PLACE),
            pl.Series("texts", [_print(row) for row in texts.iter_rows(named=True)], dtype=pl.String),
            frame[GROUP].replace_strict(columns, default="{}", return_dtype=pl.String).alias("columns"),
            _list_cell_rows(frame, mapped.cell_rows.filter(table_name=name)),
            pl.Series("personal", [_print(personal.get(n)) for n in frame[RECORD]], dtype=pl.String),
            pl.lit(day).alias("day"),
            pl.lit(None, dtype=pl.Int64).alias("brought_by"),
            pl.lit(delivery).alias("delivery"),
        )
        kept.append(told.select(pl.col(c).cast(dtype) for c, dtype in SCHEMA.items()))
    return pl.concat(kept)


def _print(told: object) -> str:
    present = {k: v for k, v in told.items() if v is not None} if isinstance(told, dict) else told or []
    return json.dumps(present, ensure_ascii=False)


def _list_columns(group_columns: pl.DataFrame) -> dict[int, str]:
    """Return of each group of records the hospital's column behind each field, as JSON."""
    found: dict[int, dict[str, str]] = {}
    for group, name, column in group_columns.select(GROUP, "field", "source_column").iter_rows():
        found.setdefault(group, {}).setdefault(name, column)
    return {group: json.dumps(columns, ensure_ascii=False) for group, columns in found.items()}


def _list_cell_rows(frame: pl.DataFrame, cell_rows: pl.DataFrame) -> pl.Series:
    """Return of each record the rows of its cells that stand elsewhere, as JSON."""
    found: dict[tuple[object, ...], dict[str, int]] = {}
    for *place, name, row in cell_rows.select(*_RECORDS_PLACE, "field", "cell_row").iter_rows():
        found.setdefault(tuple(place), {})[name] = row
    printed = [json.dumps(found.get(place, {})) for place in frame.select(_RECORDS_PLACE).iter_rows()]
    return pl.Series("cell_rows", printed, dtype=pl.String)


def list_sent(mapped: Mapped, site: Site, key: PseudonymKey) -> pl.DataFrame:
    """Return the patients and tables that a delivery sends (`SENT`), also where a patient has no record of a table in it any more."""
    ids = read_patient_ids(mapped.sent[PATIENT_TEXT], key, site.hospital)
    return mapped.sent.select("table_name", ids.alias("patient_id")).drop_nulls().unique(maintain_order=True)


def leave_out_untold(mapped: Mapped, sent: pl.DataFrame, base: pl.DataFrame, site: Site, key: PseudonymKey) -> Mapped:
    """Leave out records that say nothing, made only since a row names their patient, where the version before has some to say more."""
    told_before = base.select(list(SENT)).unique().join(sent, on=list(SENT), how="anti")
    records = {}
    for name, texts in mapped.records.items():
        ids = read_patient_ids(texts[PATIENT_TEXT], key, site.hospital)
        is_told_before = ids.is_in(told_before.filter(table_name=name)["patient_id"].implode())
        records[name] = texts.filter(~is_told_before.fill_null(value=False))
    return replace(mapped, records=records)


def carry_over(base: pl.DataFrame, sent: pl.DataFrame) -> pl.DataFrame:
    """Return of the kept records of the version before those that a delivery does not replace."""
    return base.join(sent, on=list(SENT), how="anti", maintain_order="left")


def list_rows(kept: pl.DataFrame) -> pl.DataFrame:
    """Return the rows in which kept records and their cells stand (`ROW_OF_DELIVERY`), each once."""
    elsewhere = [
        (*place, row)
        for *place, told in kept.select(*ROW_OF_DELIVERY[:-1], "cell_rows").iter_rows()
        for row in json.loads(told or "{}").values()
    ]
    records = kept.select(ROW_OF_DELIVERY)
    return pl.concat([records, pl.DataFrame(elsewhere, schema=records.schema, orient="row")]).unique()


def add_kept(
    records: Mapping[str, TypedRecords], mapped: Mapped, kept: pl.DataFrame, site: Site
) -> tuple[dict[str, TypedRecords], Mapped]:
    """Return a delivery's records with those that were kept (`SCHEMA`), and what mapping made of both."""
    parts = {name: [table] for name, table in records.items()}
    groups, cell_rows = [mapped.group_columns], [mapped.cell_rows]
    last = max([0, *(group for table in records.values() for group in table.frame[GROUP].unique())])
    for (_, delivery, day), part in kept.group_by(*_BROUGHT, maintain_order=True):
        numbered = _number_groups(part, last)
        last = max(numbered[GROUP])
        groups.append(_list_group_columns(numbered))
        cell_rows.append(_read_cell_rows(numbered))
        for name in TABLES:
            own = numbered.filter(table_name=name)
            if own.height:
                parts[name].append(_read_again(own, name, site, str(delivery), day))
    whole = replace(mapped, group_columns=pl.concat(groups), cell_rows=pl.concat(cell_rows))
    return {name: _stack(tables) for name, tables in parts.items()}, whole


def _number_groups(kept: pl.DataFrame, last: int) -> pl.DataFrame:
    """Return kept records with the number of their group, from `last` + 1 on: one for those of the same columns."""
    distinct = kept.select("columns").unique(maintain_order=True).with_row_index(GROUP, offset=last + 1)
    return kept.join(distinct.with_columns(pl.col(GROUP).cast(pl.Int64)), on="columns", maintain_order="left")


def _list_group_columns(numbered: pl.DataFrame) -> pl.DataFrame:
    lines = [
        (group, name, column)
        for group, columns in numbered.select(GROUP, "columns").unique(maintain_order=True).iter_rows()
        for name, column in json.loads(columns).items()
    ]
    schema = {GROUP: pl.Int64, "field": pl.String, "source_column": pl.String}
    return pl.DataFrame(lines, schema=schema, orient="row")


def _read_cell_rows(numbered: pl.DataFrame) -> pl.DataFrame:
    lines = [
        (*place, name, row)
        for *place, told in numbered.select("table_name", *_RECORDS_PLACE, "cell_rows").iter_rows()
        for name, row in json.loads(told or "{}").items()
    ]
    return pl.DataFrame(lines, schema=CELL_ROWS, orient="row")


def _read_again(kept: pl.DataFrame, table: str, site: Site, delivery: str, day: object) -> TypedRecords:
    """Return typed records of a table's kept ones of one earlier delivery."""
    assert isinstance(day, dt.date)
    typed = type_records(
        table,
        TABLES[table],
        _to_texts(kept, table, site),
        site=site,
        delivery=delivery,
        last_day=day,
        key=_AlreadyPseudonyms(b""),
        own=OwnTexts(),
    )
    return _restore(typed, kept)


def _to_texts(kept: pl.DataFrame, table: str, site: Site) -> pl.DataFrame:
    """Return kept records as mapping makes them: provenance, the patient's pseudonym in place of the number, and the fields' texts."""
    rows = [json.loads(text) for text in kept["texts"]]
    stated = {text: _list_stated(json.loads(text), table, site) for text in kept["columns"].unique()}
    for row, columns in zip(rows, kept["columns"], strict=True):
        for name, words in stated[columns].items():
            row[name + WRITTEN_SUFFIX] = restate_months(row.get(name + WRITTEN_SUFFIX), words)
    names = list(dict.fromkeys([*read_contract(TABLES[table]), *(name for row in rows for name in row)]))
    fields = [pl.Series(name, [row.get(name) for row in rows], dtype=pl.String) for name in names]
    return kept.select(
        "source_file", "source_sheet", ROW, "source_column",
        pl.col("patient_id").alias(PATIENT_TEXT), pl.lit(None, dtype=pl.String).alias(PERSON_TEXT), GROUP,
    ).with_columns(fields)  # fmt: skip


def _list_stated(columns: Mapping[str, str], table: str, site: Site) -> dict[str, frozenset[Written]]:
    """Return of the date fields of a record what today's mapping says of how their columns are written, where it is one and knows them."""
    lines = [(c, c.written or source.written) for source in site.sources for c in site.columns_of(source)]
    stated: dict[str, frozenset[Written]] = {}
    for name, spec in read_contract(TABLES[table]).items():
        said = {frozenset(w) for c, w in lines if (c.table, c.field, c.column) == (table, name, columns.get(name))}
        if spec.dtype == pl.Date and len(said) == 1:
            stated[name] = said.pop()
    return stated


def _restore(table: TypedRecords, kept: pl.DataFrame) -> TypedRecords:
    """Put back what no text tells any more: the person, and where personal data stood before it was masked."""
    personal = [
        (n, name, told.get(name, "") if isinstance(told, dict) else "")  # earlier versions told no kinds
        for n, told in enumerate(map(json.loads, kept["personal"]))
        for name in told
    ]
    told = replace(
        table,
        personal=pl.concat([table.personal, pl.DataFrame(personal, schema=PERSONAL, orient="row")]).unique(
            [RECORD, "field"], keep="last", maintain_order=True
        ),
    )
    if PERSON_ID not in table.frame.columns:
        return told
    unread = [n for n, is_unread in enumerate(kept["person_is_unreadable"]) if is_unread]
    faults = pl.DataFrame({RECORD: unread, "field": PERSON_ID, "kind": UNREADABLE}, schema_overrides={RECORD: pl.Int64})
    blank = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in FAULTS.items() if name not in faults.columns]
    return replace(
        told,
        frame=table.frame.with_columns(kept[name] for name in _PERSON),
        faults=pl.concat(
            [table.faults, faults.with_columns(blank).select(pl.col(n).cast(t) for n, t in FAULTS.items())]
        ),
    )


def _stack(tables: Sequence[TypedRecords]) -> TypedRecords:
    """Return the records of one table below each other, numbered anew."""
    starts = [sum(table.frame.height for table in tables[:i]) for i in range(len(tables))]
    frames = {
        name: pl.concat(
            [
                getattr(table, name).with_columns(pl.col(RECORD) + start)
                for table, start in zip(tables, starts, strict=True)
            ],
            how="diagonal",
        )
        for name in ("frame", "faults", "personal", "months", "confirmed")
    }
    raw = KeptFrame(pl.concat([table.raw.read() for table in tables], how="diagonal"))
    return TypedRecords(tables[0].table, raw=raw, **frames)
