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
    UsageError,
    VolumeError,
)
from etl.judging.between_hospitals import find_shared_patients
from etl.judging.confirm import confirm_values
from etl.judging.validate import Validated, validate_delivery
from etl.mapping.accounts import USED
from etl.mapping.delivery_day import DeliveryDay, settle_day, today_in_hospitals
from etl.mapping.identity import PseudonymKey, read_key
from etl.mapping.read_site import load_site
from etl.mapping.records import type_delivery
from etl.mapping.site import Site
from etl.mapping.verbs import Mapped, map_delivery
from etl.quality.answers import read_answers, read_new_answers, store_answers
from etl.quality.confirmations import (
    count_typed_values,
    find_confirmations,
    hash_confirmations,
    name_answers,
)
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
    languages; `hidden` are files that were left out, since their names begin with a dot. `confirmed` counts values that lie outside the
    limits and count, since the hospital confirmed them; `waiting` those that will once their delivery is read again, which is not here.
    `typed_values` counts comments that are a bare value.
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
    confirmed: int = 0
    typed_values: int = 0
    waiting: int = 0


def ingest(
    settings: Settings,
    hospital: str,
    *,
    extract: Path | None,
    check: bool,
    accept: bool,
    progress: Progress,
    today: dt.date | None = None,
) -> IngestSummary:
    """Take a hospital's answers, then read, map, validate and load one delivery.

    Args:
        settings: workspace and key.
        hospital: name of a mapping.
        extract: the delivery; None takes the one new delivery under `extracts/<hospital>/`.
        check: do everything but load.
        accept: load although there are far fewer patients than last time.
        progress: called with each step's name, in English and Chinese.
        today: the day of loading, which counts only for a delivery that states no day; None asks the clock.

    Raises:
        RegistryError: whatever is wrong with command, delivery, mapping, key or warehouse; nothing is loaded then.
    """
    site = load_site(find_site(settings, hospital))
    answers = read_new_answers(settings, hospital, extract)
    confirmations = find_confirmations(settings, hospital, read_answers(settings, hospital, answers))
    known = _read_known(settings)
    candidate = choose_delivery(
        settings, site, extract, known.ingests, check=check, confirmed=hash_confirmations(confirmations),
        has_answers=answers.height > 0,
    )  # fmt: skip
    hidden = tuple(list_hidden(extract or settings.extracts_dir / hospital))
    if candidate is None:
        return _end_without_delivery(settings, site, answers, confirmations, hidden, check=check)
    progress("reading", "读取")
    delivery = replace(read_delivery(candidate.path), content_hash=candidate.content_hash)
    _check_provenance(delivery, known)
    key = _read_checked_key(settings, known)
    progress("mapping", "映射")
    mapped = _map_rows(delivery, site)
    delivery = replace(delivery, grids=())
    progress("validating", "校验")
    day = settle_day(candidate.stated_day, mapped.records, today or today_in_hospitals(), delivery.name)
    records = confirm_values(type_delivery(mapped, site, delivery.name, day.day, key), confirmations)
    mapped = replace(mapped, records={})  # the texts are read: a large hospital's fill the memory
    validated = validate_delivery(records, mapped, site.tables)
    _check_volume(validated, site, known, extract, accept=accept)
    accounts = _balance(mapped, validated)
    summary = _summarise(site, delivery, day, mapped, validated, accounts, answers)
    summary = replace(summary, status="checked" if check else "loaded", hidden=hidden)
    if check:
        return summary
    progress("loading", "载入")
    last_id = int(known.ingests["ingest_id"][-1]) if known.ingests.height else 0
    ingest_id = _load(settings, site, delivery, candidate, mapped, validated, accounts, key, last_id, answers)
    return replace(summary, ingest_id=ingest_id)


def _summarise(
    site: Site,
    delivery: Delivery,
    day: DeliveryDay,
    mapped: Mapped,
    validated: Validated,
    accounts: Mapping[str, int],
    answers: pl.DataFrame,
) -> IngestSummary:
    return IngestSummary(
        site.hospital, site.name_en, site.name_zh, "", delivery.name, day, None, accounts, mapped.row_accounts,
        dict(validated.findings["severity"].value_counts().iter_rows()), delivery.is_synthetic, answers.height,
        _list_reasons(validated.findings), confirmed=validated.confirmed.height, typed_values=count_typed_values(answers),
    )  # fmt: skip


def _end_without_delivery(
    settings: Settings,
    site: Site,
    answers: pl.DataFrame,
    confirmations: pl.DataFrame,
    hidden: tuple[str, ...],
    *,
    check: bool,
) -> IngestSummary:
    """Store the answers, where any came; there is no delivery to read."""
    if answers.height and not check:
        with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
            store_answers(warehouse, site.hospital, answers)
    return IngestSummary(
        site.hospital, site.name_en, site.name_zh, "nothing new", answers=answers.height, hidden=hidden,
        typed_values=count_typed_values(answers), waiting=_count_waiting(settings, site.hospital, confirmations),
    )  # fmt: skip


def _count_waiting(settings: Settings, hospital: str, confirmations: pl.DataFrame) -> int:
    """Count the confirmed values that are asked about in the current version and do not count in it yet."""
    if confirmations.is_empty():
        return 0
    with open_for_reading(settings.warehouse_path) as warehouse:
        found = warehouse.query("select finding_id, value from core.findings where hospital = ?", [hospital])
    return confirmations.join(found, on=["finding_id", "value"], how="semi").height


def _map_rows(delivery: Delivery, site: Site) -> Mapped:
    mapped = map_delivery(delivery, site)
    if not mapped.row_accounts.filter(pl.col("rule") == USED)["n_rows"].sum():
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
    used = int(rows.filter(pl.col("rule") == USED)["n_rows"].sum())
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


def _load(
    settings: Settings,
    site: Site,
    delivery: Delivery,
    candidate: Candidate,
    mapped: Mapped,
    validated: Validated,
    accounts: Mapping[str, int],
    key: PseudonymKey,
    last_id: int,
    answers: pl.DataFrame,
) -> int:
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
            "delivery": delivery.name, "path": str(candidate.path.resolve()), "content_hash": candidate.content_hash, "input_hash": candidate.input_hash,
            "is_synthetic": delivery.is_synthetic, "loaded_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **accounts, "is_current": True, "is_withdrawn": False,
        }  # fmt: skip
        warehouse.append("main.ingests", pl.DataFrame([line]))
        stamp = [pl.lit(ingest_id, dtype=pl.Int64).alias("ingest_id")]
        owner = [*stamp, pl.lit(site.hospital).alias("hospital"), pl.lit(delivery.name).alias("delivery")]
        stored = {**validated.tables, **{name: validated.derived[name] for name in STORED_FRAMES}}
        for name, frame in stored.items():
            warehouse.append(f"versions.{name}", frame.with_columns(stamp))
        about = {
            "findings": validated.findings, "rule_outcomes": validated.rule_outcomes, "quarantine": validated.quarantine,
            "row_accounts": mapped.row_accounts, "completeness": validated.completeness,
        }  # fmt: skip
        for name, frame in about.items():
            warehouse.append(f"versions.{name}", frame.with_columns(owner))
        warehouse.append("landing.source_row", mapped.landing.rows.with_columns(owner))
        store_answers(warehouse, site.hospital, answers)
        confirmed = name_answers(warehouse, site.hospital, validated.confirmed)
        warehouse.append("versions.confirmed", confirmed.with_columns(owner))
        refresh(warehouse)
    return ingest_id


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
