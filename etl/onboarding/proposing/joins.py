"""What is one row of a sheet, and how its patients agree with those of the other sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor

import polars as pl

from etl.mapping.parse import clean_text
from etl.mapping.site import VISIT
from etl.onboarding.proposing.layout import FoundSource
from etl.onboarding.proposing.proposal import Proposal
from etl.onboarding.proposing.words import PATIENT_NUMBER, VISIT_OF_ROW
from schemas.contract import read_sent_key
from schemas.definitions.visits import VISIT_DATES
from schemas.tables import TABLES

Proposed = Sequence[tuple[FoundSource, Sequence[Proposal]]]


def describe_joins(proposed: Proposed) -> Mapping[str, Sequence[str]]:
    """Return for each source, in English and Chinese, what is one row of it and how many of its patients the fullest sheet has."""
    patients = {source.name: _read_patients(source, proposals) for source, proposals in proposed}
    main = max(
        (name for name in patients if patients[name].len()),
        key=lambda n: (_is_one_each(patients[n]), patients[n].n_unique()),
        default="",
    )
    facts = {}
    for source, proposals in proposed:
        own = patients[source.name]
        facts[source.name] = [*_describe_rows(source, proposals, own)]
        if own.len() and source.name != main:
            known = own.drop_nulls().unique().is_in(patients[main].drop_nulls().unique().implode())
            share = floor(100 * known.mean()) / 100  # type: ignore[operator]
            facts[source.name].append(f"{share:.0%} of its patients are in {main} / 其患者 {share:.0%} 见于 {main}")
    return facts


def _read_patients(source: FoundSource, proposals: Sequence[Proposal]) -> pl.Series:
    column = _find(proposals, PATIENT_NUMBER)
    return clean_text(source.rows[column]) if column else pl.Series([], dtype=pl.String)


def _find(proposals: Sequence[Proposal], meaning: str) -> str | None:
    return next((p.column for p in proposals if p.meaning and p.meaning.id == meaning), None)


def _describe_visits(proposals: Sequence[Proposal]) -> list[str]:
    """Say of rows with dates and no visit that the dates group them."""
    meanings = [p.meaning for p in proposals if p.meaning]
    dated = {m.table for m in meanings if m.field in VISIT_DATES.get(m.table, ())}
    dated -= {m.table for m in meanings if m.field == VISIT or f"{VISIT}=" in m.record}
    if not dated or any(m.id == VISIT_OF_ROW for m in meanings):
        return []
    return [f"no visit number: dates group {', '.join(sorted(dated))} into visits / 无访视号：按日期归入访视"]


def _is_one_each(patients: pl.Series) -> bool:
    return 20 * patients.n_unique() >= 19 * patients.len()


def _describe_rows(source: FoundSource, proposals: Sequence[Proposal], patients: pl.Series) -> list[str]:
    if patients.is_empty():
        return []
    if _is_one_each(patients):
        return ["one row per patient / 每名患者一行"]
    told = [
        f"{patients.len() / patients.n_unique():.1f} rows per patient / 每名患者平均 {patients.len() / patients.n_unique():.1f} 行"
    ]
    told += _describe_visits(proposals)
    table = next((t for t in TABLES if t == source.table), "")
    names = [_find(proposals, f"{table}.{name}") for name in read_sent_key(TABLES[table])[1:]] if table else []
    given = [name for name in names if name]
    if given:
        keys = source.rows.select(patients.alias("_patient"), *given).drop_nulls()
        share = floor(100 * keys.is_unique().mean()) / 100  # type: ignore[operator]
        told.append(
            f"patient + {' + '.join(given)} tell {share:.0%} of the rows apart / 患者编号 + {' + '.join(given)} 可区分 {share:.0%} 的行"
        )
    return told
