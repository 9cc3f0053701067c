"""A person who knows the truth fills in the worksheet that `registry new-hospital` proposes: the second way to a mapping."""

import re
from collections import Counter
from dataclasses import dataclass

import polars as pl
from worksheet_desk import (
    CODE_DECISION,
    COLUMN_DECISION,
    COLUMN_RECORD,
    COLUMN_UNIT,
    PERMISSION,
    Cells,
    list_rows,
    name_line,
    read_cells,
    write_cells,
)

from etl.delivery.read import read_delivery
from etl.errors import OpenDecisionsError
from etl.mapping.parse import MISSING
from etl.mapping.read_site import load_site
from etl.mapping.site import EVERY_FIELD, EVERY_TABLE, normalise_code
from etl.mapping.units import OWN_UNITS
from etl.mapping.verbs import UNIT_COLUMN as UNIT_IN
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.proposing.draft import ALL_ROWS
from etl.onboarding.proposing.no_value import is_value
from etl.onboarding.proposing.words import ASK, UNIT_COLUMN, VALUE, read_fields
from etl.onboarding.take_worksheet import take_worksheet
from etl.onboarding.worksheet.form import AUTHOR_ROWS, CODES, COLUMNS, DECIDED_BY, HEADER_ROW, README, SHEETS
from etl.settings import Settings
from schemas.quantity import describe_quantity
from world.mapping import HOSPITAL, is_same_column
from world.pen import CONTRACTS

ROUNDS = 3
CODE_CHOICES = "I"
_NUMBER = re.compile(r"-?\d+")


@dataclass(frozen=True)
class Answered:
    """What a person was asked on the way, by column or code, and what was proposed as sure and had to be corrected.

    A number amid values like it that means nothing in this hospital was none of the registry's to know.
    """

    questions: Counter
    corrected: tuple
    told: tuple
    """Messages of the rounds in which something was still open."""
    is_taken: bool


def answer_worksheet(folder, written):
    """Propose a mapping, fill in its worksheet as the written mapping knows it, round after round; the mapping lies in `folder`."""
    settings = Settings(folder / "workspace", folder / "key", "both")
    proposed = propose_hospital(settings, HOSPITAL, written.path)
    known = load_site(written.site)
    questions, corrected, told, is_taken = Counter(), [], [], False
    for _ in range(ROUNDS):
        path = next(
            path for name in ("changes.xlsx", "worksheet.xlsx") if (path := proposed.worksheet.with_name(name)).exists()
        )
        cells = read_cells(path)
        headers = _correct_headers(cells, written)
        if headers:
            questions.update(headers.keys())
            write_cells(path, headers)
            proposed = propose_hospital(settings, HOSPITAL, written.path)
            continue
        changes = {(README, f"B{AUTHOR_ROWS[DECIDED_BY] + 1}"): "QD", **PERMISSION}
        changes |= _decide_columns(cells, known, questions, corrected)
        changes |= _decide_codes(cells, known, questions, corrected)
        changes |= dict(_add_constants(cells, known))
        changes |= dict(_add_codes(cells, known))
        write_cells(path, changes)
        try:
            take_worksheet(proposed.worksheet.parent, lambda _site: read_delivery(written.path))
        except OpenDecisionsError as error:
            told.append(str(error))
            if told.count(str(error)) > 1:
                break
            continue
        is_taken = True
        break
    return proposed.worksheet.parent, Answered(questions, tuple(corrected), tuple(told), is_taken)


def _correct_headers(cells: Cells, written):
    """The rows of the headers that were not found rightly, as the person writes them."""
    changes = {}
    for number, row in list_rows(cells, SHEETS):
        for sheet, (file, page, first) in zip(written.sheets, written.places, strict=True):
            last = first + len(sheet.top) + len(sheet.header) - 1
            true = str(last) if len(sheet.header) == 1 else f"{last - 1}-{last}"
            if (page or file) in row["B"] and row.get("C") not in (true, str(last), "0", None):
                changes[SHEETS, f"G{number}"] = true
    return changes


def _decide_columns(cells: Cells, known, questions, corrected):
    changes = {}
    for number, row in list_rows(cells, COLUMNS):
        source, column = row["B"], row["C"]
        beside = [other["C"] for _, other in list_rows(cells, COLUMNS) if other["B"] == source]
        said = _find_line(known, column, beside)
        if COLUMN_DECISION not in row or COLUMN_UNIT not in row:
            questions["column", source, column] += 1
        if not _is_same_meaning(row.get(COLUMN_DECISION, ""), said[0]):
            corrected.append((column, row[COLUMN_DECISION], said[0]))
        for letter, text in zip((COLUMN_DECISION, COLUMN_RECORD, COLUMN_UNIT), said, strict=True):
            if text or letter in row:
                changes[COLUMNS, f"{letter}{number}"] = text
    return changes


