"""Holds what was loaded against the truth: each value right, asked about or set aside; none silently different, none lost, none invented."""

import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from schemas.contract import read_sent_key
from schemas.tables import TABLES
from world.cell import TRUTH
from world.mapping import HOSPITAL, is_same_column
from world.registry import pseudonym

COPY = " - 副本"
RIGHT, ASKED, WRONG, LOST, INVENTED, REFUSED = "right", "asked", "wrong", "lost", "invented", "refused"
FAULTS = (WRONG, LOST, INVENTED)


@dataclass(frozen=True)
class Case:
    """What became of one written value: its outcome, the form of its cell, and a line that shows it."""

    outcome: str
    form: str
    told: str


@dataclass
class Verdict:
    """All cases of a delivery."""

    cases: list = field(default_factory=list)
    refusal: str = ""

    def count(self):
        """(form, outcome) -> number."""
        return Counter((case.form, case.outcome) for case in self.cases)

    @property
    def faults(self):
        return [case for case in self.cases if case.outcome in FAULTS]


def judge(sheets, places, names, loaded):
    """Judge every written value by its cell's place; `names` are the columns' names in each sheet, as the registry calls them."""
    if loaded.refusal:
        return Verdict(refusal=loaded.refusal)
    findings = _index_findings(loaded.findings)
    records = {name: _index_records(name, frame) for name, frame in loaded.tables.items()}
    told = set()
    verdict = Verdict()
    for sheet, (file, page, first), columns in zip(sheets, places, names, strict=True):
        below = first + len(sheet.top) + len(sheet.header)
        for number, row in enumerate(sheet.rows, below):
            in_row = findings.get((file, page, number), ())
            slipped = _list_slipped(row, columns, in_row)
            for column, cell, about in zip(columns, row.cells, row.about, strict=False):
                asked = [f for f in in_row if f["table_name"] != "delivery" or _reaches(f, column, columns)]
                for record, name in _list_about(about):
                    own = records[record.table].get((_patient(record.number), record.key))
                    told.add((record.table, _patient(record.number), record.key))
                    is_set_aside = own is None and (record.table, record.key) in slipped
                    verdict.cases.append(_judge_value(record, name, cell, own, asked, is_set_aside=is_set_aside))
    for table, own in records.items():
        for (patient, key), values in own.items():
            if (table, patient, key) not in told:
                kind = _find_row(sheets, places, values)
                verdict.cases.append(Case(INVENTED, kind, f"{table} {key} of row {values['source_row']} ({kind})"))
    return verdict


def _reaches(finding, column, columns):
    """Whether a finding about a row is one about a column: a row that slipped aside is told from where it may have begun, or whole."""
    named = finding["source_column"]
    if not named:
        return True
    place = next((i for i, own in enumerate(columns) if is_same_column(own, named)), None)
    if finding["rule_id"] == "row.shifted" and place is not None:
        return columns.index(column) >= place
    return is_same_column(column, named)


def _list_slipped(row, columns, in_row):
    """The records of a row of which a cell slipped aside: where what makes them was set aside, so was the rest of them."""
    slipped = [f for f in in_row if f["rule_id"] == "row.shifted"]
    return {
        (record.table, record.key)
        for column, about in zip(columns, row.about, strict=False)
        for record, _ in _list_about(about)
        if any(_reaches(finding, column, columns) for finding in slipped)
    }


def _list_about(about):
    return [] if about is None else about if isinstance(about, list) else [about]


def _patient(number):
    """A number with and without its leading zeros is one patient's, whichever the file has."""
    return number.lstrip("0")


def _index_records(table, frame):
    """(patient's number, key) -> values; a patient nobody knows keeps his pseudonym."""
    keys = _list_keys(table)
    return {
        (_NUMBERS.get(row["patient_id"], row["patient_id"]), tuple(row[key] for key in keys)): row
        for row in frame.iter_rows(named=True)
    }


_NUMBERS = {}


