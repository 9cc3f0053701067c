"""How a manuscript is typeset: spaces and hyphens that do not break, dashes, per cent signs, and the spelling a journal asks for."""

from __future__ import annotations

import re

from analysis.study.publication import Spelling

NO_BREAK = "\u00a0"
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_RANGE = re.compile(r"(?<=[\dIVX])-(?=[\dIVX])")
_RULES = (
    (re.compile(r"(?<=[A-Z])-(?=\d)"), "\u2011"),  # PD-1 in one piece
    (re.compile(r"(?<![,;:(])[ \u00a0]%"), "%"),
    (re.compile(r"10\^9"), "10⁹"),
    (re.compile(r"\bumol\b"), "µmol"),
    (re.compile(r"\bp $"), f"p{NO_BREAK}"),
    (re.compile(r"\bp ([=<>]) ?"), f"p{NO_BREAK}\\1{NO_BREAK}"),
    (re.compile(r"(\d) (?=(?:months?|weeks?|years?|days?|patients?|mm|cm|mg|kg|U/L|IU/mL|ng/mL)\b)"), f"\\1{NO_BREAK}"),
)
AMERICAN = {
    "tumour": "tumor", "analyse": "analyze", "standardis": "standardiz", "randomis": "randomiz", "haem": "hem",
    "oesoph": "esoph", "oedema": "edema", "behaviour": "behavior", "centre": "center", "neighbour": "neighbor",
    "characteris": "characteriz", "labelled": "labeled", "programme": "program", "hospitalis": "hospitaliz",
}  # fmt: skip
"""Beginnings of words as British and American journals spell them; `characteristic` is the same in both."""
_BRITISH = re.compile("|".join(AMERICAN), re.IGNORECASE)
_SAME = re.compile(r"characteristic", re.IGNORECASE)


def typeset(text: str, spelling: Spelling = "british", *, is_behind_number: bool = False) -> str:
    """Return a text as a journal prints it. Behind a printed number, its unit stays on the same line."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _join_ranges(text)
    if is_behind_number and text[:1] == " " and text[1:2].isalpha():
        text = NO_BREAK + text[1:]
    return _spell(text) if spelling == "american" else text


def _join_ranges(text: str) -> str:
    """`3-4` and `I-II` with an en dash; days such as 2019-01-01 as they are."""
    parts = _ISO_DAY.split(text)
    days = _ISO_DAY.findall(text)
    joined = [_RANGE.sub("–", part) for part in parts]
    return "".join(part + day for part, day in zip(joined, [*days, ""], strict=True))


def _spell(text: str) -> str:
    def change(match: re.Match[str]) -> str:
        if _SAME.match(text, match.start()):
            return match[0]
        found = AMERICAN[match[0].lower()]
        return found.capitalize() if match[0][0].isupper() else found

    return _BRITISH.sub(change, text)
