"""What a REDCap export holds besides its fields: events, arms, repeated forms, forms' states, and missing-data codes of the project.

An export is raw (`redcap_event_name`, `organs___1`) or labelled (`Event Name`, `Organs (choice=Lung)`); both are known by these names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from etl.mapping.parse import MISSING, MISSING_TEXTS, clean_text, parse_field
from etl.mapping.patient_rows import (
    EVENT_NAMES,
    OF_EVERY_ROW,
    OTHER_KEYS,
    REPEAT_INSTANCES,
    REPEAT_INSTRUMENTS,
    STATE_OF_FORM,
)  # fmt: skip
from etl.mapping.site import EVERY_FIELD, EVERY_TABLE, normalise_code
from etl.onboarding.proposing.codes import CodeDraft
from etl.onboarding.proposing.dictionary import Dictionary, says_missing
from etl.onboarding.proposing.words import NOT_NEEDED, VISIT_OF_ROW, Meaning, find_code, list_meanings
from etl.pages.text import Text

_NUMBERS = ("record_id", "Record ID", "study_id", "Study ID")
_STATES = frozenset(("0", "1", "2", "Incomplete", "Unverified", "Complete"))
_UNOPENED = frozenset(("0", "Unchecked"))
_NO_VALUE = frozenset(("none", "no", "none of the above", "none of these", "无", "以上皆无", "以上都无", "没有"))
_ARM = re.compile(r"_arm_\d{1,3}[a-z]{0,9}$|\s{0,9}\(Arm \d{1,3}: .{0,200}\)$", re.IGNORECASE)
_BASELINE = re.compile(
    r"baseline|enrol|screening|inclusion|initial|(?:^|_)(?:v|visit|day|week|month)_?0(?:_|$)|基线|入组|筛选|治疗前",
    re.IGNORECASE,
)
_MISSING_WORD = re.compile(r"^[A-Z]{2,6}$|^-\d{1,4}$")
BY_EXPORT, BASELINE_EVENT, BY_PLACE = 0.97, 0.95, 0.75


def is_export(columns: Sequence[str], dictionary: Dictionary | None) -> bool:
    """Whether these are the columns of a REDCap export."""
    if any(name in columns for name in (*EVENT_NAMES, *REPEAT_INSTRUMENTS)):
        return True
    is_first = bool(columns) and (
        columns[0] in _NUMBERS or (dictionary is not None and dictionary.find(columns[0]) is not None)
    )
    return is_first and any(STATE_OF_FORM.match(name) for name in columns)


def find_column(columns: Collection[str], names: Sequence[str]) -> str | None:
    """Return which of the names that REDCap gives a column stands there."""
    return next((name for name in names if name in columns), None)


def is_unopened(texts: pl.Series) -> bool:
    """Whether a column holds nothing but what REDCap writes into forms that nobody opened: unticked boxes, sums of nothing."""
    present = set(clean_text(texts).drop_nulls().unique())
    return bool(present) and present <= _UNOPENED


def _is_of_other_form(column: str, form: str | None, forms: Collection[str], dictionary: Dictionary | None) -> bool:
    """Whether a column belongs to another form than the rows; `forms` are those that are repeated."""
    field = dictionary.find(column) if dictionary else None
    if field is None:
        return bool(form)
    return field.form != form if form else field.form in forms


def describe_bookkeeping(
    column: str, texts: pl.Series, dictionary: Dictionary | None, form: str | None, forms: Collection[str]
) -> tuple[Meaning, Text] | None:
    """Return what a column of an export is that holds nothing of the patient, None for all others.

    That is the state of a form, what chooses the row, a check box that stands for none or for not known, or one of another form than
    the rows' `form`; `forms` are those that are repeated.
    """
    if is_unopened(texts) and _is_of_other_form(column, form, forms, dictionary):
        return list_meanings()[NOT_NEEDED], Text(
            "of another form: filled in no row of this one", "属于其他表单，本表单各行均未填写"
        )
    if column in (*REPEAT_INSTRUMENTS, *REPEAT_INSTANCES, *OTHER_KEYS):
        return list_meanings()[NOT_NEEDED], Text("chooses or numbers the row in REDCap", "REDCap 用于区分各行")
    values = set(clean_text(texts).drop_nulls().unique())
    if STATE_OF_FORM.match(column) and values <= _STATES and (dictionary is None or dictionary.find(column) is None):
        return list_meanings()[NOT_NEEDED], Text("REDCap's state of a form", "REDCap 表单完成状态")
    choice = dictionary.find_choice(column) if dictionary else None
    if choice and (says_missing(choice) or choice.casefold().strip() in _NO_VALUE):
        return list_meanings()[NOT_NEEDED], Text(
            f"the check box “{choice}” makes no record", f"勾选项“{choice}”不产生记录"
        )
    return None


def find_visit_column(columns: Sequence[str], rows: pl.DataFrame) -> str | None:
    """Return the column of events where there are several, which say which visit a row is."""
    event = find_column(columns, EVENT_NAMES)
    return event if event and rows[event].drop_nulls().n_unique() > 1 else None


def draft_events(events: Sequence[str]) -> Iterator[CodeDraft]:
    """Yield the visit of each event: 0 for the baseline's, the others by their order, which a person must confirm.

    The same event in several arms is the same visit.
    """
    visits: dict[str, int] = {}
    for event in events:
        visits.setdefault(_ARM.sub("", event), 0 if _BASELINE.search(event) else max([0, *visits.values()]) + 1)
    for event in dict.fromkeys(events):
        is_baseline = bool(_BASELINE.search(event))
        told = (
            Text("the event is the baseline", "该事件为基线")
            if is_baseline
            else Text("by the order of the events: which visit is it?", "按事件顺序：是第几次访视？")
        )
        yield CodeDraft(
            EVERY_TABLE, VISIT_OF_ROW, event, str(visits[_ARM.sub("", event)]), events.count(event),
            BASELINE_EVENT if is_baseline else BY_PLACE, told,
        )  # fmt: skip


@dataclass(frozen=True)
class ReadColumn:
    """A column that is read into a field: what it means, its texts, and the codes that a dictionary lists for it."""

    meaning: Meaning
    texts: pl.Series
    choices: Collection[str]

    @property
    def is_free_text(self) -> bool:
        """Whether whatever stands in it is read as it stands."""
        spec = self.meaning.contract
        return spec is not None and spec.dtype == pl.String and not spec.codes


def find_project_codes(columns: Iterable[ReadColumn], declared: Collection[str]) -> Iterator[CodeDraft]:
    """Yield the codes that stand in no choice list and can be no value: REDCap lets a project write them into any field.

    `declared` are those that the choice lists of other fields call missing; what any other means is asked once for the whole project.
    """
    counts: dict[str, int] = {}
    for column in columns:
        for text, n in _count_strange(column).items():
            counts[text] = counts.get(text, 0) + n
    for text, n in counts.items():
        if text in declared:
            told = Text("choice lists of this project call it missing", "本项目的选项表标明其为缺失")
            yield CodeDraft(EVERY_TABLE, EVERY_FIELD, text, MISSING, n, BY_EXPORT, told)
        else:
            told = Text(
                "in no choice list: a missing-data code of the project?", "不在任何选项表中：是否为项目的缺失数据代码？"
            )
            yield CodeDraft(EVERY_TABLE, EVERY_FIELD, text, "", n, 0.0, told)


def _count_strange(column: ReadColumn) -> dict[str, int]:
    spec = column.meaning.contract
    if spec is None or column.is_free_text:
        return {}
    present = clean_text(column.texts).drop_nulls()
    counts = dict(present.value_counts(sort=True).iter_rows())
    short = [
        t for t in counts if _MISSING_WORD.match(t) and t not in column.choices and t.casefold() not in MISSING_TEXTS
    ]
    if spec.codes or spec.dtype == pl.Boolean:
        is_coded = bool(column.choices)
        return {t: counts[t] for t in short if not find_code(spec, t) and (is_coded or t.startswith("-"))}
    readable = parse_field(pl.Series(short, dtype=pl.String), spec, {})
    can_be = (
        readable.values.is_not_null() if readable.comparator is None else readable.comparator.is_not_null()
    ).to_list()
    return {t: counts[t] for t, is_value in zip(short, can_be, strict=True) if t.startswith("-") or not is_value}


def is_of_project(code: str, drafts: Iterable[CodeDraft]) -> bool:
    """Whether a code is one of the whole project."""
    return any(
        normalise_code(code) == normalise_code(d.code)
        for d in drafts
        if d.table == EVERY_TABLE and d.field == EVERY_FIELD
    )


def list_form_columns(
    rows: pl.DataFrame, form: str, forms: Sequence[str], columns: Sequence[str], dictionary: Dictionary | None
) -> list[str]:
    """Return the columns that a form has: those of the dictionary, else those that its rows fill; and those of every row."""
    common = {name for name in columns if name.startswith("redcap_") or name in OF_EVERY_ROW} | {columns[0]}
    if dictionary is None:
        return [name for name in columns if name in common or rows[name].is_not_null().any()]
    own = [form] if form else [name for name in dictionary.list_forms() if name not in forms]
    known = {*dictionary.list_columns(own, columns), *common}
    everywhere = [name for name in columns if rows[name].is_not_null().all() or is_unopened(rows[name])]
    return [name for name in columns if name in known or dictionary.find(name) is None or name in everywhere]
