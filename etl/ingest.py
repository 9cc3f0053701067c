"""One ingest: a delivery goes in, a new version of one hospital comes out, or nothing changes at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import polars as pl

from etl.additions import NO_ADDITION, Addition, add_to_base, find_base
from etl.choose_delivery import Candidate, choose_delivery
from etl.console import Progress
from etl.delivery.files import hash_delivery, list_hidden
from etl.delivery.read import Delivery, read_delivery
from etl.errors import ChangedWhileReadError, DeliveryError, RegistryError
from etl.ingest_result import IngestSummary, balance_accounts, list_reasons
from etl.judging.confirm import confirm_values
from etl.judging.empty_tables import list_empty_tables, refuse_lost_tables
from etl.judging.held import add_held, count_held
from etl.judging.validate import Validated, validate_delivery
from etl.judging.visits import number_records
from etl.known_versions import Known, check_provenance, check_volume, lacks_persons, read_keys, read_known
from etl.load import OvertakenError, Version, list_frames, load_version, take_answers
from etl.mapping.accounts import is_used
from etl.mapping.delivery_day import EXAMPLE_DAY, DeliveryDay, settle_day
from etl.mapping.identity import PseudonymKey
from etl.mapping.masking import OwnTexts
from etl.mapping.personal_forms import mask_personal_data
from etl.mapping.read_site import load_site
from etl.mapping.records import TypedRecords, type_delivery
from etl.mapping.site import Site
from etl.mapping.verbs import Mapped, map_delivery
from etl.mapping.withdrawn import Withdrawn
from etl.pages.text import Text
from etl.permission import check_kind, check_permission, find_warning, keep_stated, tell_last_without
from etl.quality.answers import read_answers, read_new_answers
from etl.quality.confirmations import (
    count_typed_values,
    find_confirmations,
    hash_confirmations,
)
from etl.quality.continuity import find_left_out, find_notices
from etl.refusals import record_refusal
from etl.settings import Settings, find_site
from etl.store.warehouse import open_for_reading
from etl.suggestions import suggest_command
from etl.unhashed import forget_persons
from etl.withdrawals import find_withdrawn, hash_withdrawals, list_stopped, read_held


def ingest(
    settings: Settings,
    hospital: str,
    *,
    extract: Path | None,
    check: bool,
    accept: bool,
    progress: Progress,
    reason: str = "",
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
        reason: why it is accepted, as somebody gave it.
        extracted: the day on which the data were taken out of the hospital's system; None where nobody says it.

    Raises:
        RegistryError: whatever is wrong with command, delivery, mapping, key or warehouse; nothing is loaded then.
    """
    while True:
        with suppress(OvertakenError):  # the same hospital's data or answers came by another command: look again
            return _ingest_once(
                settings,
                hospital,
                extract,
                extracted,
                check=check,
                accepted=mask_personal_data(reason) if accept else None,
                progress=progress,
            )


def _ingest_once(
    settings: Settings,
    hospital: str,
    extract: Path | None,
    extracted: dt.date | None,
    *,
    check: bool,
    accepted: str | None,
    progress: Progress,
) -> IngestSummary:
    site, known = load_site(find_site(settings, hospital)), read_known(settings)
    answers = read_new_answers(settings, hospital, extract)
    confirmations = find_confirmations(settings, hospital, read_answers(settings, hospital, answers))
    candidate = choose_delivery(
        settings, site, extract, extracted, known.ingests, check=check, has_answers=answers.height > 0,
        confirmed=hash_confirmations(confirmations) + hash_withdrawals(known.withdrawn, hospital),
        lacks_persons=lacks_persons(settings, known, hospital),
    )  # fmt: skip
    hidden = tuple(list_hidden(extract or settings.extracts_dir / hospital))
    warning = find_warning(settings, site, known)
    if candidate is None:
        summary = _end_without_delivery(settings, site, known, answers, confirmations, check=check)
        return replace(summary, hidden=hidden, warning=warning)
    with record_refusal(settings, hospital, candidate, is_recorded=not check):
        if not check:
            check_permission(settings, site, known)
        progress("reading", "读取")
        delivery = _read(candidate, known)
        check_kind(settings, site, delivery.name, is_synthetic=delivery.is_synthetic)
        keys = read_keys(settings, known, is_synthetic=delivery.is_synthetic)
        base = _find_base(site, known, candidate, extract, accept=accepted is not None)
        progress("mapping", "映射")
        mapped, delivery, answers = _map_rows(delivery, site, answers, find_withdrawn(known, site, keys.key))
        progress("validating", "校验")
        day = _settle_day(site, candidate, mapped, delivery, extract)
        made = {name: texts.height for name, texts in mapped.records.items()}
        stopped = list_stopped(known, hospital)
        records, mapped, addition = _make_records(
            settings, site, base, mapped, delivery.name, day.day, keys.key, stopped
        )
        records = confirm_values(number_records(records), confirmations)
        validated, addition = _validate(site, records, mapped, addition, hashes_persons=keys.hashes_persons)
        validated, addition, held = _hold(settings, known, site, validated, addition)
        if accepted is None:
            _refuse_losses(made, validated, mapped, site, known, delivery.name, extract)
        version = Version(
            site, delivery, candidate, balance_accounts(mapped, validated, addition), mapped.landing, addition,
            find_left_out(_find_notices(settings, site, known, candidate, day.day, validated), mapped.row_accounts, held), accepted,
            keys,
        )  # fmt: skip
        summary = _summarise(version, day, mapped, validated, answers, made)
        summary = replace(summary, status="checked" if check else "loaded", hidden=hidden, warning=warning)
        if check:
            return summary
        progress("loading", "载入")
        frames = list_frames(version, mapped, validated)
        del validated
        ingest_id = load_version(settings, version, frames, known, answers)
        return replace(summary, ingest_id=ingest_id, warning=tell_last_without(settings, site))


