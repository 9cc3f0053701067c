"""A frame that was laid aside comes back as it was, packed or not, and what is said once is said everywhere."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from etl.mapping.kept_frame import ROWS_AT_ONCE, KeptFrame, say_once, slice_rows

TEXTS = ["", "肝", "a text of more than twelve characters", None, "\x00", "1.5"]


def make_frame(n):
    return pl.select(i=pl.int_range(n)).with_columns(
        text=pl.Series("text", TEXTS, dtype=pl.String).gather(pl.int_range(n, eager=True) % len(TEXTS)),
        nothing=pl.lit(None, dtype=pl.String),
        sheet=pl.lit("检验"),
        day=pl.date(2020, 1, 1) + pl.duration(days=pl.col("i") % 1000),
    )


@pytest.mark.parametrize("n", [0, 1, 300, 50_000])
def test_a_frame_comes_back_as_it_was(n):
    frame = make_frame(n)
    kept = KeptFrame(frame)
    assert (kept.height, kept.columns) == (n, frame.columns)
    assert_frame_equal(kept.read(), frame)
    assert_frame_equal(kept.read(["text"]), frame.select("text"))
    rows = pl.Series([n - 1, 0, 0, n // 2] if n else [], dtype=pl.Int64)
    assert_frame_equal(kept.pick(rows, ["text", "day"]), frame.select("text", "day")[rows])


@pytest.mark.parametrize("n", [0, 1, 7])
def test_what_every_row_says_is_said_once(n):
    frame = make_frame(n)
    assert_frame_equal(say_once(frame, ["sheet", "text"]), frame)


def test_a_frame_in_parts_is_the_frame():
    frame = make_frame(ROWS_AT_ONCE + 1)
    parts = list(slice_rows(frame))
    assert [part.height for part in parts] == [ROWS_AT_ONCE, 1]
    assert_frame_equal(pl.concat(parts), frame)