def know(patients):
    """Tell the judge by which pseudonyms the registry may know the patients."""
    _NUMBERS.clear()
    _NUMBERS.update(
        {pseudonym(HOSPITAL, text): _patient(p.number) for p in patients for text in (p.number, p.number.lstrip("0"))}
    )


def _index_findings(findings):
    found = {}
    for row in findings.iter_rows(named=True):
        found.setdefault((_original(row["source_file"]), row["source_sheet"], row["source_row"]), []).append(row)
    return found


def _original(file):
    return file.replace(COPY, "")


def _judge_value(record, name, cell, own, asked, *, is_set_aside=False):
    truth = _find_truth(record, name)
    is_asked = is_set_aside or any(_is_about(finding, record, name) for finding in asked)
    told = f"{record.table}.{name} {record.key} {record.number}: written {cell.text!r} ({cell.form}), true {truth}"
    if own is None and truth in (None, (None, None)):
        return Case(RIGHT, cell.form, told)  # an empty cell makes no record of its own
    if own is None:
        return Case(ASKED if is_asked else LOST, cell.form, f"{told}, no record")
    value = own[name] if name != "value" else (own["value"], own["value_comparator"])
    told += f", loaded {value}"
    if any(_is_same(value, truth if allowed is TRUTH else allowed) for allowed in cell.allows):
        return Case(ASKED if is_asked else RIGHT, cell.form, told)
    if is_asked:
        return Case(ASKED, cell.form, told)
    is_empty = value in (None, (None, None))
    return Case(LOST if is_empty else WRONG, cell.form, told)


def _find_truth(record, name):
    if name == "value":
        return record.values["value"], record.values["value_comparator"]
    return pseudonym("person", record.values[name]) if name == "person_id" else record.values[name]


def _is_about(finding, record, name):
    """Whether a finding asks about this value, or set aside its record; a note, that it is missing or unusual, say nothing of its form."""
    rule, key = finding["rule_id"], finding["record_key"] or ""
    if (
        rule == "cell.stray"
        or finding["table_name"] == "delivery"
        or (finding["severity"] == "reject" and finding["table_name"] == "patient")
    ):
        return True
    # A box that says neither yes nor no, and a record without its key, are told by their own texts.
    if _is_key(key, record.table) and key != _name_key(record):
        return False
    is_question = finding["severity"] != "note" and not rule.endswith((".missing", ".implausible"))
    asks = rule.startswith(f"{record.table}.{name}.") and is_question
    return asks or (finding["severity"] == "reject" and finding["table_name"] == record.table)


def _list_keys(table):
    return [name for name in read_sent_key(TABLES[table]) if name != "patient_id"]


def _name_key(record):
    return ";".join(f"{name}={value}" for name, value in zip(_list_keys(record.table), record.key, strict=True))


def _is_key(text, table):
    return [part.partition("=")[0] for part in text.split(";")] == _list_keys(table)


def _is_same(value, allowed):
    if isinstance(value, tuple):
        number, sign = allowed if isinstance(allowed, tuple) else (allowed, None if allowed is None else "=")
        return value[1] == sign and _is_same(value[0], number)
    if isinstance(value, float) and isinstance(allowed, int | float):
        return abs(value - allowed) <= 1e-9 * max(1, abs(allowed))
    if isinstance(value, str) and isinstance(allowed, str):
        return _fold(value) == _fold(allowed)
    return value == allowed


def _fold(text):
    """A text as the registry keeps it: NFKC, blanks and line ends as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _find_row(sheets, places, values):
    """The form of the row that a record was made of."""
    for sheet, (file, page, first) in zip(sheets, places, strict=True):
        number = values["source_row"] - first - len(sheet.top) - len(sheet.header)
        if (file, page) == (_original(values["source_file"]), values["source_sheet"]):
            return sheet.rows[number].kind if 0 <= number < len(sheet.rows) else "outside the table"
    return "another file"
