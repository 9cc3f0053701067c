"""The most that a file, a cell or a message may have, declared here alone, each with its reason.

A limit lies well above what hospitals send and below what a computer of 16 GB holds: whatever is beyond is refused by name and place, with
what to do, and takes neither the memory nor the evening. The table in `docs/commands.md` is held to this list by a test.
"""

from __future__ import annotations

from dataclasses import dataclass

from etl.pages.text import Text

_UNITS = {"bytes": ((1024**3, Text("GB", "GB")), (1024**2, Text("MB", "MB")))}


@dataclass(frozen=True)
class Limit:
    """`most` is the last number that is taken, counted in `unit`; `what` is limited, because of `why`."""

    most: int
    unit: Text
    what: str
    why: str

    def show(self, number: int | None = None) -> Text:
        """Return the limit, or a number that is held against it, as a message tells it: `512 MB`, `16,384 columns`."""
        number = self.most if number is None else number
        for size, name in _UNITS.get(self.unit.en, ()):
            if self.most >= size:
                # Rounded up: what is one byte above a limit is not said to be as large as that.
                told = -(-number // size)
                return Text(f"{told:,} {name.en}", f"{told:,} {name.zh}")
        return Text(f"{number:,} {self.unit.en}", f"{number:,} {self.unit.zh}")


_BYTES, _CELLS = Text("bytes", "字节"), Text("cells", "个单元格")

FILES = Limit(
    1_000, Text("files", "个文件"), "files of one delivery",
    "a file for each month of ten years and each of eight tables; a folder of more is a share, not a delivery",
)  # fmt: skip
FILE_BYTES = Limit(
    1024**3, _BYTES, "one file",
    "a million patients with 200 columns of five characters, as text; no workbook comes near it",
)  # fmt: skip
PAGE_BYTES = Limit(
    512 * 1024**2, _BYTES, "one web page or SpreadsheetML file",
    "such files name every cell with its tags and are read cell by cell",
)  # fmt: skip
UNPACKED_BYTES = Limit(
    1024**3, _BYTES, "one workbook as it unpacks, each of its parts counted",
    "a few kilobytes can claim to unpack to terabytes; the parts of a hospital's workbook have megabytes",
)  # fmt: skip
COLUMNS = Limit(
    16_384, Text("columns", "列"), "columns of one sheet or file, of whatever format",
    "a sheet of Excel has no more",
)  # fmt: skip
CELLS = Limit(
    200_000_000, _CELLS, "rows times columns of one delivery",
    "a million patients with 200 columns; even an empty cell takes 16 bytes of memory",
)  # fmt: skip
ONE_BY_ONE_CELLS = Limit(
    50_000_000, _CELLS, "cells of one web page or SpreadsheetML file, or of the rows of a text file with quotation marks (all, where lines end with CR alone)",
    "they are read one by one and take about 60 bytes of memory each",
)  # fmt: skip
CELL_CHARACTERS = Limit(
    1_000_000, Text("characters", "个字符"), "one cell",
    "Excel keeps 32,767; a much longer cell is a quotation mark that was not closed, or a file in a cell",
)  # fmt: skip
READER_BYTES = Limit(
    6 * 1024**3, _BYTES, "memory of the process that reads one workbook, web page, or file of SPSS, Stata or SAS",
    "what a computer of 16 GB can spare",
)  # fmt: skip
READER_SECONDS = Limit(
    900, Text("seconds", "秒"), "computing time of that process, and twice as long by the clock",
    "a hospital's file takes seconds; nobody waits longer for an answer",
)  # fmt: skip
MESSAGE_LINES = Limit(
    60, Text("lines", "行"), "lines of one message, however many faults it tells of; the first and the last ones are shown",
    "they fit into a terminal's window twice; whoever has more faults begins with these",
)  # fmt: skip
LINE_CHARACTERS = Limit(
    1_000, Text("characters", "个字符"), "one line of a message",
    "a header or a file's name may be of any length; what to do must stay in sight",
)  # fmt: skip

LIMITS = (
    FILES, FILE_BYTES, PAGE_BYTES, UNPACKED_BYTES, COLUMNS, CELLS, ONE_BY_ONE_CELLS, CELL_CHARACTERS, READER_BYTES, READER_SECONDS,
    MESSAGE_LINES, LINE_CHARACTERS,
)  # fmt: skip
_LAST_LINES = 8
"""Lines that are shown of a message's end, which says what to do."""


def bound_message(text: str, cut: str) -> str:
    """Return a message of at most so many lines and characters a line as the limits say; `cut` says with `{n}` how many lines are left out."""
    lines = text.split("\n")
    n_first = MESSAGE_LINES.most - _LAST_LINES - 1
    if len(lines) > MESSAGE_LINES.most:
        left_out = len(lines) - n_first - _LAST_LINES
        lines = [*lines[:n_first], f"  {cut.format(n=f'{left_out:,}')}", *lines[-_LAST_LINES:]]
    return "\n".join(map(_bound_line, lines))


def _bound_line(line: str) -> str:
    half = LINE_CHARACTERS.most // 2
    return line if len(line) <= LINE_CHARACTERS.most else f"{line[: half - 2]} … {line[1 - half :]}"
