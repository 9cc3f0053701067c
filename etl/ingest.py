"""One ingest: a delivery goes in, a new version of one hospital comes out, or nothing changes at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from etl.additions import NO_ADDITION, Addition, add_to_base, find_base
from etl.choose_delivery import Candidate, choose_delivery
from etl.console import Progress
from etl.delivery.read import Delivery, list_hidden, read_delivery
from etl.errors import (
    BusyError,
    DeliveryError,
    InternalError,
    UsageError,
)
from etl.judging.between_hospitals import find_shared_patients
from etl.judging.confirm import confirm_values
from etl.judging.validate import Validated, validate_delivery
from etl.known_versions import Known, check_provenance, check_volume, read_checked_key, read_known
from etl.mapping.accounts import USED
from etl.mapping.delivery_day import DeliveryDay, settle_day, today_in_hospitals
from etl.mapping.identity import PseudonymKey
from etl.mapping.read_site import load_site
from etl.mapping.records import TypedRecords, type_delivery
from etl.mapping.site import Site
from etl.mapping.verbs import Mapped, map_delivery
from etl.pages.text import Text
from etl.quality.answers import read_answers, read_new_answers, store_answers
from etl.quality.confirmations import (
    count_typed_values,
    find_confirmations,
    hash_confirmations,
    name_answers,
)
from etl.quality.continuity import find_notices
from etl.settings import Settings, find_site
from etl.store.database import Warehouse
from etl.store.history import find_previous_ingest, withdraw_later
from etl.store.warehouse import open_for_reading, open_for_writing
from etl.suggestions import suggest_command
from schemas.bookkeeping import INGESTS
from schemas.codes import Severity
from schemas.column import read_dtypes
from schemas.derived_columns import STORED_FRAMES

_SHOWN_REASONS = 3


@dataclass(frozen=True)
class IngestSummary:
    """What an ingest did, as the terminal shows it.

    `status` is `loaded`, `checked` (CHECK=yes: all but load) or `nothing new`. `day` is the last that the delivery can tell of.
    `answers` counts the answers to queries that were taken. `reasons` are why most records were set aside, counted, in both
    languages; `hidden` are files that were left out, since their names begin with a dot. `confirmed` counts values that lie outside the
    limits and count, since the hospital confirmed them; `waiting` those that will once their delivery is read again, which is not here.
    `typed_values` counts comments that are a bare value. `base_ingest_id` is the version that an addition was added to. `notices` say
    in both languages what is strange beside the delivery before.
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
    base_ingest_id: int | None = None
    notices: tuple[tuple[str, str], ...] = ()


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
    known = read_known(settings)
    candidate = choose_delivery(
        settings, site, extract, known.ingests, check=check, confirmed=hash_confirmations(confirmations),
        has_answers=answers.height > 0,
    )  # fmt: skip
    hidden = tuple(list_hidden(extract or settings.extracts_dir / hospital))
    if candidate is None:
        return _end_without_delivery(settings, site, answers, confirmations, hidden, check=check)
    progress("reading", "读取")
    delivery = replace(read_delivery(candidate.path), content_hash=candidate.content_hash)
    check_provenance(delivery, known)
    key = read_checked_key(settings, known)
    base = _find_base(site, known, candidate, extract, accept=accept)
    progress("mapping", "映射")
    mapped = _map_rows(delivery, site)
    delivery = replace(delivery, grids=())
    progress("validating", "校验")
    day = settle_day(candidate.stated_day, mapped.records, today or today_in_hospitals(), delivery.name)
    records, mapped, addition = _make_records(settings, site, base, mapped, delivery.name, day.day, key)
    validated = validate_delivery(confirm_values(records, confirmations), mapped, site.tables, addition.findings)
    check_volume(validated, site, known, extract, accept=accept)
    accounts = _balance(mapped, validated, addition)
    notices = _find_notices(settings, site, known, candidate, validated)
    summary = _summarise(site, delivery, day, mapped, validated, accounts, answers, addition, notices)
    summary = replace(summary, status="checked" if check else "loaded", hidden=hidden)
    if check:
        return summary
    progress("loading", "载入")
    ingest_id = _load(
        settings, site, delivery, candidate, mapped, validated, accounts, key, known, answers, addition, notices
    )
    return replace(summary, ingest_id=ingest_id)


def _summarise(
    site: Site,
    delivery: Delivery,
    day: DeliveryDay,
    mapped: Mapped,
    validated: Validated,
    accounts: Mapping[str, int],
    answers: pl.DataFrame,
    addition: Addition,
    notices: pl.DataFrame,
) -> IngestSummary:
    return IngestSummary(
        site.hospital, site.name_en, site.name_zh, "", delivery.name, day, None, accounts, mapped.row_accounts,
        dict(validated.findings["severity"].value_counts().iter_rows()), delivery.is_synthetic, answers.height,
        _list_reasons(validated.findings), confirmed=validated.confirmed.height, typed_values=count_typed_values(answers),
        base_ingest_id=addition.base_ingest_id, notices=tuple(notices.select("message_en", "message_zh").rows()),
    )  # fmt: skip


