"""What a person already wrote into a worksheet: it stays when the delivery is scanned again with the header rows named there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from etl.delivery.read import read_delivery
from etl.mapping.site import normalise_text
from etl.onboarding.decisions import CODE as CODE_KIND
from etl.onboarding.decisions import RECORDS, SHEET, Decision
from etl.onboarding.proposing.layout import HeaderRows
from etl.onboarding.worksheet.form import (
    CODE,
    CODES,
    COLUMN,
    COLUMNS,
    DECISION,
    FIELD,
    LEFT_OUT,
    NOTE,
    ONLY_ROWS,
    PLACE,
    RECORD,
    SHEETS,
    SOURCE,
    UNIT,
)  # fmt: skip
from etl.onboarding.worksheet.permission_rows import read_texts
from etl.onboarding.worksheet.rows import Reading, read_names, read_rows

_HEADER_ROW = re.compile(
    r"^(?:header rows?|表头行?|第)?\s*(?P<first>\d{1,4})(?:\s*[-–~至到]\s*(?P<last>\d{1,4}))?\s*行?$", re.IGNORECASE
)


@dataclass(frozen=True)
class Written:
    """The filled-in cells of a worksheet by their English labels.

    `names` are those of the first sheet, `sheets` the rows by place, `columns` by place and column (one that gives several fields
    has several rows), `codes` the decisions by field and code, `added` those of them that no proposal asked for. `header_rows` are those named for (file, sheet), first and last, 0 for none.
    `permission` are the texts of that sheet by their keys.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    sheets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    columns: Mapping[tuple[str, str], Sequence[Mapping[str, str]]] = field(default_factory=dict)
    codes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    header_rows: HeaderRows = field(default_factory=dict)
    added: Mapping[tuple[str, str], str] = field(default_factory=dict)
    permission: Mapping[str, str] = field(default_factory=dict)


def find_header_row_named(text: str) -> tuple[int, int] | None:
    """Return the first and last header row that a decision about a sheet names (`5`, `1-2`, `第5行`), 0 for no header."""
    match = _HEADER_ROW.match(text)
    return (int(match["first"]), int(match["last"] or match["first"])) if match else None


def read_written(path: Path, proposals: Sequence[Decision]) -> Written:
    """Return what stands in the cells of a worksheet that a person fills in; `proposals` are those that it was written with.

    Raises:
        WorksheetError: a sheet or one of its columns is gone.
    """
    grids = {grid.sheet: grid for grid in read_delivery(path).grids}
    sheets = {
        row.texts[PLACE.en]: row.texts
        for row in read_rows(grids, SHEETS, (SOURCE, PLACE, DECISION, NOTE), (ONLY_ROWS, LEFT_OUT))
    }
    places = {texts[SOURCE.en]: place for place, texts in sheets.items()}
    columns: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in read_rows(grids, COLUMNS, (SOURCE, COLUMN, DECISION, RECORD, UNIT, NOTE)):
        key = places.get(row.texts[SOURCE.en], ""), row.texts[COLUMN.en]
        columns.setdefault(key, []).append({label.en: row.texts[label.en] for label in (DECISION, RECORD, UNIT, NOTE)})
    codes = {
        (row.texts[FIELD.en].split(" | ")[0], normalise_text(row.texts[CODE.en])): row.texts[DECISION.en]
        for row in read_rows(grids, CODES, (FIELD, CODE, DECISION))
    }
    proposed = {(d.source, normalise_text(d.item)) for d in proposals if d.kind == CODE_KIND and d.seen}
    added = {key: decision for key, decision in codes.items() if key not in proposed}
    header_rows = {}
    for proposal in (d for d in proposals if d.kind == SHEET):
        described = json.loads(proposal.record)
        named = find_header_row_named(sheets.get(proposal.item, {}).get(DECISION.en, ""))
        if named is not None:
            header_rows[described["file"], described.get("sheet")] = named
    permission = {key: row.texts[DECISION.en] for key, row in read_texts(grids).items()}
    return Written(read_names(grids, Reading()), sheets, columns, codes, header_rows, added, permission)


def names_other_headers(written: Written, proposals: Sequence[Decision]) -> bool:
    """Whether a person names another header row than one of the sheets was read with."""
    sheets = [(d, json.loads(d.record)) for d in proposals if d.kind == SHEET]
    return any(is_other_header(written.header_rows.get((page["file"], page.get("sheet"))), d) for d, page in sheets)


def is_other_header(named: tuple[int, int] | None, sheet: Decision) -> bool:
    """Whether a person names another header (0 is none) than a sheet was read with, or one for a sheet read as an explanation."""
    page = json.loads(sheet.record)
    row = page.get("header_row", 0)
    read_with = (page.get("header_from", row), row) if sheet.proposed == RECORDS else None
    return named is not None and named != read_with
