"""A backup: one file with all of a workspace but deliveries and key, of one moment, with a hash of everything in it.

It is a plain tar, which any system unpacks. Deliveries stay where the hospitals put them: they name patients, as nothing else here does.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from etl.errors import UsageError
from etl.installation import read_commit, read_version
from etl.settings import Settings
from etl.store.database import Warehouse
from etl.store.seen import find_change
from etl.store.trail import find_last, record_event
from etl.store.warehouse import check_there, hold_still, open_for_reading
from etl.whole_files import is_scratch, name_scratch, put_in_place, sweep

FORMAT, FORMAT_VERSION = "hcc-registry-backup", 1
MANIFEST, MANIFEST_HASH = "backup.json", "backup.json.sha256"
SUFFIX = ".tar"
BACKUP = "backup"
_PASSING = (".lock", ".holder.json", ".wal", ".tmp")
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Backup:
    """A backup that is whole: where it lies, how much is in it, and its manifest."""

    file: Path
    n_files: int
    n_bytes: int
    manifest: Mapping[str, Any]

    @property
    def is_synthetic(self) -> bool:
        """Whether its patients are invented."""
        return bool(self.manifest["is_synthetic"])


def back_up(settings: Settings, target: Path | None = None) -> Backup:
    """Write a backup of the workspace into a folder or under a name that ends in .tar; without one, into `WORKSPACE/backups`.

    It is on record before it is there, so that the record is in it too.

    Raises:
        UsageError: nothing is loaded yet, the file is there already, or the folder is not.
    """
    path = settings.warehouse_path
    check_there(path)
    file = _choose_file(settings, target)
    sweep(file.parent, is_deep=False)
    scratch = name_scratch(file)
    told: dict[str, Any] = {}

    def tell(warehouse: Warehouse) -> None:
        told["is_synthetic"] = bool(warehouse.query("select * from registry")["is_synthetic"].any())
        record_event(warehouse, BACKUP, file=str(file.resolve()))

    try:
        with hold_still(path, tell):
            with open_for_reading(path) as warehouse:
                told |= {"change": list(find_change(warehouse) or ()), "last_event": _name_last(warehouse)}
            manifest = _write(scratch, settings, told)
        _refuse_existing(file)
        put_in_place(scratch, file)
    except OSError as error:
        raise UsageError(
            f"The backup '{file}' could not be written ({error.strerror or error}). Nothing of it is there; that it was begun is on record. "
            "Check the path, who may write there, and the space on the disk.",
            f"无法写入备份“{file}”（{error.strerror or error}）。该处没有任何内容；备份已开始一事已记录在案。请检查路径、写入权限和磁盘空间。",
        ) from None
    finally:
        scratch.unlink(missing_ok=True)
    return Backup(file, len(manifest["files"]), file.stat().st_size, manifest)


def _name_last(warehouse: Warehouse) -> dict[str, Any] | None:
    last = find_last(warehouse)
    return {"number": last["number"], "hash": last["hash"]} if last else None


def _choose_file(settings: Settings, target: Path | None) -> Path:
    """Return the file to be written; a folder gets one that is named after the moment."""
    if target is None:
        target = settings.backups_dir
        target.mkdir(mode=0o700, exist_ok=True)
    if target.is_dir():
        target /= f"registry_{datetime.now(UTC):%Y-%m-%d_%H%M%S}{SUFFIX}"
    if target.suffix != SUFFIX or not target.parent.is_dir():
        raise UsageError(
            f"'{target}' is neither a folder that is there nor the name of a file that ends in {SUFFIX}. Nothing was written.",
            f"“{target}”既不是已有的文件夹，也不是以 {SUFFIX} 结尾的文件名。未写入任何内容。",
        )
    _refuse_existing(target)
    return target


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise UsageError(
            f"'{file}' is there already, and a backup takes the place of nothing. Name another file.",
            f"“{file}”已存在，备份不会覆盖任何文件。请指定其他文件名。",
        )


def _write(scratch: Path, settings: Settings, told: Mapping[str, Any]) -> dict[str, Any]:
    """Write the archive: the files, then the manifest over them and its hash; return the manifest."""
    files = []
    scratch.touch(mode=0o600, exist_ok=False)
    with tarfile.open(scratch, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in list_kept(settings):
            name = path.relative_to(settings.workspace).as_posix()
            files.append({"path": name, **_add_file(archive, name, path)})
        manifest = {
            "format": FORMAT, "format_version": FORMAT_VERSION, "registry_version": read_version(), "registry_commit": read_commit(),
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"), **told, "files": files,
        }  # fmt: skip
        content = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()
        _add_text(archive, MANIFEST, content)
        _add_text(archive, MANIFEST_HASH, f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode())
    return manifest


def list_kept(settings: Settings) -> Iterator[Path]:
    """Yield the files of a workspace that a backup holds, sorted: all but deliveries, other backups, the key, and what passes."""
    keys, seen = _read_keys(settings), set[Path]()
    for folder, folders, names in os.walk(settings.workspace, followlinks=True):
        place = Path(folder)
        if place.resolve() in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(place.resolve())
        parts = place.relative_to(settings.workspace).parts
        folders[:] = sorted(name for name in folders if _is_kept_folder(settings, (*parts, name)))
        if parts[:1] == ("extracts",) and parts[2:3] != ("answers",):
            continue  # the deliveries themselves
        for path in (place / name for name in sorted(names)):
            if not _is_passing(path, settings) and not (path.stat().st_size <= _AT_ONCE and path.read_bytes() in keys):
                yield path


def _is_kept_folder(settings: Settings, parts: tuple[str, ...]) -> bool:
    path = settings.workspace.joinpath(*parts)
    if path == settings.backups_dir or is_scratch(path):
        return False
    return parts[0] != "extracts" or len(parts) < 3 or parts[2] == "answers"


def _is_passing(path: Path, settings: Settings) -> bool:
    """Whether a file is a lock, scratch, a copy from before an upgrade, or no file at all."""
    database = settings.warehouse_path
    is_copy = path.parent == database.parent and path.match(f"{database.stem}_version*{database.suffix}")
    return is_copy or is_scratch(path) or path.name.endswith(_PASSING) or not path.is_file()


def _read_keys(settings: Settings) -> set[bytes]:
    """Return the content of the keys: no file of a backup may be a copy of one."""
    return {path.read_bytes() for path in settings.list_key_files()}


class _Hashed(io.RawIOBase):
    """A file that is hashed as it is read, so that what is kept is what is hashed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        part = self._file.read(size)
        self.digest.update(part)
        return part


def _add_file(archive: tarfile.TarFile, name: str, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        hashed, told = _Hashed(file), os.fstat(file.fileno())
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = told.st_size, int(told.st_mtime), 0o600
        archive.addfile(member, hashed)
    return {"sha256": hashed.digest.hexdigest(), "bytes": member.size}


def _add_text(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))