def _make_records(
    settings: Settings,
    site: Site,
    base: int | None,
    mapped: Mapped,
    delivery: str,
    day: dt.date,
    key: PseudonymKey,
) -> tuple[dict[str, TypedRecords], Mapped, Addition]:
    """Return the typed records of the version, of an addition with what is carried over; the texts are gone by then, for they fill the memory."""
    records, addition = type_delivery(mapped, site, delivery, day, key), NO_ADDITION
    if site.sends_additions:
        records, mapped, addition = add_to_base(settings, site, base, records, mapped, delivery, day, key)
    return records, replace(mapped, records={}), addition


def _find_notices(
    settings: Settings, site: Site, known: Known, candidate: Candidate, validated: Validated
) -> pl.DataFrame:
    return find_notices(
        settings.warehouse_path, site.hospital, known.ingests, candidate.path, candidate.content_hash, validated.tables,
        is_addition=site.sends_additions,
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


def _find_base(site: Site, known: Known, candidate: Candidate, extract: Path | None, *, accept: bool) -> int | None:
    if not site.sends_additions:
        return None
    again = suggest_command("ingest", site.hospital, extract=extract or candidate.path, accept=True)
    return find_base(known.ingests, site, candidate.content_hash, accept=accept, again=again)


def _list_reasons(findings: pl.DataFrame) -> tuple[tuple[int, str, str], ...]:
    """Return why most records were rejected; one that went with its patient's record tells nothing of its own."""
    rejected = findings.filter(
        (pl.col("severity") == Severity.REJECT.value) & ~pl.col("rule_id").str.ends_with(".parent")
    )
    counted = rejected.group_by("message_en", "message_zh").len().sort("len", "message_en", descending=[True, False])
    return tuple(counted.select("len", "message_en", "message_zh").head(_SHOWN_REASONS).rows())


def _balance(mapped: Mapped, validated: Validated, addition: Addition) -> dict[str, int]:
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
        "records_carried": addition.n_carried,
        "records_replaced": addition.n_replaced,
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
    known: Known,
    answers: pl.DataFrame,
    addition: Addition,
    notices: pl.DataFrame,
) -> int:
    with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
        ingest_id = int(warehouse.query("select coalesce(max(ingest_id), 0) + 1 as n from ingests")["n"][0])
        last_id = int(known.ingests["ingest_id"][-1]) if known.ingests.height else 0
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
            **accounts, "base_ingest_id": addition.base_ingest_id, "mapping_hash": site.mapping_hash, "is_current": True, "is_withdrawn": False,
        }  # fmt: skip
        warehouse.append("main.ingests", pl.DataFrame([line], schema=read_dtypes(INGESTS)))
        stamp = [pl.lit(ingest_id, dtype=pl.Int64).alias("ingest_id")]
        own = [*stamp, pl.lit(site.hospital).alias("hospital")]
        owner = [*own, pl.lit(delivery.name).alias("delivery")]
        of_record = [*own, pl.col("delivery").fill_null(delivery.name)]
        stored = {**validated.tables, **{name: validated.derived[name] for name in STORED_FRAMES}}
        for name, frame in stored.items():
            warehouse.append(f"versions.{name}", frame.with_columns(stamp))
        about = {
            "rule_outcomes": validated.rule_outcomes, "row_accounts": mapped.row_accounts, "completeness": validated.completeness,
            "notices": notices,
        }  # fmt: skip
        for name, frame in about.items():
            warehouse.append(f"versions.{name}", frame.with_columns(owner))
        for name, frame in {"findings": validated.findings, "quarantine": validated.quarantine}.items():
            warehouse.append(f"versions.{name}", frame.with_columns(of_record))
        kept = addition.kept.with_columns(pl.col("brought_by").fill_null(ingest_id))
        warehouse.append("landing.kept_record", kept.with_columns(own))
        warehouse.append("landing.source_row", mapped.landing.rows.with_columns(owner))
        store_answers(warehouse, site.hospital, answers)
        confirmed = name_answers(warehouse, site.hospital, validated.confirmed)
        warehouse.append("versions.confirmed", confirmed.with_columns(of_record))
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


def tell_mapping(settings: Settings, hospital: str, ingest_id: int) -> Text:
    """Return whether a version was read by the mapping that lies there now: a revert brings back the records, not the mapping."""
    with open_for_reading(settings.warehouse_path) as warehouse:
        then = warehouse.query("select mapping_hash from ingests where ingest_id = ?", [ingest_id])["mapping_hash"][0]
    now = load_site(find_site(settings, hospital)).mapping_hash
    if then is None:
        return Text("By which mapping it was read was not kept then.", "当时未记录所用的映射。")
    if then == now:
        return Text(
            f"It was read by the mapping that is there now ({now[:8]}).",
            f"该版本所用的映射与当前映射相同（{now[:8]}）。",
        )
    return Text(
        f"It was read by another mapping ({then[:8]}) than the one that is there now ({now[:8]}): the next ingest reads its delivery again by this one.",
        f"该版本所用的映射（{then[:8]}）与当前映射（{now[:8]}）不同：下次入库将按当前映射重新读取其数据。",
    )
