"""The kinds of right but rare patients: how each is drawn, and which question may be asked of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from patients.course import COURSES, draw_patient
from patients.invented_patient import InventedPatient

PAGE = Path(__file__).parents[2] / "docs" / "rare-patients.md"
PROGRESSED = ("progressed_dead", "progressed_alive")
DEAD = ("progressed_dead",)
ALIVE = ("progressed_alive", "responding", "stable")
RESPONDING = ("responding",)


@dataclass(frozen=True)
class Kind:
    """One kind: what it touches of a record (two kinds that touch the same are not combined), and from which courses it can be drawn."""

    name: str
    touches: frozenset[str]
    courses: tuple[str, ...]
    change: Callable[[InventedPatient, Random], None]


KINDS: dict[str, Kind] = {}


def kind(touches: str, courses: tuple[str, ...] = tuple(COURSES)):
    """Make a function that changes a right patient of one of `courses` a kind of rare patient; its name is in the list of kinds."""

    def register(change: Callable[[InventedPatient, Random], None]):
        KINDS[change.__name__] = Kind(change.__name__, frozenset(touches.split()), courses, change)
        return change

    return register


def read_kinds() -> dict[str, set[str]]:
    """The kinds of docs/rare-patients.md, each with the fields (`table.field`) at which a question may point."""
    rows = [
        line.strip("| ").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    return {cells[0].strip(): set("".join(cells[3:]).split()) for cells in rows if cells[0].strip() != "kind"}


def draw_rare_patient(draw: Random, first: Kind) -> tuple[InventedPatient, list[str]]:
    """A right patient of a kind, often of one or two more at once; returned with the names of the kinds."""
    chosen, courses = [first], set(first.courses)
    for other in draw.sample(list(KINDS.values()), draw.choice((0, 1, 2, 3))):
        is_free = all(not (other.touches & one.touches) for one in chosen)
        if is_free and courses & set(other.courses):
            chosen.append(other)
            courses &= set(other.courses)
    made = draw_patient(draw, draw.choice(sorted(courses)))
    for one in chosen:
        one.change(made, draw)
    return made, [one.name for one in chosen]
