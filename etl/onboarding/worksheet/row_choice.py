"""What a person writes into the sheet of sheets about rows: which are read, and which are left out.

`visit type = inpatient | emergency` names a column and the texts that its cells may have; `*` behind a text stands for whatever follows.
Several conditions stand on lines of their own, or with `;` between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from etl.mapping.site import normalise_text
from etl.onboarding.decisions import COLUMN, HEADER_ROW, SHEET, Decision
from etl.onboarding.worksheet.form import LEFT_OUT, ONLY_ROWS
from etl.onboarding.worksheet.rows import Reading, Row
from etl.pages.text import Text

ALL_ROWS = ("all rows", "全部行")
_CONDITIONS = re.compile(r"[;；\n]")
_OR = re.compile(r"[|｜]")
_EXAMPLE = "visit type = outpatient | emergency"


@dataclass
class RowChoice:
    """`only` are the texts by column that a row must have, None where nothing is said of it; `left_out` those of the rows that are not read."""

    only: dict[str, list[str]] | None = None
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def print(self) -> str:
        """Return the choice as decisions.csv keeps it, "" where there is none."""
        told = {"only": self.only, "left_out": self.left_out or None}
        present = {key: value for key, value in told.items() if value is not None}
        return json.dumps(present, ensure_ascii=False) if present else ""


def read_choice(row: Row, columns: Collection[str], reading: Reading) -> RowChoice:
    """Return which rows of a sheet with some columns a person chose; what cannot be taken is named with its cell."""
    text = row.texts.get(ONLY_ROWS.en, "")
    choice = RowChoice(left_out=_read_conditions(row, LEFT_OUT, columns, reading))
    if normalise_text(text).lower() in ALL_ROWS:
        choice.only = {}
    elif text:
        choice.only = _read_conditions(row, ONLY_ROWS, columns, reading)
        if any(told.endswith("*") for texts in choice.only.values() for told in texts):
            _blame(row, ONLY_ROWS, Text("no * can stand here", "此处不能使用 *"), reading)
    if any(told in ("", "*") for texts in choice.left_out.values() for told in texts):
        _blame(row, LEFT_OUT, Text("a text is missing behind = or |", "= 或 | 之后缺少文本"), reading)
    return choice


def _read_conditions(row: Row, label: Text, columns: Collection[str], reading: Reading) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for condition in filter(None, map(str.strip, _CONDITIONS.split(row.texts.get(label.en, "")))):
        name, sign, texts = condition.replace("＝", "=").partition("=")
        if not sign or normalise_text(name) not in columns:
            told = Text(
                f"write a column of this sheet and its texts, such as: {_EXAMPLE}",
                "请写本表的列名及其文本，例如：就诊类型 = 门诊 | 急诊",
            )
            _blame(row, label, told, reading)
            continue
        found.setdefault(normalise_text(name), []).extend(map(str.strip, _OR.split(texts)))
    return found


def _blame(row: Row, label: Text, told: Text, reading: Reading) -> None:
    reading.blame(row.place(label), told.en, told.zh)


def choose_rows(
    pair: tuple[Decision, Row | None], proposals: Sequence[Decision], by: str, reading: Reading
) -> tuple[Decision, Row | None]:
    """Return what was decided about a sheet, which its row says, with the rows of it that are read; other decisions stay as they are."""
    decided, row = pair
    if decided.kind != SHEET or row is None or decided.decided.startswith(HEADER_ROW):
        return pair
    columns = {normalise_text(d.item) for d in proposals if d.kind == COLUMN and d.source == decided.source}
    chosen = read_choice(row, columns, reading).print()
    return (
        decided if chosen == decided.decided_record else replace(decided, decided_record=chosen, decided_by=by),
        row,
    )
