"""Asks about whatever the study lacks of a patient and no rule has asked about: nobody leaves unasked.

Rules and contract ask first. A field that a hospital never sends, an optional one that is empty, a table that is not mapped: no rule
is about these, and yet the patient leaves for them. What several fields can tell is asked about once, at the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from etl.judging.book import FindingsBook
from etl.judging.settled import SettledRecords
from etl.mapping.records import RECORD
from etl.pages.text import Text
from schemas.codes import LabTest, Severity
from schemas.contract import read_contract, read_grain
from schemas.requirements import RECORD_RULES, Place, Requirement, list_requirements
from schemas.tables import TABLES
from schemas.units import name_test

NOT_SENT_RULE = "study.not_sent"
_ONE_PER_PATIENT = ("patient", "baseline", "outcome")
_LABORATORY = "laboratory"
_ASKED: dict[str, type[pl.DataType]] = dict.fromkeys(("patient_id", "table", "field", "rule_id"), pl.String)


def name_rule(requirement: Requirement) -> str:
    """Return the id under which a requirement is asked about."""
    return f"study.{requirement.name}.unknown"


def ask_for_the_rest(records: Mapping[str, SettledRecords], subject: pl.DataFrame, book: FindingsBook) -> None:
    """Add a finding for each patient and requirement that is unknown and that no finding asks about.

    It points at the field of the patient's record, or at the patient's row where the table has several records a patient or none. What a hospital sends
    nothing of is asked about together, once a patient.
    """
    requirements = list_requirements()
    left_by_name = _find_unasked(requirements, subject, _list_asked(records, book))
    not_sent: list[pl.DataFrame] = []
    for requirement in requirements:
        left = left_by_name[requirement.name]
        if place := _find_sent(requirement, records, book):
            _ask(requirement, place, left, subject.height, records, book)
        else:
            name = _name(requirement.places[0])
            not_sent.append(left.with_columns(en=pl.lit(name.en), zh=pl.lit(name.zh)))
    _ask_for_not_sent(not_sent, records["patient"], book)


def _find_unasked(
    requirements: Sequence[Requirement], subject: pl.DataFrame, asked: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Return the patients of whom each requirement is unknown and that nothing asks about, in the subject's order."""
    unknown = subject.select("patient_id", *(r.is_unknown.fill_null(value=False).alias(r.name) for r in requirements))
    long = unknown.unpivot(index="patient_id", variable_name="name", value_name="is_unknown").filter("is_unknown")
    places = [(r.name, table, field) for r in requirements for table, field in r.places]
    rules = [(r.name, rule) for r in requirements for table, _ in r.places for rule in RECORD_RULES.get(table, ())]
    of_places = pl.DataFrame(places, schema=["name", "table", "field"], orient="row")
    of_rules = pl.DataFrame(rules, schema={"name": pl.String, "rule_id": pl.String}, orient="row")
    key = ["patient_id", "name"]
    by_place = asked.join(of_places, on=["table", "field"]).select(key)
    by_rule = asked.join(of_rules, on="rule_id").select(key)
    left = long.join(pl.concat([by_place, by_rule]), on=key, how="anti", maintain_order="left").select(key)
    found = {str(name): own.select("patient_id") for (name,), own in left.group_by("name", maintain_order=True)}
    return {r.name: found.get(r.name, left.select("patient_id").clear()) for r in requirements}


def _list_asked(records: Mapping[str, SettledRecords], book: FindingsBook) -> pl.DataFrame:
    """Return patient_id, table, field and rule_id of what was asked; of the laboratory the test stands for the field."""
    parts = [pl.DataFrame(schema=_ASKED)]
    for (name,), found in book.list_found(but_for=Severity.NOTE).group_by("table_name", maintain_order=True):
        table = str(name)
        own = ["patient_id", *(["test"] if table == _LABORATORY else [])]
        told = found.with_columns(records[table].pick(found[RECORD], own))
        parts.append(
            told.select(
                "patient_id", table="table_name", field=own[-1] if table == _LABORATORY else "field", rule_id="rule_id"
            )
        )
    return pl.concat(parts)


