"""What lies beside the database of a patient who was erased: analyses that counted the patient go, other files are named for a person to see to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from etl.pages.text import Text
from etl.quality.answer_words import ANSWERS_FOLDER
from etl.settings import Settings
from etl.store.database import Warehouse
from etl.store.owed import REWRITING, read_owed
from etl.store.rewrite import pay_rewriting
from etl.store.trail import list_events
from etl.store.warehouse import open_for_reading

WITHDRAWAL = "withdrawal"
_COPIES = {"export": "folder", "backup": "file"}
"""Events by which copies of the database were made, and what of their detail says where."""


def finish_erasing(settings: Settings, tell: Callable[[Text], None]) -> None:
    """Do what an erasing owes: analyses that counted the patient go, as do copies with a password, and the file of the database is written anew.

    `tell` is called with a sentence about each folder that goes.

    Raises:
        UsageError: there is no room for a second file; what was erased is in no table, and its bytes are still in the file.
    """
    if not (owed := read_owed(settings.warehouse_path, REWRITING)):
        return
    with open_for_reading(settings.warehouse_path) as warehouse:
        overtaken = [*_list_overtaken(warehouse, settings)]
    for folder in (*overtaken, *(settings.outbox_dir / debt.hospital for debt in owed)):
        if folder.is_dir():
            shutil.rmtree(folder)
            place = folder.relative_to(settings.workspace).as_posix()
            tell(
                Text(
                    f"{place}: removed, since it tells of somebody who was erased, or bears an old pseudonym.",
                    f"{place}：已删除，因其涉及已被删除的患者或旧假名。",
                )
            )
    pay_rewriting(settings.warehouse_path)


def _list_overtaken(warehouse: Warehouse, settings: Settings) -> Iterator[Path]:
    """Yield the folders of analyses of versions from which somebody was erased after they were computed."""
    events = list_events(warehouse)
    erased = [
        (event["number"], {*event["detail"].get("ingests", [])})
        for event in events
        if event["kind"] == WITHDRAWAL and event["detail"].get("of") == "erase"
    ]
    last = {event["detail"].get("folder"): event["number"] for event in events if event["kind"] == "analysis"}
    for name, number in last.items():
        folder = settings.reports_dir / str(name)
        made_of = _read_versions(folder / "manifest.json") if folder.is_dir() else set()
        if any(number < later and made_of & ingests for later, ingests in erased):
            yield folder


def _read_versions(manifest: Path) -> set[int]:
    try:
        read: Any = json.loads(manifest.read_text(encoding="utf-8"))
        return {line["ingest_id"] for line in read["inputs"]["ingests"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def list_remaining(settings: Settings, hospital: str) -> list[Text]:
    """Return where a patient of a hospital who was erased still stands: in what hospitals sent, and in copies."""
    extracts = settings.extracts_dir / hospital
    answers = extracts / ANSWERS_FOLDER
    with open_for_reading(settings.warehouse_path) as warehouse:
        events = list_events(warehouse)
        paths = warehouse.query(
            "select distinct path from ingests where hospital = ? and path is not null", [hospital]
        )["path"]
    deliveries = dict.fromkeys([*sorted(str(p) for p in extracts.glob("*") if p != answers), *sorted(paths)])
    told = [Text(f"delivery: {path}", f"原始数据：{path}") for path in deliveries if Path(path).exists()]
    told += [Text(f"answers: {path}", f"答复：{path}") for path in sorted(answers.glob("*"))]
    told += [Text(f"frozen set: {path}", f"冻结数据集：{path}") for path in sorted(settings.frozen_dir.glob("*"))]
    older = settings.warehouse_path.parent.glob(
        f"{settings.warehouse_path.stem}_version*{settings.warehouse_path.suffix}"
    )
    told += [Text(f"copy from before an update: {path}", f"更新前的副本：{path}") for path in sorted(older)]
    kept = {str(path.resolve()) for path in settings.backups_dir.glob("*")}
    kept |= {event["detail"].get(_COPIES[event["kind"]], "") for event in events if event["kind"] in _COPIES}
    return [*told, *(Text(f"export or backup: {path}", f"导出或备份：{path}") for path in sorted(kept) if path)]
