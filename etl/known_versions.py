"""What a workspace already holds, and whether a delivery may join it: provenance, pseudonym key, number of patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from etl.delivery.read import Delivery
from etl.errors import IdentityError, ProvenanceError, VolumeError
from etl.judging.validate import Validated
from etl.mapping.identity import PseudonymKey, read_key
from etl.mapping.site import Site
from etl.settings import Settings
from etl.store.database import Warehouse
from etl.store.permitted import Rows, list_permitted
from etl.store.warehouse import open_for_reading
from schemas.bookkeeping import WITHDRAWN
from schemas.column import read_dtypes

MINIMAL_SHARE_OF_LAST = 0.8


@dataclass(frozen=True)
class Known:
    """What the warehouse already holds: answers taken of each hospital, patients who withdrew, and what it has of each hospital's permission."""

    ingests: pl.DataFrame
    key_fingerprint: str | None
    is_synthetic: bool | None
    n_answers: Mapping[str, int] = field(default_factory=dict)
    withdrawn: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=read_dtypes(WITHDRAWN)))
    permitted: Rows = field(default_factory=dict)

    def tell_apart(self, hospital: str) -> tuple[object, ...]:
        """Return what differs as soon as any command has changed the hospital's versions, answers or withdrawals."""
        own = self.ingests.filter(pl.col("hospital") == hospital) if self.ingests.height else pl.DataFrame()
        standing = tuple(own.select("ingest_id", "is_current").sort("ingest_id").rows()) if own.height else ()
        withdrawn = self.withdrawn.filter(pl.col("hospital") == hospital).select("patient_mark", "kind")
        return standing, self.n_answers.get(hospital, 0), tuple(withdrawn.sort("patient_mark").rows())


def read_known(settings: Settings) -> Known:
    """Return the ingests of a workspace, and what key and what kind of patients it was made with."""
    if not settings.warehouse_path.exists():
        return Known(pl.DataFrame(), None, None)
    with open_for_reading(settings.warehouse_path) as warehouse:
        return take_known(warehouse)


def take_known(warehouse: Warehouse) -> Known:
    """Return the same of a warehouse that is open."""
    ingests = warehouse.query("select * from ingests order by ingest_id")
    registry = warehouse.query("select * from registry")
    counted = warehouse.query("select hospital, count(*) as n from answers group by hospital")
    n_answers, permitted = dict(counted.iter_rows()), list_permitted(warehouse)
    withdrawn = warehouse.query("select * from withdrawn order by patient_mark")
    made_with = registry.row(0, named=True) if registry.height else {"key_fingerprint": None, "is_synthetic": None}
    return Known(
        ingests,
        made_with["key_fingerprint"],
        made_with["is_synthetic"],
        n_answers,
        withdrawn=withdrawn,
        permitted=permitted,
    )


def check_provenance(delivery: Delivery, known: Known) -> None:
    """Refuse synthetic patients among real ones, and the other way round (ProvenanceError)."""
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


def read_checked_key(settings: Settings, known: Known) -> PseudonymKey:
    """Return the pseudonym key; refuse another than the one that the workspace was made with (IdentityError)."""
    key = read_key(settings.key_file, may_create=known.key_fingerprint is None)
    check_key(settings, key, known)
    return key


def check_key(settings: Settings, key: PseudonymKey, known: Known) -> None:
    """Refuse another key than the one that the workspace was made with (IdentityError)."""
    if known.key_fingerprint not in (None, key.fingerprint):
        raise IdentityError(
            f"The key in '{settings.key_file}' is not the one this workspace was loaded with; with another key every patient would "
            "become somebody else. Set REGISTRY_KEY_FILE to the right key. Nothing was loaded.",
            f"“{settings.key_file}”中的密钥与本工作区建库时所用的不同；换密钥会使所有患者变成他人。"
            "请用 REGISTRY_KEY_FILE 指明正确的密钥。未载入任何数据。",
        )


def check_volume(validated: Validated, site: Site, known: Known, confirmed: str) -> None:
    """Refuse a version with far fewer patients than the one before (VolumeError); `confirmed` is the command that loads it nevertheless."""
    if not known.ingests.height:
        return
    last = known.ingests.filter((pl.col("hospital") == site.hospital) & pl.col("is_current"))
    n_patients = validated.tables["patient"].height
    if last.height and n_patients < MINIMAL_SHARE_OF_LAST * last["patients"][0]:
        raise VolumeError(
            f"This delivery has {n_patients} patients, the last one had {last['patients'][0]}: more than 20 % fewer. Nothing was loaded. "
            f"If that is right: {confirmed}",
            f"本次提交有 {n_patients} 名患者，上次为 {last['patients'][0]} 名：减少超过 20%。未载入任何数据。"
            f"如确认无误：{confirmed}",
        )
