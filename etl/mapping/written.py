"""How a hospital writes numbers and dates: its decimal sign, the order of day and month, and which cells prove either.

Both belong to a file, not to a cell: `3,275` is 3.275 in one file and 3275 in another. What a file says is concluded
once, from cells that can be read in one way only, and stands in its mapping.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class Written(StrEnum):
    """What a mapping may say of how a file or a column is written.

    `only month` says that no more than month and year is known where no day stands, `stored year` that the year which a cell keeps and does
    not show is right, `whole days` that such cells are to be asked about.
    """

    DECIMAL_POINT = "decimal point"
    DECIMAL_COMMA = "decimal comma"
    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"
    MONTH = "only month"
    WHOLE_DAYS = "whole days"
    DAY_NUMBER = "day number"
    STORED_YEAR = "stored year"


DECIMALS = (Written.DECIMAL_POINT, Written.DECIMAL_COMMA)
DAY_ORDERS = (Written.DAY_FIRST, Written.MONTH_FIRST)
_KNOWN_LATER = (Written.MONTH, Written.STORED_YEAR)
UNPROVEN = "decimal unproven"
"""What stands in place of a decimal sign where other cells prove that the one of the mapping is wrong."""

TYPED = "numbers typed"
"""What is added where the file itself tells numbers from texts, as a workbook does."""

_SIGNED = r"^[<>≤≥≦≧=+-]*\s*"
# One, two, four and more digits behind the sign, or a whole part of 0 or of more than three digits: no thousands.
_DECIMAL = r"(?:(?:0|\d{{4,}}){sign}\d+|\d*{sign}(?:\d{{1,2}}|\d{{4,}})|\d{{1,3}}(?:{other}\d{{3}})+{sign}\d*|\d{{1,3}}(?:{other}\d{{3}}){{2,}})\s*\D*$"
_PROOFS = {
    Written.DECIMAL_POINT: _SIGNED + _DECIMAL.format(sign=r"\.", other=","),
    Written.DECIMAL_COMMA: _SIGNED + _DECIMAL.format(sign=",", other=r"\."),
}
_AMBIGUOUS = _SIGNED + r"[1-9]\d{0,2}[.,]\d{3}(?:\D|$)"
_PARTED = r"^(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*\d{4}(?:\D|$)"


@dataclass(frozen=True)
class Proofs:
    """The cells of some texts that can be read in one way only (`cells` by what they prove), and how many in two."""

    cells: dict[Written, list[str]]
    n_ambiguous: int

    def count(self, written: Written) -> int:
        """Return how many distinct cells prove one way of writing."""
        return len(self.cells[written])


def find_decimal_proofs(texts: pl.Series) -> Proofs:
    """Return which of a column's texts prove its decimal sign: `12,5`, `0,955` and `1.210,5` a comma; `3,275` neither."""
    distinct = texts.drop_nulls().unique(maintain_order=True).str.strip_chars()
    cells = {written: distinct.filter(distinct.str.contains(proof)).to_list() for written, proof in _PROOFS.items()}
    proven = {text for texts in cells.values() for text in texts}
    return Proofs(cells, len(set(distinct.filter(distinct.str.contains(_AMBIGUOUS))) - proven))


def find_day_proofs(texts: pl.Series) -> Proofs:
    """Return which of a column's texts prove the order of day and month: `13.04.1953` the day first; `03.04.1953` neither."""
    distinct = texts.drop_nulls().unique(maintain_order=True).str.strip_chars()
    parted = pl.DataFrame({"text": distinct}).select(
        "text", *(pl.col("text").str.extract(_PARTED, i).cast(pl.Int64).alias(name) for i, name in ((1, "a"), (2, "b")))
    )
    dated = parted.drop_nulls()
    cells = {
        Written.DAY_FIRST: dated.filter((pl.col("a") > 12) & (pl.col("b") <= 12))["text"].to_list(),
        Written.MONTH_FIRST: dated.filter((pl.col("b") > 12) & (pl.col("a") <= 12))["text"].to_list(),
    }
    return Proofs(cells, dated.filter((pl.col("a") <= 12) & (pl.col("b") <= 12) & (pl.col("a") != pl.col("b"))).height)


def conclude(proofs: Collection[Proofs], first: Written, second: Written) -> Written | None:
    """Return the way of writing that more columns prove; None where none or as many prove the other.

    Each column is one witness, so that a long one does not outvote the others.
    """
    votes = [proof.count(first) - proof.count(second) for proof in proofs]
    ahead = sum(vote > 0 for vote in votes) - sum(vote < 0 for vote in votes)
    return None if ahead == 0 else first if ahead > 0 else second


def settle_decimals(columns: Mapping[str, pl.Series], stated: Mapping[str, Collection[Written]]) -> dict[str, str]:
    """Return how the numbers of a file's columns are to be read: the decimal sign that its mapping says, else a point.

    Where most columns of the file, or most cells of a column, prove the other sign, what could be two numbers is neither.
    """
    signs: dict[str, str] = {name: _find_stated(stated[name], DECIMALS) or Written.DECIMAL_POINT for name in columns}
    other = {Written.DECIMAL_POINT.value: ",", Written.DECIMAL_COMMA.value: "."}
    if not any(texts.str.contains(other[signs[name]], literal=True).any() for name, texts in columns.items()):
        return _say(signs)
    proofs = {name: find_decimal_proofs(texts) for name, texts in columns.items()}
    of_file = conclude(proofs.values(), *DECIMALS)
    for name, proof in proofs.items():
        own = conclude([proof], *DECIMALS) or of_file
        if own not in (None, signs[name]):
            signs[name] = f"{signs[name]}; {UNPROVEN}"
    return _say(signs)


def settle_dates(columns: Mapping[str, pl.Series], stated: Mapping[str, Collection[Written]]) -> dict[str, str]:
    """Return how the dates of a file's columns are to be read; an order that a column's own cells disprove is not followed."""
    settled: dict[str, str] = {}
    for name, texts in columns.items():
        order = _find_stated(stated[name], DAY_ORDERS)
        if order and conclude([find_day_proofs(texts)], *DAY_ORDERS) not in (None, order):
            order = None
        others = [word for word in stated[name] if word in (Written.MONTH, Written.DAY_NUMBER, Written.STORED_YEAR)]
        settled[name] = "; ".join(filter(None, [order, *others]))
    return _say(settled)


def restate_months(then: str | None, now: Collection[Written]) -> str | None:
    """Return how a date was written `then` (as `settle_dates` says it), with what the mapping says `now` of months without a day, and years."""
    words = [word for word in (then or "").split("; ") if word not in ("", *_KNOWN_LATER)]
    return "; ".join([*words, *(word for word in _KNOWN_LATER if word in now)]) or None


def _find_stated(stated: Iterable[Written], choices: Collection[Written]) -> Written | None:
    return next((word for word in stated if word in choices), None)


def _say(settled: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in settled.items() if text not in ("", Written.DECIMAL_POINT)}
