"""Reads a worksheet that a person filled in: each fault and each open decision with its cell."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from etl.errors import OpenDecisionsError, RegistryError, WorksheetError
from etl.extract import ROW, Grid, read_delivery
from etl.onboarding.decisions import CODE, COLUMN, RECORDS, SHEET, Decision
from etl.onboarding.words import NOT_SENT, PATIENT_NUMBER, find_quantity, list_meanings
from etl.onboarding.worksheet import (
    ACCEPT,
    AUTHOR_ROWS,
    CODES,
    COLUMNS,
    DECIDED_BY,
    DECISION,
    FIELD,
    HEADER_ROW,
    NAME_EN,
    NAME_ZH,
    NOTE,
    README,
    RECORD,
    SHEET_CHOICES,
    SHEETS,
    SOURCE,
    UNIT,
    describe_meaning,
    list_choices,
)
from etl.onboarding.worksheet import (
    CODE as CODE_LABEL,
)
from etl.onboarding.worksheet import (
    COLUMN as COLUMN_LABEL,
)
from etl.pages.text import Text
from etl.site import SHARED, ColumnMap, Site, check_field, normalise_text
from schemas.units import NO_UNIT, find_factor

_SHOWN = 15
_UNIT_COLUMN = "column:"


@dataclass(frozen=True)
class Filled:
    """A worksheet as filled in: every decision, and the hospital's names."""

    decisions: tuple[Decision, ...]
    name_en: str
    name_zh: str


@dataclass
class _Reading:
    """What is found while reading: faults and open cells, each with its place."""

    faults: list[Text] = field(default_factory=list)
    waiting: list[Text] = field(default_factory=list)

    def blame(self, place: str, en: str, zh: str) -> None:
        self.faults.append(Text(f"{place}: {en}", f"{place}：{zh}"))

    def wait(self, place: str, what: str) -> None:
        self.waiting.append(Text(f"{place}: {what}", f"{place}：{what}"))


@dataclass(frozen=True)
class _Row:
    """One row of a sheet: its texts by the columns' English labels, and where each stands."""

    sheet: str
    number: int
    texts: Mapping[str, str]
    letters: Mapping[str, str]

    def place(self, label: Text) -> str:
        """Name the cell as Excel does."""
        return f"{self.sheet}!{self.letters[label.en]}{self.number}"


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
    reading = _Reading()
    names = _read_names(grids, reading)
    rows = {
        SHEET: list(_read_rows(grids, SHEETS, (SOURCE, DECISION, NOTE))),
        COLUMN: list(_read_rows(grids, COLUMNS, (SOURCE, COLUMN_LABEL, DECISION, RECORD, UNIT, NOTE))),
        CODE: list(_read_rows(grids, CODES, (FIELD, CODE_LABEL, DECISION))),
    }
    by, digest = names[DECIDED_BY.en], hash_worksheet(path)
    decided = [_decide(proposal, rows[proposal.kind], by, reading) for proposal in proposals]
    _find_rivals(decided, known, rows[COLUMN], reading)
    _find_nameless(decided, rows[SHEET], reading)
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
    return Filled(tuple(dated), names[NAME_EN.en], names[NAME_ZH.en])


def _make_error(kind: type[RegistryError], items: Sequence[Text], path: Path, told: Text) -> RegistryError:
    more = len(items) - _SHOWN
    rest = Text(f"\n  ... and {more} more", f"\n  …… 另有 {more} 处") if more > 0 else Text("", "")
    shown = items[:_SHOWN]
    return kind(
        f"The worksheet '{path}' {told.en}:\n  " + "\n  ".join(t.en for t in shown) + rest.en,
        f"对应表“{path}”{told.zh}：\n  " + "\n  ".join(t.zh for t in shown) + rest.zh,
    )


def _read_names(grids: Mapping[str | None, Grid], reading: _Reading) -> dict[str, str]:
    grid = grids.get(README)
    names = {}
    for label, row in AUTHOR_ROWS.items():
        cells = grid.cells.filter(grid.cells[ROW] == row + 1) if grid else None
        names[label.en] = (
            (cells["1"][0] or "").strip() if cells is not None and "1" in cells.columns and cells.height else ""
        )
    if not names[DECIDED_BY.en]:
        reading.wait(f"{README}!B{AUTHOR_ROWS[DECIDED_BY] + 1}", f"{DECIDED_BY.zh} {DECIDED_BY.en}")
    return names


