"""The rows of a filled-in worksheet with the cells that they stand in, and what is found wrong or open there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from etl.delivery.read import ROW, Grid
from etl.errors import WorksheetError
from etl.mapping.site import normalise_text
from etl.onboarding.worksheet.form import ACCEPT, AUTHOR_ROWS, DECIDED_BY, HEADER_ROW, README
from etl.pages.cells import restore_hidden
from etl.pages.text import Text


@dataclass
class Reading:
    """What is found while reading: faults and open cells, each with its place."""

    faults: list[Text] = field(default_factory=list)
    waiting: list[Text] = field(default_factory=list)

    def blame(self, place: str, en: str, zh: str) -> None:
        """Note what is wrong in a cell."""
        self.faults.append(Text(f"{place}: {en}", f"{place}：{zh}"))

    def wait(self, place: str, what: str) -> None:
        """Note what is still to be decided in a cell."""
        self.waiting.append(Text(f"{place}: {what}", f"{place}：{what}"))


@dataclass(frozen=True)
class Row:
    """One row of a sheet: its texts by the columns' English labels, and where each stands."""

    sheet: str
    number: int
    texts: Mapping[str, str]
    letters: Mapping[str, str]

    def place(self, label: Text) -> str:
        """Name the cell as Excel does."""
        return f"{self.sheet}!{self.letters[label.en]}{self.number}"


def is_accepted(text: str) -> bool:
    """Whether a decision is what the registry proposes."""
    return text in (f"{ACCEPT.zh} {ACCEPT.en}", ACCEPT.en, ACCEPT.zh)


def read_names(grids: Mapping[str | None, Grid], reading: Reading) -> dict[str, str]:
    """Return who decided and the hospital's names, by their English labels."""
    grid = grids.get(README)
    names = {}
    for label, row in AUTHOR_ROWS.items():
        cells = grid.cells.filter(grid.cells[ROW] == row + 1) if grid else None
        names[label.en] = (
            (cells["1"][0] or "").strip() if cells is not None and "1" in cells.columns and cells.height else ""
        )
    if not names[DECIDED_BY.en]:
        reading.wait(f"{README}!B{AUTHOR_ROWS[DECIDED_BY] + 1}", f"{DECIDED_BY.zh} {DECIDED_BY.en}")
    return names


def read_rows(
    grids: Mapping[str | None, Grid], name: str, labels: Sequence[Text], younger: Sequence[Text] = ()
) -> Iterator[Row]:
    """Yield the rows below the header of one sheet; the columns of `younger` may be absent, as in a worksheet of an earlier version.

    Raises:
        WorksheetError: the sheet or one of its columns is gone.
    """
    grid = grids.get(name)
    head = grid.cells.filter(grid.cells[ROW] == HEADER_ROW + 1) if grid else None
    places = (
        {normalise_text(head[p][0] or ""): p for p in head.columns if p != ROW}
        if head is not None and head.height
        else {}
    )
    found = {label.en: places.get(f"{label.zh} {label.en}") for label in labels}
    absent = [f"{label.zh} {label.en}" for label in labels if found[label.en] is None]
    if grid is None or absent:
        raise WorksheetError(
            f"The worksheet has no sheet '{name}' with the column(s) {', '.join(absent)} in row {HEADER_ROW + 1}. Take the worksheet "
            "as it was written, or make a new one: make new-hospital.",
            f"对应表中没有“{name}”工作表，或其第 {HEADER_ROW + 1} 行缺少列：{'、'.join(absent)}。请使用原对应表，或重新运行 make new-hospital。",
        )
    found |= {label.en: places[head_text] for label in younger if (head_text := f"{label.zh} {label.en}") in places}
    letters = {en: _name_column(int(place)) for en, place in found.items() if place is not None}
    for row in grid.cells.filter(grid.cells[ROW] > HEADER_ROW + 1).iter_rows(named=True):
        texts = {en: restore_hidden(row[place] or "").strip() for en, place in found.items() if place is not None}
        if any(texts.values()):
            yield Row(name, row[ROW], texts, letters)


def _name_column(place: int) -> str:
    """Return Excel's letters of a 0-based column."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
