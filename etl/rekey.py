"""`registry rekey`: whatever bears a pseudonym or a hash of a person gets a new one, made from the old one by a secret that is appended.

No delivery is needed, and nothing else changes: what hangs on a patient or on a question hangs on it afterwards. All of it is one
transaction. The files of the keys hold the new secrets just before it is committed, and until it is nobody uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from etl.choose_delivery import hash_input
from etl.errors import DiffersError, UsageError
from etl.judging.between_hospitals import SAME_PATIENT_RULE
from etl.judging.findings import FINDING_IDENTITY, ID_LETTERS, name_finding
from etl.keys import Keys, Renewal, find_keys, plan_renewal
from etl.known_versions import Known, take_known
from etl.load import refresh
from etl.mapping.delivery_day import DeliveryDay
from etl.mapping.identity import renew, replace_distinct
from etl.mapping.records import PERSON_ID
from etl.pages.text import Text
from etl.quality.confirmations import hash_confirmations, read_confirmations
from etl.quality.former_ids import hash_former
from etl.settings import Settings
from etl.store.database import Warehouse
from etl.store.owed import REWRITING, note_owed
from etl.store.shape import declare_tables
from etl.store.trail import list_events, read_trail, record_event
from etl.store.warehouse import check_there, open_for_writing
from etl.verify_tables import check_tables
from etl.withdrawals import hash_withdrawals

PATIENT_ID, PATIENT_MARK, FINDING_ID, FORMER_ID = "patient_id", "patient_mark", "finding_id", "main.former_id"
_MOST_COPIES = 1000
"""Copies of one record of which one finding each is told; in practice there are a few."""
_MADE_ANEW = ("quality", "quality.lock")
"""What of the reports is written anew by the same command, or holds nothing."""
Renames = Mapping[str, Callable[[pl.Series], pl.Series]]
"""What becomes of the columns of each of these names, in whichever table they are."""


@dataclass(frozen=True)
class Rekeyed:
    """What was made anew: the number of patients, and of persons where hashes of them are; where the keys lie; what still bears the old names.

    `persons` is None where the linkage key is not here: their hashes stay as they were.
    """

    n_patients: int
    n_persons: int | None
    files: tuple[Path, ...]
    old: tuple[str, ...]


def rekey(settings: Settings) -> Rekeyed:
    """Append a secret to the keys of a workspace and make every pseudonym, hash of a person and id of a finding anew.

    Raises:
        UsageError: nothing is loaded yet.
        IdentityError: a key is missing, unsafe or another.
        DiffersError: a table is not what was recorded of it, which would be hidden by stating it anew.
    """
    check_there(settings.warehouse_path)
    with open_for_writing(settings.warehouse_path) as warehouse:
        known = take_known(warehouse)
        if known.key_fingerprint is None:
            raise UsageError("Nothing has been loaded here yet.", "此处尚未载入任何数据。")
        is_synthetic = bool(known.is_synthetic)
        keys = find_keys(settings, known.key_fingerprint, known.linkage_fingerprint, is_synthetic=is_synthetic)
        renewal = plan_renewal(settings, keys, is_synthetic=is_synthetic)
        _refuse_changed(warehouse)
        old = tuple(_list_old(settings, warehouse))
        with warehouse.transaction():
            n_patients, n_persons = _renew_all(warehouse, renewal, keys)
            _record(warehouse, known, renewal, n_patients, n_persons)
            renewal.write_files()
    files = [keys.file, *([keys.linkage_file] if keys.hashes_persons else [])]
    return Rekeyed(n_patients, n_persons if keys.hashes_persons else None, tuple(files), old)


def _refuse_changed(warehouse: Warehouse) -> None:
    if told := list(check_tables(warehouse, read_trail(warehouse))):
        raise DiffersError(
            f"The database is not what the registry recorded of it, and new statements would hide that: {told[0].en} All of it: registry verify. "
            "Nothing was changed.",
            f"数据库与登记时的记录不符，重新登记会将其掩盖：{told[0].zh}全部差异请运行：registry verify。未作任何更改。",
        )


def _renew_all(warehouse: Warehouse, renewal: Renewal, keys: Keys) -> tuple[int, int]:
    """Rewrite every table that holds a name; return the numbers of patients and of persons."""
    confirmed = _hash_confirmed(warehouse)
    patients = _read_distinct(warehouse, "versions.patient", PATIENT_ID)
    persons = _read_distinct(warehouse, "versions.patient", PERSON_ID)
    ids = _rename_findings(warehouse, renewal)
    renames: Renames = {
        PATIENT_ID: lambda names: replace_distinct(names, lambda name: renew(name, renewal.pseudonyms)),
        PERSON_ID: lambda names: replace_distinct(names, lambda name: renew(name, renewal.persons)),
        PATIENT_MARK: lambda names: replace_distinct(names, lambda name: renew(name, renewal.pseudonyms)),
        FINDING_ID: lambda names: replace_distinct(names, lambda name: _rename_finding(name, ids, renewal)),
    }
    for table, columns in declare_tables().items():
        if renamed := [name for name in renames if name in columns]:
            _rewrite(warehouse, table, renamed, renames)
    former = [(hash_former(old, renewal.pseudonyms[-1]), new) for old, new in ids.items() if old != new]
    warehouse.append(FORMER_ID, pl.DataFrame(former, schema=declare_tables()[FORMER_ID], orient="row"))
    _restate_inputs(warehouse, confirmed)
    key, linkage = renewal.fingerprints
    warehouse.execute("update registry set key_fingerprint = ?, linkage_fingerprint = ?", [key, linkage])
    refresh(warehouse)
    return len(patients), len(persons)


def _rewrite(warehouse: Warehouse, table: str, renamed: list[str], renames: Renames) -> None:
    warehouse.rewrite(table, lambda records: records.with_columns(renames[name](records[name]) for name in renamed))


def _read_distinct(warehouse: Warehouse, table: str, column: str) -> list[str]:
    sql = f"select distinct {column} as name from {table} where {column} is not null order by name"  # noqa: S608 (names are ours)
    return warehouse.query(sql)["name"].to_list()


def _rename_findings(warehouse: Warehouse, renewal: Renewal) -> dict[str, str]:
    """Return the ids of all findings with those that they would have had under the new pseudonyms; without a patient an id stays.

    One of an earlier registry, made in another way, becomes a hash of itself: a redelivery would not have given it again either. The notes
    between hospitals are not kept once they no longer hold, but answers to them are.
    """
    identity = ", ".join(FINDING_IDENTITY)
    asked = warehouse.query(
        f"select distinct {FINDING_ID}, {identity} from versions.findings union select {FINDING_ID}, {identity} from cross_findings"  # noqa: S608
    )
    ids: dict[str, str] = {}
    for patient in _read_distinct(warehouse, "versions.patient", PATIENT_ID):
        place = ("patient", "", None, 0)
        ids[name_finding(SAME_PATIENT_RULE, patient, *place)] = name_finding(
            SAME_PATIENT_RULE, renew(patient, renewal.pseudonyms), *place
        )
    for old, rule, patient, *place in asked.iter_rows():
        if patient is None:
            ids.setdefault(old, old)
            continue
        copy = next((n for n in range(_MOST_COPIES) if name_finding(rule, patient, *place, n) == old), None)
        if copy is not None:
            ids[old] = name_finding(rule, renew(patient, renewal.pseudonyms), *place, copy)
        else:
            ids[old] = _hash_finding(old, renewal)
    return ids


def _rename_finding(name: str, ids: Mapping[str, str], renewal: Renewal) -> str:
    return ids[name] if name in ids else _hash_finding(name, renewal)


def _hash_finding(name: str, renewal: Renewal) -> str:
    return renew(name, renewal.pseudonyms)[:ID_LETTERS]


def _hash_confirmed(warehouse: Warehouse) -> dict[str, str]:
    """Return what tells the confirmations and withdrawals of each hospital apart: the hash of an input is over it too, and hangs on pseudonyms."""
    withdrawn = warehouse.query("select * from withdrawn")
    hospitals = warehouse.query("select distinct hospital from ingests order by hospital")["hospital"]
    sql = "select * from answers where hospital = ? order by answer_id"
    return {
        name: hash_confirmations(read_confirmations(warehouse, name, warehouse.query(sql, [name])))
        + hash_withdrawals(withdrawn, name)
        for name in hospitals
    }


def _restate_inputs(warehouse: Warehouse, before: Mapping[str, str]) -> None:
    """Let the hashes of inputs be those of the same confirmations under their new ids, so that the same delivery is nothing new.

    One that was not made of today's code and confirmations stays: its delivery is read again anyway.
    """
    now = _hash_confirmed(warehouse)
    for row in warehouse.query("select * from ingests").iter_rows(named=True):
        hospital, day = (
            row["hospital"],
            row["extract_day"] and DeliveryDay(row["extract_day"], row["extract_day_origin"]),
        )
        made_of = (row["content_hash"], row["mapping_hash"], day)
        if before[hospital] != now[hospital] and row["input_hash"] == hash_input(*made_of, before[hospital]):
            restated = hash_input(*made_of, now[hospital])
            warehouse.execute("update ingests set input_hash = ? where ingest_id = ?", [restated, row["ingest_id"]])


def _record(warehouse: Warehouse, known: Known, renewal: Renewal, n_patients: int, n_persons: int) -> None:
    """Tell of it with what the tables held before: what they hold now is stated with every event."""
    columns = {PATIENT_ID, PATIENT_MARK, PERSON_ID, FINDING_ID}
    stated = read_trail(warehouse).stated
    before = {
        table: stated[table] for table, own in declare_tables().items() if columns & own.keys() and table in stated
    }
    record_event(
        warehouse, "rekey", rows_in=n_patients, rows_out=n_patients, n_persons=n_persons if renewal.persons else None,
        keys_before=list(known.made_with), keys_after=list(renewal.fingerprints), before=before,
    )  # fmt: skip
    for hospital in warehouse.query("select distinct hospital from ingests where is_current order by hospital")[
        "hospital"
    ]:
        note_owed(warehouse, hospital)
        note_owed(warehouse, hospital, REWRITING)  # what was replaced could still be read in the file
    warehouse.say_saved(Text(f"{n_patients} patients have new pseudonyms.", f"已更换 {n_patients} 名患者的假名。"))


def _list_old(settings: Settings, warehouse: Warehouse) -> Iterator[str]:
    """Yield what outside the database bears names of before: frozen sets, exports, backups, the files of analyses and copies of the database."""
    copies = settings.workspace.glob(f"{settings.warehouse_path.stem}_version*{settings.warehouse_path.suffix}")
    for folder in (*settings.frozen_dir.glob("*"), *settings.reports_dir.glob("*"), *copies):
        if folder.name not in _MADE_ANEW and not folder.name.startswith("."):
            yield str(folder)
    for event in list_events(warehouse):
        place = event["detail"].get("folder") or event["detail"].get("file")
        if event["kind"] in ("export", "backup") and place and Path(place).exists():
            yield str(place)
