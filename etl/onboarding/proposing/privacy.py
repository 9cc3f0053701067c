"""Keeps people out of what a worksheet and a mapping show: a code, value or label in which somebody's name or number stands is not shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from etl.errors import DeliveryError
from etl.mapping.masking import OwnTexts, is_identifying
from etl.mapping.parse import clean_text
from etl.onboarding.proposing.draft import Draft
from etl.onboarding.proposing.words import IDENTIFIER, NATIONAL_ID, PATIENT_NUMBER
from etl.pages.text import Text


def collect_names(columns: Iterable[pl.Series]) -> list[str]:
    """Return the texts of columns that hold names or numbers of people, as far as a text can point at somebody."""
    texts: set[str] = set()
    for column in columns:
        texts.update(filter(is_identifying, clean_text(column).drop_nulls().unique()))
    return sorted(texts)


def hide_people(draft: Draft) -> Draft:
    """Return a draft without the codes and values in which the name or number of one of its people stands.

    Raises:
        DeliveryError: a sheet or column is called after one of them; it is named by its place.
    """
    own = OwnTexts({"": collect_names(draft.people)})
    _refuse_names(draft)
    texts = [code.code for code in draft.codes] + [text for c in draft.columns for text in (c.seen, *c.codes)]
    telling = _find_telling(texts, own)
    columns = [
        replace(
            c, label=own.mask_text(c.label), seen="" if c.seen in telling else c.seen,
            codes={text: n for text, n in c.codes.items() if text not in telling},
        )
        for c in draft.columns
    ]  # fmt: skip
    codes = tuple(
        replace(code, reason=Text(own.mask_text(code.reason.en), own.mask_text(code.reason.zh)))
        for code in draft.codes
        if code.code not in telling
    )
    return replace(draft, delivery=own.mask_text(draft.delivery), columns=tuple(columns), codes=codes)


def _list_known_people(draft: Draft) -> list[pl.Series]:
    told = {(c.source, c.column) for c in draft.columns if c.meaning in (PATIENT_NUMBER, NATIONAL_ID, IDENTIFIER)}
    return [s.rows[name] for s in draft.sources for name in s.columns if (s.name, name) in told]


def _find_telling(texts: Sequence[str], own: OwnTexts) -> set[str]:
    distinct = pl.Series("text", sorted(set(texts)), dtype=pl.String)
    nobody = pl.Series([None], dtype=pl.String).new_from_index(0, len(distinct))
    return {distinct[row] for row in own.mask_cells(distinct, nobody)[1]}


def _refuse_names(draft: Draft) -> None:
    """Refuse sheets, files and columns that are called after people: a mapping must name them, and so must every report.

    Only columns that are known to hold people's names and numbers tell whom: in one that merely may, stand words as well.
    """
    own = OwnTexts({"": collect_names(_list_known_people(draft))})
    places: list[tuple[str, str]] = []
    for n, source in enumerate(draft.sources, 1):
        if own.mask_text(source.place) != source.place:
            places.append(
                (f"sheet or file {n} of {len(draft.sources)}", f"第 {n} 个工作表或文件（共 {len(draft.sources)} 个）")
            )
            continue
        masked = own.mask_texts(pl.Series(source.header, dtype=pl.String))
        called = [n for n, (name, told) in enumerate(zip(source.header, masked, strict=True), 1) if name != told]
        places += [(f"{source.place}: column {place}", f"{source.place}：第 {place} 列") for place in called]
    if places:
        en, zh = "\n  ".join(en for en, _ in places), "\n  ".join(zh for _, zh in places)
        raise DeliveryError(
            f"The names of these seem to hold a patient's name or number. Please rename them; the reports would show it:\n  {en}",
            f"以下名称疑似含患者姓名或编号，会出现在报告中，请改名：\n  {zh}",
        )