def _is_same_meaning(proposed, said):
    """Whether nothing is proposed as sure, or what the person says: `laboratory.value.alt_u_l` is `laboratory.value` of one test."""
    name = proposed.split(" | ")[0]
    return name in ("", said) or name.startswith(f"{said}.")


def _find_line(known, column, beside):
    """Decision, record and unit of a column, by its name; of a constant by its table. `beside` are the columns of the same sheet."""
    if column.startswith(ALL_ROWS):
        table = column.removeprefix(ALL_ROWS)
        record = next((c.record for c in known.columns if c.table == table and not c.column), None)
        return (f"{table}.*", record, "") if record else ("not_needed", "", "")
    exact = [c for c in known.columns if c.column == column]
    lines = exact or [c for c in known.columns if c.column and is_same_column(c.column, column)]
    line = next((c for c in lines if c.role == "field"), lines[0] if lines else None)
    if line is None:
        return ("not_needed", "", "")
    if line.role == "field" and not line.field:
        return (UNIT_COLUMN, line.record, "")
    return (name_line(line), line.record, _name_unit(line.unit, beside) or _find_unit(line))


def _name_unit(unit, beside):
    """A unit, or the column that holds it as the worksheet calls that."""
    named = unit.removeprefix(UNIT_IN)
    shown = next((name for name in beside if is_same_column(named, name)), named)
    return f"{UNIT_IN}{shown}" if unit.startswith(UNIT_IN) else unit


def _find_unit(line):
    """The unit that the registry takes where a mapping names none."""
    if line.role != "field" or not line.field:
        return ""
    spec = CONTRACTS[line.table][line.field]
    if spec.quantity_from and "test" not in line.constants:
        return OWN_UNITS
    if spec.dtype == pl.Date:
        return "whole days"  # who knows the truth knows the days of all months
    unit = describe_quantity(spec, line.constants.get("test")).unit
    return "" if unit in (None, "1") else unit


def _add_constants(cells, known):
    """Rows for what is the same in all rows, which no column gives."""
    rows = list_rows(cells, COLUMNS)
    last = max((number for number, _ in rows), default=0)
    constants = {c.table: c for c in known.columns if c.role == "field" and not c.column}
    for table, line in constants.items():
        for source in sorted({row["B"] for _, row in rows}):
            own = [row for _, row in rows if row["B"] == source]
            is_given = any(row["C"] == f"{ALL_ROWS}{table}" for row in own)
            names = [row["C"] for row in own]
            is_needed = any(
                c.table == table and c.column and is_same_column(c.column, name)
                for c in known.columns
                for name in names
            )
            if is_needed and not is_given:
                last += 1
                yield from (
                    ((COLUMNS, f"{letter}{last}"), text)
                    for letter, text in zip(
                        "BCIJ", (source, f"{ALL_ROWS}{table}", f"{table}.*", line.record), strict=True
                    )
                )


def _decide_codes(cells: Cells, known, questions, corrected):
    changes = {}
    for number, row in list_rows(cells, CODES):
        field, code = row["B"].split(" | ")[0], row["C"]
        table, name = field.split(".")[:2]
        as_it_stands = VALUE if VALUE in row.get(CODE_CHOICES, "").split(", ") else ASK
        value = _find_code(known, (table, name), normalise_code(code)) or as_it_stands
        if CODE_DECISION not in row:
            questions["code", field, code] += 1
        elif row[CODE_DECISION] not in (value, VALUE) and value != as_it_stands:
            corrected.append((code, row[CODE_DECISION], value))
        if CODE_DECISION not in row or value != as_it_stands:
            changes[CODES, f"{CODE_DECISION}{number}"] = value
    return changes


def _find_code(known, field, code):
    """What a code means in a field; in every field of a project it says nothing where it does so in those that have it."""
    if field == (EVERY_TABLE, EVERY_FIELD):
        meanings = {codes[code] for codes in known.codes.values() if code in codes}
        return MISSING if meanings == {MISSING} else None
    return known.codes.get(field, {}).get(code)


def _add_codes(cells, known):
    """Rows for the numbers that say nothing in this hospital and are not asked about, since they could be values."""
    rows = list_rows(cells, CODES)
    last = max((number for number, _ in rows), default=HEADER_ROW + 1)
    asked = {(row["B"].split(" | ")[0], normalise_code(row["C"])) for _, row in rows}
    for (table, field), codes in known.codes.items():
        for code in (code for code, value in codes.items() if value == MISSING and _NUMBER.fullmatch(code)):
            if (f"{table}.{field}", code) not in asked and is_value(code, read_fields(table)[field]):
                last += 1
                yield from (
                    ((CODES, f"{letter}{last}"), text)
                    for letter, text in zip("BCH", (f"{table}.{field}", code, MISSING), strict=True)
                )
