"""Texts written from their meaning, read back: reports about veins in two languages, lists of tumour sizes."""

from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.invented_texts import SIZE_MEANING, draw_size_text
from oracle.invented_values import Draw
from oracle.invented_veins import VEIN_MEANING, draw_vein_text

from schemas.definitions import tumour_size
from schemas.definitions.veins import compute_vein_reading

TEXTS_PER_EXAMPLE = 20
seeds = st.integers(0, 2**40)


def _draw(draw_text, seed):
    draw = Draw(Random(seed))
    return pl.DataFrame({"text": [draw_text(draw) for _ in range(TEXTS_PER_EXAMPLE)]})


@given(seeds)
def test_a_report_about_veins_is_read_as_it_was_meant(seed):
    read = _draw(draw_vein_text, seed).with_columns(reading=compute_vein_reading(pl.col("text")))
    wrong = [
        (text, tuple(said.values())) for text, said in read.iter_rows() if VEIN_MEANING[text] != tuple(said.values())
    ]
    assert wrong == []


@given(seeds)
def test_a_list_of_sizes_is_read_as_it_was_meant(seed):
    read = _draw(draw_size_text, seed).with_columns(
        size_cm=tumour_size.compute_text_size_cm(pl.col("text")),
        number=tumour_size.compute_text_lesion_number(pl.col("text")),
    )
    meant = [SIZE_MEANING[text] for text in read["text"]]
    assert read["size_cm"].to_list() == pytest.approx([size for size, _ in meant], abs=1e-9)
    assert read["number"].to_list() == [number for _, number in meant]
