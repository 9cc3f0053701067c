"""How people, their documents, telephones, addresses and accounts are written: found without knowing anybody.

A text is compared sign by sign in NFKC, so that full-width digits count, and what is found is replaced where it stands: the rest of
the text stays as it was written. A form is tried on a text only where its hint is found, which polars does for a whole column.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from etl.mapping import form_patterns as forms
from etl.mapping.name_words import ALSO_A_NAME, read_words
from etl.pages.text import Text

MASK = "[masked]"
_KEPT_TEXTS = 2**14

KNOWN = "known"
KINDS = {
    KNOWN: Text("a name or number of a patient of this delivery", "本次数据中患者的姓名或编号"),
    "document": Text("an identity document or card", "证件号或卡号"),
    "telephone": Text("a telephone number", "电话号码"),
    "account": Text("a mail address, an account or a link", "邮箱、账号或链接"),
    "address": Text("an address, an employer or a bed", "住址、单位或床号"),
    "number": Text("a hospital's number behind its label", "带标签的院内编号"),
    "person": Text("a person's name", "人名"),
    "birth": Text("a day of birth", "出生日期"),
}
"""What may be found in a text, as a finding calls it."""


@dataclass(frozen=True, order=True)
class Span:
    """A part of a text that is to be masked, by positions in its folded form, and what it is (`KINDS`)."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Form:
    """A written form: its kind, what polars looks for first, the pattern (its named group is masked, or all of it), and a last check."""

    kind: str
    hint: str
    pattern: re.Pattern[str]
    holds: Callable[[str, int, int], bool] = lambda _plain, _start, _end: True

    def find(self, plain: str) -> list[Span]:
        """Return the spans of a folded text that have this form."""
        found = (match.span(match.lastgroup or 0) for match in self.pattern.finditer(plain))
        return [Span(start, end, self.kind) for start, end in found if self.holds(plain, start, end)]


@lru_cache(_KEPT_TEXTS)
def fold(text: str) -> tuple[str, tuple[int, ...] | None]:
    """Return a text in NFKC, sign by sign, and the place in the text of each of its signs; None where the places are the same."""
    if text.isascii():
        return text, None
    parts = [unicodedata.normalize("NFKC", sign) for sign in text]
    plain = "".join(parts)
    if all(len(part) == 1 for part in parts):
        return plain, None
    return plain, tuple(place for place, part in enumerate(parts) for _ in part)


def replace_spans(text: str, spans: Iterable[Span]) -> str:
    """Return the text with `[masked]` in place of each span; spans that touch or overlap are one."""
    places = fold(text)[1]
    told: list[list[int]] = []
    for start, end in sorted((span.start, span.end) for span in spans):
        first, last = (start, end) if places is None else (places[start], places[end - 1] + 1)
        if told and first <= told[-1][1]:
            told[-1][1] = max(last, told[-1][1])
        else:
            told.append([first, last])
    edges = [0, *(place for span in told for place in span), len(text)]
    return MASK.join(text[first:last] for first, last in zip(edges[::2], edges[1::2], strict=True))


def is_measured(plain: str, start: int) -> bool:
    """Whether what stands in front of a number says that it is a measured value: AFP, HBV DNA."""
    return forms.MEASURED_BEFORE.search(plain[max(0, start - 20) : start]) is not None


def _is_no_value(plain: str, start: int, _end: int) -> bool:
    return not is_measured(plain, start)


def _is_no_word(plain: str, start: int, end: int) -> bool:
    return plain[start:end] not in read_words(ALSO_A_NAME)


@lru_cache(64)
def list_forms(surnames: str = "") -> tuple[Form, ...]:
    """Return the written forms; `surnames` are those of the delivery's names, besides the common ones."""
    numbers = [
        Form("document", forms.TEN_DIGITS, forms.NATIONAL_ID),
        Form("document", forms.TEN_DIGITS, forms.NATIONAL_ID_IN_GROUPS),
        Form("document", forms.TEN_DIGITS, forms.OLD_NATIONAL_ID),
        Form("document", forms.TEN_DIGITS, forms.BANK_CARD),
        Form("telephone", forms.TEN_DIGITS, forms.MOBILE, _is_no_value),
        Form("telephone", forms.TEN_DIGITS, forms.LANDLINE, _is_no_value),
        Form("document", forms.NUMERALS_HINT, forms.NUMERALS),
    ]
    labelled = [
        Form("telephone", forms.TELEPHONE_HINT, forms.LABELLED_TELEPHONE),
        Form("telephone", r"\+\d", forms.FOREIGN_TELEPHONE),
        Form("document", forms.DOCUMENT_HINT, forms.LABELLED_DOCUMENT),
        Form("document", r"[A-Za-z]\d{6}\(", forms.HONG_KONG_CARD),
        Form("document", r"^\s*[A-Z]{1,3}\d{6}", forms.WHOLE_CELL),
        Form("document", forms.PLATE_HINT, forms.PLATE),
        Form("number", forms.NUMBER_HINT, forms.LABELLED_NUMBER),
        Form("number", "I[Dd]", forms.BARE_ID),
        Form("account", r"@|(?i:[(\[]at[)\]]|\sat\s)", forms.MAIL),
        Form("account", r"://|(?i:www\.)", forms.LINK),
        Form("account", forms.ACCOUNT_HINT, forms.WECHAT),
        Form("account", forms.ACCOUNT_HINT, forms.QQ),
        Form("birth", forms.BIRTH_HINT, forms.BIRTH_BEFORE_WORD),
        Form("birth", forms.BIRTH_HINT, forms.BIRTH_BEHIND_LABEL),
        Form("birth", forms.BIRTH_HINT, forms.BIRTH_DAY_FIRST),
    ]
    places = [
        *(Form("address", forms.ADDRESS_HINT, pattern) for pattern in forms.ADDRESSES),
        Form("address", "床|(?i:bed)", forms.BED),
        Form("address", forms.EMPLOYER_HINT, forms.EMPLOYER),
    ]
    people = [Form("person", hint, pattern, _is_no_word) for hint, pattern in forms.make_name_patterns(surnames)]
    return (*numbers, *labelled, *places, *people)


def find_personal_data(text: str, surnames: str = "") -> list[Span]:
    """Return the parts of a text that are written like personal data."""
    plain = fold(text)[0]
    return [span for form in list_forms(surnames) for span in form.find(plain)]


def has_personal_data(text: str) -> bool:
    """Whether a text holds something that is written like personal data."""
    return bool(find_personal_data(text))


def mask_personal_data(text: str) -> str:
    """Return a text with what is written like personal data masked, as far as that is seen without knowing the delivery's names."""
    return replace_spans(text, find_personal_data(text))


def name_kinds(spans: Sequence[Span]) -> str:
    """Return the kinds of some spans, each once, as they are noted beside a cell: joined by a comma in the order of `KINDS`."""
    found = {span.kind for span in spans}
    return ",".join(kind for kind in KINDS if kind in found)
