"""Takes a finished worksheet: the mapping becomes what it says, or nothing changes and each open or wrong cell is named."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from etl.delivery.read import Delivery
from etl.errors import DeliveryError, OpenDecisionsError, WorksheetError
from etl.mapping.read_site import load_site
from etl.mapping.site import Site, normalise_code
from etl.mapping.site_file import ADDITIONS, PERMISSION
from etl.onboarding.decisions import CODE, COLUMN, DECISIONS, Decision, print_decisions, propose_code, read_decisions
from etl.onboarding.difference import find_difference
from etl.onboarding.kept import replace_filled, set_aside
from etl.onboarding.proposing.codes import CodeDraft, draft_listed_codes
from etl.onboarding.proposing.draft import Draft
from etl.onboarding.proposing.privacy import hide_people
from etl.onboarding.proposing.words import list_meanings
from etl.onboarding.site_files import add_to_site, read_toml, replace_file, settle_sources, write_site
from etl.onboarding.weaknesses import list_doubts, list_weaknesses
from etl.onboarding.worksheet.form import CHANGES, WORKSHEET
from etl.onboarding.worksheet.permission_rows import add_permission
from etl.onboarding.worksheet.read import Filled, hash_worksheet, read_worksheet
from etl.onboarding.worksheet.write import write_worksheet
from etl.pages.text import Text
from etl.whole_files import name_scratch

_FOLLOW_UP = "+"
"""Marks what a worksheet brought about without a row of its own: sure codes of columns that a person named."""


def take_worksheet(folder: Path, read_offered: Callable[[Site], Delivery | None] = lambda _: None) -> list[Text] | None:
    """Make the mapping what its worksheet says, where that has changed; return what is weak about it, None where nothing changed.

    `read_offered` reads the delivery that the mapping is about to be used for, None where there is none that can be read: its codes
    which the mapping does not know are asked about in a further worksheet.

    Raises:
        WorksheetError, OpenDecisionsError: the worksheet cannot be taken or is not finished; nothing is changed then.
        OpenDecisionsError: also where it was taken and the columns that a person named have codes that nobody knows.
    """
    decisions = read_decisions(folder)
    if (folder / CHANGES).exists():
        return _take_changes(folder, decisions, read_offered)
    path = folder / WORKSHEET
    if not path.exists() or not decisions or hash_worksheet(path) in {d.worksheet for d in decisions}:
        return None
    own = [d for d in decisions if d.worksheet == decisions[0].worksheet]
    _check_untouched(folder, decisions)
    filled = _add_sure_codes(read_worksheet(path, own, _now()))
    site = read_toml(folder)
    site |= {key: name for key, name in (("name_en", filled.name_en), ("name_zh", filled.name_zh)) if name}
    said = {"deliveries": ADDITIONS} if filled.deliveries == ADDITIONS else {}
    said |= {"lists_every_new_lesion": True} if filled.lists_every_new_lesion else {}
    site = {**said, **{k: v for k, v in site.items() if k not in ("deliveries", "lists_every_new_lesion")}}
    if permission := add_permission(site, filled.permission):
        site[PERMISSION] = permission
    _replace_site(folder, lambda new: write_site(new, settle_sources(site, filled.decisions), filled.decisions))
    _keep(folder, filled.decisions, filled, read_offered)
    return list_weaknesses(filled.decisions)


def _take_changes(
    folder: Path, decisions: list[Decision], read_offered: Callable[[Site], Delivery | None]
) -> list[Text]:
    """Take a worksheet of a difference: its lines are added to the mapping's files, and it is kept beside them."""
    path = folder / CHANGES
    pending = [d for d in decisions if not d.worksheet]
    filled = _add_sure_codes(read_worksheet(path, pending, _now(), known=load_site(folder)))
    _replace_site(folder, lambda new: add_to_site(folder, new, filled.decisions))
    set_aside(path)
    all_decisions = [*(d for d in decisions if d.worksheet), *filled.decisions]
    _keep(folder, all_decisions, filled, read_offered)
    # Of a mapping by hand nobody recorded which fields its columns give.
    return list_weaknesses(all_decisions) if (folder / WORKSHEET).exists() else list_doubts(filled.decisions)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _add_sure_codes(filled: Filled) -> Filled:
    """Add the codes of columns that a person named, as far as their meaning is sure."""
    last = filled.decisions[0]
    said = {(d.source, normalise_code(d.item)) for d in filled.decisions if d.kind == CODE}
    proposals = map(propose_code, _list_new_codes(filled.decisions))
    sure = [
        replace(d, decided_at=last.decided_at, worksheet=last.worksheet + _FOLLOW_UP)
        for d in proposals
        if d.decided and (d.source, normalise_code(d.item)) not in said
    ]
    return replace(filled, decisions=(*filled.decisions, *sure))


