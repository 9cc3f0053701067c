"""What a hospital's codes probably mean: by the data dictionary, the header, known words, or a convention of numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from etl.mapping.parse import MISSING, MISSING_TEXTS, UNSCHEDULED
from etl.mapping.personal_forms import has_personal_data
from etl.mapping.site import EACH, VISIT, normalise_code
from etl.onboarding.proposing.dictionary import says_missing
from etl.onboarding.proposing.no_value import list_no_values
from etl.onboarding.proposing.profile import Kind, Profile, look_like_names, profile_column
from etl.onboarding.proposing.proposal import GUESSED, SURE, Proposal
from etl.onboarding.proposing.words import (
    Meaning,
    find_code,
    find_limits,
    find_quantity,
    is_code_word,
    read_code_words,
)  # fmt: skip
from etl.pages.disclosure import SMALL_CELL_THRESHOLD
from etl.pages.text import Text
from schemas.codes import Drug
from schemas.contract import FieldContract

RARE = 0.05
"""Below this share of the rows a value may be a slip and says nothing about how a column is coded."""
CONVENTION, TRUE_FALSE = 0.75, 0.90
_WHOLE = re.compile(r"^[^\d<>≥≤＜＞~]*?(\d+)\s*(?:分|级|次|points?)?$")
_DRUG_NAME = 4  # a shorter word may stand in another drug's name
_DEATH_WORDS = ("死亡", "death", "dead", "deceased", "died", "event")
_SEX_OF_GB = {"1": "male", "2": "female"}


@dataclass(frozen=True)
class CodeDraft:
    """One line of codes.csv to be; `value` is "" where a person must say what the code means.

    `columns` are those in which a text stands that may say that there is no value; others are codes wherever they stand.
    """

    table: str
    field: str
    code: str
    value: str
    count: int
    confidence: float
    reason: Text
    columns: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """How many rows have the code; a small count is not told."""
        return str(self.count) if self.count >= SMALL_CELL_THRESHOLD or self.count == 0 else f"<{SMALL_CELL_THRESHOLD}"

    @property
    def is_open(self) -> bool:
        """Whether a person must decide."""
        return self.confidence < SURE


def list_codes(profile: Profile) -> dict[str, int]:
    """Return the texts that may be codes, each with how often it occurs, a small count as 1; nothing that may be somebody's."""
    is_coded = profile.kind == Kind.CODE or profile.is_integer_code or bool(profile.items)
    if not is_coded or _is_of_patients(profile) or profile.looks_like or any(map(has_personal_data, profile.counts)):
        return {}
    return {text: n if n >= SMALL_CELL_THRESHOLD else 1 for text, n in (profile.counts or profile.items).items()}


def _is_of_patients(profile: Profile) -> bool:
    """Whether nearly every patient has a text of their own, as with names: such texts are no codes."""
    texts = profile.items or (profile.counts if profile.kind == Kind.CODE else {})
    own = [text for text in texts if not is_code_word(text)]
    n_patients = sum((profile.patients or {}).values())
    return bool(own) and (profile.patients is None or 2 * len(own) > n_patients or look_like_names(own))


def draft_listed_codes(source: str, column: str, codes: Mapping[str, int], meaning: Meaning) -> list[CodeDraft]:
    """Return the codes of a column whose meaning a person has just told; `codes` are those of `list_codes`."""
    texts = pl.Series(column, [text for text, n in codes.items() for _ in range(n)], dtype=pl.String)
    return list(draft_codes(Proposal(source, profile_column(column, texts, {}), meaning, 1.0, Text("", ""))))


def draft_codes(p: Proposal) -> Iterator[CodeDraft]:
    """Yield the codes of one column that the registry does not understand by itself."""
    spec = p.meaning.contract if p.meaning else None
    if p.meaning is None or spec is None or p.meaning.record.startswith("?"):
        return
    if not (spec.codes or spec.dtype == pl.Boolean):
        told = list(_draft_numbers(p.meaning, spec, p.profile))
        yield from told
        yield from _draft_no_values(p, spec, {normalise_code(code.code) for code in told})
        return
    texts = p.profile.items if p.meaning.record.startswith(EACH) and p.profile.items else p.profile.counts
    counts = {**dict.fromkeys(p.profile.choices, 0), **texts}
    own = {code.value.casefold() for code in spec.codes} if spec.codes else {"true", "false"}
    for text, count in counts.items():
        is_missing = text.casefold() in MISSING_TEXTS and text != "-"
        if (text.casefold() in own and text not in p.profile.choices) or is_missing or has_personal_data(text):
            continue
        value, confidence, reason = _propose_code(p, spec, text)
        yield CodeDraft(p.meaning.table, p.meaning.field, text, value, count, confidence, reason)


def _propose_code(p: Proposal, spec: FieldContract, text: str) -> tuple[str, float, Text]:
    label = p.profile.choices.get(text, text if text in p.profile.choices.values() else None)
    if label is not None:
        value = find_code(spec, label) or (MISSING if says_missing(label) else None)
        if value:
            return value, 0.97, Text(f"the file says that {text} is {label}", f"文件注明 {text} 为 {label}")
        return (
            "",
            0.0,
            Text(
                f"the file says that {text} is {label}, which no known word says",
                f"文件注明 {text} 为 {label}，非已知编码",
            ),
        )
    hint = p.profile.hints.get(text)
    if hint and (value := find_code(spec, hint)):
        return value, 0.95, Text(f"the header says that {text} is {hint}", f"表头注明 {text} 为 {hint}")
    if value := find_code(spec, text):
        return value, 0.95, Text("a known word", "已知名称")
    if spec.codes is Drug and len(drugs := _find_drugs(spec, text)) == 1:
        return drugs.pop(), CONVENTION, Text("holds the name of a drug", "含已知药名")
    return _propose_number(p, spec, text)


