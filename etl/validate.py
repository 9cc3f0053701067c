"""Contracts and rules: from mapped text records to accepted records, quarantine and findings.

Findings of the contract (type, code, unit, range, key, completeness) are made from the contracts' own fields as keyed
expressions; clinical rules come from `schemas/rules`. Pandera then validates what was accepted: a failure there is a
fault of the registry, never of a hospital.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandera.errors
import polars as pl

from etl.errors import InternalError
from etl.findings import (
    ERROR,
    FAIL,
    FINDING_SCHEMA,
    PERSONAL_DATA,
    RECORD_MESSAGES,
    STRAY_CELL,
    Message,
    contract_message,
    make_findings,
    number_findings,
)
from etl.identity import PseudonymKey, mask_personal_data
from etl.mapping import GROUP, Mapped
from etl.records import COMPARATOR_SUFFIX, LAB_VALUE, RECORD, TypedRecords, find_implausible, type_records
from etl.site import Site
from schemas.codes import Severity
from schemas.contract import PROVENANCE, read_contract
from schemas.derive import derive, join_subject
from schemas.rules import RULES
from schemas.rules.rule import SUBJECT, Rule
from schemas.tables import TABLES

ONE_PER_PATIENT = ("patient", "baseline", "outcome")
OUTCOME_SCHEMA = {
    "rule_id": pl.String, "table_name": pl.String, "severity": pl.String,
    "n_pass": pl.Int64, "n_fail": pl.Int64, "n_not_evaluable": pl.Int64, "n_error": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Validated:
    """What validation made of a delivery: accepted tables, derived frames, and all that was found."""

    tables: Mapping[str, pl.DataFrame]
    derived: Mapping[str, pl.DataFrame]
    findings: pl.DataFrame
    rule_outcomes: pl.DataFrame
    quarantine: pl.DataFrame
    completeness: pl.DataFrame
    records_made: int
    records_quarantined: int


@dataclass
class _Book:
    """Collects findings and verdict counts while the tables are judged."""

    group_columns: pl.DataFrame
    findings: list[pl.DataFrame]
    outcomes: list[tuple[str, str, str, int, int, int, int]]

    def add(
        self,
        records: TypedRecords,
        rows: pl.DataFrame,
        *,
        rule_id: str,
        severity: Severity,
        field: str | None,
        message: Message,
    ) -> None:
        """Add a finding for each row of `rows` (which has `_record`), pointing at `field` where there is one."""
        places = locate(records, rows, field, self.group_columns)
        self.findings.append(
            make_findings(places, rule_id=rule_id, severity=severity, table=records.table, field=field, message=message)
        )

    def count(
        self, rule_id: str, table: str, severity: Severity, *, n: int, n_fail: int, n_not_evaluable: int = 0
    ) -> None:
        """Count a contract rule's verdicts over `n` records."""
        self.outcomes.append((rule_id, table, severity.value, n - n_fail - n_not_evaluable, n_fail, n_not_evaluable, 0))


def locate(records: TypedRecords, rows: pl.DataFrame, field: str | None, group_columns: pl.DataFrame) -> pl.DataFrame:
    """Return patient, record key and source coordinates of the given records, with the hospital's column and cell text."""
    frame = records.frame.join(rows.select(RECORD), on=RECORD, how="semi", maintain_order="left")
    text = pl.col(field) if field and field in records.raw.columns else pl.lit(None, dtype=pl.String)
    values = records.raw.select(RECORD, text.alias("_cell"))
    columns = group_columns.filter(pl.col("field") == (field or "")).unique(GROUP, maintain_order=True)
    named = columns.select(GROUP, pl.col("source_column").alias("_mapped"))
    located = frame.join(values, on=RECORD, how="left", maintain_order="left").join(
        named, on=GROUP, how="left", maintain_order="left"
    )
    column = pl.coalesce("_mapped", "source_column") if field else pl.col("source_column")
    return located.select(
        "patient_id",
        "record_key",
        "source_file",
        "source_sheet",
        "source_row",
        column.alias("source_column"),
        pl.col("_cell").alias("value"),
    )


