"""Masks in a delivery's texts what names a patient: its numbers and names, and whatever is written like personal data.

Numbers of six and more characters or with letters, and names, are masked in every row of the delivery; what may be something else
there (a name that is a word, a single short Latin name, a number behind No.) in its own patient's rows only. Never masked are names of one
character, what five and more patients share, dates, counts and values with their units. What is looked for how: `own_forms.py`
and `personal_forms.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import polars as pl

from etl.mapping.name_words import NAMES_NOBODY, read_words
from etl.mapping.own_forms import LABEL_HINT, find_own_form, find_surname, list_pieces
from etl.mapping.parse import MISSING_TEXTS
from etl.mapping.personal_forms import KNOWN, Span, fold, list_forms, name_kinds, replace_spans
from schemas.contract import FieldContract

_SHORTEST_NAME, _SHORTEST_DROPPED_NUMBER = 2, 6
_SHARED_BY = 5
_FEW_SHARE = 50
_FEW_CELLS = 500
# What a column of dates holds when it holds one: a date, or a day as a workbook counts it.
_DATE_CELL = re.compile(r"(?:19|20)\d{2}\D?(?:0?[1-9]|1[0-2])\D?(?:0?[1-9]|[12]\d|3[01])(?:\D.*)?|[2-5]\d{4}(?:\.\d+)?")
_DATE_LIKE = re.compile(r"(19|20)\d{2}\D?(0?[1-9]|1[0-2])\D?(0?[1-9]|[12]\d|3[01])(\D.*)?$")
# No value begins with a zero before another digit, as a patient's number may.
_PLAIN_NUMBER = re.compile(
    r"[<>≤≥≦≧]?=?\s{0,9}[+-]?(?:0|[1-9]\d{0,399}|[1-9]\d{0,2}(?:,\d{3}){1,99})(?:\.\d{0,400})?(?:[eE][+-]?\d{1,9})?"
)
_BIRTH = "birth"


def is_identifying(text: str) -> bool:
    """Whether the text of a dropped column may be masked elsewhere: a name or a long number.

    A short number (a bed), a date, a word for "no value" or a province also stands in cells that name nobody.
    """
    if text.casefold() in MISSING_TEXTS or text.casefold() in read_words(NAMES_NOBODY):
        return False
    if any(character.isalpha() for character in text):
        return len(text) >= _SHORTEST_NAME
    is_long = sum(character.isdigit() for character in text) >= _SHORTEST_DROPPED_NUMBER
    return is_long and not _DATE_LIKE.match(text)


def leave_out_shared(by_patient: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return of each patient the texts that fewer than five patients have: what more share names none of them."""
    n_patients: dict[str, int] = {}
    for patient, texts in by_patient.items():
        for text in set(texts):
            n_patients[text] = n_patients.get(text, 0) + bool(patient)
    return {p: sorted(t for t in set(texts) if n_patients[t] < _SHARED_BY) for p, texts in by_patient.items()}


