"""Holds the files beside a database against what was recorded of them: deliveries, pages and workbooks, analyses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from etl.archive.frozen import check_frozen, list_frozen
from etl.delivery.files import hash_delivery
from etl.errors import RegistryError
from etl.pages.text import Text
from etl.settings import Settings
from etl.store.database import Warehouse
from etl.store.shape import EVENT, PAGE
from etl.store.statements import read_detail
from etl.suggestions import suggest_command
from etl.whole_files import hash_file

FILLED_IN = (".xlsx", ".csv")
"""Files among the reports in which people write."""


@dataclass(frozen=True)
class Seen:
    """What was seen at a file: `differs` where it is not what was recorded; else it is a note of what may well be."""

    text: Text
    differs: bool


def check_deliveries(ingests: pl.DataFrame, settings: Settings) -> Iterator[Seen]:
    """Yield the deliveries that no longer are what was loaded, each by the last ingest that read them."""
    known = dict(ingests.select("content_hash", "ingest_id").iter_rows())
    told = ingests.filter(pl.col("path").is_not_null())  # it was not noted of the first ones
    for row in told.unique(["path", "content_hash"], keep="last", maintain_order=True).iter_rows(named=True):
        about = f"{row['hospital']}, ingest {row['ingest_id']}", f"{row['hospital']}，版本 {row['ingest_id']}"
        held = _hash_delivery(_locate(Path(row["path"]), row["hospital"], settings))
        if held == row["content_hash"]:
            continue
        if held is None:
            yield Seen(
                Text(
                    f"{about[0]}: its delivery is no longer at '{row['path']}': archived or deleted.",
                    f"{about[1]}：原始数据已不在“{row['path']}”：可能已归档或删除。",
                ),
                differs=False,
            )
        elif held in known:
            yield Seen(
                Text(
                    f"{about[0]}: at '{row['path']}' lies the delivery of ingest {known[held]} now.",
                    f"{about[1]}：“{row['path']}”处现为版本 {known[held]} 的数据。",
                ),
                differs=False,
            )
        else:
            yield Seen(
                Text(
                    f"{about[0]}: its delivery '{row['path']}' holds other bytes than those that were loaded: replaced or edited since. What was loaded is "
                    "unchanged, and can be held against its source no more.",
                    f"{about[1]}：原始数据“{row['path']}”与载入时不同：此后被替换或修改。已载入的内容未变，但无法再与来源核对。",
                ),
                differs=True,
            )


def _locate(path: Path, hospital: str, settings: Settings) -> Path:
    """Return where a delivery lies now: one of the workspace's own goes with it when it is moved."""
    is_own = path.parent.name == hospital and path.parent.parent.name == settings.extracts_dir.name
    return settings.extracts_dir / hospital / path.name if is_own else path


def _hash_delivery(path: Path) -> str | None:
    """Return the hash of a delivery; None where there is none, empty where it cannot be read."""
    if not path.exists():
        return None
    try:
        return hash_delivery(path)
    except (RegistryError, OSError):
        return ""


def check_pages(warehouse: Warehouse, settings: Settings) -> Iterator[Seen]:
    """Yield the pages and workbooks that are not as they were written."""
    again = suggest_command("quality")
    for name, content_hash in warehouse.query(f"select * from {PAGE} order by path").rows():  # noqa: S608 (names are ours)
        held = _hash_file(settings.reports_dir / str(name))
        if held == content_hash:
            continue
        if held is not None and str(name).endswith(FILLED_IN):
            yield Seen(
                Text(
                    f"reports/{name}: somebody wrote into it since it was made; the hospital's next ingest takes the answers.",
                    f"reports/{name}：生成后有人填写；该医院下次入库时将采用其中的答复。",
                ),
                differs=False,
            )
        else:
            what = Text("is gone", "已不存在") if held is None else Text("is not as it was written", "与生成时不同")
            yield Seen(
                Text(
                    f"reports/{name} {what.en}. Made anew by: {again}", f"reports/{name} {what.zh}。重新生成：{again}"
                ),
                differs=True,
            )


def _hash_file(path: Path) -> str | None:
    try:
        return hash_file(path)
    except OSError:
        return None


def check_analyses(warehouse: Warehouse, settings: Settings) -> Iterator[Seen]:
    """Yield the files of analyses that are not as they were written, and analyses of versions that are no longer current."""
    current = set(warehouse.query("select ingest_id from ingests where is_current")["ingest_id"])
    for told in _list_last(warehouse).values():
        folder, study = settings.reports_dir / told["folder"], told["study"]
        again = suggest_command("analyse")
        if not folder.is_dir():
            text = Text(
                f"reports/{folder.name} of {study} is no longer there.", f"{study} 的 reports/{folder.name} 已不存在。"
            )
            yield Seen(text, differs=False)
            continue
        manifest = folder / "manifest.json"
        wrong = ["manifest.json"] if _hash_file(manifest) != told["manifest_hash"] else []
        read = _read_manifest(manifest)
        files = read.get("files", {})
        wrong += [name for name, content_hash in files.items() if _hash_file(folder / name) != content_hash]
        for name in wrong:
            yield Seen(
                Text(
                    f"reports/{folder.name}/{name} is gone or not as the analysis of {study} wrote it. Made anew by: {again}",
                    f"reports/{folder.name}/{name} 已不存在或与 {study} 分析所写的不同。重新生成：{again}",
                ),
                differs=True,
            )
        inputs = read.get("inputs", {})
        made_of = {line.get("ingest_id") for line in inputs.get("ingests", [])}
        if not wrong and made_of != current and "frozen" not in inputs:
            yield Seen(
                Text(
                    f"reports/{folder.name}: computed before the last change of the data. Anew: {again}",
                    f"reports/{folder.name}：早于数据的最近一次更改。重新计算：{again}",
                ),
                differs=False,
            )


def check_frozen_sets(warehouse: Warehouse, settings: Settings) -> Iterator[Seen]:
    """Yield the frozen sets that are not those on record; one from before the database was made of an export need not be here."""
    made_by = _find_made_of_export(warehouse)
    for frozen in list_frozen(warehouse):
        if frozen.number < made_by and not (settings.frozen_dir / frozen.name).exists():
            yield Seen(
                Text(
                    f"The frozen set '{frozen.name}' is of before this database was made of an export, which holds no frozen sets; a backup has them.",
                    f"冻结数据集“{frozen.name}”早于本数据库由导出重建之时；导出不含冻结数据集，备份中有。",
                ),
                differs=False,
            )
            continue
        try:
            check_frozen(settings, frozen)
        except RegistryError as error:
            yield Seen(Text(error.en, error.zh), differs=True)


def _find_made_of_export(warehouse: Warehouse) -> int:
    """The event by which the database was last made of an export, 0 where it never was. One made of a backup has all that a workspace had.

    Events are compared by their numbers: a clock may have been set back.
    """
    rows = warehouse.query(f"select number, detail from {EVENT} where kind = 'restore' order by number")  # noqa: S608
    return max((number for number, detail in rows.iter_rows() if "folder" in read_detail(detail)), default=0)


def _list_last(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    """Return what the trail tells of the last analysis that was written into each folder."""
    rows = warehouse.query(f"select detail from {EVENT} where kind = 'analysis' order by number")["detail"]  # noqa: S608
    told = [read_detail(row) for row in rows]
    return {each["folder"]: each for each in told if {"folder", "study", "manifest_hash"} <= {*each}}


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) and isinstance(read.get("files"), dict) else {}
