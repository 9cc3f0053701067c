"""From what a hospital writes as a patient's number to the patient's pseudonym; a text that is nobody's number has none."""

from __future__ import annotations

import polars as pl

from etl.delivery.number_formats import ERROR_TEXT, ROUNDED_TEXT
from etl.mapping.identity import PseudonymKey, pseudonymise
from etl.mapping.parse import clean_text, drop_missing

_ROUNDED = r"^\d(?:\.\d+)?[eE]\+\d+$"
_WITHDRAWN = "withdrawn"


def read_patient_ids(texts: pl.Series, key: PseudonymKey, hospital: str) -> pl.Series:
    """Return the pseudonyms of the patients' numbers, null where a text is nobody's number; each text is read once."""
    return _read(texts, key, hospital)


def read_marks(texts: pl.Series, key: PseudonymKey, hospital: str) -> pl.Series:
    """Return the marks by which patients who withdrew are known again; none leads to the patient's pseudonym, or back from it."""
    return _read(texts, key, _WITHDRAWN, hospital)


def _read(texts: pl.Series, key: PseudonymKey, *scope: str) -> pl.Series:
    distinct = texts.drop_nulls().unique(maintain_order=True)
    return texts.replace_strict(
        distinct, pseudonymise(_read_numbers(distinct), key, *scope), default=None, return_dtype=pl.String
    )


def _read_numbers(texts: pl.Series) -> pl.Series:
    """Return the patients' numbers; one that a program failed to compute, or rounded to 15 digits, is nobody's."""
    cleaned = drop_missing(clean_text(texts))
    is_lost = cleaned.is_in([ERROR_TEXT, ROUNDED_TEXT]) | cleaned.str.contains(_ROUNDED)
    return cleaned.set(is_lost.fill_null(value=False), None)
