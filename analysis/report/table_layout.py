"""How a table lies on a page of a Word document: rules as journals print them, widths by what the columns hold."""

from __future__ import annotations

from typing import Any

from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from analysis.tables.model import Cell, ReportTable

CHARACTER_CM = 0.175
"""Of a 9-point letter of average width, with what stands beside it in bold."""
PADDING_CM = 0.4  # of a cell, both sides
FIRST_COLUMN_MOST = 0.45  # of the width
FIRST_COLUMN_CM = 6.0
"""That the labels of the rows get where they are as long."""


def needs_landscape(table: ReportTable, page_cm: tuple[float, float], margin_cm: float) -> bool:
    """Whether the narrowest widths at which no word is broken do not fit an upright page."""
    rows = [[_measure_least(_read(cell)) for cell in row] for row in table.rows if len(row) == len(table.header)]
    header = [_measure_header(words) for words in table.header]
    least = [max(column) for column in zip(header, *rows, strict=True)]
    longest = max((len(_read(row[0])) for row in table.rows if len(row) > 1), default=0) * CHARACTER_CM
    first = max(min(least[0], FIRST_COLUMN_MOST * (page_cm[0] - 2 * margin_cm)), min(longest, FIRST_COLUMN_CM))
    return first + sum(least[1:]) > page_cm[0] - 2 * margin_cm


def lay_out(grid: Any, section: Any, n_header: int, style_id: str, *, has_sentences: bool = False) -> None:
    """Rules above, below and under the header; the header again on every page; rows that do not break; small tables on one page."""
    grid.autofit = False
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "bottom"):
        borders.append(_make_rule(side, 8))
    grid._tbl.tblPr.append(borders)
    width = section.page_width - section.left_margin - section.right_margin
    _set_widths(grid, _share_width(grid, width, n_header))
    is_short = len(grid.rows) <= SHORT
    for number, row in enumerate(grid.rows):
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if number < n_header:
            properties.append(OxmlElement("w:tblHeader"))
        for place, cell in _list_cells(row):
            if number == n_header - 1:
                _underline(cell)
            for paragraph in cell.paragraphs:
                paragraph._p.style = style_id
                if is_short and number < len(grid.rows) - 1:
                    paragraph.paragraph_format.keep_with_next = True
                if place and not has_sentences:
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _list_cells(row: Any) -> list[tuple[int, Any]]:
    """The cells of a row, each once with the place of its first column: several columns may share one."""
    found: list[tuple[int, Any]] = []
    for place, cell in enumerate(row.cells):
        if not found or cell._tc is not found[-1][1]._tc:
            found.append((place, cell))
    return found


SHORT = 30
"""Rows of a table that is kept on one page."""


def _read(cell: Cell) -> str:
    return "".join(part if isinstance(part, str) else getattr(part, "text", "") for part in cell.parts)


def _measure_words(text: str) -> float:
    """The width of the longest word, in cm."""
    return max(map(len, text.split()), default=0) * CHARACTER_CM + PADDING_CM


def _measure_header(text: str) -> float:
    """A heading is broken between words, into a few lines."""
    return max(_measure_words(text), len(text) * CHARACTER_CM / HEADER_LINES + PADDING_CM)


def _measure_least(text: str) -> float:
    """An entry with a number in it stays on one line; words may be wrapped."""
    is_number = any(character.isdigit() for character in text) and len(text) <= LONGEST_NUMBER
    return len(text) * CHARACTER_CM + PADDING_CM if is_number else _measure_words(text)


HEADER_LINES = 2.5
LONGEST_NUMBER = 22
"""Characters of an estimate with its limits: `12.9 (12.2-14.2)`; a longer entry is a text."""


def _share_width(grid: Any, width: int, n_header: int) -> list[int]:
    """The width of every column: as much as no word needs to be broken, and the rest by the longest entry."""
    entries: list[list[tuple[float, float]]] = []
    for number, row in enumerate(grid.rows):
        texts = ["".join(words.text or "" for words in cell.iter(qn("w:t"))) for cell in row._tr.tc_lst]
        if len(texts) == len(grid.columns):
            measure = _measure_header if number < n_header else _measure_least
            entries.append(
                [(measure(text), measure(text) if number < n_header else len(text) * CHARACTER_CM) for text in texts]
            )
    columns = list(zip(*entries, strict=True))
    least = [max(narrow for narrow, _ in column) for column in columns]
    wanted = [max(low, *(wide for _, wide in column)) for column, low in zip(columns, least, strict=True)]
    page_cm = width / EMU_PER_CM
    least[0] = min(max(least[0], min(wanted[0], FIRST_COLUMN_CM)), FIRST_COLUMN_MOST * page_cm)
    spare = page_cm - sum(least)
    if spare <= 0:
        return [int(width * part / sum(least)) for part in least]
    missing = [max(want - low, 0) for want, low in zip(wanted, least, strict=True)]
    total = sum(missing)
    share = min(1.0, spare / total) if total else 0.0
    grown = [low + gap * share for low, gap in zip(least, missing, strict=True)]
    return [int(width * part / sum(grown)) for part in grown]


EMU_PER_CM = 360_000


def _set_widths(grid: Any, widths: list[int]) -> None:
    """Word reads the widths of the columns, other programs those of the cells."""
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    for row in grid.rows:
        if len(row._tr.tc_lst) == len(widths):
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = width


def _underline(cell: Any) -> None:
    under = OxmlElement("w:tcBorders")
    under.append(_make_rule("bottom", 4))
    cell._tc.get_or_add_tcPr().append(under)


def _make_rule(side: str, eighths_of_a_point: int) -> Any:
    rule = OxmlElement(f"w:{side}")
    for key, value in (("val", "single"), ("sz", str(eighths_of_a_point)), ("space", "0"), ("color", "000000")):
        rule.set(qn(f"w:{key}"), value)
    return rule
