"""The constraints of docs/constraints.md, each with a way to break it and nothing else in a right patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from patients.course import COURSES, draw_patient
from patients.invented_patient import InventedPatient

PAGE = Path(__file__).parents[2] / "docs" / "constraints.md"


@dataclass(frozen=True)
class Breaking:
    """How one constraint is broken, in patients of which courses; `change` returns False where this patient cannot break it."""

    constraint: str
    courses: tuple[str, ...]
    change: Callable[[InventedPatient, Random], bool | None]


BREAKINGS: dict[str, list[Breaking]] = {}


def breaks(constraint: str, courses: tuple[str, ...] = tuple(COURSES)):
    """Make a function that changes a right patient a way to break the constraint; several ways may break one."""

    def register(change: Callable[[InventedPatient, Random], bool | None]):
        BREAKINGS.setdefault(constraint, []).append(Breaking(constraint, courses, change))
        return change

    return register


def read_constraints() -> dict[str, str]:
    """The ids of docs/constraints.md, each with what it says."""
    rows = [
        line.strip("| ").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    return {cells[0].strip(): cells[1].strip() for cells in rows if cells[0].strip() != "id"}


def draw_wrong_patient(draw: Random, constraint: str) -> tuple[InventedPatient, InventedPatient]:
    """A right patient, and the same one with one constraint broken."""
    breaking = draw.choice(BREAKINGS[constraint])
    for _ in range(200):
        right = draw_patient(draw, draw.choice(breaking.courses))
        wrong = right.copy()
        if breaking.change(wrong, draw) is not False:
            return right, wrong
    raise ValueError(f"{constraint}: no drawn patient can break it")
