"""How a number is printed, the same in figures, tables and text."""

from __future__ import annotations

NOT_ESTIMABLE = "NE"
NOT_SHOWN, NOT_SHOWN_SIGN = "not shown: it would tell of few patients", "[*]"
"""What the results say as the method of a number that is hidden (`analysis/study/disclosure.py`), and what is printed in its place."""
SMALLEST_P, LARGEST_P, ALPHA = 0.001, 0.999, 0.05
MOST_DECIMALS = 10
"""Digits that a result keeps (`results.SIGNIFICANT_DIGITS`): a p-value equal to 0.05 in all of them is 0.050."""
DECIMALS = {
    "count": 0,
    "percent": 1,
    "time": 1,
    "ratio": 2,
    "difference": 3,
    "coefficient": 3,
}


def format_number(value: float | None, kind: str) -> str:
    """Return a value as printed: `kind` is p or a key of `DECIMALS`. What cannot be estimated is NE."""
    if value is None:
        return NOT_ESTIMABLE
    if kind == "p":
        return _format_chance(value)
    text = f"{value:.{DECIMALS[kind]}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def _format_chance(value: float) -> str:
    """Return a p-value with three decimals; beyond them its bound, judged before rounding, and near 0.05 as many as show on which side it lies."""
    if value < SMALLEST_P:
        return f"<{SMALLEST_P}"
    if value > LARGEST_P:
        return f">{LARGEST_P}"
    decimals = next((n for n in range(3, MOST_DECIMALS) if float(f"{value:.{n}f}") != ALPHA), MOST_DECIMALS)
    return f"{value:.{3 if value == ALPHA else decimals}f}"


def format_p(value: float | None) -> str:
    """Return a p-value with its sign, as it stands in a sentence."""
    text = format_number(value, "p")
    return f"p {text[0]} {text[1:]}" if text[0] in "<>" else f"p = {text}"


def prettify(text: str) -> str:
    """Return a label with typographic signs."""
    return text.replace("<=", "≤").replace(">=", "≥")


def describe_hidden(k: int) -> str:
    """Return what a reader is told where something is not shown."""
    return f"{NOT_SHOWN_SIGN}: not shown, since it is, or would tell, a count of fewer than {k} patients."
