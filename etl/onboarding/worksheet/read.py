"""Reads a worksheet that a person filled in: each fault and each open decision with its cell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from etl.delivery.read import ROW, read_delivery
from etl.errors import OpenDecisionsError, RegistryError, WorksheetError
from etl.mapping.check_site import check_field
from etl.mapping.header_levels import name_header
from etl.mapping.site import EACH, SHARED, ColumnMap, Site, normalise_text, split_items
from etl.mapping.site_file import FULL
from etl.onboarding.decisions import CODE, COLUMN, HEADER_ROW, RECORDS, SHEET, Decision
from etl.onboarding.keys import describe_missing_key, find_missing_keys
from etl.onboarding.proposing.draft import ALL_ROWS
from etl.onboarding.proposing.words import NOT_NEEDED, NOT_SENT, PATIENT_NUMBER, list_meanings
from etl.onboarding.site_files import LAST_ROW, NO_RECORDS, ONE_RECORD
from etl.onboarding.worksheet.code_rows import decide_added_codes, decide_code, name_code_row
from etl.onboarding.worksheet.entries import find_header_row_named, is_other_header
from etl.onboarding.worksheet.form import (
    ASKED_ONCE,
    AUTHOR_ROWS,
    CODES,
    COLUMNS,
    DECIDED_BY,
    DECISION,
    DELIVERIES,
    EVERY_NEW_LESION,
    FIELD,
    LEFT_OUT,
    NAME_EN,
    NAME_ZH,
    NEW_LESIONS,
    NOTE,
    ONLY_ROWS,
    PLACE,
    README,
    RECORD,
    SHEET_CHOICES,
    SHEETS,
    SOURCE,
    UNIT,
)  # fmt: skip
from etl.onboarding.worksheet.form import CODE as CODE_LABEL
from etl.onboarding.worksheet.form import COLUMN as COLUMN_LABEL
from etl.onboarding.worksheet.permission_rows import Values, read_permission
from etl.onboarding.worksheet.row_choice import choose_rows
from etl.onboarding.worksheet.rows import Reading, Row, is_accepted, read_names, read_rows
from etl.onboarding.worksheet.unit_cell import find_unknown_unit_columns, read_unit
from etl.onboarding.worksheet.write import describe_meaning
from etl.pages.synthetic_marks import IN_WORKBOOKS
from etl.pages.text import Text
from schemas.tables import TABLES

_SHOWN = 15


@dataclass(frozen=True)
class Filled:
    """A worksheet as filled in: every decision, the hospital's names, whether it was made from invented patients.

    And what it says once: what the hospital's deliveries hold, and by what its data may be used.
    """

    decisions: tuple[Decision, ...]
    name_en: str
    name_zh: str
    is_synthetic: bool
    permission: Values
    deliveries: str = FULL
    lists_every_new_lesion: bool = False


def hash_worksheet(path: Path) -> str:
    """Return the beginning of the worksheet's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def read_worksheet(path: Path, proposals: Sequence[Decision], now: str, known: Site | None = None) -> Filled:
    """Return the decisions of a finished worksheet; `now` is written down as their time.

    `known` is the mapping that they are added to, where there is one: no field of it may be given twice.

    Raises:
        WorksheetError: cells that cannot be taken, each named, or a sheet that is not as it was written.
        OpenDecisionsError: decisions that are still to be made.
    """
    grids = {grid.sheet: grid for grid in read_delivery(path).grids}
    reading = Reading()
    names = read_names(grids, reading)
    said = {label: _read_choice(label, names[label.en], reading) for label in ASKED_ONCE}
    permission = read_permission(grids, reading)
    rows = {
        SHEET: list(read_rows(grids, SHEETS, (SOURCE, PLACE, DECISION, NOTE), (ONLY_ROWS, LEFT_OUT))),
        COLUMN: list(read_rows(grids, COLUMNS, (SOURCE, COLUMN_LABEL, DECISION, RECORD, UNIT, NOTE))),
        CODE: list(read_rows(grids, CODES, (FIELD, CODE_LABEL, DECISION))),
    }
    by, digest = names[DECIDED_BY.en], hash_worksheet(path)
    # Of a column that gave several fields before, each row is read against one proposal.
    single = {(d.kind, d.source, d.item): d for d in reversed(proposals)}
    proposals = [d for d in proposals if single[d.kind, d.source, d.item] is d]
    pairs = [pair for proposal in proposals for pair in _decide(proposal, rows[proposal.kind], by, reading)]
    pairs = [choose_rows(pair, proposals, by, reading) for pair in pairs]
    pairs += _decide_extra(proposals, known, rows[COLUMN], by, reading)
    pairs += decide_added_codes(proposals, known, rows[CODE], by, reading)
    pairs = _share_with_lists(pairs)
    find_unknown_unit_columns(pairs, known, reading)
    _find_rivals(pairs, known, reading)
    decided = [decision for decision, _ in pairs]
    _find_nameless(decided, rows[SHEET], reading)
    if not (reading.faults or reading.waiting):
        _find_keyless(pairs, known, reading)
    if reading.faults:
        raise _make_error(
            WorksheetError,
            reading.faults,
            path,
            Text("cannot be taken; these cells are wrong", "无法采用，下列单元格有误"),
        )
    if reading.waiting:
        raise _make_error(
            OpenDecisionsError,
            reading.waiting,
            path,
            Text(
                f"is not finished: {len(reading.waiting)} decision(s) are open",
                f"尚未完成：{len(reading.waiting)} 项待决定",
            ),
        )
    dated = [replace(d, decided_at=now, worksheet=digest) for d in decided]
    is_synthetic = any(
        grid.cells.select(pl.any_horizontal((pl.exclude(ROW) == IN_WORKBOOKS).any())).item() for grid in grids.values()
    )
    return Filled(
        tuple(dated), names[NAME_EN.en], names[NAME_ZH.en], is_synthetic, permission, said[DELIVERIES],
        lists_every_new_lesion=said[NEW_LESIONS] == EVERY_NEW_LESION,
    )  # fmt: skip


