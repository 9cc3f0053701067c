"""On the path of a process and of all that it starts: notes that the process began, and lets none of them open a socket or ask for a host."""

import os
import sys

_HARMLESS = ("socket.gethostname",)


def _note(text: str) -> None:
    with open(os.environ["SOCKETS_LOG"], "a", encoding="utf-8") as log:  # noqa: PTH123 (as little as possible is imported here)
        log.write(text + "\n")


def _forbid(event: str, args: tuple) -> None:
    if event.startswith("socket.") and event not in _HARMLESS:
        _note(f"SOCKET {event} {args[1:]!r}")
        raise PermissionError(f"no process of the registry opens a socket: {event}")


_note(f"began {sys.orig_argv!r}")
sys.addaudithook(_forbid)
