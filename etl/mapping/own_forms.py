"""How a name or number that a delivery holds may be written elsewhere: the pattern of each, and what a text must hold to be tried.

A number of six and more characters, or with letters, is one wherever it stands by itself; a shorter one only behind a label
(住院号12), for 12 is also a segment, a size or a dose. A name that is an ordinary word too (高峰, Long) counts only where
a person is meant, one of two characters not where the signs beside it make words of its two halves (扩张明显 holds no 张明).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from etl.mapping.form_patterns import NO_VALUE
from etl.mapping.identity import normalise_identifier
from etl.mapping.name_words import ABBREVIATION, ALSO_A_NAME, NEIGHBOUR, NO_SURNAME_ALONE, read_words
from etl.mapping.personal_forms import is_measured

_SHORTEST_NAME, _SHORTEST_LATIN_NAME, _SHORTEST_NUMBER = 2, 3, 6
_LATIN_WORD, _SHORTEST_PIECE = 5, 3
_KEPT_PATTERNS = 2**16
# A text is looked for in every cell, so that a whole report in a column of names would take as long as all reports.
_LONGEST_NAME = 200
_HAN = re.compile(r"[\u3400-\u9fff]")
_REMARK_BEHIND_NAME = re.compile(r"\s{0,9}\([^()]{0,200}\)$")
_TITLE_BEHIND = re.compile(r"\s{0,9}(?:先生|女士|同志|小姐|太太|老师|(?:副?主任|主治|住院)?(?:医师|医生)|大夫|教授)$")
_TITLE_BEFORE = re.compile(r"^(?:mr|mrs|ms|miss|mdm|dr|prof)\b\.?\s*", re.IGNORECASE)
_BETWEEN_PARTS = re.compile(r"[-_\s/]+")
_VISIT_SUFFIX = re.compile(r"(?<=\d{6})-\d{1,2}$")
_NATIONAL_ID = re.compile(r"\d{14,17}[\dxX]")
# S7, T12, C34.1: segments, vertebrae, stages and diagnoses are written like short numbers with a letter.
_CLINICAL_CODE = re.compile(r"[A-Za-z]\d{1,2}(?:\.\d+)?")
_DATE = re.compile(
    r"(19|20)\d{2}(?:(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])|([-./_])(0?[1-9]|1[0-2])\4(0?[1-9]|[12]\d|3[01]))"
)
_LABEL = (
    r"(?:住院号码?|病案号|门诊号|病历号|病理号|影像号|就诊卡号|登记号|编号|患者号|病人号|"
    r"(?<![A-Za-z])(?:ID|Id|id|No|NO|MRN|mrn|(?i:record)(?:\s?(?i:id|no))?))\.?\s{0,9}[:#]?\s{0,9}"
)
LABEL_HINT = "号|id|no|mrn|record"
_PERSON_BEFORE = r"(?:姓名\s{0,9}:?\s{0,9}|(?i:name\s{0,9}:|patient)\s{0,9})"
_PERSON_BEHIND = r"(?=\s{0,9}(?:先生|女士|同志|自?诉|主诉|自述|称))"
_STARTS_WITH_PERSON = re.compile(r"(?:姓名:?|患者|病人|病友|病员|[与和及同])$")


@dataclass(frozen=True)
class OwnForm:
    """The patterns of one name or number; of a name of two characters also that its neighbours do not make words of its halves."""

    patterns: tuple[re.Pattern[str], ...]
    is_short_name: bool = False
    is_number: bool = False

    def find(self, plain: str) -> list[tuple[int, int]]:
        """Return where a folded text holds it."""
        found = (m.span(m.lastgroup or 0) for pattern in self.patterns for m in pattern.finditer(plain))
        return [span for span in found if span[1] > span[0] and self._holds(plain, *span)]

    def _holds(self, plain: str, start: int, end: int) -> bool:
        if self.is_number:
            return not is_measured(plain, start)
        if not self.is_short_name or _STARTS_WITH_PERSON.search(plain[max(0, start - 4) : start]):
            return True
        beside = (plain[max(0, start - 1) : start + 1], plain[end - 1 : end + 1])
        return read_words(NEIGHBOUR).isdisjoint(beside)


@lru_cache(_KEPT_PATTERNS)
def find_own_form(text: str) -> OwnForm:
    """Return how a name or number may be written."""
    plain = _clean(text)
    if not _is_name(plain):
        return OwnForm(_compile_number(_VISIT_SUFFIX.sub("", plain)), is_number=True)
    name = _strip_titles(plain)
    parts = _split_name(name)
    if not _HAN.search(name) and len(parts) > 1:
        return OwnForm(_compile_latin_name(parts))
    is_short = len("".join(parts)) == _SHORTEST_NAME and bool(_HAN.search(name))
    return OwnForm((_compile_name(name, parts),), is_short_name=is_short)


def _clean(text: str) -> str:
    return " ".join(normalise_identifier(text).split())


def _strip_titles(plain: str) -> str:
    """Return a name without its title and the remark behind it; one that is nothing else stays."""
    name = _REMARK_BEHIND_NAME.sub("", plain) or plain
    return _TITLE_BEFORE.sub("", _TITLE_BEHIND.sub("", name)) or name


def _split_name(name: str) -> list[str]:
    return list("".join(name.split())) if _HAN.search(name) else [part for part in re.split(r"[\s,.·]+", name) if part]


def _is_name(plain: str) -> bool:
    """Whether a text is written like a name; one or two letters are also a class, a blood group or a stage."""
    has_digit = any(character.isdigit() for character in plain)
    return bool(_HAN.search(plain)) or (not has_digit and len(plain) >= _SHORTEST_LATIN_NAME)


def _is_word(parts: list[str]) -> bool:
    word = "".join(parts).casefold()
    return word in read_words(ALSO_A_NAME) or word in read_words(ABBREVIATION)


def _compile_name(name: str, parts: list[str]) -> re.Pattern[str]:
    """A name in any case and with any blanks; Latin letters and digits only where they are a word of their own."""
    body = (r"[\s·]*" if _HAN.search(name) else r"[\s,]+").join(map(re.escape, parts))
    before = r"(?<![A-Za-z0-9])" if name[0].isascii() else ""
    after = r"(?![A-Za-z0-9])" if name[-1].isascii() else ""
    word = f"{before}(?i:{body}){after}"
    if _is_word(parts):
        alone, labelled = rf"^\s*(?P<alone>{word})\s*$", rf"{_PERSON_BEFORE}(?P<named>{word})(?=\s*(?:\W|$))"
        return re.compile(rf"{alone}|{labelled}|(?P<told>{word}){_PERSON_BEHIND}")
    return re.compile(word)


def _compile_latin_name(parts: list[str]) -> tuple[re.Pattern[str], ...]:
    """A name of several words in both orders, joined or apart, and each of its longer words with the others' initials."""
    between = r"[\s,.'-]{0,3}"
    # A given name of two syllables may be written apart: Cui-yu, Cui Yu.
    written = {part: r"[-' ]?".join(map(re.escape, part)) for part in parts}
    orders = [parts, parts[::-1], [parts[-1], *parts[:-1]], [*parts[1:], parts[0]]]
    whole = "|".join(dict.fromkeys(between.join(written[part] for part in order) for order in orders))
    patterns = [re.compile(rf"(?<![A-Za-z0-9])(?i:{whole})(?![A-Za-z0-9])")]
    for place, word in enumerate(parts):
        if len(word) < _SHORTEST_PIECE or _is_word([word]):
            continue
        first = next(part[0] for n, part in enumerate(parts) if n != place)
        initials = rf"{re.escape(first.upper())}(?:[.-]?\s?[A-Z])?"
        abbreviated = (
            rf"(?i:{re.escape(word)})[\s,]{{1,2}}{initials}(?![A-Za-z])\.?|{initials}\.?\s?(?i:{re.escape(word)})"
        )
        patterns.append(re.compile(rf"(?<![A-Za-z0-9])(?:{abbreviated})(?![A-Za-z0-9])"))
    return tuple(patterns)


