"""What a workspace already holds, and whether a delivery may join it: provenance, pseudonym key, number of patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from etl.delivery.read import Delivery
from etl.errors import ProvenanceError, VolumeError
from etl.judging.validate import Validated
from etl.keys import Keys, begin_keys, find_keys, has_linkage_key, refuse_other_key
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
    linkage_fingerprint: str | None = None

    @property
    def made_with(self) -> tuple[str | None, str | None]:
        """Return what tells its keys from others, and from themselves after a `rekey`."""
        return self.key_fingerprint, self.linkage_fingerprint

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
    names = ("key_fingerprint", "is_synthetic", "linkage_fingerprint")
    made_with = registry.select(names).row(0, named=True) if registry.height else dict.fromkeys(names)
    return Known(ingests, **made_with, n_answers=n_answers, withdrawn=withdrawn, permitted=permitted)


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


def read_keys(settings: Settings, known: Known, *, is_synthetic: bool) -> Keys:
    """Return the keys that the workspace was made with, or those with which it is begun (IdentityError)."""
    if known.key_fingerprint is None:
        return begin_keys(settings, is_synthetic=is_synthetic)
    return find_keys(settings, known.key_fingerprint, known.linkage_fingerprint, is_synthetic=is_synthetic)


def check_keys(keys: Keys, known: Known) -> None:
    """Refuse another key than the one that the workspace was made with meanwhile (IdentityError)."""
    if known.key_fingerprint not in (None, keys.key.fingerprint):
        raise refuse_other_key(keys.file)


def lacks_persons(settings: Settings, known: Known, hospital: str) -> bool:
    """Whether a hospital's current version was loaded without hashes of persons, and the linkage key that makes them is here now."""
    if known.ingests.is_empty():
        return False
    current = known.ingests.filter((pl.col("hospital") == hospital) & pl.col("is_current"))
    is_unhashed = current["hashes_persons"].to_list() == [False]
    return is_unhashed and has_linkage_key(settings, is_synthetic=bool(known.is_synthetic))


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
