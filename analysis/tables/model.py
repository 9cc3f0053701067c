"""What a report table is: cells of text and of numbers that know which result they are.

A table is a module of this package with `build(results, spec) -> Iterator[ReportTable]`, a section and a place in it.
Nothing is computed here: every number is looked up.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass

import analysis.tables
from analysis.numbers import format_number
from analysis.results import Results
from analysis.spec import StudySpec


@dataclass(frozen=True)
class Number:
    """A number as printed, the result it is, and how it was printed (see `analysis.numbers`)."""

    result_id: str
    text: str
    kind: str


@dataclass(frozen=True)
class Cell:
    """One cell: texts and numbers, one after the other."""

    parts: tuple[str | Number, ...]
    is_heading: bool = False


@dataclass(frozen=True)
class ReportTable:
    """One table of the report.

    `name` is its anchor, `section` the section it stands in. `header` has the same length as every row; a row with a
    single cell is a heading across the table. `spans` are headings above the header, each over so many columns.
    `notes` stand below it; a folded table opens when asked.
    """

    name: str
    section: str
    title: str
    title_zh: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    is_folded: bool = False
    spans: tuple[tuple[str, int], ...] = ()


def look_up(results: Results, result_id: str, kind: str) -> Number:
    """The number of a result, printed."""
    return Number(result_id, format_number(results.value(result_id), kind), kind)


def text(*parts: str | Number) -> Cell:
    """A cell of these parts."""
    return Cell(parts)


def heading(words: str) -> tuple[Cell, ...]:
    """A row that is a heading across the table."""
    return (Cell((words,), is_heading=True),)


def count_cell(results: Results, where: str) -> Cell:
    """Patients and per cent: `74 (58.3)`."""
    return text(look_up(results, f"{where}.n", "count"), " (", look_up(results, f"{where}.pct", "percent"), ")")


def interval_cell(results: Results, where: str, kind: str, statistic: str = "estimate") -> Cell:
    """Estimate and 95 % limits: `0.62 (0.46–0.84)`; a dash where the analysis was not made."""
    if f"{where}.{statistic}" not in results:
        return text("–")
    if f"{where}.ci_low" not in results or _has_no_limits(results, where):
        return text(look_up(results, f"{where}.{statistic}", kind))
    low, high = (look_up(results, f"{where}.{name}", kind) for name in ("ci_low", "ci_high"))
    return text(look_up(results, f"{where}.{statistic}", kind), " (", low, "–", high, ")")


def _has_no_limits(results: Results, where: str) -> bool:
    """Whether neither limit could be estimated: nobody survived, or nothing was estimable at all."""
    return results.value(f"{where}.ci_low") is None and results.value(f"{where}.ci_high") is None


def number_cell(results: Results, result_id: str, kind: str) -> Cell:
    """One number; a dash where the analysis was not made."""
    return text(look_up(results, result_id, kind)) if result_id in results else text("–")


def build_tables(results: Results, spec: StudySpec) -> list[ReportTable]:
    """Every table that these results can fill, in the order of the modules' `ORDER`."""
    names = [info.name for info in pkgutil.iter_modules(analysis.tables.__path__)]
    modules = [importlib.import_module(f"analysis.tables.{name}") for name in sorted(names)]
    builders = sorted((module for module in modules if hasattr(module, "build")), key=lambda module: module.ORDER)
    return [table for module in builders for table in module.build(results, spec)]


def join_rows(rows: Sequence[Sequence[Cell]]) -> tuple[tuple[Cell, ...], ...]:
    """Rows as a table keeps them."""
    return tuple(tuple(row) for row in rows)
