"""Reads a file in a process of its own, with a limit of memory and of time: whatever a file makes of its reader ends that process alone.

A workbook is a zip of XML that can claim terabytes, a file of SPSS a table of two billion rows; the libraries that read them are written in
C and Rust and abort where memory ends. What is read comes back as a pickle of plain types and Arrow buffers.
"""

from __future__ import annotations

import importlib
import pickle
import resource
import subprocess
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from etl.limits import READER_BYTES, READER_SECONDS
from schemas.package_data import find_folder

_CHILD = "import sys; sys.path.insert(0, sys.argv.pop(1)); from etl.delivery.apart import main; main()"
# SIGXCPU comes at the limit of time; SIGKILL from a system that has no memory left.
_STOPPED_BY = {-24: "time", -9: "memory"}


class Reader(StrEnum):
    """The functions that may be asked for: module of this room and name."""

    WORKBOOK = "workbook.read_workbook"
    UNLOCK = "passwords.unlock"
    PAGE = "markup.read_page"
    SPREADSHEET_XML = "markup.read_spreadsheet_xml"
    STATISTICS = "stat_files.read_stat_file"
    CATALOGUE = "stat_files.read_catalogue"
    EXPORT_DAY = "stat_files.read_export_day"


class NotReadError(Exception):
    """A file could not be read; `reason` is `memory`, `time`, or what the reader says against it (`damaged` where it says nothing)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_apart(reader: Reader, path: Path, *more: Any) -> Any:
    """Return what a reader makes of a file, the answer of `reader(str(path), *more)`, as plain types.

    Raises:
        NotReadError: it cannot be read, or not within the limits.
    """
    # This very package, whichever way it was found; -P keeps the folder it runs in, which may hold a delivery with a
    # `pickle.py` in it, out of what can be imported.
    command = [sys.executable, "-P", "-c", _CHILD, str(Path(str(find_folder("etl"))).parent), reader]
    given = pickle.dumps((str(path), *more))
    try:
        ended = _run(command, given)
    except subprocess.TimeoutExpired:
        raise NotReadError("time") from None
    if ended.returncode != 0:
        raise NotReadError(_STOPPED_BY.get(ended.returncode, "damaged"))
    answer = pickle.loads(ended.stdout)  # noqa: S301 (written by our own child process)
    if answer["reason"]:
        raise NotReadError(answer["reason"])
    return answer["read"]


def _run(command: list[str], given: bytes) -> subprocess.CompletedProcess[bytes]:
    seconds = 2 * READER_SECONDS.most
    return subprocess.run(command, input=given, capture_output=True, check=False, timeout=seconds)  # noqa: S603 (our own module)


def answer_call(reader: str, given: bytes) -> bytes:
    """Call a reader and return its answer, or the reason against one, as `read_apart` takes it."""
    try:
        read = _find_reader(reader)(*pickle.loads(given))  # noqa: S301 (from our own process)
        return pickle.dumps({"reason": None, "read": read})
    except NotReadError as error:
        reason = error.reason
    except MemoryError:
        reason = "memory"
    except Exception:
        reason = "damaged"  # whatever a library makes of a damaged file, it is the file's, and nothing of it is told
    return pickle.dumps({"reason": reason})


def _find_reader(reader: str) -> Callable[..., Any]:
    module, name = Reader(reader).split(".")
    return getattr(importlib.import_module(f"etl.delivery.{module}"), name)


def set_limits() -> None:
    """Limit this process as `etl/limits.py` says."""
    resource.setrlimit(resource.RLIMIT_AS, (READER_BYTES.most, READER_BYTES.most))
    resource.setrlimit(resource.RLIMIT_CPU, (READER_SECONDS.most, READER_SECONDS.most + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Call the reader named on the command line with what comes from stdin, and write its answer to stdout."""
    reader = sys.argv[1]
    if reader == Reader.WORKBOOK:
        sys.modules["numpy"] = None  # type: ignore[assignment] (pyarrow does without; its import costs twice pyarrow's own)
    set_limits()
    sys.stdout.buffer.write(answer_call(reader, sys.stdin.buffer.read()))