def _read_choice(label: Text, text: str, reading: Reading) -> str:
    """Return what the hospital says once, of all its deliveries; the first choice where nobody says anything."""
    choices = ASKED_ONCE[label]
    for kind, choice in choices.items():
        if normalise_text(text) in map(normalise_text, (kind, choice.en, choice.zh, f"{choice.zh} {choice.en}")):
            return kind
    if text:
        en, zh = ("; ".join(getattr(choice, lang) for choice in choices.values()) for lang in ("en", "zh"))
        place = f"{README}!B{AUTHOR_ROWS[label] + 1}"
        reading.blame(place, f"choose one of: {en}", f"请选择其一：{zh}")
    return next(iter(choices))


def _make_error(kind: type[RegistryError], items: Sequence[Text], path: Path, told: Text) -> RegistryError:
    more = len(items) - _SHOWN
    rest = Text(f"\n  ... and {more} more", f"\n  …… 另有 {more} 处") if more > 0 else Text("", "")
    shown = items[:_SHOWN]
    return kind(
        f"The worksheet '{path}' {told.en}:\n  " + "\n  ".join(t.en for t in shown) + rest.en,
        f"对应表“{path}”{told.zh}：\n  " + "\n  ".join(t.zh for t in shown) + rest.zh,
    )


def _decide(proposal: Decision, rows: Sequence[Row], by: str, reading: Reading) -> list[tuple[Decision, Row | None]]:
    """Return what was decided about a proposal with the row that says so; a column may give several fields, one row each."""
    about = [row for row in rows if _is_about(row, proposal)]
    if not about:
        if proposal.kind != SHEET or proposal.decided:
            reading.blame(
                proposal.kind,
                f"the row of '{proposal.item}' ({proposal.source}) is gone; put it back",
                f"缺少“{proposal.item}”（{proposal.source}）一行，请恢复",
            )
        return [(proposal, None)]
    decide = {SHEET: _decide_sheet, CODE: decide_code, COLUMN: _decide_column}[proposal.kind]
    return [(decide(proposal, row, by, reading), row) for row in (about if proposal.kind == COLUMN else about[:1])]


def _decide_extra(
    proposals: Sequence[Decision], known: Site | None, rows: Sequence[Row], by: str, reading: Reading
) -> list[tuple[Decision, Row | None]]:
    """Return the constants that a person added (`all rows: patient`); another row that no proposal knows is at fault."""
    proposed = {(d.source, normalise_text(d.item)) for d in proposals if d.kind == COLUMN}
    sources = {d.source for d in proposals if d.kind == SHEET} | ({s.name for s in known.sources} if known else set())
    extra = []
    for row in rows:
        source, item = row.texts[SOURCE.en], normalise_text(row.texts[COLUMN_LABEL.en])
        if (source, item) in proposed:
            continue
        if (
            source in sources
            and item.removeprefix(ALL_ROWS.strip()).strip() in TABLES
            and item.startswith(ALL_ROWS.strip())
        ):
            table = item.removeprefix(ALL_ROWS.strip()).strip()
            proposal = Decision(COLUMN, source, f"{ALL_ROWS}{table}", "", "", "", "0", "1", "", decided=f"{table}.*")
            extra.append((_decide_column(proposal, row, by, reading), row))
        else:
            reading.blame(row.place(COLUMN_LABEL), "there is no such column in this sheet", "该表没有此列")
    return extra


