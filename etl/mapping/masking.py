"""Masks in a patient's texts what names that patient: numbers, names, telephone numbers, as far as the delivery holds them.

A number of six and more characters, or with letters, is masked wherever it stands by itself; a shorter one only behind a label
(住院号12), for 12 is also a segment, a size or a dose. A name that is an ordinary word too (高峰, Long) is masked only where
a person is meant.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
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
_FEW_CELLS = 500
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
_LABEL_HINT = "号|id|no|mrn"
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


class OwnTexts:
    """The texts that name each patient, by normalised local number: the number itself, national id, name. Never stored.

    Rows without a number share one entry. What a cell's text holds is looked up once, however many cells have it.
    """

    def __init__(self, by_patient: Mapping[str, Sequence[str]] | None = None) -> None:
        self.by_patient = by_patient or {}
        self._known = pl.Series("text", [], dtype=pl.String)
        self._named = pl.DataFrame(schema={"text": pl.String, "patient": pl.String, "own": pl.List(pl.String)})
        self._flagged = self._known

    def look_up(self, columns: Iterable[pl.Series]) -> None:
        """Find what the texts of columns may hold, so far as it is not known. One call for many columns is the fast way."""
        filled = (column for column in columns if column.null_count() < len(column))
        texts = (column if len(column) <= _FEW_CELLS else column.unique() for column in filled)
        distinct = pl.concat([self._known.clear(), *(column.alias("text") for column in texts)]).to_frame()
        is_new = pl.col("text").is_not_null() & ~pl.col("text").is_in(self._known.implode())
        new = distinct.filter(is_new).unique()
        if new.is_empty():
            return
        lowered = pl.col("text").str.normalize("NFKC").str.to_lowercase()
        cells = new.select(
            "text",
            compact=_compact(lowered),
            is_labelled=lowered.str.contains(_LABEL_HINT),
            is_suspect=lowered.str.contains(PERSONAL_DATA_HINT),
        )
        suspect = cells.filter("is_suspect")["text"]
        personal = pl.Series("text", [text for text in suspect if mask_personal_data(text) != text], dtype=pl.String)
        alone = _find_named(cells, self._pieces.filter(~pl.col("needs_label")))
        labelled = _find_named(cells.filter("is_labelled"), self._pieces.filter("needs_label"))
        found = pl.concat([alone, labelled]).sort("text", "patient", "rank")
        named = found.group_by("text", "patient", maintain_order=True).agg("own")
        self._named = pl.concat([self._named, named])
        self._flagged = pl.concat([self._flagged, named["text"], personal]).unique()
        self._known = pl.concat([self._known, new["text"]])

    @cached_property
    def _pieces(self) -> pl.DataFrame:
        """The texts of all patients, each with the piece without which it is not in a cell, both without blanks and dashes."""
        lines = [
            (patient, rank, own, *_find_piece(own))
            for patient, texts in self.by_patient.items()
            for rank, own in enumerate(texts)
        ]
        schema = {
            "patient": pl.String,
            "rank": pl.Int64,
            "own": pl.String,
            "piece": pl.String,
            "needs_label": pl.Boolean,
        }
        pieces = pl.DataFrame(lines, schema=schema, orient="row")
        return pieces.with_columns(_compact(pl.col("piece").str.to_lowercase())).filter(pl.col("piece") != "")

    def mask_frame(
        self, frame: pl.DataFrame, patients: pl.Series, fields: Mapping[str, FieldContract | None]
    ) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
        """Return the frame with personal data masked in the columns that `fields` names, and row and column of the cells that held some.

        `patients` are the rows' local numbers; `fields` has the field that each column is read into, where it is read into one.
        """
        self.look_up(frame[name] for name in fields)
        if self._flagged.is_empty():
            return frame, []
        flagged = frame.select(pl.col(name).is_in(self._flagged.implode()).any() for name in fields)
        hits: list[tuple[int, str]] = []
        for name in (name for name in fields if flagged[name][0]):
            masked, rows = self.mask_cells(frame[name], patients, fields[name])
            frame = frame.with_columns(masked.alias(name))
            hits += [(row, name) for row in rows]
        return frame, hits

    def mask_cells(
        self, cells: pl.Series, patients: pl.Series, spec: FieldContract | None = None
    ) -> tuple[pl.Series, list[int]]:
        """Return a column with personal data masked, and the positions of the cells that held some.

        `spec` is the field that the column is read into. In one of numbers, dates or codes a cell that is just one of them stays,
        also where it equals its patient's number: a value that is lost in silence would be worse.
        """
        self.look_up([cells])
        numbers = pl.col("patient").str.normalize("NFKC").str.strip_chars().fill_null("")
        rows = pl.DataFrame({"patient": patients, "text": cells}).with_row_index("row")
        suspect = rows.filter(pl.col("text").is_in(self._flagged.implode())).with_columns(numbers)
        if suspect.is_empty():
            return cells, []
        known = suspect.join(self._named, on=["text", "patient"], how="left", maintain_order="left")
        value, masked = _find_value_form(spec), {}
        for row, text, own in known.select("row", "text", "own").iter_rows():
            hidden = mask_own(text, own or (), value)
            if hidden != text:
                masked[row] = hidden
        return (cells.scatter(list(masked), list(masked.values())) if masked else cells), list(masked)


def _compact(texts: pl.Expr) -> pl.Expr:
    """A text without what may stand between the parts of a name or number (what Python and polars call a blank differs)."""
    return texts.str.replace_all(r"[-_/,\s\x1c-\x1f]", "")


def _find_named(cells: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    """Return text, patient, rank, own for each piece that is in a cell's compact text, whosever cell it is."""
    patterns = pieces["piece"].unique(maintain_order=True)
    if cells.is_empty() or patterns.is_empty():
        return pieces.clear().select(pl.lit("").alias("text"), "patient", "rank", "own")
    hits = cells.select(
        "text", piece=pl.col("compact").str.extract_many(patterns.implode(), overlapping=True).list.unique()
    )
    held = hits.filter(pl.col("piece").list.len() > 0).explode("piece")
    return held.join(pieces, on="piece", how="inner").select("text", "patient", "rank", "own")


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


def _find_piece(text: str) -> tuple[str, bool]:
    """Return what must be in a cell, but for blanks and dashes, if a text is to be masked there, and whether only behind a label."""
    plain = " ".join(normalise_identifier(text).split())
    if _is_name(plain):
        return _REMARK_BEHIND_NAME.sub("", plain) or plain, False
    number = _VISIT_SUFFIX.sub("", plain)
    return number.lstrip("0") or number, not _stands_alone(number)
