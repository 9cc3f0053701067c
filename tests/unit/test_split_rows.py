"""Text files cut into cells as Python's csv module cuts them, wherever quotation marks and line ends stand."""

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etl.delivery.text_files import split_rows

PARTS = ["a", "肝", ",", ";", '"', '""', "\n", "\r\n", "\r", " ", "1.5", "\x1f", '"x,y"', '"a\nb"', '"a\r\nb"']


def read_by_csv(text, delimiter):
    try:
        return [row or [""] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)]
    except csv.Error:
        return None


@given(st.lists(st.sampled_from(PARTS), max_size=30).map("".join), st.sampled_from(",;\t"))
@settings(max_examples=1500, deadline=None)
@example("", ",")
@example('a,"b\nc",d\ne,f\n\n"g"', ",")
def test_rows_are_those_of_the_csv_module(text, delimiter):
    expected = read_by_csv(text, delimiter)
    if expected is None:
        with pytest.raises(csv.Error):
            split_rows(text, delimiter)
    else:
        assert [row or [""] for row in split_rows(text, delimiter).to_list()] == expected
