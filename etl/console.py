"""The terminal: text in the chosen language, progress on long steps, errors. Light, since every command starts with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text as Line

from etl.errors import RegistryError
from etl.pages.cells import escape_hidden
from etl.settings import Language

Progress = Callable[[str, str], None]
"""Called with a step's name, in English and Chinese."""


class _Output(Console):
    def on_broken_pipe(self) -> None:
        """Drop what is still to be said: the reader went away (`| head`), the work goes on."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


class Terminal:
    """Writes to the terminal in the chosen language; colours only where the output is a terminal."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._out = _Output(highlight=False, soft_wrap=True)
        self._err = _Output(stderr=True, highlight=False, soft_wrap=True)

    def write(self, text: str, style: str | None = None) -> None:
        """Print a text as it is; what a terminal would obey is written out."""
        self._out.print(escape_hidden(text, keep="\n"), markup=False, style=style)

    def text(self, en: str, zh: str) -> str:
        """Return a short text in the chosen language, both with a slash between."""
        return {"en": en, "zh": zh, "both": f"{en} / {zh}" if en != zh else en}[self.language]

    def say(self, en: str, zh: str) -> None:
        """Print one line."""
        self.write(self.text(en, zh))

    def show_error(self, error: RegistryError) -> None:
        """Print an error's message, each language on lines of its own."""
        shown = {"en": [error.en], "zh": [error.zh], "both": list(dict.fromkeys([error.en, error.zh]))}[self.language]
        label = self.text("Error", "错误")
        for i, message in enumerate(shown):
            line = escape_hidden(f"{label}: {message}" if i == 0 else message, keep="\n")
            self._err.print(line, markup=False, style="bold red" if i == 0 else None)

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """Show the running step beside a spinner; on a pipe print nothing."""
        with self._err.status(Line(escape_hidden(what))) as status:
            yield lambda en, zh: status.update(Line(escape_hidden(f"{what}: {self.text(en, zh)} ...")))