def validate_delivery(mapped: Mapped, site: Site, delivery: str, key: PseudonymKey) -> Validated:
    """Judge every record of a delivery.

    Raises:
        InternalError: the accepted records do not pass the contract, or the accounts do not balance.

    """
    records = {
        name: type_records(
            name, TABLES[name], texts, site=site, delivery=delivery, key=key, identifiers=mapped.identifiers
        )
        for name, texts in mapped.records.items()
    }
    book = _Book(mapped.group_columns, [], [])
    rejected = {name: _reject_by_key(table, book) for name, table in records.items()}
    rejected = _reject_with_patient(records, rejected, book)
    accepted = {
        name: table.frame.join(rejected[name], on=RECORD, how="anti", maintain_order="left")
        for name, table in records.items()
    }
    for name, table in records.items():
        _judge_cells(table, accepted[name], book)
    tables = {name: frame.select(*PROVENANCE, *read_contract(TABLES[name])) for name, frame in accepted.items()}
    _pass_gate(tables)
    derived = derive(tables)
    _judge_rules(records, accepted, derived, book)
    book.findings.append(_find_strays(mapped))
    findings = number_findings(pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *book.findings]))
    return Validated(
        tables=tables,
        derived=derived,
        findings=findings,
        rule_outcomes=_stack_outcomes(book),
        quarantine=_make_quarantine(findings),
        completeness=_count_filled(tables),
        records_made=sum(table.frame.height for table in records.values()),
        records_quarantined=sum(frame.height for frame in rejected.values()),
    )


def _reject_by_key(records: TypedRecords, book: _Book) -> pl.DataFrame:
    """Reject records without a key, and all but one of identical copies or all of contradicting ones."""
    frame, table = records.frame, records.table
    contract = list(read_contract(TABLES[table]))
    missing = frame.filter(~pl.col("_has_key")).select(RECORD)
    keyed = frame.filter(pl.col("_has_key"))
    contents = records.raw.select(
        RECORD, pl.concat_str([pl.col(c).fill_null("") for c in contract], separator="\x1f").alias("_text")
    )
    identity = ["patient_id", "record_key"]
    judged = keyed.join(contents, on=RECORD, how="left", maintain_order="left").with_columns(
        pl.len().over(identity).alias("_n"),
        pl.col("_text").n_unique().over(identity).alias("_n_contents"),
        pl.int_range(pl.len()).over(identity).alias("_nth"),
    )
    is_rejected = (pl.col("_n") > 1) & ((pl.col("_n_contents") > 1) | (pl.col("_nth") > 0))
    duplicate = judged.filter(is_rejected).select(RECORD)
    for kind, rows, n in (("key.missing", missing, frame.height), ("key.duplicate", duplicate, keyed.height)):
        rule_id = f"{table}.{kind}"
        book.add(records, rows, rule_id=rule_id, severity=Severity.REJECT, field=None, message=RECORD_MESSAGES[kind])
        book.count(rule_id, table, Severity.REJECT, n=n, n_fail=rows.height)
    return pl.concat([missing, duplicate])


def _reject_with_patient(
    records: Mapping[str, TypedRecords], rejected: Mapping[str, pl.DataFrame], book: _Book
) -> dict[str, pl.DataFrame]:
    """Reject records whose patient was rejected (`parent`) or is not in the patient table (`patient.unknown`)."""
    patients = records["patient"].frame
    accepted = patients.join(rejected["patient"], on=RECORD, how="anti").select("patient_id")
    known = patients.filter(pl.col("_has_key")).select("patient_id").unique()
    result = {"patient": rejected["patient"]}
    for name, table in records.items():
        if name == "patient":
            continue
        own = table.frame.filter(pl.col("_has_key")).join(rejected[name], on=RECORD, how="anti")
        orphans = own.join(accepted, on="patient_id", how="anti")
        parent = orphans.join(known, on="patient_id", how="semi").select(RECORD)
        unknown = orphans.join(known, on="patient_id", how="anti").select(RECORD)
        for kind, rows in (("parent", parent), ("patient.unknown", unknown)):
            rule_id = f"{name}.{kind}"
            book.add(table, rows, rule_id=rule_id, severity=Severity.REJECT, field=None, message=RECORD_MESSAGES[kind])
            book.count(rule_id, name, Severity.REJECT, n=own.height, n_fail=rows.height)
        result[name] = pl.concat([rejected[name], parent, unknown])
    return result


