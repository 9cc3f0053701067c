"""Tumour thrombus in veins, read from the hospital's words about the portal vein: Cheng's type, and each other vein's own fact.

The vena cava and the atrium (E3), the hepatic veins and others (splenic, renal) never become a type of the portal vein;
the superior mesenteric vein is Cheng's type IV.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from schemas.definitions.pvtt import find_type
from schemas.definitions.vein_text import Report, Said, read_report
from schemas.definitions.vein_words import Place

VEIN_FACTS = {
    "vena_cava_or_atrium_text": Place.VENA_CAVA_OR_ATRIUM,
    "hepatic_vein_text": Place.HEPATIC_VEIN,
    "other_vein_text": Place.OTHER_VEIN,
}
READING = pl.Struct({"pvtt_text_type": pl.String} | dict.fromkeys(VEIN_FACTS, pl.String))


def compute_vein_reading(text: pl.Expr) -> pl.Expr:
    """Return a struct of `pvtt_text_type` ('0'-'IV') and the `VEIN_FACTS` (affirmed, denied, uncertain).

    A field is null where the text says nothing of it, or nothing that decides.
    """
    return text.map_batches(_read_texts, return_dtype=READING, is_elementwise=True)


def _read_texts(texts: pl.Series) -> pl.Series:
    read = {text: _read(text) for text in texts.unique(maintain_order=True) if text is not None}
    return pl.Series(
        texts.name, [read.get(text) or dict.fromkeys(READING.to_schema()) for text in texts], dtype=READING
    )


def _read(text: str) -> dict[str, str | None]:
    report = read_report(text)
    if report is None:
        return dict.fromkeys(READING.to_schema())
    facts = {name: find_fact(report, place) for name, place in VEIN_FACTS.items()}
    return {"pvtt_text_type": find_type(report), **facts}


def find_fact(report: Report, place: Place) -> Said | None:
    """Return what a report says of a place: affirmed in one vessel suffices; the same vessel affirmed and denied is uncertain."""
    said = [(s.vessel.names, s.said) for s in report.statements if s.vessel.place is place]
    if place is Place.VENA_CAVA_OR_ATRIUM and any(stated and stated.is_vena_cava for stated in report.stated):
        said.append((frozenset({"vena cava"}), Said.AFFIRMED))
    if any((names, Said.AFFIRMED) in said and (names, Said.DENIED) in said for names, _ in said):
        return Said.UNCERTAIN
    return next((one for one in (Said.AFFIRMED, Said.UNCERTAIN, Said.DENIED) if one in _list_said(said)), None)


def _list_said(said: Iterable[tuple[frozenset[str], Said]]) -> set[Said]:
    return {one for _, one in said}
