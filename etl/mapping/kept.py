"""Records as texts that can be read again: of a hospital that sends additions, what earlier deliveries brought.

A delivery that is an addition holds some of the hospital's patients, or some of its tables. Its version is the last version's records and
its own: of a patient and table that it sends, its records replace the earlier ones; all others are carried over. They are
kept as masked texts, pseudonymised, and read and judged again with every version, by the mapping's codes of that day.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from etl.delivery.read import ROW
from etl.mapping.identity import PseudonymKey, pseudonymise
from etl.mapping.masking import OwnTexts
from etl.mapping.parse import UNREADABLE, clean_text, drop_missing
from etl.mapping.records import FAULTS, PERSON_ID, RECORD, TypedRecords, type_delivery
from etl.mapping.site import Site
from etl.mapping.verbs import GROUP, PATIENT_TEXT, PERSON_TEXT, Mapped
from schemas.bookkeeping import KEPT_RECORD
from schemas.column import read_dtypes
from schemas.contract import read_contract
from schemas.tables import TABLES

SCHEMA = {**read_dtypes(KEPT_RECORD), "delivery": pl.String}
SENT = {"table_name": pl.String, "patient_id": pl.String}
_PERSON = (PERSON_ID, "birth_date_is_of_national_id", "sex_is_of_national_id")
_PLACE = ("source_file", "source_sheet", ROW, "source_column")


class _AlreadyPseudonyms(PseudonymKey):
    """Stands in for the key where the numbers are pseudonyms already."""

    def pseudonym(self, *parts: str) -> str:
        """Return the pseudonym itself."""
        return parts[-1]


def keep_records(records: Mapping[str, TypedRecords], mapped: Mapped, delivery: str, day: dt.date) -> pl.DataFrame:
    """Return the records of a delivery as texts (`SCHEMA`); `day` is the last that it can tell of."""
    kept = [pl.DataFrame(schema=SCHEMA)]
    columns = _list_columns(mapped.group_columns)
    for name, table in records.items():
        frame = table.frame
        personal = dict(table.personal.group_by(RECORD).agg(pl.col("field").sort()).iter_rows())
        unread = set(table.faults.filter(field=PERSON_ID, kind=UNREADABLE)[RECORD])
        texts = table.raw.drop(RECORD, PATIENT_TEXT, PERSON_TEXT, GROUP, *_PLACE)
        told = frame.select(
            pl.lit(name).alias("table_name"),
            "patient_id",
            *(pl.col(c) if c in frame.columns else pl.lit(None, dtype=SCHEMA[c]).alias(c) for c in _PERSON),
            person_is_unreadable=pl.col(RECORD).is_in(sorted(unread)),
        ).with_columns(
            *(frame[c] for c in _PLACE),
            pl.Series("texts", [_print(row) for row in texts.iter_rows(named=True)], dtype=pl.String),
            frame[GROUP].replace_strict(columns, default="{}", return_dtype=pl.String).alias("columns"),
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


def list_sent(mapped: Mapped, site: Site, key: PseudonymKey) -> pl.DataFrame:
    """Return the patients and tables that a delivery sends (`SENT`), also where a patient has no record of a table in it any more."""
    ids = pseudonymise(drop_missing(clean_text(mapped.sent[PATIENT_TEXT])), key, site.hospital)
    return mapped.sent.select("table_name", ids.alias("patient_id")).drop_nulls().unique(maintain_order=True)


def carry_over(base: pl.DataFrame, sent: pl.DataFrame) -> pl.DataFrame:
    """Return of the kept records of the version before those that a delivery does not replace."""
    return base.join(sent, on=list(SENT), how="anti", maintain_order="left")


def add_kept(
    records: Mapping[str, TypedRecords], mapped: Mapped, kept: pl.DataFrame, site: Site
) -> tuple[dict[str, TypedRecords], Mapped]:
    """Return a delivery's records with those that were kept (`SCHEMA`), and what mapping made of both."""
    parts = {name: [table] for name, table in records.items()}
    groups = [mapped.group_columns]
    for (delivery, day), part in kept.group_by("delivery", "day", maintain_order=True):
        numbered, own_groups = _number_groups(part, sum(frame[GROUP].n_unique() for frame in groups))
        groups.append(own_groups)
        for name, table in _read_again(numbered, own_groups, site, str(delivery), day).items():
            parts[name].append(table)
    whole = replace(mapped, group_columns=pl.concat(groups))
    return {name: _stack(tables) for name, tables in parts.items()}, whole


def _number_groups(kept: pl.DataFrame, last: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return kept records with the number of their group, from `last` + 1 on, and the groups' columns."""
    distinct = kept.select("columns").unique(maintain_order=True).with_row_index(GROUP, offset=last + 1)
    distinct = distinct.with_columns(pl.col(GROUP).cast(pl.Int64))
    lines = [
        (group, name, column) for group, columns in distinct.iter_rows() for name, column in json.loads(columns).items()
    ]
    schema = {GROUP: pl.Int64, "field": pl.String, "source_column": pl.String}
    return kept.join(distinct, on="columns", maintain_order="left"), pl.DataFrame(lines, schema=schema, orient="row")


def _read_again(
    kept: pl.DataFrame, groups: pl.DataFrame, site: Site, delivery: str, day: object
) -> dict[str, TypedRecords]:
    """Return typed records of the kept ones of one earlier delivery."""
    texts = {name: _to_texts(kept.filter(table_name=name), name) for name in TABLES}
    nothing = pl.DataFrame()
    mapped = Mapped(texts, groups, nothing, None, None, OwnTexts(), 0, nothing)  # type: ignore[arg-type]
    assert isinstance(day, dt.date)
    typed = type_delivery(mapped, site, delivery, day, _AlreadyPseudonyms(b""))
    return {name: _restore(table, kept.filter(table_name=name)) for name, table in typed.items()}


def _to_texts(kept: pl.DataFrame, table: str) -> pl.DataFrame:
    """Return kept records as mapping makes them: provenance, the patient's pseudonym in place of the number, and the fields' texts."""
    rows = [json.loads(text) for text in kept["texts"]]
    names = list(dict.fromkeys([*read_contract(TABLES[table]), *(name for row in rows for name in row)]))
    fields = [pl.Series(name, [row.get(name) for row in rows], dtype=pl.String) for name in names]
    return kept.select(
        "source_file", "source_sheet", ROW, "source_column",
        pl.col("patient_id").alias(PATIENT_TEXT), pl.lit(None, dtype=pl.String).alias(PERSON_TEXT), GROUP,
    ).with_columns(fields)  # fmt: skip


def _restore(table: TypedRecords, kept: pl.DataFrame) -> TypedRecords:
    """Put back what no text tells any more: the person, and where personal data stood before it was masked."""
    personal = [(n, name) for n, names in enumerate(kept["personal"]) for name in json.loads(names)]
    schema = {RECORD: pl.Int64, "field": pl.String}
    told = replace(
        table,
        personal=pl.concat([table.personal, pl.DataFrame(personal, schema=schema, orient="row")]).unique(
            maintain_order=True
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
        part.name: pl.concat(
            [
                getattr(table, part.name).with_columns(pl.col(RECORD) + start)
                for table, start in zip(tables, starts, strict=True)
            ],
            how="diagonal",
        )
        for part in dataclasses.fields(TypedRecords)
        if part.name != "table"
    }
    return replace(tables[0], **frames)
