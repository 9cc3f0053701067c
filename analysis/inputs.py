"""What an analysis reads: the current version of every hospital, from the database or from a set that was frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from analysis.study.at_start import RECORDS
from analysis.study.spec import StudySpec
from etl.archive.frozen import Events, Frozen, freeze
from etl.errors import UsageError
from etl.pages.text import Text
from etl.settings import Settings
from etl.store.shape import EVENT
from etl.store.trail import record_event
from etl.store.warehouse import open_for_writing, read_frames
from etl.whole_files import hash_file
from schemas.contract import read_dtypes
from schemas.tables import TABLES

MARTS = ("marts.analysis_subject", "marts.analysis_adverse_event", "marts.unfilled_column", "ingests", "permission")
RELATIONS = (*MARTS, *RECORDS)
"""All that any study reads of the database."""
_HEAD = ("max(number) as number", "max_by(hash, number) as hash")
"""Number and hash of the last event of the trail."""
Inputs = tuple[dict[str, pl.DataFrame], dict[str, Any]]
"""The frames by the relations' names, and what the manifest of the results says of them."""


def read_current(settings: Settings) -> Inputs:
    """Read what the database holds now."""
    frames = read_frames(settings.warehouse_path, (*RELATIONS, EVENT), {EVENT: _HEAD})
    head = frames.pop("event").row(0, named=True)
    return frames, {"ingests": list_versions(frames["ingests"]), "trail": head}


def list_versions(ingests: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the current version of every hospital, as manifests name it."""
    current = ingests.filter("is_current").sort("hospital")
    return current.select("hospital", "ingest_id", "delivery", "content_hash", "input_hash", "loaded_at").to_dicts()


def freeze_inputs(settings: Settings, name: str, spec: StudySpec) -> Frozen:
    """Fix what the study reads now, under a name that is used once."""

    def describe(frames: Mapping[str, pl.DataFrame], events: Events) -> dict[str, Any]:
        versions = list_versions(frames["ingests"])
        if not versions:
            raise UsageError("Nothing has been loaded yet.", "尚未载入任何数据。")
        before = find_results_before(events, spec.study, versions)
        return {
            "study": spec.study,
            "specification_hash": hash_specification(spec),
            "ingests": versions,
            "results_before": before,
        }

    return freeze(settings, name, RELATIONS, describe)


def take_frozen(frozen: Frozen, spec: StudySpec) -> Inputs:
    """Return what a frozen set holds, and what the manifest of the results says of it.

    Raises:
        UsageError: it was frozen for another study, or by a registry whose records have other columns.
    """
    told = frozen.manifest
    if told["study"] != spec.study:
        raise UsageError(
            f"'{frozen.name}' was frozen for the study {told['study']}, and not for {spec.study}: what it says of results that were there before "
            "holds for that study alone. Freeze a set for this one under another name.",
            f"“{frozen.name}”是为研究 {told['study']} 冻结的，而不是 {spec.study}：其“此前是否已有结果”的说明仅适用于该研究。"
            "请以另一名称为本研究冻结数据。",
        )
    _check_columns(frozen)
    named = {
        "name": frozen.name, "manifest_hash": frozen.manifest_hash, "frozen_at": told["written_at"],
        "results_before": told["results_before"],
        "is_specification_as_frozen": told["specification_hash"] == hash_specification(spec),
    }  # fmt: skip
    return dict(frozen.frames), {"ingests": told["ingests"], "trail": told["last_event"], "frozen": named}


def record_analysis(
    settings: Settings, spec: StudySpec, folder: Path, inputs: Mapping[str, Any], n_patients: int
) -> None:
    """Tell in the trail that a study was computed: of which versions, with the hashes of its results and of the manifest that holds all others."""
    hashes = {name: hash_file(folder / name) for name in ("results.csv", "manifest.json")}
    frozen = inputs.get("frozen", {})
    with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
        record_event(
            warehouse, "analysis", input_hash=hash_specification(spec), rows_in=n_patients, study=spec.study, folder=folder.name,
            ingests=[version["ingest_id"] for version in inputs["ingests"]], frozen=frozen.get("name"),
            results_hash=hashes["results.csv"], manifest_hash=hashes["manifest.json"],
        )  # fmt: skip


def _check_columns(frozen: Frozen) -> None:
    """Refuse records that lack columns of today's: they were not yet made, which says nothing of the patients."""
    lacking = [
        f"{table}.{column}"
        for table, model in TABLES.items()
        for column in read_dtypes(model)
        if column not in frozen.frames[table].columns
    ]
    if lacking:
        version = f"{frozen.manifest['registry_version']} ({frozen.manifest['registry_commit']})"
        raise UsageError(
            f"'{frozen.name}' was frozen by registry {version}, which did not yet know {', '.join(lacking)}. Analyse it with that version.",
            f"“{frozen.name}”由 {version} 版程序冻结，当时尚无 {'、'.join(lacking)}。请使用该版本进行分析。",
        )


def hash_specification(spec: StudySpec) -> str:
    """Return a hash of the files of a study's folder: its specification and what it compares itself with."""
    folder = Path(spec.folder)
    told = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in (".toml", ".csv")
    )
    return hashlib.sha256(told.encode()).hexdigest()


def find_results_before(events: Events, study: str, versions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the trail says of results of a study: computed from these versions, or from others, and since when it would say so.

    `of_these_data`: yes, no, or unknown where a version was loaded before there was a trail; `first_at` and `n` are those of the runs.
    """
    ids = sorted(version["ingest_id"] for version in versions)
    runs = [event for event in events if event["kind"] == "analysis" and event["detail"].get("study") == study]
    own = [run for run in runs if sorted(run["detail"].get("ingests", [])) == ids]
    since = events[0]["happened_at"] if events else None
    on_record = {event["detail"].get("ingest_id") for event in events if event["kind"] == "ingest"}
    is_known = set(ids) <= on_record  # by events and not by times: a clock may have been set back
    return {
        "of_these_data": "yes" if own else "no" if is_known else "unknown",
        "n": len(own), "first_at": own[0]["happened_at"] if own else None,
        "n_of_other_data": len(runs) - len(own), "on_record_since": since,
    }  # fmt: skip


def describe_results_before(before: Mapping[str, Any]) -> Text:
    """Return in words what the trail says of results that were there before a freeze."""
    first, since = _show_day(before["first_at"]), _show_day(before["on_record_since"])
    told = {
        "no": Text(
            "On record: no result of this study had been computed from these data.",
            "记录显示：此前未用这些数据计算过本研究的结果。",
        ),
        "yes": Text(
            f"On record: results of this study had been computed from these data before, {before['n']} time(s), first on {first}. The freeze says so.",
            f"记录显示：此前已用这些数据计算过本研究的结果，共 {before['n']} 次，首次为 {first}。冻结数据集中注明了这一点。",
        ),
        "unknown": Text(
            f"Whether results had been computed from these data before is not known: the trail begins on {since}, after they were loaded.",
            f"此前是否用这些数据计算过结果无从得知：操作记录始于 {since}，晚于数据载入。",
        ),
    }[before["of_these_data"]]
    if not before["n_of_other_data"]:
        return told
    return Text(
        f"{told.en} From other versions of the data: {before['n_of_other_data']} time(s).",
        f"{told.zh}用其他版本的数据计算过 {before['n_of_other_data']} 次。",
    )


def _show_day(at: str | None) -> str:
    return at[:10] if at else ""
