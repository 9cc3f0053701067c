"""REDCap's data dictionary: what it says of forms, labels, choices, units and identifiers is taken and nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from etl.delivery.read import ROW, Grid
from etl.mapping.parse import MISSING_TEXTS
from etl.mapping.site import normalise_text
from etl.onboarding.proposing.words import squeeze

_VARIABLE, _FORM, _TYPE, _LABEL = "variablefieldname", "formname", "fieldtype", "fieldlabel"
_CHOICES, _NOTE, _IDENTIFIER = "choices", "fieldnote", "identifier"
_CHECKBOX = re.compile(r"^(?P<field>.+?)___(?P<code>.+)$")
_LABELLED_BOX = re.compile(r"^(?P<field>.{1,200}) \(choice=(?P<label>.{1,500})\)$")
_TAG = re.compile(r"<[^<>]{0,500}>")  # labels may be written in HTML
_BOXES = "checkbox"
_NO_LETTER = re.compile(r"[^a-z0-9]")
_MISSING_LABELS = (
    "unknown", "not known", "not done", "not available", "not applicable", "not recorded", "not reported", "not performed", "not tested",
    "not measured", "not documented", "not determined", "no data", "no information", "no answer", "missing", "missing data", "refused",
    "declined", "don't know", "do not know", "unk", "n/a", "nd", "na", "不详", "未知", "不清楚", "不知道", "未查", "未做", "未测", "未检",
    "未检测", "未检查", "未记录", "缺失", "缺如", "无资料", "无数据", "拒绝", "拒查", "不适用",
)  # fmt: skip
_NEEDED = {_VARIABLE, _FORM, _TYPE}
_YES_NO = {"yesno": {"1": "yes", "0": "no"}, "truefalse": {"1": "true", "0": "false"}}


@dataclass(frozen=True)
class DictionaryField:
    """One variable of the dictionary; `choices` are its codes and their labels."""

    name: str
    form: str
    kind: str
    label: str
    choices: Mapping[str, str]
    note: str
    is_identifier: bool


@dataclass(frozen=True)
class Dictionary:
    """The variables by name."""

    fields: Mapping[str, DictionaryField]

    @property
    def labels(self) -> dict[str, str]:
        """Each variable's label, where it has one."""
        boxes = {
            name_box(name, code): f"{field.label}: {label}" if field.label else label
            for name, field in self.fields.items()
            for code, label in (field.choices.items() if field.kind == _BOXES else ())
        }
        return {**{name: field.label for name, field in self.fields.items() if field.label}, **boxes}

    @property
    def missing_codes(self) -> frozenset[str]:
        """The codes that the choice lists call missing, each of them wherever it stands in one."""
        lists = [field.choices for field in self.fields.values()]
        told = {code for choices in lists for code, label in choices.items() if says_missing(label)}
        other = {code for choices in lists for code, label in choices.items() if not says_missing(label)}
        return frozenset(told - other)

    def find(self, column: str) -> DictionaryField | None:
        """Return what the dictionary says of a column of the export."""
        box = _CHECKBOX.match(column) or _LABELLED_BOX.match(column)
        return self._find_field(column) or (self._find_field(box["field"]) if box else None)

    def _find_field(self, name: str) -> DictionaryField | None:
        """Return a variable by its name or, in a labelled export, by its label."""
        labelled = [field for field in self.fields.values() if normalise_text(field.label) == normalise_text(name)]
        return self.fields.get(name) or (labelled[0] if len(labelled) == 1 and name else None)

    def find_choice(self, column: str) -> str | None:
        """Return the label of a check box: `metastasis___1` with the choice `1, lung` is lung, `metastasis____99` that of -99."""
        field, labelled = self.find(column), _LABELLED_BOX.match(column)
        if field is None or field.kind != _BOXES:
            return None
        if labelled:
            return labelled["label"]
        return next((label for code, label in field.choices.items() if name_box(field.name, code) == column), None)

    def list_choices(self, column: str) -> Mapping[str, str]:
        """Return the codes of a column and their labels; those of a check box are its names, not its values."""
        field = self._find_field(column)
        return field.choices if field and field.kind != _BOXES else {}

    def list_columns(self, forms: Sequence[str], columns: Sequence[str]) -> list[str]:
        """Return the columns of an export that belong to the given forms."""
        return [name for name in columns if (found := self.find(name)) and found.form in forms]

    def list_forms(self) -> list[str]:
        """Return the forms in the dictionary's order."""
        return list(dict.fromkeys(field.form for field in self.fields.values()))


def name_box(field: str, code: str) -> str:
    """Return the column that REDCap makes of a choice: what is no letter or digit in a code becomes `_`."""
    return f"{field}___{_NO_LETTER.sub('_', code.lower())}"


def says_missing(label: str) -> bool:
    """Whether the label of a code says that nothing is known."""
    return squeeze(label) in {squeeze(text) for text in _MISSING_LABELS} or label.casefold().strip() in MISSING_TEXTS


def is_dictionary(grid: Grid) -> bool:
    """Whether a grid is a REDCap data dictionary: its first row names variable, form and type."""
    return {squeeze(cell or "") for cell in grid.cells.head(1).row(0)[1:]} >= _NEEDED


def read_dictionary(grid: Grid) -> Dictionary:
    """Read a data dictionary as REDCap writes it; columns that are absent are empty."""
    head = {squeeze(cell or ""): i for i, cell in enumerate(grid.cells.head(1).row(0)) if i}
    places = {key: next((i for name, i in head.items() if name.startswith(key)), None) for key in (
        _VARIABLE, _FORM, _TYPE, _LABEL, _CHOICES, _NOTE, _IDENTIFIER,
    )}  # fmt: skip
    found = {}
    for row in grid.cells.filter(pl.col(ROW) > 1).iter_rows():
        texts = {key: (row[place] or "").strip() if place else "" for key, place in places.items()}
        if texts[_VARIABLE]:
            found[texts[_VARIABLE]] = DictionaryField(
                texts[_VARIABLE], texts[_FORM], texts[_TYPE].lower(), _TAG.sub("", texts[_LABEL]),
                _YES_NO.get(texts[_TYPE].lower()) or _read_choices(texts[_CHOICES], texts[_TYPE].lower()),
                texts[_NOTE], texts[_IDENTIFIER].lower() == "y",
            )  # fmt: skip
    return Dictionary(found)


def _read_choices(text: str, kind: str) -> dict[str, str]:
    """Read `1, lung | 2, bone`; a calculation or the labels of a slider are no choices."""
    if kind not in ("dropdown", "radio", "checkbox"):
        return {}
    pairs = (part.split(",", 1) for part in text.split("|") if "," in part)
    return {code.strip(): label.strip() for code, label in pairs}
