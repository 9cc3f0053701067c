"""How a file of an unknown delivery writes numbers and dates, concluded from all its columns, with the cells that prove it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from etl.delivery.read import ROW
from etl.mapping.parse import clean_text, drop_missing
from etl.mapping.written import (
    DAY_ORDERS,
    DECIMALS,
    Proofs,
    Written,
    conclude,
    find_day_proofs,
    find_decimal_proofs,
)  # fmt: skip
from etl.onboarding.proposing.profile import Kind
from etl.onboarding.proposing.proposal import GUESSED, Proposal
from etl.pages.text import Text

_MOST = 0.5
_SHOWN_COLUMNS, _SHOWN_ROWS = 3, 3
_LIKE_NUMBER = r"^[<>≤≥=]*\s*\d*[.,]?\d[\d.,]*\s*\D{0,8}$"
_LIKE_DATE = r"^\d{1,2}\s*[-/.]\s*\d{1,2}\s*[-/.]\s*\d{4}"


@dataclass(frozen=True)
class Writing:
    """What a file's columns prove.

    `concluded` holds for the file, `own` for the columns whose cells prove another; `open` are the columns with cells that
    could be two numbers or two days, where nothing in the file says which. `told` names the cells that prove it.
    """

    concluded: tuple[Written, ...] = ()
    own: Mapping[str, Written] = field(default_factory=dict)
    open: frozenset[str] = frozenset()
    told: tuple[Text, ...] = ()

    def of(self, column: str) -> str:
        """Return how a column is written, as `read_signs` and `read_dates` take it."""
        return "; ".join([self.own[column]] if column in self.own else self.concluded)


def find_writing(rows: pl.DataFrame) -> Writing:
    """Conclude how the columns of a sheet's records are written; `rows` has `source_row` and one column per name."""
    texts = {name: drop_missing(clean_text(rows[name])) for name in rows.columns if name != ROW}
    numbers = {name: find_decimal_proofs(text) for name, text in texts.items() if _is_mostly(text, _LIKE_NUMBER)}
    dates = {name: find_day_proofs(text) for name, text in texts.items() if _is_mostly(text, _LIKE_DATE)}
    concluded: list[Written] = []
    own: dict[str, Written] = {}
    unclear: set[str] = set()
    told: list[Text] = []
    for proofs, choices, default in ((numbers, DECIMALS, Written.DECIMAL_POINT), (dates, DAY_ORDERS, None)):
        of_file = conclude(proofs.values(), *choices)
        if of_file not in (None, default):
            concluded.append(of_file)
            told.append(_tell_proofs(of_file, proofs, texts, rows[ROW]))
        for name, proof in proofs.items():
            proven = conclude([proof], *choices)
            if proven not in (None, of_file or default):
                own[name] = proven
            # Where nothing in the file proves its sign, `1.210` may be thousands as well as decimals.
            if proven is None and of_file is None and proof.n_ambiguous:
                unclear.add(name)
    return Writing(tuple(concluded), own, frozenset(unclear), tuple(told))


def _is_mostly(texts: pl.Series, pattern: str) -> bool:
    present = texts.drop_nulls()
    return present.len() > 0 and int(present.str.contains(pattern).sum()) >= _MOST * present.len()


def _tell_proofs(
    written: Written, proofs: Mapping[str, Proofs], texts: Mapping[str, pl.Series], places: pl.Series
) -> Text:
    """Name the cells that prove a conclusion; their values are patients' and stay where they are."""
    proving = [name for name, proof in proofs.items() if proof.cells[written]]
    cells = []
    for name in proving[:_SHOWN_COLUMNS]:
        is_proof = texts[name].str.strip_chars().is_in(proofs[name].cells[written]).fill_null(value=False)
        cells.append((name, ", ".join(map(str, places.filter(is_proof).head(_SHOWN_ROWS)))))
    more = len(proving) - len(cells)
    rest = Text(f" and {more} more columns", f"等另外 {more} 列") if more else Text("", "")
    en = ", ".join(f"'{name}' row {rows}" for name, rows in cells)
    zh = "、".join(f"“{name}”第 {rows} 行" for name, rows in cells)
    return Text(f"{written.value}: proven by {en}{rest.en}", f"{_NAMES[written]}：由{zh}{rest.zh}证明")


def propose_writing(writing: Writing, p: Proposal) -> tuple[str, float, Text]:
    """Return how a column is written where not as its file, how sure that is, and why; what is open is for a person to say."""
    spec = p.meaning.contract if p.meaning else None
    if spec is None or spec.dtype not in (pl.Date, pl.Float64, pl.Int64):
        return _AS_FILE
    if p.column in writing.own:
        own = writing.own[p.column]
        return (
            own.value,
            GUESSED,
            Text(
                f"its cells prove: {own.value}, unlike the file's others",
                f"该列单元格表明：{_NAMES[own]}，与本文件其他列不同",
            ),
        )
    if spec.dtype != pl.Date:
        told = Text(
            "cells such as 3,275 may be two numbers; add: ; decimal comma, or ; decimal point",
            "如 3,275 有两种读法；请在单位后写：; decimal comma 或 ; decimal point",
        )
        return ("", 0.0, told) if p.column in writing.open else _AS_FILE
    return _propose_for_dates(writing, p)


def _propose_for_dates(writing: Writing, p: Proposal) -> tuple[str, float, Text]:
    if p.column in writing.open:
        return (
            "",
            0.0,
            Text(
                "03.05.2020 may be two days; write: day first, or month first",
                "如 03.05.2020 有两种读法；请写 day first（日在前）或 month first（月在前）",
            ),
        )
    if n := p.profile.n_yearless:
        return (
            "",
            0.0,
            Text(
                f"{n} cells show day and month and no year, and Excel adds the year of typing; write: stored year, where those years are right, or "
                "whole days, to be asked about each",
                f"{n} 个单元格只显示月日、不显示年份，其年份可能是录入时由 Excel 自动补上的；若年份无误请写 stored year，否则写 whole days（将逐一质疑）",
            ),
        )
    if p.profile.n_months:
        n = p.profile.n_months
        return (
            "",
            0.0,
            Text(
                f"{n} cells are a month and no day; write: only month, where no more is known, or whole days, to be asked about each",
                f"{n} 个单元格仅有年月；若确实只知年月请写 only month，否则写 whole days（将逐一质疑）",
            ),
        )
    if p.profile.kind == Kind.INTEGER:
        return (
            Written.DAY_NUMBER.value,
            GUESSED,
            Text("plain numbers: Excel's day numbers?", "纯数字：是否为 Excel 日期序号？"),
        )
    return _AS_FILE


_AS_FILE = ("", 1.0, Text("", ""))
_NAMES = {
    Written.DECIMAL_POINT: "小数点",
    Written.DECIMAL_COMMA: "小数逗号",
    Written.DAY_FIRST: "日在前",
    Written.MONTH_FIRST: "月在前",
}
