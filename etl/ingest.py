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
from etl.errors import BusyError, DeliveryError, RegistryError, UsageError
from etl.ingest_result import IngestSummary, balance_accounts, list_reasons
from etl.judging.between_hospitals import find_shared_patients
from etl.judging.confirm import confirm_values
from etl.judging.empty_tables import list_empty_tables, refuse_lost_tables
from etl.judging.validate import Validated, validate_delivery
from etl.judging.visits import number_records
from etl.known_versions import Known, check_provenance, check_volume, read_checked_key, read_known
from etl.mapping.accounts import Landing, is_used
from etl.mapping.delivery_day import EXAMPLE_DAY, DeliveryDay, settle_day
from etl.mapping.identity import PseudonymKey
from etl.mapping.masking import OwnTexts
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
from schemas.column import read_dtypes
from schemas.derived_columns import STORED_FRAMES


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
    site, known = load_site(find_site(settings, hospital)), read_known(settings)
    answers = read_new_answers(settings, hospital, extract)
    confirmations = find_confirmations(settings, hospital, read_answers(settings, hospital, answers))
    candidate = choose_delivery(
        settings, site, extract, extracted, known.ingests, check=check, confirmed=hash_confirmations(confirmations),
        has_answers=answers.height > 0,
    )  # fmt: skip
    hidden = tuple(list_hidden(extract or settings.extracts_dir / hospital))
    if candidate is None:
        return _end_without_delivery(settings, site, answers, confirmations, hidden, check=check)
    progress("reading", "读取")
    delivery = _read(candidate, known)
    key = read_checked_key(settings, known)
    base = _find_base(site, known, candidate, extract, accept=accept)
    progress("mapping", "映射")
    mapped, delivery, answers = _map_rows(delivery, site, answers)
    progress("validating", "校验")
    day = _settle_day(site, candidate, mapped, delivery, extract)
    made = {name: texts.height for name, texts in mapped.records.items()}
    records, mapped, addition = _make_records(settings, site, base, mapped, delivery.name, day.day, key)
    records = confirm_values(number_records(records), confirmations)
    validated = _validate(site, records, mapped, addition)
    if not accept:
        _refuse_losses(made, validated, mapped, site, known, delivery.name, extract)
    version = _Version(
        site, delivery, candidate, balance_accounts(mapped, validated, addition), mapped.landing, addition,
        _find_notices(settings, site, known, candidate, day.day, validated),
    )  # fmt: skip
    summary = _summarise(version, day, mapped, validated, answers, made)
    summary = replace(summary, status="checked" if check else "loaded", hidden=hidden)
    if check:
        return summary
    progress("loading", "载入")
    frames = _list_frames(version, mapped, validated)
    del validated
    return replace(summary, ingest_id=_load(settings, version, frames, key, known, answers))


def _validate(site: Site, records: dict[str, TypedRecords], mapped: Mapped, addition: Addition) -> Validated:
    every_new = site.lists_every_new_lesion
    return validate_delivery(records, mapped, site.tables, addition.findings, lists_every_new_lesion=every_new)


@dataclass(frozen=True)
class _Version:
    """A version that is about to be loaded: what it was made of, and what is told of it beside its records."""

    site: Site
    delivery: Delivery
    candidate: Candidate
    accounts: Mapping[str, int]
    landing: Landing
    addition: Addition
    notices: pl.DataFrame


def _read(candidate: Candidate, known: Known) -> Delivery:
    delivery = replace(read_delivery(candidate.path), content_hash=candidate.content_hash)
    check_provenance(delivery, known)
    return delivery


def _settle_day(
    site: Site, candidate: Candidate, mapped: Mapped, delivery: Delivery, extract: Path | None
) -> DeliveryDay:
    repeated = suggest_command("ingest", site.hospital, extract=extract or candidate.path, extracted=EXAMPLE_DAY)
    return settle_day(candidate.stated_day, mapped.records, delivery.name, repeated)


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
    if site.sends_additions:
        records, mapped, addition = add_to_base(settings, site, base, mapped, delivery, day, key)
    else:
        records, addition = type_delivery(mapped, site, delivery, day, key), NO_ADDITION
    return records, replace(mapped, records={}, own=OwnTexts()), addition


def _refuse_losses(
    made: Mapping[str, int],
    validated: Validated,
    mapped: Mapped,
    site: Site,
    known: Known,
    delivery: str,
    extract: Path | None,
) -> None:
    """Refuse a version that lacks a whole table of its delivery, or many of the patients before."""
    confirmed = suggest_command("ingest", site.hospital, extract=extract, accept=True)
    refuse_lost_tables(made, validated, mapped, delivery, confirmed)
    check_volume(validated, site, known, confirmed)


def _find_notices(
    settings: Settings, site: Site, known: Known, candidate: Candidate, day: dt.date, validated: Validated
) -> pl.DataFrame:
    return find_notices(
        settings.warehouse_path, site.hospital, known.ingests, candidate.path, candidate.content_hash, day, validated.tables,
        is_addition=site.sends_additions,
    )  # fmt: skip


