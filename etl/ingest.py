"""One ingest: a delivery goes in, a new version of one hospital comes out, or nothing changes at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from etl.choose_delivery import Candidate, choose_delivery
from etl.console import Progress
from etl.delivery.read import Delivery, list_hidden, read_delivery
from etl.errors import (
    BusyError,
    DeliveryError,
    IdentityError,
    InternalError,
    ProvenanceError,
    RegistryError,
    UsageError,
    VolumeError,
)
from etl.judging.between_hospitals import find_shared_patients
from etl.judging.empty_tables import list_empty_tables, refuse_lost_tables
from etl.judging.validate import Validated, validate_delivery
from etl.mapping.accounts import Landing, is_used
from etl.mapping.delivery_day import EXAMPLE_DAY, DeliveryDay, settle_day
from etl.mapping.identity import PseudonymKey, read_key
from etl.mapping.masking import OwnTexts
from etl.mapping.read_site import load_site
from etl.mapping.records import type_delivery
from etl.mapping.site import Site
from etl.mapping.verbs import Mapped, map_delivery
from etl.quality.answers import read_new_answers, store_answers
from etl.settings import Settings, find_site
from etl.store.database import Warehouse
from etl.store.history import find_previous_ingest, withdraw_later
from etl.store.warehouse import open_for_reading, open_for_writing
from etl.suggestions import suggest_command
from schemas.codes import Severity
from schemas.derived_columns import STORED_FRAMES

MINIMAL_SHARE_OF_LAST = 0.8
_SHOWN_REASONS = 3


@dataclass(frozen=True)
class IngestSummary:
    """What an ingest did, as the terminal shows it.

    `status` is `loaded`, `checked` (CHECK=yes: all but load) or `nothing new`. `day` is the last that the delivery can tell of.
    `answers` counts the answers to queries that were taken. `reasons` are why most records were set aside, counted, in both
    languages; `hidden` are files that were left out, since their names begin with a dot. `empty` are mapped tables of which the delivery
    holds nothing.
    """

    hospital: str
    name_en: str
    name_zh: str
    status: str
    delivery: str = ""
    day: DeliveryDay | None = None
    ingest_id: int | None = None
    accounts: Mapping[str, int] | None = None
    row_accounts: pl.DataFrame | None = None
    findings: Mapping[str, int] | None = None
    is_synthetic: bool = False
    answers: int = 0
    reasons: tuple[tuple[int, str, str], ...] = ()
    hidden: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


def ingest(
    settings: Settings,
    hospital: str,
    *,
    extract: Path | None,
    check: bool,
    accept: bool,
    progress: Progress,
    extracted: dt.date | None = None,
) -> IngestSummary:
    """Take a hospital's answers, then read, map, validate and load one delivery.

    Args:
        settings: workspace and key.
        hospital: name of a mapping.
        extract: the delivery; None takes the one new delivery under `extracts/<hospital>/`.
        check: do everything but load.
        accept: load although there are far fewer patients than last time, or not one record of a mapped table.
        progress: called with each step's name, in English and Chinese.
        extracted: the day on which the data were taken out of the hospital's system; None where nobody says it.

    Raises:
        RegistryError: whatever is wrong with command, delivery, mapping, key or warehouse; nothing is loaded then.
    """
    site = load_site(find_site(settings, hospital))
    answers = read_new_answers(settings, hospital)
    known = _read_known(settings)
    candidate = choose_delivery(settings, site, extract, extracted, known.ingests, check=check)
    hidden = tuple(list_hidden(extract or settings.extracts_dir / hospital))
    if candidate is None:
        if not check:
            _store_answers_alone(settings, hospital, answers)
        return IngestSummary(hospital, site.name_en, site.name_zh, "nothing new", answers=answers.height, hidden=hidden)
    progress("reading", "读取")
    delivery = replace(read_delivery(candidate.path), content_hash=candidate.content_hash)
    _check_provenance(delivery, known)
    key = _read_checked_key(settings, known)
    progress("mapping", "映射")
    mapped, delivery = _map_rows(delivery, site), replace(delivery, grids=())
    progress("validating", "校验")
    day = _settle_day(candidate, mapped, delivery, hospital)
    records = type_delivery(mapped, site, delivery.name, day.day, key)
    mapped = replace(mapped, records={}, own=OwnTexts())  # the texts are read: a large hospital's fill the memory
    made = {name: table.frame.height for name, table in records.items()}
    validated = validate_delivery(records, mapped, site.tables)
    if not accept:
        _check_tables(made, validated, mapped, hospital, extract)
    _check_volume(validated, site, known, extract, accept=accept)
    accounts = _balance(mapped, validated)
    summary = IngestSummary(
        hospital, site.name_en, site.name_zh, "checked" if check else "loaded", delivery.name, day, None, accounts,
        mapped.row_accounts, dict(validated.findings["severity"].value_counts().iter_rows()), delivery.is_synthetic,
        answers.height, _list_reasons(validated.findings), hidden, tuple(list_empty_tables(made, site.tables)),
    )  # fmt: skip
    if check:
        return summary
    progress("loading", "载入")
    frames = _list_frames(mapped, validated, site.hospital, delivery.name)
    del validated
    ingest_id = _load(settings, site, delivery, candidate, frames, mapped.landing, accounts, key, known, answers)
    return replace(summary, ingest_id=ingest_id)


def _store_answers_alone(settings: Settings, hospital: str, answers: pl.DataFrame) -> None:
    """Store the answers of a hospital that sends nothing new with them."""
    if answers.height:
        with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
            store_answers(warehouse, hospital, answers)


def read_offered(settings: Settings, site: Site, extract: Path | None) -> Delivery | None:
    """Read the delivery that an ingest would take; None where it would take none, or refuse it and say why."""
    try:
        candidate = choose_delivery(settings, site, extract, None, _read_known(settings).ingests, check=True)
        return read_delivery(candidate.path) if candidate else None
    except RegistryError:
        return None


def _settle_day(candidate: Candidate, mapped: Mapped, delivery: Delivery, hospital: str) -> DeliveryDay:
    repeated = suggest_command("ingest", hospital, extract=candidate.path, extracted=EXAMPLE_DAY)
    return settle_day(candidate.stated_day, mapped.records, delivery.name, repeated)


def _map_rows(delivery: Delivery, site: Site) -> Mapped:
    mapped = map_delivery(delivery, site)
    if not mapped.row_accounts.filter(is_used())["n_rows"].sum():
        raise DeliveryError(
            f"The delivery '{delivery.name}' holds no rows below its headers.",
            f"提交内容“{delivery.name}”表头之下没有数据。",
        )
    return mapped


@dataclass(frozen=True)
class _Known:
    """What the warehouse already holds."""

    ingests: pl.DataFrame
    key_fingerprint: str | None
    is_synthetic: bool | None


def _read_known(settings: Settings) -> _Known:
    if not settings.warehouse_path.exists():
        return _Known(pl.DataFrame(), None, None)
    with open_for_reading(settings.warehouse_path) as warehouse:
        ingests = warehouse.query("select * from ingests order by ingest_id")
        registry = warehouse.query("select * from registry")
    if registry.is_empty():
        return _Known(ingests, None, None)
    return _Known(ingests, registry["key_fingerprint"][0], registry["is_synthetic"][0])


def _check_provenance(delivery: Delivery, known: _Known) -> None:
    if known.is_synthetic is None or known.is_synthetic == delivery.is_synthetic:
        return
    if delivery.is_synthetic:
        raise ProvenanceError(
            f"The delivery '{delivery.name}' holds synthetic patients, and this workspace holds real ones. Nothing was loaded. "
            "Use another WORKSPACE for examples.",
            f"提交内容“{delivery.name}”为合成患者，而本工作区存放真实患者。未载入任何数据。示例请使用另一 WORKSPACE。",
        )
    raise ProvenanceError(
        f"The delivery '{delivery.name}' holds real patients, and this workspace holds synthetic ones. Nothing was loaded. "
        "Use another WORKSPACE for real patients.",
        f"提交内容“{delivery.name}”为真实患者，而本工作区存放合成患者。未载入任何数据。真实数据请使用另一 WORKSPACE。",
    )


def _read_checked_key(settings: Settings, known: _Known) -> PseudonymKey:
    key = read_key(settings.key_file, may_create=known.key_fingerprint is None)
    if known.key_fingerprint not in (None, key.fingerprint):
        raise IdentityError(
            f"The key in '{settings.key_file}' is not the one this workspace was loaded with; with another key every patient would "
            "become somebody else. Set REGISTRY_KEY_FILE to the right key. Nothing was loaded.",
            f"“{settings.key_file}”中的密钥与本工作区建库时所用的不同；换密钥会使所有患者变成他人。"
            "请用 REGISTRY_KEY_FILE 指明正确的密钥。未载入任何数据。",
        )
    return key


def _check_tables(
    made: Mapping[str, int], validated: Validated, mapped: Mapped, hospital: str, extract: Path | None
) -> None:
    refuse_lost_tables(made, validated, mapped, suggest_command("ingest", hospital, extract=extract, accept=True))


def _check_volume(validated: Validated, site: Site, known: _Known, extract: Path | None, *, accept: bool) -> None:
    if not known.ingests.height or accept:
        return
    last = known.ingests.filter((pl.col("hospital") == site.hospital) & pl.col("is_current"))
    n_patients = validated.tables["patient"].height
    if last.height and n_patients < MINIMAL_SHARE_OF_LAST * last["patients"][0]:
        confirmed = suggest_command("ingest", site.hospital, extract=extract, accept=True)
        raise VolumeError(
            f"This delivery has {n_patients} patients, the last one had {last['patients'][0]}: more than 20 % fewer. Nothing was loaded. "
            f"If that is right: {confirmed}",
            f"本次提交有 {n_patients} 名患者，上次为 {last['patients'][0]} 名：减少超过 20%。未载入任何数据。"
            f"如确认无误：{confirmed}",
        )


def _list_reasons(findings: pl.DataFrame) -> tuple[tuple[int, str, str], ...]:
    """Return why most records were rejected; one that went with its patient's record tells nothing of its own."""
    rejected = findings.filter(
        (pl.col("severity") == Severity.REJECT.value) & ~pl.col("rule_id").str.ends_with(".parent")
    )
    counted = rejected.group_by("message_en", "message_zh").len().sort("len", "message_en", descending=[True, False])
    return tuple(counted.select("len", "message_en", "message_zh").head(_SHOWN_REASONS).rows())


