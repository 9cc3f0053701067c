"""The smallest delivery that still shows a fault: choices taken back, forms left out, patients sent home."""

from dataclasses import fields

from world.delivery import PATIENTS, try_delivery
from world.dialect import Dialect, draw_dialect


def shrink(seed, form, outcome):
    """Return the simplest dialect and the fewest patients with which a seed still has a fault of this form, and the fault."""
    dialect, places = draw_dialect(seed), tuple(range(PATIENTS))
    fault = _find_fault(seed, dialect, places, form, outcome)
    if fault is None:
        raise ValueError(f"seed {seed} shows no {outcome} of {form}")
    tried = True
    while tried:
        tried = None
        for simpler in dialect.list_simpler():
            if simpler != dialect and (found := _find_fault(seed, simpler, places, form, outcome)):
                tried, dialect, fault = True, simpler, found
                break
    for place in places:
        fewer = tuple(p for p in places if p != place)
        if fewer and (found := _find_fault(seed, dialect, fewer, form, outcome)):
            places, fault = fewer, found
    return dialect, places, fault


def _find_fault(seed, dialect, places, form, outcome):
    verdict = try_delivery(seed, dialect, places)
    if verdict.refusal:
        return verdict.refusal if outcome == "refused" else None
    return next((case.told for case in verdict.faults if (case.form, case.outcome) == (form, outcome)), None)


def describe(dialect):
    """A dialect by what is not plain of it, as Python that makes it again."""
    plain = Dialect()
    said = [
        f"{f.name}={getattr(dialect, f.name)!r}"
        for f in fields(dialect)
        if getattr(dialect, f.name) != getattr(plain, f.name)
    ]
    return f"Dialect({', '.join(said)})"
