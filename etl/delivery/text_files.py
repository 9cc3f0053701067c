"""Text files cut into cells: their encoding, what parts their cells, and rows as Python's csv module reads them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import polars as pl

from etl.delivery.beyond import FEWER_COLUMNS, SMALLER_FILES, refuse_beyond
from etl.errors import DeliveryError
from etl.limits import CELLS, COLUMNS, FILE_BYTES, ONE_BY_ONE_CELLS

TEXT_ENCODINGS = ("utf-8", "gb18030")
DELIMITERS = (",", "\t", ";", "|")
_DELIMITER_HEAD = 100_000
_FEW_PRIVATE, _RARE, _FEWEST_OF_A_LINE = 3, 0.02, 3
# Excel keeps leading zeros of a text file in ="00123"; some programs put an apostrophe before it, as one types it in Excel.
_AS_TEXT = {r'^="(.*)"$': "$1", r"^'(\d.*)$": "$1"}
_SHORTEST_UTF16, _ONE_IN = 16, 5
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# Too long a cell is told with its row by `check_cells`, as of every format; to the csv module it is one of quotation marks that do not close.
csv.field_size_limit(FILE_BYTES.most)


def cut_rows(text: str, delimiter: str, name: str) -> tuple[pl.DataFrame, pl.Series]:
    """Return the cells of each row as Python's csv module reads them, and how many cells each row has: a blank row none.

    The frame has one String column per position, named by its 0-based index; beyond a row's last cell it is null. Only where a
    quotation mark stands the csv module is asked: there a cell may hold delimiters and line ends.

    Raises:
        csv.Error: quotation marks do not close.
        DeliveryError: there are more cells or columns than the limits.
    """
    if text.count("\r") != text.count("\r\n"):  # a line ends with \r alone, or a cell holds one
        _check_one_by_one(text.count(delimiter) + text.count("\r"), name)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        n_cells = pl.Series([0 if row == [""] else len(row) for row in rows], dtype=pl.UInt32)
        _check_width(n_cells, name)
        return _make_columns(rows, int(n_cells.max() or 0)), n_cells  # type: ignore[arg-type]
    # A line keeps its \r, of which polars takes one away: where a cell holds line ends it is part of the cell. The first line
    # end keeps polars from taking a text that begins with `x^` for a compressed one.
    lines = pl.read_lines(b"\n" + text.encode().replace(b"\r\n", b"\r\r\n"))["line"].slice(1)
    is_asked = lines.str.contains('"', literal=True)
    _check_one_by_one(int(lines.filter(is_asked).str.count_matches(delimiter, literal=True).sum()), name)
    asked, within = _read_quoted(lines, is_asked.arg_true().to_list(), delimiter)
    return _cut_lines(lines.str.strip_suffix("\r"), asked, within, delimiter, name)


def _check_one_by_one(n_cells: int, name: str) -> None:
    if n_cells > ONE_BY_ONE_CELLS.most:
        raise refuse_beyond(name, ONE_BY_ONE_CELLS, n_cells, SMALLER_FILES)


def _check_width(n_cells: pl.Series, name: str) -> None:
    """Refuse rows of too many cells before any frame is as wide as they are; `n_cells` are those of each row."""
    width = int(n_cells.max() or 0)  # type: ignore[arg-type]
    if width > COLUMNS.most:
        raise refuse_beyond(name, COLUMNS, width, FEWER_COLUMNS, (n_cells.arg_max() or 0) + 1)
    if width * len(n_cells) > CELLS.most:
        raise refuse_beyond(name, CELLS, width * len(n_cells), SMALLER_FILES)


def _cut_lines(
    lines: pl.Series, asked: Mapping[int, list[str]], within: Sequence[int], delimiter: str, name: str
) -> tuple[pl.DataFrame, pl.Series]:
    """Cut lines at the delimiter, with the rows that were read otherwise in place of theirs, less the lines `within` those."""
    counts = pl.when(pl.col("line") != "").then(pl.col("line").str.count_matches(delimiter, literal=True) + 1)
    n_cells = lines.to_frame("line").select(counts.fill_null(0)).to_series()
    n_cells = n_cells.scatter(
        [*asked, *within], [*(0 if row == [""] else len(row) for row in asked.values()), *(0 for _ in within)]
    )
    is_row = ~pl.int_range(len(lines), eager=True).is_in(within)
    _check_width(n_cells.filter(is_row), name)
    width = int(n_cells.max() or 0)  # type: ignore[arg-type]
    if not width:
        return pl.DataFrame(), n_cells
    cells = lines.str.split_exact(delimiter, width - 1).struct.unnest()
    cells.columns = [str(i) for i in range(width)]
    if asked:
        places, read = list(asked), _make_columns(list(asked.values()), width)
        cells = cells.select(column.scatter(places, read[column.name]) for column in cells)
    return (cells.filter(is_row), n_cells.filter(is_row)) if within else (cells, n_cells)


def unwrap(cells: pl.DataFrame) -> pl.DataFrame:
    """Return cells without what programs put around a text so that Excel does not take it for a number."""
    for pattern, kept in _AS_TEXT.items():
        cells = cells.with_columns(pl.all().str.replace(pattern, kept))
    return cells


def _make_columns(rows: Sequence[Sequence[str]], width: int) -> pl.DataFrame:
    columns = ([row[i] if i < len(row) else None for row in rows] for i in range(width))
    return pl.DataFrame([pl.Series(str(i), column, dtype=pl.String) for i, column in enumerate(columns)])


def _read_quoted(lines: pl.Series, numbers: list[int], delimiter: str) -> tuple[dict[int, list[str]], list[int]]:
    """Return the rows that begin in the given lines, by line, and the lines that belong to a row begun before."""
    found: dict[int, list[str]] = {}
    within: list[int] = []
    texts = dict(zip(numbers, lines.gather(numbers), strict=True))
    end = 0

    def read_on() -> Iterator[str]:
        nonlocal end
        while end < len(lines):
            end += 1
            yield f"{texts[end - 1] if end - 1 in texts else lines[end - 1]}\n"

    reader = csv.reader(read_on(), delimiter=delimiter, strict=True)
    for number in numbers:
        if number >= end:
            end = number
            found[number] = next(reader)
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
    with suppress(UnicodeDecodeError):
        return content.decode().removeprefix("\ufeff"), TEXT_ENCODINGS[0]
    if _is_damaged_utf8(content):
        raise _refuse_cut_off(name, "UTF-8")
    with suppress(UnicodeDecodeError):
        text = content.decode(TEXT_ENCODINGS[1])
        _refuse_other_encodings(text, content, name)
        return text, TEXT_ENCODINGS[1]
    raise DeliveryError(
        f"{name}: the text is in none of the encodings tried ({tried}). Export it again from the system, as UTF-8 where that can be chosen.",
        f"{name}：文本不属于已尝试的编码（{tried}）。请从系统中重新导出，可选时请选 UTF-8。",
    )


def _refuse_other_encodings(text: str, content: bytes, name: str) -> None:
    """Refuse what can be decoded as GB18030 and is not: Big5 becomes private characters, lines of UTF-8 other Chinese ones.

    A rare character in a name may be a private one.

    Raises:
        DeliveryError: so it is.
    """
    n_private = sum("\ue000" <= character <= "\uf8ff" for character in text)
    n_wide = sum(character > "\x7f" for character in text)
    if n_private > max(_FEW_PRIVATE, n_wide * _RARE):
        raise DeliveryError(
            f"{name}: the text is Chinese in another encoding than UTF-8 and GB18030, perhaps Big5. Let the program that exported it "
            "write UTF-8.",
            f"{name}：该文本的中文编码既非 UTF-8 也非 GB18030，可能是 Big5。请在导出程序中选择 UTF-8。",
        )
    for number, line in enumerate(content.splitlines(), 1):
        if len(line) > sum(byte < 0x80 for byte in line) + 2 * _FEWEST_OF_A_LINE and _is_utf8(line):
            raise DeliveryError(
                f"{name}: line {number} is UTF-8 and others are GB18030: two files were joined. Export it again in one encoding, best UTF-8.",
                f"{name}：第 {number} 行为 UTF-8 编码，其他行为 GB18030：文件由两种编码拼接而成。请以同一编码（建议 UTF-8）重新导出。",
            )


def _is_utf8(line: bytes) -> bool:
    try:
        return all(character < "\x80" or character >= "\u0800" for character in line.decode())
    except UnicodeDecodeError:
        return False


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
    # Two bytes of GB18030 are now and then a character of UTF-8, three hardly ever.
    n_read = sum(character >= "\u0800" for character in text) - n_broken
    return content.startswith(b"\xef\xbb\xbf") or n_read > max(n_broken, _FEWEST_OF_A_LINE)


def find_delimiter(text: str) -> str:
    """Return the delimiter that cuts most records into equally many cells; how often a character occurs says little.

    Titles and explanations above the header, decimal commas and free texts hold delimiters that are none.
    """
    head = (
        text
        if len(text) <= _DELIMITER_HEAD
        else text[: text.rfind("\n", 0, _DELIMITER_HEAD) + 1] or text[:_DELIMITER_HEAD]
    )
    return max(DELIMITERS, key=lambda delimiter: _rate_delimiter(head, delimiter))


def _rate_delimiter(head: str, delimiter: str) -> tuple[float, int]:
    """Return the share of records that have the most common number of cells above one, and that number."""
    if delimiter == "\t":  # before a number it keeps leading zeros in Excel, and parts nothing
        head = _LEADING_TABS.sub("", head)
    widths = [len(row) for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter) if any(row)]
    width, n = Counter(w for w in widths if w > 1).most_common(1)[0] if max(widths, default=0) > 1 else (0, 0)
    return (n / len(widths), width) if widths else (0.0, 0)