def _judge_cells(records: TypedRecords, accepted: pl.DataFrame, book: _Book) -> None:
    """Report the cells that were set aside, unusual values, empty expected fields and personal data."""
    table = records.table
    for name, spec in read_contract(TABLES[table]).items():
        if name.endswith(COMPARATOR_SUFFIX) or name == "person_id":
            continue
        faults = records.faults.filter(pl.col("field") == name)
        for kind in ("unreadable", "code", "unit", "range"):
            rows = faults.filter(pl.col("kind") == kind)
            if _applies(kind, table, name):
                rule_id = f"{table}.{name}.{kind}"
                book.add(
                    records,
                    rows,
                    rule_id=rule_id,
                    severity=Severity.QUERY,
                    field=name,
                    message=contract_message(kind, spec),
                )
                book.count(rule_id, table, Severity.QUERY, n=records.frame.height, n_fail=rows.height)
        kept = accepted.select(RECORD, name, GROUP)
        if spec.plausible != (None, None) or (table, name) == LAB_VALUE:
            flags = pl.DataFrame({RECORD: records.frame[RECORD], "hit": find_implausible(records, spec)}).filter("hit")
            rows = flags.join(kept, on=RECORD, how="semi")
            rule_id = f"{table}.{name}.implausible"
            book.add(
                records,
                rows,
                rule_id=rule_id,
                severity=Severity.QUERY,
                field=name,
                message=contract_message("implausible", spec),
            )
            book.count(
                rule_id,
                table,
                Severity.QUERY,
                n=kept.height,
                n_fail=rows.height,
                n_not_evaluable=kept[name].null_count(),
            )
        if spec.is_expected:
            mapped = book.group_columns.filter(pl.col("field") == name)
            asked = kept.join(mapped, on=GROUP, how="semi").join(faults, on=RECORD, how="anti")
            rows = asked.filter(pl.col(name).is_null()).select(RECORD)
            rule_id = f"{table}.{name}.missing"
            book.add(
                records,
                rows,
                rule_id=rule_id,
                severity=Severity.QUERY,
                field=name,
                message=contract_message("missing", spec),
            )
            book.count(rule_id, table, Severity.QUERY, n=asked.height, n_fail=rows.height)
    for (field,), rows in records.personal.group_by("field", maintain_order=True):
        book.add(
            records,
            rows,
            rule_id="text.personal_data",
            severity=Severity.QUERY,
            field=str(field),
            message=PERSONAL_DATA,
        )


def _applies(kind: str, table: str, name: str) -> bool:
    """Whether a kind of contract finding can occur at a field at all."""
    spec = read_contract(TABLES[table])[name]
    is_coded = spec.codes is not None or spec.dtype == pl.Boolean
    is_number = spec.dtype in (pl.Float64, pl.Int64)
    return {
        "code": is_coded,
        "unreadable": spec.dtype == pl.Date or is_number,
        "unit": is_number,
        "range": is_number and (spec.possible != (None, None) or (table, name) == LAB_VALUE),
    }[kind]


def _pass_gate(tables: Mapping[str, pl.DataFrame]) -> None:
    for name, frame in tables.items():
        try:
            TABLES[name].validate(frame, lazy=True)
        except (pandera.errors.SchemaErrors, pandera.errors.SchemaError) as error:
            # The exception's own text holds rows, so only the failing columns and checks are told.
            cases = getattr(error, "failure_cases", None)
            where = sorted(set(cases.select("column", "check").rows())) if isinstance(cases, pl.DataFrame) else []
            raise InternalError(
                f"Accepted records of '{name}' do not pass their contract: {where}. Nothing was loaded."
            ) from None


def _judge_rules(
    records: Mapping[str, TypedRecords],
    accepted: Mapping[str, pl.DataFrame],
    derived: Mapping[str, pl.DataFrame],
    book: _Book,
) -> None:
    """Evaluate every clinical rule of every table in one keyed pass a table."""
    for table in (*TABLES, SUBJECT):
        rules = [rule for rule in RULES.values() if rule.table == table]
        if not rules:
            continue
        frame = derived[SUBJECT] if table == SUBJECT else join_subject(table, accepted[table], derived)
        for rule, verdicts in _evaluate(rules, frame):
            if table == SUBJECT:
                home = _home_of(rule)
                base = accepted[home].select("patient_id", RECORD)
                joined = frame.select("patient_id").with_columns(verdicts.alias("verdict"))
                judged = joined.join(base, on="patient_id", how="left", maintain_order="left")
            else:
                home = table
                judged = frame.select(RECORD).with_columns(verdicts.alias("verdict"))
            _report_rule(rule, records[home], judged, book)