class OwnTexts:
    """The texts that name each patient, by normalised local number: the number itself, national id, name. Never stored.

    Rows without a number share one entry. What a cell's text holds is looked up once, however many cells have it.
    """

    def __init__(self, by_patient: Mapping[str, Sequence[str]] | None = None) -> None:
        self.by_patient = by_patient or {}
        self._known = pl.Series("text", [], dtype=pl.String)
        self._named = pl.DataFrame(schema={"text": pl.String, "patient": pl.String, "own": pl.List(pl.String)})
        self._flagged = self._known
        self._everywhere: dict[str, list[Span]] = {}

    def look_up(self, columns: Iterable[pl.Series]) -> None:
        """Find what the texts of columns may hold, so far as it is not known. One call for many columns is the fast way."""
        filled = (column for column in columns if column.null_count() < len(column))
        texts = (column if len(column) <= _FEW_CELLS else column.unique() for column in filled)
        distinct = pl.concat([self._known.clear(), *(column.alias("text") for column in texts)]).to_frame()
        is_new = pl.col("text").is_not_null() & ~pl.col("text").is_in(self._known.implode())
        new = distinct.filter(is_new).unique()
        if new.is_empty():
            return
        cells = new.with_columns(plain=pl.col("text").str.normalize("NFKC"))
        self._find_written_forms(cells)
        own = self._find_known_texts(cells)
        self._named = pl.concat([self._named, own])
        found = pl.Series("text", list(self._everywhere), dtype=pl.String)
        self._flagged = pl.concat([found, self._named["text"]]).unique()
        self._known = pl.concat([self._known, new["text"]])

    def _find_written_forms(self, cells: pl.DataFrame) -> None:
        """Note the spans of texts that are written like personal data, each form tried where its hint stands."""
        forms = list_forms(self._surnames)
        hints = {hint: str(n) for n, hint in enumerate(dict.fromkeys(form.hint for form in forms))}
        hinted = cells.select("text", *(pl.col("plain").str.contains(hint).alias(name) for hint, name in hints.items()))
        for hint, name in hints.items():
            own = [form for form in forms if form.hint == hint]
            for text in hinted.filter(name)["text"]:
                plain = fold(text)[0]
                if spans := [span for form in own for span in form.find(plain)]:
                    self._everywhere.setdefault(text, []).extend(spans)

    def _find_known_texts(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Note the spans of the delivery's names and numbers; return text, patient, own of those looked for in their patient's rows only."""
        patterns = self._pieces["piece"].unique(maintain_order=True)
        if patterns.is_empty():
            return self._named.clear()
        lowered = pl.col("plain").str.to_lowercase()
        texts = cells.select("text", compact=_compact(lowered), is_labelled=lowered.str.contains(LABEL_HINT))
        piece = pl.col("compact").str.extract_many(patterns.implode(), overlapping=True).list.unique()
        hits = texts.select("text", "is_labelled", piece=piece).filter(pl.col("piece").list.len() > 0).explode("piece")
        held = hits.join(self._pieces, on="piece", how="inner").filter(pl.col("is_labelled") | ~pl.col("needs_label"))
        for text, own in held.filter("is_everywhere").select("text", "own").unique().sort("text", "own").iter_rows():
            if spans := _find_own(text, own):
                self._everywhere.setdefault(text, []).extend(spans)
        rest = held.filter(~pl.col("is_everywhere")).unique(["text", "patient", "own"]).sort("text", "patient", "own")
        return rest.group_by("text", "patient", maintain_order=True).agg("own")

    @cached_property
    def _surnames(self) -> str:
        return "".join(sorted({find_surname(text) for texts in self.by_patient.values() for text in texts}))

    @cached_property
    def _pieces(self) -> pl.DataFrame:
        """The pieces of all patients' texts, without blanks and dashes; what is looked for everywhere stands once, as nobody's."""
        lines = [
            (
                "" if piece.is_everywhere else patient,
                own,
                piece.text,
                piece.needs_label,
                piece.is_everywhere,
                piece.is_surname,
            )
            for patient, texts in self.by_patient.items()
            for own in texts
            for piece in list_pieces(own)
        ]
        schema = {"patient": pl.String, "own": pl.String, "piece": pl.String} | dict.fromkeys(
            ("needs_label", "is_everywhere", "is_surname"), pl.Boolean
        )
        pieces = pl.DataFrame(lines, schema=schema, orient="row").unique(maintain_order=True)
        pieces = pieces.with_columns(_compact(pl.col("piece").str.to_lowercase())).filter(pl.col("piece") != "")
        # A Latin surname that many have is no piece: each text that holds it would be compared with all of them.
        return pieces.filter(~pl.col("is_surname") | (pl.len().over("piece") <= _FEW_SHARE))

    def mask_frame(
        self, frame: pl.DataFrame, patients: pl.Series, fields: Mapping[str, FieldContract | None]
    ) -> tuple[pl.DataFrame, list[tuple[int, str, str]]]:
        """Return the frame with personal data masked in the columns that `fields` names, and row, column and kinds of the cells that held some.

        `patients` are the rows' local numbers; `fields` has the field that each column is read into, where it is read into one.
        """
        self.look_up(frame[name] for name in fields)
        if self._flagged.is_empty():
            return frame, []
        flagged = frame.select(pl.col(name).is_in(self._flagged.implode()).any() for name in fields)
        hits: list[tuple[int, str, str]] = []
        for name in (name for name in fields if flagged[name][0]):
            masked, kinds = self.mask_cells(frame[name], patients, fields[name])
            frame = frame.with_columns(masked.alias(name))
            hits += [(row, name, kind) for row, kind in kinds.items()]
        return frame, hits

    def mask_cells(
        self, cells: pl.Series, patients: pl.Series, spec: FieldContract | None = None
    ) -> tuple[pl.Series, dict[int, str]]:
        """Return a column with personal data masked, and of the cells that held some their position and the kinds of it.

        `spec` is the field that the column is read into. In one of numbers, dates or codes a cell that is just one of them stays,
        also where it equals its patient's number: a value that is lost in silence would be worse.
        """
        self.look_up([cells])
        numbers = pl.col("patient").str.normalize("NFKC").str.strip_chars().fill_null("")
        rows = pl.DataFrame({"patient": patients, "text": cells}).with_row_index("row")
        suspect = rows.filter(pl.col("text").is_in(self._flagged.implode())).with_columns(numbers)
        if suspect.is_empty():
            return cells, {}
        known = suspect.join(self._named, on=["text", "patient"], how="left", maintain_order="left")
        masked: dict[int, str] = {}
        kinds: dict[int, str] = {}
        for row, text, own in known.select("row", "text", "own").iter_rows():
            spans = [*self._everywhere.get(text, ()), *(span for other in own or () for span in _find_own(text, other))]
            if spans := _leave_value(text, spans, spec):
                masked[row], kinds[row] = replace_spans(text, spans), name_kinds(spans)
        # `scatter` would write into the caller's series.
        return (cells.clone().scatter(list(masked), list(masked.values())) if masked else cells), kinds

    def mask_texts(self, texts: pl.Series) -> pl.Series:
        """Return texts that belong to no row, such as comments, without what names one of the delivery's patients."""
        return self.mask_cells(texts, pl.Series([None], dtype=pl.String).new_from_index(0, len(texts)))[0]

    def mask_text(self, text: str) -> str:
        """Return one such text, a sheet's name."""
        return self.mask_texts(pl.Series([text]))[0]


def _find_own(text: str, own: str) -> list[Span]:
    return [Span(start, end, KNOWN) for start, end in find_own_form(own).find(fold(text)[0])]


def _leave_value(text: str, spans: Sequence[Span], spec: FieldContract | None) -> list[Span]:
    """Return the spans that are masked in a cell of a field: in one of dates no day of birth, in a cell that is just a value nothing known."""
    if spec is None or not spans:
        return list(spans)
    value = _find_value_form(spec)
    left_out = {KNOWN} if value and value.fullmatch(fold(text)[0].strip()) else set[str]()
    if spec.dtype == pl.Date:
        left_out.add(_BIRTH)
    return [span for span in spans if span.kind not in left_out]


def _compact(texts: pl.Expr) -> pl.Expr:
    """A text without what may stand between the parts of a name or number (what Python and polars call a blank differs)."""
    return texts.str.replace_all(r"[-_/,.'·\s\x1c-\x1f]", "")


def _find_value_form(spec: FieldContract) -> re.Pattern[str] | None:
    if spec.codes is not None:
        return re.compile("|".join(re.escape(code.value) for code in spec.codes), re.IGNORECASE)
    return _DATE_CELL if spec.dtype == pl.Date else _PLAIN_NUMBER if spec.dtype in (pl.Float64, pl.Int64) else None
