"""Examples that pass and fail for every rule: its first test cases in words, with the values that the rule saw."""

from __future__ import annotations

import re
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
from schemas.rules.rule import SUBJECT, Rule
from schemas.tables import TABLES

UNITS = {
    "cm": "cm", "mm": "mm", "kg": "kg", "mg": "mg", "years": "years", "days": "days", "mmhg": "mmHg", "u_l": "U/L",
    "umol_l": "umol/L", "g_l": "g/L", "ng_ml": "ng/mL", "s": "s", "iu_ml": "IU/mL", "copies_ml": "copies/mL", "10e9_l": "10^9/L",
}  # fmt: skip
UNIT_SUFFIX = re.compile(rf"_({'|'.join(sorted(UNITS, key=len, reverse=True))})$")
CAPITALS = {name: name.upper() for name in ("alt", "ast", "afp", "hbv", "dna", "inr", "tace", "pvtt", "bclc", "ecog")}
CAPITALS |= {"hvpg": "HVPG", "ctcae": "CTCAE", "albi": "ALBI", "hbsag": "HBsAg", "pd1": "PD-1", "pt": "PT"}
# Columns that only say which record it is: told last, and not at all of a patient.
KEYS = ("reader", "criteria", "lesion_id", "visit_number", "line_number", "event_number", "procedure_number")
IDENTITIES = ("patient_id", "person_id")


def describe_example(rule: Rule, verdict: str) -> str:
    """Return the rule's first case with this verdict (`pass` or `fail`) in words, and the values that the rule saw."""
    edits = find_case(rule.rule_id, verdict).edits
    changes = "; ".join(_describe_changes(edits)) or "the example patient, unchanged"
    seen = _describe_seen(rule, edits, verdict == "pass")
    return f"{changes}. The rule sees: {seen}." if seen else f"{changes}."


def spell_words(name: str) -> str:
    """Return a name in snake case as words, abbreviations and classes in capitals: `bclc_c_with_spread`, BCLC C with spread."""
    words = " ".join(CAPITALS.get(word, word) for word in name.split("_")).replace("child pugh", "Child-Pugh")
    return re.sub(r"(?<=BCLC |Pugh )[acd]\b|(?<=hepatitis )b\b", lambda letter: letter[0].upper(), words)


def _describe_seen(rule: Rule, edits: str, verdict: bool) -> str:
    """The values under the rule's eyes in the record with this verdict, one that the case changes if there is such."""
    tables, derived = derive_case(edits)
    records = derived[SUBJECT] if rule.table == SUBJECT else tables[rule.table]
    judged = join_subject(rule.table, records, derived).with_columns(_verdict=rule.expression())
    wanted = judged.filter(pl.col("_verdict") == verdict, patient_id="p1")
    changed = wanted.filter(pl.col("source_row").is_in(_find_changed_rows(rule.table, edits)))
    record = (wanted if changed.is_empty() else changed).row(0, named=True)
    names = [name for name in rule.expression().meta.root_names() if _is_told(name, record[name])]
    order = sorted(dict.fromkeys(names), key=lambda name: (name in KEYS, name != rule.field))
    return ", ".join(_spell(name, record[name]) for name in order)


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


def _describe_changes(edits: str) -> Iterator[str]:
    """One phrase for what is changed, added or left out; records that change alike are told together."""
    after, nobody = edit_patient(edits), find_tables_of_nobody(edits)
    for table, rows in edit_patient("").items():
        name = _spell_name(table)
        kept = {row["source_row"]: row for row in after[table]}
        if rows and not after[table]:
            yield f"{'no patient of the hospital has' if table in nobody else 'without any'} {name} record"
            continue
        gone = [_name_record(table, row) for row in rows if row["source_row"] not in kept]
        if gone:
            yield f"without {name} {_join(gone)}"
        alike: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            if cells := _describe_cells(row, kept.get(row["source_row"], row)):
                alike[cells].append(_name_record(table, row))
        for cells, names in alike.items():
            yield f"{name} {_join(names)}: {cells}".replace(" : ", ": ")
        for row in after[table]:
            if _number(row) >= ADDED_FROM:
                told = (*read_key(TABLES[table]), "source_row")
                others = {field: value for field, value in row.items() if field not in told}
                yield f"{name} {_name_record(table, row)} added: {_describe_cells({}, others)}".replace("  ", " ")


def _describe_cells(before: Row, after: Row) -> str:
    changed = [(name, value) for name, value in after.items() if value != before.get(name)]
    was = {name: f" instead of {_format(value)}" for name, value in before.items()}
    return ", ".join(f"{_spell(name, value)}{was.get(name, '')}" for name, value in changed)


def _name_record(table: str, row: Row) -> str:
    values = [(name, row.get(name)) for name in read_key(TABLES[table])[1:]]
    told = [_spell(name, value) if name.endswith("_number") else str(value) for name, value in values if value]
    return f"({', '.join(told)})" if told else ""


def _join(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"


def _spell_name(name: str) -> str:
    stem = re.sub(r"^(is|has)_", "", name)
    return spell_words(stem.removesuffix("_number") if stem in KEYS else stem)


def _spell(name: str, value: object) -> str:
    """A column and its value in words, the unit behind the value: `tumour_size_cm` 8 -> `tumour size 8 cm`."""
    unit = UNIT_SUFFIX.search(name)
    if not unit:
        return f"{_spell_name(name)} {_format(value)}"
    stem = _spell_name(name.removesuffix(unit[0]))
    return f"{stem} {_format(value)} {UNITS[unit[1]]}" if value is not None else f"{stem} ({UNITS[unit[1]]}) empty"


def _format(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool) or value in ("true", "false"):
        return "yes" if value in (True, "true") else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
