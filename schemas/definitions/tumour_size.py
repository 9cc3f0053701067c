"""Sizes of the liver lesions read from the hospital's words, such as `7.4*6.2/8*4.5/3.2*3`.

Lesions are parted by `/ ; 、 ，` `+` or a line break, the one to three diameters of a lesion by `*` or `x`. A number has the
unit that the text states (mm or cm), cm where it states none; where it states both, every lesion must have its own.
`dmax=3` (also misspelt) and words such as 最大径 say the same as `3`. What is not wholly understood is empty:

- A range (`0.3~0.7`, `0.3-1.0`, `0.5_0.7`) stands for several lesions, or for one whose size is rough. It leaves the number
  empty, and the largest diameter too unless another lesion is at least as large as all that the range names.
- A lesion without a size (`dmax=NA`) leaves the largest diameter empty.
- A comma between two digits may be a decimal point.
- A largest diameter outside the plausible limits of a tumour's size in cm is probably in mm: `85*70`. A text in mm without
  its unit that stays below the limit, `20*18`, cannot be told from cm; the rules hold it to the other sources.
"""

from __future__ import annotations

import polars as pl

PLAUSIBLE_CM = (0.5, 25)
MM_PER_CM = 10
_SEPARATOR = r"\s*[/;、+\n]\s*|\s*,\s+|(\D),"
# Words that only announce a number; "dmax" as hospitals write it.
_ANNOUNCEMENT = r"d(?:max|amx|manx)\s*[=:]?|(?:肿瘤|病灶)?(?:大小|(?:最大|最长)?(?:长|直)?径)[:为]?约?|约"
_NUMBER = r"\d{1,3}(?:\.\d+)?"
_SIZE = rf"\s*{_NUMBER}\s*(?:mm|cm)?\s*"
_DIAMETERS = rf"^{_SIZE}(?:[*x×]{_SIZE}){{0,2}}$"
_RANGE = rf"^(?:others)?{_SIZE}(?:[~_-]|至){_SIZE}$"
_UNKNOWN_SIZE = r"^\s*na\s*$"
_SPELLINGS = {"，": "、", "毫米": "mm", "厘米": "cm", "公分": "cm"}


def compute_text_size_cm(text: pl.Expr) -> pl.Expr:
    """Return the largest diameter in cm that a text states; null where the text is not wholly understood."""
    lesions = _split_lesions(text)
    is_range = pl.element().str.contains(_RANGE)
    has_unknown = lesions.list.eval(pl.element().str.contains(_UNKNOWN_SIZE)).list.any()
    clear = lesions.list.eval(pl.when(~is_range).then(_largest_number())).list.max()
    unclear = lesions.list.eval(pl.when(is_range).then(_largest_number())).list.max()
    largest_cm = pl.when(_states_only_mm(text)).then(clear / MM_PER_CM).otherwise(clear)
    is_settled = _is_understood(lesions) & ~has_unknown & (unclear.is_null() | (clear >= unclear))
    return pl.when(is_settled & largest_cm.is_between(*PLAUSIBLE_CM)).then(largest_cm)


def compute_text_lesion_number(text: pl.Expr) -> pl.Expr:
    """Return how many lesions a text lists (Int64); null where it names a range or is not wholly understood."""
    lesions = _split_lesions(text)
    has_range = lesions.list.eval(pl.element().str.contains(_RANGE)).list.any()
    return pl.when(_is_understood(lesions) & ~has_range).then(lesions.list.len().cast(pl.Int64))


def _normalise(text: pl.Expr) -> pl.Expr:
    # The full-width comma is never a decimal point; NFKC would make it a plain one, so it is replaced first.
    plain = text.str.replace_many(_SPELLINGS).str.normalize("NFKC").str.to_lowercase()
    return plain.str.strip_chars(" \t\r\n;。")


def _states_only_mm(text: pl.Expr) -> pl.Expr:
    plain = _normalise(text)
    return plain.str.contains("mm") & ~plain.str.contains("cm")


def _split_lesions(text: pl.Expr) -> pl.Expr:
    """The lesions of a text; a unit that holds for the whole text is taken out of them."""
    plain = _normalise(text)
    has_both = plain.str.contains("mm") & plain.str.contains("cm")
    parted = plain.str.replace_all(_ANNOUNCEMENT, "").str.replace_all(_SEPARATOR, "$1/")
    return pl.when(has_both).then(parted).otherwise(parted.str.replace_all("[mc]m", "")).str.split("/")


def _largest_number() -> pl.Expr:
    """The largest number of one lesion, in cm where the lesion states its own unit."""
    largest = pl.element().str.extract_all(_NUMBER).cast(pl.List(pl.Float64)).list.max()
    return pl.when(pl.element().str.contains("mm")).then(largest / MM_PER_CM).otherwise(largest)


def _is_understood(lesions: pl.Expr) -> pl.Expr:
    """Whether every lesion is a size, a range or without size, and none or each of them states one unit of its own."""
    element = pl.element()
    is_read = element.str.contains(rf"{_DIAMETERS}|{_RANGE}|{_UNKNOWN_SIZE}")
    has_mm, has_cm = element.str.contains("mm"), element.str.contains("cm")
    has_unit = lesions.list.eval(has_mm | has_cm)
    is_mixed = lesions.list.eval(has_mm & has_cm).list.any()
    return lesions.list.eval(is_read).list.all() & ~is_mixed & (has_unit.list.all() | ~has_unit.list.any())
