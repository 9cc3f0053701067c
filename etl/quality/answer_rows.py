"""One filled-in query workbook: what each of its rows answers, and every cell of it that cannot be taken.

Only what stands under "Answer" and "Comment" beside an untouched question is an answer. Id, place and value of a row must still be
those that were asked about, so that no answer reaches another question, whatever was sorted, shifted or pasted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from etl.delivery.read import ROW, Grid, read_delivery
from etl.errors import DeliveryError
from etl.pages.labels import label_field
from etl.pages.text import Text
from etl.quality.answer_words import (
    ANSWER,
    ANSWERED_BY,
    ANSWERS,
    ANSWERS_FOLDER,
    CHECK,
    COLUMN,
    COMMENT,
    CONFIRMED,
    DELIVERY,
    FIELD,
    FILE,
    KIND,
    LOCATED_MARK,
    NUMBER,
    QUERY_ID,
    QUESTION,
    QUESTION_ZH,
    REMARK,
    ROW_NUMBER,
    SHEET,
    STATUS,
    VALUE,
    is_like_answer,
    list_choices,
    read_answer,
)
from etl.quality.row_checks import fold_cell

NOT_STATED = "not stated"
_PLACE = (FILE, SHEET, ROW_NUMBER, COLUMN, VALUE)
ASKED = (QUERY_ID, *_PLACE, QUESTION)
"""The columns of a list of questions, whether or not there is a place to answer."""
_NEEDED = (*ASKED, ANSWER, REMARK)
# Workbooks of the first versions name no delivery: which ingest their answers are about is not known.
_OTHERS = (NUMBER, KIND, STATUS, DELIVERY, QUESTION_ZH, FIELD, CHECK)
Fault = tuple[Text, Text]
"""A column, and what is wrong there."""


@dataclass(frozen=True)
class Row:
    """One row below the header: its cells by the English headings, and what stands beside the table, by the letter of its column.

    `is_merged` tells that its answer or comment is a cell merged with that of another row.
    """

    number: int
    cells: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)
    is_merged: bool = False

    def read(self, column: Text) -> str:
        """Return the text under a heading; empty where there is none."""
        return self.cells.get(column.en, "")

    @property
    def is_answered(self) -> bool:
        """Whether something stands under "Answer" or "Comment"."""
        return bool(self.read(ANSWER) or self.read(REMARK))


@dataclass(frozen=True)
class Sheet:
    """The sheet of a workbook that holds the queries: its label, who answered, and its rows."""

    label: str
    author: str
    rows: Sequence[Row]

    def rename(self, present: Mapping[str, str]) -> Sheet:
        """Return the sheet with the ids that its queries have now, by those that they had when it was written."""
        rows = [
            replace(row, cells={**row.cells, QUERY_ID.en: present.get(row.read(QUERY_ID), row.read(QUERY_ID))})
            for row in self.rows
        ]
        return replace(self, rows=rows)


class LocatedCopyError(DeliveryError):
    """A copy with the hospital's own patient numbers lies where answers are read; it is told wherever it lies."""


def read_sheet(path: Path, needed: Sequence[Text] = _NEEDED) -> Sheet:
    """Read the sheet of a workbook that holds the queries: the first with the `needed` columns.

    Raises:
        LocatedCopyError: it is the hospital's own copy with patient numbers.
        DeliveryError: the file cannot be read, or no sheet has the columns.
    """
    lacking: list[Text] = list(needed)
    grids = read_delivery(path).grids
    if any(_is_located(grid) for grid in grids):
        raise LocatedCopyError(
            f"{path.name}: this is the copy that registry locate made, with the hospital's own patient numbers: it names patients and is never read "
            "back. Write the answers into the query workbook itself, and take this copy away from here.",
            f"{path.name}：这是 registry locate 生成的副本，含本院患者编号，会暴露患者身份，不会被读取。请在质疑工作簿原件中填写答复，并将此副本移走。",
        )
    for grid in grids:
        for row in grid.cells.iter_rows(named=True):
            heads = [(_read_label(text), name) for name, text in row.items() if name != ROW and text]
            position = dict(reversed(heads))  # of a column that was copied the first counts
            missing = [label for label in needed if label.en not in position]
            if not missing:
                known = {label.en: position[label.en] for label in (*_NEEDED, *_OTHERS) if label.en in position}
                return Sheet(grid.label, _find_author(grid, row[ROW]), list(_list_rows(grid, row, known)))
            lacking = min(lacking, missing, key=len)
    en, zh = ", ".join(label.en for label in lacking), "、".join(label.zh for label in lacking)
    raise DeliveryError(
        f"{path.name}: this is no query workbook: no sheet has the columns {en}. Take it out of the folder '{ANSWERS_FOLDER}', or put "
        "back the columns.",
        f"{path.name}：不是质疑表：没有工作表含有{zh}列。请将其移出“{ANSWERS_FOLDER}”文件夹，或恢复这些列。",
    )


