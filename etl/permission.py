"""Whether a delivery may be loaded today, by the permission that its hospital's mapping states, and what is kept and told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from etl.errors import NotPermittedError, ProvenanceError, StructureError, UsageError
from etl.known_versions import Known, read_known
from etl.mapping.delivery_day import find_today
from etl.mapping.permission import KEYS, KINDS, Kind, Permission, find_gap
from etl.mapping.site import Site
from etl.mapping.site_file import PERMISSION, read_site_file
from etl.onboarding.worksheet.form import PERMISSION_SHEET, WORKSHEET
from etl.pages.text import Text
from etl.settings import PACKAGE_SITES, Settings, find_site
from etl.store.permitted import keep_permitted, tell_permitted
from etl.store.trail import record_event
from etl.store.warehouse import open_for_writing
from etl.suggestions import suggest_command

WHAT_IT_MEANS = "docs/mapping.md#permission"


def is_last_without(permission: Permission, hospital: str, known: Known) -> bool:
    """Whether a hospital may load once more without a permission: its versions are from before the registry asked for one."""
    has_versions = known.ingests.height > 0 and hospital in set(known.ingests["hospital"])
    return not permission.is_stated and has_versions and hospital not in known.permitted


def find_warning(settings: Settings, site: Site, known: Known) -> Text | None:
    """Return what is to be said where a hospital's permission does not cover today; None where it does."""
    gap = find_gap(site.permission, find_today())
    if gap is None:
        return None
    asked = _tell_where(settings, site.hospital, gap.keys)
    if is_last_without(site.permission, site.hospital, known):
        return Text(
            f"The mapping of {site.hospital} {gap.reason.en}. One more delivery can be loaded without, since its data are from before the registry "
            f"asked for one; then none. {asked.en}",
            f"{site.hospital} 的映射{gap.reason.zh}。其数据载入于登记库要求注明许可之前，故仍可载入一次，此后不再载入。{asked.zh}",
        )
    return Text(
        f"The mapping of {site.hospital} {gap.reason.en}: no delivery is loaded. {asked.en}",
        f"{site.hospital} 的映射{gap.reason.zh}：不再载入数据。{asked.zh}",
    )


def tell_last_without(settings: Settings, site: Site) -> Text | None:
    """Return what is to be said once a delivery was loaded although the mapping states no permission; None where it does."""
    gap = find_gap(site.permission, find_today())
    if gap is None or site.permission.is_stated:  # it ended while the delivery was read
        return None
    asked = _tell_where(settings, site.hospital, gap.keys)
    return Text(
        f"The mapping of {site.hospital} {gap.reason.en}. This was the last delivery to be loaded without. {asked.en}",
        f"{site.hospital} 的映射{gap.reason.zh}。这是最后一次在未注明许可的情况下载入。{asked.zh}",
    )


def check_permission(settings: Settings, site: Site, known: Known) -> None:
    """Refuse to load a delivery today without a permission that covers today.

    Raises:
        NotPermittedError: the mapping states none, one that is not whole, not begun or ended.
    """
    warning = find_warning(settings, site, known)
    if warning is None or is_last_without(site.permission, site.hospital, known):
        return
    check = suggest_command("ingest", site.hospital, check=True)
    raise NotPermittedError(
        f"{warning.en} Nothing was loaded. All else goes on: checks ({check}), pages, revert, analyses.",
        f"{warning.zh}未载入任何数据。校验（{check}）、报告、恢复和分析照常进行。",
    )


def check_kind(settings: Settings, site: Site, delivery: str, *, is_synthetic: bool) -> None:
    """Refuse a delivery whose own marks say that its patients are invented where the permission is one for real ones, or the other way round.

    Raises:
        ProvenanceError: they contradict each other.
    """
    kind = site.permission.kind
    if kind is None or (kind is Kind.SYNTHETIC) == is_synthetic:
        return
    where = _tell_where(settings, site.hospital, ("kind",))
    stated = KINDS[kind]
    marks = (
        Text("is marked as synthetic", "带有合成数据标记")
        if is_synthetic
        else Text("has no mark of synthetic data", "没有合成数据标记")
    )
    raise ProvenanceError(
        f"The delivery '{delivery}' {marks.en}, and the mapping of {site.hospital} states as its permission: {stated.en}. One of the two is wrong. "
        f"Nothing was loaded. If it is the permission: {where.en}",
        f"提交内容“{delivery}”{marks.zh}，而 {site.hospital} 的映射所注明的许可为：{stated.zh}。两者必有一误。未载入任何数据。若许可有误：{where.zh}",
    )