def _balance(mapped: Mapped, validated: Validated) -> dict[str, int]:
    """Return the three accounts.

    Raises:
        InternalError: one of them does not balance, so that something would be lost.
    """
    rows = mapped.row_accounts
    used = int(rows.filter(is_used())["n_rows"].sum())
    loaded = sum(frame.height for frame in validated.tables.values())
    cells = mapped.cells.by_fate
    accounts = {
        "rows_read": int(rows["n_rows"].sum()),
        "rows_used": used,
        "rows_ignored": int(rows["n_rows"].sum()) - used,
        "records_made": validated.records_made,
        "records_loaded": loaded,
        "records_quarantined": validated.records_quarantined,
        "cells": mapped.cells.total,
        "cells_mapped": cells["mapped"],
        "cells_identifier": cells["identifier"],
        "cells_ignored": cells["ignored"],
        "cells_quarantined": cells["stray"],
        "merged_filled": mapped.filled_rows,
        "patients": validated.tables["patient"].height,
    }
    if accounts["records_made"] != loaded + validated.records_quarantined or sum(cells.values()) != mapped.cells.total:
        raise InternalError(f"The accounts do not balance ({accounts}); nothing was loaded.")
    return accounts


def _name_owner(hospital: str, delivery: str) -> tuple[pl.Expr, pl.Expr]:
    return pl.lit(hospital).alias("hospital"), pl.lit(delivery).alias("delivery")


