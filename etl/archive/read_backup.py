"""A backup read again: whether it is whole, how far behind the database it is, and a workspace made of it."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from etl import saved
from etl.archive.backup import FORMAT, FORMAT_VERSION, MANIFEST, MANIFEST_HASH, Backup
from etl.archive.export import check_free
from etl.errors import DamagedError, UsageError
from etl.pages.text import Text
from etl.settings import Settings
from etl.store.trail import list_events, record_event
from etl.store.warehouse import open_for_reading, open_for_writing
from etl.whole_files import name_scratch, place_folder, sweep

SHOWN = 10
_AT_ONCE = 1 << 20
_MOST_TEXT = 1 << 28


@dataclass(frozen=True)
class Behind:
    """How a backup stands to the database of now: whether its last event is in that one's trail, and what came after it, by kind."""

    is_of_this_database: bool
    later: Mapping[str, int]

    def tell(self, path: Path) -> Text:
        """Return how old the backup is in words, for a database at `path`."""
        if not self.is_of_this_database:
            return Text(
                f"It is not of the history of '{path}': it comes from another database, or from after an older copy was put back here.",
                f"它不属于“{path}”的历史：来自另一数据库，或此处曾恢复过更早的备份。",
            )
        if not self.later:
            return Text(f"Nothing has happened in '{path}' since.", f"此后“{path}”没有任何操作。")
        listed = ", ".join(f"{kind} {n}" for kind, n in self.later.items())
        return Text(
            f"It is older than '{path}', in which happened since: {listed}.", f"它早于“{path}”，此后的操作：{listed}。"
        )


def read_backup(file: Path, folder: Path | None = None) -> Backup:
    """Read a backup to its end and hold every file against its hash; unpack it into `folder`, which is made, where one is named.

    Raises:
        UsageError: it is none, or a newer registry wrote it.
        DamagedError: it is not as it was written; names what differs.
    """
    if not file.is_file():
        raise UsageError(f"There is no file '{file}'.", f"没有文件“{file}”。")
    found: dict[str, str] = {}
    told: dict[str, bytes] = {}
    try:
        with tarfile.open(file, "r:") as archive:
            for member in archive:
                _check_name(file, member, found)
                found[member.name] = _read_member(archive, member, folder, told)
    except tarfile.TarError:
        raise _make_damaged(file, [MANIFEST]) from None
    manifest = _parse_manifest(file, told)
    known = {item["path"]: item["sha256"] for item in manifest["files"]}
    differing = [name for name in known if found.get(name) != known[name]]
    differing += sorted(set(found) - set(known) - {MANIFEST, MANIFEST_HASH})
    if differing:
        raise _make_damaged(file, differing)
    return Backup(file, len(known), file.stat().st_size, manifest)


def _check_name(file: Path, member: tarfile.TarInfo, found: Mapping[str, str]) -> None:
    """Refuse what no backup holds: links, folders, a name twice or one that leads out of the folder."""
    path = PurePosixPath(member.name)
    if not member.isreg() or path.is_absolute() or ".." in path.parts or member.name in found:
        raise _make_damaged(file, [member.name])


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path | None, told: dict[str, bytes]) -> str:
    """Return a file's hash; the manifest and its hash are kept, other files are unpacked."""
    source, digest = archive.extractfile(member), hashlib.sha256()
    if source is None:
        return ""
    if member.name in (MANIFEST, MANIFEST_HASH):
        told[member.name] = source.read(_MOST_TEXT)
        return ""
    target = folder / member.name if folder else None
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    while part := source.read(_AT_ONCE):
        digest.update(part)
        if target:
            with target.open("ab") as out:
                out.write(part)
    return digest.hexdigest()


def _parse_manifest(file: Path, told: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the manifest of a backup, which stands at its end: what was cut off has none."""
    content, stated = told.get(MANIFEST), told.get(MANIFEST_HASH)
    if content is None or stated != f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode():
        raise _make_damaged(file, [MANIFEST])
    try:
        manifest = json.loads(content)
        is_ours = manifest["format"] == FORMAT and isinstance(manifest["format_version"], int)
    except (ValueError, TypeError, KeyError):
        is_ours, manifest = False, {}
    if not is_ours:
        raise UsageError(f"'{file}' is no backup of the registry.", f"“{file}”不是本系统的备份。")
    if manifest["format_version"] > FORMAT_VERSION:
        raise UsageError(
            f"'{file}' is of format version {manifest['format_version']}; this registry reads up to {FORMAT_VERSION}. Install the newer registry.",
            f"“{file}”的格式版本为 {manifest['format_version']}，本程序最高支持 {FORMAT_VERSION}。请安装新版程序。",
        )
    return manifest


def _make_damaged(file: Path, names: list[str]) -> DamagedError:
    listed = ", ".join(names[:SHOWN]) + (f", ... ({len(names)})" if len(names) > SHOWN else "")
    return DamagedError(
        f"The backup '{file}' is damaged or incomplete: {listed} is not what was written. Take another one, and make a new one of the workspace.",
        f"备份“{file}”已损坏或不完整：{listed} 与写入时不同。请改用其他备份，并重新备份工作区。",
    )


def compare_with_present(settings: Settings, backup: Backup) -> Behind | None:
    """Return how a backup stands to the workspace's database; None where there is none."""
    if not settings.warehouse_path.exists():
        return None
    with open_for_reading(settings.warehouse_path) as warehouse:
        events = list_events(warehouse)
    last = backup.manifest["last_event"]
    own = [event for event in events if event["number"] == last["number"] and event["hash"] == last["hash"]]
    later = Counter(event["kind"] for event in events if event["number"] > last["number"])
    return Behind(bool(own), dict(later) if own else {})


def restore_backup(settings: Settings, file: Path) -> Backup:
    """Make a workspace of a backup in a new or empty folder: all of it, or nothing; the trail tells of it.

    Raises:
        UsageError: something stands in the workspace, or the file is no backup that this registry can read.
        DamagedError: it is not as it was written.
    """
    workspace = settings.workspace
    check_free(workspace)
    sweep(workspace.parent, is_deep=False)
    scratch = name_scratch(workspace)
    try:
        scratch.mkdir(mode=0o700, parents=True)
        backup = read_backup(file, scratch)
        with open_for_writing(scratch / settings.warehouse_path.name) as warehouse, warehouse.transaction():
            record_event(warehouse, "restore", file=str(file.resolve()), written_at=backup.manifest["written_at"])
        place_folder(scratch, workspace)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    saved.note(Text(f"The workspace '{workspace}' is restored.", f"工作区“{workspace}”已恢复。"))
    return backup