def keep_stated(settings: Settings, hospital: str, permission: Permission, known: Known) -> None:
    """Keep a hospital's permission as its mapping states it now, where the database has loads of it and has another; nothing else is written."""
    has_versions = known.ingests.height > 0 and hospital in set(known.ingests["hospital"])
    kept = known.permitted.get(hospital)
    is_left = kept is None and not permission.is_stated  # its next load is still the last without
    if not has_versions or is_left or kept == {"hospital": hospital, **permission.to_row()}:
        return
    with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
        keep_permitted(warehouse, hospital, permission.to_row())
        record_event(warehouse, "permission", hospital=hospital, **tell_permitted(permission.to_row()))


def keep_all_stated(settings: Settings) -> None:
    """Keep every hospital's permission as its mapping states it now; of a mapping that is gone or being changed what was kept stays."""
    known = read_known(settings)
    for hospital in sorted(set(known.ingests["hospital"])) if known.ingests.height else []:
        if (permission := read_permission(settings, hospital)) is not None:
            keep_stated(settings, hospital, permission, known)


def tell_gaps(settings: Settings, hospitals: Iterable[str]) -> Iterator[Text]:
    """Yield, of the hospitals whose permission does not cover today, which and why."""
    for hospital in hospitals:
        permission = read_permission(settings, hospital)
        gap = find_gap(permission, find_today()) if permission is not None else None
        if gap is not None:
            asked = _tell_where(settings, hospital, gap.keys)
            yield Text(
                f"The mapping of {hospital} {gap.reason.en}. {asked.en}",
                f"{hospital} 的映射{gap.reason.zh}。{asked.zh}",
            )


def read_permission(settings: Settings, hospital: str) -> Permission | None:
    """Return the permission that a hospital's mapping states; None where the mapping is gone or being changed."""
    try:
        found, faults = read_site_file(find_site(settings, hospital) / "site.toml", hospital)
    except (OSError, StructureError, UsageError):
        return None
    return None if found is None or faults else found.permission


def _tell_where(settings: Settings, hospital: str, keys: tuple[str, ...]) -> Text:
    """Return in which file which keys are to be filled in."""
    folder = find_site(settings, hospital)
    named = ", ".join(keys)
    if keys == tuple(KEYS):
        alone = Text(" - of public data and synthetic patients kind alone", "；公开数据和合成患者只需 kind")
    else:
        alone = Text("", "")
    if folder.parent == PACKAGE_SITES:
        own = settings.workspace / "sites" / hospital
        return Text(
            f"Copy the folder '{folder}' to '{own}' and say there in site.toml, [{PERMISSION}]: {named}{alone.en} ({WHAT_IT_MEANS}).",
            f"请将文件夹“{folder}”复制为“{own}”，并在其 site.toml 的 [{PERMISSION}] 中填写：{named}{alone.zh}（{WHAT_IT_MEANS}）。",
        )
    sheet = _tell_sheet(folder)
    return Text(
        f"Fill in '{folder / 'site.toml'}', [{PERMISSION}]: {named}{alone.en} ({WHAT_IT_MEANS}){sheet.en}.",
        f"请填写“{folder / 'site.toml'}”的 [{PERMISSION}]：{named}{alone.zh}（{WHAT_IT_MEANS}）{sheet.zh}。",
    )


def _tell_sheet(folder: Path) -> Text:
    if not (folder / WORKSHEET).is_file():
        return Text("", "")
    return Text(
        f", or the sheet '{PERMISSION_SHEET}' of {WORKSHEET} beside it",
        f"，或其旁 {WORKSHEET} 的“{PERMISSION_SHEET}”表",
    )