def _is_about(row: Row, proposal: Decision) -> bool:
    if proposal.kind == SHEET:
        return row.texts[PLACE.en] == proposal.item
    if proposal.kind == CODE:
        return name_code_row(row) == (proposal.source, normalise_text(proposal.item))
    return row.texts[SOURCE.en] == proposal.source and normalise_text(row.texts[COLUMN_LABEL.en]) == normalise_text(
        proposal.item
    )


def _decide_sheet(proposal: Decision, row: Row, by: str, reading: Reading) -> Decision:
    text = row.texts[DECISION.en]
    if not text and not proposal.decided:
        reading.wait(row.place(DECISION), proposal.item)
    if not text:
        return proposal
    if is_accepted(text):
        return proposal if proposal.decided else replace(proposal, decided=proposal.proposed, decided_by=by)
    named = find_header_row_named(text)
    if named is not None:
        return _decide_header(proposal, named, row, by, reading)
    chosen = next((c for c in SHEET_CHOICES if text in (c.en, c.zh, f"{c.zh} {c.en}")), None)
    if chosen is None:
        names = Text(", ".join(c.en for c in SHEET_CHOICES), "、".join(c.zh for c in SHEET_CHOICES))
        reading.blame(row.place(DECISION), f"choose from the list: {names.en}", f"请从列表中选择：{names.zh}")
        return proposal
    return replace(proposal, decided=chosen.en, decided_by=by, note=row.texts[NOTE.en])


def _decide_header(proposal: Decision, named: tuple[int, int], row: Row, by: str, reading: Reading) -> Decision:
    """Take the header row that a person names; of a whole mapping it must be the one that the sheet was read with."""
    if proposal.proposed.startswith(HEADER_ROW):
        return replace(proposal, decided=f"{HEADER_ROW}{name_header(*named)}", decided_by=by, note=row.texts[NOTE.en])
    if is_other_header(named, proposal):
        reading.blame(
            row.place(DECISION),
            "another header row than the sheet was read with: run make new-hospital again with the delivery, it writes the worksheet anew "
            "and keeps what you filled in",
            "与读取时的表头行不同：请对同一数据再次运行 make new-hospital，系统将重写对应表并保留已填内容",
        )
    return replace(proposal, decided=RECORDS, decided_by=by, note=row.texts[NOTE.en])


def _find_nameless(decided: Sequence[Decision], rows: Sequence[Row], reading: Reading) -> None:
    """Wait for the patient's number of a sheet in which no column is it."""
    numbered = {d.source for d in decided if d.kind == COLUMN and d.decided == PATIENT_NUMBER}
    for d in (
        d
        for d in decided
        if d.kind == SHEET and d.decided in (RECORDS, ONE_RECORD, LAST_ROW) and d.source not in numbered
    ):
        row = next(row for row in rows if _is_about(row, d))
        reading.wait(row.place(DECISION), f"{d.item}: no column is the patient's number / 没有患者编号列")


def _decide_column(proposal: Decision, row: Row, by: str, reading: Reading) -> Decision:
    text, record, unit = row.texts[DECISION.en], row.texts[RECORD.en], row.texts[UNIT.en]
    if proposal.is_constant and not proposal.proposed:
        text = proposal.decided
    if not text or (is_accepted(text) and not proposal.proposed):
        reading.wait(row.place(DECISION), f"{proposal.source} › {proposal.item}")
        return proposal
    meaning = proposal.proposed if is_accepted(text) else _read_meaning(text, proposal)
    if meaning is None:
        told = "no such field; choose from the list (sheet 字段 Fields)"
        reading.blame(row.place(DECISION), told, "没有该字段；请从列表中选择（见“字段 Fields”表）")
        return proposal
    found = list_meanings().get(meaning)
    record = record or (proposal.record if is_accepted(text) else "")
    if meaning == proposal.proposed:
        unit = unit or (proposal.unit if is_accepted(text) else "")
    elif record == proposal.record and not _is_same_field(meaning, proposal.proposed):
        record = found.record if found else ""  # the constants of another field say nothing here
    if (
        not record
        and found
        and found.may_list
        and any(len(split_items(code)) > 1 for code in json.loads(proposal.codes or "{}"))
    ):
        record = EACH
    decided = replace(proposal, decided=meaning, decided_record=record, decided_unit=unit, note=row.texts[NOTE.en])
    decided = read_unit(decided, row, reading)
    _check_record(decided, row, reading)
    is_same = (meaning, record, unit) == (proposal.decided, proposal.decided_record, proposal.decided_unit)
    return replace(decided, decided_by=proposal.decided_by if is_same else by)


