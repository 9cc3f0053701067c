"""REDCap's data dictionary: what it says of forms, labels, choices, units and identifiers is taken and nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from etl.delivery.read import ROW, Grid
from etl.onboarding.proposing.words import squeeze

_VARIABLE, _FORM, _TYPE, _LABEL = "variablefieldname", "formname", "fieldtype", "fieldlabel"
_CHOICES, _NOTE, _IDENTIFIER = "choices", "fieldnote", "identifier"
_CHECKBOX = re.compile(r"^(?P<field>.+)___(?P<code>.+)$")
_TAG = re.compile(r"<[^>]*>")  # labels may be written in HTML
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
        return {name: field.label for name, field in self.fields.items() if field.label}

    def find(self, column: str) -> DictionaryField | None:
        """Return what the dictionary says of a column of the export."""
        box = _CHECKBOX.match(column)
        return self.fields.get(column) or (self.fields.get(box["field"]) if box else None)

    def find_choice(self, column: str) -> str | None:
        """Return the label of a check box: `metastasis___1` with the choice `1, lung` is lung."""
        box, field = _CHECKBOX.match(column), self.find(column)
        return field.choices.get(box["code"]) if box and field else None

    def list_choices(self, column: str) -> Mapping[str, str]:
        """Return the codes of a column and their labels; those of a check box are its names, not its values."""
        field = self.fields.get(column)
        return field.choices if field else {}

    def list_columns(self, forms: Sequence[str], columns: Sequence[str]) -> list[str]:
        """Return the columns of an export that belong to the given forms."""
        return [name for name in columns if (found := self.find(name)) and found.form in forms]

    def list_forms(self) -> list[str]:
        """Return the forms in the dictionary's order."""
        return list(dict.fromkeys(field.form for field in self.fields.values()))


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
