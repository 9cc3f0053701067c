"""How far the work in a workspace has come, noted beside the database: an older copy that is put back can be told by it.

The number of the last change stands in the note's name, so that unpacking an old copy of the whole folder does not write over it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from etl.pages.text import Text
from etl.store.database import Warehouse
from etl.store.shape import CHANGE
from etl.whole_files import write_whole

Change = tuple[int, str]
"""Number and time (UTC) of a change."""
_NUMBER = re.compile(r"\.change_(\d+)$")


def find_change(warehouse: Warehouse) -> Change | None:
    """Return the last change of a database; None where it has had none, or none that was numbered."""
    rows = warehouse.query(f"select number, changed_at from {CHANGE}").rows()  # noqa: S608 (a name of ours)
    return rows[0] if rows else None


def note_change(path: Path, number: int, changed_at: str) -> None:
    """Note the last change of the database at `path` beside it; on a full disk the note stays behind, which harms nobody."""
    with suppress(OSError):
        note = path.with_name(f"{path.name}.change_{number}")
        write_whole(note, changed_at.encode("ascii"))
        for other in _list_notes(path):
            if other != note:
                other.unlink()


def find_seen(path: Path) -> Change | None:
    """Return the last change that is noted beside a database. It is read before the database is: a writer changes that first."""
    notes = sorted((int(found[1]), note) for note in _list_notes(path) if (found := _NUMBER.search(note.name)))
    with suppress(OSError):
        return (notes[-1][0], notes[-1][1].read_text(encoding="ascii", errors="replace").strip()) if notes else None
    return None


def tell_older_copy(path: Path, held: Change | None, seen: Change | None) -> Text | None:
    """Return that the database is not the one in which the last work was done, with what it `held` and what was `seen`."""
    if seen is None or held == seen or (held is not None and held[0] > seen[0]):
        return None
    number, at = held or (0, "–")
    return Text(
        f"The database '{path}' is not the one that was last worked with here: it ends with change {number} ({_show(at)}), and change "
        f"{seen[0]} ({_show(seen[1])}) was made in this workspace. An older copy was put back, or another database. What was loaded, answered or "
        "reverted in between is not in it: put the newer file back, or ingest those deliveries and answers again. From the next change on this "
        "database counts, and this is not said again.",
        f"数据库“{path}”不是此处最近使用的那一个：其最后一次更改为第 {number} 次（{_show(at)}），而本工作区已做到第 {seen[0]} 次"
        f"（{_show(seen[1])}）。可能恢复了较早的备份，或换成了另一个数据库。其间的载入、答复和恢复操作不在其中：请放回较新的文件，"
        "或重新载入这些数据和答复。下次更改之后即以此数据库为准，不再提示。",
    )


def _show(at: str) -> str:
    return f"{at[:19].replace('T', ' ')} UTC" if len(at) > 1 else at


def _list_notes(path: Path) -> list[Path]:
    return [note for note in path.parent.glob(f"{path.name}.change_*") if _NUMBER.search(note.name)]