def _summarise(
    version: _Version,
    day: DeliveryDay,
    mapped: Mapped,
    validated: Validated,
    answers: pl.DataFrame,
    made: Mapping[str, int],
) -> IngestSummary:
    site, notices = version.site, version.notices
    return IngestSummary(
        site.hospital, site.name_en, site.name_zh, "", version.delivery.name, day, None, version.accounts, mapped.row_accounts,
        dict(validated.findings["severity"].value_counts().iter_rows()), version.delivery.is_synthetic, answers.height,
        list_reasons(validated.findings), empty=tuple(list_empty_tables(made, site.tables)), confirmed=validated.confirmed.height, typed_values=count_typed_values(answers),
        base_ingest_id=version.addition.base_ingest_id, notices=tuple(notices.select("message_en", "message_zh").rows()),
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


def read_offered(settings: Settings, site: Site, extract: Path | None) -> Delivery | None:
    """Read the delivery that an ingest would take; None where it would take none, or refuse it and say why."""
    try:
        answers = read_answers(settings, site.hospital, read_new_answers(settings, site.hospital, extract))
        confirmed = hash_confirmations(find_confirmations(settings, site.hospital, answers))
        ingests = read_known(settings).ingests
        candidate = choose_delivery(settings, site, extract, None, ingests, check=True, confirmed=confirmed)
        return read_delivery(candidate.path) if candidate else None
    except RegistryError:
        return None


def _map_rows(delivery: Delivery, site: Site, answers: pl.DataFrame) -> tuple[Mapped, Delivery, pl.DataFrame]:
    """Return what mapping made, the delivery without its cells, and the answers: both without what names one of its patients."""
    mapped = map_delivery(delivery, site)
    if not mapped.row_accounts.filter(is_used())["n_rows"].sum():
        raise DeliveryError(
            f"The delivery '{delivery.name}' holds no rows below its headers.",
            f"提交内容“{delivery.name}”表头之下没有数据。",
        )
    without_cells = replace(delivery, grids=(), path=_hide_people(delivery.path, mapped.own))
    return mapped, without_cells, answers.with_columns(mapped.own.mask_texts(answers["comment"]))


def _hide_people(path: Path, own: OwnTexts) -> Path:
    """Return a delivery's path as it is told and stored: without the patient after whom somebody called the file."""
    return path.with_name(own.mask_text(path.name)) if path.name not in ("", "..") else path


def _find_base(site: Site, known: Known, candidate: Candidate, extract: Path | None, *, accept: bool) -> int | None:
    if not site.sends_additions:
        return None
    again = suggest_command("ingest", site.hospital, extract=extract or candidate.path, accept=True)
    return find_base(known.ingests, site, candidate.content_hash, accept=accept, again=again)


def _list_frames(version: _Version, mapped: Mapped, validated: Validated) -> dict[str, pl.DataFrame]:
    """Return what is stored of a version, by table, without the ingest's number.

    What is about a record or a cell belongs to the delivery that brought it.
    """
    hospital, delivery = pl.lit(version.site.hospital).alias("hospital"), version.delivery.name
    stored = {**validated.tables, **{name: validated.derived[name] for name in STORED_FRAMES}}
    about = {
        "rule_outcomes": validated.rule_outcomes, "row_accounts": mapped.row_accounts, "completeness": validated.completeness,
        "notices": version.notices,
    }  # fmt: skip
    of_records = {"findings": validated.findings, "quarantine": validated.quarantine, "confirmed": validated.confirmed}
    stored |= {name: frame.with_columns(hospital, pl.lit(delivery).alias("delivery")) for name, frame in about.items()}
    stored |= {
        name: frame.with_columns(hospital, pl.col("delivery").fill_null(delivery)) for name, frame in of_records.items()
    }
    return {f"versions.{name}": frame for name, frame in stored.items()}


def _load(
    settings: Settings,
    version: _Version,
    frames: dict[str, pl.DataFrame],
    key: PseudonymKey,
    known: Known,
    answers: pl.DataFrame,
) -> int:
    """Load everything in one transaction and return the ingest's number; `frames` is emptied, so that memory becomes free on the way."""
    site, delivery = version.site, version.delivery
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
        warehouse.append("main.ingests", _describe_ingest(version, ingest_id))
        stamp, hospital = pl.lit(ingest_id, dtype=pl.Int64).alias("ingest_id"), pl.lit(site.hospital).alias("hospital")
        store_answers(warehouse, site.hospital, answers)
        frames["versions.confirmed"] = name_answers(warehouse, site.hospital, frames["versions.confirmed"])
        for table in tuple(frames):
            warehouse.append(table, frames.pop(table).with_columns(stamp))
        kept = version.addition.kept.with_columns(stamp, hospital, pl.col("brought_by").fill_null(ingest_id))
        warehouse.append("landing.kept_record", kept)
        owner = (stamp, hospital, pl.lit(delivery.name).alias("delivery"))
        for rows in version.landing.rows:
            warehouse.append("landing.source_row", rows.read().with_columns(owner))
        refresh(warehouse)
    return ingest_id


def _describe_ingest(version: _Version, ingest_id: int) -> pl.DataFrame:
    """Return the line of `ingests` that tells of a version."""
    site, candidate, day = version.site, version.candidate, version.candidate.stated_day
    lies_in = candidate.path.resolve()
    path = lies_in if lies_in.name == version.delivery.name else lies_in.with_name(version.delivery.name)
    line = {
        "ingest_id": ingest_id, "hospital": site.hospital, "name_en": site.name_en, "name_zh": site.name_zh,
        "delivery": version.delivery.name, "path": str(path), "content_hash": candidate.content_hash,
        "input_hash": candidate.input_hash, "is_synthetic": version.delivery.is_synthetic, "extract_day": day and day.day,
        "extract_day_origin": day and day.origin, "loaded_at": datetime.now(UTC).isoformat(timespec="seconds"), **version.accounts,
        "base_ingest_id": version.addition.base_ingest_id, "mapping_hash": site.mapping_hash, "is_current": True, "is_withdrawn": False,
    }  # fmt: skip
    return pl.DataFrame([line], schema=read_dtypes(INGESTS))


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
