"""The check code of a question: it says from which delivery's bytes the row is, and that nothing of the question was changed.

With it a hospital finds its patient at home, where there is neither database nor key (`locate.py`). It is made of what the
workbook says and of the delivery's hash, so that it tells nothing to whoever has not both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from etl.pages.cells import escape_hidden, read_neutralised
from etl.pages.spreadsheet import CELL_LIMIT
from etl.pages.text import Text
from etl.quality.answer_words import COLUMN, FILE, QUERY_ID, QUESTION, ROW_NUMBER, SHEET, VALUE

CHECKED = (QUERY_ID, FILE, SHEET, ROW_NUMBER, COLUMN, VALUE, QUESTION)
_HEX = 11


def compute_check(hospital: str, origin: str, read: Callable[[Text], object]) -> str:
    """Return the check code of a question of a hospital; `read` gives its cells by their headings, `origin` is `ORIGIN`.

    It begins with a letter, so that no program takes it for a number.
    """
    cells = [fold_cell(read(label)) for label in CHECKED]
    return "k" + hashlib.sha256("\x1f".join([hospital, origin, *cells]).encode()).hexdigest()[:_HEX]


def fold_cell(content: object) -> str:
    """Return a cell as it is compared, as a workbook or text file has it: programs change blanks and line ends, and may write 5 as 5.0."""
    text = str("" if content is None else content)
    written = escape_hidden(text[:CELL_LIMIT], keep="\n\t")
    folded = " ".join(read_neutralised(written).split())
    return folded.removesuffix(".0") if folded.removesuffix(".0").isdecimal() else folded
