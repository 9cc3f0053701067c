"""Sheets that explain codes, one line each (`字段 代码 含义`): what they say of a column is not guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from etl.delivery.read import ROW, Grid
from etl.mapping.site import normalise_text
from etl.onboarding.proposing.words import squeeze

_FIELD = frozenset(
    map(
        squeeze,
        [
            "字段",
            "字段名",
            "字段名称",
            "变量",
            "变量名",
            "变量名称",
            "列名",
            "指标",
            "field",
            "field name",
            "variable",
            "variable name",
            "column",
        ],
    )
)
_CODE = frozenset(map(squeeze, ["代码", "编码", "取值", "值", "数值", "赋值", "code", "codes", "value", "values"]))
_MEANING = frozenset(
    map(squeeze, ["含义", "意义", "说明", "标签", "名称", "描述", "解释", "meaning", "label", "description", "decode"])
)
_SEARCHED_ROWS = 10
_MOST_COLUMNS = 8


@dataclass(frozen=True)
class Legend:
    """What a sheet says of columns, by their squeezed names: what each code means, and what the column is."""

    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> frozenset[str]:
        """The squeezed names of the columns that it explains."""
        return frozenset(self.choices) | frozenset(self.labels)


def read_legend(grid: Grid) -> Legend | None:
    """Return what a sheet explains, None where it has no header of column, code and meaning. An empty name repeats the one above."""
    if grid.cells.width - 1 > _MOST_COLUMNS:
        return None
    rows = [[normalise_text(cell or "") for cell in cells] for _, *cells in grid.cells.sort(ROW).iter_rows()]
    for number, cells in enumerate(rows[:_SEARCHED_ROWS]):
        words = [squeeze(cell) for cell in cells]
        places = [
            next((i for i, word in enumerate(words) if word in known), None) for known in (_FIELD, _CODE, _MEANING)
        ]
        name, code, meaning = places
        if name is not None and code is not None and meaning is not None:
            return _read_lines(rows[number + 1 :], name, code, meaning)
    return None


def _read_lines(rows: list[list[str]], name: int, code: int, meaning: int) -> Legend:
    choices: dict[str, dict[str, str]] = {}
    labels: dict[str, str] = {}
    last = ""
    for row in rows:
        last = squeeze(row[name]) or last
        if last and row[meaning] and row[code]:
            choices.setdefault(last, {})[row[code]] = row[meaning]
        elif last and row[meaning]:
            labels[last] = row[meaning]
    return Legend(choices, labels)
