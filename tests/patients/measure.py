"""How often invented patients are asked about: wrong ones by constraint, right ones by kind, with intervals. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import sqrt
from random import Random

from patients.delivery import Question, ask
from patients.invented_patient import InventedPatient
from patients.rare import KINDS, draw_rare_patient, read_kinds
from patients.wrong import draw_wrong_patient, read_constraints

BATCH = 1000
"""Patients judged together as one delivery."""


@dataclass
class Share:
    """Of so many patients so many were asked about, by which rules; notes are told apart, since they ask nothing."""

    n: int = 0
    n_asked: int = 0
    n_noted: int = 0
    rules: Counter[str] = field(default_factory=Counter)

    def count(self, questions: set[Question]) -> None:
        self.n += 1
        self.n_asked += any(question.severity != "note" for question in questions)
        self.n_noted += bool(questions)
        self.rules.update({question.rule_id for question in questions})


def compute_interval(n_of: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    z, share = 1.959964, n_of / n
    middle, half = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def _ask_all(patients: Sequence[InventedPatient]) -> Iterator[set[Question]]:
    for first in range(0, len(patients), BATCH):
        yield from ask(patients[first : first + BATCH])


def measure_wrong(number: int, seed: int = 17) -> tuple[dict[str, Share], list[set[Question]]]:
    """Break every constraint in so many right patients; return the shares asked by constraint, and what was asked of the right ones."""
    draws = [(name, Random(f"{seed} {name} {i}")) for name in read_constraints() for i in range(number)]
    pairs = [(name, *draw_wrong_patient(draw, name)) for name, draw in draws]
    of_right = list(_ask_all([right for _, right, _ in pairs]))
    of_wrong = _ask_all([wrong for _, _, wrong in pairs])
    shares: dict[str, Share] = defaultdict(Share)
    for (name, _, _), before, after in zip(pairs, of_right, of_wrong, strict=True):
        shares[name].count(after - before)
    return dict(shares), of_right


def measure_right(number: int, seed: int = 17) -> tuple[dict[str, Share], Share]:
    """Draw so many patients of every kind; return the shares asked outside the kinds' lists, by first kind and of all."""
    allowed = read_kinds()
    draws = [(name, Random(f"{seed} {name} {i}")) for name in KINDS for i in range(number)]
    drawn = [(name, *draw_rare_patient(draw, KINDS[name])) for name, draw in draws]
    shares, everybody = defaultdict(Share), Share()
    for (name, _, kinds), questions in zip(drawn, _ask_all([made for _, made, _ in drawn]), strict=True):
        listed = set().union(*(allowed[kind] for kind in kinds))
        outside = {q for q in questions if f"{q.table}.{q.field or 'record'}" not in listed and q.severity != "note"}
        shares[name].count(outside)
        everybody.count(outside)
    return dict(shares), everybody
