"""What changes the warehouse: a version is loaded, answers are taken, a hospital goes back; each is one transaction that notes what it makes due.

Others may have written since a delivery was read. What hangs on that is looked at again inside the transaction, so that no command is
refused because another hospital's came first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from etl.additions import Addition
from etl.choose_delivery import Candidate
from etl.delivery.read import Delivery
from etl.errors import UsageError
from etl.judging.between_hospitals import find_shared_patients
from etl.judging.validate import Validated
from etl.keys import Keys
from etl.known_versions import Known, check_keys, check_provenance, take_known
from etl.mapping.accounts import PATIENT, Landing
from etl.mapping.patient_numbers import read_patient_ids
from etl.mapping.site import Site
from etl.mapping.verbs import Mapped
from etl.pages.text import Text
from etl.quality.answers import store_answers
from etl.quality.confirmations import name_answers
from etl.settings import Settings, find_site
from etl.store.database import Warehouse
from etl.store.history import find_previous_ingest, list_standing, withdraw_later
from etl.store.owed import note_owed
from etl.store.permitted import keep_permitted, tell_permitted
from etl.store.trail import record_event
from etl.store.warehouse import open_for_writing
from etl.whole_files import close_folder
from schemas.bookkeeping import INGESTS, REGISTRY
from schemas.column import read_dtypes
from schemas.derived_columns import STORED_FRAMES


class OvertakenError(Exception):
    """Another command loaded a version or took answers of the same hospital since this one looked; it looks again."""


@dataclass(frozen=True)
class Version:
    """A version that is about to be loaded: what it was made of, and what is told of it beside its records.

    `accepted` is the reason for which it is loaded although it would be refused; empty where nobody gave one, None where nobody accepted it.
    """

    site: Site
    delivery: Delivery
    candidate: Candidate
    accounts: Mapping[str, int]
    landing: Landing
    addition: Addition
    notices: pl.DataFrame
    accepted: str | None
    keys: Keys


def list_frames(version: Version, mapped: Mapped, validated: Validated) -> dict[str, pl.DataFrame]:
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


def load_version(
    settings: Settings,
    version: Version,
    frames: dict[str, pl.DataFrame],
    known: Known,
    answers: pl.DataFrame,
) -> int:
    """Load everything in one transaction and return the ingest's number; `frames` is emptied, so that memory becomes free on the way.

    Raises:
        OvertakenError: the hospital has another version or more answers than when the delivery was read, or the workspace other keys.
        IdentityError, ProvenanceError: another command has begun this workspace with another key, or with patients of the other kind.
    """
    site, delivery = version.site, version.delivery
    with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
        _check_meanwhile(warehouse, site.hospital, delivery, version.keys, known)
        ingest_id = int(warehouse.query("select coalesce(max(ingest_id), 0) + 1 as n from ingests")["n"][0])
        _note_keys(warehouse, version.keys, is_synthetic=delivery.is_synthetic)
        withdraw_later(warehouse, site.hospital)
        warehouse.execute("update ingests set is_current = false where hospital = ?", [site.hospital])
        warehouse.append("main.ingests", _describe_ingest(version, ingest_id))
        _tell_answers(warehouse, site.hospital, store_answers(warehouse, site.hospital, answers))
        frames["versions.confirmed"] = name_answers(warehouse, site.hospital, frames["versions.confirmed"])
        _append_rows(warehouse, version, frames, ingest_id)
        refresh(warehouse)
        note_owed(warehouse, site.hospital)
        keep_permitted(warehouse, site.hospital, site.permission.to_row())
        _tell_ingest(warehouse, version, ingest_id)
        warehouse.say_saved(
            Text(f"{site.hospital}: loaded as ingest {ingest_id}.", f"{site.hospital}：已载入，编号 {ingest_id}。")
        )
        if not version.keys.make_files(settings, is_synthetic=delivery.is_synthetic):
            raise OvertakenError
        if version.keys.is_begun:
            close_folder(settings.workspace)
    return ingest_id


def _note_keys(warehouse: Warehouse, keys: Keys, *, is_synthetic: bool) -> None:
    """Note with which keys a workspace was begun, and that of one without a linkage key it is there now."""
    made_with = {
        "key_fingerprint": keys.key.fingerprint,
        "linkage_fingerprint": keys.linkage_fingerprint,
        "is_synthetic": is_synthetic,
    }
    if warehouse.query("select * from registry").is_empty():
        warehouse.append("main.registry", pl.DataFrame([made_with], schema=read_dtypes(REGISTRY)))
    else:
        warehouse.execute("update registry set linkage_fingerprint = ?", [keys.linkage_fingerprint])


def _tell_ingest(warehouse: Warehouse, version: Version, ingest_id: int) -> None:
    accounts = version.accounts
    record_event(
        warehouse, "ingest", hospital=version.site.hospital, input_hash=version.candidate.input_hash, mapping_hash=version.site.mapping_hash,
        rows_in=accounts["rows_read"], rows_out=accounts["records_loaded"], n_refused=accounts["records_quarantined"],
        reason=version.accepted or None, accepted=True if version.accepted is not None else None, ingest_id=ingest_id,
        delivery=version.delivery.name, content_hash=version.candidate.content_hash, base_ingest_id=version.addition.base_ingest_id,
        **tell_permitted(version.site.permission.to_row()),
    )  # fmt: skip


def _tell_answers(warehouse: Warehouse, hospital: str, taken: pl.DataFrame) -> None:
    """Tell that answers were taken; earlier ones to the same questions stay beside them."""
    if taken.height:
        workbooks = sorted(set(taken["file_hash"]))
        record_event(
            warehouse, "answers", hospital=hospital, rows_in=taken.height, rows_out=taken.height, workbooks=workbooks
        )


def _check_meanwhile(warehouse: Warehouse, hospital: str, delivery: Delivery, keys: Keys, known: Known) -> None:
    now = take_known(warehouse)
    check_provenance(delivery, now)
    is_rekeyed = now.made_with != known.made_with
    if is_rekeyed and known.key_fingerprint is None and not keys.drawn:
        check_keys(keys, now)
    if is_rekeyed or now.tell_apart(hospital) != known.tell_apart(hospital):
        raise OvertakenError


def _append_rows(warehouse: Warehouse, version: Version, frames: dict[str, pl.DataFrame], ingest_id: int) -> None:
    """Write a version's records, what is kept of an addition, and the texts of its rows."""
    stamp = pl.lit(ingest_id, dtype=pl.Int64).alias("ingest_id")
    hospital = pl.lit(version.site.hospital).alias("hospital")
    for table in tuple(frames):
        warehouse.append(table, frames.pop(table).with_columns(stamp))
    kept = version.addition.kept.with_columns(stamp, hospital, pl.col("brought_by").fill_null(ingest_id))
    warehouse.append("landing.kept_record", kept)
    owner = (stamp, hospital, pl.lit(version.delivery.name).alias("delivery"))
    for rows in version.landing.rows:
        frame = rows.read()
        ids = read_patient_ids(frame[PATIENT], version.keys.key, version.site.hospital).alias("patient_id")
        warehouse.append("landing.source_row", frame.drop(PATIENT).with_columns(ids, *owner))


