"""How many cells of a column can be read as what it is proposed to be, and what the others look like, without any patient's value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from etl.mapping.parse import MISSING, clean_text, parse_field
from etl.mapping.site import normalise_code
from etl.onboarding.proposing.profile import repeat
from etl.pages.text import Text
from schemas.contract import FieldContract

_SHOWN = 3
_LONGEST = 24
_DIGIT, _LATIN, _OTHER_LETTER = re.compile(r"\d"), re.compile(r"[A-Za-z]"), re.compile(r"[^\W\dA-Za-z_]")


@dataclass(frozen=True)
class CellsRead:
    """Of `n` cells that hold something `n_read` could be read; `forms` are those of the others, the most common first."""

    n: int
    n_read: int
    forms: tuple[str, ...]

    @property
    def told(self) -> Text:
        """The count, and the forms of what was not read."""
        more = f", … +{len(self.forms) - _SHOWN}" if len(self.forms) > _SHOWN else ""
        shown = ", ".join(self.forms[:_SHOWN]) + more
        rest = Text(f"; not read: {shown}", f"；未读出：{shown}") if self.forms else Text("", "")
        return Text(
            f"{self.n_read:,} of {self.n:,} cells read{rest.en}", f"可读取 {self.n_read:,}/{self.n:,} 格{rest.zh}"
        )


def count_read(
    texts: pl.Series, spec: FieldContract, missing: Collection[str] = (), written: str = ""
) -> CellsRead | None:
    """Read a column of numbers or dates as its field would be, `written` as its file; None for codes, which are listed, and free texts.

    `missing` are codes for no value.
    """
    if spec.codes or spec.dtype in (pl.String, pl.Boolean):
        return None
    cells = clean_text(texts).drop_nulls()
    parsed = parse_field(cells, spec, {normalise_code(code): MISSING for code in missing}, repeat(written, cells.len()))
    unread = cells.filter(parsed.fault.is_not_null()).to_list()
    forms = Counter(map(describe_form, unread))
    ordered = sorted(forms, key=lambda form: (-forms[form], form))
    return CellsRead(cells.len(), cells.len() - len(unread), tuple(ordered))


def describe_form(text: str) -> str:
    """Return the form of a text: 9 for each digit, a for each Latin letter, 字 for each other; `2020-13` is 9999-99."""
    form = _OTHER_LETTER.sub("字", _LATIN.sub("a", _DIGIT.sub("9", text)))
    return form if len(form) <= _LONGEST else f"{form[:_LONGEST]}…"