def _find_sent(requirement: Requirement, records: Mapping[str, SettledRecords], book: FindingsBook) -> Place | None:
    """Return the first place for which the hospital has a column, of those in the table of the first; None: it sends nothing of it."""
    table = requirement.places[0][0]
    mapped = book.list_mapped(records[table].groups)
    own = (place for place in requirement.places if place[0] == table)
    return next((place for place in own if (place[1] if table != _LABORATORY else "value") in mapped), None)


def _ask(
    requirement: Requirement,
    place: Place,
    left: pl.DataFrame,
    n: int,
    records: Mapping[str, SettledRecords],
    book: FindingsBook,
) -> None:
    """Ask under the name of the place for which the hospital has a column: of another one it would know nothing."""
    table, field = place if place[0] in _ONE_PER_PATIENT else ("patient", None)
    name = _name(place)
    message = Text(
        f"{name.en[0].upper()}{name.en[1:]}: nothing can be concluded from what was sent, and the study needs it; without it the patient is left out. Please complete it.",
        f"{name.zh}：根据已提交的数据无法判定，而本研究需要该项；缺少时患者将被排除。请补充。",
    )
    rule_id = name_rule(requirement)
    for home, cell, rows in _find_homes(left, table, field, records) if left.height else ():
        book.add(home, rows, rule_id=rule_id, severity=Severity.QUERY, field=cell, message=message)
    book.count(rule_id, table, Severity.QUERY, n=n, n_fail=left.height)


def _find_homes(
    left: pl.DataFrame, table: str, field: str | None, records: Mapping[str, SettledRecords]
) -> Iterator[tuple[str, str | None, pl.Series]]:
    """Yield the table, field and records to point at: the patient's record of the table, else the patient's row."""
    own = left.join(records[table].accepted.select("patient_id", RECORD), on="patient_id", how="inner")
    rest = left.join(own, on="patient_id", how="anti")
    yield table, field, own[RECORD]
    yield "patient", None, _find_rows(rest, records["patient"])


def _find_rows(patients: pl.DataFrame, table: SettledRecords) -> pl.Series:
    return patients.join(table.accepted.select("patient_id", RECORD), on="patient_id", how="inner")[RECORD]


def _ask_for_not_sent(parts: list[pl.DataFrame], patients: SettledRecords, book: FindingsBook) -> None:
    """Ask once a patient for all that the hospital sends nothing of; nothing is counted where everything is sent."""
    if not parts:
        return
    needed = pl.concat(parts).group_by("patient_id", maintain_order=True)
    lists = needed.agg(pl.col("en").str.join("; "), pl.col("zh").str.join("；"))
    for (en, zh), own in lists.group_by("en", "zh", maintain_order=True):
        message = Text(
            f"The hospital's data say nothing of what the study needs: {en}. Without it the patient is left out. Please send it.",
            f"贵院数据中没有本研究所需的以下内容：{zh}。缺少时患者将被排除。请补充提供。",
        )
        rows = _find_rows(own.select("patient_id"), patients)
        book.add("patient", rows, rule_id=NOT_SENT_RULE, severity=Severity.QUERY, field=None, message=message)
    if lists.height:
        book.count(NOT_SENT_RULE, "patient", Severity.QUERY, n=patients.accepted.height, n_fail=lists.height)


def _name(place: Place) -> Text:
    """Return what a place is called, of the laboratory its test."""
    table, field = place
    if table == _LABORATORY:
        return Text(name_test(LabTest(field)), LabTest(field).zh)
    spec = read_contract(TABLES[table])[field]
    _, table_zh = read_grain(TABLES[table])
    return Text(f"{table.replace('_', ' ')}, {spec.meaning[0].lower()}{spec.meaning[1:]}", f"{table_zh}·{spec.zh}")
