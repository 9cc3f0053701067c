"""References by number, in the order in which they are first cited, and call-outs of tables and figures."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

from analysis.tables.model import CallOut, Cell, Citation, Open, Part
from schemas.package_data import find_data


@dataclass(frozen=True)
class Reference:
    """A work as a list of references prints it; `doi` is empty where it has none."""

    name: str
    text: str
    doi: str


@cache
def read_references() -> dict[str, Reference]:
    """Return every work that a text may cite, by its name."""
    with find_data("analysis.report", "references.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: Reference(row["name"], row["text"], row["doi"]) for row in csv.DictReader(file)}


def cite(*names: str) -> Citation:
    """Cite works by name; one that is not listed is a `KeyError` at once."""
    return Citation(tuple(read_references()[name].name for name in names))


def number_references(cells: Iterable[Cell]) -> dict[str, int]:
    """Return the number of each work cited, counted from 1 in the order of the text."""
    cited = (name for cell in cells for part in cell.parts if isinstance(part, Citation) for name in part.names)
    return {name: number for number, name in enumerate(dict.fromkeys(cited), start=1)}


def show_on_page(cell: Cell, numbers: dict[str, int]) -> Cell:
    """A paragraph as the report's page prints it: citations linked to their place in the list, call-outs left to the page's own order."""
    return Cell(
        tuple(_show_part(part, numbers) for part in cell.parts if not isinstance(part, CallOut)), cell.is_heading
    )


def _show_part(part: Part, numbers: dict[str, int]) -> Part:
    if isinstance(part, Citation):
        links = [Markup('<a href="#ref-{0}">{0}</a>').format(numbers[name]) for name in part.names]
        return Markup(" [{}]").format(Markup(", ").join(links))
    return part.text if isinstance(part, Open) else part
