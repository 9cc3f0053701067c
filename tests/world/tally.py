"""Counts over many deliveries what became of each form, and says which of the catalogue's promises are not kept."""

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from world.cell import PLAIN
from world.judge import ASKED, FAULTS, REFUSED, RIGHT

FOLDER = Path(__file__).parent
LEAST_UNASKED, LEAST_DRAWN = 0.97, 20
READ, ONCE, TELL, REFUSE = "read", "once", "tell", "refuse"


def _read_lines(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CATALOGUE = {line["form"]: line for line in _read_lines("catalogue.csv")}
"""Every form of the world: what is expected of it, and why it is not drawn where it is not."""
BY_MAPPING, BY_WORKSHEET = "", "worksheet"
_OPEN = _read_lines("known_open.csv")
KNOWN_OPEN = {(line["form"], line["outcome"]) for line in _OPEN if line["way"] == BY_MAPPING}
"""What the registry does not do yet: form and outcome. A line goes when it is done."""
OPEN_BY_WORKSHEET = KNOWN_OPEN | {(line["form"], line["outcome"]) for line in _OPEN}
"""The same where the mapping is what a person could say in the worksheet."""


def _list_own(dialect, forms):
    """The forms that the plain cells of a delivery tell of."""
    kept = [form for form in forms if ": " in form and not form.startswith(("decimal: ", "date_form: "))]
    return [*kept, *dialect.row_forms, *dialect.file_forms]


@dataclass
class Tally:
    """Deliveries and cells by form; the faults that nobody knows of, each with its seed."""

    deliveries: Counter = field(default_factory=Counter)
    cells: Counter = field(default_factory=Counter)
    seen_open: Counter = field(default_factory=Counter)
    faults: list = field(default_factory=list)
    known_open: frozenset = frozenset(KNOWN_OPEN)

    def add(self, seed, dialect, verdict):
        """Count one delivery."""
        forms = dialect.list_forms()
        in_cells = {*dialect.cell_forms, *(form for form in forms if form.startswith("missing "))}
        self.deliveries.update(
            {*forms} - in_cells | {case.form for case in verdict.cases if case.form != PLAIN and ": " not in case.form}
        )
        if verdict.refusal and not dialect.is_refused:
            self._blame(seed, [(REFUSED, REFUSED, verdict.refusal)], forms)
        for case in verdict.cases:
            self.cells[case.form, case.outcome] += 1
            if case.form == PLAIN:
                self.cells.update((form, case.outcome) for form in _list_own(dialect, forms))
        self._blame(seed, [(case.form, case.outcome, case.told) for case in verdict.faults], forms)

    def _blame(self, seed, faults, forms):
        for form, outcome, told in faults:
            known = next(((f, outcome) for f in (form, *forms) if (f, outcome) in self.known_open), None)
            if known:
                self.seen_open[known] += 1
            else:
                self.faults.append((seed, form, outcome, told))

    def merge(self, other):
        """Add the counts of another tally."""
        self.deliveries += other.deliveries
        self.cells += other.cells
        self.seen_open += other.seen_open
        self.faults += other.faults

    def find_asked(self):
        """(form, share of its cells read without a question) of the forms to be read, or told of, of which too many are asked about."""
        shares = (
            (form, self.share_unasked(form)) for form, line in CATALOGUE.items() if line["expected"] in (READ, TELL)
        )
        return [(form, share) for form, share in shares if share < LEAST_UNASKED and (form, ASKED) not in KNOWN_OPEN]

    def share_unasked(self, form):
        n_right, n_asked = self.cells[form, RIGHT], self.cells[form, ASKED]
        return n_right / (n_right + n_asked) if n_right + n_asked else 1.0

    def find_rare(self):
        """Forms that should have been drawn and hardly were."""
        return [
            form for form, line in CATALOGUE.items() if not line["not_drawn"] and self.deliveries[form] < LEAST_DRAWN
        ]

    def find_closed(self):
        """Lines of what is open that nothing showed: they can go, if enough was drawn."""
        return sorted(
            KNOWN_OPEN
            - set(self.seen_open)
            - {(form, ASKED) for form, _ in KNOWN_OPEN if self.share_unasked(form) < LEAST_UNASKED}
        )

    def print_table(self):
        """A line a form: deliveries, and cells by outcome."""
        lines = [
            f"{'form':34}{'expected':9}{'deliveries':>11}{'right':>8}{'asked':>8}{'wrong':>7}{'lost':>7}{'invented':>9}"
        ]
        for form, line in CATALOGUE.items():
            if not line["not_drawn"]:
                numbers = [self.cells[form, outcome] for outcome in (RIGHT, ASKED, *FAULTS)]
                lines.append(
                    f"{form:34}{line['expected']:9}{self.deliveries[form]:>11}{numbers[0]:>8}{numbers[1]:>8}{numbers[2]:>7}{numbers[3]:>7}{numbers[4]:>9}"
                )
        return "\n".join(lines)
