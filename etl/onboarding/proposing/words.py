"""The words by which hospitals call columns, tests, tables and codes, in Chinese and English; edited in the csv files beside.

A word is compared without case, blanks, punctuation and the signs of units: `ALT (U/L)` and `alt` are one.
"""

from __future__ import annotations

import csv
import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from etl.mapping.identifying_columns import read_identifier_words, squeeze
from etl.mapping.parse import MISSING_TEXTS
from etl.mapping.site import VISIT
from etl.pages.text import Text
from schemas.codes import Code, LabTest, Organ
from schemas.contract import FieldContract, read_contract, read_key
from schemas.package_data import find_data
from schemas.tables import TABLES
from schemas.units import LAB_RANGES, NO_UNIT

PATIENT_NUMBER, NATIONAL_ID, IDENTIFIER, NOT_NEEDED = "patient_number", "national_id", "identifier", "not_needed"
NOT_SENT = "not_sent"
"""What a mapped column is that a hospital sends no more."""
ASK = "ask"
"""What a code is decided to mean that shall be asked about wherever it stands."""
VALUE = "value"
"""What a text is decided to be that might have said that there is no value, and is one."""
NO_LINE = ("", ASK, VALUE)
"""Decisions about a code that are no line of codes.csv: it is read as it stands."""
ROLE_OF = {PATIENT_NUMBER: "patient", NATIONAL_ID: "person", IDENTIFIER: "drop", NOT_NEEDED: "ignore"}
UNIT_COLUMN = "laboratory.unit"
VISIT_OF_ROW = VISIT
"""What a column is that says which visit its row is, for every table of the row."""
YES_NO = "yes_no"
_LABELLED = re.compile(r"^\d+\s*[:=：.]\s*(\D.*)$")
_ORGAN_COLUMNS = {
    "metastasis.lesion_number": ("{}转移灶数", "{}转移灶数目", "{}转移数", "{}转移个数", "number of {} metastases", "{} metastases number"),
    "metastasis.organ": (
        "{}转移", "有无{}转移", "是否{}转移", "{} metastasis", "{} metastases", "metastasis {}", "{} mets", "{} met", "{} metastatic", "met {}", "mets {}",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Meaning:
    """What a column may be: an identifier, not needed, or a field; `constants` are what its record carries besides.

    `id` is what the worksheet shows and `columns.csv` is made from: `patient.sex`, `laboratory.value.alt_u_l`,
    `metastasis.organ.lung`, `patient_number`.
    """

    id: str
    table: str = ""
    field: str = ""
    record: str = ""

    @property
    def role(self) -> str:
        """The role in columns.csv."""
        return ROLE_OF.get(
            self.id, "ignore" if self.id == UNIT_COLUMN else "visit" if self.id == VISIT_OF_ROW else "field"
        )

    @property
    def may_list(self) -> bool:
        """Whether a cell may list several, each of which is a record: organs, drugs."""
        spec = self.contract
        return (
            spec is not None
            and spec.codes is not None
            and self.field in read_key(TABLES[self.table])
            and not self.record
        )

    @property
    def contract(self) -> FieldContract | None:
        """The field's contract; None for identifiers and what is not needed."""
        return read_fields(self.table)[self.field] if self.field else None


@functools.cache
def read_fields(table: str) -> Mapping[str, FieldContract]:
    """Return the fields of a table."""
    return read_contract(TABLES[table])


@functools.cache
def list_meanings() -> Mapping[str, Meaning]:
    """Return every meaning a column may have, by its id."""
    found = {name: Meaning(name) for name in ROLE_OF}
    for table in TABLES:
        for name, spec in read_fields(table).items():
            if not spec.is_made:
                found[f"{table}.{name}"] = Meaning(f"{table}.{name}", table, name)
    for row in _read("test_words.csv"):
        meaning = f"laboratory.value.{row['test']}"
        found[meaning] = Meaning(meaning, "laboratory", "value", f"test={row['test']}")
    for organ in Organ:
        number, box = f"metastasis.lesion_number.{organ.value}", f"metastasis.organ.{organ.value}"
        found[number] = Meaning(number, "metastasis", "lesion_number", f"organ={organ.value}")
        found[box] = Meaning(box, "metastasis", "organ", f"?organ={organ.value}")
    found[UNIT_COLUMN] = Meaning(UNIT_COLUMN, "laboratory")
    found[VISIT_OF_ROW] = Meaning(VISIT_OF_ROW)
    return found


def find_test(meaning: Meaning) -> LabTest | None:
    """Return the laboratory test that a meaning's record names, None where it names none."""
    tests = [item.removeprefix("test=") for item in meaning.record.split(";") if item.startswith("test=")]
    return LabTest(tests[0]) if tests else None


def find_quantity(meaning: Meaning) -> tuple[str, str | None]:
    """Return the quantity whose unit is asked for and its canonical unit; None where there is nothing to ask."""
    spec = meaning.contract
    if spec is None:
        return "", None
    test = find_test(meaning)
    if test:
        return test.value, LAB_RANGES[test].unit if LAB_RANGES[test].unit != NO_UNIT else None
    return spec.name, spec.unit if spec.unit not in (NO_UNIT, "year") else None


def find_limits(meaning: Meaning, spec: FieldContract) -> tuple[float | None, float | None]:
    """Return the possible limits of a field or, for a laboratory value, of its test."""
    test = find_test(meaning)
    return LAB_RANGES[test].possible if test else spec.possible


@functools.cache
def read_column_words() -> Mapping[str, tuple[str, ...]]:
    """Return the meanings of each word that says what a column is wherever it stands."""
    words: dict[str, list[str]] = {}
    for meaning, word in _list_column_words("words"):
        words.setdefault(squeeze(word), []).append(meaning)
    for test, word in _list_test_words():
        words.setdefault(squeeze(word), []).append(f"laboratory.value.{test}")
    for value, word in _list_code_words(Organ.__name__):
        for meaning, forms in _ORGAN_COLUMNS.items():
            for form in forms:
                if form.isascii() != word.isascii():
                    continue
                words.setdefault(squeeze(form.format(word)), []).append(f"{meaning}.{value}")
    return {word: tuple(dict.fromkeys(meanings)) for word, meanings in words.items()}


@functools.cache
def read_table_column_words(table: str) -> Mapping[str, tuple[str, ...]]:
    """Return the meanings of each word that says what a column is in a sheet of one table only: `date`, `number`."""
    words: dict[str, list[str]] = {}
    for meaning, word in _list_column_words("words_in_table"):
        if "." not in meaning or meaning.split(".")[0] == table:
            words.setdefault(squeeze(word), []).append(meaning)
    return {word: tuple(dict.fromkeys(meanings)) for word, meanings in words.items()}


@functools.cache
def read_other_words() -> Mapping[str, Text]:
    """Return words that resemble a known one and mean something else, with what they mean."""
    return {
        squeeze(word): Text(row["en"], row["zh"])
        for row in _read("other_words.csv")
        for word in row["words"].split("|")
    }


@functools.cache
def read_asked_words() -> Mapping[str, Text]:
    """Return known words that hospitals use for more than one thing, with what a person must be asked."""
    return {
        squeeze(word): Text(row["en"], row["zh"])
        for row in _read("asked_words.csv")
        for word in row["words"].split("|")
    }


@functools.cache
def read_table_words() -> Mapping[str, str]:
    """Return the table that a sheet or file of that name holds."""
    return {squeeze(word): row["table"] for row in _read("table_words.csv") for word in row["words"].split("|")}


@functools.cache
def read_code_words(spec: FieldContract) -> Mapping[str, str]:
    """Return the registry's code for each word that a hospital may write in a coded or yes/no field."""
    name = spec.codes.__name__ if spec.codes else YES_NO
    own = {_fold_code(code.value): code.value for code in spec.codes} if spec.codes else {}
    labels = {_fold_code(code.zh): code.value for code in spec.codes} if spec.codes else {}
    tests = _list_test_words() if spec.codes is LabTest else ()
    return {**labels, **{_fold_code(word): value for value, word in (*tests, *_list_code_words(name))}, **own}


def find_code(spec: FieldContract, text: str) -> str | None:
    """Return the registry's code for a hospital's text, None where no word says it; `0:LIVING` is LIVING."""
    words = read_code_words(spec)
    labelled = _LABELLED.match(text)
    return words.get(_fold_code(text)) or (words.get(_fold_code(labelled[1])) if labelled else None)


def _fold_code(text: str) -> str:
    """Return a code as words are compared; signs count, for `+` and `-` are codes."""
    return re.sub(r"[\s_\-/]+", "", unicodedata.normalize("NFKC", text).casefold()) or text.strip()


@functools.cache
def _list_code_forms() -> frozenset[str]:
    fields = [
        spec for table in TABLES for spec in read_fields(table).values() if spec.codes or spec.dtype == pl.Boolean
    ]
    return frozenset(form for spec in fields for form in read_code_words(spec))


def is_code_word(text: str) -> bool:
    """Whether a text is a word of some code list, one letter or sign, or nothing known."""
    return len(text) == 1 or _fold_code(text) in _list_code_forms() or text.casefold() in MISSING_TEXTS


def list_code_lists() -> list[type[Code]]:
    """Return the code lists of all fields that a hospital sends."""
    specs = [spec for table in TABLES for spec in read_fields(table).values() if spec.codes and not spec.is_made]
    return list(dict.fromkeys(spec.codes for spec in specs if spec.codes))


def _list_column_words(kind: str) -> Iterator[tuple[str, str]]:
    for row in (*read_identifier_words(), *_read("column_words.csv")):
        yield from ((row["meaning"], word) for word in row[kind].split("|") if word)


def _list_test_words() -> Iterator[tuple[str, str]]:
    for row in _read("test_words.csv"):
        yield from ((row["test"], word) for word in row["words"].split("|"))


def _list_code_words(name: str) -> Iterator[tuple[str, str]]:
    for row in _read("code_words.csv"):
        if row["codes"] == name:
            yield from ((row["value"], word) for word in row["words"].split("|"))


@functools.cache
def _read(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(find_data("etl.onboarding.proposing", name).read_text(encoding="utf-8").splitlines()))
