"""One writer at a time: a lock beside the database, with a note of who holds it for whoever waits."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from etl.errors import BusyError, UsageError
from etl.whole_files import is_dead, mark_process

_HOLDER_SUFFIX = ".holder.json"
TURN_SECONDS = 900.0
"""How long a command waits for its turn while others of the registry write one after the other."""


@contextmanager
def hold_lock(path: Path, wait_seconds: float = TURN_SECONDS) -> Iterator[None]:
    """Hold the writer's lock of a database or folder, and leave a note of who holds it for whoever waits.

    Raises:
        BusyError: another process holds it after the wait; says who and since when.
        UsageError: the folder cannot be written to.
    """
    import filelock  # whoever only reads does not wait for its import

    holder = path.with_name(path.name + _HOLDER_SUFFIX)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path.with_name(path.name + ".lock"))
        lock.acquire(timeout=wait_seconds)
    except filelock.Timeout:
        raise make_busy_error(path, _describe_holder(holder), wait_seconds) from None
    except OSError as error:
        raise UsageError(
            f"The workspace '{path.parent}' cannot be written to ({error.strerror}). Set WORKSPACE to a folder you may write.",
            f"无法写入工作区“{path.parent}”（{error.strerror}）。请将 WORKSPACE 设为可写的文件夹。",
        ) from None
    try:
        note = {"pid": os.getpid(), "mark": mark_process(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        holder.write_text(json.dumps(note), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _describe_holder(holder: Path) -> str:
    try:
        note = json.loads(holder.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(note["since"])
    except (OSError, ValueError, KeyError):
        return "unknown process"
    seconds = max(int((datetime.now(UTC) - since).total_seconds()), 0)  # the clock may have been set back
    return f"process {note['pid']}, for {seconds} s"


def is_held_by_another(path: Path) -> bool:
    """Whether another living command of the registry writes to a database now: a reader waits for its turn."""
    mark = _read_mark(path.with_name(path.name + _HOLDER_SUFFIX))
    return mark is not None and mark != mark_process() and not is_dead(mark)


def forget_dead_holder(path: Path) -> None:
    """Remove the note of a holder that has died; its lock went with it."""
    holder = path.with_name(path.name + _HOLDER_SUFFIX)
    if (mark := _read_mark(holder)) is not None and is_dead(mark):
        with suppress(OSError):
            holder.unlink()


def _read_mark(holder: Path) -> str | None:
    try:
        return str(json.loads(holder.read_text(encoding="utf-8"))["mark"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def make_busy_error(path: Path, who: str, wait_seconds: float) -> BusyError:
    """Return the error of a database that `who`, in DuckDB's words or ours, holds."""
    start = who.find("PID")
    holder = who[start : who.find(")", start)] if start >= 0 else who.splitlines()[0][:200]
    return BusyError(
        f"'{path}' is in use ({holder}); waited {wait_seconds:.0f} s. Wait until that process ends, or close the program "
        "that has the file open, then run the command again.",
        f"“{path}”正被占用（{holder}）；已等待 {wait_seconds:.0f} 秒。请等待该进程结束或关闭占用文件的程序，然后重新运行。",
    )
