"""`make new-hospital`: scan a delivery, propose a mapping, write the worksheet; and taking the finished worksheet."""

from __future__ import annotations

import re
import shutil
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from etl.errors import UsageError, WorksheetError
from etl.extract import read_delivery
from etl.onboarding.decisions import DECISIONS, Decision, list_proposals, print_decisions, read_decisions
from etl.onboarding.draft import Draft, draft_mapping
from etl.onboarding.read_worksheet import hash_worksheet, read_worksheet
from etl.onboarding.site_files import describe_site, replace_file, settle_sources, write_site
from etl.onboarding.weaknesses import list_weaknesses
from etl.onboarding.worksheet import WORKSHEET, write_worksheet
from etl.pages.text import Text
from etl.settings import Settings, list_hospitals
from etl.site import load_site

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,31}$")


@dataclass(frozen=True)
class NewHospital:
    """What was proposed, and where the worksheet lies."""

    draft: Draft
    decisions: tuple[Decision, ...]
    worksheet: Path


def propose_hospital(settings: Settings, hospital: str, extract: Path | None) -> NewHospital:
    """Scan a delivery of a hospital that has no mapping and write the proposed one with its worksheet, or nothing at all.

    Raises:
        UsageError: the hospital's name cannot be used, has a mapping already, or no delivery is named.
        DeliveryError: the delivery cannot be read.
    """
    folder = settings.workspace / "sites" / hospital
    _check_name(settings, hospital, folder)
    if extract is None:
        raise UsageError(
            f"Which delivery? Example: make new-hospital HOSPITAL={hospital} EXTRACT=path/to/workbook.xlsx",
            f"请指明数据文件。示例：make new-hospital HOSPITAL={hospital} EXTRACT=路径/工作簿.xlsx",
        )
    draft = draft_mapping(read_delivery(extract), hospital)
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


def _check_name(settings: Settings, hospital: str, folder: Path) -> None:
    if not _NAME.match(hospital):
        raise UsageError(
            f"'{hospital}' cannot name a hospital: use small letters, digits and _, such as HOSPITAL=nanfang.",
            f"“{hospital}”不能作为医院代号：请用小写字母、数字和下划线，如 HOSPITAL=nanfang。",
        )
    if folder.exists() or hospital in list_hospitals(settings):
        raise UsageError(
            f"{hospital} has a mapping already. Fill in its worksheet and run make ingest HOSPITAL={hospital}; to begin anew, move "
            f"the folder '{folder}' away first.",
            f"{hospital} 已有映射。请填写其对应表并运行 make ingest HOSPITAL={hospital}；若要重新开始，请先移走文件夹“{folder}”。",
        )


def take_worksheet(folder: Path) -> list[Text] | None:
    """Make the mapping what its worksheet says, where that has changed; return what is weak about it, None where nothing changed.

    Raises:
        WorksheetError, OpenDecisionsError: the worksheet cannot be taken or is not finished; nothing is changed then.
    """
    path, proposals = folder / WORKSHEET, read_decisions(folder)
    if not path.exists() or not proposals or all(d.worksheet == hash_worksheet(path) for d in proposals):
        return None
    _check_untouched(folder, proposals)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    filled = read_worksheet(path, proposals, now)
    site = tomllib.loads((folder / "site.toml").read_text(encoding="utf-8"))
    site |= {key: name for key, name in (("name_en", filled.name_en), ("name_zh", filled.name_zh)) if name}
    temporary = folder / ".taken" / folder.name
    shutil.rmtree(temporary.parent, ignore_errors=True)
    try:
        write_site(temporary, settle_sources(site, filled.decisions), filled.decisions)
        load_site(temporary)
        for file in temporary.iterdir():
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(temporary.parent, ignore_errors=True)
    replace_file(folder / DECISIONS, print_decisions(filled.decisions))
    return list_weaknesses(filled.decisions)


def _check_untouched(folder: Path, decisions: list[Decision]) -> None:
    """Refuse a changed worksheet where the mapping's files were edited by hand since: one of the two would be lost."""
    expected = folder / ".expected"
    try:
        site = tomllib.loads((folder / "site.toml").read_text(encoding="utf-8"))
        write_site(expected, site, decisions)
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
