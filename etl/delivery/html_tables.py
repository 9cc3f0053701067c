"""Finds the tables of a web page with every text in it: cells, spans, hidden rows, tables within tables, texts between tables.

Built on the standard library's tolerant parser: pages of hospital systems leave end tags out and are no XML. A text that stands in no
table is a table of one cell of its own, so that nothing of a page is lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

MAX_SPAN = 16_384
_UNSEEN = ("script", "style", "title", "xml", "noscript", "template")
_BLANKS = re.compile(r"[ \t\r\f\n\u00a0]+")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all", re.IGNORECASE)
_NUMBER = re.compile(r"^[+-]?\d+(?:\.\d+)?$")
_BREAKS = ("p", "div", "li", "br", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "center", "form", "body")


@dataclass
class Cell:
    """One cell: its text, and over how many rows and columns it reaches."""

    text: str
    n_rows: int = 1
    n_columns: int = 1


@dataclass
class Row:
    """One row of a table."""

    cells: list[Cell] = field(default_factory=list)
    is_hidden: bool = False


@dataclass
class Table:
    """One table, or the text between two."""

    rows: list[Row] = field(default_factory=list)

    @property
    def width(self) -> int:
        """The most columns that a row has."""
        return max((sum(cell.n_columns for cell in row.cells) for row in self.rows), default=0)

    @property
    def is_data(self) -> bool:
        """Whether it has the size of a table with records: two rows and two columns."""
        return sum(len(row.cells) > 1 for row in self.rows) > 1


@dataclass
class _OpenTable:
    """A table that is being read: `parts` are the text pieces of its open cell, `inner` the tables that stood in its cells."""

    table: Table = field(default_factory=Table)
    cell: Cell | None = None
    parts: list[str] = field(default_factory=list)
    inner: list[tuple[Cell | None, list[Table]]] = field(default_factory=list)
    number: str = ""
    is_hidden: bool = False


def find_tables(page: str) -> list[Table]:
    """Return the tables of a page in their order, with the texts between them."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    return parser.finish()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.done: list[Table] = []
        self.open: list[_OpenTable] = []
        self.loose: list[str] = []
        self.unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag in _UNSEEN:
            self.unseen.append(tag)
        elif tag == "table":
            self._flush_loose()
            self.open.append(_OpenTable())
        elif tag == "tr" and self.open:
            self._end_cell()
            is_hidden = bool(_HIDDEN.search(named.get("style", ""))) or "hidden" in named
            self.open[-1].table.rows.append(Row(is_hidden=is_hidden))
        elif tag in ("td", "th") and self.open:
            self._start_cell(named)
        elif tag in _BREAKS:
            self._add("\n")
        elif tag == "input":
            self._add_input(named)
        elif tag == "img" and named.get("alt"):
            self._add(named["alt"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in ("br", "hr", "input", "img"):
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.unseen:
            self.unseen = self.unseen[: self.unseen.index(tag)]
        elif tag == "table" and self.open:
            self._end_table()
        elif tag in ("td", "th", "tr") and self.open:
            self._end_cell()
        elif tag in _BREAKS:
            self._add("\n")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self._add(_BLANKS.sub(" ", data))

    def finish(self) -> list[Table]:
        while self.open:
            self._end_table()
        self._flush_loose()
        return self.done

    def _add(self, text: str) -> None:
        """Add a text to the open cell; one between cells or outside of tables stands by itself."""
        if self.open and self.open[-1].cell is not None:
            self.open[-1].parts.append(text)
        else:
            self.loose.append(text)

    def _add_input(self, named: dict[str, str]) -> None:
        kind = named.get("type", "text").lower()
        if kind in ("checkbox", "radio"):
            self._add("√" if "checked" in named else "")
        elif kind in ("text", "number", "date"):
            self._add(named.get("value", ""))

    def _start_cell(self, named: dict[str, str]) -> None:
        self._end_cell()
        opened = self.open[-1]
        if not opened.table.rows:
            opened.table.rows.append(Row())
        opened.cell = Cell("", _read_span(named.get("rowspan")), _read_span(named.get("colspan")))
        opened.number = named.get("x:num", "")
        opened.table.rows[-1].cells.append(opened.cell)

    def _end_cell(self) -> None:
        opened = self.open[-1]
        if opened.cell is not None:
            text = _tidy("".join(opened.parts))
            opened.cell.text = _choose_number(text, opened.number)
        opened.cell, opened.parts, opened.number = None, [], ""

    def _end_table(self) -> None:
        """Close a table: within a cell of another it is that cell's text, unless that one only lays the page out."""
        self._end_cell()
        opened = self.open.pop()
        table = Table([row for row in opened.table.rows if row.cells])
        nested = [t for _, tables in opened.inner for t in tables]
        is_layout = bool(nested) and not any(sum(bool(c.text) for c in row.cells) > 2 for row in table.rows)
        if is_layout:
            own = [row for row in table.rows if any(cell.text for cell in row.cells)]
            found = [*([Table(own)] if own else []), *nested]
        else:
            found = [table] if table.rows else []
            for cell, tables in opened.inner:
                told = "\n".join(_print_table(t) for t in tables)
                if cell is not None:
                    cell.text = _tidy(f"{cell.text}\n{told}")
                else:
                    found += tables
        if self.open:
            self.open[-1].inner.append((self.open[-1].cell, found))
        else:
            self._flush_loose()
            self.done += found

    def _flush_loose(self) -> None:
        lines = [line for line in _tidy("".join(self.loose)).split("\n") if line]
        self.loose = []
        if not lines:
            return
        texts = Table([Row([Cell(line)]) for line in lines])
        if self.open:
            self.open[-1].inner.append((None, [texts]))
        else:
            self.done.append(texts)


def _read_span(text: str | None) -> int:
    """Return a span within what a table can have; one that says nothing sensible is 1."""
    number = re.match(r"\s*(\d{1,9})", text or "")
    return min(max(int(number[1]), 1), MAX_SPAN) if number else 1


def _tidy(text: str) -> str:
    lines = (re.sub(r" +", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _choose_number(text: str, number: str) -> str:
    """Return the number behind a cell where the cell shows only a rounding of it."""
    if not (_NUMBER.match(text) and _NUMBER.match(number)):
        return text
    n_shown = len(text.partition(".")[2])
    is_rounded = len(number.partition(".")[2]) > n_shown and f"{float(number):.{n_shown}f}" == text
    return number if is_rounded else text


def _print_table(table: Table) -> str:
    return "\n".join(" ".join(cell.text for cell in row.cells if cell.text) for row in table.rows)
