"""Masks in a patient's texts what names that patient: numbers, names, telephone numbers, as far as the delivery holds them.

A number of six and more characters, or with letters, is masked wherever it stands by itself; a shorter one only behind a label
(住院号12), for 12 is also a segment, a size or a dose. A name that is an ordinary word too (高峰, Long) is masked only where
a person is meant.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache

import polars as pl

from etl.mapping.identity import MASK, PERSONAL_DATA_HINT, mask_personal_data, normalise_identifier
from etl.mapping.parse import MISSING_TEXTS
from schemas.contract import FieldContract
from schemas.package_data import find_data

ALSO_A_NAME, NAMES_NOBODY = "also a name", "names nobody"
_ORDINARY_WORDS = "ordinary_words.csv"
_SHORTEST_NAME, _SHORTEST_LATIN_NAME, _SHORTEST_NUMBER, _SHORTEST_DROPPED_NUMBER = 2, 3, 6, 7
_KEPT_PATTERNS = 2**16
_MOST_TEXTS = 12
_HAN = re.compile(r"[\u3400-\u9fff]")
_REMARK_BEHIND_NAME = re.compile(r"\s*\([^()]*\)$")
_BETWEEN_PARTS = re.compile(r"[-_\s/]+")
_VISIT_SUFFIX = re.compile(r"(?<=\d{6})-\d{1,2}$")
_NATIONAL_ID = re.compile(r"\d{14,17}[\dxX]")
# S7, T12, C34.1: segments, vertebrae, stages and diagnoses are written like short numbers with a letter.
_CLINICAL_CODE = re.compile(r"[A-Za-z]\d{1,2}(?:\.\d+)?")
_DATE = re.compile(
    r"(19|20)\d{2}(?:(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])|([-./_])(0?[1-9]|1[0-2])\4(0?[1-9]|[12]\d|3[01]))"
)
# What a column of dates holds when it holds one: a date, or a day as a workbook counts it.
_DATE_CELL = re.compile(r"(?:19|20)\d{2}\D?(?:0?[1-9]|1[0-2])\D?(?:0?[1-9]|[12]\d|3[01])(?:\D.*)?|[2-5]\d{4}(?:\.\d+)?")
_DATE_LIKE = re.compile(r"(19|20)\d{2}\D?(0?[1-9]|1[0-2])\D?(0?[1-9]|[12]\d|3[01])(\D.*)?$")
# No value begins with a zero before another digit, as a patient's number may.
_PLAIN_NUMBER = re.compile(r"[<>≤≥≦≧]?=?\s*[+-]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d*)?(?:[eE][+-]?\d+)?")
_LABEL = r"(?:住院号码?|病案号|门诊号|病历号|就诊卡号|登记号|编号|患者号|病人号|(?<![A-Za-z])(?:ID|Id|id|No|NO|MRN|mrn))\.?\s*:?\s*"
_LABEL_HINT = r"(?:号码?|id|no|mrn)\.?\s*:?\s*[0-9a-z]"
_NO_VALUE = r"(?!\d)(?!\.\d)(?!\s*(?:%|[×*]\s*\d|(?i:iu|u|[mk]?au|ku|ng|ug|μg|mg|kg|pg|g|ml|l|mm|cm|m|s|h|d|copies|cps|umol|μmol|mmol)(?![A-Za-z])|拷贝))"
_PERSON_BEFORE, _PERSON_BEHIND = (
    r"姓名\s*:?\s*|(?i:name\s*:|patient)\s*",
    r"(?=\s*(?:先生|女士|同志|自?诉|主诉|自述|称))",
)


@cache
def _read_ordinary_words() -> Mapping[str, frozenset[str]]:
    with find_data("etl.mapping", _ORDINARY_WORDS).open(encoding="utf-8", newline="") as file:
        return {row["kind"]: frozenset(row["words"].split("|")) for row in csv.DictReader(file)}


def is_identifying(text: str) -> bool:
    """Whether the text of a dropped column may be masked elsewhere: a name or a long number.

    A short number (a bed), a date, a word for "no value" or a province also stands in cells that name nobody.
    """
    if text.casefold() in MISSING_TEXTS or text.casefold() in _read_ordinary_words()[NAMES_NOBODY]:
        return False
    if any(character.isalpha() for character in text):
        return len(text) >= _SHORTEST_NAME
    is_long = sum(character.isdigit() for character in text) >= _SHORTEST_DROPPED_NUMBER
    return is_long and not _DATE_LIKE.match(text)


@dataclass(frozen=True)
class OwnTexts:
    """The texts that name each patient, by normalised local number: the number itself, national id, name. Never stored."""

    by_patient: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def _pieces(self) -> pl.DataFrame:
        """One row per patient: in each column a piece without which one of the texts cannot be in a cell."""
        few = {number: texts for number, texts in self.by_patient.items() if number not in self.crowds}
        pieces = {number: sorted({_find_piece(text) for text in texts} - {""}) for number, texts in few.items()}
        width = max(map(len, pieces.values()), default=0)
        columns = {f"piece_{i}": [p[i] if i < len(p) else None for p in pieces.values()] for i in range(width)}
        schema = dict.fromkeys(["patient", *columns], pl.String)
        return pl.DataFrame({"patient": list(pieces), **columns}, schema=schema)

    @cached_property
    def crowds(self) -> Mapping[str, Sequence[str]]:
        """Numbers that many people share, such as none at all, with the pieces of all their texts."""
        many = {number: texts for number, texts in self.by_patient.items() if len(texts) > _MOST_TEXTS}
        return {number: sorted({_find_piece(text) for text in texts} - {""}) for number, texts in many.items()}

    def align(self, patients: pl.Series) -> Masker:
        """Return what masks the cells of rows whose local patient numbers are `patients`."""
        numbers = patients.alias("patient").str.normalize("NFKC").str.strip_chars().fill_null("")
        pieces = numbers.to_frame().join(self._pieces, on="patient", how="left", maintain_order="left")
        return Masker(self, numbers, pieces.drop("patient"))


@dataclass(frozen=True)
class Masker:
    """Masks columns of one sheet or table: whose rows they are was looked up once for all of them."""

    own: OwnTexts
    numbers: pl.Series
    pieces: pl.DataFrame

    def mask(self, cells: pl.Series, spec: FieldContract | None = None) -> tuple[pl.Series, list[int]]:
        """Return the column with personal data masked, and the positions of the cells that held some.

        `spec` is the field that the column is read into. In one of numbers, dates or codes a cell that is just one of them stays, also where it equals its patient's number: a value that is lost in silence would be worse.
        """
        value = _find_value_form(spec)
        masked: dict[int, str] = {}
        for row in self._suspect(cells).arg_true().to_list():
            text = mask_own(cells[row], self.own.by_patient.get(self.numbers[row], ()), value)
            if text != cells[row]:
                masked[row] = text
        if not masked:
            return cells, []
        return cells.scatter(list(masked), list(masked.values())), list(masked)

    def _suspect(self, cells: pl.Series) -> pl.Series:
        """Return where personal data may be, by cheap tests of the whole column."""
        lowered = cells.alias("cell").str.normalize("NFKC").str.to_lowercase()
        cell = pl.col("cell")
        tests = [cell.str.contains(PERSONAL_DATA_HINT), cell.str.contains(_LABEL_HINT)]
        tests += [cell.str.contains(pl.col(piece), literal=True) for piece in self.pieces.columns]
        for number, pieces in self.own.crowds.items():
            tests.append(pl.lit(self.numbers == number) & cell.str.contains_any(list(pieces)))
        found = pl.any_horizontal([test.fill_null(value=False) for test in tests])
        return self.pieces.with_columns(lowered).select(found).to_series()


def _find_value_form(spec: FieldContract | None) -> re.Pattern[str] | None:
    if spec is None:
        return None
    if spec.codes is not None:
        return re.compile("|".join(re.escape(code.value) for code in spec.codes), re.IGNORECASE)
    return _DATE_CELL if spec.dtype == pl.Date else _PLAIN_NUMBER if spec.dtype in (pl.Float64, pl.Int64) else None


def mask_own(text: str, own: Sequence[str], value: re.Pattern[str] | None = None) -> str:
    """Return a patient's text with personal data masked, and with it the patient's own texts, given longest first.

    A text that is a `value` as a whole keeps what it shares with the patient's own texts.
    """
    masked = mask_personal_data(text)
    plain = unicodedata.normalize("NFKC", masked)
    if value and value.fullmatch(plain.strip()):
        return masked
    hidden = plain
    for other in own:
        hidden = _compile(other).sub(_keep_label, hidden)
    return masked if hidden == plain else hidden


def _keep_label(match: re.Match[str]) -> str:
    return (match.groupdict().get("label") or "") + MASK


@lru_cache(_KEPT_PATTERNS)
def _compile(text: str) -> re.Pattern[str]:
    plain = " ".join(normalise_identifier(text).split())
    if _is_name(plain):
        return _compile_name(_REMARK_BEHIND_NAME.sub("", plain) or plain)
    return _compile_number(_VISIT_SUFFIX.sub("", plain))


def _is_name(plain: str) -> bool:
    """Whether a text is written like a name; one or two letters are also a class, a blood group or a stage."""
    has_digit = any(character.isdigit() for character in plain)
    return bool(_HAN.search(plain)) or (not has_digit and len(plain) >= _SHORTEST_LATIN_NAME)


def _compile_name(name: str) -> re.Pattern[str]:
    """A name in any case and with any blanks; Latin letters and digits only where they are a word of their own."""
    is_han = bool(_HAN.search(name))
    parts = "".join(name.split()) if is_han else name.split()
    body = (r"\s*" if is_han else r"[\s,]+").join(map(re.escape, parts))
    before = r"(?<![A-Za-z0-9])" if name[0].isascii() else ""
    after = r"(?![A-Za-z0-9])" if name[-1].isascii() else ""
    word = f"{before}(?i:{body}){after}"
    if "".join(parts).casefold() in _read_ordinary_words()[ALSO_A_NAME]:
        word = rf"^\s*{word}\s*$|(?P<label>{_PERSON_BEFORE}){word}(?=\s*(?:\W|$))|{word}{_PERSON_BEHIND}"
    return re.compile(word)


def _compile_number(number: str) -> re.Pattern[str]:
    """A number with or without leading zeros and the suffix of a visit: by itself, or behind a label."""
    parts = _BETWEEN_PARTS.split(number)
    parts[0] = parts[0].lstrip("0") or parts[0]
    core = r"[-_\s/]*".join(map(re.escape, parts))
    if _NATIONAL_ID.fullmatch(number):
        core = r"[-\s]?".join(number)
    written = rf"0*(?i:{core})"
    forms = [rf"(?P<label>{_LABEL}){written}(?:-\d{{1,2}})?{_NO_VALUE}"]
    if _stands_alone(number):
        is_padded = number.isdigit() and len(parts[0]) < _SHORTEST_NUMBER
        alone = re.escape(number) if is_padded else written
        forms.append(rf"(?<![0-9A-Za-z.<>≤≥]){alone}(?:-\d{{1,2}})?{_NO_VALUE}")
    return re.compile("|".join(forms))


def _stands_alone(number: str) -> bool:
    """Whether a number points at a patient without a label: it is long or has letters, and is no date and no clinical code."""
    if _DATE.fullmatch(number) or _CLINICAL_CODE.fullmatch(number):
        return False
    has_digit = any(character.isdigit() for character in number)
    return len(number) >= _SHORTEST_NUMBER or (has_digit and any(character.isalpha() for character in number))


def _find_piece(text: str) -> str:
    """Return a piece, in small letters, without which a text cannot be in a cell; nothing where a label must stand there too."""
    plain = normalise_identifier(text).lower()
    if _HAN.search(plain):
        return plain[0]
    if _is_name(plain):
        return max(plain.split(), key=len)
    number = _VISIT_SUFFIX.sub("", plain)
    if not _stands_alone(number):
        return ""
    if _NATIONAL_ID.fullmatch(number):
        return number[:1]
    return max((part.lstrip("0") or part for part in _BETWEEN_PARTS.split(number)), key=len)