def _list_frames(mapped: Mapped, validated: Validated, hospital: str, delivery: str) -> dict[str, pl.DataFrame]:
    """Return what is stored of a delivery beside its rows, by table, without the ingest's number."""
    stored = {**validated.tables, **{name: validated.derived[name] for name in STORED_FRAMES}}
    about = {
        "findings": validated.findings, "rule_outcomes": validated.rule_outcomes, "quarantine": validated.quarantine,
        "row_accounts": mapped.row_accounts, "completeness": validated.completeness,
    }  # fmt: skip
    owned = {name: frame.with_columns(_name_owner(hospital, delivery)) for name, frame in about.items()}
    return {f"versions.{name}": frame for name, frame in (stored | owned).items()}


def _load(
    settings: Settings,
    site: Site,
    delivery: Delivery,
    candidate: Candidate,
    frames: dict[str, pl.DataFrame],
    landing: Landing,
    accounts: Mapping[str, int],
    key: PseudonymKey,
    known: _Known,
    answers: pl.DataFrame,
) -> int:
    """Load everything in one transaction and return the ingest's number; `frames` is emptied, so that memory becomes free on the way."""
    last_id = int(known.ingests["ingest_id"][-1]) if known.ingests.height else 0
    with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
        ingest_id = int(warehouse.query("select coalesce(max(ingest_id), 0) + 1 as n from ingests")["n"][0])
        if ingest_id != last_id + 1:
            raise BusyError(
                "Another ingest was loaded while this one was being read. Nothing of this one was loaded; run it again.",
                "读取期间有另一次入库完成。本次未载入任何数据，请重新运行。",
            )
        if warehouse.query("select * from registry").is_empty():
            made_with = {"key_fingerprint": key.fingerprint, "is_synthetic": delivery.is_synthetic}
            warehouse.append("main.registry", pl.DataFrame([made_with]))
        withdraw_later(warehouse, site.hospital)
        warehouse.execute("update ingests set is_current = false where hospital = ?", [site.hospital])
        line = {
            "ingest_id": ingest_id, "hospital": site.hospital, "name_en": site.name_en, "name_zh": site.name_zh,
            "delivery": delivery.name, "content_hash": candidate.content_hash, "input_hash": candidate.input_hash,
            "is_synthetic": delivery.is_synthetic, **_describe_day(candidate.stated_day), "loaded_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **accounts, "is_current": True, "is_withdrawn": False,
        }  # fmt: skip
        warehouse.append("main.ingests", pl.DataFrame([line]))
        stamp = pl.lit(ingest_id, dtype=pl.Int64).alias("ingest_id")
        for table in tuple(frames):
            warehouse.append(table, frames.pop(table).with_columns(stamp))
        for rows in landing.rows:
            warehouse.append(
                "landing.source_row", rows.read().with_columns(stamp, *_name_owner(site.hospital, delivery.name))
            )
        store_answers(warehouse, site.hospital, answers)
        refresh(warehouse)
    return ingest_id


