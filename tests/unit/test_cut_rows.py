"""Text files cut into cells as Python's csv module cuts them, wherever quotation marks and line ends stand."""

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etl.delivery.text_files import cut_rows, find_delimiter

PARTS = [
    "a",
    "肝",
    ",",
    ";",
    '"',
    '""',
    "\n",
    "\r\n",
    "\r",
    " ",
    "1.5",
    "\x1f",
    "x^",
    "\x00",
    "\u2028",
    '"x,y"',
    '"a\nb"',
    '"a\r\nb"',
]


def read_by_csv(text, delimiter):
    try:
        return [row or [""] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)]
    except csv.Error:
        return None


@given(st.lists(st.sampled_from(PARTS), max_size=30).map("".join), st.sampled_from(",;\t"))
@settings(max_examples=1500, deadline=None)
@example("", ",")
@example("x^2,b\n1,2\n", ",")
@example("\x1f\x8b,b\n1,2\n", ",")
@example('a,"b\nc",d\ne,f\n\n"g"', ",")
def test_rows_are_those_of_the_csv_module(text, delimiter):
    expected = read_by_csv(text, delimiter)
    if expected is None:
        with pytest.raises(csv.Error):
            cut_rows(text, delimiter, "a.csv")
    else:
        cells, n_cells = cut_rows(text, delimiter, "a.csv")
        rows = (
            [list(row[:n]) or [""] for row, n in zip(cells.rows(), n_cells, strict=True)]
            if cells.width
            else [[""]] * len(n_cells)
        )
        assert rows == expected
        assert all(cell is None for row, n in zip(cells.rows(), n_cells, strict=False) for cell in row[n:] if n)


@pytest.mark.parametrize("delimiter", [",", ";", "|"])
def test_a_tab_that_keeps_leading_zeros_parts_no_cells(delimiter):
    """Excel leaves trailing separators out by blocks, so that the true delimiter cuts the rows into several lengths."""
    rows = [["number", "sex", "born", "note"], *([f"\t00{n}", "m", "1960", ""][: 4 - n % 2] for n in range(12))]
    assert find_delimiter("\n".join(delimiter.join(row) for row in rows)) == delimiter


def test_a_first_column_that_is_empty_leaves_a_tab_the_delimiter():
    assert find_delimiter("a\tb\tc\n" + "\t1\t2\n" * 9) == "\t"
