"""A delivery that is an addition: what its version is built on, and what of that is carried over.

docs/mapping.md says how a hospital tells that it sends additions; `etl/mapping/kept.py` what is kept of a record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace

import polars as pl

from etl.errors import DeliveryError, VolumeError
from etl.judging.findings import is_of_no_record
from etl.mapping.identity import PseudonymKey
from etl.mapping.kept import (
    ROW_OF_DELIVERY,
    SCHEMA,
    add_kept,
    carry_over,
    keep_records,
    leave_out_untold,
    list_rows,
    list_sent,
)
from etl.mapping.records import TypedRecords, type_delivery
from etl.mapping.site import Site
from etl.mapping.verbs import Mapped
from etl.settings import Settings
from etl.store.history import list_standing
from etl.store.warehouse import open_for_reading
from etl.suggestions import suggest_command
from schemas.bookkeeping import FINDINGS
from schemas.column import read_dtypes


@dataclass(frozen=True)
class Addition:
    """What an addition adds to: the version before, its records that stay and the number of those that are replaced.

    `kept` are all records of the new version as texts, `findings` those about cells of carried rows that belong to no record.
    `base_ingest_id` is None where nothing was loaded before.
    """

    base_ingest_id: int | None
    n_carried: int
    n_replaced: int
    kept: pl.DataFrame
    findings: pl.DataFrame


NO_ADDITION = Addition(
    None, 0, 0, pl.DataFrame(schema=SCHEMA), pl.DataFrame(schema={**read_dtypes(FINDINGS), "delivery": pl.String})
)


def find_base(ingests: pl.DataFrame, site: Site, content_hash: str, *, accept: bool, again: str) -> int | None:
    """Return the ingest that a delivery is added to; None where there is none.

    The same delivery read again is added to what it was added to before. `again` is the command to repeat.

    Raises:
        VolumeError: the delivery is already a part of the current version; loaded again it would put old values over newer ones.
    """
    own = ingests.filter(pl.col("hospital") == site.hospital) if ingests.height else ingests
    current = own.filter("is_current") if own.height else own
    if current.is_empty():
        return None
    if current["content_hash"][0] == content_hash:
        return current["base_ingest_id"][0]
    earlier = list_standing(own).filter(content_hash=content_hash)
    if earlier.height and not accept:
        number, name = earlier.select("ingest_id", "delivery").row(-1)
        raise VolumeError(
            f"This delivery was added before, as ingest {number} ('{name}'). Added again, its records would replace newer ones. Nothing was "
            f"loaded. If that is meant: {again}",
            f"该数据此前已作为第 {number} 次入库（“{name}”）并入。再次并入会以旧记录替换较新的记录。未载入任何数据。如确需如此：{again}",
        )
    return int(current["ingest_id"][0])


def add_to_base(
    settings: Settings,
    site: Site,
    base: int | None,
    mapped: Mapped,
    delivery: str,
    day: dt.date,
    key: PseudonymKey,
    held: Collection[str] = (),
) -> tuple[dict[str, TypedRecords], Mapped, Addition]:
    """Return the records of the whole version: those of the delivery, and those of the version before that it does not replace.

    `day` is the last that the delivery can tell of; `held` are patients whose records come from elsewhere (`etl/judging/held.py`).

    Raises:
        DeliveryError: of the version before no texts were kept, since it was loaded as a full delivery.
    """
    if base is None:
        records = type_delivery(mapped, site, delivery, day, key)
        kept = keep_records(records, mapped, delivery, day)
        return records, mapped, replace(NO_ADDITION, kept=kept)
    before, findings = _read_base(settings, site, base)
    before = before.filter(~pl.col("patient_id").is_in(sorted(held)).fill_null(value=False))
    sent = list_sent(mapped, site, key)
    mapped = leave_out_untold(mapped, sent, before, site, key)
    records = type_delivery(mapped, site, delivery, day, key)
    carried = carry_over(before, sent)
    kept = pl.concat([keep_records(records, mapped, delivery, day), carried])
    whole, mapped = add_kept(records, mapped, carried, site)
    replaced = before.height - carried.height
    return whole, mapped, Addition(base, carried.height, replaced, kept, _carry_findings(findings, before, carried))


def _carry_findings(findings: pl.DataFrame, before: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """Return the findings about cells of no record that still hold: all but those of rows whose records are all replaced.

    A row of which nothing was ever loaded tells nobody whose it is: what was asked about it stays asked.
    """
    gone = list_rows(before).join(list_rows(carried), on=ROW_OF_DELIVERY, how="anti", nulls_equal=True)
    return findings.join(gone, on=ROW_OF_DELIVERY, how="anti", nulls_equal=True, maintain_order="left")


def _read_base(settings: Settings, site: Site, base: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    with open_for_reading(settings.warehouse_path) as warehouse:
        kept = warehouse.query("select * from landing.kept_record where ingest_id = ?", [base]).select(*SCHEMA)
        ingest = warehouse.query(
            "select delivery, records_made from ingests where ingest_id = ?",
            [base],
        )
        findings = warehouse.query("select * from versions.findings where ingest_id = ?", [base])
    if kept.is_empty() and ingest["records_made"][0]:  # of an addition only who withdrew has no texts
        again = suggest_command("ingest", site.hospital, extract=None)
        raise DeliveryError(
            f"The version that this delivery is to be added to ('{ingest['delivery'][0]}') was loaded as a full delivery, and its records cannot "
            f"be carried over. Nothing was loaded. Read that delivery again first, which takes it as the first of the additions: {again}",
            f"本次数据要并入的版本（“{ingest['delivery'][0]}”）是按完整提交载入的，其记录无法沿用。未载入任何数据。请先重新读取那次数据，作为第一次增量：{again}",
        )
    return kept, findings.filter(is_of_no_record()).select(*NO_ADDITION.findings.columns)
