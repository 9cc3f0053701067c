"""Patients who withdrew: what an ingest must know of them, and how a withdrawal is noted, carried out and taken back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import polars as pl

from etl.errors import UsageError
from etl.judging.held import HELD_FRAMES
from etl.known_versions import Known, read_keys, read_known
from etl.load import refresh
from etl.mapping.identity import PseudonymKey
from etl.mapping.patient_numbers import read_marks, read_patient_ids
from etl.mapping.site import Site
from etl.mapping.withdrawn import Withdrawn
from etl.pages.text import Text
from etl.quality.continuity import ERASED
from etl.settings import Settings, find_site
from etl.store.database import Warehouse
from etl.store.erase import Erased, erase_patient, list_held, look_before_erasing
from etl.store.owed import REWRITING, note_owed
from etl.store.trail import record_event
from etl.store.warehouse import check_there, open_for_reading, open_for_writing
from schemas.bookkeeping import NOTICES, OWNER, WITHDRAWN
from schemas.column import read_dtypes

Kind = Literal["stop", "erase"]
STOP, ERASE = "stop", "erase"


@dataclass(frozen=True)
class Outcome:
    """What became of one number: its place among those that were given, what was taken out, and other hospitals that hold the same person."""

    place: int
    erased: Erased | None
    ingests: tuple[int, ...]
    elsewhere: tuple[str, ...]


def find_withdrawn(known: Known, site: Site, key: PseudonymKey) -> Withdrawn:
    """Return the patients of a hospital of whom an ingest takes nothing."""
    return Withdrawn(frozenset(_list_own(known.withdrawn, site.hospital)["patient_mark"]), site.hospital, key)


def hash_withdrawals(withdrawn: pl.DataFrame, hospital: str) -> str:
    """Return what tells two states of a hospital's withdrawals (`WITHDRAWN`) apart; empty where there are none."""
    lines = [
        " ".join(row)
        for row in _list_own(withdrawn, hospital).select("patient_mark", "kind").sort("patient_mark").rows()
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


def list_stopped(known: Known, hospital: str) -> list[str]:
    """Return the patients of a hospital of whom no further data are taken."""
    return _list_own(known.withdrawn, hospital).filter(kind=STOP)["patient_id"].drop_nulls().to_list()


def read_held(settings: Settings, known: Known, site: Site, now: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return what the current version holds of patients of whom no further data are taken (`HELD_FRAMES`); nothing where there are none.

    Of a hospital that sends additions also of those of whom data are taken again, until a delivery has them: their texts are not
    carried over. `now` are the tables of the new version.
    """
    stopped = list_stopped(known, site.hospital)
    if not (stopped or (site.sends_additions and settings.warehouse_path.exists())):
        return {}
    with open_for_reading(settings.warehouse_path) as warehouse:
        ids = [*stopped, *(_list_untold(warehouse, site.hospital, now) if site.sends_additions else ())]
        if not ids:
            return {}
        return {
            name: warehouse.query(
                f"select * from core.{name} where hospital = ? and list_contains(?, patient_id)",  # noqa: S608 (names are ours)
                [site.hospital, ids],
            )
            for name in HELD_FRAMES
        }


def _list_untold(warehouse: Warehouse, hospital: str, now: Mapping[str, pl.DataFrame]) -> list[str]:
    """Return the patients of a current version of additions who have records and no texts of them, and are not in the new version."""
    kept = "select patient_id from landing.kept_record inner join ingests using (ingest_id) where is_current and ingests.hospital = $1"
    sql = f"select distinct patient_id from core.patient where hospital = $1 and exists ({kept}) and patient_id not in ({kept}) order by all"  # noqa: S608
    present = {patient_id for frame in now.values() for patient_id in frame["patient_id"]}
    return [one for one in warehouse.query(sql, [hospital])["patient_id"] if one not in present]


def _list_own(withdrawn: pl.DataFrame, hospital: str) -> pl.DataFrame:
    return withdrawn.filter(pl.col("hospital") == hospital)


def withdraw(
    settings: Settings, hospital: str, numbers: Sequence[str], kind: Kind, *, may_be_unknown: bool, reason: str
) -> list[Outcome]:
    """Note that patients of a hospital withdrew, by the numbers under which it sends them; with `erase` nothing of them is kept.

    All of them or none. Of `stop` what was loaded stays, and is part of every later version as it stands now.

    Raises:
        UsageError: a number is no patient's of any version (and that was not said to be right), or is noted already.
        IdentityError: the key is not the one of this workspace.
    """
    find_site(settings, hospital)
    key = _read_key(settings)
    texts = pl.Series(numbers, dtype=pl.String)
    marks, ids = read_marks(texts, key, hospital), read_patient_ids(texts, key, hospital)
    with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
        _check(warehouse, hospital, marks, ids, kind, may_be_unknown=may_be_unknown)
        if kind == ERASE:
            look_before_erasing(warehouse, hospital, ids)
        told = [
            _withdraw_one(warehouse, hospital, place, mark, patient_id, kind)
            for place, (mark, patient_id) in enumerate(zip(marks, ids, strict=True), 1)
        ]
        refresh(warehouse)
        note_owed(warehouse, hospital)
        if kind == ERASE:
            note_owed(warehouse, hospital, REWRITING)
        _tell(warehouse, hospital, kind, told, reason)
    return told


def _read_key(settings: Settings) -> PseudonymKey:
    """Return the key that the workspace was made with."""
    check_there(settings.warehouse_path)
    known = read_known(settings)
    if known.key_fingerprint is None:
        raise UsageError("Nothing has been loaded here yet.", "此处尚未载入任何数据。")
    return read_keys(settings, known, is_synthetic=bool(known.is_synthetic)).key


def _check(
    warehouse: Warehouse, hospital: str, marks: pl.Series, ids: pl.Series, kind: Kind, *, may_be_unknown: bool
) -> None:
    """Refuse what cannot be meant, naming a number by its place alone."""
    noted = dict(warehouse.query("select patient_mark, kind from withdrawn where hospital = ?", [hospital]).iter_rows())
    for place, (mark, patient_id) in enumerate(zip(marks, ids, strict=True), 1):
        if mark is None:
            raise UsageError(
                f"No. {place}: this is no patient's number. Nothing was changed.",
                f"第 {place} 个：不是患者编号。未作任何更改。",
            )
        if noted.get(mark) in (kind, ERASE):
            raise UsageError(
                f"No. {place}: that this patient withdrew is noted already ({noted[mark]}). Nothing was changed.",
                f"第 {place} 个：该患者的撤回已登记（{noted[mark]}）。未作任何更改。",
            )
        if not (may_be_unknown or list_held(warehouse, hospital, patient_id)):
            raise UsageError(
                f"No. {place}: no version of {hospital} holds a patient of this number. Is it written as the hospital sends it, with its leading zeros? "
                "Nothing was changed. For a patient who is to be left out of deliveries that are still to come, add --not-loaded.",
                f"第 {place} 个：{hospital} 的各版本中没有该编号的患者。请核对写法是否与医院提交的一致（包括前导零）。未作任何更改。"
                "若要将该患者排除在今后的提交之外，请加 --not-loaded。",
            )


def _withdraw_one(warehouse: Warehouse, hospital: str, place: int, mark: str, patient_id: str, kind: Kind) -> Outcome:
    elsewhere = _find_elsewhere(warehouse, hospital, patient_id)
    ingests = tuple(list_held(warehouse, hospital, patient_id))
    erased = erase_patient(warehouse, hospital, patient_id) if kind == ERASE else None
    for ingest_id in ingests if erased else ():
        _note_erased(warehouse, hospital, ingest_id)
    warehouse.execute("delete from withdrawn where hospital = ? and patient_mark = ?", [hospital, mark])
    current = warehouse.query("select ingest_id from ingests where hospital = ? and is_current", [hospital])[
        "ingest_id"
    ]
    line = {
        "hospital": hospital, "patient_mark": mark, "kind": kind, "patient_id": None if erased else patient_id,
        "ingest_id": current[0] if len(current) else None, "withdrawn_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    warehouse.append("main.withdrawn", pl.DataFrame([line], schema=read_dtypes(WITHDRAWN)))
    return Outcome(place, erased, ingests, elsewhere)


def _find_elsewhere(warehouse: Warehouse, hospital: str, patient_id: str) -> tuple[str, ...]:
    """Return the other hospitals whose current versions hold the same person, as far as a national id tells."""
    sql = (
        "select distinct other.hospital from versions.patient as own inner join versions.patient as other on own.person_id = other.person_id "
        "where own.patient_id = ? and own.hospital = ? and other.hospital <> own.hospital order by all"
    )
    return tuple(warehouse.query(sql, [patient_id, hospital])["hospital"])


def _note_erased(warehouse: Warehouse, hospital: str, ingest_id: int) -> None:
    """Say beside a version that patients of it were erased: its accounts are those of the load."""
    own = warehouse.query("select delivery, patients_erased from ingests where ingest_id = ?", [ingest_id])
    n = int(own["patients_erased"][0])
    warehouse.delete_records("versions.notices", str(ingest_id), "kind = $2", [ERASED])
    line = {
        "kind": ERASED, "n": n,
        "message_en": f"{n} patients who withdrew were erased from this version since it was loaded; rows, cells and records are counted as of the load.",
        "message_zh": f"本版本载入后已删除 {n} 名撤回同意的患者；行、单元格和记录数为载入时的数目。",
        "ingest_id": ingest_id, "hospital": hospital, "delivery": own["delivery"][0],
    }  # fmt: skip
    warehouse.state_anew("versions.notices", str(ingest_id))
    warehouse.append("versions.notices", pl.DataFrame([line], schema=read_dtypes({**NOTICES, **OWNER})))


def _tell(warehouse: Warehouse, hospital: str, kind: Kind, told: Sequence[Outcome], reason: str) -> None:
    erased = [one.erased for one in told if one.erased]
    record_event(
        warehouse, "withdrawal", hospital=hospital, reason=reason or None, of=kind, patients=len(told),
        rows_out=sum(one.n_records for one in erased) if erased else None,
        ingests=sorted({number for one in told for number in one.ingests}),
    )  # fmt: skip
    n = len(told)
    warehouse.say_saved(
        Text(f"{hospital}: the withdrawal of {n} patients is noted.", f"{hospital}：已登记 {n} 名患者的撤回。")
    )


def take_back(settings: Settings, hospital: str, numbers: Sequence[str], *, reason: str) -> int:
    """Take back that patients withdrew: the next ingest reads them again; what was erased comes back only with a delivery.

    Raises:
        UsageError: of a number nothing is noted.
    """
    find_site(settings, hospital)
    key = _read_key(settings)
    marks = read_marks(pl.Series(numbers, dtype=pl.String), key, hospital)
    with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
        noted = warehouse.query("select patient_mark from withdrawn where hospital = ?", [hospital])["patient_mark"]
        for place, mark in enumerate(marks, 1):
            if mark is None or mark not in set(noted):
                raise UsageError(
                    f"No. {place}: no withdrawal of this patient of {hospital} is noted. Nothing was changed.",
                    f"第 {place} 个：{hospital} 没有该患者的撤回登记。未作任何更改。",
                )
            warehouse.execute("delete from withdrawn where hospital = ? and patient_mark = ?", [hospital, mark])
        note_owed(warehouse, hospital)
        record_event(warehouse, "withdrawal_undone", hospital=hospital, reason=reason or None, patients=len(marks))
    return len(marks)


def read_numbers(path: Path) -> list[str]:
    """Return the patient numbers of a text file, one a line.

    Raises:
        UsageError: there is no such file, it is no text, or there is none in it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            f"'{path}' cannot be read as a text file (UTF-8) with one patient number a line.",
            f"无法将“{path}”读作每行一个患者编号的文本文件（UTF-8）。",
        ) from None
    if not (numbers := list(dict.fromkeys(line.strip() for line in lines if line.strip()))):
        raise UsageError(f"'{path}' holds no patient number.", f"“{path}”中没有患者编号。")
    return numbers