def take_answers(settings: Settings, hospital: str, answers: pl.DataFrame, known: Known) -> int:
    """Store answers that came without a delivery to read; return how many of them no other command took meanwhile.

    Raises:
        OvertakenError: the questions have other ids since the answers were read.
    """
    with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
        if take_known(warehouse).made_with != known.made_with:
            raise OvertakenError
        taken = store_answers(warehouse, hospital, answers)
        note_owed(warehouse, hospital)
        _tell_answers(warehouse, hospital, taken)
        warehouse.say_saved(
            Text(f"{hospital}: {taken.height} answers are taken.", f"{hospital}：已采用 {taken.height} 条答复。")
        )
    return taken.height


def _describe_ingest(version: Version, ingest_id: int) -> pl.DataFrame:
    """Return the line of `ingests` that tells of a version."""
    site, candidate, day = version.site, version.candidate, version.candidate.stated_day
    lies_in = candidate.path.resolve()
    path = lies_in if lies_in.name == version.delivery.name else lies_in.with_name(version.delivery.name)
    line = {
        "ingest_id": ingest_id, "hospital": site.hospital, "name_en": site.name_en, "name_zh": site.name_zh,
        "delivery": version.delivery.name, "path": str(path), "content_hash": candidate.content_hash, "places_hash": version.delivery.places_hash,
        "input_hash": candidate.input_hash, "is_synthetic": version.delivery.is_synthetic, "extract_day": day and day.day,
        "extract_day_origin": day and day.origin, "loaded_at": datetime.now(UTC).isoformat(timespec="seconds"), **version.accounts,
        "base_ingest_id": version.addition.base_ingest_id, "mapping_hash": site.mapping_hash, "hashes_persons": version.keys.hashes_persons, "is_current": True, "is_withdrawn": False,
        "patients_erased": None, "records_erased": None,
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


def revert(settings: Settings, hospital: str, to: int | None = None) -> tuple[int, int]:
    """Make an earlier ingest of a hospital its current version again; return (from, to), which are the same where it is current already.

    Args:
        settings: workspace.
        hospital: name of a mapping.
        to: number of the ingest; None takes the one that stands before the current one.

    Raises:
        UsageError: the hospital has no such ingest, or none that stands.
    """
    find_site(settings, hospital)
    with open_for_writing(settings.warehouse_path) as warehouse:
        own = warehouse.query("select * from ingests where hospital = ?", [hospital])
        chosen = _choose_standing(own, hospital, to)
        left = int(own.filter("is_current")["ingest_id"][0])
        if chosen != left:
            with warehouse.transaction():
                _go_back(warehouse, hospital, left, chosen)
    return left, chosen


def _choose_standing(own: pl.DataFrame, hospital: str, to: int | None) -> int:
    """Return the ingest to go back to, of those that stand."""
    chosen = to if to is not None else find_previous_ingest(own)
    if chosen is None:
        raise UsageError(f"{hospital} has no earlier ingest to go back to.", f"{hospital} 没有更早的版本可恢复。")
    standing = list_standing(own).sort("ingest_id")["ingest_id"].to_list()
    if chosen not in standing:
        listed = ", ".join(map(str, standing)) or "–"
        raise UsageError(
            f"{hospital} has no ingest {chosen} that stands; it can go back to: {listed}. Of what a revert withdrew, ingest the delivery again "
            "(--extract). All ingests: registry ingests",
            f"{hospital} 没有仍有效的版本 {chosen}；可恢复到：{listed}。已被撤回的版本请重新载入其数据（--extract）。全部版本：registry ingests",
        )
    return chosen


def _go_back(warehouse: Warehouse, hospital: str, left: int, chosen: int) -> None:
    warehouse.execute("update ingests set is_current = (ingest_id = ?) where hospital = ?", [chosen, hospital])
    withdraw_later(warehouse, hospital)
    refresh(warehouse)
    note_owed(warehouse, hospital)
    record_event(warehouse, "revert", hospital=hospital, from_ingest_id=left, to_ingest_id=chosen)
    warehouse.say_saved(
        Text(
            f"{hospital}: ingest {left} is no longer current; ingest {chosen} is again.",
            f"{hospital}：已从版本 {left} 恢复到版本 {chosen}。",
        )
    )
