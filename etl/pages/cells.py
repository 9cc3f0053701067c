"""What must not act on a reader's machine: signs that a terminal or page would obey, and cells that a spreadsheet would run.

Both are written so that they can be read back as they were.
"""

from __future__ import annotations

import re
import unicodedata

_HIDDEN_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")
_LINE_SIGNS = "\n\t"
_WRITTEN_OUT = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
# A sign before a mere number runs nothing: -98 stays a code.
_RUNS = r"(?:[=@\t\r]|[+-](?!\d*(?:\.\d*)?$))"
_FORMULA, _NEUTRALISED = re.compile(rf"'*{_RUNS}"), re.compile(rf"'+{_RUNS}")


def is_visible(character: str) -> bool:
    """Whether a terminal shows a character; a control or direction mark it would obey, a lone surrogate it cannot print."""
    return unicodedata.category(character) not in _HIDDEN_CATEGORIES


def escape_hidden(text: str, keep: str = "") -> str:
    r"""Return a text with the characters that a terminal would obey or cannot print written out, as in `\u202e`."""
    if text.isprintable():
        return text
    return "".join(c if is_visible(c) or c in keep else _write_out(c) for c in text)


def _write_out(character: str) -> str:
    return r"\x0d" if character == "\r" else ascii(character)[1:-1]


def show_hidden(value: object) -> object:
    """Return a text as pages and workbooks print it, with hidden signs written out; whatever is no text stays."""
    return escape_hidden(value, keep=_LINE_SIGNS) if type(value) is str else value


def restore_hidden(text: str) -> str:
    """Return a text of a workbook as it was before its hidden signs were written out; what is no such sign stays."""
    return _WRITTEN_OUT.sub(_restore, text)


def _restore(match: re.Match[str]) -> str:
    character = chr(int(match[0][2:], 16))
    return match[0] if is_visible(character) else character


def neutralise(text: str) -> str:
    """Return a cell of a CSV file with an apostrophe before what a spreadsheet program would take for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def read_neutralised(text: str) -> str:
    """Return a cell as it was before `neutralise`."""
    return text[1:] if _NEUTRALISED.match(text) else text
