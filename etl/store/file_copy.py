"""Copies a file whole or not at all."""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file under a name that it bears only once all of it is there: written beside, flushed, compared, renamed.

    Raises:
        OSError: it could not be written, or the copy differs; the target is as it was.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with source.open("rb") as reader, partial.open("wb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
            writer.flush()
            os.fsync(writer.fileno())
        if not filecmp.cmp(source, partial, shallow=False):
            raise OSError(f"{partial.name} differs from {source.name}")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