def _evaluate(rules: list[Rule], frame: pl.DataFrame) -> Iterator[tuple[Rule, pl.Series]]:
    """Yield each rule with its verdicts; where a rule breaks, its verdicts are an empty column of type String."""
    try:
        verdicts = frame.select([rule.expression().cast(pl.Boolean).alias(rule.rule_id) for rule in rules])
        yield from ((rule, verdicts[rule.rule_id]) for rule in rules)
    except pl.exceptions.PolarsError:
        for rule in rules:
            try:
                yield rule, frame.select(rule.expression().cast(pl.Boolean)).to_series()
            except pl.exceptions.PolarsError:
                yield rule, pl.Series(rule.rule_id, [None] * frame.height, dtype=pl.String)


def _home_of(rule: Rule) -> str:
    """Return the one-per-patient table that holds a subject rule's field; the patient table where none does."""
    return next((name for name in ONE_PER_PATIENT if rule.field in read_contract(TABLES[name])), "patient")


def _report_rule(rule: Rule, records: TypedRecords, judged: pl.DataFrame, book: _Book) -> None:
    message = Message(rule.en, rule.zh)
    if judged["verdict"].dtype == pl.String:
        broken = Message(f"The rule {rule.rule_id} could not be run.", f"规则 {rule.rule_id} 无法执行。")
        blank = pl.DataFrame(
            {
                name: [None]
                for name in (
                    "patient_id",
                    "record_key",
                    "source_file",
                    "source_sheet",
                    "source_row",
                    "source_column",
                    "value",
                )
            }
        )
        book.findings.append(
            make_findings(
                blank,
                rule_id=rule.rule_id,
                severity=rule.severity,
                table=rule.table,
                field=rule.field,
                message=broken,
                outcome=ERROR,
            )
        )
        book.outcomes.append((rule.rule_id, rule.table, rule.severity.value, 0, 0, 0, judged.height))
        return
    failed = judged.filter(~pl.col("verdict")).filter(pl.col(RECORD).is_not_null())
    field = rule.field if rule.field in read_contract(TABLES[records.table]) else None
    book.add(records, failed, rule_id=rule.rule_id, severity=rule.severity, field=field, message=message)
    n_null = judged["verdict"].null_count()
    book.count(rule.rule_id, rule.table, rule.severity, n=judged.height, n_fail=failed.height, n_not_evaluable=n_null)


def _find_strays(mapped: Mapped) -> pl.DataFrame:
    places = mapped.cells.strays.with_columns(
        pl.lit(None, dtype=pl.String).alias("patient_id"),
        pl.format("{}", pl.col("source_column")).alias("record_key"),
        pl.col("value").map_elements(mask_personal_data, return_dtype=pl.String),
    )
    return make_findings(
        places, rule_id="cell.stray", severity=Severity.QUERY, table="delivery", field=None, message=STRAY_CELL
    )


def _stack_outcomes(book: _Book) -> pl.DataFrame:
    return pl.DataFrame(book.outcomes, schema=OUTCOME_SCHEMA, orient="row").sort("rule_id")


def _make_quarantine(findings: pl.DataFrame) -> pl.DataFrame:
    """Return what was set aside: whole records (`reject`, field null) and single cells, with the rule that did it."""
    is_cell = pl.col("rule_id").str.contains(r"\.(unreadable|code|unit|range)$") | (pl.col("rule_id") == "cell.stray")
    is_record = pl.col("severity") == Severity.REJECT.value
    return findings.filter((is_cell | is_record) & (pl.col("outcome") == FAIL)).select(
        "table_name", "record_key", "field", "rule_id", "patient_id",
        "source_file", "source_sheet", "source_row", "source_column", "value",
    )  # fmt: skip


def _count_filled(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    lines = [
        (table, name, frame.height, frame.height - frame[name].null_count())
        for table, frame in tables.items()
        for name in read_contract(TABLES[table])
        if not name.endswith(COMPARATOR_SUFFIX)
    ]
    schema = {"table_name": pl.String, "field": pl.String, "n_records": pl.Int64, "n_filled": pl.Int64}
    return pl.DataFrame(lines, schema=schema, orient="row")