def _read_rows(grids: Mapping[str | None, Grid], name: str, labels: Sequence[Text]) -> Iterator[_Row]:
    """Yield the rows below the header of one sheet.

    Raises:
        WorksheetError: the sheet or one of its columns is gone.
    """
    grid = grids.get(name)
    head = grid.cells.filter(grid.cells[ROW] == HEADER_ROW + 1) if grid else None
    places = (
        {normalise_text(head[p][0] or ""): p for p in head.columns if p != ROW}
        if head is not None and head.height
        else {}
    )
    found = {label.en: places.get(f"{label.zh} {label.en}") for label in labels}
    absent = [f"{label.zh} {label.en}" for label in labels if found[label.en] is None]
    if grid is None or absent:
        raise WorksheetError(
            f"The worksheet has no sheet '{name}' with the column(s) {', '.join(absent)} in row {HEADER_ROW + 1}. Take the worksheet "
            "as it was written, or make a new one: make new-hospital.",
            f"对应表中没有“{name}”工作表，或其第 {HEADER_ROW + 1} 行缺少列：{'、'.join(absent)}。请使用原对应表，或重新运行 make new-hospital。",
        )
    letters = {en: _name_column(int(place)) for en, place in found.items() if place is not None}
    for row in grid.cells.filter(grid.cells[ROW] > HEADER_ROW + 1).iter_rows(named=True):
        texts = {en: (row[place] or "").strip() for en, place in found.items() if place is not None}
        if any(texts.values()):
            yield _Row(name, row[ROW], texts, letters)


def _name_column(place: int) -> str:
    """Return Excel's letters of a 0-based column."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _decide(proposal: Decision, rows: Sequence[_Row], by: str, reading: _Reading) -> Decision:
    row = next((row for row in rows if _is_about(row, proposal)), None)
    if row is None:
        if proposal.kind == SHEET and not proposal.decided:
            return proposal
        reading.blame(
            proposal.kind,
            f"the row of '{proposal.item}' ({proposal.source}) is gone; put it back",
            f"缺少“{proposal.item}”（{proposal.source}）一行，请恢复",
        )
        return proposal
    if proposal.kind == SHEET:
        return _decide_sheet(proposal, row, by, reading)
    return (
        _decide_code(proposal, row, by, reading)
        if proposal.kind == CODE
        else _decide_column(proposal, row, by, reading)
    )


def _is_about(row: _Row, proposal: Decision) -> bool:
    if proposal.kind == SHEET:
        return row.texts[SOURCE.en] == proposal.source
    if proposal.kind == CODE:
        return row.texts[FIELD.en].split(" | ")[0] == proposal.source and normalise_text(
            row.texts[CODE_LABEL.en]
        ) == normalise_text(proposal.item)
    return row.texts[SOURCE.en] == proposal.source and normalise_text(row.texts[COLUMN_LABEL.en]) == normalise_text(
        proposal.item
    )


def _decide_sheet(proposal: Decision, row: _Row, by: str, reading: _Reading) -> Decision:
    text = row.texts[DECISION.en]
    if not text and not proposal.decided:
        reading.wait(row.place(DECISION), proposal.item)
    if not text:
        return proposal
    if _is_accepted(text):
        return proposal if proposal.decided else replace(proposal, decided=proposal.proposed, decided_by=by)
    chosen = next((c for c in SHEET_CHOICES if text in (c.en, c.zh, f"{c.zh} {c.en}")), None)
    if chosen is None:
        names = Text(", ".join(c.en for c in SHEET_CHOICES), "、".join(c.zh for c in SHEET_CHOICES))
        reading.blame(row.place(DECISION), f"choose from the list: {names.en}", f"请从列表中选择：{names.zh}")
        return proposal
    return replace(proposal, decided=chosen.en, decided_by=by, note=row.texts[NOTE.en])


def _find_nameless(decided: Sequence[Decision], rows: Sequence[_Row], reading: _Reading) -> None:
    """Wait for the patient's number of a sheet in which no column is it."""
    numbered = {d.source for d in decided if d.kind == COLUMN and d.decided == PATIENT_NUMBER}
    for d in (d for d in decided if d.kind == SHEET and d.decided == RECORDS and d.source not in numbered):
        row = next(row for row in rows if _is_about(row, d))
        reading.wait(row.place(DECISION), f"{d.item}: no column is the patient's number / 没有患者编号列")


def _decide_code(proposal: Decision, row: _Row, by: str, reading: _Reading) -> Decision:
    text = row.texts[DECISION.en]
    choices = list_choices(*proposal.source.split("."))
    if not text or (_is_accepted(text) and not proposal.proposed):
        reading.wait(row.place(DECISION), f"{proposal.source}: {proposal.item}")
        return proposal
    value = proposal.proposed if _is_accepted(text) else text
    if value not in choices:
        reading.blame(
            row.place(DECISION),
            f"this is none of the codes: {', '.join(choices)}",
            f"不在可选编码中：{', '.join(choices)}",
        )
        return proposal
    return replace(proposal, decided=value, decided_by=proposal.decided_by if value == proposal.decided else by)


