"""Three-valued logic in plain Python, written from its truth table (Kleene 1938): None is "not known"."""

from collections.abc import Iterable


def all_of(*verdicts):
    if any(verdict is False for verdict in verdicts):
        return False
    return None if any(verdict is None for verdict in verdicts) else True


def any_of(*verdicts):
    return negate(all_of(*(negate(verdict) for verdict in verdicts)))


def negate(verdict):
    return None if verdict is None else not verdict


def where(premise, conclusion):
    """A rule that asks something only where a premise holds: it passes elsewhere, and is unknown where that is."""
    return None if premise is None else conclusion if premise else True


def is_known(*values):
    return all(value is not None for value in values)


def compare(left, right, holds):
    """What `holds` says of two values; None where one is missing."""
    return bool(holds(left, right)) if is_known(left, right) else None


def at_most(left, right):
    return compare(left, right, lambda a, b: a <= b)


def below(left, right):
    return compare(left, right, lambda a, b: a < b)


def equal(left, right):
    return compare(left, right, lambda a, b: a == b)


def one_of(value, accepted: Iterable):
    return value in tuple(accepted) if value is not None else None


def days_between(earlier, later):
    return (later - earlier).days if is_known(earlier, later) else None
