"""Files and folders that are there whole or not at all, whenever a process ends: written beside, flushed to the disk, renamed.

What is being written bears the name of the process that writes it, so that what a dead one left can be told from the work of a
living one and swept away.
"""

from __future__ import annotations

import ctypes
import errno
import filecmp
import hashlib
import os
import platform
import re
import shutil
import sys
import zlib
from contextlib import suppress
from pathlib import Path

_HOST = f"{zlib.crc32(platform.node().encode()):08x}"
_SCRATCH = re.compile(r"\.(?P<name>.+)\.(?P<mark>[0-9a-f]{8}-\d+)\.(?P<kind>part|old)")
FOR_THE_ACCOUNT_ALONE = 0o077
"""Mask of what a command writes: folders 0700, files 0600, whichever library writes them; others have no access to anything."""
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


def close_folder(folder: Path) -> None:
    """Keep others out of a folder, and so out of all that lies in it; one that is not ours stays as it is, and is told at each command."""
    with suppress(PermissionError):
        folder.chmod(folder.stat().st_mode & ~FOR_THE_ACCOUNT_ALONE)


def mark_process() -> str:
    """Return what tells this process from others: its machine and its number."""
    return f"{_HOST}-{os.getpid()}"


def is_dead(mark: str) -> bool:
    """Whether the process of a mark has surely ended; of another machine's nobody can tell here."""
    host, _, pid = mark.partition("-")
    if host != _HOST or os.name != "posix":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def name_scratch(path: Path, kind: str = "part") -> Path:
    """Return where this process writes what is to become `path`, in the same folder, so that it can be renamed."""
    return path.with_name(f".{path.name}.{mark_process()}.{kind}")


def is_scratch(path: Path) -> bool:
    """Whether a file or folder is one that a process is writing, or has left half written."""
    return _SCRATCH.fullmatch(path.name) is not None


def sweep(folder: Path, *, is_deep: bool = True) -> None:
    """Remove from a folder, and from those below where `is_deep`, what dead processes left half done.

    A folder that was taken aside goes back where none took its place.
    """
    for scratch in sorted(folder.rglob(".*.*") if is_deep else folder.glob(".*.*")):
        found = _SCRATCH.fullmatch(scratch.name)
        if found is None or not is_dead(found["mark"]):
            continue
        with suppress(OSError):  # another sweeps too, or it may not be removed: it harms nobody
            original = scratch.with_name(found["name"])
            if found["kind"] == "old" and not original.exists():
                scratch.rename(original)
            elif scratch.is_dir():
                shutil.rmtree(scratch)
            else:
                scratch.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it; its folder is made.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = name_scratch(path)
    try:
        scratch.write_bytes(content)
        if scratch.read_bytes() != content:
            raise OSError(errno.EIO, "what was written reads otherwise")
        put_in_place(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, which are never in memory as a whole.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file under a name that it bears only once all of it is there and is the same.

    Raises:
        OSError: it could not be written, or the copy differs; the target is as it was.
    """
    scratch = name_scratch(target)
    try:
        with source.open("rb") as reader, scratch.open("wb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
        if not filecmp.cmp(source, scratch, shallow=False):
            raise OSError(f"{scratch.name} differs from {source.name}")
        put_in_place(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)


def put_in_place(new: Path, path: Path) -> None:
    """Flush a finished file to the disk and let it take the place of another."""
    _flush_file(new)
    new.replace(path)
    _flush_folder(path.parent)


def swap_folder(new: Path, folder: Path) -> None:
    """Let a finished folder take the place of another, so that at no moment there is none.

    Where the system cannot exchange two names the old folder is taken aside for a moment; `sweep` puts it back if the process ends then.

    Raises:
        OSError: it cannot be renamed; the old folder is where it was.
    """
    for file in (path for path in new.rglob("*") if path.is_file()):
        _flush_file(file)
    old = name_scratch(folder, "old")
    if not folder.exists():
        new.rename(folder)
    elif exchange(new, folder):
        new.rename(old)
    else:
        folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            old.rename(folder)
            raise
    _flush_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def place_folder(new: Path, folder: Path) -> None:
    """Give a finished folder its name, which is free or that of an empty folder: nothing is ever replaced.

    Raises:
        OSError: something stands there; nothing was changed.
    """
    for file in (path for path in new.rglob("*") if path.is_file()):
        _flush_file(file)
    new.rename(folder)
    _flush_folder(folder.parent)


def exchange(one: Path, other: Path) -> bool:
    """Flush the first and let two files or folders change their names in one step; False where system or disk knows no such step."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if rename is None:
        return False
    if one.is_file():
        _flush_file(one)
    is_done = rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0
    if is_done:
        _flush_folder(other.parent)
    return is_done


def _flush_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Have the rename itself reach the disk; Windows knows no such thing."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
