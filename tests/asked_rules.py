"""Which rules ask about a patient: every rule judged on the records of p1, as an ingest judges them."""

from collections.abc import Collection, Mapping

import polars as pl

from schemas.derive import join_subject
from schemas.rules import RULES
from schemas.rules.rule import SUBJECT

EVIDENCE_TABLES = ("lesion", "response", "procedure", "outcome", SUBJECT)
"""The tables whose rules speak of tumour assessments and progression."""


def find_asked(
    tables: Mapping[str, pl.DataFrame], derived: Mapping[str, pl.DataFrame], judged: Collection[str] = EVIDENCE_TABLES
) -> set[str]:
    """Return the ids of the rules of the judged tables that fail for a record of p1."""
    return {rule_id for rule_id, rule in RULES.items() if rule.table in judged and _fails(rule, tables, derived)}


def _fails(rule, tables: Mapping[str, pl.DataFrame], derived: Mapping[str, pl.DataFrame]) -> bool:
    records = derived[SUBJECT] if rule.table == SUBJECT else tables[rule.table]
    verdicts = join_subject(rule.table, records, derived).with_columns(verdict=rule.expression())
    return not verdicts.filter(patient_id="p1", verdict=False).is_empty()