def _describe_day(day: DeliveryDay | None) -> dict[str, object]:
    return {"extract_day": day and day.day, "extract_day_origin": day and day.origin}


def refresh(warehouse: Warehouse) -> None:
    """Recompute the findings between hospitals and run the checks; inside the caller's transaction."""
    shared = find_shared_patients(
        warehouse.query("select * from marts.person_in_two_hospitals"), warehouse.query("select * from core.patient")
    )
    warehouse.execute("delete from cross_findings")
    warehouse.append("main.cross_findings", shared)
    warehouse.run_checks()


def revert(settings: Settings, hospital: str) -> tuple[int, int]:
    """Make the ingest that stands before a hospital's current one its current version again; return (from, to).

    Raises:
        UsageError: the hospital has no earlier ingest.
    """
    find_site(settings, hospital)
    with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
        own = warehouse.query("select * from ingests where hospital = ?", [hospital])
        previous = find_previous_ingest(own)
        if previous is None:
            raise UsageError(f"{hospital} has no earlier ingest to go back to.", f"{hospital} 没有更早的版本可恢复。")
        warehouse.execute("update ingests set is_current = (ingest_id = ?) where hospital = ?", [previous, hospital])
        withdraw_later(warehouse, hospital)
        refresh(warehouse)
    return int(own.filter("is_current")["ingest_id"][0]), previous
