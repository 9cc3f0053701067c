"""The words in which a rule's example is told, in English and in Chinese: phrases, columns and their values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from schemas.column_names import find_chinese_name, find_chinese_value
from schemas.contract import read_grain
from schemas.tables import TABLES

UNITS = {
    "cm": "cm", "mm": "mm", "kg": "kg", "mg": "mg", "years": "years", "days": "days", "mmhg": "mmHg", "u_l": "U/L",
    "umol_l": "umol/L", "g_l": "g/L", "ng_ml": "ng/mL", "s": "s", "iu_ml": "IU/mL", "copies_ml": "copies/mL", "10e9_l": "10^9/L",
}  # fmt: skip
CHINESE_UNITS = UNITS | {"years": "岁", "days": "天", "s": "秒", "umol_l": "μmol/L", "10e9_l": "×10⁹/L"}
UNIT_SUFFIX = re.compile(rf"_({'|'.join(sorted(UNITS, key=len, reverse=True))})$")
CAPITALS = {name: name.upper() for name in ("alt", "ast", "afp", "hbv", "dna", "inr", "tace", "pvtt", "bclc", "ecog")}
CAPITALS |= {"hvpg": "HVPG", "ctcae": "CTCAE", "albi": "ALBI", "hbsag": "HBsAg", "pd1": "PD-1", "pt": "PT"}
# Columns that only say which record it is: told last, and not at all of a patient.
KEYS = ("reader", "criteria", "lesion_id", "visit_number", "line_number", "event_number", "procedure_number")


@dataclass(frozen=True)
class Words:
    """One language: phrases with their gaps, and how a table, a column with its value, and a value alone are written.

    `spell` takes column, table and value, `write` the same and gives the value alone; `record` holds the key of a record.
    """

    unchanged: str
    nobody: str
    without_any: str
    without: str
    changed: str
    added: str
    instead: str
    more: str
    sees: str
    record: str
    comma: str
    semicolon: str
    stop: str
    name_table: Callable[[str], str]
    spell: Callable[[str, str, object], str]
    write: Callable[[str, str, object], str]


def spell_words(name: str) -> str:
    """Return a name in snake case as words, abbreviations and classes in capitals: `bclc_c_with_spread`, BCLC C with spread."""
    words = " ".join(CAPITALS.get(word, word) for word in name.split("_")).replace("child pugh", "Child-Pugh")
    return re.sub(r"(?<=BCLC |Pugh )[acd]\b|(?<=hepatitis )b\b", lambda letter: letter[0].upper(), words)


def _spell_name(name: str) -> str:
    stem = re.sub(r"^(is|has)_", "", name)
    return spell_words(stem.removesuffix("_number") if stem in KEYS else stem)


def _spell_english(column: str, table: str, value: object) -> str:
    """A column and its value in words, the unit behind the value: `tumour_size_cm` 8 -> `tumour size 8 cm`."""
    unit, written = UNIT_SUFFIX.search(column), _write_english(column, table, value)
    if not unit:
        return f"{_spell_name(column)} {written}"
    stem = _spell_name(column.removesuffix(unit[0]))
    return f"{stem} {written} {UNITS[unit[1]]}" if value is not None else f"{stem} ({UNITS[unit[1]]}) empty"


def _spell_chinese(column: str, table: str, value: object) -> str:
    unit, written = UNIT_SUFFIX.search(column), _write_chinese(column, table, value)
    behind = f" {CHINESE_UNITS[unit[1]]}" if unit and value is not None else ""
    return f"{find_chinese_name(column, table) or column} {written}{behind}"


def _write_english(_column: str, _table: str, value: object) -> str:
    return _write(value, "empty", "yes", "no")


def _write_chinese(column: str, table: str, value: object) -> str:
    written = _write(value, "空缺", "是", "否")
    return find_chinese_value(column, table, written) if isinstance(value, str) else written


def _write(value: object, empty: str, yes: str, no: str) -> str:
    if value is None:
        return empty
    if isinstance(value, bool) or value in ("true", "false"):
        return yes if value in (True, "true") else no
    return f"{value:g}" if isinstance(value, float) else str(value)


ENGLISH = Words(
    unchanged="the example patient, unchanged",
    nobody="no patient of the hospital has {table} record",
    without_any="without any {table} record",
    without="without {table} {records}",
    changed="{table} {records}: {cells}",
    added="{table} {record} added: {cells}",
    instead=" instead of {value}",
    more="{records} and {number} more",
    sees=" The rule sees: {seen}.",
    record="({key})",
    comma=", ",
    semicolon="; ",
    stop=".",
    name_table=_spell_name,
    spell=_spell_english,
    write=_write_english,
)
CHINESE = Words(
    unchanged="示例患者，未改动",
    nobody="全院均无{table}记录",
    without_any="无任何{table}记录",
    without="删去{table}{records}",
    changed="{table}{records}：{cells}",
    added="增加{table}{record}：{cells}",
    instead="（原为{value}）",
    more="{records}等（另{number}条）",
    sees="规则所见：{seen}。",
    record="（{key}）",
    comma="，",
    semicolon="；",
    stop="。",
    name_table=lambda table: read_grain(TABLES[table])[1],
    spell=_spell_chinese,
    write=_write_chinese,
)
