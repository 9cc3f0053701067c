"""What a report table is: cells of text and of numbers that know which result they are.

A table is a module of this package with `build(results, spec) -> Iterator[ReportTable]`, a section and a place in it.
Nothing is computed here: every number is looked up.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import analysis.tables
from analysis.study.numbers import NOT_SHOWN_SIGN, describe_hidden
from analysis.study.results import Key, Results, print_result
from analysis.study.spec import StudySpec

LIMITS = ("ci_low", "ci_high")


@dataclass(frozen=True)
class Number:
    """A number as printed, the result it is, and how it was printed (see `analysis.study.numbers`)."""

    result_id: str
    text: str
    kind: str


@dataclass(frozen=True)
class Citation:
    """The works that a sentence rests on, by their names in `analysis/report/references.csv`."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class CallOut:
    """The tables and figures that show what a sentence says, by their names; those that the study does not have are left out."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Open:
    """What only a person can say, and where it is not said."""

    text: str


Part = str | Number | Citation | CallOut | Open


@dataclass(frozen=True)
class Cell:
    """One cell or paragraph: texts and numbers, call-outs and citations, one after the other."""

    parts: tuple[Part, ...]
    is_heading: bool = False


@dataclass(frozen=True)
class ReportTable:
    """One table of the report.

    `name` is its anchor, `section` the section it stands in. `header` has the same length as every row; a row with a
    single cell is a heading across the table. `spans` are headings above the header, each over so many columns.
    `notes` stand below it; a folded table opens when asked; one with sentences in it has its columns begin at the left. `hospital_columns`
    are those that begin with the id of a hospital.
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
    has_sentences: bool = False
    hospital_columns: range = range(0)


def look_up(results: Results, key: Key, statistic: str, kind: str) -> Number:
    """The number of a result, printed."""
    return print_row(results.row(key, statistic), kind)


def print_row(row: Mapping[str, Any], kind: str) -> Number:
    """The number of a row of the results, printed."""
    return Number(row["result_id"], print_result(row, kind), kind)


def text(*parts: Part) -> Cell:
    """A cell of these parts."""
    return Cell(parts)


def heading(words: str) -> tuple[Cell, ...]:
    """A row that is a heading across the table."""
    return (Cell((words,), is_heading=True),)


def count_cell(results: Results, key: Key) -> Cell:
    """Patients and per cent: `74 (58.3)`."""
    return text(look_up(results, key, "n", "count"), " (", look_up(results, key, "pct", "percent"), ")")


def interval_cell(results: Results, key: Key, kind: str, statistic: str = "estimate") -> Cell:
    """Estimate and 95 % limits: `0.62 (0.46–0.84)`; a dash where the analysis was not made."""
    if not results.has(key, statistic):
        return text("–")
    estimate = look_up(results, key, statistic, kind)
    if not has_limits(results, key):
        return text(estimate)
    low, high = (look_up(results, key, name, kind) for name in LIMITS)
    return text(estimate, " (", low, "–", high, ")")


def has_limits(results: Results, key: Key) -> bool:
    """Whether at least one limit could be estimated: neither can where nobody survived, or nothing was estimable at all."""
    return all(results.has(key, name) for name in LIMITS) and any(
        results.value(key, name) is not None for name in LIMITS
    )


def number_cell(results: Results, key: Key, statistic: str, kind: str) -> Cell:
    """One number; a dash where the analysis was not made."""
    return text(look_up(results, key, statistic, kind)) if results.has(key, statistic) else text("–")


def build_tables(results: Results, spec: StudySpec) -> list[ReportTable]:
    """Every table that these results can fill, in the order of the modules' `ORDER`."""
    names = [info.name for info in pkgutil.iter_modules(analysis.tables.__path__)]
    modules = [importlib.import_module(f"analysis.tables.{name}") for name in sorted(names)]
    builders = sorted((module for module in modules if hasattr(module, "build")), key=lambda module: module.ORDER)
    return [_explain_hidden(table, spec) for module in builders for table in module.build(results, spec)]


def _explain_hidden(table: ReportTable, spec: StudySpec) -> ReportTable:
    """Say below a table in which something is not shown why that is."""
    printed = (part for row in table.rows for cell in row for part in cell.parts if isinstance(part, Number))
    if spec.fewest_patients is None or not any(number.text == NOT_SHOWN_SIGN for number in printed):
        return table
    return replace(table, notes=(*table.notes, describe_hidden(spec.fewest_patients)))


def name_hospitals(tables: Sequence[ReportTable], hospitals: Sequence[Mapping[str, Any]]) -> list[ReportTable]:
    """The tables with the hospitals' names in the place of their ids, which stand at the head of columns."""
    names = {item["hospital"]: item["name_en"] for item in hospitals}

    def name(label: str) -> str:
        words, comma, rest = label.partition(",")
        return f"{names.get(words, words)}{comma}{rest}"

    def name_columns(table: ReportTable) -> tuple[str, ...]:
        """An arm may be labelled as a hospital is: its column stays."""
        return tuple(name(label) if i in table.hospital_columns else label for i, label in enumerate(table.header))

    return [replace(table, header=name_columns(table)) for table in tables]


def join_rows(rows: Sequence[Sequence[Cell]]) -> tuple[tuple[Cell, ...], ...]:
    """Rows as a table keeps them."""
    return tuple(tuple(row) for row in rows)
