"""Replaces a file that a person may have written in: what they wrote is copied first, whole, or the file stays as it is.

A copy is written beside, flushed to the disk, read again and renamed, so that there is a whole one or none; one that is there already
counts only where its content is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from etl.errors import NotKeptError
from etl.whole_files import exchange, put_in_place, write_whole

_HASH_LENGTHS = (8, 16, 32, 64)


def replace_keeping(new: Path, path: Path, folder: Path, is_filled: Callable[[Path], bool]) -> Path | None:
    """Put the file `new` in place of `path`, of which a copy is kept in `folder` where somebody wrote in it; return the copy.

    What is replaced is what was copied: the file is read again just before, and copied again where it has changed since. Where the
    system can exchange two files in one step, what was saved in the last moment is looked at too.

    Raises:
        NotKeptError: the copy cannot be made; `path` is as it was, and `new` is gone.
    """
    copy, seen = None, None
    try:
        while path.exists() and (content := _read(path)) != seen:
            copy = keep_file(path, folder) if is_filled(path) else copy
            seen = content
        if seen is not None and exchange(new, path):
            return _keep_last(new, path, folder, seen) or copy
        _replace(new, path)
    finally:
        new.unlink(missing_ok=True)
    return copy


def _keep_last(old: Path, path: Path, folder: Path, seen: bytes) -> Path | None:
    """Copy what `path` held until it was exchanged with `old`, where it is not what was `seen` before; if that fails it goes back."""
    if (content := _read(old)) == seen:
        return None
    try:
        return _keep_content(content, path, folder)
    except NotKeptError:
        exchange(old, path)
        raise


def keep_file(path: Path, folder: Path) -> Path:
    """Copy a file to `<folder>/<name>_<beginning of its hash>`, unless such a copy is there; return the copy.

    Raises:
        NotKeptError: the copy cannot be made; there is none then, and no part of one.
    """
    return _keep_content(_read(path), path, folder)


def _keep_content(content: bytes, path: Path, folder: Path) -> Path:
    name = hashlib.sha256(content).hexdigest()
    for length in _HASH_LENGTHS:
        copy = folder / f"{path.stem}_{name[:length]}{path.suffix}"
        there = _read(copy) if copy.exists() else None
        if there == content:
            return copy
        # The beginning of the same content is what a full disk left of an earlier copy.
        if there is None or content.startswith(there):
            _copy(copy, content, path)
            return copy
    raise NotKeptError(
        f"'{path}' was not copied: other files have all its names in '{folder}'. Move them away and run the command again.",
        f"“{path}”未能备份：“{folder}”中已有同名的其他文件。请移走后重新运行。",
    )


def _copy(copy: Path, content: bytes, path: Path) -> None:
    try:
        write_whole(copy, content)
    except OSError as error:
        raise NotKeptError(
            f"'{path}' holds what somebody wrote and could not be copied to '{copy.parent}' ({error.strerror}), so it was not written anew. "
            "Make room there, or give yourself the right to write there, and run the command again (for queries: make quality).",
            f"“{path}”中有人工填写的内容，但未能备份到“{copy.parent}”（{error.strerror}），因此未重新生成。请腾出空间或获取写入权限，"
            "然后重新运行命令（质疑表：make quality）。",
        ) from None


def _replace(new: Path, path: Path) -> None:
    try:
        put_in_place(new, path)
    except OSError as error:
        raise NotKeptError(
            f"'{path}' could not be written anew ({error.strerror}); it is as it was. Close it in other programs and run the command again.",
            f"无法重新生成“{path}”（{error.strerror}），原文件未变。请在其他程序中关闭该文件，然后重新运行命令。",
        ) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotKeptError(
            f"'{path}' cannot be read ({error.strerror}), so that it was not written anew. Close it in other programs and run the command again.",
            f"无法读取“{path}”（{error.strerror}），因此未重新生成。请在其他程序中关闭该文件，然后重新运行命令。",
        ) from None
