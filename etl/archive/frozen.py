"""Frozen sets: what an analysis reads, fixed before its results are looked at, under a name that is used once, on record in the trail."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from etl.archive.open_files import FolderWriter, OpenFolder, open_folder
from etl.errors import DamagedError, UsageError
from etl.settings import Settings
from etl.store.database import Warehouse
from etl.store.trail import list_events, record_event
from etl.store.warehouse import check_there, open_for_reading, open_for_writing
from etl.suggestions import did_you_mean
from etl.whole_files import name_scratch, swap_folder

FROZEN, FREEZE = "frozen", "freeze"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""What can name a frozen set: it becomes a folder, and a part of another's name."""
Events = Sequence[Mapping[str, Any]]
Describe = Callable[[Mapping[str, pl.DataFrame], Events], Mapping[str, Any]]
"""Makes of the frames and of the trail so far what the manifest says of a set; `study` is part of it."""


@dataclass(frozen=True)
class Frozen:
    """A frozen set: its frames by the relations' names without their schema, its manifest, and that one's hash."""

    name: str
    frames: Mapping[str, pl.DataFrame]
    manifest: Mapping[str, Any]
    manifest_hash: str


@dataclass(frozen=True)
class Recorded:
    """What the trail says of a frozen set: its name, the hash of its manifest, when it was frozen (UTC), and by which event."""

    name: str
    manifest_hash: str
    at: str
    number: int


def freeze(settings: Settings, name: str, relations: Sequence[str], describe: Describe) -> Frozen:
    """Write what relations hold now under `WORKSPACE/frozen/<name>`, and put it on record.

    The folder takes its name just before its event is committed: without that event it is nothing, and the next of this name takes its place.

    Raises:
        UsageError: nothing is loaded, the name was used before, or it is none.
    """
    check_there(settings.warehouse_path)
    _check_name(name)
    folder = settings.frozen_dir / name
    scratch = name_scratch(folder)
    try:
        with open_for_writing(settings.warehouse_path) as warehouse:
            events = list_events(warehouse)
            _refuse_used(name, events)
            frames = {relation: warehouse.query(f"select * from {relation}") for relation in relations}  # noqa: S608 (names are ours)
            told = describe(_shorten(frames), events)
            manifest_hash = _write(scratch, name, frames, {**told, "last_event": _name_last(events)})
            with warehouse.transaction():
                record_event(warehouse, FREEZE, name=name, study=told["study"], manifest_hash=manifest_hash)
                swap_folder(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return read_frozen(settings, name)


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot name a frozen set: letters, digits, - and _, at most 64, the first one a letter or a digit.",
            f"“{name}”不能作为冻结数据集的名称：限字母、数字、- 和 _，最多 64 个字符，首字符须为字母或数字。",
        )


def _refuse_used(name: str, events: Events) -> None:
    """Refuse a name that was used, also in another case: on some disks both would be one folder."""
    for used in _list_recorded(events):
        if used.name.casefold() == name.casefold():
            raise UsageError(
                f"The name '{name}' was used on {used.at[:10]}: a frozen set is never changed, and its name is used once. Choose another.",
                f"名称“{name}”已于 {used.at[:10]} 使用：冻结数据集不可更改，名称只能使用一次。请另选名称。",
            )


def _list_recorded(events: Events) -> list[Recorded]:
    told = [(event["detail"], event["happened_at"], event["number"]) for event in events if event["kind"] == FREEZE]
    return [Recorded(str(detail.get("name")), str(detail.get("manifest_hash")), str(at), n) for detail, at, n in told]


def _name_last(events: Events) -> dict[str, Any] | None:
    return {"number": events[-1]["number"], "hash": events[-1]["hash"]} if events else None


def _write(scratch: Path, name: str, frames: Mapping[str, pl.DataFrame], told: Mapping[str, Any]) -> str:
    is_synthetic = bool(frames["ingests"].filter("is_current")["is_synthetic"].any())
    writer = FolderWriter(scratch, is_synthetic=is_synthetic)
    for relation, frame in frames.items():
        shape = {column: dtype.base_type() for column, dtype in frame.schema.items()}
        writer.write_table(f"tables/{relation}/all.parquet", relation, shape, [frame])
    return writer.finish(FROZEN, {"name": name, **told})


def read_frozen(settings: Settings, name: str) -> Frozen:
    """Read a frozen set, of which every byte is as it was written and as the trail of the workspace's database says.

    Raises:
        UsageError: there is none of that name, its files are gone, or its freezing was never finished.
        DamagedError: a file is not as it was written, or the set is not the one that is on record.
    """
    _check_name(name)
    with open_for_reading(settings.warehouse_path) as warehouse:
        recorded = {frozen.name: frozen for frozen in list_frozen(warehouse)}
    if name not in recorded:
        raise _make_unknown(name, recorded, is_begun=(settings.frozen_dir / name).is_dir())
    source = check_frozen(settings, recorded[name])
    frames = {relation: pl.concat(source.read_table(relation)) for relation in source.read_shapes()}
    return Frozen(name, _shorten(frames), source.manifest, source.manifest_hash)


def list_frozen(warehouse: Warehouse) -> list[Recorded]:
    """Return the frozen sets that are on record, the oldest first."""
    return _list_recorded(list_events(warehouse))


def check_frozen(settings: Settings, recorded: Recorded) -> OpenFolder:
    """Hold a frozen set against its manifest and what is on record, and return it.

    Raises:
        UsageError: its folder is gone.
        DamagedError: a file is not as it was written, or the set is another.
    """
    folder = settings.frozen_dir / recorded.name
    if not folder.is_dir():
        raise UsageError(
            f"The frozen set '{recorded.name}' is on record, and its folder '{folder}' is gone. Put it back from a backup.",
            f"冻结数据集“{recorded.name}”有记录，但其文件夹“{folder}”已不存在。请从备份中恢复。",
        )
    source = open_folder(folder, FROZEN)
    source.check_files()
    if source.manifest_hash != recorded.manifest_hash:
        raise DamagedError(
            f"The frozen set '{folder}' is not the one that was put on record as '{recorded.name}': its manifest has another hash. It is not read. "
            "Put it back from a backup.",
            f"冻结数据集“{folder}”并非以“{recorded.name}”记录在案的那一个：其清单的哈希不同。未予读取。请从备份中恢复。",
        )
    return source


def _make_unknown(name: str, recorded: Iterable[str], *, is_begun: bool) -> UsageError:
    if is_begun:
        return UsageError(
            f"The freezing of '{name}' was not finished: it is not on record. Run registry freeze again; it takes the place of what lies there.",
            f"“{name}”的冻结未完成：没有记录。请再次运行 registry freeze，将替换该处内容。",
        )
    near, listed = did_you_mean(name, recorded), ("; ".join(recorded) or "none", "；".join(recorded) or "无")
    return UsageError(
        f"There is no frozen set called '{name}'.{near.en} Frozen sets: {listed[0]}. registry freeze makes one.",
        f"没有名为“{name}”的冻结数据集。{near.zh}现有：{listed[1]}。可用 registry freeze 建立。",
    )


def _shorten(frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Name frames as `read_frames` does: without their schema."""
    return {relation.split(".")[-1]: frame for relation, frame in frames.items()}
