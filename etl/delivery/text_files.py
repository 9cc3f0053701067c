"""Text files cut into cells: their encoding, what parts their cells, and rows as Python's csv module reads them."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence

import polars as pl

from etl.errors import DeliveryError

_ROWS = pl.List(pl.String)
_BETWEEN = "\x1f"
TEXT_ENCODINGS = ("utf-8", "gb18030")
DELIMITERS = (",", "\t", ";", "|")
_DELIMITER_HEAD = 100_000
_SHORTEST_UTF16, _ONE_IN = 16, 5
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def split_rows(text: str, delimiter: str) -> pl.Series:
    """Return the cells of each row (List of String) as Python's csv module reads them, but for blank rows, which may have one empty cell.

    Only where a quotation mark stands it is asked: there a cell may hold delimiters and line ends.

    Raises:
        csv.Error: quotation marks do not close, or a cell is longer than the csv module's limit.
    """
    # A line ends with \r alone, or a cell holds one, or what parts the cells below.
    if text.count("\r") != text.count("\r\n") or _BETWEEN in text:
        return pl.Series(list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)), dtype=_ROWS)
    lines = text.removesuffix("\n").removesuffix("\r").split("\n") if text else []
    column = pl.Series(lines, dtype=pl.String)
    is_asked = column.str.contains('"', literal=True) | (column.str.len_chars() > csv.field_size_limit())
    asked, within = _read_quoted(lines, is_asked.arg_true().to_list(), delimiter)
    rows = column.str.strip_suffix("\r").str.split(delimiter)
    if not asked:
        return rows
    joined = pl.Series([_BETWEEN.join(cells) for cells in asked.values()], dtype=pl.String)  # far faster than lists
    everything = pl.concat([rows, joined.str.split(_BETWEEN)])
    places = pl.int_range(len(lines), dtype=pl.UInt32, eager=True)
    places = places.scatter(list(asked), range(len(lines), len(lines) + len(asked)))
    if within:
        places = places.filter(~pl.int_range(len(lines), eager=True).is_in(within))
    return everything.gather(places)


def _read_quoted(
    lines: Sequence[str], numbers: Sequence[int], delimiter: str
) -> tuple[dict[int, list[str]], list[int]]:
    """Return the rows that begin in the given lines, by line, and the lines that belong to a row begun before."""
    found: dict[int, list[str]] = {}
    within: list[int] = []
    end = 0
    for number in numbers:
        if number >= end:
            following = (f"{lines[i]}\n" for i in range(number, len(lines)))
            reader = csv.reader(following, delimiter=delimiter, strict=True)
            found[number] = next(reader)
            end = number + reader.line_num
            within += range(number + 1, end)
    return found, within


def decode_text(content: bytes, name: str) -> tuple[str, str]:
    """Decode a text file: UTF-16 with its mark or plainly so ("Unicode text"), strict UTF-8 (with or without mark), then GB18030.

    Raises:
        DeliveryError: a binary file called .csv, or no encoding fits.
    """
    tried = ", ".join(TEXT_ENCODINGS)
    if content.startswith(b"PK\x03\x04"):
        raise DeliveryError(
            f"{name}: this is a workbook or zip, not a text file. Rename it to .xlsx, or save it as UTF-8 CSV.",
            f"{name}：该文件是工作簿或压缩包，不是文本文件。请改名为 .xlsx，或另存为 UTF-8 CSV。",
        )
    if wide := _find_utf16(content):
        try:
            return content.decode(wide).removeprefix("\ufeff"), wide
        except UnicodeDecodeError:
            raise _refuse_cut_off(name, "UTF-16") from None
    if b"\x00" in content[:4096]:
        raise DeliveryError(
            f"{name}: the file is not text (tried {tried}): it is damaged, or software that protects documents has encrypted it. Ask the hospital's "
            "IT to take the protection off, and send it again as it is.",
            f"{name}：文件不是文本（已尝试 {tried}）：可能损坏，或被文档加密软件加密。请联系信息科解密后原样重新提交。",
        )
    if _is_damaged_utf8(content):
        raise _refuse_cut_off(name, "UTF-8")
    for encoding in TEXT_ENCODINGS:
        try:
            return content.decode(encoding).removeprefix("\ufeff"), encoding
        except UnicodeDecodeError:
            continue
    raise DeliveryError(
        f"{name}: the text is in none of the encodings tried ({tried}). Export it again from the system, as UTF-8 where that can be chosen.",
        f"{name}：文本不属于已尝试的编码（{tried}）。请从系统中重新导出，可选时请选 UTF-8。",
    )


def _refuse_cut_off(name: str, encoding: str) -> DeliveryError:
    return DeliveryError(
        f"{name}: the file is {encoding}, but some bytes of it are damaged or cut off. Export it again.",
        f"{name}：文件为 {encoding} 编码，但部分字节损坏或被截断。请重新导出。",
    )


def _find_utf16(content: bytes) -> str | None:
    """Return the UTF-16 that a text is in: its mark says it, or that every second byte of its digits and delimiters is 0."""
    if content.startswith(_UTF16_MARKS):
        return "utf-16"
    head = content[:4096]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        high, low = head[first::2], head[1 - first :: 2]
        if len(head) > _SHORTEST_UTF16 and high.count(0) > len(high) / _ONE_IN and low.count(0) == 0:
            return encoding
    return None


def _is_damaged_utf8(content: bytes) -> bool:
    """Whether a text is UTF-8 but for a few bytes: read as GB18030 it would be garbled and nobody told.

    Chinese in GB18030 read as UTF-8 breaks at nearly every character, so that far more breaks than reads.
    """
    text = content.decode("utf-8", errors="replace")
    n_broken = text.count("\ufffd") - content.count("\ufffd".encode())
    if n_broken == 0:
        return False
    n_read = sum(character > "\x7f" for character in text) - n_broken
    return content.startswith(b"\xef\xbb\xbf") or n_read > n_broken


def find_delimiter(text: str) -> str:
    """Return the delimiter that cuts most records into equally many cells; how often a character occurs says little.

    Titles and explanations above the header, decimal commas and free texts hold delimiters that are none.
    """
    head = text if len(text) <= _DELIMITER_HEAD else text[: text.rfind("\n", 0, _DELIMITER_HEAD) + 1] or text
    return max(DELIMITERS, key=lambda delimiter: _rate_delimiter(head, delimiter))


def _rate_delimiter(head: str, delimiter: str) -> tuple[float, int]:
    """Return the share of records that have the most common number of cells above one, and that number."""
    widths = [len(row) for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter) if any(row)]
    width, n = Counter(w for w in widths if w > 1).most_common(1)[0] if max(widths, default=0) > 1 else (0, 0)
    return (n / len(widths), width) if widths else (0.0, 0)