def _compile_number(number: str) -> tuple[re.Pattern[str], ...]:
    """A number with or without leading zeros, a few letters and the suffix of a visit: by itself, or behind a label."""
    parts = _BETWEEN_PARTS.split(number)
    parts[0] = parts[0].lstrip("0") or parts[0]
    core = r"[-_\s/]*".join(map(re.escape, parts))
    if _NATIONAL_ID.fullmatch(number):
        core = r"[-\s]?".join(number)
    written, visit = rf"0*(?i:{core})", r"(?:[-/_]\d{1,2}(?!\d))?"
    forms = [re.compile(rf"{_LABEL}(?P<labelled>{written}{visit}){NO_VALUE}")]
    if _stands_alone(number):
        is_padded = number.isdigit() and len(parts[0]) < _SHORTEST_NUMBER
        alone = re.escape(number) if is_padded else written
        letters = r"(?:[A-Za-z]{1,4}[-#]?)?" if number.isdigit() else ""
        behind = r"(?:[A-Za-z](?![A-Za-z]))?" if number.isdigit() else ""
        forms.append(re.compile(rf"(?<![0-9A-Za-z.<>≤≥]){letters}{alone}{NO_VALUE}{visit}{behind}(?!\d)"))
    return tuple(forms)


def _stands_alone(number: str) -> bool:
    """Whether a number points at a patient without a label: it is long or has letters, and is no date and no clinical code."""
    if _DATE.fullmatch(number) or _CLINICAL_CODE.fullmatch(number):
        return False
    has_digit = any(character.isdigit() for character in number)
    return len(number) >= _SHORTEST_NUMBER or (has_digit and any(character.isalpha() for character in number))


