"""Examples that pass and fail for every rule: its first test cases in words, with the values that the rule saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import polars as pl

from schemas.codes import Comparator
from schemas.contract import read_key
from schemas.derive import join_subject
from schemas.example_patient import (
    ADDED_FROM,
    Row,
    derive_case,
    edit_patient,
    find_case,
    find_tables_of_nobody,
)
from schemas.example_words import KEYS, Words
from schemas.rules.rule import SUBJECT, Rule
from schemas.tables import TABLES

IDENTITIES = ("patient_id", "person_id")


def describe_example(rule: Rule, verdict: str, words: Words) -> str:
    """Return the rule's first case with this verdict (`pass` or `fail`) in words, and the values that the rule saw."""
    edits = find_case(rule.rule_id, verdict).edits
    changes = words.semicolon.join(_describe_changes(edits, words)) or words.unchanged
    seen = words.comma.join(words.spell(*cell) for cell in list_seen(rule, verdict))
    return f"{changes}{words.stop}" + (words.sees.format(seen=seen) if seen else "")


def list_seen(rule: Rule, verdict: str) -> list[tuple[str, str, object]]:
    """Return column, table and value of what the rule sees in its first case with this verdict, those that name the record last.

    It is the record with this verdict, one that the case changes if there is such.
    """
    edits = find_case(rule.rule_id, verdict).edits
    tables, derived = derive_case(edits)
    records = derived[SUBJECT] if rule.table == SUBJECT else tables[rule.table]
    judged = join_subject(rule.table, records, derived).with_columns(_verdict=rule.expression())
    wanted = judged.filter(pl.col("_verdict") == (verdict == "pass"), patient_id="p1")
    changed = wanted.filter(pl.col("source_row").is_in(_find_changed_rows(rule.table, edits)))
    record = (wanted if changed.is_empty() else changed).row(0, named=True)
    names = [name for name in rule.expression().meta.root_names() if _is_told(name, record[name])]
    order = sorted(dict.fromkeys(names), key=lambda name: (name in KEYS, name != rule.field))
    return [(name, rule.table, record[name]) for name in order]


def _is_told(name: str, value: object) -> bool:
    """Whether a column tells a reader something: no pseudonym, and a sign only where it is none of an exact value."""
    is_plain_sign = name.endswith("_comparator") and value in (None, Comparator.EQUAL.value)
    return name not in IDENTITIES and not is_plain_sign


def _find_changed_rows(table: str, edits: str) -> list[int]:
    if table == SUBJECT:
        return []
    before = edit_patient("")[table]
    return [_number(row) for row in edit_patient(edits)[table] if row not in before]


def _number(row: Row) -> int:
    return int(row["source_row"] or 0)


def _describe_changes(edits: str, words: Words) -> Iterator[str]:
    """One phrase for what is changed, added or left out; records that change alike are told together."""
    after, nobody = edit_patient(edits), find_tables_of_nobody(edits)
    for table, rows in edit_patient("").items():
        name = words.name_table(table)
        kept = {row["source_row"]: row for row in after[table]}
        if rows and not after[table]:
            yield (words.nobody if table in nobody else words.without_any).format(table=name)
            continue
        gone = [_name_record(table, row, words) for row in rows if row["source_row"] not in kept]
        if gone:
            yield words.without.format(table=name, records=_join(gone, words))
        alike: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            if cells := _describe_cells(table, row, kept.get(row["source_row"], row), words):
                alike[cells].append(_name_record(table, row, words))
        for cells, names in alike.items():
            yield words.changed.format(table=name, records=_join(names, words), cells=cells).replace(" : ", ": ")
        for row in after[table]:
            if _number(row) >= ADDED_FROM:
                told = (*read_key(TABLES[table]), "source_row")
                others = {field: value for field, value in row.items() if field not in told}
                cells, record = _describe_cells(table, {}, others, words), _name_record(table, row, words)
                yield words.added.format(table=name, record=record, cells=cells).replace("  ", " ")


def _describe_cells(table: str, before: Row, after: Row, words: Words) -> str:
    changed = [(name, value) for name, value in after.items() if value != before.get(name)]
    was = {name: words.instead.format(value=words.write(name, table, value)) for name, value in before.items()}
    return words.comma.join(f"{words.spell(name, table, value)}{was.get(name, '')}" for name, value in changed)


def _name_record(table: str, row: Row, words: Words) -> str:
    values = [(name, row.get(name)) for name in read_key(TABLES[table])[1:]]
    told = [
        words.spell(name, table, value) if name.endswith("_number") else words.write(name, table, value)
        for name, value in values
        if value
    ]
    return words.record.format(key=words.comma.join(told)) if told else ""


def _join(names: list[str], words: Words) -> str:
    if len(names) <= 3:
        return words.comma.join(names)
    return words.more.format(records=words.comma.join(names[:2]), number=len(names) - 2)
