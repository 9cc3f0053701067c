"""The copy of a query workbook with the hospital's own patient numbers: it stays at home, and nothing of it can be taken for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.pages.spreadsheet import CELL_LIMIT, fit_height, open_workbook
from etl.pages.synthetic_marks import IN_WORKBOOKS
from etl.pages.text import Text
from etl.quality.answer_rows import Row
from etl.quality.answer_words import (
    COLUMN,
    DELIVERY,
    FILE,
    KIND,
    LOCATED_MARK,
    QUESTION,
    QUESTION_ZH,
    ROW_NUMBER,
    SHEET,
    VALUE,
)

PATIENT_NUMBER = Text("Your patient number", "本院患者编号")
WHY_NONE = Text("Why there is none", "无编号的原因")
ROW_OF_WORKBOOK = Text("Row in the query workbook", "质疑工作簿中的行号")
_BESIDE = ((PATIENT_NUMBER, 22), (ROW_OF_WORKBOOK, 12))
# No query id and no place to answer: without them nothing reads it as an answered workbook, whatever is cut off.
_SHOWN = (
    (KIND, 15), (DELIVERY, 28), (FILE, 24), (SHEET, 16), (ROW_NUMBER, 8), (COLUMN, 20), (VALUE, 20), (QUESTION_ZH, 48), (QUESTION, 48),
)  # fmt: skip
_EXPLANATION = Text(
    "Made by registry locate for the hospital's own use. Answer in the query workbook itself; the registry refuses this copy.",
    "由 registry locate 生成，仅供本院使用。请在质疑工作簿原件中答复；登记库拒收此副本。",
)
_HEADER_ROW = 3


@dataclass(frozen=True)
class Located:
    """A row of the workbook with the patient's number, or with the reason why it has none."""

    row: Row
    number: str | None
    reason: Text | None


def write_located_copy(path: Path, located: Sequence[Located], *, is_synthetic: bool) -> None:
    """Write the copy, for the account alone: everything in it is text, and its mark stands at its head."""
    columns = [*_BESIDE, *_SHOWN, (WHY_NONE, 48)]
    with open_workbook(path, "Patient numbers", is_private=True) as book:
        bold = book.add_format({"bold": True, "bg_color": "#F6D5D5", "font_size": 12, "valign": "top"})
        head = book.add_format({"bold": True, "bg_color": "#E6EEF4", "text_wrap": True, "border": 1, "valign": "top"})
        text = book.add_format({"num_format": "@", "text_wrap": True, "border": 1, "valign": "top"})
        page = book.add_worksheet("本院编号 Patient numbers")
        page.write_string(0, 0, LOCATED_MARK, bold)
        page.write_string(1, 0, f"{_EXPLANATION.zh} {_EXPLANATION.en}")
        page.write_string(2, 0, IN_WORKBOOKS if is_synthetic else "", bold)
        for column, (label, width) in enumerate(columns):
            page.set_column(column, column, width)
            page.write_string(_HEADER_ROW, column, f"{label.zh}\n{label.en}", head)
        for place, one in enumerate(located, start=_HEADER_ROW + 1):
            _write_row(page, place, one, columns, text)
        page.set_row(_HEADER_ROW, 34)
        page.freeze_panes(_HEADER_ROW + 1, 1)
        page.autofilter(_HEADER_ROW, 0, _HEADER_ROW + max(len(located), 1), len(columns) - 1)
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        page.repeat_rows(0, _HEADER_ROW)
        page.set_footer(LOCATED_MARK)


def _write_row(page: Any, place: int, one: Located, columns: Sequence[tuple[Text, int]], text: Any) -> None:
    why = f"{one.reason.zh} {one.reason.en}" if one.reason else ""
    cells = {PATIENT_NUMBER: one.number or "", ROW_OF_WORKBOOK: str(one.row.number), WHY_NONE: why}
    shown = [cells.get(label, one.row.read(label))[:CELL_LIMIT] for label, _ in columns]
    for column, content in enumerate(shown):
        page.write_string(place, column, content, text)
    page.set_row(place, fit_height(*((content, width) for content, (_, width) in zip(shown, columns, strict=True))))
