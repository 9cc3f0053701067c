"""Contracts and rules: from mapped text records to accepted records, quarantine and findings.

Findings of the contract (type, code, unit, range, key, completeness) are made from the contracts' own fields as keyed
expressions; clinical rules come from `schemas/rules`. Pandera then validates what was accepted: a failure there is a
fault of the registry, never of a hospital.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

import pandera.errors
import polars as pl
from pandera.polars import DataFrameSchema

from etl.errors import InternalError
from etl.judging.book import FindingsBook
from etl.judging.confirm import list_confirmed
from etl.judging.contract import judge_cells, reject_by_key, reject_with_patient
from etl.judging.findings import (
    FAIL,
    ODD_NUMBER,
    PERSONAL_DATA_RULE,
    SHIFTED_ROW,
    STRAY_CELL,
    contract_message,
    make_findings,
    name_cell,
    personal_data_message,
)
from etl.judging.months import settle_months
from etl.judging.other_days import take_back_doubtful
from etl.judging.rules import judge_rules
from etl.judging.settled import select_tables, settle
from etl.judging.unasked import ask_for_the_rest
from etl.judging.witness import keep_witnessed
from etl.mapping.records import PERSON_ID, TypedRecords
from etl.mapping.verbs import Mapped
from etl.pages.text import Text
from schemas.bookkeeping import COMPLETENESS, QUARANTINE
from schemas.codes import Severity
from schemas.column import list_misfits, read_dtypes
from schemas.contract import read_contract
from schemas.contract import read_dtypes as read_contract_dtypes
from schemas.contract_checks import CELL_KINDS, SET_ASIDE_RULES
from schemas.derive import derive
from schemas.derived_columns import DERIVED_COLUMNS, MONTH_DATES
from schemas.tables import TABLES


@dataclass(frozen=True)
class Validated:
    """What validation made of a delivery: accepted tables, derived frames, and all that was found."""

    tables: Mapping[str, pl.DataFrame]
    derived: Mapping[str, pl.DataFrame]
    findings: pl.DataFrame
    rule_outcomes: pl.DataFrame
    quarantine: pl.DataFrame
    completeness: pl.DataFrame
    confirmed: pl.DataFrame
    records_made: int
    records_quarantined: int


def validate_delivery(
    records: dict[str, TypedRecords],
    mapped: Mapped,
    sent: Collection[str],
    carried: pl.DataFrame | None = None,
    *,
    lists_every_new_lesion: bool = False,
) -> Validated:
    """Judge every record of a version; `sent` are the tables that the hospital's mapping gives.

    `carried` are findings of the version before about cells of no record, whose rows are carried over.

    `records` is emptied on the way: those of a large hospital twice in memory would be too much.

    Raises:
        InternalError: the accepted records do not pass the contract, or the accounts do not balance.
    """
    book = FindingsBook(mapped.group_columns, mapped.cell_rows)
    records |= keep_witnessed(records)
    rejected = {name: reject_by_key(table, book) for name, table in records.items()}
    rejected = reject_with_patient(records, rejected, book)
    settled = {name: settle(records.pop(name), rejected[name]) for name in tuple(records)}
    for table in settled.values():
        judge_cells(table, book)
    settled, months = settle_months(settled)
    tables = select_tables(settled)
    hold_to_contracts(tables)
    derive_from = partial(derive, sent=sent, lists_every_new_lesion=lists_every_new_lesion)
    derived = derive_from(tables, months=months.select(*MONTH_DATES))
    _hold_to_declaration(derived)
    judge_rules(settled, derived, book)
    take_back_doubtful(settled, months, derive_from, book)
    ask_for_the_rest(settled, derived["subject"], book)
    book.findings += [*_judge_unmapped_cells(mapped), *([] if carried is None else [carried])]
    findings, rule_outcomes = book.close(settled)
    return Validated(
        tables=tables,
        derived=derived,
        findings=findings,
        rule_outcomes=rule_outcomes,
        quarantine=_make_quarantine(findings),
        completeness=count_filled(tables),
        confirmed=list_confirmed(settled, book),
        records_made=sum(table.height for table in settled.values()),
        records_quarantined=sum(table.rejected.height for table in settled.values()),
    )


def hold_to_contracts(tables: Mapping[str, pl.DataFrame]) -> None:
    """Let pandera check each table by its contract: the columns that can break more than their type, which is compared as a whole."""
    for name, frame in tables.items():
        if misfits := list_misfits(dict(frame.schema), read_contract_dtypes(TABLES[name])):
            raise InternalError(
                f"Accepted records of '{name}' are not as declared: {'; '.join(misfits)}. Nothing was loaded."
            )
        asked = frozenset(_list_breakable(TABLES[name].to_schema(), frame))
        try:
            # Pandera asks polars several times a column, of which the plain engine needs half the time.
            with pl.Config(engine_affinity="in-memory"):
                _select_columns(name, asked).validate(frame.select(sorted(asked)), lazy=True)
        except (pandera.errors.SchemaErrors, pandera.errors.SchemaError) as error:
            # The exception's own text holds rows, so only the failing columns and checks are told.
            cases = getattr(error, "failure_cases", None)
            where = sorted(set(cases.select("column", "check").rows())) if isinstance(cases, pl.DataFrame) else []
            raise InternalError(
                f"Accepted records of '{name}' do not pass their contract: {where}. Nothing was loaded."
            ) from None


def _list_breakable(schema: DataFrameSchema, frame: pl.DataFrame) -> Iterator[str]:
    """Yield the columns that lack a value they need, or have values and a check: any other keeps its contract."""
    n_null = frame.null_count().row(0, named=True) if frame.height else dict.fromkeys(frame.columns, 0)
    for name, column in schema.columns.items():
        needs_values = not column.nullable and (n_null[name] or frame.schema[name] == pl.Float64)
        if needs_values or (column.checks and n_null[name] < frame.height) or column.unique:
            yield name


@cache
def _select_columns(table: str, names: frozenset[str]) -> DataFrameSchema:
    """Return a table's schema with some of its columns alone."""
    schema = TABLES[table].to_schema()
    return schema.remove_columns([name for name in schema.columns if name not in names])