def _decide_column(proposal: Decision, row: _Row, by: str, reading: _Reading) -> Decision:
    text, record, unit = row.texts[DECISION.en], row.texts[RECORD.en], row.texts[UNIT.en]
    if not text or (_is_accepted(text) and not proposal.proposed):
        reading.wait(row.place(DECISION), f"{proposal.source} › {proposal.item}")
        return proposal
    meaning = proposal.proposed if _is_accepted(text) else _read_meaning(text, proposal)
    if meaning is None:
        told = "no such field; choose from the list (sheet 字段 Fields)"
        reading.blame(row.place(DECISION), told, "没有该字段；请从列表中选择（见“字段 Fields”表）")
        return proposal
    found = list_meanings().get(meaning)
    if meaning == proposal.proposed:
        unit = unit or (proposal.unit if _is_accepted(text) else "")
    elif record == proposal.record:
        record = found.record if found else ""  # the constants of another meaning say nothing here
    decided = replace(proposal, decided=meaning, decided_record=record, decided_unit=unit, note=row.texts[NOTE.en])
    _check_unit(decided, row, reading)
    _check_record(decided, row, reading)
    is_same = (meaning, record, unit) == (proposal.decided, proposal.decided_record, proposal.decided_unit)
    return replace(decided, decided_by=proposal.decided_by if is_same else by)


def _is_accepted(text: str) -> bool:
    return text in (f"{ACCEPT.zh} {ACCEPT.en}", ACCEPT.en, ACCEPT.zh)


def _read_meaning(text: str, proposal: Decision) -> str | None:
    """Return the meaning that a cell names: by its id, its list entry, or its name in either language."""
    name = text.split(" | ", maxsplit=1)[0].strip()
    if name in list_meanings() or name == NOT_SENT or (proposal.is_constant and name == proposal.proposed):
        return name
    named = [m for m in (*list_meanings(), NOT_SENT) if text in (describe_meaning(m).en, describe_meaning(m).zh)]
    return named[0] if len(named) == 1 else None


def _check_unit(decided: Decision, row: _Row, reading: _Reading) -> None:
    """Blame a unit that cannot be, and wait for one that must be stated."""
    found = list_meanings().get(decided.decided)
    unit = decided.decided_unit
    if found is None or not found.field:
        return
    quantity, canonical = find_quantity(found)
    is_long_value = found.id == "laboratory.value"
    if unit.startswith(_UNIT_COLUMN):
        return
    if unit and is_long_value:
        return
    if unit and unit != NO_UNIT and (canonical is None or find_factor(quantity, unit, canonical) is None):
        told = f"no unit of this field; known: {canonical or '–'} and what docs/data-dictionary.md converts to it"
        reading.blame(
            row.place(UNIT),
            told,
            f"该字段没有此单位；登记库单位为 {canonical or '–'}，可换算单位见 docs/data-dictionary.md",
        )
    if not unit and (is_long_value or (decided.decided == decided.proposed and float(decided.unit_confidence) == 0.0)):
        reading.wait(row.place(UNIT), f"{decided.source} › {decided.item}: {UNIT.zh} {UNIT.en}")


def _check_record(decided: Decision, row: _Row, reading: _Reading) -> None:
    found = list_meanings().get(decided.decided)
    if not decided.decided_record or (found is None and not decided.is_constant):
        return
    table = decided.decided.split(".")[0]
    column = ColumnMap(
        0, decided.source, decided.item, "field", table, found.field if found else "", decided.decided_record, ""
    )
    for fault in check_field(column):
        reading.blame(row.place(RECORD), fault, fault)


def _find_rivals(decided: Sequence[Decision], known: Site | None, rows: Sequence[_Row], reading: _Reading) -> None:
    """Blame a second column for one field of one record."""
    gone = {(d.source, d.item) for d in decided if d.decided == NOT_SENT}
    taken: dict[tuple[str, str, str], str] = {}
    lines = [(source.name, c) for source in known.sources for c in known.columns_of(source)] if known else []
    for source, c in lines:
        if c.field and not c.is_checkbox and (source, c.column) not in gone:
            taken[source, f"{c.table}.{c.field}", "" if c.record == SHARED else c.record] = c.column
    for d in (d for d in decided if d.kind == COLUMN and d.decided):
        found = list_meanings().get(d.decided)
        if found is None or not (found.field or found.id == PATIENT_NUMBER) or found.record.startswith("?"):
            continue
        record = "" if d.decided_record == SHARED else d.decided_record
        other = taken.setdefault((d.source, f"{found.table}.{found.field or found.id}", record), d.item)
        if other != d.item:
            row = next(row for row in rows if _is_about(row, d))
            reading.blame(
                row.place(DECISION), f"column '{other}' is already {d.decided}", f"列“{other}”已对应 {d.decided}"
            )
