"""One written cell: what stands in it, what a workbook keeps behind it, and what it may be read as."""

from dataclasses import dataclass, replace
from datetime import date

PLAIN = "plain"
ERROR, UNCALCULATED = "error", "uncalculated"
TRUTH = object()
"""In `allows`: the value that is true."""


@dataclass(frozen=True)
class Cell:
    """`text` is what one sees; a workbook keeps `number` (number, day, bool) in the format `style` instead, where it is given.

    Read without a question a cell may only become one of `allows`: the truth, None (it says that there is no value), or
    nothing at all where nobody can know. Asked about and set aside it may always be.
    """

    text: str | None
    number: object = None
    style: str | int = ""
    form: str = PLAIN
    allows: tuple = (TRUTH,)
    runs: tuple = ()
    """Parts of a rich text in a workbook, each with its mark: "", "superscript" or "strike"."""

    def of(self, form, *allows):
        return replace(self, form=form, allows=allows or self.allows)


EMPTY = Cell(None, allows=(None,))


def show_number(value, decimal=".", thousands=""):
    """A number as people write it: no exponent, no trailing zeros."""
    whole, _, fraction = f"{value:.6f}".rstrip("0").rstrip(".").partition(".")
    if thousands:
        sign, digits = whole[: whole.startswith("-")], whole.lstrip("-")
        groups = [digits[max(0, end - 3) : end] for end in range(len(digits), 0, -3)]
        whole = sign + thousands.join(reversed(groups))
    return f"{whole}{decimal}{fraction}" if fraction else whole


def serial(day, epoch=date(1899, 12, 30)):
    """The number by which Excel keeps a day from March 1900 on."""
    return (day - epoch).days