def _is_located(grid: Grid) -> bool:
    """Whether a sheet is of a copy with patient numbers: its mark stands in a cell of its own, or in one that others were pasted to."""
    texts = grid.cells.drop(ROW)
    found = texts.select(pl.any_horizontal(pl.all().str.contains(LOCATED_MARK, literal=True).any()))
    return bool(texts.width) and bool(found.item())


def _read_label(text: str) -> str:
    """Return the English half of a heading, whose second line it is."""
    return text.strip().splitlines()[-1].strip()


def _list_rows(grid: Grid, header: Mapping[str, Any], known: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows below the header that hold something."""
    answers = {int(known[label.en]) for label in (ANSWER, REMARK)}
    merged = {
        row
        for first, left, last, right in grid.merged
        if first < last and any(left <= column <= right for column in answers)
        for row in range(first, last + 1)
    }
    others = [name for name in header if name not in (ROW, *known.values())]
    for row in grid.cells.iter_rows(named=True):
        texts = {name: (text or "").strip() for name, text in row.items() if name != ROW}
        if row[ROW] <= header[ROW] or not any(texts.values()):
            continue
        yield Row(
            number=row[ROW],
            cells={label: texts[name] for label, name in known.items()},
            beside={
                _name_column(int(name)): texts[name]
                for name in others
                # In a column that somebody headed themselves stands what is theirs, unless it is an answer.
                if texts[name] and (not header[name] or is_like_answer(texts[name]))
            },
            is_merged=row[ROW] in merged,
        )


def _name_column(position: int) -> str:
    """Return the letters by which a spreadsheet program names a column."""
    letters = ""
    while position >= 0:
        letters = chr(ord("A") + position % 26) + letters
        position = position // 26 - 1
    return letters


def _find_author(grid: Grid, header_row: int) -> str:
    """Return what stands beside `Answered by`: a name of the staff, so it is kept as written."""
    for row in grid.cells.iter_rows(named=True):
        if row[ROW] >= header_row:
            break
        cells = [text for name, text in row.items() if name != ROW]
        labels = [i for i, text in enumerate(cells) if text and _read_label(text) == ANSWERED_BY.en]
        if labels:
            return next((text.strip() for text in cells[labels[0] + 1 :] if text and text.strip()), NOT_STATED)
    return NOT_STATED


def find_faults(row: Row, asked: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """Yield what is wrong with one row; `asked` is what was asked under its id, as of each ingest that it may be about.

    What was typed is not repeated: it may be a patient's value.
    """
    if not asked:
        if row.is_answered or any(map(is_like_answer, (*row.cells.values(), *row.beside.values()))):
            yield QUERY_ID, Text("no query of this hospital has this id.", "本院没有此编号的质疑。")
        return
    differs = min((_find_differences(row, query) for query in asked), key=len)
    if misplaced := list(_find_misplaced(row, asked[-1], differs)):
        yield from misplaced
    elif differs:
        yield differs[0], _say_changed(differs)
    elif row.is_merged and row.is_answered:
        yield (
            ANSWER,
            Text(
                "this cell is merged with that of another row: write an answer into each row.",
                "该单元格与其他行合并：请逐行填写答复。",
            ),
        )
    elif row.is_answered:
        yield from _find_wrong_answer(row, asked[-1])


def _find_differences(row: Row, query: Mapping[str, Any]) -> list[Text]:
    """Return the columns in which a row is not what was asked: its place and the value."""
    told = {
        FILE: query["source_file"], SHEET: query["source_sheet"], ROW_NUMBER: query["source_row"], COLUMN: query["source_column"],
        VALUE: query["value"],
    }  # fmt: skip
    return [label for label, text in told.items() if fold_cell(row.read(label)) != fold_cell(text)]


def _find_misplaced(row: Row, query: Mapping[str, Any], differs: Sequence[Text]) -> Iterator[Fault]:
    """Yield cells outside "Answer" that hold an answer: an answer one column off would be lost in silence."""
    here = Text("this is an answer in a wrong column; write it under “Answer”", "答复写错了列，应填在“答复”列")
    words = Text(f"{here.en}, and put this cell back.", f"{here.zh}，并恢复本单元格。")
    untouched = {ANSWER, REMARK, QUERY_ID, *(label for label in _PLACE if label not in differs)}
    for label in (*_NEEDED, *_OTHERS):
        if label not in untouched and is_like_answer(row.read(label)):
            yield label, words
    label = label_field(query["table_name"], query["field"])
    if _is_foreign_label(row.read(FIELD), f"{label.zh} {label.en}") and not is_like_answer(row.read(FIELD)):
        yield FIELD, _CHANGED
    if not row.read(ANSWER) and is_like_answer(row.read(REMARK)):
        yield REMARK, Text(f"{here.en}.", f"{here.zh}。")
    for letter in row.beside:
        yield (
            Text(letter, letter),
            Text(
                "this stands beside the table; write it under “Answer” or “Comment”.",
                "内容写在表格之外；请填在“答复”或“备注”列。",
            ),
        )


_CHANGED = Text(
    "this cell was changed. Put it back, and write only under “Answer” and “Comment”.",
    "本单元格已被改动。请恢复原样，只填写“答复”和“备注”列。",
)


def _is_foreign_label(text: str, label: str) -> bool:
    """Whether a field's label was overwritten. An earlier version may have called the field otherwise, so any label will do: 体重 Body weight."""
    if not text or fold_cell(text) == fold_cell(label):
        return False
    chinese, _, english = text.partition(" ")
    is_label = bool(english) and english.isascii() and any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
    return not is_label


def _say_changed(differs: Sequence[Text]) -> Text:
    if list(differs) == [VALUE]:
        return Text(
            "this is not the value that was asked about. No value is taken from this workbook: put this cell back, correct the value in "
            "your source and choose “corrected in source”.",
            "这不是所质疑的原值。登记库不从本表采集数值：请恢复本单元格，在源数据中更正，并选择“已在源数据中更正”。",
        )
    return Text(
        "this query was asked about another place: the rows have been shifted or sorted in part, or this cell was changed. Write the "
        "answers into a fresh copy of the workbook.",
        "该质疑所指的位置与此不符：各行发生了错位或只对部分列排序，或本单元格已被改动。请在重新取得的质疑表中填写答复。",
    )


def _find_wrong_answer(row: Row, query: Mapping[str, Any]) -> Iterator[Fault]:
    answer = read_answer(row.read(ANSWER))
    if row.read(ANSWER) and answer is None:
        offered = [ANSWERS[code] for code in list_choices(can_be_confirmed=query["can_be_confirmed"])]
        en, zh = "; ".join(text.en for text in offered), "; ".join(text.zh for text in offered)
        yield ANSWER, Text(f"choose one of the list: {en}.", f"请从列表中选择：{zh}。")
    elif answer == CONFIRMED and not query["can_be_confirmed"]:
        yield (
            ANSWER,
            Text(
                "this cannot be confirmed: as it stands it cannot be a patient's value, or cannot be read, so that it would not count. "
                "Correct it in your source, or choose another answer.",
                "此项无法核实确认：该内容不可能是患者的数值或无法识别，确认后也不会被采用。请在源数据中更正，或选择其他答复。",
            ),
        )
    elif answer == COMMENT and not row.read(REMARK):
        yield REMARK, Text("the comment is empty.", "备注为空。")