def _hold(
    settings: Settings, known: Known, site: Site, validated: Validated, addition: Addition
) -> tuple[Validated, Addition, dict[str, pl.DataFrame]]:
    """Put to a version what the current one holds of patients who withdrew from further data, and return that too."""
    held = read_held(settings, known, site, validated.tables)
    return add_held(validated, held), replace(addition, n_carried=addition.n_carried + count_held(held)), held


def _validate(
    site: Site, records: dict[str, TypedRecords], mapped: Mapped, addition: Addition, *, hashes_persons: bool
) -> tuple[Validated, Addition]:
    """Judge a version; hashes of persons that were made for this delivery alone are forgotten afterwards."""
    every_new = site.lists_every_new_lesion
    validated = validate_delivery(records, mapped, site.tables, addition.findings, lists_every_new_lesion=every_new)
    return (validated, addition) if hashes_persons else forget_persons(validated, addition)


def _read(candidate: Candidate, known: Known) -> Delivery:
    """Read a delivery; what is read is what was hashed before.

    Raises:
        ChangedWhileReadError: a file of it changed meanwhile.
    """
    try:
        delivery = read_delivery(candidate.path)
    except DeliveryError:
        if candidate.path.exists():
            _check_unchanged(candidate, hash_delivery(candidate.path))
        raise
    _check_unchanged(candidate, delivery.content_hash)
    check_provenance(delivery, known)
    return delivery


def _check_unchanged(candidate: Candidate, content_hash: str) -> None:
    if content_hash != candidate.content_hash:
        raise ChangedWhileReadError(
            f"The delivery '{candidate.path}' changed while it was read: it is still being copied, or somebody saves it. Nothing was loaded. "
            "Wait until it lies there whole and run the command again.",
            f"提交内容“{candidate.path}”在读取期间发生变化：可能仍在复制，或正被保存。未载入任何数据。请等待其完整后重新运行。",
        )


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
    held: Sequence[str],
) -> tuple[dict[str, TypedRecords], Mapped, Addition]:
    """Return the typed records of the version, of an addition with what is carried over; the texts are gone by then, for they fill the memory."""
    if site.sends_additions:
        records, mapped, addition = add_to_base(settings, site, base, mapped, delivery, day, key, held)
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
    version: Version,
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
        base_ingest_id=version.addition.base_ingest_id, notices=tuple(notices.select("message_en", "message_zh").rows()), keys=version.keys,
    )  # fmt: skip


def _end_without_delivery(
    settings: Settings,
    site: Site,
    known: Known,
    answers: pl.DataFrame,
    confirmations: pl.DataFrame,
    *,
    check: bool,
) -> IngestSummary:
    """Store the answers, where any came, and keep the permission as it is stated now; there is no delivery to read."""
    if not check:
        keep_stated(settings, site.hospital, site.permission, known)
    n_taken = take_answers(settings, site.hospital, answers, known) if answers.height and not check else answers.height
    return IngestSummary(
        site.hospital, site.name_en, site.name_zh, "nothing new", answers=n_taken,
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
        known = read_known(settings)
        confirmed = hash_confirmations(find_confirmations(settings, site.hospital, answers))
        confirmed += hash_withdrawals(known.withdrawn, site.hospital)
        candidate = choose_delivery(settings, site, extract, None, known.ingests, check=True, confirmed=confirmed)
        return read_delivery(candidate.path) if candidate else None
    except RegistryError:
        return None


def _map_rows(
    delivery: Delivery, site: Site, answers: pl.DataFrame, withdrawn: Withdrawn
) -> tuple[Mapped, Delivery, pl.DataFrame]:
    """Return what mapping made, the delivery without its cells, and the answers: both without what names one of its patients."""
    mapped = map_delivery(delivery, site, withdrawn)
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
