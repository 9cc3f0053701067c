"""What the running command has saved for good, so that whatever goes wrong afterwards is told as what it is: done, but not finished."""

from __future__ import annotations

from etl.pages.text import Text

_SAVED: list[Text] = []


def start() -> None:
    """Begin a command: nothing is saved yet."""
    _SAVED.clear()


def note(what: Text) -> None:
    """Note a sentence about what was just committed, such as that an ingest is loaded."""
    _SAVED.append(what)


def list_saved() -> tuple[Text, ...]:
    """Return the sentences about what the command has committed, in their order."""
    return tuple(_SAVED)