@dataclass(frozen=True)
class Piece:
    """What must be in a cell, but for blanks and dashes, if a name or number is in it, and whether that must stand behind a label.

    `is_everywhere` tells that it is looked for in every row of the delivery, else only in those of its own patient; `is_surname` that
    others may have it too, with other initials beside it.
    """

    text: str
    is_everywhere: bool
    needs_label: bool = False
    is_surname: bool = False


def list_pieces(text: str) -> list[Piece]:
    """Return the pieces of a name or number: of a name with initials there are several; a text too long for either has none."""
    plain = _clean(text)
    if len(plain) > _LONGEST_NAME:
        return []
    if not _is_name(plain):
        number = _VISIT_SUFFIX.sub("", plain)
        stands_alone = _stands_alone(number)
        return [Piece(number.lstrip("0") or number, is_everywhere=stands_alone, needs_label=not stands_alone)]
    name = _strip_titles(plain)
    parts = _split_name(name)
    whole = "".join(parts)
    if _HAN.search(name):
        return [Piece(whole, is_everywhere=not _is_word(parts))]
    if len(parts) == 1:
        return [Piece(whole, is_everywhere=len(whole) >= _LATIN_WORD and not _is_word(parts))]
    longest = max(parts, key=len)
    rest = [part for part in parts if part != longest and len(part) >= _SHORTEST_PIECE]
    return [
        Piece(longest, is_everywhere=True),
        *(Piece(p, is_everywhere=False, is_surname=True) for p in rest),
    ]


def find_surname(text: str) -> str:
    """Return the first character of a Chinese name of two to four characters, "" where the text is none or it is a word as well."""
    name = _strip_titles(_clean(text))
    is_name = 2 <= len(name) <= 4 and all(map(_HAN.fullmatch, name)) and name not in read_words(ALSO_A_NAME)
    return name[0] if is_name and name[0] not in read_words(NO_SURNAME_ALONE) else ""
