"""`make new-hospital`: scan a delivery, propose a mapping or its change, and write the worksheet."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from etl.delivery.read import Delivery, read_delivery
from etl.errors import UsageError
from etl.kept_files import keep_file
from etl.mapping.read_site import load_site
from etl.mapping.site import normalise_code
from etl.onboarding.decisions import CODE, DECISIONS, Decision, list_proposals, print_decisions, read_decisions
from etl.onboarding.difference import find_difference
from etl.onboarding.kept import replace_filled
from etl.onboarding.proposing.draft import Draft, draft_mapping
from etl.onboarding.proposing.privacy import hide_people
from etl.onboarding.proposing.words import ASK, VALUE
from etl.onboarding.site_files import describe_site, replace_file, write_site
from etl.onboarding.worksheet.entries import Written, names_other_headers, read_written
from etl.onboarding.worksheet.form import CHANGES, SHEETS, WORKSHEET
from etl.onboarding.worksheet.write import write_worksheet
from etl.pages.cells import escape_hidden
from etl.settings import HOSPITAL_NAME, Settings, find_site, list_hospitals
from etl.suggestions import suggest_command
from etl.whole_files import name_scratch, swap_folder


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
    _check_request(hospital, extract)
    written = _read_waiting(folder, hospital)
    delivery = read_delivery(extract)  # type: ignore[arg-type]
    if written is None and hospital in list_hospitals(settings):
        return _propose_difference(find_site(settings, hospital), folder, delivery)
    return _propose_whole(hospital, folder, delivery, written or Written())


def _propose_whole(hospital: str, folder: Path, delivery: Delivery, written: Written) -> NewHospital:
    """Write a proposed mapping and its worksheet, with what a person wrote into an earlier one, which is kept beside it."""
    draft = hide_people(draft_mapping(delivery, hospital, written.header_rows))
    decisions = list_proposals(draft)
    names = {"hospital": hospital, "name_en": hospital, "name_zh": hospital}
    temporary = name_scratch(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        write_site(temporary, describe_site(names, draft.sources, is_synthetic=draft.is_synthetic), decisions)
        replace_file(temporary / DECISIONS, print_decisions(decisions))
        write_worksheet(draft, temporary / WORKSHEET, written)
        _put_in_place(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return NewHospital(draft, tuple(decisions), folder / WORKSHEET)


def _put_in_place(new: Path, folder: Path) -> None:
    """Let a new mapping's folder appear as a whole; into one that is there its files go one by one, and those that differ are kept."""
    if not folder.exists():
        swap_folder(new, folder)
        return
    if (folder / WORKSHEET).exists():
        keep_file(folder / WORKSHEET, folder)
    for file in sorted(new.iterdir()):
        replace_filled(file, folder / file.name)


def _propose_difference(known: Path, folder: Path, delivery: Delivery) -> NewHospital:
    """Write the worksheet of what a delivery has and the mapping in `known` lacks, into the workspace's own copy of it."""
    earlier = read_decisions(known)
    asked = frozenset(
        (d.source, normalise_code(d.item)) for d in earlier if d.kind == CODE and d.decided in (ASK, VALUE)
    )
    draft = hide_people(find_difference(delivery, load_site(known), asked, lambda *_: (known / WORKSHEET).exists()))
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


def _check_request(hospital: str, extract: Path | None) -> None:
    example = suggest_command(
        "new-hospital",
        hospital if HOSPITAL_NAME.fullmatch(hospital) else "nanfang",
        extract=extract or Path("path/to/workbook.xlsx"),
    )
    if not HOSPITAL_NAME.fullmatch(hospital):
        raise UsageError(
            f"'{escape_hidden(hospital)}' cannot name a hospital: use small letters, digits and _, not more than 32. Example: {example}",
            f"“{escape_hidden(hospital)}”不能作为医院代号：请用小写字母、数字和下划线，不超过 32 个字符。示例：{example}",
        )
    if extract is None:
        raise UsageError(f"Which delivery? Example: {example}", f"请指明数据文件。示例：{example}")


def _read_waiting(folder: Path, hospital: str) -> Written | None:
    """Return what a worksheet that waits holds, where it names other header rows than it was written with; None where none waits."""
    decisions = read_decisions(folder)
    if all(d.worksheet for d in decisions):
        return None
    path = folder / (CHANGES if (folder / CHANGES).exists() else WORKSHEET)
    if path.name == WORKSHEET and path.exists():
        written = read_written(path, decisions)
        if names_other_headers(written, decisions):
            return written
    following = suggest_command("ingest", hospital)
    raise UsageError(
        f"A worksheet of {hospital} waits to be filled in: '{path}'. Fill it in and run: {following}\nWhere the header of a "
        f"sheet was not found rightly, write its row's number as the decision on '{SHEETS}' and run this command again; to begin anew, "
        f"move the folder '{folder}' away first.",
        f"{hospital} 的对应表尚未填写：“{path}”。请填写后运行：{following}\n若某表的表头识别有误，请在“{SHEETS}”的“决定”列写上表头行号，"
        f"再次运行本命令；若要重新开始，请先移走文件夹“{folder}”。",
    )
