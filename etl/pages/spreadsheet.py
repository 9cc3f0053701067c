"""What the registry's workbooks have in common: everything as text, whole or not at all, the same bytes for the same content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xlsxwriter

from etl.whole_files import name_scratch, put_in_place

CELL_LIMIT = 32_000
LINE_HEIGHT = 16.0  # points of one line of text at 11 points
_CREATED = datetime(2020, 1, 1)  # fixed: the file differs only when its content does
# A cell that looks like a formula, a link or a number stays the text that it was.
_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
Replace = Callable[[Path, Path], object]
"""Puts a finished file in place of another, as `put_in_place` does."""


@contextmanager
def open_workbook(
    path: Path, title: str, replace: Replace = put_in_place, *, is_private: bool = False
) -> Iterator[xlsxwriter.Workbook]:
    """Give a new workbook to write into; when it is finished, `replace` puts it in place of the file at `path`.

    One that `is_private` can be read by the account alone, also while it is written.
    """
    import xlsxwriter

    from etl.pages.plain_sheet import PlainSheet

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = name_scratch(path)
    try:
        if is_private:
            temporary.touch(mode=0o600, exist_ok=False)
        with xlsxwriter.Workbook(str(temporary), _OPTIONS) as book:
            book.worksheet_class = PlainSheet
            book.set_properties({"title": title, "author": "HCC registry", "created": _CREATED})
            yield book
        replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def fit_height(*cells: tuple[str, int]) -> float:
    """Return the height in points of a row whose (text, column width) wrap: not every spreadsheet program fits it itself.

    A column's width counts Latin letters; a Chinese one takes two. Words wrap early, so nine tenths of a line are used.
    """
    lines = [
        sum(
            1 + int(sum(2 if ord(letter) > 0x2E7F else 1 for letter in line) / (0.9 * width))
            for line in text.split("\n")
        )
        for text, width in cells
    ]
    return min(LINE_HEIGHT * max(lines), 400)
