"""Keeps what a person wrote: worksheets and mapping files are copied before they are written anew."""

from __future__ import annotations

from pathlib import Path

from etl.kept_files import keep_file, replace_keeping


def replace_filled(new: Path, path: Path) -> None:
    """Put a new worksheet, or file of a mapping, in place of one that says something else, of which a copy stays beside it."""
    replace_keeping(new, path, path.parent, lambda old: old.read_bytes() != new.read_bytes())


def set_aside(path: Path) -> None:
    """Give a worksheet that was taken the name of its content, so that a further one can be written; a later change of it stays."""
    copy = keep_file(path, path.parent)
    if path.read_bytes() == copy.read_bytes():
        path.unlink()
