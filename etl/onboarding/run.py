"""`make new-hospital`: scan a delivery, propose a mapping, write the worksheet; and taking the finished worksheet."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from etl.errors import UsageError, WorksheetError
from etl.extract import Delivery, read_delivery
from etl.onboarding.decisions import CODE, DECISIONS, Decision, list_proposals, print_decisions, read_decisions
from etl.onboarding.difference import find_difference
from etl.onboarding.draft import Draft, draft_mapping
from etl.onboarding.read_worksheet import hash_worksheet, read_worksheet
from etl.onboarding.site_files import add_to_site, describe_site, read_toml, replace_file, settle_sources, write_site
from etl.onboarding.weaknesses import list_doubts, list_weaknesses
from etl.onboarding.words import ASK
from etl.onboarding.worksheet import CHANGES, WORKSHEET, write_worksheet
from etl.pages.text import Text
from etl.settings import Settings, find_site, list_hospitals
from etl.site import load_site, normalise_code

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,31}$")


@dataclass(frozen=True)
class NewHospital:
    """What was proposed, and where the worksheet lies."""

    draft: Draft
    decisions: tuple[Decision, ...]
    worksheet: Path


def propose_hospital(settings: Settings, hospital: str, extract: Path | None) -> NewHospital:
    """Scan a delivery and write the proposed mapping with its worksheet; of a hospital that has a mapping, just the difference.

    Raises:
        UsageError: the hospital's name cannot be used, no delivery is named, or a worksheet waits to be filled in.
        DeliveryError: the delivery cannot be read.
    """
    folder = settings.workspace / "sites" / hospital
    _check_request(hospital, extract, folder)
    delivery = read_delivery(extract)  # type: ignore[arg-type]
    if hospital in list_hospitals(settings):
        return _propose_difference(find_site(settings, hospital), folder, delivery)
    draft = draft_mapping(delivery, hospital)
    decisions = list_proposals(draft)
    names = {"hospital": hospital, "name_en": hospital, "name_zh": hospital}
    temporary = folder.with_name(f".{hospital}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        write_site(temporary, describe_site(names, draft.sources), decisions)
        replace_file(temporary / DECISIONS, print_decisions(decisions))
        write_worksheet(draft, temporary / WORKSHEET)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return NewHospital(draft, tuple(decisions), folder / WORKSHEET)


def _propose_difference(known: Path, folder: Path, delivery: Delivery) -> NewHospital:
    """Write the worksheet of what a delivery has and the mapping in `known` lacks, into the workspace's own copy of it."""
    earlier = read_decisions(known)
    asked = frozenset((d.source, normalise_code(d.item)) for d in earlier if d.kind == CODE and d.decided == ASK)
    draft = find_difference(delivery, load_site(known), asked)
    decisions = list_proposals(draft)
    if not decisions:
        raise UsageError(
            f"The delivery '{delivery.name}' fits the mapping of {draft.hospital}: there is nothing to decide.",
            f"数据“{delivery.name}”与 {draft.hospital} 的映射一致，无需决定。",
        )
    if known != folder:
        shutil.copytree(known, folder)
    write_worksheet(draft, folder / CHANGES)
    replace_file(folder / DECISIONS, print_decisions([*earlier, *decisions]))
    return NewHospital(draft, tuple(decisions), folder / CHANGES)


