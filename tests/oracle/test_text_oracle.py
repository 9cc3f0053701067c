"""Texts written from their meaning, read back: portal vein reports in two languages, lists of tumour sizes."""

from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.invented_texts import PVTT_MEANING, SIZE_MEANING, draw_pvtt_text, draw_size_text
from oracle.invented_values import Draw

from schemas.definitions import tumour_size
from schemas.definitions.pvtt import compute_pvtt_type

TEXTS_PER_EXAMPLE = 20
seeds = st.integers(0, 2**40)


def _draw(draw_text, seed):
    draw = Draw(Random(seed))
    return pl.DataFrame({"text": [draw_text(draw) for _ in range(TEXTS_PER_EXAMPLE)]})


@given(seeds)
def test_a_portal_vein_report_is_read_as_it_was_meant(seed):
    read = _draw(draw_pvtt_text, seed).with_columns(pvtt=compute_pvtt_type(pl.col("text")))
    assert [row for row in read.iter_rows() if PVTT_MEANING[row[0]] != row[1]] == []


@given(seeds)
def test_a_list_of_sizes_is_read_as_it_was_meant(seed):
    read = _draw(draw_size_text, seed).with_columns(
        size_cm=tumour_size.compute_text_size_cm(pl.col("text")),
        number=tumour_size.compute_text_lesion_number(pl.col("text")),
    )
    meant = [SIZE_MEANING[text] for text in read["text"]]
    assert read["size_cm"].to_list() == pytest.approx([size for size, _ in meant], abs=1e-9)
    assert read["number"].to_list() == [number for _, number in meant]
