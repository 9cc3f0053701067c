"""What a message tells somebody to type: whole commands, quoted for pasting, and the names that were probably meant."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from etl.pages.cells import is_visible
from etl.pages.text import Text

UNDER_MAKE = "REGISTRY_UNDER_MAKE"
"""Set by the Makefile for the commands it runs: who typed `make` is told what to type to `make`."""
REPEATED = ("WORKSPACE", "REGISTRY_KEY_FILE", "REGISTRY_LINKAGE_KEY_FILE")
"""Settings that a suggested command repeats: without them it would work on other patients or with another key."""
_QUOTED = {"'": r"\'", "\\": r"\\"}


def quote(text: str) -> str:
    """Return a text as one word of a shell: pasted, nothing in it is run, expanded or lost.

    Characters that cannot be seen are written as bytes in `$'...'` (bash, zsh, ksh), since a terminal does not paste them.
    """
    if all(map(is_visible, text)):
        return shlex.quote(text)
    return "$'" + "".join(_QUOTED.get(c, c) if is_visible(c) else _write_bytes(c) for c in text) + "'"


def quote_path(path: Path) -> str:
    """Return a path as one word of a shell that no program takes for an option; `make` drops blanks at its beginning."""
    text = str(path)
    return quote(f"./{text}" if text[:1] in ("-", " ", "\t", "\n") else text)


def suggest_command(
    command: str,
    hospital: str = "",
    *,
    extract: Path | None = None,
    extracted: str = "",
    accept: bool = False,
    check: bool = False,
    frozen: str = "",
    archive: Path | None = None,
) -> str:
    """Return a command as the reader can paste it: for `make` where this ran under `make`, else for `registry`.

    `make` takes each value by `$(value ...)`, so that quoting for the shell is enough; see docs/decisions/0012.
    """
    settings = [f"{name}={quote(os.environ[name])}" for name in REPEATED if os.environ.get(name)]
    if os.environ.get(UNDER_MAKE):
        given = [f"HOSPITAL={quote(hospital)}"] if hospital else []
        given += [f"EXTRACT={quote_path(extract)}"] if extract else []
        given += [f"EXTRACTED={extracted}"] if extracted else []
        given += ["CHECK=yes"] if check else []
        given += ["ACCEPT=yes"] if accept else []
        given += [f"FROZEN={quote(frozen)}"] if frozen else []
        given += [f"ARCHIVE={quote_path(archive)}"] if archive else []
        return " ".join(["make", command, *given, *settings])
    given = [quote(hospital)] if hospital else []
    given += ["--extract", quote_path(extract)] if extract else []
    given += ["--extracted", extracted] if extracted else []
    given += ["--check"] if check else []
    given += ["--accept"] if accept else []
    given += [*(["--frozen"] if command == "analyse" else []), quote(frozen)] if frozen else []
    given += [quote_path(archive)] if archive else []
    return " ".join([*settings, _name_program(), command, *given])


def did_you_mean(typed: str, known: Iterable[str]) -> Text:
    """Return a question for the known name nearest to a typed one, with a blank before it; empty where none is near."""
    names = {name.casefold(): name for name in known}
    near = [names[folded] for folded in get_close_matches(typed.casefold(), list(names), n=1)]
    return Text(f" Did you mean {near[0]}?", f"您要输入的是不是 {near[0]}？") if near else Text("", "")


def _name_program() -> str:
    """Return `registry` as it was called here: by its path where the shell would not find it by its name."""
    called = Path(sys.argv[0])
    if called.name != "registry" or shutil.which("registry") == sys.argv[0]:
        return "registry"
    return quote_path(called)


def _write_bytes(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