def _draft_numbers(meaning: Meaning, spec: FieldContract, profile: Profile) -> Iterator[CodeDraft]:
    """Yield the codes of a column of numbers: those that its choice list calls missing, and those that stand for another number.

    Words in a column of visits stand for numbers too.
    """
    labels = {label: label for label in profile.choices.values() if label in profile.counts}  # in an export of labels
    for code, label in {**profile.choices, **labels}.items():
        number, count = read_number(label), profile.counts.get(code, 0)
        told = Text(f"the file says that {code} is {label}", f"文件注明 {code} 为 {label}")
        if says_missing(label):
            yield CodeDraft(meaning.table, meaning.field, code, MISSING, count, 0.97, told)
        elif spec.dtype == pl.Int64 and number != code:
            yield CodeDraft(meaning.table, meaning.field, code, number or "", count, 0.97 if number else 0.0, told)
    if spec.name == VISIT and not profile.choices:
        for text, count in profile.counts.items():
            if re.match(UNSCHEDULED, text):  # its date says when it was
                continue
            if read_number(text) is None and text.casefold() not in MISSING_TEXTS and not has_personal_data(text):
                told = Text("which visit is it?", "是第几次访视？")
                yield CodeDraft(meaning.table, meaning.field, text, "", count, 0.0, told)


def _draft_no_values(p: Proposal, spec: FieldContract, told: Collection[str]) -> Iterator[CodeDraft]:
    """Yield the texts of a column of numbers, dates or free texts that may say that there is no value."""
    if p.meaning is None:
        return
    low, high = find_limits(p.meaning, spec)
    # In another unit 99 mm is a size that 99 cm could not be.
    in_any_unit = (0.0 if low is not None and low >= 0 else None, high if find_quantity(p.meaning)[1] is None else None)
    for found in list_no_values(p.profile.suspects, p.profile.numbers, spec, in_any_unit):
        if normalise_code(found.text) not in told:
            where = Text(f"{p.column}: {found.reason.en}", f"{p.column}：{found.reason.zh}")
            confidence = SURE if found.is_sure else GUESSED if found.value else 0.0
            yield CodeDraft(
                p.meaning.table, p.meaning.field, found.text, found.value, found.count, confidence, where, (p.column,)
            )


def join_drafts(known: CodeDraft, other: CodeDraft) -> CodeDraft:
    """Return one draft of two of the same code: what a field's code means holds for every column of it.

    Where it seems to be a value in one column and none in another, a person must say: who calls it none takes it away in both.
    """
    if known.columns and other.columns:
        reason = Text(f"{known.reason.en}; {other.reason.en}", f"{known.reason.zh}；{other.reason.zh}")
        is_same, confidence = known.value == other.value, min(known.confidence, other.confidence)
        return replace(
            known, value=known.value if is_same else "", count=known.count + other.count,
            confidence=confidence if is_same else 0.0, reason=reason, columns=(*known.columns, *other.columns),
        )  # fmt: skip
    if known.value == other.value:
        return known
    told = Text("two columns of this field write it differently", "该字段的两列写法不同")
    return CodeDraft(known.table, known.field, other.code, "", known.count + other.count, 0.0, told)


def read_number(label: str) -> str | None:
    """Return the one whole number that a label names, `ECOG 0` or `Visit 3`; None where it names none or several."""
    match = _WHOLE.match(label.strip())
    return str(int(match[1])) if match else None


def _find_drugs(spec: FieldContract, text: str) -> set[str]:
    """Return the drugs whose names stand in a text: hospitals write the salt and the form beside them, 甲磺酸仑伐替尼胶囊."""
    names = {word: value for word, value in read_code_words(spec).items() if len(word) >= _DRUG_NAME}
    return {value for word, value in names.items() if word in normalise_code(text)}


def _propose_number(p: Proposal, spec: FieldContract, text: str) -> tuple[str, float, Text]:
    """Propose what 0, 1 and 2 mean where a standard or the field's own name says so."""
    values = {value for value, n in p.profile.counts.items() if n >= RARE * p.profile.n_filled}
    if spec.codes is None and values <= {"0", "1"} and text in ("0", "1"):
        return (
            ("true" if text == "1" else "false"),
            TRUE_FALSE,
            Text("1 is yes and 0 is no in a yes/no column", "是/否列中 1 为是、0 为否"),
        )
    if spec.name == "sex" and values <= {"1", "2"} and text in ("1", "2"):
        return (
            _SEX_OF_GB[text],
            CONVENTION,
            Text("GB/T 2261.1 and ISO 5218: 1 male, 2 female", "GB/T 2261.1：1 男，2 女"),
        )
    if (
        spec.name == "vital_status"
        and values <= {"0", "1"}
        and any(word in p.column.casefold() for word in _DEATH_WORDS)
    ):
        return (
            ("dead" if text == "1" else "alive"),
            CONVENTION,
            Text("1 where the column names the death", "列名为死亡，1 表示死亡"),
        )
    return "", 0.0, Text("no known word", "不是已知名称")