def _list_new_codes(decisions: Sequence[Decision]) -> list[CodeDraft]:
    """Return the codes of columns whose meaning a person told otherwise than proposed, each field's code once."""
    found: dict[tuple[str, str, str], CodeDraft] = {}
    for d in decisions:
        meaning = list_meanings().get(d.decided)
        if d.kind == COLUMN and d.codes and meaning and meaning.field and d.decided != d.proposed:
            named = replace(meaning, record=d.decided_record)
            for code in draft_listed_codes(d.source, d.item, json.loads(d.codes), named):
                found.setdefault((code.table, code.field, normalise_code(code.code)), code)
    return list(found.values())


def _keep(
    folder: Path, decisions: Sequence[Decision], filled: Filled, read_offered: Callable[[Site], Delivery | None]
) -> None:
    """Write the decisions down, and ask in a further worksheet what the codes mean that the mapping does not know yet.

    Those are the codes of newly named columns, and whatever else the offered delivery has.
    """
    site = load_site(folder)
    settled = frozenset((d.source, normalise_code(d.item)) for d in decisions if d.kind == CODE and d.decided)
    found = {_name_code(c): c for c in _list_new_codes(filled.decisions) if c.is_open}
    named = {(d.source, d.item) for d in filled.decisions if d.kind == COLUMN and d.decided != d.proposed}
    found |= {_name_code(c): c for c in _list_offered_codes(read_offered(site), site, settled, named)}
    unknown = {
        key: c
        for key, c in found.items()
        if key not in settled and key[1] not in site.codes.get((c.table, c.field), {})
    }
    last = filled.decisions[0]
    proposals = [(c, propose_code(c)) for c in unknown.values()]
    sure = [
        replace(d, decided_at=last.decided_at, worksheet=last.worksheet + _FOLLOW_UP) for _, d in proposals if d.decided
    ]
    if sure:
        _replace_site(folder, lambda new: add_to_site(folder, new, sure))
    codes = [c for c, d in proposals if not d.decided]
    replace_file(folder / DECISIONS, print_decisions([*decisions, *sure, *map(propose_code, codes)]))
    if not codes:
        return
    write_worksheet(
        Draft(site.hospital, site.name_en, is_synthetic=filled.is_synthetic, codes=tuple(codes)), folder / CHANGES
    )
    raise OpenDecisionsError(
        f"The worksheet was taken. {len(codes)} code(s) have no known meaning. Fill in '{folder / CHANGES}' and run the same command again.",
        f"对应表已采用。有 {len(codes)} 个编码含义未知。请填写“{folder / CHANGES}”，然后再次运行同一命令。",
    )


def _name_code(code: CodeDraft) -> tuple[str, str]:
    return f"{code.table}.{code.field}", normalise_code(code.code)


def _list_offered_codes(
    delivery: Delivery | None, site: Site, settled: frozenset[tuple[str, str]], named: Collection[tuple[str, str]]
) -> Sequence[CodeDraft]:
    """Return the codes of a delivery that the mapping does not know, without those that may be somebody's name.

    Of the columns that a person `named` (source, name) nobody has asked yet which words and numbers say nothing.
    """
    try:
        found = find_difference(delivery, site, settled, lambda *column: column in named) if delivery else None
        return hide_people(found).codes if found else ()
    except DeliveryError:
        return ()  # the ingest that follows says what is wrong with it


def _replace_site(folder: Path, write: Callable[[Path], None]) -> None:
    """Write a mapping aside, check it as an ingest would, and put it in place of the old one."""
    temporary = name_scratch(folder / "taken") / folder.name
    shutil.rmtree(temporary.parent, ignore_errors=True)
    try:
        write(temporary)
        load_site(temporary)
        for file in sorted(temporary.iterdir()):
            replace_filled(file, folder / file.name)
    finally:
        shutil.rmtree(temporary.parent, ignore_errors=True)


def _check_untouched(folder: Path, decisions: Sequence[Decision]) -> None:
    """Refuse a changed worksheet where the mapping's files were changed since: one of the two would be lost."""
    expected = name_scratch(folder / "expected")
    try:
        write_site(expected, read_toml(folder), decisions)
        files = ("columns.csv", "codes.csv")
        names = [name for name in files if (expected / name).read_bytes() != (folder / name).read_bytes()]
    except (OSError, tomllib.TOMLDecodeError):
        names = ["site.toml"]
    finally:
        shutil.rmtree(expected, ignore_errors=True)
    if names:
        raise WorksheetError(
            f"{', '.join(names)} in '{folder}' was edited by hand, or by a later worksheet, after '{WORKSHEET}' was taken. Delete '{WORKSHEET}' "
            "to go on by hand, or put the old file back to go on with the worksheet.",
            f"“{folder}”中的 {'、'.join(names)} 在采用“{WORKSHEET}”之后被手工或由后来的对应表修改过。若继续手工维护，请删除“{WORKSHEET}”；若使用该表，请恢复原文件。",
        )
