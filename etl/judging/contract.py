"""Findings of the contract, made from the contracts' own fields: keys, types, codes, units, ranges, completeness."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from etl.judging import second_responses
from etl.judging.book import FindingsBook
from etl.judging.findings import (
    PERSONAL_DATA_RULE,
    contract_message,
    personal_data_message,
    record_message,
    state_limits_in,
)
from etl.judging.settled import SettledRecords
from etl.mapping.records import PERSON_ID, RECORD, TypedRecords, find_implausible, join_contents
from etl.mapping.units import UNIT_SLIP, can_slip
from etl.mapping.verbs import GROUP, UNIT_SUFFIX
from schemas.codes import Severity
from schemas.contract import FieldContract, read_contract
from schemas.contract_checks import CELL_KINDS, can_be_found, find_severity
from schemas.quantity import describe_quantity, name_quantities
from schemas.tables import TABLES

IDENTITY = ["patient_id", "record_key"]


def reject_by_key(records: TypedRecords, book: FindingsBook) -> pl.DataFrame:
    """Reject records without a key, and all but one of identical copies or all of contradicting ones.

    Of two responses in one assessment one counts (`second_responses`).
    """
    table = records.table
    frame = records.frame.select(RECORD, *IDENTITY, "_has_key")
    missing = frame.filter(~pl.col("_has_key")).select(RECORD)
    keyed = frame.filter("_has_key")
    # By hash first: rows as a whole are compared only where there may be two.
    likely = keyed.filter(pl.struct(IDENTITY).hash().is_duplicated())
    copies = _compare_copies(records, likely)
    kinds = [("key.missing", missing, frame.height)]
    if table == second_responses.TABLE:
        superseded = second_responses.find_superseded(records, copies)
        kinds.append((second_responses.KIND, superseded, keyed.height))
        copies = copies.join(superseded, on=RECORD, how="anti", maintain_order="left")
    is_first = pl.col("is_first_copy")
    duplicate = copies.filter(~is_first | (is_first.sum().over(IDENTITY) > 1)).select(RECORD)
    kinds.append(("key.duplicate", duplicate, keyed.height))
    for kind, rows, n in kinds:
        rule_id = f"{table}.{kind}"
        book.add(
            table,
            rows[RECORD],
            rule_id=rule_id,
            severity=Severity.REJECT,
            field=None,
            message=record_message(kind, table),
        )
        book.count(rule_id, table, Severity.REJECT, n=n, n_fail=rows.height)
    return pl.concat([rows for _, rows, _ in kinds])


def _compare_copies(records: TypedRecords, likely: pl.DataFrame) -> pl.DataFrame:
    """Return the records that share a key with another one, and of each whether it is the first that says so (`is_first_copy`)."""
    copies = likely.filter(pl.struct(IDENTITY).is_duplicated())
    told = copies.with_columns(join_contents(records, copies[RECORD]))
    is_first = pl.int_range(pl.len()).over(*IDENTITY, "_text") == 0
    return told.with_columns(is_first_copy=is_first)


def reject_with_patient(
    records: Mapping[str, TypedRecords], rejected: Mapping[str, pl.DataFrame], book: FindingsBook
) -> dict[str, pl.DataFrame]:
    """Reject records whose patient was rejected (`parent`) or is not in the patient table (`patient.unknown`)."""
    patients = records["patient"].frame
    accepted = patients.join(rejected["patient"], on=RECORD, how="anti").select("patient_id")
    known = patients.filter(pl.col("_has_key")).select("patient_id").unique()
    result = {"patient": rejected["patient"]}
    for name, table in records.items():
        if name == "patient":
            continue
        own = table.frame.select(RECORD, "patient_id", "_has_key").filter("_has_key")
        if rejected[name].height:
            own = own.join(rejected[name], on=RECORD, how="anti")
        orphans = own.join(accepted, on="patient_id", how="anti")
        parent = unknown = orphans.select(RECORD)
        if orphans.height:
            parent = orphans.join(known, on="patient_id", how="semi").select(RECORD)
            unknown = orphans.join(known, on="patient_id", how="anti").select(RECORD)
        for kind, rows in (("parent", parent), ("patient.unknown", unknown)):
            rule_id = f"{name}.{kind}"
            book.add(
                name,
                rows[RECORD],
                rule_id=rule_id,
                severity=Severity.REJECT,
                field=None,
                message=record_message(kind, name),
            )
            book.count(rule_id, name, Severity.REJECT, n=own.height, n_fail=rows.height)
        result[name] = pl.concat([rejected[name], parent, unknown])
    return result


def judge_cells(records: SettledRecords, book: FindingsBook) -> None:
    """Report the cells that were set aside, unusual values, empty expected fields and personal data.

    A rule is counted where the hospital's mapping lets it fail: nothing is passed by a column that nobody sends.
    """
    mapped = book.list_mapped(records.groups)
    contract = {
        n: spec for n, spec in read_contract(TABLES[records.table]).items() if not spec.is_made or n == PERSON_ID
    }
    faults = records.faults.partition_by("field", "kind", as_dict=True, maintain_order=True)
    nothing = records.faults.clear()
    counts = _count_kept(contract, mapped, records, book)
    for name, spec in contract.items():
        for kind in CELL_KINDS:
            rows = faults.get((name, kind), nothing)
            if rows.height or (can_be_found(kind, spec) and _can_occur(kind, records, spec, mapped)):
                _report(kind, records, spec, rows, book, n=records.height)
        if implausible := counts.get((name, "implausible")):
            _report(
                "implausible",
                records,
                spec,
                implausible.rows,
                book,
                n=records.accepted.height,
                n_empty=implausible.n_other,
            )
        if missing := counts.get((name, "missing")):
            _report("missing", records, spec, missing.rows, book, n=missing.n_other)
    for (field, kinds), rows in records.personal.group_by("field", "kinds", maintain_order=True):
        book.add(
            records.table,
            rows[RECORD],
            rule_id=PERSONAL_DATA_RULE,
            severity=Severity.QUERY,
            field=str(field),
            message=personal_data_message(str(kinds)),
        )


@dataclass(frozen=True)
class _Kept:
    """Of the accepted records those that a rule is about (`_record`), and how many others it counts: the empty ones, or all asked."""

    rows: pl.DataFrame
    n_other: int


def _count_kept(
    contract: Mapping[str, FieldContract], mapped: Collection[str], records: SettledRecords, book: FindingsBook
) -> dict[tuple[str, str], _Kept]:
    """Find implausible values and empty expected fields, by field and kind, in one pass over the accepted records.

    A record is asked for a field where its source has a column for it and its cell was not set aside. A value that the hospital
    confirmed after it had been set aside is not asked about again.
    """
    asked: dict[tuple[str, str], tuple[pl.Expr, pl.Expr]] = {}
    set_aside, confirmed = (
        dict(cells.group_by("field").agg(RECORD).iter_rows()) for cells in (records.faults, records.confirmed)
    )
    for name, spec in contract.items():
        if name in mapped and can_be_found("implausible", spec):
            is_confirmed = pl.col(RECORD).is_in(confirmed.get(name, []))
            asked[name, "implausible"] = find_implausible(spec) & ~is_confirmed, pl.col(name).null_count()
        if name in mapped and spec.is_expected:
            is_asked = pl.col(GROUP).is_in(list(book.groups_of[name])) & ~pl.col(RECORD).is_in(set_aside.get(name, []))
            asked[name, "missing"] = is_asked & pl.col(name).is_null(), is_asked.sum()
    if not asked:
        return {}
    told = records.accepted.select(
        part
        for i, (hit, other) in enumerate(asked.values())
        for part in (pl.col(RECORD).filter(hit).implode().alias(f"rows {i}"), other.alias(f"other {i}"))
    )
    return {
        key: _Kept(told[f"rows {i}"].explode().drop_nulls().to_frame(RECORD), told[f"other {i}"][0])
        for i, key in enumerate(asked)
    }


def _report(
    kind: str,
    records: SettledRecords,
    spec: FieldContract,
    rows: pl.DataFrame,
    book: FindingsBook,
    *,
    n: int,
    n_empty: int = 0,
) -> None:
    rule_id, severity = f"{records.table}.{spec.name}.{kind}", find_severity(kind)
    for described, likely_unit, part in _split_by_message(records, spec, rows) if rows.height else ():
        can_be_confirmed = part["reading"].null_count() < part.height
        message = contract_message(kind, described, likely_unit, can_be_confirmed=can_be_confirmed)
        book.add(
            records.table,
            part[RECORD],
            rule_id=rule_id,
            severity=severity,
            field=spec.name,
            message=message,
            readings=part.select(RECORD, "reading"),
        )
    book.count(rule_id, records.table, severity, n=n, n_fail=rows.height, n_not_evaluable=n_empty)


def _split_by_message(
    records: SettledRecords, spec: FieldContract, rows: pl.DataFrame
) -> Iterator[tuple[FieldContract, str | None, pl.DataFrame]]:
    """Yield the rows with the quantity they are about and the unit they look like; those that can be confirmed and the others apart.

    A laboratory value is spoken of by its test; limits are those of the unit that the hospital sent.
    """
    nothing = pl.lit(None, dtype=pl.String).alias("likely_unit"), pl.lit(None, dtype=pl.Float64).alias("reading")
    places = rows[RECORD]
    named = records.pick(places, [spec.quantity_from]) if spec.quantity_from else rows
    told = rows.select(
        RECORD,
        *(("likely_unit", "reading") if "likely_unit" in rows.columns else nothing),
        quantity=name_quantities(spec, named),
        unit=records.read_texts(spec.name + UNIT_SUFFIX, places),
    )
    can_be_confirmed = pl.col("reading").is_not_null().alias("can_be_confirmed")
    parts = told.group_by("quantity", "unit", "likely_unit", can_be_confirmed, maintain_order=True)
    for (name, unit, likely_unit, _), part in parts:
        yield state_limits_in(describe_quantity(spec, name), unit), likely_unit, part


def _can_occur(kind: str, records: SettledRecords, spec: FieldContract, mapped: Collection[str]) -> bool:
    """Whether a kind of contract finding can occur with the columns and units that the hospital sends."""
    unit_column = spec.name + UNIT_SUFFIX
    if kind == "unit":
        return unit_column in mapped
    if kind == UNIT_SLIP and spec.quantity_from is None:
        has_units = unit_column in records.raw.columns
        units = records.raw.read([unit_column]).to_series().drop_nulls().unique().to_list() if has_units else []
        return spec.name in mapped and can_slip(spec, units or [spec.unit or ""])
    return spec.name in mapped