def _hold_to_declaration(derived: Mapping[str, pl.DataFrame]) -> None:
    for name, frame in derived.items():
        if misfits := list_misfits(dict(frame.schema), read_dtypes(DERIVED_COLUMNS[name])):
            raise InternalError(
                f"The derived frame '{name}' is not as it is declared: it {'; '.join(misfits)}. Nothing was loaded.",
                f"派生表“{name}”与声明不符：{'；'.join(misfits)}。未载入任何数据。",
            )


def _judge_unmapped_cells(mapped: Mapped) -> list[pl.DataFrame]:
    """Report cells that no column claims, unread checkboxes, and personal data in columns that the mapping ignores."""
    judged: list[tuple[str, pl.DataFrame, Text, str, str | None]] = [
        ("cell.stray", mapped.cells.strays, STRAY_CELL, "delivery", None),
        ("row.shifted", mapped.slipped, SHIFTED_ROW, "delivery", None),
        ("row.odd_number", mapped.odd_numbers, ODD_NUMBER, "delivery", None),
    ]
    for (kinds,), cells in mapped.landing.personal.group_by("kinds", maintain_order=True):
        judged.append((PERSONAL_DATA_RULE, cells, personal_data_message(str(kinds)), "delivery", None))
    for (table, name), cells in mapped.unread_boxes.group_by("table_name", "field", maintain_order=True):
        message = contract_message("code", read_contract(TABLES[str(table)])[str(name)])
        judged.append((f"{table}.{name}.code", cells, message, str(table), str(name)))
    return [
        make_findings(
            cells.with_columns(
                pl.lit(None, dtype=pl.String).alias("patient_id"),
                name_cell().alias("record_key"),
            ),
            rule_id=rule_id,
            severity=Severity.QUERY,
            table=table,
            field=name,
            message=message,
        )
        for rule_id, cells, message, table, name in judged
    ]


def _make_quarantine(findings: pl.DataFrame) -> pl.DataFrame:
    """Return what was set aside: whole records (`reject`, field null) and single cells, with the rule that did it."""
    kinds = "|".join(CELL_KINDS)
    is_cell = pl.col("rule_id").str.contains(rf"\.({kinds})$") | pl.col("rule_id").is_in(SET_ASIDE_RULES)
    is_record = pl.col("severity") == Severity.REJECT.value
    return findings.filter((is_cell | is_record) & (pl.col("outcome") == FAIL)).select(*QUARANTINE, "delivery")


def count_filled(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return how many records each table has and how many fill each field (`COMPLETENESS`)."""
    empty = {table: frame.null_count().row(0, named=True) for table, frame in tables.items()}
    lines = [
        (table, name, frame.height, frame.height - empty[table][name])
        for table, frame in tables.items()
        for name, spec in read_contract(TABLES[table]).items()
        if not spec.is_made or name == PERSON_ID
    ]
    return pl.DataFrame(lines, schema=read_dtypes(COMPLETENESS), orient="row")