def _check_request(hospital: str, extract: Path | None, folder: Path) -> None:
    if not _NAME.match(hospital):
        raise UsageError(
            f"'{hospital}' cannot name a hospital: use small letters, digits and _, such as HOSPITAL=nanfang.",
            f"“{hospital}”不能作为医院代号：请用小写字母、数字和下划线，如 HOSPITAL=nanfang。",
        )
    if extract is None:
        raise UsageError(
            f"Which delivery? Example: make new-hospital HOSPITAL={hospital} EXTRACT=path/to/workbook.xlsx",
            f"请指明数据文件。示例：make new-hospital HOSPITAL={hospital} EXTRACT=路径/工作簿.xlsx",
        )
    waiting = next((d for d in read_decisions(folder) if not d.worksheet), None)
    if waiting:
        path = folder / (CHANGES if (folder / CHANGES).exists() else WORKSHEET)
        raise UsageError(
            f"A worksheet of {hospital} waits to be filled in: '{path}'. Fill it in and run make ingest HOSPITAL={hospital}; to begin "
            f"anew, move the folder '{folder}' away first.",
            f"{hospital} 的对应表尚未填写：“{path}”。请填写后运行 make ingest HOSPITAL={hospital}；若要重新开始，请先移走文件夹“{folder}”。",
        )


def take_worksheet(folder: Path) -> list[Text] | None:
    """Make the mapping what its worksheet says, where that has changed; return what is weak about it, None where nothing changed.

    Raises:
        WorksheetError, OpenDecisionsError: the worksheet cannot be taken or is not finished; nothing is changed then.
    """
    decisions = read_decisions(folder)
    if (folder / CHANGES).exists():
        return _take_changes(folder, decisions)
    path = folder / WORKSHEET
    if not path.exists() or not decisions or hash_worksheet(path) in {d.worksheet for d in decisions}:
        return None
    _check_untouched(folder, decisions)
    filled = read_worksheet(path, decisions, _now())
    site = read_toml(folder)
    site |= {key: name for key, name in (("name_en", filled.name_en), ("name_zh", filled.name_zh)) if name}
    _replace_site(folder, lambda new: write_site(new, settle_sources(site, filled.decisions), filled.decisions))
    replace_file(folder / DECISIONS, print_decisions(filled.decisions))
    return list_weaknesses(filled.decisions)


def _take_changes(folder: Path, decisions: list[Decision]) -> list[Text]:
    """Take a worksheet of a difference: its lines are added to the mapping's files, and it is kept beside them."""
    path = folder / CHANGES
    filled = read_worksheet(path, [d for d in decisions if not d.worksheet], _now(), known=load_site(folder))
    _replace_site(folder, lambda new: add_to_site(folder, new, filled.decisions))
    replace_file(folder / DECISIONS, print_decisions([*(d for d in decisions if d.worksheet), *filled.decisions]))
    path.rename(path.with_name(f"{path.stem}_{hash_worksheet(path)[:8]}{path.suffix}"))
    return list_doubts(filled.decisions)


def _replace_site(folder: Path, write: Callable[[Path], None]) -> None:
    """Write a mapping aside, check it as an ingest would, and put it in place of the old one."""
    temporary = folder / ".taken" / folder.name
    shutil.rmtree(temporary.parent, ignore_errors=True)
    try:
        write(temporary)
        load_site(temporary)
        for file in temporary.iterdir():
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(temporary.parent, ignore_errors=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _check_untouched(folder: Path, decisions: list[Decision]) -> None:
    """Refuse a changed worksheet where the mapping's files were edited by hand since: one of the two would be lost."""
    expected = folder / ".expected"
    try:
        write_site(expected, read_toml(folder), decisions)
        names = [
            name
            for name in ("columns.csv", "codes.csv")
            if (expected / name).read_bytes() != (folder / name).read_bytes()
        ]
    except (OSError, tomllib.TOMLDecodeError):
        names = ["site.toml"]
    finally:
        shutil.rmtree(expected, ignore_errors=True)
    if names:
        raise WorksheetError(
            f"{', '.join(names)} in '{folder}' was edited by hand after the worksheet was written. Delete '{WORKSHEET}' to go on by hand, "
            "or put the old file back to go on with the worksheet.",
            f"“{folder}”中的 {'、'.join(names)} 在生成对应表之后被手工修改过。若继续手工维护，请删除“{WORKSHEET}”；若使用对应表，请恢复原文件。",
        )
