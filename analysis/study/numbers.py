"""How a number is printed, the same in figures, tables and text."""

from __future__ import annotations

NOT_ESTIMABLE = "NE"
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
        return "<0.001" if value < 0.0005 else f"{value:.3f}"
    text = f"{value:.{DECIMALS[kind]}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def format_p(value: float | None) -> str:
    """Return a p-value with its sign, as it stands in a sentence."""
    text = format_number(value, "p")
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"


def prettify(text: str) -> str:
    """Return a label with typographic signs."""
    return text.replace("<=", "≤").replace(">=", "≥")