def _is_same_field(meaning: str, other: str) -> bool:
    first, second = list_meanings().get(meaning), list_meanings().get(other)
    return first is not None and second is not None and (first.table, first.field) == (second.table, second.field)


def _read_meaning(text: str, proposal: Decision) -> str | None:
    """Return the meaning that a cell names: by its id, its list entry, or its name in either language."""
    name = text.split(" | ", maxsplit=1)[0].strip()
    if (
        name in list_meanings()
        or name == NOT_SENT
        or (proposal.is_constant and name in (proposal.proposed, proposal.decided))
    ):
        return name
    named = [m for m in (*list_meanings(), NOT_SENT) if text in (describe_meaning(m).en, describe_meaning(m).zh)]
    return named[0] if len(named) == 1 else None


def _check_record(decided: Decision, row: Row, reading: Reading) -> None:
    found = list_meanings().get(decided.decided)
    if decided.is_constant and decided.decided != NOT_NEEDED and not decided.decided_record:
        told = Text("write what all rows have, such as visit_number=0", "请写明全部行的取值，如 visit_number=0")
        reading.blame(row.place(RECORD), told.en, told.zh)
    if not decided.decided_record or (found is None and not decided.is_constant):
        return
    table = decided.decided.split(".")[0]
    column = ColumnMap(
        0, decided.source, decided.item, "field", table, found.field if found else "", decided.decided_record, ""
    )
    for fault in check_field(column):
        reading.blame(row.place(RECORD), fault.en, fault.zh)


def _find_keyless(pairs: Sequence[tuple[Decision, Row | None]], known: Site | None, reading: Reading) -> None:
    """Wait for the parts of a table's key that nothing gives, at the first column of that table; sheets without records count for nothing."""
    empty = {d.source for d, _ in pairs if d.kind == SHEET and d.decided == NO_RECORDS}
    decided = [d for d, _ in pairs if d.source not in empty]
    for source, table, field in find_missing_keys(decided, known):
        row = next((row for d, row in pairs if row and d.source == source and d.decided.split(".")[0] == table), None)
        if row:
            told = describe_missing_key(source, table, field)
            place = row.place(DECISION)
            reading.waiting.append(Text(f"{place}: {told.en}", f"{place}：{told.zh}"))


def _share_with_lists(pairs: Sequence[tuple[Decision, Row | None]]) -> list[tuple[Decision, Row | None]]:
    """Let the items that a cell lists share the row's other fields of their table: a row is no record of its own then."""
    tables = {(d.source, d.decided.split(".")[0]) for d, _ in pairs if d.decided_record.startswith(EACH)}
    return [
        (replace(d, decided_record=SHARED), row)
        if not d.decided_record and d.kind == COLUMN and (d.source, d.decided.split(".")[0]) in tables
        else (d, row)
        for d, row in pairs
    ]


def _find_rivals(pairs: Sequence[tuple[Decision, Row | None]], known: Site | None, reading: Reading) -> None:
    """Blame a second column for one field of one record."""
    gone = {(d.source, d.item) for d, _ in pairs if d.decided == NOT_SENT}
    taken: dict[tuple[str, str, str], str] = {}
    lines = [(source.name, c) for source in known.sources for c in known.columns_of(source)] if known else []
    for source, c in lines:
        if c.field and not (c.is_checkbox or c.is_list) and (source, c.column) not in gone:
            taken[source, f"{c.table}.{c.field}", "" if c.record == SHARED else c.record] = c.column
    for d, row in ((d, row) for d, row in pairs if row and d.kind == COLUMN and d.decided):
        found = list_meanings().get(d.decided)
        is_apart = d.decided_record.startswith(("?", EACH))  # makes records of its own
        if found is None or not (found.field or found.id == PATIENT_NUMBER) or is_apart:
            continue
        record = "" if d.decided_record == SHARED else d.decided_record
        other = taken.setdefault((d.source, f"{found.table}.{found.field or found.id}", record), d.item)
        if other != d.item:
            reading.blame(
                row.place(DECISION), f"column '{other}' is already {d.decided}", f"列“{other}”已对应 {d.decided}"
            )
